/* The short way from a hook to a record: for small blocks that a thread makes or frees while it
 * holds the GIL, which is what nearly all events are, or without it. Whatever is not as usual goes
 * the long way (event.c): the functions here have then done nothing.
 *
 * With the GIL, the way is opened by an event of the thread's own that went the long way and found
 * all in order: see process.key. Without, by the first, which claimed a ring. Each instruction here
 * counts, and each register that would have to be saved: what is rare is left to functions that are
 * called last. See scripts/bench.
 */
#ifndef HOLDFAST_PRELOAD_HOT_H
#define HOLDFAST_PRELOAD_HOT_H

#include "follow.h"
#include "thread.h"

/* Blocks from this size on are ordered exactly across processes, by a ticket. Below it, what two
 * processes do within the same millisecond may be seen in either order. */
#define LARGE_BLOCK (128u << 10)

/* The state that holds the GIL, if it can be this thread's; else NULL. To 3.11 that takes no call,
 * so that the whole way is a leaf. */
static hot_inline const char *hot_state(const struct python_offsets *at) {
    if (at->runtime_current)
        return __atomic_load_n(python.current_place, __ATOMIC_RELAXED);
    if (self.asking)
        return NULL;
    self.asking = true;
    const char *state = python.current();
    self.asking = false;
    return state;
}

/* Enters the GIL's writer, and returns the state that holds it; NULL: not possible. Threads without
 * the GIL hardly ever get as far as the writer, whose cache line belongs to the one that has it. */
static hot_inline const char *hot_enter(const struct python_offsets *at) {
    if (!at->runtime_current && !self.guard)
        return NULL;
    const char *state = hot_state(at);
    if (unlikely(!state || (python_guard(at, state) ^ process.key) != self.guard))
        return NULL;
    process.key = 0;
    atomic_signal_fence(memory_order_seq_cst);
    return state;
}

static hot_inline void hot_leave(void) {
    atomic_signal_fence(memory_order_seq_cst);
    process.key = process.open_key;
}

/* A record of `words` words fits into the GIL's ring at `tail`, and no tickets have been taken
 * since the last record, of which the reader must be told. */
static hot_inline bool hot_fits(uint64_t tail, uint64_t words) {
    uint64_t ticket = atomic_load_explicit(&process.session->ticket, memory_order_relaxed);
    return ticket == process.gil.noted && tail + words * 8 <= process.gil.straight_end;
}

static hot_inline void hot_put(uint64_t tail, uint64_t words, uint64_t first, uint64_t last) {
    struct writer *writer = &process.gil;
    uint64_t *record = (uint64_t *)(writer->lap + tail);
    record[0] = first;
    if (words > 1)
        record[1] = last;
    writer->tail = tail += words * 8;
    atomic_store_explicit(&writer->ring->tail, tail, memory_order_release);
}

/* Who called the hook that this is part of. */
static hot_inline void hot_note_caller(void) {
    self.called_from = (uintptr_t)__builtin_return_address(0);
}

static hot_inline bool hot_is_usual(const void *block, uint64_t size) {
    return size < LARGE_BLOCK && ((uintptr_t)block & ~EVENT_VALUE_MASK) == 0;
}

/* Does what is left when the GIL's writer has been entered. */
typedef void *hot_entered(const char *state, void *block, uint64_t size);

/* What a hook goes on with: this may be a stack near one that is known (hot_alloc_near()), or it is
 * another, or the record must wait (hot_alloc_entered()). */
struct hot_rest {
    hot_entered *near, *entered;
};

/* The node of a stack that is wholly the same again, by its caller's mark or by one further out; 0:
 * it is none. */
static hot_inline uint32_t hot_node(const struct python_offsets *at,
                                    const struct stack_cache *cache, const char *frame) {
    uint32_t node = stack_again(at, &cache->top, frame);
    return likely(node) || !can_be_near(at) ? node : stack_again_far(at, &cache->far, frame);
}

