/* What an event costs in the collector: a full GIL ring is drained again and again, and only that
 * is timed. Two mixes: blocks that die young, as most Python objects do; and frees of random ones
 * among a million live blocks, where every event misses the cache. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#include "rig.h"

#define NODES 5000u
#define EVENTS 20000000u
#define SLOTS_MAX (1u << 20)

static struct rig rig;
static uint32_t slots[SLOTS_MAX];

static uint64_t now_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static uint32_t next_random(void) {
    static uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32);
}

static void put_event(uint32_t slot_count) {
    uint32_t slot = next_random() & (slot_count - 1);
    uint64_t address = 0x7f0000000000 + slot * 48ull;
    if (slots[slot])
        rig_free(&rig, 0, 0, address);
    else
        rig_alloc(&rig, 0, 0, address, 16 + slot % 500, 1 + next_random() % (NODES - 1));
    slots[slot] = !slots[slot];
}

static void measure(const char *name, uint32_t slot_count, bool keep_events) {
    uint64_t spent = 0, events = 0;
    rig_open(&rig, 1);
    if (keep_events)
        rig.trace.events = events_open(memfd_create("events", MFD_CLOEXEC));
    for (uint32_t i = 1; i < NODES; i++)
        rig_node(&rig, 0, i, i - 1 - (i - 1) % 3, i);
    for (uint32_t i = 0; i < SLOTS_MAX; i++)
        slots[i] = 0;
    while (events < EVENTS) {
        uint32_t batch = 0;
        for (uint64_t end = rig.rings[0].tail + GIL_RING_SIZE - 4096; rig.rings[0].tail < end;
             batch++)
            put_event(slot_count);
        uint64_t start = now_ns();
        drain_pass(&rig.trace);
        if (events > 0 || batch == 0)
            spent += now_ns() - start;
        events += batch;
        if (spent == 0)
            events = 1; /* the first batch only warms up */
    }
    printf("%-34s %5.1f ns an event, %5.1f million a second\n", name,
           (double)spent / (double)events, (double)events / (double)spent * 1e3);
    if (!rig_is_sound(&rig.trace))
        abort();
    rig_close(&rig);
}

int main(void) {
    measure("blocks that die young", 1u << 12, false);
    measure("random ones of 65,536 blocks", 1u << 16, false);
    measure("random ones of a million blocks", 1u << 20, false);
    measure("blocks that die young, events kept", 1u << 12, true);
    return 0;
}
