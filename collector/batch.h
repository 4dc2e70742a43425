/* The collector's hot path: runs of plain allocations and frees, which are nearly all of what the
 * rings hold. */
#ifndef HOLDFAST_COLLECTOR_BATCH_H
#define HOLDFAST_COLLECTOR_BATCH_H

#include "trace.h"

/* Processes the ALLOC and FREE records at the reader's position that carry no ticket and no wide
 * size, those FREEs too that tell more with --lifetimes, up to any other record or some dozens of
 * them. The bytes they take, 0 when there are none; the first record that something is wrong with
 * is left to apply_record. */
uint64_t batch_apply(struct trace *trace, struct reader *reader);

/* Tickets whose turn it is, one after the other. */
struct turns {
    uint64_t first, count;
};

/* The same for records with these tickets, which go to trace.next and reader.ticket. */
uint64_t batch_apply_turns(struct trace *trace, struct reader *reader, const struct turns *turns);

#endif
