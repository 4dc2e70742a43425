/* See completion.h. */
#include "completion.h"

#include <string.h>

static bool is_choice_end(char c) {
    return c == ':' || c == ' ' || c == '\n' || c == '\0';
}

static int word_length(const char *word) {
    int length = 0;
    while (!is_choice_end(word[length]))
        length++;
    return length;
}

struct choice completion_next(const struct option_row *row, struct choice last) {
    const char *line = row->help;
    if (last.at) {
        line = strchr(last.at, '\n');
        /* Lines that begin with a space go on with the one before. */
        while (line && line[1] == ' ')
            line = strchr(line + 1, '\n');
        if (!line)
            return (struct choice){NULL, 0};
        line++;
    }
    return (struct choice){line, word_length(line)};
}

void completion_put_choices(const struct option_row *row, FILE *out) {
    struct choice none = {NULL, 0};
    for (struct choice choice = completion_next(row, none); choice.at;) {
        fprintf(out, "%.*s", choice.length, choice.at);
        choice = completion_next(row, choice);
        if (choice.at)
            fputc(' ', out);
    }
}

const struct option_row *completion_row(const struct command *command, size_t number) {
    for (size_t i = 0; i <= number; i++)
        if (!command->options[i].key)
            return i == number ? &option_row_help : NULL;
    return &command->options[number];
}

static bool ends_clause(const char *at) {
    return at[0] == ';' ||
           (at[0] == '.' && (at[1] == ' ' || at[1] == '\n') && at[2] >= 'A' && at[2] <= 'Z');
}

void completion_put_text(const char *text, const char *special, const char *quote, FILE *out) {
    for (; *text && !ends_clause(text); text++) {
        if (*text == '\'')
            fputs(quote, out);
        else
            fprintf(out, "%s%c", strchr(special, *text) ? "\\" : "", *text == '\n' ? ' ' : *text);
    }
}

const char *completion_about(const struct option_row *row) {
    return row->completes == COMPLETES_CHOICE ? row->value : row->help;
}
