/* What is known of live blocks besides size and site: for --keep-events and --lifetimes. The table
 * of blocks then holds a *stub* in the place of a block's site, and the stub knows the site.
 */
#ifndef HOLDFAST_COLLECTOR_STUBS_H
#define HOLDFAST_COLLECTOR_STUBS_H

#include <stdint.h>

#define STUBS_NONE 0u

struct stub {
    uint64_t number; /* the allocation's, in the event stream; of a free stub: the next free one */
    uint64_t birth;  /* how many its process had made, with it */
    uint32_t born_ms, site;
};

struct stubs {
    struct stub *list; /* entry 0 is none */
    uint32_t count, capacity, free;
};

/* A stub for a block of this site; STUBS_NONE when memory ran out. */
uint32_t stubs_take(struct stubs *stubs, uint32_t site);

static inline void stubs_give(struct stubs *stubs, uint32_t stub) {
    stubs->list[stub].number = stubs->free;
    stubs->free = stub;
}

void stubs_release(struct stubs *stubs);

#endif
