/* From the frames of this moment to a node: usually the last stack again, or all but its innermost
 * frames. */
#include "stack.h"

#include <stdatomic.h>
#include <string.h>

#include "frames.h"
#include "sys.h"
#include "thread.h"
#include "trie.h"

struct stack_entry {
    struct frame frame;
    uint32_t code; /* its number in the trie */
    uint32_t node; /* of the stack that ends here */
};

#define FIRST_SIZE 4096u

/* A chain that is longer than this is no chain. */
#define FRAMES_MAX (1u << 24)

/* A stack that was deeper than DEEP last time is not compared to its end: once DEEP frames in a row
 * are where they were, as they were, those below them are taken to be the same. They could differ
 * only if more than DEEP calls had returned and been made again, to the same places, without one
 * allocation. Without this, recursion to depth n would cost n * n. */
#define DEEP 2048u

/* How many frames may have been entered or left since, for that. */
#define DEEP_NEWS 64u

#define FREED_SLOTS 1024u

/* The last code objects that were freed. Each trie forgets them before it is next used; one that
 * has missed some forgets all. A slot's stamp is the number, from 1, of the object it holds, and 0
 * while it is being written. Written by whichever thread frees. */
static struct {
    _Atomic uint32_t count;
    struct {
        _Atomic uint32_t stamp;
        const void *_Atomic code;
    } slots[FREED_SLOTS];
} freed;

void stack_code_freed(const void *code) {
    uint32_t index = atomic_fetch_add(&freed.count, 1);
    atomic_store(&freed.slots[index % FREED_SLOTS].stamp, 0);
    atomic_store(&freed.slots[index % FREED_SLOTS].code, code);
    atomic_store(&freed.slots[index % FREED_SLOTS].stamp, index + 1);
}

static bool forget_one(struct trie *trie, uint32_t index) {
    uint32_t before = atomic_load(&freed.slots[index % FREED_SLOTS].stamp);
    const void *code = atomic_load(&freed.slots[index % FREED_SLOTS].code);
    uint32_t after = atomic_load(&freed.slots[index % FREED_SLOTS].stamp);
    if (before != index + 1 || after != index + 1)
        return false;
    trie_forget_code(trie, code);
    return true;
}

static void forget_freed(struct trie *trie, uint32_t epoch) {
    bool exact = epoch - trie->code_epoch <= FREED_SLOTS;
    while (exact && trie->code_epoch != epoch)
        exact = forget_one(trie, trie->code_epoch++);
    if (!exact)
        trie_forget_codes(trie);
    trie->code_epoch = epoch;
}

/* Empties a cache that may hold the address of a freed code object, or that is new. */
static bool cache_begin(struct stack_cache *cache, struct writer *writer, uint32_t tid) {
    uint32_t epoch = atomic_load(&freed.count);
    forget_freed(&writer->trie, epoch);
    cache->count = 0;
    cache->epoch = epoch;
    if (!cache->thread_node)
        cache->thread_node = trie_node(&writer->trie, writer, NODE_THREAD, 0, 0, (int32_t)tid);
    return cache->thread_node != 0;
}

static bool cache_reserve(struct stack_cache *cache, uint32_t count) {
    if (count <= cache->capacity)
        return true;
    size_t old_size = (size_t)cache->capacity * sizeof *cache->entries;
    old_size = (old_size + FIRST_SIZE - 1) & ~(size_t)(FIRST_SIZE - 1);
    size_t size = old_size ? old_size * 2 : FIRST_SIZE;
    while (size / sizeof *cache->entries < count)
        size *= 2;
    void *entries = old_size ? pages_grow(cache->entries, old_size, size) : pages_map(size);
    if (!entries)
        return false;
    cache->entries = entries;
    cache->capacity = (uint32_t)(size / sizeof *cache->entries);
    return true;
}

static uint32_t node_at(const struct stack_cache *cache, uint32_t count) {
    return count ? cache->entries[count - 1].node : cache->thread_node;
}

static bool same(const struct frame *a, const struct frame *b) {
    return a->code == b->code && a->position == b->position;
}

