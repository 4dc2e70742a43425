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
    uint32_t code;   /* its number in the trie */
    uint32_t node;   /* of the stack that ends here */
    uint64_t *place; /* where its mark is; NULL: none */
    uint64_t mark;
};

#define FIRST_SIZE 4096u

/* A chain that is longer than this is no chain. */
#define FRAMES_MAX (1u << 24)

/* A stack that is much deeper than DEEP is not compared to its end: once DEEP frames in a row are
 * where they were, as they were, those below them are taken to be the same. They could differ only
 * if more than DEEP calls had returned and been made again, to the same places, without one
 * allocation. Without this, recursion to depth n would cost n * n. */
#define DEEP 2048u

/* How many frames may have been entered or left since the last stack for that one to be of use. */
#define NEWS 64u

/* How many usually have. */
#define FEW_NEWS 3u

#define NOWHERE UINT32_MAX

/* One frame in so many is marked, in stacks of more. */
#define MARK_EVERY 4u

/* No pointer, nor what the interpreter's tagged pointers can be: all differ in the upper half. */
#define MARK_BITS 0x48464d4b00000000ull

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

/* The node of a frame whose caller's is `parent`. */
static uint32_t find_node(struct stack_entry *entry, struct writer *writer, uint32_t parent) {
    struct trie_shortcut *shortcut = trie_shortcut(&writer->trie, parent, &entry->frame);
    if (shortcut->node && shortcut->parent == parent && shortcut->code == entry->frame.code &&
        shortcut->position == entry->frame.position)
        return shortcut->node;
    if (!entry->code)
        entry->code = trie_code(&writer->trie, writer, entry->frame.code);
    int64_t position = entry->code ? frames_position(&entry->frame) : 0;
    if (position == FRAME_NOWHERE)
        python_distrust();
    if (!entry->code || position == FRAME_NOWHERE)
        return 0;
    uint32_t node =
        trie_node(&writer->trie, writer, NODE_FRAME, parent, entry->code, (int32_t)position);
    *shortcut = (struct trie_shortcut){entry->frame.code, entry->frame.position, parent, node};
    return node;
}

/* Where the value stack of a frame goes on that has called a Python function: the lowest of the
 * places that the call took from it. NULL when that is not certain. */
static uint64_t *free_place(const struct frame *frame) {
    char *locals = (char *)(uintptr_t)frame->address + python.at.frame_locals;
    int64_t count = frames_local_count(frame->code);
    int64_t room = *(const int *)(const void *)(frame->code + python.at.code_stack_size);
    int64_t top = python.at.frame_stack_pointer
                      ? (python_pointer(frame->address, python.at.frame_stack_pointer) - locals) / 8
                      : *(const int *)(const void *)(frame->address + python.at.frame_stack_top);
    return top >= count && top < count + room ? (uint64_t *)(void *)(locals + top * 8) : NULL;
}

/* Deep stacks would be compared frame by frame at each allocation. So, from 3.11 on, some frames
 * that wait for a Python function which they called get a mark: a number that is used once, in the
 * free place of their value stack. While it is there, the frame has not gone on, and so have none
 * of those further out. For whatever ends the call writes that place, or has it written before the
 * frame can make a call from the same instruction again: a result is put there, and what is called
 * is put there, or below and then there, before it can be called. Until then the interpreter takes
 * the place for empty, and does not read it. (Not so where the frame waits for C code or for a
 * generator: such a frame has no mark.) */
static void mark(struct stack_entry *entry, const struct stack_entry *called) {
    static _Atomic uint32_t last;
    const struct python_offsets *at = &python.at;
    const char *inner = called->frame.address;
    if (!python.has_gil || at->minor < 11 ||
        python_pointer(inner, at->frame_previous) != entry->frame.address ||
        *(const uint8_t *)(inner + at->frame_owner) != FRAME_OWNER_THREAD ||
        (at->frame_is_entry && *(const uint8_t *)(inner + at->frame_is_entry)))
        return;
    entry->place = free_place(&entry->frame);
    if (entry->place)
        *entry->place = entry->mark = MARK_BITS | atomic_fetch_add(&last, 1);
}

static bool stands_still(const struct stack_entry *entry) {
    return entry->place && *entry->place == entry->mark;
}

/* Finds the nodes of the entries from `from` on; those before it have theirs. */
static uint32_t intern(struct stack_cache *cache, struct writer *writer, uint32_t from) {
    uint32_t node = node_at(cache, from);
    bool marks = cache->count > MARK_EVERY;
    for (uint32_t i = from; i < cache->count; i++) {
        struct stack_entry *entry = &cache->entries[i];
        entry->node = node = find_node(entry, writer, node);
        if (!node) {
            cache->count = 0;
            return python_present() ? 0 : cache->thread_node;
        }
        if (marks && i % MARK_EVERY == 0 && i + 1 < cache->count)
            mark(entry, entry + 1);
    }
    return node;
}

/* The frame at `address` is as it was. From 3.11 on an instruction's address tells its code object
 * too. */
static inline __attribute__((always_inline)) bool is_as_it_was(const struct stack_entry *entry,
                                                               const struct frame_walk *walk,
                                                               bool objects, const char *address) {
    if (objects)
        return entry->frame.code == python_pointer(address, walk->code) &&
               (int)entry->frame.position == *(const int *)(const void *)(address + walk->position);
    return (const char *)entry->frame.position == python_pointer(address, walk->position);
}

/* The address at which the next frame is expected, but not out of the chain: going on from it lets
 * the processor look at several frames at once, instead of waiting for one pointer after the other.
 * The compiler must not know that they are the same. */
