/* Looks at which mappings of a process were touched, with --drag: what drag.h is told.
 *
 * The kernel keeps a mark in each page's table entry that the processor sets when the page is
 * touched. A look reads /proc/PID/smaps, where each mapping tells how many of its bytes have it,
 * and clears all of them by writing to /proc/PID/clear_refs. Both walk the page tables, some 1 ms
 * for 64 MiB of small pages, and keep the program from changing its mappings meanwhile; so the next
 * look comes after a hundred times as long as the last one took of the processor, and twenty times
 * as long as it took by the clock, and after LOOK_PAUSE_NS at least.
 */
#ifndef HOLDFAST_COLLECTOR_LOOKS_H
#define HOLDFAST_COLLECTOR_LOOKS_H

#include <stdbool.h>
#include <stdint.h>

#include "drag.h"

#define LOOK_PAUSE_NS 50000000u
#define LOOK_SHARE 100u      /* of a processor's time, looks take one in so many at the most */
#define LOOK_CLOCK_SHARE 20u /* by the clock, which goes on while the collector waits */

struct trace;
struct image;

/* Zeroed: none was taken. */
struct looks {
    uint64_t count, spent_ns;
    uint64_t first_ns, last_ns; /* the first and the last one, as they began */
    uint64_t end_ns;            /* when the last one had wiped the marks */
    uint64_t next_ns;           /* not before; 0: there was no big block yet */
    bool refused;               /* there will be none: a warning says why */
};

/* Takes a look at each process that has big blocks and is due for one. */
void looks_take(struct trace *trace);

/* The mean time from one look to the next; 0: there were no two. */
uint64_t looks_pace(const struct looks *looks);

/* Why a process cannot be looked at: NULL when it can. For holdfast doctor, too. */
const char *looks_refusal(uint32_t pid);

#endif
