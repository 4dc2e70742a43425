/* The graph around one holder, as a DOT digraph. */
#ifndef HOLDFAST_VIEWER_HOLDERS_DOT_H
#define HOLDFAST_VIEWER_HOLDERS_DOT_H

#include "viewer/holders/units.h"

/* A text that lives as long as the findings. */
const char *dot_describe(const struct heap *heap, const struct unit *unit, const char *title);

#endif
