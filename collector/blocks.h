/* The live blocks of one process: address -> size and site, 16 bytes an entry.
 *
 * A sorted array with gaps. An address is scrambled into a key of 48 bits (a bijection); entries
 * lie in falling order of keys, each at its home (the key's share of the capacity) or as near
 * behind it as the order allows. So a search ends at the first entry that is not larger, whether
 * the block is there or not, and unused memory, which is zero, needs no preparation. Behind the
 * last home there are TAIL more places; the very last one stays empty.
 *
 * The table grows by a quarter when it is four fifths full, so that a live block costs 20 to 25
 * bytes (a small one, which stays in the cache, doubles when it is half full). It grows in steps:
 * the larger array gets the entries from the front of the old one, some with each block that is
 * added, and the old one's pages are given up behind them. Since order does not depend on the
 * capacity, one position in the old array (`moved`, always just behind a gap) says which of the two
 * arrays a key belongs to.
 */
#ifndef HOLDFAST_COLLECTOR_BLOCKS_H
#define HOLDFAST_COLLECTOR_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BLOCK_SIZE_MAX ((1ull << 48) - 1)

struct block_entry {
    uint64_t key; /* 48 bits, then the size's bits 32..47. 0: empty */
    uint32_t size_low;
    uint32_t site;
};

/* Zeroed: empty. */
struct blocks {
    struct block_entry *entries;
    uint64_t capacity, count;
    uint64_t limit;          /* when it holds that many, it grows */
    struct block_entry *old; /* while it grows; otherwise NULL */
    uint64_t old_capacity;
    uint64_t moved; /* keys whose home in `old` lies below are in `entries` */
};

struct block {
    uint64_t size;
    uint32_t site;
};

/* Adds a block; true in *replaced and its data in *old when one was there. False when memory ran
 * out. `address` is not 0 and has at most 48 bits, `size` is at most BLOCK_SIZE_MAX. */
bool blocks_put(struct blocks *blocks, uint64_t address, struct block block, bool *replaced,
                struct block *old);

/* Takes a block out; false when there is none. */
bool blocks_take(struct blocks *blocks, uint64_t address, struct block *taken);

void blocks_release(struct blocks *blocks);

/* Every entry can be found, and the count is right. For tests. */
bool blocks_is_valid(const struct blocks *blocks);

/* 0 for address 0 only. */
static inline uint64_t blocks_key(uint64_t address) {
    return (address * 0x9e3779b97f4bu) & ((1ull << 48) - 1);
}

static inline uint64_t blocks_home(uint64_t key, uint64_t capacity) {
    return (uint32_t) ~(key >> 16) * capacity >> 32;
}

/* Where to look for a key. */
static inline struct block_entry *blocks_place(const struct blocks *blocks, uint64_t key) {
    if (__builtin_expect(blocks->old != NULL, 0)) {
        uint64_t home = blocks_home(key, blocks->old_capacity);
        if (home >= blocks->moved)
            return blocks->old + home;
    }
    return blocks->entries + blocks_home(key, blocks->capacity);
}

/* Starts loading the place of an address that is going to be asked for. */
static inline void blocks_prefetch(const struct blocks *blocks, uint64_t address) {
    const struct block_entry *place = blocks_place(blocks, blocks_key(address));
    __builtin_prefetch(place, 1);
    __builtin_prefetch(place + 3, 1); /* a search looks at four, mostly in two cache lines */
}

#endif
