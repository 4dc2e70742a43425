/* How long blocks live, how they end, and where they are freed: by site, with --lifetimes.
 *
 * A block's stub (stubs.h) knows when it was born, counted in allocations of its process and in
 * time, so that an end takes a look at that, and some sums at its site. Allocations are exact, and
 * the same run after run; times are those of ticks, which come about every millisecond. Sites have
 * sums once one of their blocks has ended; those beyond LIVES_SITES_MAX of all processes, in order
 * of that, share what their process has by kind. Of mapped pages nothing is known here.
 */
#ifndef HOLDFAST_COLLECTOR_LIVES_H
#define HOLDFAST_COLLECTOR_LIVES_H

#include <stdbool.h>
#include <stdint.h>

#include "../wire/profile.h"
#include "types.h"

/* Of the run. Half of them are for its first processes alone (FULL_IMAGES), so that many that end
 * soon leave some to these. */
#define LIVES_SITES_MAX 65536u
#define LIVES_KINDS 3u /* enum block_kind */

struct trace;
struct image;
struct stub;
struct builder;

struct site_life {
    uint64_t blocks[PROFILE_ENDS], bytes[PROFILE_ENDS]; /* by enum profile_end */
    uint64_t ages[PROFILE_AGES], times[PROFILE_TIMES];  /* see struct profile_lifetime */
    uint64_t ms;                                        /* lived by all of them together */
    struct site_free {
        uint32_t node; /* of struct stacks, + 1; 0: none yet */
        uint64_t blocks, bytes;
    } frees[PROFILE_FREES]; /* in order of their arrival; others are not told */
    struct {
        uint64_t blocks, bytes;
    } kept; /* of a type: that lived when the process ended */
};

/* Zeroed: empty. */
struct lives {
    struct site_life **list; /* by site; NULL: none of its blocks has ended, or it has no own one */
    uint32_t capacity;
    struct site_life *others[LIVES_KINDS]; /* of all such sites, by kind; NULL: none has ended */
    struct typed_lives typed;
    bool full;      /* there are such sites because the run had enough of them */
    bool no_memory; /* or because there was no memory; or some ends are in no sums */
};

/* How a block ends. */
struct death {
    enum profile_end end;
    uint32_t node; /* of struct stacks, + 1, where it was freed; 0: unknown */
    uint32_t type; /* of the object that it was, as a profile has it */
};

/* What is added up of each end. */
struct ending {
    struct death death;
    uint64_t size, age;
    uint32_t ms;
};

/* A block is born, as number `count` of its process. */
void lives_begin(const struct trace *trace, struct stub *stub, uint64_t count);

/* It ends, after `count` allocations of its process. */
void lives_end(struct trace *trace, struct image *image, const struct stub *stub, uint64_t size,
               struct death death, uint64_t count);

/* An end is added to those of a site, or of a type; and all of these to a row of the profile. */
void life_end(struct site_life *life, const struct ending *ending);
void life_add(struct builder *builder, const struct image *image, const struct site_life *life,
              struct profile_lifetime *row);

/* All of them go into the profile. */
void finish_lives(struct builder *builder, struct trace *trace);

void lives_release(struct lives *lives);

#endif
