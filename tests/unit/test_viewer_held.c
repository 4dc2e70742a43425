/* What the reports say about holders, from findings made by hand: the words, the contract, and
 * names that mean harm.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "profile_sample.h"
#include "report_tools.h"
#include "viewer/holders.h"
#include "wire/graph.h"

#include <stdlib.h>
#include <string.h>

#define GIB (1ull << 30)
#define MIB (1ull << 20)
#define APP "/home/mia/job/article.py"
#define HOLDERS 40u

static struct sample sample;
static struct profile_snapshot snapshots[3];
static struct profile_graph graphs[3];
static struct graph graph;
static struct holder holders[HOLDERS];
static struct findings findings;
static struct findings *by_process[SAMPLE_MAX];

static const char *const ways[] = {"no variable: modify2(modify1(load_data()))",
                                   "the same name for every step", "`del data` before line 8",
                                   "an owner that the callee empties"};

static struct holder plain_holder(void) {
    return (struct holder){.bytes = GIB,
                           .count = 1,
                           .type = "numpy.ndarray",
                           .detail = "(1073741824,) uint8",
                           .root = HOLDER_LOCAL,
                           .name = "data",
                           .function = "process_data",
                           .file = APP,
                           .line = 8,
                           .path = "data in process_data() (article.py:8)",
                           .verdict = VERDICT_IN_USE,
                           .reason = "",
                           .others = ""};
}

/* The node of a function's innermost frame in the sample. */
static uint32_t find_node(const char *function) {
    for (uint32_t i = sample.profile.node_count - 1; i > 0; i--)
        if (strcmp(sample.strings[sample.functions[sample.nodes[i].function].name], function) == 0)
            return i;
    return 0;
}

/* One process, whose peak is 3 GiB: no libraries, no threads. */
static void start(void) {
    sample_start(&sample);
    uint32_t process = sample_process(&sample, 4242, "python3 article.py");
    uint32_t root = sample_thread(&sample, "MainThread");
    uint32_t top = sample_frame(&sample, root, sample_function(&sample, "<module>", APP), 21);
    uint32_t work = sample_function(&sample, "process_data", APP);
    uint32_t body = sample_frame(&sample, top, work, 8),
             before = sample_frame(&sample, top, work, 7);
    uint32_t last = sample_frame(&sample, body, sample_function(&sample, "modify2", APP), 15);
    uint32_t numeric =
        sample_function(&sample, "full", "/usr/lib/python3/dist-packages/numpy/n.py");
    sample_site(&sample, process, sample_frame(&sample, last, numeric, 330), PROFILE_HEAP, GIB, 1);
    sample_site(&sample, process,
                sample_frame(&sample, body, sample_function(&sample, "modify1", APP), 12),
                PROFILE_HEAP, GIB, 1);
    sample_site(&sample, process,
                sample_frame(&sample, before, sample_function(&sample, "load", APP), 4),
                PROFILE_HEAP, GIB, 1);
    sample_source(&sample, APP, 8, "    return modify2(modify1(data))");
    sample.profile.tree_peak_ns = 1240000000;
    sample.profile.duration_ns = sample.processes[0].end_ns;
    sample.processes[0].peak_rss_bytes = 3 * GIB + 30 * MIB;
    sample.profile.command = sample.processes[0].command;
    sample.profile.command_count = sample.processes[0].command_count;
}

static void add_snapshot(uint32_t number, uint32_t process, uint32_t reason, const char *name) {
    snapshots[number] = (struct profile_snapshot){.process = process,
                                                  .reason = reason,
                                                  .flags = SNAPSHOT_COMPLETE,
                                                  .name = sample_string(&sample, name),
                                                  .time_ns = 1240000000,
                                                  .bytes = 2 * GIB,
                                                  .pending_bytes = GIB,
                                                  .pending_node = find_node("full"),
                                                  .copy_bytes = 5 * MIB,
                                                  .pause_ns = 2000000,
                                                  .walk_ns = 30000000};
    sample.profile.snapshots = snapshots;
    sample.profile.graphs = graphs;
    sample.profile.snapshot_count = number + 1;
}

