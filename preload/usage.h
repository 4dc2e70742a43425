/* What the copies of this process have used: see hooks_usage.c. */
#ifndef HOLDFAST_PRELOAD_USAGE_H
#define HOLDFAST_PRELOAD_USAGE_H

#include <stdint.h>
#include <sys/resource.h>

struct copies_usage {
    uint32_t count;
    struct timeval user, system;
    long minor_faults, major_faults, reads, writes, waits, preemptions;
    long raised;  /* the highest resident size of children, as far as the kernel has it of a copy */
    long highest; /* of children of the program's own */
};

static inline uint64_t usage_ns(const struct timeval *time) {
    return (uint64_t)time->tv_sec * 1000000000u + (uint64_t)time->tv_usec * 1000u;
}

/* A copy was reaped. The highest resident size of children before and after that, in KiB. */
void usage_add_copy(long highest_before, const struct rusage *copy, long highest_after);

/* The program has waited for a child whose resident size, and its own children's, was that high. */
void usage_see_child(long highest);

#endif
