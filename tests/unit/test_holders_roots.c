/* Roots that are known by what static memory points to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "heap_scene.h"

static struct scene scene;

static const struct holder *the_holder(enum holder_root root, const char *path) {
    scene_find(&scene);
    assert_int_equal(scene.findings->count, 1);
    const struct holder *holder = &scene.findings->holders[0];
    assert_string_equal(holder_root_names[holder->root], holder_root_names[root]);
    assert_string_equal(holder->path, path);
    return holder;
}

static void add_static(const char *name, uint32_t object) {
    graph_sample_root(&scene.graph, GRAPH_ROOT_STATIC, name, object);
}

/* An object with one reference that nothing else explains. */
static void test_a_variable(void **state) {
    (void)state;
    scene_open(&scene);
    uint32_t data = scene_big(&scene, scene.bytes, 1, 8 * MIB);
    add_static("helpers.so", data);
    const struct holder *holder = the_holder(HOLDER_STATIC, "static memory of helpers.so");
    assert_string_equal(holder->name, "helpers.so");
    assert_string_equal(holder->reason, "");
    assert_int_equal(holder->verdict, VERDICT_UNKNOWN);
    scene_close(&scene);
    scene_open(&scene);
    data = scene_big(&scene, scene.bytes, 1, 8 * MIB);
    add_static("interpreter", scene_object(&scene, scene.list, 1, EDGES(ITEM(data))));
    the_holder(HOLDER_STATIC, "static memory of the interpreter -> list[0]");
    scene_close(&scene);
}

static void test_a_static_type(void **state) {
    (void)state;
    scene_open(&scene);
    uint32_t data = scene_big(&scene, scene.bytes, 1, 8 * MIB);
    uint32_t type = scene_object_of(&scene, scene.class, 0, 0, 0, "datetime.date",
                                    EDGES(FIELD("tp_cache", data)));
    add_static("datetime.date", type);
    the_holder(HOLDER_STATIC, "datetime.date.tp_cache");
    scene_close(&scene);
}

/* What the variable does not explain, is native code's. */
static void test_more_than_a_variable(void **state) {
    (void)state;
    scene_open(&scene);
    uint32_t data = scene_big(&scene, scene.bytes, 3, 8 * MIB);
    add_static("helpers.so", data);
    const struct holder *holder = the_holder(HOLDER_STATIC, "static memory of helpers.so");
    assert_string_equal(holder->reason, "2 references held by native code");
    scene_close(&scene);
}

/* A variable that does not count keeps nothing: not a dead local's object, ... */
static void test_a_borrowed_variable(void **state) {
    (void)state;
    for (uint64_t references = 1; references <= 2; references++) {
        scene_open(&scene);
        uint32_t data = scene_big(&scene, scene.bytes, references, 8 * MIB);
        add_static("helpers.so", data);
        add_static("interpreter", data);
        scene_frame(&scene, &(struct scene_frame){"f", 0, 3, LOCALS(DEAD("data", data))});
        const struct holder *holder = the_holder(HOLDER_LOCAL, "data in f() (app.py:3)");
        assert_int_equal(holder->verdict, references == 1 ? VERDICT_DEAD : VERDICT_UNKNOWN);
        assert_int_equal(holder->saves, references == 1 ? 8 * MIB + 100 : 0);
        scene_close(&scene);
    }
}

/* ... and not a cycle. */
static void test_a_borrowed_cycle(void **state) {
    (void)state;
    for (uint64_t references = 1; references <= 2; references++) {
        scene_open(&scene);
        uint32_t data = scene_big(&scene, scene.bytes, 1, 8 * MIB);
        scene_object(&scene, scene.node, references,
                     EDGES(ATTRIBUTE("other", 3), ATTRIBUTE("x", data)));
        scene_object(&scene, scene.node, 1, EDGES(ATTRIBUTE("other", 2)));
        add_static("interpreter", 2);
        scene_find(&scene);
        assert_int_equal(scene.findings->holders[0].root,
                         references == 1 ? HOLDER_GARBAGE : HOLDER_STATIC);
        assert_int_equal(scene.findings->garbage_bytes > 0, references == 1);
        scene_close(&scene);
    }
}

/* However far the way is from a root with a name. */
static void test_a_name_comes_first(void **state) {
    (void)state;
    scene_open(&scene);
    uint32_t data = scene_big(&scene, scene.bytes, 3, 8 * MIB), at = data;
    for (int i = 0; i < 40; i++)
        at = scene_object(&scene, scene.node, 1, EDGES(ATTRIBUTE("next", at)));
    add_static("helpers.so", data);
    scene_frame(&scene, &(struct scene_frame){"f", 0, 3, LOCALS(LIVE("first", at))});
    scene_find(&scene);
    const struct holder *holder = scene_holder(&scene, "first.next.next");
    assert_int_equal(holder->root, HOLDER_LOCAL);
    assert_string_equal(holder->reason, "1 reference held by native code");
    scene_close(&scene);
}

/* A text that is never freed is in the table of interned strings. */
static void test_an_interned_text(void **state) {
    (void)state;
    scene_open(&scene);
    uint32_t text = scene_big(&scene, scene.text, 0, 8 * MIB);
    uint32_t table = scene_object(&scene, scene.dict, 1, EDGES(KEY(text, text)));
    graph_sample_root(&scene.graph, GRAPH_ROOT_INTERNED, "interned strings", table);
    the_holder(HOLDER_INTERPRETER, "interpreter -> interned strings[...]");
    scene_close(&scene);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_variable),           cmocka_unit_test(test_a_static_type),
        cmocka_unit_test(test_more_than_a_variable), cmocka_unit_test(test_a_borrowed_variable),
        cmocka_unit_test(test_a_borrowed_cycle),     cmocka_unit_test(test_a_name_comes_first),
        cmocka_unit_test(test_an_interned_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
