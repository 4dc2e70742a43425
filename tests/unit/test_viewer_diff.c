/* Two profiles side by side: what is matched with what, and that nothing is lost or counted twice.
 * tests/e2e/test_diff.py does the same with programs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "profile_sample.h"
#include "report_tools.h"
#include "viewer/diff/diff.h"
#include "viewer/diff/fingerprint.h"
#include "viewer/diff/processes.h"

#include <stdlib.h>
#include <string.h>

static struct sample samples[2];

/* -- Pairs -- */

/* Applies one rule to keys that end with a 0. */
static void pair(struct pairs *pairs, const uint64_t *before, const uint64_t *after,
                 struct pair_rule rule) {
    uint32_t counts[2] = {0, 0};
    while (before[counts[BEFORE]])
        counts[BEFORE]++;
    while (after[counts[AFTER]])
        counts[AFTER]++;
    assert_true(pairs_open(pairs, counts[BEFORE], counts[AFTER]));
    rule.keys[BEFORE] = before;
    rule.keys[AFTER] = after;
    assert_true(pairs_apply(pairs, &rule));
}

static void pairs_in_order(void **state) {
    (void)state;
    struct pairs pairs;
    pair(&pairs, (const uint64_t[]){5, 7, 5, 9, 0}, (const uint64_t[]){7, 5, 5, 5, 0},
         (struct pair_rule){.distance = NULL});
    const uint32_t before[] = {1, 0, 2, PAIR_NONE}, after[] = {1, 0, 2, PAIR_NONE};
    assert_memory_equal(pairs.partners[BEFORE], before, sizeof before);
    assert_memory_equal(pairs.partners[AFTER], after, sizeof after);
    pairs_release(&pairs);
}

/* Where things are; `context`: two lists of places. */
static uint64_t place_distance(const void *context, uint32_t before, uint32_t after) {
    const uint32_t *const *places = context;
    return (uint64_t)labs((long)places[BEFORE][before] - (long)places[AFTER][after]);
}

static void pairs_of_the_nearest(void **state) {
    (void)state;
    static const uint32_t few[] = {10, 40}, many[] = {2, 11, 35, 39, 90};
    const uint32_t *const places[2] = {few, many}, *const back[2] = {many, few};
    struct pairs pairs;
    pair(&pairs, (const uint64_t[]){1, 1, 0}, (const uint64_t[]){1, 1, 1, 1, 1, 0},
         (struct pair_rule){.distance = place_distance, .context = places});
    assert_int_equal(pairs.partners[BEFORE][0], 1);
    assert_int_equal(pairs.partners[BEFORE][1], 3);
    pairs_release(&pairs);
    pair(&pairs, (const uint64_t[]){1, 1, 1, 1, 1, 0}, (const uint64_t[]){1, 1, 0},
         (struct pair_rule){.distance = place_distance, .context = back});
    assert_int_equal(pairs.partners[AFTER][0], 1);
    assert_int_equal(pairs.partners[AFTER][1], 3);
    pairs_release(&pairs);
}

/* Whatever the keys: partners are each other's, have one key, and keep their order. */
static void pairs_of_anything(void **state) {
    (void)state;
    unsigned seed = 1;
    for (int round = 0; round < 300; round++) {
        uint64_t keys[2][40] = {{0}, {0}};
        uint32_t places[2][40];
        for (int side = BEFORE; side <= AFTER; side++)
            for (int i = 0, count = rand_r(&seed) % 39; i < count; i++) {
                keys[side][i] = 1 + (uint64_t)rand_r(&seed) % 4;
                places[side][i] = (uint32_t)rand_r(&seed) % 100;
            }
        const uint32_t *const context[2] = {places[BEFORE], places[AFTER]};
        struct pairs pairs;
        pair(&pairs, keys[BEFORE], keys[AFTER],
             (struct pair_rule){.distance = round % 2 ? place_distance : NULL, .context = context});
        uint32_t last[5] = {0}, paired[5] = {0}, there[2][5] = {{0}, {0}};
        for (uint32_t i = 0; i < pairs.count[AFTER]; i++)
            there[AFTER][keys[AFTER][i]]++;
        for (uint32_t i = 0; i < pairs.count[BEFORE]; i++) {
            uint32_t partner = pairs.partners[BEFORE][i];
            uint64_t key = keys[BEFORE][i];
            there[BEFORE][key]++;
            if (partner == PAIR_NONE)
                continue;
            assert_int_equal(pairs.partners[AFTER][partner], i);
            assert_int_equal(keys[AFTER][partner], key);
            assert_true(partner >= last[key]);
            last[key] = partner + 1;
            paired[key]++;
        }
        for (int key = 1; key < 5; key++)
            assert_int_equal(paired[key], there[BEFORE][key] < there[AFTER][key]
                                              ? there[BEFORE][key]
                                              : there[AFTER][key]);
        pairs_release(&pairs);
    }
}

