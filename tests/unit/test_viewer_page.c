/* The page's data: stacks whose bytes add up whatever was folded, and a size that is bounded. */
#include "profile_sample.h"
#include "report_tools.h"

#include "viewer/holders.h"
#include "viewer/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MANY_NODES 300000u
#define PAGE_MAX (5u << 20)

static struct sample sample;

static char *page_of_process(const struct profile *profile, uint32_t process) {
    const struct report_options options = {.process = process};
    return report_string(report_page, profile, &options);
}

static char *page_of(const struct profile *profile) {
    return page_of_process(profile, PROFILE_TREE);
}

static json_int_t at(const json_t *list, size_t index) {
    return json_integer_value(json_array_get(list, index));
}

struct sums {
    json_int_t bytes, blocks, rows, folded;
};

/* Every fourth of the site's numbers from `from` on. */
static json_int_t sum_fourths(const json_t *list, size_t from) {
    json_int_t sum = 0;
    for (size_t i = from; i < json_array_size(list); i += 4)
        sum += at(list, i);
    return sum;
}

static struct sums sum_tree(const json_t *tree) {
    const json_t *sites = json_object_get(tree, "sites"), *folded = json_object_get(tree, "folded");
    struct sums sums = {.bytes = sum_fourths(sites, 2), .blocks = sum_fourths(sites, 3)};
    sums.rows = (json_int_t)json_array_size(json_object_get(tree, "depth"));
    for (size_t i = 1; i < json_array_size(folded); i += 2) {
        sums.folded += at(folded, i);
        sums.rows--;
    }
    return sums;
}

/* Each row is at most one deeper than the row above it, and sites point to rows. */
static void assert_is_preorder(const json_t *tree) {
    const json_t *depth = json_object_get(tree, "depth");
    for (size_t i = 0; i < json_array_size(depth); i++)
        assert_true(at(depth, i) <= (i ? at(depth, i - 1) + 1 : 0));
    assert_int_equal(json_array_size(depth), json_array_size(json_object_get(tree, "frame")));
    assert_true(sum_fourths(json_object_get(tree, "sites"), 0) <
                (json_int_t)json_array_size(depth));
}

static void stacks_add_up(void **state) {
    (void)state;
    sample_processes(&sample);
    char *text = page_of(&sample.profile);
    json_t *data = page_data(text), *trees = json_object_get(data, "trees"), *tree;
    json_int_t together = 0;
    size_t i;
    json_array_foreach(trees, i, tree) {
        json_int_t process = json_integer_value(json_object_get(tree, "process"));
        struct sums sums = sum_tree(tree);
        assert_is_preorder(tree);
        assert_int_equal(sums.folded, 0);
        if (json_is_true(json_object_get(tree, "own")))
            assert_int_equal(sums.bytes, sample.processes[process].peak_bytes);
        else
            together += sums.bytes;
    }
    assert_int_equal(together, sample.profile.tree_peak_bytes);
    json_decref(data);
    free(text);
}

/* A tree of some depth, in which most nodes have a site of a few bytes. */
static void fill_many(struct profile_node *nodes, struct profile_site *sites, uint32_t first) {
    for (uint32_t i = 0; i < MANY_NODES; i++) {
        uint32_t parent = i < 100 ? first : first + 1 + (i - 100) / 3;
        nodes[first + 1 + i] = (struct profile_node){parent, 1, 1 + i % 5000, 0};
        uint64_t bytes = 16 + i * 2654435761u % 4096;
        sites[i] = (struct profile_site){.node = first + 1 + i,
                                         .peak_bytes = bytes,
                                         .tree_bytes = bytes,
                                         .peak_blocks = 2,
                                         .tree_blocks = 2};
        sample.processes[0].peak_bytes += bytes;
    }
}

static void small_stacks_are_folded_and_counted(void **state) {
    (void)state;
    sample_start(&sample);
    sample_process(&sample, 1, "big");
    uint32_t first = sample_thread(&sample, "MainThread");
    sample_function(&sample, "load", "/srv/big.py");
    struct profile_node *nodes = calloc(first + 1 + MANY_NODES, sizeof *nodes);
    struct profile_site *sites = calloc(MANY_NODES, sizeof *sites);
    memcpy(nodes, sample.profile.nodes, (first + 1) * sizeof *nodes);
    fill_many(nodes, sites, first);
    struct profile profile = sample.profile;
    profile.nodes = nodes;
    profile.node_count = first + 1 + MANY_NODES;
    profile.sites = sites;
    profile.site_count = MANY_NODES;
    profile.tree_peak_bytes = sample.processes[0].tree_bytes = sample.processes[0].peak_bytes;
    char *text = page_of(&profile);
    assert_true(strlen(text) < PAGE_MAX);
    json_t *data = page_data(text), *tree = json_array_get(json_object_get(data, "trees"), 0);
    struct sums sums = sum_tree(tree);
    assert_is_preorder(tree);
    assert_int_equal(sums.bytes, profile.tree_peak_bytes);
    assert_int_equal(sums.blocks, 2 * MANY_NODES);
    assert_true(sums.folded > 100000);
    assert_int_equal(sums.rows + sums.folded, MANY_NODES + 1); /* the thread's */
    json_decref(data);
    free(text);
    free(nodes);
    free(sites);
}

