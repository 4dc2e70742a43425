/* See callers.h. There are hardly ever any, so each is looked at in every pass. */
#include "callers.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../wire/graph.h"
#include "memfd.h"

/* A copy whose snapshot's event does not come: its program has lost its ring. */
#define EARLY_PATIENCE_NS 10000000000u

bool caller_reply(int fd, const struct join_reply *reply, const int *fds, uint32_t count) {
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(3 * sizeof(int))];
    } control = {0};
    struct iovec piece = {(void *)(uintptr_t)reply, sizeof *reply};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
    if (count) {
        size_t size = count * sizeof(int);
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(size);
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(size);
        memcpy(CMSG_DATA(&control.header), fds, size);
    }
    return sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)sizeof *reply;
}

static void dismiss(struct callers *callers, uint32_t index) {
    close(callers->list[index].fd);
    if (callers->list[index].kind == CALLER_PROFILE)
        close(callers->list[index].target);
    callers->count--;
    memmove(&callers->list[index], &callers->list[index + 1],
            (callers->count - index) * sizeof *callers->list);
}

/* The answer, an errno value or 0, and the end. */
static void answer(struct callers *callers, uint32_t index, int error) {
    struct join_reply reply = {.version = WIRE_VERSION, .status = (uint32_t)error};
    caller_reply(callers->list[index].fd, &reply, NULL, 0);
    dismiss(callers, index);
}

/* Nobody says a second thing: what can be read is the end. */
static bool has_left(const struct caller *caller) {
    char byte;
    return recv(caller->fd, &byte, 1, MSG_DONTWAIT) >= 0 || (errno != EAGAIN && errno != EINTR);
}

/* Copies */

static int large_list(const struct snapshot *snapshot) {
    void *pages;
    size_t size = snapshot->block_count * sizeof(struct large_block);
    int fd = memfd_sealed("holdfast-large", size, &pages);
    if (fd < 0)
        return -1;
    struct large_block *list = pages;
    for (uint32_t i = 0; i < snapshot->block_count; i++)
        list[i] = (struct large_block){snapshot->blocks[i].address, snapshot->blocks[i].size};
    if (size)
        munmap(pages, size);
    return fd;
}

/* The stream's file has its full size from the start, so that the kernel sees to its bound. */
static bool begin_walk(struct trace *trace, struct caller *caller, struct snapshot *snapshot) {
    struct join_reply reply = {.version = WIRE_VERSION, .process = caller->image->number};
    int list = large_list(snapshot),
        stream = memfd_sealed("holdfast-graph", GRAPH_STREAM_MAX, NULL);
    int fds[2] = {list, stream};
    bool sent = list >= 0 && stream >= 0 && caller_reply(caller->fd, &reply, fds, 2);
    if (list >= 0)
        close(list);
    if (!sent && stream >= 0)
        close(stream);
    if (sent)
        snapshots_walk(trace, snapshot, stream);
    caller->kind = CALLER_COPY;
    caller->since_ns = trace_clock(trace);
    return sent;
}

/* The copy that told the same snapshot is gone, which has not been seen to yet. */
static bool copy_has_left(const struct callers *callers, const struct caller *caller) {
    for (uint32_t i = 0; i < callers->count; i++) {
        const struct caller *copy = &callers->list[i];
        if (copy->kind == CALLER_COPY && copy->image == caller->image &&
            copy->snapshot == caller->snapshot)
            return has_left(copy);
    }
    return false;
}

static void serve_early(struct callers *callers, struct trace *trace, uint32_t index) {
    struct caller *caller = &callers->list[index];
    struct image *image = caller->image;
    if (image->snapshots.last >= caller->snapshot) {
        struct snapshot *snapshot = snapshots_find(image, caller->snapshot);
        if (snapshot && copy_has_left(callers, caller))
            return; /* the process itself, whose copy has just died: that one's end comes first */
        if (snapshot && snapshots_may_walk(snapshot) && begin_walk(trace, caller, snapshot))
            return;
        answer(callers, index, ESTALE);
        return;
    }
    bool hopeless =
        image->state == IMAGE_ENDED || trace_clock(trace) - caller->since_ns > EARLY_PATIENCE_NS;
    if (hopeless)
        answer(callers, index, ESRCH);
    else if (has_left(caller))
        dismiss(callers, index);
}