static struct peak_without exactly(uint64_t bytes) {
    return (struct peak_without){bytes, bytes, bytes};
}

static void start_findings(uint32_t process) {
    memset(by_process, 0, sizeof by_process);
    add_snapshot(0, process, SNAPSHOT_PEAK, "");
    findings = (struct findings){.process = process,
                                 .holders = holders,
                                 .bytes = 2 * GIB,
                                 .pending_bytes = GIB,
                                 .if_released = exactly(sample.processes[process].peak_bytes),
                                 .graph = &graph};
    by_process[process] = &findings;
}

static struct holder *add_holder(void) {
    holders[findings.count] = plain_holder();
    holders[findings.count].node = find_node("load");
    return &holders[findings.count++];
}

static struct holder *add_dead(void) {
    struct holder *holder = add_holder();
    holder->verdict = VERDICT_DEAD;
    holder->reason = "never read again after line 8";
    holder->saves = GIB;
    holder->if_released = exactly(2 * GIB);
    findings.if_released = exactly(2 * GIB);
    findings.dead_bytes = GIB;
    return holder;
}

static struct holder *add_used(void) {
    struct holder *holder = add_holder();
    holder->function = "modify2";
    holder->line = 15;
    holder->path = "data in modify2() (article.py:15)";
    return holder;
}

/* The clinging local, as its program's profile has it. */
static void start_clinging(void) {
    start();
    start_findings(0);
    add_dead();
    add_used();
}

static struct report_options options_of(uint32_t process) {
    return (struct report_options){
        .process = process, .width = REPORT_WIDTH, .lines = REPORT_LINES, .findings = by_process};
}

static char *report(report_function *function, uint32_t process) {
    struct report_options options = options_of(process);
    return report_string(function, &sample.profile, &options);
}

static char *brief(void) {
    struct report_options options = options_of(PROFILE_TREE);
    options.lines = REPORT_BRIEF_LINES;
    return report_string(report_brief, &sample.profile, &options);
}

static const char clinging[] =
    "holdfast: peak 3.00 GiB at 1.24 s (RSS 3.03 GiB)\n"
    "  python3 article.py\n"
    "  exit status 0 after 2.31 s, Python 3.12.1\n"
    "  1.00 GiB  numpy.ndarray (1073741824,) uint8   held by local `data` in process_data(), "
    "article.py:8\n"
    "            never read again after line 8: released, the peak would be 2.00 GiB\n"
    "  1.00 GiB  numpy.ndarray (1073741824,) uint8   held by local `data` in modify2(), "
    "article.py:15, in use\n"
    "  1.00 GiB  being allocated at modify2(), article.py:15\n"
    "  by stack:\n"
    "    1.00 GiB  33.3 %  1 block, heap\n";

static void text_of_a_clinging_local(void **state) {
    (void)state;
    start_clinging();
    char *text = brief();
    text[strlen(clinging)] = 0;
    assert_string_equal(text, clinging);
    free(text);
    text = report(report_text, PROFILE_TREE);
    assert_says(text, "  exit status 0 after 2.31 s, Python 3.12.1\n\n  1.00 GiB  numpy.ndarray");
    assert_says(text, "in process_data(), article.py:8 [1]\n            never read again");
    assert_says(text, "in modify2(), article.py:15, in use [2]\n");
    assert_says(text, "  1.00 GiB  being allocated at modify2(), article.py:15\n\n  by stack:\n");
    free(text);
}

static void ways_out(void **state) {
    (void)state;
    start_clinging();
    holders[0].advice = (const char **)(uintptr_t)ways;
    holders[0].advice_count = 4;
    char *text = brief();
    assert_says(text, "            ways out: no variable: modify2(modify1(load_data()))\n"
                      "                      the same name for every step\n"
                      "                      `del data` before line 8\n"
                      "  1.00 GiB  numpy.ndarray");
    assert_says_not(text, "owner that");
    assert_true(count_lines(text) <= REPORT_BRIEF_LINES);
    free(text);
    holders[0].advice_count = 1;
    text = brief();
    assert_says(text, "            way out: no variable: modify2(modify1(load_data()))\n");
    free(text);
}

