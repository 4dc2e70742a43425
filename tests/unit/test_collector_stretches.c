/* Regions that a program marks, where it marks more of them than can be followed, lets them cross,
 * or is reported on while it is in some. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "collector/finish.h"
#include "collector/stretches_rows.h"
#include "rig.h"
#include "wire/profile_format.h"

#define THREAD 1u /* nodes */
#define NODE 2u
#define ADDRESS 0x10000u

static struct rig rig;

static int close_rig(void **state) {
    (void)state;
    rig_close(&rig);
    return 0;
}

static void open_rig(void) {
    rig_open(&rig, 1);
    uint64_t words[] = {0, rig.image->self_pid};
    rig_put(&rig, 0, event_word(EVENT_NODE, 0, NODE_THREAD, THREAD), words, 2);
    rig_node(&rig, 0, NODE, THREAD, 10);
}

/* On the main thread. */
static void begin(uint32_t number, const char *name) {
    uint64_t words[8] = {0}, size = strlen(name), tid = rig.image->self_pid;
    assert_true(size < sizeof words);
    memcpy(words, name, size);
    rig_put(&rig, 0, event_word(EVENT_TEXT, 0, 0, size), words, (uint32_t)(size + 7) / 8);
    rig_mark(&rig, 0, MARK_REGION_BEGIN, tid << MARK_REGION_BITS | number);
}

static void end(uint32_t number) {
    rig_mark(&rig, 0, MARK_REGION_END, number);
}

static void pass(uint32_t number, const char *name, uint64_t size) {
    begin(number, name);
    rig_alloc(&rig, 0, 0, ADDRESS, size, NODE);
    rig_free(&rig, 0, 0, ADDRESS);
    end(number);
}

static const struct stretch_result *result_of(uint32_t number) {
    const struct stretch_result *result =
        &rig.image->regions[0].region->results[number % STRETCH_RESULTS];
    assert_int_equal(result->number, number);
    return result;
}

static const struct stretch_row *row_of(const char *name) {
    const struct stretches *stretches = rig.image->stretches;
    for (uint32_t r = 0; r < stretches->row_count; r++)
        if (strcmp(stretches->rows[r].name, name) == 0)
            return &stretches->rows[r];
    fail_msg("no region %s", name);
    return NULL;
}

static uint32_t depth_of(const struct stretch_row *row) {
    uint32_t depth = 1;
    for (; row->parent; row = &rig.image->stretches->rows[row->parent - 1])
        depth++;
    return depth;
}

/* The others, and the process, are as exact as before. */
static void test_more_names_than_are_kept(void **state) {
    (void)state;
    enum { NAMES = 70000 };
    open_rig();
    for (uint32_t i = 1; i <= NAMES; i++) {
        char name[16];
        snprintf(name, sizeof name, "%u", i);
        pass(i, name, 1000 + i);
    }
    pass(NAMES + 1, "7", 5);
    rig_alloc(&rig, 0, 0, ADDRESS, 1000000, NODE);
    rig_drain(&rig);
    assert_false(rig.image->dead);
    assert_int_equal(rig.image->totals.peak, 1000000);
    assert_int_equal(rig.image->allocations, NAMES + 2);
    assert_int_equal(rig.image->stretches->row_count, STRETCH_ROWS_MAX);
    assert_int_equal(rig.image->stretches_left_out, NAMES - STRETCH_ROWS_MAX);
    assert_int_equal(row_of("7")->highest.peak, 1007);
    assert_int_equal(row_of("7")->count, 2);
    assert_int_equal(row_of("65536")->highest.peak, 1000 + 65536);
    assert_int_equal(result_of(NAMES)->left_out, 1);
    assert_int_equal(result_of(NAMES + 1)->left_out, 0);
    assert_int_equal(result_of(NAMES + 1)->peak, 5);
}

/* Blocks of one stack, each known by the regions it was allocated in after these have ended, too:
 * also where others are allocated in what is still open then. */
