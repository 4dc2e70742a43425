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

static bool write_page(const struct profile *profile, const struct report_options *options,
                       const char *page, FILE *out) {
    FILE *file = fopen(page, "we");
    bool good = file && report_page(profile, options, file);
    int problem = errno;
    if (file && fclose(file) != 0) {
        problem = errno;
        good = false;
    }
    if (good)
        return true;
    put_word(out, "holdfast: no page was written: ", page);
    fprintf(out, ": %s\n", strerror(problem));
    return false;
}

static bool put_reports(const struct profile *profile, const char *path, const char *page,
                        const struct report_options *options, FILE *out) {
    bool good = report_brief(profile, options, out);
    if (!good)
        fputs("holdfast: out of memory for the summary\n", out);
    bool written = page && write_page(profile, options, page, out);
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
    struct profile *profile = view_read(path, &error);
    if (!profile) {
        fprintf(out, "holdfast: %s\n", error.text);
        return 2;
    }
    struct findings **kept = calloc((size_t)profile->process_count + 1, sizeof *kept);
    const struct report_options options = {.process = PROFILE_TREE,
                                           .width = report_width(out),
                                           .lines = REPORT_BRIEF_LINES,
                                           .holding = page != NULL,
                                           .kept = kept};
    bool good = put_reports(profile, path, page, &options, out);
    for (uint32_t i = 0; kept && i < profile->process_count; i++)
        findings_free(kept[i]);
    free(kept);
    profile_free(profile);
    return good ? 0 : 2;
}
