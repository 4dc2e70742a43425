/* Blocks that are asked about: what is told of them when they end, are forgotten, or may have ended
 * unseen; and what of the filter is still needed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "preload/followed.h"
#include "preload/python.h"

uint64_t holdfast_block_follow(const void *block);
void holdfast_block_forget(uint64_t number);
int holdfast_block_take(uint64_t number, const void *object, void (*keep)(const void *object));

enum { GONE, THERE, UNKNOWN };

struct process process = {.epoch = 1};
struct python python = {.present = true, .has_gil = true, .at = {.type = sizeof(void *)}};
uint8_t filter[FILTER_SIZE];

void pymem_check(bool gil_held) {
    (void)gil_held;
}

void filter_add(const void *address, enum filter_flag flag) {
    filter[filter_place(address)] |= (uint8_t)flag;
}

void filter_keep(enum filter_flag flag, const uint8_t *needed) {
    for (size_t i = 0; i < FILTER_SIZE; i++)
        if (!(needed[i / 8] >> i % 8 & 1))
            filter[i] &= (uint8_t) ~(unsigned)flag;
}

static unsigned flagged(void) {
    unsigned count = 0;
    for (size_t i = 0; i < FILTER_SIZE; i++)
        count += (filter[i] & FILTER_FOLLOWED) != 0;
    return count;
}

static const void *block(uintptr_t number) {
    return (const void *)(0x7f0000000000 + number * 16);
}

static unsigned kept;

static void keep(const void *object) {
    (void)object;
    kept++;
}

static void test_end(void **state) {
    (void)state;
    uint64_t first = holdfast_block_follow(block(1)), again = holdfast_block_follow(block(1)),
             other = holdfast_block_follow(block(2));
    assert_true(first && again && other && first != again);
    followed_freed(block(1));
    assert_int_equal(holdfast_block_take(first, NULL, NULL), GONE);
    assert_int_equal(holdfast_block_take(again, NULL, NULL), GONE);
    assert_int_equal(holdfast_block_take(other, NULL, NULL), THERE);
    holdfast_block_forget(first);
    holdfast_block_forget(again);
    holdfast_block_forget(other);
    assert_int_equal(flagged(), 0);
}

/* Who asks late, or forgets twice, has nothing to do with the next one in that place. */
static void test_forgotten(void **state) {
    (void)state;
    uint64_t first = holdfast_block_follow(block(1));
    holdfast_block_forget(first);
    assert_int_equal(holdfast_block_take(first, NULL, NULL), UNKNOWN);
    uint64_t next = holdfast_block_follow(block(1));
    assert_int_equal(holdfast_block_take(first, NULL, NULL), UNKNOWN);
    holdfast_block_forget(first);
    assert_int_equal(holdfast_block_take(next, NULL, NULL), THERE);
    assert_int_equal(flagged(), 1);
    followed_freed(block(1));
    assert_int_equal(holdfast_block_take(first, NULL, NULL), UNKNOWN);
    holdfast_block_forget(next);
}

static void test_missed(void **state) {
    (void)state;
    uint64_t ended = holdfast_block_follow(block(1)), rest = holdfast_block_follow(block(2));
    followed_freed(block(1));
    followed_missed();
    followed_freed(block(2));
    assert_int_equal(holdfast_block_take(ended, NULL, NULL), GONE);
    assert_int_equal(holdfast_block_take(rest, NULL, NULL), UNKNOWN);
    holdfast_block_forget(ended);
    holdfast_block_forget(rest);
    assert_int_equal(flagged(), 0);
}

/* An object without references runs the destructors of what it has: it must get none. */
static void test_dying(void **state) {
    (void)state;
    static struct {
        _Alignas(16) uint64_t count;
        const void *type;
    } object = {.count = 3};
    uint64_t number = holdfast_block_follow(&object);
    assert_int_equal(holdfast_block_take(number, &object, keep), THERE);
    assert_int_equal(kept, 1);
    object.count = UINT64_C(7) << 32; /* flags, from 3.14 on */
    assert_int_equal(holdfast_block_take(number, &object, keep), GONE);
    assert_int_equal(kept, 1);
    holdfast_block_forget(number);
}

/* One that is always followed does not leave the whole filter flagged. */
static void test_rebuilt(void **state) {
    (void)state;
    uint64_t stays = holdfast_block_follow(block(0));
    for (uintptr_t i = 1; i <= 40000; i++)
        holdfast_block_forget(holdfast_block_follow(block(i)));
    assert_true(flagged() < 5000);
    assert_true(filter_flags(block(0)) & FILTER_FOLLOWED);
    assert_int_equal(holdfast_block_take(stays, NULL, NULL), THERE);
    holdfast_block_forget(stays);
    assert_int_equal(flagged(), 0);
}

/* A full neighbourhood, and nothing that could be known of free-threaded builds. */
static void test_refused(void **state) {
    (void)state;
    uint64_t numbers[17];
    for (int i = 0; i < 17; i++)
        numbers[i] = holdfast_block_follow(block(1));
    assert_true(numbers[15] && !numbers[16]);
    for (int i = 0; i < 16; i++)
        holdfast_block_forget(numbers[i]);
    python.has_gil = false;
    assert_int_equal(holdfast_block_follow(block(1)), 0);
    python.has_gil = true;
    assert_int_equal(flagged(), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_end),     cmocka_unit_test(test_forgotten),
        cmocka_unit_test(test_missed),  cmocka_unit_test(test_dying),
        cmocka_unit_test(test_rebuilt), cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
