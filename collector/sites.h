/* What each stack of a process holds, and held at the peaks.
 *
 * A site is (stack, kind). The values at a peak are kept lazily, so that a new peak costs nothing:
 * a peak is the number of a change; a site remembers the number of its last change; before a change
 * that is the first since a peak, its values are put aside as that peak's.
 *
 * There may be hundreds of thousands of sites, so one takes half a cache line: numbers of changes
 * and sums in bytes have their lower halves there. What few sites need is beside them: the upper
 * halves of sums, by what the lower ones carried; and what a site had at the peak of the tree of
 * processes, which is another than the process's only once there are several.
 */
#ifndef HOLDFAST_COLLECTOR_SITES_H
#define HOLDFAST_COLLECTOR_SITES_H

#include <assert.h>

#include "index.h"

#define SITE_NODE_MAX ((1u << 29) - 1)
#define SITE_KINDS 3u

/* Packed, since there are tables of them: a table of blocks never holds 2^32. */
struct __attribute__((packed, aligned(4))) site_value {
    uint64_t bytes;
    uint32_t blocks;
};

/* What changes with each event does not lie side by side: compilers would gather it in vector
 * registers to store it at once, which takes longer. */
struct site {
    uint32_t changed; /* the number of its last change, less sites.base */
    uint32_t node : 29;
    uint32_t kind : 2;    /* enum block_kind */
    uint32_t wide : 1;    /* its sums have upper halves, in sites.wide */
    uint32_t bytes;       /* live */
    uint32_t peak_bytes;  /* put aside; see site_at_peak */
    uint32_t blocks;      /* live */
    uint32_t peak_blocks; /* put aside */
    uint32_t total_bytes; /* ever allocated */
    uint32_t total_blocks;
};
static_assert(sizeof(struct site) == 32, "two sites fill one cache line");

/* Upper halves. */
struct site_wide {
    uint32_t total_bytes, total_blocks, bytes, peak_bytes;
    uint32_t marked_bytes; /* see struct spans */
};

/* Zeroed: empty. */
struct sites {
    struct site *list;
    uint32_t count, capacity;
    uint32_t *by_node[SITE_KINDS]; /* of nodes that are near enough: the site + 1, 0: none */
    uint32_t by_node_capacity[SITE_KINDS];
    struct index index;     /* of the others */
    struct site_wide *wide; /* by site; of most, pages that nobody has touched */
    uint32_t wide_capacity, tree_capacity;
    struct site_value *tree; /* put aside, by site; NULL while the tree's peak is the process's */
    bool has_tree;           /* sites that come need it */
    bool no_memory;          /* for an upper half: sums are too low */
    uint64_t base;           /* changes are counted from here */
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

/* No site will be looked for any more: gives up what that takes. */
void sites_close(struct sites *sites);

/* One more of the same stack and kind, which sites_find does not find. */
uint32_t sites_add_twin(struct sites *sites, uint32_t number);

/* From now on the tree's peak may be another than the process's. False: no memory. */
bool sites_split_tree(struct sites *sites);

/* Puts aside what a site had at the peaks, whose numbers these are: to be called before its first
 * change since one of them, or before any. */
void sites_touch(struct sites *sites, uint32_t number, uint64_t peak_seq, uint64_t tree_seq);

/* The lower halves of a site's sums have gone beyond their ends: what the upper ones take, modulo
 * 2^32. */
void sites_carry(struct sites *sites, uint32_t number, uint64_t bytes, uint64_t total_bytes,
                 uint64_t total_blocks);

struct site_value site_live(const struct sites *sites, uint32_t number);
struct site_value site_at_peak(const struct sites *sites, uint32_t number, uint64_t peak_seq);

/* `peak_seq` is the process's. */
struct site_value site_at_tree_peak(const struct sites *sites, uint32_t number, uint64_t peak_seq,
                                    uint64_t tree_seq);
uint64_t site_total_bytes(const struct sites *sites, uint32_t number);
uint64_t site_total_blocks(const struct sites *sites, uint32_t number);

static inline uint64_t site_changed(const struct sites *sites, const struct site *site) {
    return sites->base + site->changed;
}

/* A block begins, or ends; then `size` is negative, modulo 2^64. */
static inline void site_change(struct sites *sites, uint32_t number, uint64_t size, bool begins) {
    struct site *site = &sites->list[number];
    uint64_t bytes = site->bytes + size, total_blocks = (uint64_t)site->total_blocks + begins;
    uint64_t total_bytes = site->total_bytes + (size & (0 - (uint64_t)begins));
    site->bytes = (uint32_t)bytes;
    site->blocks += 2u * begins - 1;
    site->total_bytes = (uint32_t)total_bytes;
    site->total_blocks = (uint32_t)total_blocks;
    if (__builtin_expect((bytes | total_bytes | total_blocks) >> 32 != 0, 0))
        sites_carry(sites, number, bytes >> 32, total_bytes >> 32, total_blocks >> 32);
}

/* Looks at sites up to this one will not come again: gives back what is theirs alone, now and then.
 */
void sites_forget(struct sites *sites, uint32_t number);

void sites_release(struct sites *sites);

#endif
