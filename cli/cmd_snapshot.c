/* holdfast snapshot: asks the collector of a traced process for a snapshot of its references. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../wire/join.h"
#include "../wire/session.h"
#include "command.h"

#define EXIT_NOT_TAKEN 1
#define ENVIRONMENT_MAX (4u << 20)
#define TIMEOUT_DEFAULT 30u
#define TIMEOUT_MAX 86400u
#define SILENT_MS 2000

enum { NAME = OPTION_LONG, TIMEOUT, NO_SNAPSHOT };

static const char about[] =
    "\n"
    "Has a running process, started by `holdfast run`, take a snapshot: which references hold its\n"
    "memory now. The profile keeps it, up to 16 of a process. It is taken when the process next\n"
    "allocates memory, so one that only waits takes it later; one without a GIL (a free-threaded\n"
    "build) when a thread next allocates 128 KiB or more at once, and of that thread's frames "
    "only.\n"
    "\n"
    "Options:";

static const struct option_row rows[] = {
    {.key = NAME,
     .name = "name",
     .value = "NAME",
     .help = "what to call it in the report; at most 64 bytes"},
    {.key = TIMEOUT,
     .name = "timeout",
     .value = "SECONDS",
     .help = "how long to wait for it; default: 30"},
    {.key = 'o',
     .name = "output",
     .value = "FILE",
     .completes = COMPLETES_PROFILE,
     .help = "then write the profile of the run so far there; the run goes on"},
    {.key = NO_SNAPSHOT,
     .name = "no-snapshot",
     .help = "with --output: take none, write the profile alone"},
    {0}};

static const char after[] =
    "The exit status is 0 when the snapshot is there, 1 when it is not, 2 when it cannot be had.\n"
    "\n"
    "Example:\n"
    "  holdfast snapshot --name 'after loading' 4711\n";

struct ask {
    const char *name;
    const char *output; /* NULL: no profile is to be written */
    bool no_snapshot;
    uint32_t pid, timeout;
};

static bool read_number(const char *text, uint32_t most, uint32_t *number) {
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    *number = (uint32_t)value;
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && value > 0 &&
           value <= most;
}

static bool misuse(const char *format, const char *what) {
    fprintf(stderr, format, what);
    return false;
}

static bool take_operand(int argc, char **argv, struct ask *ask) {
    if (optind == argc)
        return misuse("holdfast: which process? `holdfast %s PID`\n", argv[0]);
    if (optind + 1 < argc)
        return misuse("holdfast: one PID at a time; '%.100s' is one too many\n", argv[optind + 1]);
    if (!read_number(argv[optind], INT32_MAX, &ask->pid))
        return misuse("holdfast: '%.100s' is not the PID of a process\n", argv[optind]);
    return true;
}

static bool take_option(void *context, int key, const char *value) {
    struct ask *ask = context;
    if (key == TIMEOUT)
        return read_number(value, TIMEOUT_MAX, &ask->timeout) ||
               misuse("holdfast: --timeout takes 1 to 86400 seconds, not '%.100s'\n", value);
    if (key == 'o') {
        ask->output = value;
        return true;
    }
    if (key == NO_SNAPSHOT)
        return ask->no_snapshot = true;
    if (strlen(value) > SNAPSHOT_NAME_MAX || value[0] == '\0')
        return misuse("holdfast: --name takes 1 to 64 bytes, not '%.100s'\n", value);
    ask->name = value;
    return true;
}

/* -1: go on; otherwise the exit status. */
static int parse(int argc, char **argv, struct ask *ask) {
    int status = options_read(&command_snapshot, argc, argv, take_option, ask);
    if (status >= 0)
        return status;
    if (ask->no_snapshot && !ask->output)
        return misuse("holdfast: --no-snapshot goes with --output%s\n", ""), EXIT_MISUSE;
    return take_operand(argc, argv, ask) ? -1 : EXIT_MISUSE;
}

static int cannot(const struct ask *ask, const char *why) {
    fprintf(stderr, "holdfast: no snapshot of process %u: %s\n", ask->pid, why);
    return EXIT_MISUSE;
}

