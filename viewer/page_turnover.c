/* What was allocated in the whole run, what of it was still live at its end, and how long it lived,
 * for the page: the stacks that allocated most, kept most and gave back most, and the sums of all.
 */
#include "page_parts.h"
#include "turnover.h"

#define MOST 200u /* of each kind of most */

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
    turnover_sort(turnover, measure);
    for (uint32_t i = 0; i < turnover->count && i < MOST; i++) {
        struct turnover_row *row = &turnover->rows[i];
        if (measure(row) == 0 || row->told)
            continue;
        row->told = true;
        put_row(page, turnover, row);
    }
}

void page_put_turnover(struct page_out *page) {
    const struct profile *profile = page->profile;
    struct turnover turnover;
    bool good = turnover_open(&turnover, profile, page->options->process, TURNOVER_BY_STACK);
    page_key(page, "turnover");
    page_begin(page, '{');
    page_put_number(page, "allocated", turnover.sums.made_bytes);
    page_put_number(page, "kept", turnover.sums.kept_bytes);
    page_put_number(page, "exit", turnover.sums.exit_bytes);
    page_put_flag(page, "followed", turnover.followed);
    page_put_number(page, "sites", turnover.count);
    page_key(page, "rows");
    page_begin(page, '[');
    if (good) {
        put_most(page, &turnover, turnover_made);
        put_most(page, &turnover, turnover_kept);
        put_most(page, &turnover, turnover_churn);
    }
    page_end(page, ']');
    page_end(page, '}');
    page->failed |= !good;
    turnover_release(&turnover);
}
