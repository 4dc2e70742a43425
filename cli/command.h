/* The subcommands of `holdfast`: one file each, ending in a struct command that main.c's table
 * lists. */
#ifndef HOLDFAST_CLI_COMMAND_H
#define HOLDFAST_CLI_COMMAND_H

#include "options.h"

/* Exit status of a command that was misused or given something it cannot work with. */
#define EXIT_MISUSE 2

struct command {
    const char *name;
    const char *summary; /* one line for `holdfast --help` */
    const char *usage;   /* of `holdfast NAME --help`: what follows the name, */
    const char *about;   /* what it does, */
    const char *after;   /* and what stands below the options; NULL */
    const struct option_row *options;
    enum completes operand_completes;
    const char *operand_choices; /* for COMPLETES_CHOICE, with spaces between */
    /* argv[0] is the subcommand's name. Returns the exit status. */
    int (*main)(int argc, char **argv);
};

extern const struct command command_run, command_report, command_check, command_diff,
    command_snapshot, command_completion, command_doctor;

/* All of them, in the order of `holdfast --help`; NULL ends them. */
extern const struct command *const commands[];

#endif
