/* The reports of profiles made by hand: their structure, their sums, and names that mean harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "profile_sample.h"
#include "report_tools.h"

#include "viewer/region_view.h"
#include "viewer/regions.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct sample sample;

/* To be freed by the caller. */
static char *report(report_function *function, uint32_t process) {
    const struct report_options options = {
        .process = process, .width = REPORT_WIDTH, .lines = REPORT_LINES};
    return report_string(function, &sample.profile, &options);
}

static char *summary(void) {
    char path[64], *text = NULL;
    size_t size = 0;
    sample_write(&sample, path);
    FILE *out = open_memstream(&text, &size);
    assert_int_equal(report_summary(path, NULL, out), 0);
    fclose(out);
    unlink(path);
    return text;
}

static void text_golden(void **state) {
    (void)state;
    sample_article(&sample);
    char *text = report(report_text, PROFILE_TREE);
    static const char head[] = "holdfast: peak 3.06 GiB at 1.24 s (RSS 3.12 GiB)\n"
                               "  python3 article.py\n"
                               "  exit status 0 after 2.31 s, Python 3.12.1\n\n";
    assert_int_equal(strncmp(text, head, strlen(head)), 0);
    assert_says(text,
                "    1.00 GiB  32.7 %  2 blocks, heap\n"
                "      modify1() article.py:12                 return data * 2\n"
                "      process_data() article.py:8             return modify2(modify1(data))\n"
                "      <module> article.py:21                  process_data()\n");
    assert_says(text, "      ... 2 frames in numpy ...\n"
                      "      load_data() article.py:4                return np.ones(");
    assert_says(text, "      ... 3 frames in importlib ...\n      <module> article.py:1 ");
    assert_says(text, "  and 2 other places, together 9.77 KiB\n");
    assert_says(text, "1.00 TiB of reserved addresses, 40.0 MiB of file mappings\n");
    assert_says(text, "waited 0.31 s for the tracer, in 12 pauses\n");
    assert_true(count_lines(text) <= 40);
    assert_true(longest_line(text) <= REPORT_WIDTH);
    free(text);
}

static void text_of_processes(void **state) {
    (void)state;
    sample_processes(&sample);
    char *text = report(report_text, PROFILE_TREE);
    assert_says(text, "  4242 python3 article.py   own peak 3.06 GiB at 1.24 s\n");
    assert_says(text, "  and 1 other, together 68.4 KiB\n");
    assert_says(text, "8 blocks, Python objects, in 2 processes\n");
    assert_true(count_lines(text) <= 40);
    free(text);
    text = report(report_text, 3);
    assert_says(text, "holdfast: peak 300 MiB at 1.24 s\n");
    assert_says(text, "  process 4251, killed by signal 9 (Killed) after 2.31 s");
    free(text);
}

static void summary_is_short(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        if (i)
            sample_processes(&sample);
        else
            sample_article(&sample);
        for (int warning = 0; warning < 5; warning++)
            sample_warning(&sample,
                           "something that a reader should be told, at some length, in full");
        char *text = summary();
        assert_int_equal(strncmp(text, "holdfast: peak 3.", 17), 0);
        for (size_t at = 0; text[at + 1]; at++)
            if (text[at] == '\n')
                assert_int_equal(strncmp(text + at + 1, "  ", 2), 0);
        assert_says(text, "; see more with: holdfast report --format html /tmp/");
        assert_true(count_lines(text) <= 20);
        assert_true(longest_line(text) <= 110);
        free(text);
    }
    FILE *out = tmpfile();
    assert_int_equal(report_summary("/nonexistent", NULL, out), 2);
    fclose(out);
}

static void long_stacks_are_shortened(void **state) {
    (void)state;
    sample_start(&sample);
    uint32_t process = sample_process(&sample, 1, "deep");
    uint32_t node = sample_thread(&sample, "MainThread");
    uint32_t function = sample_function(&sample, "again", "/srv/deep.py");
    for (uint32_t i = 0; i < 100; i++)
        node = sample_frame(&sample, node, function, 2);
    sample_site(&sample, process, node, PROFILE_HEAP, 4096, 1);
    char *text = report(report_text, PROFILE_TREE);
    assert_says(text, "      ... 95 frames ...\n      again() deep.py:2\n");
    free(text);
}

/* Not by strstr: sanitizers measure all the rest of the text at each call of it. */
static uint32_t count_texts(const char *text, const char *what) {
    size_t length = strlen(what);
    uint32_t count = 0;
    for (; *text; text++)
        count += *text == *what && strncmp(text, what, length) == 0;
    return count;
}

