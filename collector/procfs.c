/* See procfs.h. */
#include "procfs.h"

#include "resident.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COMMAND_MAX (64u << 10)
#define SAMPLE_NS 10000000u
#define CHEAP_IMAGES 8u /* with so many alive, each is sampled half as often as one alone */

int procfs_open(uint32_t pid, const char *name, int flags) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%u/%s", pid, name);
    return open(path, flags | O_CLOEXEC);
}

int procfs_open_image(const struct image *image, const char *name, int flags) {
    int fd = procfs_open(image->pid, name, flags);
    struct pollfd end = {.fd = image->pidfd, .events = POLLIN};
    if (fd < 0 || image->pidfd < 0 || poll(&end, 1, 0) == 0)
        return fd;
    close(fd);
    errno = ESRCH;
    return -1;
}

static void read_command(struct image *image) {
    int fd = procfs_open(image->pid, "cmdline", O_RDONLY);
    image->command = fd < 0 ? NULL : malloc(COMMAND_MAX);
    ssize_t got, size = 0;
    while (image->command && size < (ssize_t)COMMAND_MAX - 1 &&
           (got = read(fd, image->command + size, COMMAND_MAX - 1 - (size_t)size)) > 0)
        size += got;
    if (fd >= 0)
        close(fd);
    if (!image->command)
        return;
    image->command[size] = '\0';
    image->command_size = (size_t)size;
    char *smaller = realloc(image->command, (size_t)size + 1);
    if (smaller)
        image->command = smaller;
}

static void read_parent(struct image *image) {
    char text[512];
    int fd = procfs_open(image->pid, "stat", O_RDONLY);
    ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    if (size <= 0)
        return;
    text[size] = '\0';
    /* The name in parentheses may hold anything, parentheses included. */
    const char *after = strrchr(text, ')');
    unsigned ppid;
    if (after && sscanf(after, ") %*c %u", &ppid) == 1)
        image->ppid = ppid;
}

static void read_cwd(struct image *image) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/%u/cwd", image->pid);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size > 0)
        image->cwd = strndup(path, (size_t)size);
}

void procfs_describe(struct image *image) {
    read_command(image);
    read_parent(image);
    read_cwd(image);
    image->statm = procfs_open(image->pid, "statm", O_RDONLY);
}

uint32_t procfs_filters(uint32_t pid) {
    char text[4096];
    int fd = procfs_open(pid, "status", O_RDONLY);
    ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    if (size <= 0)
        return 0;
    text[size] = '\0';
    const char *mode = strstr(text, "\nSeccomp:"), *count = strstr(text, "\nSeccomp_filters:");
    unsigned filters = 0;
    if (count)
        sscanf(count, " Seccomp_filters: %u", &filters);
    else if (mode && sscanf(mode, " Seccomp: %u", &filters) == 1)
        filters = filters != 0;
    return filters;
}

static bool near_peak(const struct image *image, uint64_t live) {
    return live >= image->totals.peak - image->totals.peak / 10;
}

static void take_sample(const struct trace *trace, struct image *image) {
    char text[128];
    unsigned long resident;
    ssize_t size = image->statm < 0 ? -1 : pread(image->statm, text, sizeof text - 1, 0);
    if (size <= 0)
        return;
    text[size] = '\0';
    if (sscanf(text, "%*u %lu", &resident) != 1 || resident == 0)
        return;
    image->rss = resident * (uint64_t)sysconf(_SC_PAGESIZE);
    if (image->rss > image->max_rss)
        image->max_rss = image->rss;
    if (!near_peak(image, image->totals.live))
        return;
    if (!near_peak(image, image->peak_rss_live) || image->rss > image->peak_rss) {
        image->peak_rss = image->rss;
        image->peak_rss_live = image->totals.live;
    }
    resident_sample(trace, image);
}

void procfs_sample(struct trace *trace) {
    uint64_t now = trace_clock(trace);
    uint64_t pause = (uint64_t)SAMPLE_NS * (1 + trace->living / CHEAP_IMAGES);
    for (uint32_t i = 0; i < trace->image_count; i++) {
        struct image *image = trace->images[i];
        if (image->dead || (image->sampled_ns && now - image->sampled_ns < pause))
            continue;
        image->sampled_ns = now;
        take_sample(trace, image);
    }
}
