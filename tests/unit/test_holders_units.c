/* What gets a line of the report, how many bytes it has, and what the peak would have been. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "heap_scene.h"

#include <string.h>

static struct scene scene;

/* Dicts with an int each, from number `first` on, each referred to `references` times. */
static uint32_t add_rows(uint32_t count, uint32_t references) {
    uint32_t first = scene.graph.object_count + 1;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t own = scene.graph.object_count + 1;
        scene_object_of(&scene, scene.dict, references, 232, GRAPH_OBJECT_TRACKED, NULL,
                        EDGES(OTHER(own + 1)));
        scene_object_of(&scene, scene.number, 1, 28, 0, NULL, NULL);
    }
    return first;
}

static uint32_t list_of(uint32_t first, uint32_t count, uint32_t step) {
    struct sample_edge *edges = test_calloc(count, sizeof *edges);
    for (uint32_t i = 0; i < count; i++)
        edges[i] = (struct sample_edge){EDGE_ITEM, NULL, first + i * step};
    uint64_t block = scene_block(&scene, count * 8);
    uint32_t list = graph_sample_object(
        &scene.graph, &(struct sample_object){.type = scene.list,
                                              .references = 1,
                                              .size = 56,
                                              .flags = GRAPH_OBJECT_TRACKED | GRAPH_OBJECT_OWNS,
                                              .edges = edges,
                                              .edge_count = count,
                                              .places = &block,
                                              .place_count = 1});
    test_free(edges);
    return list;
}

#define ROWS 30000u

static void test_many_small_ones_are_one_line(void **state) {
    (void)state;
    scene_open(&scene);
    uint32_t list = list_of(add_rows(ROWS, 1), ROWS, 2);
    scene_frame(&scene, &(struct scene_frame){"f", 0, 3, LOCALS(DEAD("rows", list))});
    scene.snapshot.bytes = ROWS * 300;
    scene_find(&scene);
    assert_int_equal(scene.findings->count, 1);
    const struct holder *holder = &scene.findings->holders[0];
    assert_int_equal(holder->count, ROWS);
    assert_string_equal(holder->type, "dict");
    assert_string_equal(holder->path, "rows in f() (app.py:3)");
    assert_int_equal(holder->bytes, ROWS * (232 + 28 + 8) + 56);
    assert_int_equal(holder->verdict, VERDICT_DEAD);
    assert_int_equal(holder->saves, holder->bytes);
    scene_close(&scene);
}

/* All that was live: the big ones by name, the small ones by type, what is too small as a number.
 */
static void test_holding(void **state) {
    (void)state;
    scene_open(&scene);
    uint32_t rows = list_of(add_rows(ROWS, 1), ROWS, 2);
    uint32_t big = scene_big(&scene, scene.bytes, 1, 8 * MIB);
    uint32_t small = scene_object(&scene, scene.node, 1, NULL);
    uint32_t key = scene_text(&scene, "rows", 1), other = scene_text(&scene, "big", 1);
    uint32_t cache =
        scene_object(&scene, scene.dict, 1, EDGES(KEY(key, rows), KEY(other, big), OTHER(small)));
    scene_frame(&scene, &(struct scene_frame){"f", 0, 3, LOCALS(LIVE("cache", cache))});
    scene.snapshot.bytes = 20 * MIB;
    scene_find(&scene);
    const struct holding *holding = scene.findings->holding;
    assert_int_equal(holding->item_count, 1);
    assert_string_equal(holding->items[0].holder.path, "cache in f() (app.py:3)");
    assert_int_equal(holding->items[0].holder.verdict, VERDICT_IN_USE);
    const char *expected[] = {"dict", "[\"rows\"]  list", "dict", "int", "[\"big\"]  bytes", ""};
    const uint32_t depths[] = {0, 1, 2, 3, 1, 1}, counts[] = {1, 1, ROWS, ROWS, 1, 3};
    assert_int_equal(holding->row_count, 6);
    for (uint32_t i = 0, k; i < 6; i++) {
        for (k = 0; strcmp(holding->rows[k].text, expected[i]) != 0 ||
                    holding->rows[k].depth != depths[i];)
            assert_true(++k < holding->row_count);
        assert_int_equal(holding->rows[k].count, counts[i]);
        assert_int_equal(holding->rows[k].rest, !*expected[i]);
        assert_int_equal(holding->rows[k].holder > 0, i == 1 || i == 4);
    }
    scene_close(&scene);
}

