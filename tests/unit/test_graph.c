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
                                                        .references = 2,
                                                        .flags = GRAPH_OBJECT_TRACKED,
                                                        .edges = edges,
                                                        .edge_count = COUNT(edges),
                                                        .places = places,
                                                        .place_count = COUNT(places)});
    graph_sample_object(
        sample, &(struct sample_object){
                    .type = data, .references = 1, .size = 1 << 20, .detail = "1048576 bytes"});
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
    assert_int_equal(graph->objects[1].references, 2);
    assert_int_equal(graph->objects[1].edge_count, 3);
    const struct graph_edge_record *edges = &graph->edges[graph->objects[1].first_edge];
    assert_int_equal(edges[0].target, 2);
    assert_int_equal(edges[1].target, 0);
    assert_int_equal(edges[2].target, 3);
    assert_string_equal(graph->texts[edges[2].text], "tag");
    assert_int_equal(graph->places[graph->objects[1].first_place].address, 0x7f0000000000);
    assert_int_equal(graph->places[graph->objects[1].first_place + 1].address, 0x1000);
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
    const char *name = graph->texts[graph->roots[1].name];
    graph_shed(graph);
    assert_null(graph->objects);
    assert_string_equal(name, "sys.modules");
    assert_int_equal(graph->types[2].kind, GRAPH_BYTES);
    graph_free(graph);
    graph_sample_release(&sample);
}

static void check_whole_records(const struct graph *graph) {
    uint32_t edges = 1;
    for (uint32_t i = 1; i < graph->object_count; i++)
        edges += graph->objects[i].edge_count;
    for (uint32_t i = 1; i < graph->thread_count; i++)
        edges += graph->threads[i].edge_count;
    assert_int_equal(graph->edge_count, edges);
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
        check_whole_records(graph);
        graph_free(graph);
        free(prefix.bytes);
    }
    for (size_t size = 0; size < 4; size++)
        must_refuse(sample.bytes, size, "cut short");
    graph_sample_release(&sample);
}

/* Of a writer that was stopped inside a record, the records before it. */
static void test_half_a_record_is_left_out(void **state) {
    (void)state;
    struct graph_sample sample;
    graph_sample_start(&sample, 12, 0);
    uint32_t list = graph_sample_type(&sample, "list", GRAPH_LIST, 0, 0);
    const struct sample_edge edges[] = {{EDGE_ITEM, NULL, 2}, {EDGE_ATTRIBUTE, "tag", 3}};
    const struct sample_object object = {.type = list, .edges = edges, .edge_count = COUNT(edges)};
    graph_sample_object(&sample, &object);
    graph_object_begin(&sample.writer, list, 0);
    graph_edges(&sample.writer, EDGE_ITEM, 3);
    graph_object_put(&sample.writer, &(struct graph_object_facts){.size = 7});
    graph_put_target(&sample.writer, 1);
    graph_sample_cut(&sample);
    struct graph *graph = read_all(&sample);
    assert_false(graph->complete);
    assert_int_equal(graph->object_count, 3); /* one, and the one that stands for the unknown */
    assert_int_equal(graph->objects[2].type, 0);
    check_whole_records(graph);
    graph_free(graph);
    graph_sample_release(&sample);
}

/* 1: the number above the highest so far, of objects and targets of records. What other columns
 * name does not count. */
static void test_a_new_number_follows_the_highest(void **state) {
    (void)state;
    struct graph_sample sample;
    graph_sample_start(&sample, 12, 0);
    uint32_t list = graph_sample_type(&sample, "list", GRAPH_LIST, 0, 5);
    const uint32_t targets[] = {2, 3, 4, 5};
    for (int i = 0; i < 2; i++) {
        graph_object_begin(&sample.writer, list, 0);
        graph_edges(&sample.writer, EDGE_ITEM, 2);
        graph_object_put(&sample.writer, &(struct graph_object_facts){.references = 1});
        graph_put_target(&sample.writer, targets[2 * i]);
        graph_put_target(&sample.writer, targets[2 * i + 1]);
    }
    graph_sample_cut(&sample);
    const uint8_t *items = memmem(sample.bytes, sample.size, "\x02\x0d\x04", 3);
    assert_non_null(items);
    assert_memory_equal(items + 3, "\x01\x01\x01\x01", 4);
    struct graph *graph = read_all(&sample);
    assert_int_equal(graph->edges[graph->objects[1].first_edge].target, 2);
    assert_int_equal(graph->edges[graph->objects[1].first_edge + 1].target, 3);
    assert_int_equal(graph->edges[graph->objects[2].first_edge].target, 3); /* 4 in the stream */
    assert_int_equal(graph->types[1].object, 3);                            /* 5 */
    assert_int_equal(graph->object_count, 4);
    graph_free(graph);
    graph_sample_release(&sample);
}

