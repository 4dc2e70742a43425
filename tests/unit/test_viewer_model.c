/* The model of a peak: sums, merging, order; places; and numbers as they are shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "profile_sample.h"
#include "viewer/format.h"
#include "viewer/libraries.h"
#include "viewer/model.h"
#include "viewer/places.h"

#include <stdlib.h>
#include <string.h>

static struct sample sample;

static struct model *build(uint32_t process) {
    struct model *model = model_build(&sample.profile, process);
    assert_non_null(model);
    assert_true(model_is_valid(model));
    return model;
}

static void threads_are_merged(void **state) {
    (void)state;
    sample_article(&sample);
    struct model *model = build(0);
    /* root; module:21 with its six, module:1 with its three, two threads */
    assert_int_equal(model->frame_count, 1 + 8 + 4 + 2);
    assert_int_equal(model->site_count, 3 + 2 + 2);
    assert_int_equal(model->bytes, sample.profile.processes[0].peak_bytes);
    assert_int_equal(model->sites[0].bytes, 1ull << 30);
    assert_int_equal(model->sites[0].blocks, 2);
    const struct model_frame *frame = &model->frames[model->sites[0].frame];
    assert_string_equal(frame->function, "modify1");
    assert_string_equal(frame->source, "    return data * 2");
    assert_int_equal(model_depth(model, model->sites[0].frame), 3);
    model_free(model);
}

static void stacks_without_python_show_their_thread(void **state) {
    (void)state;
    sample_article(&sample);
    struct model *model = build(PROFILE_TREE);
    uint32_t threads = 0;
    for (uint32_t i = 0; i < model->frame_count; i++)
        if (model->frames[i].kind == FRAME_THREAD) {
            threads++;
            assert_int_equal(model->frames[i].parent, 0);
            assert_int_equal(model->frames[i].end, i + 1);
            assert_string_equal(model->frames[i].function,
                                threads == 1 ? "worker-3" : "MainThread");
        }
    assert_int_equal(threads, 2);
    model_free(model);
}

static void processes_are_branches(void **state) {
    (void)state;
    sample_processes(&sample);
    struct model *model = build(PROFILE_TREE);
    uint64_t sum = 0;
    for (uint32_t i = 1; i < model->frame_count; i = model->frames[i].end) {
        assert_int_equal(model->frames[i].kind, FRAME_PROCESS);
        assert_int_equal(model->frames[i].total,
                         sample.processes[model->frames[i].process].tree_bytes);
        sum += model->frames[i].total;
    }
    assert_int_equal(sum, sample.profile.tree_peak_bytes);
    assert_string_equal(model->frames[1].function, "python3 article.py [4242]");
    model_free(model);
}

/* The same code object twice, and the same text under two numbers. */
static void same_names_are_one_frame(void **state) {
    (void)state;
    sample_start(&sample);
    uint32_t process = sample_process(&sample, 1, "x");
    uint32_t root = sample_thread(&sample, "MainThread");
    for (int i = 0; i < 3; i++) {
        sample.strings[sample.profile.string_count++] = (char *)(uintptr_t) "again";
        sample.functions[sample.profile.function_count] = (struct profile_function){
            .name = sample.profile.string_count - 1, .first_line = (uint32_t)i};
        uint32_t node = sample_frame(&sample, root, sample.profile.function_count++, 7);
        sample_site(&sample, process, node, PROFILE_HEAP, 10, 1);
    }
    struct model *model = build(PROFILE_TREE);
    assert_int_equal(model->frame_count, 2);
    assert_int_equal(model->sites[0].bytes, 30);
    model_free(model);
}

static void empty_peaks_have_models(void **state) {
    (void)state;
    sample_start(&sample);
    model_free(build(PROFILE_TREE));
    sample_process(&sample, 1, "true");
    model_free(build(PROFILE_TREE));
    struct model *model = build(0);
    assert_int_equal(model->site_count, 0);
    model_free(model);
}

/* Random trees: the order does not depend on the order of the sites. */
static void order_is_determined(void **state) {
    (void)state;
    srand(7);
    for (int round = 0; round < 200; round++) {
        sample_start(&sample);
        uint32_t process = sample_process(&sample, 1, "x"), nodes[40];
        nodes[0] = sample_thread(&sample, "t");
        for (uint32_t i = 1; i < 40; i++) {
            static char names[6][2] = {"a", "b", "c", "d", "e", "f"};
            uint32_t function = sample.profile.function_count < 7
                                    ? sample_function(&sample, names[i % 6], "f.py")
                                    : 1 + (uint32_t)rand() % 6;
            nodes[i] =
                sample_frame(&sample, nodes[(uint32_t)rand() % i], function, (uint32_t)rand() % 3);
            sample_site(&sample, process, nodes[i], (enum profile_kind)(rand() % 3),
                        (uint64_t)(rand() % 4), 1);
        }
        struct model *one = build(PROFILE_TREE);
        for (uint32_t i = 0; i < sample.profile.site_count / 2; i++) {
            struct profile_site *a = &sample.sites[i];
            struct profile_site *b = &sample.sites[sample.profile.site_count - 1 - i];
            struct profile_site kept = *a;
            *a = *b;
            *b = kept;
        }
        struct model *two = build(PROFILE_TREE);
        assert_int_equal(one->frame_count, two->frame_count);
        assert_int_equal(one->site_count, two->site_count);
        for (uint32_t i = 0; i < one->frame_count; i++) {
            assert_string_equal(one->frames[i].function, two->frames[i].function);
            assert_int_equal(one->frames[i].total, two->frames[i].total);
        }
        for (uint32_t i = 0; i < one->site_count; i++)
            assert_int_equal(one->sites[i].frame, two->sites[i].frame);
        model_free(one);
        model_free(two);
    }
}