/* Two lists have the same dicts: neither keeps them alone. */
static void test_shared_small_ones(void **state) {
    (void)state;
    scene_open(&scene);
    uint32_t first = add_rows(ROWS, 2), list = list_of(first, ROWS, 2);
    uint32_t other = list_of(first, ROWS, 2);
    scene_frame(&scene,
                &(struct scene_frame){"f", 0, 3, LOCALS(LIVE("rows", list), DEAD("again", other))});
    scene.snapshot.bytes = ROWS * 300;
    scene_find(&scene);
    const struct holder *holder = &scene.findings->holders[0];
    assert_int_equal(holder->count, ROWS);
    assert_string_equal(holder->type, "dict");
    assert_string_equal(holder->path, "rows in f() (app.py:3)");
    assert_int_equal(holder->bytes, ROWS * (232 + 28));
    assert_int_equal(holder->verdict, VERDICT_IN_USE);
    assert_int_equal(holder->saves, 0);
    const struct holder *table = scene_holder(&scene, "again in f()");
    assert_int_equal(table->bytes, ROWS * 8 + 56);
    assert_int_equal(table->verdict, VERDICT_DEAD);
    assert_int_equal(scene.findings->dead_bytes, ROWS * 8 + 56);
    scene_close(&scene);
}

/* Each of them would have a line of its own; so has the one that is most of the list. */
static void test_many_big_ones_are_one_line(void **state) {
    (void)state;
    for (uint32_t count = 7; count <= 8; count++) {
        struct sample_edge edges[10] = {{0}};
        scene_open(&scene);
        for (uint32_t i = 0; i < count; i++)
            edges[i] = (struct sample_edge)ITEM(scene_big(&scene, scene.bytes, 1, MIB + i * 1000));
        edges[count] = (struct sample_edge)ITEM(scene_big(&scene, scene.bytes, 1, 4 * MIB));
        uint32_t list = scene_object(&scene, scene.list, 1, edges);
        scene_frame(&scene, &(struct scene_frame){"f", 0, 3, LOCALS(DEAD("parts", list))});
        scene_find(&scene);
        const struct holder *holder = &scene.findings->holders[0];
        if (count == 8) {
            assert_int_equal(scene.findings->count, 2);
            assert_string_equal(holder->path, "parts in f() (app.py:3)");
            assert_string_equal(holder->type, "bytes");
            assert_int_equal(holder->count, 8);
            assert_int_equal(holder->verdict, VERDICT_DEAD);
            assert_int_equal(holder->saves, holder->bytes);
            assert_true(holder->bytes > 8 * MIB && holder->bytes < 9 * MIB);
            assert_int_equal(holder->references[0].line, 3);
            holder = scene_holder(&scene, "parts[8] in f()");
        } else {
            assert_int_equal(scene.findings->count, 8);
        }
        assert_int_equal(holder->bytes, 4 * MIB + 100);
        scene_close(&scene);
    }
}

static void test_a_container_and_its_content_are_not_both_counted(void **state) {
    (void)state;
    scene_open(&scene);
    uint32_t one = scene_big(&scene, scene.bytes, 1, 8 * MIB);
    uint32_t two = scene_big(&scene, scene.bytes, 1, 4 * MIB);
    uint32_t list = scene_object(&scene, scene.list, 1, EDGES(ITEM(one), ITEM(two)));
    scene_frame(&scene, &(struct scene_frame){"f", 0, 3, LOCALS(LIVE("parts", list))});
    scene_find(&scene);
    assert_int_equal(scene.findings->count, 2);
    assert_int_equal(scene_holder(&scene, "parts[0] in f()")->bytes, 8 * MIB + 100);
    assert_int_equal(scene_holder(&scene, "parts[1] in f()")->bytes, 4 * MIB + 100);
    assert_int_equal(scene.findings->holders[0].bytes, 8 * MIB + 100);
    scene_close(&scene);
}

