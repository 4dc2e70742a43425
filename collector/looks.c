/* See looks.h. */
#include "looks.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "drain.h"
#include "procfs.h"
#include "smaps.h"
#include "trace.h"

static bool read_mappings(const struct image *image, struct drag *drag) {
    struct smaps smaps;
    struct smaps_mapping found;
    if (!smaps_open(&smaps, image))
        return false;
    while (smaps_read(&smaps, &found)) {
        const struct drag_mapping mapping = {found.start, found.end, found.resident,
                                             found.referenced};
        drag_see(drag, &mapping);
    }
    smaps_close(&smaps);
    return true;
}

/* All marks of private memory that is no file's: the kernel goes by those of files, too, when it is
 * short of memory. Not those that processors remember in their own tables, which they forget soon.
 */
static bool clear_marks(const struct image *image) {
    int fd = procfs_open_image(image, "clear_refs", O_WRONLY);
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