/* A recursion that allocates in each of its frames, the outermost most: the stacks of the smallest
 * sites have no lines' texts. */
static void json_sources_end(void **state) {
    (void)state;
    enum { DEPTH = 800, FRAMES = DEPTH * (DEPTH + 1) / 2 };
    static struct profile_node nodes[DEPTH + 2];
    static struct profile_site sites[DEPTH];
    sample_start(&sample);
    sample_process(&sample, 1, "deep");
    uint32_t thread = sample_thread(&sample, "MainThread");
    uint32_t function = sample_function(&sample, "again", "/srv/deep.py");
    sample_source(&sample, "/srv/deep.py", 2, "again()");
    memcpy(nodes, sample.nodes, sizeof *nodes * 2);
    for (uint32_t i = 0; i < DEPTH; i++) {
        uint64_t bytes = 2 * DEPTH - i;
        nodes[thread + 1 + i] =
            (struct profile_node){.parent = thread + i, .function = function, .line = 2};
        sites[i] = (struct profile_site){.node = thread + 1 + i,
                                         .kind = PROFILE_HEAP,
                                         .peak_bytes = bytes,
                                         .peak_blocks = 1,
                                         .tree_bytes = bytes,
                                         .tree_blocks = 1};
        sample.processes[0].peak_bytes = sample.processes[0].tree_bytes += bytes;
    }
    sample.profile.nodes = nodes;
    sample.profile.node_count = DEPTH + 2;
    sample.profile.sites = sites;
    sample.profile.site_count = DEPTH;
    sample.profile.tree_peak_bytes = sample.processes[0].tree_bytes;
    char *text = report(report_json, PROFILE_TREE);
    uint32_t frames = count_texts(text, "\"again\""), sources = count_texts(text, "\"again()\"");
    assert_int_equal(frames, 2 * FRAMES);
    assert_in_range(sources, 2 * ((1 << 18) - DEPTH), 2 * (1 << 18));
    free(text);
}

static void nothing_traced(void **state) {
    (void)state;
    sample_start(&sample);
    for (int i = 0; i < 2; i++) {
        char *text = report(report_text, PROFILE_TREE);
        assert_says(text, "holdfast: no allocation was traced\n");
        free(text);
        free(report(report_json, PROFILE_TREE));
        free(report(report_collapsed, PROFILE_TREE));
        free(report(report_page, PROFILE_TREE));
        sample_process(&sample, 3, "true");
    }
}

static uint64_t sum_sites(const json_t *peak) {
    size_t i;
    json_t *site;
    uint64_t sum = 0;
    json_array_foreach(json_object_get(peak, "sites"), i, site) {
        sum += (uint64_t)json_integer_value(json_object_get(site, "bytes"));
        assert_true(json_array_size(json_object_get(site, "stack")) > 0);
    }
    return sum;
}

static void json_contract(void **state) {
    (void)state;
    static const char *const process_keys[] = {"pid",    "ppid", "command",
                                               "python", "peak", "peak_if_released_bytes"};
    static const char *const peak_keys[] = {"bytes",    "time_s",  "rss_bytes",    "sites",
                                            "snapshot", "holders", "garbage_bytes"};
    size_t i;
    json_t *process;
    sample_processes(&sample);
    json_t *json = parse_report(report(report_json, PROFILE_TREE));
    assert_string_equal(json_string_value(json_object_get(json, "schema")), "holdfast.report/1");
    json_t *end = json_object_get(json, "exit"), *tree = json_object_get(json, "tree_peak");
    assert_int_equal(json_integer_value(json_object_get(end, "status")), 0);
    assert_true(json_is_null(json_object_get(end, "signal")));
    assert_int_equal(sum_sites(tree), sample.profile.tree_peak_bytes);
    assert_int_equal(json_array_size(json_object_get(json, "processes")), 4);
    json_array_foreach(json_object_get(json, "processes"), i, process) {
        json_t *peak = json_object_get(process, "peak");
        for (size_t key = 0; key < sizeof process_keys / sizeof *process_keys; key++)
            assert_non_null(json_object_get(process, process_keys[key]));
        for (size_t key = 0; key < sizeof peak_keys / sizeof *peak_keys; key++)
            assert_non_null(json_object_get(peak, peak_keys[key]));
        assert_int_equal(sum_sites(peak), sample.processes[i].peak_bytes);
        assert_int_equal(json_integer_value(json_object_get(peak, "bytes")),
                         sample.processes[i].peak_bytes);
    }
    json_decref(json);
    json = parse_report(report(report_json, 2));
    assert_int_equal(json_array_size(json_object_get(json, "processes")), 1);
    json_decref(json);
}

