/* Joining the session: the first image, a forked child, and a process that runs out of rings.
 *
 * Only raw system calls, with every signal blocked: this runs inside the first malloc, in children
 * of multi-threaded programs, and on threads that may hold any lock of libc's.
 */
#include <linux/futex.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "../wire/join.h"
#include "../wire/references.h"
#include "environment.h"
#include "native/native.h"
#include "python.h"
#include "refs/refs.h"
#include "seccomp.h"
#include "sys.h"
#include "thread.h"

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

#define JOIN_TIMEOUT_S 10

static_assert(sizeof(struct process) == WIRE_PAGE,
              "the wiped page holds the process and nothing else");

struct process process;
_Thread_local struct thread self;

/* What a forked child inherits: everything that is not in the wiped page. */
static struct lineage {
    uint32_t epoch;  /* the last one handed out */
    uint32_t number; /* of the process that this memory was copied from, or this one */
    bool off;
    struct session_page *session;
    struct sockaddr_un address;
    socklen_t address_size;
    char token[JOIN_TOKEN_SIZE];
} lineage;

/* "HOLDFAST_SESSION=<name>:<token>" */
static bool parse_session(const char *text) {
    const char *name = text + sizeof SESSION_ENV;
    const char *colon = strrchr(name, ':');
    if (!colon || strlen(colon + 1) != JOIN_TOKEN_SIZE || colon == name)
        return false;
    size_t length = (size_t)(colon - name);
    if (length > JOIN_NAME_MAX)
        return false;
    lineage.address.sun_family = AF_UNIX;
    memcpy(lineage.address.sun_path + 1, name, length);
    lineage.address_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length);
    memcpy(lineage.token, colon + 1, JOIN_TOKEN_SIZE);
    return true;
}

static int session_connect(unsigned timeout_s) {
    long fd = sys_call6(SYS_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, 0, 0, 0);
    if (sys_failed(fd))
        return -1;
    struct timeval timeout = {.tv_sec = (time_t)timeout_s};
    sys_call6(SYS_setsockopt, fd, SOL_SOCKET, SO_RCVTIMEO, (long)&timeout, sizeof timeout, 0);
    sys_call6(SYS_setsockopt, fd, SOL_SOCKET, SO_SNDTIMEO, (long)&timeout, sizeof timeout, 0);
    if (!sys_failed(sys_call6(SYS_connect, fd, (long)&lineage.address, (long)lineage.address_size,
                              0, 0, 0)))
        return (int)fd;
    sys_call6(SYS_close, fd, 0, 0, 0, 0, 0);
    return -1;
}

#define ANSWER_FDS 3

struct answer {
    struct join_reply reply;
    int fds[ANSWER_FDS];
    int fd_count;
};

static void answer_close(struct answer *answer) {
    for (int i = 0; i < answer->fd_count; i++)
        sys_call6(SYS_close, answer->fds[i], 0, 0, 0, 0, 0);
}

static bool receive_answer(int fd, struct answer *answer) {
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof answer->fds)];
    } control = {0};
    struct iovec piece = {&answer->reply, sizeof answer->reply};
    struct msghdr message = {.msg_iov = &piece,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = CMSG_LEN(sizeof answer->fds)};
    long got = sys_call6(SYS_recvmsg, fd, (long)&message, MSG_CMSG_CLOEXEC, 0, 0, 0);
    if (sys_failed(got))
        return false;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
        answer->fd_count = (int)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        memcpy(answer->fds, CMSG_DATA(header), (size_t)answer->fd_count * sizeof(int));
    }
    return got == (long)sizeof answer->reply && answer->reply.version == WIRE_VERSION &&
           answer->reply.status == 0;
}

/* The connection, still open; -1 when the request was refused. */
static int ask_on(uint32_t kind, uint32_t snapshot, unsigned timeout_s, struct answer *answer) {
    *answer = (struct answer){0};
    int fd = session_connect(timeout_s);
    if (fd < 0)
        return -1;
    struct join_request request = {
        .version = WIRE_VERSION, .kind = kind, .process = lineage.number, .snapshot = snapshot};
    request.pid = (uint32_t)sys_call6(SYS_getpid, 0, 0, 0, 0, 0, 0);
    memcpy(request.token, lineage.token, sizeof request.token);
    long sent = sys_call6(SYS_sendto, fd, (long)&request, sizeof request, MSG_NOSIGNAL, 0, 0);
    if (sent == (long)sizeof request && receive_answer(fd, answer))
        return fd;
    sys_call6(SYS_close, fd, 0, 0, 0, 0, 0);
    answer_close(answer);
    return -1;
}

static bool ask(uint32_t kind, struct answer *answer) {
    int fd = ask_on(kind, 0, JOIN_TIMEOUT_S, answer);
    if (fd >= 0)
        sys_call6(SYS_close, fd, 0, 0, 0, 0, 0);
    return fd >= 0;
}

bool process_offer_graph(uint32_t snapshot, unsigned timeout_s, struct graph_offer *offer) {
    struct answer answer;
    offer->connection = ask_on(JOIN_GRAPH, snapshot, timeout_s, &answer);
    if (offer->connection < 0)
        return false;
    if (answer.fd_count != 2) {
        answer_close(&answer);
        sys_call6(SYS_close, offer->connection, 0, 0, 0, 0, 0);
        return false;
    }
    offer->large = answer.fds[0];
    offer->stream = answer.fds[1];
    return true;
}

void process_disown(void) {
    lineage.off = true;
}

