/* Writers: room in a ring, publication, and which thread owns which ring. */
#include "writer.h"

#include <linux/futex.h>
#include <time.h>

#include "seccomp.h"
#include "sys.h"
#include "thread.h"

/* How long a writer sleeps at most before it looks whether the collector still lives. */
#define WAIT_NS 20000000L

/* Looks before it sleeps: a few microseconds, about what going to sleep costs. */
#define SPINS 64

#define OWNER_RETIRED 0xffffffffu

/* The writers of one region's rings, in pages of their own: a writer stays with its ring when the
 * ring changes hands, because node numbers belong to the ring. */
struct writer_group {
    uint32_t count;
    struct writer writers[REGION_MAX_RINGS];
};

static bool writer_has_room(const struct writer *writer, uint64_t bytes) {
    uint64_t head = atomic_load_explicit(&writer->ring->head, memory_order_acquire);
    return writer->tail + bytes <= head + writer->mask + 1;
}

static void writer_sleep(struct writer *writer, uint64_t bytes) {
    struct ring *ring = writer->ring;
    struct timespec timeout = {.tv_nsec = WAIT_NS};
    for (int i = 0; i < SPINS; i++) {
        if (writer_has_room(writer, bytes))
            return;
        cpu_relax();
    }
    if (!seccomp_lets(SECCOMP_WAIT))
        return;
    uint32_t wake = atomic_load_explicit(&ring->wake, memory_order_acquire);
    /* Pairs with the reader, which moves head before it looks at `waiting`. */
    atomic_store_explicit(&ring->waiting, 1, memory_order_seq_cst);
    if (!writer_has_room(writer, bytes))
        sys_call6(SYS_futex, (long)&ring->wake, FUTEX_WAIT, (long)wake, (long)&timeout, 0, 0);
    atomic_store_explicit(&ring->waiting, 0, memory_order_relaxed);
}

static uint64_t wait_clock(void) {
    return seccomp_lets(SECCOMP_WAIT) ? clock_ns() : 0;
}

/* False when the collector is gone: from then on the process is not traced. */
static bool writer_wait(struct writer *writer, uint64_t bytes) {
    if (writer_has_room(writer, bytes))
        return true;
    struct ring *ring = writer->ring;
    uint64_t start = wait_clock();
    while (!writer_has_room(writer, bytes)) {
        if (!session_collector_alive(process.session)) {
            process.off = true;
            hot_close();
            return false;
        }
        writer_sleep(writer, bytes);
    }
    atomic_fetch_add_explicit(&ring->waits, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&ring->wait_ns, wait_clock() - start, memory_order_relaxed);
    return true;
}

static uint64_t lap_end(const struct writer *writer) {
    return (writer->tail | writer->mask) + 1;
}

/* Fills the body's end with a PAD record, since the next record would cross it. */
static bool writer_wrap(struct writer *writer) {
    uint64_t rest = lap_end(writer) - writer->tail;
    if (!writer_wait(writer, rest))
        return false;
    *writer_place(writer) = event_word(EVENT_PAD, 0, 0, rest);
    writer_commit(writer, (uint32_t)(rest / 8));
    return true;
}

uint64_t *writer_reserve_slowly(struct writer *writer, uint32_t words) {
    uint64_t bytes = (uint64_t)words * 8;
    if (writer->tail + bytes > lap_end(writer) && !writer_wrap(writer))
        return NULL;
    if (!writer_wait(writer, bytes))
        return NULL;
    uint64_t head = atomic_load_explicit(&writer->ring->head, memory_order_acquire);
    uint64_t room_end = head + writer->mask + 1;
    writer->straight_end = room_end < lap_end(writer) ? room_end : lap_end(writer);
    writer->lap = (uintptr_t)writer->body - (writer->tail & ~writer->mask);
    return writer_place(writer);
}

void writer_open(struct writer *writer, struct region *region, uint32_t index) {
    int has_gil_ring = region->has_gil_ring != 0;
    writer->ring = &region->rings[index];
    writer->body = (uint64_t *)(void *)((char *)region + region_body_offset(has_gil_ring, index));
    writer->mask = region_ring_size(has_gil_ring, index) - 1;
    writer->is_gil = has_gil_ring && index == 0;
}

bool writers_add(struct region *region) {
    uint32_t slot = atomic_load(&process.group_count);
    if (slot >= sizeof process.groups / sizeof process.groups[0])
        return false;
    struct writer_group *group = pages_map(sizeof *group);
    if (!group)
        return false;
    for (uint32_t i = region->has_gil_ring ? 1 : 0; i < region->ring_count; i++)
        writer_open(&group->writers[group->count++], region, i);
    process.groups[slot] = group;
    atomic_store(&process.group_count, slot + 1);
    return true;
}

/* The thread is gone. A live one can't be mistaken for it: ids are unique while their thread lives.
 */
static bool thread_is_dead(uint32_t tid) {
    if (!seccomp_lets(SECCOMP_ATTACH))
        return false;
    long pid = sys_call6(SYS_getpid, 0, 0, 0, 0, 0, 0);
    long result = sys_call6(SYS_tgkill, pid, (long)tid, 0, 0, 0, 0);
    return result == -3; /* ESRCH */
}

static bool writer_take(struct writer *writer, uint32_t from, uint32_t tid) {
    if (!atomic_compare_exchange_strong(&writer->ring->owner, &from, tid))
        return false;
    stack_cache_forget(&writer->cache);
    writer->cache.thread_node = 0;
    return true;
}

/* A writer whose thread died between event_begin and event_end may be half way through a
 * definition: its ring is never used again. */
static bool writer_inherit(struct writer *writer, uint32_t tid) {
    uint32_t owner = atomic_load(&writer->ring->owner);
    if (owner == 0 || owner == OWNER_RETIRED || owner == tid || !thread_is_dead(owner))
        return false;
    return writer_take(writer, owner, writer->busy ? OWNER_RETIRED : tid) && !writer->busy;
}

static struct writer *writer_find(uint32_t tid, bool inherit) {
    uint32_t groups = atomic_load(&process.group_count);
    for (uint32_t g = 0; g < groups; g++) {
        struct writer_group *group = process.groups[g];
        for (uint32_t i = 0; i < group->count; i++) {
            struct writer *writer = &group->writers[i];
            if (inherit ? writer_inherit(writer, tid) : writer_take(writer, 0, tid))
                return writer;
        }
    }
    return NULL;
}

struct writer *writer_claim(uint32_t tid) {
    do {
        struct writer *writer = writer_find(tid, false);
        if (!writer)
            writer = writer_find(tid, true);
        if (writer)
            return writer;
    } while (process_more_rings());
    return NULL;
}

void writer_release(struct writer *writer) {
    atomic_store_explicit(&writer->ring->owner, 0, memory_order_release);
}
