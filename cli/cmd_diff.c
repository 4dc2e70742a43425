/* holdfast diff: two profiles side by side. */
#include "command.h"
#include "target.h"
#include "viewer/diff/diff.h"
#include "viewer/report.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_LIMIT 10u /* of the text */

static const struct option_row rows[] = {
    {.key = 'f',
     .name = "format",
     .value = "FORMAT",
     .completes = COMPLETES_CHOICE,
     .help = "text (the default): what changed most, on a screen\n"
             "json: everything, for programs (docs/diff-json.md)"},
    {.key = 'o',
     .name = "output",
     .value = "OUT",
     .completes = COMPLETES_FILE,
     .help = "write there and not to the standard output; a name that ends in .json\n"
             "says the format, too"},
    {.key = 'n',
     .name = "limit",
     .value = "N",
     .help = "at most N entries of each list; 0: all. The text's default is 10, and\n"
             "the JSON's all"},
    {0}};

struct request {
    const char *files[2], *output;
    bool json, format_given;
    long limit; /* -1: not given */
};

static bool set_format(struct request *request, const char *name) {
    request->json = strcmp(name, "json") == 0;
    request->format_given = true;
    if (request->json || strcmp(name, "text") == 0)
        return true;
    if (strcmp(name, "html") == 0)
        fputs("holdfast: there is no page of a diff yet: text and json are known\n", stderr);
    else
        fprintf(stderr, "holdfast: unknown format '%s': text and json are known\n", name);
    return false;
}

static bool set_limit(struct request *request, const char *text) {
    char *end;
    errno = 0;
    request->limit = strtol(text, &end, 10);
    if (errno == 0 && end != text && *end == 0 && request->limit >= 0 &&
        request->limit < DIFF_NO_LIMIT)
        return true;
    fprintf(stderr, "holdfast: --limit needs a number from 0, not '%s'\n", text);
    return false;
}

static bool take_option(void *context, int key, const char *value) {
    struct request *request = context;
    switch (key) {
    case 'f':
        return set_format(request, value);
    case 'n':
        return set_limit(request, value);
    default:
        request->output = value;
        return true;
    }
}

static bool ends_in(const char *name, const char *ending) {
    size_t length = strlen(name), size = strlen(ending);
    return length > size && strcmp(name + length - size, ending) == 0;
}

/* Without --format the output's name says what to write. */
static bool settle(struct request *request) {
    const char *output = request->output;
    if (output && !request->format_given && (ends_in(output, ".html") || ends_in(output, ".htm")))
        return set_format(request, "html");
    if (output && !request->format_given)
        request->json = ends_in(output, ".json");
    for (int i = 0; i < 2; i++)
        if (target_is_input(output, request->files[i])) {
            fprintf(stderr, "holdfast: --output %s is a profile to be compared\n", output);
            return false;
        }
    return true;
}

/* -1: go on; otherwise the exit status. */
static int read_options(int argc, char **argv, struct request *request) {
    int status = options_read(&command_diff, argc, argv, take_option, request);
    if (status >= 0)
        return status;
    if (optind + 2 != argc) {
        fprintf(stderr, "holdfast: %s: holdfast diff BEFORE AFTER\n",
                argc - optind < 2 ? "which two profiles" : "two profiles, not more");
        return EXIT_MISUSE;
    }
    request->files[0] = argv[optind];
    request->files[1] = argv[optind + 1];
    return settle(request) ? -1 : EXIT_MISUSE;
}

static uint32_t limit_of(const struct request *request) {
    if (request->limit > 0)
        return (uint32_t)request->limit;
    return request->json || request->limit == 0 ? DIFF_NO_LIMIT : DEFAULT_LIMIT;
}

static bool write_diff(const struct request *request, const struct diff *diff) {
    const struct diff_options options = {.files = {request->files[0], request->files[1]},
                                         .limit = limit_of(request),
                                         .width = report_width(stdout)};
    struct target target;
    if (!target_open(&target, request->output))
        return false;
    return target_close(&target, request->json ? diff_json(diff, &options, target.file)
                                               : diff_text(diff, &options, target.file));
}

static struct profile *read_profile(const char *file) {
    struct profile_error error;
    struct profile *profile = profile_read(file, &error);
    if (!profile)
        fprintf(stderr, "holdfast: %s\n", error.text);
    return profile;
}

static int compare(const struct request *request) {
    struct profile *before = read_profile(request->files[0]);
    struct profile *after = before ? read_profile(request->files[1]) : NULL;
    int status = EXIT_MISUSE;
    if (after) {
        struct diff *diff = diff_build(before, after);
        if (!diff)
            fputs("holdfast: out of memory\n", stderr);
        status = diff && write_diff(request, diff) ? 0 : 1;
        diff_free(diff);
        profile_free(after);
    }
    if (before)
        profile_free(before);
    return status;
}

static int diff_main(int argc, char **argv) {
    struct request request = {.limit = -1};
    int status = read_options(argc, argv, &request);
    return status >= 0 ? status : compare(&request);
}

const struct command command_diff = {
    .name = "diff",
    .summary = "compare two profiles: what grew, shrank, is new or gone",
    .usage = "[options] BEFORE AFTER",
    .about =
        "Compare the peaks of two profiles: which places in the program hold more or less, and "
        "what\nis held that was not before. Lines may have moved in between.\n",
    .options = rows,
    .operand_completes = COMPLETES_PROFILE,
    .main = diff_main,
};