static void test_what_becomes_of_it(void **state) {
    (void)state;
    open_rig();
    begin(1, "outer");
    begin(2, "inner");
    rig_alloc(&rig, 0, 0, ADDRESS + 0x5000, 100, NODE); /* stays */
    rig_alloc(&rig, 0, 0, ADDRESS + 0x1000, 30, NODE);
    rig_free(&rig, 0, 0, ADDRESS + 0x1000);
    rig_alloc(&rig, 0, 0, ADDRESS + 0x2000, 7, NODE); /* goes later */
    end(2);
    rig_alloc(&rig, 0, 0, ADDRESS + 0x3000, 1000, NODE); /* stays */
    end(1);
    rig_alloc(&rig, 0, 0, ADDRESS + 0x4000, 5000, NODE);
    rig_free(&rig, 0, 0, ADDRESS + 0x2000);
    pass(3, "inner", 11);
    rig_drain(&rig);
    assert_int_equal(result_of(2)->made, 137);
    assert_int_equal(result_of(2)->kept_native, 107);
    assert_int_equal(row_of("outer")->made_in_all, 1137);
    assert_int_equal(row_of("outer")->native_in_all, 1107);
    struct stretch_row *rows = stretches_rows_now(&rig.trace, rig.image);
    assert_non_null(rows);
    for (uint32_t i = 0; i < rig.image->stretches->row_count; i++) {
        uint64_t left = strcmp(rows[i].name, "outer") == 0 ? 1100 : rows[i].parent ? 100 : 0;
        assert_int_equal(rows[i].left.bytes, left);
        assert_int_equal(rows[i].left.blocks, left == 1100 ? 2 : left ? 1 : 0);
    }
    stretches_rows_free(rig.image->stretches, rows);
}

static void pause_region(uint32_t number) {
    rig_mark(&rig, 0, MARK_REGION_PAUSE, number);
}

static void resume(uint32_t number) {
    uint64_t tid = rig.image->self_pid;
    rig_mark(&rig, 0, MARK_REGION_RESUME, tid << MARK_REGION_BITS | number);
}

/* Two tasks that take turns in one thread, a third without a region, and what is freed meanwhile.
 */
static void test_pauses(void **state) {
    (void)state;
    open_rig();
    begin(1, "one");
    rig_alloc(&rig, 0, 0, ADDRESS, 100, NODE);
    pause_region(1);
    begin(2, "two");
    rig_alloc(&rig, 0, 0, ADDRESS + 4096, 2000, NODE);
    pause_region(2);
    rig_alloc(&rig, 0, 0, ADDRESS + 8192, 30000, NODE);
    rig_free(&rig, 0, 0, ADDRESS);
    resume(1);
    resume(1); /* a program's slip */
    rig_alloc(&rig, 0, 0, ADDRESS, 60, NODE);
    end(1);
    resume(2);
    rig_free(&rig, 0, 0, ADDRESS + 8192);
    rig_alloc(&rig, 0, 0, ADDRESS + 8192, 500, NODE);
    pause_region(2);
    end(2);
    pause_region(2);
    resume(2);
    rig_drain(&rig);
    assert_false(rig.image->dead);
    assert_int_equal(result_of(1)->peak, 100);
    assert_int_equal(result_of(1)->kept, 60);
    assert_int_equal(result_of(2)->peak, 2500);
    assert_int_equal(result_of(2)->kept, 2500);
    assert_int_equal(row_of("two")->parent, 0);
    assert_int_equal(rig.image->regions[0].region->stretches_ended, 2);
}

/* One whose copy has come, or died. Its number. */
static uint32_t snapshot_before(uint64_t pending, bool complete) {
    uint32_t number = rig.image->snapshots.last + 1;
    rig_snapshot(&rig, 0, number, SNAPSHOT_PEAK, pending, NODE);
    rig_drain(&rig);
    struct snapshot *taken = snapshots_find(rig.image, number);
    assert_non_null(taken);
    taken->state = SNAPSHOT_ARRIVED;
    taken->flags = complete ? SNAPSHOT_COMPLETE : 0;
    return number;
}

