/* A look at a command before it is started: is it there, and can it be traced? */
#ifndef HOLDFAST_CLI_INSPECT_H
#define HOLDFAST_CLI_INSPECT_H

#include <limits.h>
#include <stdbool.h>

enum inspection {
    INSPECT_TRACEABLE,
    INSPECT_UNTRACEABLE, /* runs, but cannot be traced: `reason` says why */
    INSPECT_REFUSED,     /* cannot be run at all: `reason` says why */
};

struct inspected {
    enum inspection verdict;
    char path[PATH_MAX];    /* what exec is going to be given */
    char program[PATH_MAX]; /* the same, or what runs the script */
    char reason[PATH_MAX + 256];
};

/* Finds `command` as a shell would, and follows scripts to the interpreter that runs them. */
void inspect_command(const char *command, struct inspected *result);

/* It is a Python without a GIL, as far as its file tells, all of which may be read. */
bool inspect_is_free_threaded(const struct inspected *inspected);

#endif
