/* What reports tell of the regions that a program marked. */
#ifndef HOLDFAST_VIEWER_REGIONS_H
#define HOLDFAST_VIEWER_REGIONS_H

#include "wire/profile.h"

/* Of the process's live bytes, from the region's begin to its end. */
static inline int64_t regions_growth(const struct profile_region *region) {
    return (int64_t)region->process_end_bytes - (int64_t)region->process_begin_bytes;
}

/* What was allocated in all times of it, and given back before their ends. */
static inline uint64_t regions_churn(const struct profile_region *region) {
    return region->all_made_bytes > region->all_kept_bytes
               ? region->all_made_bytes - region->all_kept_bytes
               : 0;
}

/* How many others it is inside of. */
static inline uint32_t regions_depth(const struct profile *profile,
                                     const struct profile_region *region) {
    uint32_t depth = 0;
    for (; region->parent; region = &profile->regions[region->parent - 1])
        depth++;
    return depth;
}

#endif
