/* What the collector and the traced processes share in memory: the session page and the regions.
 *
 * A *session* is one `holdfast run`: one collector and every process that it follows. All of them
 * map the same session page. A *region* is one memfd that holds rings; a process gets its first
 * region when it joins and further ones when it has more threads than rings. The collector makes
 * every memfd and seals its size, so that what was committed outlives the program, however that
 * dies.
 *
 * Each field says who writes it. "program" means any thread of a traced process, which the
 * collector must treat as hostile: it copies a field once, checks the copy, and uses only the copy.
 */
#ifndef HOLDFAST_WIRE_SESSION_H
#define HOLDFAST_WIRE_SESSION_H

#include <assert.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_VERSION 1u
#define WIRE_PAGE 4096u

/* Environment variable that carries "<socket name>:<token>" into a new process image. */
#define SESSION_ENV "HOLDFAST_SESSION"

/* ... that keeps a new process image out of the session: what Holdfast's own package starts is no
 * part of the program (python/holdfast/_reports.py). */
#define UNTRACED_ENV "_HOLDFAST_UNTRACED"

/* Set in the futex word of a dead owner's robust mutex, by the kernel (futex(2)). */
#define SESSION_OWNER_DIED 0x40000000u

/* Whether calls that take and give back references are to be counted; and the births and deaths of
 * objects to be asked for by PyRefTracer_SetTracer, where there is such a thing. */
enum session_refs { REFS_NOT, REFS_COUNTED, REFS_TRACED };

/* Whether the collector sleeps for long, as nobody has written for a while; and that a writer has
 * called it. */
enum session_rest { REST_AWAKE, REST_ASLEEP, REST_CALLED };

/* The fewest bytes from which objects are followed: smaller blocks go the library's short way. */
#define WATCH_LEAST (128u << 10)

struct session_page {
    uint32_t version;  /* collector, before the page is shared */
    uint8_t holders;   /* collector, before: 1 when snapshots of the references are wanted */
    uint8_t native;    /* collector, before: 1 when native stacks are wanted */
    uint8_t refs;      /* collector, before: enum session_refs */
    uint8_t lifetimes; /* collector, before: 1 when frees tell where and when they are */
    uint8_t drag;      /* collector, before: 1 when big blocks have mappings of their own */
    uint8_t strict;    /* collector, before: 1 when pages that are given back may be refused */
    uint64_t ceiling;  /* collector, before: bytes of a process at which one is taken; 0 none */
    uint64_t watch;    /* collector, before: bytes from which objects are followed; 0 none */
    /* A robust, process-shared mutex that the collector's thread holds for its whole life. Its
     * first word is the futex word: the owner's thread id, or SESSION_OWNER_DIED once the kernel
     * has buried the owner. Programs only ever read that word: see session_collector_alive(). */
    pthread_mutex_t life; /* collector, kernel */

    /* The next ticket. Taking one is an atomic add; a program also reads it plainly, to learn that
     * others have moved it. On a cache line of its own, since native threads of every process meet
     * here. */
    alignas(64) _Atomic uint64_t ticket; /* program, collector */

    alignas(64) _Atomic uint32_t unjoined; /* program: forked children that got no region */
    /* Futex word, enum session_rest. Program: from asleep to called; collector: all else. */
    _Atomic uint32_t rest;
};

static_assert(sizeof(struct session_page) <= WIRE_PAGE, "the session page is one page");
static_assert(offsetof(struct session_page, ticket) % 64 == 0,
              "tickets have a cache line of their own");

/* The collector is alive: it holds the life mutex, and the kernel has not buried it. */
static inline int session_collector_alive(const struct session_page *page) {
    uint32_t word = __atomic_load_n((const uint32_t *)(const void *)&page->life, __ATOMIC_ACQUIRE);
    return word != 0 && (word & SESSION_OWNER_DIED) == 0;
}

/* True for the one who is then to wake those that wait on `rest`. */
static inline int session_call(struct session_page *page) {
    uint32_t asleep = REST_ASLEEP;
    return atomic_load_explicit(&page->rest, memory_order_relaxed) == REST_ASLEEP &&
           atomic_compare_exchange_strong(&page->rest, &asleep, REST_CALLED);
}

/* A ring carries the events of one writer at a time to the collector.
 *
 * Positions count bytes since the ring was made and never wrap in 64 bits; a position's place in
 * the body is `position & (size - 1)`. Records are whole 8-byte words and never cross the body's
 * end (a PAD record fills the rest). Everything in [head, tail) is committed: the writer stores a
 * record's words first and then `tail` with release, the reader loads `tail` with acquire, reads,
 * and then stores `head` with release. The writer loads `head` with acquire before it reuses that
 * room, or gives its pages back to the kernel: they read as zeroes then.
 *
 * A writer without room sets `waiting`, sleeps on `wake` (futex), and looks again; the reader, once
 * it has moved `head`, bumps `wake` and wakes it if `waiting` is set. It goes on untraced when the
 * collector is dead. */
struct ring {
    /* line 0: the program's */
    _Atomic uint64_t tail;
    _Atomic uint32_t owner;   /* thread id that writes here, 0 when free; the GIL's ring: unused */
    _Atomic uint32_t waiting; /* 1 while the writer sleeps for room */
    _Atomic uint64_t waits;   /* times it slept */
    _Atomic uint64_t wait_ns; /* for how long, in all */
    /* The latest ticket of a thread's ring after which its records had none: see wire/event.h. It
     * is stored before any of these records is committed, and never goes back. */
    _Atomic uint64_t alone_since;
    uint8_t pad0[24];
    /* line 1: the collector's */
    _Atomic uint64_t head;
    _Atomic uint32_t wake; /* futex word */
    uint8_t pad1[52];
};

