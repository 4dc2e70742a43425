/* Paths, as a Python user would write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "heap_scene.h"

#include <stdlib.h>
#include <string.h>

#define NEXT (scene.graph.object_count + 1)

static struct scene scene;

/* An object of 8 MiB that the test's edges lead to. */
static uint32_t big(void) {
    return scene_big(&scene, scene.bytes, 1, 8 * MIB);
}

static const struct holder *the_holder(enum holder_root root, const char *name) {
    scene_find(&scene);
    assert_int_equal(scene.findings->count, 1);
    const struct holder *holder = &scene.findings->holders[0];
    assert_string_equal(holder_root_names[holder->root], holder_root_names[root]);
    assert_string_equal(holder->name, name);
    return holder;
}

static void local(const char *name, uint32_t object) {
    scene_frame(&scene, &(struct scene_frame){"build", 0, 12, LOCALS(LIVE(name, object))});
}

static void test_items_and_keys(void **state) {
    (void)state;
    scene_open(&scene);
    uint32_t data = big(), key = scene_text(&scene, "tags", 1);
    uint32_t row = scene_object(&scene, scene.dict, 1, EDGES(KEY(key, data)));
    uint32_t rows =
        scene_object(&scene, scene.list, 1,
                     (const struct sample_edge[]){
                         {EDGE_ITEM, NULL, 0}, {EDGE_ITEM, NULL, 0}, {EDGE_ITEM, NULL, row}, {0}});
    local("rows", rows);
    const struct holder *holder = the_holder(HOLDER_LOCAL, "rows");
    assert_string_equal(holder->path, "rows[2][\"tags\"] in build() (app.py:12)");
    assert_int_equal(holder->verdict, VERDICT_IN_USE);
    scene_close(&scene);
}

static void test_other_keys(void **state) {
    (void)state;
    scene_open(&scene);
    uint32_t data = big(), text = scene_text(&scene, "b", 1);
    uint32_t two = scene_object_of(&scene, scene.number, 1, 0, 0, "2", NULL);
    uint32_t key = scene_object(&scene, scene.tuple, 1, EDGES(ITEM(two), ITEM(text)));
    uint32_t inner = scene_object(&scene, scene.list, 1, EDGES(ITEM(data)));
    uint32_t table = scene_object(&scene, scene.dict, 1, EDGES(KEY(key, inner)));
    local("table", table);
    assert_string_equal(the_holder(HOLDER_LOCAL, "table")->path,
                        "table[(2, \"b\")][0] in build() (app.py:12)");
    scene_close(&scene);
    scene_open(&scene);
    data = big();
    table = scene_object(&scene, scene.dict, 1, EDGES(KEY(data, 0)));
    local("table", table);
    assert_string_equal(the_holder(HOLDER_LOCAL, "table")->path,
                        "table in build() (app.py:12) -> a key");
    scene_close(&scene);
}

static void test_attributes(void **state) {
    (void)state;
    scene_open(&scene);
    uint32_t data = big(), name = scene_text(&scene, "rows", 1);
    uint32_t own = scene_object(&scene, scene.dict, 1, EDGES(KEY(name, data)));
    uint32_t node = scene_object(&scene, scene.node, 1, EDGES(FIELD("__dict__", own)));
    uint32_t slots = scene_object(&scene, scene.node, 1, EDGES(ATTRIBUTE("child", node)));
    local("self", slots);
    assert_string_equal(the_holder(HOLDER_LOCAL, "self")->path,
                        "self.child.rows in build() (app.py:12)");
    scene_close(&scene);
}

/* sys.modules -> module -> its dict; returns the module's dict number, which has to come next. */
static void add_module(const char *name) {
    uint32_t key = scene_text(&scene, name, 1), modules = NEXT;
    scene_object(&scene, scene.dict, 1, EDGES(KEY(key, modules + 1)));
    scene_object_of(&scene, scene.module, 1, 0, GRAPH_OBJECT_TRACKED, name,
                    EDGES(FIELD("__dict__", modules + 2)));
    graph_sample_root(&scene.graph, GRAPH_ROOT_MODULES, "sys.modules", modules);
}

