/* What the kernel has and permits: each thing that tracing uses is tried as tracing uses it. */
#include "doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../collector/looks.h"
#include "../collector/memfd.h"
#include "library.h"

#define PAGE_SIZE 4096u

/* The start of a small file, without the line's end; false when it cannot be read. */
static bool read_line(const char *path, char *text, size_t size) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, text, size - 1) : -1;
    if (fd >= 0)
        close(fd);
    text[got > 0 ? got : 0] = '\0';
    text[strcspn(text, "\n")] = '\0';
    return got > 0;
}

/* A number behind "NAME:" in /proc/self/status; -1 when there is none. */
static long status_field(const char *name) {
    char line[256];
    long value = -1;
    FILE *file = fopen("/proc/self/status", "re");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':')
            value = strtol(line + strlen(name) + 1, NULL, 10);
    if (file)
        fclose(file);
    return value;
}

static bool is_filtered(void) {
    return status_field("Seccomp") > 0;
}

/* Something is refused, with errno. `since`: where the kernel may be too old. */
static void add_refused(struct diagnosis *diagnosis, const char *name, enum health health,
                        const char *what, const char *since) {
    int error = errno;
    diagnosis_add(diagnosis, name, health, "%s: refused (%s)", what, strerror(error));
    if (error == ENOSYS)
        diagnosis_advise(diagnosis, "%s is needed; this is what an older kernel says", since);
    else if (error == EMFILE || error == ENFILE)
        diagnosis_advise(diagnosis, "raise the limit of open files (ulimit -n)");
    else if (is_filtered())
        diagnosis_advise(diagnosis, "a seccomp filter is in force: permit this in the container's "
                                    "profile (docker run --security-opt seccomp=...)");
}

/* Loading */

