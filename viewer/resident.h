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
    int64_t parts[RESIDENT_PARTS];
};

/* Of all processes that had anything at the tree's peak. False unless the own peak of each was
 * about then, and was looked at. What they share is in the sum of each. */
bool resident_of_tree(const struct profile *profile, struct resident_sum *sum);

/* False when it was not looked at near the process's peak. */
bool resident_of(const struct profile *profile, uint32_t process, struct resident_sum *sum);

#endif
