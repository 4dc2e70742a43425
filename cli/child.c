/* See child.h. */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void become(char *const *command, int out) {
    int null = open("/dev/null", O_RDWR);
    setpgid(0, 0);
    signal(SIGXFSZ, SIG_DFL);
    dup2(null, STDIN_FILENO);
    dup2(null, STDERR_FILENO);
    dup2(out, STDOUT_FILENO);
    execv(command[0], command);
    _exit(127);
}

/* True once the other end is closed. */
static bool read_all(int fd, int64_t deadline, struct child_output *output) {
    char rest[512];
    size_t used = 0, most = sizeof output->text - 1;
    bool ended = false;
    for (int64_t left; !ended && (left = deadline - now_ms()) > 0;) {
        struct pollfd readable = {.fd = fd, .events = POLLIN};
        if (poll(&readable, 1, (int)left) != 1)
            continue;
        ssize_t got =
            used < most ? read(fd, output->text + used, most - used) : read(fd, rest, sizeof rest);
        ended = got == 0 || (got < 0 && errno != EINTR);
        if (got > 0 && used < most)
            used += (size_t)got;
    }
    output->text[used] = '\0';
    return ended;
}

/* Whoever closed its output may still run on. */
static bool has_ended(pid_t pid, int64_t deadline, int *status) {
    struct timespec pause = {.tv_nsec = 1000000};
    pid_t ended;
    while ((ended = waitpid(pid, status, WNOHANG)) == 0 && now_ms() < deadline)
        nanosleep(&pause, NULL);
    return ended == pid;
}

int child_run(char *const *command, int milliseconds, struct child_output *output) {
    int ends[2], status = 0;
    int64_t deadline = now_ms() + milliseconds;
    output->text[0] = '\0';
    if (pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0)
        become(command, ends[1]);
    close(ends[1]);
    bool ended =
        pid > 0 && read_all(ends[0], deadline, output) && has_ended(pid, deadline, &status);
    close(ends[0]);
    if (pid > 0 && !ended) {
        kill(-pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
    if (!ended)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
