/* See options.h. */
#include "options.h"

#include <getopt.h>
#include <stddef.h>
#include <string.h>

#include "command.h"

#define OPTIONS_MAX 64
#define LABEL_MAX 64

const struct option_row option_row_help = {.key = 'h', .name = "help", .help = "this text"};

/* What getopt_long takes: its long options, and its string of letters. */
struct getopt_tables {
    struct option names[OPTIONS_MAX + 2];
    char letters[2 * OPTIONS_MAX + 8];
};

static void add(struct getopt_tables *tables, size_t at, const struct option_row *row) {
    tables->names[at] =
        (struct option){row->name, row->value ? required_argument : no_argument, NULL, row->key};
    if (row->key >= OPTION_LONG)
        return;
    char *end = strchr(tables->letters, '\0');
    *end++ = (char)row->key;
    if (row->value)
        *end = ':';
}

static void make_tables(const struct command *command, struct getopt_tables *tables) {
    size_t count = 0;
    memset(tables, 0, sizeof *tables);
    /* '+': what follows the first operand is not ours. ':': a missing value is told apart. */
    snprintf(tables->letters, sizeof tables->letters, "%s",
             command->operand_completes == COMPLETES_COMMAND ? "+:" : ":");
    for (; count < OPTIONS_MAX && command->options[count].key; count++)
        add(tables, count, &command->options[count]);
    add(tables, count, &option_row_help);
}

/* getopt tells of an unknown letter only which it is: it may stand among others. */
static bool misused(const struct command *command, int option, const char *word) {
    char letter[3] = {'-', (char)optopt, '\0'};
    bool by_letter = optopt && optopt < OPTION_LONG && strncmp(word, "--", 2) != 0;
    const char *name = by_letter ? letter : word;
    if (option == ':')
        fprintf(stderr, "holdfast: %s needs a value; see `holdfast %s --help`\n", name,
                command->name);
    else if (!by_letter && optopt)
        fprintf(stderr, "holdfast: %.*s takes no value; see `holdfast %s --help`\n",
                (int)strcspn(word, "="), word, command->name);
    else
        fprintf(stderr, "holdfast: unknown option %s; `holdfast %s --help` lists them\n", name,
                command->name);
    return false;
}

int options_read(const struct command *command, int argc, char **argv, option_taker *take,
                 void *context) {
    struct getopt_tables tables;
    make_tables(command, &tables);
    opterr = 0;
    optind = 0;
    int option;
    while ((option = getopt_long(argc, argv, tables.letters, tables.names, NULL)) != -1) {
        if (option == option_row_help.key) {
            options_help(command, stdout);
            return 0;
        }
        bool good = option == ':' || option == '?' ? misused(command, option, argv[optind - 1])
                                                   : take(context, option, optarg);
        if (!good)
            return EXIT_MISUSE;
    }
    return -1;
}

int options_label(const struct option_row *row, char *label, size_t size) {
    char letter[5] = "    ";
    if (row->key < OPTION_LONG)
        snprintf(letter, sizeof letter, "-%c, ", row->key);
    return snprintf(label, size, "%s--%s%s%s", letter, row->name, row->value ? " " : "",
                    row->value ? row->value : "");
}

static void print_row(const struct option_row *row, int width, FILE *out) {
    char label[LABEL_MAX];
    options_label(row, label, sizeof label);
    for (const char *line = row->help; *line;) {
        int length = (int)strcspn(line, "\n");
        fprintf(out, "  %-*s  %.*s\n", width, line == row->help ? label : "", length, line);
        line += length + (line[length] == '\n');
    }
}

static void print_rows(const struct command *command, FILE *out) {
    char label[LABEL_MAX];
    int width = options_label(&option_row_help, label, sizeof label);
    for (const struct option_row *row = command->options; row->key; row++) {
        int wanted = options_label(row, label, sizeof label);
        width = wanted > width ? wanted : width;
    }
    for (const struct option_row *row = command->options; row->key; row++) {
        if (row->heading)
            fprintf(out, "%s\n", row->heading);
        print_row(row, width, out);
    }
    print_row(&option_row_help, width, out);
}

void options_help(const struct command *command, FILE *out) {
    fprintf(out, "Usage: holdfast %s %s\n%s\n", command->name, command->usage, command->about);
    print_rows(command, out);
    if (command->after)
        fprintf(out, "\n%s", command->after);
}