/* -- Files -- */

struct named {
    const char *path, *name;
    bool library;
};

static void add_files(struct files *files, const struct named *names) {
    for (; names->path; names++)
        assert_true(files_add(files, names->path, names->name, names->library));
}

static void files_of_two_machines(void **state) {
    (void)state;
    struct files before = {0}, after = {0};
    add_files(&before, (const struct named[]){
                           {"/home/mia/job/app.py", "app.py", false},
                           {"/home/mia/job/lib/io.py", "lib/io.py", false},
                           {"/home/mia/job/one/__init__.py", "one/__init__.py", false},
                           {"/usr/lib/python3.11/json/decoder.py", "json/decoder.py", true},
                           {"/home/mia/job/gone.py", "gone.py", false},
                           {"/usr/lib/python3.11/foo/__init__.py", "foo/__init__.py", true},
                           {0}});
    add_files(&after, (const struct named[]){
                          {"/ci/17/src/app.py", "src/app.py", false},
                          {"/ci/17/src/lib/io.py", "src/lib/io.py", false},
                          {"/ci/17/src/two/__init__.py", "src/two/__init__.py", false},
                          {"/opt/python/lib/python3.12/json/decoder.py", "json/decoder.py", true},
                          {"/ci/17/tests/app.py", "tests/app.py", false},
                          {"/opt/python/lib/python3.12/bar/__init__.py", "bar/__init__.py", true},
                          {0}});
    assert_true(files_match(&before, &after));
    assert_int_equal(files_id(&before, "/home/mia/job/app.py"),
                     files_id(&after, "/ci/17/src/app.py"));
    assert_int_equal(files_id(&before, "/home/mia/job/lib/io.py"),
                     files_id(&after, "/ci/17/src/lib/io.py"));
    assert_int_equal(files_id(&before, "/usr/lib/python3.11/json/decoder.py"),
                     files_id(&after, "/opt/python/lib/python3.12/json/decoder.py"));
    static const char *const strangers[] = {"/ci/17/src/two/__init__.py", "/ci/17/tests/app.py",
                                            "/opt/python/lib/python3.12/bar/__init__.py"};
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++)
        assert_true(files_id(&after, strangers[i]) >= before.paths.count);
    assert_int_equal(files_id(&after, "/nowhere.py"), FILE_UNKNOWN);
    files_release(&before);
    files_release(&after);
}

/* The same path is the same file, even if another has its name. */
static void files_of_one_machine(void **state) {
    (void)state;
    struct files before = {0}, after = {0};
    add_files(&before,
              (const struct named[]){{"/a/x.py", "x.py", false}, {"/x.py", "/x.py", false}, {0}});
    add_files(&after, (const struct named[]){{"/b/x.py", "x.py", false},
                                             {"/x.py", "/x.py", false},
                                             {"/a/x.py", "a/x.py", false},
                                             {0}});
    assert_true(files_match(&before, &after));
    assert_int_equal(files_id(&after, "/a/x.py"), 0);
    assert_int_equal(files_id(&after, "/x.py"), 1);
    assert_true(files_id(&after, "/b/x.py") >= 2);
    files_release(&before);
    files_release(&after);
}

/* -- Fingerprints -- */

static void fingerprints(void **state) {
    (void)state;
    static const char *const paths[][2] = {
        {"rows[3][\"tags\"] in build() (job.py:12)", "rows[#][\"tags\"] in build() (job.py)"},
        {"data2 in step3() (v2.py:8)", "data2 in step3() (v2.py)"},
        {"app.CACHE[\"user_17\"][(4, \"a1\")].rows", "app.CACHE[\"user_#\"][(#, \"a#\")].rows"},
        {"argument of the pending call in <module> (<string>:2) -> list[11]",
         "argument of the pending call in <module> (<string>) -> list[#]"},
        {"x[y[1]z2]3", "x[y[#]z#]3"},
        {"]1[", "]1["},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        char *path = fingerprint_path(paths[i][0]);
        assert_string_equal(path, paths[i][1]);
        free(path);
    }
}

/* -- Stacks -- */

#define JOB "/srv/job/job.py"

