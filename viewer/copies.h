/* What the reports say of buffers with the same content (holders/copies.c). */
#ifndef HOLDFAST_VIEWER_COPIES_REPORT_H
#define HOLDFAST_VIEWER_COPIES_REPORT_H

#include "holders.h"

#include <stdio.h>

/* Sets that save less than this part of the peak are told in the JSON report alone. */
#define COPIES_TELLING_PART 100u

/* "2 equal copies of 64.0 MiB", "3 copies of parts of 1.00 GiB"; in `size` bytes. */
void copies_title(const struct copies *copies, char *text, size_t size);

/* All big buffers were looked at. */
bool copies_complete(const struct findings *findings);

/* How many of the first sets are worth telling. */
uint32_t copies_told(const struct findings *findings, uint64_t peak);

#endif
