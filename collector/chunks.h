/* The chunks of memory, 512 bytes each, in which blocks of a process have begun: chunk -> which of
 * its places have had one, and an array of cells (cells.h), one for each of these places.
 *
 * A sorted array with gaps. A chunk's number is scrambled into a key of 48 bits (a bijection);
 * entries lie in falling order of keys, each in its home (the key's share of the capacity, four
 * entries that fill one cache line) or as near behind it as the order allows. So a search ends at
 * the first entry that is not larger, whether the chunk is there or not, and unused memory, which
 * is zero, needs no preparation. Behind the last home there are TAIL more entries; the very last
 * one stays empty.
 *
 * A chunk stays when its last block has ended: its addresses will be used again. A table that is
 * nearly full is looked at in some places. If many of the chunks there are without blocks, it is
 * swept clean of these, some places with each block that is added, and otherwise it grows.
 *
 * It grows by a quarter when it is four fifths full (a small one, which stays in the cache, doubles
 * when it is half full), and in steps: the larger array gets the entries from the front of the old
 * one, some with each block that is added, and the old one's pages are given up behind them. Since
 * order does not depend on the capacity, one position in the old array (`moved`, always just behind
 * a gap) says which of the two arrays a key belongs to.
 */
#ifndef HOLDFAST_COLLECTOR_CHUNKS_H
#define HOLDFAST_COLLECTOR_CHUNKS_H

#include "cells.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHUNK_PLACES 32u /* of 16 bytes each */

struct chunk {
    uint64_t key;   /* 48 bits, then how many cells there is room for. 0: empty */
    uint32_t known; /* the places that have had a block, a bit each */
    uint32_t cells; /* their array, by rising place; a cell of 0: no block is there now */
};

/* Zeroed: empty. */
struct chunks {
    struct chunk *entries;
    uint64_t capacity;  /* a multiple of four */
    uint64_t count;     /* of entries */
    uint64_t limit;     /* when there are so many, it grows or is swept */
    uint64_t swept;     /* where the next sweep goes on */
    uint64_t to_sweep;  /* places that are still to be swept */
    uint64_t next_look; /* the count from which on it is worth looking for dead ones again */
    struct chunk *old;  /* while it grows; otherwise NULL */
    uint64_t old_capacity;
    uint64_t moved; /* keys whose home in `old` lies below are in `entries` */
};

/* Makes room for so many new chunks: nothing but chunks_insert's neighbours moves while they are
 * added. Grows and sweeps in small steps, so that it is to be called now and then even if none are.
 * Chunks without blocks may go, and their arrays are given back. False when memory ran out. */
bool chunks_reserve(struct chunks *chunks, struct cells *cells, uint64_t count);

/* Puts a new chunk where chunks_search has ended, in room that was reserved. False, and nothing has
 * changed, if a cluster of keys fills the array's end. */
bool chunks_insert(struct chunks *chunks, struct chunk *at, struct chunk chunk);

/* A cluster has met the array's end: puts all of it into a larger one. Helps unless somebody made
 * the addresses so. */
bool chunks_grow_whole(struct chunks *chunks);

void chunks_release(struct chunks *chunks);

/* Every entry can be found, and the count is right. For tests. */
bool chunks_is_valid(const struct chunks *chunks);

/* Behind the last entry of an array. */
const struct chunk *chunks_end(const struct chunk *array, uint64_t capacity);

static inline uint64_t chunk_key(const struct chunk *chunk) {
    return chunk->key & ~0xffffull;
}

static inline uint32_t chunk_room(const struct chunk *chunk) {
    return chunk->key & 0xffff;
}

/* Of a key, whatever its lower 16 bits. */
static inline uint64_t chunks_home(uint64_t key, uint64_t capacity) {
    uint64_t groups = capacity / 4;
    uint64_t share = (uint64_t)((unsigned __int128)(key & ~0xffffull) * groups >> 64);
    return (groups - 1 - share) * 4;
}

/* Where to look for a key. */
static inline struct chunk *chunks_start(const struct chunks *chunks, uint64_t key) {
    if (__builtin_expect(chunks->old != NULL, 0)) {
        uint64_t home = chunks_home(key, chunks->old_capacity);
        if (home >= chunks->moved)
            return chunks->old + home;
    }
    return chunks->entries + chunks_home(key, chunks->capacity);
}

/* The first entry at or behind its start that is not larger than the key: the key's own, if there
 * is one. */
static inline struct chunk *chunks_search(struct chunk *at, uint64_t key) {
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
