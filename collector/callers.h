/* Those whose connections stay open, since their answer takes time: copies that bring a heap graph,
 * commands that ask for a snapshot or a profile, and processes that ask which of their blocks live
 * (wire/join.h: JOIN_GRAPH, JOIN_SNAPSHOT, JOIN_PROFILE, JOIN_LIVING).
 */
#ifndef HOLDFAST_COLLECTOR_CALLERS_H
#define HOLDFAST_COLLECTOR_CALLERS_H

#include "../wire/join.h"
#include "trace.h"

#define CALLERS_MAX 64u

enum caller_kind {
    CALLER_EARLY,   /* a copy whose snapshot's event has not been processed */
    CALLER_COPY,    /* at work; it closes the connection in the end */
    CALLER_ASKER,   /* waits for the next snapshot of an image */
    CALLER_PROFILE, /* waits for the profile of the run so far */
    CALLER_LIVING,  /* waits for the list of what lives, whose mark has not been processed */
};

struct caller {
    enum caller_kind kind;
    int fd;
    struct image *image;
    uint32_t snapshot; /* number; of an asker: the last one before; of a list: the question's */
    int target;        /* of a profile: where it is to be written */
    uint64_t since_ns;
};

/* Zeroed: empty. */
struct callers {
    struct caller list[CALLERS_MAX];
    uint32_t count;
    /* Writes the profile of the run so far; 0 or an errno value. */
    int (*write_profile)(void *context, int target);
    void *context;
};

/* Takes over a connection, with what was asked (`name`, NUL-terminated, goes with JOIN_SNAPSHOT,
 * `target` with JOIN_PROFILE). 0, or an errno value: then both are still the caller's. */
int callers_take(struct callers *callers, struct trace *trace, int fd,
                 const struct join_request *request, const char *name, int target);

/* Gives the answers that are due, and lets go those who have left. */
void callers_serve(struct callers *callers, struct trace *trace);

/* A copy of an image that has ended may still come, or is at work: worth a short wait. */
bool callers_pending(const struct callers *callers, const struct trace *trace);

/* Sends a reply with descriptors. False when the peer has gone. */
bool caller_reply(int fd, const struct join_reply *reply, const int *fds, uint32_t count);

#endif