/* The environment that the process's image was started with. Its size, -1 with errno set. */
static ssize_t read_environment(uint32_t pid, char *text, size_t size) {
    char path[32];
    snprintf(path, sizeof path, "/proc/%u/environ", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    size_t used = 0;
    ssize_t got;
    while (used < size && (got = read(fd, text + used, size - used)) > 0)
        used += (size_t)got;
    int error = errno;
    close(fd);
    errno = error;
    return used < size && got < 0 ? -1 : (ssize_t)used;
}

/* "<socket name>:<token>" of the session in an environment of NUL-terminated variables. */
static const char *find_session(const char *text, size_t size) {
    static const char start[] = SESSION_ENV "=";
    for (size_t at = 0; at < size; at += strlen(text + at) + 1)
        if (strncmp(text + at, start, sizeof start - 1) == 0)
            return text + at + sizeof start - 1;
    return NULL;
}

/* The request, ready to be sent; the socket's name in `address`. */
static bool make_request(const char *session, const struct ask *ask, struct join_request *request,
                         struct sockaddr_un *address, socklen_t *size) {
    const char *colon = strchr(session, ':');
    if (!colon || colon - session > (ptrdiff_t)JOIN_NAME_MAX ||
        strlen(colon + 1) != JOIN_TOKEN_SIZE)
        return false;
    size_t length = (size_t)(colon - session);
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(address->sun_path + 1, session, length);
    *size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length);
    *request =
        (struct join_request){.version = WIRE_VERSION, .kind = JOIN_SNAPSHOT, .pid = ask->pid};
    memcpy(request->token, colon + 1, JOIN_TOKEN_SIZE);
    return true;
}

/* A request with its name, or with the descriptor `given`. */
static bool send_parts(int fd, const struct join_request *request, const char *name, int given) {
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec pieces[2] = {{(void *)(uintptr_t)request, sizeof *request},
                              {(void *)(uintptr_t)name, name ? strlen(name) : 0}};
    struct msghdr message = {.msg_iov = pieces, .msg_iovlen = 2};
    if (given >= 0) {
        message.msg_control = &control;
        message.msg_controllen = sizeof control;
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(sizeof given);
        memcpy(CMSG_DATA(&control.header), &given, sizeof given);
    }
    return sendmsg(fd, &message, MSG_NOSIGNAL) >= 0;
}

static int send_request(const struct join_request *request, const char *name, int given,
                        const struct sockaddr_un *address, socklen_t size) {
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)address, size) == 0 &&
        send_parts(fd, request, name, given))
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static const char *explain(uint32_t status) {
    switch (status) {
    case ESRCH:
        return "it is not traced, or has just ended";
    case EOPNOTSUPP:
        return "its run has --no-holders";
    case EBUSY:
        return "another request for it is waiting";
    case ENOSPC:
        return "the profile already keeps 16 that were asked for";
    case EFBIG:
        return "its heap is too large for the profile to hold";
    case EIO:
        return "the walk over its heap did not come to an end";
    case EAGAIN:
        return "the collector is busy; try again";
    case EPROTO:
        return "another version of Holdfast traces it";
    default:
        return strerror((int)status);
    }
}

/* True when the answer is there. */
static bool wait_for(int fd, int milliseconds) {
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    return poll(&readable, 1, milliseconds) == 1;
}

static int receive_answer(int fd, const struct ask *ask) {
    struct join_reply reply;
    int all = (int)(ask->timeout * 1000), first = all < SILENT_MS ? all : SILENT_MS;
    bool answered = wait_for(fd, first);
    if (!answered && all > first) {
        fprintf(stderr,
                "holdfast: waiting for process %u to allocate memory (without a GIL: 128 KiB at "
                "once)\n",
                ask->pid);
        answered = wait_for(fd, all - first);
    }
    if (!answered) {
        fprintf(
            stderr,
            "holdfast: no snapshot of process %u yet: it has allocated nothing for %u s (without a "
            "GIL: no 128 KiB at once); it is taken when it does\n",
            ask->pid, ask->timeout);
        return EXIT_NOT_TAKEN;
    }
    if (recv(fd, &reply, sizeof reply, 0) != (ssize_t)sizeof reply) {
        cannot(ask, "its collector has ended");
        return EXIT_NOT_TAKEN;
    }
    if (reply.status == 0)
        return 0;
    cannot(ask, explain(reply.status));
    return reply.status == EIO || reply.status == EFBIG ? EXIT_NOT_TAKEN : EXIT_MISUSE;
}