static void two_dead_holders_of_one_object(void **state) {
    (void)state;
    start_clinging();
    holders[0].saves = 0;
    holders[0].if_released = exactly(0);
    holders[0].others = "CACHE in app";
    char *text = brief();
    assert_says(text, "            never read again after line 8, also held by CACHE in app: "
                      "released, it alone saves nothing\n");
    free(text);
    add_dead()->if_released = exactly(3 * GIB);
    findings.count = 3;
    text = brief();
    assert_says(text, "released, it saves 1.00 GiB, but another moment is as high\n");
    free(text);
}

static void between_what_bounds(void **state) {
    (void)state;
    start_clinging();
    findings.count = 1;
    holders[0].if_released = (struct peak_without){GIB + GIB / 2, 2 * GIB, 2 * GIB};
    char *text = brief();
    assert_says(text, ": released, the peak would be 1.50 GiB to 2.00 GiB\n");
    free(text);
    holders[0].if_released.least = 2 * GIB - 2 * GIB / 100;
    text = brief();
    assert_says(text, ": released, the peak would be 2.00 GiB\n");
    free(text);
    holders[0].if_released = (struct peak_without){2 * GIB, 2 * GIB, 3 * GIB};
    text = brief();
    assert_says(text, "released, it saves 1.00 GiB, and the peak would be between 2.00 GiB");
    free(text);
}

static void what_all_together_would_save(void **state) {
    (void)state;
    start_clinging();
    add_dead()->name = "again";
    findings.if_released = exactly(GIB);
    char *text = brief();
    assert_says(text, "  together: released and freed at once, the peak would be 1.00 GiB\n");
    free(text);
    findings.if_released = exactly(3 * GIB);
    text = brief();
    assert_says_not(text, "together: released");
    free(text);
}

static void text_of_garbage(void **state) {
    (void)state;
    start_clinging();
    struct holder *holder = add_holder();
    holder->type = "dict";
    holder->detail = "";
    holder->count = 612;
    holder->root = HOLDER_GARBAGE;
    holder->name = holder->function = holder->file = "";
    holder->path = "function fill -> closure cell -> function fill";
    holder->verdict = VERDICT_GARBAGE;
    holder->reason = "function fill -> closure cell -> function fill";
    holder->saves = GIB + 1;
    holder->if_released = exactly(2 * GIB);
    findings.garbage_bytes = GIB + 1;
    char *text = brief();
    assert_says(text, "3.12.1\n"
                      "  1.00 GiB  612 dict   garbage: nothing refers to it but a cycle\n"
                      "            function fill -> closure cell -> function fill: freed at once, "
                      "the peak would be 2.00 GiB\n  1.00 GiB  numpy");
    free(text);
    findings.count = 2;
    text = brief();
    assert_says(text, "  1.00 GiB  garbage, which waits for the cycle collector\n");
    free(text);
}

static void text_of_groups_and_paths(void **state) {
    (void)state;
    start_clinging();
    findings.count = 0;
    struct holder *group = add_holder(), *unknown = add_holder(), *native = add_holder(),
                  *none = add_holder();
    group->count = 300000;
    group->type = "dict";
    group->detail = "";
    group->name = "rows";
    group->path = "rows in build() (job.py:12)";
    group->function = "build";
    group->file = "/home/mia/job/job.py";
    group->line = 12;
    unknown->root = HOLDER_GLOBAL;
    unknown->name = "CACHE";
    unknown->path = "app.CACHE['users'][3].rows";
    unknown->verdict = VERDICT_UNKNOWN;
    native->root = HOLDER_NATIVE;
    native->path = native->name = "";
    native->verdict = VERDICT_UNKNOWN;
    native->reason = "1 reference held by native code";
    none->root = HOLDER_NONE;
    none->type = none->detail = none->name = none->function = none->file = none->path = "";
    none->verdict = VERDICT_UNKNOWN;
    char *text = brief();
    assert_says(text,
                "  1.00 GiB  300,000 dict   under local `rows` in build(), job.py:12, in use\n");
    assert_says(text, "   held by app.CACHE['users'][3].rows, may be in use\n");
    assert_says(text,
                "   held by native, may be in use\n            1 reference held by native code\n");
    assert_says(text,
                "  1.00 GiB  memory without a known owner   allocated at load(), article.py:4\n");
    free(text);
}

