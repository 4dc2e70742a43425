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

#define BATCH_MOST 64u /* records */
#define LANES_MAX 8u

/* Tickets whose turn it is, one after the other, and rings of one process that have them. */
struct turns {
    uint64_t first, count;
    uint32_t lane_count;
    struct lane {
        struct reader *reader;
        uint64_t bytes; /* that were processed */
    } lanes[LANES_MAX];
};

/* The same for records with these tickets, from whichever of the rings has the next one; bytes go
 * to turns.lanes, tickets to trace.next and to the readers. With stubs there may be one lane only.
 */
void batch_apply_turns(struct trace *trace, struct turns *turns);

#endif
