/* Buffers with the content of others (wire/graph.h): which of them one could do without. */
#ifndef HOLDFAST_VIEWER_HOLDERS_COPIES_H
#define HOLDFAST_VIEWER_HOLDERS_COPIES_H

#include "viewer/holders/heap.h"

/* Fills findings->copies, from a heap of which paths and reachability are known. False when memory
 * ran out. */
bool copies_find(const struct heap *heap, struct findings *findings);

#endif
