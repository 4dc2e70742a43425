/* See index.h. Linear probing in a table that is at most three quarters full. */
#include "index.h"

#include <stdlib.h>

#include "pages.h"

#define FIRST_CAPACITY 64u
#define EXPECTED_FROM ((size_t)256 << 10) /* bytes; smaller ones malloc has cleared by hand */

/* The place comes from the hash's lower half, what is kept of it from the upper one. */
static uint32_t slot_of(const struct index *index, uint64_t hash, uint32_t number) {
    return ((uint32_t)(hash >> 32) & ~index->numbers) | (number + 1);
}

uint32_t index_find(const struct index *index, const struct index_owner *of, const void *owner,
                    uint64_t hash, const void *key) {
    if (index->capacity == 0)
        return INDEX_NONE;
    uint32_t mask = index->capacity - 1, slot;
    for (uint32_t at = (uint32_t)hash & mask; (slot = index->slots[at]) != 0;
         at = (at + 1) & mask) {
        uint32_t number = (slot & index->numbers) - 1;
        if (((slot ^ (uint32_t)(hash >> 32)) & ~index->numbers) == 0 &&
            of->equal(owner, number, key))
            return number;
    }
    return INDEX_NONE;
}

static void place(struct index *index, uint64_t hash, uint32_t number) {
    uint32_t mask = index->capacity - 1, at = (uint32_t)hash & mask;
    while (index->slots[at])
        at = (at + 1) & mask;
    index->slots[at] = slot_of(index, hash, number);
}

/* All bits up to the highest of `value`. */
static uint32_t bits_below(uint32_t value) {
    for (uint32_t shift = 1; shift < 32; shift *= 2)
        value |= value >> shift;
    return value;
}

static bool make(struct index *index, uint64_t capacity, uint32_t numbers) {
    *index = (struct index){.capacity = (uint32_t)capacity};
    index->numbers = numbers | (index->capacity - 1);
    index->slots = capacity <= UINT32_MAX ? calloc(capacity, sizeof *index->slots) : NULL;
    size_t size = capacity * sizeof *index->slots;
    if (index->slots && size >= EXPECTED_FROM)
        pages_expect(index->slots, size);
    return index->slots;
}

bool index_reserve(struct index *index, uint32_t count) {
    uint64_t capacity = FIRST_CAPACITY;
    while ((uint64_t)count * 4 > capacity * 3)
        capacity *= 2;
    return make(index, capacity, bits_below(count));
}

/* With so many slots, and bits for that number. */
static bool rebuild(struct index *index, const struct index_owner *of, const void *owner,
                    uint64_t capacity, uint32_t number) {
    struct index grown;
    if (!make(&grown, capacity, bits_below(number + 1) | index->numbers))
        return false;
    grown.count = index->count;
    for (uint32_t i = 0; i < index->capacity; i++) {
        uint32_t known = index->slots[i] & index->numbers;
        if (known)
            place(&grown, of->hash(owner, known - 1), known - 1);
    }
    free(index->slots);
    *index = grown;
    return true;
}

/* So many that the places of some can be asked for ahead of the others. */
#define AHEAD 8u

static void place_range(struct index *index, const struct index_owner *of, const void *owner,
                        uint32_t from, uint32_t to) {
    uint64_t hashes[AHEAD];
    for (uint64_t i = from; i < (uint64_t)to + AHEAD; i++) {
        uint64_t *hash = &hashes[i % AHEAD];
        if (i >= (uint64_t)from + AHEAD)
            place(index, *hash, (uint32_t)(i - AHEAD));
        if (i >= to)
            continue;
        *hash = of->hash(owner, (uint32_t)i);
        __builtin_prefetch(&index->slots[(uint32_t)*hash & (index->capacity - 1)], 1);
    }
}

bool index_add_range(struct index *index, const struct index_owner *of, const void *owner,
                     uint32_t from, uint32_t to) {
    if (from >= to)
        return true;
    uint64_t capacity = index->capacity ? index->capacity : FIRST_CAPACITY;
    while (((uint64_t)index->count + (to - from)) * 4 > capacity * 3)
        capacity *= 2;
    if ((capacity != index->capacity || to - 1 >= index->numbers) &&
        !rebuild(index, of, owner, capacity, to - 1))
        return false;
    place_range(index, of, owner, from, to);
    index->count += to - from;
    return true;
}

bool index_add(struct index *index, const struct index_owner *of, const void *owner, uint64_t hash,
               uint32_t number) {
    uint64_t capacity = index->capacity ? index->capacity : FIRST_CAPACITY;
    if (((uint64_t)index->count + 1) * 4 > capacity * 3)
        capacity *= 2;
    if ((capacity != index->capacity || number >= index->numbers) &&
        !rebuild(index, of, owner, capacity, number))
        return false;
    place(index, hash, number);
    index->count++;
    return true;
}

void index_release(struct index *index) {
    free(index->slots);
    *index = (struct index){0};
}
