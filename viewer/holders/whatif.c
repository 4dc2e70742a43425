/* See whatif.h.
 *
 * Large blocks have births and deaths, and the process's moments their highest bytes. What is dead
 * at the snapshot was in use before, so a block is not taken away from every moment at which it was
 * live. A frame has stood at its instruction at least since the first large block was allocated by
 * what it called there, as far as stacks can tell one call from another; garbage was garbage after
 * the last large block among what it keeps. Earlier than that, nothing is taken away.
 *
 * What was in use when that call began is also a floor: the peak without it cannot be lower than
 * what the process had then, which is its peak without what the call has allocated.
 *
 * Small objects have no births. They are taken away for the same time, up to the first death of a
 * large block after the snapshot: from then on nobody knows what became of them.
 */
#include "whatif.h"

#include "viewer/python_stacks.h"

#include <stdlib.h>

#define STEPS_MAX (1u << 26) /* up stacks, in all */

static bool add_release(struct whatif *whatif, struct release release) {
    if (release.bytes == 0 || release.from >= release.to)
        return true;
    if (whatif->count == whatif->capacity) {
        uint64_t capacity = whatif->capacity ? (uint64_t)whatif->capacity * 2 : 256;
        struct release *all = realloc(whatif->all, capacity * sizeof *all);
        if (!all)
            return false;
        whatif->all = all;
        whatif->capacity = (uint32_t)capacity;
    }
    whatif->all[whatif->count++] = release;
    return true;
}

static const struct profile_block *block_of(const struct heap *heap, uint32_t node) {
    return &heap->blocks[node - heap->block_base];
}