static void serve_copy(struct callers *callers, struct trace *trace, uint32_t index) {
    struct caller *caller = &callers->list[index];
    if (!has_left(caller) && trace_clock(trace) - caller->since_ns < SNAPSHOT_WALKING_NS)
        return;
    struct snapshot *snapshot = snapshots_find(caller->image, caller->snapshot);
    if (snapshot && snapshot->state == SNAPSHOT_WALKING)
        snapshots_arrive(trace, caller->image, snapshot);
    dismiss(callers, index);
}

/* Of a process that is followed: a copy of it, or itself for what lives. */
static int take_process(struct trace *trace, const struct join_request *request,
                        struct caller *caller, enum caller_kind kind) {
    if (request->process < 1 || request->process > trace->image_count || request->snapshot < 1)
        return ESRCH;
    caller->kind = kind;
    caller->image = trace->images[request->process - 1];
    caller->snapshot = request->snapshot;
    return 0;
}

/* Commands that ask */

static struct image *living_image(const struct trace *trace, uint32_t pid) {
    for (uint32_t i = trace->image_count; i-- > 0;) {
        struct image *image = trace->images[i];
        if (image->pid == pid && !image->dead && image->region_count)
            return image;
    }
    return NULL;
}

static uint32_t count_requested(const struct image *image) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < image->snapshots.count; i++)
        count += image->snapshots.list[i]->reason == SNAPSHOT_REQUEST;
    return count;
}

/* One who gave up may have left just now. */
static bool someone_asks(struct callers *callers, const struct image *image) {
    for (uint32_t i = callers->count; i-- > 0;) {
        if (callers->list[i].kind != CALLER_ASKER || callers->list[i].image != image)
            continue;
        if (!has_left(&callers->list[i]))
            return true;
        dismiss(callers, i);
    }
    return false;
}

static int take_asker(struct callers *callers, struct trace *trace,
                      const struct join_request *request, const char *name, struct caller *caller) {
    struct image *image = living_image(trace, request->pid);
    if (!image)
        return ESRCH;
    if (!trace->holders)
        return EOPNOTSUPP;
    if (count_requested(image) >= SNAPSHOTS_REQUESTED_MAX)
        return ENOSPC;
    if (someone_asks(callers, image))
        return EBUSY;
    *caller =
        (struct caller){.kind = CALLER_ASKER, .image = image, .snapshot = image->snapshots.last};
    memset(image->snapshots.wanted_name, 0, sizeof image->snapshots.wanted_name);
    memcpy(image->snapshots.wanted_name, name, strnlen(name, SNAPSHOT_NAME_MAX));
    atomic_fetch_add(&image->regions[0].region->request, 1);
    return 0;
}

/* The snapshot that it waits for, once there is one; NULL when that could not be kept. */
static const struct snapshot *asked_for(const struct caller *caller) {
    for (uint32_t i = 0; i < caller->image->snapshots.count; i++) {
        const struct snapshot *snapshot = caller->image->snapshots.list[i];
        if (snapshot->number > caller->snapshot && snapshot->reason == SNAPSHOT_REQUEST)
            return snapshot;
    }
    return NULL;
}

static void serve_asker(struct callers *callers, struct trace *trace, uint32_t index) {
    struct caller *caller = &callers->list[index];
    int error = -1;
    snapshots_settle(trace, caller->image);
    if (caller->image->snapshots.last_request > caller->snapshot) {
        const struct snapshot *snapshot = asked_for(caller);
        if (!snapshot || snapshot->left_out)
            error = EFBIG;
        else if (snapshot->state == SNAPSHOT_ARRIVED)
            error = snapshot->flags & SNAPSHOT_COMPLETE ? 0 : EIO;
    } else if (caller->image->state == IMAGE_ENDED) {
        error = ESRCH;
    }
    if (error >= 0)
        answer(callers, index, error);
    else if (has_left(caller))
        dismiss(callers, index);
}

