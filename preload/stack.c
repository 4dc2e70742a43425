/* The last stack, and what is not common: deep stacks, others than the last, new nodes, marks. */
#include "stack.h"

#include <stdatomic.h>
#include <string.h>

#include "follow.h"
#include "sys.h"
#include "thread.h"

#define FIRST_SIZE 4096u

/* A chain that is longer than this is no chain. */
#define FRAMES_MAX (1u << 24)

/* A stack that is much deeper than DEEP is not compared to its end: once DEEP frames in a row are
 * where they were, as they were, those below them are taken to be the same. They could differ only
 * if more than DEEP calls had returned and been made again, to the same places, without an
 * allocation that was followed. Without this, recursion to depth n would cost n * n. */
#define DEEP 2048u

/* How many frames may have been entered or left since the last stack for that one to be of use. */
#define NEWS 64u

/* How many innermost entries are looked at for a frame. */
#define NEAR 6u

/* How many numbers for marks a thread takes at a time. */
#define MARKS_TAKEN 1024u

/* See struct stack_cache. */
#define REST 7u

/* Of an entry whose frame cannot be marked. */
#define MARK_IMPOSSIBLE 1u

/* No pointer, nor what the interpreter's tagged pointers can be: all differ in the upper half. */
#define MARK_BITS 0x48464d4b00000000ull

#define FREED_SLOTS 1024u

/* The last code objects that were freed. Each trie forgets them before it is next used; one that
 * has missed some forgets all. A slot's stamp is the number, from 1, of the object it holds, and 0
 * while it is being written. Written by whichever thread frees. */
static struct {
    _Atomic uint64_t stamp;
    const void *_Atomic code;
} freed[FREED_SLOTS];

_Atomic uint64_t stack_codes_freed;
const char stack_no_frame;
const struct stack_reader *stack_reader;

void stack_code_freed(const void *code) {
    uint64_t index = atomic_fetch_add(&stack_codes_freed, 1);
    atomic_store(&freed[index % FREED_SLOTS].stamp, 0);
    atomic_store(&freed[index % FREED_SLOTS].code, code);
    atomic_store(&freed[index % FREED_SLOTS].stamp, index + 1);
}

static bool forget_one(struct trie *trie, uint64_t index) {
    uint64_t before = atomic_load(&freed[index % FREED_SLOTS].stamp);
    const void *code = atomic_load(&freed[index % FREED_SLOTS].code);
    uint64_t after = atomic_load(&freed[index % FREED_SLOTS].stamp);
    if (before != index + 1 || after != index + 1)
        return false;
    trie_forget_code(trie, code);
    return true;
}

static void forget_freed(struct trie *trie, uint64_t epoch) {
    bool exact = epoch - trie->code_epoch <= FREED_SLOTS;
    while (exact && trie->code_epoch != epoch)
        exact = forget_one(trie, trie->code_epoch++);
    if (!exact)
        trie_forget_codes(trie);
    trie->code_epoch = epoch;
}

uint64_t stack_forget_freed(struct trie *trie) {
    uint64_t epoch = atomic_load(&stack_codes_freed);
    if (trie->code_epoch != epoch)
        forget_freed(trie, epoch);
    return epoch;
}

void stack_cache_forget(struct stack_cache *cache) {
    cache->end = cache->entries;
    cache->top.address = cache->far.address = NO_FRAME;
}

void stack_cache_pass_on(struct stack_cache *cache) {
    stack_cache_forget(cache);
    cache->thread_node = 0;
    if (cache->native)
        stack_reader->forget(cache->native);
}

/* Empties a cache that may hold the address of a freed code object, or that is new. */
static bool cache_begin(struct stack_cache *cache, struct writer *writer) {
    uint64_t epoch = atomic_load(&stack_codes_freed);
    forget_freed(&writer->trie, epoch);
    stack_cache_forget(cache);
    cache->epoch = epoch;
    if (!cache->thread_node)
        cache->thread_node = trie_node(&writer->trie, writer, NODE_THREAD, 0, 0, (int32_t)self.tid);
    return cache->thread_node != 0;
}

