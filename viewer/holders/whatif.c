/* See whatif.h.
 *
 * Large blocks have births and deaths, and the process's moments their highest bytes. What is dead
 * at the snapshot was in use before, so it is not taken away from all moments at which it was live,
 * but from the point on since which its frame is known to stand at its instruction: from then on
 * the frame did not read it. That holds for what was there at that point. So a dead local counts
 * from the snapshot on alone
 *
 * - when something large that it keeps is younger than that point: the frame has come to its
 *   instruction more than once;
 * - when it keeps nothing large, whose age would be known, and the frame or one of its callers may
 *   come to its instruction more than once.
 *
 * What is taken for granted is that nobody else kept it between that point and the snapshot, who
 * has let go of it by then.
 *
 * Garbage may have been in use until shortly before, by a call that has ended. It counts from the
 * first point on since which a frame stands at its instruction and all that it keeps was there;
 * without anything large, from the snapshot on.
 *
 * Small objects have no deaths. Those of a dead local go with what is large of it, or once its
 * frame has gone on. Of others nobody knows what became of them from the first death of a large
 * block after the snapshot on.
 */
#include "whatif.h"

#include "viewer/liveness.h"

#include <stdlib.h>
#include <string.h>

static int compare_points(struct whatif_point one, struct whatif_point two) {
    if (one.moment != two.moment)
        return one.moment < two.moment ? -1 : 1;
    return one.bytes < two.bytes ? -1 : one.bytes > two.bytes;
}

static const struct whatif_point never = {UINT64_MAX, 0};

