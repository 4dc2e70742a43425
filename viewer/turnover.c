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
    enum turnover_by by;
    uint32_t *stacks; /* by node: which stack it is without threads */
    struct intern ids, rows;
};

uint32_t life_lead(const struct profile *profile, uint32_t node) {
    for (uint32_t at = node; at > 0; at = profile->nodes[at].parent) {
        struct model_frame frame = held_frame(profile, at);
        if (frame.kind == FRAME_PYTHON && !frame_is_library(&frame))
            return at;
    }
    return node;
}

uint32_t *turnover_stacks(struct intern *ids, const struct profile *profile) {
    uint32_t *stacks = calloc(profile->node_count, sizeof *stacks);
    const struct intern_key empty = {{0}};
    bool good = stacks && intern_add(ids, &empty) == 0;
    for (uint32_t i = 1; good && i < profile->node_count; i++) {
        const struct profile_node *node = &profile->nodes[i];
        const struct intern_key key = {{stacks[node->parent], node->function, node->line, 1, 0}};
        if (node->function == 0)
            continue;
        stacks[i] = intern_add(ids, &key);
        good = stacks[i] != INTERN_FAILED;
    }
    if (good)
        return stacks;
    free(stacks);
    return NULL;
}

static struct intern_key row_key(const struct merge *merge, uint32_t process, uint32_t node,
                                 uint32_t kind) {
    const struct profile_node *nodes = merge->turnover->profile->nodes;
    uint32_t thread = nodes[node].function ? 0 : nodes[node].thread + 1;
    if (merge->by == TURNOVER_BY_STACK)
        return (struct intern_key){{process, merge->stacks[node], kind, node ? thread : 0, 0}};
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
    turnover->rows = calloc((size_t)profile->site_count + 1, sizeof *turnover->rows);
    for (uint32_t i = 0; turnover->rows && i < profile->site_count; i++) {
        const struct profile_site *site = &profile->sites[i];
        if (process != PROFILE_TREE && site->process != process)
            continue;
        const struct intern_key key = row_key(merge, site->process, site->node, site->kind);
        uint32_t row = intern_add(&merge->rows, &key);
        if (row == INTERN_FAILED)
            return false;
        turnover->count = merge->rows.count;
        add_site(&turnover->rows[row], site);
        add_site(&turnover->sums, site);
    }
    return turnover->rows != NULL;
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

bool turnover_open(struct turnover *turnover, const struct profile *profile, uint32_t process,
                   enum turnover_by by) {
    struct merge merge = {.turnover = turnover, .by = by};
    *turnover = (struct turnover){.profile = profile, .followed = is_followed(profile, process)};
    merge.stacks = turnover_stacks(&merge.ids, profile);
    bool good = merge.stacks && add_sites(&merge, process) && add_lifetimes(&merge, process);
    free(merge.stacks);
    intern_release(&merge.ids);
    intern_release(&merge.rows);
    return good;
}

void turnover_release(struct turnover *turnover) {
    free(turnover->rows);
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

static int compare(const void *left, const void *right, void *context) {
    turnover_measure *const *measure = context;
    uint64_t a = (*measure)(left), b = (*measure)(right);
    uint32_t i = ((const struct turnover_row *)left)->node,
             j = ((const struct turnover_row *)right)->node;
    return a != b ? (a > b ? -1 : 1) : (i > j) - (i < j);
}

void turnover_sort(struct turnover *turnover, turnover_measure *measure) {
    qsort_r(turnover->rows, turnover->count, sizeof *turnover->rows, compare, &measure);
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
