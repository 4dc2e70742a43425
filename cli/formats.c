/* See formats.h. */
#include "formats.h"

#include "viewer/exports.h"

#include <string.h>

#define FORMAT_COUNT (sizeof formats / sizeof *formats)

/* The first of them is the default. */
static const struct format formats[] = {
    /* clang-format off */
    {"text", {".txt"}, report_text, false},
    {"html", {".html", ".htm"}, report_page, false},
    {"json", {".json"}, report_json, false},
    {"dot", {".dot", ".gv"}, NULL, false},
    {"collapsed", {".collapsed", ".folded"}, report_collapsed, false},
    {"csv", {".csv"}, export_csv, false},
    {"massif", {".massif"}, export_massif, false},
    {"pprof", {".pb.gz", ".pprof"}, export_pprof, true},
    {"speedscope", {".speedscope.json", ".speedscope"}, export_speedscope, false},
    {"trace", {".trace.json", ".trace"}, export_trace, false},
    {"perfetto", {NULL}, export_trace, false},
    /* clang-format on */
};

const struct format *formats_default(void) {
    return &formats[0];
}

const struct format *formats_find(const char *name) {
    for (size_t i = 0; i < FORMAT_COUNT; i++)
        if (strcmp(name, formats[i].name) == 0)
            return &formats[i];
    return NULL;
}

/* How much of the file's name the format's ending is; 0 when it has another. */
static size_t ending_length(const struct format *format, const char *file) {
    size_t length = strlen(file);
    for (unsigned i = 0; i < FORMAT_ENDINGS && format->endings[i]; i++) {
        size_t ending = strlen(format->endings[i]);
        if (length > ending && strcmp(file + length - ending, format->endings[i]) == 0)
            return ending;
    }
    return 0;
}

/* Of several endings that fit the longest one counts, as that of name.trace.json. */
const struct format *formats_for_file(const char *file) {
    const struct format *best = NULL;
    size_t longest = 0;
    for (size_t i = 0; i < FORMAT_COUNT; i++) {
        size_t length = ending_length(&formats[i], file);
        if (length <= longest)
            continue;
        longest = length;
        best = &formats[i];
    }
    return best;
}

void formats_put_names(FILE *out) {
    for (size_t i = 0; i < FORMAT_COUNT; i++)
        fprintf(out, "%s%s", i == 0 ? "" : i + 1 < FORMAT_COUNT ? ", " : " and ", formats[i].name);
}
