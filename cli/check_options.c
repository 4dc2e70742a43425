/* See check_options.h: ceilings and tolerances as users write them. */
#include "check_options.h"

#include "size.h"
#include "viewer/format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PERCENT_MAX 1000000u /* no larger one makes sense */
#define SUBJECT_WIDTH 100u

/* NULL: there is none. */
static const struct ceiling *find(const struct check_options *options, enum ceiling_kind kind,
                                  const char *subject) {
    for (uint32_t i = 0; i < options->ceiling_count; i++)
        if (options->ceilings[i].kind == kind && strcmp(options->ceilings[i].subject, subject) == 0)
            return &options->ceilings[i];
    return NULL;
}

/* Whichever of two counted, somebody would have meant the other. */
static bool refuse_second(const char *origin, const char *subject) {
    fprintf(stderr, "holdfast: %s has two ceilings", origin);
    if (*subject) {
        fputs(" of ", stderr);
        format_escaped(stderr, subject, "", SUBJECT_WIDTH);
    }
    fputs("; give one\n", stderr);
    return false;
}

/* NULL after a message. */
static const char *keep(struct check_options *options, const char *text) {
    size_t size = strlen(text) + 1;
    char *copy = options->subjects + options->subjects_used;
    if (options->ceiling_count == CEILINGS_MAX || size > SUBJECTS_SIZE - options->subjects_used) {
        fprintf(stderr, "holdfast: too many ceilings: %u are possible\n", CEILINGS_MAX);
        return NULL;
    }
    memcpy(copy, text, size);
    options->subjects_used += size;
    return copy;
}

bool check_options_add_bytes(struct check_options *options, enum ceiling_kind kind,
                             const char *subject, uint64_t bytes, const char *origin) {
    const struct ceiling *first = find(options, kind, subject);
    if (first)
        return strcmp(first->origin, origin) != 0 || refuse_second(origin, subject);
    const char *kept = keep(options, subject);
    if (kept)
        options->ceilings[options->ceiling_count++] =
            (struct ceiling){.kind = kind, .subject = kept, .bytes = bytes, .origin = origin};
    return kept != NULL;
}

bool check_options_add(struct check_options *options, enum ceiling_kind kind, const char *subject,
                       const char *size, const char *origin) {
    uint64_t bytes;
    if (size_parse(size, &bytes))
        return check_options_add_bytes(options, kind, subject, bytes, origin);
    fprintf(stderr, "holdfast: %s: '%.100s' is not a size; it takes 512MiB, 2GB or bytes\n", origin,
            size);
    return false;
}

static const struct {
    const char *text;
    enum ceiling_kind kind;
} prefixes[] = {{"process:", CEILING_PROCESS}, {"region:", CEILING_REGION},
                {"leaks:", CEILING_LEAKS},     {"churn:", CEILING_TURNS},
                {"native:", CEILING_NATIVE},   {"drag:", CEILING_DRAG}};

bool check_options_add_subject(struct check_options *options, const char *subject, const char *size,
                               const char *origin) {
    struct code_name name;
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        size_t length = strlen(prefixes[i].text);
        if (strncmp(subject, prefixes[i].text, length) == 0 && subject[length])
            return check_options_add(options, prefixes[i].kind, subject + length, size, origin);
    }
    if (code_name_parse(subject, &name))
        return check_options_add(options, CEILING_CODE, subject, size, origin);
    fprintf(stderr,
            "holdfast: %s: '%.100s' names nothing that has a ceiling; it takes a function, "
            "'load()' or 'app.cache.load()', a module, 'app.cache', 'process:worker.py', "
            "'region:load', 'leaks:load', 'churn:load', 'native:load' or 'drag:load'\n",
            origin, subject);
    return false;
}

bool check_options_add_pair(struct check_options *options, const char *pair) {
    const char *equals = strrchr(pair, '=');
    if (!equals || equals == pair) {
        fprintf(stderr, "holdfast: --max takes SUBJECT=SIZE, as in 'load()=200MiB', not '%.100s'\n",
                pair);
        return false;
    }
    char *subject = strndup(pair, (size_t)(equals - pair));
    bool good = subject && check_options_add_subject(options, subject, equals + 1, "--max");
    free(subject);
    return good;
}

/* "2.5" as 2,500; false without a '%' behind it. */
static bool read_percent(const char *text, uint64_t *thousandths) {
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    unsigned long long whole = strtoull(text, &end, 10);
    unsigned long long fraction = 0, weight = 100;
    if (*end == '.')
        for (end++; *end >= '0' && *end <= '9'; end++, weight /= 10)
            fraction += weight * (unsigned)(*end - '0');
    end += strspn(end, " ");
    if (strcmp(end, "%") != 0 || whole > PERCENT_MAX)
        return false;
    *thousandths = whole * 1000 + fraction;
    return true;
}

bool tolerance_parse(const char *text, struct tolerance *tolerance) {
    *tolerance = (struct tolerance){0};
    if (read_percent(text, &tolerance->thousandths) || strcmp(text, "0") == 0 ||
        size_parse(text, &tolerance->bytes))
        return true;
    fprintf(stderr, "holdfast: '%.100s' is not a tolerance; it takes 5%% or a size, as 10MiB\n",
            text);
    return false;
}

uint64_t tolerance_above(const struct tolerance *tolerance, uint64_t bytes) {
    uint64_t part =
        bytes / 100000 * tolerance->thousandths + bytes % 100000 * tolerance->thousandths / 100000;
    return bytes + part + tolerance->bytes;
}