/* Heap graphs that are on their way are waited for. */
static void serve_profile(struct callers *callers, struct trace *trace, uint32_t index) {
    const struct caller *caller = &callers->list[index];
    bool pending = false;
    for (uint32_t i = 0; i < trace->image_count; i++)
        pending |= snapshots_pending(trace, trace->images[i]);
    if (has_left(caller))
        dismiss(callers, index);
    else if (!pending || trace_clock(trace) - caller->since_ns > SNAPSHOT_WALKING_NS)
        answer(callers, index, callers->write_profile(callers->context, caller->target));
}

/* What lives */

static void hand_on(struct callers *callers, uint32_t index) {
    const struct caller *caller = &callers->list[index];
    struct join_reply reply = {.version = WIRE_VERSION,
                               .process = caller->image->number,
                               .count = caller->image->living.count};
    int list = living_hand_on(caller->image, caller->snapshot);
    if (list < 0) {
        answer(callers, index, ESRCH);
        return;
    }
    caller_reply(caller->fd, &reply, &list, 1);
    close(list);
    dismiss(callers, index);
}

static void serve_living(struct callers *callers, struct trace *trace, uint32_t index) {
    const struct caller *caller = &callers->list[index];
    bool hopeless = caller->image->state == IMAGE_ENDED ||
                    trace_clock(trace) - caller->since_ns > EARLY_PATIENCE_NS;
    if (caller->image->living.asked >= caller->snapshot || hopeless)
        hand_on(callers, index);
    else if (has_left(caller))
        dismiss(callers, index);
}

static int take_request(struct callers *callers, struct trace *trace,
                        const struct join_request *request, const char *name, int target,
                        struct caller *caller) {
    if (request->kind == JOIN_GRAPH)
        return take_process(trace, request, caller, CALLER_EARLY);
    if (request->kind == JOIN_LIVING)
        return take_process(trace, request, caller, CALLER_LIVING);
    if (request->kind == JOIN_SNAPSHOT)
        return take_asker(callers, trace, request, name, caller);
    *caller = (struct caller){.kind = CALLER_PROFILE, .target = target};
    return target >= 0 && callers->write_profile ? 0 : EINVAL;
}

int callers_take(struct callers *callers, struct trace *trace, int fd,
                 const struct join_request *request, const char *name, int target) {
    struct caller caller = {0};
    if (callers->count == CALLERS_MAX)
        return EAGAIN;
    int error = take_request(callers, trace, request, name, target, &caller);
    if (error)
        return error;
    caller.fd = fd;
    caller.since_ns = trace_clock(trace);
    callers->list[callers->count++] = caller;
    return 0;
}

void callers_serve(struct callers *callers, struct trace *trace) {
    for (uint32_t i = callers->count; i-- > 0;) {
        switch (callers->list[i].kind) {
        case CALLER_EARLY:
            serve_early(callers, trace, i);
            break;
        case CALLER_COPY:
            serve_copy(callers, trace, i);
            break;
        case CALLER_ASKER:
            serve_asker(callers, trace, i);
            break;
        case CALLER_PROFILE:
            serve_profile(callers, trace, i);
            break;
        case CALLER_LIVING:
            serve_living(callers, trace, i);
            break;
        }
    }
}

bool callers_pending(const struct callers *callers, const struct trace *trace) {
    for (uint32_t i = 0; i < callers->count; i++)
        if (callers->list[i].kind == CALLER_COPY && callers->list[i].image->dead)
            return true;
    for (uint32_t i = 0; i < trace->image_count; i++)
        if (trace->images[i]->dead && snapshots_pending(trace, trace->images[i]))
            return true;
    return false;
}