static uint32_t snapshot(bool complete) {
    return snapshot_before(0, complete);
}

static uint32_t told_for(const char *name, uint64_t *bytes) {
    struct stretch_snapshot best = stretches_snapshot(rig.image, row_of(name));
    *bytes = best.bytes;
    return best.number;
}

/* The one with the most of a region's own explains its peak, whatever the process had then; of
 * several times, the best one; and one whose copy died explains nothing. */
static void test_snapshots(void **state) {
    (void)state;
    uint64_t bytes;
    open_rig();
    rig_alloc(&rig, 0, 0, ADDRESS, 1000000, NODE);
    uint32_t highest = snapshot(true);
    rig_free(&rig, 0, 0, ADDRESS);
    begin(1, "outer");
    rig_alloc(&rig, 0, 0, ADDRESS, 3000, NODE);
    uint32_t outer = snapshot(true);
    begin(2, "inner");
    rig_alloc(&rig, 0, 0, ADDRESS + 4096, 500, NODE);
    uint32_t both = snapshot(true);
    rig_alloc(&rig, 0, 0, ADDRESS + 8192, 100, NODE);
    snapshot(false);
    end(2);
    rig_free(&rig, 0, 0, ADDRESS);
    snapshot(true);
    end(1);
    begin(3, "outer");
    rig_alloc(&rig, 0, 0, ADDRESS, 4000, NODE);
    end(3);
    begin(4, "none");
    end(4);
    rig_drain(&rig);
    snapshots_settle(&rig.trace, rig.image);
    assert_int_equal(told_for("inner", &bytes), both);
    assert_int_equal(bytes, 500);
    assert_int_equal(told_for("outer", &bytes), both);
    assert_int_equal(bytes, 3500);
    assert_int_equal(row_of("outer")->highest.peak, 4000);
    assert_int_equal(told_for("none", &bytes), 0);
    assert_non_null(snapshots_find(rig.image, highest));
    assert_null(snapshots_find(rig.image, outer));
}

/* What a task is about to allocate is not the region's whose task waits, in the same thread. */
static void test_snapshot_while_paused(void **state) {
    (void)state;
    uint64_t bytes;
    open_rig();
    begin(1, "waiting");
    rig_alloc(&rig, 0, 0, ADDRESS, 100, NODE);
    pause_region(1);
    begin(2, "working");
    snapshot_before(1000000, true);
    rig_alloc(&rig, 0, 0, ADDRESS + 4096, 1000000, NODE);
    rig_free(&rig, 0, 0, ADDRESS + 4096);
    end(2);
    resume(1);
    uint32_t own = snapshot_before(50, true);
    rig_alloc(&rig, 0, 0, ADDRESS + 4096, 50, NODE);
    end(1);
    rig_drain(&rig);
    assert_int_equal(told_for("waiting", &bytes), own);
    assert_int_equal(bytes, 150);
    assert_int_not_equal(told_for("working", &bytes), own);
    assert_int_equal(bytes, 1000000);
}

/* However many regions there are, those with the highest peaks keep theirs. */
static void test_snapshots_of_the_highest(void **state) {
    (void)state;
    enum { REGIONS = 3 * STRETCH_SNAPSHOTS };
    uint64_t bytes;
    open_rig();
    for (uint32_t i = 1; i <= REGIONS; i++) {
        char name[16];
        uint32_t size = 1000 * (i * 7 % REGIONS + 1); /* each once, in no order */
        snprintf(name, sizeof name, "%u", size);
        begin(i, name);
        rig_alloc(&rig, 0, 0, ADDRESS, size, NODE);
        snapshot(true);
        rig_free(&rig, 0, 0, ADDRESS);
        end(i);
        rig_drain(&rig);
        snapshots_settle(&rig.trace, rig.image);
        assert_true(rig.image->snapshots.count <= STRETCH_SNAPSHOTS + 3);
    }
    for (uint32_t i = 1; i <= REGIONS; i++) {
        char name[16];
        snprintf(name, sizeof name, "%u", 1000 * i);
        assert_int_equal(told_for(name, &bytes) != 0, i > REGIONS - STRETCH_SNAPSHOTS);
        assert_int_equal(bytes, i > REGIONS - STRETCH_SNAPSHOTS ? 1000 * i : 0);
    }
}

