/* How long big blocks lay untouched, for the page: by stack, what wasted most first. */
#include "drags.h"
#include "page_out.h"
#include "page_parts.h"

#define MOST 300u

static void put_row(struct page_out *page, const struct profile_drag *sums) {
    page_begin(page, '[');
    page_number(page, sums->process);
    page_number(page, sums->kind);
    page_number(page, sums->bytes);
    for (unsigned i = 0; i < PROFILE_PHASES; i++)
        page_number(page, sums->byte_seconds[i]);
    page_number(page, sums->longest_ns / 1000000);
    page_stack_end(page, sums->node, PAGE_STACK_END);
    page_end(page, ']');
}

void page_put_drag(struct page_out *page) {
    struct drags list;
    bool good = drags_open(&list, page->profile, page->options->process, DRAGS_BY_STACK);
    page_key(page, "drag");
    page_begin(page, '{');
    page_put_flag(page, "followed", list.followed);
    page_put_number(page, "looks", list.looks);
    page_put_number(page, "paceMs", list.pace_ns / 1000000);
    page_put_number(page, "leftOut", list.left_out);
    page_put_number(page, "sites", list.count);
    page_key(page, "rows");
    page_begin(page, '[');
    for (uint32_t i = 0; good && i < list.count && i < page_limit(page, MOST); i++)
        put_row(page, &list.rows[i].sums);
    page_end(page, ']');
    page_end(page, '}');
    page->failed |= !good;
    drags_release(&list);
}
