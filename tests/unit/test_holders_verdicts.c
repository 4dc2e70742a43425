/* Verdicts: what may be called dead or garbage, and what may not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "heap_scene.h"

#include <string.h>

#define GIB (1ull << 30)

static struct scene scene;

static void must_be(const struct holder *holder, enum verdict verdict, uint64_t saves) {
    if (holder->verdict != verdict)
        fail_msg("%s is %s", holder->path, verdict_names[holder->verdict]);
    assert_int_equal(holder->saves, saves);
}

/* The founding case. */
static void test_the_clinging_local(void **state) {
    (void)state;
    scene_open(&scene);
    uint32_t data = scene_big(&scene, scene.array, 1, GIB);
    uint32_t changed = scene_big(&scene, scene.array, 1, GIB);
    scene_frame(&scene, &(struct scene_frame){"modify2", 0, 15, LOCALS(LIVE("data", changed))});
    scene_frame(&scene, &(struct scene_frame){"process_data", 1, 8, LOCALS(DEAD("data", data))});
    scene.snapshot.pending_bytes = GIB;
    scene_moment(&scene, SCENE_SNAPSHOT, 2 * GIB + MIB / 2);
    scene_moment(&scene, SCENE_SNAPSHOT + 1, 3 * GIB + MIB / 2);
    scene_find(&scene);
    const struct holder *dead = scene_holder(&scene, "data in process_data() (app.py:8)");
    must_be(dead, VERDICT_DEAD, GIB + 100);
    assert_int_equal(dead->root, HOLDER_LOCAL);
    assert_string_equal(dead->name, "data");
    assert_string_equal(dead->function, "process_data");
    assert_string_equal(dead->file, "/src/app.py");
    assert_string_equal(dead->type, "numpy.ndarray");
    assert_string_equal(dead->reason, "never read again after line 8");
    assert_string_equal(dead->others, "");
    assert_true(dead->advice_count > 0);
    assert_int_equal(dead->bytes, GIB + 100);
    assert_int_equal(dead->if_released.most, 2 * GIB + MIB / 2);
    assert_int_equal(dead->if_released.least, 2 * GIB + MIB / 2 - 100);
    must_be(scene_holder(&scene, "data in modify2() (app.py:15)"), VERDICT_IN_USE, 0);
    assert_int_equal(scene.findings->count, 2);
    assert_int_equal(scene.findings->dead_bytes, GIB + 100);
    assert_int_equal(scene.findings->garbage_bytes, 0);
    assert_int_equal(scene.findings->if_released.most, 2 * GIB + MIB / 2);
    assert_int_equal(scene.findings->if_released.least, 2 * GIB + MIB / 2 - 100);
    assert_false(scene.findings->far_from_peak);
    scene_close(&scene);
}

/* Local `data` is dead, and the object has `references` in all. */
static const struct holder *one_dead_local(uint64_t references) {
    scene_open(&scene);
    uint32_t data = scene_big(&scene, scene.array, references, 8 * MIB);
    scene_frame(&scene, &(struct scene_frame){"f", 0, 3, LOCALS(DEAD("data", data))});
    scene_find(&scene);
    assert_int_equal(scene.findings->count, 1);
    return &scene.findings->holders[0];
}

static void test_native_code_holds_it_too(void **state) {
    (void)state;
    const struct holder *holder = one_dead_local(2);
    must_be(holder, VERDICT_UNKNOWN, 0);
    assert_string_equal(holder->path, "data in f() (app.py:3)");
    assert_string_equal(holder->reason, "1 reference held by native code");
    assert_int_equal(scene.findings->dead_bytes, 0);
    assert_int_equal(holder->if_released.most, 0);
    scene_close(&scene);
    scene_open(&scene);
    scene_big(&scene, scene.array, 2, 8 * MIB);
    scene_find(&scene);
    holder = &scene.findings->holders[0];
    assert_int_equal(holder->root, HOLDER_NATIVE);
    assert_string_equal(holder->reason, "2 references held by native code");
    scene_close(&scene);
}

static void test_more_references_than_the_count(void **state) {
    (void)state;
    scene_open(&scene);
    uint32_t data = scene_big(&scene, scene.array, 1, 8 * MIB);
    scene_frame(&scene,
                &(struct scene_frame){"f", 0, 3, LOCALS(DEAD("data", data), DEAD("again", data))});
    scene_find(&scene);
    must_be(&scene.findings->holders[0], VERDICT_UNKNOWN, 0);
    scene_close(&scene);
}

static void test_immortal_objects_stay(void **state) {
    (void)state;
    must_be(one_dead_local(0), VERDICT_UNKNOWN, 0);
    scene_close(&scene);
}

static void test_one_dead_and_one_live_holder(void **state) {
    (void)state;
    scene_open(&scene);
    uint32_t data = scene_big(&scene, scene.array, 2, 8 * MIB);
    scene_frame(&scene, &(struct scene_frame){"use", 0, 9, LOCALS(LIVE("rows", data))});
    scene_frame(&scene, &(struct scene_frame){"f", 1, 3, LOCALS(DEAD("data", data))});
    scene_find(&scene);
    const struct holder *holder = scene_holder(&scene, "rows in use() (app.py:9)");
    must_be(holder, VERDICT_IN_USE, 0);
    assert_string_equal(holder->others, "data in f() (app.py:3), never read again");
    assert_int_equal(scene.findings->count, 1);
    assert_int_equal(scene.findings->dead_bytes, 0);
    scene_close(&scene);
}

static void test_callers_of_what_reads_frames(void **state) {
    (void)state;
    scene_open(&scene);
    uint32_t inner = scene_big(&scene, scene.array, 1, 8 * MIB);
    uint32_t outer = scene_big(&scene, scene.array, 1, 4 * MIB);
    scene_frame(&scene, &(struct scene_frame){"work", 0, 9, LOCALS(DEAD("inner", inner))});
    scene_frame(&scene, &(struct scene_frame){"looks_outward", 1, 5, LOCALS({NULL})});
    scene_frame(&scene, &(struct scene_frame){"f", 2, 3, LOCALS(DEAD("outer", outer))});
    scene_find(&scene);
    must_be(scene_holder(&scene, "inner in work() (app.py:9)"), VERDICT_DEAD, 8 * MIB + 100);
    must_be(scene_holder(&scene, "outer in f() (app.py:3)"), VERDICT_UNKNOWN, 0);
    scene_close(&scene);
}

