/* What an event costs in the collector: full rings are drained again and again, and only that is
 * timed. The mixes: what Python programs do most (blocks that die at once, and bursts of blocks
 * that die together, at addresses that were used before), a heap that grows, and what no cache
 * helps with, random blocks among many; and native threads that allocate at the same time.
 *
 *     bench_collector_drain [NUMBER...]    only these mixes, from 0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "rig.h"

#define NODES 5000u
#define THREADS_MOST 4u
#define EVENTS 20000000u
#define SLOTS_MAX (1u << 20)
#define FIRST_ADDRESS 0x7f0000000000u
#define SPACING 48u

struct mix {
    const char *name;
    void (*put_event)(uint32_t parameter);
    uint32_t parameter;
    bool keep_events, tells; /* --keep-events, --lifetimes */
};

static struct rig rig;

static uint64_t now_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time); /* others may want the processor, too */
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static uint32_t next_random(void) {
    static uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32);
}

static void put_alloc(uint32_t slot, uint32_t nodes) {
    rig_alloc(&rig, 0, 0, FIRST_ADDRESS + (uint64_t)slot * SPACING, 16 + slot % 500,
              1 + next_random() % nodes);
}

static void put_free(uint32_t slot) {
    uint64_t address = FIRST_ADDRESS + (uint64_t)slot * SPACING;
    uint64_t told = free_word(1 + next_random() % NODES, 0, 0);
    if (rig.trace.lives)
        rig_put(&rig, 0, event_word(EVENT_FREE, BLOCK_HEAP, FREE_TOLD, address), &told, 1);
    else
        rig_free(&rig, 0, 0, address);
}

/* The program: `live` slots in the order of their births; free ones are taken again, the last
 * first.
 */
static struct {
    uint32_t live[SLOTS_MAX], freed[SLOTS_MAX];
    uint32_t live_count, freed_count, fresh, first;
    bool dying;
    bool taken[SLOTS_MAX];
    uint32_t thread, left; /* of native threads: whose turn it is, and for how many events more */
    uint64_t window[THREADS_MOST][1024];
} heap;

static void begin_block(uint32_t nodes) {
    uint32_t slot = heap.freed_count ? heap.freed[--heap.freed_count] : heap.fresh++;
    heap.live[heap.live_count++] = slot;
    put_alloc(slot, nodes);
}

static void end_block(uint32_t place) {
    uint32_t slot = heap.live[place];
    heap.freed[heap.freed_count++] = slot;
    put_free(slot);
}

/* A block begins or ends at a random one of so many addresses. */
static void put_random(uint32_t slots) {
    uint32_t slot = next_random() & (slots - 1);
    if (heap.taken[slot])
        put_free(slot);
    else
        put_alloc(slot, NODES - 1);
    heap.taken[slot] = !heap.taken[slot];
}

/* As parsing does: so many blocks of twenty sites are born, then all of them die. */
static void put_burst(uint32_t blocks) {
    if (!heap.dying) {
        begin_block(20);
        heap.dying = heap.live_count == blocks;
        return;
    }
    end_block(heap.first++);
    if (heap.first == heap.live_count) {
        heap.first = heap.live_count = 0;
        heap.dying = false;
    }
}

/* As arithmetic does, beside a heap of so many blocks: each block dies within the next two
 * allocations. */
static void put_short_lived(uint32_t kept) {
    if (heap.live_count < kept || heap.live_count - kept < 1 + next_random() % 2) {
        begin_block(20);
        return;
    }
    uint32_t place = kept + next_random() % (heap.live_count - kept);
    end_block(place);
    heap.live[place] = heap.live[--heap.live_count];
}

/* Each of so many native threads ends and begins blocks of its own, one to four events at a time.
 */
static void put_in_threads(uint32_t threads) {
    if (heap.left-- == 0) {
        heap.thread = next_random() % threads;
        heap.left = next_random() & 3;
    }
    uint64_t *block = &heap.window[heap.thread][next_random() & 1023], ticket = rig_ticket(&rig);
    if (*block)
        rig_free(&rig, 1 + heap.thread, ticket, *block);
    *block = *block ? 0 : FIRST_ADDRESS + (uint64_t)(block - heap.window[0]) * SPACING;
    if (*block)
        rig_alloc(&rig, 1 + heap.thread, ticket, *block, 16 + next_random() % 128, 1);
}

static void open_rig(bool keep_events, bool tells) {
    memset(&heap, 0, sizeof heap);
    rig_open(&rig, 1 + THREADS_MOST);
    if (keep_events)
        rig.trace.events = events_open(memfd_create("events", MFD_CLOEXEC), &rig.trace.stubs);
    rig.trace.keeps_stubs = keep_events || tells;
    rig.trace.lives = tells;
    for (uint32_t i = 1; i < NODES; i++)
        rig_node(&rig, 0, i, i - 1 - (i - 1) % 3, i);
    for (uint32_t i = 1; i <= THREADS_MOST; i++)
        rig_node(&rig, i, 1, 0, i);
}

static bool have_room(void) {
    for (uint32_t i = 0; i < rig.ring_count; i++)
        if (rig.rings[i].tail - atomic_load(&rig.rings[i].ring->head) > rig.rings[i].size - 4096)
            return false;
    return true;
}

/* Fills a ring; how many events that were. */
static uint32_t fill(const struct mix *mix) {
    uint32_t events = 0;
    for (; have_room(); events++)
        mix->put_event(mix->parameter);
    return events;
}

static void measure(const struct mix *mix) {
    uint64_t spent = 0, events = 0;
    open_rig(mix->keep_events, mix->tells);
    fill(mix); /* only warms up */
    rig_drain(&rig);
    while (events < EVENTS) {
        uint32_t batch = fill(mix);
        uint64_t start = now_ns();
        drain_pass(&rig.trace);
        spent += now_ns() - start;
        events += batch;
    }
    printf("%-42s %5.1f ns an event, %5.1f million a second\n", mix->name,
           (double)spent / (double)events, (double)events / (double)spent * 1e3);
    if (!rig_is_sound(&rig.trace))
        abort();
    rig_close(&rig);
}

static const struct mix mixes[] = {
    {"random ones of 4,096 addresses", put_random, 1u << 12, false, false},
    {"random ones of 65,536 addresses", put_random, 1u << 16, false, false},
    {"random ones of a million addresses", put_random, 1u << 20, false, false},
    {"bursts of 18,000 blocks", put_burst, 18000, false, false},
    {"bursts of a million blocks", put_burst, 1000000, false, false},
    {"short-lived blocks", put_short_lived, 100, false, false},
    {"short-lived blocks beside a million", put_short_lived, 1000000, false, false},
    {"random ones of 4,096, events kept", put_random, 1u << 12, true, false},
    {"short-lived blocks, events kept", put_short_lived, 100, true, false},
    {"short-lived blocks, lifetimes", put_short_lived, 100, false, true},
    {"two native threads", put_in_threads, 2, false, false},
    {"four native threads", put_in_threads, 4, false, false},
};

int main(int argc, char **argv) {
    for (unsigned i = 0; i < sizeof mixes / sizeof *mixes; i++) {
        bool wanted = argc == 1;
        for (int k = 1; k < argc; k++)
            wanted |= (unsigned)atoi(argv[k]) == i;
        if (wanted)
            measure(&mixes[i]);
    }
    return 0;
}
