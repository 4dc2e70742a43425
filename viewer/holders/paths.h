/* Paths as a Python user would write them. */
#ifndef HOLDFAST_VIEWER_PATHS_H
#define HOLDFAST_VIEWER_PATHS_H

#include "viewer/holders/heap.h"

struct path {
    enum holder_root root;
    const char *name;     /* of the variable */
    const char *function; /* and where it is; "" */
    const char *file;
    uint32_t line;
    struct line text;
    uint32_t start;     /* the edge that leaves top, or the local or stack place of a frame that
                           runs: what would have to go */
    uint32_t frame;     /* of a running frame's local: its node; else NODE_NONE */
    uint32_t slot;      /* of it */
    bool through_frame; /* it passes the frame of a generator or of a traceback */
};

/* To `node`, along heap->by. */
void path_find(const struct heap *heap, uint32_t node, struct path *path);
/* To the target of `edge`, whose last step is that edge. */
void path_by_edge(const struct heap *heap, uint32_t edge, struct path *path);
/* The same, but its text does not say in which function and line: "rows[3]". */
void path_without_place(const struct heap *heap, uint32_t edge, struct path *path);
/* What the path is about is the local that it starts with, whatever it passes: a dead one is what
 * has to go. Of paths that begin with a HEAP_DEAD edge. */
void path_stay_at_local(const struct heap *heap, struct path *path);

#endif
