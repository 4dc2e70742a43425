/* What top reaches: with every edge (alive), and with all dead edges cut at once (kept).
 *
 * Being referred to is not the only way to be of use. Kept are also, with all that they refer to:
 * what a weak reference that is kept can still give; what does something when it is destroyed,
 * which may be what it is there for (a guard, a directory that is removed with it), or makes itself
 * reachable again; memory that native code may know by its address; and what has not been read, and
 * may refer to any of these.
 */
#include "heap.h"

#include <stdlib.h>
#include <string.h>

#define BASES_MAX 32u

struct work {
    uint32_t *nodes;
    uint32_t count;
};

static void visit(struct heap *heap, struct work *work, uint32_t node, uint8_t flag) {
    if (heap->flags[node] & (flag | NODE_LEFT_OUT))
        return;
    heap->flags[node] |= flag;
    work->nodes[work->count++] = node;
}

static void visit_referent(struct heap *heap, struct work *work, uint32_t node) {
    const struct graph_object *object = heap_object(heap, node);
    for (uint32_t i = 0; i < object->edge_count; i++) {
        const struct graph_edge_record *edge = &heap->graph->edges[object->first_edge + i];
        if (edge->kind == EDGE_WEAK)
            visit(heap, work, edge->target, NODE_KEPT);
    }
}

static void spread(struct heap *heap, struct work *work, uint8_t flag, uint8_t without) {
    while (work->count > 0) {
        uint32_t node = work->nodes[--work->count];
        for (uint32_t i = heap->first_edge[node]; i < heap->first_edge[node + 1]; i++)
            if (!(heap->edges[i].flags & without))
                visit(heap, work, heap->edges[i].target, flag);
        if (flag == NODE_KEPT && heap_kind(heap, node) == GRAPH_WEAKREF)
            visit_referent(heap, work, node);
    }
}

/* -- Of use without a reference -- */

static bool begins_with(const char *text, const char *start) {
    return strncmp(text, start, strlen(start)) == 0;
}

/* ctypes and cffi, and classes derived from theirs. */
static bool lends_memory(const struct heap *heap, const struct graph_type *type) {
    const struct graph *graph = heap->graph;
    const char *name = graph->texts[type->name];
    uint32_t class = type->object;
    for (uint32_t depth = 0; depth < BASES_MAX; depth++) {
        if (begins_with(name, "_ctypes.") || begins_with(name, "_cffi_backend."))
            return true;
        uint32_t base = 0;
        for (uint32_t i = 0; i < graph->objects[class].edge_count; i++) {
            const struct graph_edge_record *edge =
                &graph->edges[graph->objects[class].first_edge + i];
            if (edge->kind == EDGE_FIELD && heap_text_is(heap, edge->text, "__base__"))
                base = edge->target;
        }
        name = graph->texts[graph->objects[base].detail];
        class = base;
    }
    return false;
}

/* Files in memory have a finalizer like any others, and nothing to do in it. */
static bool acts_at_its_end(const struct heap *heap, const struct graph_type *type) {
    return type->flags & GRAPH_TYPE_FINALIZER && !heap_text_is(heap, type->name, "_io.BytesIO") &&
           !heap_text_is(heap, type->name, "_io.StringIO");
}

/* Of a shallow walk, but for what refers to nothing of consequence. */
static bool may_hold_anything(const struct heap *heap, uint32_t node) {
    const struct graph_object *object = heap_object(heap, node);
    const char *detail = heap->graph->texts[object->detail];
    size_t length = strlen(detail);
    if (!(object->flags & GRAPH_OBJECT_UNREAD))
        return false;
    switch (heap_kind(heap, node)) {
    case GRAPH_STR:
    case GRAPH_BYTES:
    case GRAPH_BYTEARRAY:
    case GRAPH_NUMBER:
        return false;
    case GRAPH_NDARRAY: /* "(3,) object" */
        return !(object->flags & GRAPH_OBJECT_OWNS) || length < 6 ||
               strcmp(detail + length - 6, "object") == 0;
    default:
        return true;
    }
}

static bool keep_useful(struct heap *heap, struct work *work) {
    const struct graph *graph = heap->graph;
    bool *useful = calloc(graph->type_count, sizeof *useful);
    if (!useful)
        return false;
    for (uint32_t i = 1; i < graph->type_count; i++)
        useful[i] = acts_at_its_end(heap, &graph->types[i]) || lends_memory(heap, &graph->types[i]);
    for (uint32_t node = 1; node < heap->frame_base; node++)
        if (heap_is_freed(heap, node) &&
            (useful[heap_object(heap, node)->type] || may_hold_anything(heap, node)))
            visit(heap, work, node, NODE_KEPT);
    spread(heap, work, NODE_KEPT, HEAP_DEAD);
    free(useful);
    return true;
}

static bool mark_from(struct heap *heap, uint32_t node) {
    struct work work = {malloc(heap->node_count * sizeof(uint32_t)), 0};
    if (!work.nodes)
        return false;
    visit(heap, &work, node, NODE_REACHED);
    spread(heap, &work, NODE_REACHED, 0);
    visit(heap, &work, node, NODE_KEPT);
    spread(heap, &work, NODE_KEPT, HEAP_DEAD);
    bool good = node != heap->top || keep_useful(heap, &work);
    free(work.nodes);
    return good;
}

bool reach_mark(struct heap *heap) {
    return mark_from(heap, heap->top);
}

/* `node` turns out to be held after all. */
bool reach_more(struct heap *heap, uint32_t node) {
    return mark_from(heap, node);
}
