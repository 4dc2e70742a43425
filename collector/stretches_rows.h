/* What is kept of the program's stretches once they have ended. */
#ifndef HOLDFAST_COLLECTOR_STRETCHES_ROWS_H
#define HOLDFAST_COLLECTOR_STRETCHES_ROWS_H

#include "stretches.h"

/* The row of a name inside a parent (row + 1, or 0). INDEX_NONE when memory ran out. */
uint32_t stretches_row(struct stretches *stretches, uint32_t parent, const char *name,
                       size_t name_size);

/* Takes over the figures of the stretch in this place, which is about to end, and tells them to the
 * program. */
void stretches_take(struct trace *trace, struct image *image, uint32_t place, bool closed);

#endif