static uint32_t cache_count(const struct stack_cache *cache) {
    return (uint32_t)(cache->end - cache->entries);
}

static bool cache_grow(struct stack_cache *cache, uint32_t count) {
    size_t old_size = (size_t)cache->capacity * sizeof *cache->entries;
    old_size = (old_size + FIRST_SIZE - 1) & ~(size_t)(FIRST_SIZE - 1);
    size_t size = old_size ? old_size * 2 : FIRST_SIZE;
    while (size / sizeof *cache->entries < count)
        size *= 2;
    uint32_t old_count = cache_count(cache);
    void *entries = old_size ? pages_grow(cache->entries, old_size, size) : pages_map(size);
    if (!entries)
        return false;
    cache->entries = entries;
    cache->end = cache->entries + old_count;
    cache->capacity = (uint32_t)(size / sizeof *cache->entries);
    uint32_t far = cache->capacity < DEEP ? cache->capacity : DEEP;
    cache->near = cache->entries + 2;
    cache->near_size = (far - 2) * sizeof *cache->entries;
    return true;
}

static bool cache_reserve(struct stack_cache *cache, uint32_t count) {
    return count <= cache->capacity || cache_grow(cache, count);
}

/* Where the value stack of a frame goes on that has called a Python function: the lowest of the
 * places that the call took from it. NULL when that is not certain. */
static uint64_t *free_place(const struct frame *frame) {
    if (frames_position(frame) < 0)
        return NULL;
    char *locals = (char *)(uintptr_t)frame->address + python.at.frame_locals;
    int64_t count = frames_local_count(frame->code);
    int64_t room = *(const int *)(const void *)(frame->code + python.at.code_stack_size);
    int64_t top = python.at.frame_stack_pointer
                      ? (python_pointer(frame->address, python.at.frame_stack_pointer) - locals) / 8
                      : *(const int *)(const void *)(frame->address + python.at.frame_stack_top);
    return top >= count && top < count + room ? (uint64_t *)(void *)(locals + top * 8) : NULL;
}

/* The frame at `outer` has called the one at `inner` without the interpreter calling itself. */
static bool called_directly(const char *inner, const char *outer) {
    const struct python_offsets *at = &python.at;
    return at->minor >= 11 && python_pointer(inner, at->frame_previous) == outer &&
           *(const uint8_t *)(inner + at->frame_owner) == FRAME_OWNER_THREAD &&
           !(at->frame_is_entry && *(const uint8_t *)(inner + at->frame_is_entry));
}

/* One that no other frame gets. */
static uint64_t next_mark(struct stack_cache *cache) {
    static _Atomic uint32_t taken;
    if (cache->marks % MARKS_TAKEN == 0)
        cache->marks = atomic_fetch_add(&taken, MARKS_TAKEN);
    return MARK_BITS | cache->marks++;
}

const uint64_t *stack_mark(struct stack_cache *cache, const char *inner, const char *outer) {
    struct frame frame = {0};
    if (!outer || (python.at.minor >= 12 &&
                   *(const uint8_t *)(outer + python.at.frame_owner) >= FRAME_OWNER_SHIM))
        return NULL;
    if (called_directly(inner, outer))
        frame = frames_at(&python.at, outer);
    uint64_t *place = frame.code ? free_place(&frame) : NULL;
    if (place)
        *place = next_mark(cache);
    return place;
}

static bool mark(struct stack_cache *cache, struct stack_entry *entry) {
    entry->place = called_directly(entry[1].frame.address, entry->frame.address)
                       ? free_place(&entry->frame)
                       : NULL;
    entry->mark = entry->place ? next_mark(cache) : MARK_IMPOSSIBLE;
    if (entry->place)
        *entry->place = entry->mark;
    return entry->place;
}

static bool has_lost_mark(const struct stack_entry *entry) {
    return entry->place && *entry->place != entry->mark;
}

