/* See turnover_groups.h. */
#include "turnover_groups.h"

#include "intern.h"

#include <stdlib.h>

static bool is_native(const struct profile *profile, const struct profile_node *node) {
    return *profile->strings[profile->functions[node->function].module] != '\0';
}

/* By node, its stack without threads and native frames. NULL when memory ran out. */
static uint32_t *find_stacks(const struct profile *profile) {
    uint32_t *stacks = calloc((size_t)profile->node_count + 1, sizeof *stacks);
    struct intern ids = {0};
    const struct intern_key empty = {{0}};
    bool good = stacks && intern_add(&ids, &empty) == 0;
    for (uint32_t i = 1; good && i < profile->node_count; i++) {
        const struct profile_node *node = &profile->nodes[i];
        const struct intern_key key = {{stacks[node->parent], node->function, node->line, 1, 0}};
        if (node->function == 0)
            continue;
        stacks[i] = is_native(profile, node) ? stacks[node->parent] : intern_add(&ids, &key);
        good = stacks[i] != INTERN_FAILED;
    }
    intern_release(&ids);
    if (good)
        return stacks;
    free(stacks);
    return NULL;
}

bool turnover_groups_find(struct turnover_groups *groups, const struct turnover *turnover) {
    uint32_t *stacks = find_stacks(turnover->profile);
    struct intern keys = {0};
    groups->of = calloc((size_t)turnover->count + 1, sizeof *groups->of);
    bool good = stacks && groups->of;
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
