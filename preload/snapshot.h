/* Snapshots of the references: when one is due, and taking it by a disposable copy of the process.
 */
#ifndef HOLDFAST_PRELOAD_SNAPSHOT_H
#define HOLDFAST_PRELOAD_SNAPSHOT_H

#include "../wire/graph.h"
#include "thread.h"

/* Tickets between two calls of snapshot_look: a few milliseconds in a process that takes few. */
#define SNAPSHOT_LOOK 8u

/* A hook is about to allocate `size` bytes, and has not yet called the real function: the moment at
 * which the heap may be copied. */
void snapshot_consider(size_t size);

/* The same for a block that is reallocated, and for a mapping of the program's own: how much more
 * there is in use then is less. */
void snapshot_consider_again(size_t size);
void snapshot_consider_mapping(size_t size);

/* It is time to ask. */
static inline bool snapshot_is_near(size_t size) {
    return __builtin_expect(process.gil_allocated + size > process.snapshot_limit, 0);
}

/* The same. A thread that did not hold the GIL at its last event asks only before a large block: it
 * has hardly taken the GIL since, and would wait for the line that those with the GIL write. */
static inline bool snapshot_is_due(size_t size) {
    return (self.state || size >= GRAPH_LARGE_BLOCK) && snapshot_is_near(size);
}

static inline void snapshot_before(size_t size) {
    if (snapshot_is_due(size))
        snapshot_consider(size);
}

static inline void snapshot_before_again(size_t size) {
    if (snapshot_is_due(size))
        snapshot_consider_again(size);
}

static inline void snapshot_before_mapping(size_t size) {
    if (snapshot_is_due(size))
        snapshot_consider_mapping(size);
}

/* By whoever writes the GIL's ring, now and then: what else may make a snapshot due than bytes
 * allocated with the GIL (a request, other threads' bytes), or needs to be seen to. */
void snapshot_look(uint64_t ticket);

/* The program begins a region, or ends one: each is to have snapshots of its own growth, from what
 * was live at its begin. Inside of an event; `gil`: of the GIL's ring. */
void snapshot_region_begins(bool gil);
void snapshot_region_ends(void);

/* The process has joined, or an interpreter was found or is no longer trusted. */
void snapshot_arm(void);

/* No snapshot begins between these two, and none is at work: their system calls are about to be
 * forbidden. Not in a vfork child. */
void snapshot_hold(void);
void snapshot_release(void);

/* The interpreter has begun to end, with all that the program had still in place: takes the last
 * one. True once that is done, or cannot be. */
bool snapshot_at_end(void);

/* This image is about to end, and its process with it (`exits`) or not: waits, within the budget,
 * for a copy that is still at work; for the process's last one with --refs, until it is done. */
void snapshot_settle(bool exits);

#endif
