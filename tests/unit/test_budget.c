/* How far live bytes must have grown for the next snapshot: by what snapshots have cost, the age of
 * the process, and the size of the allocation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "preload/budget.h"
#include "preload/thread.h"

#define MS UINT64_C(1000000)
#define HOUR 3600000u /* in ms */
#define LAST ((uint64_t)100 * 1000 * 1000)

struct process process;

enum { SMALL = 1000, ALONE = 10 * 1000 * 1000 }; /* a tenth of the last one's */

/* By how many thousandths the goal is above the last snapshot, when the process is `age` ms old and
 * snapshots have cost `spent` ms. -1: there is to be none. */
static int step(uint64_t size, uint64_t age, uint64_t spent) {
    process.snapshots.began_ns = 7 * MS;
    process.snapshots.spent_ns = spent * MS;
    uint64_t goal = budget_copy_goal(size, (7 + age) * MS);
    return goal == UINT64_MAX ? -1 : (int)((goal - LAST) / (LAST / 1000));
}

static int begin(void **state) {
    (void)state;
    process = (struct process){.snapshots = {.last = LAST, .highest = LAST}};
    return 0;
}

/* Half of what they may cost is left for allocations that are a step by themselves. */
static void test_young(void **state) {
    (void)state;
    assert_int_equal(step(SMALL, 100, 0), 50);
    assert_int_equal(step(ALONE, 100, 0), 50);
    assert_int_equal(step(SMALL, 100, 22), 250);
    assert_int_equal(step(ALONE, 100, 29), 96);
    assert_int_equal(step(SMALL, 100, 30), -1);
    assert_int_equal(step(ALONE, 100, 59), 3125);
    assert_int_equal(step(ALONE, 100, 60), -1);
}

static void test_grows(void **state) {
    (void)state;
    int before = 50;
    for (uint64_t spent = 0; spent < 80; spent++) {
        int now = step(SMALL, 1200, spent);
        assert_true(now >= before && now <= 250);
        assert_true(step(ALONE, 1200, spent) <= now);
        before = now;
    }
    assert_int_equal(before, 250);
}

/* Right after a snapshot, growth by small allocations has to be larger. */
static void test_soon(void **state) {
    (void)state;
    process.snapshots.taken_ns = 1007 * MS;
    assert_int_equal(step(SMALL, 1001, 0), 500);
    assert_int_equal(step(SMALL, 1050, 0), 500);
    assert_int_equal(step(SMALL, 1100, 0), 250);
    assert_int_equal(step(SMALL, 1200, 0), 125);
    assert_int_equal(step(SMALL, 1500, 0), 50);
    assert_int_equal(step(SMALL, 9000, 0), 50);
    assert_int_equal(step(ALONE, 1001, 0), 50);
    assert_int_equal(step(SMALL, 1001, 110), -1);
}

/* Where so much was live before, one is due when nearly as much is again; not much less before,
 * unless that takes long. */
static void test_known_ground(void **state) {
    (void)state;
    process.snapshots.taken_ns = 1007 * MS;
    budget_note_live(2 * LAST);
    assert_int_equal(step(SMALL, 1100, 0), 250); /* it may go on like that */
    budget_note_live(2 * LAST - LAST / 5);
    assert_int_equal(step(SMALL, 1100, 0), 250); /* or so */
    assert_false(budget_is_top_missed());
    budget_note_live(LAST / 2);
    assert_int_equal(step(SMALL, 1100, 0), 937);
    assert_int_equal(step(ALONE, 1100, 0), 937);
    assert_true(budget_is_top_missed());
    assert_int_equal(step(SMALL, 1100, 115), 937); /* of what is left for good moments */
    assert_int_equal(step(SMALL, 2001, 0), 50);
    budget_note_live(3 * LAST);
    assert_int_equal(step(SMALL, 1100, 0), 250);
    assert_false(budget_is_top_missed());
}

/* When the last one was from nearly as much, all is as usual. */
static void test_known_ground_seen(void **state) {
    (void)state;
    process.snapshots.taken_ns = 1007 * MS;
    budget_note_live(LAST + LAST / 50);
    budget_note_live(LAST / 2);
    assert_false(budget_is_top_missed());
    assert_int_equal(step(SMALL, 1100, 0), 50);
    assert_int_equal(step(ALONE, 1100, 0), 50);
}

