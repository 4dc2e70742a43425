/* The regions that programs marked, in the page's data. */
#include "page_parts.h"
#include "region_holders.h"
#include "regions.h"

#include <stdlib.h>
#include <string.h>

#define REGIONS_SHOWN 5000u
#define HOLDERS_SHOWN 3u

struct region_held {
    uint64_t bytes;
    enum verdict verdict;
    char *type, *path;
};

/* What is told of a region beside its figures. Its texts are its own: the findings that they come
 * from are too big to be kept. */
struct region_told {
    bool seen;
    uint32_t count;
    struct region_held held[HOLDERS_SHOWN];
};

/* -- What held its memory -- */

static bool tell(struct region_told *told, struct region_findings *all,
                 const struct profile_region *region) {
    const struct findings *findings = region_findings_of(all, region);
    uint32_t numbers[REGION_HOLDERS_MAX];
    uint32_t count = findings ? region_holders(findings, region, numbers) : 0;
    told->seen = findings != NULL;
    for (uint32_t i = 0; i < count && i < HOLDERS_SHOWN; i++) {
        const struct holder *holder = &findings->holders[numbers[i]];
        struct region_held *held = &told->held[told->count++];
        *held = (struct region_held){holder->bytes, holder->verdict, strdup(holder->type),
                                     strdup(holder->path)};
        if (!held->type || !held->path)
            return false;
    }
    return true;
}

/* For the regions that are told. False when memory ran out. */
static bool look(struct page_out *page, const struct page_pick *list, uint32_t count) {
    const struct profile *profile = page->profile;
    struct region_findings all;
    struct region_told *told = calloc((size_t)profile->region_count + 1, sizeof *told);
    bool good = region_findings_open(&all, profile) && told;
    for (uint32_t i = 0, next = 0; good && i < profile->region_count; i++) {
        if (next < count && list[next].number == i) {
            good = tell(&told[i], &all, &profile->regions[i]);
            next++;
        }
        region_findings_done(&all, &profile->regions[i]);
    }
    region_findings_close(&all);
    page->found->regions = told;
    return good;
}

void page_regions_forget(struct page_found *found, uint32_t region_count) {
    for (uint32_t i = 0; found->regions && i < region_count; i++)
        for (uint32_t k = 0; k < found->regions[i].count; k++) {
            free(found->regions[i].held[k].type);
            free(found->regions[i].held[k].path);
        }
    free(found->regions);
    found->regions = NULL;
}

/* -- The data -- */

/* [bytes, what, held by what, verdict] of each. */
static void put_held(struct page_out *page, const struct region_told *told) {
    page_put_flag(page, "seen", told->seen);
    page_key(page, "held");
    page_begin(page, '[');
    for (uint32_t i = 0; i < told->count; i++) {
        const struct region_held *held = &told->held[i];
        page_begin(page, '[');
        page_number(page, held->bytes);
        page_text(page, held->type);
        page_text(page, held->path);
        page_text(page, verdict_names[held->verdict]);
        page_end(page, ']');
    }
    page_end(page, ']');
}

static void put_region(struct page_out *page, uint32_t number) {
    const struct profile *profile = page->profile;
    const struct profile_region *region = &profile->regions[number];
    page_begin(page, '{');
    page_put_number(page, "process", region->process);
    page_put_number(page, "depth", regions_depth(profile, region));
    page_put_text(page, "name", profile->strings[region->name]);
    page_put_text(page, "thread",
                  region->flags & REGION_ALL_THREADS ? "all threads"
                                                     : profile->strings[region->thread]);
    page_put_number(page, "count", region->count);
    page_put_number(page, "unclosed", region->unclosed);
    page_put_number(page, "peak", region->peak_bytes);
    page_put_number(page, "kept", region->kept_bytes);
    page_put_number(page, "churn", regions_churn(region));
    page_key(page, "native");
    if (region->exit_native_bytes == 0 || regions_left_for_good(profile, region->process))
        page_number(page, region->exit_native_bytes);
    else
        page_null(page);
    page_key(page, "untouched");
    if (profile->processes[region->process].flags & PROCESS_DRAG)
        page_number(page, profile_untouched(region->byte_seconds));
    else
        page_null(page);
    page_key(page, "untouchedBy");
    page_stack_end(page, region->drag_node, PAGE_STACK_END);
    page_key(page, "growth");
    page_signed(page, regions_growth(region));
    page_put_seconds(page, "begin", region->begin_ns);
    page_put_seconds(page, "end", region->end_ns);
    put_held(page, &page->found->regions[number]);
    page_end(page, '}');
}

/* Those with the highest peaks, in their own order. What a region has is its outer ones', too, so
 * that hardly one is told without them. */
void page_put_regions(struct page_out *page) {
    const struct profile *profile = page->profile;
    uint32_t count = profile->region_count;
    struct page_pick *list = malloc(((size_t)count + 1) * sizeof *list);
    for (uint32_t i = 0; list && i < count; i++)
        list[i] = (struct page_pick){profile->regions[i].peak_bytes, i};
    if (list)
        count = page_pick(list, count, page_limit(page, REGIONS_SHOWN));
    bool good = list && (page->found->regions || look(page, list, count));
    page->failed |= !good;
    page_put_number(page, "regionCount", profile->region_count);
    page_key(page, "regions");
    page_begin(page, '[');
    for (uint32_t i = 0; good && i < count; i++)
        put_region(page, list[i].number);
    page_end(page, ']');
    free(list);
}
