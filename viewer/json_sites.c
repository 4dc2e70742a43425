/* See json_sites.h. */
#include "json_sites.h"

#include "intern.h"
#include "json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define FLUSH_SIZE (256u << 10)

/* Text that is gathered. Once `failed` is set, what is added is lost. */
struct text {
    char *data;
    size_t size, capacity;
    bool failed;
};

/* Where to put `size` more bytes; NULL when memory ran out. */
static char *text_room(struct text *text, size_t size) {
    if (text->failed)
        return NULL;
    if (text->capacity - text->size < size) {
        size_t capacity = (text->size + size) * 2;
        char *data = realloc(text->data, capacity);
        if (!data) {
            text->failed = true;
            return NULL;
        }
        text->data = data;
        text->capacity = capacity;
    }
    text->size += size;
    return text->data + text->size - size;
}

static void text_put(struct text *text, const char *bytes, size_t size) {
    char *to = text_room(text, size);
    if (to)
        memcpy(to, bytes, size);
}

static int text_put_piece(const char *bytes, size_t size, void *text) {
    text_put(text, bytes, size);
    return ((struct text *)text)->failed ? -1 : 0;
}

/* Takes over `json`, which is NULL when memory ran out. */
static void text_put_json(struct text *text, json_t *json) {
    if (!json || json_dump_callback(json, text_put_piece, text, JSON_REPORT_FLAGS) != 0)
        text->failed = true;
    json_decref(json);
}

/* Distinct frames, each with a comma behind it. */
struct frame_texts {
    struct text text;
    size_t *starts; /* there, by number; and the end */
};

enum { WITH_SOURCE, WITHOUT_SOURCE, WAYS };

/* Stacks as text. What a stack's frames are is kept apart from the model, where it would be spread
 * over many times the memory. */
struct writer {
    const struct model *model;
    struct frame_texts frames[WAYS];
    uint64_t sources_left; /* frames that may still be written with the text of their line */
    struct link {
        uint32_t parent; /* 0: the stack begins here */
        uint32_t number;
    } * links; /* by frame of the model */
    uint32_t *path;
    struct json_limit limit;
    struct text text; /* waits to be written */
    FILE *out;
};

/* Equal where the frame's text is. The first word is a process's frame's own number, since its name
 * is not a string of the profile; these frames are never told. Of native code it is the module. */
static struct intern_key frame_key(const struct model_frame *frame, uint32_t number) {
    bool process = frame->kind == FRAME_PROCESS;
    return (struct intern_key){{process ? number : frame->module_id, frame->kind,
                                frame->function_id, frame->file_id, frame->line}};
}

static void add_frame_text(struct frame_texts *texts, uint32_t number,
                           const struct model_frame *frame) {
    texts->starts[number] = texts->text.size;
    text_put_json(&texts->text, json_new_frame(frame));
    text_put(&texts->text, ",", 1);
    texts->starts[number + 1] = texts->text.size;
}

static bool link_frames(struct writer *writer, struct intern *distinct) {
    const struct model_frame *frames = writer->model->frames;
    for (uint32_t i = 0; i < writer->model->frame_count; i++) {
        const struct intern_key key = frame_key(&frames[i], i);
        uint32_t before = distinct->count, number = intern_add(distinct, &key);
        if (number == INTERN_FAILED)
            return false;
        uint32_t parent = frames[i].parent;
        writer->links[i] = (struct link){frames[parent].kind == FRAME_PROCESS ? 0 : parent, number};
        if (number < before)
            continue;
        struct model_frame plain = frames[i];
        plain.source = "";
        add_frame_text(&writer->frames[WITH_SOURCE], number, &frames[i]);
        add_frame_text(&writer->frames[WITHOUT_SOURCE], number, &plain);
    }
    return !writer->frames[WITH_SOURCE].text.failed && !writer->frames[WITHOUT_SOURCE].text.failed;
}

static bool writer_start(struct writer *writer) {
    size_t count = (size_t)writer->model->frame_count + 1;
    struct intern distinct = {0};
    bool good = true;
    for (int way = 0; way < WAYS; way++) {
        writer->frames[way].starts = calloc(count, sizeof(size_t));
        good &= writer->frames[way].starts != NULL;
    }
    writer->links = calloc(count, sizeof *writer->links);
    writer->path = malloc(count * sizeof *writer->path);
    good = good && writer->links && writer->path && link_frames(writer, &distinct);
    intern_release(&distinct);
    return good;
}

static void writer_release(struct writer *writer) {
    for (int way = 0; way < WAYS; way++) {
        free(writer->frames[way].text.data);
        free(writer->frames[way].starts);
    }
    free(writer->links);
    free(writer->path);
    free(writer->text.data);
}

/* Whole stacks only: with their lines, or without. */
static const struct frame_texts *choose_texts(struct writer *writer, uint32_t depth) {
    bool sources = depth <= writer->sources_left;
    writer->sources_left = sources ? writer->sources_left - depth : 0;
    return &writer->frames[sources ? WITH_SOURCE : WITHOUT_SOURCE];
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
    struct text *text = &writer->text;
    uint32_t depth = find_path(writer, frame), done = 0;
    bool cut = json_limit_cuts(&writer->limit, depth);
    const struct frame_texts *texts = choose_texts(writer, depth);
    text_put(text, "[", 1);
    while (depth > 0) {
        uint32_t number = writer->path[--depth];
        size_t start = texts->starts[number];
        text_put(text, texts->text.data + start, texts->starts[number + 1] - start);
        if (cut && ++done == JSON_LONG_STACK / 2) {
            text_put_json(text, json_left_out(depth - JSON_LONG_STACK / 2));
            text_put(text, ",", 1);
            depth = JSON_LONG_STACK / 2;
        }
    }
    if (!text->failed && text->data[text->size - 1] == ',')
        text->size--;
    text_put(text, "]", 1);
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
    text_put(&writer->text, head, (size_t)size);
    put_stack(writer, site->frame);
    text_put(&writer->text, "}", 1);
}

static bool flush(struct writer *writer) {
    struct text *text = &writer->text;
    bool good = !text->failed && fwrite(text->data, 1, text->size, writer->out) == text->size;
    text->size = 0;
    return good;
}

static bool put_list(struct writer *writer) {
    bool good = true;
    text_put(&writer->text, "[", 1);
    for (uint32_t i = 0; good && i < writer->model->site_count; i++) {
        if (i > 0)
            text_put(&writer->text, ",", 1);
        put_site(writer, &writer->model->sites[i]);
        if (writer->text.size >= FLUSH_SIZE)
            good = flush(writer);
    }
    text_put(&writer->text, "]", 1);
    return good && flush(writer);
}

bool json_put_sites(const struct model *model, FILE *out) {
    struct writer writer = {
        .model = model, .limit = {JSON_MAX_FRAMES}, .sources_left = JSON_MAX_SOURCES, .out = out};
    bool good = writer_start(&writer) && put_list(&writer);
    writer_release(&writer);
    return good;
}