static void the_most_telling_come_first(void **state) {
    (void)state;
    start_clinging();
    findings.count = 0;
    for (uint32_t i = 0; i < HOLDERS; i++)
        add_used()->bytes = GIB - i * MIB;
    holders[30] = holders[31] = plain_holder();
    holders[30].verdict = holders[31].verdict = VERDICT_DEAD;
    holders[30].name = "big";
    holders[30].path = "big in f() (article.py:9)";
    holders[30].saves = holders[30].bytes = 300 * MIB;
    holders[30].if_released = exactly(3 * GIB - 300 * MIB);
    holders[31].name = "small";
    holders[31].saves = holders[31].bytes = 40 * MIB;
    char *text = brief();
    assert_says(text,
                "3.12.1\n   300 MiB  numpy.ndarray (1073741824,) uint8   held by local `big`");
    assert_says_not(text, "small");
    unsigned shown = 0;
    for (const char *at = text; (at = strstr(at, "held by")) != NULL; at++)
        shown++;
    assert_int_equal(shown, 4);
    assert_true(count_lines(text) <= REPORT_BRIEF_LINES);
    free(text);
    text = report(report_text, PROFILE_TREE);
    assert_says(text, "article.py:8 [31]\n");
    assert_says(text, "other holders, in the page and the JSON\n");
    assert_true(count_lines(text) <= REPORT_LINES + 2);
    free(text);
}

static void limits_are_told(void **state) {
    (void)state;
    start_clinging();
    findings.far_from_peak = true;
    findings.bytes = 2 * GIB + 102 * MIB;
    findings.pending_bytes = 0;
    char *text = brief();
    assert_says(text, "  references were seen at 2.10 GiB, 30 % below the peak\n");
    assert_says_not(text, "being allocated");
    free(text);
    snapshots[0].flags = 0;
    text = brief();
    assert_says(text, "  the walk was cut short: some references were not seen\n");
    free(text);
    snapshots[0].flags = SNAPSHOT_IS_SHALLOW;
    text = brief();
    assert_says(text, "  no copy could be made: only what local variables refer to was seen\n");
    free(text);
    findings.graph = NULL;
    findings.count = 0;
    strcpy(findings.why, "it ends too early");
    text = brief();
    assert_says(text, "  the references could not be read: it ends too early\n");
    free(text);
}

static void snapshots_cost_is_told(void **state) {
    (void)state;
    start_clinging();
    sample.processes[0].snapshots = 3;
    sample.processes[0].snapshot_ns = 9100000;
    char *text = report(report_text, PROFILE_TREE);
    assert_says(text,
                "  3 snapshots of references stopped the program for 9.1 ms, 0.4 % of the run; "
                "a copy took 5.00 MiB\n");
    free(text);
    text = brief();
    assert_says_not(text, "stopped the program");
    free(text);
}

