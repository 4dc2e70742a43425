/* What `holdfast check` takes for names of code, and for tolerances; what it makes of profiles that
 * do not have everything; and what a baseline keeps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "cli/check_options.h"
#include "graph_sample.h"
#include "profile_sample.h"
#include "viewer/check/baseline.h"
#include "viewer/check/ceilings.h"

#include <stdlib.h>

static void names_of_code(void **state) {
    (void)state;
    static const struct {
        const char *name, *function, *file;
        bool matches;
    } cases[] = {
        {"load()", "load", "/srv/app/io.py", true},
        {"load()", "loads", "/srv/app/io.py", false},
        {"load()", "load", "", true},
        {"io.load()", "load", "/srv/app/io.py", true},
        {"io.load()", "load", "/srv/app/aio.py", false},
        {"io.load()", "save", "/srv/app/io.py", false},
        {"app.io.load()", "load", "/srv/app/io.py", true},
        {"app.io.load()", "load", "/srv/apps/io.py", false},
        {"app.io", "anything", "/srv/app/io.py", true},
        {"app", "anything", "/srv/app/io.py", true},
        {"app", "anything", "/srv/app/deep/io.py", true},
        {"app", "anything", "/srv/my.app/io.py", false},
        {"app", "anything", "/srv/app.py", true},
        {"app", "anything", "app.py", true},
        {"app", "anything", "app/__init__.py", true},
        {"app", "anything", "/srv/app", false},
        {"app", "anything", "/srv/app.", false},
        {"app", "anything", "/srv/app.d/x.py", false},
        {"app", "anything", "/srv/xapp/app/x.py", true},
        {"app.io", "anything", "/srv/app/x/io.py", false},
        {"numpy", "dot", "/usr/lib/python3/dist-packages/numpy/core/x.py", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct code_name name;
        if (!code_name_parse(cases[i].name, &name))
            fail_msg("%s is refused", cases[i].name);
        if (code_name_matches(&name, cases[i].function, cases[i].file) != cases[i].matches)
            fail_msg("%s and %s in %s", cases[i].name, cases[i].function, cases[i].file);
    }
}

static void names_that_are_none(void **state) {
    (void)state;
    static const char *const cases[] = {
        "",        "()",  ".",        "a.",      ".a",       "a..b", "a.()",
        ".a()",    "a b", "a/b.py",   "load(x)", "load()()", "1a",   "a.1b()",
        "region:", "a:b", "'load()'", "(load)",  "a=load",   "\t",   "load( )"};
    struct code_name name;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (code_name_parse(cases[i], &name))
            fail_msg("'%s' is taken for a name", cases[i]);
    char big[400];
    memset(big, 'a', sizeof big - 1);
    big[sizeof big - 1] = 0;
    assert_false(code_name_parse(big, &name));
    memcpy(big + sizeof big - 3, "()", 3);
    assert_false(code_name_parse(big, &name));
}

static void tolerances(void **state) {
    (void)state;
    static const struct {
        const char *text;
        uint64_t bytes, above;
    } cases[] = {
        {"5%", 1000, 1050},
        {"5 %", 1000, 1050},
        {"2.5%", 1000, 1025},
        {"0.125%", 80000, 80100},
        {"0%", 77, 77},
        {"0", 77, 77},
        {"100%", 1ull << 47, 1ull << 48},
        {"1kB", 77, 1077},
        {"3MiB", 1, (3ull << 20) + 1},
        {"7", 1, 8},
        {"1%", 12345678901, 12469135690},
    };
    struct tolerance tolerance;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (!tolerance_parse(cases[i].text, &tolerance))
            fail_msg("%s is refused", cases[i].text);
        assert_int_equal(tolerance_above(&tolerance, cases[i].bytes), cases[i].above);
    }
    static const char *const bad[] = {"",     "%",    "-1%", "5%%",       "5%x",
                                      "1e3%", "some", ".5%", "5 percent", "99999999999999999999%"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (tolerance_parse(bad[i], &tolerance))
            fail_msg("'%s' is taken for a tolerance", bad[i]);
}

/* -- Profiles -- */

static struct sample sample;
static struct profile_snapshot snapshots[1];
static struct profile_graph graphs[1];
static struct check_options options;

/* Two processes of Python's; the second holds most. */
static void start(void) {
    sample_start(&sample);
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t process = sample_process(&sample, 10 + i, i ? "python big.py" : "python job.py");
        uint32_t function = sample_function(&sample, i ? "work" : "main", "/srv/job.py");
        uint32_t node = sample_frame(&sample, sample_thread(&sample, "MainThread"), function, 3);
        sample_site(&sample, process, node, PROFILE_HEAP, i ? 9000000 : 1000000, 1);
    }
    memset(&options, 0, sizeof options);
}

