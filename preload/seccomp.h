/* What the library may still do once the program has shut itself in with a filter on system calls.
 *
 * Such a filter does not know our calls: one that it forbids may end the program. So the calls that
 * install one are noticed (hooks_process.c), and the filter itself is run on each call that we
 * might make, as the kernel would run it. What it would answer with anything that the program could
 * see (its end, a signal, a tracer's stop) is not done from then on, in this process and in those
 * that it forks. A call that is merely refused is no harm: that has an answer everywhere.
 */
#ifndef HOLDFAST_PRELOAD_SECCOMP_H
#define HOLDFAST_PRELOAD_SECCOMP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <linux/filter.h>

#include "../wire/session.h"

/* Each is a group of system calls. */
enum seccomp_need {
    SECCOMP_COPY = SECCOMP_LOST_COPY, /* a disposable copy, from clone to its end; lost, too, when
                                         one of its calls is refused */
    SECCOMP_TELL = SECCOMP_LOST_TELL, /* a snapshot without a copy */
    SECCOMP_MEMORY = SECCOMP_LOST_MEMORY, /* pages for the library's tables; lost: tracing ends */
    SECCOMP_JOIN = 8,     /* a forked child joins, or a process asks for more rings */
    SECCOMP_WAIT = 16,    /* a writer sleeps while its ring is full, and calls a collector that
                             sleeps; lost: it spins, and does not */
    SECCOMP_ATTACH = 32,  /* a thread asks for its own id and name, and whether others live */
    SECCOMP_STACK = 64,   /* looks whether memory can be read; lost: a stack has no native frames
                             where it is not known yet how far it goes, and objects of types that
                             were not met before are told without */
    SECCOMP_APART = 128,  /* big blocks are kept in mappings of their own (apart.h); lost: they are
                             not */
    SECCOMP_TABLES = 256, /* advice on the pages of stacks' tables and of rings; lost: they go
                             without */
    SECCOMP_LIVING = 512, /* reads what lives as the process ends, without a fault (living.h) */
    SECCOMP_ALL = 1023,
};

/* Bits of the needs that are lost. Forked children inherit them together with the filters. */
extern _Atomic uint32_t seccomp_lost;

static inline bool seccomp_lets(uint32_t needs) {
    return __builtin_expect(
        (atomic_load_explicit(&seccomp_lost, memory_order_relaxed) & needs) == 0, 1);
}

/* A filter is about to be installed: no snapshot begins from here on, and none is at work. */
void seccomp_begin(void);
/* It has been installed (NULL: strict mode), after seccomp_begin(). */
void seccomp_installed(const struct sock_fprog *program);
/* Snapshots may be taken again, as far as is left. */
void seccomp_end(void);

/* This image runs under a filter that nobody has seen. */
void seccomp_unknown(void);

/* Tells the process's region what is lost. Once it has joined. */
void seccomp_publish(void);

/* What a filter makes of the needs: bits of those lost. For tests, too. */
uint32_t seccomp_judge(const struct sock_fprog *program);

#endif
