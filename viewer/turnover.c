/* See turnover.h. */
#include "turnover.h"

#include "held.h"
#include "intern.h"
#include "places.h"

#include <stdlib.h>

const char *const life_end_names[PROFILE_ENDS] = {[END_FREED] = "freed",
                                                  [END_COLLECTING] = "freed during a collection",
                                                  [END_NO_GIL] = "freed without the GIL",
                                                  [END_RESIZED] = "resized",
                                                  [END_UNSEEN] = "ended unseen",
                                                  [END_EXIT] =
                                                      "given back as the interpreter ended"};

const char *const life_end_keys[PROFILE_ENDS] = {
    [END_FREED] = "freed",     [END_COLLECTING] = "collecting", [END_NO_GIL] = "without_gil",
    [END_RESIZED] = "resized", [END_UNSEEN] = "unseen",         [END_EXIT] = "exit"};

/* -- What belongs together -- */

struct merge {
    struct turnover *turnover;
    const struct turnover_room *room;
    enum turnover_by by;
    struct intern rows;
};

uint32_t life_lead(const struct profile *profile, uint32_t node) {
    for (uint32_t at = node; at > 0; at = profile->nodes[at].parent) {
        struct model_frame frame = held_frame(profile, at);
        if (frame.kind == FRAME_PYTHON && !frame_is_library(&frame))
            return at;
    }
    return node;
}

static bool is_native(const struct profile *profile, const struct profile_node *node) {
    return *profile->strings[profile->functions[node->function].module] != '\0';
}

/* Threads are no frames, unless they are all that is known. */
bool turnover_find_stacks(const struct profile *profile, bool native, uint32_t *stacks) {
    struct intern ids = {0};
    const struct intern_key empty = {{0}};
    bool good = intern_add(&ids, &empty) == 0;
    for (uint32_t i = 1; good && i < profile->node_count; i++) {
        const struct profile_node *node = &profile->nodes[i];
        const struct intern_key key = {{stacks[node->parent], node->function, node->line, 1, 0}};
        if (node->function == 0)
            continue;
        bool left_out = !native && is_native(profile, node);
        stacks[i] = left_out ? stacks[node->parent] : intern_add(&ids, &key);
        good = stacks[i] != INTERN_FAILED;
    }
    intern_release(&ids);
    return good;
}

bool turnover_room_open(struct turnover_room *room, const struct profile *profile,
                        const struct process_sites *sites, enum turnover_by by) {
    *room = (struct turnover_room){.profile = profile, .sites = sites ? sites : &room->own};
    if (!sites && !process_sites_open(&room->own, profile))
        return false;
    if (by == TURNOVER_BY_PLACE)
        return true;
    room->stacks = calloc(profile->node_count, sizeof *room->stacks);
    return room->stacks && turnover_find_stacks(profile, true, room->stacks) &&
           process_rows_open(&room->types, profile, profile->type_lifetimes,
                             profile->type_lifetime_count, sizeof *profile->type_lifetimes) &&
           process_rows_open(&room->collected, profile, profile->collected,
                             profile->collected_count, sizeof *profile->collected);
}

void turnover_room_release(struct turnover_room *room) {
    process_sites_release(&room->own);
    process_sites_release(&room->types);
    process_sites_release(&room->collected);
    free(room->stacks);
    room->stacks = NULL;
}

static struct intern_key row_key(const struct merge *merge, uint32_t process, uint32_t node,
                                 uint32_t kind) {
    const struct profile_node *nodes = merge->turnover->profile->nodes;
    uint32_t thread = nodes[node].function ? 0 : nodes[node].thread + 1;
    if (merge->by == TURNOVER_BY_STACK)
        return (struct intern_key){
            {process, merge->room->stacks[node], kind, node ? thread : 0, 0}};
    node = life_lead(merge->turnover->profile, node);
    return (struct intern_key){{nodes[node].function, nodes[node].line, node ? thread : 0, 0, 0}};
}

/* -- Adding up -- */

