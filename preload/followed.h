/* Blocks that the program asks about: has this one been freed? By that python/holdfast/_going.py is
 * certain of objects that can't be weakly referenced.
 *
 * It costs a free nothing as long as none is followed: a free looks into the filter anyway
 * (thread.h), and only what is found there is looked for in the table.
 */
#ifndef HOLDFAST_PRELOAD_FOLLOWED_H
#define HOLDFAST_PRELOAD_FOLLOWED_H

#include "thread.h"

void followed_end(const void *block);

/* Blocks may have been freed without a call of ours: of none it is known any more that it is still
 * there. */
void followed_missed(void);

/* A block of the object domain is about to be freed, or was moved. Any thread. */
static inline void followed_freed(const void *block) {
    if (__builtin_expect(filter_flags(block) & FILTER_FOLLOWED, 0))
        followed_end(block);
}

#endif
