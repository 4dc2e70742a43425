/* See names.h. */
#include "names.h"

#include <string.h>

uint32_t names_field(const struct heap *heap, uint32_t node, const char *field) {
    for (uint32_t i = heap->first_edge[node]; i < heap->first_edge[node + 1]; i++) {
        const struct heap_edge *edge = &heap->edges[i];
        if (edge->kind == EDGE_FIELD && heap_text_is(heap, edge->label, field))
            return edge->target;
    }
    return NODE_NONE;
}

uint32_t names_code(const struct heap *heap, uint32_t node) {
    for (uint32_t i = 1; node != NODE_NONE && i < heap->graph->code_count; i++)
        if (heap->graph->codes[i].object == node)
            return i;
    return 0;
}

const char *names_type(const struct heap *heap, uint32_t node) {
    return heap->graph->texts[heap->graph->types[heap_object(heap, node)->type].name];
}

const char *names_base(const char *file) {
    const char *slash = strrchr(file, '/');
    return slash && slash[1] ? slash + 1 : file;
}

static const char *last_part(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot && dot[1] ? dot + 1 : name;
}

const char *names_own(const struct heap *heap, uint32_t node) {
    const char *detail = heap->graph->texts[heap_object(heap, node)->detail];
    return last_part(detail);
}

const char *names_frame(const struct heap *heap, uint32_t node) {
    const struct graph_frame *frame = &heap->graph->frames[node - heap->frame_base];
    return heap->graph->texts[heap->graph->codes[frame->code].name];
}

static void add_kind(const struct heap *heap, uint32_t node, const char *kind, struct line *line) {
    const char *name = names_own(heap, node);
    line_add(line, "%s%s%s", kind, *name ? " " : "", name);
}

static void add_object(const struct heap *heap, uint32_t node, struct line *line) {
    switch (heap_kind(heap, node)) {
    case GRAPH_FUNCTION:
    case GRAPH_BUILTIN:
        add_kind(heap, node, "function", line);
        break;
    case GRAPH_CELL:
        line_add(line, "closure cell");
        break;
    case GRAPH_TYPE_OBJECT:
        add_kind(heap, node, "class", line);
        break;
    case GRAPH_MODULE:
        add_kind(heap, node, "module", line);
        break;
    case GRAPH_GENERATOR:
        add_kind(heap, node, names_type(heap, node), line);
        break;
    case GRAPH_CODE_OBJECT:
        add_kind(heap, node, "code", line);
        break;
    case GRAPH_METHOD:
        line_add(line, "bound method");
        break;
    default:
        line_add(line, "%s", *names_type(heap, node) ? names_type(heap, node) : "object");
    }
}

void names_add(const struct heap *heap, uint32_t node, struct line *line) {
    if (heap_is_object(heap, node))
        add_object(heap, node, line);
    else if (heap_is_frame(heap, node))
        line_add(line, "frame %s()", names_frame(heap, node));
    else
        line_add(line, "block");
}