/* A side with a thread and a `main` of these lines. Returns the process. */
static uint32_t start_side(enum diff_side side) {
    sample_start(&samples[side]);
    uint32_t process = sample_process(&samples[side], 100 + (uint32_t)side, "python3 job.py");
    sample_thread(&samples[side], "MainThread");
    return process;
}

static uint32_t new_function(enum diff_side side, const char *name, uint32_t first_line) {
    uint32_t function = sample_function(&samples[side], name, JOB);
    samples[side].functions[function].first_line = first_line;
    return function;
}

/* What a line of a function that the thread has called holds. */
static void hold(enum diff_side side, uint32_t function, uint32_t line, uint64_t bytes,
                 const char *source) {
    sample_site(&samples[side], 0, sample_frame(&samples[side], 1, function, line), PROFILE_HEAP,
                bytes, 1);
    if (source)
        sample_source(&samples[side], JOB, line, source);
}

static struct diff *compare(void) {
    struct diff *diff = diff_build(&samples[BEFORE].profile, &samples[AFTER].profile);
    assert_non_null(diff);
    assert_true(diff_is_valid(diff));
    return diff;
}

/* What the place that has so many bytes before had after; -1: it is gone. */
static int64_t bytes_after(const struct diff *diff, uint64_t before) {
    const struct stack_changes *changes = &diff->stacks[STACKS_PLACES];
    for (uint32_t i = 0; i < changes->count; i++)
        if (change_bytes(changes, &changes->list[i], BEFORE) == before)
            return changes->list[i].records[AFTER] == PAIR_NONE
                       ? -1
                       : (int64_t)change_bytes(changes, &changes->list[i], AFTER);
    fail_msg("no place had %llu bytes", (unsigned long long)before);
    return 0;
}

static void moved_lines_are_the_same(void **state) {
    (void)state;
    start_side(BEFORE);
    start_side(AFTER);
    hold(BEFORE, new_function(BEFORE, "load", 3), 5, 1000, NULL);
    hold(AFTER, new_function(AFTER, "load", 40), 99, 1700, NULL);
    struct diff *diff = compare();
    assert_int_equal(bytes_after(diff, 1000), 1700);
    assert_int_equal(diff->stacks[STACKS_PLACES].count, 1);
    diff_free(diff);
}

static void renamed_functions_are_others(void **state) {
    (void)state;
    start_side(BEFORE);
    start_side(AFTER);
    hold(BEFORE, new_function(BEFORE, "load", 3), 5, 1000, "x = 1");
    hold(AFTER, new_function(AFTER, "fetch", 3), 5, 1000, "x = 1");
    struct diff *diff = compare();
    assert_int_equal(bytes_after(diff, 1000), -1);
    assert_int_equal(diff->stacks[STACKS_PLACES].count, 2);
    assert_string_equal(diff_state(diff->stacks[STACKS_PLACES].list[0].records, 1), "new");
    diff_free(diff);
}

/* Three lines of one function, of which the second goes; its text is the only one that is missing,
 * whatever the others' places. */
static void texts_tell_lines_apart(void **state) {
    (void)state;
    start_side(BEFORE);
    start_side(AFTER);
    uint32_t before = new_function(BEFORE, "work", 10), after = new_function(AFTER, "work", 10);
    hold(BEFORE, before, 11, 1000, "    a = f()");
    hold(BEFORE, before, 12, 2000, "    b = g()");
    hold(BEFORE, before, 13, 3000, "    c = h()");
    hold(AFTER, after, 12, 1100, "        a = f()");
    hold(AFTER, after, 11, 3300, "        c = h()");
    struct diff *diff = compare();
    assert_int_equal(bytes_after(diff, 1000), 1100);
    assert_int_equal(bytes_after(diff, 2000), -1);
    assert_int_equal(bytes_after(diff, 3000), 3300);
    diff_free(diff);
}

/* Lines that all read the same: as many as before are the same in their order; if there are fewer,
 * those that are nearest, seen from the beginning of their function. */
