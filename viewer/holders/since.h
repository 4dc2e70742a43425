/* Since when the frames of the thread that took the snapshot have likely stood where they do.
 *
 * A frame has stood at its instruction at least since the first large block was allocated by what
 * it called there, if stacks tell one call from another; in a loop they do not. Where such a call
 * has made small objects alone, there is what the process had without them.
 */
#ifndef HOLDFAST_VIEWER_SINCE_H
#define HOLDFAST_VIEWER_SINCE_H

#include "viewer/holders/heap.h"

#define SINCE_UNKNOWN UINT64_MAX

/* When something was likely no longer of use. */
struct idle_since {
    uint64_t moment; /* not after the snapshot's; SINCE_UNKNOWN */
    uint64_t bytes;  /* live as the frame's call began; 0 unknown */
};

/* By frame of the graph, to be freed by the caller; NULL when memory ran out. */
struct idle_since *since_find(const struct heap *heap);

#endif