/* Native bytes that nobody gave back, of all regions of a name. */
static uint64_t left_by(const char *name) {
    struct stretch_row *rows = stretches_rows_now(&rig.trace, rig.image);
    assert_non_null(rows);
    uint64_t left = rows[row_of(name) - rig.image->stretches->rows].left.bytes;
    stretches_rows_free(rig.image->stretches, rows);
    return left;
}

/* One that can't go on, since its thread is in too many already, has no figures; nor does its name
 * have its peak, which was higher than is known. */
static void test_resumed_too_deep(void **state) {
    (void)state;
    open_rig();
    begin(1, "paused");
    rig_alloc(&rig, 0, 0, ADDRESS + 4096, 200, NODE);
    rig_drain(&rig);
    uint64_t began = rig.image->stretches->list[0].begin_ns;
    pause_region(1);
    for (uint32_t i = 2; i <= STRETCH_DEPTH + 1; i++)
        begin(i, "deep");
    resume(1);
    rig_alloc(&rig, 0, 0, ADDRESS, 300, NODE);
    rig_drain(&rig);
    assert_int_equal(left_by("paused"), 0);
    assert_int_equal(left_by("deep"), 300);
    end(1);
    rig_drain(&rig);
    assert_int_equal(left_by("paused"), 0);
    assert_int_equal(left_by("deep"), 300);
    assert_int_equal(rig.image->stretches_left_out, 1);
    assert_int_equal(result_of(1)->left_out, 1);
    assert_int_equal(row_of("paused")->count, 1);
    assert_int_equal(row_of("paused")->highest.peak, 0);
    assert_int_equal(row_of("paused")->highest.begin_ns, began);
    assert_int_equal(row_of("paused")->kept_in_all, 0);
    for (uint32_t i = 2; i <= STRETCH_DEPTH + 1; i++)
        end(i);
    pass(STRETCH_DEPTH + 2, "paused", 70);
    begin(STRETCH_DEPTH + 3, "paused");
    rig_alloc(&rig, 0, 0, ADDRESS + 8192, 7, NODE);
    end(STRETCH_DEPTH + 3);
    rig_drain(&rig);
    assert_int_equal(left_by("paused"), 7);
    assert_int_equal(row_of("paused")->count, 3);
    assert_int_equal(row_of("paused")->highest.peak, 70);
}

static void test_deeper_than_is_followed(void **state) {
    (void)state;
    open_rig();
    for (uint32_t i = 1; i <= STRETCH_DEPTH + 1; i++)
        begin(i, "deep");
    rig_alloc(&rig, 0, 0, ADDRESS, 300, NODE);
    for (uint32_t i = STRETCH_DEPTH + 1; i > 0; i--)
        end(i);
    end(STRETCH_DEPTH); /* once more: what is known of it stays */
    rig_drain(&rig);
    assert_int_equal(rig.image->stretches_left_out, 1);
    assert_int_equal(result_of(STRETCH_DEPTH + 1)->left_out, 1);
    for (uint32_t i = 1; i <= STRETCH_DEPTH; i++) {
        assert_int_equal(result_of(i)->left_out, 0);
        assert_int_equal(result_of(i)->peak, 300);
    }
    assert_int_equal(rig.image->stretches->row_count, STRETCH_DEPTH);
}

