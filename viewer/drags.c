/* See drags.h. */
#include "drags.h"

#include "turnover.h"

#include <stdlib.h>

const char *const drags_phase_names[PROFILE_PHASES] = {[PHASE_LAG] = "lag",
                                                       [PHASE_USE] = "use",
                                                       [PHASE_DRAG] = "drag",
                                                       [PHASE_VOID] = "void",
                                                       [PHASE_UNSEEN] = "unseen"};

uint64_t drags_waste(const struct profile_drag *sums) {
    return profile_untouched(sums->byte_seconds);
}

uint64_t drags_lived(const struct profile_drag *sums) {
    return profile_lived(sums->byte_seconds);
}

static void add(struct profile_drag *to, const struct profile_drag *more) {
    if (drags_lived(more) > drags_lived(to)) {
        to->process = more->process;
        to->node = more->node;
        to->kind = more->kind;
    }
    to->bytes += more->bytes;
    for (unsigned i = 0; i < PROFILE_PHASES; i++) {
        to->blocks[i] += more->blocks[i];
        to->byte_seconds[i] += more->byte_seconds[i];
    }
    if (more->longest_ns > to->longest_ns)
        to->longest_ns = more->longest_ns;
}

static void set_key(struct drags_row *row, const struct profile *profile, enum drags_by by) {
    if (by == DRAGS_BY_STACK) {
        row->function = row->sums.node;
        row->line = row->sums.process;
        row->key = row->sums.kind;
        return;
    }
    const struct profile_node *node = &profile->nodes[life_lead(profile, row->sums.node)];
    row->function = node->function;
    row->line = node->line;
    row->key = node->function ? 0 : node->thread + 1;
}

static int compare_keys(const void *left, const void *right) {
    const struct drags_row *a = left, *b = right;
    if (a->function != b->function)
        return a->function < b->function ? -1 : 1;
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    return (a->key > b->key) - (a->key < b->key);
}

static int compare_waste(const void *left, const void *right) {
    const struct drags_row *a = left, *b = right;
    uint64_t first = drags_waste(&a->sums), second = drags_waste(&b->sums);
    if (first == second) {
        first = drags_lived(&a->sums);
        second = drags_lived(&b->sums);
    }
    return first != second ? (first > second ? -1 : 1) : compare_keys(left, right);
}

static void merge(struct drags *list) {
    uint32_t count = 0;
    qsort(list->rows, list->count, sizeof *list->rows, compare_keys);
    for (uint32_t i = 0; i < list->count; i++) {
        struct drags_row *last = count ? &list->rows[count - 1] : NULL;
        if (last && compare_keys(last, &list->rows[i]) == 0)
            add(&last->sums, &list->rows[i].sums);
        else
            list->rows[count++] = list->rows[i];
    }
    list->count = count;
    qsort(list->rows, list->count, sizeof *list->rows, compare_waste);
}

static void find_looks(struct drags *list, const struct profile *profile, uint32_t process) {
    list->followed = true;
    for (uint32_t i = 0; i < profile->process_count; i++) {
        const struct profile_process *one = &profile->processes[i];
        if (process != PROFILE_TREE && process != i)
            continue;
        list->followed &= (one->flags & PROCESS_DRAG) != 0;
        list->looks += one->looks;
        list->look_ns += one->look_ns;
        list->left_out += one->drag_left_out;
        if (one->look_pace_ns > list->pace_ns)
            list->pace_ns = one->look_pace_ns;
    }
}

bool drags_open(struct drags *list, const struct profile *profile, uint32_t process,
                enum drags_by by) {
    *list = (struct drags){0};
    list->rows = calloc((size_t)profile->drag_count + 1, sizeof *list->rows);
    if (!list->rows)
        return false;
    for (uint32_t i = 0; i < profile->drag_count; i++) {
        const struct profile_drag *one = &profile->drags[i];
        if (process != PROFILE_TREE && process != one->process)
            continue;
        struct drags_row *row = &list->rows[list->count++];
        row->sums = *one;
        set_key(row, profile, by);
        add(&list->sums, one);
    }
    merge(list);
    find_looks(list, profile, process);
    return true;
}

void drags_release(struct drags *list) {
    free(list->rows);
    *list = (struct drags){0};
}