struct session_address {
    struct sockaddr_un name;
    socklen_t size;
};

static int ask_snapshot(const struct ask *ask, const struct join_request *request,
                        const struct session_address *address) {
    int fd = send_request(request, ask->name, -1, &address->name, address->size);
    if (fd < 0)
        return cannot(ask, errno == ECONNREFUSED ? "its collector has ended" : strerror(errno));
    int status = receive_answer(fd, ask);
    close(fd);
    return status;
}

/* What is wrong with the profile that was asked for; NULL: nothing. */
static const char *profile_problem(int fd, const struct ask *ask) {
    struct join_reply reply;
    if (fd < 0)
        return errno == ECONNREFUSED ? "its collector has ended" : strerror(errno);
    if (!wait_for(fd, (int)(ask->timeout * 1000)))
        return "the collector has not answered in time";
    if (recv(fd, &reply, sizeof reply, 0) != (ssize_t)sizeof reply)
        return "its collector has ended";
    return reply.status ? explain(reply.status) : NULL;
}

/* A device or a folder is not replaced. */
static const char *place_problem(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && !S_ISREG(status.st_mode) ? "it is not a regular file" : NULL;
}

/* Beside its place and then there, so that what is in its place is whole. */
static int ask_profile(const struct ask *ask, struct join_request *request,
                       const struct session_address *address) {
    char *part = NULL;
    int file = -1, fd = -1;
    const char *problem = place_problem(ask->output);
    request->kind = JOIN_PROFILE;
    if (!problem && asprintf(&part, "%s.%d.part", ask->output, getpid()) > 0)
        file = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (!problem && file < 0)
        problem = strerror(errno);
    if (!problem) {
        fd = send_request(request, NULL, file, &address->name, address->size);
        problem = profile_problem(fd, ask);
    }
    if (!problem && rename(part, ask->output) != 0)
        problem = strerror(errno);
    if (problem)
        fprintf(stderr, "holdfast: cannot write %.300s: %s\n", ask->output, problem);
    if (problem && file >= 0)
        unlink(part);
    if (fd >= 0)
        close(fd);
    if (file >= 0)
        close(file);
    free(part);
    return problem ? EXIT_MISUSE : 0;
}

static int ask_session(const struct ask *ask, const char *session) {
    struct join_request request;
    struct session_address address;
    if (!make_request(session, ask, &request, &address.name, &address.size))
        return cannot(ask, SESSION_ENV " in its environment is damaged");
    int status = ask->no_snapshot ? 0 : ask_snapshot(ask, &request, &address);
    return status == 0 && ask->output ? ask_profile(ask, &request, &address) : status;
}

static int snapshot_main(int argc, char **argv) {
    struct ask ask = {.timeout = TIMEOUT_DEFAULT};
    int status = parse(argc, argv, &ask);
    if (status >= 0)
        return status;
    char *text = calloc(1, ENVIRONMENT_MAX + 1);
    if (!text)
        return cannot(&ask, "out of memory");
    ssize_t size = read_environment(ask.pid, text, ENVIRONMENT_MAX);
    const char *session = size > 0 ? find_session(text, (size_t)size) : NULL;
    if (session)
        status = ask_session(&ask, session);
    else if (size >= 0)
        status = cannot(&ask, "it is not traced; start it with `holdfast run`");
    else if (errno == ENOENT || errno == ESRCH)
        status = cannot(&ask, "there is no such process");
    else
        status = cannot(&ask, errno == EACCES ? "no permission to look at it" : strerror(errno));
    free(text);
    return status;
}

const struct command command_snapshot = {
    .name = "snapshot",
    .summary = "have a traced process tell what holds its memory",
    .usage = "[options] PID",
    .about = about,
    .options = rows,
    .after = after,
    .operand_completes = COMPLETES_PID,
    .main = snapshot_main,
};
