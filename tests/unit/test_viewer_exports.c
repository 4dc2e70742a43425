/* The exports of profiles made by hand: that they add up to the peak, tell kinds, threads and
 * processes apart, and take any name. tests/e2e/test_exports.py gives them to the programs that
 * they are for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "profile_sample.h"
#include "report_tools.h"
#include "viewer/exports.h"
#include "viewer/profile.pb-c.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define ROOM (16u << 20)

static struct sample sample;

/* To be freed by the caller. */
static char *text_of(report_function *function, uint32_t process) {
    const struct report_options options = {.process = process};
    return report_string(function, &sample.profile, &options);
}

static Pprof__Profile *unpack_pprof(uint32_t process) {
    const struct report_options options = {.process = process};
    char *bytes = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&bytes, &size);
    assert_true(export_pprof(&sample.profile, &options, out));
    fclose(out);
    uint8_t *room = malloc(ROOM);
    z_stream stream = {
        .next_in = (Bytef *)bytes, .avail_in = (uInt)size, .next_out = room, .avail_out = ROOM};
    assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
    assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
    Pprof__Profile *profile = pprof__profile__unpack(NULL, ROOM - stream.avail_out, room);
    assert_non_null(profile);
    inflateEnd(&stream);
    free(room);
    free(bytes);
    return profile;
}

static const char *label(const Pprof__Profile *profile, const Pprof__Sample *of, const char *key) {
    for (size_t i = 0; i < of->n_label; i++)
        if (strcmp(profile->string_table[of->label[i]->key], key) == 0)
            return profile->string_table[of->label[i]->str];
    return NULL;
}

/* Bytes of the samples with this label; `key` NULL: of all. */
static uint64_t sum_pprof(const Pprof__Profile *profile, const char *key, const char *text) {
    uint64_t sum = 0;
    for (size_t i = 0; i < profile->n_sample; i++) {
        const char *own = key ? label(profile, profile->sample[i], key) : NULL;
        assert_int_equal(profile->sample[i]->n_value, profile->n_sample_type);
        if (!key || (own && strcmp(own, text) == 0))
            sum += (uint64_t)profile->sample[i]->value[1];
    }
    return sum;
}

/* Everything that is referred to is there, under its own number. */
static void check_pprof(const Pprof__Profile *profile) {
    assert_string_equal(profile->string_table[0], "");
    for (size_t i = 0; i < profile->n_location; i++) {
        assert_int_equal(profile->location[i]->id, i + 1);
        assert_in_range(profile->location[i]->line[0]->function_id, 1, profile->n_function);
    }
    for (size_t i = 0; i < profile->n_function; i++) {
        assert_int_equal(profile->function[i]->id, i + 1);
        assert_in_range(profile->function[i]->name, 0, profile->n_string_table - 1);
        assert_in_range(profile->function[i]->filename, 0, profile->n_string_table - 1);
    }
    for (size_t i = 0; i < profile->n_sample; i++) {
        assert_true(profile->sample[i]->n_location_id > 0);
        for (size_t k = 0; k < profile->sample[i]->n_location_id; k++)
            assert_in_range(profile->sample[i]->location_id[k], 1, profile->n_location);
    }
}

/* Takes one line off; NULL at the end. */
static char *next_line(char **rest) {
    char *line = strsep(rest, "\n");
    return line && (*line || *rest) ? line : NULL;
}

/* The bytes of a massif node and all below it, whose children must add up to it. */
static uint64_t read_massif_node(char **rest, size_t depth) {
    char *line = next_line(rest), *end;
    assert_non_null(line);
    assert_int_equal(strspn(line, " "), depth);
    assert_int_equal(line[depth], 'n');
    uint64_t children = strtoull(line + depth + 1, &end, 10), sum = 0;
    assert_int_equal(strncmp(end, ": ", 2), 0);
    uint64_t bytes = strtoull(end + 2, &end, 10);
    assert_true(end[0] == ' ' && end[1] != 0);
    assert_null(strchr(line, '#'));
    for (uint64_t i = 0; i < children; i++)
        sum += read_massif_node(rest, depth + 1);
    assert_true(children == 0 || sum == bytes);
    return bytes;
}

static void check_massif(uint32_t process, uint64_t bytes) {
    char *text = text_of(export_massif, process), *rest = strstr(text, "heap_tree=peak\n");
    assert_non_null(rest);
    assert_null(strstr(rest + 1, "heap_tree=peak"));
    next_line(&rest);
    assert_int_equal(read_massif_node(&rest, 0), bytes);
    assert_true(!rest || !*rest || strncmp(rest, "#-----------\nsnapshot=", 22) == 0);
    free(text);
}

