/* Writers: room in a ring, publication, and which thread owns which ring. */
#include "writer.h"

#include <linux/futex.h>
#include <sys/mman.h>
#include <time.h>

#include "seccomp.h"
#include "sys.h"
#include "thread.h"

/* How long a writer sleeps at most before it looks whether the collector still lives. */
#define WAIT_NS 20000000L

/* Looks before it sleeps: a few microseconds, about what going to sleep costs. */
#define SPINS 64

#define OWNER_RETIRED 0xffffffffu

/* A writer goes back to the body's begin not only at the body's end, but once it has used so much
 * and the reader has hardly anything left of it: what it writes to has been in the cache before
 * then, and the rest of the body takes no memory. If the reader is slow, it goes on: what has been
 * used is all the room there is until the reader has come to the begin, too. */
#define GIL_USED_LEAST (512u << 10)
#define GIL_UNREAD_MOST (128u << 10)

/* A thread's ring is so small that what it has to wait for after a turn counts: it turns back only
 * for a reader that waits for it. */
#define THREAD_USED_LEAST (128u << 10)
#define THREAD_UNREAD_MOST (4u << 10)

/* How often it looks whether to turn back, and at all. */
#define TURN_PIECE (128u << 10)
#define PIECE (32u << 10)

/* For how long no more than used_at_turn() must have been in use before the rest is given back. */
#define CALM_NS 100000000u

static uint32_t used_least(const struct writer *writer) {
    return writer->is_gil ? GIL_USED_LEAST : THREAD_USED_LEAST;
}

/* At most, if it turns back as soon as it may. */
static uint32_t used_at_turn(const struct writer *writer) {
    return used_least(writer) + TURN_PIECE;
}

static uint32_t unread_most(const struct writer *writer) {
    return writer->is_gil ? GIL_UNREAD_MOST : THREAD_UNREAD_MOST;
}

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

void writer_call_collector(void) {
    if (seccomp_lets(SECCOMP_WAIT) && session_call(process.session))
        sys_call6(SYS_futex, (long)&process.session->rest, FUTEX_WAKE, 1, 0, 0, 0);
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
        writer_call_collector();
        writer_sleep(writer, bytes);
    }
    atomic_fetch_add_explicit(&ring->waits, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&ring->wait_ns, wait_clock() - start, memory_order_relaxed);
    return true;
}

static uint64_t lap_end(const struct writer *writer) {
    return (writer->tail | writer->mask) + 1;
}

/* Fills the body's rest with a PAD record: the next one would cross its end, or is to go to its
 * begin. */
static bool writer_wrap(struct writer *writer) {
    uint64_t rest = lap_end(writer) - writer->tail;
    if (!writer_wait(writer, rest))
        return false;
    *writer_place(writer) = event_word(EVENT_PAD, 0, 0, rest);
    writer_commit(writer, (uint32_t)(rest / 8));
    return true;
}

/* Before a record of so many bytes that does not cross the body's end. */
static bool may_turn_back(const struct writer *writer, uint64_t bytes) {
    uint64_t place = writer->tail & writer->mask;
    if (place < used_least(writer) || (place - 1) / TURN_PIECE == (place - 1 + bytes) / TURN_PIECE)
        return false;
    uint64_t head = atomic_load_explicit(&writer->ring->head, memory_order_acquire);
    return writer->tail - head <= unread_most(writer);
}

