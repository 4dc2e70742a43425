/* What `holdfast check` is asked for, on the command line or in pyproject.toml. */
#ifndef HOLDFAST_CLI_CHECK_OPTIONS_H
#define HOLDFAST_CLI_CHECK_OPTIONS_H

#include "viewer/check/ceilings.h"

#include <limits.h>

#define CEILINGS_MAX 64u
#define SUBJECTS_SIZE 16384u

/* By how much a peak may be above the baseline's: a part of it, or so many bytes. */
struct tolerance {
    uint64_t thousandths; /* of a per cent */
    uint64_t bytes;
};

struct check_options {
    struct ceiling ceilings[CEILINGS_MAX];
    uint32_t ceiling_count;
    const char *baseline; /* NULL: none */
    struct tolerance tolerance;
    bool has_tolerance, update_baseline, kill;
    char root[PATH_MAX];          /* the project's directory */
    bool at_root;                 /* which is the present one */
    char below[PATH_MAX];         /* its way from the repository's, with a slash at its end */
    char subjects[SUBJECTS_SIZE]; /* private: texts of ceilings */
    size_t subjects_used;
};

/* Adds a ceiling, unless there is one of the same thing from elsewhere: the command line is read
 * first and has precedence. A second one from the same origin is refused. The subject is copied.
 * False after a message. */
bool check_options_add(struct check_options *options, enum ceiling_kind kind, const char *subject,
                       const char *size, const char *origin);
/* The same of a size that is known already. */
bool check_options_add_bytes(struct check_options *options, enum ceiling_kind kind,
                             const char *subject, uint64_t bytes, const char *origin);
/* Of a subject as --max and the table `max` have it: "load()", "app.cache", "process:worker.py",
 * "region:load". */
bool check_options_add_subject(struct check_options *options, const char *subject, const char *size,
                               const char *origin);
/* "SUBJECT=SIZE" */
bool check_options_add_pair(struct check_options *options, const char *pair);

bool tolerance_parse(const char *text, struct tolerance *tolerance);
uint64_t tolerance_above(const struct tolerance *tolerance, uint64_t bytes);

/* Adds what [tool.holdfast] says in `file`, or in the nearest pyproject.toml when that is NULL;
 * finds the project's directory. False after a message. */
bool check_options_read_project(struct check_options *options, const char *file);

#endif
