/* The graph around one holder, for tools that draw DOT. */
#include "held.h"

bool report_dot(const struct profile *profile, const struct report_options *options, FILE *out,
                struct profile_error *error) {
    struct findings *findings = held_open(profile, options, held_process(profile, options));
    bool good = false;
    error->text[0] = 0;
    if (!findings)
        snprintf(error->text, sizeof error->text,
                 "--holder %u: the profile has no references of this program", options->holder);
    else if (!findings->graph)
        snprintf(error->text, sizeof error->text, "--holder %u: the references cannot be read: %s",
                 options->holder, findings->why);
    else if (findings->count == 0)
        snprintf(error->text, sizeof error->text, "--holder %u: no holder was found",
                 options->holder);
    else if (options->holder < 1 || options->holder > findings->count)
        snprintf(error->text, sizeof error->text,
                 "--holder %u: holders are numbered from 1 to %u here", options->holder,
                 findings->count);
    else
        good = findings_dot(findings, options->holder - 1, out);
    held_close(options, findings);
    return good && !ferror(out);
}
