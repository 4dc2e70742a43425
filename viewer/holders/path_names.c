/* Where something is known by a better name than the way to it: a closure's variable, a default
 * argument, a cache, a context variable. The path's text begins anew with that.
 */
#include <string.h>

#include "names.h"
#include "path_writer.h"

#define CO_VARARGS 4u
#define CO_VARKEYWORDS 8u

/* -- Functions -- */

/* Of a code without a record: its names are in tuples, free variables last or alone. */
static const char *free_variable_in_tuple(const struct heap *heap, uint32_t code, uint32_t index,
                                          uint32_t cells) {
    uint32_t names = names_field(heap, code, "co_freevars"), skip = 0;
    if (names == NODE_NONE) {
        names = names_field(heap, code, "co_varnames");
        uint32_t count = heap->graph->objects[names].edge_count;
        if (count < cells)
            return "";
        skip = count - cells;
    }
    uint32_t at = heap->first_edge[names] + skip + index;
    return at < heap->first_edge[names + 1]
               ? text_of(heap, heap_object(heap, heap->edges[at].target)->detail)
               : "";
}

static const char *free_variable(const struct heap *heap, uint32_t function, uint32_t index) {
    uint32_t object = names_field(heap, function, "__code__"), code = names_code(heap, object);
    const struct graph_code *record = &heap->graph->codes[code];
    uint32_t closure = names_field(heap, function, "__closure__");
    if (!code)
        return free_variable_in_tuple(heap, object, index,
                                      heap->graph->objects[closure].edge_count);
    for (uint32_t i = 0, free = 0; i < record->local_count; i++)
        if (record->local_kinds[i] & GRAPH_FREE_VARIABLE && free++ == index)
            return text_of(heap, record->local_names[i]);
    return "";
}

static void tell_closure(struct path_writer *writer, uint32_t index) {
    const struct heap *heap = writer->heap;
    uint32_t code = names_code(heap, names_field(heap, writer->function, "__code__"));
    const char *name = free_variable(heap, writer->function, index);
    path_begin_anew(writer);
    path_set_root(writer, HOLDER_CLOSURE, name);
    if (code)
        path_set_place(writer, code, heap->graph->codes[code].first_line);
    writer->path->function = names_own(heap, writer->function);
    line_add(&writer->path->text, "closure %s%sof %s()", name, *name ? " " : "",
             writer->path->function);
}

/* The last of the positional arguments have defaults. Those that can only be named follow them, and
 * are told apart only by having defaults of their own. */
static const char *argument_with_default(const struct heap *heap, uint32_t function, uint32_t code,
                                         uint32_t index) {
    const struct graph_code *record = &heap->graph->codes[code];
    uint32_t defaults = names_field(heap, function, "__defaults__");
    uint32_t count = heap->graph->objects[defaults].edge_count;
    uint32_t others =
        (record->flags & CO_VARARGS ? 1u : 0) + (record->flags & CO_VARKEYWORDS ? 1u : 0);
    if (!code || names_field(heap, function, "__kwdefaults__") != NODE_NONE ||
        record->argument_count < others + count)
        return "";
    uint32_t at = record->argument_count - others - count + index;
    return at < record->local_count ? text_of(heap, record->local_names[at]) : "";
}

static void tell_default(struct path_writer *writer, const char *name, uint32_t code) {
    const struct heap *heap = writer->heap;
    path_begin_anew(writer);
    path_set_root(writer, HOLDER_DEFAULT, name);
    if (code)
        path_set_place(writer, code, heap->graph->codes[code].first_line);
    writer->path->function = names_own(heap, writer->function);
    line_add(&writer->path->text, "default argument %s%sof %s()", name, *name ? " " : "",
             writer->path->function);
}

