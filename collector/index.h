/* A hash index over things that are stored elsewhere, in an array, and known by their number there.
 *
 * A slot has four bytes: a number, and in the bits that numbers do not need, part of the hash,
 * which spares most looks at things that are not meant. Whoever owns the array says whether a
 * number is the thing that is looked for, and what its hash is: when the index grows, it asks
 * again.
 */
#ifndef HOLDFAST_COLLECTOR_INDEX_H
#define HOLDFAST_COLLECTOR_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#define INDEX_NONE UINT32_MAX

/* Zeroed: empty. */
struct index {
    uint32_t *slots;   /* number + 1 in the bits of `numbers`, part of the hash above; 0: empty */
    uint32_t capacity; /* a power of two */
    uint32_t count;
    uint32_t numbers; /* a mask: the low bits, enough for the largest number + 1 */
};

/* What an index's owner knows of its things. */
struct index_owner {
    bool (*equal)(const void *owner, uint32_t number, const void *key);
    uint64_t (*hash)(const void *owner, uint32_t number); /* as given to index_add */
};

/* Makes an empty index that takes so many numbers, up to that one, before it grows. */
bool index_reserve(struct index *index, uint32_t count);

/* The number whose thing equals `key`, or INDEX_NONE. */
uint32_t index_find(const struct index *index, const struct index_owner *of, const void *owner,
                    uint64_t hash, const void *key);

/* Adds a number that is not in it and that is below INDEX_NONE; all others' things are where they
 * can be asked for. False when memory ran out. */
bool index_add(struct index *index, const struct index_owner *of, const void *owner, uint64_t hash,
               uint32_t number);

/* Adds all numbers from `from` up to `to`, none of which is in it. False when memory ran out: then
 * none is added. */
bool index_add_range(struct index *index, const struct index_owner *of, const void *owner,
                     uint32_t from, uint32_t to);

void index_release(struct index *index);

#endif