/* Two are always open, and each begins in the one before. */
static void test_crossing_for_ever(void **state) {
    (void)state;
    enum { PASSES = 5000 };
    const char *const names[] = {"a", "b", "c"};
    open_rig();
    begin(1, names[1]);
    for (uint32_t i = 2; i <= PASSES; i++) {
        begin(i, names[i % 3]);
        rig_alloc(&rig, 0, 0, ADDRESS, i, NODE);
        rig_free(&rig, 0, 0, ADDRESS);
        end(i - 1);
    }
    end(PASSES);
    rig_drain(&rig);
    const struct stretches *stretches = rig.image->stretches;
    uint64_t count = 0, highest = 0;
    for (uint32_t r = 0; r < stretches->row_count; r++) {
        assert_in_range(depth_of(&stretches->rows[r]), 1, 2);
        count += stretches->rows[r].count;
        if (stretches->rows[r].highest.peak > highest)
            highest = stretches->rows[r].highest.peak;
    }
    assert_int_equal(count, PASSES);
    assert_int_equal(highest, PASSES);
    assert_in_range(stretches->row_count, 3, 3 + 3 * 2);
}

static void build_early(uint64_t peak, uint64_t inner_peak) {
    struct profile profile = {0};
    struct finish_facts facts = {.command = (char *[]){"program", NULL}};
    FILE *events = NULL;
    assert_true(finish_build(&rig.trace, &facts, &profile, &events));
    assert_int_equal(profile.region_count, 2);
    assert_int_equal(profile.regions[0].peak_bytes, peak);
    assert_int_equal(profile.regions[0].unclosed, 1);
    assert_int_equal(profile.regions[0].count, 1);
    assert_int_equal(profile.regions[1].peak_bytes, inner_peak);
    assert_int_equal(profile.regions[1].unclosed, 1);
    assert_int_equal(profile.regions[1].count, 3);
    struct profile_error error;
    if (!profile_check(&profile, &error))
        fail_msg("%s", error.text);
    finish_release(&profile);
}

/* What is reported while the program goes on changes nothing of what is reported at last. */
static void test_open_at_an_early_report(void **state) {
    (void)state;
    open_rig();
    begin(1, "outer");
    pass(2, "inner", 50);
    pass(3, "inner", 70);
    begin(4, "inner");
    rig_alloc(&rig, 0, 0, ADDRESS, 200, NODE);
    rig_drain(&rig);
    build_early(200, 200);
    build_early(200, 200);
    rig_alloc(&rig, 0, 0, ADDRESS + 4096, 1000, NODE);
    rig_free(&rig, 0, 0, ADDRESS + 4096);
    end(4);
    rig_alloc(&rig, 0, 0, ADDRESS + 8192, 3000, NODE);
    end(1);
    rig_drain(&rig);
    const struct stretch_row *outer = row_of("outer"), *inner = row_of("inner");
    assert_int_equal(outer->highest.peak, 3200);
    assert_int_equal(outer->count, 1);
    assert_int_equal(outer->unclosed, 0);
    assert_int_equal(inner->highest.peak, 1200);
    assert_int_equal(inner->count, 3);
    assert_int_equal(inner->unclosed, 0);
    assert_int_equal(inner->kept_in_all, 200);
    assert_int_equal(result_of(1)->peak, 3200);
    assert_int_equal(result_of(4)->kept, 200);
}

/* A long region keeps account of what is in use, not of all that was in it. */
static void test_many_passes_inside_of_one(void **state) {
    (void)state;
    enum { PASSES = 20000 };
    open_rig();
    begin(1, "outer");
    for (uint32_t i = 2; i < PASSES; i++)
        pass(i, "inner", i);
    rig_drain(&rig);
    const struct stretches *stretches = rig.image->stretches;
    assert_in_range(stretches->list[0].scope_count, 1, 64);
    assert_in_range(stretches->list[0].scope_capacity, 1, 64);
    for (uint32_t i = 0; i < 100; i++) { /* each leaves a block */
        begin(PASSES + i, "inner");
        rig_alloc(&rig, 0, 0, ADDRESS + 64 * i, 10, NODE);
        end(PASSES + i);
    }
    end(1);
    rig_drain(&rig);
    assert_int_equal(row_of("outer")->highest.peak, PASSES - 1);
    assert_int_equal(row_of("outer")->highest.live, 1000);
    assert_int_equal(row_of("inner")->highest.peak, PASSES - 1);
    assert_int_equal(row_of("inner")->kept_in_all, 1000);
}

