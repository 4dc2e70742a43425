/* Frames, and the stacks of single blocks, in the JSON report. */
#include "json.h"

#include "places.h"
#include "wire/array.h"

#include <stdlib.h>

bool json_limit_cuts(struct json_limit *limit, uint32_t depth) {
    if (depth > JSON_LONG_STACK && depth > limit->frames_left)
        return true;
    limit->frames_left -= depth < limit->frames_left ? depth : limit->frames_left;
    return false;
}

bool json_stacks_open(struct json_stacks *stacks, const struct profile *profile) {
    *stacks = (struct json_stacks){
        .profile = profile, .texts = intern_texts(profile), .limit = {JSON_MAX_FRAMES}};
    stacks->numbers = calloc(profile->node_count, sizeof *stacks->numbers);
    stacks->path = calloc(profile->node_count, sizeof *stacks->path);
    return stacks->numbers && stacks->path && stacks->texts &&
           sources_open(profile, stacks->texts, &stacks->sources);
}

void json_stacks_limit(struct json_stacks *stacks, uint64_t frames) {
    stacks->limit = (struct json_limit){frames};
}

void json_stacks_release(struct json_stacks *stacks) {
    for (uint32_t i = 0; i < stacks->distinct.count; i++)
        json_decref(stacks->frames[i]);
    intern_release(&stacks->distinct);
    free(stacks->frames);
    free(stacks->numbers);
    free(stacks->path);
    sources_release(&stacks->sources);
    free(stacks->texts);
}

json_t *json_new_frame(const struct model_frame *frame) {
    char *name = NULL;
    if (frame->kind == FRAME_THREAD && asprintf(&name, "<thread %s>", frame->function) < 0)
        return NULL;
    const char *function = frame->kind == FRAME_NONE ? "<no stack>" : name ? name : frame->function;
    json_t *json = json_pack("{s:s, s:s, s:I}", "function", function, "file", frame->file, "line",
                             (json_int_t)frame->line);
    if (json && *frame->source)
        json_object_set_new(json, "source", json_string(frame->source));
    if (json && frame_is_native(frame)) {
        size_t length;
        const char *library = module_name(frame->module, &length);
        json_object_set_new(json, "module", json_string(frame->module));
        json_object_set_new(json, "library", json_stringn(library, length));
    }
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
    return json_new_frame(&frame);
}

/* Of the same function and line, or the same thread. 0: memory ran out. */
static uint32_t frame_number(struct json_stacks *stacks, uint32_t node) {
    const struct profile_node *at = &stacks->profile->nodes[node];
    const struct intern_key key = {{at->function, at->line, at->function ? 0 : at->thread, 0, 0}};
    uint32_t before = stacks->distinct.count;
    if (!array_reserve(&stacks->frames, &stacks->frame_capacity, before + 1ull, sizeof(json_t *)))
        return 0;
    uint32_t number = intern_add(&stacks->distinct, &key);
    if (number == INTERN_FAILED)
        return 0;
    if (number == before)
        stacks->frames[number] = new_node_frame(stacks, node);
    return number + 1;
}

static json_t *shared_frame(struct json_stacks *stacks, uint32_t node) {
    if (!stacks->numbers[node])
        stacks->numbers[node] = frame_number(stacks, node);
    return stacks->numbers[node] ? json_incref(stacks->frames[stacks->numbers[node] - 1]) : NULL;
}

/* A thread is a frame only where it is the only one. */
static uint32_t find_path(const struct json_stacks *stacks, uint32_t node) {
    const struct profile_node *nodes = stacks->profile->nodes;
    uint32_t depth = 0;
    for (; node > 0 && (nodes[node].function != 0 || depth == 0); node = nodes[node].parent)
        stacks->path[depth++] = node;
    return depth;
}

json_t *json_left_out(uint32_t count) {
    char text[64];
    snprintf(text, sizeof text, "<%u frames left out>", count);
    return json_pack("{s:s, s:s, s:i}", "function", text, "file", "", "line", 0);
}

json_t *json_stack(struct json_stacks *stacks, uint32_t innermost) {
    json_t *list = json_array();
    uint32_t depth = find_path(stacks, innermost);
    bool cut = json_limit_cuts(&stacks->limit, depth);
    while (depth > 0) {
        json_array_append_new(list, shared_frame(stacks, stacks->path[--depth]));
        if (cut && json_array_size(list) == JSON_LONG_STACK / 2) {
            json_array_append_new(list, json_left_out(depth - JSON_LONG_STACK / 2));
            depth = JSON_LONG_STACK / 2;
        }
    }
    return list;
}
