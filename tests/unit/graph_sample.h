/* Heap-graph streams made by hand, for tests.
 *
 * Objects are numbered in the order of the calls; an edge may name one that comes later. Texts are
 * kept together: the same text has one number. The bytes are whole after graph_sample_end (or
 * graph_sample_cut).
 */
#ifndef HOLDFAST_TESTS_GRAPH_SAMPLE_H
#define HOLDFAST_TESTS_GRAPH_SAMPLE_H

#include "wire/graph_write.h"

struct graph_sample {
    uint8_t *bytes;
    size_t size, capacity;
    char **texts;
    uint32_t text_count, text_capacity;
    uint32_t type_count, object_count, code_count, thread_count;
    struct graph_writer writer;
    void **taken; /* memory of the writer */
    uint32_t taken_count;
};

struct sample_edge {
    enum graph_edge kind;
    const char *text; /* FIELD, ATTRIBUTE */
    uint32_t target;
};

struct sample_object {
    uint32_t type;
    uint64_t references;
    uint64_t size; /* 0: 64 */
    uint32_t flags;
    const char *detail;
    const struct sample_edge *edges;
    uint32_t edge_count;
    const uint64_t *places; /* addresses */
    uint32_t place_count;
};

struct sample_code {
    const char *name, *file;
    uint32_t first_line, flags, stack_size, object;
    const char *const *locals; /* up to NULL; a name that begins with '*' is a cell's, with '&' a
                                  free variable's */
    uint32_t argument_count;
    const uint8_t *instructions;
    uint32_t instruction_bytes;
};

struct sample_frame {
    uint32_t thread, depth, owner, code;
    int32_t position;
    uint32_t line;
    int32_t saved_depth; /* -1: not known */
    uint32_t function, locals_object;
    const uint32_t *locals; /* object << 1 | borrowed, as the places on the stack */
    uint32_t local_count;
    const uint32_t *stack;
    uint32_t stack_count;
};

void graph_sample_start(struct graph_sample *sample, uint32_t minor, uint32_t flags);
void graph_sample_release(struct graph_sample *sample);

/* Into the stream itself, behind what has been flushed; or a number into a column. */
void graph_sample_byte(struct graph_sample *sample, uint8_t byte);
void graph_sample_number(struct graph_sample *sample, uint64_t value);

/* Each returns the number of what it made. */
uint32_t graph_sample_text(struct graph_sample *sample, const char *text);
uint32_t graph_sample_type(struct graph_sample *sample, const char *name, enum graph_kind kind,
                           uint32_t flags, uint32_t object);
uint32_t graph_sample_object(struct graph_sample *sample, const struct sample_object *object);
uint32_t graph_sample_code(struct graph_sample *sample, const struct sample_code *code);
uint32_t graph_sample_thread(struct graph_sample *sample, const char *name,
                             const struct sample_edge *edges, uint32_t edge_count);
void graph_sample_frame(struct graph_sample *sample, const struct sample_frame *frame);
void graph_sample_root(struct graph_sample *sample, enum graph_root kind, const char *name,
                       uint32_t object);
void graph_sample_end(struct graph_sample *sample);

/* Ends it without STATS and END. */
void graph_sample_cut(struct graph_sample *sample);

#endif