static uint64_t later(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

static bool release_block(const struct heap *heap, const struct units *units, uint32_t node,
                          uint64_t since, struct whatif *whatif) {
    const struct profile_block *block = block_of(heap, node);
    return add_release(whatif,
                       (struct release){units->of[node], later(since, block->birth),
                                        block->death ? block->death : UINT64_MAX, block->size});
}

/* When small objects are no longer known to be there. */
static uint64_t small_end(const struct heap *heap) {
    uint64_t end = UINT64_MAX;
    for (uint32_t i = 0; i < heap->snapshot->block_count; i++)
        if (heap->blocks[i].death && heap->blocks[i].death < end)
            end = heap->blocks[i].death;
    return end;
}

/* -- Since when the frames of the thread that took the snapshot stand where they do -- */

struct calls {
    struct python_stacks stacks;
    uint32_t *depth; /* by stack of these: on the pending allocation's, how many frames it has; 0 */
    uint64_t *since; /* by frame, the outermost is 0 */
    uint32_t count;
};

/* How many frames a stack has in common with the pending allocation's. */
static uint32_t common_frames(const struct calls *calls, uint32_t node, uint32_t *steps) {
    uint32_t at = calls->stacks.of[node];
    while (calls->stacks.depth[at] != 0 && calls->depth[at] == 0 && *steps > 0) {
        at = calls->stacks.parent[at];
        --*steps;
    }
    return calls->depth[at];
}

static bool calls_find(const struct heap *heap, struct calls *calls) {
    uint32_t steps = STEPS_MAX;
    if (!python_stacks_open(&calls->stacks, heap->profile))
        return false;
    uint32_t pending = calls->stacks.of[heap->snapshot->pending_node];
    calls->count = calls->stacks.depth[pending];
    calls->depth = calloc(heap->profile->node_count, sizeof *calls->depth);
    calls->since = malloc((calls->count + 1ul) * sizeof *calls->since);
    if (!calls->depth || !calls->since)
        return false;
    for (uint32_t i = 0; i < calls->count; i++)
        calls->since[i] = heap->snapshot->first_moment;
    for (uint32_t i = calls->count; i > 0; i--, pending = calls->stacks.parent[pending])
        calls->depth[pending] = i;
    for (uint32_t i = 0; i < heap->snapshot->block_count && calls->count > 0; i++) {
        uint32_t common = common_frames(calls, heap->blocks[i].node, &steps);
        if (common > 0 && heap->blocks[i].birth < calls->since[common - 1])
            calls->since[common - 1] = heap->blocks[i].birth;
    }
    for (uint32_t i = calls->count; i-- > 1;)
        if (calls->since[i] < calls->since[i - 1])
            calls->since[i - 1] = calls->since[i];
    return true;
}

static void calls_release(struct calls *calls) {
    python_stacks_release(&calls->stacks);
    free(calls->depth);
    free(calls->since);
}

static uint64_t frame_since(const struct heap *heap, const struct calls *calls,
                            const uint32_t *frame_counts, uint32_t frame) {
    const struct graph_frame *record = &heap->graph->frames[frame];
    bool own = heap->graph->threads[record->thread].flags & 1;
    if (!own || frame_counts[record->thread] != calls->count || record->depth >= calls->count)
        return heap->snapshot->first_moment;
    return calls->since[calls->count - 1 - record->depth];
}

/* Bytes of the process's peak that were allocated at each place of the pending allocation's stack,
 * or by what was called there. */
static bool bytes_by_call(const struct heap *heap, const struct calls *calls, uint64_t *bytes) {
    const struct profile *profile = heap->profile;
    uint32_t steps = STEPS_MAX;
    for (uint32_t i = 0; i < profile->site_count && steps > 0; i++) {
        const struct profile_site *site = &profile->sites[i];
        if (site->process != heap->snapshot->process || site->peak_bytes == 0)
            continue;
        uint32_t common = common_frames(calls, site->node, &steps);
        if (common > 0)
            bytes[common - 1] += site->peak_bytes;
    }
    for (uint32_t i = calls->count; i-- > 1;)
        bytes[i - 1] += bytes[i];
    return steps > 0;
}

/* Only of the thread that took the snapshot, and when the peak is what followed it. */
static bool find_floors(const struct heap *heap, const struct calls *calls,
                        const uint32_t *frame_counts, struct whatif *whatif) {
    const struct profile_process *process = &heap->profile->processes[heap->snapshot->process];
    uint64_t known = heap->snapshot->bytes + heap->snapshot->pending_bytes;
    uint64_t *bytes = calloc(calls->count + 1ul, sizeof *bytes);
    whatif->floor = calloc(heap->graph->frame_count, sizeof *whatif->floor);
    if (!bytes || !whatif->floor) {
        free(bytes);
        return false;
    }
    bool near = process->peak_ns >= heap->snapshot->time_ns &&
                known >= process->peak_bytes - process->peak_bytes / 10;
    if (near && calls->count > 0 && bytes_by_call(heap, calls, bytes))
        for (uint32_t i = 1; i < heap->graph->frame_count; i++) {
            const struct graph_frame *frame = &heap->graph->frames[i];
            bool own = heap->graph->threads[frame->thread].flags & 1;
            if (!own || frame_counts[frame->thread] != calls->count || frame->depth >= calls->count)
                continue;
            uint64_t since = bytes[calls->count - 1 - frame->depth];
            if (since >= heap->snapshot->pending_bytes && since < process->peak_bytes)
                whatif->floor[i] = process->peak_bytes - since;
        }
    free(bytes);
    return true;
}

/* -- What is dead -- */

struct dead_local {
    uint32_t target, frame;
    uint64_t since;
};

static int compare_dead(const void *a, const void *b) {
    const struct dead_local *one = a, *two = b;
    if (one->since != two->since)
        return one->since > two->since ? -1 : 1;
    return one->target < two->target ? -1 : one->target > two->target;
}

static bool list_dead(const struct heap *heap, const struct calls *calls,
                      const uint32_t *frame_counts, struct dead_local **dead, uint32_t *count) {
    uint32_t from = heap->first_edge[heap->frame_base], to = heap->first_edge[heap->thread_base];
    *count = 0;
    *dead = malloc((to - from + 1ul) * sizeof **dead);
    if (!*dead)
        return false;
    for (uint32_t i = from; i < to; i++) {
        if (!(heap->edges[i].flags & HEAP_DEAD) || !heap_is_freed(heap, heap->edges[i].target))
            continue;
        uint32_t frame = heap->source[i] - heap->frame_base;
        uint64_t since = frame_since(heap, calls, frame_counts, frame);
        (*dead)[(*count)++] = (struct dead_local){heap->edges[i].target, frame, since};
    }
    qsort(*dead, *count, sizeof **dead, compare_dead);
    return true;
}

struct spreading {
    const struct heap *heap;
    const struct units *units;
    struct whatif *whatif;
    bool *seen;
    uint32_t *work, work_count;
    uint64_t *small; /* by unit */
    uint64_t small_end;
};

static void see(struct spreading *at, uint32_t node) {
    if (at->seen[node] || !heap_is_freed(at->heap, node))
        return;
    at->seen[node] = true;
    at->work[at->work_count++] = node;
}

/* Everything that is freed and can be reached, and was not by what died later. */
static bool spread(struct spreading *at, uint64_t since) {
    const struct heap *heap = at->heap;
    while (at->work_count > 0) {
        uint32_t node = at->work[--at->work_count];
        for (uint32_t i = heap->first_edge[node]; i < heap->first_edge[node + 1]; i++)
            see(at, heap->edges[i].target);
        if (!heap_is_block(heap, node)) {
            at->small[at->units->of[node]] += heap->own[node];
            at->whatif->dead_bytes += heap->own[node];
        } else if (heap->flags[node] & NODE_OWNED) {
            at->whatif->dead_bytes += heap->own[node];
            if (!release_block(heap, at->units, node, since, at->whatif))
                return false;
        }
    }
    return true;
}

static bool flush_small(struct spreading *at, uint64_t since) {
    for (uint32_t i = 0; i <= at->units->count; i++) {
        struct release release = {i, since, at->small_end, at->small[i]};
        at->small[i] = 0;
        if (!add_release(at->whatif, release))
            return false;
    }
    return true;
}

static bool spread_dead(struct spreading *at, const struct dead_local *dead, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        see(at, dead[i].target);
        if (!spread(at, dead[i].since))
            return false;
        if ((i + 1 == count || dead[i + 1].since != dead[i].since) &&
            !flush_small(at, dead[i].since))
            return false;
    }
    return true;
}

