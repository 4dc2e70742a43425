/* The walk's own memory, and the numbers of objects: tables that only grow, in pages of our own. */
#include "heap.h"

#include "../sys.h"

#define POOL_CHUNK (1u << 20)

static void *map(struct walk *walk, size_t size) {
    struct pool *pool = &walk->pool;
    size_t whole = (size + sizeof(struct pool_mapping) + 4095) & ~(size_t)4095;
    struct pool_mapping *mapping = NULL;
    if (!walk->cut && (!pool->limit || pool->taken + whole <= pool->limit))
        mapping = pages_map(whole);
    if (!mapping) {
        walk->cut = true;
        return NULL;
    }
    *mapping = (struct pool_mapping){pool->mappings, whole};
    pool->mappings = mapping;
    pool->taken += whole;
    return mapping + 1;
}

void *pool_take(struct walk *walk, size_t size) {
    struct pool *pool = &walk->pool;
    size = (size + 15) & ~(size_t)15;
    if (size > POOL_CHUNK / 8)
        return map(walk, size);
    if (!pool->free || (size_t)(pool->end - pool->free) < size) {
        pool->free = map(walk, POOL_CHUNK - sizeof(struct pool_mapping));
        if (!pool->free)
            return NULL;
        pool->end = pool->free + POOL_CHUNK - sizeof(struct pool_mapping);
    }
    void *memory = pool->free;
    pool->free += size;
    return memory;
}

void pool_release(struct walk *walk) {
    for (struct pool_mapping *mapping = walk->pool.mappings; mapping;) {
        struct pool_mapping *next = mapping->next;
        pages_unmap(mapping, mapping->size);
        mapping = next;
    }
}

/* -- Address index -- */

#define LEAF_SHIFT 14
#define LEAF_NUMBERS (1u << (LEAF_SHIFT - 4))

static uint32_t spread(uint64_t page) {
    return (uint32_t)(page * 0x9e3779b97f4a7c15u >> 32);
}

static struct address_leaf *leaf_place(const struct address_index *index, uint64_t page) {
    uint32_t i = spread(page) & index->mask;
    while (index->leaves[i].page && index->leaves[i].page != page)
        i = (i + 1) & index->mask;
    return &index->leaves[i];
}

static bool index_grow(struct walk *walk) {
    struct address_index *index = &walk->index, old = *index;
    uint32_t size = old.leaves ? (old.mask + 1) * 2 : 4096;
    struct address_leaf *leaves = pool_take(walk, size * sizeof *leaves);
    if (!leaves)
        return false;
    index->leaves = leaves;
    index->mask = size - 1;
    for (uint32_t i = 0; old.leaves && i <= old.mask; i++)
        if (old.leaves[i].page)
            *leaf_place(index, old.leaves[i].page) = old.leaves[i];
    return true;
}

static uint32_t *leaf_find(struct walk *walk, uint64_t page) {
    struct address_index *index = &walk->index;
    if (page == index->last_page)
        return index->last_numbers;
    const struct address_leaf *leaf = index->leaves ? leaf_place(index, page) : NULL;
    if (!leaf || !leaf->page)
        return NULL;
    index->last_page = page;
    index->last_numbers = leaf->numbers;
    return leaf->numbers;
}

static uint32_t *leaf_make(struct walk *walk, uint64_t page) {
    struct address_index *index = &walk->index;
    if ((!index->leaves || index->used * 2 >= index->mask) && !index_grow(walk))
        return NULL;
    uint32_t *numbers = pool_take(walk, LEAF_NUMBERS * sizeof *numbers);
    if (!numbers)
        return NULL;
    *leaf_place(index, page) = (struct address_leaf){page, numbers};
    index->used++;
    return numbers;
}

static uint32_t number_new(struct walk *walk, const char *object) {
    uint32_t number = walk->named + 1, chunk = number / CHUNK_OBJECTS;
    if (chunk >= sizeof walk->chunks / sizeof walk->chunks[0]) {
        walk->cut = true;
        return 0;
    }
    if (!walk->chunks[chunk])
        walk->chunks[chunk] = pool_take(walk, CHUNK_OBJECTS * sizeof(uint64_t));
    if (!walk->chunks[chunk])
        return 0;
    walk->chunks[chunk][number % CHUNK_OBJECTS] = (uintptr_t)object;
    return walk->named = number;
}

uint32_t name_object(struct walk *walk, const char *object) {
    uint64_t page = (uintptr_t)object >> LEAF_SHIFT;
    uint32_t *numbers = leaf_find(walk, page);
    if (!numbers && !(numbers = leaf_make(walk, page)))
        return 0;
    uint32_t *number = &numbers[(uintptr_t)object >> 4 & (LEAF_NUMBERS - 1)];
    if (!*number)
        *number = number_new(walk, object);
    return *number;
}

uint32_t number_of(struct walk *walk, const char *object) {
    const uint32_t *numbers = leaf_find(walk, (uintptr_t)object >> LEAF_SHIFT);
    uint32_t number = numbers ? numbers[(uintptr_t)object >> 4 & (LEAF_NUMBERS - 1)] : 0;
    return number && (entry_of(walk, number) & ~(uint64_t)MARKS) == (uintptr_t)object ? number : 0;
}

void mark_object(struct walk *walk, uint32_t number, enum object_mark mark) {
    if (number)
        walk->chunks[number / CHUNK_OBJECTS][number % CHUNK_OBJECTS] |= (uint64_t)mark;
}
