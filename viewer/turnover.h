/* What stacks allocated in the whole run, what became of it, and how long it lived.
 *
 * Sites are merged into rows: those of the same stack in several threads, or all of one place, the
 * user's line that asked for them. How long blocks lived is known of runs with --lifetimes alone.
 */
#ifndef HOLDFAST_VIEWER_TURNOVER_H
#define HOLDFAST_VIEWER_TURNOVER_H

#include "process_sites.h"
#include "report.h"

#include <stdbool.h>

struct turnover_row {
    uint32_t process; /* index; of the biggest site, as the two below */
    uint32_t node, kind;
    uint64_t made_bytes, made_blocks; /* allocated */
    uint64_t kept_bytes, kept_blocks; /* live when their process ended */
    uint64_t exit_bytes, exit_blocks; /* with what an interpreter gave back as it ended, if known */
    uint64_t peak_bytes;              /* live at the process's own peak */
    uint64_t biggest;                 /* private */
    uint32_t lifetime; /* into turnover.lifetimes, + 1; 0: none has ended, or unknown */
    bool told;         /* for who tells rows by several measures, each once */
};

struct turnover {
    const struct profile *profile;
    struct turnover_row *rows;
    uint32_t *order; /* numbers of rows: see turnover_most */
    uint32_t count;
    struct profile_lifetime *lifetimes; /* of rows; their nodes and kinds say nothing */
    uint32_t lifetime_count;
    struct turnover_row sums;
    struct profile_lifetime ended; /* of all rows */
    bool followed;                 /* lifetimes are known of all processes that it is about */
};

enum turnover_by { TURNOVER_BY_STACK, TURNOVER_BY_PLACE };

/* What those of several processes share, for who asks for one after the other. */
struct turnover_room {
    const struct profile *profile;
    const struct process_sites *sites;
    struct process_sites own; /* where nobody gave any */
    /* Rows of profile.type_lifetimes and profile.collected; empty at TURNOVER_BY_PLACE. */
    struct process_sites types, collected;
    uint32_t *stacks; /* by node: which stack it is without its thread, unless that is all that is
                         known; NULL at TURNOVER_BY_PLACE */
};

/* By node, a number for its stack without threads; and without native frames where `native` is not
 * set. `stacks` has room for all nodes and is clear. False: memory ran out. */
bool turnover_find_stacks(const struct profile *profile, bool native, uint32_t *stacks);

/* `sites` may be NULL. False when memory ran out; to be released in any case. */
bool turnover_room_open(struct turnover_room *room, const struct profile *profile,
                        const struct process_sites *sites, enum turnover_by by);
void turnover_room_release(struct turnover_room *room);
bool turnover_open_in(struct turnover *turnover, const struct turnover_room *room, uint32_t process,
                      enum turnover_by by);

/* Of `process` (an index), or of all (PROFILE_TREE), which at TURNOVER_BY_STACK are told apart.
 * False when memory ran out; to be released in any case. */
bool turnover_open(struct turnover *turnover, const struct profile *profile, uint32_t process,
                   enum turnover_by by);
void turnover_release(struct turnover *turnover);

/* Of a row's blocks that have ended; NULL: none has, or nothing is known. */
const struct profile_lifetime *turnover_of(const struct turnover *turnover,
                                           const struct turnover_row *row);

/* What a view puts first. */
uint64_t turnover_churn(const struct turnover_row *row); /* allocated, and given back before that */
uint64_t turnover_kept(const struct turnover_row *row);  /* exit_bytes */
uint64_t turnover_made(const struct turnover_row *row);
typedef uint64_t turnover_measure(const struct turnover_row *row);

/* Puts into `order` those that have most, at most so many, and none that has nothing; the one with
 * the most first. How many these are. */
uint32_t turnover_most(struct turnover *turnover, turnover_measure *measure, uint32_t most);

/* The highest number that a bucket stands for; UINT64_MAX for the last of `count`. */
uint64_t life_bucket_end(unsigned bucket, unsigned count);

/* The bucket in which the block lies that so many thousandths of all come before, or are. */
unsigned life_quantile(const uint64_t *buckets, unsigned count, unsigned thousandths);

/* Blocks that the stacks in `frees` are not known to have freed: a stack that is not counted there
 * may have freed all of them. */
uint64_t life_freed_elsewhere(const struct profile_lifetime *lifetime);

/* The innermost of the user's frames in a stack; the innermost one where there is none. */
uint32_t life_lead(const struct profile *profile, uint32_t node);

/* "freed", "during a collection", ...: by enum profile_end; and as JSON's keys. */
extern const char *const life_end_names[PROFILE_ENDS], *const life_end_keys[PROFILE_ENDS];

#endif