static bool find_dead(const struct heap *heap, const struct units *units, struct whatif *whatif) {
    struct calls calls = {0};
    struct dead_local *dead = NULL;
    uint32_t count = 0;
    uint32_t *frame_counts = calloc(heap->graph->thread_count, sizeof *frame_counts);
    struct spreading at = {
        .heap = heap,
        .units = units,
        .whatif = whatif,
        .seen = calloc(heap->node_count, sizeof *at.seen),
        .work = malloc(heap->node_count * sizeof *at.work),
        .small = calloc(units->count + 1ul, sizeof *at.small),
        .small_end = small_end(heap),
    };
    bool good = frame_counts && at.seen && at.work && at.small && calls_find(heap, &calls);
    for (uint32_t i = 1; i < heap->graph->frame_count && good; i++)
        frame_counts[heap->graph->frames[i].thread]++;
    good = good && find_floors(heap, &calls, frame_counts, whatif) &&
           list_dead(heap, &calls, frame_counts, &dead, &count) && spread_dead(&at, dead, count);
    whatif->only_frame = good && count > 0 ? dead[0].frame : 0;
    for (uint32_t i = 1; i < count && good; i++)
        if (dead[i].frame != whatif->only_frame)
            whatif->only_frame = 0;
    calls_release(&calls);
    free(frame_counts);
    free(dead);
    free(at.seen);
    free(at.work);
    free(at.small);
    return good;
}

/* -- What is garbage: all that one child of top keeps is taken as one -- */

static uint64_t garbage_since(const struct heap *heap, uint32_t first, uint32_t end) {
    uint64_t snapshot = heap->snapshot->first_moment, since = 0;
    bool any = false;
    for (uint32_t at = first; at < end; at++) {
        if (!heap_is_block(heap, heap->order[at]))
            continue;
        since = later(since, block_of(heap, heap->order[at])->birth + 1);
        any = true;
    }
    return any && since < snapshot ? since : snapshot;
}

static bool release_garbage(const struct heap *heap, const struct units *units, uint32_t first,
                            uint32_t end, struct whatif *whatif) {
    uint64_t since = garbage_since(heap, first, end);
    struct release small = {0, since, small_end(heap), 0};
    for (uint32_t at = first; at < end; at++) {
        uint32_t node = heap->order[at];
        bool block = heap_is_block(heap, node);
        if (block && !(heap->flags[node] & NODE_OWNED))
            continue;
        whatif->garbage_bytes += heap->own[node];
        if (block && !release_block(heap, units, node, since, whatif))
            return false;
        if (units->of[node] != small.unit) {
            if (!add_release(whatif, small))
                return false;
            small.unit = units->of[node];
            small.bytes = 0;
        }
        small.bytes += block ? 0 : heap->own[node];
    }
    return add_release(whatif, small);
}

static bool find_garbage(const struct heap *heap, const struct units *units,
                         struct whatif *whatif) {
    for (uint32_t at = 1; at < heap->order_count;) {
        uint32_t end = at + heap->below[heap->order[at]];
        if (heap_is_garbage(heap, heap->order[at]) &&
            !release_garbage(heap, units, at, end, whatif))
            return false;
        at = end;
    }
    return true;
}

static int compare_units(const void *a, const void *b) {
    const struct release *one = a, *two = b;
    return one->unit < two->unit ? -1 : one->unit > two->unit;
}

