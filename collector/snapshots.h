/* The snapshots of one process: what was live when each was taken, the heap graph that its copy
 * brings, and which of them are worth keeping.
 *
 * A snapshot is *awaited* until its copy comes for the list of large blocks, *walking* while the
 * copy writes its stream, and then *arrived*, with a stream or without. Of those taken as the heap
 * grew, the last one before the peak is kept, and the last one after it, for when the peak is
 * passed again; where such a one tells of locals alone, so is the last one of the whole heap, if
 * that was not far smaller; also the one at the ceiling, those that were asked for, and those that
 * explain the peaks of regions which the program has marked, of the highest such peaks.
 */
#ifndef HOLDFAST_COLLECTOR_SNAPSHOTS_H
#define HOLDFAST_COLLECTOR_SNAPSHOTS_H

#include <stdbool.h>
#include <stdint.h>

#include "../wire/join.h"
#include "../wire/profile.h"

struct trace;
struct image;

#define SNAPSHOTS_REQUESTED_MAX 16u
#define SNAPSHOTS_MAX 64u
#define SNAPSHOTS_CROWDED 40u /* then those of regions that are still open may go */
#define SNAPSHOTS_PAUSES 16u

/* How long the copy may take to come, and then to walk: its own timer is shorter. */
#define SNAPSHOT_AWAITED_NS 1000000000u
#define SNAPSHOT_WALKING_NS 12000000000u

struct snapshot_block {
    uint64_t address, size;
    uint64_t birth, death; /* moments; death 0: not yet */
    uint64_t idle_ns;      /* not touched for so long then; 0 unknown */
    uint32_t site;
};

enum snapshot_state { SNAPSHOT_AWAITED, SNAPSHOT_WALKING, SNAPSHOT_ARRIVED };

struct snapshot {
    uint32_t number; /* in its image, from 1 */
    uint32_t reason; /* enum profile_snapshot_reason */
    uint32_t flags;  /* enum profile_snapshot_flags */
    enum snapshot_state state;
    uint64_t since_ns; /* the state */
    uint64_t seq;      /* the last change of live bytes before it */
    uint64_t time_ns, bytes, pending_bytes;
    uint32_t pending_node; /* of struct stacks */
    uint64_t moment;
    uint64_t pause_ns, walk_ns, copy_bytes;
    struct snapshot_block *blocks; /* by rising address */
    uint32_t block_count;
    int stream; /* memfd; -1: none */
    uint64_t stream_size;
    bool left_out;  /* its stream was given up: all of them together were too large */
    uint32_t index; /* in the profile that is being put together, + 1; 0: it is not in there */
    char name[SNAPSHOT_NAME_MAX + 1];
};

/* Zeroed: empty. */
struct snapshots {
    struct snapshot *list[SNAPSHOTS_MAX]; /* in the order of their numbers */
    uint32_t count;
    uint32_t last;                           /* number of the last one */
    uint32_t last_request;                   /* number of the last one that was asked for */
    char wanted_name[SNAPSHOT_NAME_MAX + 1]; /* of the next one that was asked for */
    uint64_t paused, paused_ns; /* what the program said of pauses, when it was last looked at */
    uint64_t pauses[SNAPSHOTS_PAUSES]; /* of the last ones, by number */
};

/* A snapshot is taken now. `node` is of struct stacks. False when the number is not the next. */
bool snapshots_take(struct trace *trace, struct image *image, uint64_t number, uint32_t reason,
                    uint64_t pending_bytes, uint32_t node);

/* NULL when there is none, or it was not worth keeping. */
struct snapshot *snapshots_find(const struct image *image, uint32_t number);

/* Its copy's walk came to its end, and the stream is there. */
bool snapshot_is_complete(const struct snapshot *snapshot);

/* None has told it yet, or one died before its end. */
bool snapshots_may_walk(const struct snapshot *snapshot);

/* The copy has come: `stream` (owned from now on) is what it writes to. */
void snapshots_walk(struct trace *trace, struct snapshot *snapshot, int stream);

/* The copy has gone: takes what it wrote. May drop this snapshot or others. */
void snapshots_arrive(struct trace *trace, struct image *image, struct snapshot *snapshot);

/* Gives up copies that never came (they could not be made, or died at once), and drops the
 * snapshots that others have made needless. */
void snapshots_settle(const struct trace *trace, struct image *image);

/* A copy may still come, or is at work. */
bool snapshots_pending(const struct trace *trace, const struct image *image);

/* The block that was born in this moment has ended. */
void snapshots_block_died(struct image *image, uint64_t address, uint64_t birth, uint64_t moment);

/* Looks up how long the program says it stood still: in each pass, since it only tells the sum. */
void snapshots_take_pauses(struct image *image);

/* Of those that have arrived, the one that explains the image's peak best; NULL: there is none. */
struct snapshot *snapshots_best(const struct image *image);

/* It was taken after the peak, in case a higher one was to come, and one from before explains the
 * peak as well: needless where none has come. */
bool snapshots_is_past(const struct image *image, const struct snapshot *snapshot);

void snapshots_release(struct image *image);

#endif
