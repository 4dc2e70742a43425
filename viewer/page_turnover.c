/* What was allocated in the whole run and what of it was still live at its end, for the page: the
 * sites that allocated most and those that kept most, and the sums of all.
 */
#include "page_parts.h"

#include <stdlib.h>

#define MOST 200u /* of each kind of most */

typedef uint64_t (*measure)(const struct profile_site *);

static uint64_t allocated(const struct profile_site *site) {
    return site->total_bytes;
}

static uint64_t kept(const struct profile_site *site) {
    return site->end_bytes;
}

struct order {
    const struct profile_site *sites;
    measure measure;
};

static int compare(const void *left, const void *right, void *context) {
    const struct order *order = context;
    uint32_t i = *(const uint32_t *)left, j = *(const uint32_t *)right;
    uint64_t a = order->measure(&order->sites[i]), b = order->measure(&order->sites[j]);
    return a != b ? (a > b ? -1 : 1) : (i > j) - (i < j);
}

static void put_row(struct page_out *page, const struct profile_site *site) {
    page_begin(page, '[');
    page_number(page, site->process);
    page_number(page, site->kind);
    page_number(page, site->total_bytes);
    page_number(page, site->total_blocks);
    page_number(page, site->peak_bytes);
    page_number(page, site->end_bytes);
    page_stack_end(page, site->node, PAGE_STACK_END);
    page_end(page, ']');
}

/* Each once, though it may have most of both. */
static void put_most(struct page_out *page, uint32_t *numbers, uint32_t count, bool *told,
                     measure by) {
    const struct profile_site *sites = page->profile->sites;
    struct order order = {sites, by};
    qsort_r(numbers, count, sizeof *numbers, compare, &order);
    for (uint32_t i = 0; i < count && i < MOST && by(&sites[numbers[i]]) > 0; i++) {
        if (!told[numbers[i]])
            put_row(page, &sites[numbers[i]]);
        told[numbers[i]] = true;
    }
}

void page_put_turnover(struct page_out *page) {
    const struct profile *profile = page->profile;
    uint32_t only = page->options->process, count = 0;
    uint32_t *numbers = calloc((size_t)profile->site_count + 1, sizeof *numbers);
    bool *told = calloc((size_t)profile->site_count + 1, sizeof *told);
    uint64_t all = 0, end = 0;
    for (uint32_t i = 0; numbers && i < profile->site_count; i++) {
        if (only != PROFILE_TREE && profile->sites[i].process != only)
            continue;
        numbers[count++] = i;
        all += profile->sites[i].total_bytes;
        end += profile->sites[i].end_bytes;
    }
    page_key(page, "turnover");
    page_begin(page, '{');
    page_put_number(page, "allocated", all);
    page_put_number(page, "kept", end);
    page_put_number(page, "sites", count);
    page_key(page, "rows");
    page_begin(page, '[');
    if (numbers && told && count > 0) {
        put_most(page, numbers, count, told, allocated);
        put_most(page, numbers, count, told, kept);
    }
    page_end(page, ']');
    page_end(page, '}');
    page->failed |= !numbers || !told;
    free(numbers);
    free(told);
}
