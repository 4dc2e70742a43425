/* The regions that programs marked, in the page's data. */
#include "page_parts.h"
#include "region_holders.h"
#include "regions.h"

#define REGIONS_SHOWN 5000u
#define HOLDERS_SHOWN 3u

/* [bytes, what, held by what, verdict] of each. */
static void put_held(struct page_out *page, struct region_findings *all,
                     const struct profile_region *region) {
    const struct findings *findings = region_findings_of(all, region);
    uint32_t numbers[REGION_HOLDERS_MAX];
    uint32_t count = findings ? region_holders(findings, region, numbers) : 0;
    page_put_flag(page, "seen", findings != NULL);
    page_key(page, "held");
    page_begin(page, '[');
    for (uint32_t i = 0; i < count && i < HOLDERS_SHOWN; i++) {
        const struct holder *holder = &findings->holders[numbers[i]];
        page_begin(page, '[');
        page_number(page, holder->bytes);
        page_text(page, holder->type);
        page_text(page, holder->path);
        page_text(page, verdict_names[holder->verdict]);
        page_end(page, ']');
    }
    page_end(page, ']');
}

static void put_region(struct page_out *page, struct region_findings *all,
                       const struct profile_region *region) {
    const struct profile *profile = page->profile;
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
    page_key(page, "growth");
    page_signed(page, regions_growth(region));
    page_put_seconds(page, "begin", region->begin_ns);
    page_put_seconds(page, "end", region->end_ns);
    put_held(page, all, region);
    page_end(page, '}');
}

void page_put_regions(struct page_out *page) {
    const struct profile *profile = page->profile;
    struct region_findings all;
    bool good = region_findings_open(&all, profile);
    page->failed |= !good;
    page_put_number(page, "regionCount", profile->region_count);
    page_key(page, "regions");
    page_begin(page, '[');
    for (uint32_t i = 0; i < profile->region_count && i < page_limit(page, REGIONS_SHOWN) && good;
         i++) {
        put_region(page, &all, &profile->regions[i]);
        region_findings_done(&all, &profile->regions[i]);
    }
    page_end(page, ']');
    region_findings_close(&all);
}
