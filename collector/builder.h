/* A profile's shared tables while they are made: strings, functions, nodes, each thing once. */
#ifndef HOLDFAST_COLLECTOR_BUILDER_H
#define HOLDFAST_COLLECTOR_BUILDER_H

#include "../wire/profile.h"
#include "index.h"
#include "natives.h"
#include "trace.h"

struct builder {
    const struct trace *trace;
    struct profile *profile;
    bool failed; /* memory ran out: the profile is not whole */
    struct index string_index, function_index, node_index;
    uint32_t string_capacity, function_capacity, node_capacity;
    struct natives natives;
    uint32_t *node_map;     /* struct stacks' node -> the profile's, + 1 */
    uint32_t *function_map; /* struct stacks' code -> the profile's function, + 1 */
    const char *
        *function_cwd; /* what a relative file name is relative to, by function; may be NULL */
    uint32_t cwd_capacity;
    uint32_t *path; /* builder_node's */
    uint32_t path_capacity;
    struct found_line *lines;    /* by a hash of code and position: what was looked up lately */
    struct lines_place **places; /* of each code's line table, once one was asked for */
    uint32_t code_count;
};

/* Starts an empty profile. */
bool builder_init(struct builder *builder, const struct trace *trace, struct profile *profile);
void builder_release(struct builder *builder);

/* Text becomes valid UTF-8 (what is not is replaced), without NULs, and bounded. */
string_id builder_text(struct builder *builder, const char *text, size_t size);
string_id builder_string(struct builder *builder, const char *text);

/* The number of a function, which is added if it is new. */
uint32_t builder_function(struct builder *builder, struct profile_function function);

/* The name of a thread, by its node's position (struct stack_node). */
string_id builder_thread(struct builder *builder, int64_t position);

/* The profile's number of a node of struct stacks, as `image` uses it. */
uint32_t builder_node(struct builder *builder, const struct image *image, uint32_t node);

#endif
