/* A check for a terminal: each ceiling in a line, and, where one was passed, what to look at. */
#include "outputs.h"
#include "words.h"

#include "viewer/text.h"

#include <stdlib.h>
#include <string.h>

#define LISTED 5u /* of each list */
#define SOURCE_WIDTH 50u

static void put_item(const struct check *check, const struct item *item, FILE *out) {
    const char *source = item->frame ? item->frame->source : "";
    source += strspn(source, " \t");
    fprintf(out, "  %10s  ", check_item_size(check, item).text);
    if (check_item_is_compared(check, item))
        fprintf(out, "%-18s ", check_item_before(check, item).text);
    if (item->holder)
        check_put_holder(out, item);
    else
        check_put_place(out, check, item);
    if (*source) {
        fputs("    ", out);
        format_escaped(out, source, "", SOURCE_WIDTH);
    }
    fputc('\n', out);
}

static void put_list(const struct check *check, const struct items *items, const char *by,
                     FILE *out) {
    uint32_t shown = 0;
    for (uint32_t i = 0; i < items->count && shown < LISTED; i++) {
        const struct item *item = &items->list[i];
        if (!check_item_is_told(check, item))
            continue;
        if (shown++ == 0) {
            fputs("  ", out);
            check_put_measure(out, check, item);
            fprintf(out, ", by %s:\n", by);
        }
        put_item(check, item, out);
    }
}

static void put_idle(const struct check *check, FILE *out) {
    if (check->dead_bytes + check->garbage_bytes > 0)
        fprintf(out, "  never read again, yet held: %s; garbage: %s\n",
                format_bytes(check->dead_bytes).text, format_bytes(check->garbage_bytes).text);
}

static void put_files(const struct check *check, FILE *out) {
    fputs("  profile: ", out);
    format_word(out, check->request->profile);
    if (check->request->page) {
        fputs("; page: ", out);
        format_word(out, check->request->page);
    } else {
        fputs("; see more with: holdfast report ", out);
        format_word(out, check->request->profile);
    }
    fputc('\n', out);
}

static void put_caveat(const struct check *check, FILE *out) {
    char *words = NULL;
    size_t size = 0;
    FILE *caveat = open_memstream(&words, &size);
    bool said = caveat && check_put_caveat(caveat, check);
    if (caveat && fclose(caveat) == 0 && said)
        fprintf(out, "holdfast: %s\n", words);
    free(words);
}

bool check_text(const struct check *check, FILE *out) {
    for (uint32_t i = 0; i < check->judgement_count; i++) {
        fprintf(out, "holdfast: %s: ", judged_names[check->judgements[i].judged]);
        check_put_judgement(out, check, &check->judgements[i]);
        fputc('\n', out);
    }
    if (check_program_failed(check)) {
        fputs("holdfast: failed: ", out);
        check_put_failure(out, check);
        fputc('\n', out);
    }
    put_caveat(check, out);
    if (check->missing)
        fprintf(out, "holdfast: nothing is called within its ceiling: %s\n", check->missing);
    if (check->request->stopped_bytes > 0)
        fprintf(out, "holdfast: stopped the program at %s\n",
                format_bytes(check->request->stopped_bytes).text);
    if (check->verdict == CHECK_BEYOND) {
        put_list(check, &check->at_places, "place", out);
        put_list(check, &check->holders, "holder", out);
        put_idle(check, out);
    }
    put_files(check, out);
    return !ferror(out);
}
