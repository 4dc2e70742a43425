/* The views of a profile with native stacks: what becomes of what names stacks, when they become
 * one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "profile_sample.h"
#include "viewer/views.h"

#include <stdlib.h>
#include <string.h>

static struct sample sample;

static uint32_t native_function(const char *name) {
    uint32_t function = sample_function(&sample, name, "chain.c");
    sample.functions[function].module = sample_string(&sample, "/usr/lib/libchain.so");
    return function;
}

/* Takes it of a copy, since what a view has changed lies in nodes of its own. */
static void take_view(enum view view) {
    struct profile *profile = &sample.profile;
    profile->nodes = malloc(sizeof sample.nodes);
    assert_non_null(profile->nodes);
    memcpy(profile->nodes, sample.nodes, sizeof sample.nodes);
    assert_true(view_take(profile, view));
}

static void release(void) {
    free(sample.profile.nodes);
    free(sample.profile.libraries);
}

/* main() frees by way of three native functions, other() by way of one. */
static struct profile_lifetime lifetime_of_four(void) {
    sample_start(&sample);
    uint32_t process = sample_process(&sample, 7, "python3 frees.py");
    uint32_t thread = sample_thread(&sample, "MainThread");
    uint32_t inner = sample_frame(&sample, thread, sample_function(&sample, "main", "frees.py"), 3);
    uint32_t other =
        sample_frame(&sample, thread, sample_function(&sample, "other", "frees.py"), 9);
    sample_site(&sample, process, inner, PROFILE_HEAP, 1000, 10);
    static const char *const names[] = {"clear", "drop", "shrink"};
    struct profile_lifetime lifetime = {.process = process, .node = inner};
    for (uint32_t i = 0; i < 3; i++)
        lifetime.frees[i] = (struct profile_free){
            sample_frame(&sample, inner, native_function(names[i]), 0), 3, 300};
    lifetime.frees[3] =
        (struct profile_free){sample_frame(&sample, other, native_function("clear"), 0), 5, 500};
    return lifetime;
}

static uint64_t blocks_of(const struct profile_lifetime *lifetime, const char *function) {
    uint64_t blocks = 0;
    unsigned rows = 0;
    for (unsigned i = 0; i < PROFILE_FREES; i++) {
        uint32_t node = lifetime->frees[i].node;
        uint32_t name = sample.functions[sample.profile.nodes[node].function].name;
        if (node == 0 || strcmp(sample.strings[name], function) != 0)
            continue;
        rows++;
        blocks += lifetime->frees[i].blocks;
        assert_int_equal(lifetime->frees[i].bytes, lifetime->frees[i].blocks * 100);
    }
    assert_true(rows <= 1);
    return blocks;
}

static void stacks_that_freed_become_one(void **state) {
    (void)state;
    struct profile_lifetime lifetime = lifetime_of_four();
    sample.profile.lifetimes = &lifetime;
    sample.profile.lifetime_count = 1;
    take_view(VIEW_PYTHON);
    assert_int_equal(blocks_of(&lifetime, "main"), 9);
    assert_int_equal(blocks_of(&lifetime, "other"), 5);
    release();
}

static void stacks_that_differ_stay(void **state) {
    (void)state;
    struct profile_lifetime lifetime = lifetime_of_four();
    sample.profile.lifetimes = &lifetime;
    sample.profile.lifetime_count = 1;
    take_view(VIEW_BOTH);
    assert_int_equal(blocks_of(&lifetime, "drop"), 3);
    assert_int_equal(blocks_of(&lifetime, "shrink"), 3);
    uint64_t all = 0;
    for (unsigned i = 0; i < PROFILE_FREES; i++)
        all += lifetime.frees[i].blocks;
    assert_int_equal(all, 3 + 3 + 3 + 5);
    release();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stacks_that_freed_become_one),
        cmocka_unit_test(stacks_that_differ_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