static void test_globals(void **state) {
    (void)state;
    static const char *const modules[] = {"app", "__main__"};
    static const char *const paths[] = {"app.CACHE[\"users\"].rows", "CACHE[\"users\"].rows"};
    for (int i = 0; i < 2; i++) {
        scene_open(&scene);
        uint32_t data = big(), key = scene_text(&scene, "users", 1);
        uint32_t node = scene_object(&scene, scene.node, 1, EDGES(ATTRIBUTE("rows", data)));
        uint32_t cache = scene_object(&scene, scene.dict, 1, EDGES(KEY(key, node)));
        uint32_t name = scene_text(&scene, "CACHE", 1);
        add_module(modules[i]);
        scene_object(&scene, scene.dict, 1, EDGES(KEY(name, cache)));
        const struct holder *holder = the_holder(HOLDER_GLOBAL, "CACHE");
        assert_string_equal(holder->path, paths[i]);
        assert_int_equal(holder->verdict, VERDICT_UNKNOWN);
        scene_close(&scene);
    }
}

/* Each is too small for a line of its own. */
static void test_globals_of_one_type(void **state) {
    (void)state;
    scene_open(&scene);
    uint32_t names[3], data[3];
    for (uint64_t i = 0; i < 3; i++) {
        names[i] = scene_text(&scene, (const char *[]){"first", "biggest", "last"}[i], 1);
        data[i] = scene_big(&scene, scene.bytes, 1, (150u << 10) + (i == 1));
    }
    add_module("__main__");
    scene_object(&scene, scene.dict, 1,
                 EDGES(KEY(names[0], data[0]), KEY(names[1], data[1]), KEY(names[2], data[2])));
    scene.snapshot.bytes = 20 * MIB;
    const struct holder *holder = the_holder(HOLDER_GLOBAL, "biggest");
    assert_string_equal(holder->path, "biggest and 2 more");
    assert_int_equal(holder->count, 3);
    scene_close(&scene);
}

/* No path is empty, even where nothing on the way has words of its own. */
static void test_a_way_without_words(void **state) {
    (void)state;
    scene_open(&scene);
    uint32_t key = scene_text(&scene, "__main__", 1), data = big();
    uint32_t modules = scene_object(&scene, scene.dict, 1, EDGES(KEY(key, data)));
    graph_sample_root(&scene.graph, GRAPH_ROOT_MODULES, "sys.modules", modules);
    assert_string_equal(the_holder(HOLDER_INTERPRETER, "")->path, "sys.modules -> bytes");
    scene_close(&scene);
}

static void test_class_attributes(void **state) {
    (void)state;
    scene_open(&scene);
    uint32_t data = big(), name = scene_text(&scene, "Registry", 1);
    uint32_t rows = scene_text(&scene, "rows", 1);
    uint32_t own = scene_object(&scene, scene.dict, 1, EDGES(KEY(rows, data)));
    uint32_t class = scene_object_of(&scene, scene.class, 1, 0, GRAPH_OBJECT_TRACKED,
                                     "app.Registry", EDGES(FIELD("__dict__", own)));
    add_module("app");
    scene_object(&scene, scene.dict, 1, EDGES(KEY(name, class)));
    assert_string_equal(the_holder(HOLDER_CLASS, "rows")->path, "Registry.rows");
    scene_close(&scene);
}

static uint32_t function_of(uint32_t references, const char *field, uint32_t target,
                            uint32_t code) {
    return scene_object_of(&scene, scene.function, references, 0, GRAPH_OBJECT_TRACKED, "fill",
                           code ? EDGES(FIELD("__code__", code), FIELD(field, target))
                                : EDGES(FIELD(field, target)));
}

