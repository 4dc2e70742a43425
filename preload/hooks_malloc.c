/* The malloc family. A free is recorded before the real call, an allocation after it, a
 * reallocation around it. Nothing here touches errno: what the real function left there is the
 * program's. */
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../wire/event.h"
#include "hot.h"
#include "python.h"
#include "real.h"
#include "snapshot.h"
#include "thread.h"

/* In glibc's header before each block: the block is a mapping of its own, which realloc moves by
 * mremap, so that old and new never exist side by side. */
#define CHUNK_IS_MAPPED 2u

/* Until the real functions are known (see real.h). */
static bool ready(void) {
    return __builtin_expect(real.malloc != NULL, 1) || real_find();
}

static __attribute__((noinline)) void *malloc_early(size_t size) {
    return real_find() ? malloc(size) : bootstrap_alloc(size, 16);
}

static __attribute__((noinline)) void *malloc_due(size_t size) {
    snapshot_consider(size);
    self.in_python = 1;
    void *block = real.malloc(size);
    self.in_python = 0;
    return note_made(BLOCK_HEAP, block, size);
}

static __attribute__((noinline, returns_nonnull)) void *heap_entered(const char *state, void *block,
                                                                     uint64_t size) {
    return hot_alloc_entered(&python.at, state, BLOCK_HEAP, block, size);
}

static const struct hot_rest heap_rest = {heap_entered, heap_entered};

static __attribute__((noinline)) void *heap_made_beside_python(void *block, size_t size) {
    if (block && hot_is_usual(block, size) && !hot_may_hold() && hot_own_enter(self.own))
        return hot_own_alloc_rest(self.own, BLOCK_HEAP, block, size);
    return note_made(BLOCK_HEAP, block, size);
}

/* Without the GIL. */
static __attribute__((noinline)) void *heap_made(void *block, size_t size) {
    if (python.present)
        return heap_made_beside_python(block, size);
    void *noted = block ? hot_own_alloc(BLOCK_HEAP, block, size) : NULL;
    return likely(noted) ? noted : note_made(BLOCK_HEAP, block, size);
}

EXPORT void *malloc(size_t size) {
    if (unlikely(!real.malloc))
        return malloc_early(size);
    if (self.in_python)
        return real.malloc(size);
    if (unlikely(snapshot_is_due(size)))
        return malloc_due(size);
    self.in_python = 1;
    void *block = real.malloc(size);
    self.in_python = 0;
    if (unlikely(self.checks == 0))
        return note_made(BLOCK_HEAP, block, size);
    self.checks--;
    void *noted =
        block && self.guard ? hot_alloc(&python.at, heap_rest, BLOCK_HEAP, block, size) : NULL;
    return noted ? noted : heap_made(block, size);
}

EXPORT void *calloc(size_t count, size_t size) {
    if (unlikely(!ready()))
        return bootstrap_alloc(count * size, 16);
    if (self.in_python)
        return real.calloc(count, size);
    snapshot_before(count * size);
    self.in_python++;
    void *block = real.calloc(count, size);
    self.in_python--;
    if (block)
        note_alloc(BLOCK_HEAP, block, count * size);
    return block;
}

/* Not with the GIL, or not the short way. */
static __attribute__((noinline)) void heap_free_slowly(void *block) {
    bool told = process.tells_frees, large = filter_flags(block) & FILTER_LARGE;
    bool own = !told && !large && python.present && !hot_may_hold() && hot_own_free(block);
    if (!own && (told || !hot_free_any(block)))
        note_free(block, false);
    self.in_python = 1;
    real.free(block);
    self.in_python = 0;
}

/* Without the GIL. */
static __attribute__((noinline)) void heap_free(void *block) {
    if (python.present || unlikely(!hot_own_free(block))) {
        heap_free_slowly(block);
        return;
    }
    self.in_python = 1;
    real.free(block);
    self.in_python = 0;
}

static __attribute__((noinline)) void free_looked_at(void *block) {
    if (!block || bootstrap_owns(block))
        return;
    if (self.in_python)
        real.free(block);
    else
        heap_free_slowly(block);
}

EXPORT void free(void *block) {
    if (unlikely(!real.malloc) && !ready())
        return;
    if (self.in_python | filter_flags(block)) {
        free_looked_at(block);
        return;
    }
    if (!self.guard || unlikely(!hot_free(&python.at, block))) {
        heap_free(block);
        return;
    }
    self.in_python = 1;
    real.free(block);
    self.in_python = 0;
}

