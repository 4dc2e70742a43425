/* How long the big blocks of the program's stretches lay untouched, with --drag.
 *
 * To a stretch belong the big blocks that were allocated in it, for as long as they lived while it
 * was open: one that lives on counts as if it ended with the stretch, by what looks had told until
 * then. Sites have sums of their own up to a bound; of what is beyond it only the stretch's are
 * known.
 */
#ifndef HOLDFAST_COLLECTOR_STRETCHES_DRAG_H
#define HOLDFAST_COLLECTOR_STRETCHES_DRAG_H

#include <stdbool.h>
#include <stdint.h>

#include "../wire/profile.h"

/* The first so many different ones. */
#define STRETCH_DRAG_SITES 16u

struct image;
struct drag_block;

struct stretch_drag_site {
    uint32_t node, kind;
    uint64_t untouched; /* byte-seconds: before the first touch, after the last one, or always */
};

struct stretch_drag {
    uint64_t byte_seconds[PROFILE_PHASES];
    uint32_t site_count;
    struct stretch_drag_site sites[STRETCH_DRAG_SITES];
};

/* A big block of this site has begun: its stretches get a place for what becomes of it. False when
 * memory ran out. */
bool stretches_drag_begin(struct image *image, uint32_t site);

/* Or it is not followed: what these lay untouched for is not known. */
void stretches_drag_leave_out(struct image *image, uint32_t site);

/* It has ended, now. */
void stretches_drag_end(struct image *image, const struct drag_block *block, uint64_t now_ns);

/* Adds what the stretch in this place has had until now, blocks that go on included. */
void stretches_drag_take(const struct image *image, uint32_t place, uint64_t now_ns,
                         struct stretch_drag *to);

/* Adds all of it to what is there, or will be. False when memory ran out. */
bool stretches_drag_merge(struct stretch_drag **to, const struct stretch_drag *more);

#endif