/* Objects that were there before anything was counted. */
static void test_no_more_bytes_than_there_were(void **state) {
    (void)state;
    scene_open(&scene);
    uint32_t data = scene_object_of(&scene, scene.bytes, 1, 64 * MIB, 0, NULL, NULL);
    scene_frame(&scene, &(struct scene_frame){"f", 0, 3, LOCALS(LIVE("data", data))});
    scene.snapshot.bytes = 8 * MIB;
    scene_find(&scene);
    assert_int_equal(scene.findings->count, 0);
    scene_close(&scene);
}

static void test_locals_of_a_recursion_are_one_line(void **state) {
    (void)state;
    scene_open(&scene);
    uint32_t blocks[40];
    for (uint32_t i = 0; i < 40; i++)
        blocks[i] = scene_object_of(&scene, scene.bytes, 1, 100000, 0, NULL, NULL);
    static const char *const names[] = {"block", NULL};
    const uint8_t facts[] = {1, 0};
    uint32_t code = graph_sample_code(&scene.graph, &(struct sample_code){.name = "descend",
                                                                          .file = "app.py",
                                                                          .locals = names,
                                                                          .instructions = facts,
                                                                          .instruction_bytes = 2});
    for (uint32_t i = 0; i < 40; i++) {
        const uint32_t slots[] = {blocks[i] << 1};
        graph_sample_frame(&scene.graph, &(struct sample_frame){.thread = scene.main_thread,
                                                                .depth = i,
                                                                .code = code,
                                                                .line = 7,
                                                                .saved_depth = -1,
                                                                .locals = slots,
                                                                .local_count = 1});
    }
    scene.snapshot.bytes = 40 * 100000;
    scene_find(&scene);
    assert_int_equal(scene.findings->count, 1);
    const struct holder *holder = scene_holder(&scene, "block in descend() (app.py:7)");
    assert_int_equal(holder->count, 40);
    assert_int_equal(holder->bytes, 40 * 100000);
    assert_int_equal(holder->verdict, VERDICT_DEAD);
    scene_close(&scene);
}

/* -- Scale: no recursion, no squares -- */

#define CHAIN 1000000u

static void test_a_chain_of_a_million(void **state) {
    (void)state;
    scene_open(&scene);
    for (uint32_t i = 1; i <= CHAIN; i++) {
        const struct sample_edge next = {EDGE_ATTRIBUTE, "next", i < CHAIN ? i + 1 : 0};
        graph_sample_object(&scene.graph, &(struct sample_object){.type = scene.node,
                                                                  .references = 1,
                                                                  .flags = GRAPH_OBJECT_TRACKED,
                                                                  .edges = &next,
                                                                  .edge_count = 1});
    }
    scene_frame(&scene, &(struct scene_frame){"f", 0, 3, LOCALS(DEAD("head", 1))});
    scene.snapshot.bytes = CHAIN * 64;
    scene_find(&scene);
    assert_int_equal(scene.findings->count, 1);
    const struct holder *holder = &scene.findings->holders[0];
    assert_string_equal(holder->path, "head in f() (app.py:3)");
    assert_string_equal(holder->type, "app.Node");
    assert_int_equal(holder->count, CHAIN);
    assert_int_equal(holder->bytes, CHAIN * 64);
    assert_int_equal(holder->verdict, VERDICT_DEAD);
    scene_close(&scene);
}