static void *map_shared(int fd, size_t size) {
    long result = sys_call6(SYS_mmap, 0, (long)size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return sys_failed(result) ? NULL : (void *)result;
}

uint64_t *process_ask_living(uint32_t number, unsigned timeout_s, uint32_t *count) {
    struct answer answer;
    int fd = ask_on(JOIN_LIVING, number, timeout_s, &answer);
    if (fd < 0)
        return NULL;
    sys_call6(SYS_close, fd, 0, 0, 0, 0, 0);
    *count = answer.reply.count;
    uint64_t *list = answer.fd_count == 1 ? map_shared(answer.fds[0], *count * sizeof *list) : NULL;
    answer_close(&answer);
    return list;
}

/* A child must never write its parent's rings, so it does not get their pages at all. */
static struct region *map_region(int fd) {
    struct region *header = map_shared(fd, REGION_HEADER_SIZE);
    if (!header)
        return NULL;
    size_t size = region_size(header->has_gil_ring != 0, header->ring_count);
    bool valid = header->version == WIRE_VERSION && header->ring_count <= REGION_MAX_RINGS;
    pages_unmap(header, REGION_HEADER_SIZE);
    struct region *region = valid ? map_shared(fd, size) : NULL;
    if (region)
        sys_call6(SYS_madvise, (long)region, (long)size, MADV_DONTFORK, 0, 0, 0);
    return region;
}

/* A child has its own counts, and a copy none. */
static struct references *map_references(int fd) {
    struct references *references = map_shared(fd, sizeof *references);
    if (references)
        sys_call6(SYS_madvise, (long)references, sizeof *references, MADV_DONTFORK, 0, 0, 0);
    return references;
}

static bool take_answer(struct answer *answer) {
    if (answer->fd_count < 2)
        return false;
    if (!lineage.session)
        lineage.session = map_shared(answer->fds[0], WIRE_PAGE);
    struct region *region = lineage.session ? map_region(answer->fds[1]) : NULL;
    if (!region)
        return false;
    if (answer->fd_count == 3)
        process.references = map_references(answer->fds[2]);
    sys_call6(SYS_madvise, (long)&process, sizeof process, MADV_WIPEONFORK, 0, 0, 0);
    process.session = lineage.session;
    process.region = region;
    process.number = lineage.number = answer->reply.process;
    if (process.session->lifetimes)
        frees_tell();
    if (region->has_gil_ring)
        writer_open(&process.gil, region, 0);
    if (region->filtered)
        seccomp_unknown();
    seccomp_publish();
    return writers_add(region);
}

static bool join_first_image(struct answer *answer) {
    return environment_take() && parse_session(environment.session) && ask(JOIN_IMAGE, answer) &&
           take_answer(answer);
}

static bool join_forked_child(struct answer *answer) {
    if (lineage.off || !session_collector_alive(lineage.session))
        return false;
    if (ask(JOIN_FORK, answer) && take_answer(answer))
        return true;
    atomic_fetch_add(&lineage.session->unjoined, 1);
    return false;
}

/* A child of a process whose filter forbids to join: it goes on untraced, without a system call. */
static bool join_forbidden(void) {
    if (seccomp_lets(SECCOMP_JOIN))
        return false;
    if (lineage.session && !lineage.off)
        atomic_fetch_add(&lineage.session->unjoined, 1);
    process.off = lineage.off = true;
    process.epoch = ++lineage.epoch;
    return true;
}

bool process_join(void) {
    if (process.epoch)
        return !process.off;
    if (!environ || join_forbidden())
        return false;
    struct signals signals = signals_block();
    if (!atomic_exchange(&process.joining, true)) {
        struct answer answer = {0};
        bool joined = lineage.session ? join_forked_child(&answer)
                      : lineage.off   ? false
                                      : join_first_image(&answer);
        answer_close(&answer);
        process.off = lineage.off = !joined;
        process.pid = (uint32_t)sys_call6(SYS_getpid, 0, 0, 0, 0, 0, 0);
        if (joined) {
            native_begin();
            python_publish();
            refs_joined();
        }
        process.epoch = ++lineage.epoch;
        atomic_store(&process.joining, false);
    }
    signals_restore(signals);
    return process.epoch && !process.off;
}

bool session_goes_on(void) {
    return lineage.session && !lineage.off && environment.known && seccomp_lets(SECCOMP_JOIN) &&
           session_collector_alive(lineage.session);
}

/* What makes an answer fail may pass: no descriptor is free, the collector is busy. */
#define RINGS_REST 1000u

bool process_may_ask_for_rings(void) {
    bool full = atomic_load(&process.group_count) == RING_GROUPS_MAX;
    if (full || !seccomp_lets(SECCOMP_JOIN))
        process.no_more_rings = true;
    if (process.no_more_rings)
        return false;
    uint32_t rest = atomic_load_explicit(&process.rings_rest, memory_order_relaxed);
    if (rest)
        atomic_store_explicit(&process.rings_rest, rest - 1, memory_order_relaxed);
    return rest == 0;
}

bool process_more_rings(void) {
    struct signals signals = signals_block();
    bool more = true;
    if (atomic_exchange(&process.joining, true)) {
        sys_call6(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
    } else {
        struct answer answer;
        struct region *region = NULL;
        if (ask(JOIN_RINGS, &answer) && answer.fd_count == 1)
            region = map_region(answer.fds[0]);
        answer_close(&answer);
        more = region && writers_add(region);
        if (!more)
            atomic_store_explicit(&process.rings_rest, RINGS_REST, memory_order_relaxed);
        atomic_store(&process.joining, false);
    }
    signals_restore(signals);
    return more;
}