static_assert(sizeof(struct ring) == 128, "a ring's header is two cache lines");
static_assert(offsetof(struct ring, head) == 64, "reader and writer do not share a cache line");

/* Ring 0 of a process's first region is for whoever holds the GIL; every other ring is for one
 * thread that does not (or for a signal handler that interrupted its own thread while it wrote). */
#define REGION_MAX_RINGS 48u
#define GIL_RING_SIZE (4u << 20)
#define THREAD_RING_SIZE (512u << 10)

/* What the library found out about the interpreter, for the report. */
enum python_state {
    PYTHON_NONE = 0,   /* none found (yet) */
    PYTHON_TRACED = 1, /* known version, stacks are read */
    PYTHON_UNKNOWN =
        2, /* a version without a table, or one that failed its self-check: no stacks */
};

/* What a filter on system calls has taken from the library, for the report. */
enum seccomp_lost {
    SECCOMP_LOST_COPY = 1,   /* no more disposable copies */
    SECCOMP_LOST_TELL = 2,   /* no more snapshots at all */
    SECCOMP_LOST_MEMORY = 4, /* nothing more is traced */
};

/* What the collector has found of a region that the program has marked and ended, for whoever waits
 * for it: all written by the collector, `number` first 0 and last what it is. */
struct stretch_result {
    _Atomic uint64_t number; /* as MARK_REGION_END has it */
    _Atomic uint64_t peak, kept, kept_largest;
    _Atomic uint64_t process_begin, process_peak, process_end;
    _Atomic uint64_t made, kept_native; /* allocated in it; of what was kept, native blocks */
    /* With --drag, byte-seconds of its big blocks (collector/stretches_drag.h): that nothing
     * touched them, and that nobody looked at them; drag_known 0: that is not known. */
    _Atomic uint64_t drag_known, untouched, unseen;
    _Atomic uint64_t left_out; /* not 0: it was not followed, there are no figures */
};
#define STRETCH_RESULTS 16u

#define REGION_COLLECTIONS_SIZE 72u /* three counts of three generations */

struct region {
    uint32_t version;      /* collector */
    uint32_t process;      /* collector: the process's number in the session, from 1 */
    uint32_t ring_count;   /* collector: at most REGION_MAX_RINGS */
    uint32_t has_gil_ring; /* collector: ring 0 is the GIL's, of GIL_RING_SIZE bytes */
    uint32_t filtered;     /* collector: a new image that runs under filters on system calls which
                              the collector does not run under */

    _Atomic uint32_t python_state; /* program: enum python_state, stored last */
    /* Program: the version as Py_GetVersion() has it, NUL-terminated; of a free-threaded
     * build with PROFILE_FREE_THREADING behind it. */
    char python_version[60];
    /* Where the counts of the interpreter's collections begin: REGION_COLLECTIONS_SIZE bytes before
     * the flag that one is running. With a slot, counted from the address that stands in it, once
     * one does. 0: not known. Stored before python_state. */
    uint64_t collections_slot, collections_place; /* program */

    _Atomic uint64_t dropped;   /* program: events that could not be written */
    _Atomic uint64_t truncated; /* program: stacks cut at the frame limit */

    /* How much is live, for whoever decides on a snapshot: `live` counts every event that the
     * collector has processed, among them allocations of `gil_allocated` bytes in all by records of
     * the GIL's ring (ALLOC, REALLOC_END unless it failed, MAP of MAPPING_COUNTED). With
     * gil_position they are one value:
     * `sequence` is odd while they change. In the first region only. */
    alignas(64) _Atomic uint32_t sequence; /* collector */
    _Atomic uint32_t request;              /* collector: snapshots asked for by hand, so far */
    _Atomic uint64_t live, gil_allocated;  /* collector */
    _Atomic uint64_t gil_position;         /* collector: of the GIL's ring, processed */
    _Atomic uint64_t mapped; /* collector: of `live`, in mappings that the program made itself */
    /* Of the snapshots so far: counted when the event is written; and for how long the program
     * stood still for them, added when it goes on. */
    alignas(64) _Atomic uint64_t snapshots; /* program */
    _Atomic uint64_t snapshot_ns;           /* program */
    _Atomic uint32_t seccomp_lost;          /* program: bits of enum seccomp_lost, and others */
    /* What was live at the latest snapshot that the collector has processed, and its number, which
     * is stored last. */
    _Atomic uint64_t snapshot_live, snapshot_told; /* collector */

    /* How many ends of the program's regions have been processed: once that is as many as the
     * program has sent, no result is still to come. */
    _Atomic uint64_t stretches_ended; /* collector */
    /* By number % STRETCH_RESULTS; in the first region only. */
    alignas(64) struct stretch_result results[STRETCH_RESULTS]; /* collector */

    alignas(128) struct ring rings[REGION_MAX_RINGS];
};

#define REGION_HEADER_SIZE ((size_t)2 * WIRE_PAGE)
static_assert(sizeof(struct region) <= REGION_HEADER_SIZE, "ring bodies follow the header");

static inline uint32_t region_ring_size(const int has_gil_ring, uint32_t index) {
    return has_gil_ring && index == 0 ? GIL_RING_SIZE : THREAD_RING_SIZE;
}

/* Offset of a ring's body from the region's start. */
static inline size_t region_body_offset(const int has_gil_ring, uint32_t index) {
    size_t first = REGION_HEADER_SIZE;
    if (!has_gil_ring)
        return first + (size_t)index * THREAD_RING_SIZE;
    return index == 0 ? first : first + GIL_RING_SIZE + (size_t)(index - 1) * THREAD_RING_SIZE;
}

static inline size_t region_size(const int has_gil_ring, uint32_t ring_count) {
    return region_body_offset(has_gil_ring, ring_count);
}

#endif
