/* What each stack of a process holds, and held at the peaks.
 *
 * A site is (stack, kind). The values at a peak are kept lazily, so that a new peak costs nothing:
 * a peak is a sequence number; a site remembers the number of its last change; before a change that
 * is the first since a peak, its values are put aside as that peak's.
 */
#ifndef HOLDFAST_COLLECTOR_SITES_H
#define HOLDFAST_COLLECTOR_SITES_H

#include <assert.h>

#include "index.h"

#define SITE_NODE_MAX ((1u << 30) - 1)

/* Packed, so that a site fills one cache line: a table of blocks never holds 2^32. */
struct __attribute__((packed, aligned(4))) site_value {
    uint64_t bytes;
    uint32_t blocks;
};

struct site {
    uint64_t changed;
    uint64_t total_bytes, total_blocks; /* ever allocated */
    struct site_value live;
    struct site_value peak, tree; /* put aside; see site_at_peak */
    uint32_t node : 30;
    uint32_t kind : 2; /* enum block_kind */
};
static_assert(sizeof(struct site) == 64, "a site fills one cache line");

/* Zeroed: empty. */
struct sites {
    struct site *list;
    uint32_t count, capacity;
    struct index index;
};

/* Bytes that are live now, and the highest that they ever were. Of a process, and of the tree. */
struct totals {
    uint64_t live;
    uint64_t highest;                      /* since totals_settle */
    uint64_t tick_highest, moment_highest; /* before that, since the last tick and in the moment */
    uint64_t stretch_highest;              /* and since a stretch last began or ended */
    uint64_t peak, peak_seq, peak_ns;
};

/* So that the hot path keeps one highest value, whoever asks for it over whatever time. */
static inline void totals_settle(struct totals *totals) {
    if (totals->highest > totals->tick_highest)
        totals->tick_highest = totals->highest;
    if (totals->highest > totals->moment_highest)
        totals->moment_highest = totals->highest;
    if (totals->highest > totals->stretch_highest)
        totals->stretch_highest = totals->highest;
    totals->highest = totals->live;
}

static inline void totals_rise(struct totals *totals, uint64_t live) {
    if (live > totals->highest)
        totals->highest = live;
}

/* The number of a site, made when it is new; INDEX_NONE when memory ran out. */
uint32_t sites_find(struct sites *sites, uint32_t node, uint32_t kind);

/* One more of the same stack and kind, which sites_find does not find. */
uint32_t sites_add_twin(struct sites *sites, uint32_t number);

/* Puts aside what a site had at the peaks, whose numbers these are: to be called before its first
 * change since one of them, or before any. */
static inline void site_touch(struct site *site, uint64_t peak_seq, uint64_t tree_seq) {
    if (site->changed <= peak_seq)
        site->peak = site->live;
    if (site->changed <= tree_seq)
        site->tree = site->live;
}

/* A block begins, or ends; then `size` is negative, modulo 2^64. */
static inline void site_change(struct site *site, uint64_t size, bool begins) {
    site->live.bytes += size;
    site->live.blocks += 2u * begins - 1;
    site->total_bytes += size & (0 - (uint64_t)begins);
    site->total_blocks += begins;
}

static inline struct site_value site_at_peak(const struct site *site, uint64_t peak_seq) {
    return site->changed <= peak_seq ? site->live : site->peak;
}

static inline struct site_value site_at_tree_peak(const struct site *site, uint64_t tree_seq) {
    return site->changed <= tree_seq ? site->live : site->tree;
}

void sites_release(struct sites *sites);

#endif
