/* A page of a profile of which every part is as large as it can be: it stays within its bound, says
 * that it is not the whole, and its bytes still add up.
 */
#include "graph_sample.h"
#include "report_tools.h"

#include "viewer/holders.h"
#include "viewer/report.h"
#include "wire/profile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PAGE_MAX 5000000u
#define PROCESSES 1100u
#define PEAKS 12u /* processes with memory */
#define FUNCTIONS 6000u
#define CHAINS 400u
#define DEPTH 400u
#define NODES (1u + CHAINS * DEPTH)
#define SITES 12000u /* of each process with memory */
#define POINTS 4000u
#define SNAPSHOTS 300u
#define BLOCKS 30u /* of each */
#define COLLECTIONS 9500u
#define SPANS 128u
#define SPAN_SITES 10u
#define REGIONS 6000u
#define REGIONS_SEEN 30u
#define REGION_SNAPSHOTS 3u
#define LINES 60000u
#define HOLDERS 50u
#define ROWS 8000u
#define COPIES 30u
#define LEAKS 30u
#define LEAKED 20u
#define TYPES 300u /* of each process with memory */

static char *strings[FUNCTIONS + LINES + 10];
static struct profile profile;
static struct findings findings[PEAKS], *by_process[PROCESSES];
static struct graph_sample graph;
static char words[81];

static uint32_t analyses;

struct findings *__real_findings_of_snapshot(const struct profile *of, uint32_t snapshot);
struct findings *__wrap_findings_of_snapshot(const struct profile *of, uint32_t snapshot);

struct findings *__wrap_findings_of_snapshot(const struct profile *of, uint32_t snapshot) {
    analyses++;
    return __real_findings_of_snapshot(of, snapshot);
}

static uint32_t random_number(uint32_t number, uint32_t below) {
    return (uint32_t)(number * 2654435761u >> 4) % below;
}

static void *room(size_t count, size_t size) {
    void *memory = calloc(count, size);
    assert_non_null(memory);
    return memory;
}

static void make_strings(void) {
    memset(words, 'w', sizeof words - 1);
    profile.strings = strings;
    profile.string_count = FUNCTIONS + LINES + 10;
    strings[0] = strdup("");
    for (uint32_t i = 1; i < profile.string_count; i++)
        if (asprintf(&strings[i], "some_package.module_%u.function_with_a_long_name_%u", i % 977,
                     i) < 0)
            fail();
    profile.functions = room(FUNCTIONS, sizeof *profile.functions);
    profile.function_count = FUNCTIONS;
    for (uint32_t i = 1; i < FUNCTIONS; i++)
        profile.functions[i] = (struct profile_function){.name = i, .file = 1 + i % 600};
    profile.sources = room(LINES, sizeof *profile.sources);
    profile.source_count = LINES;
    for (uint32_t i = 0; i < LINES; i++)
        profile.sources[i] = (struct profile_source){1 + i / 100, 1 + i % 100, FUNCTIONS + i};
}

/* Chains of which each frame is another one. */
static void make_stacks(void) {
    profile.nodes = room(NODES + 1, sizeof *profile.nodes);
    profile.node_count = NODES;
    for (uint32_t i = 1; i < NODES; i++)
        profile.nodes[i] = (struct profile_node){.parent = (i - 1) % DEPTH ? i - 1 : 0,
                                                 .function = 1 + random_number(i, FUNCTIONS - 1),
                                                 .line = 1 + random_number(i, 100)};
    profile.sites = room(PEAKS * SITES, sizeof *profile.sites);
    profile.site_count = PEAKS * SITES;
    for (uint32_t i = 0; i < profile.site_count; i++) {
        struct profile_process *process = &profile.processes[i / SITES];
        uint32_t step = i % SITES * (NODES / SITES);
        uint64_t bytes = 1000000 + random_number(i, 100000000);
        profile.sites[i] = (struct profile_site){.process = i / SITES,
                                                 .node = 1 + step,
                                                 .peak_bytes = 2 * bytes,
                                                 .tree_bytes = bytes,
                                                 .peak_blocks = 100,
                                                 .tree_blocks = 100,
                                                 .end_bytes = bytes / 2,
                                                 .end_blocks = 50,
                                                 .total_bytes = bytes * 3,
                                                 .total_blocks = 300};
        process->peak_bytes += 2 * bytes; /* at another time */
        process->tree_bytes += bytes;
        profile.tree_peak_bytes += bytes;
    }
}

