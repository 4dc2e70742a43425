/* Memory files that are shared with programs. */
#ifndef HOLDFAST_COLLECTOR_MEMFD_H
#define HOLDFAST_COLLECTOR_MEMFD_H

#include <stddef.h>

/* A memfd whose size nobody can change: a program cannot make our own accesses fault. It is mapped
 * unless `pages` is NULL. -1 with errno set. */
int memfd_sealed(const char *name, size_t size, void **pages);

#endif
