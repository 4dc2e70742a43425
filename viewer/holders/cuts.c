/* See cuts.h: from what is freed backwards, over what is freed with it, to the dead locals. */
#include "cuts.h"

#include <stdlib.h>

struct walk {
    const struct heap *heap;
    bool *seen;
    uint32_t *work, work_count;
    uint32_t *edges, count; /* dead ones that were found, callers' first */
};

static const struct graph_frame *frame_of(const struct walk *walk, uint32_t edge) {
    return &walk->heap->graph->frames[walk->heap->source[edge] - walk->heap->frame_base];
}

/* Threads in their order, and in each the callers first. */
static bool comes_before(const struct walk *walk, uint32_t one, uint32_t other) {
    const struct graph_frame *a = frame_of(walk, one), *b = frame_of(walk, other);
    if (a->thread != b->thread)
        return a->thread < b->thread;
    return a->depth != b->depth ? a->depth > b->depth : one < other;
}

static void add_cut(struct walk *walk, uint32_t edge) {
    uint32_t at = walk->count < CUTS_TOLD ? walk->count : CUTS_TOLD;
    for (; at > 0 && comes_before(walk, edge, walk->edges[at - 1]); at--)
        if (at < CUTS_TOLD)
            walk->edges[at] = walk->edges[at - 1];
    if (at < CUTS_TOLD)
        walk->edges[at] = edge;
    walk->count++;
}

static void follow(struct walk *walk, uint32_t edge) {
    const struct heap *heap = walk->heap;
    uint32_t source = heap->source[edge];
    if (source >= heap->top)
        return;
    if (!heap_is_freed(heap, source)) {
        if (heap->edges[edge].flags & HEAP_DEAD && heap_is_frame(heap, source))
            add_cut(walk, edge);
    } else if (!walk->seen[source]) {
        walk->seen[source] = true;
        walk->work[walk->work_count++] = source;
    }
}

/* One that stands for many is kept by what refers to them all. */
static void begin(struct walk *walk, const struct unit *unit) {
    if (unit->loose) {
        follow(walk, unit->by);
        return;
    }
    walk->seen[unit->node] = true;
    walk->work[walk->work_count++] = unit->node;
}

void cuts_find(const struct heap *heap, const struct unit *unit, struct cuts *cuts) {
    uint32_t edges[CUTS_TOLD] = {0};
    struct walk walk = {heap,
                        calloc(heap->node_count, sizeof *walk.seen),
                        malloc(heap->node_count * sizeof *walk.work),
                        0,
                        edges,
                        0};
    cuts->count = cuts->told = 0;
    if (walk.seen && walk.work)
        begin(&walk, unit);
    while (walk.work_count > 0) {
        uint32_t node = walk.work[--walk.work_count];
        for (uint32_t i = heap->first_in[node]; i < heap->first_in[node + 1]; i++)
            follow(&walk, heap->in[i]);
    }
    cuts->count = walk.count;
    cuts->told = walk.count < CUTS_TOLD ? walk.count : CUTS_TOLD;
    for (uint32_t i = 0; i < cuts->told; i++) {
        path_by_edge(heap, edges[i], &cuts->paths[i]);
        if (cuts->paths[i].frame != NODE_NONE)
            path_stay_at_local(heap, &cuts->paths[i]);
    }
    free(walk.seen);
    free(walk.work);
}
