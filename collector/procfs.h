/* What /proc tells about a process. */
#ifndef HOLDFAST_COLLECTOR_PROCFS_H
#define HOLDFAST_COLLECTOR_PROCFS_H

#include "trace.h"

/* A file of a process: a descriptor, or -1 and errno. `flags` as open() takes them. */
int procfs_open(uint32_t pid, const char *name, int flags);

/* The same of a process that is followed: ESRCH once that has ended, whoever has its number then.
 */
int procfs_open_image(const struct image *image, const char *name, int flags);

/* Fills the image's command, working directory, parent's pid, and opens its memory statistics. */
void procfs_describe(struct image *image);

/* How many filters on system calls a process runs under; before Linux 5.9, whether it does. */
uint32_t procfs_filters(uint32_t pid);

/* Takes samples of resident memory that are due. */
void procfs_sample(struct trace *trace);

#endif
