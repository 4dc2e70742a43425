/* The library's state: one struct for the process, one for each thread.
 *
 * Both are valid when they are all zeroes, because the first malloc comes before any constructor.
 * The process's page is wiped by the kernel in every child that gets a copy of the address space
 * (MADV_WIPEONFORK), however it was made; so `process.epoch` is 0 in a child until it has joined,
 * no thread's epoch matches it, and every hook takes its slow path. A vfork child shares the page,
 * as it shares the memory whose allocations it records.
 */
#ifndef HOLDFAST_PRELOAD_THREAD_H
#define HOLDFAST_PRELOAD_THREAD_H

#include <stdalign.h>

#include "../wire/session.h"
#include "stack.h"
#include "usage.h"
#include "writer.h"

#define COPIES_MAX 16u
#define RING_GROUPS_MAX 64u /* regions of rings: some 3,000 rings */

/* How the process's snapshots stand; whoever holds the GIL writes it, except where it is said. */
struct snapshot_state {
    uint64_t began_ns;    /* when the process joined */
    uint64_t last;        /* bytes of the last one, the allocation that was pending included; a
                             guess until the collector has told what was live */
    uint64_t highest;     /* the most that `last` has been: a region of the program's begins anew */
    uint64_t before;      /* the same before the last one */
    uint64_t number;      /* of the last one, until that is known; then 0 */
    uint64_t pending;     /* bytes of that allocation; 0 when it failed */
    uint64_t pending_end; /* process.gil_allocated once it has succeeded */
    uint64_t live;        /* as last seen */
    uint64_t top;         /* the most that was seen */
    uint64_t fallen_from; /* the same, when far less has been seen since */
    uint64_t goal;        /* live bytes from which one is due, as last reckoned */
    uint64_t mapped;      /* region.mapped, by which that was reckoned */
    uint64_t spent_ns;    /* what they have cost the program */
    uint64_t regions_ns;  /* of that, what was due for its regions alone */
    bool for_region;      /* the last one was */
    uint64_t displaced_ns;      /* what copies have worked while others waited for a processor */
    uint64_t copies_ns;         /* what counts of copies' work when ... */
    uint64_t taken_ns;          /* ... the last one was over, ... */
    uint64_t paused_ns;         /* ... for how long the program stood still for it, ... */
    uint64_t writes_ns;         /* ... what it has paid for shared pages since, ... */
    uint64_t faults, faults_ns; /* ... its faults and its time in the kernel, ... */
    uint64_t faults_allocated;  /* ... and process.gil_allocated then */
    uint64_t catch_up_ns;       /* of that, waiting for the collector when none was taken */
    uint64_t looked;            /* the ticket counter at the last snapshot_look */
    uint32_t served;            /* requests (region.request) */
    _Atomic uint32_t regions;   /* of the program, begun and not ended; any thread */
    _Atomic bool region_begun;  /* one since the last decision; any thread */
    bool ceiling_passed;
    uint32_t copy; /* the latest copy's place in the next */
    /* Copies that have not been reaped, 0 none: one at work at most, the others about to be gone.
     * Any thread changes them, by exchange. */
    _Atomic int32_t copies[COPIES_MAX];
    _Atomic uint32_t holds; /* how many want none to begin; anybody */
    _Atomic uint32_t taker; /* the thread that decides on one, or takes it; 0 none */
    uint8_t copies_died;    /* one after the other */
    uint8_t copies_to_skip; /* before another one is tried */
    bool copy_wanted;       /* it must not be ended for a later one */
    uint64_t walk_ns;       /* how long one works, as far as known */
    struct copy_page *page; /* shared with them */
};

