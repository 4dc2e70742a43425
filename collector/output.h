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

/* Writes the profile. When that fails (a full disk), tries the folder for temporary files, puts the
 * path found into output->path, and the reason into `error`. False when that failed too. */
bool output_write(struct output *output, const struct profile *profile,
                  struct profile_error *error);

#endif
