/* See join.h. */
#include "join.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "drain.h"
#include "memfd.h"
#include "procfs.h"

#define BACKLOG 1024
#define REQUEST_TIMEOUT_MS 200

static bool hold_life(struct session_page *page) {
    pthread_mutexattr_t attributes;
    if (pthread_mutexattr_init(&attributes) != 0)
        return false;
    bool held = pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED) == 0 &&
                pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST) == 0 &&
                pthread_mutex_init(&page->life, &attributes) == 0 &&
                pthread_mutex_lock(&page->life) == 0;
    pthread_mutexattr_destroy(&attributes);
    return held;
}

static bool random_hex(char *text, size_t characters) {
    unsigned char bytes[JOIN_TOKEN_SIZE / 2];
    if (characters > 2 * sizeof bytes || getrandom(bytes, characters / 2, 0) < 0)
        return false;
    for (size_t i = 0; i < characters / 2; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    return true;
}

static bool open_listener(struct join_point *point) {
    char suffix[17];
    if (!random_hex(suffix, 16) || !random_hex(point->token, JOIN_TOKEN_SIZE))
        return false;
    int length = snprintf(point->name, sizeof point->name, "holdfast-%d-%s", getpid(), suffix);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path + 1, point->name, (size_t)length);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
    point->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return point->listener >= 0 && bind(point->listener, (struct sockaddr *)&address, size) == 0 &&
           listen(point->listener, BACKLOG) == 0;
}

struct session_page *join_open(struct join_point *point) {
    void *pages;
    point->page_fd = memfd_sealed("holdfast-session", WIRE_PAGE, &pages);
    if (point->page_fd < 0)
        return NULL;
    struct session_page *page = pages;
    page->version = WIRE_VERSION;
    return hold_life(page) && open_listener(point) ? page : NULL;
}

static int add_region(struct image *image, bool first, bool filtered) {
    void *pages;
    int fd = memfd_sealed("holdfast-rings", region_size(first, REGION_MAX_RINGS), &pages);
    if (fd < 0)
        return -1;
    struct region *region = pages;
    region->version = WIRE_VERSION;
    region->process = image->number;
    region->ring_count = REGION_MAX_RINGS;
    region->has_gil_ring = first;
    region->filtered = filtered;
    if (image_add_region(image, region, REGION_MAX_RINGS, first))
        return fd;
    munmap(pages, region_size(first, REGION_MAX_RINGS));
    close(fd);
    errno = ENOMEM;
    return -1;
}

static bool is_readable(int fd) {
    struct pollfd poll_end = {.fd = fd, .events = POLLIN};
    return fd >= 0 && poll(&poll_end, 1, 0) == 1;
}

/* The images that a new one with the same pid replaces: by exec, or because the pid was reused. */
static uint32_t end_predecessors(struct trace *trace, uint32_t pid) {
    uint32_t parent = 0;
    for (uint32_t i = 0; i < trace->image_count; i++) {
        struct image *image = trace->images[i];
        if (image->pid != pid || image->dead)
            continue;
        if (!is_readable(image->pidfd))
            parent = image->number;
        image_die(trace, image);
    }
    return parent;
}

static uint32_t image_of_pid(const struct trace *trace, uint32_t pid) {
    for (uint32_t i = trace->image_count; i-- > 0;)
        if (trace->images[i]->pid == pid && !trace->images[i]->dead)
            return trace->images[i]->number;
    return 0;
}

static bool watch(struct join_point *point, struct image *image) {
    image->pidfd = (int)syscall(SYS_pidfd_open, image->pid, 0);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = image};
    return image->pidfd >= 0 && epoll_ctl(point->epoll, EPOLL_CTL_ADD, image->pidfd, &event) == 0;
}

struct joined {
    struct image *image;
    int fds[3];
    uint32_t fd_count;
    uint32_t made; /* of these, the last ones: they are closed here once they are sent */
    int error;
};

static void give(struct joined *joined, int fd) {
    joined->fds[joined->fd_count++] = fd;
    joined->made++;
}

static void join_process(struct join_point *point, struct trace *trace,
                         const struct join_request *request, uint32_t pid, struct joined *joined) {
    uint32_t before = end_predecessors(trace, pid);
    struct image *image = image_new(trace, pid);
    if (!image) {
        trace_warn(trace, "more than %u processes: " PROFILE_NOT_IN_HERE, IMAGES_MAX);
        joined->error = EAGAIN;
        return;
    }
    image->self_pid = request->pid;
    procfs_describe(image);
    image->collections.inherited = request->kind == JOIN_FORK;
    if (request->kind == JOIN_FORK && request->process <= trace->image_count)
        image->parent = request->process;
    else
        image->parent = before ? before : image_of_pid(trace, image->ppid);
    /* A forked child knows its own. */
    bool filtered = request->kind == JOIN_IMAGE && procfs_filters(pid) > point->filters;
    int fd = watch(point, image) ? add_region(image, true, filtered) : -1;
    if (fd < 0) {
        joined->error = errno;
        trace_warn(trace, "process %u " PROFILE_NOT_FOLLOWED ": %s", pid, strerror(errno));
        drain_end_image(trace, image);
        return;
    }
    joined->image = image;
    joined->fds[joined->fd_count++] = point->page_fd;
    give(joined, fd);
    if (trace->page->refs && (fd = references_open(&image->references)) >= 0)
        give(joined, fd);
}