static struct check *make(const json_t *before) {
    static struct check_request request;
    request = (struct check_request){.profile = "run.holdfast",
                                     .root = "",
                                     .ceilings = options.ceilings,
                                     .ceiling_count = options.ceiling_count,
                                     .job = "job.py",
                                     .before = before};
    struct check *check = check_build(&sample.profile, &request);
    assert_non_null(check);
    return check;
}

static void assert_verdicts(enum check_verdict whole, enum judged within, bool why) {
    struct check *check = make(NULL);
    assert_int_equal(check->verdict, whole);
    assert_int_equal(check->judgements[0].judged, within);
    assert_int_equal(check->judgements[0].why != NULL, why);
    check_free(check);
}

/* What the profile does not have could be above the ceiling; what is above it stays so. */
static void assert_missing(void) {
    assert_true(check_options_add_bytes(&options, CEILING_TREE, "", 20000000, "--max-peak"));
    assert_verdicts(CHECK_UNKNOWN, JUDGED_UNKNOWN, true);
    sample.profile.exit_status = 1;
    assert_verdicts(CHECK_FAILED, JUDGED_UNKNOWN, true);
    options.ceilings[0].bytes = 9999999;
    assert_verdicts(CHECK_BEYOND, JUDGED_BEYOND, false);
}

static void nothing_is_missing(void **state) {
    (void)state;
    start();
    sample_warning(&sample, "a snapshot of process 10 is left out");
    assert_true(check_options_add_bytes(&options, CEILING_TREE, "", 10000000, "--max-peak"));
    assert_verdicts(CHECK_WITHIN, JUDGED_WITHIN, false);
}

static void what_is_missing_is_not_within(void **state) {
    (void)state;
    start();
    sample.processes[1].dropped = 1;
    assert_missing();
    start();
    sample.processes[1].flags |= PROCESS_DAMAGED;
    assert_missing();
    start();
    sample.processes[0].flags |= PROCESS_RUNNING;
    assert_missing();
    start();
    sample.profile.complete = false;
    assert_missing();
    static const char *const warnings[] = {
        "2 forked processes could not be followed",
        "process 7 could not be followed: Too many open files",
        "more than 65535 processes: those that came later are not in here",
        "process 7 has more threads than can be followed"};
    for (size_t i = 0; i < sizeof warnings / sizeof *warnings; i++) {
        start();
        sample_warning(&sample, "something else");
        sample_warning(&sample, warnings[i]);
        assert_missing();
    }
}

/* A function may have more below it than the stacks that were cut show. */
static void code_on_cut_stacks_is_not_within(void **state) {
    (void)state;
    for (unsigned how = 0; how < 3; how++) {
        start();
        assert_true(check_options_add_bytes(&options, CEILING_CODE, "main()", 5000000, "--max"));
        assert_verdicts(CHECK_WITHIN, JUDGED_WITHIN, false);
        if (how == 0)
            sample.processes[1].truncated = 1;
        else if (how == 1)
            sample.processes[0].flags |= PROCESS_NO_STACKS;
        else
            sample_warning(&sample, "too many different stacks: some are cut short");
        assert_verdicts(CHECK_WITHIN, JUDGED_UNKNOWN, true);
        options.ceilings[0].bytes = 10000000; /* all that there was */
        assert_verdicts(CHECK_WITHIN, JUDGED_WITHIN, false);
        options.ceilings[0].bytes = 999999;
        assert_verdicts(CHECK_BEYOND, JUDGED_BEYOND, false);
    }
}

/* The first process has a snapshot at its peak. */
static void add_graph(struct graph_sample *graph) {
    graph_sample_start(graph, 12, 0);
    graph_sample_end(graph);
    graphs[0] = (struct profile_graph){.bytes = graph->bytes, .size = graph->size};
    snapshots[0] = (struct profile_snapshot){.flags = SNAPSHOT_COMPLETE, .bytes = 1000000};
    sample.profile.snapshots = snapshots;
    sample.profile.graphs = graphs;
    sample.profile.snapshot_count = 1;
}