static void check_speedscope_profile(const json_t *profile, const json_t *frames, uint64_t bytes) {
    size_t i, depth = 0;
    const json_t *event;
    json_int_t at = 0, *open = calloc(json_array_size(json_object_get(profile, "events")) + 1,
                                      sizeof *open);
    json_array_foreach(json_object_get(profile, "events"), i, event) {
        json_int_t frame = json_integer_value(json_object_get(event, "frame"));
        assert_true(json_integer_value(json_object_get(event, "at")) >= at);
        at = json_integer_value(json_object_get(event, "at"));
        assert_true((size_t)frame < json_array_size(frames));
        if (strcmp(json_string_value(json_object_get(event, "type")), "O") == 0) {
            open[depth++] = frame;
        } else {
            assert_true(depth > 0);
            assert_int_equal(open[--depth], frame);
        }
    }
    assert_int_equal(depth, 0);
    assert_int_equal(at, bytes);
    assert_int_equal(json_integer_value(json_object_get(profile, "endValue")), bytes);
    free(open);
}

static void check_speedscope(void) {
    const struct profile *profile = &sample.profile;
    json_t *json = parse_report(text_of(export_speedscope, PROFILE_TREE));
    json_t *profiles = json_object_get(json, "profiles");
    json_t *frames = json_object_get(json_object_get(json, "shared"), "frames");
    check_speedscope_profile(json_array_get(profiles, 0), frames, profile->tree_peak_bytes);
    for (uint32_t i = 0; i < profile->process_count; i++)
        check_speedscope_profile(json_array_get(profiles, i + 1), frames,
                                 profile->processes[i].peak_bytes);
    assert_int_equal(json_array_size(profiles), profile->process_count + 1);
    json_decref(json);
}

static void check_collapsed(uint32_t process, uint64_t bytes) {
    char *text = text_of(report_collapsed, process), *rest = text;
    uint64_t sum = 0;
    for (char *line; (line = next_line(&rest)) != NULL;)
        sum += strtoull(strrchr(line, ' ') + 1, NULL, 10);
    assert_int_equal(sum, bytes);
    free(text);
}

/* One field, its quotes taken off, into `to`. */
static const char *read_field(const char *at, char *to) {
    bool quoted = *at == '"';
    for (at += quoted; quoted ? at[0] != '"' || at[1] == '"' : !strchr(",\r", *at); at++) {
        assert_true(*at != 0 && (quoted || (*at != '"' && *at != '\n')));
        at += *at == '"';
        *to++ = *at;
    }
    *to = 0;
    return at + quoted;
}

enum { CSV_BYTES = 2, CSV_FUNCTION = 4, CSV_FILE, CSV_COLUMNS = 12 };

/* Reads a row; NULL at the end. */
static const char *read_row(const char *at, char fields[CSV_COLUMNS][4096]) {
    if (!*at)
        return NULL;
    for (unsigned i = 0; i < CSV_COLUMNS; i++) {
        at = read_field(at, fields[i]);
        assert_int_equal(*at++, i + 1 < CSV_COLUMNS ? ',' : '\r');
    }
    assert_int_equal(*at, '\n');
    return at + 1;
}

static void check_csv(uint32_t process, uint64_t bytes) {
    static char fields[CSV_COLUMNS][4096];
    char *text = text_of(export_csv, process);
    const char *at = read_row(text, fields);
    uint64_t sum = 0;
    assert_string_equal(fields[CSV_BYTES], "bytes");
    while ((at = read_row(at, fields)) != NULL)
        sum += strtoull(fields[CSV_BYTES], NULL, 10);
    assert_int_equal(sum, bytes);
    free(text);
}

static void check_one(uint32_t process, uint64_t bytes) {
    Pprof__Profile *profile = unpack_pprof(process);
    check_pprof(profile);
    assert_int_equal(sum_pprof(profile, NULL, NULL), bytes);
    pprof__profile__free_unpacked(profile, NULL);
    check_massif(process, bytes);
    check_collapsed(process, bytes);
    check_csv(process, bytes);
}

static void check_all(void) {
    check_speedscope();
    check_one(PROFILE_TREE, sample.profile.tree_peak_bytes);
    for (uint32_t i = 0; i < sample.profile.process_count; i++)
        check_one(i, sample.processes[i].peak_bytes);
    json_decref(parse_report(text_of(export_trace, PROFILE_TREE)));
}

static void all_add_up(void **state) {
    (void)state;
    sample_article(&sample);
    check_all();
    sample_processes(&sample);
    check_all();
}

static void nothing_traced(void **state) {
    (void)state;
    sample_start(&sample);
    check_massif(PROFILE_TREE, 0);
    check_collapsed(PROFILE_TREE, 0);
    check_csv(PROFILE_TREE, 0);
    json_decref(parse_report(text_of(export_speedscope, PROFILE_TREE)));
    json_decref(parse_report(text_of(export_trace, PROFILE_TREE)));
    pprof__profile__free_unpacked(unpack_pprof(PROFILE_TREE), NULL);
}