static json_t *tree_resident(const char *key) {
    json_t *json = parse_report(report(report_json, PROFILE_TREE));
    json_t *resident = json_object_get(json_object_get(json, "tree_peak"), key);
    assert_non_null(resident);
    json_incref(resident);
    json_decref(json);
    return resident;
}

static void assert_resident(const char *key, uint64_t rss, uint64_t traced, uint64_t unexplained) {
    json_t *resident = tree_resident(key);
    assert_int_equal(json_integer_value(json_object_get(resident, "rss_bytes")), rss);
    assert_int_equal(json_integer_value(json_object_get(resident, "traced_bytes")), traced);
    assert_int_equal(json_integer_value(json_object_get(resident, "unexplained_bytes")),
                     unexplained);
    json_decref(resident);
}

static void assert_not_near(void) {
    json_t *resident = tree_resident("resident");
    assert_true(json_is_null(resident));
    json_decref(resident);
}

/* The sum over all that were there at the tree's peak, if each was near its own; and what the looks
 * saw wherever they were, with the distance. */
static void resident_of_all(void **state) {
    (void)state;
    sample_processes(&sample);
    uint32_t count = sample.profile.process_count;
    uint64_t traced = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct profile_process *process = &sample.processes[i];
        process->tree_bytes = process->peak_bytes - process->peak_bytes / 25;
        process->resident_live = process->peak_bytes;
        process->resident_bytes = process->resident_live + 300;
        process->resident_stacks = 100;
        traced += process->resident_live;
    }
    assert_resident("resident", traced + 300 * count, traced, 200 * count);
    assert_resident("nearest_resident", traced + 300 * count, traced, 200 * count);
    uint64_t half = sample.processes[1].peak_bytes / 2;
    sample.processes[1].tree_bytes = half;
    assert_not_near();
    sample.processes[1].tree_bytes = sample.processes[1].peak_bytes;
    sample.processes[1].resident_live -= half;
    sample.processes[1].resident_bytes -= half;
    assert_not_near();
    assert_resident("nearest_resident", traced - half + 300 * count, traced - half, 200 * count);
    sample.processes[1].resident_bytes = 0;
    json_t *nearest = tree_resident("nearest_resident");
    assert_int_equal(json_integer_value(json_object_get(nearest, "looked_at")), count - 1);
    assert_int_equal(json_integer_value(json_object_get(nearest, "processes")), count);
    assert_int_equal(json_integer_value(json_object_get(nearest, "peak_bytes")),
                     sample.profile.tree_peak_bytes);
    json_decref(nearest);
    traced -= sample.processes[1].peak_bytes;
    sample.processes[1].tree_bytes = 0;
    assert_resident("resident", traced + 300 * (count - 1), traced, 200 * (count - 1));
}

/* More can have been asked for than was written to. */
static void resident_of_one(void **state) {
    (void)state;
    sample_article(&sample);
    struct profile_process *process = &sample.processes[0];
    process->resident_live = process->peak_bytes;
    for (int64_t more = -1048576; more <= 1048576; more += 2097152) {
        process->resident_bytes = process->peak_bytes + (uint64_t)more;
        char *text = report(report_text, PROFILE_TREE);
        assert_says(text, more < 0 ? ", -1.00 MiB asked for but not resident\n"
                                   : ", 1.00 MiB unexplained\n");
        free(text);
    }
}

static void json_stacks_begin_outside(void **state) {
    (void)state;
    sample_article(&sample);
    json_t *json = parse_report(report(report_json, PROFILE_TREE));
    json_t *sites = json_object_get(json_object_get(json, "tree_peak"), "sites");
    json_t *stack = json_object_get(json_array_get(sites, 0), "stack");
    json_t *outer = json_array_get(stack, 0), *inner = json_array_get(stack, 2);
    assert_string_equal(json_string_value(json_object_get(outer, "function")), "<module>");
    assert_string_equal(json_string_value(json_object_get(inner, "function")), "modify1");
    assert_string_equal(json_string_value(json_object_get(inner, "file")),
                        "/home/mia/job/article.py");
    assert_int_equal(json_integer_value(json_object_get(inner, "line")), 12);
    size_t last = json_array_size(sites) - 1;
    stack = json_object_get(json_array_get(sites, last), "stack");
    assert_string_equal(json_string_value(json_object_get(json_array_get(stack, 0), "function")),
                        "<thread MainThread>");
    json_decref(json);
}

