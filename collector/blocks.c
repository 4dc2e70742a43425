/* See blocks.h. */
#include "blocks.h"

#include <sys/mman.h>

#define FIRST_CAPACITY 1024u
#define LARGE_CAPACITY (1u << 16)
#define HUGE_CAPACITY (1u << 20) /* from here on, dead entries count as a cost of the live ones */
#define TAIL 256u
#define FEW 32u  /* of a table's capacity: one in so many */
#define STEP FEW /* places of the old array that are moved, or swept, with each block added */
#define GIVE_BACK (4ull << 20) /* bytes of the old array that are given up at once */
#define HUGE_PAGE (2ull << 20)

static struct block entry_block(const struct block_entry *entry) {
    return (struct block){(entry->key & 0xffff) << 32 | (uint32_t)entry->data,
                          (uint32_t)(entry->data >> 32) - 1};
}

static size_t array_bytes(uint64_t capacity) {
    return (capacity + TAIL) * sizeof(struct block_entry);
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

/* Puts an entry at `at` by moving what is there up to the next gap or dead entry. False when that
 * is the array's last place. */
static inline bool insert(struct blocks *blocks, struct block_entry *at,
                          const struct block_entry *last, struct block_entry entry) {
    struct block_entry *gap = at;
    while (gap->data)
        gap++;
    if (gap == last)
        return false;
    blocks->used += gap->key == 0;
    for (; gap > at; gap--)
        gap[0] = gap[-1];
    *at = entry;
    return true;
}

static const struct block_entry *last_of(const struct blocks *blocks,
                                         const struct block_entry *at) {
    bool in_old =
        blocks->old && at >= blocks->old && at < blocks->old + blocks->old_capacity + TAIL;
    return in_old ? blocks->old + blocks->old_capacity + TAIL - 1
                  : blocks->entries + blocks->capacity + TAIL - 1;
}

bool blocks_insert(struct blocks *blocks, struct block_entry *at, struct block_entry entry) {
    return insert(blocks, at, last_of(blocks, at), entry);
}

static bool move_entry(struct blocks *blocks, const struct block_entry *entry) {
    uint64_t key = blocks_entry_key(entry);
    struct block_entry *at =
        blocks_search(blocks->entries + blocks_home(key, blocks->capacity), key);
    return insert(blocks, at, blocks->entries + blocks->capacity + TAIL - 1, *entry);
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
    for (; at < goal || (at < end && blocks->old[at].key); at++) {
        if (blocks->old[at].data && !move_entry(blocks, &blocks->old[at]))
            return false;
        blocks->used -= blocks->old[at].key != 0;
    }
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
    capacity &= ~3ull;
    struct block_entry *entries = capacity <= UINT32_MAX ? array_map(capacity) : NULL;
    if (!entries)
        return false;
    blocks->old = blocks->entries;
    blocks->old_capacity = blocks->capacity;
    blocks->moved = blocks->swept = 0;
    blocks->entries = entries;
    blocks->capacity = capacity;
    blocks->limit = capacity < LARGE_CAPACITY ? capacity / 2 : capacity / 5 * 4;
    return true;
}

/* A cluster has met the array's end: rehashes it all. Helps unless somebody made the addresses so.
 */
static bool insert_after_growth(struct blocks *blocks, struct block_entry entry) {
    if (!grow(blocks) || !move_on(blocks, UINT64_MAX))
        return false;
    return move_entry(blocks, &entry);
}

/* Takes the dead out of at least `places`, and on to the next gap: what is behind them moves back
 * to its home, or as near as it gets. */
static void sweep(struct blocks *blocks, uint64_t places) {
    struct block_entry *entries = blocks->entries;
    uint64_t end = blocks->capacity + TAIL, at = blocks->swept, to = at;
    uint64_t goal = places < end - at ? at + places : end;
    for (; at < goal || (at < end && entries[at].key); at++) {
        struct block_entry entry = entries[at];
        blocks->used -= (entry.key != 0) & (entry.data == 0);
        entries[at] = (struct block_entry){0, 0};
        if (entry.data == 0)
            continue;
        uint64_t home = blocks_home(entry.key, blocks->capacity);
        to = home > to ? home : to;
        entries[to++] = entry;
    }
    blocks->swept = at == end ? 0 : at;
}

/* Dead entries in a table that is nearly full: it is swept rather than made larger. */
static bool too_many_are_dead(const struct blocks *blocks) {
    uint64_t most =
        blocks->capacity < HUGE_CAPACITY ? blocks->limit / 8 * 5 : blocks->capacity / FEW;
    return blocks->used - blocks->count > most;
}

bool blocks_reserve(struct blocks *blocks, uint64_t count) {
    if (__builtin_expect(blocks->old != NULL, 0))
        return move_on(blocks, STEP * count);
    uint64_t soon = blocks->used + count + blocks->capacity / FEW;
    if (__builtin_expect(soon > blocks->limit, 0)) {
        if (too_many_are_dead(blocks))
            sweep(blocks, STEP * count);
        if (blocks->used + count > blocks->limit)
            return grow(blocks);
    }
    return true;
}

bool blocks_put(struct blocks *blocks, uint64_t address, struct block block, bool *replaced,
                struct block *old) {
    if (!blocks_reserve(blocks, 1))
        return false;
    uint64_t key = blocks_key(address);
    struct block_entry entry = {key | block.size >> 32,
                                (block.site + 1ull) << 32 | (uint32_t)block.size};
    struct block_entry *at = blocks_search(blocks_place(blocks, key), key);
    bool found = blocks_entry_key(at) == key;
    *replaced = found && at->data;
    if (*replaced)
        *old = entry_block(at);
    if (found)
        *at = entry;
    else if (!insert(blocks, at, last_of(blocks, at), entry) && !insert_after_growth(blocks, entry))
        return false;
    blocks->count += !*replaced;
    return true;
}

bool blocks_take(struct blocks *blocks, uint64_t address, struct block *taken) {
    if (blocks->count == 0 || address == 0)
        return false;
    uint64_t key = blocks_key(address);
    struct block_entry *at = blocks_search(blocks_place(blocks, key), key);
    if (blocks_entry_key(at) != key || at->data == 0)
        return false;
    *taken = entry_block(at);
    *at = (struct block_entry){key, 0};
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
                           uint64_t *count, uint64_t *used) {
    uint64_t above = UINT64_MAX, gap = from; /* gap: behind the last empty place */
    for (uint64_t i = from; i < capacity + TAIL; i++) {
        uint64_t key = blocks_entry_key(&first[i]), home = blocks_home(key, capacity);
        if (first[i].key == 0 && first[i].data == 0) {
            gap = i + 1;
            continue;
        }
        if (key == 0 || key >= above || home > i || home < gap)
            return false;
        above = key;
        *count += first[i].data != 0;
        ++*used;
    }
    return capacity == 0 || gap == capacity + TAIL;
}

bool blocks_is_valid(const struct blocks *blocks) {
    uint64_t count = 0, used = 0;
    if (blocks->capacity && !array_is_valid(blocks->entries, blocks->capacity, 0, &count, &used))
        return false;
    if (blocks->old &&
        !array_is_valid(blocks->old, blocks->old_capacity, blocks->moved, &count, &used))
        return false;
    return count == blocks->count && used == blocks->used;
}
