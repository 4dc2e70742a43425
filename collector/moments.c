/* See moments.h. */
#include "moments.h"

#include "memory.h"

#define LEFT_MAX (MOMENTS_MAX / 2)

void moments_next(struct moments *moments, struct totals *totals) {
    bool room = array_reserve(&moments->list, &moments->capacity, moments->count + 1ull,
                              sizeof *moments->list);
    totals_settle(totals);
    moments->passed++;
    if (room)
        moments->list[moments->count++] =
            (struct moment){.number = moments->passed, .bytes = totals->moment_highest};
    else if (totals->moment_highest > moments->rest)
        moments->rest = totals->moment_highest;
    totals->moment_highest = totals->live;
}

void moments_mark(struct moments *moments, uint64_t number) {
    uint32_t low = 0, high = moments->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (moments->list[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < moments->count)
        moments->list[low].begins = true;
}

void moments_merge(struct moments *moments) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < moments->count; i++) {
        struct moment moment = moments->list[i];
        if (i > 0 && !moment.begins) {
            struct moment *before = &moments->list[kept - 1];
            if (moment.bytes > before->bytes)
                before->bytes = moment.bytes;
            continue;
        }
        moment.begins = false;
        moments->list[kept++] = moment;
    }
    moments->count = kept;
}

/* Folds those below `bytes`, and the first `equal` of those that are the same. */
static void fold_below(struct moments *moments, uint64_t bytes, uint32_t equal) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < moments->count; i++) {
        struct moment moment = moments->list[i];
        if (moment.bytes > bytes || (moment.bytes == bytes && equal == 0)) {
            moments->list[kept++] = moment;
            continue;
        }
        equal -= moment.bytes == bytes;
        if (moment.bytes > moments->rest)
            moments->rest = moment.bytes;
    }
    moments->count = kept;
}

static int compare(const void *left, const void *right) {
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

void moments_fold(struct moments *moments, uint64_t peak) {
    uint64_t sorted[MOMENTS_MAX];
    fold_below(moments, peak / 2, 0);
    if (moments->count <= LEFT_MAX)
        return;
    for (uint32_t i = 0; i < moments->count; i++)
        sorted[i] = moments->list[i].bytes;
    qsort(sorted, moments->count, sizeof *sorted, compare);
    uint32_t lowest = moments->count - LEFT_MAX, equal = 1;
    uint64_t bound = sorted[lowest - 1];
    while (equal < lowest && sorted[lowest - 1 - equal] == bound)
        equal++;
    fold_below(moments, bound, equal);
}

void moments_release(struct moments *moments) {
    free(moments->list);
    *moments = (struct moments){0};
}
