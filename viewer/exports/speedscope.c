/* For speedscope, by its file-format-schema: the peak of the tree, and each process at its own, as
 * profiles whose unit is the byte.
 *
 * They are "evented": a frame is opened and closed at byte positions, as a profiler of time would
 * have seen it called once and return. That takes two events a frame however deep the stacks are. A
 * frame's own bytes come before those of what it called.
 */
#include "line.h"

#include "viewer/exports.h"
#include "viewer/intern.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct writer {
    const struct profile *profile;
    FILE *out;
    struct intern distinct; /* frames of all profiles */
    char *text;             /* ... as JSON, with commas between */
    size_t size;
    FILE *frames;         /* the stream of `text` */
    uint32_t frame_count; /* of those in it */
    uint32_t profiles;
};

static bool put_json(json_t *json, FILE *out) {
    bool good = json && json_dumpf(json, out, JSON_REPORT_FLAGS | JSON_ENCODE_ANY) == 0;
    json_decref(json);
    return good;
}

static json_t *new_frame(const struct model_frame *frame) {
    char *function = line_function(frame);
    json_t *json = function ? json_pack("{s:o}", "name", json_text(function)) : NULL;
    free(function);
    if (json && frame->kind == FRAME_PYTHON)
        json_object_set_new(json, "file", json_text(frame->file));
    if (json && frame->line > 0)
        json_object_set_new(json, "line", json_count(frame->line));
    return json;
}

/* Adds those frames of a model to the list that no model before had. */
static bool put_frames(struct writer *writer, const struct model *model, const uint32_t *numbers) {
    for (uint32_t i = 1; i < model->frame_count; i++) {
        if (numbers[i] != writer->frame_count)
            continue;
        fputs(writer->frame_count++ ? "," : "", writer->frames);
        if (!put_json(new_frame(&model->frames[i]), writer->frames))
            return false;
    }
    return true;
}

static void put_event(struct writer *writer, char type, uint32_t frame, uint64_t at, bool first) {
    fprintf(writer->out, "%s{\"type\":\"%c\",\"frame\":%" PRIu32 ",\"at\":%" PRIu64 "}",
            first ? "" : ",", type, frame, at);
}

static uint64_t own_bytes(const struct model_frame *frame) {
    uint64_t bytes = 0;
    for (uint32_t kind = 0; kind < MODEL_KINDS; kind++)
        bytes += frame->bytes[kind];
    return bytes;
}

/* Callers come before callees: what is open and not the next frame's caller has to be closed. */
static bool put_events(struct writer *writer, const struct model *model, const uint32_t *numbers) {
    uint32_t open = 0;
    uint64_t at = 0;
    for (uint32_t i = 1; i <= model->frame_count; i++) {
        bool end = i == model->frame_count;
        uint32_t parent = end ? 0 : model->frames[i].parent;
        for (; open != parent; open = model->frames[open].parent)
            put_event(writer, 'C', numbers[open], at, false);
        if (end)
            break;
        put_event(writer, 'O', numbers[i], at, i == 1);
        at += own_bytes(&model->frames[i]);
        open = i;
    }
    return !ferror(writer->out);
}

static char *profile_name(const struct profile *profile, uint32_t process) {
    return process == PROFILE_TREE ? strdup("all processes at their common peak")
                                   : model_process_label(profile, process);
}

static bool put_profile(struct writer *writer, uint32_t process) {
    struct model *model = model_build(writer->profile, process);
    uint32_t *numbers = model ? line_numbers(model, &writer->distinct) : NULL;
    char *name = numbers ? profile_name(writer->profile, process) : NULL;
    bool good = name != NULL;
    if (good) {
        fprintf(writer->out, "%s{\"type\":\"evented\",\"name\":", writer->profiles++ ? "," : "");
        good = put_json(json_text(name), writer->out);
        fprintf(writer->out, ",\"unit\":\"bytes\",\"startValue\":0,\"endValue\":%" PRIu64,
                model->bytes);
        fputs(",\"events\":[", writer->out);
        good = good && put_frames(writer, model, numbers) && put_events(writer, model, numbers);
        fputs("]}", writer->out);
    }
    free(name);
    free(numbers);
    model_free(model);
    return good;
}

static bool put_profiles(struct writer *writer, const struct report_options *options) {
    const struct profile *profile = writer->profile;
    bool good = options->process != PROFILE_TREE || put_profile(writer, PROFILE_TREE);
    for (uint32_t i = 0; good && i < profile->process_count; i++)
        if (profile->processes[i].peak_bytes > 0 &&
            (options->process == PROFILE_TREE || options->process == i))
            good = put_profile(writer, i);
    return good;
}

static bool put_head(struct writer *writer) {
    const struct profile *profile = writer->profile;
    char *command = line_command(profile);
    json_t *json = command ? json_pack("{s:s, s:s, s:o}", "$schema",
                                       "https://www.speedscope.app/file-format-schema.json",
                                       "exporter", profile->strings[profile->writer], "name",
                                       json_text(*command ? command : "holdfast"))
                           : NULL;
    bool good = json && fputc('{', writer->out) != EOF &&
                json_dumpf(json, writer->out, JSON_REPORT_FLAGS | JSON_EMBED) == 0;
    json_decref(json);
    free(command);
    return good;
}

bool export_speedscope(const struct profile *profile, const struct report_options *options,
                       FILE *out) {
    struct writer writer = {.profile = profile, .out = out};
    writer.frames = open_memstream(&writer.text, &writer.size);
    bool good = writer.frames && put_head(&writer) && fputs(",\"profiles\":[", out) != EOF &&
                put_profiles(&writer, options);
    if (writer.frames && fclose(writer.frames) != 0)
        good = false;
    if (good)
        fprintf(out, "],\"shared\":{\"frames\":[%s]}}\n", writer.text);
    free(writer.text);
    intern_release(&writer.distinct);
    return good && !ferror(out);
}