/* `peek` reads its caller's variables, and f mentions it. */
static void test_callers_of_a_function_that_reads_frames(void **state) {
    (void)state;
    scene_open(&scene);
    uint32_t data = scene_big(&scene, scene.array, 1, 8 * MIB);
    uint32_t inner = scene_big(&scene, scene.array, 1, 8 * MIB);
    uint32_t name = scene_text(&scene, "f_locals", 1);
    uint32_t names = scene_object(&scene, scene.tuple, 1, EDGES(ITEM(name)));
    uint32_t code = scene_object(&scene, scene.code, 1, EDGES(FIELD("co_names", names)));
    uint32_t peek = scene_object_of(&scene, scene.function, 1, 0, GRAPH_OBJECT_TRACKED,
                                    "f.<locals>.peek", EDGES(FIELD("__code__", code)));
    scene_frame(&scene, &(struct scene_frame){"work", 0, 9, LOCALS(DEAD("inner", inner))});
    scene_frame(&scene,
                &(struct scene_frame){"f", 1, 3, LOCALS(DEAD("data", data), LIVE("peek", peek))});
    scene_find(&scene);
    must_be(scene_holder(&scene, "inner in work() (app.py:9)"), VERDICT_DEAD, 8 * MIB + 100);
    must_be(scene_holder(&scene, "data in f() (app.py:3)"), VERDICT_UNKNOWN, 0);
    scene_close(&scene);
}

/* A function of a module's variables that mentions one name; what it refers to comes after it. */
static uint32_t add_function(const char *name, const char *file, const char *mentions,
                             uint64_t references, bool bound) {
    uint32_t first = scene_text(&scene, mentions, 1);
    uint32_t names = scene_object(&scene, scene.tuple, 1, EDGES(ITEM(first)));
    uint32_t own = scene_text(&scene, name, 2), path = scene_text(&scene, file, 1);
    uint32_t code = scene_object(
        &scene, scene.code, 1,
        EDGES(FIELD("co_names", names), FIELD("co_name", own), FIELD("co_filename", path)));
    uint32_t function = code + 1, variables = code + 2;
    scene_object_of(&scene, scene.function, references, 64, GRAPH_OBJECT_TRACKED, name,
                    EDGES(FIELD("__code__", code), FIELD("__globals__", variables)));
    scene_object(&scene, scene.dict, 1, bound ? EDGES(KEY(own, function)) : NULL);
    return function;
}

struct readers_case {
    const char *file;
    uint64_t references; /* of the function that f mentions */
    bool bound, dead;
};

