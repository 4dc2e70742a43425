/* Runs a program and takes what it prints, within a time. */
#ifndef HOLDFAST_CLI_CHILD_H
#define HOLDFAST_CLI_CHILD_H

struct child_output {
    char text[16384]; /* the standard output, cut off there */
};

/* The exit status; 128 and more for a signal; -1 when it cannot be started or takes longer. Its
 * standard error is thrown away. */
int child_run(char *const *command, int milliseconds, struct child_output *output);

#endif
