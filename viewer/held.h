/* The findings that a report shows, and what is the same in all forms of report. */
#ifndef HOLDFAST_VIEWER_HELD_H
#define HOLDFAST_VIEWER_HELD_H

#include "holders.h"
#include "model.h"
#include "report.h"

#define HELD_NONE 0xffffffffu

/* As --snapshot calls it: as the user called it, "ceiling", or "" for those taken at a peak. */
const char *held_snapshot_name(const struct profile *profile,
                               const struct profile_snapshot *snapshot);

/* The process whose holders a report of `options->process` tells: that one, or of a tree the one
 * that had most at the tree's peak, among those with a snapshot. HELD_NONE when there is none. */
uint32_t held_process(const struct profile *profile, const struct report_options *options);

/* The findings to show for a process; NULL when it has no such snapshot, or memory ran out. */
struct findings *held_open(const struct profile *profile, const struct report_options *options,
                           uint32_t process);
void held_close(const struct report_options *options, struct findings *findings);

/* The command itself had not ended when the profile was written: nothing is known of its end. */
bool held_is_running(const struct profile *profile);

/* What a snapshot explains: live bytes, and those that were about to be. */
uint64_t held_bytes(uint64_t live, uint64_t pending);

/* The process's peak, for which the findings say what it would have been. */
uint64_t held_peak(const struct profile *profile, const struct findings *findings);

/* What the peak would have been; the peak itself where nothing is saved. */
struct peak_without held_if_released(const struct profile *profile,
                                     const struct findings *findings);
struct peak_without holder_if_released(const struct holder *holder, uint64_t peak);

/* Not more than a hundredth below: told as one figure. */
bool held_is_near(uint64_t bytes, uint64_t other);

/* The holders' numbers, the most telling first: what is dead or garbage and big, then by size. To
 * be freed by the caller; NULL when memory ran out. */
uint32_t *held_order(const struct findings *findings, uint64_t peak);

/* The frame that stands for a stack: the innermost one of the user's, or the innermost. Its kind is
 * FRAME_NONE when nothing is known; it has no source. */
struct model_frame held_place(const struct profile *profile, uint32_t node);

/* One node's frame, without its source. */
struct model_frame held_frame(const struct profile *profile, uint32_t node);

#endif
