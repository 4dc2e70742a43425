/* See followed.h. The functions are found by their names (python/holdfast/_blocks.py); all but
 * followed_end() are called with the GIL. */
#include "followed.h"

#include <stdatomic.h>

#include "real.h"

#define PLACES (1u << 16)
#define NEAR 16u /* places, from a block's own one on, of which it may have any */
#define FREED 1u

/* Any thread ends a block, by exchange; the rest is changed with the GIL. */
static struct {
    _Atomic uintptr_t blocks[PLACES]; /* 0: free; FREED: until that is forgotten */
    uint32_t count;
} followed;

static uint32_t place_of(uintptr_t block, uint32_t step) {
    return (uint32_t)((block >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 40) + step;
}

static _Atomic uintptr_t *entry_at(uint32_t place) {
    return &followed.blocks[place % PLACES];
}

void followed_end(const void *block) {
    for (uint32_t step = 0; step < NEAR; step++) {
        uintptr_t expected = (uintptr_t)block;
        atomic_compare_exchange_strong(entry_at(place_of(expected, step)), &expected, FREED);
    }
}

unsigned holdfast_block_follow(const void *block);
void holdfast_block_forget(unsigned number);
void *holdfast_block_object(unsigned number, void *object, void (*keep)(void *object));

/* Gives a number to ask with; 0: it is not followed. */
EXPORT unsigned holdfast_block_follow(const void *block) {
    if (!process.epoch || process.off)
        return 0;
    for (uint32_t step = 0; step < NEAR; step++) {
        uintptr_t none = 0;
        uint32_t place = place_of((uintptr_t)block, step) % PLACES;
        if (!atomic_compare_exchange_strong(entry_at(place), &none, (uintptr_t)block))
            continue;
        followed.count++;
        filter_add(block, FILTER_FOLLOWED);
        return place + 1;
    }
    return 0;
}

EXPORT void holdfast_block_forget(unsigned number) {
    atomic_store(entry_at(number - 1), 0);
    if (--followed.count == 0)
        filter_remove(FILTER_FOLLOWED);
}

/* The object that the block is, or is of, with one more reference by `keep` (Py_IncRef or NULL);
 * NULL: the block has been freed. In one call, as no other thread may come in between. */
EXPORT void *holdfast_block_object(unsigned number, void *object, void (*keep)(void *object)) {
    if (atomic_load(entry_at(number - 1)) == FREED)
        return NULL;
    if (keep)
        keep(object);
    return object;
}
