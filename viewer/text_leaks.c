/* References that were taken and not given back (run --refs), in the text report. */
#include "format.h"
#include "leaks.h"
#include "text.h"

#include <stdlib.h>

#define PROCESSES_LOOKED_AT 4u
#define SHOWN 4u
#define SHOWN_BRIEFLY 2u
#define SENTENCE_WIDTH 400u

static bool put_leak(struct text *text, const struct leak *leak) {
    char sentence[SENTENCE_WIDTH], *line = NULL;
    size_t size;
    FILE *out = open_memstream(&line, &size);
    if (!out)
        return false;
    leak_sentence(leak, sentence, sizeof sentence);
    fputs(*leak->module ? "  native leak: " : "  ", out);
    format_escaped(out, sentence, "", 0);
    if (leak->bytes > 0)
        fprintf(out, ", which alone keep %s", format_bytes(leak->bytes).text);
    if (leak->node) {
        fputs("; taken at ", out);
        text_put_node(text, out, leak->node);
    }
    bool good = fclose(out) == 0;
    if (good)
        text_wrap(text, 0, 4, line);
    free(line);
    return good;
}

static bool put_leaks(struct text *text, const struct findings *findings) {
    unsigned most = text->airy ? SHOWN : SHOWN_BRIEFLY, shown = 0;
    char scope[SENTENCE_WIDTH];
    for (uint32_t i = 0; i < findings->leak_count && shown < most; i++, shown++)
        if (!put_leak(text, &findings->leaks[i]))
            return false;
    if (findings->leak_count > shown) {
        fprintf(text->out, "  and %s in the page and the JSON",
                format_count(findings->leak_count - shown, "more such leak").text);
        text_line_end(text);
    }
    leaks_scope(findings, scope, sizeof scope);
    fputs("  ", text->out);
    text_wrap(text, 2, 4, scope);
    text_gap(text);
    return true;
}

/* The same of several processes only once. */
static void put_problem(struct text *text, const char *problem, const char **said) {
    if (!problem || problem == *said)
        return;
    *said = problem;
    fputs("  ", text->out);
    text_wrap(text, 2, 4, problem);
    text_gap(text);
}

bool text_put_leaks(struct text *text) {
    const struct profile *profile = text->model->profile;
    uint32_t process = text->model->process, looked_at = 0;
    const char *said = NULL;
    bool good = true;
    for (uint32_t i = 0; i < profile->process_count && looked_at < PROCESSES_LOOKED_AT; i++) {
        if (process != PROFILE_TREE && process != i)
            continue;
        put_problem(text, leaks_problem(profile, i), &said);
        struct findings *findings = leaks_open(profile, i);
        looked_at += findings != NULL;
        if (findings)
            good = good && put_leaks(text, findings);
        findings_free(findings);
    }
    return good;
}
