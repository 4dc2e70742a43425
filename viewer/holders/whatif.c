/* See whatif.h.
 *
 * What is dead at the snapshot was in use before, and nobody knows until when: a callee may have
 * let go of it a moment ago, and what is garbage now may have been some function's a moment ago.
 * That the peak would have been so high at most is shown by taking it away from the snapshot on
 * alone; that it would have been so high at least, by taking it away for all of its life, but for
 * the moment in which it was made. Where both come to the same, that is what it would have been. In
 * between, it is likely that a local was dead since its frame stands where it does (since.h), and
 * that garbage was garbage after the last large block among what it keeps.
 *
 * Large blocks have births and deaths, and the process's moments their highest bytes. Small objects
 * have no such: after the first death of a large block nobody knows what became of them.
 */
#include "whatif.h"

#include "viewer/holders/since.h"

#include <stdlib.h>

static uint64_t smaller(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

static uint64_t larger(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

/* -- What would have been let go -- */

static bool add_release(struct whatif *whatif, struct release release) {
    if (release.bytes == 0)
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

struct gathering {
    const struct heap *heap;
    const struct units *units;
    struct whatif *whatif;
    uint64_t since;  /* of what is released now */
    bool *released;  /* by large block */
    uint64_t *small; /* by unit: not yet added */
    bool *seen;      /* by node */
    uint32_t *work, work_count;
};

/* Adds to *bytes what goes with the node. */
static bool release_node(struct gathering *at, uint32_t node, uint64_t *bytes) {
    const struct heap *heap = at->heap;
    uint32_t unit = at->units->of[node];
    if (!heap_is_block(heap, node)) {
        at->small[unit] += heap->own[node];
        *bytes += heap->own[node];
        return true;
    }
    const struct profile_block *block = &heap->blocks[node - heap->block_base];
    bool sure = heap->flags[node] & NODE_OWNED;
    *bytes += sure ? heap->own[node] : 0;
    at->released[node - heap->block_base] = true;
    return add_release(at->whatif, (struct release){.unit = unit,
                                                    .sure = sure,
                                                    .birth = block->birth,
                                                    .since = larger(at->since, block->birth),
                                                    .death = block->death,
                                                    .bytes = block->size});
}

static bool release_small(struct gathering *at, uint32_t unit) {
    struct release release = {.unit = unit, .small = true, .sure = true, .since = at->since};
    release.bytes = at->small[unit];
    at->small[unit] = 0;
    return add_release(at->whatif, release);
}

struct dead_local {
    uint32_t target;
    uint64_t since;
};

static int compare_dead(const void *a, const void *b) {
    const struct dead_local *one = a, *two = b;
    if (one->since != two->since)
        return one->since > two->since ? -1 : 1;
    return one->target < two->target ? -1 : one->target > two->target;
}

/* Those that died last come first. */
static bool list_dead(const struct heap *heap, const struct since *since, struct dead_local **dead,
                      uint32_t *count) {
    uint32_t from = heap->first_edge[heap->frame_base], to = heap->first_edge[heap->thread_base];
    *count = 0;
    *dead = malloc((to - from + 1ul) * sizeof **dead);
    if (!*dead)
        return false;
    for (uint32_t i = from; i < to; i++)
        if (heap->edges[i].flags & HEAP_DEAD && heap_is_freed(heap, heap->edges[i].target))
            (*dead)[(*count)++] = (struct dead_local){
                heap->edges[i].target, since->of[heap->source[i] - heap->frame_base]};
    qsort(*dead, *count, sizeof **dead, compare_dead);
    return true;
}

static void see(struct gathering *at, uint32_t node) {
    if (at->seen[node] || !heap_is_freed(at->heap, node))
        return;
    at->seen[node] = true;
    at->work[at->work_count++] = node;
}

/* Everything that is freed and can be reached, and was not by what died later. */
static bool spread(struct gathering *at) {
    const struct heap *heap = at->heap;
    bool good = true;
    while (at->work_count > 0 && good) {
        uint32_t node = at->work[--at->work_count];
        for (uint32_t i = heap->first_edge[node]; i < heap->first_edge[node + 1]; i++)
            see(at, heap->edges[i].target);
        good = release_node(at, node, &at->whatif->dead_bytes);
    }
    return good;
}

static bool release_all_small(struct gathering *at) {
    bool good = true;
    for (uint32_t i = 0; i <= at->units->count && good; i++)
        good = release_small(at, i);
    return good;
}

static bool release_dead(struct gathering *at) {
    struct since since = {0};
    struct dead_local *dead = NULL;
    uint32_t count = 0;
    bool good = since_find(at->heap, &since) && list_dead(at->heap, &since, &dead, &count);
    for (uint32_t i = 0; i < count && good; i++) {
        at->since = dead[i].since;
        see(at, dead[i].target);
        bool last = i + 1 == count || dead[i + 1].since != at->since;
        good = spread(at) && (!last || release_all_small(at));
    }
    free(dead);
    since_release(&since);
    return good;
}

/* -- Garbage: all that one child of top keeps is taken as one -- */

static uint64_t garbage_since(const struct heap *heap, uint32_t first, uint32_t end) {
    uint64_t snapshot = heap->snapshot->first_moment, since = 0;
    for (uint32_t at = first; at < end; at++)
        if (heap_is_block(heap, heap->order[at]))
            since = larger(since, heap->blocks[heap->order[at] - heap->block_base].birth + 1);
    return since > 0 && since < snapshot ? since : snapshot;
}

static bool release_subtree(struct gathering *at, uint32_t first, uint32_t end) {
    const uint32_t *order = at->heap->order, *unit_of = at->units->of;
    bool good = true;
    at->since = garbage_since(at->heap, first, end);
    for (uint32_t i = first; i < end && good; i++) {
        good = release_node(at, order[i], &at->whatif->garbage_bytes);
        if (good && (i + 1 == end || unit_of[order[i + 1]] != unit_of[order[i]]))
            good = release_small(at, unit_of[order[i]]);
    }
    return good;
}

static bool release_garbage(struct gathering *at) {
    const struct heap *heap = at->heap;
    bool good = true;
    for (uint32_t place = 1, end; place < heap->order_count && good; place = end) {
        end = place + heap->below[heap->order[place]];
        if (heap_is_garbage(heap, heap->order[place]))
            good = release_subtree(at, place, end);
    }
    return good;
}

/* -- What there was as a block was made: all that is older and would have been kept, and itself --
 */

static int compare_births(const void *a, const void *b) {
    const struct profile_block *const *one = a, *const *two = b;
    return (*one)->birth < (*two)->birth ? -1 : (*one)->birth > (*two)->birth;
}

static int compare_release_births(const void *a, const void *b) {
    const struct release *one = a, *two = b;
    return one->birth < two->birth ? -1 : one->birth > two->birth;
}

static bool find_floors(struct gathering *at) {
    const struct heap *heap = at->heap;
    struct whatif *whatif = at->whatif;
    uint32_t count = 0, next = 0;
    uint64_t before = 0;
    const struct profile_block **kept = malloc((heap->snapshot->block_count + 1ul) * sizeof *kept);
    if (!kept)
        return false;
    for (uint32_t i = 0; i < heap->snapshot->block_count; i++)
        if (!at->released[i])
            kept[count++] = &heap->blocks[i];
    if (count > 0)
        qsort(kept, count, sizeof *kept, compare_births);
    if (whatif->count > 0)
        qsort(whatif->all, whatif->count, sizeof *whatif->all, compare_release_births);
    for (uint32_t i = 0; i < whatif->count; i++) {
        for (; next < count && kept[next]->birth < whatif->all[i].birth; next++)
            before += kept[next]->size;
        whatif->all[i].floor = whatif->all[i].small ? 0 : before + whatif->all[i].bytes;
    }
    free(kept);
    return true;
}

static int compare_units(const void *a, const void *b) {
    const struct release *one = a, *two = b;
    return one->unit < two->unit ? -1 : one->unit > two->unit;
}

bool whatif_find(const struct heap *heap, const struct units *units, struct whatif *whatif) {
    struct gathering at = {
        .heap = heap,
        .units = units,
        .whatif = whatif,
        .released = calloc(heap->snapshot->block_count + 1ul, sizeof *at.released),
        .small = calloc(units->count + 1ul, sizeof *at.small),
        .seen = calloc(heap->node_count, sizeof *at.seen),
        .work = malloc(heap->node_count * sizeof *at.work),
    };
    bool good = at.released && at.small && at.seen && at.work && release_dead(&at) &&
                release_garbage(&at) && find_floors(&at);
    if (good && whatif->count > 0)
        qsort(whatif->all, whatif->count, sizeof *whatif->all, compare_units);
    free(at.released);
    free(at.small);
    free(at.seen);
    free(at.work);
    return good;
}

void whatif_release(struct whatif *whatif) {
    free(whatif->all);
}

/* -- The peak without them -- */

enum bound { AT_LEAST, LIKELY, AT_MOST };

/* From that moment on so many bytes more are gone, or fewer. Sums wrap where a profile that was
 * tampered with has more than there can be. */
struct change {
    uint64_t at, bytes;
};

static int compare_changes(const void *a, const void *b) {
    const struct change *one = a, *two = b;
    return one->at < two->at ? -1 : one->at > two->at;
}

struct changes {
    struct change *all;
    uint32_t count;
};

static void add_change(struct changes *changes, uint64_t from, uint64_t to, uint64_t bytes) {
    if (from >= to)
        return;
    changes->all[changes->count++] = (struct change){from, bytes};
    if (to != UINT64_MAX)
        changes->all[changes->count++] = (struct change){to, 0 - bytes};
}

static bool is_of(const struct release *release, uint32_t unit) {
    return unit == WHATIF_ALL || release->unit == unit;
}

/* When small objects are no longer known to be there. */
static uint64_t small_end(const struct heap *heap) {
    uint64_t end = UINT64_MAX;
    for (uint32_t i = 0; i < heap->snapshot->block_count; i++)
        if (heap->blocks[i].death)
            end = smaller(end, heap->blocks[i].death);
    return end;
}

/* The moment in which a block died may have been at its highest before. */
static void add_least(struct changes *changes, const struct release *release) {
    uint64_t to = release->death ? release->death + 1 : UINT64_MAX;
    add_change(changes, release->birth, to, release->bytes);
}

static void list_changes(const struct heap *heap, const struct whatif *whatif, uint32_t unit,
                         enum bound bound, struct changes *changes) {
    uint64_t end_of_small = small_end(heap), snapshot = heap->snapshot->first_moment;
    changes->count = 0;
    for (uint32_t i = 0; i < whatif->count; i++) {
        const struct release *release = &whatif->all[i];
        uint64_t death = release->death ? release->death : UINT64_MAX;
        if (!is_of(release, unit))
            continue;
        if (bound == AT_LEAST)
            add_least(changes, release);
        else if (release->sure)
            add_change(changes, bound == AT_MOST ? snapshot : release->since,
                       release->small ? end_of_small : death, release->bytes);
    }
    if (changes->count > 0)
        qsort(changes->all, changes->count, sizeof *changes->all, compare_changes);
}

/* A moment stands for those up to the next one in the list, which have the same blocks alive. Of
 * the one that the snapshot is in, the highest came afterwards where it was higher than anything
 * before: there, it counts as the snapshot's. */
static uint64_t moment_time(const struct heap *heap, uint32_t moment, uint64_t before) {
    const struct profile *profile = heap->profile;
    uint64_t number = profile->moments[moment].number, snapshot = heap->snapshot->first_moment;
    bool last = moment + 1 == profile->moment_count ||
                profile->moments[moment + 1].process != heap->snapshot->process;
    if (number > snapshot || (!last && profile->moments[moment + 1].number <= snapshot))
        return number;
    return profile->moments[moment].bytes > before ? snapshot : number;
}

/* The highest total before the snapshot, as far as the time line, the snapshot itself and the time
 * of the peak tell. */
static uint64_t highest_before(const struct heap *heap) {
    const struct profile *profile = heap->profile;
    const struct profile_process *process = &profile->processes[heap->snapshot->process];
    uint64_t highest = heap->snapshot->bytes;
    if (process->peak_ns < heap->snapshot->time_ns)
        return process->peak_bytes;
    for (uint32_t i = 0; i < profile->timeline_count; i++) {
        const struct profile_timeline *line = &profile->timelines[i];
        if (line->process != heap->snapshot->process)
            continue;
        for (uint32_t k = 0;
             k < line->point_count && line->points[k].time_ns < heap->snapshot->time_ns; k++)
            highest = larger(highest, line->points[k].bytes);
    }
    return highest;
}

/* What was gone just before that moment, or in it. */
static uint64_t gone_by(const struct changes *changes, uint64_t moment) {
    uint64_t gone = 0;
    for (uint32_t i = 0; i < changes->count && changes->all[i].at <= moment; i++)
        gone += changes->all[i].bytes;
    return gone;
}

static uint64_t less(uint64_t bytes, uint64_t gone) {
    return bytes > gone ? bytes - gone : 0;
}

/* What is left of any time before the snapshot that no moment stands for. */
static uint64_t left_before(const struct heap *heap, const struct changes *changes,
                            enum bound bound) {
    uint64_t snapshot = heap->snapshot->first_moment;
    if (bound == AT_LEAST)
        return 0;
    return bound == AT_MOST ? highest_before(heap)
                            : less(heap->snapshot->bytes, gone_by(changes, snapshot - 1));
}

/* The highest that is left of any moment. */
static uint64_t highest_left(const struct heap *heap, const struct changes *changes,
                             enum bound bound) {
    const struct profile *profile = heap->profile;
    uint32_t process = heap->snapshot->process, next = 0;
    uint64_t highest = profile->processes[process].rest_bytes, gone = 0;
    uint64_t before = highest_before(heap);
    for (uint32_t i = 0; i < profile->moment_count; i++) {
        const struct profile_moment *moment = &profile->moments[i];
        if (moment->process != process)
            continue;
        uint64_t time = bound == AT_LEAST ? moment->number : moment_time(heap, i, before);
        for (; next < changes->count && changes->all[next].at <= time; next++)
            gone += changes->all[next].bytes;
        highest = larger(highest, less(moment->bytes, gone));
    }
    return larger(highest, left_before(heap, changes, bound));
}

/* Of a profile without moments: only the snapshot's own is known. */
static uint64_t snapshot_left(const struct heap *heap, const struct changes *changes,
                              enum bound bound) {
    uint64_t gone = gone_by(changes, heap->snapshot->first_moment);
    uint64_t left = less(heap->snapshot->bytes + heap->snapshot->pending_bytes, gone);
    return larger(left, left_before(heap, changes, bound));
}

/* Whether what is known has the peak in it. */
static bool peak_is_known(const struct heap *heap) {
    const struct profile *profile = heap->profile;
    uint64_t peak = profile->processes[heap->snapshot->process].peak_bytes;
    if (profile->moment_count == 0)
        return heap->snapshot->bytes + heap->snapshot->pending_bytes >= peak;
    for (uint32_t i = 0; i < profile->moment_count; i++)
        if (profile->moments[i].process == heap->snapshot->process &&
            profile->moments[i].bytes >= peak)
            return true;
    return profile->processes[heap->snapshot->process].rest_bytes >= peak;
}

static uint64_t bound_of(const struct heap *heap, const struct whatif *whatif, uint32_t unit,
                         enum bound bound, struct changes *changes) {
    list_changes(heap, whatif, unit, bound, changes);
    uint64_t left = heap->profile->moment_count > 0 ? highest_left(heap, changes, bound)
                                                    : snapshot_left(heap, changes, bound);
    for (uint32_t i = 0; i < whatif->count && bound == AT_LEAST; i++)
        if (is_of(&whatif->all[i], unit))
            left = larger(left, whatif->all[i].floor);
    return left;
}

bool whatif_peak(const struct heap *heap, const struct whatif *whatif, uint32_t unit,
                 struct peak_without *peak) {
    uint64_t was = heap->profile->processes[heap->snapshot->process].peak_bytes;
    struct changes changes = {.all = malloc((2ul * whatif->count + 1) * sizeof *changes.all)};
    *peak = (struct peak_without){was, was, was};
    if (!changes.all)
        return false;
    if (peak_is_known(heap)) {
        peak->most = smaller(bound_of(heap, whatif, unit, AT_MOST, &changes), was);
        peak->least = smaller(bound_of(heap, whatif, unit, AT_LEAST, &changes), peak->most);
        peak->likely = smaller(bound_of(heap, whatif, unit, LIKELY, &changes), peak->most);
        peak->likely = larger(peak->likely, peak->least);
    }
    free(changes.all);
    return true;
}