/* Steps within what belongs to a function; true when nothing else is to be said of this one. */
bool path_inside_function(struct path_writer *writer, const struct heap_edge *edge) {
    const struct heap *heap = writer->heap;
    uint32_t code = names_code(heap, names_field(heap, writer->function, "__code__"));
    if (writer->inside == INSIDE_CLOSURE && edge->kind == EDGE_ITEM)
        tell_closure(writer, edge->label);
    else if (writer->inside == INSIDE_DEFAULTS && edge->kind == EDGE_ITEM)
        tell_default(writer, argument_with_default(heap, writer->function, code, edge->label),
                     code);
    else if (writer->inside == INSIDE_KEYWORD_DEFAULTS && edge->kind == EDGE_VALUE)
        tell_default(writer, text_of(heap, heap_object(heap, edge->label)->detail), code);
    else
        return false;
    writer->inside = INSIDE_NOTHING;
    return true;
}

bool path_enter_function(struct path_writer *writer, uint32_t node, const struct heap_edge *edge) {
    const struct heap *heap = writer->heap;
    if (heap_kind(heap, node) != GRAPH_FUNCTION || edge->kind != EDGE_FIELD)
        return false;
    writer->inside = heap_text_is(heap, edge->label, "__closure__")      ? INSIDE_CLOSURE
                     : heap_text_is(heap, edge->label, "__defaults__")   ? INSIDE_DEFAULTS
                     : heap_text_is(heap, edge->label, "__kwdefaults__") ? INSIDE_KEYWORD_DEFAULTS
                                                                         : INSIDE_NOTHING;
    writer->function = node;
    return writer->inside != INSIDE_NOTHING;
}

/* -- Caches, contexts -- */

static bool type_has(const struct heap *heap, uint32_t node, const char *part) {
    return heap_is_object(heap, node) && strstr(names_type(heap, node), part) != NULL;
}

/* A cache refers to the function that it stands for. */
bool path_enter_cache(struct path_writer *writer, uint32_t node, const struct heap_edge *edge) {
    const struct heap *heap = writer->heap;
    const char *function = "";
    if (!type_has(heap, node, "_lru_cache_wrapper") ||
        heap_kind(heap, edge->target) == GRAPH_FUNCTION)
        return false;
    for (uint32_t i = heap->first_edge[node]; i < heap->first_edge[node + 1]; i++)
        if (heap_kind(heap, heap->edges[i].target) == GRAPH_FUNCTION)
            function = names_own(heap, heap->edges[i].target);
    path_begin_anew(writer);
    path_set_root(writer, HOLDER_CACHE, function);
    writer->path->function = function;
    line_add(&writer->path->text, "functools.lru_cache of %s()", function);
    writer->muted = true;
    return true;
}

bool path_inside_cache(struct path_writer *writer, uint32_t target) {
    if (!writer->muted)
        return false;
    writer->muted = heap_kind(writer->heap, target) == GRAPH_DICT ||
                    type_has(writer->heap, target, "_lru_list_elem");
    return true;
}

static const char *variable_name(const struct heap *heap, uint32_t variable) {
    for (uint32_t i = heap->first_edge[variable]; i < heap->first_edge[variable + 1]; i++) {
        uint32_t target = heap->edges[i].target;
        if (heap_kind(heap, target) == GRAPH_STR)
            return text_of(heap, heap_object(heap, target)->detail);
    }
    return "";
}

/* A context's variables are in a tree, whose nodes refer to a variable and then to its value. */
bool path_inside_context(struct path_writer *writer, uint32_t node, uint32_t edge) {
    const struct heap *heap = writer->heap;
    if (!type_has(heap, node, "hamt") && !type_has(heap, node, "Context"))
        return false;
    if (type_has(heap, heap->edges[edge].target, "hamt"))
        return true;
    const char *name = "";
    if (edge > heap->first_edge[node] && type_has(heap, heap->edges[edge - 1].target, "ContextVar"))
        name = variable_name(heap, heap->edges[edge - 1].target);
    path_begin_anew(writer);
    path_set_root(writer, HOLDER_CONTEXT, name);
    line_add(&writer->path->text, "context variable %s", name);
    return true;
}
