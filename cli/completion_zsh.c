/* The script for zsh: an _arguments line for each option. */
#include "completion.h"

static const char head[] = "#compdef holdfast\n"
                           "# Made by `holdfast completion zsh`.\n"
                           "\n"
                           "_holdfast() {\n"
                           "    local -a ours\n"
                           "    ours=(\n";

static const char middle[] =
    "    )\n"
    "    if ((CURRENT == 2)); then\n"
    "        _describe -t commands command ours\n"
    "        _arguments '(- *)'{-h,--help}'[what the commands are]' '(- *)--version[the version]'\n"
    "        return\n"
    "    fi\n"
    "    shift words\n"
    "    ((CURRENT--))\n"
    "    case $words[1] in\n";

static const char tail[] = "    esac\n"
                           "}\n"
                           "\n"
                           "# Sourced or autoloaded\n"
                           "if [ \"$funcstack[1]\" = _holdfast ]; then\n"
                           "    _holdfast \"$@\"\n"
                           "else\n"
                           "    compdef _holdfast holdfast\n"
                           "fi\n";

static void put_text(const char *text, FILE *out) {
    completion_put_text(text, "[]:\\", "'\\''", out);
}

static const char *action(enum completes completes) {
    switch (completes) {
    case COMPLETES_FILE:
        return "_files";
    case COMPLETES_PROFILE:
        return "_files -g \"*.holdfast\"";
    case COMPLETES_PID:
        return "_pids";
    case COMPLETES_COMMAND:
        return "_normal";
    default:
        return "";
    }
}

static void put_value(const struct option_row *row, FILE *out) {
    fprintf(out, ":%s:", row->value);
    if (row->completes != COMPLETES_CHOICE) {
        fputs(action(row->completes), out);
        return;
    }
    fputc('(', out);
    completion_put_choices(row, out);
    fputc(')', out);
}

static void put_row(const struct option_row *row, FILE *out) {
    fputs(" \\\n            ", out);
    if (row->key < OPTION_LONG)
        fprintf(out, "'(-%c --%s)'{-%c%s,--%s%s}'[", row->key, row->name, row->key,
                row->value ? "+" : "", row->name, row->value ? "=" : "");
    else
        fprintf(out, "'--%s%s[", row->name, row->value ? "=" : "");
    put_text(completion_about(row), out);
    fputc(']', out);
    if (row->value)
        put_value(row, out);
    fputc('\'', out);
}

static void put_operand(const struct command *command, FILE *out) {
    if (command->operand_completes == COMPLETES_COMMAND)
        fputs(" \\\n            '*::command: _normal'", out);
    else if (command->operand_choices)
        fprintf(out, " \\\n            ':operand:(%s)'", command->operand_choices);
    else if (command->operand_completes != COMPLETES_NOTHING)
        fprintf(out, " \\\n            '*:operand:%s'", action(command->operand_completes));
}

static void put_command(const struct command *command, FILE *out) {
    /* _arguments does not see a program behind "--" if that is the first word. */
    static const char program[] = "        if [ \"$words[2]\" = -- ] && ((CURRENT > 2)); then\n"
                                  "            shift 2 words\n"
                                  "            ((CURRENT -= 2))\n"
                                  "            _normal\n"
                                  "            return\n"
                                  "        fi\n";
    bool runs = command->operand_completes == COMPLETES_COMMAND;
    const struct option_row *row;
    /* -A: what follows the first operand is not ours. */
    fprintf(out, "    %s)\n%s        _arguments -s -S%s", command->name, runs ? program : "",
            runs ? " -A '-*'" : "");
    for (size_t i = 0; (row = completion_row(command, i)); i++)
        put_row(row, out);
    put_operand(command, out);
    fputs(" ;;\n", out);
}

void completion_zsh(FILE *out) {
    fputs(head, out);
    for (size_t i = 0; commands[i]; i++) {
        fprintf(out, "        '%s:", commands[i]->name);
        put_text(commands[i]->summary, out);
        fputs("'\n", out);
    }
    fputs(middle, out);
    for (size_t i = 0; commands[i]; i++)
        put_command(commands[i], out);
    fputs(tail, out);
}
