/* New process images: every exec-like call takes the session along (environment.h), and a process
 * that is about to lose its memory says so first. All of it must work in a vfork child, which runs
 * on its parent's memory: nothing is allocated, and what was the parent's stays as it was. */
#include <alloca.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "environment.h"
#include "living.h"
#include "real.h"
#include "seccomp.h"
#include "snapshot.h"
#include "sys.h"
#include "thread.h"

/* More variables than this are passed on as they are, without the session: they would not fit a
 * small thread's stack twice. */
#define VARIABLES_MAX 8192u

static bool worth_passing(char *const envp[]) {
    return session_goes_on() && environment_count(envp) <= VARIABLES_MAX &&
           !environment_is_untraced(envp);
}

/* `envp` with the session in it, on the caller's stack; NULL when `envp` is to be used as it is. */
#define ENVIRONMENT_ON_STACK(envp)                                                                 \
    (worth_passing(envp)                                                                           \
         ? alloca((environment_count(envp) + 3) * sizeof(char *) + environment_text_size(envp))    \
         : NULL)

static char *const *fill(char *const envp[], void *space) {
    if (!space)
        return envp;
    char **built = space;
    environment_build(envp, built, (char *)(built + environment_count(envp) + 3));
    return built;
}

static void mark(unsigned what) {
    struct writer *writer = event_begin();
    if (!writer)
        return;
    event_mark(writer, what, 0);
    event_end(writer);
}

/* Not so in a vfork child, whose parent's memory lives on. */
static bool image_is_ours(void) {
    return process.epoch && self.epoch == process.epoch && seccomp_lets(SECCOMP_ATTACH) &&
           self.tid == (uint32_t)sys_call6(SYS_gettid, 0, 0, 0, 0, 0, 0);
}

static bool exec_begins(void) {
    if (!image_is_ours())
        return false;
    snapshot_settle(false);
    living_tell();
    mark(MARK_EXEC);
    return true;
}

static int exec_failed(bool marked) {
    int error = errno;
    if (marked) {
        mark(MARK_EXEC_FAILED);
        living_goes_on();
    }
    errno = error;
    return -1;
}

EXPORT int execve(const char *path, char *const argv[], char *const envp[]) {
    real_find();
    char *const *environment_given = fill(envp, ENVIRONMENT_ON_STACK(envp));
    bool marked = exec_begins();
    real.execve(path, argv, environment_given);
    return exec_failed(marked);
}

EXPORT int execvpe(const char *file, char *const argv[], char *const envp[]) {
    real_find();
    char *const *environment_given = fill(envp, ENVIRONMENT_ON_STACK(envp));
    bool marked = exec_begins();
    real.execvpe(file, argv, environment_given);
    return exec_failed(marked);
}

EXPORT int execv(const char *path, char *const argv[]) {
    return execve(path, argv, environ);
}

EXPORT int execvp(const char *file, char *const argv[]) {
    return execvpe(file, argv, environ);
}

EXPORT int fexecve(int fd, char *const argv[], char *const envp[]) {
    real_find();
    char *const *environment_given = fill(envp, ENVIRONMENT_ON_STACK(envp));
    bool marked = exec_begins();
    real.fexecve(fd, argv, environment_given);
    return exec_failed(marked);
}

EXPORT int execveat(int fd, const char *path, char *const argv[], char *const envp[], int flags) {
    real_find();
    if (!real.execveat) {
        errno = ENOSYS;
        return -1;
    }
    char *const *environment_given = fill(envp, ENVIRONMENT_ON_STACK(envp));
    bool marked = exec_begins();
    real.execveat(fd, path, argv, environment_given, flags);
    return exec_failed(marked);
}

/* The variadic three: arguments up to NULL, for execle followed by the environment. */
static size_t count_arguments(const char *first, va_list *list) {
    size_t count = 0;
    for (const char *argument = first; argument; argument = va_arg(*list, char *))
        count++;
    return count;
}

static void copy_arguments(char **argv, const char *first, va_list *list) {
    argv[0] = (char *)(uintptr_t)first;
    for (size_t i = 0; argv[i]; i++)
        argv[i + 1] = va_arg(*list, char *);
}

/* A macro, because the array must live on the caller's stack. */
#define COLLECT_ARGUMENTS(argv, first, list)                                                       \
    va_list list;                                                                                  \
    va_start(list, first);                                                                         \
    char **argv = alloca((count_arguments(first, &list) + 1) * sizeof(char *));                    \
    va_end(list);                                                                                  \
    va_start(list, first);                                                                         \
    copy_arguments(argv, first, &list)

