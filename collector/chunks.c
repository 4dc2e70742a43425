/* See chunks.h. */
#include "chunks.h"

#include "pages.h"

#include <sys/mman.h>

#define FIRST_CAPACITY 256u
#define LARGE_CAPACITY (1u << 14)
#define TAIL 256u
#define FEW 32u  /* of a table's capacity: one in so many */
#define STEP FEW /* places of the old array that are moved, or swept, with each block added */
#define SAMPLES 256u
#define GIVE_BACK (4ull << 20) /* bytes of the old array that are given up at once */

static size_t array_bytes(uint64_t capacity) {
    return (capacity + TAIL) * sizeof(struct chunk);
}

static struct chunk *array_map(uint64_t capacity) {
    size_t size = array_bytes(capacity);
    bool huge = size >= 4 * HUGE_PAGE;
    struct chunk *array = pages_map(size, huge, size);
    if (array && !huge)
        pages_expect(array, size);
    return array;
}

/* Puts an entry at `at` by moving what is there up to the next gap. False when that is the array's
 * last place. */
static inline bool insert(struct chunks *chunks, struct chunk *at, const struct chunk *last,
                          struct chunk chunk) {
    struct chunk *gap = at;
    while (gap->key)
        gap++;
    if (gap == last)
        return false;
    for (; gap > at; gap--)
        gap[0] = gap[-1];
    *at = chunk;
    chunks->count++;
    return true;
}

const struct chunk *chunks_end(const struct chunk *array, uint64_t capacity) {
    return array ? array + capacity + TAIL : NULL;
}

static const struct chunk *last_of(const struct chunks *chunks, const struct chunk *at) {
    bool in_old =
        chunks->old && at >= chunks->old && at < chunks->old + chunks->old_capacity + TAIL;
    return in_old ? chunks->old + chunks->old_capacity + TAIL - 1
                  : chunks->entries + chunks->capacity + TAIL - 1;
}

bool chunks_insert(struct chunks *chunks, struct chunk *at, struct chunk chunk) {
    return insert(chunks, at, last_of(chunks, at), chunk);
}

static bool move_entry(struct chunks *chunks, const struct chunk *chunk) {
    struct chunk *home = chunks->entries + chunks_home(chunk->key, chunks->capacity);
    return insert(chunks, chunks_search(home, chunk->key),
                  chunks->entries + chunks->capacity + TAIL - 1, *chunk);
}

static void end_growth(struct chunks *chunks) {
    munmap(chunks->old, array_bytes(chunks->old_capacity));
    chunks->old = NULL;
    chunks->old_capacity = chunks->moved = 0;
}

/* Moves at least `places` of the old array, and on to the next gap. */
static bool move_on(struct chunks *chunks, uint64_t places) {
    uint64_t end = chunks->old_capacity + TAIL, at = chunks->moved;
    uint64_t goal = places < end - at ? at + places : end;
    for (; at < goal || (at < end && chunks->old[at].key); at++) {
        if (chunks->old[at].key == 0)
            continue;
        if (!move_entry(chunks, &chunks->old[at]))
            return false;
        chunks->count--;
    }
    uint64_t per_batch = GIVE_BACK / sizeof *chunks->old;
    for (uint64_t batch = chunks->moved / per_batch; batch < at / per_batch; batch++)
        madvise(chunks->old + batch * per_batch, GIVE_BACK, MADV_DONTNEED);
    chunks->moved = at;
    if (at == end)
        end_growth(chunks);
    return true;
}

/* By which part of it a table grows: each time all of its pages are new ones, so small ones double,
 * and what large ones have to spare is bounded. */
static uint64_t growth_of(uint64_t capacity) {
    return capacity < 2ull * LARGE_CAPACITY ? 1 : capacity < 4ull * LARGE_CAPACITY ? 2 : 4;
}

static bool grow(struct chunks *chunks) {
    if (chunks->old && !move_on(chunks, UINT64_MAX))
        return false;
    uint64_t capacity = FIRST_CAPACITY;
    if (chunks->capacity)
        capacity = chunks->capacity + chunks->capacity / growth_of(chunks->capacity);
    capacity &= ~3ull;
    struct chunk *entries = capacity <= UINT32_MAX ? array_map(capacity) : NULL;
    if (!entries)
        return false;
    chunks->old = chunks->entries;
    chunks->old_capacity = chunks->capacity;
    chunks->moved = chunks->swept = chunks->to_sweep = chunks->next_look = 0;
    chunks->entries = entries;
    chunks->capacity = capacity;
    chunks->limit = capacity < LARGE_CAPACITY ? capacity / 2 : capacity / 5 * 4;
    return true;
}

