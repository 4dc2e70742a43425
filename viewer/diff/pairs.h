/* Pairs what two sides have in common: files, processes, stacks, holders.
 *
 * Things are numbered on each side in an order that means something (by line, by start). Rules are
 * applied one after the other, the surest first; each pairs things that have the same key and no
 * partner yet, and never turns their order around.
 */
#ifndef HOLDFAST_VIEWER_DIFF_PAIRS_H
#define HOLDFAST_VIEWER_DIFF_PAIRS_H

#include <stdbool.h>
#include <stdint.h>

#define PAIR_NONE 0xffffffffu

enum diff_side { BEFORE, AFTER };

struct pairs {
    uint32_t count[2];
    uint32_t *partners[2]; /* by number: that of the other side, or PAIR_NONE */
};

struct pair_rule {
    const uint64_t *keys[2]; /* by number; 0: this rule does not apply */
    /* Where one side has more, the nearest of them are paired; NULL: the first. */
    uint64_t (*distance)(const void *context, uint32_t before, uint32_t after);
    const void *context;
};

/* False when memory ran out; to be released in any case. */
bool pairs_open(struct pairs *pairs, uint32_t before, uint32_t after);
void pairs_release(struct pairs *pairs);

/* False when memory ran out. */
bool pairs_apply(struct pairs *pairs, const struct pair_rule *rule);

#endif
