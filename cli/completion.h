/* What the scripts for the shells have in common: walking over commands, options and choices. */
#ifndef HOLDFAST_CLI_COMPLETION_H
#define HOLDFAST_CLI_COMPLETION_H

#include <stdio.h>

#include "command.h"

/* Each writes the script that teaches a shell our commands and options. */
void completion_bash(FILE *out);
void completion_zsh(FILE *out);
void completion_fish(FILE *out);

/* A word among several, not terminated by NUL; a NULL `at` ends a list of them. */
struct choice {
    const char *at;
    int length;
};

/* The choice after `last` of an option whose help lists them, a line each (COMPLETES_CHOICE); the
 * first one when `last.at` is NULL. */
struct choice completion_next(const struct option_row *row, struct choice last);

/* All of them, with a space between. */
void completion_put_choices(const struct option_row *row, FILE *out);

/* The options of a command, --help after its own; NULL is the end. */
const struct option_row *completion_row(const struct command *command, size_t number);

/* What an option is about, in a line: the first clause of its help, unless that is a list. */
const char *completion_about(const struct option_row *row);

/* The first clause of a text, within single quotes: with a backslash before each of the characters
 * in `special`, and `quote` for a single quote. */
void completion_put_text(const char *text, const char *special, const char *quote, FILE *out);

#endif
