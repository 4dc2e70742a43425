/* How long big blocks lay untouched: the rows of profile.drags, merged by what they have in common.
 */
#ifndef HOLDFAST_VIEWER_DRAGS_H
#define HOLDFAST_VIEWER_DRAGS_H

#include "../wire/profile.h"

struct drags_row {
    struct profile_drag sums;     /* its process, node and kind are those of the biggest part */
    uint32_t function, line, key; /* private: rows with the same are one */
};

struct drags {
    struct drags_row *rows; /* those that waste most first */
    uint32_t count;
    struct profile_drag sums;
    bool followed; /* it is known of all processes that it is about */
    uint64_t looks, pace_ns, look_ns, left_out;
};

enum drags_by { DRAGS_BY_STACK, DRAGS_BY_PLACE };

/* Of `process` (an index), or of all (PROFILE_TREE). False when memory ran out; to be released in
 * any case. */
bool drags_open(struct drags *list, const struct profile *profile, uint32_t process,
                enum drags_by by);
void drags_release(struct drags *list);

/* Byte-seconds in which its blocks were not needed: before they were touched for the first time,
 * after the last one, and all of those that never were. */
uint64_t drags_waste(const struct profile_drag *sums);
/* All byte-seconds, also those of which nobody knows. */
uint64_t drags_lived(const struct profile_drag *sums);

/* "lag", "use", ...: by enum profile_phase. */
extern const char *const drags_phase_names[PROFILE_PHASES];

#endif
