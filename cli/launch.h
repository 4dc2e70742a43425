/* The launcher's side of a run: starts the collector and the program, stands in for the program
 * towards whoever started us, and ends as it ended. */
#ifndef HOLDFAST_CLI_LAUNCH_H
#define HOLDFAST_CLI_LAUNCH_H

#include <stdbool.h>
#include <stdint.h>

struct launch {
    char *const *command;
    const char *output;  /* the profile's */
    const char *library; /* libholdfast.so */
    bool quiet, follow, keep_events;
    bool page;        /* is written beside the profile, unless quiet */
    bool holders;     /* snapshots of the references are taken */
    uint64_t ceiling; /* bytes of a process at which one is; 0: none */
};

/* Runs it all. Returns the exit status, or does not return, when the program died by a signal. */
int launch_traced(const struct launch *launch);

/* Replaces this process by the command. Returns the exit status when that fails. */
int launch_untraced(const struct launch *launch);

#endif
