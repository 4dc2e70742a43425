/* See json_sites.h. */
#include "json_sites.h"

#include "json.h"
#include "wire/array.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define FLUSH_SIZE (256u << 10)

/* Stacks as text. What a stack's frames are is kept apart from the model, where it would be spread
 * over many times the memory. */
struct writer {
    const struct model *model;
    struct json_frames *frames;
    uint64_t sources_left; /* frames that may still be written with the text of their line */
    struct link {
        uint32_t parent; /* 0: the stack begins here */
        uint32_t number;
    } * links; /* by frame of the model */
    uint32_t *path;
    struct json_limit limit;
    struct json_bytes bytes; /* wait to be written */
    FILE *out;
};

/* Equal where the frame's text is. Of native code the first word is the module. */
static struct intern_key frame_key(const struct model_frame *frame) {
    return (struct intern_key){
        {frame->module_id, frame->kind, frame->function_id, frame->file_id, frame->line}};
}

/* With a comma behind it. */
static bool add_text(struct frame_texts *texts, uint32_t number, const json_t *frame) {
    if (!array_reserve(&texts->starts, &texts->capacity, number + 2ull, sizeof *texts->starts))
        return false;
    texts->starts[number] = texts->bytes.size;
    json_bytes_value(&texts->bytes, frame);
    json_bytes_put(&texts->bytes, ",", 1);
    texts->starts[number + 1] = texts->bytes.size;
    return !texts->bytes.failed;
}

static bool add_frame(struct json_frames *frames, uint32_t number,
                      const struct model_frame *frame) {
    json_t *json = json_new_frame(frame);
    bool good = json && add_text(&frames->texts[JSON_WITH_SOURCE], number, json);
    json_object_del(json, "source");
    good = good && add_text(&frames->texts[JSON_WITHOUT_SOURCE], number, json);
    json_decref(json);
    return good;
}

void json_frames_release(struct json_frames *frames) {
    intern_release(&frames->distinct);
    for (int way = 0; way < JSON_WAYS; way++) {
        json_bytes_release(&frames->texts[way].bytes);
        free(frames->texts[way].starts);
    }
}

/* A process is never told as a frame. */
static bool link_frames(struct writer *writer) {
    const struct model_frame *rows = writer->model->frames;
    struct intern *distinct = &writer->frames->distinct;
    for (uint32_t i = 1; i < writer->model->frame_count; i++) {
        if (rows[i].kind == FRAME_PROCESS)
            continue;
        const struct intern_key key = frame_key(&rows[i]);
        uint32_t before = distinct->count, number = intern_add(distinct, &key);
        if (number == INTERN_FAILED ||
            (number == before && !add_frame(writer->frames, number, &rows[i])))
            return false;
        uint32_t parent = rows[i].parent;
        writer->links[i] = (struct link){rows[parent].kind == FRAME_PROCESS ? 0 : parent, number};
    }
    return true;
}

static bool writer_start(struct writer *writer) {
    size_t count = (size_t)writer->model->frame_count + 1;
    writer->links = calloc(count, sizeof *writer->links);
    writer->path = malloc(count * sizeof *writer->path);
    return writer->links && writer->path && link_frames(writer);
}

static void writer_release(struct writer *writer) {
    free(writer->links);
    free(writer->path);
    json_bytes_release(&writer->bytes);
}

/* Whole stacks only: with their lines, or without. */
static const struct frame_texts *choose_texts(struct writer *writer, uint32_t depth) {
    bool sources = depth <= writer->sources_left;
    writer->sources_left = sources ? writer->sources_left - depth : 0;
    return &writer->frames->texts[sources ? JSON_WITH_SOURCE : JSON_WITHOUT_SOURCE];
}

/* The frames of a stack, the innermost first. */
static uint32_t find_path(struct writer *writer, uint32_t frame) {
    uint32_t depth = 0;
    if (writer->model->frames[frame].kind == FRAME_PROCESS)
        return 0;
    for (; frame > 0; frame = writer->links[frame].parent)
        writer->path[depth++] = writer->links[frame].number;
    return depth;
}

static void put_stack(struct writer *writer, uint32_t frame) {
    struct json_bytes *bytes = &writer->bytes;
    uint32_t depth = find_path(writer, frame), done = 0;
    bool cut = json_limit_cuts(&writer->limit, depth);
    const struct frame_texts *texts = choose_texts(writer, depth);
    json_bytes_put(bytes, "[", 1);
    while (depth > 0) {
        uint32_t number = writer->path[--depth];
        size_t start = texts->starts[number];
        json_bytes_put(bytes, texts->bytes.data + start, texts->starts[number + 1] - start);
        if (cut && ++done == JSON_LONG_STACK / 2) {
            json_t *left_out = json_left_out(depth - JSON_LONG_STACK / 2);
            json_bytes_value(bytes, left_out);
            json_bytes_put(bytes, ",", 1);
            json_decref(left_out);
            depth = JSON_LONG_STACK / 2;
        }
    }
    if (!bytes->failed && bytes->data[bytes->size - 1] == ',')
        bytes->size--;
    json_bytes_put(bytes, "]", 1);
}

static void put_site(struct writer *writer, const struct model_site *site) {
    const struct model *model = writer->model;
    char head[200], process[100] = "";
    if (model->process == PROFILE_TREE)
        snprintf(process, sizeof process, "\"process\":%" PRIu32 ",\"pid\":%" PRIu32 ",",
                 site->process, model->profile->processes[site->process].pid);
    int size = snprintf(
        head, sizeof head,
        "{\"bytes\":%" PRIu64 ",\"blocks\":%" PRIu64 ",\"kind\":\"%s\",%s\"stack\":", site->bytes,
        site->blocks, json_kind_names[site->kind], process);
    json_bytes_put(&writer->bytes, head, (size_t)size);
    put_stack(writer, site->frame);
    json_bytes_put(&writer->bytes, "}", 1);
}

static bool put_list(struct writer *writer) {
    bool good = true;
    json_bytes_put(&writer->bytes, "[", 1);
    for (uint32_t i = 0; good && i < writer->model->site_count; i++) {
        if (i > 0)
            json_bytes_put(&writer->bytes, ",", 1);
        put_site(writer, &writer->model->sites[i]);
        if (writer->bytes.size >= FLUSH_SIZE)
            good = json_bytes_flush(&writer->bytes, writer->out);
    }
    json_bytes_put(&writer->bytes, "]", 1);
    return good && json_bytes_flush(&writer->bytes, writer->out);
}

bool json_put_sites(const struct model *model, struct json_frames *frames, FILE *out) {
    struct writer writer = {.model = model,
                            .frames = frames,
                            .limit = {JSON_MAX_FRAMES},
                            .sources_left = JSON_MAX_SOURCES,
                            .out = out};
    bool good = writer_start(&writer) && put_list(&writer);
    writer_release(&writer);
    return good;
}