bool whatif_find(const struct heap *heap, const struct units *units, struct whatif *whatif) {
    if (!find_dead(heap, units, whatif) || !find_garbage(heap, units, whatif))
        return false;
    if (whatif->count > 0)
        qsort(whatif->all, whatif->count, sizeof *whatif->all, compare_units);
    return true;
}

void whatif_release(struct whatif *whatif) {
    free(whatif->floor);
    free(whatif->all);
}

/* -- The peak without them -- */

struct change {
    uint64_t at;
    int64_t bytes;
};

static int compare_changes(const void *a, const void *b) {
    const struct change *one = a, *two = b;
    return one->at < two->at ? -1 : one->at > two->at;
}

static uint32_t list_changes(const struct whatif *whatif, uint32_t unit, struct change *changes) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < whatif->count; i++) {
        const struct release *release = &whatif->all[i];
        if (unit != WHATIF_ALL && release->unit != unit)
            continue;
        changes[count++] = (struct change){release->from, (int64_t)release->bytes};
        if (release->to != UINT64_MAX)
            changes[count++] = (struct change){release->to, -(int64_t)release->bytes};
    }
    if (count > 0)
        qsort(changes, count, sizeof *changes, compare_changes);
    return count;
}

/* A moment stands for those up to the next one in the list, which have the same blocks alive. What
 * was let go in the middle is missing from its highest total only if that came later: certainly
 * when it is the process's peak, and that came after the snapshot. */
static uint64_t moment_time(const struct heap *heap, uint32_t moment) {
    const struct profile *profile = heap->profile;
    const struct profile_snapshot *snapshot = heap->snapshot;
    const struct profile_process *process = &profile->processes[snapshot->process];
    uint64_t number = profile->moments[moment].number, bytes = profile->moments[moment].bytes;
    bool last = moment + 1 == profile->moment_count ||
                profile->moments[moment + 1].process != snapshot->process;
    if (number > snapshot->first_moment ||
        (!last && profile->moments[moment + 1].number <= snapshot->first_moment))
        return number;
    bool later_peak = bytes == process->peak_bytes && process->peak_ns >= snapshot->time_ns;
    return later_peak || bytes <= snapshot->bytes + snapshot->pending_bytes ? snapshot->first_moment
                                                                            : number;
}

/* The highest that is left of any moment. `*known` becomes the highest of all as they were. */
static uint64_t highest_left(const struct heap *heap, const struct change *changes, uint32_t count,
                             uint64_t *known) {
    const struct profile *profile = heap->profile;
    uint32_t process = heap->snapshot->process, next = 0;
    uint64_t highest = profile->processes[process].rest_bytes;
    int64_t gone = 0;
    *known = highest;
    for (uint32_t i = 0; i < profile->moment_count; i++) {
        const struct profile_moment *moment = &profile->moments[i];
        if (moment->process != process)
            continue;
        for (uint64_t time = moment_time(heap, i); next < count && changes[next].at <= time; next++)
            gone += changes[next].bytes;
        uint64_t less = gone > 0 ? (uint64_t)gone : 0;
        highest = later(highest, moment->bytes > less ? moment->bytes - less : 0);
        *known = later(*known, moment->bytes);
    }
    return highest;
}

/* Without moments only the snapshot's own is known. */
static uint64_t snapshot_left(const struct heap *heap, const struct change *changes, uint32_t count,
                              uint64_t *known) {
    uint64_t bytes = heap->snapshot->bytes + heap->snapshot->pending_bytes;
    int64_t gone = 0;
    for (uint32_t i = 0; i < count && changes[i].at <= heap->snapshot->first_moment; i++)
        gone += changes[i].bytes;
    *known = bytes;
    return gone > 0 && (uint64_t)gone <= bytes ? bytes - (uint64_t)gone : bytes;
}

bool whatif_peak(const struct heap *heap, const struct whatif *whatif, uint32_t unit,
                 uint32_t frame, uint64_t *peak) {
    struct change *changes = malloc((2ul * whatif->count + 1) * sizeof *changes);
    if (!changes)
        return false;
    uint32_t count = list_changes(whatif, unit, changes);
    uint64_t before = heap->profile->processes[heap->snapshot->process].peak_bytes;
    uint64_t known, left = highest_left(heap, changes, count, &known);
    if (known < before && heap->profile->moment_count == 0)
        left = later(left, snapshot_left(heap, changes, count, &known));
    left = later(left, whatif->floor[frame]);
    *peak = known < before || left > before ? before : left;
    free(changes);
    return true;
}
