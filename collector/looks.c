/* See looks.h. */
#include "looks.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "drain.h"
#include "procfs.h"
#include "trace.h"

#define BUFFER (256u << 10) /* few calls: each takes the lock on the mappings anew */

/* "7f2a4c000000-7f2a4c021000 rw-p ...", and some lines below it "Rss:   132 kB" and others. */
bool looks_read_line(const char *line, struct drag_mapping *mapping) {
    static const char resident[] = "Rss:", referenced[] = "Referenced:";
    char *end;
    if (line[0] >= 'A' && line[0] <= 'Z') {
        if (strncmp(line, resident, sizeof resident - 1) == 0)
            mapping->resident = strtoull(line + sizeof resident - 1, NULL, 10) << 10;
        if (strncmp(line, referenced, sizeof referenced - 1) != 0)
            return false;
        mapping->referenced = strtoull(line + sizeof referenced - 1, NULL, 10) << 10;
        return true;
    }
    *mapping = (struct drag_mapping){.start = strtoull(line, &end, 16)};
    if (*end == '-')
        mapping->end = strtoull(end + 1, NULL, 16);
    return false;
}

/* The number of a process that has ended may be another's by now. */
static int open_of(const struct image *image, const char *name, int flags) {
    int fd = procfs_open(image->pid, name, flags);
    struct pollfd end = {.fd = image->pidfd, .events = POLLIN};
    if (fd < 0 || image->pidfd < 0 || poll(&end, 1, 0) == 0)
        return fd;
    close(fd);
    errno = ESRCH;
    return -1;
}

static bool read_mappings(const struct image *image, struct drag *drag) {
    int fd = open_of(image, "smaps", O_RDONLY);
    FILE *smaps = fd < 0 ? NULL : fdopen(fd, "r");
    char line[512];
    struct drag_mapping mapping = {0};
    if (!smaps) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    setvbuf(smaps, NULL, _IOFBF, BUFFER);
    while (fgets(line, sizeof line, smaps))
        if (looks_read_line(line, &mapping))
            drag_see(drag, &mapping);
    fclose(smaps);
    return true;
}

/* All marks of private memory that is no file's: the kernel goes by those of files, too, when it is
 * short of memory. Not those that processors remember in their own tables, which they forget soon.
 */
static bool clear_marks(const struct image *image) {
    int fd = open_of(image, "clear_refs", O_WRONLY);
    if (fd < 0)
        return false;
    bool cleared = write(fd, "2", 1) == 1;
    int error = errno;
    close(fd);
    errno = error;
    return cleared;
}

const char *looks_refusal(uint32_t pid) {
    int marks = procfs_open(pid, "clear_refs", O_WRONLY), error = errno;
    int smaps = procfs_open(pid, "smaps", O_RDONLY);
    if (marks < 0 && error == ENOENT)
        return "this kernel has no /proc/PID/clear_refs";
    if (marks >= 0)
        close(marks);
    if (smaps >= 0)
        close(smaps);
    return marks < 0   ? "/proc/PID/clear_refs may not be written"
           : smaps < 0 ? "/proc/PID/smaps may not be read"
                       : NULL;
}

static bool is_passing(int error) {
    return error == EMFILE || error == ENFILE || error == ENOMEM || error == EINTR ||
           error == EAGAIN;
}

/* A process that is gone has no marks either; and what does not last is tried again. One warning
 * does for all processes. */
static void refuse(struct trace *trace, struct image *image, int error) {
    bool gone = error == ESRCH || error == ENOENT;
    image->looks.next_ns = trace_clock(trace) + LOOK_PAUSE_NS;
    if (is_passing(error) || (gone && access("/proc/self/clear_refs", F_OK) == 0))
        return;
    image->looks.refused = true;
    trace_warn(trace, PROFILE_NO_LOOKS "%s: %s", gone ? "" : ", of some processes at least",
               gone ? "this kernel has no /proc/PID/clear_refs" : strerror(error));
}

/* The clock counts as well, since the program may have to wait for a look; but for less, as most of
 * that is other processes' time where the machine is busy. */
static uint64_t pause_after(const struct trace *trace, uint64_t spent, uint64_t lasted) {
    uint64_t living = trace->living ? trace->living : 1;
    uint64_t pause = spent * LOOK_SHARE * living;
    if (pause < lasted * LOOK_CLOCK_SHARE)
        pause = lasted * LOOK_CLOCK_SHARE;
    return pause > LOOK_PAUSE_NS ? pause : LOOK_PAUSE_NS;
}

static void take(struct trace *trace, struct image *image) {
    struct looks *looks = &image->looks;
    uint64_t begin = trace_used_ns(), now = trace_clock(trace);
    if (!read_mappings(image, &image->drag) || !clear_marks(image)) {
        refuse(trace, image, errno);
        return;
    }
    drag_looked(&image->drag, looks->end_ns, now);
    looks->end_ns = drain_tick(trace);
    uint64_t spent = trace_used_ns() - begin;
    looks->spent_ns += spent;
    looks->first_ns = looks->count++ ? looks->first_ns : now;
    looks->last_ns = now;
    looks->next_ns = now + pause_after(trace, spent, looks->end_ns - now);
}

void looks_take(struct trace *trace) {
    uint64_t now = trace->drag ? trace_clock(trace) : 0;
    for (uint32_t i = 0; trace->drag && i < trace->image_count; i++) {
        struct image *image = trace->images[i];
        if (image->dead || image->state != IMAGE_LIVE || image->looks.refused ||
            image->drag.count == 0 || now < image->looks.next_ns)
            continue;
        if (image->looks.next_ns > 0)
            take(trace, image);
        else
            image->looks.next_ns = now + LOOK_PAUSE_NS;
    }
}

uint64_t looks_pace(const struct looks *looks) {
    return looks->count > 1 ? (looks->last_ns - looks->first_ns) / (looks->count - 1) : 0;
}