static void places_belong_to_the_user(void **state) {
    (void)state;
    struct places places;
    sample_article(&sample);
    struct model *model = build(PROFILE_TREE);
    assert_true(places_find(model, &places));
    assert_int_equal(places.directory, strlen("/home/mia/job/"));
    assert_int_equal(places.count, 6);
    assert_string_equal(model->frames[places.list[2].frame].function, "load_data");
    assert_string_equal(model->frames[model->sites[places.list[2].lead].frame].function, "full");
    assert_string_equal(model->frames[places.list[3].frame].source, "import numpy as np");
    assert_int_equal(places.list[3].kinds[PROFILE_HEAP], 2 << 20);
    places_release(&places);
    model_free(model);
}

static void libraries_are_known(void **state) {
    (void)state;
    static const struct {
        const char *file, *package;
    } cases[] = {
        {"/usr/lib/python3/dist-packages/numpy/core/numeric.py", "numpy"},
        {"/srv/venv/lib/python3.12/site-packages/pandas/io/parsers.py", "pandas"},
        {"/usr/local/lib/python3.11/json/decoder.py", "json"},
        {"/usr/lib64/python3.9/threading.py", "threading"},
        {"<frozen importlib._bootstrap>", "importlib"},
        {"<frozen runpy>", "runpy"},
        {"/home/mia/app.py", NULL},
        {"/home/mia/lib/app.py", NULL},
        {"/home/mia/mylib/python3.9/app.py", NULL},
        {"<stdin>", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct model_frame frame = {.kind = FRAME_PYTHON, .file = cases[i].file};
        size_t length;
        assert_int_equal(frame_is_library(&frame), cases[i].package != NULL);
        if (cases[i].package) {
            const char *name = frame_package(&frame, &length);
            assert_int_equal(length, strlen(cases[i].package));
            assert_memory_equal(name, cases[i].package, length);
        }
    }
}

static void interpreters_are_known(void **state) {
    (void)state;
    static const char *const theirs[] = {"/usr/bin/python",       "python3",
                                         "/usr/bin/python3.12d",  "/usr/lib/libpython3.so",
                                         "libpython3.14t.so.1.0", "/opt/libpython.so"};
    static const char *const others[] = {"/srv/pythonmonkey.so",
                                         "libpythonmonkey.so",
                                         "/srv/python3.12/lib.so",
                                         "python-magic.so",
                                         "lib",
                                         ""};
    for (size_t i = 0; i < sizeof theirs / sizeof *theirs; i++)
        assert_true(module_is_interpreter(theirs[i]));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(module_is_interpreter(others[i]));
}

static void numbers_are_readable(void **state) {
    (void)state;
    assert_string_equal(format_bytes(0).text, "0 bytes");
    assert_string_equal(format_bytes(1).text, "1 byte");
    assert_string_equal(format_bytes(1023).text, "1023 bytes");
    assert_string_equal(format_bytes(1024).text, "1.00 KiB");
    assert_string_equal(format_bytes(10230).text, "9.99 KiB");
    assert_string_equal(format_bytes(10240).text, "10.0 KiB");
    assert_string_equal(format_bytes((1u << 20) - 1).text, "1.00 MiB");
    assert_string_equal(format_bytes(3ull << 30).text, "3.00 GiB");
    assert_string_equal(format_bytes(UINT64_MAX).text, "16.0 EiB");
    assert_string_equal(format_time(1240000000).text, "1.24 s");
    assert_string_equal(format_time(200000000000).text, "3 min 20 s");
    assert_string_equal(format_time(7500000000000).text, "2 h 05 min");
    assert_string_equal(format_percent(1, 3).text, "33.3 %");
    assert_string_equal(format_percent(0, 0).text, "0.0 %");
    assert_string_equal(format_count(1, "block").text, "1 block");
    assert_string_equal(format_count(9999, "block").text, "9999 blocks");
    assert_string_equal(format_count(1234567, "").text, "1,234,567");
}

static void assert_escaped(const char *text, size_t width, const char *wanted) {
    char *written = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&written, &size);
    format_escaped(out, text, ";", width);
    fclose(out);
    assert_string_equal(written, wanted);
    free(written);
}

static void names_cannot_harm(void **state) {
    (void)state;
    assert_escaped("plain \xc3\xa9t\xc3\xa9", 0, "plain \xc3\xa9t\xc3\xa9");
    assert_escaped("\x1b[31mred\n", 0, "\\x1b[31mred\\n");
    assert_escaped("\xc2\x9b", 0, "\\x9b");
    assert_escaped("\xe2\x80\xae rtl", 0, "\\u202e rtl");
    assert_escaped("\xe2\x81\xa6\xef\xbb\xbf", 0, "\\u2066\\ufeff");
    assert_escaped("a;b", 0, "a\\x3bb");
    assert_escaped("abcdefghij", 8, "abcde...");
    assert_escaped("abcdefgh", 8, "abcdefgh");
    assert_escaped("a\n\n\n\n", 8, "a\\n\\n...");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_are_merged),
        cmocka_unit_test(stacks_without_python_show_their_thread),
        cmocka_unit_test(processes_are_branches),
        cmocka_unit_test(same_names_are_one_frame),
        cmocka_unit_test(empty_peaks_have_models),
        cmocka_unit_test(order_is_determined),
        cmocka_unit_test(places_belong_to_the_user),
        cmocka_unit_test(libraries_are_known),
        cmocka_unit_test(interpreters_are_known),
        cmocka_unit_test(numbers_are_readable),
        cmocka_unit_test(names_cannot_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
