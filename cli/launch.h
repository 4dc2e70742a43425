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
    bool native;      /* native frames are in the stacks */
    uint8_t refs;     /* as session_page.refs */
    bool lifetimes;   /* how long blocks live is recorded, and where they are freed */
    bool drag;        /* when big blocks are touched is looked at */
    uint64_t ceiling; /* bytes of a process at which one is; 0: none */
    uint64_t watch;   /* bytes from which objects are followed; 0: none */
    /* Bytes of the tree, and of a process, above which all processes are killed; 0: none. */
    uint64_t kill_tree, kill_process;
};

/* What became of a program. */
struct launched {
    int status;             /* as wait(2) gives it */
    bool has_profile;       /* else a message said why not */
    char profile[4096];     /* its name */
    uint32_t running;       /* processes that still run */
    uint64_t stopped_bytes; /* what made the collector kill them; 0: nothing did */
};

/* Runs it all. Returns the exit status, or does not return, when the program died by a signal. */
int launch_traced(const struct launch *launch);

/* Runs it, and says nothing of the profile. -1, or the exit status when it cannot be started. */
int launch_program(const struct launch *launch, struct launched *launched);

/* Replaces this process by the command. Returns the exit status when that fails. */
int launch_untraced(const struct launch *launch);

#endif
