/* See table.h. */
#include "table.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define CACHE_LINE 64u
#define PAGE 4096u
#define FIRST_CAPACITY 64u
#define PAGES_FROM ((size_t)32 << 10) /* bytes; smaller ones are malloc's */

static size_t rounded(size_t size, size_t to) {
    return (size + to - 1) / to * to;
}

/* Of a table of so many elements, as it was asked for. */
static size_t bytes_of(uint32_t capacity, size_t size) {
    size_t bytes = capacity * size;
    return rounded(bytes, bytes < PAGES_FROM ? CACHE_LINE : PAGE);
}

static bool in_pages(size_t bytes) {
    return bytes >= PAGES_FROM;
}

static void *take(size_t bytes) {
    if (in_pages(bytes)) {
        void *pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        return pages == MAP_FAILED ? NULL : pages;
    }
    void *memory = aligned_alloc(CACHE_LINE, bytes);
    return memory ? memset(memory, 0, bytes) : NULL;
}

static void give_back(void *memory, size_t bytes) {
    if (!in_pages(bytes))
        free(memory);
    else
        munmap(memory, bytes);
}

static void *grown(void *old, size_t old_bytes, size_t bytes) {
    if (in_pages(old_bytes)) {
        void *moved = mremap(old, old_bytes, bytes, MREMAP_MAYMOVE);
        return moved == MAP_FAILED ? NULL : moved;
    }
    void *memory = take(bytes);
    if (memory && old) {
        memcpy(memory, old, old_bytes);
        give_back(old, old_bytes);
    }
    return memory;
}

bool table_reserve(void *table, uint32_t *capacity, uint64_t count, size_t size) {
    if (count <= *capacity)
        return true;
    uint64_t wanted = *capacity ? *capacity + (uint64_t)*capacity / 2 : FIRST_CAPACITY;
    if (wanted < count)
        wanted = count;
    if (wanted > UINT32_MAX)
        return false;
    void *old;
    memcpy(&old, table, sizeof old);
    void *memory = grown(old, bytes_of(*capacity, size), bytes_of((uint32_t)wanted, size));
    if (!memory)
        return false;
    memcpy(table, &memory, sizeof memory);
    *capacity = (uint32_t)wanted;
    return true;
}

void table_forget(void *table, uint32_t capacity, size_t size, uint32_t from, uint32_t to) {
    size_t start = rounded(from * size, PAGE), end = to * size / PAGE * PAGE;
    if (in_pages(bytes_of(capacity, size)) && start < end)
        (void)madvise((char *)table + start, end - start, MADV_DONTNEED);
}

void table_release(void *table, uint32_t capacity, size_t size) {
    if (table)
        give_back(table, bytes_of(capacity, size));
}
