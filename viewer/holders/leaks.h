/* References that are lost (docs/references.md): by the module that has taken them, and by type. */
#ifndef HOLDFAST_VIEWER_LEAKS_H
#define HOLDFAST_VIEWER_LEAKS_H

#include "viewer/holders/heap.h"

/* Fills findings->leaks. False when memory ran out. */
bool leaks_find(const struct heap *heap, struct findings *findings);

#endif
