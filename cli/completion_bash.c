/* The script for bash: the table as two case statements, and one function that goes by it. It needs
 * nothing of the bash-completion package, and uses its completion of whole commands if it is there.
 */
#include "completion.h"

static const char head[] =
    "# bash completion for holdfast                              -*- shell-script -*-\n"
    "# Made by `holdfast completion bash`.\n"
    "\n"
    "# Sets, for the command $1 and the option $2: kind, what its value is; words, to choose "
    "from.\n"
    "_holdfast_value() {\n"
    "    words=\n"
    "    case $1:$2 in\n";

static const char middle[] = "    *) kind=none ;;\n"
                             "    esac\n"
                             "}\n"
                             "\n"
                             "# Sets flags and kind, what its operands are, for the command $1.\n"
                             "_holdfast_command() {\n"
                             "    words=\n"
                             "    case $1 in\n";

static const char tail[] =
    "    *) flags= kind=none ;;\n"
    "    esac\n"
    "}\n"
    "\n"
    "_holdfast_offer() { # KIND WORDS WORD\n"
    "    case $1 in\n"
    "    words) mapfile -t COMPREPLY < <(compgen -W \"$2\" -- \"$3\") ;;\n"
    "    pid) mapfile -t COMPREPLY < <(compgen -W \"$(cd /proc && echo [0-9]*)\" -- \"$3\") ;;\n"
    "    file)\n"
    "        compopt -o filenames 2>/dev/null\n"
    "        mapfile -t COMPREPLY < <(compgen -f -- \"$3\") ;;\n"
    "    profile)\n"
    "        compopt -o filenames 2>/dev/null\n"
    "        mapfile -t COMPREPLY < <(compgen -f -X '!*.holdfast' -- \"$3\"; compgen -d -- \"$3\") "
    ";;\n"
    "    esac\n"
    "}\n"
    "\n"
    "# Of the program to run, which begins with word $1 of the line.\n"
    "_holdfast_program() {\n"
    "    if declare -F _command_offset >/dev/null; then\n"
    "        _command_offset \"$1\"\n"
    "    elif [ \"$COMP_CWORD\" = \"$1\" ]; then\n"
    "        compopt -o filenames 2>/dev/null\n"
    "        mapfile -t COMPREPLY < <(compgen -c -- \"$2\"; compgen -d -- \"$2\")\n"
    "    else\n"
    "        _holdfast_offer file '' \"$2\"\n"
    "    fi\n"
    "}\n"
    "\n"
    "# The place of the first operand before the cursor; nothing when there is none.\n"
    "_holdfast_operand() {\n"
    "    local at kind words\n"
    "    for ((at = 2; at < COMP_CWORD; at++)); do\n"
    "        case ${COMP_WORDS[at]} in\n"
    "        --) echo $((at + 1)) && return ;;\n"
    "        -*)\n"
    "            _holdfast_value \"${COMP_WORDS[1]}\" \"${COMP_WORDS[at]}\"\n"
    "            if [ \"${COMP_WORDS[at + 1]}\" = = ]; then\n"
    "                at=$((at + 2))\n"
    "            elif [ $kind != none ]; then\n"
    "                at=$((at + 1))\n"
    "            fi ;;\n"
    "        *) echo $at && return ;;\n"
    "        esac\n"
    "    done\n"
    "}\n"
    "\n"
    "_holdfast() {\n"
    "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n"
    "    local flags kind words operand\n"
    "    COMPREPLY=()\n"
    "    # bash takes --option=value for three words\n"
    "    [ \"$before\" != = ] || before=${COMP_WORDS[COMP_CWORD - 2]}\n"
    "    [ \"$word\" != = ] || word=\n"
    "    if [ \"$COMP_CWORD\" = 1 ]; then\n"
    "        _holdfast_command holdfast\n"
    "        [[ $word == -* ]] && words=$flags\n"
    "        _holdfast_offer words \"$words\" \"$word\"\n"
    "        return\n"
    "    fi\n"
    "    operand=$(_holdfast_operand)\n"
    "    _holdfast_value \"${COMP_WORDS[1]}\" \"$before\"\n"
    "    if [ -z \"$operand\" ] && [ $kind != none ]; then\n"
    "        _holdfast_offer $kind \"$words\" \"$word\"\n"
    "        return\n"
    "    fi\n"
    "    _holdfast_command \"${COMP_WORDS[1]}\"\n"
    "    if [ $kind = command ] && [ -n \"$operand\" ]; then\n"
    "        _holdfast_program \"$operand\" \"$word\"\n"
    "    elif [[ $word == -* ]]; then\n"
    "        _holdfast_offer words \"$flags\" \"$word\"\n"
    "    elif [ $kind = command ]; then\n"
    "        _holdfast_program \"$COMP_CWORD\" \"$word\"\n"
    "    else\n"
    "        _holdfast_offer $kind \"$words\" \"$word\"\n"
    "    fi\n"
    "}\n"
    "\n"
    "complete -F _holdfast holdfast\n";

static const char *kind(enum completes completes) {
    static const char *const names[] = {
        [COMPLETES_NOTHING] = "other",   [COMPLETES_FILE] = "file", [COMPLETES_PROFILE] = "profile",
        [COMPLETES_COMMAND] = "command", [COMPLETES_PID] = "pid",   [COMPLETES_CHOICE] = "words",
    };
    return names[completes];
}

static void put_value(const struct command *command, const struct option_row *row, FILE *out) {
    fputs("    ", out);
    if (row->key < OPTION_LONG)
        fprintf(out, "%s:-%c | ", command->name, row->key);
    fprintf(out, "%s:--%s) kind=%s", command->name, row->name, kind(row->completes));
    if (row->completes == COMPLETES_CHOICE) {
        fputs(" words='", out);
        completion_put_choices(row, out);
        fputc('\'', out);
    }
    fputs(" ;;\n", out);
}

static void put_command(const struct command *command, FILE *out) {
    const struct option_row *row;
    fprintf(out, "    %s) kind=%s words='%s' flags='", command->name,
            kind(command->operand_completes),
            command->operand_choices ? command->operand_choices : "");
    for (size_t i = 0; (row = completion_row(command, i)); i++)
        fprintf(out, "%s--%s", i ? " " : "", row->name);
    fputs("' ;;\n", out);
}

void completion_bash(FILE *out) {
    fputs(head, out);
    for (size_t i = 0; commands[i]; i++)
        for (const struct option_row *row = commands[i]->options; row->key; row++)
            if (row->value)
                put_value(commands[i], row, out);
    fputs(middle, out);
    for (size_t i = 0; commands[i]; i++)
        put_command(commands[i], out);
    fputs("    holdfast) kind=words flags='--help --version' words='", out);
    for (size_t i = 0; commands[i]; i++)
        fprintf(out, "%s%s", i ? " " : "", commands[i]->name);
    fputs("' ;;\n", out);
    fputs(tail, out);
}