/* Finds the nodes of the entries from `from` on; those before it have theirs. */
static uint32_t intern(struct stack_cache *cache, struct writer *writer, uint32_t from) {
    for (uint32_t i = from; i < cache->count; i++) {
        struct stack_entry *entry = &cache->entries[i];
        if (!entry->code)
            entry->code = trie_code(&writer->trie, writer, entry->frame.code);
        int64_t position = entry->code ? frames_position(&entry->frame) : 0;
        if (position == FRAME_NOWHERE)
            python_distrust();
        entry->node = entry->code && position != FRAME_NOWHERE
                          ? trie_node(&writer->trie, writer, NODE_FRAME, node_at(cache, i),
                                      entry->code, (int32_t)position)
                          : 0;
        if (!entry->node) {
            cache->count = 0;
            return python_present() ? 0 : cache->thread_node;
        }
    }
    return node_at(cache, cache->count);
}

/* Puts the innermost `count` frames of a stack of cache->count into the cache; those from `known`
 * on have never been filled. The number of outermost frames that stayed as they were. */
static inline __attribute__((always_inline)) uint32_t cache_fill(struct stack_cache *cache,
                                                                 struct frame_walk walk,
                                                                 bool objects, uint32_t count,
                                                                 uint32_t known) {
    uint32_t unchanged = cache->count;
    struct frame frame;
    for (uint32_t i = cache->count; count > 0 && frames_next(&walk, objects, &frame); count--) {
        struct stack_entry *entry = &cache->entries[--i];
        if (i < known && same(&entry->frame, &frame))
            continue;
        if (i >= known || entry->frame.code != frame.code)
            entry->code = 0;
        entry->frame = frame;
        unchanged = i;
    }
    return unchanged;
}

/* The frame's place in a deep cache's innermost part; UINT32_MAX when it is not there. */
static uint32_t deep_find(const struct stack_cache *cache, const struct frame *frame) {
    for (uint32_t i = 1; i <= DEEP_NEWS; i++)
        if (cache->entries[cache->count - i].frame.address == frame->address)
            return cache->count - i;
    return UINT32_MAX;
}

/* Compares DEEP frames downwards from `top`, the first of which is `frame`. The outermost entry
 * that has changed (top + 1: none); UINT32_MAX when these are other frames, or changed further down
 * than calls and returns since can explain. */
static inline __attribute__((always_inline)) uint32_t deep_compare(struct stack_cache *cache,
                                                                   struct frame_walk walk,
                                                                   bool objects, struct frame frame,
                                                                   uint32_t top) {
    uint32_t changed = top + 1;
    for (uint32_t i = top; top - i < DEEP; i--) {
        struct stack_entry *entry = &cache->entries[i];
        if (entry->frame.address != frame.address)
            return UINT32_MAX;
        if (!same(&entry->frame, &frame)) {
            if (top - i >= DEEP_NEWS)
                return UINT32_MAX;
            if (entry->frame.code != frame.code)
                entry->code = 0;
            entry->frame = frame;
            changed = i;
        }
        if (!frames_next(&walk, objects, &frame))
            return UINT32_MAX;
    }
    return changed;
}

/* False: the stack has to be compared as a whole. */
static inline __attribute__((always_inline)) bool
walk_deep(struct stack_cache *cache, struct frame_walk walk, bool objects, uint32_t *changed) {
    struct frame entered[DEEP_NEWS];
    struct frame frame;
    uint32_t count = 0, top = UINT32_MAX;
    while (frames_next(&walk, objects, &frame) && (top = deep_find(cache, &frame)) == UINT32_MAX &&
           count < DEEP_NEWS)
        entered[count++] = frame;
    if (top == UINT32_MAX || top < DEEP || !cache_reserve(cache, top + 1 + count))
        return false;
    *changed = deep_compare(cache, walk, objects, frame, top);
    if (*changed == UINT32_MAX) {
        cache->count = 0;
        return false;
    }
    cache->count = top + 1 + count;
    for (uint32_t i = 1; i <= count; i++)
        cache->entries[top + i] = (struct stack_entry){.frame = entered[count - i]};
    return true;
}

