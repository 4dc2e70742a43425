/* The large live blocks of one process by address: of GRAPH_LARGE_BLOCK bytes and more, from any
 * family of functions, pieces of mappings that count too.
 *
 * A hash table with linear probing, at most half full. They are few, so it is not on the hot path.
 */
#ifndef HOLDFAST_COLLECTOR_LARGE_H
#define HOLDFAST_COLLECTOR_LARGE_H

#include <stdbool.h>
#include <stdint.h>

/* Those beyond are not listed: they fill 128 GiB. */
#define LARGE_MAX (1u << 20)

struct large {
    uint64_t address; /* 0: an empty place */
    uint64_t size;
    uint64_t birth; /* the moment that it began with */
    uint32_t site;
};

/* Zeroed: empty. */
struct large_table {
    struct large *places;
    uint32_t count, capacity;
};

/* Adds a block in place of the one at its address. False when memory ran out or there are too many.
 */
bool large_put(struct large_table *table, struct large block);

/* NULL when there is none. What was found is good until the next change. */
const struct large *large_find(const struct large_table *table, uint64_t address);

void large_remove(struct large_table *table, uint64_t address);
void large_release(struct large_table *table);

#endif