static void forget_mark(struct stack_entry *entry) {
    entry->place = NULL;
    entry->mark = 0;
}

/* Marks some of the waiting frames from `from` on: there are many, and they have to be compared
 * each time. One that has lost its mark, although it is still there, waits for one call after the
 * other, and is left out for once. */
static __attribute__((noinline)) void mark_some(struct stack_cache *cache,
                                                struct stack_entry *from) {
    uint32_t skip = 0;
    cache->marks_rest = REST;
    for (struct stack_entry *entry = cache->end - 2; entry >= from; entry--) {
        if (skip > 0) {
            skip--;
        } else if (has_lost_mark(entry)) {
            forget_mark(entry);
        } else if (entry->mark != MARK_IMPOSSIBLE && mark(cache, entry)) {
            skip = MARK_EVERY - 1;
            cache->marks_rest = 0;
        }
    }
}

static const uint64_t *word_at(const char *address, uint32_t offset) {
    return (const uint64_t *)(const void *)(address + offset);
}

/* The frame has a mark, or gets one. */
static bool has_mark(struct stack_cache *cache, struct stack_entry *entry) {
    if (has_lost_mark(entry)) {
        forget_mark(entry);
        return false;
    }
    return entry->place || mark(cache, entry);
}

/* By the mark of the caller of the last stack's innermost frame. */
static bool know_caller(struct stack_cache *cache, struct stack_top *top) {
    struct stack_entry *caller = cache->end - 2;
    if (!can_mark(&python.at) || top->previous != caller->frame.address)
        return false;
    if (!has_mark(cache, caller))
        return false;
    top->outer_place = word_at(caller->frame.address, python.at.frame_position);
    top->mark_place = caller->place;
    return true;
}

/* By the mark of the caller's caller. */
static void know_far(struct stack_cache *cache) {
    const struct python_offsets *at = &python.at;
    const struct stack_entry *last = cache->end - 1, *caller = last - 1;
    struct stack_entry *outer = cache->end - 3;
    if (!can_mark(at) || outer < cache->entries)
        return;
    const char *address = last->frame.address,
               *previous = python_pointer(address, at->frame_previous);
    const char *from = previous == caller->frame.address ? address : previous;
    if (python_pointer(from, at->frame_previous) != caller->frame.address ||
        !has_mark(cache, outer))
        return;
    cache->far = (struct stack_far){
        .address = address,
        .position = last->frame.position,
        .previous = previous,
        .link = (const char *const *)(const void *)(from + at->frame_previous),
        .caller = caller->frame.address,
        .outer = outer->frame.address,
        .caller_position = caller->frame.position,
        .outer_position = outer->frame.position,
        .mark_place = outer->place,
        .mark = outer->mark,
        .epoch = cache->epoch + 1,
        .node = last->node,
        .caller_node = caller->node,
        .outer_node = outer->node,
        .depth = cache_count(cache) - 1,
    };
}

/* By the words that tell that there is no caller, which may be a shim's, and that the code is the
 * same: before 3.11 its position does not tell that. */
static bool know_none(struct stack_top *top) {
    bool shim = top->previous != NULL;
    top->outer_place = shim ? word_at(top->previous, python.at.frame_previous)
                            : word_at(top->address, python.at.frame_code);
    top->mark_place = (const uint64_t *)&stack_codes_freed;
    return !shim || *top->outer_place == 0;
}

/* By the frame and its caller alone; false: not known. */
static bool know_top(struct stack_cache *cache, struct stack_top *top) {
    const struct stack_entry *last = cache->end - 1;
    const char *address = last->frame.address;
    *top = (struct stack_top){.address = address,
                              .position = *word_at(address, python.at.frame_position),
                              .previous = python_pointer(address, python.at.frame_previous),
                              .node = last->node,
                              .depth = cache_count(cache)};
    if (last == cache->entries) {
        top->caller_node = cache->thread_node;
        return know_none(top);
    }
    top->caller_node = last[-1].node;
    return know_caller(cache, top);
}