static void pprof_labels(void **state) {
    (void)state;
    sample_processes(&sample);
    Pprof__Profile *profile = unpack_pprof(PROFILE_TREE);
    uint64_t kinds[3] = {0}, worker = 0;
    for (uint32_t i = 0; i < sample.profile.site_count; i++) {
        const struct profile_site *site = &sample.sites[i];
        uint32_t root = site->node;
        while (sample.nodes[root].parent != 0)
            root = sample.nodes[root].parent;
        kinds[site->kind] += site->tree_bytes;
        if (strcmp(sample.strings[sample.nodes[root].thread], "worker-3") == 0)
            worker += site->tree_bytes;
    }
    assert_int_equal(sum_pprof(profile, "kind", "heap"), kinds[PROFILE_HEAP]);
    assert_int_equal(sum_pprof(profile, "kind", "python"), kinds[PROFILE_PYTHON]);
    assert_int_equal(sum_pprof(profile, "kind", "mapped"), kinds[PROFILE_MAPPED]);
    assert_int_equal(sum_pprof(profile, "thread", "worker-3"), worker);
    assert_int_equal(sum_pprof(profile, "process", "python3 article.py [4242]"),
                     sample.processes[0].tree_bytes);
    pprof__profile__free_unpacked(profile, NULL);
}

static void massif_tree_begins_with_the_allocation(void **state) {
    (void)state;
    sample_article(&sample);
    char *text = text_of(export_massif, PROFILE_TREE);
    assert_says(text, "\n n1: 1073741824 modify1 (/home/mia/job/article.py:12)\n"
                      "  n1: 1073741824 process_data (/home/mia/job/article.py:8)\n"
                      "   n0: 1073741824 <module> (/home/mia/job/article.py:21)\n");
    assert_says(text, "\n n0: 10001 in 2 places, all below massif's threshold (1.00%)\n");
    assert_says(text, "cmd: python3 article.py\ntime_unit: ms\n");
    assert_says(text, "time=1240\nmem_heap_B=");
    free(text);
}

/* Half of what `inner` allocated was called by nobody. */
static void massif_stacks_that_end_early(void **state) {
    (void)state;
    sample_start(&sample);
    uint32_t process = sample_process(&sample, 1, "early");
    uint32_t root = sample_thread(&sample, "MainThread");
    uint32_t inner = sample_function(&sample, "inner", "a.py");
    uint32_t outer = sample_frame(&sample, root, sample_function(&sample, "outer", "a.py"), 9);
    sample_site(&sample, process, sample_frame(&sample, root, inner, 3), PROFILE_HEAP, 500, 1);
    sample_site(&sample, process, sample_frame(&sample, outer, inner, 3), PROFILE_HEAP, 700, 1);
    char *text = text_of(export_massif, PROFILE_TREE);
    assert_says(text, "n1: 1200 (heap allocation functions)");
    assert_says(text, "\n n2: 1200 inner (a.py:3)\n  n0: 700 outer (a.py:9)\n"
                      "  n0: 500 (no caller)\n");
    free(text);
}

#define DEPTH 60u

/* A recursion that allocates on every level: no form may grow with the square of its depth. */
static void deep_stacks(void **state) {
    (void)state;
    sample_start(&sample);
    uint32_t process = sample_process(&sample, 1, "deep");
    uint32_t node = sample_thread(&sample, "MainThread");
    uint32_t function = sample_function(&sample, "again", "/srv/deep.py");
    for (uint32_t i = 0; i < DEPTH; i++) {
        node = sample_frame(&sample, node, function, 2);
        sample_site(&sample, process, node, PROFILE_HEAP, 4096, 1);
    }
    check_all();
    json_t *json = parse_report(text_of(export_speedscope, 0));
    json_t *profile = json_array_get(json_object_get(json, "profiles"), 0);
    assert_int_equal(json_array_size(json_object_get(profile, "events")), 2 * DEPTH);
    assert_int_equal(json_array_size(json_object_get(json_object_get(json, "shared"), "frames")),
                     1);
    json_decref(json);
}

static const char *const hostile[] = {
    "\"quotes' and \\ backslash",
    "a;b c;d 42",
    "comma, and\r\nline",
    "\x1b]0;title\x07",
    "# no comment",
    "\342\200\256evil\342\201\251",
    "</script>",
    "n1: 5 (fake)",
    " (a.py:1)",
    "0x1: f",
    "=1+1",
    "",
};
#define HOSTILE (sizeof hostile / sizeof *hostile)

