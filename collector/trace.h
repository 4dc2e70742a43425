/* Everything that the collector knows about a session, and the words it uses.
 *
 *   image    a process between two execs (or its birth and its end); numbered from 1.
 *   reader   the collector's end of one ring.
 *   tick     a ticket that the collector took itself, about every millisecond. It keeps the quiet
 * rings of different processes in order, and gives events their time. live     allocated and not
 * freed. The tree's live bytes are the sum over its images. seq      number of a change of live
 * bytes, over the whole session.
 */
#ifndef HOLDFAST_COLLECTOR_TRACE_H
#define HOLDFAST_COLLECTOR_TRACE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "../wire/event.h"
#include "../wire/session.h"
#include "blocks.h"
#include "collections.h"
#include "drag.h"
#include "events.h"
#include "large.h"
#include "lives.h"
#include "living.h"
#include "looks.h"
#include "mappings.h"
#include "moments.h"
#include "references.h"
#include "resident.h"
#include "sites.h"
#include "snapshots.h"
#include "spans.h"
#include "stacks.h"
#include "stretches.h"
#include "stubs.h"
#include "timeline.h"

#define IMAGES_MAX 16384u
#define FULL_IMAGES 64u  /* of those after them less is kept, since there may be many */
#define REGIONS_MAX 256u /* of one image; 48 rings each */

/* A node of a ring: its number in struct stacks, and its sites by kind (+ 1; 0: not looked up yet).
 */
struct local_node {
    uint32_t node;
    uint32_t site[3];
};

struct reader {
    struct ring *ring;
    const uint64_t *body;
    uint64_t size; /* of the body */
    struct image *image;
    bool is_gil;
    bool abandoned;       /* held something that does not decode */
    bool queued;          /* waits in the merge's queue for its turn */
    uint64_t position;    /* consumed */
    uint64_t published;   /* what ring->head says */
    uint64_t seen;        /* tail, as loaded at the pass's start: tickets up to here may be taken */
    uint64_t limit;       /* tail, as loaded later: other records up to here may */
    uint64_t ticket;      /* every later record comes after all tickets below */
    uint64_t alone_since; /* ring.alone_since, as loaded before `seen` */

    struct local_node *nodes; /* entry 0 is the empty stack */
    uint32_t node_count, node_capacity;
    uint32_t *filled; /* once there are stretches: nodes whose sites have been looked up */
    uint32_t filled_count, filled_capacity;
    uint32_t *codes; /* code number -> number in struct stacks */
    uint32_t code_count, code_capacity;
    char *text; /* gathered, until a CODE or MARK takes it */
    uint32_t text_size, text_capacity;

    struct block held; /* between REALLOC_BEGIN and _END, as the table had it */
    uint64_t held_address, held_birth;
    bool has_held;
    struct piece *held_pieces; /* of the last UNMAP, until a REMAP or the next one */
    uint64_t held_start;
    bool held_counts; /* it had UNMAP_HELD: they are still in the sums */
};

struct mapped_region {
    struct region *region;
    size_t size;
    struct reader *readers;
    uint32_t reader_count;
};

enum image_state {
    IMAGE_LIVE,
    IMAGE_EXECING, /* announced an exec: its bytes have left the tree, unless it fails */
    IMAGE_ENDED,   /* drained, accounted for; only results are kept */
};

struct thread_name {
    uint32_t tid;
    char name[16];
};

struct image {
    uint32_t number;
    uint32_t seccomp_lost; /* enum seccomp_lost */
    uint64_t bound;  /* of the present pass: what comes behind a later ticket waits; drain.c */
    bool distrusted; /* its bounds made the others wait for too long, and are no longer heeded */
    uint32_t pid, ppid;
    uint32_t self_pid; /* as the process sees itself, in a pid namespace of its own */
    uint32_t parent;   /* number of the image that forked it or came before it; 0 unknown */
    enum image_state state;
    bool dead;        /* its process has ended, or has been replaced by exec; no more events come */
    bool has_status;  /* how it ends is known: it announced it, or its parent has learnt it */
    int status;       /* as wait(2) gives it */
    uint32_t flags;   /* enum profile_process_flags */
    int pidfd, statm; /* -1: none */

    struct totals totals;
    uint64_t left_seq; /* when its bytes left the tree */
    struct blocks blocks;
    struct mappings mappings;
    struct sites sites;
    struct stretches *stretches; /* NULL until the program marks one */
    uint32_t stretches_left_out; /* too deep, too many, or no memory */
    struct large_table large;
    struct moments moments;
    struct snapshots snapshots;
    uint64_t gil_allocated;                /* see struct region */
    uint64_t told_live, told_gil_position; /* there */
    uint64_t class_bytes[5],
        class_highest[5]; /* by enum mapping_class; of MAPPING_COUNTED, the first alone */

    struct mapped_region *regions;
    uint32_t region_count, region_capacity;

