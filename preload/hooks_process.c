/* What else tells about processes and threads: a child's death as its parent learns of it, names,
 * and libraries that are loaded later. */
#include <dlfcn.h>
#include <link.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "../wire/event.h"
#include "living.h"
#include "native/native.h"
#include "python.h"
#include "real.h"
#include "refs/refs.h"
#include "seccomp.h"
#include "snapshot.h"
#include "sys.h"
#include "thread.h"

/* From here on the program knows that the child's memory is gone, and may count on it. */
static void note_reaped(pid_t pid, int status, long highest) {
    if (pid <= 0 || !(WIFEXITED(status) || WIFSIGNALED(status)))
        return;
    usage_see_child(highest);
    struct writer *writer = event_begin();
    if (!writer)
        return;
    event_mark(writer, MARK_REAPED, (uint64_t)pid | (uint64_t)(status & 0xffff) << 32);
    event_end(writer);
}

EXPORT pid_t wait4(pid_t which, int *status, int options, struct rusage *usage) {
    real_find();
    int ours = 0;
    int *seen = status ? status : &ours;
    struct rusage our_usage = {0};
    struct rusage *used = usage ? usage : &our_usage;
    pid_t pid = real.wait4(which, seen, options, used);
    if (pid > 0)
        note_reaped(pid, *seen, used->ru_maxrss);
    return pid;
}

EXPORT pid_t wait3(int *status, int options, struct rusage *usage) {
    return wait4(-1, status, options, usage);
}

EXPORT pid_t waitpid(pid_t which, int *status, int options) {
    return wait4(which, status, options, NULL);
}

EXPORT pid_t wait(int *status) {
    return wait4(-1, status, 0, NULL);
}

static int status_of(const siginfo_t *info) {
    return info->si_code == CLD_EXITED ? (info->si_status & 255) << 8 : info->si_status & 127;
}

EXPORT int waitid(idtype_t type, id_t id, siginfo_t *info, int options) {
    real_find();
    siginfo_t ours = {0};
    siginfo_t *seen = info ? info : &ours;
    int result = real.waitid(type, id, seen, options);
    bool ended = result == 0 && (seen->si_code == CLD_EXITED || seen->si_code == CLD_KILLED ||
                                 seen->si_code == CLD_DUMPED);
    if (ended && (options & WNOWAIT) == 0)
        note_reaped(seen->si_pid, status_of(seen), 0);
    return result;
}

/* exit() runs the library's destructor instead. */
EXPORT void _exit(int status) {
    real_find();
    living_tell();
    snapshot_settle(true);
    real._exit(status);
    __builtin_unreachable();
}

EXPORT void _Exit(int status) {
    _exit(status);
}

/* The kernel's number of a thread that has not ended, which is part of the name of its clock; 0
 * when there is none. */
static uint32_t tid_of(pthread_t thread) {
    clockid_t clock;
    return pthread_getcpuclockid(thread, &clock) == 0 ? ~(uint32_t)(clock >> 3) : 0;
}

static void note_name(pthread_t thread, const char *name) {
    uint32_t tid = tid_of(thread);
    struct writer *writer = tid ? event_begin() : NULL;
    if (!writer)
        return;
    event_thread_name(writer, tid, name);
    event_end(writer);
}

EXPORT int pthread_setname_np(pthread_t thread, const char *name) {
    real_find();
    int result = real.pthread_setname_np(thread, name);
    if (pthread_equal(thread, pthread_self()))
        event_own_name_changed();
    else if (result == 0)
        note_name(thread, name);
    return result;
}

/* -- Filters on system calls -- */

/* Of a vfork child: it is the parent's memory that it would change. */
static bool image_is_ours(void) {
    return process.epoch == 0 || self.epoch != process.epoch || !seccomp_lets(SECCOMP_ATTACH) ||
           self.tid == (uint32_t)sys_call6(SYS_gettid, 0, 0, 0, 0, 0, 0);
}