/* The same as a ring that nothing refers to. */
static void test_a_ring_of_a_million(void **state) {
    (void)state;
    scene_open(&scene);
    for (uint32_t i = 1; i <= CHAIN; i++) {
        const struct sample_edge next = {EDGE_ATTRIBUTE, "next", i < CHAIN ? i + 1 : 1};
        graph_sample_object(&scene.graph, &(struct sample_object){.type = scene.node,
                                                                  .references = 1,
                                                                  .flags = GRAPH_OBJECT_TRACKED,
                                                                  .edges = &next,
                                                                  .edge_count = 1});
    }
    scene.snapshot.bytes = CHAIN * 64;
    scene_find(&scene);
    assert_int_equal(scene.findings->count, 1);
    const struct holder *holder = &scene.findings->holders[0];
    assert_int_equal(holder->verdict, VERDICT_GARBAGE);
    assert_int_equal(holder->count, CHAIN);
    assert_int_equal(scene.findings->garbage_bytes, CHAIN * 64);
    scene_close(&scene);
}

/* -- The peak without -- */

static uint32_t depth_of_f;

/* Local `data` of 8 MiB is dead; it was born at `birth` and dies at `death`. */
static void dead_data(uint64_t birth, uint64_t death) {
    scene_open(&scene);
    uint32_t data = scene_big(&scene, scene.bytes, 1, 8 * MIB);
    scene.blocks[0].birth = birth;
    scene.blocks[0].death = death;
    scene_frame(&scene, &(struct scene_frame){"f", depth_of_f, 3, LOCALS(DEAD("data", data))});
    scene.snapshot.bytes = 20 * MIB - MIB / 2; /* scene_find adds that */
    scene.snapshot.pending_bytes = 4 * MIB;
}

static void must_promise(uint64_t least, uint64_t likely, uint64_t most) {
    scene_find(&scene);
    const struct peak_without *one = &scene.findings->holders[0].if_released;
    const struct peak_without *all = &scene.findings->if_released;
    assert_int_equal(one->least, least);
    assert_int_equal(all->least, least);
    assert_int_equal(one->likely, likely);
    assert_int_equal(all->likely, likely);
    assert_int_equal(one->most, most);
    assert_int_equal(all->most, most);
    assert_int_equal(scene.findings->holders[0].saves, 8 * MIB + 100);
    scene_close(&scene);
}

/* As the snapshot was taken it was there; the object itself has 100 bytes. */
static void test_the_peak_that_follows(void **state) {
    (void)state;
    dead_data(50, 0);
    scene_moment(&scene, 100, 20 * MIB);
    scene_moment(&scene, 101, 24 * MIB);
    must_promise(16 * MIB - 100, 20 * MIB, 20 * MIB);
    dead_data(50, 0);
    scene_moment(&scene, 100, 20 * MIB);
    scene_moment(&scene, 101, 30 * MIB);
    must_promise(22 * MIB - 100, 22 * MIB - 100, 22 * MIB);
}

/* It cannot become lower than another moment's total. */
static void test_another_moment_is_as_high(void **state) {
    (void)state;
    dead_data(50, 0);
    scene_moment(&scene, 20, 22 * MIB); /* before it was there */
    scene_moment(&scene, 100, 24 * MIB);
    must_promise(22 * MIB - 100, 22 * MIB, 22 * MIB);
    dead_data(50, 120);
    scene_moment(&scene, 100, 24 * MIB);
    scene_moment(&scene, 120, 23 * MIB); /* after it was gone */
    must_promise(23 * MIB - 100, 23 * MIB, 23 * MIB);
}

/* Allocated at f(), line 3, where f() still stands. */
static void dead_data_and_a_block(void) {
    dead_data(50, 0);
    scene.nodes[2] = (struct profile_node){.parent = 1, .function = 1, .line = 3};
    scene.profile.node_count = 3;
    scene.snapshot.pending_node = 2;
    scene_block(&scene, MIB);
    scene.blocks[1].birth = 60;
    scene.blocks[1].node = 2;
    scene_moment(&scene, 60, 23 * MIB);
    scene_moment(&scene, 100, 24 * MIB);
}

