/* See blocks.h. */
#include "blocks.h"

#include <sys/mman.h>

#include "../wire/event.h"

#define FIRST_CAPACITY 1024u
#define LARGE_CAPACITY (1u << 16)
#define GIVE_BACK (4u << 20) /* bytes of the old table that are given up at once */

static uint64_t entry_address(const struct block_entry *entry) {
    return entry->key & EVENT_VALUE_MASK;
}

static uint64_t home_of(uint64_t address, uint64_t capacity) {
    uint64_t hash = address * 0x9e3779b97f4a7c15u >> 32;
    return hash * capacity >> 32;
}

static struct block entry_block(const struct block_entry *entry) {
    return (struct block){(entry->key >> 48) << 32 | entry->size_low, entry->site};
}

static void *table_map(uint64_t capacity) {
    void *pages = mmap(NULL, capacity * sizeof(struct block_entry), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return pages == MAP_FAILED ? NULL : pages;
}

static void move_entries(struct blocks *blocks, struct block_entry *entries, uint64_t capacity) {
    uint64_t step = GIVE_BACK / sizeof(struct block_entry);
    for (uint64_t i = 0; i < blocks->capacity; i++) {
        const struct block_entry *entry = &blocks->entries[i];
        if (entry->key) {
            uint64_t at = home_of(entry_address(entry), capacity);
            while (entries[at].key)
                at = at + 1 == capacity ? 0 : at + 1;
            entries[at] = *entry;
        }
        if ((i + 1) % step == 0)
            madvise(blocks->entries + i + 1 - step, GIVE_BACK, MADV_DONTNEED);
    }
}

static bool grow(struct blocks *blocks) {
    uint64_t capacity = FIRST_CAPACITY;
    if (blocks->capacity)
        capacity =
            blocks->capacity + blocks->capacity / (blocks->capacity < LARGE_CAPACITY ? 1 : 4);
    if (capacity > UINT32_MAX)
        return false;
    struct block_entry *entries = table_map(capacity);
    if (!entries)
        return false;
    move_entries(blocks, entries, capacity);
    if (blocks->entries)
        munmap(blocks->entries, blocks->capacity * sizeof *entries);
    blocks->entries = entries;
    blocks->capacity = capacity;
    return true;
}

bool blocks_put(struct blocks *blocks, uint64_t address, struct block block, bool *replaced,
                struct block *old) {
    if ((blocks->count + 1) * 5 > blocks->capacity * 4 && !grow(blocks))
        return false;
    uint64_t at = home_of(address, blocks->capacity);
    while (blocks->entries[at].key && entry_address(&blocks->entries[at]) != address)
        at = at + 1 == blocks->capacity ? 0 : at + 1;
    struct block_entry *entry = &blocks->entries[at];
    *replaced = entry->key != 0;
    if (*replaced)
        *old = entry_block(entry);
    else
        blocks->count++;
    *entry =
        (struct block_entry){address | block.size >> 32 << 48, (uint32_t)block.size, block.site};
    return true;
}

/* How far `at` lies behind `home`, around the table's end. */
static uint64_t distance(uint64_t home, uint64_t at, uint64_t capacity) {
    return at >= home ? at - home : at + capacity - home;
}

/* Closes the hole at `hole` by moving back what probed past it, so that no marks of deleted entries
 * are needed. */
static void close_hole(struct blocks *blocks, uint64_t hole) {
    uint64_t capacity = blocks->capacity;
    uint64_t at = hole;
    for (;;) {
        at = at + 1 == capacity ? 0 : at + 1;
        struct block_entry *entry = &blocks->entries[at];
        if (entry->key == 0)
            break;
        uint64_t home = home_of(entry_address(entry), capacity);
        if (distance(home, at, capacity) < distance(hole, at, capacity))
            continue;
        blocks->entries[hole] = *entry;
        hole = at;
    }
    blocks->entries[hole].key = 0;
}

bool blocks_take(struct blocks *blocks, uint64_t address, struct block *taken) {
    if (blocks->count == 0 || address == 0)
        return false;
    uint64_t at = home_of(address, blocks->capacity);
    while (blocks->entries[at].key) {
        if (entry_address(&blocks->entries[at]) == address) {
            *taken = entry_block(&blocks->entries[at]);
            close_hole(blocks, at);
            blocks->count--;
            return true;
        }
        at = at + 1 == blocks->capacity ? 0 : at + 1;
    }
    return false;
}

void blocks_prefetch(const struct blocks *blocks, uint64_t address) {
    if (blocks->capacity)
        __builtin_prefetch(&blocks->entries[home_of(address, blocks->capacity)], 1);
}

void blocks_release(struct blocks *blocks) {
    if (blocks->entries)
        munmap(blocks->entries, blocks->capacity * sizeof *blocks->entries);
    *blocks = (struct blocks){0};
}

bool blocks_is_valid(const struct blocks *blocks) {
    uint64_t count = 0;
    for (uint64_t i = 0; i < blocks->capacity; i++) {
        if (blocks->entries[i].key == 0)
            continue;
        count++;
        uint64_t at = home_of(entry_address(&blocks->entries[i]), blocks->capacity);
        for (; at != i; at = at + 1 == blocks->capacity ? 0 : at + 1)
            if (blocks->entries[at].key == 0)
                return false;
    }
    return count == blocks->count;
}
