/* What the process's peak would have been without what is dead or garbage: between which bounds. */
#ifndef HOLDFAST_VIEWER_WHATIF_H
#define HOLDFAST_VIEWER_WHATIF_H

#include "viewer/holders/since.h"
#include "viewer/holders/units.h"

/* A block that would have been let go, or all the small objects of one unit. */
struct release {
    uint32_t unit; /* 1 + its number, 0: of none */
    bool small;
    bool sure;             /* not a block that others may own as well */
    bool mapping;          /* of which a part may have lived on when it died */
    uint64_t birth, death; /* moments, as of struct profile_block; of small objects not known */
    struct idle_since since;
    uint64_t bytes;
    uint64_t floor; /* there was at least so much as it was made */
};

struct whatif {
    struct release *all;
    uint32_t count, capacity;
    uint64_t dead_bytes, garbage_bytes;
    uint64_t small_end; /* small objects are not known to be there from that moment on */
    const struct profile_moment *moments; /* of the process */
    uint32_t moment_count;
    uint64_t rest;      /* the highest of those that are not in the list */
    bool peak_is_known; /* one of them has it */
};

bool whatif_find(const struct heap *heap, const struct units *units, struct whatif *whatif);
void whatif_release(struct whatif *whatif);

#define WHATIF_ALL UINT32_MAX

/* The peak without the bytes of one unit (1 + its number), or without all. False when memory ran
 * out. */
bool whatif_peak(const struct heap *heap, const struct whatif *whatif, uint32_t unit,
                 struct peak_without *peak);

#endif
