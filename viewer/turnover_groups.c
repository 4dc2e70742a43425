/* See turnover_groups.h. */
#include "turnover_groups.h"

#include "intern.h"

#include <stdlib.h>

bool turnover_groups_find(struct turnover_groups *groups, const struct turnover *turnover) {
    uint32_t *stacks = calloc((size_t)turnover->profile->node_count + 1, sizeof *stacks);
    struct intern keys = {0};
    groups->of = calloc((size_t)turnover->count + 1, sizeof *groups->of);
    bool good = stacks && groups->of && turnover_find_stacks(turnover->profile, false, stacks);
    for (uint32_t i = 0; good && i < turnover->count; i++) {
        const struct turnover_row *row = &turnover->rows[i];
        const struct intern_key key = {{row->process, stacks[row->node], row->kind, 0, 0}};
        groups->of[i] = intern_add(&keys, &key);
        good = groups->of[i] != INTERN_FAILED;
    }
    groups->count = keys.count;
    intern_release(&keys);
    free(stacks);
    return good;
}

void turnover_groups_release(struct turnover_groups *groups) {
    free(groups->of);
    *groups = (struct turnover_groups){0};
}
