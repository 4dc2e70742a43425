/* When large blocks begin and end: keeps the table of those that live, counts the moments between,
 * and tells the snapshots that listed a block of its end. Does nothing in a session without
 * holders and --drag.
 */
#ifndef HOLDFAST_COLLECTOR_LIFETIMES_H
#define HOLDFAST_COLLECTOR_LIFETIMES_H

#include "../wire/graph.h"
#include "trace.h"

/* A snapshot is about to be taken: what was so high before is told apart from what follows. */
void lifetimes_begin_moment(struct image *image);

/* To be called before the block's bytes are added to the totals. The moment of its birth; 0 when it
 * is not kept. */
uint64_t lifetimes_begin(struct trace *trace, struct image *image, uint64_t address, uint64_t size,
                         uint32_t site);

/* The birth of the block at this address; 0: there is none. */
uint64_t lifetimes_birth(const struct image *image, uint64_t address);

/* To be called after its bytes were taken from the totals. `birth` says which block at this address
 * is meant, since another one may have come there meanwhile. */
void lifetimes_end(struct trace *trace, struct image *image, uint64_t address, uint64_t birth);

/* A piece of a mapping was divided at `at`: its parts take its place, as old as it was. */
void lifetimes_split(struct trace *trace, struct image *image, const struct piece *whole,
                     uint64_t at);

/* The moments, with those merged that no block of a snapshot sets apart. `copy` has its own list,
 * which the caller releases. False when memory ran out. */
bool lifetimes_moments(const struct image *image, struct moments *copy);

#endif