/* Nobody knows until when it was in use; unless a call in which it is dead has made a block. */
static void test_it_was_in_use_before(void **state) {
    (void)state;
    dead_data(50, 0);
    scene_moment(&scene, 60, 23 * MIB);
    scene_moment(&scene, 100, 24 * MIB);
    must_promise(16 * MIB - 100, 23 * MIB, 23 * MIB);
    dead_data_and_a_block();
    must_promise(16 * MIB - 100, 16 * MIB - 100, 23 * MIB);
}

/* Frames that stacks do not have, further out and further in: f() is found in its stack all the
 * same; not where there are others that the stack does not know of. */
static void test_frames_that_stacks_leave_out(void **state) {
    (void)state;
    for (depth_of_f = 0; depth_of_f < 3; depth_of_f++) {
        dead_data_and_a_block();
        for (uint32_t depth = 0; depth < 3; depth++)
            if (depth != depth_of_f)
                scene_frame(&scene, &(struct scene_frame){.depth = depth, .inserted = true});
        must_promise(16 * MIB - 100, 16 * MIB - 100, 23 * MIB);
    }
    depth_of_f = 0;
    dead_data_and_a_block();
    scene_frame(&scene, &(struct scene_frame){.function = "__init__", .depth = 1, .line = 1});
    must_promise(16 * MIB - 100, 23 * MIB, 23 * MIB);
}

/* All that was there when the call began, in which it is dead, was there at one time. */
static void test_the_call_made_small_objects(void **state) {
    (void)state;
    for (uint64_t before = 20; before >= 12; before -= 8) {
        struct profile_site site = {0, 2, PROFILE_HEAP, 5 * MIB, 1, 0, 0, 0, 0, 0, 0};
        dead_data(50, 0);
        scene.profile.sites = &site;
        scene.profile.site_count = 1;
        scene.nodes[2] = (struct profile_node){.parent = 1, .function = 1, .line = 3};
        scene.profile.node_count = 3;
        scene.snapshot.pending_node = 2;
        scene_moment(&scene, 99, before * MIB);
        scene_moment(&scene, 100, 24 * MIB);
        /* 24 less the call's 5, where no moment before was higher */
        must_promise(16 * MIB - 100, before == 20 ? 20 * MIB : 19 * MIB, 20 * MIB);
    }
}

/* It was made, and what is older and was kept was there then. */
static void test_it_was_made(void **state) {
    (void)state;
    for (uint64_t birth = 40; birth <= 60; birth += 20) {
        dead_data(50, 0);
        scene_block(&scene, 9 * MIB);
        scene.blocks[1].birth = birth;
        scene_moment(&scene, 100, 24 * MIB);
        scene_find(&scene);
        assert_int_equal(scene.findings->if_released.least,
                         birth == 40 ? 17 * MIB : 16 * MIB - 100);
        assert_int_equal(scene.findings->if_released.most, 20 * MIB);
        scene_close(&scene);
    }
}

/* Small objects can go at any time, and others can take their place. */
static void test_small_objects_later(void **state) {
    (void)state;
    scene_open(&scene);
    uint32_t data = scene_object_of(&scene, scene.bytes, 1, 8 * MIB, 0, NULL, NULL);
    scene_frame(&scene, &(struct scene_frame){"f", 0, 3, LOCALS(DEAD("data", data))});
    scene.snapshot.bytes = 14 * MIB - MIB / 2;
    scene.snapshot.pending_bytes = 10 * MIB;
    scene_moment(&scene, 100, 24 * MIB);
    scene_find(&scene);
    assert_int_equal(scene.findings->if_released.most, 24 * MIB);
    assert_int_equal(scene.findings->if_released.likely, 16 * MIB);
    assert_int_equal(scene.findings->if_released.least, 16 * MIB);
    scene_close(&scene);
}

/* Of low moments there is one figure: it may have had the block in it. */
static void test_moments_that_are_folded(void **state) {
    (void)state;
    dead_data(50, 0);
    scene.process.rest_bytes = 22 * MIB;
    scene_moment(&scene, 100, 24 * MIB);
    must_promise(16 * MIB - 100, 22 * MIB, 22 * MIB);
}

