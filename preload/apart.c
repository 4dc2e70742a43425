/* See apart.h. */
#include "apart.h"

#include <stdatomic.h>
#include <sys/mman.h>

#include "../wire/profile.h"
#include "seccomp.h"
#include "sys.h"

#define PAGE 4096u
#define ADVICE_COLD 20 /* MADV_COLD, from Linux 5.4 on */
#define COLD_SHARE 100u

/* Blocks that are apart, by a hash of their address: a place is taken by whoever puts an address
 * into it, and given back by whoever owns the block; of one that ended untold, by the next one at
 * its address. A block whose places are taken stays as it is. Forked children have their own, as
 * they have their own mappings. */
#define PLACES 8192u
#define TRIES 16u

static struct {
    _Atomic uintptr_t block; /* 0: free */
    uint64_t size;           /* whose block it is writes and reads it */
} places[PLACES];

static uint32_t home_of(uintptr_t block) {
    return (uint32_t)((uint64_t)(block >> 4) * 0x9e3779b97f4a7c15u >> 51) % PLACES;
}

/* PLACES: it has none. */
static uint32_t place_of(uintptr_t block) {
    for (uint32_t i = 0, at = home_of(block); i < TRIES; i++, at = (at + 1) % PLACES)
        if (atomic_load_explicit(&places[at].block, memory_order_relaxed) == block)
            return at;
    return PLACES;
}

static uint32_t take_place(uintptr_t block) {
    uint32_t found = place_of(block);
    for (uint32_t i = 0, at = home_of(block); i < TRIES && found == PLACES;
         i++, at = (at + 1) % PLACES) {
        uintptr_t none = 0;
        if (atomic_compare_exchange_strong(&places[at].block, &none, block))
            found = at;
    }
    return found;
}

static void advise(uintptr_t block, uint64_t size, int advice) {
    uintptr_t start = (block + PAGE) & ~(uintptr_t)(PAGE - 1);
    uintptr_t end = (block + size) & ~(uintptr_t)(PAGE - 1);
    sys_call6(SYS_madvise, (long)start, (long)(end - start), advice, 0, 0, 0);
}

/* Pages that an earlier block has left there count as not touched. That takes some 0.2 us a page,
 * as much as filling it: so at most a hundredth of the run is spent on it, and of blocks that come
 * in between the first look cannot tell their touches from earlier ones. It also makes pages the
 * first to be swapped out: so what a reallocation has kept stays as it is, and counts as touched.
 */
static void forget_touches(uintptr_t block, uint64_t size) {
    static _Atomic uint64_t not_before;
    uint64_t begin = clock_ns();
    if (begin < atomic_load_explicit(&not_before, memory_order_relaxed))
        return;
    advise(block, size, ADVICE_COLD);
    uint64_t end = clock_ns();
    atomic_store_explicit(&not_before, end + (end - begin) * COLD_SHARE, memory_order_relaxed);
}

void apart_set(const void *address, uint64_t size, bool fresh) {
    uintptr_t block = (uintptr_t)address;
    if (size < DRAG_LEAST || !seccomp_lets(SECCOMP_APART))
        return;
    uint32_t at = take_place(block);
    if (at == PLACES)
        return;
    places[at].size = size;
    advise(block, size, MADV_RANDOM);
    if (fresh)
        forget_touches(block, size);
}

void apart_end(const void *address) {
    uintptr_t block = (uintptr_t)address;
    uint32_t at = place_of(block);
    if (at == PLACES)
        return;
    if (seccomp_lets(SECCOMP_APART))
        advise(block, places[at].size, MADV_NORMAL);
    atomic_store(&places[at].block, 0);
}
