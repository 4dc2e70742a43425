/* Rows of a turnover whose stacks differ in native frames alone, as groups: what a view of Python's
 * frames shows as one row.
 */
#ifndef HOLDFAST_VIEWER_TURNOVER_GROUPS_H
#define HOLDFAST_VIEWER_TURNOVER_GROUPS_H

#include "turnover.h"

struct turnover_groups {
    uint32_t *of; /* by row of the turnover, in the order that they were in */
    uint32_t count;
};

/* False when memory ran out; to be released in any case. */
bool turnover_groups_find(struct turnover_groups *groups, const struct turnover *turnover);
void turnover_groups_release(struct turnover_groups *groups);

#endif
