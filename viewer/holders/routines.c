/* See routines.h. */
#include "routines.h"

#include <stdlib.h>
#include <string.h>

/* -- Where code comes from -- */

/* What these have to do with other frames' locals is known, and found by name (viewer/liveness.c):
 * numpy's bmat and r_ and pandas' eval and query read them. Otherwise pandas only looks whether its
 * caller holds one object. What pytest and pluggy show of a test that failed is no use of it. */
static const char *const known_packages[] = {"_pytest", "numpy", "pandas", "pluggy", "pytest"};

static bool is_known(const char *package, size_t length) {
    for (size_t i = 0; i < sizeof known_packages / sizeof *known_packages; i++)
        if (strlen(known_packages[i]) == length && memcmp(known_packages[i], package, length) == 0)
            return true;
    return false;
}

struct place_of_origin origin_of(const char *file) {
    static const char *const folders[] = {"/site-packages/", "/dist-packages/"};
    static const char carried[] = "<holdfast>/"; /* by the injected library, for `run --watch` */
    if (strncmp(file, carried, sizeof carried - 1) == 0)
        return (struct place_of_origin){ORIGIN_OURS, "", 0};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        const char *at = strstr(file, folders[i]);
        if (!at)
            continue;
        at += strlen(folders[i]);
        size_t length = strcspn(at, "/");
        if (length == 8 && memcmp(at, "holdfast", length) == 0)
            return (struct place_of_origin){ORIGIN_OURS, "", 0};
        return (struct place_of_origin){is_known(at, length) ? ORIGIN_KNOWN : ORIGIN_PACKAGE, at,
                                        length};
    }
    bool standard = strncmp(file, "<frozen ", 8) == 0 || strstr(file, "/lib/python3.") ||
                    strstr(file, "/lib64/python3.");
    return (struct place_of_origin){standard ? ORIGIN_STANDARD : ORIGIN_PROGRAM, "", 0};
}

/* -- The list -- */

uint32_t field_of(const struct heap *heap, uint32_t node, const char *name) {
    const struct graph_object *object = &heap->graph->objects[node];
    for (uint32_t i = 0; i < object->edge_count; i++) {
        const struct graph_edge_record *edge = &heap->graph->edges[object->first_edge + i];
        if (edge->kind == EDGE_FIELD && heap_text_is(heap, edge->text, name))
            return edge->target;
    }
    return NODE_NONE;
}

static uint32_t detail_of(const struct heap *heap, uint32_t node) {
    return heap_kind(heap, node) == GRAPH_STR ? heap_object(heap, node)->detail : 0;
}

static struct routine describe(const struct heap *heap, uint32_t code) {
    uint32_t file = detail_of(heap, field_of(heap, code, "co_filename"));
    return (struct routine){.code = code,
                            .name = detail_of(heap, field_of(heap, code, "co_name")),
                            .from = origin_of(heap->graph->texts[file])};
}

bool routines_list(const struct heap *heap, struct routines *routines) {
    uint32_t count = 0;
    for (uint32_t node = 1; node < heap->frame_base; node++)
        count += heap_kind(heap, node) == GRAPH_CODE_OBJECT;
    *routines = (struct routines){.heap = heap,
                                  .all = malloc((count + 1ul) * sizeof *routines->all),
                                  .of_code = calloc(heap->frame_base, sizeof(uint32_t))};
    if (!routines->all || !routines->of_code)
        return false;
    for (uint32_t node = 1; node < heap->frame_base; node++) {
        if (heap_kind(heap, node) != GRAPH_CODE_OBJECT)
            continue;
        routines->all[routines->count++] = describe(heap, node);
        routines->of_code[node] = routines->count;
    }
    return true;
}

void routines_release(struct routines *routines) {
    free(routines->all);
    free(routines->of_code);
}

struct routine *routines_find(const struct routines *routines, uint32_t code) {
    uint32_t place = routines->of_code[heap_is_object(routines->heap, code) ? code : 0];
    return place ? &routines->all[place - 1] : NULL;
}

/* -- Words -- */

/* Of a tuple; constants are texts, and tuples of them. */
static bool tuple_mentions(const struct heap *heap, uint32_t tuple, const uint8_t *words,
                           uint8_t flags, bool constants) {
    const struct graph_object *object = heap_object(heap, tuple);
    if (object->flags & GRAPH_OBJECT_UNREAD && words[0] & flags)
        return true;
    for (uint32_t i = 0; i < object->edge_count; i++) {
        const struct graph_edge_record *edge = &heap->graph->edges[object->first_edge + i];
        if (edge->kind != EDGE_ITEM)
            continue;
        uint32_t word = detail_of(heap, edge->target);
        if ((word != 0 || !constants) && words[word] & flags)
            return true;
        if (!constants || heap_kind(heap, edge->target) != GRAPH_TUPLE)
            continue;
        const struct graph_object *inner = heap_object(heap, edge->target);
        for (uint32_t k = 0; k < inner->edge_count; k++) {
            word = detail_of(heap, heap->graph->edges[inner->first_edge + k].target);
            if (word != 0 && words[word] & flags)
                return true;
        }
    }
    return false;
}

bool routine_mentions(const struct routines *routines, const struct routine *routine,
                      const uint8_t *words, uint8_t flags) {
    static const char *const locals[] = {"co_varnames", "co_cellvars", "co_freevars"};
    const uint8_t elsewhere = flags & (uint8_t)~WORD_AS_NAME;
    const struct heap *heap = routines->heap;
    const struct graph_object *code = heap_object(heap, routine->code);
    for (uint32_t i = 0; i < code->edge_count; i++) {
        const struct graph_edge_record *edge = &heap->graph->edges[code->first_edge + i];
        if (edge->kind != EDGE_FIELD)
            continue;
        bool constants = heap_text_is(heap, edge->text, "co_consts"), local = false;
        for (size_t k = 0; k < sizeof locals / sizeof *locals; k++)
            local |= heap_text_is(heap, edge->text, locals[k]);
        bool names = heap_text_is(heap, edge->text, "co_names");
        if ((constants || local || names) &&
            tuple_mentions(heap, edge->target, words, names ? flags : elsewhere, constants))
            return true;
    }
    return false;
}

bool routine_makes(const struct routines *routines, const struct routine *routine,
                   uint8_t readings) {
    const struct heap *heap = routines->heap;
    const struct graph_object *tuple =
        heap_object(heap, field_of(heap, routine->code, "co_consts"));
    for (uint32_t i = 0; i < tuple->edge_count; i++) {
        const struct routine *made =
            routines_find(routines, heap->graph->edges[tuple->first_edge + i].target);
        if (made && made->readings & readings)
            return true;
    }
    return false;
}
