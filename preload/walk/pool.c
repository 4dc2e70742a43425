/* The walk's own memory, and the numbers of objects: tables that only grow, in pages of our own. */
#include "heap.h"

#include <sys/mman.h>

#include "../sys.h"

/* Pieces are mapped in regions, of which only what is used is ever touched. In huge pages, if the
 * kernel has some: the walk looks at its tables all over, and takes a fifth less time so. Not in
 * the program itself, where a shallow walk needs little. */
#define REGION ((size_t)32 << 20)
#define REGION_SMALL ((size_t)1 << 20)
#define HUGE_PAGE ((size_t)2 << 20)

static size_t whole_pages(size_t size) {
    return (size + 4095) & ~(size_t)4095;
}

static void ask_for_huge_pages(char *from, size_t size) {
    char *aligned = (char *)(((uintptr_t)from + HUGE_PAGE - 1) & ~(uintptr_t)(HUGE_PAGE - 1));
    size_t lost = (size_t)(aligned - from);
    if (size >= lost + HUGE_PAGE)
        sys_call6(SYS_madvise, (long)aligned, (long)(size - lost), MADV_HUGEPAGE, 0, 0, 0);
}

/* Room for `least` bytes; the rest of the last region is left. */
static bool map_region(struct walk *walk, size_t least) {
    struct pool *pool = &walk->pool;
    least = whole_pages(least + sizeof(struct pool_mapping));
    size_t size = walk->request->shallow ? REGION_SMALL : REGION;
    if (size < least)
        size = least;
    struct pool_mapping *mapping = pages_map(size);
    if (!mapping && size > least) {
        size = least > REGION_SMALL ? least : REGION_SMALL;
        mapping = pages_map(size);
    }
    if (!mapping)
        return false;
    if (!walk->request->shallow)
        ask_for_huge_pages((char *)mapping, size);
    *mapping = (struct pool_mapping){pool->mappings, size};
    pool->mappings = mapping;
    pool->free = (char *)(mapping + 1);
    pool->end = (char *)mapping + size;
    return true;
}

void *pool_try(struct walk *walk, size_t size) {
    struct pool *pool = &walk->pool;
    size = (size + 15) & ~(size_t)15;
    bool allowed = !walk->cut && (!pool->limit || pool->taken + size <= pool->limit);
    if (!allowed || ((size_t)(pool->end - pool->free) < size && !map_region(walk, size)))
        return NULL;
    void *memory = pool->free;
    pool->free += size;
    pool->taken += size;
    return memory;
}

void *pool_take(struct walk *walk, size_t size) {
    void *memory = pool_try(walk, size);
    walk->cut |= !memory;
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
    struct address_index *index = &walk->index;
    struct address_leaf *old = index->leaves;
    uint32_t old_mask = index->mask, size = old ? (old_mask + 1) * 2 : 4096;
    struct address_leaf *leaves = pool_take(walk, size * sizeof *leaves);
    if (!leaves)
        return false;
    index->leaves = leaves;
    index->mask = size - 1;
    for (uint32_t i = 0; old && i <= old_mask; i++)
        if (old[i].page)
            *leaf_place(index, old[i].page) = old[i];
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
    uint32_t region = (uint32_t)(page >> (REGION_SHIFT - LEAF_SHIFT)) & (REGION_BITS - 1);
    index->regions[region / 64] |= 1ull << region % 64;
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

static __attribute__((noinline)) uint32_t name_new(struct walk *walk, const char *object) {
    uint64_t page = (uintptr_t)object >> LEAF_SHIFT;
    uint32_t *numbers = leaf_find(walk, page);
    if (!numbers && !(numbers = leaf_make(walk, page)))
        return 0;
    uint32_t number = number_new(walk, object);
    numbers[(uintptr_t)object >> 4 & (LEAF_NUMBERS - 1)] = number;
    return number;
}

uint32_t name_object(struct walk *walk, const char *object) {
    const uint32_t *numbers = leaf_find(walk, (uintptr_t)object >> LEAF_SHIFT);
    uint32_t number = numbers ? numbers[(uintptr_t)object >> 4 & (LEAF_NUMBERS - 1)] : 0;
    return number ? number : name_new(walk, object);
}

const uint32_t *number_place(const struct walk *walk, const char *object) {
    const struct address_index *index = &walk->index;
    uint64_t page = (uintptr_t)object >> LEAF_SHIFT;
    const struct address_leaf *leaf = index->leaves ? leaf_place(index, page) : NULL;
    return leaf && leaf->page ? &leaf->numbers[(uintptr_t)object >> 4 & (LEAF_NUMBERS - 1)] : NULL;
}

uint32_t number_of(struct walk *walk, const char *object) {
    const uint32_t *numbers = leaf_find(walk, (uintptr_t)object >> LEAF_SHIFT);
    uint32_t number = numbers ? numbers[(uintptr_t)object >> 4 & (LEAF_NUMBERS - 1)] : 0;
    return number && (entry_of(walk, number) & ~(uint64_t)MARKS) == (uintptr_t)object ? number : 0;
}

bool near_object(struct walk *walk, const char *address) {
    return leaf_find(walk, (uintptr_t)address >> LEAF_SHIFT);
}

void mark_object(struct walk *walk, uint32_t number, enum object_mark mark) {
    if (number)
        walk->chunks[number / CHUNK_OBJECTS][number % CHUNK_OBJECTS] |= (uint64_t)mark;
}
