/* The numbers of a walk's objects, by addresses as near each other as objects can be and as far. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "preload/sys.h"
#include "preload/walk/heap.h"

#define OBJECTS 200000u

static struct walk *walk;
static const struct walk_request request = {.shallow = false};
static uint64_t seed;

static int begin(void **state) {
    (void)state;
    walk = calloc(1, sizeof *walk);
    assert_non_null(walk);
    walk->request = &request;
    seed = 1;
    return 0;
}

static int end(void **state) {
    (void)state;
    pool_release(walk);
    free(walk);
    return 0;
}

static uint32_t any(uint32_t below) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % below;
}

static const char *at(uintptr_t address) {
    return (const char *)address; // NOLINT(performance-no-int-to-ptr): it is never read
}

/* Rising addresses, `steps` times 16 bytes apart at most; the low bits are as an object's can be.
 */
static void fill(uintptr_t *addresses, uint32_t count, uintptr_t from, uint32_t steps) {
    for (uint32_t i = 0; i < count; i++) {
        from += 16 * (1 + (uintptr_t)any(steps));
        addresses[i] = from | (uintptr_t)any(2) << 3;
    }
}

static void shuffle(uintptr_t *addresses, uint32_t count) {
    for (uint32_t i = count - 1; i > 0; i--) {
        uint32_t other = any(i + 1);
        uintptr_t kept = addresses[i];
        addresses[i] = addresses[other];
        addresses[other] = kept;
    }
}

/* Each has a number of its own, and keeps it while leaves become finer and their index grows; what
 * lies between two has none. */
static void test_each_has_its_own(void **state) {
    (void)state;
    static uintptr_t addresses[OBJECTS];
    const uint32_t part = OBJECTS / 4;
    fill(addresses, part, 0x10000000, 1);
    fill(addresses + part, part, 0x500000000, 4);
    fill(addresses + 2 * (size_t)part, part, 0x7f0000000000, 12);
    fill(addresses + 3 * (size_t)part, part, 0x7fff00000000, 4000);
    shuffle(addresses, OBJECTS);
    for (uint32_t i = 0; i < OBJECTS; i++)
        assert_int_equal(name_object(walk, at(addresses[i])), i + 1);
    for (uint32_t i = 0; i < OBJECTS; i++) {
        assert_int_equal(name_object(walk, at(addresses[i])), i + 1);
        assert_int_equal(number_of(walk, at(addresses[i])), i + 1);
        assert_int_equal(number_of(walk, at(addresses[i] ^ 8)), 0);
        uint32_t next = number_of(walk, at((addresses[i] & ~(uintptr_t)15) + 16));
        assert_true(next == 0 || (addresses[next - 1] == (addresses[i] & ~(uintptr_t)15) + 16));
    }
    assert_false(walk->cut);
    assert_int_equal(walk->named, OBJECTS);
}

/* Memory that is close together takes 4 bytes for each 16, far apart a quarter of that; marks and
 * numbers aside. */
static void test_room(void **state) {
    (void)state;
    const uint32_t pages = 1000, page = 1u << 14;
    uint64_t taken[2];
    for (uint32_t round = 0; round < 2; round++) {
        uintptr_t from = round ? 0x700000000000 : 0x10000000;
        uint64_t before = walk->pool.taken;
        for (uint32_t i = 0; i < pages; i++)
            for (uint32_t k = 0; k < (round ? 2 : 1); k++)
                name_object(walk, at(from + (uintptr_t)i * page + 16 * (uintptr_t)k));
        taken[round] = walk->pool.taken - before;
    }
    assert_true(taken[0] < 2 * (uint64_t)pages * page / 16);
    assert_true(taken[1] < 5 * (uint64_t)pages * page / 16);
    assert_true(taken[1] > 3 * (uint64_t)pages * page / 16);
}

/* Without memory there are no new numbers, and the old ones stay. */
static void test_no_more_memory(void **state) {
    (void)state;
    const uintptr_t from = 0x10000000;
    walk->pool.limit = 1u << 20;
    uint32_t named = 0;
    while (name_object(walk, at(from + 48 * (uintptr_t)named)))
        named++;
    assert_true(walk->cut && named > 10000);
    assert_int_equal(name_object(walk, at(from + 48 * (uintptr_t)named)), 0);
    for (uint32_t i = 0; i < named; i++)
        assert_int_equal(number_of(walk, at(from + 48 * (uintptr_t)i)), i + 1);
}

/* What is no address of an object's, as the first page, is known to be none. */
static void test_nowhere(void **state) {
    (void)state;
    assert_false(near_object(walk, at(64)));
    assert_int_equal(number_of(walk, at(64)), 0);
    assert_int_equal(name_object(walk, at(0x10000000)), 1);
    assert_int_equal(number_of(walk, at(64)), 0);
    assert_true(near_object(walk, at(0x10000040)));
    assert_false(near_object(walk, at(0x10000000 + (1u << 14))));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_has_its_own, begin, end),
        cmocka_unit_test_setup_teardown(test_room, begin, end),
        cmocka_unit_test_setup_teardown(test_no_more_memory, begin, end),
        cmocka_unit_test_setup_teardown(test_nowhere, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
