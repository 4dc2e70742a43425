/* See index.h. Linear probing in a table that is at most three quarters full. */
#include "index.h"

#include <stdlib.h>

uint32_t index_find(const struct index *index, uint64_t hash, index_equal equal, const void *owner,
                    const void *key) {
    if (index->capacity == 0)
        return INDEX_NONE;
    uint32_t mask = index->capacity - 1;
    for (uint32_t at = (uint32_t)hash & mask; index->slots[at].number; at = (at + 1) & mask) {
        const struct index_slot *slot = &index->slots[at];
        if (slot->hash == (uint32_t)hash && equal(owner, slot->number - 1, key))
            return slot->number - 1;
    }
    return INDEX_NONE;
}

static void place(struct index_slot *slots, uint32_t mask, struct index_slot slot) {
    uint32_t at = slot.hash & mask;
    while (slots[at].number)
        at = (at + 1) & mask;
    slots[at] = slot;
}

static bool grow(struct index *index) {
    uint64_t capacity = index->capacity ? (uint64_t)index->capacity * 2 : 64;
    struct index_slot *slots = capacity <= UINT32_MAX ? calloc(capacity, sizeof *slots) : NULL;
    if (!slots)
        return false;
    for (uint32_t i = 0; i < index->capacity; i++)
        if (index->slots[i].number)
            place(slots, (uint32_t)capacity - 1, index->slots[i]);
    free(index->slots);
    index->slots = slots;
    index->capacity = (uint32_t)capacity;
    return true;
}

bool index_add(struct index *index, uint64_t hash, uint32_t number) {
    if (((uint64_t)index->count + 1) * 4 > (uint64_t)index->capacity * 3 && !grow(index))
        return false;
    place(index->slots, index->capacity - 1, (struct index_slot){(uint32_t)hash, number + 1});
    index->count++;
    return true;
}

void index_release(struct index *index) {
    free(index->slots);
    *index = (struct index){0};
}
