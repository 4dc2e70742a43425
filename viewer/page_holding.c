/* All that was live, by what holds it, for the page's icicle: items, which the page puts below
 * where their paths begin, and the rows of what each keeps. Columns, since there are thousands.
 */
#include "page_parts.h"

#include <stdlib.h>

#define STACKS_MAX 20000u

static void put_texts(struct page_out *page, const char *const *texts, uint32_t count) {
    page_begin(page, '[');
    for (uint32_t i = 0; i < count; i++)
        page_text(page, texts[i]);
    page_end(page, ']');
}

/* As HoldingItem in web/src/document.ts has them. */
static void put_item(struct page_out *page, const struct holding_item *item) {
    const struct holder *holder = &item->holder;
    page_begin(page, '[');
    page_number(page, item->row);
    page_text(page, holder_root_names[holder->root]);
    page_text(page, holder->name);
    page_text(page, holder->function);
    page_text(page, holder->file);
    page_number(page, holder->line);
    page_text(page, holder->path);
    page_text(page, verdict_names[holder->verdict]);
    page_text(page, holder->reason);
    put_texts(page, holder->cycle, holder->cycle_count);
    page_end(page, ']');
}

static void put_items(struct page_out *page, const struct holding *holding) {
    page_key(page, "items");
    page_begin(page, '[');
    for (uint32_t i = 0; i < holding->item_count; i++)
        put_item(page, &holding->items[i]);
    page_end(page, ']');
}

/* Objects; of smaller ones that are told together, below 0. */
static void put_counts(struct page_out *page, const struct holding *holding) {
    page_key(page, "count");
    page_begin(page, '[');
    for (uint32_t i = 0; i < holding->row_count; i++) {
        int64_t count = holding->rows[i].count;
        page_signed(page, holding->rows[i].rest ? -count : count);
    }
    page_end(page, ']');
}

static void put_columns(struct page_out *page, const struct holding *holding) {
    page_key(page, "depth");
    page_begin(page, '[');
    for (uint32_t i = 0; i < holding->row_count; i++)
        page_number(page, holding->rows[i].depth);
    page_end(page, ']');
    page_key(page, "text");
    page_begin(page, '[');
    for (uint32_t i = 0; i < holding->row_count; i++)
        page_text(page, holding->rows[i].text);
    page_end(page, ']');
    put_counts(page, holding);
}

/* [row, verdict, bytes] and so on, in one list. */
static void put_own(struct page_out *page, const struct holding *holding) {
    page_key(page, "own");
    page_begin(page, '[');
    for (uint32_t i = 0; i < holding->row_count * (uint32_t)VERDICTS; i++) {
        const uint64_t bytes = holding->rows[i / VERDICTS].bytes[i % VERDICTS];
        if (bytes == 0)
            continue;
        page_number(page, i / VERDICTS);
        page_number(page, i % VERDICTS);
        page_number(page, bytes);
    }
    page_end(page, ']');
}

/* Each stack once, and [row, its place among them]. */
static void put_stacks(struct page_out *page, const struct holding *holding) {
    uint32_t *place = calloc(page->profile->node_count, sizeof *place), count = 0;
    page->failed |= !place;
    page_key(page, "stacks");
    page_begin(page, '[');
    for (uint32_t i = 0; place && i < holding->row_count; i++) {
        uint32_t node = holding->rows[i].node;
        if (node == 0 || place[node] != 0 || count == page_limit(page, STACKS_MAX))
            continue;
        place[node] = ++count;
        page_stack_end(page, node, PAGE_STACK_END);
    }
    page_end(page, ']');
    page_key(page, "allocated");
    page_begin(page, '[');
    for (uint32_t i = 0; place && i < holding->row_count; i++) {
        if (holding->rows[i].node == 0 || place[holding->rows[i].node] == 0)
            continue;
        page_number(page, i);
        page_number(page, place[holding->rows[i].node] - 1);
    }
    page_end(page, ']');
    free(place);
}

/* [row, holder's number]. */
static void put_links(struct page_out *page, const struct holding *holding) {
    page_key(page, "holders");
    page_begin(page, '[');
    for (uint32_t i = 0; i < holding->row_count; i++) {
        if (holding->rows[i].holder == 0)
            continue;
        page_number(page, i);
        page_number(page, holding->rows[i].holder);
    }
    page_end(page, ']');
}

static void put_verdicts(struct page_out *page) {
    page_key(page, "verdicts");
    page_begin(page, '[');
    for (unsigned i = 0; i < VERDICTS; i++)
        page_text(page, verdict_names[i]);
    page_end(page, ']');
}

static void put_rest(struct page_out *page, const struct holding *holding) {
    page_put_number(page, "restCount", holding->rest_count);
    page_key(page, "rest");
    page_begin(page, '[');
    for (unsigned i = 0; i < VERDICTS; i++)
        page_number(page, holding->rest[i]);
    page_end(page, ']');
}

void page_put_holding(struct page_out *page, const struct findings *findings) {
    const struct holding *holding = findings->holding;
    page_key(page, "holding");
    if (!holding) {
        page_null(page);
        return;
    }
    page_begin(page, '{');
    page_put_number(page, "bytes", holding->bytes);
    put_verdicts(page);
    put_rest(page, holding);
    put_items(page, holding);
    put_columns(page, holding);
    put_own(page, holding);
    put_links(page, holding);
    put_stacks(page, holding);
    page_end(page, '}');
}
