/* A check for GitHub: annotations, which its runner reads among the lines of a step, and the step's
 * summary in Markdown. */
#include "outputs.h"
#include "words.h"

#include <stdlib.h>
#include <string.h>

#define LISTED 10u /* of each list in the summary */

/* -- Annotations -- */

/* A log is shown by terminals, too: nothing in a name may be a command of theirs. */
static bool is_control(const char *at) {
    unsigned char first = (unsigned char)at[0], second = (unsigned char)at[1];
    bool line_end = first == '\r' || first == '\n';
    return (first < ' ' && !line_end) || first == 0x7f || (first == 0xc2 && second < 0xa0);
}

/* Within a property of a command, or its message. */
static void put_escaped(FILE *out, const char *text, bool property) {
    for (; *text; text++) {
        if (is_control(text)) {
            text += (unsigned char)*text == 0xc2 && text[1];
            fputc('?', out);
            continue;
        }
        if (*text == '%' || *text == '\r' || *text == '\n' ||
            (property && (*text == ':' || *text == ',')))
            fprintf(out, "%%%02X", (unsigned char)*text);
        else
            fputc(*text, out);
    }
}

/* Files outside of the project are none that GitHub could show. */
static void put_position(const struct check *check, const struct item *place, FILE *out) {
    if (!place || !check_is_in_project(check, place->frame->file))
        return;
    char *file = check_repository_file(check, place->frame->file);
    fputs("file=", out);
    put_escaped(out, file ? file : "", true);
    free(file);
    if (place->frame->line > 0)
        fprintf(out, ",line=%u", place->frame->line);
    fputc(',', out);
}

static void put_annotation(const struct check *check, const struct item *place, const char *level,
                           const char *message, FILE *out) {
    fprintf(out, "::%s ", level);
    put_position(check, place, out);
    fputs("title=", out);
    put_escaped(out, check->request->job, true);
    fputs(" (holdfast)::", out);
    put_escaped(out, message, false);
    fputc('\n', out);
}

static bool put_program(const struct check *check, FILE *out) {
    char *words = NULL;
    size_t size = 0;
    FILE *text = open_memstream(&words, &size);
    if (!text)
        return false;
    check_put_failure(text, check);
    bool good = fclose(text) == 0;
    if (good)
        put_annotation(check, NULL, "error", words, out);
    free(words);
    return good;
}

bool check_github(const struct check *check, FILE *out) {
    for (uint32_t i = 0; i < check->judgement_count; i++) {
        const struct judgement *judgement = &check->judgements[i];
        if (judgement->judged == JUDGED_WITHIN)
            continue;
        char *message = check_message(check, judgement);
        if (!message)
            return false;
        put_annotation(check, check_place_of(check, judgement),
                       judgement->judged == JUDGED_BEYOND || check->missing ? "error" : "warning",
                       message, out);
        free(message);
    }
    return (!check_program_failed(check) || put_program(check, out)) && !ferror(out);
}

/* -- The summary -- */

/* In a table's cell, as code where it is a name: nothing in it may end the cell, or be markup. */
static void put_cell(FILE *out, const char *text) {
    for (; *text; text++) {
        if (strchr("|\\`*_<>[]&~", *text))
            fprintf(out, "&#%u;", (unsigned char)*text);
        else
            fputc((unsigned char)*text < ' ' ? ' ' : *text, out);
    }
}

static bool put_item(const struct check *check, const struct item *item, FILE *out) {
    char *words = NULL;
    size_t size = 0;
    FILE *text = open_memstream(&words, &size);
    if (!text)
        return false;
    if (item->holder)
        check_put_holder(text, item);
    else
        check_put_place(text, check, item);
    bool good = fclose(text) == 0;
    fprintf(out, "| %s | %s | ", check_item_size(check, item).text,
            check_item_before(check, item).text);
    put_cell(out, good ? words : "");
    fputs(" |\n", out);
    free(words);
    return good;
}

static bool put_list(const struct check *check, const struct items *items, const char *what,
                     FILE *out) {
    uint32_t shown = 0;
    bool good = true;
    for (uint32_t i = 0; good && i < items->count && shown < LISTED; i++) {
        if (!check_item_is_told(check, &items->list[i]))
            continue;
        if (shown++ == 0)
            fprintf(out, "\n| %s | | %s |\n|--:|---|---|\n",
                    check_item_is_compared(check, &items->list[i]) ? "grown by" : "at the peak",
                    what);
        good = put_item(check, &items->list[i], out);
    }
    return good;
}

static bool put_judgements(const struct check *check, FILE *out) {
    fputs("\n| | |\n|---|---|\n", out);
    for (uint32_t i = 0; i < check->judgement_count; i++) {
        char *message = check_message(check, &check->judgements[i]);
        if (!message)
            return false;
        fprintf(out, "| **%s** | ", judged_names[check->judgements[i].judged]);
        put_cell(out, message);
        fputs(" |\n", out);
        free(message);
    }
    return true;
}

bool check_markdown(const struct check *check, FILE *out) {
    fputs("### Memory of ", out);
    put_cell(out, check->request->job);
    fprintf(out, ": %s\n", check_verdict_names[check->verdict]);
    if (check->judgement_count > 0 && !put_judgements(check, out))
        return false;
    if (check_program_failed(check)) {
        fputs("\n**Failed**: ", out);
        check_put_failure(out, check);
        fputc('\n', out);
    }
    if (check->request->stopped_bytes > 0)
        fprintf(out, "\nThe program was stopped at %s.\n",
                format_bytes(check->request->stopped_bytes).text);
    bool good = put_list(check, &check->at_places, "place", out) &&
                put_list(check, &check->holders, "holder", out);
    if (check->dead_bytes + check->garbage_bytes > 0)
        fprintf(out, "\nNever read again, yet held: %s; garbage: %s.\n",
                format_bytes(check->dead_bytes).text, format_bytes(check->garbage_bytes).text);
    fputs("\nProfile: ", out);
    put_cell(out, check->request->profile);
    fputs("\n\n", out);
    return good && !ferror(out);
}
