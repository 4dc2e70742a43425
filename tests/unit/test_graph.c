/* The heap-graph stream: what was written is read back, and nothing else gets through. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "graph_sample.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* A list of two (one place empty) with an attribute, a frame whose local is the list, a root. */
static void make_small(struct graph_sample *sample) {
    graph_sample_start(sample, 12, 0);
    uint32_t list = graph_sample_type(sample, "list", GRAPH_LIST, GRAPH_TYPE_FINALIZER, 0);
    uint32_t data = graph_sample_type(sample, "bytes", GRAPH_BYTES, 0, 0);
    const struct sample_edge edges[] = {
        {EDGE_ITEM, NULL, 2}, {EDGE_ITEM, NULL, 0}, {EDGE_ATTRIBUTE, "tag", 3}};
    const uint64_t places[] = {0x7f0000000000, 0x1000};
    graph_sample_object(sample, &(struct sample_object){.type = list,
                                                        .address = 0x7f0000001000,
                                                        .references = 2,
                                                        .flags = GRAPH_OBJECT_TRACKED,
                                                        .edges = edges,
                                                        .edge_count = COUNT(edges),
                                                        .places = places,
                                                        .place_count = COUNT(places)});
    graph_sample_object(sample, &(struct sample_object){.type = data,
                                                        .address = 0x1008,
                                                        .references = 1,
                                                        .size = 1 << 20,
                                                        .detail = "1048576 bytes"});
    const char *const locals[] = {"rows", "*seen", "&total", NULL};
    uint32_t code =
        graph_sample_code(sample, &(struct sample_code){.name = "build",
                                                        .file = "job.py",
                                                        .first_line = 3,
                                                        .locals = locals,
                                                        .instructions = (const uint8_t *)"\x64\x00",
                                                        .instruction_bytes = 2});
    const struct sample_edge fields[] = {{EDGE_FIELD, "context", 2}};
    uint32_t thread = graph_sample_thread(sample, "MainThread", fields, 1);
    const uint32_t slots[] = {1 << 1, 0, 2 << 1 | 1}, stack[] = {1 << 1 | 1, 2 << 1};
    graph_sample_frame(sample, &(struct sample_frame){.thread = thread,
                                                      .code = code,
                                                      .position = GRAPH_NOT_BEGUN,
                                                      .line = 7,
                                                      .saved_depth = -1,
                                                      .locals = slots,
                                                      .local_count = 3,
                                                      .stack = stack,
                                                      .stack_count = 2});
    graph_sample_root(sample, GRAPH_ROOT_MODULES, "sys.modules", 1);
    graph_sample_end(sample);
}

static struct graph *read_all(const struct graph_sample *sample) {
    char why[200];
    struct graph *graph = graph_read(sample->bytes, sample->size, why, sizeof why);
    if (!graph)
        fail_msg("%s", why);
    return graph;
}

static void must_refuse(const uint8_t *bytes, size_t size, const char *reason) {
    char why[200];
    assert_null(graph_read(bytes, size, why, sizeof why));
    assert_non_null(strstr(why, reason));
}

static void test_objects_come_back(void **state) {
    (void)state;
    struct graph_sample sample;
    make_small(&sample);
    struct graph *graph = read_all(&sample);
    assert_true(graph->complete);
    assert_int_equal(graph->python_minor, 12);
    assert_int_equal(graph->object_count, 4); /* none, two records, and one that is only named */
    assert_int_equal(graph->objects[1].address, 0x7f0000001000);
    assert_int_equal(graph->objects[1].references, 2);
    assert_int_equal(graph->objects[1].edge_count, 3);
    const struct graph_edge_record *edges = &graph->edges[graph->objects[1].first_edge];
    assert_int_equal(edges[0].target, 2);
    assert_int_equal(edges[1].target, 0);
    assert_int_equal(edges[2].target, 3);
    assert_string_equal(graph->texts[edges[2].text], "tag");
    assert_int_equal(graph->places[graph->objects[1].first_place].address, 0x7f0000000000);
    assert_int_equal(graph->places[graph->objects[1].first_place + 1].address, 0x1000);
    assert_int_equal(graph->objects[2].address, 0x1008);
    assert_string_equal(graph->texts[graph->objects[2].detail], "1048576 bytes");
    assert_int_equal(graph->objects[3].type, 0);
    assert_int_equal(graph->types[1].flags, GRAPH_TYPE_FINALIZER);
    assert_int_equal(graph->types[2].kind, GRAPH_BYTES);
    graph_free(graph);
    graph_sample_release(&sample);
}