struct process {
    alignas(WIRE_PAGE) uint32_t epoch; /* changes with each fork; 0: not joined */
    bool off;                          /* not traced (any more) */
    bool tells_frees; /* where a block is freed is recorded, too: all frees go the long way */
    bool living_told; /* ... and which types the objects had that live at its end: living.h */
    _Atomic bool joining;
    uint32_t number;   /* in the session */
    uint64_t open_key; /* see `key` */
    uint64_t
        own_key; /* hot.h's way without the GIL is open to threads that have the same; 0: none */
    struct session_page *session;
    struct region *region;         /* the first one */
    struct references *references; /* where references are counted; NULL: they are not */
    /* Bytes that records of the GIL's ring have allocated so far, and how far that may go before it
     * must be asked whether a snapshot is due. On the line of what the GIL's writer changes with
     * each event, so that threads without the GIL, which use the line above, do not wait for it. */
    alignas(64) uint64_t gil_allocated;
    uint64_t snapshot_limit;
    /* hot.h's way with the GIL is open to a thread whose guard, combined with what its thread state
     * says, gives this. 0 while the GIL's writer is in use, when it is open_key otherwise, and
     * while the way is closed, when open_key is 0, too. */
    uint64_t key;
    struct writer gil; /* for whoever holds the GIL */
    struct snapshot_state snapshots;
    struct copies_usage copies;
    _Atomic uint64_t regions_ended; /* ends of the program's regions that have been sent */
    /* The thread's writer (index + 1) that has said last that it wants to go without tickets, and
     * others may do so from before; 0: none does. See wire/event.h. */
    _Atomic uint32_t alone;
    /* The writers of all regions' thread rings, and those that nobody has: writer.c. */
    _Atomic uint32_t group_count;
    _Atomic uint32_t reaped;       /* where the next search for dead owners begins */
    _Atomic uint64_t free_writers; /* struct free_list, in one word */
    _Atomic bool no_more_rings;    /* it has as many as it can get */
    _Atomic uint32_t rings_rest;   /* so many times more it does not ask, after an answer failed */
    uint32_t pid;                  /* a vfork child has another, and this memory */
    uint32_t living_asked;         /* how often that was asked for */
    struct writer_group *groups[RING_GROUPS_MAX];
};

struct thread {
    /* python_guard() of a state by which this thread holds the GIL, combined with process.open_key,
     * once it has had an event with it; else 0. See hot.h. */
    alignas(64) uint64_t guard;
    uint64_t own_key; /* process.own_key, once it has had an event without the GIL; else another */
    const char
        *state; /* its Python thread state if it was current at the last event_begin, else NULL */
    struct writer *own; /* for events without the GIL; made at the first one */
    uint32_t in_python; /* depth inside an allocator's real function: what it takes from the one
                           below is not counted again */
    uint32_t checks;    /* counts down to the next pymem_check */
    struct stack_cache gil_cache;
    uint32_t epoch; /* equals process.epoch when this thread is attached */
    uint32_t tid;
    uintptr_t called_from; /* where the last hook was called from, or some place in the library */
    bool attaching;
    bool asking;      /* inside a function of the interpreter's that tells the thread state */
    bool named;       /* its name has been sent */
    uint8_t depth;    /* event_begin without its event_end: more than one in signal handlers */
    uint64_t pthread; /* pthread_self() */
};

extern struct process process;
extern _Thread_local struct thread self;

/* The hooks' frame around an event, on a thread that may be anywhere:
 *
 *     struct writer *writer = event_begin();
 *     if (writer) { event_alloc(writer, ...); event_end(writer); }
 *
 * event_begin picks the GIL's writer when this thread holds the GIL, else its own, or a spare one
 * when a signal handler interrupted a write; NULL: do not record (not traced). */
struct writer *event_begin(void);
void event_end(struct writer *writer);

/* Records. `node` 0 is not a stack; callers pass stack_node(). */
void event_alloc(struct writer *writer, unsigned kind, const void *address, uint64_t size,
                 uint32_t node);
void event_free(struct writer *writer, const void *address);
/* `told`: free_word(). */
void event_free_told(struct writer *writer, const void *address, uint64_t told);
void event_realloc_begin(struct writer *writer, const void *address);
void event_realloc_end(struct writer *writer, unsigned kind, unsigned aux, const void *address,
                       uint64_t size, uint32_t node);
/* Before a reallocation that is not recorded: it must find the block in one mapping, too. */
void event_realloc_untold(const void *address);
void event_map(struct writer *writer, unsigned class, uintptr_t start, uint64_t length,
               uint32_t node);
void event_unmap(struct writer *writer, unsigned aux, uintptr_t start, uint64_t length);
void event_remap(struct writer *writer, uintptr_t start, uint64_t length, uint32_t node);
void event_protect(struct writer *writer, unsigned what, uintptr_t start, uint64_t length,
                   uint32_t node);
void event_snapshot(struct writer *writer, unsigned reason, uint32_t number, uint64_t size,
                    uint32_t node);
void event_mark(struct writer *writer, unsigned mark, uint64_t value);
/* This thread has another name: its next event goes the long way, and sends it. */
void event_own_name_changed(void);
void event_thread_name(struct writer *writer, uint32_t tid, const char *name);

/* A region of the program begins (MARK_REGION_BEGIN or _ALL); its name is cut to so many bytes. */
#define REGION_NAME_MAX 240u
bool event_region(struct writer *writer, unsigned mark, uint64_t value, const char *name);

