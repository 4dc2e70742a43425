/* The reports: a profile as text, JSON, collapsed stacks or a page; and the graph around a holder.
 */
#ifndef HOLDFAST_VIEWER_REPORT_H
#define HOLDFAST_VIEWER_REPORT_H

#include "views.h"

struct findings;

enum report_view {
    REPORT_PEAK,      /* what was live at it, and what held it */
    REPORT_LIFETIMES, /* the whole run: how long blocks lived, and how they ended */
    REPORT_LEAKS,     /* what was live at the end of the run, or of a region */
    REPORT_TEMPORARY, /* what was allocated, and given back again */
    REPORT_DRAG,      /* how long big blocks lay untouched */
};

struct report_options {
    uint32_t process;     /* index into profile.processes, or PROFILE_TREE */
    unsigned width;       /* text: columns */
    unsigned lines;       /* text: about so many lines at most */
    const char *snapshot; /* holders as this one has them, by name; NULL: as the one has them that
                             explains a process's peak best */
    const char *region;   /* what the profile has been narrowed to (region_view.h); NULL: nothing */
    /* With `region`: its row of the whole profile, where it is known what lay untouched in it. */
    const struct profile_region *region_drag;
    bool holding;    /* with what all that was live is held by, for the page */
    uint32_t holder; /* dot: which one, from 1, as the reports number them */
    enum view view;  /* page: the frames that it shows first, of a profile that has them all */
    enum report_view about; /* text: what it is about; the other forms have all */
    /* Findings to show in place of the profile's own, for each process one or NULL; for tests. */
    struct findings *const *findings;
    /* Room for the findings of each process, NULL at first: what one report looked for is kept for
     * the next one; to be freed by whoever made it. NULL: nothing is kept. Not with `snapshot`. */
    struct findings **kept;
};

#define REPORT_WIDTH 110u
#define REPORT_LINES 36u
#define REPORT_BRIEF_LINES 19u

/* Columns of the terminal that `out` is, or REPORT_WIDTH. */
unsigned report_width(FILE *out);

/* Each writes one report to `out`. False when memory ran out or `out` cannot take it. */
bool report_text(const struct profile *profile, const struct report_options *options, FILE *out);
bool report_turnover(const struct profile *profile, const struct report_options *options,
                     FILE *out);
bool report_brief(const struct profile *profile, const struct report_options *options, FILE *out);
bool report_json(const struct profile *profile, const struct report_options *options, FILE *out);
bool report_collapsed(const struct profile *profile, const struct report_options *options,
                      FILE *out);
bool report_page(const struct profile *profile, const struct report_options *options, FILE *out);

/* As DOT, the graph of references around one holder. False too when there is none of that number,
 * with `error` set to what the user should be told; it is empty when it is as above. */
bool report_dot(const struct profile *profile, const struct report_options *options, FILE *out,
                struct profile_error *error);

/* Whether a process that the report is about has a snapshot of this name. */
bool report_has_snapshot(const struct profile *profile, uint32_t process, const char *name);

/* The names of those that it has, quoted and joined by ", "; at most ten. */
void report_put_snapshot_names(const struct profile *profile, uint32_t process, FILE *out);

/* The text of the profile in `path`, short enough for the end of a run (at most 20 lines), which
 * ends with where the profile is, and where the page: that is written to `page`, unless it is NULL.
 * 0, or EXIT_MISUSE's value after one line that says why the profile cannot be read. */
int report_summary(const char *path, const char *page, FILE *out);

#endif
