/* Since when the frames of the thread that took the snapshot have stood where they do, as far as
 * large blocks tell.
 *
 * A frame has stood at its instruction at least since the first large block was allocated by what
 * it called there, if stacks tell one call from another; in a loop they do not. So this is an
 * estimate.
 */
#ifndef HOLDFAST_VIEWER_SINCE_H
#define HOLDFAST_VIEWER_SINCE_H

#include "viewer/holders/heap.h"

struct since {
    uint64_t *of; /* by frame of the graph: a moment, not after the snapshot's */
};

/* False when memory ran out; to be released in any case. */
bool since_find(const struct heap *heap, struct since *since);
void since_release(struct since *since);

#endif