/* Its name from a code that was told, or from the code object's tuples. */
static void test_closures(void **state) {
    (void)state;
    for (int way = 0; way < 3; way++) {
        scene_open(&scene);
        uint32_t data = big();
        uint32_t cell = scene_object(&scene, scene.cell, 1, EDGES(FIELD("cell_contents", data)));
        uint32_t closure = scene_object(&scene, scene.tuple, 1, EDGES(ITEM(cell)));
        uint32_t n = scene_text(&scene, "n", 1), memo = scene_text(&scene, "memo", 1);
        uint32_t names = way == 1
                             ? scene_object(&scene, scene.tuple, 1, EDGES(ITEM(memo)))
                             : scene_object(&scene, scene.tuple, 1, EDGES(ITEM(n), ITEM(memo)));
        uint32_t code = scene_object(&scene, scene.code, 1,
                                     EDGES(FIELD(way == 1 ? "co_freevars" : "co_varnames", names)));
        if (way == 2) {
            static const char *const locals[] = {"n", "&memo", NULL};
            graph_sample_code(&scene.graph, &(struct sample_code){.name = "fill",
                                                                  .file = "app.py",
                                                                  .locals = locals,
                                                                  .object = code});
        }
        local("f", function_of(1, "__closure__", closure, code));
        const struct holder *holder = the_holder(HOLDER_CLOSURE, "memo");
        assert_string_equal(holder->path, "closure memo of fill()");
        assert_string_equal(holder->function, "fill");
        assert_int_equal(holder->verdict, VERDICT_UNKNOWN);
        scene_close(&scene);
    }
}

static void test_defaults(void **state) {
    (void)state;
    static const char *const locals[] = {"a", "rows", "rest", "more", NULL};
    for (uint32_t known = 0; known < 2; known++) {
        scene_open(&scene);
        uint32_t data = big();
        uint32_t defaults = scene_object(&scene, scene.tuple, 1, EDGES(ITEM(data)));
        uint32_t code = scene_object(&scene, scene.code, 1, NULL);
        if (known)
            graph_sample_code(&scene.graph,
                              &(struct sample_code){.name = "fill",
                                                    .file = "app.py",
                                                    .locals = locals,
                                                    .argument_count = 4,
                                                    .flags = 4 | 8, /* *rest, **more */
                                                    .object = code});
        local("f", function_of(1, "__defaults__", defaults, code));
        assert_string_equal(the_holder(HOLDER_DEFAULT, known ? "rows" : "")->path,
                            known ? "default argument rows of fill()"
                                  : "default argument of fill()");
        scene_close(&scene);
    }
    scene_open(&scene);
    uint32_t data = big(), name = scene_text(&scene, "scratch", 1);
    uint32_t defaults = scene_object(&scene, scene.dict, 1, EDGES(KEY(name, data)));
    local("f", function_of(1, "__kwdefaults__", defaults, 0));
    assert_string_equal(the_holder(HOLDER_DEFAULT, "scratch")->path,
                        "default argument scratch of fill()");
    scene_close(&scene);
}

static void test_a_cache(void **state) {
    (void)state;
    scene_open(&scene);
    uint32_t data = big(), key = scene_text(&scene, "a", 1);
    uint32_t table = scene_object(&scene, scene.dict, 1, EDGES(KEY(key, data)));
    uint32_t load =
        scene_object_of(&scene, scene.function, 1, 0, GRAPH_OBJECT_TRACKED, "load", NULL);
    local("f", scene_object(&scene, scene.cache, 1, EDGES(OTHER(load), OTHER(table))));
    assert_string_equal(the_holder(HOLDER_CACHE, "load")->path, "functools.lru_cache of load()");
    scene_close(&scene);
}