void stack_keep_top(struct stack_cache *cache) {
    struct stack_top top;
    if (cache->top_rest > 0) {
        cache->top_rest--;
    } else if (know_top(cache, &top)) {
        top.outer = *top.outer_place;
        top.mark = *top.mark_place;
        cache->top = top;
    } else {
        cache->top_rest = REST;
        know_far(cache);
    }
}

/* Any node; 0 when there is no memory, or no ring, or this is no frame. */
static uint32_t make_node(struct stack_entry *entry, struct writer *writer, uint32_t parent) {
    uint32_t known = find_node(&python.at, entry, writer, parent);
    if (known)
        return known;
    if (!entry->code)
        entry->code = trie_code(&writer->trie, writer, entry->frame.code);
    int64_t position = entry->code ? frames_position(&entry->frame) : 0;
    if (position == FRAME_NOWHERE)
        python_distrust();
    if (!entry->code || position == FRAME_NOWHERE)
        return 0;
    uint32_t node =
        trie_node(&writer->trie, writer, NODE_FRAME, parent, entry->code, (int32_t)position);
    bool told = python.at.minor >= 11 && !python.at.code_copies;
    trie_remember(&writer->trie, parent, entry->frame.position, told ? NULL : entry->frame.code,
                  node);
    return node;
}

/* The entry of a frame, if it is among the innermost of those before `*end`; else NULL. Frames that
 * a thread's stack of frames holds are further up than their callers, mostly: what is still further
 * up has been left, and `*end` follows. */
static struct stack_entry *find_entry(const struct stack_cache *cache, const char *address,
                                      struct stack_entry **end) {
    bool objects = frames_objects();
    if (!objects && *(const uint8_t *)(address + python.at.frame_owner) == FRAME_OWNER_THREAD)
        while (*end > cache->entries && (*end)[-1].frame.address > address)
            (*end)--;
    struct stack_entry *entry = *end;
    for (uint32_t i = 0; i < (objects ? NEWS : NEAR) && entry > cache->entries; i++)
        if ((--entry)->frame.address == address)
            return entry;
    return NULL;
}

static void push(struct stack_cache *cache, const char *const *frames, uint32_t count) {
    while (count-- > 0)
        *cache->end++ = (struct stack_entry){.frame = frames_at(&python.at, frames[count])};
}

/* Makes the cache that of this stack, but for the nodes of what has changed. False: the stack is
 * too different. */
static bool follow_far(struct stack_cache *cache, const char *address, struct changes *changes) {
    const char *entered[NEWS];
    if (!cache_reserve(cache, cache_count(cache) + NEWS))
        return false;
    struct stack_entry *end = cache->end;
    for (uint32_t count = 0; address && count < NEWS;) {
        changes->shared = find_entry(cache, address, &end);
        uint32_t depth = changes->shared ? (uint32_t)(changes->shared - cache->entries) + 1 : 0;
        bool deep = depth > DEEP + NEWS;
        if (depth > 0 &&
            compare(&python.at, changes, deep ? changes->shared - DEEP : cache->entries,
                    deep ? changes->shared - NEWS : NULL)) {
            changes->stays = count == 0 && changes->shared == cache->end - 1;
            cache->end = changes->shared + 1;
            push(cache, entered, count);
            return true;
        }
        if (depth > 0)
            end = changes->from;
        entered[count++] = address;
        address = frames_outer(&python.at, address);
    }
    return false;
}

/* The cache anew, but for the nodes. */
static bool fill(struct stack_cache *cache, const char *innermost, struct changes *changes) {
    uint32_t depth = 0;
    for (const char *address = innermost; address && depth < FRAMES_MAX; depth++)
        address = frames_outer(&python.at, address);
    if (depth == FRAMES_MAX)
        python_distrust();
    if (depth == FRAMES_MAX || !cache_reserve(cache, depth))
        return false;
    struct stack_entry *entry = cache->end = cache->entries + depth;
    for (const char *address = innermost; entry != cache->entries;) {
        *--entry = (struct stack_entry){.frame = frames_at(&python.at, address)};
        address = frames_outer(&python.at, address);
    }
    changes->from = changes->unknown = cache->entries;
    return true;
}

