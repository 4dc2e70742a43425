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

/* By frame of the graph. */
struct since {
    uint64_t *moment; /* not after the snapshot's; SINCE_UNKNOWN */
    uint64_t *bytes;  /* live as its call began; 0 unknown */
};

/* False when memory ran out; to be released in any case. */
bool since_find(const struct heap *heap, struct since *since);
void since_release(struct since *since);

#endif