void doctor_library(struct diagnosis *diagnosis) {
    char library[PATH_MAX], name[PATH_MAX];
    if (!library_find(library)) {
        diagnosis_add(diagnosis, "library", HEALTH_BROKEN, "libholdfast.so is not there");
        diagnosis_advise(diagnosis, "install Holdfast again");
        return;
    }
    int fd = open(library, O_RDONLY | O_CLOEXEC);
    void *code =
        fd < 0 ? MAP_FAILED : mmap(NULL, PAGE_SIZE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
    if (code == MAP_FAILED) {
        diagnosis_add(diagnosis, "library", HEALTH_BROKEN, "%s cannot be loaded: %s", library,
                      strerror(errno));
        diagnosis_advise(
            diagnosis,
            "install Holdfast on a file system that programs may be run from (not noexec)");
    } else if (!library_name(name, library)) {
        diagnosis_add(diagnosis, "library", HEALTH_BROKEN,
                      "%s: the loader cannot take this path, nor can a link be made in /tmp",
                      library);
        diagnosis_advise(diagnosis,
                         "install Holdfast where the path has no space, colon or dollar");
    } else {
        diagnosis_add(diagnosis, "library", HEALTH_GOOD, "%s", name);
    }
    if (code != MAP_FAILED)
        munmap(code, PAGE_SIZE);
    if (fd >= 0)
        close(fd);
}

/* What the collector cannot do without */

static void check_kernel(struct diagnosis *diagnosis) {
    struct utsname system;
    uname(&system);
    int major = 0, minor = 0;
    bool parsed = sscanf(system.release, "%d.%d", &major, &minor) == 2;
    bool old = parsed && (major < 5 || (major == 5 && minor < 3));
    diagnosis_add(diagnosis, "kernel", old ? HEALTH_NOTE : HEALTH_GOOD, "%s %s, %s", system.sysname,
                  system.release, system.machine);
    if (old)
        diagnosis_advise(
            diagnosis,
            "Linux 5.3 is the first that has all that is used; below is what this one lacks");
}

static void check_memory_files(struct diagnosis *diagnosis) {
    void *pages;
    int fd = memfd_sealed("holdfast-doctor", PAGE_SIZE, &pages);
    if (fd < 0) {
        add_refused(diagnosis, "shared memory", HEALTH_BROKEN, "memory files (memfd_create)",
                    "Linux 3.17");
        return;
    }
    munmap(pages, PAGE_SIZE);
    close(fd);
    diagnosis_add(diagnosis, "shared memory", HEALTH_GOOD,
                  "memory files (memfd_create); /dev/shm is not used");
}

static void check_process_handles(struct diagnosis *diagnosis) {
    int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    if (fd < 0) {
        add_refused(diagnosis, "processes", HEALTH_BROKEN, "handles of them (pidfd_open)",
                    "Linux 5.3");
        return;
    }
    close(fd);
    diagnosis_add(diagnosis, "processes", HEALTH_GOOD, "handles of them (pidfd_open)");
}

static void check_channels(struct diagnosis *diagnosis) {
    int channel = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    int epoll = channel < 0 ? -1 : epoll_create1(EPOLL_CLOEXEC);
    if (channel < 0)
        add_refused(diagnosis, "sockets", HEALTH_BROKEN, "local ones (socket)", "Linux 2.6.27");
    else if (epoll < 0)
        add_refused(diagnosis, "sockets", HEALTH_BROKEN, "waiting for them (epoll)",
                    "Linux 2.6.27");
    else
        diagnosis_add(diagnosis, "sockets", HEALTH_GOOD, "local ones, to join the collector by");
    if (channel >= 0)
        close(channel);
    if (epoll >= 0)
        close(epoll);
}

/* What only some of it needs */

static void check_copies(struct diagnosis *diagnosis) {
    long pid = syscall(SYS_clone, 0, 0, 0, 0, 0);
    if (pid == 0)
        syscall(SYS_exit_group, 0);
    if (pid < 0) {
        add_refused(
            diagnosis, "copies", HEALTH_LIMITED,
            "a copy of a process (clone), without which holders are told only as far as local "
            "variables show them",
            "Linux 2.0");
        return;
    }
    waitpid((pid_t)pid, NULL, __WALL);
    diagnosis_add(diagnosis, "copies", HEALTH_GOOD,
                  "a process can be copied (clone), to see what holds its memory");
}

static void check_proc(struct diagnosis *diagnosis) {
    if (access("/proc/self/maps", R_OK) == 0) {
        diagnosis_add(diagnosis, "/proc", HEALTH_GOOD, "is mounted");
        return;
    }
    diagnosis_add(diagnosis, "/proc", HEALTH_LIMITED, "is not mounted here");
    diagnosis_advise(diagnosis,
                     "mount it: without it, holders and resident memory are not told in full");
}

static void check_filters(struct diagnosis *diagnosis) {
    long mode = status_field("Seccomp");
    if (mode <= 0)
        diagnosis_add(diagnosis, "seccomp", HEALTH_GOOD, "no filter on system calls");
    else
        diagnosis_add(
            diagnosis, "seccomp", HEALTH_NOTE,
            "a filter on system calls is in force (mode %ld); what it refuses is told here", mode);
}

static void check_container(struct diagnosis *diagnosis) {
    char limit[64] = "";
    bool container = access("/.dockerenv", F_OK) == 0 || access("/run/.containerenv", F_OK) == 0 ||
                     getenv("container") || getenv("KUBERNETES_SERVICE_HOST");
    bool limited =
        (read_line("/sys/fs/cgroup/memory.max", limit, sizeof limit) ||
         read_line("/sys/fs/cgroup/memory/memory.limit_in_bytes", limit, sizeof limit)) &&
        strcmp(limit, "max") != 0 && strlen(limit) < 16;
    if (limited)
        diagnosis_add(diagnosis, "container", HEALTH_NOTE,
                      "%s; memory is limited to %llu MiB, of which tracing takes some",
                      container ? "yes" : "a control group", strtoull(limit, NULL, 10) >> 20);
    else
        diagnosis_add(diagnosis, "container", HEALTH_GOOD, "%s, without a limit of memory",
                      container ? "yes" : "no");
}

/* `run` needs no permission to trace: it starts its programs with the library in them. Only the
 * cycle collector's runs are read from outside, which the launcher's child allows for itself. */
static void check_debugging(struct diagnosis *diagnosis) {
    static const char *const scopes[] = {"any process of one's own may be debugged",
                                         "only one's own children may be debugged",
                                         "only the administrator may debug", "nobody may debug"};
    char text[16];
    if (!read_line("/proc/sys/kernel/yama/ptrace_scope", text, sizeof text))
        diagnosis_add(diagnosis, "ptrace", HEALTH_GOOD, "not restricted by Yama; run needs none");
    else
        diagnosis_add(diagnosis, "ptrace", text[0] == '0' ? HEALTH_GOOD : HEALTH_NOTE,
                      "Yama's scope is %s: %s; run needs none of it but to count collections%s",
                      text, text[0] >= '0' && text[0] <= '3' ? scopes[text[0] - '0'] : "unknown",
                      text[0] == '1' ? " of processes that the program starts" : "");
}

/* As the collector will look at the processes that it traces. */
static void check_page_access(struct diagnosis *diagnosis) {
    const char *refusal = looks_refusal((uint32_t)getpid());
    if (refusal)
        diagnosis_add(diagnosis, "page access", HEALTH_NOTE,
                      "cannot be looked at: %s; "
                      "run --drag does not work, all else does",
                      refusal);
    else
        diagnosis_add(diagnosis, "page access", HEALTH_GOOD,
                      "can be looked at (smaps, clear_refs): run --drag works");
}

void doctor_system(struct diagnosis *diagnosis) {
    check_kernel(diagnosis);
    check_memory_files(diagnosis);
    check_process_handles(diagnosis);
    check_channels(diagnosis);
    check_copies(diagnosis);
    check_proc(diagnosis);
    check_filters(diagnosis);
    check_container(diagnosis);
    check_debugging(diagnosis);
    check_page_access(diagnosis);
}
