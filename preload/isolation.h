/* What a disposable copy of the process gives up before it looks at the heap, so that it can do
 * nothing but read it and tell of it: descriptors, shared memory, and nearly every system call.
 *
 * Only raw system calls, and none after isolation_lock() but those that it leaves.
 */
#ifndef HOLDFAST_PRELOAD_ISOLATION_H
#define HOLDFAST_PRELOAD_ISOLATION_H

#include <stdbool.h>

#include "walk/walk.h"

/* Every descriptor of the program's. */
void isolation_close_descriptors(void);

/* No core file, first in line for the out-of-memory killer, last for the processor; ends itself
 * after `seconds`; may write files as large as the program may ask to write. */
void isolation_yield(unsigned seconds);

/* Where memory is that the program may have written: private, or small and shared by fork alone. */
struct isolation_ranges {
    struct walk_range *list;
    uint32_t count, room;
    bool left_out; /* there was more */
};

/* What is shared with other processes, or with a file, can be read only; memory at `kept` excepted.
 * What is the program's own is put into `own`, unless that is NULL. False when it is not known what
 * is. */
bool isolation_protect_shared(const void *kept, struct isolation_ranges *own);

/* From here on only memory of its own, the clock, futexes, write() to `stream` and `connection`,
 * shutdown() of `connection`, rt_sigprocmask(-1) to find out what can be read, and the end.
 * Everything else fails with EPERM. False when the kernel cannot do that. */
bool isolation_lock(int stream, int connection);

#endif
