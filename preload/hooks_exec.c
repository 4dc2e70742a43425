/* New process images: every exec-like call takes the session along (environment.h), and a process that
 * is about to lose its memory says so first. All of it must work in a vfork child, which runs on its
 * parent's memory: nothing is allocated, and what was the parent's stays as it was. */
#include <alloca.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "environment.h"
#include "real.h"
#include "sys.h"
#include "thread.h"

/* More variables than this are passed on as they are, without the session: they would not fit a small
 * thread's stack twice. */
#define VARIABLES_MAX 8192u

static bool session_goes_on(void) {
    return environment.known && process.epoch && !process.off &&
           session_collector_alive(process.session);
}

static bool worth_passing(char *const envp[]) {
    return session_goes_on() && environment_count(envp) <= VARIABLES_MAX;
}

/* `envp` with the session in it, on the caller's stack; NULL when `envp` is to be used as it is. */
#define ENVIRONMENT_ON_STACK(envp)                                                                   \
    (worth_passing(envp) ? alloca((environment_count(envp) + 3) * sizeof(char *) +                   \
                                  environment_text_size(envp))                                       \
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
    return process.epoch && self.epoch == process.epoch &&
           self.tid == (uint32_t)sys_call6(SYS_gettid, 0, 0, 0, 0, 0, 0);
}

static bool exec_begins(void) {
    if (!image_is_ours())
        return false;
    mark(MARK_EXEC);
    return true;
}

static int exec_failed(bool marked) {
    int error = errno;
    if (marked)
        mark(MARK_EXEC_FAILED);
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
#define COLLECT_ARGUMENTS(argv, first, list)                                                         \
    va_list list;                                                                                    \
    va_start(list, first);                                                                           \
    char **argv = alloca((count_arguments(first, &list) + 1) * sizeof(char *));                      \
    va_end(list);                                                                                    \
    va_start(list, first);                                                                           \
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
                       const posix_spawnattr_t *attributes, char *const argv[], char *const envp[]) {
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

/* libc starts the shell by ways that no hook sees, so the session goes along inside the command: the
 * shell itself is not traced, what it starts is. */
static char *shell_command(const char *command, size_t *size) {
    if (!session_goes_on() || strchr(environment.preload, '\''))
        return NULL;
    const char *parts[] = {"export '", environment.preload, "'${LD_PRELOAD:+:$LD_PRELOAD} '",
                           environment.session, "'; ", command};
    *size = 1;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        *size += strlen(parts[i]);
    char *text = pages_map(*size);
    char *end = text;
    for (size_t i = 0; text && i < sizeof parts / sizeof parts[0]; i++)
        end = stpcpy(end, parts[i]);
    return text;
}

EXPORT int system(const char *command) {
    real_find();
    size_t size = 0;
    char *ours = command ? shell_command(command, &size) : NULL;
    int status = real.system(ours ? ours : command);
    if (ours)
        pages_unmap(ours, size);
    return status;
}

EXPORT FILE *popen(const char *command, const char *type) {
    real_find();
    size_t size = 0;
    char *ours = shell_command(command, &size);
    FILE *stream = real.popen(ours ? ours : command, type);
    if (ours)
        pages_unmap(ours, size);
    return stream;
}