/* f() frees twice three blocks, called from two lines; g() five. */
static void frees_are_by_place(void **state) {
    (void)state;
    sample_start(&sample);
    uint32_t process = sample_process(&sample, 1, "python3 frees.py");
    uint32_t caller = sample_function(&sample, "main", "frees.py"),
             f = sample_function(&sample, "f", "frees.py");
    uint32_t first = sample_frame(&sample, 0, caller, 20),
             second = sample_frame(&sample, 0, caller, 21);
    uint32_t g = sample_frame(&sample, 0, sample_function(&sample, "g", "frees.py"), 9);
    sample_site(&sample, process, first, PROFILE_HEAP, 1100, 11);
    struct profile_lifetime lifetime = {.process = process,
                                        .node = first,
                                        .ended_blocks = {11},
                                        .ages = {11},
                                        .times = {11},
                                        .frees = {{sample_frame(&sample, first, f, 3), 3, 300},
                                                  {sample_frame(&sample, second, f, 3), 3, 300},
                                                  {g, 5, 500}}};
    sample.profile.lifetimes = &lifetime;
    sample.profile.lifetime_count = 1;
    sample.processes[process].flags |= PROCESS_LIFETIMES;
    const struct report_options options = {.process = PROFILE_TREE,
                                           .width = REPORT_WIDTH,
                                           .lines = REPORT_LINES,
                                           .about = REPORT_LIFETIMES};
    char *text = report_string(report_turnover, &sample.profile, &options);
    assert_says(text, "      6 blocks freed in f() frees.py:3\n"
                      "      5 blocks freed in g() frees.py:9\n");
    assert_says_not(text, "3 blocks");
    free(text);
}

static char *drag_of_region(uint32_t number) {
    struct region_view *view = region_view_open(&sample.profile, number);
    assert_non_null(view);
    const struct report_options options = {.process = PROFILE_TREE,
                                           .width = REPORT_WIDTH,
                                           .lines = REPORT_LINES,
                                           .about = REPORT_DRAG,
                                           .region = view->name,
                                           .region_drag = view->drag};
    char *text = report_string(report_turnover, &view->profile, &options);
    region_view_close(view);
    return text;
}

/* What lay untouched in one region is told, where anybody looked. */
static void drag_of_a_region_is_told(void **state) {
    (void)state;
    sample_start(&sample);
    uint32_t process = sample_process(&sample, 1, "python3 big.py");
    uint32_t load = sample_frame(&sample, 0, sample_function(&sample, "load", "big.py"), 8);
    string_id name = sample_string(&sample, "load");
    struct profile_region regions[] = {
        {.process = process,
         .name = name,
         .byte_seconds = {1u << 20, 2u << 20, 4u << 20, 8u << 20, 1u << 20},
         .drag_node = load,
         .drag_kind = PROFILE_HEAP,
         .drag_node_byte_seconds = 12u << 20},
        {.process = process, .name = sample_string(&sample, "idle")}};
    sample.profile.regions = regions;
    sample.profile.region_count = 2;
    char *text = drag_of_region(0);
    assert_says(text, "holdfast run --drag");
    free(text);
    sample.processes[process].flags |= PROCESS_DRAG;
    sample.processes[process].looks = 7;
    text = drag_of_region(0);
    assert_says(text, "lay untouched for 13.0 MiB s, 81.2 % of the 16.0 MiB s");
    assert_says(text, "  in region load, while it was open\n");
    assert_says(text,
                "1.00 MiB s before the first touch, 2.00 MiB s in use, 4.00 MiB s after the "
                "last touch, 8.00 MiB s never seen touched, 1.00 MiB s that nobody looked at");
    assert_says(text, "  most of what lay untouched, 12.0 MiB s:\n      load() big.py:8\n");
    assert_says(text, "  7 looks at what was touched");
    assert_says_not(text, "holdfast run --drag");
    free(text);
    text = drag_of_region(1);
    assert_says(text, "in region idle, while it was open: no big block was allocated in it");
    free(text);
}

