/* The reports: a profile as text, JSON, collapsed stacks or a page. */
#ifndef HOLDFAST_VIEWER_REPORT_H
#define HOLDFAST_VIEWER_REPORT_H

#include "wire/profile.h"

struct report_options {
    uint32_t process; /* index into profile.processes, or PROFILE_TREE */
    unsigned width;   /* text: columns */
    unsigned lines;   /* text: about so many lines at most */
};

#define REPORT_WIDTH 100u
#define REPORT_LINES 36u

/* Each writes one report to `out`. False when memory ran out or `out` cannot take it. */
bool report_text(const struct profile *profile, const struct report_options *options, FILE *out);
bool report_json(const struct profile *profile, const struct report_options *options, FILE *out);
bool report_collapsed(const struct profile *profile, const struct report_options *options,
                      FILE *out);
bool report_page(const struct profile *profile, const struct report_options *options, FILE *out);

/* The text of the profile in `path`, short enough for the end of a run (at most 20 lines), followed
 * by how to see more. 0, or EXIT_MISUSE's value after one line that says why it cannot be read. */
int report_summary(const char *path, FILE *out);

#endif