static void dead_of_some_processes_is_not_within(void **state) {
    (void)state;
    struct graph_sample graph;
    start();
    assert_true(check_options_add_bytes(&options, CEILING_DEAD, "", 5000, "--max-dead"));
    assert_verdicts(CHECK_WITHIN, JUDGED_UNKNOWN, true);
    add_graph(&graph);
    assert_verdicts(CHECK_WITHIN, JUDGED_UNKNOWN, true);
    sample.processes[1].flags &= ~(uint32_t)PROCESS_PYTHON;
    assert_verdicts(CHECK_WITHIN, JUDGED_WITHIN, false);
    graph_sample_release(&graph);
}

/* A walk that calls itself: its bytes are those of the outer one, too. */
static void regions_inside_their_like_are_counted_once(void **state) {
    (void)state;
    start();
    string_id walk = sample_string(&sample, "walk"), other = sample_string(&sample, "other");
    struct profile_region regions[] = {{.name = walk, .all_kept_bytes = 1000},
                                       {.name = other, .parent = 1, .all_kept_bytes = 1000},
                                       {.name = walk, .parent = 2, .all_kept_bytes = 1000},
                                       {.name = walk, .process = 1, .all_kept_bytes = 500}};
    sample.profile.regions = regions;
    sample.profile.region_count = 4;
    assert_true(check_options_add_bytes(&options, CEILING_LEAKS, "walk", 1500, "--max"));
    assert_verdicts(CHECK_WITHIN, JUDGED_WITHIN, false);
    options.ceilings[0].bytes = 1499;
    assert_verdicts(CHECK_BEYOND, JUDGED_BEYOND, false);
    regions[3].unclosed = 1;
    assert_verdicts(CHECK_WITHIN, JUDGED_UNKNOWN, true);
    options.ceilings[0].bytes = 1500;
    assert_verdicts(CHECK_WITHIN, JUDGED_WITHIN, false);
    options.ceilings[0].bytes = 999; /* without that one, too */
    assert_verdicts(CHECK_BEYOND, JUDGED_BEYOND, false);
}

/* What was given back before its end, and what never was; one that was not ended has both, too. */
static void regions_have_churn_and_native_memory(void **state) {
    (void)state;
    start();
    string_id load = sample_string(&sample, "load");
    struct profile_region regions[] = {
        {.name = load, .all_made_bytes = 900, .all_kept_bytes = 200, .exit_native_bytes = 60},
        {.name = load, .process = 1, .unclosed = 1, .all_made_bytes = 50, .exit_native_bytes = 4}};
    sample.profile.regions = regions;
    sample.profile.region_count = 2;
    assert_true(check_options_add_pair(&options, "churn:load=750"));
    assert_verdicts(CHECK_WITHIN, JUDGED_WITHIN, false);
    options.ceilings[0].bytes = 749;
    assert_verdicts(CHECK_BEYOND, JUDGED_BEYOND, false);
    options.ceilings[0].kind = CEILING_NATIVE;
    options.ceilings[0].bytes = 64;
    assert_verdicts(CHECK_WITHIN, JUDGED_WITHIN, false);
    options.ceilings[0].bytes = 63;
    assert_verdicts(CHECK_BEYOND, JUDGED_BEYOND, false);
    regions[0].exit_native_bytes = UINT64_MAX - 3; /* no such run: the sum has no room */
    options.ceilings[0].bytes = 64;
    assert_verdicts(CHECK_BEYOND, JUDGED_BEYOND, false);
}

/* In bytes times seconds; what nobody saw may all have lain untouched, whatever else was looked at.
 */
static void regions_have_drag(void **state) {
    (void)state;
    start();
    string_id load = sample_string(&sample, "load");
    struct profile_region regions[] = {{.name = load, .byte_seconds = {1, 99, 20, 300, 0}},
                                       {.name = load, .byte_seconds = {0, 0, 0, 400, 5}}};
    sample.profile.regions = regions;
    sample.profile.region_count = 2;
    sample.processes[0].flags |= PROCESS_DRAG;
    sample.processes[0].looks = 2;
    assert_true(check_options_add_pair(&options, "drag:load=726"));
    assert_verdicts(CHECK_WITHIN, JUDGED_WITHIN, false);
    options.ceilings[0].bytes = 725;
    assert_verdicts(CHECK_WITHIN, JUDGED_UNKNOWN, true);
    options.ceilings[0].bytes = 721;
    assert_verdicts(CHECK_WITHIN, JUDGED_UNKNOWN, true);
    regions[1].byte_seconds[PHASE_UNSEEN] = UINT64_MAX - 400;
    assert_verdicts(CHECK_WITHIN, JUDGED_UNKNOWN, true);
    regions[1].byte_seconds[PHASE_UNSEEN] = 0;
    assert_verdicts(CHECK_WITHIN, JUDGED_WITHIN, false);
    sample.processes[0].drag_left_out = 1;
    assert_verdicts(CHECK_WITHIN, JUDGED_UNKNOWN, true);
    options.ceilings[0].bytes = 720;
    assert_verdicts(CHECK_BEYOND, JUDGED_BEYOND, false);
    sample.processes[0].drag_left_out = 0;
    sample.processes[0].flags &= ~(uint32_t)PROCESS_DRAG;
    options.ceilings[0].bytes = 721;
    assert_verdicts(CHECK_WITHIN, JUDGED_UNKNOWN, true);
}