/* Numbers that no run has end at the ends of signed ones. */
static void growth_of_a_region_has_no_overflow(void **state) {
    (void)state;
    struct profile_region region = {.process_begin_bytes = 1500, .process_end_bytes = 500};
    assert_true(regions_growth(&region) == -1000);
    region.process_end_bytes = 2500;
    assert_true(regions_growth(&region) == 1000);
    region.process_end_bytes = UINT64_MAX;
    assert_true(regions_growth(&region) == INT64_MAX);
    region = (struct profile_region){.process_begin_bytes = UINT64_MAX};
    assert_true(regions_growth(&region) == -INT64_MAX);
}

static void collapsed_adds_up(void **state) {
    (void)state;
    sample_processes(&sample);
    char *text = report(report_collapsed, PROFILE_TREE), *rest = text;
    uint64_t sum = 0;
    assert_says(text,
                "python3 article.py [4242];<module> (/home/mia/job/article.py:21);process_data "
                "(/home/mia/job/article.py:8);modify1 (/home/mia/job/article.py:12) 1073741824\n");
    for (char *line; (line = strsep(&rest, "\n")) != NULL && *line;)
        sum += strtoull(strrchr(line, ' ') + 1, NULL, 10);
    assert_int_equal(sum, sample.profile.tree_peak_bytes);
    free(text);
    text = report(report_collapsed, 2);
    assert_string_equal(text, "crunch (/home/mia/job/worker.py:30) 314572800\n");
    free(text);
}

static const char *const hostile[] = {
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "\"quotes' and \\ backslash",
    "a;b c;d 42",
    "\x1b]0;title\x07\x1b[2J",
    "line\nbreak\r",
    "\342\200\256evil\342\201\251",
    "{{data}}{{script}}",
    "&amp;<b>",
    "",
};

static void hostile_names(void **state) {
    (void)state;
    sample_start(&sample);
    uint32_t process = sample_process(&sample, 1, "</title><script>alert(2)</script> \x1b[0m");
    sample.profile.command = sample.processes[0].command;
    sample.profile.command_count = sample.processes[0].command_count;
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        uint32_t thread = sample_thread(&sample, hostile[i]);
        uint32_t function = sample_function(&sample, hostile[i], hostile[i]);
        sample_site(&sample, process, thread, PROFILE_HEAP, 100 + i, 1);
        sample_site(&sample, process, sample_frame(&sample, thread, function, 1), PROFILE_PYTHON,
                    1000 + i, 1);
        sample_source(&sample, hostile[i], 1, hostile[i]);
        sample_warning(&sample, hostile[i]);
    }
    char *text = report(report_text, PROFILE_TREE);
    assert_harmless(text);
    free(text);
    text = summary();
    assert_harmless(text);
    free(text);
    text = report(report_collapsed, PROFILE_TREE);
    assert_harmless(text);
    assert_int_equal(count_lines(text), 2 * sizeof hostile / sizeof *hostile);
    assert_null(strstr(text, "a;b"));
    free(text);
    json_t *json = parse_report(report(report_json, PROFILE_TREE));
    assert_int_equal(sum_sites(json_object_get(json, "tree_peak")), sample.profile.tree_peak_bytes);
    json_decref(json);
}

static void page_holds_names_as_data(void **state) {
    (void)state;
    hostile_names(state);
    char *text = report(report_page, PROFILE_TREE);
    unsigned scripts = 0;
    for (const char *at = text; (at = strstr(at, "<script")) != NULL; at++)
        scripts++;
    assert_int_equal(scripts, 2);
    assert_null(strstr(text, "<b>"));
    assert_null(strstr(text, "<!--"));
    assert_says(text, "<title>'&lt;/title>");
    json_t *json = page_data(text);
    json_decref(json);
    free(text);
}

/* Addresses in it are names of XML's, and where licences say things come from. */
static void page_needs_nothing_else(void **state) {
    (void)state;
    static const char *const needs[] = {" src=",  " href=",  "@import",        "url(http",
                                        "fetch(", "import(", "XMLHttpRequest", "WebSocket"};
    sample_processes(&sample);
    char *text = report(report_page, PROFILE_TREE);
    for (size_t i = 0; i < sizeof needs / sizeof *needs; i++)
        assert_null(strstr(text, needs[i]));
    assert_says(text, "content=\"default-src 'none'; style-src 'sha256-");
    assert_says(text, "script-src 'sha256-");
    free(text);
}

/* -- The whole run -- */