/* Returns the block, or NULL: not done. */
static hot_inline void *hot_alloc(const struct python_offsets *at, struct hot_rest rest,
                                  unsigned kind, void *block, uint64_t size) {
    if (unlikely(!hot_is_usual(block, size)))
        return NULL;
    const char *state = hot_enter(at);
    if (unlikely(!state))
        return NULL;
    const struct stack_cache *cache = &self.gil_cache;
    const char *frame = frames_current(at, state);
    uint64_t tail = process.gil.tail;
    uint32_t node = 0;
    if (unlikely(!hot_fits(tail, 2) || !(node = hot_node(at, cache, frame)))) {
        hot_note_caller();
        bool near = frame == cache->top.address || frame == cache->far.address;
        return near ? rest.near(state, block, size) : rest.entered(state, block, size);
    }
    hot_put(tail, 2, event_word(EVENT_ALLOC, kind, 0, (uintptr_t)block),
            event_size_node(node, size));
    process.gil_allocated += size;
    hot_leave();
    return block;
}

/* A leaf, too. */
static hot_inline void *hot_alloc_near(const struct python_offsets *at, hot_entered *entered,
                                       const char *state, unsigned kind, void *block,
                                       uint64_t size) {
    const char *frame = frames_current(at, state);
    uint64_t tail = process.gil.tail;
    uint32_t node = find_near(at, &self.gil_cache, &process.gil.trie, frame);
    if (unlikely(!node || !hot_fits(tail, 2)))
        return entered(state, block, size);
    if (!hot_is_usual(block, size))
        __builtin_unreachable();
    hot_put(tail, 2, event_word(EVENT_ALLOC, kind, 0, (uintptr_t)block),
            event_size_node(node, size));
    process.gil_allocated += size;
    hot_leave();
    return block;
}

static hot_inline void *hot_alloc_entered(const struct python_offsets *at, const char *state,
                                          unsigned kind, void *block, uint64_t size) {
    struct changes changes;
    uint32_t node = follow(at, &self.gil_cache, &process.gil, state, &changes);
    uint64_t tail = process.gil.tail;
    if (unlikely(!node || !hot_fits(tail, 2)))
        return hot_alloc_rest(state, kind, block, size, changes.from, changes.unknown);
    if (!hot_is_usual(block, size))
        __builtin_unreachable();
    hot_put(tail, 2, event_word(EVENT_ALLOC, kind, 0, (uintptr_t)block),
            event_size_node(node, size));
    process.gil_allocated += size;
    hot_leave();
    return block;
}

/* A reallocation's two halves, around the real call: whatever happens meanwhile finds the writer
 * busy. The first returns the state, or NULL: not done. Not for what a free must look at twice. */
static hot_inline const char *hot_realloc_begin(const struct python_offsets *at,
                                                const void *block) {
    const char *state = hot_enter(at);
    if (unlikely(!state))
        return NULL;
    uint64_t tail = process.gil.tail;
    if (unlikely(!hot_fits(tail, 1))) {
        hot_leave();
        return NULL;
    }
    process.gil.busy = true;
    hot_put(tail, 1, (uint64_t)EVENT_REALLOC_BEGIN << 60 | (uintptr_t)block, 0);
    return state;
}

/* `moved` is NULL when the call failed. */
static hot_inline void *hot_realloc_end(const struct python_offsets *at, const char *state,
                                        unsigned kind, void *moved, uint64_t size) {
    struct stack_cache *cache = &self.gil_cache;
    const char *frame = frames_current(at, state);
    uint64_t tail = process.gil.tail;
    uint32_t node = find_known(at, cache, &process.gil.trie, frame);
    if (unlikely(!moved || !node || !hot_is_usual(moved, size) || !hot_fits(tail, 2))) {
        hot_note_caller();
        return hot_realloc_rest(state, kind, moved, size);
    }
    hot_put(tail, 2, event_word(EVENT_REALLOC_END, kind, 0, (uintptr_t)moved),
            event_size_node(node, size));
    process.gil_allocated += size;
    process.gil.busy = false;
    hot_leave();
    return moved;
}

