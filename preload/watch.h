/* Big blocks whose objects are to be followed (`run --watch SIZE`): those that a thread with a
 * Python state makes are noted in a table, and Python code of ours is called soon after, which
 * finds their objects and follows these line by line. That is python/holdfast/_big.py; it comes
 * along in this library (carry.py), so that the program needs no package.
 *
 * Nothing else of the interpreter's is touched as long as there is no such block.
 */
#ifndef HOLDFAST_PRELOAD_WATCH_H
#define HOLDFAST_PRELOAD_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#define WATCH_BLOCKS 64u
#define WATCH_HELD 16u

/* _big.py has the same layout. Free entries are taken by compare and exchange, as some are made by
 * threads without the GIL; it is given back by whoever frees the block, or by _big.py. */
struct watch_block {
    uint64_t address; /* 0: free; 1: being filled in */
    uint64_t size;
    uint64_t thread; /* pthread_self() */
};

struct watch_table {
    uint64_t least;            /* bytes; 0: nothing is watched */
    uint64_t closed;           /* _big.py: what is made from here on is only counted */
    uint64_t more;             /* blocks that were only counted */
    uint64_t forget;           /* watch_forget(), for _big.py */
    uint64_t held[WATCH_HELD]; /* _big.py: objects of which it has a reference of its own */
    struct watch_block blocks[WATCH_BLOCKS];
};

extern struct watch_table watch_table;

/* The interpreter was found in `scope`, as dlsym takes it. */
void watch_begin(void *scope);

/* A block of that size was made; is about to be freed or moved. Both only of large blocks, inside
 * of an event. */
void watch_note(uintptr_t block, uint64_t size);
void watch_forget(uintptr_t block);

/* One of the object's references is there only because it is watched. */
static inline bool watch_holds(const void *object) {
    for (uint32_t i = 0; i < WATCH_HELD; i++)
        if (watch_table.held[i] == (uintptr_t)object)
            return true;
    return false;
}

static inline void watch_made(const void *block, uint64_t size) {
    if (__builtin_expect(watch_table.least && size >= watch_table.least, 0))
        watch_note((uintptr_t)block, size);
}

static inline void watch_freed(const void *block) {
    if (__builtin_expect(watch_table.least != 0, 0))
        watch_forget((uintptr_t)block);
}

#endif
