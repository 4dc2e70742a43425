/* The collector's long sleep while nobody writes, from which a writer can call it.
 *
 * The collector sleeps in poll(), where no futex can reach it, and a program can be given no file
 * descriptor. So a thread waits on the session page's futex word, and tells of a call through an
 * eventfd.
 */
#ifndef HOLDFAST_COLLECTOR_REST_H
#define HOLDFAST_COLLECTOR_REST_H

#include <pthread.h>
#include <stdbool.h>

#include "../wire/session.h"

struct rest {
    struct session_page *page;
    int called; /* readable once a writer has called */
    pthread_t waiter;
};

/* Where it cannot be opened, there is no long sleep. */
void rest_open(struct rest *rest, struct session_page *page);
static inline bool rest_is_open(const struct rest *rest) {
    return rest->page;
}

/* Around the sleep. A call in between makes `called` readable. */
void rest_begin(struct rest *rest);
void rest_end(struct rest *rest);

void rest_take_call(struct rest *rest);

#endif
