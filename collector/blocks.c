/* See blocks.h. */
#include "blocks.h"

#include <sys/mman.h>

#define FIRST_CAPACITY 1024u
#define LARGE_CAPACITY (1u << 16)
#define TAIL 256u
#define BEYOND 3u /* places behind the tail that a search may look at; they stay empty */
#define STEP 32u  /* places of the old array that are moved with each block added */
#define GIVE_BACK (4ull << 20) /* bytes of the old array that are given up at once */
#define HUGE_PAGE (2ull << 20)

static struct block entry_block(const struct block_entry *entry) {
    return (struct block){(entry->key & 0xffff) << 32 | entry->size_low, entry->site};
}

static size_t array_bytes(uint64_t capacity) {
    return (capacity + TAIL + BEYOND) * sizeof(struct block_entry);
}

/* A large array starts at a huge page's border: most of the cost of a random access to small pages
 * is that of finding the page. */
static struct block_entry *array_map(uint64_t capacity) {
    size_t size = array_bytes(capacity);
    size_t spare = size >= 4 * HUGE_PAGE ? HUGE_PAGE : 0;
    char *pages =
        mmap(NULL, size + spare, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED)
        return NULL;
    if (spare) {
        size_t before = (HUGE_PAGE - (uintptr_t)pages % HUGE_PAGE) % HUGE_PAGE;
        size_t end = (before + size + 4095) & ~(size_t)4095;
        if (before)
            munmap(pages, before);
        if (end < size + spare)
            munmap(pages + end, size + spare - end);
        pages += before;
        madvise(pages, size, MADV_HUGEPAGE);
    }
    return (struct block_entry *)(void *)pages;
}

/* The first entry at or behind `at` that is not larger than the key: the key's own, if there is
 * one. */