static void regions_that_left_most_are_first(void **state) {
    (void)state;
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "greatest", "nothing"};
    struct profile_region regions[8] = {{0}};
    sample_article(&sample);
    struct profile_region_site sites[] = {{.node = 0, .kept_bytes = 900000, .kept_blocks = 9},
                                          {.node = 3, .kept_bytes = 1000, .kept_blocks = 77}};
    for (uint32_t i = 0; i < 8; i++)
        regions[i] = (struct profile_region){
            .name = sample_string(&sample, names[i]), .count = 1, .all_kept_bytes = 1000 + i};
    regions[6] = (struct profile_region){
        .name = regions[6].name, .count = 3, .site_count = 2, .all_kept_bytes = 50 << 20};
    regions[7].all_kept_bytes = 0;
    sample.profile.regions = regions;
    sample.profile.region_count = 8;
    sample.profile.region_sites = sites;
    sample.profile.region_site_count = 2;
    const struct report_options options = {
        .process = PROFILE_TREE, .width = REPORT_WIDTH, .about = REPORT_LEAKS};
    char *text = report_string(report_text, &sample.profile, &options);
    assert_says(text, "still live at its end:\n    50.0 MiB  greatest, 3 times");
    assert_says(text, " in 77 blocks\n");
    assert_says(text, "  f\n");
    assert_says_not(text, "  a\n");
    assert_says_not(text, "nothing");
    assert_says(text, "  and 1 other region\n");
    free(text);
}

static void places_that_freed_most_are_told_where_they_are_known(void **state) {
    (void)state;
    for (int known = 0; known < 2; known++) {
        sample_article(&sample);
        uint32_t node = sample.sites[0].node;
        struct profile_lifetime lifetime = {.node = node,
                                            .ended_blocks = {[END_FREED] = known ? 20 : 2000},
                                            .ages = {known ? 20 : 2000},
                                            .times = {known ? 20 : 2000},
                                            .frees = {{node, 13, 13}}};
        sample.processes[0].flags |= PROCESS_LIFETIMES;
        sample.profile.lifetimes = &lifetime;
        sample.profile.lifetime_count = 1;
        const struct report_options options = {
            .process = PROFILE_TREE, .width = REPORT_WIDTH, .about = REPORT_LIFETIMES};
        char *text = report_string(report_text, &sample.profile, &options);
        (known ? assert_says : assert_says_not)(text, "13 blocks freed in ");
        free(text);
    }
}

static void assert_waited(const struct profile_collection *list, uint32_t count,
                          const char *words) {
    sample_article(&sample);
    sample.processes[0].old_collections = count;
    sample.processes[0].collection_ns = sample.profile.duration_ns / 2;
    sample.profile.collections = (struct profile_collection *)(uintptr_t)list;
    sample.profile.collection_count = count;
    char *text = report(report_text, PROFILE_TREE);
    assert_says(text, words);
    free(text);
}

/* Those that are told as one gave back their sum, the last of them just before the next at most. */
static void garbage_waits_for_a_full_collection(void **state) {
    (void)state;
    struct profile_collection list[] = {
        {.generation = 2, .count = 1, .time_ns = 100000000, .freed_bytes = 1},
        {.generation = 2, .count = 1, .time_ns = 600000000, .freed_bytes = 5 << 20},
        {.generation = 0, .count = 1, .time_ns = 1000000000}};
    assert_waited(list, 3, "; 5.00 MiB waited up to 0.50 s for a full one\n");
    list[1].count = 4;
    assert_waited(list, 3, "; 5.00 MiB waited up to 0.90 s for a full one, in several\n");
    list[1].count = 1;
    list[1].time_ns = 101000000; /* at once */
    assert_waited(list, 3, " s paused in all\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_golden),
        cmocka_unit_test(text_of_processes),
        cmocka_unit_test(summary_is_short),
        cmocka_unit_test(long_stacks_are_shortened),
        cmocka_unit_test(json_sources_end),
        cmocka_unit_test(nothing_traced),
        cmocka_unit_test(json_contract),
        cmocka_unit_test(json_stacks_begin_outside),
        cmocka_unit_test(resident_of_all),
        cmocka_unit_test(resident_of_one),
        cmocka_unit_test(frees_are_by_place),
        cmocka_unit_test(drag_of_a_region_is_told),
        cmocka_unit_test(growth_of_a_region_has_no_overflow),
        cmocka_unit_test(collapsed_adds_up),
        cmocka_unit_test(hostile_names),
        cmocka_unit_test(page_holds_names_as_data),
        cmocka_unit_test(page_needs_nothing_else),
        cmocka_unit_test(regions_that_left_most_are_first),
        cmocka_unit_test(places_that_freed_most_are_told_where_they_are_known),
        cmocka_unit_test(garbage_waits_for_a_full_collection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
