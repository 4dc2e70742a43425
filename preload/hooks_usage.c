/* What the program is told of its children's use of time and memory: without the copies, which the
 * kernel has added to it when they were reaped. */
#include <sys/times.h>
#include <unistd.h>

#include "real.h"
#include "thread.h"
#include "usage.h"

static void time_subtract(struct timeval *time, const struct timeval *copies, uint32_t count) {
    int64_t left = (time->tv_sec - copies->tv_sec) * 1000000 + time->tv_usec - copies->tv_usec;
    /* Each copy's was rounded down. */
    left = left > count ? left - count : 0;
    time->tv_sec = left / 1000000;
    time->tv_usec = left % 1000000;
}

static void time_add(struct timeval *time, const struct timeval *more) {
    int64_t sum = (time->tv_sec + more->tv_sec) * 1000000 + time->tv_usec + more->tv_usec;
    time->tv_sec = sum / 1000000;
    time->tv_usec = sum % 1000000;
}

void usage_add_copy(long highest_before, const struct rusage *copy, long highest_after) {
    struct copies_usage *copies = &process.copies;
    /* Beyond what copies had raised it to, it was a child of the program's. */
    if (highest_before > copies->raised)
        usage_see_child(highest_before);
    if (highest_after > highest_before)
        copies->raised = highest_after;
    time_add(&copies->user, &copy->ru_utime);
    time_add(&copies->system, &copy->ru_stime);
    copies->minor_faults += copy->ru_minflt;
    copies->major_faults += copy->ru_majflt;
    copies->reads += copy->ru_inblock;
    copies->writes += copy->ru_oublock;
    copies->waits += copy->ru_nvcsw;
    copies->preemptions += copy->ru_nivcsw;
    copies->count++;
}

void usage_see_child(long highest) {
    if (highest > process.copies.highest)
        process.copies.highest = highest;
}

static void subtract(struct rusage *usage) {
    const struct copies_usage *copies = &process.copies;
    time_subtract(&usage->ru_utime, &copies->user, copies->count);
    time_subtract(&usage->ru_stime, &copies->system, copies->count);
    usage->ru_minflt -= copies->minor_faults;
    usage->ru_majflt -= copies->major_faults;
    usage->ru_inblock -= copies->reads;
    usage->ru_oublock -= copies->writes;
    usage->ru_nvcsw -= copies->waits;
    usage->ru_nivcsw -= copies->preemptions;
    if (usage->ru_maxrss <= copies->raised)
        usage->ru_maxrss = copies->highest;
}

EXPORT int getrusage(__rusage_who_t who, struct rusage *usage) {
    real_find();
    int result = real.getrusage(who, usage);
    if (result == 0 && who == RUSAGE_CHILDREN && process.copies.count)
        subtract(usage);
    return result;
}

static clock_t ticks(struct timeval time) {
    long second = sysconf(_SC_CLK_TCK);
    return time.tv_sec * second + time.tv_usec * second / 1000000;
}

EXPORT clock_t times(struct tms *buffer) {
    real_find();
    clock_t now = real.times(buffer);
    struct rusage usage;
    if (now == (clock_t)-1 || !buffer || !process.copies.count ||
        getrusage(RUSAGE_CHILDREN, &usage) != 0)
        return now;
    buffer->tms_cutime = ticks(usage.ru_utime);
    buffer->tms_cstime = ticks(usage.ru_stime);
    return now;
}
