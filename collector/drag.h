/* When big blocks were touched for the first and for the last time, with --drag.
 *
 * A *look* (looks.h) tells of each mapping of a process whether any of it was touched since the
 * look before. Of a block of DRAG_LEAST bytes and more that is in a mapping of its own (the library
 * sees to that: preload/apart.h), it tells the same. So a block's life is divided:
 *
 *   lag    from its birth to its first touch, where a look found it untouched before that
 *   use    from its first touch to its last one
 *   drag   from its last touch to the last look, where that found it untouched after that
 *   void   until the last look, when no look found it touched
 *   unseen all of it, when no look could tell: it was gone too soon, or shared its mapping; and
 *          what follows the last look of one that none found touched
 *
 * A touch is taken to have been in the middle between two looks. What no look has told of counts as
 * use, once a touch is known: before the first look, and after the last one. So does a look that
 * cannot tell; and a block that was there before a look which did not know of it yet, and wiped its
 * marks, counts as touched then.
 */
#ifndef HOLDFAST_COLLECTOR_DRAG_H
#define HOLDFAST_COLLECTOR_DRAG_H

#include <stdbool.h>
#include <stdint.h>

#include "../wire/profile.h"

/* Of one process, at a time; others are counted. */
#define DRAG_BLOCKS_MAX 4096u
/* Sites of one process with sums of their own; those beyond share what the process has by kind. */
#define DRAG_SITES_MAX 16384u
#define DRAG_KINDS 3u /* enum block_kind */
/* No sum of byte-seconds is more: all phases together have room, as profiles require. */
#define DRAG_MOST (UINT64_MAX / 8)

struct trace;
struct image;
struct builder;
struct large;

struct drag_block {
    uint64_t address, size;
    uint64_t birth;      /* the moment, as struct large has it */
    uint64_t born_ns;    /* all times as trace.now_ns */
    uint64_t first_ns;   /* touched for the first time, ... */
    uint64_t last_ns;    /* ... for the last; both 0 until then */
    uint64_t touched_ns; /* the look that found it touched last; 0: none has */
    uint64_t looked_ns;  /* the last look that could tell; 0: none has */
    uint32_t quiet;      /* looks in a row that found it untouched */
    uint32_t site;
    uint8_t seen; /* enum drag_seen, during a look */
};

enum drag_seen { DRAG_QUIET = 1, DRAG_TOUCHED = 2, DRAG_UNCLEAR = 4 };

struct drag_sums {
    uint32_t site; /* + 1; 0: an empty place */
    uint64_t blocks[PROFILE_PHASES], byte_seconds[PROFILE_PHASES], bytes, longest_ns;
};

/* Zeroed: empty. */
struct drag {
    struct drag_block *list; /* those that live, by rising address; disjoint */
    uint32_t count, capacity;
    struct drag_sums *sites; /* a hash table with linear probing, at most half full */
    uint32_t site_count, site_capacity;
    struct drag_sums others[DRAG_KINDS];
    uint64_t left_out;
};

/* A mapping as a look found it; all in bytes. */
struct drag_mapping {
    uint64_t start, end, resident, referenced;
};

/* A block has begun, or ended. Called where the table of large blocks changes (lifetimes.c). */
void drag_begin(const struct trace *trace, struct image *image, const struct large *block);
void drag_end(const struct trace *trace, struct image *image, uint64_t address, uint64_t birth);
/* A piece of a mapping was divided at `at`: its parts are as old as it was. One that is not big has
 * ended. */
void drag_split(const struct trace *trace, struct image *image, uint64_t address, uint64_t at);

/* A look, over the time since `from`, when the one before it ended: each mapping in order of
 * addresses, and then the end. */
void drag_see(struct drag *drag, const struct drag_mapping *mapping);
void drag_looked(struct drag *drag, uint64_t from, uint64_t to);

/* For how long the block that lives there has not been touched, counted from the look that found it
 * touched. 0: that is not known: DRAG_IDLE_LOOKS in a row must have found it untouched, and the
 * last of them not long ago, as far as they were apart. */
uint64_t drag_idle(const struct drag *drag, uint64_t address, uint64_t now);

/* Both together, DRAG_MOST at the most; `more` is not above that. */
static inline uint64_t drag_sum(uint64_t some, uint64_t more) {
    return some < DRAG_MOST - more ? some + more : DRAG_MOST;
}

/* Adds what has become of a block until `now` to sums. */
void drag_add(struct drag_sums *sums, const struct drag_block *block, uint64_t now);

/* The process has ended, and all of its blocks. */
void drag_end_all(const struct trace *trace, struct image *image);
void drag_release(struct drag *drag);

/* All of them go into the profile. */
void finish_drag(struct builder *builder, const struct trace *trace);

#endif