static inline struct block_entry *search(struct block_entry *at, uint64_t key) {
    uint64_t bound = key << 16 | 0xffff;
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

/* Makes room at `at` by moving what is there up to the next gap. False when that is the array's
 * last place. */
static inline bool open_gap(struct block_entry *at, const struct block_entry *last) {
    struct block_entry *gap = at;
    while (gap->key)
        gap++;
    if (gap == last)
        return false;
    for (; gap > at; gap--)
        gap[0] = gap[-1];
    return true;
}

static bool move_entry(struct blocks *blocks, const struct block_entry *entry) {
    uint64_t key = entry->key >> 16;
    struct block_entry *at = search(blocks->entries + blocks_home(key, blocks->capacity), key);
    if (!open_gap(at, blocks->entries + blocks->capacity + TAIL - 1))
        return false;
    *at = *entry;
    return true;
}

static void end_growth(struct blocks *blocks) {
    munmap(blocks->old, array_bytes(blocks->old_capacity));
    blocks->old = NULL;
    blocks->old_capacity = blocks->moved = 0;
}

/* Moves at least `places` of the old array, and on to the next gap. */
static bool move_on(struct blocks *blocks, uint64_t places) {
    uint64_t end = blocks->old_capacity + TAIL, at = blocks->moved;
    uint64_t goal = places < end - at ? at + places : end;
    for (; at < goal || (at < end && blocks->old[at].key); at++)
        if (blocks->old[at].key && !move_entry(blocks, &blocks->old[at]))
            return false;
    uint64_t per_batch = GIVE_BACK / sizeof *blocks->old;
    for (uint64_t batch = blocks->moved / per_batch; batch < at / per_batch; batch++)
        madvise(blocks->old + batch * per_batch, GIVE_BACK, MADV_DONTNEED);
    blocks->moved = at;
    if (at == end)
        end_growth(blocks);
    return true;
}

static bool grow(struct blocks *blocks) {
    if (blocks->old && !move_on(blocks, UINT64_MAX))
        return false;
    uint64_t capacity = FIRST_CAPACITY;
    if (blocks->capacity)
        capacity =
            blocks->capacity + blocks->capacity / (blocks->capacity < LARGE_CAPACITY ? 1 : 4);
    struct block_entry *entries = capacity <= UINT32_MAX ? array_map(capacity) : NULL;
    if (!entries)
        return false;
    blocks->old = blocks->entries;
    blocks->old_capacity = blocks->capacity;
    blocks->moved = 0;
    blocks->entries = entries;
    blocks->capacity = capacity;
    blocks->limit = capacity < LARGE_CAPACITY ? capacity / 2 : capacity / 5 * 4;
    return true;
}

static const struct block_entry *last_of(const struct blocks *blocks,
                                         const struct block_entry *at) {
    bool in_old =
        blocks->old && at >= blocks->old && at < blocks->old + blocks->old_capacity + TAIL;
    return in_old ? blocks->old + blocks->old_capacity + TAIL - 1
                  : blocks->entries + blocks->capacity + TAIL - 1;
}

/* A cluster has met the array's end: rehashes it all. Helps unless somebody made the addresses so.
 */
static struct block_entry *place_after_growth(struct blocks *blocks, uint64_t key) {
    if (!grow(blocks) || !move_on(blocks, UINT64_MAX))
        return NULL;
    struct block_entry *at = search(blocks_place(blocks, key), key);
    return open_gap(at, last_of(blocks, at)) ? at : NULL;
}

/* Once for each block added: starts growing in time, and keeps at it. */
static inline bool make_room(struct blocks *blocks) {
    if (__builtin_expect(blocks->old != NULL, 0))
        return move_on(blocks, STEP);
    if (__builtin_expect(blocks->count >= blocks->limit, 0))
        return grow(blocks);
    return true;
}

bool blocks_put(struct blocks *blocks, uint64_t address, struct block block, bool *replaced,
                struct block *old) {
    if (!make_room(blocks))
        return false;
    uint64_t key = blocks_key(address);
    struct block_entry *at = search(blocks_place(blocks, key), key);
    *replaced = at->key >> 16 == key;
    if (*replaced) {
        *old = entry_block(at);
    } else {
        if (at->key && !open_gap(at, last_of(blocks, at)) &&
            !(at = place_after_growth(blocks, key)))
            return false;
        blocks->count++;
    }
    *at = (struct block_entry){key << 16 | block.size >> 32, (uint32_t)block.size, block.site};
    return true;
}

/* Closes the gap at `gap`: what follows moves back, up to an entry that is at its home. */
static inline void close_gap(struct block_entry *gap, const struct block_entry *first,
                             uint64_t capacity) {
    while (gap[1].key && first + blocks_home(gap[1].key >> 16, capacity) <= gap) {
        gap[0] = gap[1];
        gap++;
    }
    gap->key = 0;
}

bool blocks_take(struct blocks *blocks, uint64_t address, struct block *taken) {
    if (blocks->count == 0 || address == 0)
        return false;
    uint64_t key = blocks_key(address);
    const struct block_entry *first = blocks->entries;
    uint64_t capacity = blocks->capacity;
    if (__builtin_expect(blocks->old != NULL, 0) &&
        blocks_home(key, blocks->old_capacity) >= blocks->moved) {
        first = blocks->old;
        capacity = blocks->old_capacity;
    }
    struct block_entry *at = search(blocks_place(blocks, key), key);
    if (at->key >> 16 != key)
        return false;
    *taken = entry_block(at);
    close_gap(at, first, capacity);
    blocks->count--;
    return true;
}

void blocks_release(struct blocks *blocks) {
    if (blocks->old)
        end_growth(blocks);
    if (blocks->entries)
        munmap(blocks->entries, array_bytes(blocks->capacity));
    *blocks = (struct blocks){0};
}

/* In falling order, none before its home, and no gap between an entry and its home. */
static bool array_is_valid(const struct block_entry *first, uint64_t capacity, uint64_t from,
                           uint64_t *count) {
    uint64_t above = UINT64_MAX, gap = from; /* gap: behind the last empty place */
    for (uint64_t i = from; i < capacity + TAIL; i++) {
        uint64_t key = first[i].key, home = blocks_home(key >> 16, capacity);
        if (key == 0) {
            gap = i + 1;
            continue;
        }
        if (key >> 16 >= above || home > i || home < gap)
            return false;
        above = key >> 16;
        ++*count;
    }
    return capacity == 0 || gap == capacity + TAIL;
}

bool blocks_is_valid(const struct blocks *blocks) {
    uint64_t count = 0;
    if (blocks->capacity && !array_is_valid(blocks->entries, blocks->capacity, 0, &count))
        return false;
    if (blocks->old && !array_is_valid(blocks->old, blocks->old_capacity, blocks->moved, &count))
        return false;
    return count == blocks->count;
}