static bool is_strict(long number, long a, long b) {
    return number == SYS_prctl ? b == SECCOMP_MODE_STRICT : (uint32_t)a == SECCOMP_SET_MODE_STRICT;
}

/* The filter, which both ways have in the same place, is read once the kernel has accepted it. */
static long install(long number, long a, long b, long c, long d, long e) {
    bool ours = image_is_ours();
    if (ours)
        seccomp_begin();
    long result = real.syscall(number, a, b, c, d, e);
    if (ours && result >= 0)
        seccomp_installed(is_strict(number, a, b) ? NULL : (const struct sock_fprog *)c);
    if (ours)
        seccomp_end();
    return result;
}

static bool prctl_installs(long option, long mode) {
    return (int)option == PR_SET_SECCOMP &&
           (mode == SECCOMP_MODE_STRICT || mode == SECCOMP_MODE_FILTER);
}

static bool installs(long number, long a, long b) {
    if (number == SYS_seccomp)
        return (uint32_t)a == SECCOMP_SET_MODE_STRICT || (uint32_t)a == SECCOMP_SET_MODE_FILTER;
    return number == SYS_prctl && prctl_installs(a, b);
}

/* The real function must find its arguments, whatever their number, where the caller has put them:
 * it is reached by a jump, as in dlopen below. Also, syscall(SYS_clone, ...) may return on another
 * stack. */
long holdfast_syscall(SYSCALL_PARAMETERS) __asm__("syscall");
EXPORT long holdfast_syscall(SYSCALL_PARAMETERS) {
    if (!real.syscall)
        real_find();
    if (installs(number, a, b))
        return install(number, a, b, c, d, e);
    return real.syscall(SYSCALL_ARGUMENTS);
}

EXPORT int prctl(int option, ...) {
    va_list list;
    va_start(list, option);
    unsigned long a = va_arg(list, unsigned long), b = va_arg(list, unsigned long);
    unsigned long c = va_arg(list, unsigned long), d = va_arg(list, unsigned long);
    va_end(list);
    real_find();
    if (prctl_installs(option, (long)a))
        return (int)install(SYS_prctl, option, (long)a, (long)b, (long)c, (long)d);
    int result = real.prctl(option, a, b, c, d);
    if (option == PR_SET_NAME)
        event_own_name_changed();
    return result;
}

/* dlopen looks at the object that calls it when the name has to be searched for along that object's
 * run path. Then our frame must not be in between: the real function is reached by a jump, which
 * every compiler makes of the call below when it optimises. */
static bool has_run_path(const void *caller) {
    Dl_info unused;
    struct link_map *object;
    if (!dladdr1(caller, &unused, (void **)&object, RTLD_DL_LINKMAP) || !object)
        return true;
    const ElfW(Dyn) *entry = object->l_ld;
    for (; entry && entry->d_tag != DT_NULL; entry++)
        if (entry->d_tag == DT_RPATH || entry->d_tag == DT_RUNPATH)
            return true;
    return false;
}

static bool may_stand_between(const char *file, const void *caller) {
    if (!file || strchr(file, '$'))
        return false;
    return strchr(file, '/') || !has_run_path(caller);
}

static __attribute__((noinline)) void *open_and_look(const char *file, int mode) {
    void *handle = real.dlopen(file, mode);
    if (handle) {
        python_find(handle);
        refs_opened();
    }
    return handle;
}

/* What is at an address may be something else from now on. */
EXPORT int dlclose(void *handle) {
    real_find();
    int result = real.dlclose(handle);
    native_closed();
    refs_closed();
    return result;
}

EXPORT void *dlopen(const char *file, int mode) {
    real_find();
    python.greenlets |= file && strstr(file, "greenlet") != NULL;
    if ((!python_present() || refs) && may_stand_between(file, __builtin_return_address(0)))
        return open_and_look(file, mode);
    return real.dlopen(file, mode);
}