/* Each leaves a block, and the outer one allocates in between: the last passes take no more than
 * the first ones did. */
static void test_many_that_leave_something(void **state) {
    (void)state;
    enum { PASSES = 100000, TENTH = PASSES / 10 };
    clock_t tenths[11];
    open_rig();
    begin(PASSES + 1, "outer");
    for (uint32_t i = 1; i <= PASSES; i++) {
        if (i % TENTH == 1) {
            rig_drain(&rig);
            tenths[i / TENTH] = clock();
        }
        begin(i, "inner");
        rig_alloc(&rig, 0, 0, ADDRESS + 64 + 64ull * i, 10, NODE);
        end(i);
        rig_alloc(&rig, 0, 0, ADDRESS, 1000, NODE);
        rig_free(&rig, 0, 0, ADDRESS);
    }
    end(PASSES + 1);
    rig_drain(&rig);
    tenths[10] = clock();
    assert_int_equal(row_of("inner")->kept_in_all, PASSES * 10);
    assert_int_equal(row_of("outer")->highest.live, PASSES * 10);
    assert_int_equal(row_of("outer")->highest.peak, PASSES * 10 + 1000);
    assert_int_equal(row_of("outer")->made_in_all, PASSES * 1010);
    assert_true(tenths[10] - tenths[9] < 6 * (tenths[1] - tenths[0]) + CLOCKS_PER_SEC / 10);
}

#define MIB (1ull << 20)
#define SECOND 1000000000ull
#define BIG 0x20000000ull

static uint64_t looked; /* when the last look was */

/* The clock goes on to this second. */
static void at(uint64_t second) {
    rig_drain(&rig);
    rig.trace.now_ns = second * SECOND;
}

static void see(uint64_t address, bool touched) {
    const struct drag_mapping mapping = {address + 4096, address + 2 * MIB - 4096, 2 * MIB,
                                         touched ? 4096 : 0};
    drag_see(&rig.image->drag, &mapping);
}

/* A look at a big block of 2 MiB. */
static void look(uint64_t second, uint64_t address, bool touched) {
    at(second);
    see(address, touched);
    drag_looked(&rig.image->drag, looked, second * SECOND);
    looked = second * SECOND;
}

static void open_drag_rig(void) {
    open_rig();
    rig.trace.drag = true;
    looked = 0;
}

static uint64_t phase_of(const struct stretch_row *row, enum profile_phase phase) {
    return row->drag ? row->drag->byte_seconds[phase] : 0;
}