bool chunks_grow_whole(struct chunks *chunks) {
    return grow(chunks) && move_on(chunks, UINT64_MAX);
}

static bool is_dead(const struct cells *cells, const struct chunk *chunk) {
    const uint64_t *at = cells_at(cells, chunk->cells);
    uint32_t count = chunk->known ? (uint32_t)__builtin_popcount(chunk->known) : 0;
    for (uint32_t i = 0; i < count; i++)
        if (at[i])
            return false;
    return true;
}

/* Takes the dead out of at least `places`, and on to the next gap: what is behind them moves back
 * to its home, or as near as it gets. */
static void sweep(struct chunks *chunks, struct cells *cells, uint64_t places) {
    struct chunk *entries = chunks->entries;
    uint64_t end = chunks->capacity + TAIL, at = chunks->swept, to = at;
    uint64_t goal = places < end - at ? at + places : end;
    for (; at < goal || (at < end && entries[at].key); at++) {
        struct chunk chunk = entries[at];
        entries[at] = (struct chunk){0};
        if (chunk.key == 0)
            continue;
        if (is_dead(cells, &chunk)) {
            cells_give_back(cells, chunk.cells, chunk_room(&chunk));
            chunks->count--;
            continue;
        }
        uint64_t home = chunks_home(chunk.key, chunks->capacity);
        to = home > to ? home : to;
        entries[to++] = chunk;
    }
    uint64_t done = at - chunks->swept;
    chunks->to_sweep -= done < chunks->to_sweep ? done : chunks->to_sweep;
    chunks->next_look = 0;
    chunks->swept = at == end ? 0 : at;
}

/* Looks at some chunks, from all parts of the table, now and then. A large one is worth sweeping
 * for fewer. */
static bool many_are_dead(struct chunks *chunks, const struct cells *cells) {
    if (chunks->count < chunks->next_look)
        return false;
    chunks->next_look = chunks->count + chunks->capacity / FEW / 4;
    uint64_t stride = chunks->capacity / SAMPLES, seen = 0, dead = 0;
    for (uint64_t at = 0; at < chunks->capacity; at += stride) {
        if (chunks->entries[at].key == 0)
            continue;
        seen++;
        dead += is_dead(cells, &chunks->entries[at]);
    }
    return dead * (chunks->capacity < LARGE_CAPACITY ? 2 : 8) > seen;
}

bool chunks_reserve(struct chunks *chunks, struct cells *cells, uint64_t count) {
    if (__builtin_expect(chunks->old != NULL, 0))
        return move_on(chunks, STEP * count);
    uint64_t soon = chunks->count + count + chunks->capacity / FEW;
    if (__builtin_expect(soon > chunks->limit, 0)) {
        if (chunks->to_sweep == 0 && chunks->capacity && many_are_dead(chunks, cells))
            chunks->to_sweep = chunks->capacity + TAIL;
        if (chunks->to_sweep)
            sweep(chunks, cells, STEP * count);
        if (chunks->count + count > chunks->limit)
            return grow(chunks);
    }
    return true;
}

void chunks_release(struct chunks *chunks) {
    if (chunks->old)
        end_growth(chunks);
    if (chunks->entries)
        munmap(chunks->entries, array_bytes(chunks->capacity));
    *chunks = (struct chunks){0};
}

/* In falling order, none before its home, and no gap between an entry and its home. */
static bool array_is_valid(const struct chunk *first, uint64_t capacity, uint64_t from,
                           uint64_t *count) {
    uint64_t above = UINT64_MAX, gap = from; /* gap: behind the last empty place */
    for (uint64_t i = from; i < capacity + TAIL; i++) {
        uint64_t key = chunk_key(&first[i]), home = chunks_home(key, capacity);
        if (first[i].key == 0) {
            gap = i + 1;
            continue;
        }
        if (key == 0 || key >= above || home > i || home < gap)
            return false;
        above = key;
        ++*count;
    }
    return capacity == 0 || gap == capacity + TAIL;
}

bool chunks_is_valid(const struct chunks *chunks) {
    uint64_t count = 0;
    if (chunks->capacity && !array_is_valid(chunks->entries, chunks->capacity, 0, &count))
        return false;
    if (chunks->old && !array_is_valid(chunks->old, chunks->old_capacity, chunks->moved, &count))
        return false;
    return count == chunks->count;
}