/* -- What the writer guesses, the reader guesses too -- */

#define MANY 40000u

static uint32_t next_random(uint32_t *seed) {
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* Targets of all distances, often ones of a short while ago, and rows of them again. */
static uint32_t some_target(uint32_t *seed, const uint32_t *targets, uint32_t at) {
    uint32_t random = next_random(seed), kind = random % 8;
    random /= 8;
    if (kind == 0 || at == 0)
        return 0;
    if (kind == 1)
        return random % MANY + 1;
    if (kind == 2)
        return at / 3 + 1 + random % (1u << random % 12);
    if (kind == 3)
        return targets[at - 1] + random % 11;
    uint32_t back = 1 + random % (kind < 6 ? 50 : 17000);
    return targets[at < back ? at - 1 : at - back];
}

struct told {
    uint32_t counts[3]; /* items, pairs, attributes */
    uint64_t references, size;
};

static void tell_random(struct graph_sample *sample, uint32_t types, struct told *told,
                        uint32_t *seed) {
    uint32_t kind = next_random(seed) % types;
    *told = (struct told){{kind == 0 ? next_random(seed) % 5 : 0,
                           kind == 1 ? next_random(seed) % 4 : 0, kind == 2 ? 3 : 0},
                          next_random(seed) % 1000,
                          next_random(seed) % 3 ? 56 : next_random(seed)};
    graph_object_begin(&sample->writer, kind + 1, kind);
    if (kind == 0)
        graph_edges(&sample->writer, EDGE_ITEM, told->counts[0]);
    if (kind == 1)
        graph_edges(&sample->writer, EDGE_KEY, told->counts[1]);
    for (uint32_t i = 0; i < told->counts[2]; i++)
        graph_edge(&sample->writer, (1 + i) << 3 | EDGE_ATTRIBUTE);
    graph_object_put(&sample->writer, &(struct graph_object_facts){.references = told->references,
                                                                   .size = told->size,
                                                                   .detail = kind == 3 ? 2 : 0});
}

static uint32_t edges_of(const struct told *told) {
    return told->counts[0] + 2 * told->counts[1] + told->counts[2];
}

static void check_random(const struct graph *graph, uint32_t number, const struct told *told,
                         const uint32_t *targets) {
    static const uint8_t kinds[] = {EDGE_ITEM, EDGE_KEY, EDGE_ATTRIBUTE};
    const struct graph_object *object = &graph->objects[number];
    assert_int_equal(object->references, told->references);
    assert_int_equal(object->size, told->size);
    assert_int_equal(object->edge_count, edges_of(told));
    for (uint32_t i = 0; i < object->edge_count; i++) {
        const struct graph_edge_record *edge = &graph->edges[object->first_edge + i];
        assert_int_equal(edge->target, targets[i] < graph->object_count - 1
                                           ? targets[i]
                                           : graph->object_count - 1);
        if (told->counts[2])
            assert_int_equal(edge->text, edge->target ? 1 + i : 0);
        assert_int_equal(edge->kind,
                         object->type == 2 && i % 2 == 1 ? EDGE_VALUE : kinds[object->type - 1]);
    }
}

static void test_guesses_agree(void **state) {
    (void)state;
    struct graph_sample sample;
    uint32_t seed = 7, at = 0, read = 0;
    uint32_t *targets = calloc(8 * MANY, sizeof *targets);
    struct told *told = calloc(MANY, sizeof *told);
    assert_true(targets && told);
    graph_sample_start(&sample, 12, 0);
    const char *const names[] = {"a", "b", "c", "d"};
    for (int i = 0; i < 4; i++) {
        graph_sample_text(&sample, names[i]);
        graph_sample_type(&sample, names[i], GRAPH_OTHER, 0, 0);
    }
    for (uint32_t i = 0; i < MANY; i++) {
        tell_random(&sample, 4, &told[i], &seed);
        for (uint32_t k = 0; k < edges_of(&told[i]); k++, at++)
            graph_put_target(&sample.writer, targets[at] = some_target(&seed, targets, at));
    }
    graph_sample_end(&sample);
    struct graph *graph = read_all(&sample);
    assert_true(graph->complete);
    assert_in_range(graph->object_count, MANY + 1, MANY + 2);
    for (uint32_t i = 0; i < MANY; i++) {
        check_random(graph, i + 1, &told[i], targets + read);
        read += edges_of(&told[i]);
    }
    assert_int_equal(read, at);
    graph_free(graph);
    graph_sample_release(&sample);
    free(targets);
    free(told);
}

/* More shapes than are remembered, and one with more edges than are. */
static void test_many_shapes(void **state) {
    (void)state;
    struct graph_sample sample;
    graph_sample_start(&sample, 12, 0);
    graph_sample_type(&sample, "thing", GRAPH_OTHER, 0, 0);
    for (uint32_t i = 0; i < 70000; i++) {
        graph_object_begin(&sample.writer, 1, i % 70000);
        graph_edge(&sample.writer, EDGE_OTHER);
        graph_object_put(&sample.writer, &(struct graph_object_facts){.size = i});
        graph_put_target(&sample.writer, i + 1);
    }
    for (uint32_t i = 0; i < 2; i++) {
        graph_object_begin(&sample.writer, 1, 0);
        for (uint32_t k = 0; k < 5000; k++)
            graph_edge(&sample.writer, k % 2 ? EDGE_OTHER : EDGE_WEAK);
        graph_object_put(&sample.writer, &(struct graph_object_facts){.size = 1});
        for (uint32_t k = 0; k < 5000; k++)
            graph_put_target(&sample.writer, 100 + k);
    }
    graph_sample_end(&sample);
    struct graph *graph = read_all(&sample);
    assert_int_equal(graph->object_count, 70003);
    for (uint32_t i = 0; i < 70000; i++) {
        const struct graph_object *object = &graph->objects[i + 1];
        assert_true(object->flags == i && object->size == i);
        assert_int_equal(graph->edges[object->first_edge].target, i + 1);
    }
    for (uint32_t i = 70001; i < 70003; i++) {
        const struct graph_edge_record *edges = &graph->edges[graph->objects[i].first_edge];
        assert_int_equal(graph->objects[i].edge_count, 5000);
        for (uint32_t k = 0; k < 5000; k++)
            assert_true(edges[k].target == 100 + k && edges[k].kind == (k % 2 ? 0 : EDGE_WEAK));
    }
    graph_free(graph);
    graph_sample_release(&sample);
}

/* An object that is told with fewer targets than it has edges does not shift those of others. */
static void test_missing_targets_are_none(void **state) {
    (void)state;
    struct graph_sample sample;
    graph_sample_start(&sample, 12, 0);
    graph_sample_type(&sample, "list", GRAPH_LIST, 0, 0);
    for (uint32_t i = 0; i < 2; i++) {
        graph_object_begin(&sample.writer, 1, 0);
        graph_edges(&sample.writer, EDGE_ITEM, 3);
        graph_edge(&sample.writer, EDGE_TYPE);
        graph_object_put(&sample.writer, &(struct graph_object_facts){.size = 1});
        for (uint32_t k = 0; k < (i ? 9 : 1); k++)
            graph_put_target(&sample.writer, 2);
    }
    graph_sample_end(&sample);
    struct graph *graph = read_all(&sample);
    const uint32_t expected[] = {2, 0, 0, 0, 2, 2, 2, 2};
    for (uint32_t i = 0; i < COUNT(expected); i++)
        assert_int_equal(graph->edges[1 + i].target, expected[i]);
    graph_free(graph);
    graph_sample_release(&sample);
}

/* Depths are those that were told, whichever threads come in between. */
static void test_depths_come_back(void **state) {
    (void)state;
    struct graph_sample sample;
    graph_sample_start(&sample, 12, 0);
    uint32_t code = graph_sample_code(&sample, &(struct sample_code){.name = "f", .file = "a.py"});
    for (int i = 0; i < 2; i++)
        graph_sample_thread(&sample, "t", NULL, 0);
    const uint32_t expected[][2] = {{1, 0}, {1, 1}, {1, 5}, {1, 2}, {2, 0}, {2, 7}, {1, 3}, {2, 0}};
    for (size_t i = 0; i < COUNT(expected); i++)
        graph_sample_frame(&sample, &(struct sample_frame){.thread = expected[i][0],
                                                           .depth = expected[i][1],
                                                           .code = code,
                                                           .saved_depth = 0});
    graph_sample_end(&sample);
    struct graph *graph = read_all(&sample);
    for (size_t i = 0; i < COUNT(expected); i++) {
        assert_int_equal(graph->frames[i + 1].thread, expected[i][0]);
        assert_int_equal(graph->frames[i + 1].depth, expected[i][1]);
    }
    graph_free(graph);
    graph_sample_release(&sample);
}

static void test_texts_are_made_clean(void **state) {
    (void)state;
    struct graph_sample sample;
    graph_sample_start(&sample, 12, 0);
    graph_sample_text(&sample, "caf\xc3\xa9 \xff\xc3 \x1b[31m");
    graph_sample_end(&sample);
    struct graph *graph = read_all(&sample);
    assert_string_equal(graph->texts[1], "caf\xc3\xa9 ?? ?[31m");
    graph_free(graph);
    graph_sample_release(&sample);
}

/* -- Hostile streams -- */

struct hostile {
    const char *reason;
    struct {
        enum graph_column column;
        uint64_t number;
    } numbers[16];
    size_t count;
};

static void put_hostile(struct graph_sample *sample, const struct hostile *hostile) {
    for (size_t i = 0; i < hostile->count; i++)
        graph_put(&sample->writer, hostile->numbers[i].column, hostile->numbers[i].number);
}

static void test_hostile_numbers(void **state) {
    (void)state;
    static const struct hostile all[] = {
        {"a count is too high", {{GRAPH_TEXT_SIZES, 201}}, 1},
        {"a column is too short", {{GRAPH_TEXT_SIZES, 3}}, 1},
        {"a column is too long", {{GRAPH_TEXTS, 3}}, 1},
        {"a column is too long", {{GRAPH_BITS, 3}}, 1},
        {"a text is not there", {{GRAPH_TYPES, 9}}, 1},
        {"a column is too short", {{GRAPH_LOST, 1}}, 1},
        {"a text is not there", {{GRAPH_TAKES, 1}, {GRAPH_TAKES, 9}}, 2},
        {"a number is too high",
         {{GRAPH_TAKES, 1}, {GRAPH_TAKES, 1}, {GRAPH_TAKES, 1ull << 33}, {GRAPH_TAKES, 1}},
         4},
        {"a text is not there", {{GRAPH_BALANCES, 1}, {GRAPH_BALANCES, 9}}, 2},
        {"a column is too short", {{GRAPH_SEEN, 1}, {GRAPH_SEEN, 2}}, 2},
        {"a column is too short", {{GRAPH_COPIES, 1}, {GRAPH_COPIES, 2}, {GRAPH_COPIES, 0}}, 3},
        {"a number is too high", {{GRAPH_ROOTS, 1ull << 33}}, 1},
        {"a text is not there",
         {{GRAPH_THREADS, 1},
          {GRAPH_THREADS, 1},
          {GRAPH_THREADS, 1},
          {GRAPH_THREADS, 0},
          {GRAPH_THREADS, 1},
          {GRAPH_THREADS, 9 << 3},
          {GRAPH_THREADS, 1}},
         7},
        {"a shape is not there", {{GRAPH_RECORDS, 0}}, 1},
        {"a type is not there", {{GRAPH_SHAPES, 0}}, 1},
        {"a type is not there",
         {{GRAPH_SHAPES, 3}, {GRAPH_SHAPES, 0}, {GRAPH_SHAPES, 9}, {GRAPH_SHAPES, 0}},
         4},
        {"a text is not there",
         {{GRAPH_SHAPES, 4},
          {GRAPH_SHAPES, 0},
          {GRAPH_SHAPES, 0},
          {GRAPH_SHAPES, 0},
          {GRAPH_SHAPES, 9 << 4}},
         5},
        {"a code is not there",
         {{GRAPH_SHAPES, 6},
          {GRAPH_SHAPES, 1},
          {GRAPH_SHAPES, 0},
          {GRAPH_SHAPES, 0},
          {GRAPH_SHAPES, 0},
          {GRAPH_SHAPES, 0},
          {GRAPH_SHAPES, 0}},
         7},
        {"a stack is too deep",
         {{GRAPH_SHAPES, 6},
          {GRAPH_SHAPES, 1},
          {GRAPH_SHAPES, 1},
          {GRAPH_SHAPES, 0},
          {GRAPH_SHAPES, 0},
          {GRAPH_SHAPES, 0},
          {GRAPH_SHAPES, 1}},
         7},
        {"a stack is too deep",
         {{GRAPH_SHAPES, 6},
          {GRAPH_SHAPES, 1},
          {GRAPH_SHAPES, 1},
          {GRAPH_SHAPES, 0},
          {GRAPH_SHAPES, 0},
          {GRAPH_SHAPES, 1 << 20},
          {GRAPH_SHAPES, 0}},
         7},
    };
    for (size_t i = 0; i < COUNT(all); i++) {
        struct graph_sample sample;
        graph_sample_start(&sample, 12, 0);
        graph_sample_code(&sample, &(struct sample_code){.name = "f", .file = "a.py"});
        put_hostile(&sample, &all[i]);
        graph_sample_end(&sample);
        must_refuse(sample.bytes, sample.size, all[i].reason);
        graph_sample_release(&sample);
    }
}

/* A record of one edge, or of many, whose target is these bytes. */
static void put_edge_record(struct graph_sample *sample, uint32_t edge, uint64_t count) {
    const uint64_t words[] = {4, 0, 0, 0, edge};
    for (size_t i = 0; i < COUNT(words); i++)
        graph_put(&sample->writer, GRAPH_SHAPES, words[i]);
    graph_put(&sample->writer, GRAPH_RECORDS, 0);
    if (edge & GRAPH_MANY)
        graph_put(&sample->writer, GRAPH_COUNTS, count);
    graph_put(&sample->writer, GRAPH_REFERENCES, 1);
    graph_put(&sample->writer, GRAPH_SIZES, 1);
}

static void test_hostile_targets(void **state) {
    (void)state;
    static const struct {
        const char *reason;
        uint8_t byte, bits;
    } all[] = {
        {"an edge leads nowhere", 2, 0},        /* again, and there was none */
        {"an edge leads nowhere", 3, 0},        /* an empty row */
        {"an edge leads nowhere", 4 + 0, 0},    /* 1 - 2 */
        {"an edge leads nowhere", 9, 0},        /* 0 - 8 */
        {"an edge leads nowhere", 26, 0},       /* no such byte */
        {"an edge leads nowhere", 31, 0},       /* no such byte */
        {"an edge leads nowhere", 32, 0},       /* the last one of an empty row */
        {"an edge leads nowhere", 64 + 8, 255}, /* far before the first object */
        {"an edge leads nowhere", 128, 0},      /* no such byte */
        {"an edge leads nowhere", 255, 0},
        {"a column is too short", 96 + 31, 255}, /* without its low bits */
    };
    for (size_t i = 0; i < COUNT(all); i++) {
        struct graph_sample sample;
        graph_sample_start(&sample, 12, 0);
        put_edge_record(&sample, EDGE_OTHER << 1, 0);
        graph_put_bytes(&sample.writer, GRAPH_FIELDS, &all[i].byte, 1);
        if (all[i].bits)
            graph_put_bytes(&sample.writer, GRAPH_BITS, &all[i].bits, 1);
        graph_sample_end(&sample);
        must_refuse(sample.bytes, sample.size, all[i].reason);
        graph_sample_release(&sample);
    }
}

/* Sums of sizes have room for all that is read. */
static void test_sizes_beyond_memory(void **state) {
    (void)state;
    for (unsigned more = 0; more < 2; more++) {
        struct graph_sample sample;
        graph_sample_start(&sample, 12, 0);
        uint32_t type = graph_sample_type(&sample, "bytes", GRAPH_BYTES, 0, 0);
        for (unsigned i = 0; i < 2; i++)
            graph_sample_object(&sample,
                                &(struct sample_object){.type = type,
                                                        .references = 1,
                                                        .size = GRAPH_BYTES_MAX / 2 + more * i});
        graph_sample_end(&sample);
        if (more)
            must_refuse(sample.bytes, sample.size, "larger than memory");
        else
            graph_free(read_all(&sample));
        graph_sample_release(&sample);
    }
}

static void test_hostile_parts(void **state) {
    (void)state;
    static const struct {
        const char *reason;
        uint8_t bytes[4];
        size_t count;
    } all[] = {
        {"a part's kind is unknown", {77}, 1},
        {"something follows", {GRAPH_END, 1}, 2},
    };
    for (size_t i = 0; i < COUNT(all); i++) {
        struct graph_sample sample;
        graph_sample_start(&sample, 12, 0);
        graph_sample_cut(&sample);
        for (size_t k = 0; k < all[i].count; k++)
            graph_sample_byte(&sample, all[i].bytes[k]);
        must_refuse(sample.bytes, sample.size, all[i].reason);
        graph_sample_release(&sample);
    }
}

static void test_hostile_beginnings(void **state) {
    (void)state;
    must_refuse((const uint8_t *)"\x02\x02\x01\x01", 4, "does not begin");
    must_refuse((const uint8_t *)"\x01\x01\x0c\x00", 4, "another version");
    must_refuse((const uint8_t *)"\x01\x03\x0c\x00", 4, "another version");
    must_refuse((const uint8_t *)"\x01\x02\xff\xff\xff\xff\x7f\x00", 8, "too high");
}

/* A later version's columns are passed over. */
static void test_unknown_columns(void **state) {
    (void)state;
    struct graph_sample sample;
    graph_sample_start(&sample, 12, 0);
    const uint8_t piece[] = {GRAPH_PIECE, GRAPH_COLUMNS + 5, 2, 9, 9};
    for (size_t i = 0; i < COUNT(piece); i++)
        graph_sample_byte(&sample, piece[i]);
    graph_sample_text(&sample, "seen");
    graph_sample_end(&sample);
    struct graph *graph = read_all(&sample);
    assert_true(graph->complete);
    assert_string_equal(graph->texts[1], "seen");
    struct graph_layout layout;
    assert_false(graph_layout_find(sample.bytes, sample.size, &layout));
    graph_free(graph);
    graph_sample_release(&sample);
}

/* The highest number takes no more memory than the lowest. */
static void test_untold_objects_are_one(void **state) {
    (void)state;
    struct graph_sample sample;
    graph_sample_start(&sample, 12, 0);
    const uint64_t numbers[] = {1ull << 40, 4000000000, UINT32_MAX, 1};
    for (size_t i = 0; i < COUNT(numbers); i++) {
        graph_put(&sample.writer, GRAPH_ROOTS, GRAPH_ROOT_MODULES);
        graph_put(&sample.writer, GRAPH_ROOTS, 0);
        graph_put(&sample.writer, GRAPH_ROOTS, numbers[i]);
    }
    graph_sample_end(&sample);
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
    static const uint64_t counts[] = {4000000000, 1ull << 62};
    for (size_t i = 0; i < COUNT(counts); i++) {
        struct graph_sample sample;
        graph_sample_start(&sample, 12, 0);
        put_edge_record(&sample, (uint32_t)(i ? EDGE_KEY : EDGE_ITEM) << 1 | GRAPH_MANY, counts[i]);
        graph_sample_cut(&sample);
        if (i == 0) {
            struct graph *graph = read_all(&sample);
            assert_false(graph->complete);
            assert_int_equal(graph->edge_count, 1);
            assert_int_equal(graph->object_count, 1);
            graph_free(graph);
        } else {
            must_refuse(sample.bytes, sample.size, "a count is too high");
        }
        graph_sample_release(&sample);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_objects_come_back),
        cmocka_unit_test(test_frames_come_back),
        cmocka_unit_test(test_every_prefix_is_read),
        cmocka_unit_test(test_half_a_record_is_left_out),
        cmocka_unit_test(test_a_new_number_follows_the_highest),
        cmocka_unit_test(test_guesses_agree),
        cmocka_unit_test(test_many_shapes),
        cmocka_unit_test(test_missing_targets_are_none),
        cmocka_unit_test(test_depths_come_back),
        cmocka_unit_test(test_texts_are_made_clean),
        cmocka_unit_test(test_hostile_numbers),
        cmocka_unit_test(test_hostile_targets),
        cmocka_unit_test(test_sizes_beyond_memory),
        cmocka_unit_test(test_hostile_parts),
        cmocka_unit_test(test_hostile_beginnings),
        cmocka_unit_test(test_unknown_columns),
        cmocka_unit_test(test_untold_objects_are_one),
        cmocka_unit_test(test_promises_cost_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
