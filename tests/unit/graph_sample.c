/* See graph_sample.h. */
#include "graph_sample.h"

#include <stdlib.h>
#include <string.h>

void graph_sample_byte(struct graph_sample *sample, uint8_t byte) {
    if (sample->size == sample->capacity) {
        sample->capacity = sample->capacity ? sample->capacity * 2 : 4096;
        sample->bytes = realloc(sample->bytes, sample->capacity);
        if (!sample->bytes)
            abort();
    }
    sample->bytes[sample->size++] = byte;
}

void graph_sample_number(struct graph_sample *sample, uint64_t value) {
    for (; value >= 0x80; value >>= 7)
        graph_sample_byte(sample, (uint8_t)(value | 0x80));
    graph_sample_byte(sample, (uint8_t)value);
}

static void put_signed(struct graph_sample *sample, int64_t value) {
    graph_sample_number(sample, graph_zigzag(value));
}

static void put_bytes(struct graph_sample *sample, const uint8_t *bytes, uint32_t count) {
    graph_sample_number(sample, count);
    for (uint32_t i = 0; i < count; i++)
        graph_sample_byte(sample, bytes[i]);
}

void graph_sample_start(struct graph_sample *sample, uint32_t minor, uint32_t flags) {
    *sample = (struct graph_sample){0};
    graph_sample_byte(sample, GRAPH_BEGIN);
    graph_sample_number(sample, GRAPH_VERSION);
    graph_sample_number(sample, minor);
    graph_sample_number(sample, flags);
}

void graph_sample_release(struct graph_sample *sample) {
    for (uint32_t i = 0; i < sample->text_count; i++)
        free(sample->texts[i]);
    free(sample->texts);
    free(sample->bytes);
}

uint32_t graph_sample_text(struct graph_sample *sample, const char *text) {
    if (!text || !*text)
        return 0;
    for (uint32_t i = 0; i < sample->text_count; i++)
        if (strcmp(sample->texts[i], text) == 0)
            return i + 1;
    if (sample->text_count == sample->text_capacity) {
        sample->text_capacity = sample->text_capacity ? sample->text_capacity * 2 : 64;
        sample->texts = realloc(sample->texts, sample->text_capacity * sizeof *sample->texts);
        if (!sample->texts)
            abort();
    }
    sample->texts[sample->text_count++] = strdup(text);
    graph_sample_byte(sample, GRAPH_TEXT);
    put_bytes(sample, (const uint8_t *)text, (uint32_t)strlen(text));
    return sample->text_count;
}

uint32_t graph_sample_type(struct graph_sample *sample, const char *name, enum graph_kind kind,
                           uint32_t flags, uint32_t object) {
    uint32_t text = graph_sample_text(sample, name);
    graph_sample_byte(sample, GRAPH_TYPE);
    graph_sample_number(sample, text);
    graph_sample_number(sample, kind);
    graph_sample_number(sample, flags);
    graph_sample_number(sample, object);
    return ++sample->type_count;
}

/* Texts are records of their own, and come before the one that names them. */
static void put_edge_texts(struct graph_sample *sample, const struct sample_edge *edges,
                           uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        graph_sample_text(sample, edges[i].text);
}

static void put_edges(struct graph_sample *sample, uint32_t own, const struct sample_edge *edges,
                      uint32_t count) {
    graph_sample_number(sample, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct sample_edge *edge = &edges[i];
        uint64_t code = edge->target ? 2 + graph_zigzag((int64_t)edge->target - (int64_t)own) : 0;
        graph_sample_number(sample, code << 3 | edge->kind);
        if (edge->target && (edge->kind == EDGE_FIELD || edge->kind == EDGE_ATTRIBUTE))
            graph_sample_number(sample, graph_sample_text(sample, edge->text));
    }
}

uint32_t graph_sample_object(struct graph_sample *sample, const struct sample_object *object) {
    uint32_t own = ++sample->object_count;
    uint64_t address = object->address ? object->address : 0x100000 + (uint64_t)own * 64;
    uint32_t detail = graph_sample_text(sample, object->detail);
    put_edge_texts(sample, object->edges, object->edge_count);
    graph_sample_byte(sample, GRAPH_OBJECT);
    put_signed(sample, (int64_t)(address / 8 - sample->last_address));
    sample->last_address = address / 8;
    graph_sample_number(sample, object->type);
    graph_sample_number(sample, object->references);
    graph_sample_number(sample, object->size ? object->size : 64);
    graph_sample_number(sample, object->flags);
    graph_sample_number(sample, detail);
    graph_sample_number(sample, object->place_count);
    for (uint32_t i = 0; i < object->place_count; i++)
        put_signed(sample, (int64_t)(object->places[i] / 8 - address / 8));
    put_edges(sample, own, object->edges, object->edge_count);
    return own;
}

