/* What the report has a line for: big objects, and many small ones that are told as one. */
#ifndef HOLDFAST_VIEWER_UNITS_H
#define HOLDFAST_VIEWER_UNITS_H

#include "viewer/holders/heap.h"

#define UNITS_MAX 50u

struct unit {
    uint32_t node;  /* the object, or the container, or one of those that are told as one */
    uint32_t shown; /* object whose type is told: one of them */
    uint32_t count; /* of those */
    uint32_t by;    /* the edge that the path to it ends with */
    uint64_t bytes;
    uint64_t freed; /* of them, what letting go of everything dead frees */
    uint32_t site;  /* that allocated the largest block of it; 0 none */
    uint64_t site_bytes;
    bool garbage;
    bool loose; /* `node` is one of them, and what refers to it is what holds them all */
};

struct units {
    struct unit *all;
    uint32_t count, capacity;
    uint32_t *of;   /* by node: 1 + its unit, 0 none */
    uint64_t least; /* bytes that deserve a line */
};

bool units_find(const struct heap *heap, struct units *units);
void units_release(struct units *units);

#endif
