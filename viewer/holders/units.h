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
    uint64_t birth; /* of that block */
    uint64_t site_idle_ns;
    uint32_t holder; /* 1 + its number in the findings, 0: none */
    bool garbage;
    bool loose; /* `node` is one of them, and what refers to it is what holds them all */
};

/* What a frame, a module ... keeps: pieces with the same key and type are told as one. */
struct piece {
    uint32_t node, type;
    uint64_t key; /* what refers to it; of garbage its type */
    uint64_t bytes;
};

struct units {
    struct unit *all;
    uint32_t count, capacity;
    uint32_t *of;   /* by node: 1 + its unit, 0 none */
    uint64_t least; /* bytes that deserve a line */
};

bool units_find(const struct heap *heap, struct units *units);
void units_release(struct units *units);

/* Frames, modules, classes and roots keep many things that have nothing to do with each other: what
 * they dominate is told by itself. */
bool units_ends_the_way(const struct heap *heap, uint32_t node);
/* What a block is told as: the object that the path to it comes by. */
uint32_t units_stands_for(const struct heap *heap, uint32_t node);
/* What refers to a node: the same key is the same holder. */
uint64_t units_holder_key(const struct heap *heap, uint32_t node);
/* By key and type, the biggest first. */
int units_compare_pieces(const void *a, const void *b);
/* Makes the largest block of a unit the one that its stack is told of. */
void units_note_block(const struct heap *heap, struct unit *unit, uint32_t node);
/* Not a block that others may own as well, and that need not go with what refers to it. */
bool units_is_sure(const struct heap *heap, uint32_t node);

#endif
