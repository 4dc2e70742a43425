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
 * have no such: they can go at any time after the snapshot. So only the likely figure is without
 * them, up to a large block's death, and the one at least.
 */
#include "whatif.h"

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
    struct idle_since since; /* of what is released now */
    bool *released;          /* by large block */
    uint64_t *small;         /* by unit: not yet added */
    bool *seen;              /* by node */
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
                                                    .mapping = block->kind == PROFILE_MAPPED,
                                                    .birth = block->birth,
                                                    .since = at->since,
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
    struct idle_since since;
};

static int compare_since(struct idle_since one, struct idle_since two) {
    if (one.moment != two.moment)
        return one.moment > two.moment ? -1 : 1;
    return one.bytes > two.bytes ? -1 : one.bytes < two.bytes;
}

static int compare_dead(const void *a, const void *b) {
    const struct dead_local *one = a, *two = b;
    int order = compare_since(one->since, two->since);
    return order ? order : one->target < two->target ? -1 : one->target > two->target;
}

/* Those that died last come first. */
static bool list_dead(const struct heap *heap, const struct idle_since *since,
                      struct dead_local **dead, uint32_t *count) {
    uint32_t from = heap->first_edge[heap->frame_base], to = heap->first_edge[heap->thread_base];
    *count = 0;
    *dead = malloc((to - from + 1ul) * sizeof **dead);
    if (!*dead)
        return false;
    for (uint32_t i = from; i < to; i++) {
        if (!(heap->edges[i].flags & HEAP_DEAD) || !heap_is_freed(heap, heap->edges[i].target))
            continue;
        (*dead)[(*count)++] =
            (struct dead_local){heap->edges[i].target, since[heap->source[i] - heap->frame_base]};
    }
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
    struct idle_since *since = since_find(at->heap);
    struct dead_local *dead = NULL;
    uint32_t count = 0;
    bool good = since && list_dead(at->heap, since, &dead, &count);
    for (uint32_t i = 0; i < count && good; i++) {
        at->since = dead[i].since;
        see(at, dead[i].target);
        bool last = i + 1 == count || compare_since(dead[i + 1].since, at->since) != 0;
        good = spread(at) && (!last || release_all_small(at));
    }
    free(dead);
    free(since);
    return good;
}

/* -- Garbage: all that one child of top keeps is taken as one -- */

