/* The live blocks of one process: address -> size and site, 16 bytes an entry.
 *
 * Open addressing with linear probing. The table grows by a quarter when it is four fifths full, so
 * a live block costs 20 to 25 bytes. A block's place is hash * capacity >> 32, which keeps the
 * order of hashes: growing copies from front to back and gives the old pages up as it goes.
 */
#ifndef HOLDFAST_COLLECTOR_BLOCKS_H
#define HOLDFAST_COLLECTOR_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BLOCK_SIZE_MAX ((1ull << 48) - 1)

struct block_entry {
    uint64_t key; /* address, 48 bits; above it the size's bits 32..47. 0: empty */
    uint32_t size_low;
    uint32_t site;
};

/* Zeroed: empty. */
struct blocks {
    struct block_entry *entries;
    uint64_t capacity, count;
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

/* Starts loading the place of an address that is going to be asked for. */
void blocks_prefetch(const struct blocks *blocks, uint64_t address);

void blocks_release(struct blocks *blocks);

/* Every entry can be found, and the count is right. For tests. */
bool blocks_is_valid(const struct blocks *blocks);

#endif