/* Why nobody looked is told as the run did. */
static void refused_looks_are_no_drag(void **state) {
    (void)state;
    start();
    struct profile_region region = {.name = sample_string(&sample, "load")};
    sample.profile.regions = &region;
    sample.profile.region_count = 1;
    assert_true(check_options_add_pair(&options, "drag:load=1"));
    struct check *check = make(NULL);
    assert_non_null(strstr(check->judgements[0].why, "holdfast run --drag"));
    check_free(check);
    sample_warning(&sample, PROFILE_NO_LOOKS ": it is a container");
    check = make(NULL);
    assert_string_equal(check->judgements[0].why, PROFILE_NO_LOOKS ": it is a container");
    check_free(check);
}

/* Of regions inside their like neither the unseen time counts again, nor is their place named. */
static void drag_inside_its_like_is_counted_once(void **state) {
    (void)state;
    start();
    string_id walk = sample_string(&sample, "walk");
    uint32_t inner = sample.profile.sites[0].node, outer = sample.profile.sites[1].node;
    struct profile_region regions[] = {{.name = walk,
                                        .byte_seconds = {[PHASE_DRAG] = 100, [PHASE_UNSEEN] = 50},
                                        .drag_node = outer,
                                        .drag_node_byte_seconds = 80},
                                       {.name = walk,
                                        .parent = 1,
                                        .byte_seconds = {[PHASE_DRAG] = 90, [PHASE_UNSEEN] = 50},
                                        .drag_node = inner,
                                        .drag_node_byte_seconds = 90}};
    sample.profile.regions = regions;
    sample.profile.region_count = 2;
    sample.processes[0].flags |= PROCESS_DRAG;
    sample.processes[0].looks = 2;
    assert_true(check_options_add_pair(&options, "drag:walk=150"));
    assert_verdicts(CHECK_WITHIN, JUDGED_WITHIN, false);
    options.ceilings[0].bytes = 99;
    struct check *check = make(NULL);
    const struct item *place = check_place_of(check, &check->judgements[0]);
    assert_non_null(place);
    assert_string_equal(place->frame->function, "work");
    check_free(check);
    /* Of blocks that were gone at the tree's peak, too. */
    uint32_t function = sample_function(&sample, "load", "/srv/load.py");
    regions[0].drag_node = sample_frame(&sample, sample.profile.nodes[outer].parent, function, 7);
    check = make(NULL);
    place = check_place_of(check, &check->judgements[0]);
    assert_non_null(place);
    assert_string_equal(place->frame->function, "load");
    assert_int_equal(place->frame->line, 7);
    assert_string_equal(place->key, "load.py:load");
    check_free(check);
    regions[0].drag_node = 0;
    check = make(NULL);
    assert_null(check_place_of(check, &check->judgements[0]));
    check_free(check);
}

/* The frees may be what is missing, or still to come; an allocation that was counted stays. */
static void what_may_still_be_given_back_is_not_beyond(void **state) {
    (void)state;
    for (unsigned how = 0; how < 3; how++) {
        start();
        string_id load = sample_string(&sample, "load");
        struct profile_region region = {.name = load, .exit_native_bytes = 64};
        sample.profile.regions = &region;
        sample.profile.region_count = 1;
        sample.processes[0].end_bytes = 64;
        assert_true(check_options_add_pair(&options, "native:load=63"));
        assert_verdicts(CHECK_BEYOND, JUDGED_BEYOND, false);
        sample.processes[0].flags |= how == 0 ? PROCESS_RUNNING : how == 1 ? PROCESS_DAMAGED : 0;
        sample.processes[0].dropped = how == 2;
        assert_verdicts(CHECK_UNKNOWN, JUDGED_UNKNOWN, true);
        region.byte_seconds[PHASE_DRAG] = 64;
        options.ceilings[0].kind = CEILING_DRAG; /* a touch, too, is still to come */
        assert_verdicts(CHECK_UNKNOWN, JUDGED_UNKNOWN, true);
        options.ceilings[0] = (struct ceiling){CEILING_GROWTH, "", 63, "--max-growth"};
        assert_verdicts(CHECK_UNKNOWN, JUDGED_UNKNOWN, true);
        options.ceilings[0] = (struct ceiling){CEILING_TREE, "", 63, "--max-peak"};
        assert_verdicts(CHECK_BEYOND, JUDGED_BEYOND, false);
    }
}