static inline __attribute__((always_inline)) const char *
skip_shims(const struct frame_walk *walk, bool objects, const char *next) {
    while (!objects && next && *(const uint8_t *)(next + walk->owner) >= FRAME_OWNER_SHIM)
        next = python_pointer(next, walk->previous);
    return next;
}

/* The stack is the last one again, in the same frames. From 3.11 on an instruction's address tells
 * its code object too. */
static inline __attribute__((always_inline)) bool
is_last_stack(const struct stack_cache *cache, const struct frame_walk *walk, bool objects) {
    const struct stack_entry *entry = cache->entries + cache->count;
    const char *next = walk->next;
    while (entry != cache->entries) {
        const char *frame = (--entry)->frame.address;
        if (next != frame && skip_shims(walk, objects, next) != frame)
            return false;
        /* `frame` is the next one, but does not come out of the chain: going on from it lets the
         * processor look at several frames at once, instead of waiting for one pointer after the
         * other. The compiler must not know that they are the same. */
        __asm__("" : "+r"(frame));
        if (objects ? entry->frame.code != python_pointer(frame, walk->code) ||
                          (int)entry->frame.position !=
                              *(const int *)(const void *)(frame + walk->position)
                    : (const char *)entry->frame.position != python_pointer(frame, walk->position))
            return false;
        next = python_pointer(frame, walk->previous);
    }
    return !skip_shims(walk, objects, next);
}

/* Most stacks are as deep as the last one and differ in their innermost frames, if at all. */
static inline __attribute__((always_inline)) uint32_t walk_stack(struct stack_cache *cache,
                                                                 struct writer *writer,
                                                                 const struct frame_walk *walk,
                                                                 bool objects) {
    uint32_t entered;
    if (cache->count > DEEP + DEEP_NEWS && walk_deep(cache, *walk, objects, &entered))
        return intern(cache, writer, entered);
    if (is_last_stack(cache, walk, objects))
        return node_at(cache, cache->count);
    struct frame_walk first = *walk;
    struct frame frame;
    uint32_t depth = 0, changed = 0, known = cache->count;
    while (depth < known && frames_next(&first, objects, &frame)) {
        depth++;
        struct frame *last = &cache->entries[known - depth].frame;
        last->address = frame.address;
        if (!same(last, &frame))
            changed = depth;
    }
    while (frames_next(&first, objects, &frame) && depth < FRAMES_MAX)
        depth++;
    if (depth == FRAMES_MAX) {
        python_distrust();
        return cache->thread_node;
    }
    if (depth == known && changed == 0)
        return node_at(cache, known);
    if (!cache_reserve(cache, depth))
        return 0;
    cache->count = depth;
    return intern(cache, writer,
                  cache_fill(cache, *walk, objects, depth == known ? changed : depth, known));
}

uint32_t stack_node(struct thread *thread, struct writer *writer) {
    struct stack_cache *cache = writer->is_gil ? &thread->gil_cache : &writer->cache;
    uint32_t epoch = atomic_load_explicit(&freed.count, memory_order_acquire);
    if ((cache->epoch != epoch || !cache->thread_node) && !cache_begin(cache, writer, thread->tid))
        return 0;
    struct frame_walk walk;
    if (!frames_begin(&walk, thread))
        return cache->thread_node;
    return frames_objects() ? walk_stack(cache, writer, &walk, true)
                            : walk_stack(cache, writer, &walk, false);
}

uint32_t stack_node_held(struct thread *thread, struct writer *writer) {
    const struct stack_cache *cache = &thread->gil_cache;
    uint32_t epoch = atomic_load_explicit(&freed.count, memory_order_acquire);
    /* None is not below DEEP either. */
    if (cache->count - 1 < DEEP && cache->epoch == epoch) {
        struct frame_walk walk = frames_of(thread->state);
        if (frames_objects() ? is_last_stack(cache, &walk, true)
                             : is_last_stack(cache, &walk, false))
            return cache->entries[cache->count - 1].node;
    }
    return stack_node(thread, writer);
}

void stack_cache_release(struct stack_cache *cache) {
    if (cache->entries)
        pages_unmap(cache->entries, (size_t)cache->capacity * sizeof *cache->entries);
    *cache = (struct stack_cache){0};
}
