/* The options of a command, told once: from its table come what getopt_long is given, what --help
 * prints, and what a shell completes (completion.c). --help itself is in none: every command has
 * it. */
#ifndef HOLDFAST_CLI_OPTIONS_H
#define HOLDFAST_CLI_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

struct command;

/* Keys of options without a letter begin here, so that a key below is the letter itself. */
#define OPTION_LONG 256

/* What a shell offers for a value or an operand. */
enum completes {
    COMPLETES_NOTHING,
    COMPLETES_FILE,
    COMPLETES_PROFILE, /* *.holdfast */
    COMPLETES_COMMAND, /* a program and its arguments */
    COMPLETES_PID,
    COMPLETES_CHOICE, /* one of the words that begin the lines of its help, up to a ':' */
};

struct option_row {
    int key; /* the letter, or from OPTION_LONG on; 0 ends a table */
    const char *name;
    const char *value; /* what --help calls its value; NULL: it takes none */
    const char *help;  /* '\n' where its lines break */
    enum completes completes;
    const char *heading; /* what --help writes above it; NULL: nothing */
};

/* Called for each option given, in order. False, after a message: the command is misused. */
typedef bool option_taker(void *context, int key, const char *value);

/* Reads a command's options; optind is then the first operand. -1: go on; otherwise the exit
 * status. */
int options_read(const struct command *command, int argc, char **argv, option_taker *take,
                 void *context);

/* What `holdfast NAME --help` prints. */
void options_help(const struct command *command, FILE *out);

/* "-o, --output FILE", with room for the letter that it may lack. Its length, as snprintf's. */
int options_label(const struct option_row *row, char *label, size_t size);

extern const struct option_row option_row_help;

#endif
