/* Gives any profile that profile_decode accepts to the exports, and to diff, beside itself and
 * beside nothing.
 *
 * The input is a profile's unpacked sections. What cannot be read is not this one's business: see
 * fuzz_profile.
 */
#include "viewer/diff/diff.h"
#include "viewer/exports.h"
#include "viewer/report.h"
#include "wire/profile_format.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good) {
    if (!good)
        abort();
}

static void export_all(const struct profile *profile, FILE *nowhere) {
    const struct report_options options = {.process = PROFILE_TREE};
    check(report_collapsed(profile, &options, nowhere));
    check(export_csv(profile, &options, nowhere));
    check(export_massif(profile, &options, nowhere));
    check(export_pprof(profile, &options, nowhere));
    check(export_speedscope(profile, &options, nowhere));
    check(export_trace(profile, &options, nowhere));
}

static void compare(const struct profile *before, const struct profile *after, FILE *nowhere) {
    const struct diff_options options = {
        .files = {"before", "after"}, .limit = DIFF_NO_LIMIT, .width = 100};
    struct diff *diff = diff_build(before, after);
    check(diff && diff_is_valid(diff));
    check(before != after || diff->difference == 0);
    check(diff_text(diff, &options, nowhere) && diff_json(diff, &options, nowhere));
    diff_free(diff);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static char empty[1];
    static char *strings[] = {empty};
    static struct profile_node node;
    static struct profile_function function;
    const struct profile nothing = {.strings = strings,
                                    .string_count = 1,
                                    .nodes = &node,
                                    .node_count = 1,
                                    .functions = &function,
                                    .function_count = 1};
    struct profile_error error;
    struct profile *profile = profile_decode(data, size, PROFILE_SMALL_CONTENT, &error);
    FILE *nowhere = profile ? fopen("/dev/null", "w") : NULL;
    if (nowhere) {
        export_all(profile, nowhere);
        compare(profile, profile, nowhere);
        compare(&nothing, profile, nowhere);
        fclose(nowhere);
    }
    profile_free(profile);
    return 0;
}
