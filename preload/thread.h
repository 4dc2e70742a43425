/* The library's state: one struct for the process, one for each thread.
 *
 * Both are valid when they are all zeroes, because the first malloc comes before any constructor. The
 * process's page is wiped by the kernel in every child that gets a copy of the address space
 * (MADV_WIPEONFORK), however it was made; so `process.epoch` is 0 in a child until it has joined, no
 * thread's epoch matches it, and every hook takes its slow path. A vfork child shares the page, as it
 * shares the memory whose allocations it records.
 */
#ifndef HOLDFAST_PRELOAD_THREAD_H
#define HOLDFAST_PRELOAD_THREAD_H

#include "../wire/session.h"
#include "stack.h"
#include "writer.h"

struct process {
    uint32_t epoch;  /* changes with each fork; 0: not joined */
    bool off;        /* not traced (any more) */
    uint32_t number; /* in the session */
    struct session_page *session;
    struct region *region; /* the first one */
    struct writer gil;     /* for whoever holds the GIL */
};

struct thread {
    uint32_t epoch;      /* equals process.epoch when this thread is attached */
    uint32_t tid;
    uint32_t in_python;  /* depth inside a Python allocator's wrapper: what it takes from libc is not counted again */
    uint32_t checks;     /* counts down to the next pymem_check */
    uint64_t pthread;    /* pthread_self() */
    struct writer *own;  /* for events without the GIL; made at the first one */
    struct stack_cache gil_cache;
};

extern struct process process;
extern _Thread_local struct thread self;

/* The hooks' frame around an event, on a thread that may be anywhere:
 *
 *     struct writer *writer = event_begin();
 *     if (writer) { event_alloc(writer, ...); event_end(writer); }
 *
 * event_begin picks the GIL's writer when this thread holds the GIL, else its own, or a spare one when
 * a signal handler interrupted a write; NULL: do not record (not traced). */
struct writer *event_begin(void);
void event_end(struct writer *writer);

/* Records. `node` 0 is not a stack; callers pass stack_node(). */
void event_alloc(struct writer *writer, unsigned kind, const void *address, uint64_t size, uint32_t node);
void event_free(struct writer *writer, const void *address);
void event_realloc_begin(struct writer *writer, const void *address);
void event_realloc_end(struct writer *writer, unsigned kind, unsigned aux, const void *address,
                       uint64_t size, uint32_t node);

/* Addresses that a free must look at twice: large blocks (ordered by ticket across processes) and code
 * objects. A one-sided test: false is certain. */
void filter_add(const void *address);
bool filter_may_contain(const void *address);

#endif
