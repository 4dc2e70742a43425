/* The collector's long sleep: who calls it wakes it, and whatever a program leaves in the session
 * page, it can be called the next time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>
#include <errno.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "collector/rest.h"

#define ROUNDS 1000

static struct session_page *page;
static struct rest rest;
static int ends[2]; /* of a pipe: something that poll() waits for */

static int setup(void **state) {
    (void)state;
    page = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    rest_open(&rest, page);
    return !rest_is_open(&rest) || pipe(ends) != 0;
}

/* As a program does. */
static bool call(void) {
    if (!session_call(page))
        return false;
    syscall(SYS_futex, &page->rest, FUTEX_WAKE, 1, NULL, NULL, 0);
    return true;
}

static _Atomic bool over;

static void *call_each(void *context) {
    (void)context;
    while (!atomic_load(&over))
        if (!call())
            sched_yield();
    return NULL;
}

static int sleep_for(long seconds) {
    struct pollfd poll = {.fd = ends[0], .events = POLLIN};
    const struct timespec pause = {.tv_sec = seconds};
    return rest_poll(&rest, &poll, &pause);
}

/* Each sleep would take ten minutes. */
static void test_called(void **state) {
    (void)state;
    pthread_t caller;
    atomic_store(&over, false);
    assert_int_equal(pthread_create(&caller, NULL, call_each, NULL), 0);
    for (int i = 0; i < ROUNDS; i++) {
        assert_int_equal(sleep_for(600), -1);
        assert_int_equal(errno, EINTR);
    }
    atomic_store(&over, true);
    pthread_join(caller, NULL);
}

static void test_not_called(void **state) {
    (void)state;
    assert_false(call()); /* it is awake */
    assert_int_equal(sleep_for(0), 0);
    assert_int_equal(atomic_load(&page->rest), REST_AWAKE);
    assert_false(call());
}

static void test_what_poll_waits_for(void **state) {
    (void)state;
    char byte = 0;
    assert_int_equal(write(ends[1], &byte, 1), 1);
    assert_int_equal(sleep_for(600), 1);
    assert_int_equal(read(ends[0], &byte, 1), 1);
}

/* Whatever a program has written. */
static void test_garbage(void **state) {
    (void)state;
    const uint32_t garbage[] = {REST_CALLED, REST_ASLEEP, 77, UINT32_MAX};
    for (size_t i = 0; i < sizeof garbage / sizeof *garbage; i++) {
        atomic_store(&page->rest, garbage[i]);
        syscall(SYS_futex, &page->rest, FUTEX_WAKE, 1, NULL, NULL, 0);
    }
    test_called(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_called),
        cmocka_unit_test(test_not_called),
        cmocka_unit_test(test_what_poll_waits_for),
        cmocka_unit_test(test_garbage),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