static void add_site(struct turnover_row *row, const struct profile_site *site) {
    uint64_t big = site->total_bytes > site->end_bytes ? site->total_bytes : site->end_bytes;
    if (big >= row->biggest) {
        row->biggest = big;
        row->process = site->process;
        row->node = site->node;
        row->kind = site->kind;
    }
    row->made_bytes += site->total_bytes;
    row->made_blocks += site->total_blocks;
    row->kept_bytes += site->end_bytes;
    row->kept_blocks += site->end_blocks;
    row->exit_bytes += site->end_bytes;
    row->exit_blocks += site->end_blocks;
    row->peak_bytes += site->peak_bytes;
}

static bool add_sites(struct merge *merge, uint32_t process) {
    struct turnover *turnover = merge->turnover;
    const struct profile *profile = turnover->profile;
    const struct process_sites *sites = merge->room->sites;
    struct site_range range = process_sites_of(sites, profile, process);
    turnover->rows = calloc(range.end - range.first + 1ul, sizeof *turnover->rows);
    turnover->order = calloc(range.end - range.first + 1ul, sizeof *turnover->order);
    for (uint32_t i = range.first; turnover->rows && i < range.end; i++) {
        const struct profile_site *site = &profile->sites[sites->order[i]];
        const struct intern_key key = row_key(merge, site->process, site->node, site->kind);
        uint32_t row = intern_add(&merge->rows, &key);
        if (row == INTERN_FAILED)
            return false;
        turnover->count = merge->rows.count;
        add_site(&turnover->rows[row], site);
        add_site(&turnover->sums, site);
    }
    return turnover->rows && turnover->order;
}

static void add_exit(struct turnover_row *row, const struct profile_lifetime *lifetime) {
    row->exit_bytes += lifetime->ended_bytes[END_EXIT];
    row->exit_blocks += lifetime->ended_blocks[END_EXIT];
}

/* Those of sites that the profile has left out have no row. */
static bool add_lifetimes(struct merge *merge, uint32_t process) {
    struct turnover *turnover = merge->turnover;
    const struct profile *profile = turnover->profile;
    turnover->lifetimes = calloc((size_t)profile->lifetime_count + 1, sizeof *turnover->lifetimes);
    for (uint32_t i = 0; turnover->lifetimes && i < profile->lifetime_count; i++) {
        const struct profile_lifetime *one = &profile->lifetimes[i];
        if (process != PROFILE_TREE && one->process != process)
            continue;
        const struct intern_key key = row_key(merge, one->process, one->node, one->kind);
        uint32_t number = intern_add(&merge->rows, &key);
        if (number == INTERN_FAILED)
            return false;
        profile_lifetime_add(&turnover->ended, one);
        add_exit(&turnover->sums, one);
        if (number >= turnover->count)
            continue;
        struct turnover_row *row = &turnover->rows[number];
        add_exit(row, one);
        if (!row->lifetime)
            row->lifetime = ++turnover->lifetime_count;
        profile_lifetime_add(&turnover->lifetimes[row->lifetime - 1], one);
    }
    return turnover->lifetimes != NULL;
}

static bool is_followed(const struct profile *profile, uint32_t process) {
    bool all = true, any = false;
    for (uint32_t i = 0; i < profile->process_count; i++) {
        bool meant = process == PROFILE_TREE || process == i;
        any |= meant;
        all &= !meant || (profile->processes[i].flags & PROCESS_LIFETIMES);
    }
    return any && all;
}

bool turnover_open_in(struct turnover *turnover, const struct turnover_room *room, uint32_t process,
                      enum turnover_by by) {
    const struct profile *profile = room->profile;
    struct merge merge = {.turnover = turnover, .room = room, .by = by};
    *turnover = (struct turnover){.profile = profile, .followed = is_followed(profile, process)};
    bool good = add_sites(&merge, process) && add_lifetimes(&merge, process);
    intern_release(&merge.rows);
    return good;
}

bool turnover_open(struct turnover *turnover, const struct profile *profile, uint32_t process,
                   enum turnover_by by) {
    struct turnover_room room;
    *turnover = (struct turnover){.profile = profile};
    bool good = turnover_room_open(&room, profile, NULL, by) &&
                turnover_open_in(turnover, &room, process, by);
    turnover_room_release(&room);
    return good;
}

void turnover_release(struct turnover *turnover) {
    free(turnover->rows);
    free(turnover->order);
    free(turnover->lifetimes);
    *turnover = (struct turnover){0};
}

