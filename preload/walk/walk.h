/* The walk over Python's heap, in a disposable copy of the process (or, shallow, in the process
 * itself).
 *
 * It reads objects where they lie, calls tp_traverse and nothing else of the interpreter's, takes
 * memory only by pages_map(). So it needs no lock that another thread, which does not exist here,
 * might hold. Its system calls, for a filter to allow: the writer's, mmap and munmap of its
 * own anonymous pages, madvise, clock_gettime, and rt_sigprocmask with an operation that does not
 * exist, which changes nothing and tells whether an address can be read (EFAULT or EINVAL).
 */
#ifndef HOLDFAST_PRELOAD_WALK_H
#define HOLDFAST_PRELOAD_WALK_H

#include <stdbool.h>

#include "../../wire/graph_write.h"
#include "../../wire/join.h"

/* Memory from one address to another. */
struct walk_range {
    uintptr_t from, to;
};

#define WALK_RANGES_NOT 3u

struct walk_request {
    const struct large_block *large; /* sorted; may be NULL */
    size_t large_count;
    bool shallow;
    bool with_addresses; /* for tests: which object is which */
    /* Whether one of the object's references is not the program's. NULL: all are. */
    bool (*watched)(const void *object);
    /* Where lost references are looked for (lost.c): the program's private memory, but for what is
     * in `not_these`. NULL: they are not. */
    const struct walk_range *ranges;
    uint32_t range_count;
    struct walk_range not_these[WALK_RANGES_NOT];
    uint64_t memory_limit; /* bytes of tables; the walk stops and says so when it needs more */
};

/* Finds what the walk needs of the interpreter in `scope` (as dlsym takes it): no walk may, because
 * dlsym takes locks. */
void walk_find(void *scope);

/* Writes the whole stream, END included, when all went well. `writer` knows where to; all else in
 * it is zero. The calling thread holds the GIL of
 * the heap (or is its image in a copy). False when it was cut short. */
bool walk_heap(struct graph_writer *writer, const struct walk_request *request);

#endif
