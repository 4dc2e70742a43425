/* References that are lost: whose they are said to be, and what of them is not told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "heap_scene.h"

#define MANY 20u

static struct scene scene;
static uint32_t objects[MANY];

static void begin(void) {
    scene_open(&scene);
    for (uint32_t i = 0; i < MANY; i++)
        objects[i] = scene_object(&scene, scene.list, 2, NULL);
}

static void put(enum graph_column column, uint64_t number) {
    graph_put(&scene.graph.writer, column, number);
}

static void lose(uint32_t object, uint64_t references) {
    put(GRAPH_LOST, object);
    put(GRAPH_LOST, references);
}

static void take(uint32_t object, const char *module, uint32_t taker, uint64_t references) {
    put(GRAPH_TAKES, object);
    put(GRAPH_TAKES, graph_sample_text(&scene.graph, module));
    put(GRAPH_TAKES, taker);
    put(GRAPH_TAKES, references);
}

static void find_with(bool whole, bool deaths) {
    put(GRAPH_SEEN, whole);
    for (int i = 0; i < 3; i++)
        put(GRAPH_SEEN, 0);
    put(GRAPH_SEEN, deaths);
    scene_find(&scene);
}

static void find(bool whole) {
    find_with(whole, true);
}

static void test_the_module_that_took_them(void **state) {
    (void)state;
    struct profile_taker takers[] = {{0, 1, 0}, {0, 2, 1}};
    begin();
    scene.profile.takers = takers;
    scene.profile.taker_count = 2;
    for (uint32_t i = 0; i < MANY; i++) {
        lose(objects[i], 2);
        take(objects[i], "/lib/leaky.so", i ? 2 : 1, i ? 5 : 1);
    }
    put(GRAPH_BALANCES, graph_sample_text(&scene.graph, "/lib/leaky.so"));
    put(GRAPH_BALANCES, graph_sample_text(&scene.graph, "list"));
    for (int i = 3; i > 0; i--)
        put(GRAPH_BALANCES, 100 * (uint64_t)i);
    find(true);
    assert_int_equal(scene.findings->leak_count, 1);
    const struct leak *leak = &scene.findings->leaks[0];
    assert_string_equal(leak->module, "/lib/leaky.so");
    assert_string_equal(leak->type, "list");
    assert_int_equal(leak->references, 2 * MANY - 1);
    assert_int_equal(leak->objects, MANY);
    assert_int_equal(leak->bytes, 64 * MANY);
    assert_int_equal(leak->taken, 300);
    assert_int_equal(leak->given, 200);
    assert_int_equal(leak->node, 1);
    scene_close(&scene);
}

/* Of one that others hold as well, nothing is freed by giving the lost ones back. */
static void test_an_object_that_is_used(void **state) {
    (void)state;
    begin();
    uint32_t shared = scene_object(&scene, scene.list, 5000, NULL);
    lose(shared, 3000);
    take(shared, "leaky.so", 0, 5900);
    find(true);
    assert_int_equal(scene.findings->leak_count, 1);
    assert_string_equal(scene.findings->leaks[0].module, "leaky.so");
    assert_int_equal(scene.findings->leaks[0].references, 3000);
    assert_int_equal(scene.findings->leaks[0].bytes, 0);
    scene_close(&scene);
}

/* Of what lives for ever, the interpreter loses some, and a clean module hands over many. */
static void test_an_object_that_is_handed_over(void **state) {
    (void)state;
    begin();
    uint32_t constant = scene_object(&scene, scene.list, 2000000, NULL);
    uint32_t type = scene_object(&scene, scene.class, 2000, NULL);
    lose(constant, 1100);
    take(constant, "clean.so", 0, 1000000);
    lose(type, 40);
    take(type, "clean.so", 0, 50);
    find(true);
    assert_int_equal(scene.findings->leak_count, 1);
    assert_string_equal(scene.findings->leaks[0].module, "");
    assert_int_equal(scene.findings->leaks[0].references, 1100);
    scene_close(&scene);
}

/* One of two modules that have taken references may have handed over all of its own. */
static void test_two_modules(void **state) {
    (void)state;
    begin();
    for (uint32_t i = 0; i < MANY; i++) {
        lose(objects[i], 2);
        take(objects[i], "one.so", 0, 2);
        take(objects[i], "two.so", 0, 2);
    }
    find(true);
    assert_int_equal(scene.findings->leak_count, 1);
    assert_string_equal(scene.findings->leaks[0].module, "");
    scene_close(&scene);
}

/* Where deaths are not seen, what was taken may be what stood there before, but for objects whose
 * memory is freed with them. */