static void order_tells_lines_apart(void **state) {
    (void)state;
    static const uint32_t moved[] = {115, 125, 135}, left[] = {105, 125, 0};
    for (int round = 0; round < 2; round++) {
        const uint32_t *lines = round == 0 ? moved : left;
        start_side(BEFORE);
        start_side(AFTER);
        uint32_t before = new_function(BEFORE, "work", 0), after = new_function(AFTER, "work", 100);
        for (uint32_t i = 0; i < 3; i++) {
            hold(BEFORE, before, 5 + 10 * i, 1000 * (i + 1), "    x.append(f())");
            if (lines[i])
                hold(AFTER, after, lines[i], 1000 * (i + 1) + 7, "    x.append(f())");
        }
        struct diff *diff = compare();
        assert_int_equal(bytes_after(diff, 1000), 1007);
        assert_int_equal(bytes_after(diff, 2000), round == 0 ? 2007 : -1);
        assert_int_equal(bytes_after(diff, 3000), round == 0 ? 3007 : 2007);
        diff_free(diff);
    }
}

static void nearness_tells_lines_apart(void **state) {
    (void)state;
    start_side(BEFORE);
    start_side(AFTER);
    uint32_t before = new_function(BEFORE, "work", 0), after = new_function(AFTER, "work", 0);
    hold(BEFORE, before, 10, 1000, "a = f(1)");
    hold(BEFORE, before, 50, 2000, "b = f(2)");
    hold(AFTER, after, 47, 2100, "b = f(3)");
    struct diff *diff = compare();
    assert_int_equal(bytes_after(diff, 1000), -1);
    assert_int_equal(bytes_after(diff, 2000), 2100);
    diff_free(diff);
}

/* The callers' lines tell stacks apart as well. */
static void callers_lines_count(void **state) {
    (void)state;
    for (int side = BEFORE; side <= AFTER; side++) {
        start_side((enum diff_side)side);
        struct sample *sample = &samples[side];
        uint32_t main = new_function((enum diff_side)side, "main", 1);
        uint32_t load = new_function((enum diff_side)side, "load", 90);
        for (uint32_t i = 0; i < 3; i++) {
            if (side == AFTER && i == 1)
                continue;
            uint32_t line = 10 + i + (side == AFTER ? 20 : 0);
            static const char *const texts[] = {"a = load()", "b = load()", "c = load()"};
            sample_source(sample, JOB, line, texts[i]);
            sample_site(sample, 0,
                        sample_frame(sample, sample_frame(sample, 1, main, line), load, 91),
                        PROFILE_HEAP, 1000 * (i + 1) + (side == AFTER ? 5 : 0), 1);
        }
    }
    struct diff *diff = compare();
    assert_int_equal(bytes_after(diff, 1000), 1005);
    assert_int_equal(bytes_after(diff, 2000), -1);
    assert_int_equal(bytes_after(diff, 3000), 3005);
    diff_free(diff);
}

/* Places look at the user's frames alone, and at a recursion as one; sites at everything. */
static void places_and_sites(void **state) {
    (void)state;
    for (int side = BEFORE; side <= AFTER; side++) {
        start_side((enum diff_side)side);
        struct sample *sample = &samples[side];
        uint32_t again = new_function((enum diff_side)side, "again", 1);
        uint32_t inside = sample_function(sample, side == BEFORE ? "old" : "new",
                                          "/usr/lib/python3/dist-packages/numpy/core.py");
        uint32_t node = 1;
        for (int i = 0; i < 5 + side; i++)
            node = sample_frame(sample, node, again, 2);
        sample_site(sample, 0, sample_frame(sample, node, inside, 7), PROFILE_HEAP, 500, 1);
    }
    struct diff *diff = compare();
    assert_int_equal(bytes_after(diff, 500), 500);
    assert_int_equal(diff->stacks[STACKS_WHOLE].count, 2);
    diff_free(diff);
}

/* A stack of two kinds is two sites, and one place. */
static void kinds_are_told_apart(void **state) {
    (void)state;
    for (int side = BEFORE; side <= AFTER; side++) {
        start_side((enum diff_side)side);
        struct sample *sample = &samples[side];
        uint32_t node = sample_frame(sample, 1, new_function((enum diff_side)side, "f", 1), 2);
        if (side == BEFORE)
            sample_site(sample, 0, node, PROFILE_HEAP, 1000, 1);
        sample_site(sample, 0, node, PROFILE_PYTHON, 3000, 1);
    }
    struct diff *diff = compare();
    const struct stack_changes *sites = &diff->stacks[STACKS_WHOLE];
    assert_int_equal(sites->count, 2);
    assert_string_equal(diff_state(sites->list[0].records, -1000), "gone");
    assert_int_equal(sites->list[1].difference, 0);
    assert_int_equal(bytes_after(diff, 4000), 3000);
    diff_free(diff);
}

/* -- Processes -- */

