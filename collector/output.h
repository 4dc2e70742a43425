/* The file that a profile goes to: written beside its final name, then renamed. */
#ifndef HOLDFAST_COLLECTOR_OUTPUT_H
#define HOLDFAST_COLLECTOR_OUTPUT_H

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

#include "../wire/profile.h"

struct output {
    int folder;
    char name[NAME_MAX + 1];
    char path[PATH_MAX]; /* absolute */
};

/* Makes sure that a file can be made there. False with `error` set: a line for the user. */
bool output_open(struct output *output, const char *path, struct profile_error *error);

/* A file beside the profile that has no name: it goes when it is closed. -1 with errno set. */
int output_scratch(const struct output *output);

/* Writes the profile, with the event stream in `events` appended (may be NULL). A stream that does
 * not fit is left out, and *events_left_out says so. When that fails (a full disk), tries the
 * folder for temporary files, puts the path found into output->path, and the reason into `error`.
 * False when that failed too. */
bool output_write(struct output *output, const struct profile *profile, FILE *events,
                  bool *events_left_out, struct profile_error *error);

#endif
