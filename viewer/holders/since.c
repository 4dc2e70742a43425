/* See since.h. */
#include "since.h"

#include "viewer/python_stacks.h"

#include <stdlib.h>
#include <string.h>

#define STEPS_MAX (1u << 26) /* up stacks, in all */

/* The pending allocation's stack, and by its frames, of which the outermost is 0. */
struct pending {
    struct python_stacks stacks;
    uint32_t
        *depth; /* by stack of these: how many frames it has, if it is a part of that; else 0 */
    uint32_t count;
    uint64_t *moment;
    uint64_t *made; /* of the peak's bytes, by what was called there */
    bool made_known;
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
    pending->moment = malloc((pending->count + 1ul) * sizeof *pending->moment);
    pending->made = calloc(pending->count + 1ul, sizeof *pending->made);
    if (!pending->depth || !pending->moment || !pending->made)
        return false;
    for (uint32_t i = pending->count; i > 0; i--, at = pending->stacks.parent[at])
        pending->depth[at] = i;
    return true;
}

static void pending_release(struct pending *pending) {
    python_stacks_release(&pending->stacks);
    free(pending->depth);
    free(pending->moment);
    free(pending->made);
}

static void look_at_blocks(const struct heap *heap, struct pending *pending) {
    uint32_t steps = STEPS_MAX;
    uint64_t *moment = pending->moment;
    for (uint32_t i = 0; i < pending->count; i++)
        moment[i] = SINCE_UNKNOWN;
    for (uint32_t i = 0; i < heap->snapshot->block_count && pending->count > 0; i++) {
        uint32_t common = common_frames(pending, heap->blocks[i].node, &steps);
        if (common > 0 && heap->blocks[i].birth < moment[common - 1])
            moment[common - 1] = heap->blocks[i].birth;
    }
    for (uint32_t i = pending->count; i-- > 1;)
        if (moment[i] < moment[i - 1])
            moment[i - 1] = moment[i];
}

/* Of the peak, if that is what followed the snapshot. */
static void look_at_sites(const struct heap *heap, struct pending *pending) {
    const struct profile *profile = heap->profile;
    const struct profile_process *process = &profile->processes[heap->snapshot->process];
    uint64_t known = heap->snapshot->bytes + heap->snapshot->pending_bytes;
    uint32_t steps = STEPS_MAX;
    for (uint32_t i = 0; i < profile->site_count && steps > 0; i++) {
        const struct profile_site *site = &profile->sites[i];
        if (site->process != heap->snapshot->process || site->peak_bytes == 0)
            continue;
        uint32_t common = common_frames(pending, site->node, &steps);
        if (common > 0)
            pending->made[common - 1] += site->peak_bytes;
    }
    for (uint32_t i = pending->count; i-- > 1;)
        pending->made[i - 1] += pending->made[i];
    pending->made_known = steps > 0 && process->peak_ns >= heap->snapshot->time_ns &&
                          known >= process->peak_bytes - process->peak_bytes / 10;
}

static struct idle_since since_of(const struct heap *heap, const struct pending *pending,
                                  uint32_t place) {
    uint64_t peak = heap->profile->processes[heap->snapshot->process].peak_bytes;
    uint64_t made = pending->made[place];
    bool known = pending->made_known && made >= heap->snapshot->pending_bytes && made < peak;
    return (struct idle_since){pending->moment[place], known ? peak - made : 0};
}

/* The interpreter's own, which the profile's stacks do not have (collector/builder.c). */
static bool is_inserted(const struct graph *graph, const struct graph_frame *frame) {
    const struct graph_code *code = &graph->codes[frame->code];
    return code->first_line == 0 && strcmp(graph->texts[code->name], "__init__") == 0 &&
           strcmp(graph->texts[code->file], "__init__") == 0;
}

/* The frames of each thread by their depth, and how many inserted ones are at most as deep. */
struct levels {
    uint32_t *first, *count; /* by thread */
    uint32_t *inserted;      /* by first[thread] + depth */
};

static void levels_release(struct levels *levels) {
    free(levels->first);
    free(levels->count);
    free(levels->inserted);
}

static void levels_fill(const struct graph *graph, struct levels *levels) {
    for (uint32_t i = 1; i < graph->frame_count; i++)
        levels->count[graph->frames[i].thread]++;
    for (uint32_t i = 1; i < graph->thread_count; i++)
        levels->first[i] = levels->first[i - 1] + levels->count[i - 1];
    for (uint32_t i = 1; i < graph->frame_count; i++) {
        const struct graph_frame *frame = &graph->frames[i];
        if (frame->depth < levels->count[frame->thread] && is_inserted(graph, frame))
            levels->inserted[levels->first[frame->thread] + frame->depth] = 1;
    }
    for (uint32_t i = 0; i < graph->thread_count; i++)
        for (uint32_t depth = 1; depth < levels->count[i]; depth++)
            levels->inserted[levels->first[i] + depth] +=
                levels->inserted[levels->first[i] + depth - 1];
}

static bool levels_open(const struct graph *graph, struct levels *levels) {
    levels->first = calloc(graph->thread_count + 1ul, sizeof *levels->first);
    levels->count = calloc(graph->thread_count + 1ul, sizeof *levels->count);
    levels->inserted = calloc(graph->frame_count + 1ul, sizeof *levels->inserted);
    if (!levels->first || !levels->count || !levels->inserted)
        return false;
    levels_fill(graph, levels);
    return true;
}

/* The frame's place in the pending allocation's stack, if those of its thread have as many as that:
 * then they are its. */
static bool find_place(const struct graph *graph, const struct levels *levels,
                       const struct graph_frame *frame, uint32_t count, uint32_t *place) {
    uint32_t frames = levels->count[frame->thread];
    if (!(graph->threads[frame->thread].flags & 1) || frame->depth >= frames ||
        is_inserted(graph, frame))
        return false;
    const uint32_t *inserted = levels->inserted + levels->first[frame->thread];
    *place = count - 1 - (frame->depth - inserted[frame->depth]);
    return frames - inserted[frames - 1] == count && *place < count;
}

static bool tell_frames(const struct heap *heap, const struct pending *pending,
                        struct idle_since *since) {
    const struct graph *graph = heap->graph;
    struct levels levels = {0};
    bool good = levels_open(graph, &levels);
    for (uint32_t i = 1, place; good && i < graph->frame_count; i++) {
        bool known = find_place(graph, &levels, &graph->frames[i], pending->count, &place);
        since[i] = known ? since_of(heap, pending, place) : (struct idle_since){SINCE_UNKNOWN, 0};
    }
    levels_release(&levels);
    return good;
}

struct idle_since *since_find(const struct heap *heap) {
    struct pending pending = {0};
    struct idle_since *since = calloc(heap->graph->frame_count + 1ul, sizeof *since);
    bool good = since && pending_open(heap, &pending);
    if (good) {
        look_at_blocks(heap, &pending);
        look_at_sites(heap, &pending);
        good = tell_frames(heap, &pending, since);
    }
    pending_release(&pending);
    if (good)
        return since;
    free(since);
    return NULL;
}