static uint32_t child(enum diff_side side, uint32_t pid, uint32_t parent, const char *command,
                      uint64_t bytes) {
    struct sample *sample = &samples[side];
    uint32_t process = sample_process(sample, pid, command);
    sample->processes[process].parent = parent;
    sample_site(sample, process, 1, PROFILE_HEAP, bytes, 1);
    return process;
}

static void processes_by_command_and_parent(void **state) {
    (void)state;
    start_side(BEFORE);
    start_side(AFTER);
    child(BEFORE, 7, 0, "/usr/bin/python3.11 -c f(tracker_fd=5,pipe=7) --fork", 10);
    child(BEFORE, 8, 0, "gzip -9 /tmp/a1/log.1", 20);
    child(BEFORE, 9, 2, "sh -c true", 30);
    child(AFTER, 17, 0, "gzip -9 /tmp/b2/log.2", 200);
    child(AFTER, 18, 0, "sh -c true", 300);
    child(AFTER, 19, 0, "/opt/bin/python3.12 -c f(tracker_fd=9,pipe=11) --fork", 100);
    child(AFTER, 20, 1, "sh -c true", 400);
    const struct profile *const profiles[2] = {&samples[BEFORE].profile, &samples[AFTER].profile};
    struct pairs pairs;
    assert_true(processes_match(profiles, &pairs));
    const uint32_t before[] = {0, 3, 1, 4};
    assert_memory_equal(pairs.partners[BEFORE], before, sizeof before);
    pairs_release(&pairs);
    struct diff *diff = compare();
    assert_int_equal(diff->process_count, 5);
    assert_string_equal(diff_state(diff->processes[2].processes, 300), "new");
    diff_free(diff);
}

/* The first processes are the same, whatever they are called. */
static void processes_of_different_programs(void **state) {
    (void)state;
    start_side(BEFORE);
    sample_start(&samples[AFTER]);
    sample_process(&samples[AFTER], 1, "ruby other.rb");
    const struct profile *const profiles[2] = {&samples[BEFORE].profile, &samples[AFTER].profile};
    struct pairs pairs;
    assert_true(processes_match(profiles, &pairs));
    assert_int_equal(pairs.partners[BEFORE][0], 0);
    pairs_release(&pairs);
}

/* -- All of it -- */

static char *written(bool (*write)(const struct diff *, const struct diff_options *, FILE *),
                     const struct diff *diff, uint32_t limit) {
    const struct diff_options options = {
        .files = {"a.holdfast", "b\x1b[0m.holdfast"}, .limit = limit, .width = 100};
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_true(write(diff, &options, out));
    fclose(out);
    return text;
}

static int64_t sum_list(const json_t *json, const char *name) {
    const json_t *list = json_object_get(json, name), *change;
    int64_t sum =
        json_integer_value(json_object_get(json_object_get(list, "left_out"), "difference"));
    size_t i;
    json_array_foreach(json_object_get(list, "changes"), i, change) {
        sum += json_integer_value(json_object_get(change, "difference"));
        assert_true(json_is_object(json_object_get(change, "before")) ||
                    json_is_object(json_object_get(change, "after")));
    }
    return sum;
}

static void check_outputs(const struct diff *diff, uint32_t limit) {
    json_t *json = parse_report(written(diff_json, diff, limit));
    assert_string_equal(json_string_value(json_object_get(json, "schema")), "holdfast.diff/1");
    assert_int_equal(sum_list(json, "places"), diff->difference);
    assert_int_equal(sum_list(json, "sites"), diff->difference);
    json_decref(json);
    char *text = written(diff_text, diff, limit);
    assert_int_equal(strncmp(text, "holdfast: peak ", 15), 0);
    assert_harmless(text);
    assert_true(longest_line(text) <= 100);
    free(text);
}

static void all_add_up(void **state) {
    (void)state;
    sample_article(&samples[BEFORE]);
    sample_processes(&samples[AFTER]);
    for (int turn = 0; turn < 2; turn++) {
        struct diff *diff = diff_build(&samples[turn].profile, &samples[1 - turn].profile);
        assert_true(diff_is_valid(diff));
        assert_int_equal(diff->difference,
                         (turn ? -1 : 1) * (int64_t)(70000 + 2 * (300 << 20) + 1));
        check_outputs(diff, DIFF_NO_LIMIT);
        check_outputs(diff, 1);
        diff_free(diff);
    }
}

