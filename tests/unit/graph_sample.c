/* See graph_sample.h. */
#include "graph_sample.h"

#include <stdlib.h>
#include <string.h>

/* -- What the writer is given -- */

static bool append(struct graph_writer *writer, const uint8_t *bytes, size_t size) {
    for (size_t i = 0; i < size; i++)
        graph_sample_byte(writer->owner, bytes[i]);
    return true;
}

static void *grown(void *array, size_t size) {
    void *larger = realloc(array, size);
    if (!larger)
        abort();
    return larger;
}

static void *take(struct graph_writer *writer, size_t size) {
    struct graph_sample *sample = writer->owner;
    void *memory = calloc(1, size);
    sample->taken = grown(sample->taken, (sample->taken_count + 1) * sizeof *sample->taken);
    return sample->taken[sample->taken_count++] = memory;
}

/* A scene may have moved since it was begun. */
static struct graph_writer *writer_of(struct graph_sample *sample) {
    sample->writer.owner = sample;
    return &sample->writer;
}

void graph_sample_byte(struct graph_sample *sample, uint8_t byte) {
    if (sample->size == sample->capacity) {
        sample->capacity = sample->capacity ? sample->capacity * 2 : 4096;
        sample->bytes = grown(sample->bytes, sample->capacity);
    }
    sample->bytes[sample->size++] = byte;
}

void graph_sample_number(struct graph_sample *sample, uint64_t value) {
    for (; value >= 0x80; value >>= 7)
        graph_sample_byte(sample, (uint8_t)(value | 0x80));
    graph_sample_byte(sample, (uint8_t)value);
}

void graph_sample_start(struct graph_sample *sample, uint32_t minor, uint32_t flags) {
    *sample = (struct graph_sample){
        .writer = {.write = append, .take = take, .buffer = malloc(GRAPH_WRITER_BUFFER)}};
    if (!sample->writer.buffer)
        abort();
    graph_begin(writer_of(sample), minor, flags);
}

void graph_sample_release(struct graph_sample *sample) {
    for (uint32_t i = 0; i < sample->text_count; i++)
        free(sample->texts[i]);
    for (uint32_t i = 0; i < sample->taken_count; i++)
        free(sample->taken[i]);
    free(sample->taken);
    free(sample->writer.buffer);
    free(sample->texts);
    free(sample->bytes);
}

/* -- Rows -- */

uint32_t graph_sample_text(struct graph_sample *sample, const char *text) {
    if (!text || !*text)
        return 0;
    for (uint32_t i = 0; i < sample->text_count; i++)
        if (strcmp(sample->texts[i], text) == 0)
            return i + 1;
    if (sample->text_count == sample->text_capacity) {
        sample->text_capacity = sample->text_capacity ? sample->text_capacity * 2 : 64;
        sample->texts = grown(sample->texts, sample->text_capacity * sizeof *sample->texts);
    }
    sample->texts[sample->text_count++] = strdup(text);
    graph_put_text(writer_of(sample), text, strlen(text));
    return sample->text_count;
}

uint32_t graph_sample_type(struct graph_sample *sample, const char *name, enum graph_kind kind,
                           uint32_t flags, uint32_t object) {
    uint32_t text = graph_sample_text(sample, name);
    graph_put_type(writer_of(sample), text, kind, flags, object);
    return ++sample->type_count;
}

static void put_code_locals(struct graph_sample *sample, const struct sample_code *code) {
    struct graph_writer *writer = writer_of(sample);
    uint32_t count = 0;
    while (code->locals && code->locals[count])
        count++;
    graph_put(writer, GRAPH_CODES, count);
    for (uint32_t i = 0; i < count; i++) {
        const char *name = code->locals[i];
        uint8_t kind = *name == '*'   ? GRAPH_CELL_VARIABLE
                       : *name == '&' ? GRAPH_FREE_VARIABLE
                                      : GRAPH_LOCAL;
        graph_put(writer, GRAPH_CODES, graph_sample_text(sample, name + (kind != GRAPH_LOCAL)));
        graph_put(writer, GRAPH_CODES, kind);
    }
}

uint32_t graph_sample_code(struct graph_sample *sample, const struct sample_code *code) {
    struct graph_writer *writer = writer_of(sample);
    const uint32_t numbers[] = {code->object,
                                graph_sample_text(sample, code->name),
                                0,
                                graph_sample_text(sample, code->file),
                                code->first_line,
                                code->flags,
                                code->argument_count,
                                code->stack_size,
                                code->instruction_bytes};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        graph_put(writer, GRAPH_CODES, numbers[i]);
    graph_put_bytes(writer, GRAPH_CODES, code->instructions, code->instruction_bytes);
    graph_put(writer, GRAPH_CODES, 0);
    put_code_locals(sample, code);
    graph_put(writer, GRAPH_CODES, 0);
    return ++sample->code_count;
}