static void test_a_suspect(void **state) {
    (void)state;
    begin();
    uint32_t context = graph_sample_type(&scene.graph, "_contextvars.Context", GRAPH_OTHER, 0, 0);
    uint32_t item = graph_sample_type(&scene.graph, "app.Item", GRAPH_OTHER, GRAPH_TYPE_HEAP, 0);
    const uint32_t types[] = {scene.list, context, item, scene.text};
    for (uint32_t i = 0; i < 4 * MANY; i++) {
        uint32_t object = scene_object(&scene, types[i % 4], 2, NULL);
        lose(object, 2);
        take(object, "one.so", 0, 2);
    }
    find_with(true, false);
    assert_int_equal(scene.findings->leak_count, 4);
    for (uint32_t i = 0; i < 4; i++) {
        const struct leak *leak = &scene.findings->leaks[i];
        bool sure = strcmp(leak->type, "app.Item") == 0 || strcmp(leak->type, "str") == 0;
        assert_string_equal(leak->module, sure ? "one.so" : "");
        assert_string_equal(leak->suspect, sure ? "" : "one.so");
    }
    scene_close(&scene);
}

/* One that has no name (module 0) has taken as well as any other. */
static void test_a_nameless_module(void **state) {
    (void)state;
    begin();
    for (uint32_t i = 0; i < MANY; i++) {
        lose(objects[i], 2);
        take(objects[i], "", 0, 2);
        if (i % 2)
            take(objects[i], "one.so", 0, 2);
    }
    find(true);
    assert_int_equal(scene.findings->leak_count, 1);
    assert_string_equal(scene.findings->leaks[0].module, "");
    assert_int_equal(scene.findings->leaks[0].references, 2 * MANY);
    scene_close(&scene);
}

/* However many types of nobody's come first, a module's is told. */
static void test_many_types(void **state) {
    (void)state;
    begin();
    for (uint32_t i = 0; i < 3000; i++) {
        char name[32];
        snprintf(name, sizeof name, "app.Type%u", i);
        uint32_t type = graph_sample_type(&scene.graph, name, GRAPH_OTHER, GRAPH_TYPE_HEAP, 0);
        lose(scene_object(&scene, type, 20, NULL), 20);
    }
    uint32_t last = scene_object(&scene, scene.list, 20, NULL);
    lose(last, 20);
    take(last, "leaky.so", 0, 20);
    find(true);
    assert_string_equal(scene.findings->leaks[0].module, "leaky.so");
    scene_close(&scene);
}

static void test_takes_without_loss(void **state) {
    (void)state;
    begin();
    for (uint32_t i = 0; i < MANY; i++)
        take(objects[i], "clean.so", 0, 2);
    find(true);
    assert_int_equal(scene.findings->leak_count, 0);
    scene_close(&scene);
}

/* What others refer to, and few: the interpreter itself loses some. */
static void test_what_is_not_told(void **state) {
    (void)state;
    begin();
    for (uint32_t i = 0; i < MANY; i++)
        lose(objects[i], 1);
    find(true);
    assert_int_equal(scene.findings->leak_count, 0);
    scene_close(&scene);
    begin();
    for (uint32_t i = 0; i < 4; i++) {
        lose(objects[i], 2);
        take(objects[i], "few.so", 0, 2);
    }
    find(true);
    assert_int_equal(scene.findings->leak_count, 0);
    scene_close(&scene);
    begin();
    for (uint32_t i = 0; i < MANY; i++)
        lose(objects[i], 2);
    find(false);
    assert_int_equal(scene.findings->leak_count, 0);
    scene_close(&scene);
}

/* More references lost than there are, of objects that are not there, by takers that are not. */
static void test_nonsense(void **state) {
    (void)state;
    begin();
    for (uint32_t i = 0; i < MANY; i++) {
        lose(objects[i], 3);
        lose(4000000000u, 1ull << 40);
        take(4000000000u, "nobody.so", UINT32_MAX, 1ull << 40);
    }
    lose(objects[0], 2);
    take(objects[0], "leaky.so", UINT32_MAX, 1ull << 40);
    find(true);
    assert_int_equal(scene.findings->leak_count, 0);
    scene_close(&scene);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_module_that_took_them),
        cmocka_unit_test(test_an_object_that_is_used),
        cmocka_unit_test(test_an_object_that_is_handed_over),
        cmocka_unit_test(test_two_modules),
        cmocka_unit_test(test_a_suspect),
        cmocka_unit_test(test_a_nameless_module),
        cmocka_unit_test(test_many_types),
        cmocka_unit_test(test_takes_without_loss),
        cmocka_unit_test(test_what_is_not_told),
        cmocka_unit_test(test_nonsense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