static void join_rings(struct trace *trace, const struct join_request *request, uint32_t pid,
                       struct joined *joined) {
    struct image *image = NULL;
    if (request->process >= 1 && request->process <= trace->image_count)
        image = trace->images[request->process - 1];
    if (!image || image->pid != pid || image->state == IMAGE_ENDED) {
        joined->error = ESRCH;
        return;
    }
    int fd = add_region(image, false, false);
    if (fd < 0) {
        joined->error = errno;
        trace_warn(trace, "process %u " PROFILE_MORE_THREADS, pid);
        return;
    }
    joined->image = image;
    give(joined, fd);
}

static bool may_join(struct join_point *point, const struct join_request *request, uint32_t pid) {
    if (request->kind >= JOIN_RINGS || point->follow)
        return true;
    if (point->first_pid == 0)
        point->first_pid = (pid_t)pid;
    return request->kind == JOIN_IMAGE && (pid_t)pid == point->first_pid;
}

static int check(struct join_point *point, const struct join_request *request, uint32_t pid) {
    if (request->version != WIRE_VERSION)
        return EPROTO;
    if (memcmp(request->token, point->token, JOIN_TOKEN_SIZE) != 0)
        return EACCES;
    if (!may_join(point, request, pid))
        return EPERM;
    return request->kind >= JOIN_IMAGE && request->kind <= JOIN_LIVING ? 0 : EINVAL;
}

static void handle(struct join_point *point, struct trace *trace,
                   const struct join_request *request, uint32_t pid, struct joined *joined) {
    if (request->kind == JOIN_RINGS)
        join_rings(trace, request, pid, joined);
    else
        join_process(point, trace, request, pid, joined);
}

static void send_reply(int fd, const struct joined *joined) {
    struct join_reply reply = {.version = WIRE_VERSION, .status = (uint32_t)joined->error};
    if (joined->image)
        reply.process = joined->image->number;
    caller_reply(fd, &reply, joined->fds, joined->fd_count);
}

/* What was sent: a request, and for a snapshot the name that follows it. */
struct message {
    struct join_request request;
    char name[SNAPSHOT_NAME_MAX + 1];
};

/* The descriptor that came, if it is the only one. Who sends more is none of ours, and as many as
 * there was room for are open here. */
static int take_given(const struct cmsghdr *header) {
    int fds[CMSG_SPACE(sizeof(int)) / sizeof(int)] = {-1};
    size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    memcpy(fds, CMSG_DATA(header), count * sizeof(int));
    if (count == 1)
        return fds[0];
    for (size_t i = 0; i < count; i++)
        close(fds[i]);
    return -1;
}

/* The message, and the descriptor that came with it, if any. Its size, -1 with errno set. */
static ssize_t receive_all(int fd, struct message *message, int *given) {
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec piece = {message, offsetof(struct message, name) + SNAPSHOT_NAME_MAX};
    struct msghdr parts = {.msg_iov = &piece,
                           .msg_iovlen = 1,
                           .msg_control = &control,
                           .msg_controllen = sizeof control};
    ssize_t got = recvmsg(fd, &parts, MSG_DONTWAIT | MSG_TRUNC | MSG_CMSG_CLOEXEC);
    const struct cmsghdr *header = got < 0 ? NULL : CMSG_FIRSTHDR(&parts);
    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
        *given = take_given(header);
    return got;
}

/* A process connects and asks at once; one that does not is not one of ours. */
static bool receive(int fd, struct message *message, struct ucred *peer, int *given) {
    socklen_t size = sizeof *peer;
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    *message = (struct message){0};
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, peer, &size) != 0 || peer->pid <= 0 ||
        poll(&readable, 1, REQUEST_TIMEOUT_MS) != 1)
        return false;
    ssize_t got = receive_all(fd, message, given);
    size_t least = sizeof message->request;
    size_t most = least + (message->request.kind == JOIN_SNAPSHOT ? SNAPSHOT_NAME_MAX : 0);
    return got >= (ssize_t)least && got <= (ssize_t)most;
}

/* True when the connection stays open. */
static bool serve_one(struct join_point *point, struct trace *trace, int fd) {
    struct ucred peer;
    struct message message;
    struct joined joined = {0};
    int given = -1;
    bool received = receive(fd, &message, &peer, &given);
    if (given >= 0 && (!received || message.request.kind != JOIN_PROFILE)) {
        close(given);
        given = -1;
    }
    if (!received)
        return false;
    const struct join_request *request = &message.request;
    joined.error = check(point, request, (uint32_t)peer.pid);
    bool is_caller = request->kind >= JOIN_GRAPH;
    if (!joined.error && is_caller)
        joined.error = callers_take(&point->callers, trace, fd, request, message.name, given);
    else if (!joined.error)
        handle(point, trace, request, (uint32_t)peer.pid, &joined);
    if (is_caller && !joined.error)
        return true;
    if (given >= 0)
        close(given);
    point->refused += joined.error != 0;
    send_reply(fd, &joined);
    while (joined.made-- > 0)
        close(joined.fds[--joined.fd_count]);
    return false;
}

void join_serve(struct join_point *point, struct trace *trace) {
    for (;;) {
        int fd = accept4(point->listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            return;
        if (!serve_one(point, trace, fd))
            close(fd);
    }
}
