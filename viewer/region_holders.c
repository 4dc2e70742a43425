/* See region_holders.h. */
#include "region_holders.h"

#include <stdlib.h>

bool region_findings_open(struct region_findings *all, const struct profile *profile) {
    const size_t count = profile->snapshot_count + 1ul;
    *all = (struct region_findings){profile, calloc(count, sizeof *all->of),
                                    calloc(count, sizeof *all->users)};
    for (uint32_t i = 0; all->users && i < profile->region_count; i++)
        all->users[profile->regions[i].snapshot]++; /* 0: none */
    return all->of && all->users;
}

void region_findings_close(struct region_findings *all) {
    for (uint32_t i = 0; all->of && i < all->profile->snapshot_count; i++)
        findings_free(all->of[i]);
    free(all->of);
    free(all->users);
    all->of = NULL;
    all->users = NULL;
}

struct findings *region_findings_of(struct region_findings *all,
                                    const struct profile_region *region) {
    if (!region->snapshot)
        return NULL;
    struct findings **findings = &all->of[region->snapshot - 1];
    if (!*findings)
        *findings = findings_of_snapshot(all->profile, region->snapshot - 1);
    return *findings;
}

void region_findings_done(struct region_findings *all, const struct profile_region *region) {
    if (!region->snapshot || --all->users[region->snapshot] > 0)
        return;
    findings_free(all->of[region->snapshot - 1]);
    all->of[region->snapshot - 1] = NULL;
}

uint32_t region_holders(const struct findings *findings, const struct profile_region *region,
                        uint32_t numbers[REGION_HOLDERS_MAX]) {
    uint64_t left = region->snapshot_bytes;
    uint32_t count = 0;
    for (uint32_t i = 0; i < findings->count; i++) {
        const struct holder *holder = &findings->holders[i];
        if (region_holder_is_own(region, holder))
            left -= holder->bytes < left ? holder->bytes : left;
    }
    for (uint32_t i = 0; i < findings->count && count < REGION_HOLDERS_MAX; i++) {
        const struct holder *holder = &findings->holders[i];
        bool own = region_holder_is_own(region, holder);
        if (!own && (holder->birth > 0 || holder->bytes > left))
            continue;
        if (!own)
            left -= holder->bytes;
        numbers[count++] = i;
    }
    return count;
}
