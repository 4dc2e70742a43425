/* What the process's peak would have been at most without what is dead or garbage. */
#ifndef HOLDFAST_VIEWER_WHATIF_H
#define HOLDFAST_VIEWER_WHATIF_H

#include "viewer/holders/units.h"

/* A point of the process's run: in a moment, which had these bytes at the most before. */
struct whatif_point {
    uint64_t moment, bytes;
};

/* Bytes that would not have been there from one point up to another. */
struct release {
    uint32_t unit; /* 1 + its number, 0: of none */
    struct whatif_point from, to;
    uint64_t bytes;
};

struct whatif {
    struct release *all; /* by unit */
    uint32_t count, capacity;
    uint64_t dead_bytes, garbage_bytes;
};

bool whatif_find(const struct heap *heap, const struct units *units, struct whatif *whatif);
void whatif_release(struct whatif *whatif);

#define WHATIF_ALL UINT32_MAX

/* The peak without the bytes of one unit (1 + its number), or without all; never too low, as far as
 * whatif.c says. False when memory ran out. */
bool whatif_peak(const struct heap *heap, const struct whatif *whatif, uint32_t unit,
                 uint64_t *peak);

#endif
