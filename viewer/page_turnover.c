/* What was allocated in the whole run, what of it was still live at its end, and how long it lived,
 * for the page: the stacks that allocated most, kept most and gave back most, and the sums of all.
 */
#include "page_parts.h"
#include "turnover_groups.h"
#include "typed.h"

#include <stdlib.h>

#define MOST 200u         /* of each kind of most */
#define MOST_OF_GROUP 16u /* stacks that differ in native frames alone */

static void put_buckets(struct page_out *page, const uint64_t *buckets, unsigned count) {
    while (count > 0 && buckets[count - 1] == 0)
        count--;
    page_begin(page, '[');
    for (unsigned i = 0; i < count; i++)
        page_number(page, buckets[i]);
    page_end(page, ']');
}

/* Whole, since the page adds them up when it hides frames. */
static void put_lifetime(struct page_out *page, const struct profile_lifetime *lifetime) {
    page_begin(page, '[');
    put_buckets(page, lifetime->ended_blocks, PROFILE_ENDS);
    put_buckets(page, lifetime->ages, PROFILE_AGES);
    put_buckets(page, lifetime->times, PROFILE_TIMES);
    page_end(page, ']');
}

/* The stack that freed most of a row's blocks; 0 where one that is not counted may have. */
static uint32_t freed_at(const struct profile_lifetime *lifetime) {
    const struct profile_free *most = &lifetime->frees[0];
    for (unsigned i = 1; i < PROFILE_FREES; i++)
        if (lifetime->frees[i].blocks > most->blocks)
            most = &lifetime->frees[i];
    return most->blocks >= life_freed_elsewhere(lifetime) ? most->node : 0;
}

static void put_row(struct page_out *page, const struct turnover *turnover,
                    const struct turnover_row *row) {
    const struct profile_lifetime *lifetime = turnover_of(turnover, row);
    page_begin(page, '[');
    page_number(page, row->process);
    page_number(page, row->kind);
    page_number(page, row->made_bytes);
    page_number(page, row->made_blocks);
    page_number(page, row->peak_bytes);
    page_number(page, row->kept_bytes);
    page_stack_end(page, row->node, PAGE_STACK_END);
    page_number(page, row->exit_bytes);
    page_number(page, row->exit_blocks);
    if (lifetime && profile_lifetime_ended(lifetime) > 0) {
        put_lifetime(page, lifetime);
        uint32_t freed = freed_at(lifetime);
        if (freed)
            page_stack_end(page, freed, PAGE_STACK_END);
    } else {
        page_null(page);
    }
    page_end(page, ']');
}

/* Each once, though it may have most of several. Processes share nodes, so that only the row itself
 * knows whether it has been told. */
static void put_most(struct page_out *page, struct turnover *turnover, turnover_measure *measure) {
    uint32_t count = turnover_most(turnover, measure, page_limit(page, MOST));
    for (uint32_t i = 0; i < count; i++) {
        struct turnover_row *row = &turnover->rows[turnover->order[i]];
        if (row->told)
            continue;
        row->told = true;
        put_row(page, turnover, row);
    }
}

static int compare_sums(const void *left, const void *right) {
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a < b) - (a > b);
}

/* What the biggest groups have at least; above all where there are none. */
static uint64_t least_of_most(const struct page_out *page, const uint64_t *sums, uint32_t count) {
    uint64_t *sorted = malloc(((size_t)count + 1) * sizeof *sorted), least = UINT64_MAX;
    uint32_t limit = page_limit(page, MOST);
    for (uint32_t i = 0; sorted && i < count; i++)
        sorted[i] = sums[i];
    if (sorted && count > 0) {
        qsort(sorted, count, sizeof *sorted, compare_sums);
        least = sorted[count < limit ? count - 1 : limit - 1];
    }
    free(sorted);
    return least > 0 ? least : 1;
}

/* Those of the groups that have most together, however little each of them has, and of groups that
 * some have been told of. False where they were too many. */
static bool put_groups(struct page_out *page, struct turnover *turnover,
                       turnover_measure *measure) {
    struct turnover_groups groups = {0};
    uint32_t ordered = turnover_most(turnover, measure, turnover->count);
    bool good = turnover_groups_find(&groups, turnover), whole = true;
    uint64_t *sums = calloc((size_t)groups.count + 1, sizeof *sums), least;
    uint32_t *told = calloc((size_t)groups.count + 1, sizeof *told);
    good = good && sums && told;
    page->failed |= !good;
    for (uint32_t i = 0; good && i < turnover->count; i++) {
        sums[groups.of[i]] += measure(&turnover->rows[i]);
        told[groups.of[i]] += turnover->rows[i].told;
    }
    least = good ? least_of_most(page, sums, groups.count) : 0;
    /* The biggest first; then those that have nothing of this measure, and may of another. */
    for (uint32_t i = 0; good && i < ordered + turnover->count; i++) {
        uint32_t number = i < ordered ? turnover->order[i] : i - ordered;
        struct turnover_row *row = &turnover->rows[number];
        uint32_t group = groups.of[number];
        if (row->told || (sums[group] < least && told[group] == 0))
            continue;
        whole &= told[group] < page_limit(page, MOST_OF_GROUP);
        if (told[group]++ >= page_limit(page, MOST_OF_GROUP))
            continue;
        row->told = true;
        put_row(page, turnover, row);
    }
    turnover_groups_release(&groups);
    free(sums);
    free(told);
    return whole;
}