/* Blocks are the regions' they were allocated in, until their own ends or those of the regions. */
static void test_drag(void **state) {
    (void)state;
    open_drag_rig();
    at(8);
    rig_alloc(&rig, 0, 0, BIG + 8 * MIB, 2 * MIB, NODE); /* before all of them */
    begin(1, "outer");
    begin(2, "inner");
    at(10);
    rig_alloc(&rig, 0, 0, BIG, 2 * MIB, NODE);
    look(12, BIG, false);
    look(14, BIG, true); /* at 13 */
    look(16, BIG, false);
    look(20, BIG, false);
    end(2);
    at(21);
    assert_int_equal(result_of(2)->untouched, 3 * 2 * MIB + 7 * 2 * MIB);
    assert_int_equal(result_of(2)->drag_known, 1);
    assert_int_equal(phase_of(row_of("inner"), PHASE_LAG), 3 * 2 * MIB);
    assert_int_equal(phase_of(row_of("inner"), PHASE_DRAG), 7 * 2 * MIB);
    assert_int_equal(row_of("inner")->drag->sites[0].untouched, 10 * 2 * MIB);
    look(30, BIG, true); /* what lay in the inner one was in use in the outer one */
    rig_free(&rig, 0, 0, BIG);
    rig_alloc(&rig, 0, 0, BIG, 2 * MIB, NODE); /* over before a look */
    at(32);
    struct stretch_row *rows = stretches_rows_now(&rig.trace, rig.image);
    const struct stretch_row *outer = &rows[row_of("outer") - rig.image->stretches->rows];
    assert_int_equal(phase_of(outer, PHASE_UNSEEN), 2 * 2 * MIB);
    assert_int_equal(phase_of(row_of("outer"), PHASE_UNSEEN), 0);
    stretches_rows_free(rig.image->stretches, rows);
    end(1);
    at(40);
    assert_int_equal(phase_of(row_of("outer"), PHASE_LAG), 3 * 2 * MIB);
    assert_int_equal(phase_of(row_of("outer"), PHASE_USE), 17 * 2 * MIB);
    assert_int_equal(phase_of(row_of("outer"), PHASE_DRAG), 0);
    assert_int_equal(phase_of(row_of("outer"), PHASE_UNSEEN), 2 * 2 * MIB);
    assert_int_equal(result_of(1)->unseen, 2 * 2 * MIB);
    for (uint64_t i = 0; i < 2; i++) { /* of two times, the sum */
        begin(3 + (uint32_t)i, "inner");
        rig_alloc(&rig, 0, 0, BIG + (16 + 4 * i) * MIB, 2 * MIB, NODE);
        look(41 + 4 * i, BIG + (16 + 4 * i) * MIB, false);
        look(42 + 4 * i, BIG + (16 + 4 * i) * MIB, false);
        end(3 + (uint32_t)i);
        at(44);
    }
    assert_int_equal(result_of(3)->untouched, 2 * 2 * MIB);
    assert_int_equal(result_of(4)->untouched, 2 * 2 * MIB);
    const struct stretch_row *twice = &rig.image->stretches->rows[2];
    assert_int_equal(twice->count, 2);
    assert_int_equal(phase_of(twice, PHASE_VOID), 2 * 2 * 2 * MIB);
    assert_int_equal(twice->drag->site_count, 1);
    assert_int_equal(twice->drag->sites[0].untouched, 2 * 2 * 2 * MIB);
}

/* Big blocks that are not followed leave the regions in doubt that they were allocated in, and no
 * later ones. */
static void test_drag_left_out(void **state) {
    (void)state;
    open_drag_rig();
    at(1);
    for (uint64_t i = 0; i < DRAG_BLOCKS_MAX; i++) {
        rig_alloc(&rig, 0, 0, BIG + i * 2 * MIB, MIB, NODE);
        if (i % 256 == 0)
            rig_drain(&rig);
    }
    uint64_t next = BIG + DRAG_BLOCKS_MAX * 2 * MIB;
    begin(1, "first");
    rig_alloc(&rig, 0, 0, next, MIB, NODE);
    end(1);
    begin(2, "second");
    rig_alloc(&rig, 0, 0, next + 2 * MIB, MIB / 2, NODE);
    end(2);
    at(2);
    assert_int_equal(rig.image->drag.left_out, 1);
    assert_int_equal(result_of(1)->drag_known, 0);
    assert_int_equal(result_of(2)->drag_known, 1);
}

