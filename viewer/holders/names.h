/* What an object is called: "function fill", "closure cell", "app.Node". */
#ifndef HOLDFAST_VIEWER_NAMES_H
#define HOLDFAST_VIEWER_NAMES_H

#include "viewer/holders/heap.h"

void names_add(const struct heap *heap, uint32_t node, struct line *line);
/* Of a function, class, module ...; "" when it is not known. */
const char *names_own(const struct heap *heap, uint32_t node);
/* Target of a field of an object, or NODE_NONE. */
uint32_t names_field(const struct heap *heap, uint32_t node, const char *field);
/* Record of a code object, or 0. */
uint32_t names_code(const struct heap *heap, uint32_t node);
const char *names_type(const struct heap *heap, uint32_t node);
const char *names_frame(const struct heap *heap, uint32_t node);
/* A file's name without its folders. */
const char *names_base(const char *file);

#endif