static void make_processes(void) {
    static string_id command[] = {1, 2, 3, 4, 5, 6};
    profile.processes = room(PROCESSES, sizeof *profile.processes);
    profile.process_count = PROCESSES;
    for (uint32_t i = 0; i < PROCESSES; i++) {
        profile.processes[i].pid = 1000000 + i;
        profile.processes[i].command = command;
        profile.processes[i].command_count = 6;
        profile.processes[i].flags = i < PEAKS ? PROCESS_REFS | PROCESS_LIFETIMES : 0;
    }
}

static void make_lifetimes(void) {
    profile.lifetimes = room(PEAKS * SITES, sizeof *profile.lifetimes);
    profile.lifetime_count = PEAKS * SITES;
    for (uint32_t i = 0; i < profile.lifetime_count; i++) {
        struct profile_lifetime *one = &profile.lifetimes[i];
        one->process = profile.sites[i].process;
        one->node = profile.sites[i].node;
        one->ended_blocks[END_FREED] = one->ages[31] = one->times[23] = 250;
        one->frees[0] = (struct profile_free){NODES - 1, 250, 250};
    }
}

/* As many types of objects as there are names, in each process. */
static void make_types(void) {
    uint32_t count = PEAKS * TYPES;
    profile.types = room(TYPES + PROFILE_TYPES_KNOWN, sizeof *profile.types);
    profile.type_count = TYPES + PROFILE_TYPES_KNOWN;
    profile.type_lifetimes = room(count, sizeof *profile.type_lifetimes);
    profile.collected = room(count, sizeof *profile.collected);
    profile.type_lifetime_count = profile.collected_count = count;
    for (uint32_t i = 0; i < TYPES; i++)
        profile.types[PROFILE_TYPES_KNOWN + i].name = 1 + i;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t type = PROFILE_TYPES_KNOWN + i % TYPES;
        profile.type_lifetimes[i] = profile.lifetimes[i];
        profile.type_lifetimes[i].process = i / TYPES;
        profile.type_lifetimes[i].type = type;
        profile.type_lifetimes[i].kind = PROFILE_PYTHON;
        profile.type_lifetimes[i].ended_bytes[END_FREED] = 1000;
        profile.collected[i] =
            (struct profile_collected){i / TYPES, 1 + i * (NODES / count), type, 1000, 123456};
    }
}

static void make_timelines(void) {
    static struct profile_point points[POINTS];
    profile.timelines = room(PEAKS + 1, sizeof *profile.timelines);
    profile.timeline_count = PEAKS + 1;
    for (uint32_t i = 0; i < POINTS; i++)
        points[i] = (struct profile_point){i * 1234567891ull, i * 1234567ull, i * 7654321ull};
    for (uint32_t i = 0; i <= PEAKS; i++)
        profile.timelines[i] = (struct profile_timeline){i ? i - 1 : PROFILE_TREE, POINTS, points};
    profile.collections = room(COLLECTIONS, sizeof *profile.collections);
    profile.collection_count = COLLECTIONS;
    for (uint32_t i = 0; i < COLLECTIONS; i++)
        profile.collections[i] = (struct profile_collection){.process = i % PEAKS,
                                                             .time_ns = i * 1234567891ull,
                                                             .duration_ns = i,
                                                             .count = 1,
                                                             .objects = 123456};
}

static void make_spans(void) {
    uint32_t count = PEAKS * SPANS;
    profile.spans = room(count, sizeof *profile.spans);
    profile.span_count = count;
    profile.span_sites = room(count * 2 * SPAN_SITES, sizeof *profile.span_sites);
    profile.span_site_count = count * 2 * SPAN_SITES;
    for (uint32_t i = 0; i < count; i++)
        profile.spans[i] = (struct profile_span){.process = i / SPANS,
                                                 .made_count = SPAN_SITES,
                                                 .held_count = SPAN_SITES,
                                                 .end_ns = (i % SPANS + 1) * 1234567891ull};
    for (uint32_t i = 0; i < profile.span_site_count; i++)
        profile.span_sites[i] =
            (struct profile_span_site){1 + random_number(i, NODES - 1), 123456789};
}

