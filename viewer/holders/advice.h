/* Ways out for a local that is dead. */
#ifndef HOLDFAST_VIEWER_ADVICE_H
#define HOLDFAST_VIEWER_ADVICE_H

#include "viewer/holders/cuts.h"

#define ADVICE_MAX (CUTS_TOLD + 2)

/* For the local that `path` begins with: texts, best first, and what to mind. Where other dead
 * references keep the same object, what has to be done about each of them. Returns how many. */
uint32_t advice_find(const struct heap *heap, const struct path *path, const struct cuts *cuts,
                     const char *advice[ADVICE_MAX]);

#endif
