/* What is kept of the program's stretches once they have ended. */
#ifndef HOLDFAST_COLLECTOR_STRETCHES_ROWS_H
#define HOLDFAST_COLLECTOR_STRETCHES_ROWS_H

#include "stretches.h"

/* The row of a name inside a parent (row + 1, or 0). INDEX_NONE when there are STRETCH_ROWS_MAX, or
 * memory ran out. */
uint32_t stretches_row(struct stretches *stretches, uint32_t parent, const char *name,
                       size_t name_size);

/* Takes over the figures of the stretch in this place, which is about to end, and tells them to the
 * program. */
void stretches_take(struct trace *trace, struct image *image, uint32_t place, bool closed);

/* Tells the program that there are no figures of one that was left out, unless they are there. */
void stretches_tell_left_out(struct image *image, uint32_t number);

/* Tells the program that one more of its ends has been processed, whatever came of it. */
void stretches_tell_ended(const struct image *image);

/* A row takes over the stretch's snapshots, where they have more than its own. */
void stretches_take_snapshot(const struct image *image, const struct stretch *stretch,
                             struct stretch_row *row);

/* After that: they are kept, unless the peaks of all rows that have some are higher. */
void stretches_keep_snapshot(struct stretches *stretches, uint32_t row);

/* The thread that a stack belongs to; STRETCH_EVERYBODY when it is not known. */
int64_t stretches_thread_of(const struct stacks *stacks, uint32_t node);

/* The rows as if all that is open ended now, without ending it. NULL when memory ran out. Names,
 * and sites that are the same, are still those of `stretches`. */
struct stretch_row *stretches_rows_now(struct trace *trace, struct image *image);
void stretches_rows_free(const struct stretches *stretches, struct stretch_row *rows);

#endif
