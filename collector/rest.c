/* See rest.h. The page is the programs', too: whatever stands in it, the waiter does no more than
 * wait, or call once for each change. */
#include "rest.h"

#include <linux/futex.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STACK_SIZE (64u << 10)

static void *wait_for_calls(void *context) {
    const struct rest *rest = context;
    const uint64_t one = 1;
    for (;;) {
        uint32_t called = REST_CALLED;
        uint32_t state = atomic_load(&rest->page->rest);
        if (state != REST_CALLED)
            syscall(SYS_futex, &rest->page->rest, FUTEX_WAIT, state, NULL, NULL, 0);
        else if (atomic_compare_exchange_strong(&rest->page->rest, &called, REST_AWAKE) &&
                 write(rest->called, &one, sizeof one) < 0)
            return NULL;
    }
}

/* Signals are the collector's own thread's. */
static bool start(struct rest *rest) {
    pthread_attr_t attributes;
    sigset_t all, before;
    sigfillset(&all);
    if (pthread_attr_init(&attributes) != 0)
        return false;
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&rest->waiter, &attributes, wait_for_calls, rest) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return started;
}

void rest_open(struct rest *rest, struct session_page *page) {
    *rest = (struct rest){.called = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    if (!page || rest->called < 0)
        return;
    rest->page = page;
    if (!start(rest))
        rest->page = NULL;
}

void rest_begin(struct rest *rest) {
    atomic_store(&rest->page->rest, REST_ASLEEP);
}

void rest_end(struct rest *rest) {
    uint32_t asleep = REST_ASLEEP;
    atomic_compare_exchange_strong(&rest->page->rest, &asleep, REST_AWAKE);
}

void rest_take_call(struct rest *rest) {
    uint64_t calls;
    if (read(rest->called, &calls, sizeof calls) < 0)
        return;
}
