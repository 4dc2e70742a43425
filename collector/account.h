/* The sums: a change of live bytes at a site, in its image and in the tree, and the peaks that
 * follow. */
#ifndef HOLDFAST_COLLECTOR_ACCOUNT_H
#define HOLDFAST_COLLECTOR_ACCOUNT_H

#include "trace.h"

/* No honest process comes near; keeps all sums far from overflow. */
#define LIVE_MAX (1ull << 52)

static inline void totals_grow(struct totals *totals, uint64_t size, uint64_t seq,
                               uint64_t now_ns) {
    totals->live += size;
    if (totals->live <= totals->highest)
        return;
    totals->highest = totals->live;
    if (totals->live <= totals->peak)
        return;
    totals->peak = totals->live;
    totals->peak_seq = seq;
    totals->peak_ns = now_ns;
}

static inline struct site *account_touch(struct trace *trace, struct image *image,
                                         uint32_t number) {
    struct site *site = &image->sites.list[number];
    site_touch(site, image->totals.peak_seq, trace->totals.peak_seq, ++trace->seq);
    return site;
}

/* A block of `size` bytes begins; or one ends, and `size` is negative, modulo 2^64. */
static inline void account_change(struct trace *trace, struct image *image, uint32_t number,
                                  uint64_t size, bool begins) {
    struct site *site = account_touch(trace, image, number);
    uint64_t added = size & (0 - (uint64_t)begins);
    site->live.bytes += size;
    site->live.blocks += 2u * begins - 1;
    site->total_bytes += added;
    site->total_blocks += begins;
    totals_grow(&image->totals, size, trace->seq, trace->now_ns);
    if (image->state == IMAGE_LIVE)
        totals_grow(&trace->totals, size, trace->seq, trace->now_ns);
}

static inline void account_add(struct trace *trace, struct image *image, uint32_t number,
                               uint64_t size) {
    account_change(trace, image, number, size, true);
}

static inline void account_remove(struct trace *trace, struct image *image, uint32_t number,
                                  uint64_t size) {
    account_change(trace, image, number, 0 - size, false);
}

#endif
