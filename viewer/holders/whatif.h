/* What the process's peak would have been without what is dead or garbage. */
#ifndef HOLDFAST_VIEWER_WHATIF_H
#define HOLDFAST_VIEWER_WHATIF_H

#include "viewer/holders/units.h"

/* Bytes that would not have been there from one moment to another. */
struct release {
    uint32_t unit; /* 1 + its number, 0: of none */
    uint64_t from, to, bytes;
};

struct whatif {
    struct release *all; /* by unit */
    uint32_t count, capacity;
    uint64_t dead_bytes, garbage_bytes;
    uint64_t *floor;     /* by frame: when it began to stand where it does, the process had this
                            much of what it has at its peak; 0 not known */
    uint32_t only_frame; /* the only one with dead locals that free something; 0: several */
};

bool whatif_find(const struct heap *heap, const struct units *units, struct whatif *whatif);
void whatif_release(struct whatif *whatif);

#define WHATIF_ALL UINT32_MAX

/* The peak without the bytes of one unit (1 + its number), which are dead in `frame` (0: in none),
 * or without all. False when memory ran out. */
bool whatif_peak(const struct heap *heap, const struct whatif *whatif, uint32_t unit,
                 uint32_t frame, uint64_t *peak);

#endif
