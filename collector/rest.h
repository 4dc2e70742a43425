/* The collector's long sleep while nobody writes, from which a writer can call it.
 *
 * The collector sleeps in poll(), where no futex can reach it, and a program can be given no file
 * descriptor. So a thread waits on the session page's futex word, and tells of a call by a signal,
 * which comes through during the long sleep alone.
 */
#ifndef HOLDFAST_COLLECTOR_REST_H
#define HOLDFAST_COLLECTOR_REST_H

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <time.h>

#include "../wire/session.h"

struct rest {
    struct session_page *page; /* NULL: there is no long sleep */
    pthread_t sleeper;
    sigset_t signals; /* as they are while it sleeps */
};

/* By the thread that is going to sleep. Where it cannot be opened, there is no long sleep. */
void rest_open(struct rest *rest, struct session_page *page);
static inline bool rest_is_open(const struct rest *rest) {
    return rest->page;
}

/* ppoll() of one descriptor, which fails with EINTR once a writer has called. */
int rest_poll(struct rest *rest, struct pollfd *poll, const struct timespec *pause);

#endif
