/* The mapped ranges of one process, as disjoint pieces in a balanced tree (a treap).
 *
 * Pieces are taken out, looked at or changed, and put back: the tree itself knows nothing of bytes
 * that count.
 */
#ifndef HOLDFAST_COLLECTOR_MAPPINGS_H
#define HOLDFAST_COLLECTOR_MAPPINGS_H

#include <stdbool.h>
#include <stdint.h>

struct piece {
    uint64_t start, end;
    uint32_t site;
    uint8_t class;  /* enum mapping_class */
    bool discarded; /* private memory whose pages were given back */
    uint64_t birth; /* the moment, when it is in the table of large blocks */
    uint32_t priority;
    struct piece *left, *right; /* right: also the next one in a list of pieces */
};

/* Zeroed: empty. */
struct mappings {
    struct piece *root;
    uint32_t count;
    uint64_t random;
};

struct cut {
    struct piece *list;    /* everything within the range, in order of addresses */
    struct piece split[2]; /* copies of the pieces that a border of the range has divided in two */
    uint32_t split_count;
};

/* Takes [start, end) out of the tree. False when memory ran out or there are too many pieces. */
bool mappings_cut(struct mappings *mappings, uint64_t start, uint64_t end, struct cut *cut);

/* A piece that is in no tree; NULL when there are too many. */
struct piece *mappings_new(struct mappings *mappings, struct piece values);

/* The piece that starts there, which stays in the tree; or NULL. */
const struct piece *mappings_at(const struct mappings *mappings, uint64_t start);

/* Puts a piece into its range, which must be free. */
void mappings_put(struct mappings *mappings, struct piece *piece);

/* Frees a piece that is in no tree. */
void mappings_drop(struct mappings *mappings, struct piece *piece);

void mappings_release(struct mappings *mappings);

/* Pieces are disjoint and in order, and the heap order of priorities holds. For tests. */
bool mappings_is_valid(const struct mappings *mappings);

#endif
