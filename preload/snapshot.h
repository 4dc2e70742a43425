/* Snapshots of the references: when one is due, and taking it by a disposable copy of the process.
 */
#ifndef HOLDFAST_PRELOAD_SNAPSHOT_H
#define HOLDFAST_PRELOAD_SNAPSHOT_H

#include "thread.h"

/* A hook is about to allocate `size` bytes, and has not yet called the real function: the moment at
 * which the heap may be copied. */
void snapshot_consider(size_t size);

static inline void snapshot_before(size_t size) {
    if (__builtin_expect(process.gil_allocated + size > process.snapshot_limit, 0))
        snapshot_consider(size);
}

#endif
