/* Ways out for a local that is dead. */
#ifndef HOLDFAST_VIEWER_ADVICE_H
#define HOLDFAST_VIEWER_ADVICE_H

#include "viewer/holders/paths.h"

#define ADVICE_MAX 5u

/* For the local that `path` begins with: texts, best first, and what to mind. Returns how many. */
uint32_t advice_find(const struct heap *heap, const struct path *path,
                     const char *advice[ADVICE_MAX]);

#endif
