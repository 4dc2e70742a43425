/* Which snapshot explains the peak of which stretch (stretches.h).
 *
 * A snapshot is the process's. While it is taken, each open stretch notes what of its own was live:
 * the one with the most of that explains its peak best. A row keeps its highest stretch's, and of
 * all rows only those with the highest peaks do, so that the number of heap graphs is bounded.
 */
#include "stretches_rows.h"

#include "trace.h"

static bool is_good(const struct image *image, uint32_t number) {
    const struct snapshot *snapshot = snapshots_find(image, number);
    return snapshot && snapshot_is_complete(snapshot);
}

/* It may still become one. */
static bool is_coming(const struct image *image, uint32_t number) {
    const struct snapshot *snapshot = snapshots_find(image, number);
    return snapshot && snapshot->state != SNAPSHOT_ARRIVED;
}

static void note(const struct image *image, struct stretch_snapshots *noted,
                 struct stretch_snapshot snapshot) {
    bool good = is_good(image, noted->best.number);
    if (snapshot.bytes == 0 ||
        (snapshot.bytes < noted->best.bytes && (good || is_coming(image, noted->best.number))))
        return;
    if (good)
        noted->before = noted->best;
    noted->best = snapshot;
}

/* One that is paused, or could not be resumed, is nobody's: what its thread allocates is another
 * task's. */
static bool gets_allocations(const struct stretches *stretches, uint32_t place, int64_t thread) {
    for (uint32_t t = 0; t < stretches->thread_count; t++) {
        const struct stretch_thread *one = &stretches->threads[t];
        if (one->thread != STRETCH_EVERYBODY && one->thread != thread)
            continue;
        for (uint32_t i = 0; i < one->depth; i++)
            if (one->open[i] == place + 1)
                return true;
    }
    return false;
}

void stretches_note_snapshot(struct image *image, uint32_t number, uint64_t pending,
                             uint32_t node) {
    struct stretches *stretches = image->stretches;
    if (!stretches)
        return;
    int64_t thread = stretches_thread_of(stretches->stacks, node);
    for (uint32_t i = 0; i < stretches->count; i++) {
        struct stretch *stretch = &stretches->list[i];
        bool own = pending && gets_allocations(stretches, i, thread);
        if (stretch->number)
            note(image, &stretch->snapshots,
                 (struct stretch_snapshot){number, stretch->live + (own ? pending : 0),
                                           stretch->begin_moment});
    }
}

static bool refers(const struct stretch_snapshots *noted, uint32_t number) {
    return noted->best.number == number || noted->before.number == number;
}

bool stretches_need_snapshot(const struct image *image, uint32_t number) {
    const struct stretches *stretches = image->stretches;
    if (!stretches)
        return false;
    for (uint32_t i = 0; i < STRETCH_SNAPSHOTS; i++)
        if (stretches->snapshot_rows[i] &&
            refers(&stretches->rows[stretches->snapshot_rows[i] - 1].snapshots, number))
            return true;
    bool crowded = image->snapshots.count > SNAPSHOTS_CROWDED;
    for (uint32_t i = 0; !crowded && i < stretches->count; i++)
        if (stretches->list[i].number && refers(&stretches->list[i].snapshots, number))
            return true;
    return false;
}

struct stretch_snapshot stretches_snapshot(const struct image *image,
                                           const struct stretch_row *row) {
    if (is_good(image, row->snapshots.best.number))
        return row->snapshots.best;
    if (is_good(image, row->snapshots.before.number))
        return row->snapshots.before;
    return (struct stretch_snapshot){0};
}

/* The place of the row, or a free one, or that of the lowest peak. */
static uint32_t choose_place(const struct stretches *stretches, uint32_t row) {
    uint32_t lowest = 0;
    uint64_t least = UINT64_MAX;
    for (uint32_t i = 0; i < STRETCH_SNAPSHOTS; i++)
        if (stretches->snapshot_rows[i] == row + 1)
            return i;
    for (uint32_t i = 0; i < STRETCH_SNAPSHOTS; i++) {
        uint32_t other = stretches->snapshot_rows[i];
        uint64_t peak = other ? stretches->rows[other - 1].highest.peak : 0;
        if (other && peak >= least)
            continue;
        lowest = i;
        least = peak;
        if (!other)
            break;
    }
    return lowest;
}

void stretches_take_snapshot(const struct image *image, const struct stretch *stretch,
                             struct stretch_row *row) {
    if (stretch->snapshots.before.number)
        note(image, &row->snapshots, stretch->snapshots.before);
    if (stretch->snapshots.best.number)
        note(image, &row->snapshots, stretch->snapshots.best);
}

void stretches_keep_snapshot(struct stretches *stretches, uint32_t row) {
    struct stretch_row *own = &stretches->rows[row];
    uint32_t place = choose_place(stretches, row), other = stretches->snapshot_rows[place];
    if (!own->snapshots.best.number || other == row + 1)
        return;
    struct stretch_row *lower = other ? &stretches->rows[other - 1] : NULL;
    if (lower && lower->highest.peak >= own->highest.peak) {
        own->snapshots = (struct stretch_snapshots){{0}, {0}};
        return;
    }
    if (lower)
        lower->snapshots = (struct stretch_snapshots){{0}, {0}};
    stretches->snapshot_rows[place] = row + 1;
}
