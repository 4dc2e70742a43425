/* A profile's stacks by their Python frames alone, whichever frames it shows (views.h). What is
 * compared with the frames of a heap graph, which has none of native code, is the same in all
 * views.
 */
#ifndef HOLDFAST_VIEWER_PYTHON_STACKS_H
#define HOLDFAST_VIEWER_PYTHON_STACKS_H

#include "wire/profile.h"

struct python_stacks {
    uint32_t *of;     /* by node of the profile */
    uint32_t *parent; /* by what `of` says, as `depth` */
    uint32_t *depth;  /* frames */
    uint32_t count;
};

/* False when memory ran out; to be released in any case. */
bool python_stacks_open(struct python_stacks *stacks, const struct profile *profile);
void python_stacks_release(struct python_stacks *stacks);

#endif
