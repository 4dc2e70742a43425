/* Buffers with the same content, in the JSON report. */
#include "json.h"

static json_t *new_buffer(struct json_stacks *stacks, const struct copied_buffer *buffer) {
    return json_pack("{s:o, s:{s:o, s:o}, s:s, s:o, s:o, s:o}", "bytes", json_count(buffer->bytes),
                     "object", "type", json_text(buffer->type), "detail", json_text(buffer->detail),
                     "root", holder_root_names[buffer->root], "path", json_text(buffer->path),
                     "offset", buffer->part ? json_count(buffer->offset) : json_null(),
                     "allocated_at", json_stack(stacks, buffer->node));
}

static json_t *new_copies(struct json_stacks *stacks, const struct copies *copies) {
    json_t *list = json_array();
    for (uint32_t i = 0; list && i < copies->listed; i++)
        json_array_append_new(list, new_buffer(stacks, &copies->buffers[i]));
    return json_pack("{s:o, s:I, s:I, s:o, s:s}", "saves_bytes", json_count(copies->saves), "count",
                     (json_int_t)copies->count, "parts", (json_int_t)copies->parts, "buffers", list,
                     "advice", copies->advice);
}

json_t *json_copies(struct json_stacks *stacks, const struct findings *findings) {
    json_t *list = json_array();
    for (uint32_t i = 0; list && i < findings->copies_count; i++)
        json_array_append_new(list, new_copies(stacks, &findings->copies[i]));
    return list;
}
