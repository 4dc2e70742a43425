/* See since.h. */
#include "since.h"

#include "viewer/python_stacks.h"

#include <stdlib.h>

#define STEPS_MAX (1u << 26) /* up stacks, in all */

/* The pending allocation's stack. */
struct pending {
    struct python_stacks stacks;
    uint32_t
        *depth; /* by stack of these: how many frames it has, if it is a part of that; else 0 */
    uint64_t *since; /* by frame, the outermost is 0 */
    uint32_t count;
};

/* How many frames a stack has in common with the pending allocation's. */
static uint32_t common_frames(const struct pending *pending, uint32_t node, uint32_t *steps) {
    uint32_t at = pending->stacks.of[node];
    while (pending->stacks.depth[at] != 0 && pending->depth[at] == 0 && *steps > 0) {
        at = pending->stacks.parent[at];
        --*steps;
    }
    return pending->depth[at];
}

static bool pending_open(const struct heap *heap, struct pending *pending) {
    if (!python_stacks_open(&pending->stacks, heap->profile))
        return false;
    uint32_t at = pending->stacks.of[heap->snapshot->pending_node];
    pending->count = pending->stacks.depth[at];
    pending->depth = calloc(heap->profile->node_count, sizeof *pending->depth);
    pending->since = malloc((pending->count + 1ul) * sizeof *pending->since);
    if (!pending->depth || !pending->since)
        return false;
    for (uint32_t i = pending->count; i > 0; i--, at = pending->stacks.parent[at])
        pending->depth[at] = i;
    return true;
}

static void pending_release(struct pending *pending) {
    python_stacks_release(&pending->stacks);
    free(pending->depth);
    free(pending->since);
}

static void look_at_blocks(const struct heap *heap, struct pending *pending) {
    uint32_t steps = STEPS_MAX;
    uint64_t *since = pending->since;
    for (uint32_t i = 0; i < pending->count; i++)
        since[i] = heap->snapshot->first_moment;
    for (uint32_t i = 0; i < heap->snapshot->block_count && pending->count > 0; i++) {
        uint32_t common = common_frames(pending, heap->blocks[i].node, &steps);
        if (common > 0 && heap->blocks[i].birth < since[common - 1])
            since[common - 1] = heap->blocks[i].birth;
    }
    for (uint32_t i = pending->count; i-- > 1;)
        if (since[i] < since[i - 1])
            since[i - 1] = since[i];
}

/* Those of that thread have as many as the stack: then they are its. */
static bool tell_frames(const struct heap *heap, const struct pending *pending, uint64_t *of) {
    const struct graph *graph = heap->graph;
    uint32_t *counts = calloc(graph->thread_count, sizeof *counts);
    if (!counts)
        return false;
    for (uint32_t i = 1; i < graph->frame_count; i++)
        counts[graph->frames[i].thread]++;
    for (uint32_t i = 1; i < graph->frame_count; i++) {
        const struct graph_frame *frame = &graph->frames[i];
        bool own = graph->threads[frame->thread].flags & 1;
        bool known =
            own && counts[frame->thread] == pending->count && frame->depth < pending->count;
        of[i] = known ? pending->since[pending->count - 1 - frame->depth]
                      : heap->snapshot->first_moment;
    }
    free(counts);
    return true;
}

bool since_find(const struct heap *heap, struct since *since) {
    struct pending pending = {0};
    since->of = calloc(heap->graph->frame_count + 1ul, sizeof *since->of);
    bool good = since->of && pending_open(heap, &pending);
    if (good)
        look_at_blocks(heap, &pending);
    good = good && tell_frames(heap, &pending, since->of);
    pending_release(&pending);
    return good;
}

void since_release(struct since *since) {
    free(since->of);
}
