/* Feeds graph_read with whatever comes.
 *
 * What is accepted is read through to its last number, since whoever has a graph may do so
 * unchecked.
 */
#include "wire/graph.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good) {
    if (!good)
        abort();
}

static void check_edges(const struct graph *graph, uint32_t first, uint32_t count) {
    check(first <= graph->edge_count && count <= graph->edge_count - first);
    for (uint32_t i = first; i < first + count; i++) {
        check(graph->edges[i].target < graph->object_count);
        check(graph->edges[i].text < graph->text_count);
    }
}

static void check_objects(const struct graph *graph) {
    for (uint32_t i = 0; i < graph->object_count; i++) {
        const struct graph_object *object = &graph->objects[i];
        check(object->type < graph->type_count && object->detail < graph->text_count);
        check(object->first_place <= graph->place_count &&
              object->place_count <= graph->place_count - object->first_place);
        check_edges(graph, object->first_edge, object->edge_count);
    }
    for (uint32_t i = 0; i < graph->type_count; i++)
        check(graph->types[i].name < graph->text_count && graph->types[i].kind < GRAPH_KIND_COUNT &&
              graph->types[i].object < graph->object_count);
}

static void check_codes(const struct graph *graph) {
    unsigned sum = 0;
    for (uint32_t i = 1; i < graph->code_count; i++) {
        const struct graph_code *code = &graph->codes[i];
        for (uint32_t k = 0; k < code->instruction_bytes; k++)
            sum += code->instructions[k];
        for (uint32_t k = 0; k < code->exception_table_bytes; k++)
            sum += code->exception_table[k];
        for (uint32_t k = 0; k < code->local_count; k++)
            check(code->local_names[k] < graph->text_count);
        for (uint32_t k = 0; k < code->name_count; k++)
            check(code->names[k] < graph->text_count);
    }
    check(sum < 1u << 31);
}

static void check_frames(const struct graph *graph) {
    for (uint32_t i = 1; i < graph->frame_count; i++) {
        const struct graph_frame *frame = &graph->frames[i];
        check(frame->code > 0 && frame->code < graph->code_count);
        check(frame->thread < graph->thread_count && frame->owner < graph->object_count);
        check(frame->function < graph->object_count && frame->locals_object < graph->object_count);
        for (uint32_t k = 0; k < frame->local_count; k++)
            check(frame->locals[k].object < graph->object_count);
        for (uint32_t k = 0; k < frame->stack_count; k++)
            check(frame->stack[k].object < graph->object_count);
    }
    for (uint32_t i = 0; i < graph->thread_count; i++)
        check_edges(graph, graph->threads[i].first_edge, graph->threads[i].edge_count);
    for (uint32_t i = 0; i < graph->root_count; i++)
        check(graph->roots[i].object < graph->object_count &&
              graph->roots[i].name < graph->text_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char why[200];
    struct graph *graph = graph_read(data, size, why, sizeof why);
    if (!graph) {
        check(why[0] != 0);
        return 0;
    }
    size_t texts = 0;
    for (uint32_t i = 0; i < graph->text_count; i++)
        texts += strlen(graph->texts[i]);
    check(texts <= size);
    check_objects(graph);
    check_codes(graph);
    check_frames(graph);
    graph_free(graph);
    return 0;
}
