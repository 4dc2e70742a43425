/* holdfast diff: two profiles side by side. */
#include "command.h"
#include "target.h"
#include "viewer/diff/diff.h"
#include "viewer/report.h"
#include "viewer/views.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_LIMIT 10u
#define PAGE_LIMIT 5000u /* keeps a page below 5 MB */

static const struct option_row rows[] = {
    {.key = 'f',
     .name = "format",
     .value = "FORMAT",
     .completes = COMPLETES_CHOICE,
     .help = "text (the default): what changed most, on a screen\n"
             "html: a page with a graph, tables and holders\n"
             "json: everything, for programs (docs/diff-json.md)"},
    {.key = 'o',
     .name = "output",
     .value = "OUT",
     .completes = COMPLETES_FILE,
     .help = "write there and not to the standard output; a name that ends in .html\n"
             "or .json says the format, too"},
    {.key = 'n',
     .name = "limit",
     .value = "N",
     .help = "at most N entries of each list; 0: all. The text's default is 10,\n"
             "the page's 5000, and the JSON's all"},
    {0}};

typedef bool (*diff_writer)(const struct diff *, const struct diff_options *, FILE *);

struct form {
    const char *name;
    const char *endings[2]; /* of a file's name; NULL: none */
    diff_writer write;
    uint32_t limit; /* unless one is given */
};

static const struct form forms[] = {
    {"text", {NULL, NULL}, diff_text, TEXT_LIMIT}, /* the default */
    {"html", {".html", ".htm"}, diff_page, PAGE_LIMIT},
    {"json", {".json", NULL}, diff_json, DIFF_NO_LIMIT},
};

#define FORMS (sizeof forms / sizeof *forms)

struct request {
    const char *files[2], *output;
    const struct form *form; /* NULL: not given */
    long limit;              /* -1: not given */
};

static bool set_format(struct request *request, const char *name) {
    request->form = NULL;
    for (size_t i = 0; i < FORMS; i++)
        if (strcmp(name, forms[i].name) == 0)
            request->form = &forms[i];
    if (!request->form)
        fprintf(stderr, "holdfast: unknown format '%s': text, html and json are known\n", name);
    return request->form;
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

static const struct form *form_of_name(const char *output) {
    for (size_t i = 0; output && i < FORMS; i++)
        for (size_t j = 0; j < 2 && forms[i].endings[j]; j++)
            if (ends_in(output, forms[i].endings[j]))
                return &forms[i];
    return &forms[0];
}

static bool settle(struct request *request) {
    if (!request->form)
        request->form = form_of_name(request->output);
    for (int i = 0; i < 2; i++)
        if (target_is_input(request->output, request->files[i])) {
            fprintf(stderr, "holdfast: --output %s is a profile to be compared\n", request->output);
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
    return request->limit == 0 ? DIFF_NO_LIMIT : request->form->limit;
}

static bool write_diff(const struct request *request, const struct diff *diff) {
    const struct diff_options options = {.files = {request->files[0], request->files[1]},
                                         .limit = limit_of(request),
                                         .width = report_width(stdout)};
    struct target target;
    if (!target_open(&target, request->output))
        return false;
    return target_close(&target, request->form->write(diff, &options, target.file));
}

static struct profile *read_profile(const char *file) {
    struct profile_error error;
    struct profile *profile = view_read(file, &error);
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
