/* The collector's long sleep: who calls it wakes it, once, and whatever a program leaves in the
 * session page, it can be called the next time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>
#include <linux/futex.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "collector/rest.h"

#define AT_ONCE 0
#define LONG 60000 /* ms: for what must come */

static struct session_page *page;
static struct rest rest;

static int setup(void **state) {
    (void)state;
    page = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    rest_open(&rest, page);
    return !rest_is_open(&rest);
}

static bool is_called(int timeout) {
    struct pollfd fd = {.fd = rest.called, .events = POLLIN};
    return poll(&fd, 1, timeout) == 1;
}

/* As a program does. */
static bool call(void) {
    if (!session_call(page))
        return false;
    syscall(SYS_futex, &page->rest, FUTEX_WAKE, 1, NULL, NULL, 0);
    return true;
}

static void sleep_and_be_called(void) {
    rest_begin(&rest);
    assert_true(call());
    assert_true(is_called(LONG));
    rest_end(&rest);
    rest_take_call(&rest);
    assert_false(is_called(AT_ONCE));
    assert_int_equal(atomic_load(&page->rest), REST_AWAKE);
}

static void test_called(void **state) {
    (void)state;
    for (int i = 0; i < 1000; i++)
        sleep_and_be_called();
}

static void test_called_once(void **state) {
    (void)state;
    assert_false(call()); /* it is awake */
    rest_begin(&rest);
    assert_true(call());
    assert_false(call());
    assert_true(is_called(LONG));
    rest_end(&rest);
    rest_take_call(&rest);
    assert_false(call());
}

static void test_not_called(void **state) {
    (void)state;
    rest_begin(&rest);
    rest_end(&rest);
    assert_int_equal(atomic_load(&page->rest), REST_AWAKE);
    assert_false(call());
    assert_false(is_called(AT_ONCE));
}

static void test_garbage(void **state) {
    (void)state;
    atomic_store(&page->rest, REST_CALLED); /* nobody sleeps, and nobody is woken */
    rest_end(&rest);
    atomic_store(&page->rest, 77);
    rest_end(&rest);
    rest_begin(&rest);
    assert_true(call());
    assert_true(is_called(LONG));
    rest_end(&rest);
    rest_take_call(&rest);
    sleep_and_be_called();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_called),
        cmocka_unit_test(test_called_once),
        cmocka_unit_test(test_not_called),
        cmocka_unit_test(test_garbage),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
