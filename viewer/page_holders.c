/* Who held the memory, for the page. */
#include "page_parts.h"

#include "held.h"

#include <stdlib.h>

#define HOLDERS_MAX 100u
#define TELLING_PART 10u /* of the tree's peak: of a process with less, nobody asks */

static void put_texts(struct page_out *page, const char *key, const char *const *texts,
                      uint32_t count) {
    page_key(page, key);
    page_begin(page, '[');
    for (uint32_t i = 0; i < count; i++)
        page_text(page, texts[i]);
    page_end(page, ']');
}

static void put_root(struct page_out *page, const struct holder *holder) {
    page_put_text(page, "root", holder_root_names[holder->root]);
    page_put_text(page, "name", holder->name);
    page_put_text(page, "function", holder->function);
    page_put_text(page, "file", holder->file);
    page_put_number(page, "line", holder->line);
    page_put_text(page, "path", holder->path);
}

static void put_released(struct page_out *page, struct peak_without peak) {
    page_put_number(page, "released", peak.most);
    page_put_number(page, "releasedLeast", peak.least);
}

static void put_holder(struct page_out *page, const struct holder *holder, uint32_t number,
                       uint64_t peak) {
    page_begin(page, '{');
    page_put_number(page, "number", number);
    page_put_number(page, "bytes", holder->bytes);
    page_put_number(page, "count", holder->count);
    page_put_text(page, "type", holder->type);
    page_put_text(page, "detail", holder->detail);
    put_root(page, holder);
    page_put_text(page, "verdict", verdict_names[holder->verdict]);
    page_put_text(page, "reason", holder->reason);
    page_put_text(page, "others", holder->others);
    page_put_flag(page, "bounded", holder->bounded);
    put_texts(page, "cycle", holder->cycle, holder->cycle_count);
    page_put_number(page, "references", holder->reference_total);
    page_put_number(page, "saves", holder->saves);
    put_released(page, holder_if_released(holder, peak));
    put_texts(page, "advice", holder->advice, holder->advice_count);
    page_key(page, "stack");
    page_stack(page, holder->node);
    page_end(page, '}');
}

static void put_list(struct page_out *page, const struct findings *findings, uint64_t peak) {
    uint32_t *order = held_order(findings, peak);
    page->failed |= !order;
    page_put_number(page, "count", findings->count);
    page_key(page, "list");
    page_begin(page, '[');
    for (uint32_t i = 0; order && i < findings->count && i < page_limit(page, HOLDERS_MAX); i++)
        put_holder(page, &findings->holders[order[i]], order[i] + 1, peak);
    page_end(page, ']');
    free(order);
}

static void put_snapshot(struct page_out *page, const struct findings *findings) {
    const struct profile_snapshot *snapshot = &page->profile->snapshots[findings->snapshot];
    page_put_seconds(page, "time", snapshot->time_ns);
    page_put_number(page, "bytes", held_bytes(findings->bytes, findings->pending_bytes));
    page_put_number(page, "pending", findings->pending_bytes);
    page_key(page, "pendingStack");
    page_stack(page, snapshot->pending_node);
    page_put_flag(page, "far", findings->far_from_peak);
    page_put_flag(page, "shallow", snapshot->flags & SNAPSHOT_IS_SHALLOW);
    page_put_flag(page, "complete", snapshot->flags & SNAPSHOT_COMPLETE);
    page_put_text(page, "name", held_snapshot_name(page->profile, snapshot));
    page_put_text(page, "problem", findings->graph ? "" : findings->why);
}

static void put_process(struct page_out *page, uint32_t process) {
    struct findings *findings = held_open(page->profile, page->options, process);
    if (!findings)
        return;
    page_begin(page, '{');
    page_put_number(page, "process", process);
    put_released(page, held_if_released(page->profile, findings));
    page_put_number(page, "garbage", findings->garbage_bytes);
    page_put_number(page, "dead", findings->dead_bytes);
    put_snapshot(page, findings);
    put_list(page, findings, held_peak(page->profile, findings));
    page_put_leaks(page, process);
    page_put_copies(page, findings);
    page_put_holding(page, findings);
    page_end(page, '}');
    held_close(page->options, findings);
}

/* The first is the one to show of the whole tree. */
void page_put_holders(struct page_out *page) {
    const struct profile *profile = page->profile;
    uint32_t list[PAGE_OWN_PEAKS], count = page_own_peaks(page, list);
    uint32_t first = held_process(profile, page->options);
    while (count > 0 &&
           profile->processes[list[count - 1]].peak_bytes < profile->tree_peak_bytes / TELLING_PART)
        count--;
    page_key(page, "holders");
    page_begin(page, '[');
    if (page_lists(first))
        put_process(page, first);
    for (uint32_t i = 0; page->options->process == PROFILE_TREE && i < count; i++)
        if (list[i] != first)
            put_process(page, list[i]);
    page_end(page, ']');
}
