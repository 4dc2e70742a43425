/* Use that is made of a frame's locals by other ways than its own instructions: functions that read
 * the locals of other frames, and those that tell native code where something lies.
 *
 * A helper that formats or evaluates a text with its caller's variables is not to be seen in the
 * caller's own code, but for its name. So the names of all functions that mention f_locals are
 * collected, and a function that mentions one of these may have its locals read when it goes on. A
 * helper's helper is not found.
 */
#include "heap.h"

#include <stdlib.h>
#include <string.h>

#define NAME_MAX_BYTES 128u

struct readers {
    char (*names)[NAME_MAX_BYTES];
    uint32_t count, capacity;
};

static bool add_name(struct readers *readers, const char *name, size_t length) {
    if (length == 0 || length >= NAME_MAX_BYTES || *name == '<')
        return true;
    if (readers->count == readers->capacity) {
        uint32_t capacity = readers->capacity ? readers->capacity * 2 : 64;
        char(*names)[NAME_MAX_BYTES] = realloc(readers->names, capacity * sizeof *names);
        if (!names)
            return false;
        readers->names = names;
        readers->capacity = capacity;
    }
    char *copy = readers->names[readers->count++];
    memcpy(copy, name, length);
    copy[length] = 0;
    return true;
}

/* The last part of a qualified name; of __init__ and the like the one before it. */
static bool add_function(struct readers *readers, const char *qualified) {
    const char *dot = strrchr(qualified, '.');
    const char *own = dot ? dot + 1 : qualified, *before = qualified;
    for (const char *at = qualified; dot && at < dot; at++)
        before = *at == '.' ? at + 1 : before;
    if (strncmp(own, "__", 2) != 0)
        return add_name(readers, own, strlen(own));
    return !dot || add_name(readers, before, (size_t)(dot - before));
}

static uint32_t field_of(const struct heap *heap, uint32_t node, const char *name) {
    const struct graph_object *object = &heap->graph->objects[node];
    for (uint32_t i = 0; i < object->edge_count; i++) {
        const struct graph_edge_record *edge = &heap->graph->edges[object->first_edge + i];
        if (edge->kind == EDGE_FIELD && heap_text_is(heap, edge->text, name))
            return edge->target;
    }
    return NODE_NONE;
}

static bool names(const struct heap *heap, uint32_t code, const char *name) {
    const struct graph_object *names = &heap->graph->objects[field_of(heap, code, "co_names")];
    for (uint32_t i = 0; i < names->edge_count; i++) {
        const struct graph_edge_record *edge = &heap->graph->edges[names->first_edge + i];
        if (heap_text_is(heap, heap->graph->objects[edge->target].detail, name))
            return true;
    }
    return false;
}

static int compare_names(const void *a, const void *b) {
    return strcmp(a, b);
}

/* Functions, whose names are qualified in all versions, and code of which none was made yet. */
static bool collect(const struct heap *heap, struct readers *readers) {
    for (uint32_t node = 1; node < heap->frame_base; node++) {
        enum graph_kind kind = heap_kind(heap, node);
        uint32_t code = kind == GRAPH_FUNCTION      ? field_of(heap, node, "__code__")
                        : kind == GRAPH_CODE_OBJECT ? node
                                                    : NODE_NONE;
        if (code != NODE_NONE && names(heap, code, "f_locals") &&
            !add_function(readers, heap->graph->texts[heap_object(heap, node)->detail]))
            return false;
    }
    if (readers->count > 0)
        qsort(readers->names, readers->count, sizeof *readers->names, compare_names);
    return true;
}

static bool is_reader(const struct readers *readers, const char *name) {
    return readers->count > 0 && strlen(name) < NAME_MAX_BYTES &&
           bsearch(name, readers->names, readers->count, sizeof *readers->names, compare_names);
}

/* By which native code is given memory that it may use later. */
static bool tells_address(const char *name) {
    static const char *const names[] = {"__array_interface__", "addressof", "buffer_info", "ctypes",
                                        "data_ptr"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static uint8_t mention_of(const struct readers *readers, const char *name) {
    return (uint8_t)((is_reader(readers, name) ? MENTIONS_READER : 0) |
                     (tells_address(name) ? MENTIONS_ADDRESS : 0));
}

bool readers_find(const struct heap *heap, uint8_t *mentions) {
    struct readers readers = {0};
    bool good = collect(heap, &readers);
    for (uint32_t i = 1; i < heap->graph->code_count && good; i++) {
        const struct graph_code *code = &heap->graph->codes[i];
        for (uint32_t k = 0; k < code->name_count; k++)
            mentions[i] |= mention_of(&readers, heap->graph->texts[code->names[k]]);
        for (uint32_t k = 0; k < code->local_count; k++)
            mentions[i] |= mention_of(&readers, heap->graph->texts[code->local_names[k]]);
    }
    free(readers.names);
    return good;
}