/* Sums have an end, within what a profile may have, and a stack never has more than its region. */
static void test_most_drag(void **state) {
    (void)state;
    const struct drag_block block = {
        .size = UINT64_MAX / 2, .looked_ns = 9000 * SECOND, .born_ns = SECOND};
    struct drag_sums sums = {0};
    for (unsigned i = 0; i < 9; i++)
        drag_add(&sums, &block, 9000 * SECOND);
    assert_int_equal(sums.byte_seconds[PHASE_VOID], DRAG_MOST);
    const struct stretch_drag one = {.byte_seconds = {[PHASE_LAG] = DRAG_MOST, [PHASE_USE] = 7},
                                     .site_count = 1,
                                     .sites = {{NODE, BLOCK_HEAP, DRAG_MOST}}};
    struct stretch_drag *all = NULL;
    for (unsigned i = 0; i < 9; i++)
        assert_true(stretches_drag_merge(&all, &one));
    assert_int_equal(all->byte_seconds[PHASE_LAG], DRAG_MOST);
    assert_int_equal(all->byte_seconds[PHASE_USE], 63);
    assert_int_equal(all->sites[0].untouched, DRAG_MOST);
    free(all);
}

/* Of more stacks than have sums of their own the region's are whole. */
static void test_drag_of_many_stacks(void **state) {
    (void)state;
    enum { STACKS = STRETCH_DRAG_SITES + 9 };
    open_drag_rig();
    begin(1, "many");
    at(10);
    for (uint32_t i = 0; i < STACKS; i++) {
        rig_node(&rig, 0, NODE + 1 + i, THREAD, 20 + i);
        rig_alloc(&rig, 0, 0, BIG + 4 * MIB * i, 2 * MIB, NODE + 1 + i);
    }
    at(11);
    for (uint32_t i = 1; i < STACKS; i++)
        see(BIG + 4 * MIB * i, false);
    look(12, BIG, false);
    at(14);
    end(1);
    rig_drain(&rig);
    const struct stretch_drag *drag = row_of("many")->drag;
    assert_int_equal(drag->site_count, STRETCH_DRAG_SITES);
    assert_int_equal(drag->byte_seconds[PHASE_VOID], STACKS * 2ull * 2 * MIB);
    assert_int_equal(drag->byte_seconds[PHASE_UNSEEN], STACKS * 2ull * 2 * MIB);
    assert_int_equal(drag->sites[0].untouched, 2 * 2 * MIB);
    /* They differ by positions of one line alone: in the profile they are one stack. */
    struct profile profile = {0};
    struct finish_facts facts = {.command = (char *[]){"program", NULL}};
    FILE *events = NULL;
    assert_true(finish_build(&rig.trace, &facts, &profile, &events));
    assert_int_equal(profile.region_count, 1);
    assert_int_not_equal(profile.regions[0].drag_node, 0);
    assert_int_equal(profile.regions[0].drag_node_byte_seconds,
                     STRETCH_DRAG_SITES * 2ull * 2 * MIB);
    finish_release(&profile);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_more_names_than_are_kept, close_rig),
        cmocka_unit_test_teardown(test_snapshots, close_rig),
        cmocka_unit_test_teardown(test_snapshot_while_paused, close_rig),
        cmocka_unit_test_teardown(test_snapshots_of_the_highest, close_rig),
        cmocka_unit_test_teardown(test_pauses, close_rig),
        cmocka_unit_test_teardown(test_resumed_too_deep, close_rig),
        cmocka_unit_test_teardown(test_deeper_than_is_followed, close_rig),
        cmocka_unit_test_teardown(test_what_becomes_of_it, close_rig),
        cmocka_unit_test_teardown(test_crossing_for_ever, close_rig),
        cmocka_unit_test_teardown(test_open_at_an_early_report, close_rig),
        cmocka_unit_test_teardown(test_many_passes_inside_of_one, close_rig),
        cmocka_unit_test_teardown(test_many_that_leave_something, close_rig),
        cmocka_unit_test_teardown(test_drag, close_rig),
        cmocka_unit_test_teardown(test_drag_of_many_stacks, close_rig),
        cmocka_unit_test_teardown(test_drag_left_out, close_rig),
        cmocka_unit_test(test_most_drag),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
