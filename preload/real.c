/* See real.h. */
#include "real.h"

#include <dlfcn.h>
#include <stdalign.h>
#include <stdint.h>
#include <string.h>

#include "thread.h"

struct real real;

static struct {
    bool finding;
    size_t used;
    alignas(64) char space[64 << 10];
} bootstrap;

void *bootstrap_alloc(size_t size, size_t alignment) {
    size_t start = (bootstrap.used + alignment - 1) & ~(alignment - 1);
    if (size > sizeof bootstrap.space || start > sizeof bootstrap.space - size)
        return NULL;
    bootstrap.used = start + (size ? size : 1);
    filter_add(bootstrap.space + start, FILTER_OURS);
    return bootstrap.space + start;
}

bool bootstrap_owns(const void *address) {
    uintptr_t offset = (uintptr_t)address - (uintptr_t)bootstrap.space;
    return offset < sizeof bootstrap.space;
}

size_t bootstrap_rest(const void *address) {
    return sizeof bootstrap.space - (size_t)((const char *)address - bootstrap.space);
}

static void find(void *slot, const char *name) {
    void *function = dlsym(RTLD_NEXT, name);
    memcpy(slot, &function, sizeof function);
}

bool real_find(void) {
    if (real.malloc)
        return true;
    if (bootstrap.finding)
        return false;
    bootstrap.finding = true;
    filter_add(NULL, FILTER_NULL);
#define FIND(name) find(&real.name, #name)
    FIND(calloc);
    FIND(realloc);
    FIND(free);
    FIND(posix_memalign);
    FIND(aligned_alloc);
    FIND(memalign);
    FIND(valloc);
    FIND(pvalloc);
    FIND(mmap);
    FIND(munmap);
    FIND(mremap);
    FIND(mprotect);
    FIND(madvise);
    FIND(sbrk);
    FIND(brk);
    FIND(shmat);
    FIND(shmdt);
    FIND(execve);
    FIND(execvpe);
    FIND(fexecve);
    FIND(execveat);
    FIND(posix_spawn);
    FIND(posix_spawnp);
    FIND(system);
    FIND(popen);
    FIND(_exit);
    FIND(wait4);
    FIND(waitid);
    FIND(getrusage);
    FIND(times);
    FIND(pthread_setname_np);
    FIND(prctl);
    FIND(syscall);
    FIND(dlopen);
    FIND(dlmopen);
    FIND(dlclose);
    FIND(malloc); /* last: it says that all are there */
#undef FIND
    bootstrap.finding = false;
    return true;
}