static struct idle_since garbage_since(const struct heap *heap, uint32_t first, uint32_t end) {
    uint64_t since = 0;
    for (uint32_t at = first; at < end; at++)
        if (heap_is_block(heap, heap->order[at]))
            since = larger(since, heap->blocks[heap->order[at] - heap->block_base].birth + 1);
    return (struct idle_since){since ? since : SINCE_UNKNOWN, 0};
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

/* Those of a process are one after the other. */
static void find_moments(const struct heap *heap, struct whatif *whatif) {
    const struct profile *profile = heap->profile;
    const struct profile_process *process = &profile->processes[heap->snapshot->process];
    whatif->rest = process->rest_bytes;
    whatif->peak_is_known = whatif->rest >= process->peak_bytes;
    for (uint32_t i = 0; i < profile->moment_count; i++) {
        const struct profile_moment *moment = &profile->moments[i];
        if (moment->process != heap->snapshot->process)
            continue;
        if (whatif->moment_count++ == 0)
            whatif->moments = moment;
        whatif->peak_is_known |= moment->bytes >= process->peak_bytes;
    }
}

static void find_small_end(const struct heap *heap, struct whatif *whatif) {
    whatif->small_end = UINT64_MAX;
    for (uint32_t i = 0; i < heap->snapshot->block_count; i++)
        if (heap->blocks[i].death)
            whatif->small_end = smaller(whatif->small_end, heap->blocks[i].death);
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
    find_small_end(heap, whatif);
    find_moments(heap, whatif);
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

/* What would be gone. */
struct absence {
    struct change *changes;
    uint32_t count;
    uint64_t before; /* the highest total just before the snapshot, or as what is dead was left */
    uint64_t gone_before; /* of it */
    uint64_t folded;      /* of those moments that are told as one figure, at most */
    uint64_t floor;       /* there was so much at one time whatever is gone */
};

static void add_change(struct absence *absence, uint64_t from, uint64_t to, uint64_t bytes) {
    if (from >= to)
        return;
    absence->changes[absence->count++] = (struct change){from, bytes};
    if (to != UINT64_MAX)
        absence->changes[absence->count++] = (struct change){to, 0 - bytes};
}

/* For all of its life. Of a mapping that ended in pieces, some may have been there longer. */
static void add_at_least(struct absence *absence, const struct release *release) {
    bool ended = release->death && !release->mapping;
    add_change(absence, release->birth, ended ? release->death : UINT64_MAX, release->bytes);
    absence->folded += release->bytes;
    absence->floor = larger(absence->floor, release->floor);
}

static uint64_t end_of(const struct whatif *whatif, const struct release *release) {
    uint64_t death = release->death ? release->death : UINT64_MAX;
    return release->small ? whatif->small_end : death;
}

static void add_likely(const struct heap *heap, const struct whatif *whatif,
                       struct absence *absence, const struct release *release) {
    uint64_t snapshot = heap->snapshot->first_moment, since = release->since.moment;
    if (since == SINCE_UNKNOWN) {
        uint64_t bytes = release->since.bytes ? release->since.bytes : heap->snapshot->bytes;
        absence->before = larger(absence->before, smaller(bytes, heap->snapshot->bytes));
    } else {
        absence->gone_before += release->bytes;
    }
    add_change(absence, larger(smaller(since, snapshot), release->birth), end_of(whatif, release),
               release->bytes);
}

static void add_at_most(const struct heap *heap, const struct whatif *whatif,
                        struct absence *absence, const struct release *release) {
    absence->before = heap->snapshot->bytes;
    if (!release->small)
        add_change(absence, heap->snapshot->first_moment, end_of(whatif, release), release->bytes);
}

/* Of one unit, or of all. */
static void find_absence(const struct heap *heap, const struct whatif *whatif, uint32_t unit,
                         enum bound bound, struct absence *absence) {
    *absence = (struct absence){.changes = absence->changes};
    for (uint32_t i = 0; i < whatif->count; i++) {
        const struct release *release = &whatif->all[i];
        if (unit != WHATIF_ALL && release->unit != unit)
            continue;
        if (bound == AT_LEAST)
            add_at_least(absence, release);
        else if (release->sure && bound == LIKELY)
            add_likely(heap, whatif, absence, release);
        else if (release->sure)
            add_at_most(heap, whatif, absence, release);
    }
    if (absence->count > 0)
        qsort(absence->changes, absence->count, sizeof *absence->changes, compare_changes);
}

static uint64_t less(uint64_t bytes, uint64_t gone) {
    return bytes > gone ? bytes - gone : 0;
}

/* The highest that is left of any time. */
static uint64_t highest_left(const struct whatif *whatif, const struct absence *absence) {
    uint64_t gone = 0, rest = less(whatif->rest, absence->folded);
    uint64_t before = less(absence->before, absence->gone_before);
    uint64_t highest = larger(larger(before, absence->floor), rest);
    uint32_t next = 0;
    for (uint32_t i = 0; i < whatif->moment_count; i++) {
        const struct profile_moment *moment = &whatif->moments[i];
        for (; next < absence->count && absence->changes[next].at <= moment->number; next++)
            gone += absence->changes[next].bytes;
        highest = larger(highest, less(moment->bytes, gone));
    }
    return highest;
}

bool whatif_peak(const struct heap *heap, const struct whatif *whatif, uint32_t unit,
                 struct peak_without *peak) {
    uint64_t was = heap->profile->processes[heap->snapshot->process].peak_bytes, left[AT_MOST + 1];
    struct absence absence = {.changes =
                                  malloc((2ul * whatif->count + 1) * sizeof *absence.changes)};
    if (!absence.changes)
        return false;
    for (enum bound bound = AT_LEAST; bound <= AT_MOST; bound++) {
        find_absence(heap, whatif, unit, bound, &absence);
        left[bound] = whatif->peak_is_known ? highest_left(whatif, &absence) : was;
    }
    free(absence.changes);
    uint64_t most = smaller(left[AT_MOST], was), least = smaller(left[AT_LEAST], most);
    *peak = (struct peak_without){least, smaller(larger(left[LIKELY], least), most), most};
    return true;
}