static void test_the_last_traceback(void **state) {
    (void)state;
    scene_open(&scene);
    uint32_t data = big(), name = scene_text(&scene, "last_traceback", 1);
    uint32_t frame = scene_object(&scene, scene.frame_object, 1, NULL);
    uint32_t traceback = scene_object(&scene, scene.traceback, 1, EDGES(FIELD("tb_frame", frame)));
    uint32_t sys = scene_object(&scene, scene.dict, 1, EDGES(KEY(name, traceback)));
    graph_sample_root(&scene.graph, GRAPH_ROOT_SYS, "sys", sys);
    scene_frame(&scene, &(struct scene_frame){.function = "load",
                                              .line = 5,
                                              .locals = LOCALS(DEAD("buf", data)),
                                              .owner = frame,
                                              .suspended = true});
    const struct holder *holder = the_holder(HOLDER_TRACEBACK, "buf");
    assert_string_equal(holder->path, "sys.last_traceback -> frame load() -> buf");
    assert_string_equal(holder->function, "load");
    assert_int_equal(holder->line, 5);
    assert_int_equal(holder->verdict, VERDICT_UNKNOWN);
    scene_close(&scene);
}

/* By way of a frame object, as up to 3.10, and without one. */
static void test_a_generator(void **state) {
    (void)state;
    static const char *const fields[] = {"gi_frame", "cr_frame", "ag_frame", NULL};
    for (int i = 0; i < 4; i++) {
        scene_open(&scene);
        uint32_t data = big();
        uint32_t frame = fields[i] ? scene_object(&scene, scene.frame_object, 1, NULL) : 0;
        uint32_t lines = scene_object(&scene, scene.generator, 1,
                                      fields[i] ? EDGES(FIELD(fields[i], frame)) : NULL);
        scene_frame(&scene, &(struct scene_frame){.function = "read",
                                                  .line = 7,
                                                  .locals = LOCALS(DEAD("chunk", data)),
                                                  .owner = frame ? frame : lines,
                                                  .suspended = true});
        local("lines", lines);
        const struct holder *holder = the_holder(HOLDER_GENERATOR, "chunk");
        assert_string_equal(holder->path, "lines in build() (app.py:12) -> frame read() -> chunk");
        assert_string_equal(holder->function, "read");
        assert_int_equal(holder->verdict, VERDICT_UNKNOWN);
        scene_close(&scene);
    }
}

static void test_a_context_variable(void **state) {
    (void)state;
    scene_open(&scene);
    uint32_t data = big(), name = scene_text(&scene, "request", 1);
    uint32_t variable = scene_object(&scene, scene.context_variable, 1, EDGES(OTHER(name)));
    uint32_t node = scene_object(&scene, scene.hamt, 1, EDGES(OTHER(variable), OTHER(data)));
    uint32_t context = scene_object(&scene, scene.context, 1, EDGES(OTHER(node)));
    const struct sample_edge fields[] = {{EDGE_FIELD, "context", context}};
    graph_sample_thread(&scene.graph, "MainThread", fields, 1);
    assert_string_equal(the_holder(HOLDER_CONTEXT, "request")->path, "context variable request");
    scene_close(&scene);
}

/* The variables of a module that is being executed, which need not be in sys.modules. */
static void test_a_module_that_runs(void **state) {
    (void)state;
    scene_open(&scene);
    uint32_t data = big(), name = scene_text(&scene, "table", 1);
    uint32_t globals = scene_object(&scene, scene.dict, 2, EDGES(KEY(name, data)));
    const uint32_t stack[] = {globals << 1, 0};
    scene_frame(&scene, &(struct scene_frame){.function = "<module>", .locals_object = globals});
    scene_frame(&scene, &(struct scene_frame){.function = "f", .depth = 1, .stack = stack});
    assert_string_equal(the_holder(HOLDER_GLOBAL, "table")->path, "table");
    scene_close(&scene);
}