/* Not for what a free must look at twice. */
static hot_inline bool hot_free(const struct python_offsets *at, const void *block) {
    if (unlikely(!hot_enter(at)))
        return false;
    uint64_t tail = process.gil.tail;
    bool fits = hot_fits(tail, 1);
    if (likely(fits))
        hot_put(tail, 1, (uint64_t)EVENT_FREE << 60 | (uintptr_t)block, 0);
    hot_leave();
    return fits;
}

/* The same for any block, and with the tickets noted. */
static inline bool hot_free_any(const void *block) {
    if (!hot_enter(&python.at))
        return false;
    event_free(&process.gil, block);
    hot_leave();
    return true;
}

/* Enters this thread's own writer. */
static hot_inline bool hot_own_enter(struct writer *writer) {
    if (unlikely(!writer || self.own_key != process.own_key || writer->busy))
        return false;
    writer->busy = true;
    atomic_signal_fence(memory_order_seq_cst);
    return true;
}

static hot_inline void hot_own_leave(struct writer *writer) {
    atomic_signal_fence(memory_order_seq_cst);
    writer->busy = false;
}

/* Nobody has taken a ticket since this thread's writer found itself alone: no need of one. Where it
 * is not alone, the counter is not looked at: a look and a change would each have to bring its
 * cache line here. */
static hot_inline bool hot_own_is_alone(struct writer *writer) {
    if (writer->noted == 0)
        return false;
    uint64_t ticket = atomic_load_explicit(&process.session->ticket, memory_order_relaxed);
    if (likely(ticket == writer->noted))
        return true;
    writer->noted = 0;
    return false;
}

/* A record of `words` words, and a ticket where it needs one. */
static hot_inline void hot_own_put(struct writer *writer, uint32_t words, uint64_t word,
                                   uint64_t last) {
    uint64_t *record = (uint64_t *)(writer->lap + writer->tail);
    if (likely(hot_own_is_alone(writer))) {
        record[words - 1] = last;
        record[0] = word;
        writer_commit(writer, words);
        return;
    }
    /* First: it waits for all stores before it, and the record's go to lines that the reader has.
     */
    uint64_t ticket = atomic_fetch_add(&process.session->ticket, 1);
    record[0] = word | EVENT_TICKET_BIT;
    record[words] = last;
    record[1] = ticket;
    writer_commit(writer, words + 1);
}

/* So many words, and a ticket. */
static hot_inline bool hot_own_fits(const struct writer *writer, uint64_t words) {
    return writer->tail + (words + 1) * 8 <= writer->straight_end;
}

/* Where there is an interpreter: this thread may hold its GIL. */
static inline bool hot_may_hold(void) {
    const struct python_offsets *at = &python.at;
    const char *state = hot_state(at);
    if (state && (!at->runtime_current || python_guard(at, state) == self.pthread))
        return true;
    self.state = NULL;
    return !python.quick || self.asking;
}

/* Without the GIL, where there is no interpreter. */
static hot_inline void *hot_own_alloc(unsigned kind, void *block, uint64_t size) {
    struct writer *writer = self.own;
    if (unlikely(!hot_is_usual(block, size)) || unlikely(!hot_own_enter(writer)))
        return NULL;
    uint32_t node = writer->cache.thread_node;
    if (unlikely(!node || !hot_own_fits(writer, 2))) {
        hot_note_caller();
        return hot_own_alloc_rest(writer, kind, block, size);
    }
    hot_own_put(writer, 2, event_word(EVENT_ALLOC, kind, 0, (uintptr_t)block),
                event_size_node(node, size));
    hot_own_leave(writer);
    return block;
}

static hot_inline bool hot_own_free(const void *block) {
    struct writer *writer = self.own;
    if (unlikely(!hot_own_enter(writer)))
        return false;
    bool fits = hot_own_fits(writer, 1);
    if (likely(fits))
        hot_own_put(writer, 1, (uint64_t)EVENT_FREE << 60 | (uintptr_t)block, 0);
    hot_own_leave(writer);
    return fits;
}

#endif
