/* References that were found against reference counts. What a count has more than was found is held
 * by native code; what was found more than a count has shows that something is misunderstood. In
 * both cases top refers to the object, so that nothing is claimed of it or of what it holds.
 *
 * A word of static memory that points to an object may be a reference, or borrowed, or left over.
 * It explains a reference that is missing otherwise, and is left out where none is.
 */
#include "heap.h"

static void count_found(struct heap *heap) {
    for (uint32_t i = 0; i < heap->edge_count; i++) {
        const struct heap_edge *edge = &heap->edges[i];
        if (edge->flags & HEAP_COUNTED && heap_is_object(heap, edge->target))
            heap->found[edge->target]++;
    }
}

/* Whether static memory keeps the object, or shows where one is that is never freed. */
static bool explains(struct heap *heap, uint32_t object) {
    uint64_t references = heap->graph->objects[object].references;
    if (heap->flags[object] & (NODE_LEFT_OUT | NODE_UNCERTAIN) ||
        heap->graph->objects[object].type == 0)
        return false;
    if (references == 0)
        return true;
    if (heap->found[object] >= references)
        return false;
    heap->found[object]++;
    return true;
}

static void judge_statics(struct heap *heap) {
    for (uint32_t i = 1; i < heap->graph->root_count; i++) {
        const struct graph_root_record *root = &heap->graph->roots[i];
        if (root->kind != GRAPH_ROOT_STATIC)
            continue;
        if (explains(heap, root->object))
            heap->flags[root->object] |= NODE_STATIC;
        else
            heap->flags[heap->root_base + i] |= NODE_LEFT_OUT;
    }
}

static bool add_top(struct heap *heap, uint32_t target, enum heap_edge_kind kind, uint32_t label) {
    return heap_add_edge(heap, (struct heap_edge){target, label, (uint8_t)kind, 0});
}

/* Free-threaded builds keep a count in two halves, which need not agree with anything yet. */
static bool settle_object(struct heap *heap, uint32_t node) {
    const struct graph_object *object = &heap->graph->objects[node];
    uint64_t found = heap->found[node];
    if (heap->flags[node] & NODE_LEFT_OUT)
        return true;
    if (object->type != 0 && object->references == 0)
        return heap->flags[node] & NODE_STATIC || add_top(heap, node, HEAP_TOP_IMMORTAL, 0);
    if (object->type == 0 || heap->graph->flags & GRAPH_FREE_THREADED ||
        heap->flags[node] & NODE_UNCERTAIN || found > object->references)
        return add_top(heap, node, HEAP_TOP_UNSETTLED, 0);
    uint64_t missing = object->references - found;
    if (missing == 0)
        return true;
    return add_top(heap, node, HEAP_TOP_NATIVE,
                   missing < UINT32_MAX ? (uint32_t)missing : UINT32_MAX);
}

static bool add_orphans(struct heap *heap) {
    for (uint32_t i = 1; i < heap->graph->frame_count; i++) {
        const struct graph_frame *frame = &heap->graph->frames[i];
        bool owned = frame->owner != 0 && !(heap->flags[frame->owner] & NODE_LEFT_OUT);
        if (frame->thread == 0 && !owned && !add_top(heap, heap->frame_base + i, HEAP_TOP_FRAME, 0))
            return false;
    }
    return true;
}

bool accounting_settle(struct heap *heap) {
    const struct graph *graph = heap->graph;
    count_found(heap);
    judge_statics(heap);
    heap->first_edge[heap->top] = heap->edge_count;
    for (uint32_t i = 1; i < graph->thread_count; i++)
        if (!add_top(heap, heap->thread_base + i, HEAP_TOP_THREAD, 0))
            return false;
    for (uint32_t i = 1; i < graph->root_count; i++)
        if (!(heap->flags[heap->root_base + i] & NODE_LEFT_OUT) &&
            !add_top(heap, heap->root_base + i, HEAP_TOP_ROOT, 0))
            return false;
    for (uint32_t node = 1; node < heap->frame_base; node++)
        if (!settle_object(heap, node))
            return false;
    if (!add_orphans(heap))
        return false;
    heap->top_live_end = heap->first_edge[heap->node_count] = heap->edge_count;
    return true;
}
