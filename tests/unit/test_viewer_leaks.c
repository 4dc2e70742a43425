/* What the reports say of references that were counted after the last look at memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "viewer/leaks.h"
#include "wire/graph.h"

#define COUNTS 50u

static char *strings[] = {"/a/leaky.so", "app.Item", "NoneType", "end"};
static struct profile_process process = {.flags = PROCESS_REFS | PROCESS_COUNTED};
static struct profile_snapshot snapshot = {.reason = SNAPSHOT_REQUEST, .name = 3};
static struct profile_count counts[COUNTS];
static struct profile profile;

static int count_much(void **state) {
    (void)state;
    for (uint32_t i = 0; i < COUNTS; i++)
        counts[i] = (struct profile_count){.type = 1, .taken = 100 + i, .kept = 100 + i};
    profile = (struct profile){.strings = strings,
                               .string_count = 4,
                               .processes = &process,
                               .process_count = 1,
                               .snapshots = &snapshot,
                               .snapshot_count = 1,
                               .counts = counts,
                               .count_count = COUNTS};
    return 0;
}

static void all_are_counted_and_the_most_listed(void **state) {
    (void)state;
    struct leak_late list[LEAKS_LATE];
    assert_int_equal(leaks_late(&profile, 0, NULL, list), COUNTS);
    for (uint32_t i = 0; i < LEAKS_LATE; i++)
        assert_int_equal(list[i].references, 100 + COUNTS - 1 - i);
}

static void constants_are_left_out(void **state) {
    (void)state;
    struct leak_late list[LEAKS_LATE];
    for (uint32_t i = 1; i < COUNTS; i++)
        counts[i].type = 2;
    assert_int_equal(leaks_late(&profile, 0, NULL, list), 1);
    assert_ptr_equal(list[0].count, &counts[0]);
}

/* Whatever a snapshot is called, the last one is that taken as the interpreter began to end. */
static void the_last_look_is_no_name(void **state) {
    (void)state;
    struct leak_late list[LEAKS_LATE];
    struct findings findings = {.snapshot = 0};
    snapshot.flags = SNAPSHOT_COMPLETE;
    assert_int_equal(leaks_late(&profile, 0, &findings, list), COUNTS);
    snapshot.flags = SNAPSHOT_COMPLETE | SNAPSHOT_IS_LAST;
    assert_int_equal(leaks_late(&profile, 0, &findings, list), 0);
}

/* What was taken inline and given back by calls hides in the sum what was kept. */
static void nothing_is_taken_since_that_was_taken_before(void **state) {
    (void)state;
    struct leak_late list[LEAKS_LATE];
    char *texts[] = {"", "/a/leaky.so", "app.Item"};
    struct graph_balance balances[] = {{0}, {.module = 1, .type = 2, .taken = 1000, .given = 5000}};
    struct graph graph = {.texts = texts, .balances = balances, .balance_count = 2};
    struct findings findings = {.snapshot = 0, .graph = &graph};
    snapshot.flags = SNAPSHOT_COMPLETE;
    profile.count_count = 1;
    counts[0] = (struct profile_count){.type = 1, .taken = 1000, .given = 5000, .kept = 1000};
    assert_int_equal(leaks_late(&profile, 0, &findings, list), 0);
    balances[1].given = 0;
    counts[0] = (struct profile_count){.type = 1, .taken = 1800, .given = 100, .kept = 1700};
    assert_int_equal(leaks_late(&profile, 0, &findings, list), 1);
    assert_int_equal(list[0].references, 700);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(all_are_counted_and_the_most_listed, count_much),
        cmocka_unit_test_setup(constants_are_left_out, count_much),
        cmocka_unit_test_setup(the_last_look_is_no_name, count_much),
        cmocka_unit_test_setup(nothing_is_taken_since_that_was_taken_before, count_much),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
