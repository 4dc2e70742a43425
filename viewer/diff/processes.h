/* Which process of one run is which of another: children of the same process by their commands, and
 * the first ones of both runs in any case.
 */
#ifndef HOLDFAST_VIEWER_DIFF_PROCESSES_H
#define HOLDFAST_VIEWER_DIFF_PROCESSES_H

#include "pairs.h"
#include "wire/profile.h"

/* By index into profile.processes. False when memory ran out; to be released in any case. */
bool processes_match(const struct profile *const profiles[2], struct pairs *pairs);

/* A command without what differs from run to run: directories of the program and of its script,
 * and all numbers. */
uint64_t processes_command_shape(const struct profile *profile,
                                 const struct profile_process *process);

#endif
