/* A hash index over things that are stored elsewhere, in an array, and known by their number there.
 *
 * It holds (hash, number) pairs only; whoever owns the array says whether a number is the thing
 * that is looked for.
 */
#ifndef HOLDFAST_COLLECTOR_INDEX_H
#define HOLDFAST_COLLECTOR_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#define INDEX_NONE UINT32_MAX

struct index_slot {
    uint32_t hash;
    uint32_t number; /* + 1; 0: empty */
};

/* Zeroed: empty. */
struct index {
    struct index_slot *slots;
    uint32_t capacity; /* a power of two */
    uint32_t count;
};

typedef bool (*index_equal)(const void *owner, uint32_t number, const void *key);

/* The number whose thing equals `key`, or INDEX_NONE. */
uint32_t index_find(const struct index *index, uint64_t hash, index_equal equal, const void *owner,
                    const void *key);

/* Adds a number that is not in it. False when memory ran out. */
bool index_add(struct index *index, uint64_t hash, uint32_t number);

void index_release(struct index *index);

#endif
