/* The walk's own memory, in pages of our own, all of which are given back together. */
#include "heap.h"

#include <sys/mman.h>

#include "../sys.h"

/* Pieces are mapped in regions, of which only what is used is ever touched. The tables of a large
 * heap are in huge pages, if the kernel has some: the walk looks at them all over. The first region
 * is not, where the kernel gives them only to who asks: clearing a huge page takes longer than a
 * small heap's tables do in small ones, above all in a virtual machine whose host has to find the
 * memory. A shallow walk, in the program itself, needs little. */
#define REGION ((size_t)32 << 20)
#define REGION_FIRST ((size_t)4 << 20)
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
    bool first = !pool->mappings;
    size_t size = walk->request->shallow ? REGION_SMALL : first ? REGION_FIRST : REGION;
    if (size < least)
        size = least;
    struct pool_mapping *mapping = pages_map(size);
    if (!mapping && size > least) {
        size = least > REGION_SMALL ? least : REGION_SMALL;
        mapping = pages_map(size);
    }
    if (!mapping)
        return false;
    if (!walk->request->shallow && !first)
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
