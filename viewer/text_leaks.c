/* References that were taken and not given back (run --refs), in the text report. */
#include "format.h"
#include "leaks.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

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

static void put_rest(struct text *text, uint32_t rest, const char *what) {
    if (rest == 0)
        return;
    fprintf(text->out, "  and %s in the page and the JSON", format_count(rest, what).text);
    text_line_end(text);
}

static bool put_late(struct text *text, const struct leak_late *late,
                     const struct findings *findings) {
    char sentence[SENTENCE_WIDTH], *line = NULL;
    size_t size;
    FILE *out = open_memstream(&line, &size);
    if (!out)
        return false;
    leak_late_sentence(text->model->profile, late, findings, sentence, sizeof sentence);
    fputs("  ", out);
    format_escaped(out, sentence, "", 0);
    if (late->count->node) {
        fputs("; taken at ", out);
        text_put_node(text, out, late->count->node);
    }
    bool good = fclose(out) == 0;
    if (good)
        text_wrap(text, 0, 4, line);
    free(line);
    return good;
}

/* `findings` NULL: memory was not looked through. */
static bool put_leaks(struct text *text, const struct findings *findings, uint32_t process) {
    const struct profile *profile = text->model->profile;
    uint32_t most = text->airy ? SHOWN : SHOWN_BRIEFLY, leaks = findings ? findings->leak_count : 0;
    struct leak_late late[LEAKS_LATE];
    uint32_t late_count = leaks_late(profile, process, findings, late);
    char scope[SENTENCE_WIDTH];
    for (uint32_t i = 0; i < leaks && i < most; i++)
        if (!put_leak(text, &findings->leaks[i]))
            return false;
    put_rest(text, leaks > most ? leaks - most : 0, "more such leak");
    for (uint32_t i = 0; i < late_count && i < most; i++)
        if (!put_late(text, &late[i], findings))
            return false;
    put_rest(text, late_count > most ? late_count - most : 0, "more such count");
    struct leaks_seen seen = leaks_seen(profile, process, findings);
    leaks_scope(&seen, scope, sizeof scope);
    fputs("  ", text->out);
    text_wrap(text, 2, 4, scope);
    text_gap(text);
    return true;
}

/* Why something is not known, and of how many processes. */
struct problem {
    const char *text;
    uint32_t count, first;
};
#define PROBLEMS 8u

static void note_problem(struct problem *problems, const char *problem, uint32_t process) {
    for (uint32_t i = 0; problem && i < PROBLEMS; i++) {
        if (problems[i].text && strcmp(problems[i].text, problem) != 0)
            continue;
        if (!problems[i].text)
            problems[i] = (struct problem){problem, 0, process};
        problems[i].count++;
        return;
    }
}

static void put_problem(struct text *text, const struct problem *problem) {
    char sentence[SENTENCE_WIDTH];
    const struct profile *profile = text->model->profile;
    if (profile->process_count < 2)
        snprintf(sentence, sizeof sentence, "%s", problem->text);
    else if (problem->count == 1)
        snprintf(sentence, sizeof sentence, "process %u: %s",
                 profile->processes[problem->first].pid, problem->text);
    else
        snprintf(sentence, sizeof sentence, "%s: %s",
                 format_count(problem->count, "process image").text, problem->text);
    fputs("  ", text->out);
    text_wrap(text, 2, 4, sentence);
    text_gap(text);
}

static void put_problems(struct text *text) {
    const struct profile *profile = text->model->profile;
    struct problem problems[PROBLEMS] = {0};
    for (uint32_t i = 0; i < profile->process_count; i++)
        if (text->model->process == PROFILE_TREE || text->model->process == i)
            note_problem(problems, leaks_problem(profile, i), i);
    for (uint32_t i = 0; i < PROBLEMS && problems[i].text; i++)
        put_problem(text, &problems[i]);
}

static bool has_counts(const struct profile *profile, uint32_t process) {
    uint32_t i = 0;
    while (i < profile->count_count && profile->counts[i].process != process)
        i++;
    return i < profile->count_count;
}

bool text_put_leaks(struct text *text) {
    const struct profile *profile = text->model->profile;
    uint32_t process = text->model->process, looked_at = 0;
    bool good = true;
    put_problems(text);
    for (uint32_t i = 0; i < profile->process_count && looked_at < PROCESSES_LOOKED_AT; i++) {
        if (process != PROFILE_TREE && process != i)
            continue;
        struct findings *findings = leaks_open(profile, i);
        bool told = findings || has_counts(profile, i);
        looked_at += told;
        if (told)
            good = good && put_leaks(text, findings, i);
        findings_free(findings);
    }
    return good;
}
