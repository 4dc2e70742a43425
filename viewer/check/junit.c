/* A check as JUnit XML: a suite for the job, a case for each ceiling. */
#include "outputs.h"
#include "words.h"

#include <stdlib.h>
#include <string.h>

/* What XML 1.0 does not allow at all becomes a '?'. The texts are valid UTF-8. */
static void put_text(FILE *out, const char *text) {
    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;
        if (strchr("<>&\"'", byte))
            fprintf(out, "&#%u;", byte);
        else if (strncmp(text, "\xef\xbf\xbe", 3) == 0 || strncmp(text, "\xef\xbf\xbf", 3) == 0)
            text += fputc('?', out) == EOF ? 0 : 2;
        else
            fputc(byte < ' ' && byte != '\n' && byte != '\t' ? '?' : byte, out);
    }
}

/* The whole verdict, as the terminal has it. */
static char *make_text(const struct check *check) {
    char *words = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&words, &size);
    bool good = out && check_text(check, out);
    if (out && fclose(out) == 0 && good)
        return words;
    free(words);
    return NULL;
}

static void put_subject(FILE *out, const struct ceiling *ceiling) {
    char *words = NULL;
    size_t size = 0;
    FILE *text = open_memstream(&words, &size);
    if (!text)
        return;
    check_put_subject(text, ceiling);
    if (ceiling->kind == CEILING_BASELINE)
        fputs(" against the baseline", text);
    if (fclose(text) == 0)
        put_text(out, words);
    free(words);
}

/* Takes the texts over. */
static bool put_outcome(FILE *out, const char *element, char *message, char *body) {
    if (message && body) {
        fprintf(out, "      <%s message=\"", element);
        put_text(out, message);
        fputs("\">", out);
        put_text(out, body);
        fprintf(out, "</%s>\n", element);
    }
    bool good = message && body;
    free(message);
    free(body);
    return good;
}

static void put_case_begin(const struct check *check, FILE *out) {
    fputs("    <testcase classname=\"holdfast.", out);
    put_text(out, check->request->job);
    fputs("\" name=\"", out);
}

static bool put_case(const struct check *check, const struct judgement *judgement, FILE *out) {
    bool good = true;
    put_case_begin(check, out);
    put_subject(out, &judgement->ceiling);
    fputs("\">\n", out);
    if (judgement->judged == JUDGED_BEYOND)
        good = put_outcome(out, "failure", check_message(check, judgement), make_text(check));
    else if (judgement->judged == JUDGED_UNKNOWN)
        good = put_outcome(out, check->missing ? "error" : "skipped",
                           check_message(check, judgement), strdup(""));
    fputs("    </testcase>\n", out);
    return good;
}

/* The program's own end is an error, not a failure of what was tested. */
static void put_program(const struct check *check, FILE *out) {
    put_case_begin(check, out);
    fputs("the program itself\">\n", out);
    if (check_program_failed(check)) {
        fputs("      <error message=\"", out);
        check_put_failure(out, check);
        fputs("\"/>\n", out);
    }
    fputs("    </testcase>\n", out);
}

static uint32_t count(const struct check *check, enum judged judged) {
    uint32_t number = 0;
    for (uint32_t i = 0; i < check->judgement_count; i++)
        number += check->judgements[i].judged == judged;
    return number;
}

bool check_junit(const struct check *check, FILE *out) {
    uint32_t unknown = count(check, JUDGED_UNKNOWN);
    bool good = true;
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"holdfast ",
          out);
    put_text(out, check->request->job);
    fprintf(out, "\" tests=\"%u\" failures=\"%u\" errors=\"%u\" skipped=\"%u\" time=\"%.3f\">\n",
            check->judgement_count + 1, count(check, JUDGED_BEYOND),
            check_program_failed(check) + (check->missing ? unknown : 0),
            check->missing ? 0 : unknown, (double)check->profile->duration_ns / 1e9);
    for (uint32_t i = 0; good && i < check->judgement_count; i++)
        good = put_case(check, &check->judgements[i], out);
    put_program(check, out);
    fputs("  </testsuite>\n</testsuites>\n", out);
    return good && !ferror(out);
}
