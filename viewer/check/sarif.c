/* A check as SARIF 2.1.0, the form in which code scanners tell what they found.
 *
 * A rule for each kind of ceiling, a result for each that was passed. A result's fingerprint is
 * made of the job and the ceiling, not of sizes or lines, so that it stays one finding from run to
 * run.
 */
#include "outputs.h"
#include "words.h"

#include "viewer/json.h"
#include "viewer/words.h"

#include <stdlib.h>
#include <string.h>

#define SCHEMA "https://json.schemastore.org/sarif-2.1.0.json"
#define ROOT "PROJECT" /* what files are relative to */

static const char *const rule_texts[CEILING_KINDS] = {
    [CEILING_TREE] = "All processes together held more memory than their ceiling.",
    [CEILING_PROCESS] = "A process held more memory than its ceiling.",
    [CEILING_REGION] = "A region that the program marked held more memory than its ceiling.",
    [CEILING_TURNS] =
        "A region that the program marked allocated and gave back more than its ceiling.",
    [CEILING_NATIVE] = "More native memory of a region was never given back than its ceiling.",
    [CEILING_DRAG] =
        "Big blocks of a region that the program marked lay untouched beyond their ceiling.",
    [CEILING_LEAKS] = "A region that the program marked left more memory behind than its ceiling.",
    [CEILING_CODE] = "A function or module held more memory at the peak than its ceiling.",
    [CEILING_GROWTH] = "More memory than the ceiling was not given back.",
    [CEILING_CHURN] = "More memory than the ceiling was allocated and given back again.",
    [CEILING_DEAD] = "Variables that are never read again held more memory than the ceiling.",
    [CEILING_BASELINE] = "The peak is further above its baseline than the tolerance."};

static json_t *new_rules(void) {
    json_t *rules = json_array();
    for (unsigned kind = 0; kind < CEILING_KINDS; kind++) {
        char id[32];
        snprintf(id, sizeof id, "memory-%s", ceiling_kind_names[kind]);
        json_array_append_new(rules, json_pack("{s:s, s:{s:s}}", "id", id, "shortDescription",
                                               "text", rule_texts[kind]));
    }
    return rules;
}

/* As a relative reference: what is not plain in a path is written by its bytes. */
static json_t *new_uri(const char *file) {
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";
    char *uri = malloc(strlen(file) * 3 + 1), *to = uri;
    if (!uri)
        return NULL;
    for (; *file; file++) {
        if (strchr(plain, *file))
            *to++ = *file;
        else
            to += sprintf(to, "%%%02X", (unsigned char)*file);
    }
    *to = 0;
    json_t *json = json_string(uri);
    free(uri);
    return json;
}

static json_t *new_location(const struct check *check, const struct item *place) {
    if (!place || !check_is_in_project(check, place->frame->file))
        return json_array();
    char *file = check_repository_file(check, place->frame->file);
    json_t *physical = json_pack("{s:{s:o, s:s}}", "artifactLocation", "uri",
                                 new_uri(file ? file : ""), "uriBaseId", ROOT);
    free(file);
    if (place->frame->line > 0)
        json_object_set_new(physical, "region",
                            json_pack("{s:I, s:{s:o}}", "startLine", (json_int_t)place->frame->line,
                                      "snippet", "text", json_text(place->frame->source)));
    return json_pack("[{s:o}]", "physicalLocation", physical);
}

static json_t *new_fingerprint(const struct check *check, const struct ceiling *ceiling) {
    char text[24];
    uint64_t hash = words_mix(words_mix(1, (uint64_t)ceiling->kind), words_hash(ceiling->subject));
    snprintf(text, sizeof text, "%016llx",
             (unsigned long long)words_mix(hash, words_hash(check->request->job)));
    return json_pack("{s:s}", "holdfastCeiling/v1", text);
}

static json_t *new_result(const struct check *check, const struct judgement *judgement) {
    const struct ceiling *ceiling = &judgement->ceiling;
    const struct item *place = check_place_of(check, judgement);
    char *message = check_message(check, judgement), id[32];
    snprintf(id, sizeof id, "memory-%s", ceiling_kind_names[ceiling->kind]);
    json_t *result =
        json_pack("{s:s, s:i, s:s, s:{s:o}, s:o, s:o, s:{s:o, s:o}}", "ruleId", id, "ruleIndex",
                  (int)ceiling->kind, "level", "error", "message", "text",
                  json_text(message ? message : ""), "locations", new_location(check, place),
                  "partialFingerprints", new_fingerprint(check, ceiling), "properties", "bytes",
                  json_count(judgement->bytes), "ceilingBytes", json_count(ceiling->bytes));
    if (place)
        json_object_set_new(json_object_get(result, "properties"), "place", json_text(place->key));
    free(message);
    return result;
}

static json_t *new_invocation(const struct check *check) {
    const struct profile *profile = check->profile;
    json_t *json =
        json_pack("{s:b}", "executionSuccessful", !check_program_failed(check) && !check->missing);
    if (check->missing)
        json_object_set_new(
            json, "toolExecutionNotifications",
            json_pack("[{s:s, s:{s:s}}]", "level", "error", "message", "text", check->missing));
    if (profile->exit_signal)
        json_object_set_new(json, "exitSignalNumber", json_integer(profile->exit_signal));
    else
        json_object_set_new(json, "exitCode", json_integer(profile->exit_status));
    return json;
}

/* "0.1.0" of "holdfast 0.1.0" */
static const char *version_of(const struct profile *profile) {
    const char *writer = profile->strings[profile->writer], *blank = strrchr(writer, ' ');
    return blank ? blank + 1 : writer;
}

bool check_sarif(const struct check *check, FILE *out) {
    json_t *results = json_array();
    for (uint32_t i = 0; i < check->judgement_count; i++)
        if (check->judgements[i].judged == JUDGED_BEYOND)
            json_array_append_new(results, new_result(check, &check->judgements[i]));
    json_t *json = json_pack(
        "{s:s, s:s, s:[{s:{s:{s:s, s:s, s:o}}, s:{s:o}, s:[o], s:{s:{s:{s:s}}}, s:o}]}", "$schema",
        SCHEMA, "version", "2.1.0", "runs", "tool", "driver", "name", "Holdfast", "version",
        version_of(check->profile), "rules", new_rules(), "automationDetails", "id",
        json_text(check->request->job), "invocations", new_invocation(check), "originalUriBaseIds",
        ROOT, "description", "text",
        "the repository's directory, or the project's where there is none", "results", results);
    bool good = json && json_dumpf(json, out, JSON_INDENT(1)) == 0 && fputc('\n', out) != EOF;
    json_decref(json);
    return good;
}
