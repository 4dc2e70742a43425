/* What processes allocated over time, and what was live, by their biggest stacks, for the page. */
#include "page_parts.h"

#include <stdlib.h>

#define SITES_MAX 10u /* as the collector keeps them */

/* Stacks that several spans mention are there once: each has a number from 1 on, by node. */
struct stacks {
    uint32_t *numbers, *nodes;
    uint32_t count;
};

static uint32_t number_of(struct stacks *stacks, uint32_t node) {
    if (stacks->numbers[node] == 0) {
        stacks->nodes[stacks->count] = node;
        stacks->numbers[node] = ++stacks->count;
    }
    return stacks->numbers[node] - 1;
}

/* [stack, bytes] and so on. */
static void put_sites(struct page_out *page, struct stacks *stacks, const char *key,
                      const struct profile_span_site *sites, uint32_t count) {
    page_key(page, key);
    page_begin(page, '[');
    for (uint32_t i = 0; i < count && i < page_limit(page, SITES_MAX); i++) {
        page_number(page, number_of(stacks, sites[i].node));
        page_number(page, sites[i].bytes);
    }
    page_end(page, ']');
}

static void put_span(struct page_out *page, struct stacks *stacks, const struct profile_span *span,
                     uint64_t begin_ns, const struct profile_span_site *sites) {
    page_begin(page, '{');
    page_put_number(page, "process", span->process);
    page_put_seconds(page, "begin", begin_ns);
    page_put_seconds(page, "end", span->end_ns);
    page_put_number(page, "made", span->made_bytes);
    page_put_number(page, "held", span->held_bytes);
    page_put_seconds(page, "heldTime", span->held_ns);
    put_sites(page, stacks, "madeBy", sites, span->made_count);
    put_sites(page, stacks, "heldBy", sites + span->made_count, span->held_count);
    page_end(page, '}');
}

static bool is_wanted(const struct page_out *page, uint32_t process, const uint32_t *list,
                      uint32_t count) {
    if (page->options->process != PROFILE_TREE)
        return process == page->options->process;
    for (uint32_t i = 0; i < count; i++)
        if (list[i] == process)
            return true;
    return false;
}

static void put_spans(struct page_out *page, struct stacks *stacks) {
    const struct profile *profile = page->profile;
    const struct profile_span_site *sites = profile->span_sites;
    uint32_t list[PAGE_OWN_PEAKS], count = page_own_peaks(page, list);
    page_key(page, "spans");
    page_begin(page, '[');
    for (uint32_t i = 0; i < profile->span_count; i++) {
        const struct profile_span *span = &profile->spans[i];
        bool first = i == 0 || span[-1].process != span->process;
        uint64_t begin = first ? profile->processes[span->process].start_ns : span[-1].end_ns;
        if (is_wanted(page, span->process, list, count))
            put_span(page, stacks, span, begin, sites);
        sites += span->made_count + span->held_count;
    }
    page_end(page, ']');
}

void page_put_spans(struct page_out *page) {
    const struct profile *profile = page->profile;
    struct stacks stacks = {
        .numbers = calloc((size_t)profile->node_count + 1, sizeof *stacks.numbers),
        .nodes = calloc((size_t)profile->node_count + 1, sizeof *stacks.nodes),
    };
    if (stacks.numbers && stacks.nodes) {
        put_spans(page, &stacks);
        page_key(page, "spanStacks");
        page_begin(page, '[');
        for (uint32_t i = 0; i < stacks.count; i++)
            page_stack_end(page, stacks.nodes[i], PAGE_STACK_END);
        page_end(page, ']');
    } else {
        page->failed = true;
    }
    free(stacks.numbers);
    free(stacks.nodes);
}
