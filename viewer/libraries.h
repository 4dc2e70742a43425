/* A peak by the libraries that its memory was taken in, of a profile with native stacks: each site
 * belongs to its innermost frame that is not of the C or C++ library. What Python itself took, or
 * what has no native frame, is Python's.
 */
#ifndef HOLDFAST_VIEWER_LIBRARIES_H
#define HOLDFAST_VIEWER_LIBRARIES_H

#include "wire/profile.h"

/* Sums up each process's peak, and the tree's. Of a profile as it was read, before a view is taken.
 * False when memory ran out. */
bool libraries_find(struct profile *profile);

/* Those of a process, or of the tree (PROFILE_TREE), the biggest first: rows of profile.libraries.
 */
const struct profile_library *libraries_of(const struct profile *profile, uint32_t process,
                                           uint32_t *count);

/* The file of machine code is the interpreter's. */
bool module_is_interpreter(const char *path);

/* ... is libc's. */
bool module_is_libc(const char *path);

#endif
