/* What top reaches: with every edge (alive), and with all dead edges cut at once (kept).
 */
#include "heap.h"

#include <stdlib.h>

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

static void spread(struct heap *heap, struct work *work, uint8_t flag, uint8_t without) {
    while (work->count > 0) {
        uint32_t node = work->nodes[--work->count];
        for (uint32_t i = heap->first_edge[node]; i < heap->first_edge[node + 1]; i++)
            if (!(heap->edges[i].flags & without))
                visit(heap, work, heap->edges[i].target, flag);
    }
}

static bool mark_from(struct heap *heap, uint32_t node) {
    struct work work = {malloc(heap->node_count * sizeof(uint32_t)), 0};
    if (!work.nodes)
        return false;
    visit(heap, &work, node, NODE_REACHED);
    spread(heap, &work, NODE_REACHED, 0);
    visit(heap, &work, node, NODE_KEPT);
    spread(heap, &work, NODE_KEPT, HEAP_DEAD);
    free(work.nodes);
    return true;
}

bool reach_mark(struct heap *heap) {
    return mark_from(heap, heap->top);
}

/* `node` turns out to be held after all. */
bool reach_more(struct heap *heap, uint32_t node) {
    return mark_from(heap, node);
}
