/* A profile as if a region of it were all there was: its peak is the region's own, its stacks are
 * those that allocated the region's bytes, and its holders those near the region's peak. Every
 * report can be made of that (`holdfast report --region`).
 */
#ifndef HOLDFAST_VIEWER_REGION_VIEW_H
#define HOLDFAST_VIEWER_REGION_VIEW_H

#include "holders.h"

struct region_view {
    struct profile profile;            /* shares what it can with the one that it is made of */
    char *name;                        /* "outer > load" */
    const struct profile_region *drag; /* its row, where big blocks were looked at; or NULL */
    struct findings *findings[1];
    struct profile_site *sites;
    struct profile_process process;
    struct profile_snapshot snapshot;
};

/* The region of this name, or path; of several, the one with the highest peak. `process` is an
 * index or PROFILE_TREE. REGION_NONE: there is none. */
#define REGION_NONE 0xffffffffu
uint32_t region_find(const struct profile *profile, uint32_t process, const char *name);

/* NULL when memory ran out. The profile must outlive the view. */
struct region_view *region_view_open(const struct profile *profile, uint32_t region);
void region_view_close(struct region_view *view);

#endif
