/* A writer puts the events of one thread at a time into one ring.
 *
 * The process has one writer for whoever holds the GIL; each thread that needs to write without it
 * has a writer of its own. A writer also owns the trie of the stacks that its ring has defined
 * (stack.h), since node and code numbers belong to the ring.
 */
#ifndef HOLDFAST_PRELOAD_WRITER_H
#define HOLDFAST_PRELOAD_WRITER_H

#include "../wire/event.h"
#include "../wire/session.h"
#include "stack.h"

struct writer {
    struct ring *ring;
    uint64_t *body;
    uint64_t tail;     /* our copy of ring->tail */
    uint64_t room_end; /* tail may grow up to here without looking at ring->head again */
    uint64_t mask;     /* ring size - 1 */
    uint64_t noted;    /* GIL's writer: the ticket counter when it was last noted */
    bool busy;         /* between writer_enter and writer_leave; a signal handler finds it set */
    bool is_gil;
    struct trie trie;
    struct stack_cache
        cache; /* the owner's last stack; the GIL's writer uses thread.gil_cache instead */
};

/* Room for a record of `words` words, in one piece; NULL when the event cannot be written (no
 * collector: the process goes on untraced). Waits while the ring is full. The record is published
 * by writer_commit; between the two only its words are written. */
uint64_t *writer_reserve(struct writer *writer, uint32_t words);
void writer_commit(struct writer *writer, uint32_t words);

#endif
