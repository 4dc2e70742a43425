/* The counts that a process leaves in the collector's memory: what they come to once it has ended,
 * and that nothing which it may have written does any harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/references.h"
#include "wire/references.h"

static struct reference_counts counts;
static struct references *shared; /* as the process has it */

static int open_counts(void **state) {
    (void)state;
    counts = (struct reference_counts){0};
    int fd = references_open(&counts);
    assert_true(fd >= 0);
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_ptr_not_equal(shared, MAP_FAILED);
    close(fd);
    return 0;
}

static int close_counts(void **state) {
    (void)state;
    references_release(&counts);
    munmap(shared, sizeof *shared);
    return 0;
}

static struct references_row *put_row(uint32_t row, uint32_t module, const char *type) {
    strcpy(shared->rows[row].type, type);
    shared->rows[row].module = module;
    return &shared->rows[row];
}

static void test_nothing(void **state) {
    (void)state;
    struct stat file;
    int same = dup(counts.shared);
    references_end(&counts);
    assert_false(counts.known);
    assert_int_equal(counts.count, 0);
    assert_int_equal(fstat(same, &file), 0);
    assert_int_equal(file.st_blocks, 0); /* what nobody has written takes no memory */
    close(same);
    references_end(&counts); /* a second time */
}

static void test_sums(void **state) {
    (void)state;
    shared->module_count = 2;
    shared->looked_at = 5;
    shared->calling = 2;
    strcpy(shared->modules[1].path, "/a/leaky.so");
    struct references_row *row = put_row(7, 1, "app.Item");
    row->taken = 1000;
    row->returned = 100;
    row->others = 5;
    row->ended = 30;
    row->left_out = 3;
    shared->takers[1] = (struct references_taker){7, 200, 300};
    shared->takers[2] = (struct references_taker){7, 500, 567};
    references_end(&counts);
    assert_int_equal(counts.shared, 0);
    assert_true(counts.known);
    assert_int_equal(counts.looked_at, 5);
    assert_int_equal(counts.count, 1);
    const struct reference_count *count = &counts.list[0];
    assert_string_equal(count->module, "/a/leaky.so");
    assert_string_equal(count->type, "app.Item");
    assert_int_equal(count->taken, 1000);
    assert_int_equal(count->given, 105);
    assert_int_equal(count->ended, 30);
    assert_int_equal(count->kept, 867);
    assert_int_equal(count->objects, 700);
    assert_int_equal(count->taker, 2);
}

/* A row of a module that there is not; more given back than taken; texts without an end; stacks of
 * rows that there are not. */
static void test_nonsense(void **state) {
    (void)state;
    memset(shared, 0xff, sizeof *shared);
    memset(shared->rows[3].type, 'x', REFERENCES_NAME);
    shared->rows[3].module = REFERENCES_MODULES - 1;
    shared->rows[3].taken = 1;
    shared->takers[9] = (struct references_taker){3, 1, 7};
    shared->takers[10] = (struct references_taker){UINT32_MAX, 1, 7};
    references_end(&counts);
    assert_int_equal(counts.count, 1);
    assert_int_equal(strlen(counts.list[0].type), REFERENCES_NAME);
    assert_int_equal(strlen(counts.list[0].module), REFERENCES_PATH);
    assert_int_equal(counts.list[0].kept, 0);
    assert_int_equal(counts.list[0].taker, 9);
    assert_true(counts.left_out <= (uint64_t)1 << 48);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nothing, open_counts, close_counts),
        cmocka_unit_test_setup_teardown(test_sums, open_counts, close_counts),
        cmocka_unit_test_setup_teardown(test_nonsense, open_counts, close_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