/* A part of a mapping may have been there when the whole had ended. */
static void test_mappings_that_end(void **state) {
    (void)state;
    dead_data(50, 101);
    scene.blocks[0].kind = PROFILE_MAPPED;
    scene_moment(&scene, 100, 24 * MIB);
    scene_moment(&scene, 101, 23 * MIB);
    must_promise(16 * MIB - 100, 23 * MIB, 23 * MIB);
}

/* What others may own as well need not have been let go, and can have been. */
static void test_blocks_of_several(void **state) {
    (void)state;
    scene_open(&scene);
    uint64_t block = scene_block(&scene, 8 * MIB);
    uint32_t view = scene_view(&scene, scene.bytes, 1, block, 0, NULL);
    scene_frame(&scene, &(struct scene_frame){"f", 0, 3, LOCALS(DEAD("view", view))});
    scene.snapshot.bytes = 9 * MIB - MIB / 2;
    scene_moment(&scene, 100, 9 * MIB);
    scene_moment(&scene, 101, 24 * MIB);
    scene_find(&scene);
    assert_int_equal(scene.findings->if_released.most, 24 * MIB);
    assert_int_equal(scene.findings->if_released.least, 16 * MIB - 100);
    scene_close(&scene);
}

/* Garbage is likely to have been in use until the last of its blocks was made. */
static void test_garbage_was_in_use(void **state) {
    (void)state;
    for (uint64_t moment = 60; moment <= 70; moment += 10) {
        scene_open(&scene);
        uint32_t data = scene_big(&scene, scene.bytes, 1, 8 * MIB), own = data + 1;
        scene.blocks[0].birth = 60;
        scene_object(&scene, scene.node, 1, EDGES(ATTRIBUTE("me", own), ATTRIBUTE("x", data)));
        scene.snapshot.bytes = 20 * MIB - MIB / 2;
        scene_moment(&scene, moment, 23 * MIB);
        scene_moment(&scene, 100, 24 * MIB);
        scene_find(&scene);
        assert_int_equal(scene.findings->garbage_bytes, 8 * MIB + 164);
        assert_int_equal(scene.findings->if_released.most, 23 * MIB);
        assert_int_equal(scene.findings->if_released.likely,
                         moment == 60 ? 23 * MIB : 16 * MIB - 164);
        assert_int_equal(scene.findings->if_released.least, 16 * MIB - 164);
        scene_close(&scene);
    }
}

static void test_far_from_the_peak(void **state) {
    (void)state;
    dead_data(50, 0);
    scene_moment(&scene, 100, 24 * MIB);
    scene_moment(&scene, 110, 30 * MIB);
    scene_find(&scene);
    assert_true(scene.findings->far_from_peak);
    scene_close(&scene);
}

/* Which of two is told: locals at the peak of 40 MiB, of which `local` bytes are held, and all of a
 * heap of `heap` bytes before, or later than both. */
struct both {
    uint64_t local, heap;
    bool local_dead, heap_dead, asked_for, later;
};

static struct scene locals;

static void fill(struct scene *of, uint64_t bytes, uint64_t held, bool dead) {
    uint32_t data = held ? scene_big(of, of->bytes, 1, held) : 0;
    scene_frame(of, &(struct scene_frame){"f", 0, 3, LOCALS({"data", data, !dead, false})});
    scene_frame(of, &(struct scene_frame){"<module>", 1, 9, LOCALS({NULL})});
    of->snapshot.bytes = bytes - MIB / 2; /* scene_find adds that */
    scene_find(of);
}