static void test_an_argument(void **state) {
    (void)state;
    scene_open(&scene);
    uint32_t data = big();
    uint32_t list = scene_object(&scene, scene.list, 1, EDGES(ITEM(data)));
    const uint32_t stack[] = {list << 1, 0};
    scene_frame(&scene, &(struct scene_frame){.function = "g", .line = 2});
    scene_frame(&scene,
                &(struct scene_frame){.function = "f", .depth = 1, .line = 3, .stack = stack});
    assert_string_equal(the_holder(HOLDER_ARGUMENT, "")->path,
                        "argument of the pending call in f() (app.py:3) -> list[0]");
    scene_close(&scene);
}

/* As `CACHE.append(...)` has it, where most lists grow. */
static void test_an_argument_with_a_name(void **state) {
    (void)state;
    scene_open(&scene);
    uint32_t list = scene_object(&scene, scene.list, 2, EDGES(ITEM(big())));
    uint32_t name = scene_text(&scene, "CACHE", 1);
    uint32_t globals = scene_object(&scene, scene.dict, 1, EDGES(KEY(name, list)));
    const uint32_t stack[] = {list << 1, 0};
    scene_frame(&scene, &(struct scene_frame){.function = "f", .line = 3, .stack = stack});
    scene_frame(&scene, &(struct scene_frame){
                            .function = "<module>", .depth = 1, .locals_object = globals});
    assert_string_equal(the_holder(HOLDER_GLOBAL, "CACHE")->path, "CACHE[0]");
    scene_close(&scene);
}

static void test_a_long_way(void **state) {
    (void)state;
    scene_open(&scene);
    uint32_t at = big();
    for (int i = 0; i < 200; i++)
        at = scene_object(&scene, scene.node, 1, EDGES(ATTRIBUTE("next", at)));
    local("head", at);
    const struct holder *holder = the_holder(HOLDER_LOCAL, "head");
    assert_true(strncmp(holder->path, "head.next.next", 14) == 0);
    assert_non_null(strstr(holder->path, " -> ...."));
    assert_true(strlen(holder->path) < 1000);
    scene_close(&scene);
}

static void test_a_graph_of_it(void **state) {
    (void)state;
    scene_open(&scene);
    uint32_t data = big(), key = scene_text(&scene, "a \"b\"", 1);
    uint32_t dict = scene_object(&scene, scene.dict, 1, EDGES(KEY(key, data)));
    scene_frame(&scene, &(struct scene_frame){"f", 0, 3, LOCALS(DEAD("rows", dict))});
    scene_find(&scene);
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_true(findings_dot(scene.findings, 0, out));
    assert_false(findings_dot(scene.findings, 1, out));
    fclose(out);
    assert_non_null(strstr(text, "digraph holder {"));
    assert_non_null(strstr(text, "label=\"rows\", style=dashed"));
    assert_non_null(strstr(text, "label=\"a \\\"b\\\"\""));
    assert_non_null(strstr(text, "frame f()"));
    assert_non_null(strstr(text, "8.00 MiB"));
    assert_string_equal(text + size - 2, "}\n");
    free(text);
    scene_close(&scene);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_items_and_keys),
        cmocka_unit_test(test_other_keys),
        cmocka_unit_test(test_attributes),
        cmocka_unit_test(test_globals),
        cmocka_unit_test(test_class_attributes),
        cmocka_unit_test(test_closures),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_a_cache),
        cmocka_unit_test(test_the_last_traceback),
        cmocka_unit_test(test_a_context_variable),
        cmocka_unit_test(test_a_module_that_runs),
        cmocka_unit_test(test_an_argument),
        cmocka_unit_test(test_an_argument_with_a_name),
        cmocka_unit_test(test_a_generator),
        cmocka_unit_test(test_a_long_way),
        cmocka_unit_test(test_a_graph_of_it),
        cmocka_unit_test(test_globals_of_one_type),
        cmocka_unit_test(test_a_way_without_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