/* 3 % of the time, in the end. */
static void test_old(void **state) {
    (void)state;
    assert_int_equal(step(ALONE, HOUR, 54000), 99);
    assert_int_equal(step(SMALL, HOUR, 27000), 99);
    assert_int_equal(step(ALONE, HOUR, 110000), -1);
    assert_int_equal(step(SMALL, HOUR, 55000), -1);
}

/* What copies do beside the program counts by a quarter, for what should be. */
static void test_work_beside(void **state) {
    (void)state;
    int without = step(SMALL, 9000, 100);
    process.copies.user.tv_usec = 200000;
    process.copies.system.tv_usec = 200000;
    assert_int_equal(step(SMALL, 9000, 0), without);
    assert_int_equal(step(ALONE, 9000, 0), 50);
}

/* All of it does where others waited for the processor: no longer than the copy did, or worked. */
static void test_work_that_displaces(void **state) {
    (void)state;
    int without = step(SMALL, 9000, 130);
    process.copies.user.tv_usec = 190000;
    budget_note_copy(40 * MS, 40 * MS);
    budget_note_copy(49 * MS, 50 * MS); /* two clocks */
    budget_note_copy(60 * MS, 40 * MS);
    budget_note_copy(500 * MS, 60 * MS);
    process.copies.system.tv_usec = 10000;
    assert_int_equal(process.snapshots.displaced_ns, 80 * MS);
    assert_int_equal(step(SMALL, 9000, 20), without);
    assert_int_equal(step(ALONE, 9000, 0), 50);
}

/* Arenas count by a twentieth. */
static void test_mapped(void **state) {
    (void)state;
    process.snapshots.mapped = LAST / 10 * 8;
    assert_int_equal(budget_counted(LAST), LAST / 10 * 2 + LAST / 10 * 8 / 20);
    assert_int_equal(step(SMALL, 100, 0), 12);
}

/* Ten times what the last one has cost, and a quarter of what its copy has worked. */
static void test_pace(void **state) {
    (void)state;
    process.snapshots.taken_ns = 100 * MS;
    process.snapshots.paused_ns = 2 * MS;
    process.snapshots.writes_ns = 3 * MS;
    process.copies.user.tv_sec = 7;
    process.snapshots.copies_ns = 7000 * MS / 4 - 5 * MS;
    assert_true(budget_is_too_soon(199 * MS));
    assert_false(budget_is_too_soon(200 * MS));
}

/* Faults that new memory does not explain, of pages that there were: as long as the machine takes
 * for each, within bounds. */
static void test_shared_writes(void **state) {
    (void)state;
    enum { FAULTS = 10000, NEW = 4000 };
    uint64_t allocated = (uint64_t)NEW * WIRE_PAGE;
    assert_int_equal(budget_writes_ns(0, 5 * MS, allocated), 0);
    assert_int_equal(budget_writes_ns(NEW, 5 * MS, allocated), 0);
    assert_int_equal(budget_writes_ns(NEW - 1, 5 * MS, allocated), 0);
    assert_int_equal(budget_writes_ns(FAULTS, 25 * MS, allocated), 15 * MS);
    assert_int_equal(budget_writes_ns(FAULTS, 0, allocated), 6 * MS);
    assert_int_equal(budget_writes_ns(FAULTS, 900 * MS, allocated), 24 * MS);
    assert_int_equal(budget_writes_ns(10 * FAULTS, 250 * MS, 0), LAST / WIRE_PAGE * 2500);
}

static void test_first(void **state) {
    (void)state;
    process.snapshots.last = process.snapshots.highest = 1000;
    assert_int_equal(budget_copy_goal(SMALL, 0), BUDGET_FIRST_GOAL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_young, begin),
        cmocka_unit_test_setup(test_grows, begin),
        cmocka_unit_test_setup(test_old, begin),
        cmocka_unit_test_setup(test_work_beside, begin),
        cmocka_unit_test_setup(test_work_that_displaces, begin),
        cmocka_unit_test_setup(test_mapped, begin),
        cmocka_unit_test_setup(test_first, begin),
        cmocka_unit_test_setup(test_pace, begin),
        cmocka_unit_test_setup(test_shared_writes, begin),
        cmocka_unit_test_setup(test_soon, begin),
        cmocka_unit_test_setup(test_known_ground, begin),
        cmocka_unit_test_setup(test_known_ground_seen, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
