/* See python_stacks.h. */
#include "python_stacks.h"

#include "intern.h"
#include "views.h"

#include <stdlib.h>

static bool is_native(const struct profile *profile, const struct profile_node *node) {
    return *profile->strings[profile->functions[node->function].module] != '\0';
}

/* Those of nodes that differ in native frames only are one. */
static bool merge(struct python_stacks *stacks, const struct profile *profile) {
    struct intern seen = {0};
    bool good = true;
    for (uint32_t i = 0; good && i < profile->node_count; i++) {
        const struct profile_node *node = &profile->nodes[i];
        uint32_t above = stacks->of[node->parent];
        if (i > 0 && is_native(profile, node)) {
            stacks->of[i] = above;
            continue;
        }
        const struct intern_key key = {{above, node->function, node->line, node->thread, i == 0}};
        uint32_t number = intern_add(&seen, &key);
        good = number != INTERN_FAILED;
        if (!good)
            break;
        stacks->of[i] = number;
        stacks->parent[number] = above;
    }
    stacks->count = seen.count;
    intern_release(&seen);
    return good;
}

static void copy(struct python_stacks *stacks, const struct profile *profile) {
    stacks->count = profile->node_count;
    for (uint32_t i = 0; i < profile->node_count; i++) {
        stacks->of[i] = i;
        stacks->parent[i] = profile->nodes[i].parent;
    }
}

bool python_stacks_open(struct python_stacks *stacks, const struct profile *profile) {
    size_t count = (size_t)profile->node_count + 1;
    *stacks = (struct python_stacks){calloc(count, sizeof *stacks->of),
                                     calloc(count, sizeof *stacks->parent),
                                     calloc(count, sizeof *stacks->depth), 0};
    if (!stacks->of || !stacks->parent || !stacks->depth)
        return false;
    if (!view_has_native(profile))
        copy(stacks, profile);
    else if (!merge(stacks, profile))
        return false;
    for (uint32_t i = 1; i < profile->node_count; i++)
        if (profile->nodes[i].function != 0 && !is_native(profile, &profile->nodes[i]))
            stacks->depth[stacks->of[i]] = stacks->depth[stacks->parent[stacks->of[i]]] + 1;
    return true;
}

void python_stacks_release(struct python_stacks *stacks) {
    free(stacks->of);
    free(stacks->parent);
    free(stacks->depth);
}
