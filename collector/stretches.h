/* The regions that a program marks in its own run (`with holdfast.region("load"):`), and what each
 * allocated.
 *
 *   stretch  what users call a region, from its begin to its end (struct region is shared memory).
 *            It is a thread's, or the whole process's. Its memory is what was allocated by its
 *            thread, or by all of them, while it was open.
 *   scope    the stretches that an allocation belongs to, outermost first. Blocks are known by
 *            their sites, so while stretches are open, allocations go to sites of their scope: of
 *            one stack and kind there can be several.
 *   row      all stretches of one name inside the same others; the one with the highest peak is
 *            kept in detail.
 *
 * What sites had at a stretch's peak is kept lazily, as for the process's (sites.h). A stretch that
 * has ended leaves its scopes; a site which holds nothing any more is used for the next scope that
 * has all of those that are still open. So sites are bounded by what is live, and not by how often
 * a program passes a stretch.
 */
#ifndef HOLDFAST_COLLECTOR_STRETCHES_H
#define HOLDFAST_COLLECTOR_STRETCHES_H

#include <stddef.h>

#include "index.h"
#include "sites.h"
#include "stretches_drag.h"

#define STRETCH_DEPTH 8u        /* inside each other; more are not followed */
#define STRETCH_ROWS_MAX 65536u /* more are not followed */
#define STRETCHES_MAX 4096u     /* open at the same time; more are not followed */
#define STRETCH_OWN_SCOPES 4u   /* of which a stretch is the innermost: those used last */
#define STRETCH_EVERYBODY (-1)  /* as its thread: the whole process's */
#define STRETCH_SNAPSHOTS 16u   /* rows whose highest one's snapshot is kept: the highest */
#define STRETCH_SITES_KEPT 100u /* of a row, the biggest; the others are put together */

struct trace;
struct image;
struct stacks;

struct stretch_snapshot {
    uint32_t number;       /* 0: none */
    uint64_t bytes;        /* the stretch's own, with those about to be allocated in it */
    uint64_t begin_moment; /* the stretch's */
};

/* Of the snapshots taken while a stretch was open, the last one with the most of its own bytes, and
 * the one that was that before, since a copy may never come. */
struct stretch_snapshots {
    struct stretch_snapshot best, before;
};

struct stretch {
    uint32_t number; /* as the program calls it; 0: this place is free */
    uint32_t row;
    int64_t thread; /* as stack_node.position, or STRETCH_EVERYBODY */
    uint64_t begin_ns, begin_seq;
    uint64_t live, peak, peak_seq, peak_ns;
    uint64_t made;                        /* allocated in it */
    uint64_t process_begin, process_peak; /* live bytes of the process */
    uint32_t *scopes;                     /* that have had it; some may be others' by now */
    uint32_t scope_count, scope_capacity;
    uint32_t own[STRETCH_OWN_SCOPES]; /* of `scopes`, the one used last first; or 0 */
    bool cut;                         /* a part of it was left out */
    uint64_t begin_moment;
    struct stretch_snapshots snapshots;
    struct stretch_drag *drag; /* of big blocks that have ended; NULL: there was none */
    bool drag_left_out;        /* big blocks of it were not followed */
};

struct scope {
    uint32_t stretches[STRETCH_DEPTH]; /* places in stretches.list, + 1; 0: none, or it has ended */
    uint32_t rows[STRETCH_DEPTH];      /* + 1; those of ended ones, too, but for what was cut */
    uint32_t *sites;                   /* that have been in it; some may have left */
    uint32_t site_count, site_capacity;
    uint32_t users;     /* sites that are in it */
    uint32_t stamp;     /* for looking at each scope only once */
    uint32_t next_free; /* while it is not used */
    bool used, idle;
};

/* Where in the scope the stretch of this place is; STRETCH_DEPTH: it is not. */
static inline uint32_t scope_find(const struct scope *scope, uint32_t place) {
    uint32_t at = 0;
    while (at < STRETCH_DEPTH && scope->stretches[at] != place + 1)
        at++;
    return at;
}

