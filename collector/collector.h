/* The collector: a process of its own beside the traced ones.
 *
 * It serves joins, drains rings, and writes the profile when the last process has ended. It shares
 * nothing with the launcher but a socket, and survives both it and the program.
 */
#ifndef HOLDFAST_COLLECTOR_COLLECTOR_H
#define HOLDFAST_COLLECTOR_COLLECTOR_H

#include <stdbool.h>
#include <stdint.h>

struct collector_options {
    const char *output; /* path of the profile */
    bool follow;        /* children are traced too */
    bool keep_events;   /* the profile holds the whole event stream too */
    bool holders;       /* snapshots of the references are taken */
    bool native;        /* native frames are in the stacks */
    uint8_t refs;       /* as session_page.refs */
    bool lifetimes;     /* how long blocks live, and where they are freed */
    bool drag;          /* when big blocks are touched */
    uint64_t ceiling;   /* bytes of a process at which one is taken; 0: none */
    uint64_t watch;     /* bytes from which objects are followed; 0: none */
    /* Bytes of the tree, and of a process, above which all are killed; 0: none. */
    uint64_t kill_tree, kill_process;
    char *const *command;
    int control; /* socket to the launcher, see control.h */
};

/* Runs in a fresh child of the launcher until the session is over. Returns its exit status. */
int collector_main(const struct collector_options *options);

#endif