static void a_tree_shows_one_process(void **state) {
    (void)state;
    sample_processes(&sample);
    start_findings(2);
    add_used();
    char *text = report(report_text, PROFILE_TREE);
    assert_says(text, "\n  held in process 4250 at its own peak, 300 MiB at 1.24 s:\n  1.00 GiB  ");
    free(text);
    text = brief();
    assert_true(count_lines(text) <= REPORT_BRIEF_LINES);
    assert_says(text, "  held in process 4250 ");
    free(text);
    struct findings other = findings;
    by_process[0] = &other;
    other.process = 0;
    text = report(report_text, PROFILE_TREE);
    assert_says(text, "\n  held in process 4242 at its own peak, 3.06 GiB at 1.24 s:\n");
    free(text);
    text = report(report_text, 2);
    assert_says_not(text, "held in process");
    assert_says(text, "held by local `data`");
    free(text);
    text = report(report_text, 3);
    assert_says_not(text, "held by");
    free(text);
}

static void nothing_is_said_without_findings(void **state) {
    (void)state;
    start();
    memset(by_process, 0, sizeof by_process);
    char *text = brief();
    assert_says_not(text, "by stack:");
    assert_says_not(text, "held");
    free(text);
}

/* As if it had not been wrapped. */
static void join_lines(char *text) {
    char *to = text;
    for (const char *at = text; *at; at++)
        if (!strchr(" \n", *at))
            *to++ = *at;
        else if (to > text && to[-1] != ' ')
            *to++ = ' ';
    *to = 0;
}

static void every_width(void **state) {
    (void)state;
    start_clinging();
    holders[0].advice = (const char **)(uintptr_t)ways;
    holders[0].advice_count = 3;
    for (unsigned width = 60; width <= 200; width++) {
        struct report_options options = options_of(PROFILE_TREE);
        options.width = width;
        char *text = report_string(report_text, &sample.profile, &options);
        assert_true(longest_line(text) <= width);
        assert_says(text, "2.00 GiB\n");
        join_lines(text);
        assert_says(text, "numpy.ndarray (1073741824,) uint8 held by local `data` in "
                          "process_data(), article.py:8 [1] never read again after line 8: "
                          "released, the peak would be 2.00 GiB ways out: no variable: ");
        assert_says(text, "held by local `data` in modify2(), article.py:15, in use [2] 1.00 GiB");
        free(text);
    }
}

static json_t *first_process(const json_t *report) {
    return json_array_get(json_object_get(report, "processes"), 0);
}

static void assert_number(const json_t *object, const char *key, uint64_t value) {
    const json_t *number = json_object_get(object, key);
    assert_true(json_is_integer(number));
    assert_int_equal(json_integer_value(number), value);
}

static void assert_string(const json_t *object, const char *key, const char *value) {
    const char *text = json_string_value(json_object_get(object, key));
    assert_non_null(text);
    assert_string_equal(text, value);
}

static void assert_holder(const json_t *holder) {
    assert_number(holder, "number", 1);
    assert_number(holder, "bytes", GIB);
    assert_number(holder, "count", 1);
    assert_string(json_object_get(holder, "object"), "type", "numpy.ndarray");
    assert_string(json_object_get(holder, "object"), "detail", "(1073741824,) uint8");
    const json_t *root = json_object_get(holder, "root");
    assert_string(root, "kind", "local");
    assert_string(root, "name", "data");
    assert_string(root, "function", "process_data");
    assert_string(root, "file", APP);
    assert_number(root, "line", 8);
    assert_string(holder, "path", "data in process_data() (article.py:8)");
    assert_string(holder, "verdict", "dead");
    assert_string(holder, "reason", "never read again after line 8");
    assert_string(holder, "others", "");
    assert_number(holder, "saves_bytes", GIB);
    assert_number(holder, "peak_if_released_bytes", 2 * GIB);
    assert_number(holder, "peak_if_released_least_bytes", GIB);
    assert_number(holder, "peak_if_released_most_bytes", 2 * GIB);
    assert_int_equal(json_array_size(json_object_get(holder, "advice")), 4);
    const json_t *stack = json_object_get(holder, "allocated_at");
    assert_int_equal(json_array_size(stack), 3);
    assert_string(json_array_get(stack, 0), "function", "<module>");
    assert_string(json_array_get(stack, 2), "function", "load");
    assert_number(json_array_get(stack, 2), "line", 4);
}