/* What a site needs besides struct site; by its number. */
struct scoped_site {
    uint32_t scope;                           /* 0: allocated outside of all stretches */
    uint32_t next;                            /* site of the same stack and kind, + 1 */
    uint32_t stamp;                           /* for looking at each site only once */
    struct site_value at_peak[STRETCH_DEPTH]; /* put aside, by place in the scope */
};

struct stretch_site {
    uint32_t node, kind;
    struct site_value peak, kept;
};

struct stretch_row {
    uint32_t parent; /* + 1; 0: none */
    char *name;
    uint64_t count, kept_in_all, made_in_all;
    uint64_t native_in_all; /* of what was kept: native blocks */
    struct site_value left; /* of these, live when the process ended: stretches_rows_now() */
    uint32_t unclosed;
    struct stretch highest; /* as it was at its end: of those, the one with the highest peak */
    uint64_t end_ns, process_end;
    struct stretch_snapshots snapshots; /* of all of them: another may have a better one */
    struct stretch_drag *drag;          /* of all of them; NULL: they had no big blocks */
    struct stretch_site *sites;         /* its own, the biggest first */
    uint32_t site_count;
};

struct stretch_thread {
    int64_t thread;
    uint32_t open[STRETCH_DEPTH]; /* places + 1 */
    uint32_t depth;
    uint32_t scope;
    bool known; /* the scope */
};

struct stretches {
    struct stretch *list;
    struct scope *scopes; /* entry 0: none */
    struct scoped_site *sites;
    struct stretch_row *rows;
    struct stretch_thread *threads; /* entry 0: STRETCH_EVERYBODY */
    uint32_t *idle;                 /* scopes that may have no users any more */
    uint32_t count, capacity, scope_count, scope_capacity, site_capacity, row_count, row_capacity,
        thread_count, thread_capacity, idle_count, idle_capacity;
    struct index row_index;
    uint32_t snapshot_rows[STRETCH_SNAPSHOTS]; /* of `rows`, + 1; 0: a free place */
    const struct stacks *stacks;
    uint32_t free_scope; /* the first of those that are not used; 0: none */
    uint32_t stamp;
};

/* A stretch begins, or ends, on the thread with this id. What cannot be followed is left out: it is
 * counted in image->stretches_left_out, and its end tells the program so. */
void stretches_begin(struct trace *trace, struct image *image, uint32_t number, int64_t thread,
                     const char *name, size_t name_size);
void stretches_end(struct trace *trace, struct image *image, uint32_t number);

/* A thread's stretch is left for a while (its task waits), and goes on, in this thread or another.
 * One that can't go on since there are too many is counted as left out. */
void stretches_pause(struct image *image, uint32_t number);
void stretches_resume(struct image *image, uint32_t number, int64_t thread);

/* The process's highest total so far counts for all that are open. */
void stretches_settle(struct image *image);

/* The process has ended. */
void stretches_end_all(struct trace *trace, struct image *image);

/* The site in which an allocation counts whose stack (`node`) and kind the site `base` has. Once
 * the image has stretches. INDEX_NONE when memory ran out. */
uint32_t stretches_site(struct image *image, uint32_t base, uint32_t node);

/* A site is about to change by so many bytes (modulo 2^64) as change number `seq`. */
void stretches_change(struct stretches *stretches, const struct sites *sites, uint32_t number,
                      uint64_t change, uint64_t seq, uint64_t now_ns);

/* A snapshot is taken, before an allocation of `pending` bytes by the stack `node`. */
void stretches_note_snapshot(struct image *image, uint32_t number, uint64_t pending, uint32_t node);

/* Whether a snapshot is to be kept for some stretch: of rows, and of those that are open. */
bool stretches_need_snapshot(const struct image *image, uint32_t number);

/* The one that explains a row's peak best; its number is 0 when none does. */
struct stretch_snapshot stretches_snapshot(const struct image *image,
                                           const struct stretch_row *row);

void stretches_release(struct stretches *stretches);

#endif
