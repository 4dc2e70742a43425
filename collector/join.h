/* Processes that join: who may, and what they get (wire/join.h). */
#ifndef HOLDFAST_COLLECTOR_JOIN_H
#define HOLDFAST_COLLECTOR_JOIN_H

#include "../wire/join.h"
#include "callers.h"
#include "trace.h"

struct join_point {
    int listener; /* abstract socket */
    int page_fd;  /* the session page's memfd */
    int epoll;    /* gets the pidfds of new images, with the image as data */
    bool follow;
    pid_t first_pid; /* without follow: the one process that may join; 0 not known yet */
    uint32_t refused;
    uint32_t filters; /* on system calls, that this process runs under */
    struct callers callers;
    char name[JOIN_NAME_MAX + 1];
    char token[JOIN_TOKEN_SIZE + 1];
};

/* Makes the session page (its life mutex held by this thread) and the socket. NULL with errno set.
 */
struct session_page *join_open(struct join_point *point);

/* Answers everyone who waits at the socket. */
void join_serve(struct join_point *point, struct trace *trace);

#endif
