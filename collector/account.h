/* The sums: a change of live bytes at a site, in its image and in the tree, and the peaks that
 * follow. */
#ifndef HOLDFAST_COLLECTOR_ACCOUNT_H
#define HOLDFAST_COLLECTOR_ACCOUNT_H

#include "stretches.h"
#include "trace.h"

/* No honest process comes near; keeps all sums far from overflow. */
#define LIVE_MAX (1ull << 52)

/* A sum has come to `live`: its peak, if it was never higher. */
static inline void totals_pass(struct totals *totals, uint64_t live, uint64_t seq,
                               uint64_t now_ns) {
    if (live <= totals->peak)
        return;
    totals->peak = live;
    totals->peak_seq = seq;
    totals->peak_ns = now_ns;
}

static inline void totals_change(struct totals *totals, uint64_t change, uint64_t seq,
                                 uint64_t now_ns) {
    totals->live += change;
    totals_rise(totals, totals->live);
    totals_pass(totals, totals->live, seq, now_ns);
}

/* A site is about to change by `size` bytes, as below; or otherwise, and `size` is 0. */
static inline struct site *account_touch(struct trace *trace, struct image *image, uint32_t number,
                                         uint64_t size) {
    struct site *site = &image->sites.list[number];
    sites_touch(&image->sites, number, image->totals.peak_seq, trace->totals.peak_seq);
    trace->seq++;
    if (image->stretches)
        stretches_change(image->stretches, &image->sites, number, size, trace->seq, trace->now_ns);
    site->changed = (uint32_t)trace->seq;
    return site;
}

/* A block of `size` bytes begins; or one ends, and `size` is negative, modulo 2^64. */
static inline void account_change(struct trace *trace, struct image *image, uint32_t number,
                                  uint64_t size, bool begins) {
    account_touch(trace, image, number, size);
    site_change(&image->sites, number, size, begins);
    totals_change(&image->totals, size, trace->seq, trace->now_ns);
    if (image->state == IMAGE_LIVE)
        totals_change(&trace->totals, size, trace->seq, trace->now_ns);
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
