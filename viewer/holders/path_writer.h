/* A path while it is written, step by step. For paths.c and path_names.c. */
#ifndef HOLDFAST_VIEWER_PATH_WRITER_H
#define HOLDFAST_VIEWER_PATH_WRITER_H

#include "paths.h"

struct path_writer {
    const struct heap *heap;
    struct path *path;
    bool suffix;       /* " in f() (file:line)" is still to be said */
    bool bare;         /* it never is */
    bool named;        /* the root has a name already */
    bool apart;        /* the next part of an expression begins behind an arrow */
    bool muted;        /* within what the last name stands for */
    uint32_t function; /* whose closure or defaults are looked into; NODE_NONE */
    enum { INSIDE_NOTHING, INSIDE_CLOSURE, INSIDE_DEFAULTS, INSIDE_KEYWORD_DEFAULTS } inside;
};

static inline const char *text_of(const struct heap *heap, uint32_t text) {
    return heap->graph->texts[text];
}

/* -- paths.c -- */

void path_set_root(struct path_writer *writer, enum holder_root root, const char *name);
void path_set_place(struct path_writer *writer, uint32_t code, uint32_t line);
/* What was written so far is dropped. */
void path_begin_anew(struct path_writer *writer);

/* -- path_names.c: each is true when nothing else is to be said of this step -- */

bool path_enter_function(struct path_writer *writer, uint32_t node, const struct heap_edge *edge);
bool path_inside_function(struct path_writer *writer, const struct heap_edge *edge);
bool path_enter_cache(struct path_writer *writer, uint32_t node, const struct heap_edge *edge);
bool path_inside_cache(struct path_writer *writer, uint32_t target);
bool path_inside_context(struct path_writer *writer, uint32_t node, uint32_t edge);

#endif