/* A type of objects that are freed (MARK_TYPE, type_value()); its name is cut to TYPE_NAME_MAX
 * bytes. */
bool event_type(struct writer *writer, uint64_t value, const char *name);

/* A whole event: the block has just been made, or is about to be freed; `object`: in the object
 * domain. */
void note_alloc(unsigned kind, const void *block, uint64_t size);
void note_free(const void *block, bool object);
/* note_alloc, unless the block is NULL; returns it. */
void *note_made(unsigned kind, void *block, uint64_t size);

/* For hot.h, when follow() has left something, or the record must wait. Returns the block. */
void *hot_alloc_rest(const char *state, unsigned kind, void *block, uint64_t size,
                     struct stack_entry *from, struct stack_entry *unknown)
    __attribute__((returns_nonnull, noinline));
/* The second half of a reallocation, whatever it is like. Returns the block, or NULL: it failed. */
void *hot_realloc_rest(const char *state, unsigned kind, void *moved, uint64_t size)
    __attribute__((noinline));
void *hot_own_alloc_rest(struct writer *writer, unsigned kind, void *block, uint64_t size)
    __attribute__((returns_nonnull, noinline));

/* A record of the writer is being made, or has been interrupted. */
static inline bool writer_is_busy(const struct writer *writer) {
    return writer->busy || (writer->is_gil && process.key != process.open_key);
}

/* hot.h's way is not open any more. */
static inline void hot_close(void) {
    process.open_key = 0;
    process.own_key = 0;
    process.key = 0;
}

/* What a free must look at twice, by some bits of the address: one-sided, 0 is certain. */
#define FILTER_SIZE (1u << 16)
extern uint8_t filter[FILTER_SIZE];

enum filter_flag {
    FILTER_LARGE = 1,     /* a block that is ordered by ticket across processes */
    FILTER_CODE = 2,      /* a code object */
    FILTER_NULL = 4,      /* none */
    FILTER_ODD = 8,       /* one that no event can name */
    FILTER_OURS = 16,     /* from bootstrap_alloc */
    FILTER_TOLD = 32,     /* any, once frees are told */
    FILTER_FOLLOWED = 64, /* one that the program asks about (followed.h) */
};

static inline uint32_t filter_place(const void *address) {
    return (uint32_t)((uintptr_t)address >> 4) % FILTER_SIZE;
}

static inline unsigned filter_flags(const void *address) {
    return filter[filter_place(address)];
}

void filter_add(const void *address, enum filter_flag flag);
/* Takes the flag from all places but those of which the bit is set. */
void filter_keep(enum filter_flag flag, const uint8_t *needed);

/* From now on frees are told (process.tells_frees): nothing is freed the short way. */
void frees_tell(void);

/* Makes the key whose destructor gives back what an ending thread held. Once, before there are
 * threads. */
void thread_prepare(void);

/* Joins the session that the environment names, or that this process's parent was in. True when the
 * process is traced. Makes system calls only. */
bool process_join(void);

/* Asks for the descriptors of a heap graph (JOIN_GRAPH), for a snapshot by this process or the one
 * whose copy this is. The caller closes all three. */
struct graph_offer {
    int connection;
    int large;  /* the list of large blocks */
    int stream; /* where the graph goes */
};
bool process_offer_graph(uint32_t snapshot, unsigned timeout_s, struct graph_offer *offer);

/* What of Python's blocks lived at this MARK_LIVING, in shared pages that are the caller's. NULL:
 * there is nothing, or no answer. */
uint64_t *process_ask_living(uint32_t number, unsigned timeout_s, uint32_t *count);

/* This process, a copy, shall not join as a forked child would. */
void process_disown(void);

/* There is a session for a new image to join; also in a forked child that has not joined it itself.
 */
bool session_goes_on(void);

/* A writer that no other thread uses, for the thread `tid` to keep; NULL when there is none. */
struct writer *writer_claim(uint32_t tid);
/* The same for one event: waits until there is one, unless that takes too long. */
struct writer *writer_borrow(uint32_t tid);
void writer_release(struct writer *writer);
/* Takes a ticket for the next record; those after it need none, for as long as nobody else takes
 * one: wire/event.h. */
uint64_t writer_go_alone(struct writer *writer) __attribute__((cold, noinline));
/* The region's thread rings become writers that can be claimed. */
bool writers_add(struct region *region);
void writer_open(struct writer *writer, struct region *region, uint32_t index);

/* Asks the collector for one more region of rings; also true when another thread is doing that. */
bool process_more_rings(void);
bool process_may_ask_for_rings(void); /* there is hope for more */

#endif
