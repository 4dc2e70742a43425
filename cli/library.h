/* Where the injected library is, and how the loader is told so. */
#ifndef HOLDFAST_CLI_LIBRARY_H
#define HOLDFAST_CLI_LIBRARY_H

#include <limits.h>
#include <stdbool.h>

/* Finds libholdfast.so: in the build tree, below the prefix that this executable is in (which may
 * have been moved), or where it was to be installed. False when it is nowhere. */
bool library_find(char library[PATH_MAX]);

/* Gives a name of the library that LD_PRELOAD can hold, which separates names by spaces and colons
 * and expands dollars: its path, or else a link in /tmp. That is never removed, since nobody can
 * tell when the last process that has the name in its environment starts another. False, with
 * errno, when no link can be made. */
bool library_name(char name[PATH_MAX], const char *library);

#endif