static void test_frames_come_back(void **state) {
    (void)state;
    struct graph_sample sample;
    make_small(&sample);
    struct graph *graph = read_all(&sample);
    assert_int_equal(graph->frame_count, 2);
    const struct graph_frame *frame = &graph->frames[1];
    assert_int_equal(frame->position, GRAPH_NOT_BEGUN);
    assert_int_equal(frame->saved_depth, -1);
    assert_int_equal(frame->locals[0].object, 1);
    assert_false(frame->locals[0].borrowed);
    assert_int_equal(frame->locals[2].object, 2);
    assert_true(frame->locals[2].borrowed);
    assert_true(frame->stack[0].borrowed);
    assert_false(frame->stack[1].borrowed);
    assert_int_equal(frame->stack[1].object, 2);
    const struct graph_code *code = &graph->codes[frame->code];
    assert_string_equal(graph->texts[code->qualified_name], "build");
    assert_string_equal(graph->texts[code->local_names[1]], "seen");
    assert_int_equal(code->local_kinds[1], GRAPH_CELL_VARIABLE);
    assert_int_equal(code->local_kinds[2], GRAPH_FREE_VARIABLE);
    assert_int_equal(code->instructions[0], 0x64);
    const struct graph_thread *thread = &graph->threads[frame->thread];
    assert_string_equal(graph->texts[thread->name], "MainThread");
    assert_int_equal(graph->edges[thread->first_edge].target, 2);
    assert_string_equal(graph->texts[graph->roots[1].name], "sys.modules");
    graph_free(graph);
    graph_sample_release(&sample);
}

/* Wherever a stream ends, what came before is read, and no half record is. */
static void test_every_prefix_is_read(void **state) {
    (void)state;
    struct graph_sample sample;
    make_small(&sample);
    for (size_t size = 4; size < sample.size; size++) {
        struct graph_sample prefix = sample;
        prefix.bytes = malloc(size);
        memcpy(prefix.bytes, sample.bytes, size);
        prefix.size = size;
        struct graph *graph = read_all(&prefix);
        assert_false(graph->complete);
        uint32_t edges = 1;
        for (uint32_t i = 1; i < graph->object_count; i++)
            edges += graph->objects[i].edge_count;
        for (uint32_t i = 1; i < graph->thread_count; i++)
            edges += graph->threads[i].edge_count;
        assert_int_equal(graph->edge_count, edges);
        graph_free(graph);
        free(prefix.bytes);
    }
    for (size_t size = 0; size < 4; size++)
        must_refuse(sample.bytes, size, "cut short");
    graph_sample_release(&sample);
}

/* 1: the number above the highest so far, of records begun and edges' targets. The type's object
 * does not count. */
static void test_a_new_number_follows_the_highest(void **state) {
    (void)state;
    struct graph_sample sample;
    graph_sample_start(&sample, 12, 0);
    uint32_t list = graph_sample_type(&sample, "list", GRAPH_LIST, 0, 5);
    for (int i = 0; i < 2; i++) {
        graph_sample_byte(&sample, GRAPH_OBJECT);
        graph_sample_number(&sample, graph_zigzag(8));
        const uint64_t rest[] = {list, 1, 56, 0, 0, 0, 2, 1 << 3 | EDGE_ITEM, 1 << 3 | EDGE_ITEM};
        for (size_t k = 0; k < COUNT(rest); k++)
            graph_sample_number(&sample, rest[k]);
    }
    struct graph *graph = read_all(&sample);
    assert_int_equal(graph->edges[graph->objects[1].first_edge].target, 2);
    assert_int_equal(graph->edges[graph->objects[1].first_edge + 1].target, 3);
    assert_int_equal(graph->edges[graph->objects[2].first_edge].target, 3); /* 4 in the stream */
    assert_int_equal(graph->types[1].object, 3);                            /* 5 */
    assert_int_equal(graph->object_count, 4);
    assert_int_equal(graph->objects[2].address, 128);
    graph_free(graph);
    graph_sample_release(&sample);
}

