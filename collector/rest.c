/* See rest.h. The page is the programs', too: whatever stands in it, the waiter does no more than
 * wait, or call once for each change. */
#include "rest.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CALL SIGUSR1
#define STACK_SIZE (64u << 10)

static void come(int signal) {
    (void)signal;
}

static void *wait_for_calls(void *context) {
    const struct rest *rest = context;
    for (;;) {
        uint32_t called = REST_CALLED;
        uint32_t state = atomic_load(&rest->page->rest);
        if (state != REST_CALLED)
            syscall(SYS_futex, &rest->page->rest, FUTEX_WAIT, state, NULL, NULL, 0);
        else if (atomic_compare_exchange_strong(&rest->page->rest, &called, REST_AWAKE))
            pthread_kill(rest->sleeper, CALL);
    }
    return NULL;
}

/* All signals are for the thread that sleeps. */
static bool start(struct rest *rest) {
    pthread_t waiter;
    pthread_attr_t attributes;
    sigset_t all, before;
    sigfillset(&all);
    if (pthread_attr_init(&attributes) != 0)
        return false;
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&waiter, &attributes, wait_for_calls, rest) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return started;
}

void rest_open(struct rest *rest, struct session_page *page) {
    struct sigaction action = {.sa_handler = come};
    sigset_t call;
    *rest = (struct rest){.page = page, .sleeper = pthread_self()};
    sigemptyset(&call);
    sigaddset(&call, CALL);
    sigaction(CALL, &action, NULL);
    pthread_sigmask(SIG_BLOCK, &call, &rest->signals);
    sigdelset(&rest->signals, CALL);
    if (!start(rest))
        rest->page = NULL;
}

int rest_poll(struct rest *rest, struct pollfd *poll, const struct timespec *pause) {
    uint32_t asleep = REST_ASLEEP;
    atomic_store(&rest->page->rest, REST_ASLEEP);
    int ready = ppoll(poll, 1, pause, &rest->signals);
    atomic_compare_exchange_strong(&rest->page->rest, &asleep, REST_AWAKE);
    return ready;
}