static turnover_measure *const measures[] = {turnover_made, turnover_kept, turnover_churn};
#define MEASURES (sizeof measures / sizeof measures[0])

/* Returns whether what Python's frames alone tell apart is whole, as far as it is there. */
static bool put_rows(struct page_out *page, struct turnover *turnover) {
    bool whole = true;
    for (size_t i = 0; i < MEASURES; i++)
        put_most(page, turnover, measures[i]);
    for (size_t i = 0; view_has_native(page->profile) && i < MEASURES; i++)
        whole &= put_groups(page, turnover, measures[i]);
    return whole;
}

static unsigned finalizer_number(const struct profile *profile, uint32_t type) {
    const char *finalizer = typed_finalizer(profile, type);
    return !finalizer ? 0 : *finalizer == 'p' ? 2 : 1;
}

/* Null: of all together. */
static void put_process(struct page_out *page, uint32_t process) {
    if (process == PROFILE_TREE)
        page_null(page);
    else
        page_number(page, process);
}

/* [process, type, finalizer, bytes, life, blocks that never ended] each; of those with most bytes.
 */
static void put_types(struct page_out *page, uint32_t process, const struct typed *typed) {
    for (uint32_t i = 0; i < typed->type_count && i < page_limit(page, MOST); i++) {
        const struct profile_lifetime *one = &typed->types[i];
        page_begin(page, '[');
        put_process(page, process);
        page_text(page, typed_name(page->profile, one->type));
        page_number(page, finalizer_number(page->profile, one->type));
        page_number(page, typed_all_bytes(one));
        put_lifetime(page, one);
        page_number(page, one->kept_blocks);
        page_end(page, ']');
    }
}

/* [process, type, finalizer, bytes, blocks, stack] each. */
static void put_collected(struct page_out *page, uint32_t process, const struct typed *typed) {
    for (uint32_t i = 0; i < typed->collected_count && i < page_limit(page, MOST); i++) {
        const struct profile_collected *one = &typed->collected[i];
        page_begin(page, '[');
        page_number(page, process);
        page_text(page, typed_name(page->profile, one->type));
        page_number(page, finalizer_number(page->profile, one->type));
        page_number(page, one->bytes);
        page_number(page, one->blocks);
        page_stack_end(page, one->node, PAGE_STACK_END);
        page_end(page, ']');
    }
}

typedef void put_typed(struct page_out *page, uint32_t process, const struct typed *typed);

static bool put_one(struct page_out *page, const struct turnover_room *room, uint32_t process,
                    put_typed *put) {
    struct typed typed;
    bool good = typed_open(&typed, room, process);
    if (good)
        put(page, process, &typed);
    typed_release(&typed);
    return good;
}

/* By process, of those that the page lists. */
static bool put_each(struct page_out *page, const struct turnover_room *room, put_typed *put) {
    const struct profile *profile = page->profile;
    uint32_t wanted = page->options->process;
    bool good = true;
    for (uint32_t i = 0; good && profile->type_count && i < profile->process_count; i++)
        if (page_lists(i) && (wanted == PROFILE_TREE || wanted == i))
            good = put_one(page, room, i, put);
    return good;
}

/* What has most in all processes together may be among the most of none. */
static bool put_typed_lists(struct page_out *page, const struct turnover_room *room) {
    const struct profile *profile = page->profile;
    bool good = true;
    page_key(page, "types");
    page_begin(page, '[');
    if (page->options->process == PROFILE_TREE && profile->type_count && profile->process_count > 1)
        good = put_one(page, room, PROFILE_TREE, put_types);
    good = good && put_each(page, room, put_types);
    page_end(page, ']');
    page_key(page, "collected");
    page_begin(page, '[');
    good = good && put_each(page, room, put_collected);
    page_end(page, ']');
    return good;
}

void page_put_turnover(struct page_out *page) {
    const struct profile *profile = page->profile;
    struct turnover_room room;
    struct turnover turnover = {0};
    bool good = turnover_room_open(&room, profile, NULL, TURNOVER_BY_STACK) &&
                turnover_open_in(&turnover, &room, page->options->process, TURNOVER_BY_STACK);
    page_key(page, "turnover");
    page_begin(page, '{');
    page_put_number(page, "allocated", turnover.sums.made_bytes);
    page_put_number(page, "kept", turnover.sums.kept_bytes);
    page_put_number(page, "exit", turnover.sums.exit_bytes);
    page_put_flag(page, "followed", turnover.followed);
    page_put_number(page, "sites", turnover.count);
    page_key(page, "rows");
    page_begin(page, '[');
    bool whole = good && put_rows(page, &turnover);
    page_end(page, ']');
    page_put_flag(page, "whole", whole);
    good = good && put_typed_lists(page, &room);
    page_end(page, '}');
    page->failed |= !good;
    turnover_release(&turnover);
    turnover_room_release(&room);
}