static void make_snapshots(void) {
    profile.snapshots = room(SNAPSHOTS, sizeof *profile.snapshots);
    profile.snapshot_count = SNAPSHOTS;
    profile.graphs = room(SNAPSHOTS, sizeof *profile.graphs);
    profile.blocks = room(SNAPSHOTS * BLOCKS, sizeof *profile.blocks);
    profile.block_count = SNAPSHOTS * BLOCKS;
    for (uint32_t i = 0; i < SNAPSHOTS; i++) {
        profile.snapshots[i] = (struct profile_snapshot){.process = i * PEAKS / SNAPSHOTS,
                                                         .flags = SNAPSHOT_COMPLETE,
                                                         .time_ns = i,
                                                         .bytes = (1u << 30) + i,
                                                         .block_count = BLOCKS,
                                                         .first_moment = 2};
        profile.graphs[i] = (struct profile_graph){graph.bytes, graph.size, false};
    }
    for (uint32_t i = 0; i < profile.block_count; i++)
        profile.blocks[i] = (struct profile_block){(uint64_t)(i % BLOCKS + 1) << 20,
                                                   1u << 20,
                                                   DEPTH * (1 + random_number(i, CHAINS - 1)),
                                                   0,
                                                   1,
                                                   0,
                                                   0};
    profile.regions = room(REGIONS, sizeof *profile.regions);
    profile.region_count = REGIONS;
    for (uint32_t i = 0; i < REGIONS; i++)
        profile.regions[i] = (struct profile_region){
            .name = 1 + i,
            .thread = 1 + i,
            .count = 123456,
            .peak_bytes = 123456789 + i,
            .snapshot = i < REGIONS - REGIONS_SEEN ? 0 : 1 + i % REGION_SNAPSHOTS};
}

/* Lost references, taken by modules of many names. */
static void make_graph(void) {
    graph_sample_start(&graph, 12, 0);
    uint32_t type = graph_sample_type(&graph, "list", GRAPH_LIST, 0, 0), number = 0;
    for (uint32_t i = 0; i < LEAKS; i++) {
        char path[64];
        snprintf(path, sizeof path, "/usr/lib/some_package/a_module_that_leaks_%u.so", i);
        uint32_t text = graph_sample_text(&graph, path);
        for (uint32_t k = 0; k < LEAKED; k++) {
            number =
                graph_sample_object(&graph, &(struct sample_object){.type = type, .references = 2});
            const uint64_t take[] = {number, text, 0, 2};
            graph_put(&graph.writer, GRAPH_LOST, number);
            graph_put(&graph.writer, GRAPH_LOST, 2);
            for (unsigned n = 0; n < 4; n++)
                graph_put(&graph.writer, GRAPH_TAKES, take[n]);
        }
    }
    for (unsigned n = 0; n < 5; n++)
        graph_put(&graph.writer, GRAPH_SEEN, 1);
    graph_sample_end(&graph);
}

static const struct holder any_holder = {.bytes = 123456789,
                                         .count = 1000,
                                         .type = words,
                                         .detail = words,
                                         .root = HOLDER_LOCAL,
                                         .name = words,
                                         .function = words,
                                         .file = words,
                                         .line = 1000,
                                         .path = words,
                                         .reason = words,
                                         .others = words};

static void make_copies(struct findings *of) {
    of->copies = room(COPIES, sizeof *of->copies);
    of->copies_count = COPIES;
    of->copies_cut = true;
    for (uint32_t i = 0; i < COPIES; i++) {
        struct copied_buffer *buffers = room(8, sizeof *buffers);
        for (uint32_t k = 0; k < 8; k++)
            buffers[k] = (struct copied_buffer){
                .bytes = 1 << 30, .type = words, .detail = words, .path = words, .node = NODES - 1};
        of->copies[i] = (struct copies){buffers, 8, 8, 0, 1ull << 50, words};
    }
}

static void make_findings(void) {
    for (uint32_t i = 0; i < PEAKS; i++) {
        struct holding *holding = room(1, sizeof *holding);
        by_process[i] = &findings[i];
        findings[i] = (struct findings){.process = i,
                                        .snapshot = i * (SNAPSHOTS / PEAKS),
                                        .count = HOLDERS,
                                        .bytes = 1 << 30,
                                        .holding = holding};
        findings[i].holders = room(HOLDERS, sizeof *findings[i].holders);
        for (uint32_t k = 0; k < HOLDERS; k++) {
            findings[i].holders[k] = any_holder;
            findings[i].holders[k].node = DEPTH * (1 + k);
        }
        make_copies(&findings[i]);
        holding->row_count = i ? ROWS / 12 : ROWS;
        holding->rows = room(ROWS, sizeof *holding->rows);
        holding->item_count = holding->row_count / 40;
        holding->items = room(holding->item_count, sizeof *holding->items);
        for (uint32_t k = 0; k < holding->item_count; k++)
            holding->items[k] = (struct holding_item){any_holder, 40 * k};
        for (uint32_t k = 0; k < holding->row_count; k++)
            holding->rows[k] = (struct holding_row){
                .count = 1, .text = strings[1 + k % FUNCTIONS], .bytes = {1 << 20}, .node = 1 + k};
    }
}