static void nothing_changes_in_itself(void **state) {
    (void)state;
    sample_processes(&samples[BEFORE]);
    sample_processes(&samples[AFTER]);
    struct diff *diff = compare();
    for (int level = STACKS_WHOLE; level <= STACKS_PLACES; level++)
        for (uint32_t i = 0; i < diff->stacks[level].count; i++)
            assert_string_equal(diff_state(diff->stacks[level].list[i].records,
                                           diff->stacks[level].list[i].difference),
                                "same");
    char *text = written(diff_text, diff, 10);
    assert_says(text, "holdfast: peak 3.65 GiB, as before\n");
    assert_says(text, "\n  no place changed\n");
    free(text);
    diff_free(diff);
}

static void nothing_at_all(void **state) {
    (void)state;
    sample_start(&samples[BEFORE]);
    sample_article(&samples[AFTER]);
    struct diff *diff = compare();
    check_outputs(diff, 10);
    diff_free(diff);
    sample_start(&samples[AFTER]);
    diff = compare();
    check_outputs(diff, 10);
    diff_free(diff);
}

/* Stacks of a few functions and lines at random: every byte is in one change, and what is matched
 * one way is matched the other way round. */
static void random_profiles(void **state) {
    (void)state;
    static const char *const names[] = {"a", "b", "c"};
    unsigned seed = 7;
    for (int round = 0; round < 200; round++) {
        for (int side = BEFORE; side <= AFTER; side++) {
            start_side((enum diff_side)side);
            for (int i = 0; i < 12; i++) {
                uint32_t node = 1;
                for (int depth = rand_r(&seed) % 3 + 1; depth > 0; depth--) {
                    const char *name = names[rand_r(&seed) % 3];
                    uint32_t function = sample_function(&samples[side], name, JOB);
                    node = sample_frame(&samples[side], node, function,
                                        1 + (uint32_t)rand_r(&seed) % 4);
                }
                sample_site(&samples[side], 0, node, (enum profile_kind)(rand_r(&seed) % 3),
                            1 + (uint64_t)rand_r(&seed) % 1000, 1);
            }
        }
        struct diff *diff = compare();
        struct diff *back = diff_build(&samples[AFTER].profile, &samples[BEFORE].profile);
        assert_true(diff_is_valid(back));
        for (int level = STACKS_WHOLE; level <= STACKS_PLACES; level++)
            assert_int_equal(diff->stacks[level].count, back->stacks[level].count);
        diff_free(back);
        diff_free(diff);
    }
}

static void hostile_names(void **state) {
    (void)state;
    static const char *const hostile[] = {"\x1b]0;title\x07\x1b[2J", "line\nbreak\r",
                                          "\342\200\256evil\342\201\251", "%s%n", ""};
    for (int side = BEFORE; side <= AFTER; side++) {
        sample_start(&samples[side]);
        struct sample *sample = &samples[side];
        uint32_t process = sample_process(sample, 1, "\x1b[0m\n");
        sample->profile.command = sample->processes[0].command;
        sample->profile.command_count = sample->processes[0].command_count;
        for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
            uint32_t thread = sample_thread(sample, hostile[i]);
            uint32_t function = sample_function(sample, hostile[i], hostile[i]);
            sample_site(sample, process, thread, PROFILE_HEAP, 100 + i * (size_t)side, 1);
            sample_site(sample, process, sample_frame(sample, thread, function, 1), PROFILE_PYTHON,
                        1000 + i * (size_t)side, 1);
            sample_source(sample, hostile[i], 1, hostile[i]);
        }
    }
    struct diff *diff = compare();
    check_outputs(diff, DIFF_NO_LIMIT);
    diff_free(diff);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_in_order),
        cmocka_unit_test(pairs_of_the_nearest),
        cmocka_unit_test(pairs_of_anything),
        cmocka_unit_test(files_of_two_machines),
        cmocka_unit_test(files_of_one_machine),
        cmocka_unit_test(fingerprints),
        cmocka_unit_test(moved_lines_are_the_same),
        cmocka_unit_test(renamed_functions_are_others),
        cmocka_unit_test(texts_tell_lines_apart),
        cmocka_unit_test(order_tells_lines_apart),
        cmocka_unit_test(nearness_tells_lines_apart),
        cmocka_unit_test(callers_lines_count),
        cmocka_unit_test(places_and_sites),
        cmocka_unit_test(kinds_are_told_apart),
        cmocka_unit_test(processes_by_command_and_parent),
        cmocka_unit_test(processes_of_different_programs),
        cmocka_unit_test(all_add_up),
        cmocka_unit_test(nothing_changes_in_itself),
        cmocka_unit_test(nothing_at_all),
        cmocka_unit_test(random_profiles),
        cmocka_unit_test(hostile_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