/* `f` has a local named as the function `show`, which calls `peek`. */
static void test_readers_of_readers(void **state) {
    (void)state;
    static const struct readers_case cases[] = {
        {"/src/app.py", 1, true, false},
        {"/x/site-packages/shows/all.py", 1, true, false},
        {"/x/site-packages/pandas/all.py", 1, true, true}, /* of which all is known */
        {"/usr/lib/python3.11/traceback.py", 1, true, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        scene_open(&scene);
        uint32_t data = scene_big(&scene, scene.array, 1, 8 * MIB);
        add_function("peek", cases[i].file, "f_locals", 1, true);
        add_function("show", cases[i].file, "peek", 1, true);
        scene_frame(&scene,
                    &(struct scene_frame){"f", 0, 3, LOCALS(DEAD("data", data), LIVE("show", 0))});
        scene_find(&scene);
        must_be(scene_holder(&scene, "data in f()"), cases[i].dead ? VERDICT_DEAD : VERDICT_UNKNOWN,
                cases[i].dead ? 8 * MIB + 100 : 0);
        scene_close(&scene);
    }
}

/* `f` mentions nothing. */
static void test_readers_that_anyone_may_call(void **state) {
    (void)state;
    static const struct readers_case cases[] = {
        {"/src/app.py", 1, true, true},
        {"/src/app.py", 2, true, false},  /* native code knows it */
        {"/src/app.py", 1, false, false}, /* so does something that is no module */
        {"/x/site-packages/shows/all.py", 2, true, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        scene_open(&scene);
        uint32_t data = scene_big(&scene, scene.array, 1, 8 * MIB);
        add_function("peek", cases[i].file, "f_locals", 1, true);
        add_function("show", cases[i].file, "peek", cases[i].references, cases[i].bound);
        scene_frame(&scene, &(struct scene_frame){"f", 0, 3, LOCALS(DEAD("data", data))});
        scene_find(&scene);
        const struct holder *holder = scene_holder(&scene, "data in f()");
        must_be(holder, cases[i].dead ? VERDICT_DEAD : VERDICT_UNKNOWN,
                cases[i].dead ? 8 * MIB + 100 : 0);
        if (!cases[i].dead)
            assert_string_equal(holder->reason, "other functions may read the variables of this "
                                                "one");
        scene_close(&scene);
    }
}

/* What `outer` calls raises, and `outer` reads the locals of the traceback's frames. */
static void test_readers_of_tracebacks(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        scene_open(&scene);
        uint32_t data = scene_big(&scene, scene.array, 1, 8 * MIB);
        add_function("peek", "/src/app.py", "f_locals", 1, true);
        add_function("frame_of", "/src/app.py", i ? "tb_frame" : "f_code", 1, true);
        scene_frame(&scene, &(struct scene_frame){"f", 0, 3, LOCALS(DEAD("data", data))});
        scene_frame(&scene, &(struct scene_frame){"outer", 1, 9,
                                                  LOCALS(LIVE("peek", 0), LIVE("frame_of", 0))});
        scene_find(&scene);
        must_be(scene_holder(&scene, "data in f()"), i ? VERDICT_UNKNOWN : VERDICT_DEAD,
                i ? 0 : 8 * MIB + 100);
        scene_close(&scene);
    }
}

/* locals() itself, which a module or a list of the program may know by another name. */
static void test_locals_by_another_name(void **state) {
    (void)state;
    static const char *const names[] = {"locals", "mine"};
    for (int i = 0; i < 2; i++) {
        scene_open(&scene);
        uint32_t data = scene_big(&scene, scene.array, 1, 8 * MIB);
        uint32_t locals = scene_object_of(&scene, scene.method, 2, 64, 0, "locals", NULL);
        uint32_t name = scene_text(&scene, "locals", 2);
        uint32_t other = scene_text(&scene, names[i], 2);
        uint32_t builtins = scene_object(&scene, scene.dict, 1, EDGES(KEY(name, locals)));
        scene_object(&scene, scene.dict, 1, EDGES(KEY(other, locals)));
        graph_sample_root(&scene.graph, GRAPH_ROOT_BUILTINS, "builtins", builtins);
        scene_frame(&scene, &(struct scene_frame){"f", 0, 3, LOCALS(DEAD("data", data))});
        scene_find(&scene);
        must_be(scene_holder(&scene, "data in f()"), i ? VERDICT_UNKNOWN : VERDICT_DEAD,
                i ? 0 : 8 * MIB + 100);
        scene_close(&scene);
    }
}

static void test_frames_that_are_traced(void **state) {
    (void)state;
    static const char *const watchers[] = {"trace", "profile", "context"};
    for (int i = 0; i < 3; i++) {
        scene_open(&scene);
        uint32_t data = scene_big(&scene, scene.array, 1, 8 * MIB);
        uint32_t watcher = scene_object(&scene, scene.node, 1, NULL);
        scene.main_thread =
            graph_sample_thread(&scene.graph, "MainThread", EDGES(FIELD(watchers[i], watcher)), 1);
        scene_frame(&scene, &(struct scene_frame){"f", 0, 3, LOCALS(DEAD("data", data))});
        scene_find(&scene);
        must_be(scene_holder(&scene, "data in f()"), i == 2 ? VERDICT_DEAD : VERDICT_UNKNOWN,
                i == 2 ? 8 * MIB + 100 : 0);
        scene_close(&scene);
    }
}

/* A local is dead; a weak reference to its object is live, or dies with it. */
static void test_a_weak_reference_may_be_used(void **state) {
    (void)state;
    for (int live = 0; live < 2; live++) {
        scene_open(&scene);
        uint32_t data = scene_big(&scene, scene.bytes, 1, 8 * MIB);
        uint32_t node = scene_object(&scene, scene.node, 1, EDGES(ATTRIBUTE("x", data)));
        uint32_t type = graph_sample_type(&scene.graph, "weakref", GRAPH_WEAKREF, 0, 0);
        uint32_t weak = scene_object(&scene, type, 1, EDGES({EDGE_WEAK, NULL, node}));
        scene_frame(&scene,
                    &(struct scene_frame){"f", 0, 3,
                                          LOCALS(DEAD("node", node), {"weak", weak, live, false})});
        scene_find(&scene);
        must_be(scene_holder(&scene, "node.x in f()"), live ? VERDICT_UNKNOWN : VERDICT_DEAD,
                live ? 0 : 8 * MIB + 100);
        scene_close(&scene);
    }
}

static void test_what_acts_when_it_is_destroyed(void **state) {
    (void)state;
    static const char *const names[] = {"app.Guard", "_io.BytesIO", "app.Struct"};
    for (int i = 0; i < 3; i++) {
        scene_open(&scene);
        uint32_t structure = scene_object_of(&scene, scene.class, 0, 64, GRAPH_OBJECT_TRACKED,
                                             "_ctypes.Structure", NULL);
        uint32_t class = scene_object(&scene, scene.class, 0, EDGES(FIELD("__base__", structure)));
        uint32_t type = graph_sample_type(&scene.graph, names[i], GRAPH_OTHER,
                                          i < 2 ? GRAPH_TYPE_FINALIZER : 0, i < 2 ? 0 : class);
        uint32_t data = scene_big(&scene, scene.bytes, 1, 8 * MIB);
        uint32_t node = scene_object(&scene, type, 1, EDGES(FIELD("x", data)));
        scene_frame(&scene, &(struct scene_frame){"f", 0, 3, LOCALS(DEAD("node", node))});
        scene_find(&scene);
        must_be(scene_holder(&scene, "node"), i == 1 ? VERDICT_DEAD : VERDICT_UNKNOWN,
                i == 1 ? 8 * MIB + 100 : 0);
        scene_close(&scene);
    }
}

static void test_two_dead_holders_save_once(void **state) {
    (void)state;
    scene_open(&scene);
    uint32_t data = scene_big(&scene, scene.array, 2, 8 * MIB);
    scene_frame(&scene, &(struct scene_frame){"g", 0, 9, LOCALS(DEAD("rows", data))});
    scene_frame(&scene, &(struct scene_frame){"f", 1, 3, LOCALS(DEAD("data", data))});
    scene_find(&scene);
    const struct holder *holder = scene_holder(&scene, "rows in g() (app.py:9)");
    must_be(holder, VERDICT_DEAD, 8 * MIB + 100);
    assert_string_equal(holder->others, "data in f() (app.py:3), never read again");
    assert_int_equal(scene.findings->count, 1);
    assert_int_equal(scene.findings->dead_bytes, 8 * MIB + 100);
    assert_int_equal(holder->reference_total, 2);
    assert_string_equal(holder->references[0].function, "f");
    assert_string_equal(holder->references[1].function, "g");
    assert_int_equal(holder->references[1].line, 9);
    assert_int_equal(holder->advice_count, 3);
    assert_string_equal(holder->advice[0],
                        "let go of both, one alone frees nothing: data in f() and rows in g()");
    assert_string_equal(holder->advice[1], "in f(), del data before the call in line 3");
    assert_string_equal(holder->advice[2], "in g(), del rows before the call in line 9");
    scene_close(&scene);
}

/* One of them only by way of a list that goes with it, another in a generator that does. */
static void test_dead_holders_at_the_ends_of_paths(void **state) {
    (void)state;
    scene_open(&scene);
    uint32_t data = scene_big(&scene, scene.array, 7, 8 * MIB);
    uint32_t list = scene_object(&scene, scene.list, 1, EDGES(ITEM(data), ITEM(data)));
    scene_frame(&scene, &(struct scene_frame){"g", 0, 9, LOCALS(DEAD("rows", data))});
    scene_frame(&scene, &(struct scene_frame){"h", 1, 3,
                                              LOCALS(DEAD("a", data), DEAD("b", data),
                                                     DEAD("c", data), DEAD("d", data))});
    scene_frame(&scene, &(struct scene_frame){"f", 2, 4, LOCALS(DEAD("all", list))});
    scene_find(&scene);
    const struct holder *holder = scene_holder(&scene, "rows in g() (app.py:9)");
    must_be(holder, VERDICT_DEAD, 8 * MIB + 100);
    assert_int_equal(holder->reference_total, 6);
    assert_int_equal(holder->reference_count, 4);
    assert_string_equal(holder->advice[0],
                        "let go of all of these, one alone frees nothing: all in f(), a in h(), b "
                        "in h(), c in h() and 2 more");
    scene_close(&scene);
}

/* A dead local of a container that something else looks into. */
static void test_a_part_is_held_elsewhere(void **state) {
    (void)state;
    scene_open(&scene);
    uint32_t first = scene_big(&scene, scene.bytes, 1, 8 * MIB);
    uint32_t second = scene_big(&scene, scene.bytes, 2, 8 * MIB);
    uint32_t list = scene_object(&scene, scene.list, 1, EDGES(ITEM(first), ITEM(second)));
    scene_frame(&scene, &(struct scene_frame){"f", 0, 3,
                                              LOCALS(DEAD("parts", list), LIVE("last", second))});
    scene_find(&scene);
    must_be(scene_holder(&scene, "parts[0] in f()"), VERDICT_DEAD, 8 * MIB + 100);
    must_be(scene_holder(&scene, "last in f()"), VERDICT_IN_USE, 0);
    scene_close(&scene);
}

static void test_cells_are_never_dead(void **state) {
    (void)state;
    static const char *const kinds[] = {"*data", "&data"};
    for (int i = 0; i < 2; i++) {
        scene_open(&scene);
        uint32_t data = scene_big(&scene, scene.array, 1, 8 * MIB);
        uint32_t cell = scene_object(&scene, scene.cell, 1, EDGES(FIELD("cell_contents", data)));
        scene_frame(&scene, &(struct scene_frame){"f", 0, 3, LOCALS(DEAD(kinds[i], cell))});
        scene_find(&scene);
        const struct holder *holder = scene_holder(&scene, "data in f()");
        assert_int_equal(holder->root, HOLDER_CLOSURE);
        assert_true(holder->verdict != VERDICT_DEAD);
        assert_int_equal(holder->saves, 0);
        scene_close(&scene);
    }
}

static void test_unknown_liveness(void **state) {
    (void)state;
    scene_open(&scene);
    uint32_t data = scene_big(&scene, scene.array, 1, 8 * MIB);
    scene_frame(&scene, &(struct scene_frame){.function = "f",
                                              .line = 3,
                                              .locals = LOCALS(DEAD("data", data)),
                                              .unknown = true});
    scene_find(&scene);
    must_be(scene_holder(&scene, "data in f()"), VERDICT_UNKNOWN, 0);
    scene_close(&scene);
}

static void test_a_suspended_generator_may_go_on(void **state) {
    (void)state;
    scene_open(&scene);
    uint32_t data = scene_big(&scene, scene.array, 1, 8 * MIB);
    uint32_t generator =
        scene_object_of(&scene, scene.generator, 1, 0, GRAPH_OBJECT_TRACKED, "produce", NULL);
    scene_frame(&scene, &(struct scene_frame){.function = "produce",
                                              .line = 20,
                                              .locals = LOCALS(DEAD("data", data)),
                                              .owner = generator,
                                              .suspended = true});
    scene_frame(&scene, &(struct scene_frame){"f", 0, 3, LOCALS(LIVE("items", generator))});
    scene_find(&scene);
    const struct holder *holder =
        scene_holder(&scene, "items in f() (app.py:3) -> frame produce() -> data");
    must_be(holder, VERDICT_UNKNOWN, 0);
    assert_int_equal(holder->root, HOLDER_GENERATOR);
    assert_string_equal(holder->name, "data");
    assert_string_equal(holder->function, "produce");
    assert_int_equal(holder->line, 20);
    scene_close(&scene);
}

/* ... but when the generator itself is let go, so is what it holds. */
static void test_a_dead_generator(void **state) {
    (void)state;
    scene_open(&scene);
    uint32_t data = scene_big(&scene, scene.array, 1, 8 * MIB);
    uint32_t generator = scene_object(&scene, scene.generator, 1, NULL);
    scene_frame(&scene, &(struct scene_frame){.function = "produce",
                                              .locals = LOCALS(LIVE("data", data)),
                                              .owner = generator,
                                              .suspended = true});
    scene_frame(&scene, &(struct scene_frame){"f", 0, 3, LOCALS(DEAD("items", generator))});
    scene_find(&scene);
    const struct holder *holder =
        scene_holder(&scene, "items in f() (app.py:3) -> frame produce()");
    must_be(holder, VERDICT_DEAD, 8 * MIB + 100);
    assert_int_equal(holder->root, HOLDER_LOCAL);
    assert_string_equal(holder->name, "items");
    assert_string_equal(holder->function, "f");
    assert_string_equal(holder->reason, "never read again after line 3");
    scene_close(&scene);
}

static void test_a_running_generator_is_not_dead(void **state) {
    (void)state;
    scene_open(&scene);
    uint32_t data = scene_big(&scene, scene.array, 1, 8 * MIB);
    uint32_t generator = scene_object(&scene, scene.generator, 1, NULL);
    scene_frame(&scene, &(struct scene_frame){.function = "produce",
                                              .locals = LOCALS(DEAD("data", data)),
                                              .owner = generator});
    scene_frame(&scene, &(struct scene_frame){"f", 1, 3, LOCALS(LIVE("items", generator))});
    scene_find(&scene);
    must_be(&scene.findings->holders[0], VERDICT_UNKNOWN, 0);
    scene_close(&scene);
}

/* A frame object that only its frame has, as up to 3.10 every one does; or that a traceback has
 * too. */
static void frame_object(bool traceback, enum verdict verdict) {
    memset(&scene, 0, sizeof scene);
    scene_open(&scene);
    uint32_t data = scene_big(&scene, scene.array, 1, 8 * MIB);
    uint32_t frame = scene_object(&scene, scene.frame_object, traceback ? 3 : 2, NULL);
    uint32_t inner = scene_object(&scene, scene.frame_object, 1, EDGES(FIELD("f_back", frame)));
    const struct sample_edge fields[] = {{EDGE_FIELD, "frame", inner},
                                         {EDGE_FIELD, "frame", frame}};
    scene.main_thread = graph_sample_thread(&scene.graph, "MainThread", fields, 2);
    if (traceback) {
        uint32_t held = scene_object(&scene, scene.traceback, 1, EDGES(FIELD("tb_frame", frame)));
        scene_frame(&scene, &(struct scene_frame){.function = "g",
                                                  .locals = LOCALS(LIVE("error", held)),
                                                  .owner = inner});
    } else {
        scene_frame(&scene, &(struct scene_frame){.function = "g", .owner = inner});
    }
    scene_frame(&scene, &(struct scene_frame){.function = "f",
                                              .depth = 1,
                                              .locals = LOCALS(DEAD("data", data)),
                                              .owner = frame});
    scene_find(&scene);
    assert_int_equal(scene_holder(&scene, "data in f()")->verdict, verdict);
    scene_close(&scene);
}

static void test_frame_objects(void **state) {
    (void)state;
    frame_object(false, VERDICT_DEAD);
    frame_object(true, VERDICT_UNKNOWN);
}

/* In an except block: the traceback of what is being handled has the frame; unless somebody else
 * has the exception too, nobody reads the frame's locals by it. */
static void test_an_exception_that_is_being_handled(void **state) {
    (void)state;
    for (uint32_t kept = 0; kept < 2; kept++) {
        scene_open(&scene);
        uint32_t data = scene_big(&scene, scene.array, 1, 8 * MIB);
        uint32_t frame = scene_object(&scene, scene.frame_object, 2, NULL);
        uint32_t traceback =
            scene_object(&scene, scene.traceback, 1, EDGES(FIELD("tb_frame", frame)));
        uint32_t exception = scene_object(&scene, scene.exception, 2 + kept,
                                          EDGES(FIELD("__traceback__", traceback)));
        const struct sample_edge fields[] = {{EDGE_FIELD, "frame", frame},
                                             {EDGE_FIELD, "exc_info", exception}};
        scene.main_thread = graph_sample_thread(&scene.graph, "MainThread", fields, 2);
        const uint32_t stack[] = {exception << 1, 0};
        scene_frame(&scene, &(struct scene_frame){"work", 0, 9,
                                                  LOCALS(LIVE("error", kept ? exception : 0))});
        scene_frame(&scene, &(struct scene_frame){.function = "f",
                                                  .depth = 1,
                                                  .locals = LOCALS(DEAD("data", data)),
                                                  .stack = stack,
                                                  .owner = frame});
        scene_find(&scene);
        assert_int_equal(scene_holder(&scene, "data in f()")->verdict,
                         kept ? VERDICT_UNKNOWN : VERDICT_DEAD);
        scene_close(&scene);
    }
}

static void test_operands_are_in_use(void **state) {
    (void)state;
    for (uint32_t borrowed = 0; borrowed < 2; borrowed++) {
        scene_open(&scene);
        uint32_t data = scene_big(&scene, scene.array, 2 - borrowed, 8 * MIB);
        const uint32_t stack[] = {data << 1 | borrowed, 0};
        scene_frame(&scene, &(struct scene_frame){.function = "f",
                                                  .line = 3,
                                                  .locals = LOCALS(DEAD("data", data)),
                                                  .stack = stack});
        scene_find(&scene);
        const struct holder *holder = scene_holder(&scene, "data in f() (app.py:3)");
        must_be(holder, VERDICT_IN_USE, 0);
        assert_string_equal(holder->others, "argument of the pending call in f() (app.py:3)");
        scene_close(&scene);
    }
    scene_open(&scene);
    uint32_t data = scene_big(&scene, scene.array, 2, 8 * MIB);
    const uint32_t stack[] = {data << 1, 0};
    scene_frame(&scene, &(struct scene_frame){.function = "g", .line = 9, .stack = stack});
    scene_frame(&scene, &(struct scene_frame){"f", 1, 3, LOCALS(DEAD("data", data))});
    scene_find(&scene);
    const struct holder *holder =
        scene_holder(&scene, "argument of the pending call in g() (app.py:9)");
    must_be(holder, VERDICT_IN_USE, 0);
    assert_int_equal(holder->root, HOLDER_ARGUMENT);
    assert_string_equal(holder->others, "data in f() (app.py:3), never read again");
    scene_close(&scene);
}

static void test_arguments_of_a_caller_are_held(void **state) {
    (void)state;
    scene_open(&scene);
    uint32_t data = scene_big(&scene, scene.array, 2, 8 * MIB);
    const uint32_t stack[] = {data << 1, 0};
    scene_frame(&scene, &(struct scene_frame){"g", 0, 9, NULL});
    scene_frame(&scene, &(struct scene_frame){.function = "f",
                                              .depth = 1,
                                              .locals = LOCALS(DEAD("data", data)),
                                              .stack = stack});
    scene_find(&scene);
    must_be(&scene.findings->holders[0], VERDICT_UNKNOWN, 0);
    scene_close(&scene);
}

/* Where the stack ends is not known: a place may mean nothing, and is not counted either. */
static void test_places_that_may_mean_nothing(void **state) {
    (void)state;
    for (uint64_t references = 1; references <= 2; references++) {
        scene_open(&scene);
        uint32_t data = scene_big(&scene, scene.array, references, 8 * MIB);
        const uint32_t stack[] = {data << 1, 0};
        scene_frame(&scene, &(struct scene_frame){.function = "f",
                                                  .locals = LOCALS(DEAD("data", data)),
                                                  .stack = stack,
                                                  .unknown_depth = true});
        scene_find(&scene);
        must_be(&scene.findings->holders[0], VERDICT_UNKNOWN, 0);
        scene_close(&scene);
    }
}

/* A place beyond the depth holds nothing, and an object found only there is none. */
static void test_places_beyond_the_depth(void **state) {
    (void)state;
    scene_open(&scene);
    uint32_t data = scene_big(&scene, scene.array, 1, 8 * MIB);
    uint32_t stale = scene_view(&scene, scene.bytes, 1, scene_block(&scene, 8 * MIB),
                                GRAPH_OBJECT_OWNS | GRAPH_OBJECT_UNSURE, NULL);
    const uint32_t stack[] = {data << 1, stale << 1, 0};
    scene_frame(&scene, &(struct scene_frame){"g", 0, 9, NULL});
    scene_frame(&scene, &(struct scene_frame){.function = "f",
                                              .depth = 1,
                                              .line = 3,
                                              .locals = LOCALS(DEAD("data", data)),
                                              .stack = stack,
                                              .saved_depth_plus_one = 1});
    scene_find(&scene);
    must_be(scene_holder(&scene, "data in f()"), VERDICT_DEAD, 8 * MIB + 100);
    assert_int_equal(scene.findings->count, 2);
    assert_int_equal(scene.findings->holders[1].root, HOLDER_NONE);
    scene_close(&scene);
}

/* From 3.14 a parameter can be borrowed from the caller's local. */
static void test_borrowed_parameters(void **state) {
    (void)state;
    for (int live = 0; live < 2; live++) {
        scene_open(&scene);
        uint32_t data = scene_big(&scene, scene.array, 1, 8 * MIB);
        scene_frame(&scene, &(struct scene_frame){.function = "g",
                                                  .locals = LOCALS({"rows", data, live, true})});
        scene_frame(&scene, &(struct scene_frame){"f", 1, 3, LOCALS(DEAD("data", data))});
        scene_find(&scene);
        assert_int_equal(scene.findings->holders[0].verdict, live ? VERDICT_IN_USE : VERDICT_DEAD);
        scene_close(&scene);
    }
}

/* -- Garbage -- */

/* memo: function -> closure -> cell -> function, and another cell with a dict. */
static uint32_t add_memo(uint64_t size, uint32_t flags) {
    uint32_t memo = size >= MIB ? scene_big(&scene, scene.dict, 1, size)
                                : scene_object_of(&scene, scene.dict, 1, size, flags, NULL, NULL);
    uint32_t at = scene.graph.object_count;
    scene_object_of(&scene, scene.cell, 1, 0, flags, NULL, EDGES(FIELD("cell_contents", memo)));
    scene_object_of(&scene, scene.cell, 1, 0, flags, NULL, EDGES(FIELD("cell_contents", at + 4)));
    scene_object_of(&scene, scene.tuple, 1, 0, flags, NULL, EDGES(ITEM(at + 1), ITEM(at + 2)));
    return scene_object_of(&scene, scene.function, 1, 0, flags, "solve.<locals>.fill",
                           EDGES(FIELD("__closure__", at + 3)));
}

static void test_garbage_is_named(void **state) {
    (void)state;
    scene_open(&scene);
    add_memo(8 * MIB, GRAPH_OBJECT_TRACKED | GRAPH_OBJECT_OLD);
    scene_find(&scene);
    assert_int_equal(scene.findings->count, 1);
    const struct holder *holder = &scene.findings->holders[0];
    must_be(holder, VERDICT_GARBAGE, 8 * MIB + 100 + 4 * 64);
    assert_int_equal(holder->root, HOLDER_GARBAGE);
    assert_string_equal(holder->type, "dict");
    assert_string_equal(holder->name, "fill");
    assert_string_equal(holder->reason, "function fill -> closure cell -> function fill; in an old "
                                        "generation, which is seldom collected");
    assert_int_equal(scene.findings->garbage_bytes, 8 * MIB + 100 + 4 * 64);
    assert_int_equal(scene.findings->dead_bytes, 0);
    scene_close(&scene);
}

static void test_a_finalizer_delays(void **state) {
    (void)state;
    scene_open(&scene);
    uint32_t data = scene_big(&scene, scene.bytes, 1, 8 * MIB);
    scene_object(&scene, scene.finalized, 1, EDGES(ATTRIBUTE("other", 3), ATTRIBUTE("x", data)));
    scene_object(&scene, scene.finalized, 1, EDGES(ATTRIBUTE("other", 2)));
    scene_find(&scene);
    assert_string_equal(scene.findings->holders[0].reason,
                        "app.Closing -> app.Closing -> app.Closing; a finalizer (__del__) has to "
                        "run first");
    scene_close(&scene);
}

static void test_cycles_that_are_no_garbage(void **state) {
    (void)state;
    /* One more reference somewhere. */
    scene_open(&scene);
    uint32_t data = scene_big(&scene, scene.bytes, 1, 8 * MIB);
    scene_object(&scene, scene.node, 2, EDGES(ATTRIBUTE("other", 3), ATTRIBUTE("x", data)));
    scene_object(&scene, scene.node, 1, EDGES(ATTRIBUTE("other", 2)));
    scene_find(&scene);
    must_be(&scene.findings->holders[0], VERDICT_UNKNOWN, 0);
    assert_int_equal(scene.findings->holders[0].root, HOLDER_NATIVE);
    assert_int_equal(scene.findings->garbage_bytes, 0);
    scene_close(&scene);
    /* The collector does not know one of them. */
    scene_open(&scene);
    data = scene_big(&scene, scene.bytes, 1, 8 * MIB);
    scene_object(&scene, scene.node, 1, EDGES(ATTRIBUTE("other", 3), ATTRIBUTE("x", data)));
    scene_object_of(&scene, scene.node, 1, 0, 0, NULL, EDGES(ATTRIBUTE("other", 2)));
    scene_find(&scene);
    must_be(&scene.findings->holders[0], VERDICT_UNKNOWN, 0);
    assert_int_equal(scene.findings->garbage_bytes, 0);
    scene_close(&scene);
    /* A local leads there. */
    scene_open(&scene);
    data = scene_big(&scene, scene.bytes, 1, 8 * MIB);
    scene_object(&scene, scene.node, 2, EDGES(ATTRIBUTE("other", 3), ATTRIBUTE("x", data)));
    scene_object(&scene, scene.node, 1, EDGES(ATTRIBUTE("other", 2)));
    scene_frame(&scene, &(struct scene_frame){"f", 0, 3, LOCALS(DEAD("pair", 2))});
    scene_find(&scene);
    must_be(scene_holder(&scene, "pair.x in f()"), VERDICT_DEAD, 8 * MIB + 100);
    scene_close(&scene);
}

static void test_many_memos_are_one_line(void **state) {
    (void)state;
    scene_open(&scene);
    for (int i = 0; i < 200; i++)
        add_memo(60000, GRAPH_OBJECT_TRACKED);
    scene.snapshot.bytes = 200 * 60000;
    scene_find(&scene);
    assert_int_equal(scene.findings->count, 1);
    const struct holder *holder = &scene.findings->holders[0];
    assert_int_equal(holder->count, 200);
    assert_string_equal(holder->type, "dict");
    assert_int_equal(holder->verdict, VERDICT_GARBAGE);
    assert_string_equal(holder->reason, "function fill -> closure cell -> function fill");
    assert_int_equal(holder->bytes, 200 * (60000 + 4 * 64));
    scene_close(&scene);
}

/* -- Whose memory it is -- */

static void test_a_view_holds_its_base(void **state) {
    (void)state;
    scene_open(&scene);
    uint64_t address = scene_block(&scene, 8 * MIB);
    uint32_t base = scene_view(&scene, scene.array, 2, address, GRAPH_OBJECT_OWNS, NULL);
    uint32_t view =
        scene_view(&scene, scene.array, 1, address + 4096, 0, EDGES(FIELD("base", base)));
    scene_frame(&scene, &(struct scene_frame){"f", 0, 3,
                                              LOCALS(DEAD("whole", base), LIVE("corner", view))});
    scene_find(&scene);
    assert_int_equal(scene.findings->count, 1);
    const struct holder *holder = scene_holder(&scene, "corner.base in f()");
    must_be(holder, VERDICT_IN_USE, 0);
    assert_int_equal(holder->bytes, 8 * MIB + 100);
    assert_string_equal(holder->others, "whole in f() (app.py:3), never read again");
    scene_close(&scene);
}

/* Nobody is known to own the block: it may outlive those who point there. */
static void test_shared_memory_is_never_dead(void **state) {
    (void)state;
    scene_open(&scene);
    uint64_t address = scene_block(&scene, 8 * MIB);
    uint32_t one = scene_view(&scene, scene.other, 1, address, 0, NULL);
    uint32_t two = scene_view(&scene, scene.other, 1, address + 64, 0, NULL);
    scene_frame(&scene,
                &(struct scene_frame){"f", 0, 3, LOCALS(DEAD("one", one), DEAD("two", two))});
    scene_find(&scene);
    assert_int_equal(scene.findings->count, 1);
    const struct holder *holder = scene_holder(&scene, "one in f()");
    assert_int_equal(holder->verdict, VERDICT_UNKNOWN);
    assert_int_equal(holder->bytes, 8 * MIB);
    assert_true(holder->saves < 1000);
    assert_int_equal(scene.findings->dead_bytes, 200);
    scene_close(&scene);
}

/* Two that both claim to own it, and one that points far into it. */
static void test_doubtful_owners(void **state) {
    (void)state;
    scene_open(&scene);
    uint64_t address = scene_block(&scene, 8 * MIB), other = scene_block(&scene, 8 * MIB);
    uint32_t one = scene_view(&scene, scene.array, 1, address, GRAPH_OBJECT_OWNS, NULL);
    uint32_t two = scene_view(&scene, scene.array, 1, address, GRAPH_OBJECT_OWNS, NULL);
    uint32_t far = scene_view(&scene, scene.array, 1, other + 65536, GRAPH_OBJECT_OWNS, NULL);
    scene_frame(&scene,
                &(struct scene_frame){
                    "f", 0, 3, LOCALS(DEAD("one", one), DEAD("two", two), DEAD("far", far))});
    scene_find(&scene);
    assert_int_equal(scene.findings->count, 2);
    assert_int_equal(scene.findings->holders[0].verdict, VERDICT_UNKNOWN);
    assert_int_equal(scene.findings->holders[1].verdict, VERDICT_UNKNOWN);
    assert_int_equal(scene.findings->dead_bytes, 300);
    scene_close(&scene);
}

/* A word that happens to look like an address in the block does not make an owner. */
static void test_guesses_give_way(void **state) {
    (void)state;
    scene_open(&scene);
    uint64_t address = scene_block(&scene, 8 * MIB);
    uint32_t buffer = scene_view(&scene, scene.other, 1, address, 0, NULL);
    uint32_t guess = scene_view(&scene, scene.node, 1, address + 123456, 0, NULL);
    scene_frame(&scene, &(struct scene_frame){
                            "f", 0, 3, LOCALS(LIVE("guess", guess), LIVE("buffer", buffer))});
    scene_find(&scene);
    assert_int_equal(scene.findings->count, 1);
    must_be(scene_holder(&scene, "buffer in f()"), VERDICT_IN_USE, 0);
    scene_close(&scene);
}

static void test_memory_without_an_owner(void **state) {
    (void)state;
    scene_open(&scene);
    scene_block(&scene, 8 * MIB);
    scene_find(&scene);
    const struct holder *holder = &scene.findings->holders[0];
    assert_int_equal(holder->root, HOLDER_NONE);
    assert_string_equal(holder->type, "");
    assert_int_equal(holder->bytes, 8 * MIB);
    assert_int_equal(holder->node, 1);
    assert_int_equal(scene.findings->garbage_bytes, 0);
    scene_close(&scene);
}

/* -- Graphs that say less -- */

static void test_a_shallow_graph(void **state) {
    (void)state;
    scene_open_as(&scene, GRAPH_SHALLOW);
    uint32_t data = scene_big(&scene, scene.array, 1, 8 * MIB);
    uint32_t shared = scene_big(&scene, scene.array, 2, 8 * MIB);
    scene_frame(&scene, &(struct scene_frame){"f", 0, 3,
                                              LOCALS(DEAD("data", data), DEAD("shared", shared))});
    scene_frame(&scene, &(struct scene_frame){"<module>", 1, 9, LOCALS({NULL})});
    scene_find(&scene);
    must_be(scene_holder(&scene, "data in f()"), VERDICT_DEAD, 8 * MIB + 100);
    must_be(scene_holder(&scene, "shared in f()"), VERDICT_UNKNOWN, 0);
    scene_close(&scene);
}

/* What is in a list of it may have a finalizer. */
static void test_what_a_shallow_walk_did_not_read(void **state) {
    (void)state;
    for (int i = 0; i < 4; i++) {
        static const char *const details[] = {NULL, "(9,) uint8", "(9,) object", NULL};
        scene_open_as(&scene, GRAPH_SHALLOW);
        const uint32_t types[] = {scene.bytes, scene.array, scene.array, scene.list};
        uint32_t data = scene_object_of(&scene, types[i], 1, 8 * MIB,
                                        GRAPH_OBJECT_UNREAD | GRAPH_OBJECT_OWNS, details[i], NULL);
        scene.snapshot.bytes = 8 * MIB;
        scene_frame(&scene, &(struct scene_frame){"f", 0, 3, LOCALS(DEAD("data", data))});
        scene_frame(&scene, &(struct scene_frame){"<module>", 1, 9, LOCALS({NULL})});
        scene_find(&scene);
        must_be(scene_holder(&scene, "data in f()"), i < 2 ? VERDICT_DEAD : VERDICT_UNKNOWN,
                i < 2 ? 8 * MIB : 0);
        scene_close(&scene);
    }
}

/* Functions are not told: what may read frames is known of the code of modules that run. */
static void test_a_shallow_graph_without_all_code(void **state) {
    (void)state;
    static const struct {
        const char *caller, *file, *mentions;
        bool dead;
    } cases[] = {
        {"<module>", "/src/app.py", "len", true},
        {"<module>", "/usr/lib/python3.13/inspect.py", "f_locals", true},
        {"<module>", "/src/app.py", "f_locals", false},
        {"<module>", "/src/app.py", "locals", false},
        {"<module>", "/src/other.py", "len", false},
        {"<module>", "/x/site-packages/shows.py", "len", false},
        {"main", "/src/app.py", "len", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        scene_open_as(&scene, GRAPH_SHALLOW);
        uint32_t data = scene_big(&scene, scene.array, 1, 8 * MIB);
        uint32_t word = scene_text(&scene, cases[i].mentions, 0);
        uint32_t names = scene_object(&scene, scene.tuple, 0, EDGES(ITEM(word)));
        uint32_t file = scene_text(&scene, cases[i].file, 0);
        scene_object(&scene, scene.code, 1,
                     EDGES(FIELD("co_names", names), FIELD("co_filename", file)));
        scene_frame(&scene, &(struct scene_frame){"f", 0, 3, LOCALS(DEAD("data", data))});
        scene_frame(&scene, &(struct scene_frame){cases[i].caller, 1, 9, LOCALS({NULL})});
        scene_find(&scene);
        must_be(scene_holder(&scene, "data in f()"), cases[i].dead ? VERDICT_DEAD : VERDICT_UNKNOWN,
                cases[i].dead ? 8 * MIB + 100 : 0);
        scene_close(&scene);
    }
}

static void test_a_free_threaded_graph(void **state) {
    (void)state;
    scene_open_as(&scene, GRAPH_SHALLOW | GRAPH_FREE_THREADED);
    uint32_t data = scene_big(&scene, scene.array, 1, 8 * MIB);
    scene_frame(&scene, &(struct scene_frame){"f", 0, 3, LOCALS(DEAD("data", data))});
    scene_find(&scene);
    must_be(scene_holder(&scene, "data in f()"), VERDICT_UNKNOWN, 0);
    scene_close(&scene);
}

/* What a graph that was cut short leaves out may hold anything. */
static void test_objects_without_records(void **state) {
    (void)state;
    scene_open(&scene);
    uint32_t data = scene_big(&scene, scene.array, 1, 8 * MIB);
    uint32_t list = scene_object(&scene, scene.list, 1, EDGES(ITEM(data), ITEM(77)));
    scene_frame(&scene, &(struct scene_frame){"f", 0, 3, LOCALS(DEAD("rows", list))});
    scene_find(&scene);
    must_be(scene_holder(&scene, "rows[0] in f()"), VERDICT_DEAD, 8 * MIB + 100);
    assert_int_equal(scene.findings->dead_bytes, 8 * MIB + 164);
    scene_close(&scene);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_clinging_local),
        cmocka_unit_test(test_native_code_holds_it_too),
        cmocka_unit_test(test_more_references_than_the_count),
        cmocka_unit_test(test_immortal_objects_stay),
        cmocka_unit_test(test_one_dead_and_one_live_holder),
        cmocka_unit_test(test_callers_of_what_reads_frames),
        cmocka_unit_test(test_callers_of_a_function_that_reads_frames),
        cmocka_unit_test(test_readers_of_readers),
        cmocka_unit_test(test_readers_that_anyone_may_call),
        cmocka_unit_test(test_readers_of_tracebacks),
        cmocka_unit_test(test_locals_by_another_name),
        cmocka_unit_test(test_frames_that_are_traced),
        cmocka_unit_test(test_a_weak_reference_may_be_used),
        cmocka_unit_test(test_what_acts_when_it_is_destroyed),
        cmocka_unit_test(test_two_dead_holders_save_once),
        cmocka_unit_test(test_dead_holders_at_the_ends_of_paths),
        cmocka_unit_test(test_a_part_is_held_elsewhere),
        cmocka_unit_test(test_cells_are_never_dead),
        cmocka_unit_test(test_unknown_liveness),
        cmocka_unit_test(test_a_suspended_generator_may_go_on),
        cmocka_unit_test(test_a_dead_generator),
        cmocka_unit_test(test_a_running_generator_is_not_dead),
        cmocka_unit_test(test_frame_objects),
        cmocka_unit_test(test_an_exception_that_is_being_handled),
        cmocka_unit_test(test_operands_are_in_use),
        cmocka_unit_test(test_arguments_of_a_caller_are_held),
        cmocka_unit_test(test_places_that_may_mean_nothing),
        cmocka_unit_test(test_places_beyond_the_depth),
        cmocka_unit_test(test_borrowed_parameters),
        cmocka_unit_test(test_garbage_is_named),
        cmocka_unit_test(test_a_finalizer_delays),
        cmocka_unit_test(test_cycles_that_are_no_garbage),
        cmocka_unit_test(test_many_memos_are_one_line),
        cmocka_unit_test(test_a_view_holds_its_base),
        cmocka_unit_test(test_shared_memory_is_never_dead),
        cmocka_unit_test(test_doubtful_owners),
        cmocka_unit_test(test_guesses_give_way),
        cmocka_unit_test(test_memory_without_an_owner),
        cmocka_unit_test(test_a_shallow_graph),
        cmocka_unit_test(test_a_shallow_graph_without_all_code),
        cmocka_unit_test(test_what_a_shallow_walk_did_not_read),
        cmocka_unit_test(test_a_free_threaded_graph),
        cmocka_unit_test(test_objects_without_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