/* What a region left is so at its end, whatever its process does later; but its frees before may be
 * among what was lost. */
static void leaks_with_lost_events_are_not_beyond(void **state) {
    (void)state;
    const char *const reasons[] = {NULL, NULL, "wrote over", "could not be recorded",
                                   "could not be followed"};
    for (unsigned how = 0; how < 5; how++) {
        start();
        string_id load = sample_string(&sample, "load");
        struct profile_region region = {.name = load, .count = 1, .all_kept_bytes = 64};
        sample.profile.regions = &region;
        sample.profile.region_count = 1;
        assert_true(check_options_add_pair(&options, "leaks:load=63"));
        sample.processes[0].flags |= how == 1 ? PROCESS_RUNNING : how == 2 ? PROCESS_DAMAGED : 0;
        sample.processes[0].dropped = how == 3;
        if (how == 4)
            sample_warning(&sample, "process 7 " PROFILE_NOT_FOLLOWED);
        struct check *check = make(NULL);
        assert_int_equal(check->judgements[0].judged,
                         reasons[how] ? JUDGED_UNKNOWN : JUDGED_BEYOND);
        if (reasons[how])
            assert_non_null(strstr(check->judgements[0].why, reasons[how]));
        check_free(check);
    }
}

/* -- Baselines -- */

static uint64_t kept_peak(uint64_t old) {
    json_t *baseline = json_pack("{s:{s:{s:I}}}", "jobs", "job.py", "peak_bytes", (json_int_t)old);
    struct check *check = make(NULL);
    assert_true(baseline_update(baseline, check));
    uint64_t peak = baseline_peak(baseline_job(baseline, "job.py"));
    check_free(check);
    json_decref(baseline);
    return peak;
}

/* The run that it was made of is within it by any tolerance. */
static void peak_of_a_baseline_is_not_below_the_run(void **state) {
    (void)state;
    start();
    assert_int_equal(kept_peak(10000000), 10000000);
    assert_int_equal(kept_peak(10030000), 10030000);
    assert_int_equal(kept_peak(9999000), 10000000);
    assert_int_equal(kept_peak(9970000), 10000000);
    assert_int_equal(kept_peak(11000000), 10000000);
}

/* -- Options -- */

static void second_ceilings(void **state) {
    (void)state;
    memset(&options, 0, sizeof options);
    assert_true(check_options_add(&options, CEILING_TREE, "", "2GB", "--max-peak"));
    assert_false(check_options_add(&options, CEILING_TREE, "", "512MB", "--max-peak"));
    assert_true(check_options_add_pair(&options, "load()=2MB"));
    assert_true(check_options_add_pair(&options, "save()=2MB"));
    assert_false(check_options_add_pair(&options, "load()=2MB"));
    assert_true(check_options_add(&options, CEILING_TREE, "", "1MB", "pyproject.toml"));
    assert_int_equal(options.ceiling_count, 3);
    assert_int_equal(options.ceilings[0].bytes, 2000000000);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(names_of_code),
                                       cmocka_unit_test(names_that_are_none),
                                       cmocka_unit_test(tolerances),
                                       cmocka_unit_test(nothing_is_missing),
                                       cmocka_unit_test(what_is_missing_is_not_within),
                                       cmocka_unit_test(code_on_cut_stacks_is_not_within),
                                       cmocka_unit_test(dead_of_some_processes_is_not_within),
                                       cmocka_unit_test(regions_inside_their_like_are_counted_once),
                                       cmocka_unit_test(regions_have_churn_and_native_memory),
                                       cmocka_unit_test(regions_have_drag),
                                       cmocka_unit_test(refused_looks_are_no_drag),
                                       cmocka_unit_test(drag_inside_its_like_is_counted_once),
                                       cmocka_unit_test(what_may_still_be_given_back_is_not_beyond),
                                       cmocka_unit_test(leaks_with_lost_events_are_not_beyond),
                                       cmocka_unit_test(peak_of_a_baseline_is_not_below_the_run),
                                       cmocka_unit_test(second_ceilings)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
