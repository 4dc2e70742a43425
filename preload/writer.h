/* A writer puts the events of one thread at a time into one ring.
 *
 * The process has one writer for whoever holds the GIL; each thread that needs to write without it
 * has a writer of its own. When there are no more rings to be had, those threads that came last
 * share some, one event at a time: they are slower, and nothing is lost. A writer also owns the
 * trie of the stacks that its ring has defined (stack.h), since node and code numbers belong to the
 * ring.
 */
#ifndef HOLDFAST_PRELOAD_WRITER_H
#define HOLDFAST_PRELOAD_WRITER_H

#include "../wire/event.h"
#include "../wire/session.h"
#include "stack.h"

struct writer {
    struct ring *ring;
    uint64_t tail; /* our copy of ring->tail */
    uint64_t
        straight_end; /* tail may grow up to here without a look at ring->head or the body's end */
    uintptr_t lap;    /* up to there, a position's place in memory is lap + position */
    uint64_t noted;   /* while the ticket counter is this, records need no ticket: wire/event.h;
                         0: they do, of a thread's writer */
    uint64_t *body;
    uint64_t mask; /* ring size - 1 */
    bool busy;     /* between event_begin and event_end; a signal handler finds it set */
    bool is_gil;
    uint16_t index;          /* among all of the process's */
    _Atomic uint16_t behind; /* in the list of free ones: the next one's index + 1, 0 none */
    struct trie trie;
    struct stack_cache
        cache; /* the owner's last stack; the GIL's writer uses thread.gil_cache instead */
    /* Memory that the body has and may not need: writer.c. */
    uint32_t reached; /* how far the writer has gone beyond what it needs; 0: no further */
    uint64_t calm_ns; /* since when it has not; 0: not known */
    uint64_t claimed; /* a thread's writer: where it last tried to be alone */
};

static inline uint64_t *writer_place(const struct writer *writer) {
    return (uint64_t *)(writer->lap + writer->tail);
}

/* writer_reserve when the next record does not simply fit. */
uint64_t *writer_reserve_slowly(struct writer *writer, uint32_t words);

/* Who is going to fill a ring, or waits for what the collector finds, calls it if it sleeps. */
void writer_call_collector(void);

/* Room for a record of `words` words, in one piece; NULL when the event cannot be written (no
 * collector: the process goes on untraced). Waits while the ring is full. The record is published
 * by writer_commit; between the two only its words are written. */
static inline uint64_t *writer_reserve(struct writer *writer, uint32_t words) {
    if (__builtin_expect(writer->tail + (uint64_t)words * 8 > writer->straight_end, 0))
        return writer_reserve_slowly(writer, words);
    return writer_place(writer);
}

static inline void writer_commit(struct writer *writer, uint32_t words) {
    writer->tail += (uint64_t)words * 8;
    atomic_store_explicit(&writer->ring->tail, writer->tail, memory_order_release);
}

#endif
