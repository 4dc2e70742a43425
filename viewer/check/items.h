/* What a run held, by keys that another run has, too; and what a baseline has of them.
 */
#ifndef HOLDFAST_VIEWER_CHECK_ITEMS_H
#define HOLDFAST_VIEWER_CHECK_ITEMS_H

#include "viewer/diff/stacks.h"
#include "viewer/holders.h"

#include <jansson.h>

struct item {
    char *key;
    uint64_t bytes;  /* of all with this key */
    uint64_t before; /* in the baseline; 0: it is new */
    uint32_t count;  /* how many have this key */
    /* The biggest with this key: */
    const struct stack_frame *frame; /* of a place, its innermost frame */
    const struct holder *holder;     /* or of a holder; else NULL */
};

/* Zeroed: empty. */
struct items {
    struct item *list;
    uint32_t count, capacity;
};

/* Takes the key over. False when memory ran out, or the key is NULL. */
bool items_add(struct items *items, const struct item *item);
void items_release(struct items *items);

/* Takes those of one key together, finds them in the baseline (which may be NULL), and puts what
 * grew most first. */
void items_settle(struct items *items, const json_t *before);

static inline int64_t item_growth(const struct item *item) {
    return (int64_t)item->bytes - (int64_t)item->before;
}

struct check;

/* Of a run: each place of the program at the tree's peak, and each holder at the snapshots nearest
 * to the processes' peaks. False when memory ran out. */
bool items_read_places(const struct check *check, struct items *items);
bool items_read_holders(const struct check *check, struct items *items);

#endif
