/* Who held a region's memory near its own peak.
 *
 * The snapshot that explains a region's peak is of the whole process. A holder of a large block is
 * the region's if the block is no older than the region; of small objects nobody knows how old they
 * are, so what they have is believed to be the region's as long as it fits into what the region
 * had.
 */
#ifndef HOLDFAST_VIEWER_REGION_HOLDERS_H
#define HOLDFAST_VIEWER_REGION_HOLDERS_H

#include "holders.h"

/* The findings of the snapshots that regions have, each looked for once: for a big heap they are
 * big.
 */
struct region_findings {
    const struct profile *profile;
    struct findings **of; /* by snapshot; NULL: not looked for yet, or done with */
    uint32_t *users;      /* by snapshot: regions that are not done with it */
};

/* False when memory ran out; to be closed in any case. */
bool region_findings_open(struct region_findings *all, const struct profile *profile);
void region_findings_close(struct region_findings *all);

/* NULL: no snapshot was near the region's peak, or memory ran out. */
struct findings *region_findings_of(struct region_findings *all,
                                    const struct profile_region *region);

/* Frees what no other region needs. For those who go through all regions, once for each. */
void region_findings_done(struct region_findings *all, const struct profile_region *region);

/* Its large block was allocated since the region's begin. */
static inline bool region_holder_is_own(const struct profile_region *region,
                                        const struct holder *holder) {
    return holder->birth >= region->begin_moment && holder->birth > 0;
}

#define REGION_HOLDERS_MAX 50u

/* The numbers of the holders that are the region's, or may be, the biggest first. How many. */
uint32_t region_holders(const struct findings *findings, const struct profile_region *region,
                        uint32_t numbers[REGION_HOLDERS_MAX]);

#endif
