/* The short way from a hook to a record: for small blocks that a thread makes or frees while it
 * holds the GIL, which is what nearly all events are, or without it. Whatever is not as usual goes
 * the long way (event.c): each function here is then false, and has done nothing.
 *
 * With the GIL, the way is opened by an event of the thread's own that went the long way
 * (thread.guard) and found all in order (process.short_way); without, by the first, which claimed a
 * ring. Each instruction here counts: see scripts/bench.
 */
#ifndef HOLDFAST_PRELOAD_HOT_H
#define HOLDFAST_PRELOAD_HOT_H

#include "python.h"
#include "thread.h"

#define unlikely(x) __builtin_expect(!!(x), 0)
#define hot_function static inline __attribute__((always_inline))

/* Blocks from this size on are ordered exactly across processes, by a ticket. Below it, what two
 * processes do within the same millisecond may be seen in either order. */
#define LARGE_BLOCK (128u << 10)

/* How the state that holds the GIL is found. */
enum hot_by {
    HOT_BY_PLACE,  /* python.current_place: no call, so that the whole way is a leaf */
    HOT_BY_CALL,   /* python.current */
    HOT_BY_EITHER, /* for hooks that are there before any interpreter is */
};

hot_function const char *hot_state(enum hot_by by) {
    if (by != HOT_BY_PLACE && !python.quick)
        return NULL;
    if (by == HOT_BY_PLACE || (by == HOT_BY_EITHER && python.current_place))
        return __atomic_load_n(python.current_place, __ATOMIC_RELAXED);
    if (self.asking)
        return NULL;
    self.asking = true;
    const char *state = python.current();
    self.asking = false;
    return state;
}

/* Enters the GIL's writer, and sets self.state. Threads without the GIL do not get as far as the
 * writer, whose cache line belongs to the one that holds it. */
hot_function bool hot_begin(enum hot_by by) {
    if (unlikely(self.epoch != process.short_way))
        return false;
    const char *state = hot_state(by);
    if (unlikely(!state || python_guard(state) != self.guard || process.gil.busy))
        return false;
    process.gil.busy = true;
    atomic_signal_fence(memory_order_seq_cst);
    self.state = state;
    return true;
}

hot_function void hot_end(void) {
    atomic_signal_fence(memory_order_seq_cst);
    process.gil.busy = false;
}

/* The reader knows which tickets had been taken before the next record, which carries none. False
 * when the ring takes no more. */
hot_function bool hot_note_tickets(struct writer *writer) {
    uint64_t ticket = atomic_load_explicit(&process.session->ticket, memory_order_relaxed);
    return !unlikely(ticket != writer->noted) || event_note_tickets(writer, ticket);
}

/* A record of one word, or of two. */
hot_function bool hot_put(uint64_t word, bool has_second, uint64_t second) {
    struct writer *writer = &process.gil;
    uint64_t bytes = has_second ? 16 : 8;
    if (!hot_note_tickets(writer))
        return false;
    uint64_t tail = writer->tail;
    if (unlikely(tail + bytes > writer->straight_end)) {
        if (!writer_reserve_slowly(writer, (uint32_t)bytes / 8))
            return false;
        tail = writer->tail;
    }
    uint64_t *record = (uint64_t *)(writer->lap + tail);
    record[0] = word;
    if (has_second)
        record[1] = second;
    writer->tail = tail + bytes;
    atomic_store_explicit(&writer->ring->tail, tail + bytes, memory_order_release);
    return true;
}

/* Counts a native allocation; at some it is time for pymem_tick, on the long way. */
hot_function bool hot_check_is_due(void) {
    return self.checks == 0 || self.checks-- == 0;
}

hot_function bool hot_alloc(enum hot_by by, unsigned kind, const void *block, uint64_t size) {
    if (unlikely(size >= LARGE_BLOCK || ((uintptr_t)block & ~EVENT_VALUE_MASK)) || !hot_begin(by))
        return false;
    uint32_t node = stack_node_held(&self, &process.gil);
    if (hot_put(event_word(EVENT_ALLOC, kind, 0, (uintptr_t)block), true,
                event_size_node(node, size)))
        process.gil_allocated += size;
    hot_end();
    return true;
}

/* Not for what a free must look at twice. */
hot_function bool hot_free(enum hot_by by, const void *block) {
    if (unlikely(filter_may_contain(block) || ((uintptr_t)block & ~EVENT_VALUE_MASK)) ||
        !hot_begin(by))
        return false;
    hot_put(event_word(EVENT_FREE, 0, 0, (uintptr_t)block), false, 0);
    hot_end();
    return true;
}

/* Enters this thread's own writer. False when it may hold the GIL. */
hot_function bool hot_own_begin(struct writer *writer) {
    if (unlikely(!writer || self.epoch != process.epoch || process.off || writer->busy ||
                 !self.named))
        return false;
    if (python.present) {
        const char *state = hot_state(HOT_BY_EITHER);
        if (state && (!python.current_place || python_guard(state) == self.pthread))
            return false;
        if (unlikely(!python.quick || self.asking))
            return false;
    }
    self.state = NULL;
    writer->busy = true;
    atomic_signal_fence(memory_order_seq_cst);
    return true;
}

/* A record of one word, or of two, and a ticket, which is taken once there is room: the reader
 * waits for it. */
hot_function void hot_own_put(struct writer *writer, uint64_t word, bool has_second,
                              uint64_t second) {
    uint32_t words = has_second ? 3 : 2;
    uint64_t *record = writer_reserve(writer, words);
    if (record) {
        record[0] = word | EVENT_TICKET_BIT;
        if (has_second)
            record[2] = second;
        record[1] = atomic_fetch_add(&process.session->ticket, 1);
        writer_commit(writer, words);
    }
    atomic_signal_fence(memory_order_seq_cst);
    writer->busy = false;
}

hot_function bool hot_own_alloc(unsigned kind, const void *block, uint64_t size) {
    struct writer *writer = self.own;
    if (unlikely(size >= LARGE_BLOCK || ((uintptr_t)block & ~EVENT_VALUE_MASK)) ||
        !hot_own_begin(writer))
        return false;
    uint32_t node = writer->cache.thread_node;
    if (python.present || !node)
        node = stack_node(&self, writer);
    hot_own_put(writer, event_word(EVENT_ALLOC, kind, 0, (uintptr_t)block), true,
                event_size_node(node, size));
    return true;
}

hot_function bool hot_own_free(const void *block) {
    struct writer *writer = self.own;
    if (unlikely((uintptr_t)block & ~EVENT_VALUE_MASK) || !hot_own_begin(writer))
        return false;
    hot_own_put(writer, event_word(EVENT_FREE, 0, 0, (uintptr_t)block), false, 0);
    return true;
}

#endif