static void make_all(void) {
    profile.writer = profile.host = 1;
    make_graph();
    make_strings();
    make_processes();
    make_stacks();
    make_lifetimes();
    make_types();
    make_timelines();
    make_spans();
    make_snapshots();
    make_findings();
}

static json_int_t tree_bytes(const json_t *data) {
    const json_t *trees = json_object_get(data, "trees"), *tree;
    json_int_t sum = 0;
    size_t i;
    json_array_foreach(trees, i, tree) {
        const json_t *sites = json_object_get(tree, "sites");
        for (size_t k = 2;
             k < json_array_size(sites) && !json_is_true(json_object_get(tree, "own")); k += 4)
            sum += json_integer_value(json_array_get(sites, k));
    }
    return sum;
}

static json_int_t told(const json_t *data, const char *key) {
    return json_integer_value(json_object_get(data, key));
}

/* The types of all processes together come first; each process lists the same first. */
static void assert_types_of_all(const json_t *types) {
    const json_t *of_all = json_array_get(types, 0), *row;
    json_int_t sum = 0;
    size_t i;
    json_array_foreach(types, i, row) {
        bool same = strcmp(json_string_value(json_array_get(row, 1)),
                           json_string_value(json_array_get(of_all, 1))) == 0;
        sum += same && i > 0 ? json_integer_value(json_array_get(row, 3)) : 0;
    }
    assert_true(json_is_null(json_array_get(of_all, 0)));
    assert_int_equal(json_integer_value(json_array_get(of_all, 3)), 1000 * PEAKS);
    assert_int_equal(sum, 1000 * PEAKS);
}

/* What is biggest is kept: here that is what comes last. */
static void assert_ends_with(const json_t *data, const char *list, const char *key,
                             json_int_t value) {
    const json_t *all = json_object_get(data, list);
    const json_t *last = json_array_get(all, json_array_size(all) - 1);
    assert_int_equal(told(last, key), value);
}

static void a_page_of_everything_is_within_its_bound(void **state) {
    (void)state;
    static const char *const parts[] = {"processes", "regions",   "trees",      "timelines",
                                        "spans",     "snapshots", "spanStacks", "collections",
                                        "holders",   "files",     "strings"};
    const struct report_options options = {.process = PROFILE_TREE, .findings = by_process};
    make_all();
    char *text = report_string(report_page, &profile, &options);
    /* Once, though a page of this size was written several times. */
    assert_int_equal(analyses, PEAKS + REGION_SNAPSHOTS);
    json_t *data = page_data(text), *first = json_array_get(json_object_get(data, "holders"), 0);
    print_message("%zu bytes, %d %% of what there might be\n", strlen(text),
                  (int)told(data, "share"));
    assert_in_range(strlen(text), PAGE_MAX / 2, PAGE_MAX);
    assert_in_range(told(data, "share"), 1, 60);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        assert_true(json_array_size(json_object_get(data, parts[i])) > 0);
    assert_int_equal(tree_bytes(data), profile.tree_peak_bytes);
    assert_int_equal(told(data, "regionCount"), REGIONS);
    assert_int_equal(told(data, "snapshotCount"), SNAPSHOTS);
    assert_int_equal(told(data, "collectionCount"), COLLECTIONS);
    assert_int_equal(told(data, "processCount"), PROCESSES);
    assert_ends_with(data, "regions", "peak", 123456789 + REGIONS - 1);
    assert_ends_with(data, "snapshots", "bytes", (1u << 30) + SNAPSHOTS - 1);
    assert_int_equal(told(first, "count"), HOLDERS);
    assert_true(json_array_size(json_object_get(first, "leaks")) > 0);
    assert_true(json_array_size(json_object_get(first, "copies")) > 0);
    assert_int_equal(told(first, "copyCount"), COPIES);
    assert_true(json_is_true(json_object_get(first, "copiesCut")));
    assert_true(json_array_size(json_object_get(json_object_get(data, "turnover"), "rows")) > 5);
    assert_true(json_array_size(json_object_get(json_object_get(data, "turnover"), "types")) > 10);
    assert_types_of_all(json_object_get(json_object_get(data, "turnover"), "types"));
    assert_true(json_array_size(json_object_get(json_object_get(data, "turnover"), "collected")) >
                10);
    json_decref(data);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_page_of_everything_is_within_its_bound)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
