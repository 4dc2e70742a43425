/* What /proc tells about a process. */
#ifndef HOLDFAST_COLLECTOR_PROCFS_H
#define HOLDFAST_COLLECTOR_PROCFS_H

#include "trace.h"

/* Fills the image's command, working directory, parent's pid, and opens its memory statistics. */
void procfs_describe(struct image *image);

/* Takes samples of resident memory that are due. */
void procfs_sample(struct trace *trace);

#endif
