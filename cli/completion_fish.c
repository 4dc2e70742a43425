/* The script for fish: one line for each command and option. */
#include "completion.h"

static const char head[] = "# Made by `holdfast completion fish`.\n"
                           "complete -c holdfast -f\n"
                           "complete -c holdfast -n __fish_use_subcommand -s h -l help -d 'what "
                           "the commands are'\n"
                           "complete -c holdfast -n __fish_use_subcommand -l version -d 'the "
                           "version'\n";

static void put_start(const struct command *command, FILE *out) {
    fprintf(out, "complete -c holdfast -n '__fish_seen_subcommand_from %s'", command->name);
}

static void put_help(const char *help, FILE *out) {
    fputs(" -d '", out);
    completion_put_text(help, "\\", "\\'", out);
    fputs("'\n", out);
}

/* What follows -a, or nothing for what fish offers by itself once files are allowed. */
static void put_offer(enum completes completes, FILE *out) {
    switch (completes) {
    case COMPLETES_PROFILE:
        fputs(" -k -a '(__fish_complete_suffix .holdfast)'", out);
        break;
    case COMPLETES_PID:
        fputs(" -x -a '(__fish_complete_pids)'", out);
        break;
    case COMPLETES_COMMAND:
        fputs(" -x -a '(__fish_complete_subcommand --fcs-skip=2)'", out);
        break;
    case COMPLETES_FILE:
        fputs(" -F", out);
        break;
    default:
        break;
    }
}

static void put_row(const struct command *command, const struct option_row *row, FILE *out) {
    put_start(command, out);
    if (row->key < OPTION_LONG)
        fprintf(out, " -s %c", row->key);
    fprintf(out, " -l %s", row->name);
    if (row->value)
        fputs(" -r", out);
    if (row->completes == COMPLETES_CHOICE) {
        fputs(" -x -a '", out);
        completion_put_choices(row, out);
        fputc('\'', out);
    } else {
        put_offer(row->completes, out);
    }
    put_help(completion_about(row), out);
}

static void put_command(const struct command *command, FILE *out) {
    const struct option_row *row;
    fprintf(out, "complete -c holdfast -n __fish_use_subcommand -a %s", command->name);
    put_help(command->summary, out);
    for (size_t i = 0; (row = completion_row(command, i)); i++)
        put_row(command, row, out);
    if (command->operand_completes == COMPLETES_NOTHING)
        return;
    put_start(command, out);
    if (command->operand_choices)
        fprintf(out, " -x -a '%s'", command->operand_choices);
    put_offer(command->operand_completes, out);
    fputc('\n', out);
}

void completion_fish(FILE *out) {
    fputs(head, out);
    for (size_t i = 0; commands[i]; i++)
        put_command(commands[i], out);
}