EXPORT int execl(const char *path, const char *first, ...) {
    COLLECT_ARGUMENTS(argv, first, list);
    va_end(list);
    return execve(path, argv, environ);
}

EXPORT int execlp(const char *file, const char *first, ...) {
    COLLECT_ARGUMENTS(argv, first, list);
    va_end(list);
    return execvpe(file, argv, environ);
}

EXPORT int execle(const char *path, const char *first, ...) {
    COLLECT_ARGUMENTS(argv, first, list);
    char *const *envp = va_arg(list, char *const *);
    va_end(list);
    return execve(path, argv, envp);
}

EXPORT int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                       const posix_spawnattr_t *attributes, char *const argv[],
                       char *const envp[]) {
    real_find();
    return real.posix_spawn(pid, path, actions, attributes, argv,
                            fill(envp, ENVIRONMENT_ON_STACK(envp)));
}

EXPORT int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
                        const posix_spawnattr_t *attributes, char *const argv[],
                        char *const envp[]) {
    real_find();
    return real.posix_spawnp(pid, file, actions, attributes, argv,
                             fill(envp, ENVIRONMENT_ON_STACK(envp)));
}

/* libc's own system() starts the shell by ways that no hook sees. This is the same thing by way of
 * posix_spawn: while the shell runs, the two interrupting signals are the shell's affair, and
 * SIGCHLD waits. What several threads change of the signals they have in common, the last one puts
 * back. */
static struct {
    pthread_mutex_t lock;
    unsigned running;
    struct sigaction interrupt, quit;
} shells = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void signals_leave_to_shell(sigset_t *old) {
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    pthread_mutex_lock(&shells.lock);
    if (shells.running++ == 0) {
        sigaction(SIGINT, &ignore, &shells.interrupt);
        sigaction(SIGQUIT, &ignore, &shells.quit);
    }
    pthread_mutex_unlock(&shells.lock);
    sigset_t block;
    sigemptyset(&block);
    sigaddset(&block, SIGCHLD);
    pthread_sigmask(SIG_BLOCK, &block, old);
}

static void signals_take_back(const sigset_t *old) {
    pthread_mutex_lock(&shells.lock);
    if (--shells.running == 0) {
        sigaction(SIGINT, &shells.interrupt, NULL);
        sigaction(SIGQUIT, &shells.quit, NULL);
    }
    pthread_mutex_unlock(&shells.lock);
    pthread_sigmask(SIG_SETMASK, old, NULL);
}

static int shell_spawn(const char *command, const sigset_t *mask, pid_t *pid) {
    char *argv[] = {"sh", "-c", (char *)(uintptr_t)command, NULL};
    sigset_t defaults;
    sigemptyset(&defaults);
    if (shells.interrupt.sa_handler != SIG_IGN)
        sigaddset(&defaults, SIGINT);
    if (shells.quit.sa_handler != SIG_IGN)
        sigaddset(&defaults, SIGQUIT);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, mask);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    int error = posix_spawn(pid, "/bin/sh", NULL, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    return error;
}

struct shell {
    pid_t pid;
    const sigset_t *mask;
};

static void shell_cancelled(void *argument) {
    struct shell *shell = argument;
    int state;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    kill(shell->pid, SIGKILL);
    while (waitpid(shell->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    signals_take_back(shell->mask);
    pthread_setcancelstate(state, NULL);
}

static int shell_wait(struct shell *shell) {
    int status = -1;
    pid_t ended;
    pthread_cleanup_push(shell_cancelled, shell);
    do
        ended = waitpid(shell->pid, &status, 0);
    while (ended < 0 && errno == EINTR);
    pthread_cleanup_pop(0);
    return ended == shell->pid ? status : -1;
}

EXPORT int system(const char *command) {
    real_find();
    if (!command || !session_goes_on())
        return real.system(command);
    sigset_t mask;
    signals_leave_to_shell(&mask);
    struct shell shell = {.mask = &mask};
    int error = shell_spawn(command, &mask, &shell.pid);
    int status = error ? 127 << 8 : shell_wait(&shell);
    int kept = error ? error : errno;
    signals_take_back(&mask);
    errno = kept;
    return status;
}

/* popen hands `environ` to its shell while it runs; nothing else can be put in its way. Another
 * thread that changes the environment at that very moment loses the change. */
EXPORT FILE *popen(const char *command, const char *type) {
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    real_find();
    pthread_mutex_lock(&lock);
    char **theirs = environ;
    char **ours = (char **)(uintptr_t)fill(theirs, ENVIRONMENT_ON_STACK(theirs));
    environ = ours;
    FILE *stream = real.popen(command, type);
    if (environ == ours)
        environ = theirs;
    pthread_mutex_unlock(&lock);
    return stream;
}
