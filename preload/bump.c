/* See bump.h. */
#include "bump.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "python.h"
#include "real.h"
#include "sys.h"

/* Reserved at the first need; only what is used is ever touched. */
#define BUMP_SIZE ((size_t)64 << 20)

/* Each block follows its size. */
#define HEADER 16u

static struct {
    char *space;
    size_t used;
} bump;

static size_t *size_of(void *block) {
    return (size_t *)(void *)((char *)block - HEADER);
}

static bool bump_owns(const void *block) {
    return bump.space && (uintptr_t)block - (uintptr_t)bump.space < BUMP_SIZE;
}

/* Zeroed, since fresh. */
static void *bump_take(size_t size, size_t alignment) {
    if (!bump.space)
        bump.space = pages_map(BUMP_SIZE);
    if (!bump.space || size > BUMP_SIZE || alignment > BUMP_SIZE)
        return NULL;
    size_t start = (bump.used + HEADER + alignment - 1) & ~(alignment - 1);
    if (start > BUMP_SIZE - size)
        return NULL;
    bump.used = start + size;
    *size_of(bump.space + start) = size;
    return bump.space + start;
}

static void *bump_malloc(size_t size) {
    return bump_take(size, 16);
}

static void *bump_calloc(size_t count, size_t size) {
    size_t bytes;
    return __builtin_mul_overflow(count, size, &bytes) ? NULL : bump_take(bytes, 16);
}

/* A block of the program's cannot be grown: nobody here knows its size. */
static void *bump_realloc(void *block, size_t size) {
    if (block && !bump_owns(block))
        return NULL;
    void *moved = bump_take(size, 16);
    if (moved && block)
        memcpy(moved, block, size < *size_of(block) ? size : *size_of(block));
    return moved;
}

static void bump_free(void *block) {
    (void)block;
}

static void *bump_aligned(size_t alignment, size_t size) {
    return bump_take(size, alignment < 16 ? 16 : alignment);
}

static int bump_posix_memalign(void **out, size_t alignment, size_t size) {
    *out = bump_aligned(alignment, size);
    return *out ? 0 : ENOMEM;
}

static void *bump_pages(size_t size) {
    return bump_take(size, 4096);
}

/* The same as Python takes it. */

static void *python_malloc(void *context, size_t size) {
    (void)context;
    return bump_malloc(size);
}

static void *python_calloc(void *context, size_t count, size_t size) {
    (void)context;
    return bump_calloc(count, size);
}

static void *python_realloc(void *context, void *block, size_t size) {
    (void)context;
    return bump_realloc(block, size);
}

static void python_free(void *context, void *block) {
    (void)context;
    bump_free(block);
}

void bump_install(void) {
    static const struct allocator python_allocator = {NULL, python_malloc, python_calloc,
                                                      python_realloc, python_free};
    real.malloc = bump_malloc;
    real.calloc = bump_calloc;
    real.realloc = bump_realloc;
    real.free = bump_free;
    real.posix_memalign = bump_posix_memalign;
    real.aligned_alloc = real.memalign = bump_aligned;
    real.valloc = real.pvalloc = bump_pages;
    pymem_replace(&python_allocator);
}
