/* Where a command writes what it was asked for: a file, or the standard output. */
#ifndef HOLDFAST_CLI_TARGET_H
#define HOLDFAST_CLI_TARGET_H

#include <stdbool.h>
#include <stdio.h>

struct target {
    const char *name; /* of the file; NULL: the standard output */
    FILE *file;
};

/* `name`: NULL or "-" for the standard output. False after a message when it cannot be opened. */
bool target_open(struct target *target, const char *name);
/* The same, behind what the file has already. */
bool target_append(struct target *target, const char *name);

/* `good`: whether what was to be written is there. False after a message when it is not, or when
 * the file could not take it. */
bool target_close(struct target *target, bool good);

/* Whether writing to `name` would destroy `input`. */
bool target_is_input(const char *name, const char *input);

#endif
