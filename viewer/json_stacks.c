/* Stacks in the JSON report. */
#include "json.h"

#include "intern.h"

#include <stdlib.h>

/* A deep recursion that allocates at every level has stacks whose frames, written out, grow with
 * the square of its depth. Once MAX_FRAMES frames have been written, the biggest sites' first,
 * stacks longer than LONG_STACK lose their middle. */
#define MAX_FRAMES (4u << 20)
#define LONG_STACK 256u

static bool stacks_start(struct json_stacks *stacks, uint32_t count) {
    stacks->count = count;
    stacks->frames_left = MAX_FRAMES;
    stacks->frames = calloc(count, sizeof *stacks->frames);
    stacks->path = calloc(count, sizeof *stacks->path);
    return stacks->frames && stacks->path;
}

bool json_stacks_of_model(struct json_stacks *stacks, const struct model *model) {
    *stacks = (struct json_stacks){.model = model};
    return stacks_start(stacks, model->frame_count);
}

bool json_stacks_of_profile(struct json_stacks *stacks, const struct profile *profile) {
    *stacks = (struct json_stacks){.profile = profile, .texts = intern_texts(profile)};
    return stacks->texts && sources_open(profile, stacks->texts, &stacks->sources) &&
           stacks_start(stacks, profile->node_count);
}

void json_stacks_release(struct json_stacks *stacks) {
    for (uint32_t i = 0; stacks->frames && i < stacks->count; i++)
        json_decref(stacks->frames[i]);
    free(stacks->frames);
    free(stacks->path);
    sources_release(&stacks->sources);
    free(stacks->texts);
}

static json_t *new_frame(const struct model_frame *frame) {
    char *name = NULL;
    if (frame->kind == FRAME_THREAD && asprintf(&name, "<thread %s>", frame->function) < 0)
        return NULL;
    const char *function = frame->kind == FRAME_NONE ? "<no stack>" : name ? name : frame->function;
    json_t *json = json_pack("{s:s, s:s, s:I}", "function", function, "file", frame->file, "line",
                             (json_int_t)frame->line);
    if (json && *frame->source)
        json_object_set_new(json, "source", json_string(frame->source));
    free(name);
    return json;
}

static json_t *new_node_frame(const struct json_stacks *stacks, uint32_t node) {
    const struct profile *profile = stacks->profile;
    struct model_frame frame = held_frame(profile, node);
    if (frame.kind == FRAME_PYTHON && frame.line > 0) {
        string_id file = profile->functions[profile->nodes[node].function].file;
        frame.source = sources_find(&stacks->sources, stacks->texts[file], frame.line);
    }
    return new_frame(&frame);
}

static json_t *shared_frame(struct json_stacks *stacks, uint32_t number) {
    if (!stacks->frames[number])
        stacks->frames[number] = stacks->model ? new_frame(&stacks->model->frames[number])
                                               : new_node_frame(stacks, number);
    return json_incref(stacks->frames[number]);
}

static uint32_t find_path(const struct json_stacks *stacks, uint32_t number) {
    uint32_t depth = 0;
    if (stacks->model) {
        const struct model_frame *frames = stacks->model->frames;
        for (; number > 0 && frames[number].kind != FRAME_PROCESS; number = frames[number].parent)
            stacks->path[depth++] = number;
        return depth;
    }
    /* a thread is a frame only where it is the only one */
    const struct profile_node *nodes = stacks->profile->nodes;
    for (; number > 0 && (nodes[number].function != 0 || depth == 0); number = nodes[number].parent)
        stacks->path[depth++] = number;
    return depth;
}

static json_t *left_out(uint32_t count) {
    char text[64];
    snprintf(text, sizeof text, "<%u frames left out>", count);
    return json_pack("{s:s, s:s, s:i}", "function", text, "file", "", "line", 0);
}

json_t *json_stack(struct json_stacks *stacks, uint32_t innermost) {
    json_t *list = json_array();
    uint32_t depth = find_path(stacks, innermost);
    bool cut = depth > LONG_STACK && depth > stacks->frames_left;
    if (!cut)
        stacks->frames_left -= depth < stacks->frames_left ? depth : stacks->frames_left;
    while (depth > 0) {
        json_array_append_new(list, shared_frame(stacks, stacks->path[--depth]));
        if (cut && json_array_size(list) == LONG_STACK / 2) {
            json_array_append_new(list, left_out(depth - LONG_STACK / 2));
            depth = LONG_STACK / 2;
        }
    }
    return list;
}