static void json_holders(void **state) {
    (void)state;
    start_clinging();
    holders[0].advice = (const char **)(uintptr_t)ways;
    holders[0].advice_count = 4;
    holders[1].node = 0;
    holders[0].if_released.least = GIB;
    findings.if_released.least = GIB;
    findings.garbage_bytes = 77;
    json_t *json = parse_report(report(report_json, PROFILE_TREE)), *process = first_process(json);
    const json_t *peak = json_object_get(process, "peak");
    const json_t *snapshot = json_object_get(peak, "snapshot");
    assert_number(process, "peak_if_released_bytes", 2 * GIB);
    assert_number(process, "peak_if_released_least_bytes", GIB);
    assert_number(process, "peak_if_released_most_bytes", 2 * GIB);
    assert_number(peak, "garbage_bytes", 77);
    assert_number(peak, "dead_bytes", GIB);
    assert_number(snapshot, "bytes", 3 * GIB);
    assert_number(snapshot, "pending_bytes", GIB);
    assert_true(json_real_value(json_object_get(snapshot, "time_s")) == 1.24);
    assert_true(json_is_true(json_object_get(snapshot, "complete")));
    assert_int_equal(json_array_size(json_object_get(process, "snapshots")), 1);
    const json_t *list = json_object_get(peak, "holders");
    assert_int_equal(json_array_size(list), 2);
    assert_holder(json_array_get(list, 0));
    assert_string(json_array_get(list, 1), "verdict", "in use");
    assert_number(json_array_get(list, 1), "peak_if_released_bytes", 3 * GIB);
    assert_int_equal(json_array_size(json_object_get(json_array_get(list, 1), "allocated_at")), 0);
    json_decref(json);
}

static void json_without_a_snapshot(void **state) {
    (void)state;
    start();
    memset(by_process, 0, sizeof by_process);
    json_t *json = parse_report(report(report_json, PROFILE_TREE)), *process = first_process(json);
    const json_t *peak = json_object_get(process, "peak");
    assert_true(json_is_null(json_object_get(peak, "snapshot")));
    assert_int_equal(json_array_size(json_object_get(peak, "holders")), 0);
    assert_number(peak, "garbage_bytes", 0);
    assert_number(process, "peak_if_released_bytes", 3 * GIB);
    json_decref(json);
}

static void page_has_the_rows(void **state) {
    (void)state;
    start_clinging();
    holders[0].advice = (const char **)(uintptr_t)ways;
    holders[0].advice_count = 4;
    char *text = report(report_page, PROFILE_TREE);
    json_t *data = page_data(text);
    const json_t *held = json_array_get(json_object_get(data, "holders"), 0);
    assert_number(held, "process", 0);
    assert_number(held, "released", 2 * GIB);
    const json_t *rows = json_object_get(held, "list"), *row = json_array_get(rows, 0);
    assert_number(held, "count", 2);
    assert_int_equal(json_array_size(rows), 2);
    assert_string(row, "path", "data in process_data() (article.py:8)");
    assert_string(row, "type", "numpy.ndarray");
    assert_string(row, "reason", "never read again after line 8");
    assert_string(row, "verdict", "dead");
    assert_number(row, "saves", GIB);
    assert_number(row, "released", 2 * GIB);
    assert_int_equal(json_array_size(json_object_get(row, "advice")), 4);
    json_decref(data);
    free(text);
}

static void dot_names_what_is_wrong(void **state) {
    (void)state;
    struct profile_error error;
    start_clinging();
    struct report_options options = options_of(PROFILE_TREE);
    FILE *out = tmpfile();
    options.holder = 3;
    assert_false(report_dot(&sample.profile, &options, out, &error));
    assert_string_equal(error.text, "--holder 3: holders are numbered from 1 to 2 here");
    findings.graph = NULL;
    strcpy(findings.why, "it ends too early");
    assert_false(report_dot(&sample.profile, &options, out, &error));
    assert_says(error.text, "--holder 3: the references cannot be read: it ends too early");
    by_process[0] = NULL;
    assert_false(report_dot(&sample.profile, &options, out, &error));
    assert_says(error.text, "--holder 3: the profile has no references");
    assert_int_equal(ftell(out), 0);
    fclose(out);
}