/* Any stack, from its beginning. */
static bool follow_all(struct stack_cache *cache, const char *state, struct changes *changes) {
    const char *innermost = frames_skip(&python.at, frames_current(&python.at, state));
    return follow_far(cache, innermost, changes) || fill(cache, innermost, changes);
}

/* Frames further out than those that will be compared must be followed when they allocate again, so
 * that the entries after them go. */
static void forget_outermost(struct stack_cache *cache) {
    uint32_t compared = cache_count(cache) - (DEEP - NEWS);
    if (cache->top.depth < compared)
        cache->top.address = NO_FRAME;
    if (cache->far.depth < compared)
        cache->far.address = NO_FRAME;
}

static uint32_t no_node(struct stack_cache *cache) {
    stack_cache_forget(cache);
    return python_present() ? 0 : cache->thread_node;
}

uint32_t follow_rest(struct stack_cache *cache, struct writer *writer, const char *state,
                     struct stack_entry *from, struct stack_entry *unknown) {
    if (stack_reader)
        return stack_reader->node(cache, writer, state);
    struct changes changes = {.from = from, .unknown = unknown};
    bool known = cache->thread_node && cache->epoch == atomic_load(&stack_codes_freed);
    if (!known && !cache_begin(cache, writer))
        return 0;
    if ((!known || !from) && !follow_all(cache, state, &changes))
        return no_node(cache);
    bool stays = changes.stays && changes.from >= cache->end - 1;
    uint32_t node = changes.from == cache->entries ? cache->thread_node : changes.from[-1].node;
    for (struct stack_entry *entry = changes.from; entry < cache->end; entry++) {
        entry->node = node = make_node(entry, writer, node);
        if (!node)
            return no_node(cache);
    }
    if (cache->end == cache->entries)
        return cache->thread_node;
    if (can_mark(&python.at) && cache->end - changes.unknown > (ptrdiff_t)MARKS_FROM)
        mark_some(cache, changes.unknown);
    if (stays)
        stack_keep_top(cache);
    if (cache_count(cache) > DEEP)
        forget_outermost(cache);
    return node;
}

#define STACK_FUNCTION(layout)                                                                     \
    static uint32_t node_##layout(struct stack_cache *cache, struct writer *writer,                \
                                  const char *state) {                                             \
        struct changes changes;                                                                    \
        uint32_t node = follow(layout_offsets(layout), cache, writer, state, &changes);            \
        return node ? node : follow_rest(cache, writer, state, changes.from, changes.unknown);     \
    }

EACH_LAYOUT(STACK_FUNCTION)

#define STACK_TABLE(layout) [layout] = node_##layout,
static uint32_t (*const nodes[LAYOUTS])(struct stack_cache *cache, struct writer *writer,
                                        const char *state) = {EACH_LAYOUT(STACK_TABLE)};

/* The first stack without a Python frame; where native ones are read, any. */
static uint32_t without_frames(struct stack_cache *cache, struct writer *writer) {
    if (stack_reader)
        return stack_reader->node(cache, writer, NULL);
    return cache_begin(cache, writer) ? cache->thread_node : 0;
}

uint32_t stack_node(struct thread *thread, struct writer *writer) {
    struct stack_cache *cache = writer->is_gil ? &thread->gil_cache : &writer->cache;
    const char *state = frames_state(thread);
    if (state)
        return nodes[python.layout](cache, writer, state);
    return cache->thread_node ? cache->thread_node : without_frames(cache, writer);
}

void stack_cache_release(struct stack_cache *cache) {
    if (cache->native)
        stack_reader->release(cache->native);
    if (cache->entries)
        pages_unmap(cache->entries, (size_t)cache->capacity * sizeof *cache->entries);
    *cache = (struct stack_cache){0};
    stack_cache_forget(cache);
}
