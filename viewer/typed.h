/* What became of Python's objects by type (run --lifetimes): how long those of each type lived and
 * how they ended, how many never did, and which waited for a collection of garbage, by type and
 * stack or place.
 */
#ifndef HOLDFAST_VIEWER_TYPED_H
#define HOLDFAST_VIEWER_TYPED_H

#include "turnover.h"

struct typed {
    const struct profile *profile;
    struct profile_lifetime *types; /* what had most bytes first; their nodes are types */
    uint32_t type_count;
    struct profile_collected *collected; /* the most bytes first, each pair once */
    uint32_t collected_count;
    uint64_t collected_bytes;
    struct profile_lifetime ended; /* of all types */
};

/* Of `process` (an index), or of all (PROFILE_TREE). What a collection has freed is told apart by
 * stacks, or where the room is TURNOVER_BY_PLACE by the places that they lead to: then the node is
 * of the biggest. False when memory ran out; to be released in any case. */
bool typed_open(struct typed *typed, const struct turnover_room *room, uint32_t process);
void typed_release(struct typed *typed);

/* "app.Node"; of what is no type, what it stands for. */
const char *typed_name(const struct profile *profile, uint32_t type);

/* "python" with a __del__ of Python code, "native" with another finalizer; NULL: none. */
const char *typed_finalizer(const struct profile *profile, uint32_t type);

/* All that ended, whatever way; and with what never did. */
uint64_t typed_bytes(const struct profile_lifetime *lifetime);
uint64_t typed_all_bytes(const struct profile_lifetime *lifetime);

#endif