/* Rows of collections in the page: how many, and that they are of the process, if it is about one.
 */
static void assert_collections(const struct profile *profile, uint32_t process, size_t rows,
                               json_int_t all) {
    char *text = page_of_process(profile, process);
    json_t *data = page_data(text), *list = json_object_get(data, "collections"), *row;
    size_t i;
    json_array_foreach(list, i, row) {
        assert_true(process == PROFILE_TREE || at(row, 0) == process);
    }
    assert_int_equal(json_array_size(list), rows);
    assert_int_equal(json_integer_value(json_object_get(data, "collectionCount")), all);
    json_decref(data);
    free(text);
}

static void collections_that_are_left_out_are_counted(void **state) {
    (void)state;
    sample_processes(&sample);
    struct profile profile = sample.profile;
    struct profile_collection *list = calloc(9500, sizeof *list);
    for (uint32_t i = 0; i < 9500; i++)
        list[i] = (struct profile_collection){.process = i >= 9000, .time_ns = i, .count = 1};
    profile.collections = list;
    profile.collection_count = 9500;
    assert_collections(&profile, PROFILE_TREE, 8000, 9500);
    assert_collections(&profile, 0, 8000, 9000);
    assert_collections(&profile, 1, 500, 500);
    free(list);
}

/* -- The whole run -- */

/* Rows of the whole run, by process. */
static void count_turned(const json_t *data, unsigned rows[2]) {
    const json_t *list = json_object_get(json_object_get(data, "turnover"), "rows"), *row;
    size_t i;
    json_array_foreach(list, i, row) {
        assert_in_range(at(row, 0), 0, 1);
        rows[at(row, 0)]++;
    }
}

static void processes_of_the_same_stack_are_all_told(void **state) {
    (void)state;
    sample_start(&sample);
    uint32_t load = sample_function(&sample, "load", "/srv/job.py");
    uint32_t node = sample_frame(&sample, sample_thread(&sample, "MainThread"), load, 3);
    for (uint32_t i = 0; i < 2; i++) {
        sample_process(&sample, 10 + i, "python job.py");
        sample_site(&sample, i, node, PROFILE_HEAP, i ? 5000 : 9000000, 1);
    }
    char *text = page_of(&sample.profile);
    json_t *data = page_data(text);
    unsigned rows[2] = {0};
    count_turned(data, rows);
    assert_int_equal(rows[0], 1);
    assert_int_equal(rows[1], 1);
    json_decref(data);
    free(text);
}

/* Numbers of the one row of the whole run; the last, where most was freed, may be missing. */
static size_t freed_columns(uint64_t counted, uint64_t ended) {
    sample_start(&sample);
    uint32_t load = sample_function(&sample, "load", "/srv/job.py");
    uint32_t node = sample_frame(&sample, sample_thread(&sample, "MainThread"), load, 3);
    sample_process(&sample, 10, "python job.py");
    sample_site(&sample, 0, node, PROFILE_HEAP, 5000, ended);
    struct profile_lifetime lifetime = {.node = node,
                                        .ended_blocks = {[END_FREED] = ended},
                                        .ages = {ended},
                                        .times = {ended},
                                        .frees = {{node, counted, counted}}};
    sample.profile.lifetimes = &lifetime;
    sample.profile.lifetime_count = 1;
    char *text = page_of(&sample.profile);
    json_t *data = page_data(text);
    json_t *rows = json_object_get(json_object_get(data, "turnover"), "rows");
    size_t columns = json_array_size(json_array_get(rows, 0));
    json_decref(data);
    free(text);
    return columns;
}

static void who_freed_most_is_told_where_it_is_known(void **state) {
    (void)state;
    size_t all = freed_columns(1000, 1000);
    assert_int_equal(freed_columns(600, 1000), all);
    assert_int_equal(freed_columns(10, 1000), all - 1);
}

/* Stacks of Python's that each allocate more than any of those that differ in native frames alone;
 * one that is the biggest of all has only these. */
#define SINGLE 500u
#define NATIVE 10u

