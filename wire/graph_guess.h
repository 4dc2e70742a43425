/* How a heap graph's targets are told, and what its sizes are compared with: what the one who
 * writes and the one who reads must guess alike.
 *
 * Most references lead to what could have been guessed. A target is a byte that says which guess is
 * right, or how far off: the object that is mentioned for the first time, the one that this slot
 * led to last, one next to it or to the record's last target, one that was told as a target not
 * long ago (what is referred to often comes again soon; so do sequences), and at last the distance
 * from the record itself.
 *
 * A distance d >= 1 is a byte's kind, with the number b of its highest bit, and b bits more, which
 * follow as whole bytes: the upper eight (or fewer) in GRAPH_BITS, the others in GRAPH_LOW_BITS,
 * highest first, each byte filled from its top.
 */
#ifndef HOLDFAST_WIRE_GRAPH_GUESS_H
#define HOLDFAST_WIRE_GRAPH_GUESS_H

#include "graph.h"

enum graph_target {
    TARGET_NONE = 0,
    TARGET_NEW = 1,     /* one above the highest so far, of objects and targets of records */
    TARGET_AGAIN = 2,   /* as this slot's last time */
    TARGET_FOLLOW = 3,  /* as far back in the row as the last TARGET_RECENT */
    TARGET_NEAR = 4,    /* + 2 + difference to the record's last target, from -2 to 2 */
    TARGET_BESIDE = 9,  /* + 8 + difference to the slot's last target, from -8 to 8 */
    TARGET_RECENT = 32, /* + b: the row's last one but d - 1 */
    TARGET_BEFORE = 64, /* + b: record's own number + 1 - d */
    TARGET_BEHIND = 96, /* + b: record's own number + d */
    TARGET_END = 128,
};

#define GRAPH_NEAR 2
#define GRAPH_BESIDE 8
#define GRAPH_DISTANCE_BITS 32u /* b is below that */

/* The row: the last targets that were told by TARGET_FOLLOW, RECENT, BEFORE or BEHIND. */
#define GRAPH_ROW_BITS 14
#define GRAPH_ROW (1u << GRAPH_ROW_BITS)

#define GRAPH_SIZE_CONTEXTS 4096u
#define GRAPH_SIZE_COUNT_MAX 64u

struct graph_guess {
    uint64_t highest;  /* see TARGET_NEW */
    uint64_t own;      /* number of the last object */
    uint64_t previous; /* the record's last target; at first its own number */
    uint32_t row[GRAPH_ROW];
    uint32_t told; /* how many were ever put into the row */
    uint32_t back; /* the last TARGET_RECENT's d; 0: there was none */
    uint64_t sizes[GRAPH_SIZE_CONTEXTS];
    uint64_t last_detail, last_place; /* the latter / 8 */
    uint32_t thread, next_depth;      /* of the last frame that runs */
};

/* The d-th last of the row, from 1; 0 when there is none. */
static inline uint32_t graph_row_at(const struct graph_guess *guess, uint64_t d) {
    if (d == 0 || d > guess->told || d >= GRAPH_ROW)
        return 0;
    return guess->row[(guess->told - (uint32_t)d) % GRAPH_ROW];
}

static inline void graph_row_add(struct graph_guess *guess, uint32_t target) {
    guess->row[guess->told++ % GRAPH_ROW] = target;
}

/* After each target of a record, whatever told it. */
static inline void graph_note_target(struct graph_guess *guess, uint32_t *slot, uint32_t target) {
    *slot = target;
    if (target == 0)
        return;
    guess->previous = target;
    if (target > guess->highest)
        guess->highest = target;
}

static inline void graph_note_object(struct graph_guess *guess) {
    guess->own++;
    if (guess->own > guess->highest)
        guess->highest = guess->own;
}

static inline int64_t graph_expected_depth(const struct graph_guess *guess, uint32_t thread) {
    return guess->thread == thread ? guess->next_depth : 0;
}

static inline void graph_note_depth(struct graph_guess *guess, uint32_t thread, uint32_t depth) {
    guess->thread = thread;
    guess->next_depth = depth + 1;
}

/* `count`: the first of the object's counts; `text`: bytes of its detail. 0 without them. */
static inline uint64_t *graph_size_context(struct graph_guess *guess, uint32_t shape,
                                           uint64_t count, uint32_t text) {
    uint32_t least = count < GRAPH_SIZE_COUNT_MAX ? (uint32_t)count : GRAPH_SIZE_COUNT_MAX;
    return &guess->sizes[(shape * 40503u + least * 977u + text * 13u) % GRAPH_SIZE_CONTEXTS];
}

#endif