static uint32_t edge_word(struct graph_sample *sample, const struct sample_edge *edge) {
    return graph_sample_text(sample, edge->text) << 3 | edge->kind;
}

uint32_t graph_sample_thread(struct graph_sample *sample, const char *name,
                             const struct sample_edge *edges, uint32_t edge_count) {
    struct graph_writer *writer = writer_of(sample);
    uint32_t own = ++sample->thread_count;
    const uint32_t numbers[] = {0x7000 + own, 100 + own, own == 1, graph_sample_text(sample, name),
                                edge_count};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        graph_put(writer, GRAPH_THREADS, numbers[i]);
    for (uint32_t i = 0; i < edge_count; i++) {
        graph_put(writer, GRAPH_THREADS, edge_word(sample, &edges[i]));
        graph_put(writer, GRAPH_THREADS, edges[i].target);
    }
    return own;
}

void graph_sample_root(struct graph_sample *sample, enum graph_root kind, const char *name,
                       uint32_t object) {
    graph_put(writer_of(sample), GRAPH_ROOTS, kind);
    graph_put(writer_of(sample), GRAPH_ROOTS, graph_sample_text(sample, name));
    graph_put(writer_of(sample), GRAPH_ROOTS, object);
}

/* -- Records -- */

/* How many edges from here on are one with GRAPH_MANY: items, or keys with their values. */
static uint32_t many_at(const struct sample_edge *edges, uint32_t count) {
    uint32_t many = 0;
    if (edges[0].kind == EDGE_KEY)
        while (many + 1 < count && edges[many].kind == EDGE_KEY &&
               edges[many + 1].kind == EDGE_VALUE)
            many += 2;
    else if (edges[0].kind == EDGE_ITEM)
        while (many < count && edges[many].kind == EDGE_ITEM)
            many++;
    return many;
}

static void shape_edges(struct graph_sample *sample, const struct sample_edge *edges,
                        uint32_t count) {
    for (uint32_t i = 0; i < count;) {
        uint32_t many = many_at(edges + i, count - i), word = edge_word(sample, &edges[i]);
        if (many)
            graph_edges(writer_of(sample), word, edges[i].kind == EDGE_KEY ? many / 2 : many);
        else
            graph_edge(writer_of(sample), word);
        i += many ? many : 1;
    }
}

uint32_t graph_sample_object(struct graph_sample *sample, const struct sample_object *object) {
    struct graph_writer *writer = writer_of(sample);
    uint32_t own = ++sample->object_count;
    const struct graph_object_facts facts = {.references = object->references,
                                             .size = object->size ? object->size : 64,
                                             .address = 0x100000 + (uint64_t)own * 64,
                                             .detail = graph_sample_text(sample, object->detail),
                                             .places = object->places,
                                             .place_count = object->place_count};
    graph_object_begin(writer, object->type, object->flags);
    shape_edges(sample, object->edges, object->edge_count);
    graph_object_put(writer, &facts);
    for (uint32_t i = 0; i < object->edge_count; i++)
        graph_put_target(writer, object->edges[i].target);
    return own;
}

void graph_sample_frame(struct graph_sample *sample, const struct sample_frame *frame) {
    struct graph_writer *writer = writer_of(sample);
    const struct graph_frame_facts facts = {.code = frame->code,
                                            .line = frame->line,
                                            .position = frame->position,
                                            .saved_depth = frame->saved_depth,
                                            .local_count = frame->local_count,
                                            .runs = frame->thread != 0};
    graph_frame_begin(writer, &facts);
    for (uint32_t i = 0; i < frame->local_count; i++)
        graph_frame_slot(writer, frame->locals[i] & 1);
    for (uint32_t i = 0; i < frame->stack_count; i++)
        graph_frame_slot(writer, frame->stack[i] & 1);
    graph_frame_put(writer, frame->thread, frame->depth);
    graph_put_target(writer, frame->owner);
    graph_put_target(writer, frame->function);
    graph_put_target(writer, frame->locals_object);
    for (uint32_t i = 0; i < frame->local_count; i++)
        graph_put_target(writer, frame->locals[i] >> 1);
    for (uint32_t i = 0; i < frame->stack_count; i++)
        graph_put_target(writer, frame->stack[i] >> 1);
}

void graph_sample_end(struct graph_sample *sample) {
    graph_end(writer_of(sample), &(struct graph_stats){.objects = sample->object_count});
}

void graph_sample_cut(struct graph_sample *sample) {
    graph_flush(writer_of(sample));
}