static uint32_t add_native(struct profile_function *functions, struct profile_node *nodes,
                           struct profile_site *sites) {
    uint32_t count = 1;
    functions[1] = (struct profile_function){.name = sample_string(&sample, "load"),
                                             .file = sample_string(&sample, "/srv/job.py")};
    functions[2] = (struct profile_function){.name = sample_string(&sample, "take"),
                                             .module = sample_string(&sample, "/lib/native.so")};
    for (uint32_t i = 0; i < SINGLE; i++) {
        nodes[count] = (struct profile_node){.function = 1, .line = 10 + i};
        sites[i] = (struct profile_site){.node = count++, .total_bytes = 1000 + i};
    }
    uint32_t python = count;
    nodes[count++] = (struct profile_node){.function = 1, .line = 5};
    for (uint32_t i = 0; i < NATIVE; i++) {
        nodes[count] = (struct profile_node){.parent = python, .function = 2, .line = 1 + i};
        sites[SINGLE + i] = (struct profile_site){.node = count++, .total_bytes = 900 + i};
    }
    return count;
}

static void stacks_that_differ_in_native_frames_are_whole(void **state) {
    (void)state;
    struct profile_function functions[3] = {{0}};
    struct profile_node *nodes = calloc(SINGLE + NATIVE + 2, sizeof *nodes);
    struct profile_site *sites = calloc(SINGLE + NATIVE, sizeof *sites);
    sample_start(&sample);
    sample_process(&sample, 10, "python job.py");
    struct profile profile = sample.profile;
    profile.functions = functions;
    profile.function_count = 3;
    profile.node_count = add_native(functions, nodes, sites);
    profile.strings = sample.profile.strings;
    profile.string_count = sample.profile.string_count;
    profile.nodes = nodes;
    profile.sites = sites;
    profile.site_count = SINGLE + NATIVE;
    const struct report_options options = {.process = PROFILE_TREE, .view = VIEW_ALL};
    char *text = report_string(report_page, &profile, &options);
    json_t *data = page_data(text), *turnover = json_object_get(data, "turnover"), *row;
    json_int_t small = 0;
    size_t i;
    json_array_foreach(json_object_get(turnover, "rows"), i, row) {
        small += at(row, 2) < 1000;
    }
    assert_int_equal(small, NATIVE);
    assert_true(json_is_true(json_object_get(turnover, "whole")));
    assert_true(json_array_size(json_object_get(turnover, "rows")) < SINGLE);
    json_decref(data);
    free(text);
    free(nodes);
    free(sites);
}

/* -- Many processes -- */

#define MANY_PROCESSES 1002u /* more than a page lists */

/* The last of them had most, and a snapshot as the first one. */
static void holders_are_of_processes_that_are_listed(void **state) {
    (void)state;
    sample_processes(&sample);
    struct profile profile = sample.profile;
    struct profile_process *processes = calloc(MANY_PROCESSES, sizeof *processes);
    struct findings **list = calloc(MANY_PROCESSES, sizeof *list);
    struct profile_snapshot snapshots[2] = {{.process = 0}, {.process = MANY_PROCESSES - 1}};
    struct profile_graph graphs[2] = {{0}};
    struct findings findings[2] = {{.process = 0}, {.process = MANY_PROCESSES - 1, .snapshot = 1}};
    for (uint32_t i = 0; i < MANY_PROCESSES; i++)
        processes[i] = sample.processes[0];
    processes[MANY_PROCESSES - 1].tree_bytes = 1ull << 40;
    list[0] = &findings[0];
    list[MANY_PROCESSES - 1] = &findings[1];
    profile.processes = processes;
    profile.process_count = MANY_PROCESSES;
    profile.snapshots = snapshots;
    profile.graphs = graphs;
    profile.snapshot_count = 2;
    const struct report_options options = {.process = PROFILE_TREE, .findings = list};
    char *text = report_string(report_page, &profile, &options);
    json_t *data = page_data(text), *holders = json_object_get(data, "holders"), *one;
    json_int_t listed = (json_int_t)json_array_size(json_object_get(data, "processes"));
    size_t i;
    assert_int_equal(json_array_size(holders), 1);
    json_array_foreach(holders, i, one) {
        assert_true(json_integer_value(json_object_get(one, "process")) < listed);
    }
    json_decref(data);
    free(text);
    free(list);
    free(processes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stacks_add_up),
        cmocka_unit_test(small_stacks_are_folded_and_counted),
        cmocka_unit_test(collections_that_are_left_out_are_counted),
        cmocka_unit_test(processes_of_the_same_stack_are_all_told),
        cmocka_unit_test(who_freed_most_is_told_where_it_is_known),
        cmocka_unit_test(stacks_that_differ_in_native_frames_are_whole),
        cmocka_unit_test(holders_are_of_processes_that_are_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
