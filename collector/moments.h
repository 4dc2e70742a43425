/* The highest total of a process in each of its moments, in bounded memory.
 *
 * A *moment* is the time between two changes of the process's large blocks, or a snapshot and such
 * a change; they are numbered from 1. What the peak would have been without some of these blocks is
 * the highest total over all moments, less those of the blocks that were live in it. For that
 * question, moments in a row that have the same of the blocks asked about are one: only their
 * highest counts. So they are merged when room is needed; if that is not enough, low ones are
 * folded into one value, `rest`.
 */
#ifndef HOLDFAST_COLLECTOR_MOMENTS_H
#define HOLDFAST_COLLECTOR_MOMENTS_H

#include <stdbool.h>

#include "sites.h"

#define MOMENTS_MAX 8192u

struct moment {
    uint64_t number;
    uint64_t bytes; /* the highest total, also of those merged into it */
    bool begins;    /* a block that matters began or ended with it: it is not merged */
};

/* Zeroed: in moment 1. */
struct moments {
    struct moment *list; /* by rising number */
    uint32_t count, capacity;
    uint64_t passed; /* moments that are over */
    uint64_t rest;   /* the highest of those folded */
};

/* The number of the current moment. */
static inline uint64_t moments_now(const struct moments *moments) {
    return moments->passed + 1;
}

static inline bool moments_full(const struct moments *moments) {
    return moments->count == MOMENTS_MAX;
}

/* The current moment ends, and the next one begins. There must be room. */
void moments_next(struct moments *moments, struct totals *totals);

/* Makes room: first each moment that a block which matters began or ended with is marked, then all
 * others are merged. */
void moments_mark(struct moments *moments, uint64_t number);
void moments_merge(struct moments *moments);

/* Folds what is below half of `peak`; if much is left, the lowest. */
void moments_fold(struct moments *moments, uint64_t peak);

void moments_release(struct moments *moments);

#endif
