/* A baseline: what jobs were known to hold, in a small file that is made to be committed.
 *
 * It has no addresses, times, or names of machines, is sorted, and has rounded sizes. Writing it
 * again after a run that did the same leaves it as it is: a size that is nearly the old one stays
 * the old one.
 */
#ifndef HOLDFAST_VIEWER_CHECK_BASELINE_H
#define HOLDFAST_VIEWER_CHECK_BASELINE_H

#include "check.h"

/* To be given back with json_decref. An empty one when there is no such file. NULL with `error`
 * set. */
json_t *baseline_read(const char *path, struct profile_error *error);

/* NULL when it does not have the job. */
const json_t *baseline_job(const json_t *baseline, const char *job);
uint64_t baseline_peak(const json_t *job);
/* "3.12", or "" */
const char *baseline_python(const json_t *job);
/* Of a run: "3.12"; "" when no process was Python's. */
struct number baseline_python_of(const struct profile *profile);

/* Puts what the check has seen in place of the job. False when memory ran out. */
bool baseline_update(json_t *baseline, const struct check *check);

/* Until it is unlocked, nobody else has the baselines of that directory locked. Where that cannot
 * be had it goes on without. */
int baseline_lock(const char *path);
void baseline_unlock(int lock);

/* The old file stays whole until the new one is there. False with errno set. */
bool baseline_write(const json_t *baseline, const char *path);

#endif