static uint64_t least(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

/* What only a slow reader made the writer use, as while a program starts, is memory of the program
 * and of the collector. */
static void body_give_back(struct writer *writer) {
    uint32_t kept = used_at_turn(writer);
    uint32_t end = (writer->reached + WIRE_PAGE - 1) & ~(WIRE_PAGE - 1);
    if (!process.session->strict && seccomp_lets(SECCOMP_TABLES))
        sys_call6(SYS_madvise, (long)((char *)writer->body + kept), (long)(end - kept), MADV_REMOVE,
                  0, 0, 0);
    writer->reached = 0;
}

/* The writer is going to write up to straight_end. While that is not beyond used_at_turn(), and the
 * reader has come to this lap, too, nobody has any business there. */
static void body_look(struct writer *writer, uint64_t head) {
    uint32_t used = (uint32_t)((writer->straight_end - 1) & writer->mask) + 1;
    if (used > used_at_turn(writer)) {
        writer->reached = used > writer->reached ? used : writer->reached;
        writer->calm_ns = 0;
    } else if (writer->reached && head >= (writer->tail & ~writer->mask)) {
        uint64_t now = wait_clock();
        if (!writer->calm_ns)
            writer->calm_ns = now;
        else if (now - writer->calm_ns >= CALM_NS)
            body_give_back(writer);
    }
}

uint64_t *writer_reserve_slowly(struct writer *writer, uint32_t words) {
    uint64_t bytes = (uint64_t)words * 8;
    writer_call_collector();
    bool wraps = writer->tail + bytes > lap_end(writer) || may_turn_back(writer, bytes);
    if ((wraps && !writer_wrap(writer)) || !writer_wait(writer, bytes))
        return NULL;
    uint64_t head = atomic_load_explicit(&writer->ring->head, memory_order_acquire);
    uint64_t piece_end = ((writer->tail + bytes - 1) | (PIECE - 1)) + 1;
    writer->straight_end = least(head + writer->mask + 1, least(piece_end, lap_end(writer)));
    writer->lap = (uintptr_t)writer->body - (writer->tail & ~writer->mask);
    body_look(writer, head);
    return writer_place(writer);
}

void writer_open(struct writer *writer, struct region *region, uint32_t index) {
    int has_gil_ring = region->has_gil_ring != 0;
    writer->ring = &region->rings[index];
    writer->body = (uint64_t *)(void *)((char *)region + region_body_offset(has_gil_ring, index));
    writer->mask = region_ring_size(has_gil_ring, index) - 1;
    writer->is_gil = has_gil_ring && index == 0;
}

/* The GIL's writer, if it clears process.alone, takes a ticket afterwards: then this writer's claim
 * is not there any more at the second look, or the counter has moved on by the time of the next
 * record. */
uint64_t writer_go_alone(struct writer *writer) {
    uint32_t claim = writer->index + 1u;
    atomic_store_explicit(&process.alone, claim, memory_order_relaxed);
    uint64_t ticket = atomic_fetch_add(&process.session->ticket, 1);
    bool stands = atomic_load_explicit(&process.alone, memory_order_relaxed) == claim;
    if (stands) /* released after the records before it, which stand behind an earlier ticket */
        atomic_store_explicit(&writer->ring->alone_since, ticket, memory_order_release);
    writer->noted = stands ? ticket + 1 : 0;
    writer->claimed = writer->tail;
    return ticket;
}

/* -- Which are free --
 *
 * A stack, changed by compare-and-swap of one word, so that any thread and any signal handler can:
 * the tag grows with each change, so that nobody takes a stack that was changed and changed back.
 */

struct free_list {
    uint32_t tag;
    uint16_t count;
    uint16_t first; /* index + 1; 0: none */
};

static_assert(RING_GROUPS_MAX * REGION_MAX_RINGS < UINT16_MAX, "an index has 16 bits");

static struct free_list free_unpack(uint64_t word) {
    return (struct free_list){(uint32_t)(word >> 32), (uint16_t)(word >> 16), (uint16_t)word};
}

static uint64_t free_pack(struct free_list list) {
    return (uint64_t)list.tag << 32 | (uint64_t)list.count << 16 | list.first;
}

static struct writer *writer_at(uint32_t index) {
    return &process.groups[index / REGION_MAX_RINGS]->writers[index % REGION_MAX_RINGS];
}

static void free_push(struct writer *writer) {
    uint64_t word = atomic_load(&process.free_writers), next;
    do {
        struct free_list list = free_unpack(word);
        atomic_store_explicit(&writer->behind, list.first, memory_order_relaxed);
        next = free_pack((struct free_list){list.tag + 1, (uint16_t)(list.count + 1),
                                            (uint16_t)(writer->index + 1)});
    } while (!atomic_compare_exchange_weak(&process.free_writers, &word, next));
}

/* NULL when no more than `left` are there. */
static struct writer *free_pop(uint32_t left) {
    uint64_t word = atomic_load(&process.free_writers), next;
    struct writer *writer;
    do {
        struct free_list list = free_unpack(word);
        if (list.count <= left)
            return NULL;
        writer = writer_at(list.first - 1u);
        next = free_pack(
            (struct free_list){list.tag + 1, (uint16_t)(list.count - 1),
                               atomic_load_explicit(&writer->behind, memory_order_relaxed)});
    } while (!atomic_compare_exchange_weak(&process.free_writers, &word, next));
    return writer;
}

bool writers_add(struct region *region) {
    uint32_t slot = atomic_load(&process.group_count);
    if (slot >= RING_GROUPS_MAX)
        return false;
    struct writer_group *group = pages_map(sizeof *group);
    if (!group)
        return false;
    for (uint32_t i = region->has_gil_ring ? 1 : 0; i < region->ring_count; i++) {
        struct writer *writer = &group->writers[group->count];
        writer_open(writer, region, i);
        writer->index = (uint16_t)(slot * REGION_MAX_RINGS + group->count++);
    }
    process.groups[slot] = group;
    atomic_store(&process.group_count, slot + 1);
    for (uint32_t i = group->count; i-- > 0;)
        free_push(&group->writers[i]);
    return true;
}

/* -- Whose owners are dead --
 *
 * Most threads give their writer back. Of others the owner is looked for when there is none left,
 * REAP_MOST at a time, in turn: about as many as a new region brings, so that this costs no more
 * than that.
 */

#define REAP_MOST REGION_MAX_RINGS

/* The thread is gone. A live one can't be mistaken for it: ids are unique while their thread lives.
 */
static bool thread_is_dead(uint32_t tid) {
    if (!seccomp_lets(SECCOMP_ATTACH))
        return false;
    long result = sys_call6(SYS_tgkill, (long)process.pid, (long)tid, 0, 0, 0, 0);
    return result == -3; /* ESRCH */
}

/* A writer whose thread died between event_begin and event_end may be half way through a
 * definition: its ring is never used again. */
static void writer_reap(struct writer *writer, uint32_t tid) {
    uint32_t owner = atomic_load(&writer->ring->owner);
    if (owner == 0 || owner == OWNER_RETIRED || owner == tid || !thread_is_dead(owner))
        return;
    uint32_t next = writer->busy ? OWNER_RETIRED : 0;
    if (atomic_compare_exchange_strong(&writer->ring->owner, &owner, next) && !next)
        free_push(writer);
}

static void writers_reap(uint32_t tid) {
    uint32_t groups = atomic_load(&process.group_count);
    uint32_t from = atomic_fetch_add(&process.reaped, REAP_MOST);
    for (uint32_t i = 0; groups && i < REAP_MOST; i++) {
        uint32_t index = (from + i) % (groups * REGION_MAX_RINGS);
        if (index % REGION_MAX_RINGS < process.groups[index / REGION_MAX_RINGS]->count)
            writer_reap(writer_at(index), tid);
    }
}

/* -- Whose they are -- */

/* Left for signal handlers, and for threads that have to share. */
#define SHARED 16u

#define NAP_NS 100000
#define BORROW_PATIENCE_NS 2000000000u
#define BORROW_SPINS (1u << 26) /* about as long, where the time can't be asked for */

static struct writer *writer_take(uint32_t tid, uint32_t left) {
    struct writer *writer = free_pop(left);
    if (!writer)
        return NULL;
    atomic_store(&writer->ring->owner, tid);
    stack_cache_pass_on(&writer->cache);
    return writer;
}

struct writer *writer_claim(uint32_t tid) {
    struct writer *writer = writer_take(tid, SHARED);
    while (!writer && process_may_ask_for_rings()) {
        writers_reap(tid);
        writer = writer_take(tid, SHARED);
        if (!writer && process_more_rings())
            writer = writer_take(tid, SHARED);
    }
    return writer;
}

/* False once that has taken too long. */
static bool borrow_wait(uint32_t tid, uint32_t tries, uint64_t *began) {
    struct timespec nap = {.tv_nsec = NAP_NS};
    cpu_relax();
    if (tries % SPINS)
        return true;
    if (!session_collector_alive(process.session))
        return false;
    if (!seccomp_lets(SECCOMP_WAIT))
        return tries < BORROW_SPINS;
    uint64_t now = clock_ns();
    *began = *began ? *began : now;
    writers_reap(tid);
    uint32_t word = 0;
    sys_call6(SYS_futex, (long)&word, FUTEX_WAIT, 0, (long)&nap, 0, 0);
    return now - *began < BORROW_PATIENCE_NS;
}

/* Others have them for the time of an event, which may be that of a wait for the collector. */
struct writer *writer_borrow(uint32_t tid) {
    uint64_t began = 0;
    struct writer *writer = writer_take(tid, 0);
    for (uint32_t tries = 1; !writer && borrow_wait(tid, tries, &began); tries++)
        writer = writer_take(tid, 0);
    return writer;
}

/* One in the midst of an event, whose thread is cancelled there, may be half way through a
 * definition. */
void writer_release(struct writer *writer) {
    if (writer->busy) {
        atomic_store(&writer->ring->owner, OWNER_RETIRED);
        return;
    }
    atomic_store_explicit(&writer->ring->owner, 0, memory_order_release);
    free_push(writer);
}
