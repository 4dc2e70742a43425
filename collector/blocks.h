/* The live blocks of one process: address -> size and site. A block takes 9 to 14 bytes where the
 * heap is full of blocks of up to 128 bytes, and 32 where it is the only one in 512 bytes.
 *
 * By chunks of memory (chunks.h): a block is a cell of 8 bytes in the array of its chunk, the one
 * of its place there. Blocks that are neighbours in memory are neighbours here, so that a program
 * that fills its heap from one end to the other finds what it needs in the cache, and a growing
 * heap costs little: what has to move is a chunk for many blocks.
 *
 * Addresses are used again and again. So when a block ends, its place stays known, with a cell of
 * 0, and the next block at that address takes it. Nothing has to move, and no branch depends on
 * which of the two an event is (collector/batch.c). An array that is full drops such cells before
 * it grows.
 *
 * An address that is not a multiple of 16 belongs to a chunk of its own kind, which no other
 * alignment shares. A size that does not fit into a cell is kept in a cell of a further kind.
 */
#ifndef HOLDFAST_COLLECTOR_BLOCKS_H
#define HOLDFAST_COLLECTOR_BLOCKS_H

#include "cells.h"
#include "chunks.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BLOCK_SIZE_MAX ((1ull << 48) - 1)
#define SCRAMBLE 0x9e3779b97f4bull /* odd, so that it makes a bijection */

/* Zeroed: empty. */
struct blocks {
    struct chunks chunks;
    struct cells cells;
    uint64_t count; /* live */
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

/* False when there is none. */
bool blocks_look(const struct blocks *blocks, uint64_t address, struct block *block);

/* Calls `visit` with the address and the site of each block, in no order that means something. */
typedef void blocks_visit(void *owner, uint64_t address, uint32_t site);
void blocks_each(const struct blocks *blocks, blocks_visit *visit, void *owner);

/* Every block can be found, and the count is right. For tests. */
bool blocks_is_valid(const struct blocks *blocks);

/* Bytes that the table takes. */
uint64_t blocks_bytes(const struct blocks *blocks);

/* Makes room for so many blocks at new addresses, save for their cells. To be called now and then
 * even if none come: growing and sweeping go on. False when memory ran out. */
bool blocks_reserve(struct blocks *blocks, uint64_t count);

/* The cell of a key, 0 where no block is now; NULL if the place is not known. It stays where it is
 * until room is reserved, or another place of its chunk becomes known. */
uint64_t *blocks_find(const struct blocks *blocks, uint64_t key);

/* In all cases but the first nothing has changed. */
enum blocks_inserted {
    BLOCKS_INSERTED,
    BLOCKS_NO_MEMORY,
    BLOCKS_NO_PLACE, /* a cluster of keys fills the end of the chunks' array */
};

/* Puts the cell of a block at a place that is not known, where chunks_search has ended, in room
 * that was reserved; the caller counts it. */
enum blocks_inserted blocks_insert(struct blocks *blocks, struct chunk *at, uint64_t key,
                                   uint64_t cell);

/* A cell: the site + 1, then 32 bits of size. */
static inline uint64_t block_cell(uint32_t site, uint32_t size) {
    return (site + 1ull) << 32 | size;
}

/* The chunk's key, then the place in the chunk. The lowest bit is 0. Bits of `address` above its 48
 * do not matter. */
static inline uint64_t blocks_key(uint64_t address) {
    uint64_t chunk = (address << 16 >> 25) + 1, rest = address & 15;
    return (rest << 40 | chunk) * (SCRAMBLE << 16) | (address >> 3 & 62);
}

static inline uint32_t blocks_place(uint64_t key) {
    return key >> 1 & 31;
}

static inline struct chunk *blocks_start(const struct blocks *blocks, uint64_t key) {
    return chunks_start(&blocks->chunks, key);
}

/* How many bits are set; not all processors that this is built for have an instruction for it. */
static inline uint32_t count_bits(uint32_t bits) {
    bits -= bits >> 1 & 0x55555555;
    bits = (bits & 0x33333333) + (bits >> 2 & 0x33333333);
    bits = (bits + (bits >> 4)) & 0x0f0f0f0f;
    return bits * 0x01010101 >> 24;
}

/* Whether the chunk is the key's, and knows its place. */
static inline bool chunk_knows(const struct chunk *chunk, uint64_t key) {
    return ((chunk->key ^ key) >> 16 | (~chunk->known >> blocks_place(key) & 1)) == 0;
}

/* The places of a chunk that come before the key's and are known. */
static inline uint32_t chunk_before(const struct chunk *chunk, uint64_t key) {
    return chunk->known & ((1u << blocks_place(key)) - 1);
}

/* The cell of a place in a chunk that knows it. */
static inline uint64_t *chunk_cell(const struct cells *cells, const struct chunk *chunk,
                                   uint64_t key) {
    return cells_at(cells, chunk->cells) + count_bits(chunk_before(chunk, key));
}

#endif