static bool chunk_is_mapped(const void *block) {
    /* Only glibc's own blocks have this header; the next page down may not exist for another's. */
    if (((uintptr_t)block & 4095) < sizeof(size_t))
        return false;
    return (((const size_t *)block)[-1] & CHUNK_IS_MAPPED) != 0;
}

static void *bootstrap_move(void *block, size_t size) {
    void *moved = malloc(size);
    size_t rest = bootstrap_rest(block);
    if (moved)
        memcpy(moved, block, size < rest ? size : rest);
    return moved;
}

static void *realloc_recorded(struct writer *writer, void *block, size_t size) {
    bool was_mapped = chunk_is_mapped(block);
    event_realloc_begin(writer, block);
    self.in_python++;
    void *moved = real.realloc(block, size);
    self.in_python--;
    unsigned aux = 0;
    if (!moved && size == 0)
        aux = REALLOC_FREED;
    else if (moved && was_mapped && chunk_is_mapped(moved))
        aux = REALLOC_REMAPPED;
    event_realloc_end(writer, BLOCK_HEAP, aux, moved, moved ? size : 0,
                      moved ? stack_node(&self, writer) : 0);
    event_end(writer);
    return moved;
}

EXPORT void *realloc(void *block, size_t size) {
    if (!block)
        return malloc(size);
    if (unlikely(bootstrap_owns(block)))
        return bootstrap_move(block, size);
    if (unlikely(!ready()))
        return NULL;
    if (self.in_python)
        return real.realloc(block, size);
    snapshot_before_again(size);
    struct writer *writer = event_begin();
    if (!writer) {
        event_realloc_untold(block);
        return real.realloc(block, size);
    }
    return realloc_recorded(writer, block, size);
}

/* libc's own would call our realloc and be recorded there with a frame of ours in between; this is
 * the same thing without the detour. */
EXPORT void *reallocarray(void *block, size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(block, bytes);
}

EXPORT int posix_memalign(void **out, size_t alignment, size_t size) {
    if (unlikely(!ready()))
        return (*out = bootstrap_alloc(size, alignment)) ? 0 : ENOMEM;
    if (self.in_python)
        return real.posix_memalign(out, alignment, size);
    snapshot_before(size);
    self.in_python++;
    int result = real.posix_memalign(out, alignment, size);
    self.in_python--;
    if (result == 0 && *out)
        note_alloc(BLOCK_HEAP, *out, size);
    return result;
}

static void *aligned(void *(*function)(size_t, size_t), size_t alignment, size_t size) {
    if (!self.in_python)
        snapshot_before(size);
    self.in_python++;
    void *block = function(alignment, size);
    if (--self.in_python == 0 && block)
        note_alloc(BLOCK_HEAP, block, size);
    return block;
}

EXPORT void *aligned_alloc(size_t alignment, size_t size) {
    if (unlikely(!ready()))
        return bootstrap_alloc(size, alignment);
    return aligned(real.aligned_alloc, alignment, size);
}

EXPORT void *memalign(size_t alignment, size_t size) {
    if (unlikely(!ready()))
        return bootstrap_alloc(size, alignment);
    return aligned(real.memalign, alignment, size);
}

EXPORT void *valloc(size_t size) {
    if (unlikely(!ready()))
        return bootstrap_alloc(size, 4096);
    if (!self.in_python)
        snapshot_before(size);
    self.in_python++;
    void *block = real.valloc(size);
    if (--self.in_python == 0 && block)
        note_alloc(BLOCK_HEAP, block, size);
    return block;
}

/* Gives whole pages, whatever was asked for. */
EXPORT void *pvalloc(size_t size) {
    if (unlikely(!ready()))
        return NULL;
    if (!self.in_python)
        snapshot_before(size);
    self.in_python++;
    void *block = real.pvalloc(size);
    if (--self.in_python == 0 && block)
        note_alloc(BLOCK_HEAP, block, (size + 4095) & ~(size_t)4095);
    return block;
}

/* Old binaries know free by this name, and C23 has two more. */
void cfree(void *block);
EXPORT void cfree(void *block) {
    free(block);
}

void free_sized(void *block, size_t size);
EXPORT void free_sized(void *block, size_t size) {
    (void)size;
    free(block);
}

void free_aligned_sized(void *block, size_t alignment, size_t size);
EXPORT void free_aligned_sized(void *block, size_t alignment, size_t size) {
    (void)alignment;
    (void)size;
    free(block);
}
