/* The regions that programs marked, in the page's data. */
#include "page_parts.h"
#include "regions.h"

#define REGIONS_SHOWN 5000u

static void put_region(struct page_out *page, const struct profile_region *region) {
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
    page_key(page, "growth");
    page_signed(page, regions_growth(region));
    page_put_seconds(page, "begin", region->begin_ns);
    page_put_seconds(page, "end", region->end_ns);
    page_end(page, '}');
}

void page_put_regions(struct page_out *page) {
    const struct profile *profile = page->profile;
    page_put_number(page, "regionCount", profile->region_count);
    page_key(page, "regions");
    page_begin(page, '[');
    for (uint32_t i = 0; i < profile->region_count && i < REGIONS_SHOWN; i++)
        put_region(page, &profile->regions[i]);
    page_end(page, ']');
}
