/* The end of a run: a short text for the terminal, and the page beside the profile. Both are made
 * from one reading, since looking for holders is most of the work.
 */
#include "format.h"
#include "held.h"
#include "views.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void put_word(FILE *out, const char *before, const char *word) {
    fputs(before, out);
    format_word(out, word);
}

/* Returns 0, or what went wrong. */
static int write_page(const struct profile *profile, const struct report_options *options,
                      const char *page) {
    FILE *file = fopen(page, "we");
    bool good = file && report_page(profile, options, file);
    int problem = good ? 0 : errno ? errno : EIO;
    return file && fclose(file) != 0 ? errno : problem;
}

/* The page has all frames, the text those of Python alone: what was found is told of these. */
static bool narrow(struct profile *profile, struct findings *const *kept) {
    uint32_t *maps[2];
    bool good = view_take_mapped(profile, VIEW_PYTHON, maps);
    for (uint32_t i = 0; good && maps[0] && maps[1] && i < profile->process_count; i++)
        if (kept[i])
            findings_move(kept[i], maps[(profile->processes[i].flags & PROCESS_PYTHON) != 0]);
    free(maps[0]);
    free(maps[1]);
    return good;
}

static bool put_reports(struct profile *profile, const char *path, const char *page,
                        const struct report_options *options, FILE *out) {
    int problem = page ? write_page(profile, options, page) : 0;
    bool good = narrow(profile, options->kept) && report_brief(profile, options, out);
    if (!good)
        fputs("holdfast: out of memory for the summary\n", out);
    bool written = page && problem == 0;
    if (problem != 0) {
        put_word(out, "holdfast: no page was written: ", page);
        fprintf(out, ": %s\n", strerror(problem));
    }
    put_word(out, "  profile: ", path);
    if (written)
        put_word(out, "; page: ", page);
    else
        put_word(out, "; see more with: holdfast report --format html ", path);
    fputc('\n', out);
    return good;
}

int report_summary(const char *path, const char *page, FILE *out) {
    struct profile_error error;
    struct profile *profile = profile_read(path, &error);
    if (!profile || !view_take(profile, page ? VIEW_ALL : VIEW_PYTHON)) {
        fprintf(out, "holdfast: %s\n", profile ? "out of memory" : error.text);
        profile_free(profile);
        return 2;
    }
    struct findings **kept = calloc((size_t)profile->process_count + 1, sizeof *kept);
    const struct report_options options = {.process = PROFILE_TREE,
                                           .width = report_width(out),
                                           .lines = REPORT_BRIEF_LINES,
                                           .holding = page != NULL,
                                           .kept = kept};
    bool good = kept && put_reports(profile, path, page, &options, out);
    for (uint32_t i = 0; kept && i < profile->process_count; i++)
        findings_free(kept[i]);
    free(kept);
    profile_free(profile);
    return good ? 0 : 2;
}