static bool add_release(struct whatif *whatif, struct release release) {
    if (release.bytes == 0 || compare_points(release.from, release.to) >= 0)
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

static uint64_t later(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

static const struct profile_block *block_of(const struct heap *heap, uint32_t node) {
    return &heap->blocks[node - heap->block_base];
}

static bool is_owned_block(const struct heap *heap, uint32_t node) {
    return heap_is_block(heap, node) && heap->flags[node] & NODE_OWNED;
}

static struct whatif_point death_of(const struct profile_block *block) {
    return block->death ? (struct whatif_point){block->death, 0} : never;
}

static bool release_block(const struct heap *heap, const struct units *units, uint32_t node,
                          struct whatif_point since, struct whatif *whatif) {
    const struct profile_block *block = block_of(heap, node);
    return add_release(whatif,
                       (struct release){units->of[node], since, death_of(block), block->size});
}

static struct whatif_point earlier(struct whatif_point a, struct whatif_point b) {
    return compare_points(a, b) < 0 ? a : b;
}

/* When nothing more is known of small objects of which nothing else is. */
static struct whatif_point first_death(const struct heap *heap) {
    struct whatif_point first = never;
    for (uint32_t i = 0; i < heap->snapshot->block_count; i++)
        first = earlier(first, death_of(&heap->blocks[i]));
    return first;
}

/* Where nobody wrote down what the moment had before, it counts as a whole. */
static struct whatif_point snapshot_point(const struct heap *heap) {
    uint64_t bytes = heap->snapshot->moment_bytes;
    return (struct whatif_point){heap->snapshot->first_moment, bytes ? bytes : UINT64_MAX};
}

/* -- Since when the frames of the thread that took the snapshot stand where they do -- */

/* By frame of the graph. */
struct frames {
    struct whatif_point *since, *until;
    bool *once; /* it and its callers come to their instructions no more than once */
};

static bool may_come_again(const struct heap *heap, const struct graph_frame *frame) {
    return liveness_may_come_again(heap->graph, frame->code, frame->position);
}

/* The frames of the thread that took the snapshot are told innermost first. */
static bool frames_find(const struct heap *heap, struct frames *frames) {
    const struct graph *graph = heap->graph;
    uint64_t count = heap->snapshot->frame_count, own = 0;
    frames->since = malloc(graph->frame_count * sizeof *frames->since);
    frames->until = malloc(graph->frame_count * sizeof *frames->until);
    frames->once = calloc(graph->frame_count, sizeof *frames->once);
    if (!frames->since || !frames->until || !frames->once)
        return false;
    struct whatif_point snapshot = snapshot_point(heap), first = first_death(heap);
    for (uint32_t i = 0; i < graph->frame_count; i++) {
        frames->since[i] = snapshot;
        frames->until[i] = first;
        own += i > 0 && graph->threads[graph->frames[i].thread].flags & 1;
    }
    bool once = own == count;
    for (uint32_t i = graph->frame_count; own == count && i-- > 1;) {
        const struct graph_frame *frame = &graph->frames[i];
        if (!(graph->threads[frame->thread].flags & 1) || frame->depth >= count)
            continue;
        const struct profile_standing *standing = &heap->standing[count - 1 - frame->depth];
        frames->until[i] =
            standing->until ? (struct whatif_point){standing->until, standing->until_bytes} : never;
        if (standing->since)
            frames->since[i] = (struct whatif_point){standing->since, standing->since_bytes};
        once = once && !may_come_again(heap, frame);
        frames->once[i] = once;
    }
    return true;
}

static void frames_release(struct frames *frames) {
    free(frames->since);
    free(frames->until);
    free(frames->once);
}

/* -- What is dead -- */

struct dead_local {
    uint32_t target, frame;
    struct whatif_point since, until; /* `until`: of its small objects */
};

static int compare_dead(const void *a, const void *b) {
    const struct dead_local *one = a, *two = b;
    int order = compare_points(two->since, one->since);
    if (order == 0)
        order = compare_points(one->until, two->until);
    return order ? order : one->target < two->target ? -1 : one->target > two->target;
}

static bool list_dead(const struct heap *heap, const struct frames *frames,
                      struct dead_local **dead, uint32_t *count) {
    uint32_t from = heap->first_edge[heap->frame_base], to = heap->first_edge[heap->thread_base];
    *count = 0;
    *dead = malloc((to - from + 1ul) * sizeof **dead);
    if (!*dead)
        return false;
    for (uint32_t i = from; i < to; i++) {
        if (!(heap->edges[i].flags & HEAP_DEAD) || !heap_is_freed(heap, heap->edges[i].target))
            continue;
        uint32_t frame = heap->source[i] - heap->frame_base;
        (*dead)[(*count)++] = (struct dead_local){heap->edges[i].target, frame,
                                                  frames->since[frame], frames->until[frame]};
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
};

static void see(struct spreading *at, uint32_t node) {
    if (at->seen[node] || !heap_is_freed(at->heap, node))
        return;
    at->seen[node] = true;
    at->work[at->work_count++] = node;
}

/* The next node that is freed and can be reached, and was not by what died later; 0: none. */
static uint32_t spread(struct spreading *at) {
    const struct heap *heap = at->heap;
    if (at->work_count == 0)
        return 0;
    uint32_t node = at->work[--at->work_count];
    for (uint32_t i = heap->first_edge[node]; i < heap->first_edge[node + 1]; i++)
        see(at, heap->edges[i].target);
    return node;
}

/* What cannot have been there when its frame came to its instruction is dead from the snapshot on.
 * What is large tells until when its small objects were there: they go together. */
static void doubt(struct spreading *at, const struct frames *frames, struct dead_local *dead,
                  uint32_t count) {
    const struct heap *heap = at->heap;
    for (uint32_t i = 0; i < count; i++) {
        struct whatif_point death = never;
        uint64_t youngest = 0;
        uint32_t node;
        see(at, dead[i].target);
        while ((node = spread(at))) {
            if (!is_owned_block(heap, node))
                continue;
            youngest = later(youngest, block_of(heap, node)->birth);
            death = earlier(death, death_of(block_of(heap, node)));
        }
        if (youngest > 0)
            dead[i].until = death;
        if (youngest > dead[i].since.moment || (youngest == 0 && !frames->once[dead[i].frame]))
            dead[i].since = snapshot_point(heap);
    }
    qsort(dead, count, sizeof *dead, compare_dead);
    memset(at->seen, 0, heap->node_count * sizeof *at->seen);
}

static bool release_reached(struct spreading *at, struct whatif_point since) {
    const struct heap *heap = at->heap;
    uint32_t node;
    while ((node = spread(at))) {
        bool block = heap_is_block(heap, node);
        if (block && !is_owned_block(heap, node))
            continue;
        at->whatif->dead_bytes += heap->own[node];
        if (!block)
            at->small[at->units->of[node]] += heap->own[node];
        else if (!release_block(heap, at->units, node, since, at->whatif))
            return false;
    }
    return true;
}

static bool flush_small(struct spreading *at, const struct dead_local *dead) {
    for (uint32_t i = 0; i <= at->units->count; i++) {
        struct release release = {i, dead->since, dead->until, at->small[i]};
        at->small[i] = 0;
        if (!add_release(at->whatif, release))
            return false;
    }
    return true;
}

static bool release_dead(struct spreading *at, const struct dead_local *dead, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        see(at, dead[i].target);
        if (!release_reached(at, dead[i].since))
            return false;
        bool same = i + 1 < count && compare_points(dead[i + 1].since, dead[i].since) == 0 &&
                    compare_points(dead[i + 1].until, dead[i].until) == 0;
        if (!same && !flush_small(at, &dead[i]))
            return false;
    }
    return true;
}

static bool find_dead(const struct heap *heap, const struct units *units,
                      const struct frames *frames, struct whatif *whatif) {
    struct dead_local *dead = NULL;
    uint32_t count = 0;
    struct spreading at = {
        .heap = heap,
        .units = units,
        .whatif = whatif,
        .seen = calloc(heap->node_count, sizeof *at.seen),
        .work = malloc(heap->node_count * sizeof *at.work),
        .small = calloc(units->count + 1ul, sizeof *at.small),
    };
    bool good = at.seen && at.work && at.small && list_dead(heap, frames, &dead, &count);
    if (good) {
        doubt(&at, frames, dead, count);
        good = release_dead(&at, dead, count);
    }
    free(dead);
    free(at.seen);
    free(at.work);
    free(at.small);
    return good;
}

/* -- What is garbage: all that one child of top keeps is taken as one -- */

static struct whatif_point garbage_since(const struct heap *heap, const struct frames *frames,
                                         uint32_t first, uint32_t end) {
    struct whatif_point since = snapshot_point(heap);
    uint64_t youngest = 0;
    for (uint32_t at = first; at < end; at++)
        if (heap_is_block(heap, heap->order[at]))
            youngest = later(youngest, block_of(heap, heap->order[at])->birth);
    for (uint32_t i = 1; youngest > 0 && i < heap->graph->frame_count; i++)
        if (frames->since[i].moment >= youngest && compare_points(frames->since[i], since) < 0)
            since = frames->since[i];
    return since;
}

static bool release_garbage(const struct heap *heap, const struct units *units,
                            const struct frames *frames, uint32_t first, uint32_t end,
                            struct whatif *whatif) {
    struct whatif_point since = garbage_since(heap, frames, first, end);
    struct release small = {0, since, never, 0};
    bool large = false;
    for (uint32_t at = first; at < end; at++)
        if (is_owned_block(heap, heap->order[at])) {
            small.to = earlier(small.to, death_of(block_of(heap, heap->order[at])));
            large = true;
        }
    if (!large)
        small.to = first_death(heap);
    for (uint32_t at = first; at < end; at++) {
        uint32_t node = heap->order[at];
        bool block = heap_is_block(heap, node);
        if (block && !is_owned_block(heap, node))
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
                         const struct frames *frames, struct whatif *whatif) {
    for (uint32_t at = 1; at < heap->order_count;) {
        uint32_t end = at + heap->below[heap->order[at]];
        if (heap_is_garbage(heap, heap->order[at]) &&
            !release_garbage(heap, units, frames, at, end, whatif))
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
    struct frames frames = {0};
    bool good = frames_find(heap, &frames) && find_dead(heap, units, &frames, whatif) &&
                find_garbage(heap, units, &frames, whatif);
    frames_release(&frames);
    if (good && whatif->count > 0)
        qsort(whatif->all, whatif->count, sizeof *whatif->all, compare_units);
    return good;
}

void whatif_release(struct whatif *whatif) {
    free(whatif->all);
}

/* -- The peak without them -- */

/* Bytes that go at a point, or are no longer missing from a moment on. */
struct change {
    struct whatif_point at;
    uint64_t bytes;
    bool ends;
};

static int compare_changes(const void *a, const void *b) {
    const struct change *one = a, *two = b;
    return compare_points(one->at, two->at);
}

static uint32_t list_changes(const struct whatif *whatif, uint32_t unit, struct change *changes) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < whatif->count; i++) {
        const struct release *release = &whatif->all[i];
        if (unit != WHATIF_ALL && release->unit != unit)
            continue;
        changes[count++] = (struct change){release->from, release->bytes, false};
        if (compare_points(release->to, never) != 0)
            changes[count++] = (struct change){release->to, release->bytes, true};
    }
    if (count > 0)
        qsort(changes, count, sizeof *changes, compare_changes);
    return count;
}

/* The changes so far. No sum overflows: readers bound what all objects and blocks have together. */
struct gone {
    const struct change *next, *end;
    uint64_t begun, ended;
};

static uint64_t without(const struct gone *gone, uint64_t bytes) {
    uint64_t less = gone->begun - gone->ended;
    return bytes > less ? bytes - less : 0;
}

static void take_change(struct gone *gone) {
    *(gone->next->ends ? &gone->ended : &gone->begun) += gone->next->bytes;
    gone->next++;
}

/* The highest that is left of a moment. It stands for those up to the next one in the list, of
 * which one that is a change's own would be in the list: then the change came when no more than
 * its point's bytes had been reached. */
static uint64_t moment_left(struct gone *gone, const struct profile_moment *moment) {
    uint64_t highest = 0;
    while (gone->next < gone->end && gone->next->at.moment < moment->number)
        take_change(gone);
    while (gone->next < gone->end && gone->next->at.moment == moment->number) {
        uint64_t before = gone->next->at.bytes;
        highest = later(highest, without(gone, before < moment->bytes ? before : moment->bytes));
        take_change(gone);
    }
    return later(highest, without(gone, moment->bytes));
}

/* The highest that is left of any moment. `*known` becomes the highest of all as they were. */
static uint64_t highest_left(const struct heap *heap, struct gone gone, uint64_t *known) {
    const struct profile *profile = heap->profile;
    uint32_t process = heap->snapshot->process;
    uint64_t highest = profile->processes[process].rest_bytes;
    *known = highest;
    for (uint32_t i = 0; i < profile->moment_count; i++) {
        const struct profile_moment *moment = &profile->moments[i];
        if (moment->process != process)
            continue;
        highest = later(highest, moment_left(&gone, moment));
        *known = later(*known, moment->bytes);
    }
    return highest;
}

bool whatif_peak(const struct heap *heap, const struct whatif *whatif, uint32_t unit,
                 uint64_t *peak) {
    struct change *changes = malloc((2ul * whatif->count + 1) * sizeof *changes);
    if (!changes)
        return false;
    uint32_t count = list_changes(whatif, unit, changes);
    uint64_t before = heap->profile->processes[heap->snapshot->process].peak_bytes;
    uint64_t known,
        left = highest_left(heap, (struct gone){changes, changes + count, 0, 0}, &known);
    *peak = known < before || left > before ? before : left;
    free(changes);
    return true;
}