static void start_hostile(void) {
    sample_start(&sample);
    uint32_t process = sample_process(&sample, 1, "#command\n\"; \x1b[0m");
    sample.profile.command = sample.processes[0].command;
    sample.profile.command_count = sample.processes[0].command_count;
    for (size_t i = 0; i < HOSTILE; i++) {
        uint32_t thread = sample_thread(&sample, hostile[i]);
        uint32_t function = sample_function(&sample, hostile[i], hostile[i]);
        sample_site(&sample, process, thread, PROFILE_HEAP, 100 + i, 1);
        sample_site(&sample, process, sample_frame(&sample, thread, function, 1), PROFILE_PYTHON,
                    1000 + i, 1);
        sample_source(&sample, hostile[i], 1, hostile[i]);
    }
}

static void hostile_names_add_up(void **state) {
    (void)state;
    start_hostile();
    check_all();
    char *text = text_of(export_massif, PROFILE_TREE);
    assert_harmless(text);
    free(text);
    text = text_of(report_collapsed, PROFILE_TREE);
    assert_harmless(text);
    free(text);
}

static void hostile_names_survive(void **state) {
    (void)state;
    static char fields[CSV_COLUMNS][4096];
    unsigned in_csv = 0, in_pprof = 0, in_speedscope = 0;
    size_t i;
    const json_t *frame;
    start_hostile();
    char *text = text_of(export_csv, PROFILE_TREE);
    for (const char *at = text; (at = read_row(at, fields)) != NULL;)
        for (size_t k = 0; k < HOSTILE; k++)
            in_csv += strcmp(fields[CSV_FUNCTION], hostile[k]) == 0 &&
                      strcmp(fields[CSV_FILE], hostile[k]) == 0;
    free(text);
    Pprof__Profile *profile = unpack_pprof(PROFILE_TREE);
    for (size_t k = 0; k < HOSTILE; k++)
        in_pprof += sum_pprof(profile, "thread", hostile[k]) == 1100 + 2 * k;
    pprof__profile__free_unpacked(profile, NULL);
    json_t *json = parse_report(text_of(export_speedscope, PROFILE_TREE));
    json_array_foreach(json_object_get(json_object_get(json, "shared"), "frames"), i,
                       frame) for (size_t k = 0; k < HOSTILE; k++) in_speedscope +=
        strcmp(json_string_value(json_object_get(frame, "name")), hostile[k]) == 0;
    json_decref(json);
    assert_int_equal(in_csv, HOSTILE);
    assert_int_equal(in_pprof, HOSTILE - 1); /* a thread without a name has no label */
    assert_int_equal(in_speedscope, HOSTILE);
}

static unsigned count_events(const json_t *trace, const char *phase, const char *name) {
    unsigned count = 0;
    size_t i;
    const json_t *event;
    json_array_foreach(json_object_get(trace, "traceEvents"), i, event) count +=
        strcmp(json_string_value(json_object_get(event, "ph")), phase) == 0 &&
        strcmp(json_string_value(json_object_get(event, "name")), name) == 0;
    return count;
}

static void trace_events(void **state) {
    (void)state;
    sample_processes(&sample);
    json_t *json = parse_report(text_of(export_trace, PROFILE_TREE));
    assert_int_equal(count_events(json, "M", "process_name"), 5);
    assert_int_equal(count_events(json, "i", "peak"), 5);
    assert_int_equal(count_events(json, "M", "thread_name"), 5);
    /* the tree and the first process have a time line; each process ends */
    assert_int_equal(count_events(json, "C", "traced bytes"), 50 + 50 + 4);
    json_decref(json);
    json = parse_report(text_of(export_trace, 1));
    assert_int_equal(count_events(json, "M", "process_name"), 1);
    json_decref(json);
}

/* The second image of a process id is the bigger one: the id is named after it. */
static void trace_of_an_exec(void **state) {
    (void)state;
    sample_start(&sample);
    uint32_t node = sample_thread(&sample, "main");
    sample_site(&sample, sample_process(&sample, 7, "sh"), node, PROFILE_HEAP, 10, 1);
    sample_site(&sample, sample_process(&sample, 7, "python"), node, PROFILE_HEAP, 20, 1);
    char *text = text_of(export_trace, PROFILE_TREE);
    assert_says(text, "{\"name\":\"python [7]\"}");
    assert_says_not(text, "{\"name\":\"sh [7]\"}");
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_add_up),
        cmocka_unit_test(nothing_traced),
        cmocka_unit_test(pprof_labels),
        cmocka_unit_test(massif_tree_begins_with_the_allocation),
        cmocka_unit_test(massif_stacks_that_end_early),
        cmocka_unit_test(deep_stacks),
        cmocka_unit_test(hostile_names_add_up),
        cmocka_unit_test(hostile_names_survive),
        cmocka_unit_test(trace_events),
        cmocka_unit_test(trace_of_an_exec),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
