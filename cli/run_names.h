/* What a run is called, where its profile goes, and which library it is given. */
#ifndef HOLDFAST_CLI_RUN_NAMES_H
#define HOLDFAST_CLI_RUN_NAMES_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/* What a user would call it: the script or module that an interpreter runs, else the command. */
const char *run_name(const char *const *command);

/* The profile's name when none is given: NAME.PID.holdfast. */
void run_default_output(char *const *command, char *output, size_t size);

/* The library, under a name that the loader takes. False after a message. */
bool run_name_library(char name[PATH_MAX]);

#endif
