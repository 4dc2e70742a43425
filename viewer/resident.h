/* What a process's resident memory was made of near its peak, in parts that add up to it.
 */
#ifndef HOLDFAST_VIEWER_RESIDENT_H
#define HOLDFAST_VIEWER_RESIDENT_H

#include "wire/profile.h"

enum resident_part {
    RESIDENT_TRACED,
    RESIDENT_ARENAS, /* free in Python's arenas: at least so much */
    RESIDENT_STACKS,
    RESIDENT_DATA,
    RESIDENT_FILES,
    RESIDENT_SHARED,
    RESIDENT_REST, /* below 0: more was asked for than was written to */
    RESIDENT_PARTS
};

/* As the JSON report calls them, and as a person would. */
extern const char *const resident_keys[RESIDENT_PARTS];
extern const char *const resident_names[RESIDENT_PARTS];

struct resident_sum {
    uint64_t bytes;
    int64_t parts[RESIDENT_PARTS]; /* RESIDENT_TRACED: when it was looked at */
    uint64_t peak;                 /* traced bytes at the peak that it is to explain */
    uint32_t looked, processes;    /* at so many of those that had anything then */
    bool near;                     /* looks were near it: what they saw is about the peak */
};

/* Of all processes that had anything at the tree's peak and were looked at, each near its own peak
 * as it was looked at. What they share is in the sum of each. Near the tree's peak it is only if
 * all were looked at near their own peaks, and these were about then. False when there is no look.
 */
bool resident_of_tree(const struct profile *profile, struct resident_sum *sum);

/* At the look nearest to the process's peak; false when there was none. */
bool resident_of(const struct profile *profile, uint32_t process, struct resident_sum *sum);

#endif