static void test_texts_are_made_clean(void **state) {
    (void)state;
    struct graph_sample sample;
    graph_sample_start(&sample, 12, 0);
    graph_sample_text(&sample, "caf\xc3\xa9 \xff\xc3 \x1b[31m");
    struct graph *graph = read_all(&sample);
    assert_string_equal(graph->texts[1], "caf\xc3\xa9 ?? ?[31m");
    graph_free(graph);
    graph_sample_release(&sample);
}

struct hostile {
    const char *reason;
    uint64_t numbers[16];
    size_t count;
};

static void test_hostile_records(void **state) {
    (void)state;
    static const struct hostile all[] = {
        {"kind is unknown", {77}, 1},
        {"a count is too high", {GRAPH_TEXT, 201}, 2},
        {"a text is not there", {GRAPH_TYPE, 1, 0, 0, 0}, 5},
        {"a type is not there", {GRAPH_OBJECT, 0, 1, 1, 1, 0, 0, 0, 0}, 9},
        {"an edge leads nowhere", {GRAPH_OBJECT, 0, 0, 1, 1, 0, 0, 0, 1, 5 << 3}, 10},
        {"a thread is not there", {GRAPH_FRAME, 3}, 2},
        {"a code is not there", {GRAPH_FRAME, 0, 0, 0, 9}, 5},
        {"a frame has no code", {GRAPH_FRAME, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 12},
        {"a number is too high", {GRAPH_ROOT, 1ull << 33, 0, 0}, 4},
        {"a stack is too deep", {GRAPH_FRAME, 0, 0, 0, 0, 0, 0, 1 << 20}, 8},
        {"something follows", {GRAPH_END, 1}, 2},
    };
    for (size_t i = 0; i < COUNT(all); i++) {
        struct graph_sample sample;
        graph_sample_start(&sample, 12, 0);
        for (size_t k = 0; k < all[i].count; k++)
            graph_sample_number(&sample, all[i].numbers[k]);
        must_refuse(sample.bytes, sample.size, all[i].reason);
        graph_sample_release(&sample);
    }
}

static void test_hostile_beginnings(void **state) {
    (void)state;
    must_refuse((const uint8_t *)"\x02\x01\x01\x01", 4, "does not begin");
    must_refuse((const uint8_t *)"\x01\x02\x0c\x00", 4, "another version");
    must_refuse((const uint8_t *)"\x01\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12,
                "too long");
}

/* The highest number takes no more memory than the lowest. */
static void test_objects_without_records_are_one(void **state) {
    (void)state;
    struct graph_sample sample;
    graph_sample_start(&sample, 12, 0);
    const uint64_t numbers[] = {1ull << 40, 4000000000, UINT32_MAX, 1};
    for (size_t i = 0; i < COUNT(numbers); i++) {
        graph_sample_byte(&sample, GRAPH_ROOT);
        graph_sample_number(&sample, GRAPH_ROOT_MODULES);
        graph_sample_number(&sample, 0);
        graph_sample_number(&sample, numbers[i]);
    }
    struct graph *graph = read_all(&sample);
    assert_int_equal(graph->object_count, 2);
    for (uint32_t i = 1; i < graph->root_count; i++)
        assert_int_equal(graph->roots[i].object, 1);
    assert_int_equal(graph->objects[1].type, 0);
    graph_free(graph);
    graph_sample_release(&sample);
}

/* A count that promises more than there is takes no memory. */
static void test_promises_cost_nothing(void **state) {
    (void)state;
    struct graph_sample sample;
    graph_sample_start(&sample, 12, 0);
    const uint64_t numbers[] = {GRAPH_OBJECT, 0, 0, 1, 1, 0, 0, 0, 4000000000};
    for (size_t k = 0; k < COUNT(numbers); k++)
        graph_sample_number(&sample, numbers[k]);
    struct graph *graph = read_all(&sample);
    assert_false(graph->complete);
    assert_int_equal(graph->edge_count, 1);
    assert_int_equal(graph->object_count, 1);
    graph_free(graph);
    graph_sample_release(&sample);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_objects_come_back),
        cmocka_unit_test(test_frames_come_back),
        cmocka_unit_test(test_every_prefix_is_read),
        cmocka_unit_test(test_a_new_number_follows_the_highest),
        cmocka_unit_test(test_texts_are_made_clean),
        cmocka_unit_test(test_hostile_records),
        cmocka_unit_test(test_hostile_beginnings),
        cmocka_unit_test(test_objects_without_records_are_one),
        cmocka_unit_test(test_promises_cost_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