static void named_snapshots(void **state) {
    (void)state;
    char *names = NULL;
    size_t size;
    start_clinging();
    add_snapshot(1, 0, SNAPSHOT_CEILING, "");
    add_snapshot(2, 0, SNAPSHOT_REQUEST, "after \x1b[2Jload");
    assert_true(report_has_snapshot(&sample.profile, PROFILE_TREE, "ceiling"));
    assert_true(report_has_snapshot(&sample.profile, 0, "after \x1b[2Jload"));
    assert_false(report_has_snapshot(&sample.profile, 0, ""));
    assert_false(report_has_snapshot(&sample.profile, 0, "other"));
    FILE *out = open_memstream(&names, &size);
    report_put_snapshot_names(&sample.profile, 0, out);
    fclose(out);
    assert_string_equal(names, "'ceiling', 'after \\x1b[2Jload'");
    free(names);
    struct report_options options = options_of(PROFILE_TREE);
    options.snapshot = "ceiling";
    findings.snapshot = 1;
    findings.far_from_peak = true;
    char *text = report_string(report_text, &sample.profile, &options);
    assert_says(text, "\n  held at snapshot 'ceiling', 3.00 GiB at 1.24 s:\n  1.00 GiB  numpy");
    assert_says_not(text, "below the peak");
    free(text);
    json_t *json = parse_report(report(report_json, PROFILE_TREE));
    const json_t *list = json_object_get(first_process(json), "snapshots");
    assert_int_equal(json_array_size(list), 3);
    assert_true(json_is_null(json_object_get(json_array_get(list, 0), "name")));
    assert_string(json_array_get(list, 1), "reason", "ceiling");
    assert_string(json_array_get(list, 2), "name", "after \x1b[2Jload");
    json_decref(json);
}

/* Which snapshot's findings are computed when none are given. */
static void snapshots_are_found_by_name(void **state) {
    (void)state;
    start_clinging();
    add_snapshot(1, 0, SNAPSHOT_REQUEST, "now");
    add_snapshot(2, 0, SNAPSHOT_REQUEST, "now");
    snapshots[1].time_ns = 5000000000;
    struct report_options options = options_of(PROFILE_TREE);
    options.findings = NULL;
    options.snapshot = "now";
    char *text = report_string(report_text, &sample.profile, &options);
    assert_says(text, "  held at snapshot 'now', 3.00 GiB at 5.00 s:\n");
    free(text);
    options.snapshot = NULL;
    text = report_string(report_json, &sample.profile, &options);
    assert_says(text, "\"snapshot\":{\"bytes\":3221225472,\"time_s\":1.24,");
    free(text);
}

static char long_name[3000];
static const char *const hostile[] = {
    "</script><script>alert(1)</script>",
    "\x1b]0;title\x07\x1b[2J\nholdfast: peak 0 bytes",
    "\342\200\256evil\342\201\251",
    "<b>&amp;\"quotes' `and` \\ backslash",
    "cut in a character \303",
    long_name,
    "",
};

static void start_hostile(void) {
    start_clinging();
    memset(long_name, 'n', sizeof long_name - 1);
    findings.count = 0;
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile * 3; i++) {
        struct holder *holder = add_holder();
        const char *text = hostile[i / 3];
        holder->type = holder->detail = holder->name = holder->function = holder->file =
            holder->path = holder->reason = holder->others = text;
        holder->advice = (const char **)(uintptr_t)hostile;
        holder->advice_count = sizeof hostile / sizeof *hostile;
        holder->verdict = (enum verdict)(i % 3);
        holder->root = i % 2 ? HOLDER_LOCAL : HOLDER_GLOBAL;
        holder->saves = GIB - i;
        holder->if_released = exactly(2 * GIB);
    }
}

