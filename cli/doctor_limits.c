/* What this process may use: files, memory, and space for the profile. */
#include "doctor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* Of descriptors the collector holds two for each process that it traces, besides those of its own,
 * and some for a moment. With fewer than the least, nothing can join it. */
#define FILES_LEAST 12u
#define FILES_OWN 12u
#define FILES_PER_PROCESS 2u
#define PROCESSES_FEW 32u
#define PROCESSES_MANY 1000u
/* Rings are mapped in regions of this, at the least; the program's own memory comes on top. */
#define SPACE_FEW (1ull << 30)
#define DISK_FEW (100ull << 20)

static void put_limit(char *text, size_t size, rlim_t limit, unsigned shift, const char *unit) {
    if (limit == RLIM_INFINITY)
        snprintf(text, size, "unlimited");
    else
        snprintf(text, size, "%llu%s", (unsigned long long)limit >> shift, unit);
}

static void check_files(struct diagnosis *diagnosis) {
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return;
    /* The collector raises its own to the hard one. */
    rlim_t most = files.rlim_max;
    bool none = most < FILES_LEAST;
    rlim_t processes = most > FILES_OWN ? (most - FILES_OWN) / FILES_PER_PROCESS : 0;
    if (none)
        diagnosis_add(diagnosis, "open files", HEALTH_BROKEN,
                      "at most %llu, too few for the collector", (unsigned long long)most);
    else
        diagnosis_add(
            diagnosis, "open files", processes < PROCESSES_FEW ? HEALTH_LIMITED : HEALTH_GOOD,
            "enough to follow %s%llu processes at once",
            processes > PROCESSES_MANY ? "more than " : "",
            (unsigned long long)(processes > PROCESSES_MANY ? PROCESSES_MANY : processes));
    if (processes < PROCESSES_FEW)
        diagnosis_advise(diagnosis,
                         "raise the hard limit of open files (ulimit -Hn), which is %llu",
                         (unsigned long long)most);
}

static void check_memory(struct diagnosis *diagnosis) {
    struct rlimit space = {0}, size = {0}, locked = {0};
    char texts[3][32];
    getrlimit(RLIMIT_AS, &space);
    getrlimit(RLIMIT_FSIZE, &size);
    getrlimit(RLIMIT_MEMLOCK, &locked);
    put_limit(texts[0], sizeof texts[0], space.rlim_cur, 20, " MiB");
    put_limit(texts[1], sizeof texts[1], size.rlim_cur, 20, " MiB");
    put_limit(texts[2], sizeof texts[2], locked.rlim_cur, 10, " KiB");
    bool few = space.rlim_cur < SPACE_FEW || size.rlim_cur < DISK_FEW;
    diagnosis_add(diagnosis, "memory limits", few ? HEALTH_LIMITED : HEALTH_GOOD,
                  "address space %s, size of a file %s, locked memory %s (none is needed)",
                  texts[0], texts[1], texts[2]);
    if (few)
        diagnosis_advise(diagnosis,
                         "tracing takes some of both: raise them (ulimit -v, ulimit -f)");
}

/* Permissions do not tell all: what is mounted read-only or is no real folder refuses, too. */
static bool can_write_here(void) {
    char name[] = ".holdfast-doctor-XXXXXX";
    int fd = mkstemp(name);
    if (fd < 0)
        return false;
    close(fd);
    unlink(name);
    return true;
}

static void check_disk(struct diagnosis *diagnosis) {
    char folder[PATH_MAX];
    struct statvfs system;
    if (!getcwd(folder, sizeof folder))
        snprintf(folder, sizeof folder, "one that is gone");
    if (!can_write_here() || statvfs(".", &system) != 0) {
        diagnosis_add(diagnosis, "profile", HEALTH_LIMITED,
                      "cannot be written into this folder, %s: %s", folder, strerror(errno));
        diagnosis_advise(diagnosis,
                         "go elsewhere, or name a file: holdfast run -o /tmp/app.holdfast");
        return;
    }
    unsigned long long available = (unsigned long long)system.f_bavail * system.f_frsize;
    diagnosis_add(diagnosis, "profile", available < DISK_FEW ? HEALTH_LIMITED : HEALTH_GOOD,
                  "goes into this folder, %s, where %llu MiB are free", folder, available >> 20);
    if (available < DISK_FEW)
        diagnosis_advise(diagnosis,
                         "a profile takes up to some 10 MiB, and more with --keep-events");
}

void doctor_limits(struct diagnosis *diagnosis) {
    check_files(diagnosis);
    check_memory(diagnosis);
    check_disk(diagnosis);
}