const struct profile_lifetime *turnover_of(const struct turnover *turnover,
                                           const struct turnover_row *row) {
    return row->lifetime ? &turnover->lifetimes[row->lifetime - 1] : NULL;
}

/* -- Orders and figures -- */

/* Of a site that had more at its end than it made, something was mapped and moved. */
uint64_t turnover_churn(const struct turnover_row *row) {
    return row->made_bytes > row->exit_bytes ? row->made_bytes - row->exit_bytes : 0;
}

uint64_t turnover_kept(const struct turnover_row *row) {
    return row->exit_bytes;
}

uint64_t turnover_made(const struct turnover_row *row) {
    return row->made_bytes;
}

struct ranking {
    const struct turnover_row *rows;
    turnover_measure *measure;
};

static int compare_numbers(uint64_t a, uint64_t b) {
    return (a > b) - (a < b);
}

/* The one with the most first. */
static int compare(const void *left, const void *right, void *context) {
    const struct ranking *ranking = context;
    uint32_t first = *(const uint32_t *)left, second = *(const uint32_t *)right;
    const struct turnover_row *a = &ranking->rows[first], *b = &ranking->rows[second];
    int order = compare_numbers(ranking->measure(b), ranking->measure(a));
    order = order ? order : compare_numbers(a->node, b->node);
    order = order ? order : compare_numbers(a->kind, b->kind);
    order = order ? order : compare_numbers(a->process, b->process);
    return order ? order : compare_numbers(first, second);
}

/* A heap with the last of those that it has at its top: that one has gone, and `row` takes a place.
 */
static void sink(uint32_t *heap, uint32_t count, uint32_t at, uint32_t row,
                 struct ranking *ranking) {
    for (uint32_t child; (child = at * 2 + 1) < count; at = child) {
        if (child + 1 < count && compare(&heap[child + 1], &heap[child], ranking) > 0)
            child++;
        if (compare(&heap[child], &row, ranking) < 0)
            break;
        heap[at] = heap[child];
    }
    heap[at] = row;
}

/* Most rows have less than all that are in the heap, so that sorting them would be in vain. */
uint32_t turnover_most(struct turnover *turnover, turnover_measure *measure, uint32_t most) {
    struct ranking ranking = {turnover->rows, measure};
    uint32_t *heap = turnover->order, count = 0, row = 0;
    for (; row < turnover->count && count < most; row++)
        if (measure(&turnover->rows[row]) > 0)
            heap[count++] = row;
    for (uint32_t i = count / 2; i-- > 0;)
        sink(heap, count, i, heap[i], &ranking);
    uint64_t least = count > 0 ? measure(&turnover->rows[heap[0]]) : 0;
    for (; count > 0 && row < turnover->count; row++) {
        if (measure(&turnover->rows[row]) < least || compare(&row, &heap[0], &ranking) > 0)
            continue;
        sink(heap, count, 0, row, &ranking);
        least = measure(&turnover->rows[heap[0]]);
    }
    qsort_r(heap, count, sizeof *heap, compare, &ranking);
    return count;
}

uint64_t life_bucket_end(unsigned bucket, unsigned count) {
    return bucket + 1 == count ? UINT64_MAX : (1ull << bucket) - 1;
}

unsigned life_quantile(const uint64_t *buckets, unsigned count, unsigned thousandths) {
    uint64_t all = 0, seen = 0;
    for (unsigned i = 0; i < count; i++)
        all += buckets[i];
    uint64_t wanted = all / 1000 * thousandths + (all % 1000 * thousandths + 999) / 1000;
    for (unsigned i = 0; i < count; i++) {
        seen += buckets[i];
        if (seen >= wanted && buckets[i])
            return i;
    }
    return count - 1;
}

/* What ended unseen, or with the interpreter, no stack has freed. */
uint64_t life_freed_elsewhere(const struct profile_lifetime *lifetime) {
    uint64_t all = profile_lifetime_ended(lifetime) - lifetime->ended_blocks[END_UNSEEN] -
                   lifetime->ended_blocks[END_EXIT];
    for (unsigned i = 0; i < PROFILE_FREES; i++)
        all -= lifetime->frees[i].blocks < all ? lifetime->frees[i].blocks : all;
    return all;
}
