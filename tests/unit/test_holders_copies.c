/* Buffers with the same content: which of them are told, and what they would save. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "heap_scene.h"

static struct scene scene;

static void put_copy(uint32_t object, uint32_t of, uint64_t place, uint64_t bytes) {
    const uint64_t numbers[] = {object, of, place, bytes};
    for (int i = 0; i < 4; i++)
        graph_put(&scene.graph.writer, GRAPH_COPIES, numbers[i]);
}

/* Locals of main(), the first ones live. */
static void hold(const uint32_t *buffers, uint32_t live, uint32_t dead) {
    static const char *const names[] = {"a", "b", "c", "d", "e", "f"};
    struct scene_local locals[7] = {{0}};
    for (uint32_t i = 0; i < live + dead; i++)
        locals[i] = (struct scene_local){names[i], buffers[i], i < live, false};
    scene_frame(&scene,
                &(struct scene_frame){.function = "main", .depth = 0, .line = 8, .locals = locals});
}

static void begin(uint32_t *buffers, uint32_t count, uint64_t size) {
    scene_open(&scene);
    for (uint32_t i = 0; i < count; i++)
        buffers[i] = scene_big(&scene, scene.bytes, 1, size);
}

static void test_equal_ones(void **state) {
    (void)state;
    uint32_t buffers[3];
    begin(buffers, 3, 8 * MIB);
    hold(buffers, 3, 0);
    put_copy(buffers[1], buffers[0], 0, 8 * MIB - 33);
    put_copy(buffers[2], buffers[0], 0, 8 * MIB - 33);
    scene_find(&scene);
    assert_int_equal(scene.findings->copies_count, 1);
    const struct copies *copies = &scene.findings->copies[0];
    assert_int_equal(copies->count, 3);
    assert_int_equal(copies->listed, 3);
    assert_int_equal(copies->parts, 0);
    assert_int_equal(copies->saves, 2 * (8 * MIB - 33));
    assert_int_equal(copies->buffers[0].object, buffers[0]);
    assert_int_equal(copies->buffers[0].bytes, 8 * MIB - 33);
    assert_int_equal(copies->buffers[0].node, 1);
    assert_string_equal(copies->buffers[0].path, "a in main() (app.py:8)");
    assert_string_equal(copies->buffers[2].path, "c in main() (app.py:8)");
    assert_non_null(strstr(copies->advice, "bytes never change"));
    assert_false(scene.findings->copies_cut);
    scene_close(&scene);
}

/* Of what is dead there is a finding already: without it there is no copy. */
static void test_a_dead_one_is_no_copy(void **state) {
    (void)state;
    uint32_t buffers[2];
    begin(buffers, 2, 8 * MIB);
    hold(buffers, 1, 1);
    put_copy(buffers[1], buffers[0], 0, 8 * MIB);
    scene_find(&scene);
    assert_int_equal(scene.findings->dead_bytes > 8 * MIB, 1);
    assert_int_equal(scene.findings->copies_count, 0);
    scene_close(&scene);
}

/* Where the one that the others were compared with is dead, these are still copies of each other.
 */
static void test_two_beside_a_dead_one(void **state) {
    (void)state;
    uint32_t buffers[3];
    begin(buffers, 3, 8 * MIB);
    hold(buffers, 2, 1);
    put_copy(buffers[0], buffers[2], 0, 8 * MIB);
    put_copy(buffers[1], buffers[2], 0, 8 * MIB);
    scene_find(&scene);
    assert_int_equal(scene.findings->copies_count, 1);
    assert_int_equal(scene.findings->copies[0].count, 2);
    assert_int_equal(scene.findings->copies[0].saves, 8 * MIB);
    assert_int_equal(scene.findings->copies[0].buffers[0].object, buffers[0]);
    scene_close(&scene);
}

/* A part of what is dead is the only one that is left of it. */
static void test_parts(void **state) {
    (void)state;
    for (uint32_t dead = 0; dead < 2; dead++) {
        uint32_t buffers[2];
        begin(buffers, 2, 8 * MIB);
        hold(buffers, 2 - dead, dead);
        put_copy(buffers[0], buffers[1], 1 + 1000, 2 * MIB);
        scene_find(&scene);
        assert_int_equal(scene.findings->copies_count, !dead);
        if (!dead) {
            const struct copies *copies = &scene.findings->copies[0];
            assert_int_equal(copies->parts, 1);
            assert_int_equal(copies->saves, 2 * MIB);
            assert_int_equal(copies->buffers[0].bytes, 8 * MIB);
            assert_int_equal(copies->buffers[1].offset, 1000);
            assert_true(copies->buffers[1].part && !copies->buffers[0].part);
            assert_non_null(strstr(copies->advice, "memoryview(data)[begin:end]"));
        }
        scene_close(&scene);
    }
}

static void test_garbage_is_no_copy(void **state) {
    (void)state;
    uint32_t kept, lost, cycle;
    scene_open(&scene);
    kept = scene_big(&scene, scene.bytes, 1, 8 * MIB);
    lost = scene_big(&scene, scene.bytes, 1, 8 * MIB);
    cycle = lost + 1;
    scene_object(&scene, scene.list, 1, EDGES(ITEM(cycle), ITEM(lost)));
    hold(&kept, 1, 0);
    put_copy(lost, kept, 0, 8 * MIB);
    scene_find(&scene);
    assert_true(scene.findings->garbage_bytes > 8 * MIB);
    assert_int_equal(scene.findings->copies_count, 0);
    scene_close(&scene);
}

/* Objects that are not there, or a copy of itself; and that the search was ended is told. */
static void test_what_cannot_be(void **state) {
    (void)state;
    uint32_t buffers[1];
    begin(buffers, 1, 8 * MIB);
    hold(buffers, 1, 0);
    put_copy(buffers[0], buffers[0], 0, 8 * MIB);
    put_copy(4000, buffers[0], 0, 8 * MIB);
    put_copy(buffers[0], 4001, 0, 8 * MIB);
    put_copy(buffers[0], 0, 0, 8 * MIB);
    put_copy(0, 0, 0, 1000);
    scene_find(&scene);
    assert_int_equal(scene.findings->copies_count, 0);
    assert_true(scene.findings->copies_cut);
    scene_close(&scene);
}

/* More than its block has, more than there was, and what is a copy already. */
static void test_more_than_there_is(void **state) {
    (void)state;
    uint32_t buffers[4];
    begin(buffers, 4, 8 * MIB);
    hold(buffers, 4, 0);
    put_copy(buffers[1], buffers[0], 0, 8 * MIB - 33);
    put_copy(buffers[1], buffers[0], 0, 8 * MIB - 33);
    put_copy(buffers[1], buffers[2], 0, 8 * MIB - 33);
    put_copy(buffers[2], buffers[0], 0, 1ull << 62);
    put_copy(buffers[3], buffers[0], 0, 8 * MIB + 1000);
    scene_find(&scene);
    assert_int_equal(scene.findings->copies_count, 1);
    assert_int_equal(scene.findings->copies[0].count, 2);
    assert_int_equal(scene.findings->copies[0].saves, 8 * MIB - 33);
    scene_close(&scene);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_ones),
        cmocka_unit_test(test_a_dead_one_is_no_copy),
        cmocka_unit_test(test_two_beside_a_dead_one),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_garbage_is_no_copy),
        cmocka_unit_test(test_more_than_there_is),
        cmocka_unit_test(test_what_cannot_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
