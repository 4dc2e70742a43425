/* A check for programs: docs/check-json.md is its contract. */
#include "baseline.h"
#include "outputs.h"
#include "words.h"

#include "viewer/json.h"

#include <stdlib.h>

static json_t *text_or_null(const char *text) {
    return text ? json_text(text) : json_null();
}

static json_t *new_frame(const struct check *check, const struct stack_frame *frame) {
    if (!frame || frame->kind != FRAME_PYTHON)
        return json_null();
    return json_pack("{s:o, s:o, s:I, s:o}", "function", json_text(frame->function), "file",
                     json_text(check_file(check, frame->file)), "line", (json_int_t)frame->line,
                     "source", json_text(frame->source));
}

static json_t *new_judgement(const struct check *check, const struct judgement *judgement) {
    const struct item *place = check_place_of(check, judgement);
    char *message = check_message(check, judgement);
    json_t *json = json_pack(
        "{s:s, s:o, s:s, s:o, s:o, s:I, s:o, s:o, s:o, s:o}", "kind",
        ceiling_kind_names[judgement->ceiling.kind], "subject",
        *judgement->ceiling.subject ? json_text(judgement->ceiling.subject) : json_null(),
        "verdict", judged_names[judgement->judged], "bytes",
        judgement->judged == JUDGED_UNKNOWN ? json_null() : json_count(judgement->bytes),
        "ceiling_bytes", json_count(judgement->ceiling.bytes), "excess_bytes",
        (json_int_t)(judgement->judged == JUDGED_BEYOND ? check_excess(judgement) : 0), "origin",
        json_text(judgement->ceiling.origin), "why", text_or_null(judgement->why), "place",
        new_frame(check, place ? place->frame : NULL), "message",
        json_text(message ? message : ""));
    free(message);
    return json;
}

static json_t *new_item(const struct check *check, const struct item *item) {
    json_t *json = json_pack("{s:o, s:o}", "fingerprint", json_text(item->key), "bytes",
                             json_count(item->bytes));
    if (check_item_is_compared(check, item)) {
        json_object_set_new(json, "before_bytes", json_count(item->before));
        json_object_set_new(json, "new", json_boolean(item->before == 0));
    }
    if (item->frame)
        json_object_set_new(json, "place", new_frame(check, item->frame));
    if (item->holder) {
        json_object_set_new(json, "path", json_text(item->holder->path));
        json_object_set_new(json, "type", json_text(item->holder->type));
        json_object_set_new(json, "root", json_string(holder_root_names[item->holder->root]));
        json_object_set_new(json, "verdict", json_string(verdict_names[item->holder->verdict]));
    }
    return json;
}

/* Those that changed by, or without a baseline hold, a hundredth of the peak. */
static json_t *new_items(const struct check *check, const struct items *items) {
    json_t *list = json_array();
    for (uint32_t i = 0; i < items->count; i++)
        if (check_item_is_told(check, &items->list[i]))
            json_array_append_new(list, new_item(check, &items->list[i]));
    return list;
}

static json_t *new_bytes(bool known, uint64_t bytes) {
    return known ? json_count(bytes) : json_null();
}

static json_t *new_baseline(const struct check *check) {
    const struct check_request *request = check->request;
    if (!request->baseline_file)
        return json_null();
    return json_pack("{s:o, s:o, s:o}", "file", json_text(request->baseline_file), "peak_bytes",
                     new_bytes(request->before != NULL, baseline_peak(request->before)), "python",
                     json_text(baseline_python(request->before)));
}

static json_t *new_exit(const struct profile *profile) {
    bool signalled = profile->exit_signal != 0;
    return json_pack("{s:o, s:o}", "status",
                     signalled ? json_null() : json_integer(profile->exit_status), "signal",
                     signalled ? json_integer(profile->exit_signal) : json_null());
}

bool check_json(const struct check *check, FILE *out) {
    const struct check_request *request = check->request;
    const struct profile *profile = check->profile;
    json_t *judgements = json_array();
    for (uint32_t i = 0; i < check->judgement_count; i++)
        json_array_append_new(judgements, new_judgement(check, &check->judgements[i]));
    json_t *json = json_pack(
        "{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
        "schema", "holdfast.check/1", "verdict", check_verdict_names[check->verdict], "missing",
        text_or_null(check->missing), "job", json_text(request->job), "command",
        json_command(profile, profile->command, profile->command_count), "exit", new_exit(profile),
        "stopped_at_bytes", new_bytes(request->stopped_bytes > 0, request->stopped_bytes),
        "profile", json_text(request->profile), "page", text_or_null(request->page), "peak_bytes",
        json_count(check->model->bytes), "dead_bytes",
        new_bytes(check->dead_known, check->dead_bytes), "garbage_bytes",
        new_bytes(check->dead_known, check->garbage_bytes), "baseline", new_baseline(check),
        "judgements", judgements, "places", new_items(check, &check->at_places), "holders",
        new_items(check, &check->holders));
    bool good = json && json_dumpf(json, out, JSON_INDENT(1)) == 0 && fputc('\n', out) != EOF;
    json_decref(json);
    return good;
}