static uint32_t which_is_told(const struct both *both) {
    scene_open(&scene);
    fill(&scene, both->heap, both->heap - MIB, both->heap_dead);
    scene_open_as(&locals, GRAPH_SHALLOW);
    locals.snapshot.flags |= SNAPSHOT_IS_SHALLOW;
    fill(&locals, 40 * MIB, both->local, both->local_dead);
    scene.snapshot.reason = both->asked_for ? SNAPSHOT_REQUEST : SNAPSHOT_PEAK;
    struct profile_snapshot snapshots[] = {locals.snapshot, scene.snapshot};
    struct profile_graph graphs[] = {locals.bytes_of_graph, scene.bytes_of_graph};
    struct profile_block blocks[] = {locals.blocks[0], scene.blocks[0]};
    struct profile profile = locals.profile;
    snapshots[0].time_ns = 50;
    snapshots[1].time_ns = both->later ? 101 : 40;
    locals.process.peak_ns = 100;
    profile.snapshots = snapshots;
    profile.snapshot_count = 2;
    profile.graphs = graphs;
    profile.blocks = locals.snapshot.block_count ? blocks : &blocks[1];
    struct findings *findings = findings_of(&profile, 0, SCENE_SHARES);
    uint32_t told = findings->snapshot;
    assert_int_equal(findings->far_from_peak, told == 1 && both->heap < 36 * MIB);
    assert_non_null(findings->holding);
    findings_free(findings);
    scene_close(&scene);
    scene_close(&locals);
    return told;
}

static void test_a_whole_heap_beside_locals(void **state) {
    (void)state;
    static const struct {
        struct both both;
        uint32_t told;
    } cases[] = {
        {{0, 24 * MIB, false, false, false, false}, 1},
        {{20 * MIB, 24 * MIB, false, false, false, false}, 1},
        {{24 * MIB, 24 * MIB, false, false, false, false}, 0}, /* it tells of more */
        {{MIB, 24 * MIB, true, false, false, false}, 1},
        {{4 * MIB, 24 * MIB, true, false, false, false}, 0}, /* there is something to let go of */
        {{4 * MIB, 24 * MIB, true, true, false, false}, 1},
        {{0, 11 * MIB, false, false, false, false}, 1},
        {{0, 9 * MIB, false, false, false, false}, 0}, /* that was long before */
        {{0, 24 * MIB, false, false, true, false}, 0},
        {{0, 24 * MIB, false, false, false, true}, 0}, /* others may have held that */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(which_is_told(&cases[i].both), cases[i].told);
}

/* Nothing is known of the peak's moment: nothing is promised. */
static void test_moments_that_are_missing(void **state) {
    (void)state;
    dead_data(50, 0);
    scene_moment(&scene, 100, 20 * MIB);
    scene_find(&scene);
    assert_int_equal(scene.findings->if_released.most, 24 * MIB);
    assert_int_equal(scene.findings->if_released.least, 24 * MIB);
    scene_close(&scene);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_small_ones_are_one_line),
        cmocka_unit_test(test_many_big_ones_are_one_line),
        cmocka_unit_test(test_holding),
        cmocka_unit_test(test_shared_small_ones),
        cmocka_unit_test(test_a_container_and_its_content_are_not_both_counted),
        cmocka_unit_test(test_no_more_bytes_than_there_were),
        cmocka_unit_test(test_locals_of_a_recursion_are_one_line),
        cmocka_unit_test(test_a_chain_of_a_million),
        cmocka_unit_test(test_a_ring_of_a_million),
        cmocka_unit_test(test_the_peak_that_follows),
        cmocka_unit_test(test_another_moment_is_as_high),
        cmocka_unit_test(test_it_was_in_use_before),
        cmocka_unit_test(test_frames_that_stacks_leave_out),
        cmocka_unit_test(test_it_was_made),
        cmocka_unit_test(test_the_call_made_small_objects),
        cmocka_unit_test(test_moments_that_are_folded),
        cmocka_unit_test(test_mappings_that_end),
        cmocka_unit_test(test_small_objects_later),
        cmocka_unit_test(test_blocks_of_several),
        cmocka_unit_test(test_garbage_was_in_use),
        cmocka_unit_test(test_far_from_the_peak),
        cmocka_unit_test(test_a_whole_heap_beside_locals),
        cmocka_unit_test(test_moments_that_are_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
