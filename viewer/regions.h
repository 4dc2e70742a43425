/* What reports tell of the regions that a program marked. */
#ifndef HOLDFAST_VIEWER_REGIONS_H
#define HOLDFAST_VIEWER_REGIONS_H

#include "wire/profile.h"

/* Of the process's live bytes, from the region's begin to its end; as much as there is of numbers.
 */
static inline int64_t regions_growth(const struct profile_region *region) {
    uint64_t begin = region->process_begin_bytes, end = region->process_end_bytes;
    uint64_t change = end > begin ? end - begin : begin - end;
    int64_t size = change < INT64_MAX ? (int64_t)change : INT64_MAX;
    return end > begin ? size : -size;
}

/* What was allocated in all times of it, and given back before their ends. */
static inline uint64_t regions_churn(const struct profile_region *region) {
    return region->all_made_bytes > region->all_kept_bytes
               ? region->all_made_bytes - region->all_kept_bytes
               : 0;
}

/* An image that ends in an exec gives everything back without a call. */
static inline bool regions_ended_in_exec(const struct profile *profile, uint32_t process) {
    for (uint32_t i = 0; i < profile->process_count; i++)
        if (i != process && profile->processes[i].parent == process &&
            profile->processes[i].pid == profile->processes[process].pid)
            return true;
    return false;
}

/* Whether what a process had at the end of the profile was never given back: it has ended, not in
 * an exec, and none of its frees may be missing. */
static inline bool regions_left_for_good(const struct profile *profile, uint32_t process) {
    const struct profile_process *of = &profile->processes[process];
    return !(of->flags & (PROCESS_RUNNING | PROCESS_DAMAGED)) && of->dropped == 0 &&
           !regions_ended_in_exec(profile, process);
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
