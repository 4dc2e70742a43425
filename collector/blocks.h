/* The live blocks of one process: address -> size and site, 16 bytes an entry.
 *
 * A sorted array with gaps. An address is scrambled into a key of 48 bits (a bijection); entries
 * lie in falling order of keys, each in its home (the key's share of the capacity, four places that
 * fill one cache line) or as near behind it as the order allows. So a search ends at the first
 * entry that is not larger, whether the block is there or not, and unused memory, which is zero,
 * needs no preparation. Behind the last home there are TAIL more places; the very last one stays
 * empty.
 *
 * Addresses are used again and again. So when a block ends, its entry stays, without a block: it is
 * *dead*, and the next block at that address revives it. Nothing has to move, and no branch depends
 * on which of the two an event is (blocks_flip). A new key takes the place of a dead entry wherever
 * the order allows. A table that is nearly full is swept clean of them, some places with each new
 * key, before it grows: if most of its entries are dead, or in a huge table, a 32nd.
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
    uint64_t key;  /* 48 bits, then the size's bits 32..47, 0 when it is dead. 0: empty */
    uint64_t data; /* site + 1, then the size's bits 0..31. 0: dead, or empty */
};

/* Zeroed: empty. */
struct blocks {
    struct block_entry *entries;
    uint64_t capacity;       /* a multiple of four */
    uint64_t count, used;    /* entries with a block; all entries */
    uint64_t limit;          /* when so many are used, it grows or is swept */
    uint64_t swept;          /* where the next sweep goes on */
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

/* Makes room for so many blocks at new addresses: nothing but blocks_insert's neighbours moves
 * while they are added. Grows and sweeps in small steps, so that it is to be called now and then
 * even if none are. False when memory ran out. */
bool blocks_reserve(struct blocks *blocks, uint64_t count);

/* Puts an entry of a new key where blocks_search has ended, in room that was reserved; the caller
 * counts it. False, and nothing has changed, if a cluster of keys fills the array's end. */
bool blocks_insert(struct blocks *blocks, struct block_entry *at, struct block_entry entry);

/* In the upper 48 bits; 0 for address 0 only. Bits of `address` above its 48 do not matter. */
static inline uint64_t blocks_key(uint64_t address) {
    return address * (0x9e3779b97f4bu << 16);
}

static inline uint64_t blocks_entry_key(const struct block_entry *entry) {
    return entry->key & ~0xffffull;
}

static inline uint64_t blocks_home(uint64_t key, uint64_t capacity) {
    uint64_t groups = capacity / 4;
    return (groups - 1 - (uint64_t)((unsigned __int128)key * groups >> 64)) * 4;
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

/* The first entry at or behind its place that is not larger than the key: the key's own, if there
 * is one. */
static inline struct block_entry *blocks_search(struct block_entry *at, uint64_t key) {
    uint64_t bound = key | 0xffff;
    for (;;) {
        /* Four at a time, because nobody can guess at which one the search ends. Larger entries
         * come first, so that counting them is finding the end. */
        ptrdiff_t larger =
            (at[0].key > bound) + (at[1].key > bound) + (at[2].key > bound) + (at[3].key > bound);
        at += larger;
        if (__builtin_expect(larger < 4, 1))
            return at;
    }
}

#endif