static void hostile_names(void **state) {
    (void)state;
    start_hostile();
    for (unsigned width = 60; width <= 200; width += 20) {
        struct report_options options = options_of(PROFILE_TREE);
        options.width = width;
        char *text = report_string(report_text, &sample.profile, &options);
        assert_harmless(text);
        assert_true(longest_line(text) <= width);
        assert_says_not(text, "\nholdfast: peak 0");
        assert_true(count_lines(text) <= 2 * REPORT_LINES);
        free(text);
    }
    json_t *json = parse_report(report(report_json, PROFILE_TREE));
    const json_t *list = json_object_get(json_object_get(first_process(json), "peak"), "holders");
    assert_int_equal(json_array_size(list), findings.count);
    assert_string(json_array_get(list, 0), "path", hostile[0]);
    assert_string(json_array_get(list, 3), "path", hostile[1]);
    assert_string(json_array_get(list, 12), "path", "cut in a character ?");
    json_decref(json);
}

static void page_holds_names_as_data(void **state) {
    (void)state;
    start_hostile();
    char *text = report(report_page, PROFILE_TREE);
    unsigned scripts = 0;
    for (const char *at = text; (at = strstr(at, "<script")) != NULL; at++)
        scripts++;
    assert_int_equal(scripts, 2);
    assert_says_not(text, "<b>");
    json_t *data = page_data(text);
    const json_t *held = json_array_get(json_object_get(data, "holders"), 0);
    assert_int_equal(json_array_size(json_object_get(held, "list")), findings.count);
    json_decref(data);
    free(text);
}

/* Sets of buffers that no line tells of, and that there may be more than were found. */
static void copies_that_are_left_out(void **state) {
    (void)state;
    struct copied_buffer buffers[2] = {{.bytes = GIB / 4, .type = "bytes", .path = "a"},
                                       {.bytes = GIB / 4, .type = "bytes", .path = "b"}};
    struct copies copies[5];
    for (int i = 0; i < 5; i++)
        copies[i] = (struct copies){buffers, 2, 2, 0, GIB / 4, "keep one of them"};
    start_clinging();
    findings.copies = copies;
    findings.copies_count = 3;
    char *text = report(report_text, PROFILE_TREE);
    assert_says(text, "2 equal copies of 256 MiB: held by a and b; one of them would do\n");
    assert_says_not(text, "more set");
    assert_says_not(text, "may be more copies");
    free(text);
    findings.copies_count = 5;
    findings.copies_cut = true;
    text = report(report_text, PROFILE_TREE);
    assert_says(text, "            and 2 more sets of buffers with the same content\n");
    assert_says(text, "there may be more copies\n");
    free(text);
    text = brief();
    assert_says(text, "            and 4 more sets of buffers with the same content\n");
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_of_a_clinging_local),
        cmocka_unit_test(ways_out),
        cmocka_unit_test(two_dead_holders_of_one_object),
        cmocka_unit_test(between_what_bounds),
        cmocka_unit_test(what_all_together_would_save),
        cmocka_unit_test(text_of_garbage),
        cmocka_unit_test(text_of_groups_and_paths),
        cmocka_unit_test(the_most_telling_come_first),
        cmocka_unit_test(limits_are_told),
        cmocka_unit_test(copies_that_are_left_out),
        cmocka_unit_test(snapshots_cost_is_told),
        cmocka_unit_test(a_tree_shows_one_process),
        cmocka_unit_test(nothing_is_said_without_findings),
        cmocka_unit_test(every_width),
        cmocka_unit_test(json_holders),
        cmocka_unit_test(json_without_a_snapshot),
        cmocka_unit_test(page_has_the_rows),
        cmocka_unit_test(dot_names_what_is_wrong),
        cmocka_unit_test(named_snapshots),
        cmocka_unit_test(snapshots_are_found_by_name),
        cmocka_unit_test(hostile_names),
        cmocka_unit_test(page_holds_names_as_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
