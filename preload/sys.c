/* See sys.h. No mremap: filters that programs install know it less often than mmap. The library's
 * own memory is pages straight from the kernel, so that nothing it needs goes through the
 * allocators it watches. */
#include "sys.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define KERNEL_SIGSET_SIZE 8

void *pages_map(size_t size) {
    long result = sys_call6(SYS_mmap, 0, (long)size, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return sys_failed(result) ? NULL : (void *)result;
}

void *pages_grow(void *pages, size_t old_size, size_t new_size) {
    void *grown = pages_map(new_size);
    if (!grown)
        return NULL;
    memcpy(grown, pages, old_size);
    pages_unmap(pages, old_size);
    return grown;
}

void pages_unmap(void *pages, size_t size) {
    sys_call6(SYS_munmap, (long)pages, (long)size, 0, 0, 0, 0);
}

bool page_readable(uintptr_t page) {
    return sys_call6(SYS_rt_sigprocmask, -1, (long)page, 0, KERNEL_SIGSET_SIZE, 0, 0) == -EINVAL;
}

uint64_t clock_ns(void) {
    struct timespec time = {0};
    sys_call6(SYS_clock_gettime, CLOCK_MONOTONIC, (long)&time, 0, 0, 0, 0);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

struct signals signals_block(void) {
    struct signals signals = {0};
    uint64_t all = ~0ull;
    sys_call6(SYS_rt_sigprocmask, SIG_BLOCK, (long)&all, (long)&signals.old, KERNEL_SIGSET_SIZE, 0,
              0);
    return signals;
}

void signals_restore(struct signals signals) {
    sys_call6(SYS_rt_sigprocmask, SIG_SETMASK, (long)&signals.old, 0, KERNEL_SIGSET_SIZE, 0, 0);
}