static void put_code_locals(struct graph_sample *sample, const struct sample_code *code) {
    uint32_t count = 0;
    while (code->locals && code->locals[count])
        count++;
    graph_sample_number(sample, count);
    for (uint32_t i = 0; i < count; i++) {
        const char *name = code->locals[i];
        uint8_t kind = *name == '*'   ? GRAPH_CELL_VARIABLE
                       : *name == '&' ? GRAPH_FREE_VARIABLE
                                      : GRAPH_LOCAL;
        graph_sample_number(sample, graph_sample_text(sample, name + (kind != GRAPH_LOCAL)));
        graph_sample_number(sample, kind);
    }
}

uint32_t graph_sample_code(struct graph_sample *sample, const struct sample_code *code) {
    uint32_t name = graph_sample_text(sample, code->name);
    uint32_t file = graph_sample_text(sample, code->file);
    for (uint32_t i = 0; code->locals && code->locals[i]; i++)
        graph_sample_text(sample,
                          code->locals[i] + (*code->locals[i] == '*' || *code->locals[i] == '&'));
    graph_sample_byte(sample, GRAPH_CODE);
    graph_sample_number(sample, code->object);
    graph_sample_number(sample, name);
    graph_sample_number(sample, 0);
    graph_sample_number(sample, file);
    graph_sample_number(sample, code->first_line);
    graph_sample_number(sample, code->flags);
    graph_sample_number(sample, code->argument_count);
    graph_sample_number(sample, code->stack_size);
    put_bytes(sample, code->instructions, code->instruction_bytes);
    put_bytes(sample, NULL, 0);
    put_code_locals(sample, code);
    graph_sample_number(sample, 0);
    return ++sample->code_count;
}

uint32_t graph_sample_thread(struct graph_sample *sample, const char *name,
                             const struct sample_edge *edges, uint32_t edge_count) {
    uint32_t text = graph_sample_text(sample, name);
    uint32_t own = ++sample->thread_count;
    put_edge_texts(sample, edges, edge_count);
    graph_sample_byte(sample, GRAPH_THREAD);
    graph_sample_number(sample, 0x7000 + own);
    graph_sample_number(sample, 100 + own);
    graph_sample_number(sample, own == 1);
    graph_sample_number(sample, text);
    put_edges(sample, 0, edges, edge_count);
    return own;
}

void graph_sample_frame(struct graph_sample *sample, const struct sample_frame *frame) {
    graph_sample_byte(sample, GRAPH_FRAME);
    graph_sample_number(sample, frame->thread);
    graph_sample_number(sample, frame->depth);
    graph_sample_number(sample, frame->owner);
    graph_sample_number(sample, frame->code);
    put_signed(sample, frame->position);
    graph_sample_number(sample, frame->line);
    graph_sample_number(sample, (uint64_t)(frame->saved_depth + 1));
    graph_sample_number(sample, frame->function);
    graph_sample_number(sample, frame->locals_object);
    graph_sample_number(sample, frame->local_count);
    for (uint32_t i = 0; i < frame->local_count; i++)
        graph_sample_number(sample, frame->locals[i]);
    graph_sample_number(sample, frame->stack_count);
    for (uint32_t i = 0; i < frame->stack_count; i++)
        graph_sample_number(sample, frame->stack[i]);
}

void graph_sample_root(struct graph_sample *sample, enum graph_root kind, const char *name,
                       uint32_t object) {
    uint32_t text = graph_sample_text(sample, name);
    graph_sample_byte(sample, GRAPH_ROOT);
    graph_sample_number(sample, kind);
    graph_sample_number(sample, text);
    graph_sample_number(sample, object);
}

void graph_sample_end(struct graph_sample *sample) {
    graph_sample_byte(sample, GRAPH_STATS);
    graph_sample_number(sample, sample->object_count);
    graph_sample_number(sample, 0);
    graph_sample_number(sample, 0);
    graph_sample_number(sample, 0);
    graph_sample_byte(sample, GRAPH_END);
}