static inline __attribute__((always_inline)) const char *expected(const struct stack_entry *entry) {
    const char *address = entry->frame.address;
    __asm__("" : "+r"(address));
    return address;
}

/* The stack is the last one again, in the same frames. */
static inline __attribute__((always_inline)) bool
is_last_stack(const struct stack_cache *cache, const struct frame_walk *walk, bool objects) {
    const struct stack_entry *entry = cache->entries + cache->count;
    const char *next = walk->next;
    while (entry != cache->entries) {
        entry--;
        if (next != entry->frame.address &&
            frames_skip(walk, objects, next) != entry->frame.address)
            return false;
        const char *frame = expected(entry);
        if (!is_as_it_was(entry, walk, objects, frame))
            return false;
        if (!objects && stands_still(entry))
            return true;
        next = python_pointer(frame, walk->previous);
    }
    return !frames_skip(walk, objects, next);
}

/* The frame's place among the innermost `most` of the last stack; NOWHERE. */
static inline uint32_t find_entry(const struct stack_cache *cache, const char *address,
                                  uint32_t most) {
    const struct stack_entry *end = cache->entries + cache->count;
    for (uint32_t i = 1; i <= most && i <= cache->count; i++)
        if (end[-(ptrdiff_t)i].frame.address == address)
            return cache->count - i;
    return NOWHERE;
}

/* The frames that were entered, innermost first, up to one that the last stack has among its
 * innermost `most`: its address and place. */
struct news {
    uint32_t count, top;
    const char *address;
    struct frame entered[NEWS];
};

static inline __attribute__((always_inline)) bool find_news(const struct stack_cache *cache,
                                                            const struct frame_walk *walk,
                                                            bool objects, uint32_t most,
                                                            struct news *news) {
    struct frame_walk at = *walk;
    struct frame frame;
    for (news->count = 0; frames_next(&at, objects, &frame) && news->count < most;) {
        news->top = find_entry(cache, frame.address, most);
        news->address = frame.address;
        if (news->top != NOWHERE)
            return true;
        news->entered[news->count++] = frame;
    }
    return false;
}

/* Compares frames with the entries from `top` on outwards, which the first of them belongs to; all,
 * or the first DEEP of them when there are many more. Entries follow what has changed. The
 * outermost that has (top + 1: none); NOWHERE when these are other frames, or one has changed
 * further out than the calls and returns since can explain. */
static inline __attribute__((always_inline)) uint32_t update_entries(struct stack_cache *cache,
                                                                     const struct frame_walk *walk,
                                                                     bool objects, const char *next,
                                                                     uint32_t top) {
    bool deep = top > DEEP + NEWS;
    uint32_t changed = top + 1, last = deep ? top - DEEP : 0;
    for (uint32_t i = top + 1; i-- > last;) {
        struct stack_entry *entry = &cache->entries[i];
        if (next != entry->frame.address &&
            frames_skip(walk, objects, next) != entry->frame.address)
            return NOWHERE;
        const char *address = expected(entry);
        if (!is_as_it_was(entry, walk, objects, address)) {
            if (deep && top - i >= NEWS)
                return NOWHERE;
            struct frame frame = frame_at(walk, objects, address);
            uint32_t code = entry->frame.code == frame.code ? entry->code : 0;
            *entry = (struct stack_entry){.frame = frame, .code = code};
            changed = i;
        } else if (!objects && stands_still(entry)) {
            return changed;
        }
        next = python_pointer(address, walk->previous);
    }
    return deep || !frames_skip(walk, objects, next) ? changed : NOWHERE;
}

/* Most stacks differ from the last one in a few innermost frames, which were left, entered, or have
 * gone on. Makes the cache that of this stack, but for the nodes from the result on; NOWHERE: the
 * stack is too different. */
static inline __attribute__((always_inline)) uint32_t
follow(struct stack_cache *cache, const struct frame_walk *walk, bool objects) {
    struct news news;
    if (!find_news(cache, walk, objects, FEW_NEWS, &news) &&
        !find_news(cache, walk, objects, NEWS, &news))
        return NOWHERE;
    if (!cache_reserve(cache, news.top + 1 + news.count))
        return NOWHERE;
    uint32_t changed = update_entries(cache, walk, objects, news.address, news.top);
    cache->count = news.top + 1 + news.count;
    for (uint32_t i = 1; i <= news.count; i++)
        cache->entries[news.top + i] = (struct stack_entry){.frame = news.entered[news.count - i]};
    return changed;
}

/* The cache anew. */
static inline __attribute__((always_inline)) bool
fill(struct stack_cache *cache, const struct frame_walk *walk, bool objects) {
    struct frame_walk at = *walk;
    struct frame frame;
    uint32_t depth = 0;
    while (frames_next(&at, objects, &frame) && depth < FRAMES_MAX)
        depth++;
    if (depth == FRAMES_MAX)
        python_distrust();
    if (depth == FRAMES_MAX || !cache_reserve(cache, depth))
        return false;
    cache->count = depth;
    at = *walk;
    while (depth > 0 && frames_next(&at, objects, &frame))
        cache->entries[--depth] = (struct stack_entry){.frame = frame};
    return true;
}

static inline __attribute__((always_inline)) uint32_t walk_stack(struct stack_cache *cache,
                                                                 struct writer *writer,
                                                                 const struct frame_walk *walk,
                                                                 bool objects) {
    uint32_t changed = follow(cache, walk, objects);
    if (changed == NOWHERE) {
        changed = 0;
        if (!fill(cache, walk, objects)) {
            cache->count = 0;
            return python_present() ? 0 : cache->thread_node;
        }
    }
    return intern(cache, writer, changed);
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
    if (cache->count - 1 < DEEP + NEWS && cache->epoch == epoch) {
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
