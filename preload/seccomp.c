/* See seccomp.h. */
#include "seccomp.h"

#include "snapshot.h"
#include "thread.h"

/* Not in the process's page, which is wiped in a child. */
_Atomic uint32_t seccomp_lost;

/* Joined beforehand, since it may be too late afterwards. */
void seccomp_begin(void) {
    if (process.epoch == 0)
        process_join();
    snapshot_hold();
}

void seccomp_publish(void) {
    if (process.region)
        atomic_store_explicit(&process.region->seccomp_lost, atomic_load(&seccomp_lost),
                              memory_order_relaxed);
}

static void lose(uint32_t needs) {
    atomic_fetch_or(&seccomp_lost, needs);
    if (!seccomp_lets(SECCOMP_MEMORY)) {
        process.off = true;
        hot_close();
    }
    seccomp_publish();
}

void seccomp_installed(const struct sock_fprog *program) {
    lose(program ? seccomp_judge(program) : SECCOMP_ALL);
}

void seccomp_end(void) {
    snapshot_release();
}

/* It has let this image join, which takes more than its own events do. */
void seccomp_unknown(void) {
    lose(SECCOMP_COPY | SECCOMP_TELL | SECCOMP_WAIT | SECCOMP_ATTACH | SECCOMP_APART |
         SECCOMP_TABLES | SECCOMP_LIVING);
}
