/* See followed.h. The functions are found by their names (python/holdfast/_blocks.py).
 *
 * An entry is the number by which its block is asked about: the block's address, the entry's
 * distance from the block's own place, and a serial number. So who asks by a number that another
 * thread has forgotten never gets the answer for the block that came after.
 */
#include "followed.h"

#include <stdatomic.h>

#include "python.h"
#include "real.h"
#include "sys.h"

#define PLACES (1u << 16)
#define NEAR 16u /* places, from a block's own one on, of which it may have any */
#define STEP_SHIFT 44u
#define SERIAL_SHIFT 48u
#define SERIAL_MASK 0x3fffu
#define BLOCK_MASK ((UINT64_C(1) << STEP_SHIFT) - 1) /* an address without its low four bits */
#define ENDED (UINT64_C(1) << 62)                    /* freed, or moved */
#define MISSED (UINT64_C(1) << 63)                   /* its end may not have been seen */
#define REBUILD_AFTER 4096u                          /* blocks, followed since the last time */

/* Any thread, of any interpreter, ends a block, by exchange, and misses it; the rest is changed
 * with a GIL. */
static struct {
    _Atomic uint64_t entries[PLACES]; /* 0: free */
    _Atomic uint32_t lock;            /* for what follows: the process's epoch; 0: free */
    _Atomic uint32_t count;
    uint32_t serial, until_rebuild;
    uint8_t needed[FILTER_SIZE / 8];
} followed;

static _Atomic uint64_t *entry_at(uint64_t block, uint64_t step) {
    uint64_t place = (block * UINT64_C(0x9e3779b97f4a7c15) >> 40) + step;
    return &followed.entries[place % PLACES];
}

static _Atomic uint64_t *entry_of(uint64_t number) {
    return entry_at(number & BLOCK_MASK, number >> STEP_SHIFT & (NEAR - 1));
}

/* Among interpreters that have a GIL each. What a thread of the parent's held in the moment of a
 * fork is free in the child. */
static void lock(void) {
    uint32_t held = 0;
    while (!atomic_compare_exchange_weak(&followed.lock, &held, process.epoch))
        if (held == process.epoch) {
            held = 0;
            cpu_relax();
        }
}

static void unlock(void) {
    atomic_store(&followed.lock, 0);
}

void followed_end(const void *block) {
    uint64_t address = (uintptr_t)block >> 4;
    for (uint64_t step = 0; step < NEAR; step++) {
        _Atomic uint64_t *entry = entry_at(address, step);
        uint64_t number = atomic_load(entry);
        if ((number & BLOCK_MASK) == address && !(number & (ENDED | MISSED)))
            atomic_compare_exchange_strong(entry, &number, number | ENDED);
    }
}

void followed_missed(void) {
    for (uint32_t i = 0; followed.count && i < PLACES; i++) {
        uint64_t number = atomic_load(&followed.entries[i]);
        if (number && !(number & (ENDED | MISSED)))
            atomic_compare_exchange_strong(&followed.entries[i], &number, number | MISSED);
    }
}

/* Lets what no followed block needs leave the filter: else a program that always follows some would
 * in time have all its frees look into the table. */
static void rebuild(void) {
    for (uint32_t i = 0; i < sizeof followed.needed; i++)
        followed.needed[i] = 0;
    for (uint32_t i = 0; followed.count && i < PLACES; i++) {
        uint64_t number = atomic_load(&followed.entries[i]);
        uint32_t place = filter_place((const void *)(uintptr_t)((number & BLOCK_MASK) << 4));
        if (number && !(number & (ENDED | MISSED)))
            followed.needed[place / 8] |= (uint8_t)(1u << place % 8);
    }
    filter_keep(FILTER_FOLLOWED, followed.needed);
    followed.until_rebuild = REBUILD_AFTER;
}

uint64_t holdfast_block_follow(const void *block);
void holdfast_block_forget(uint64_t number);
int holdfast_block_take(uint64_t number, const void *object, void (*keep)(const void *object));

static uint64_t enter(uint64_t block) {
    uint64_t serial = (uint64_t)(++followed.serial & SERIAL_MASK) << SERIAL_SHIFT;
    for (uint64_t step = 0; step < NEAR; step++) {
        uint64_t none = 0, number = block | step << STEP_SHIFT | serial;
        if (atomic_compare_exchange_strong(entry_at(block, step), &none, number))
            return number;
    }
    return 0;
}

/* Gives a number to ask with; 0: it is not followed. */
EXPORT uint64_t holdfast_block_follow(const void *block) {
    uint64_t address = (uintptr_t)block >> 4;
    if (!process.epoch || process.off || !python.present || !python.has_gil ||
        address > BLOCK_MASK || ((uintptr_t)block & 15))
        return 0;
    pymem_check(true);
    lock();
    if (followed.until_rebuild-- == 0)
        rebuild();
    filter_add(block, FILTER_FOLLOWED);
    uint64_t number = enter(address);
    followed.count += number != 0;
    unlock();
    return number;
}

/* More than once does no harm. */
EXPORT void holdfast_block_forget(uint64_t number) {
    uint64_t now = number;
    while (number && (now & ~(ENDED | MISSED)) == number) {
        if (!atomic_compare_exchange_weak(entry_of(number), &now, 0))
            continue;
        lock();
        if (--followed.count == 0)
            rebuild();
        unlock();
        return;
    }
}

/* From 3.12 on the upper half may be something else. In the middle of its own end, where it may
 * still run code of the program's, an object has no references, and must not get one. */
static bool is_dying(const void *object) {
    const char *count = (const char *)object + python.at.type - sizeof(void *);
    return *(const uint32_t *)(const void *)count == 0;
}

/* Is the object still there that the block is, or is of? 0: no; 1: yes, and it has one more
 * reference by `keep` (Py_IncRef); 2: that is not known. In one call, as no other thread may come
 * in between. `object` NULL: only whether the block was freed. */
EXPORT int holdfast_block_take(uint64_t number, const void *object,
                               void (*keep)(const void *object)) {
    pymem_check(true);
    uint64_t now = atomic_load(entry_of(number));
    if (now == (number | ENDED))
        return 0;
    if (now != number || !python.present)
        return 2;
    if (object && is_dying(object))
        return 0;
    if (object)
        keep(object);
    return 1;
}