    struct collections collections;
    struct spans spans;
    struct lives lives;
    struct living living;
    struct drag drag;
    struct looks looks;
    struct timeline timeline;
    uint64_t rss, max_rss;
    uint64_t peak_rss, peak_rss_live; /* highest sample near the peak, and the live bytes at it */
    struct resident resident;
    uint64_t sampled_ns;

    uint64_t start_ns, end_ns;
    uint64_t allocations, frees, events, waits, wait_ns, dropped, truncated;
    uint64_t snapshots_taken, snapshot_ns; /* as the program says */
    uint64_t lost_frees;                   /* an address was allocated twice */

    struct reference_counts references;
    uint32_t *takers; /* of struct stacks: see MARK_TAKER; the first one is number 1 */
    uint32_t taker_count, taker_capacity;

    struct thread_name *threads;
    uint32_t thread_count, thread_capacity;
    char python[48];
    char *command; /* /proc/PID/cmdline: NUL-separated */
    size_t command_size;
    char *cwd;
};

struct tick {
    uint64_t ticket, time_ns;
    struct image *end; /* the image that had ended when it was taken, or NULL */
};

/* A reader whose next record has to wait: for its own ticket's turn (key ticket * 2 + 1), or until
 * all tickets below a NOTE's have been taken (key ticket * 2); or which has something new behind
 * the last ticket that it has taken or noted (the same key again). */
struct turn {
    uint64_t key;
    struct reader *reader;
};

#define WARNINGS_MAX 64u

struct trace {
    struct session_page *page;
    bool holders;     /* snapshots are taken */
    bool drag;        /* --drag; with either, large blocks are followed */
    uint64_t zero_ns; /* CLOCK_MONOTONIC when the session began; all times count from there */
    uint64_t started_unix_ns;

    struct image **images;
    uint32_t image_count, image_capacity;
    uint32_t living; /* images that are not dead */

    struct stacks stacks;
    struct totals totals; /* the tree's */
    uint64_t seq;
    struct timeline timeline;

    /* The merge */
    uint64_t next;      /* all tickets below have been processed or given up */
    uint64_t taken;     /* all tickets below have been taken, as far as was looked */
    uint64_t now_ns;    /* time of the last tick */
    struct turn *queue; /* a binary heap */
    uint32_t queue_count, queue_capacity;
    struct tick *ticks; /* first_tick to tick_count wait for their turn */
    uint32_t first_tick, tick_count, tick_capacity;
    uint64_t last_tick_ns;
    uint64_t gap_ticket, gap_since_ns;   /* the ticket that is waited for, and since when */
    uint64_t held_ticket, held_since_ns; /* where an image's bound stops the merge, since when, */
    uint32_t held_passes;                /* and in how many passes */
    bool out_of_turn;                    /* in this pass, a reader had no place in the queue */
    uint64_t consumed;                   /* bytes of records, in all */
    uint64_t gaps, late;                 /* tickets given up; of these, those that came after all */

    bool lives;                       /* --lifetimes */
    uint32_t lives_used;              /* sites whose lifetimes are followed */
    uint32_t typed_rows, typed_sites; /* types that are, of processes; and of their sites */
    struct type_names type_names;
    bool keeps_stubs; /* either: the table of blocks holds stubs in the place of sites */
    struct stubs stubs;
    struct events *events; /* --keep-events; else NULL */

    char *warnings[WARNINGS_MAX];
    uint32_t warning_count;
};

bool trace_init(struct trace *trace, struct session_page *page);
void trace_release(struct trace *trace);

uint64_t trace_clock(const struct trace *trace); /* ns since the session's start */
/* What the collector itself has taken of a processor; not what other processes took meanwhile. */
uint64_t trace_used_ns(void);

/* Adds a line for the report's reader; the same one only once. */
__attribute__((format(printf, 2, 3))) void trace_warn(struct trace *trace, const char *format, ...);

/* A new image, alive. NULL when there is no memory, or there are too many. */
struct image *image_new(struct trace *trace, uint32_t pid);

/* Gives an image the rings of a mapped region, which it owns from then on. */
bool image_add_region(struct image *image, struct region *region, uint32_t ring_count,
                      bool has_gil_ring);

/* The image's process has ended: once all that it did before has been processed, image_end follows.
 */
bool image_die(struct trace *trace, struct image *image);

/* Sites know changes by the lower halves of their numbers: before these begin anew, all sites are
 * settled, and count from there. */
void trace_rebase(struct trace *trace);

static inline bool trace_rebase_is_due(const struct trace *trace) {
    return (uint32_t)trace->seq > UINT32_MAX / 4 * 3;
}

/* The image's bytes leave the tree; and come back. With one image alone, sites_split_tree comes
 * before. */
void image_leave(struct trace *trace, struct image *image);
void image_return(struct trace *trace, struct image *image);

/* Looks up what the program keeps in its regions: python version, waits, losses. */
void image_refresh(struct image *image);

/* Everything is known: keeps results, frees the rest. */
void image_end(struct trace *trace, struct image *image);

#endif
