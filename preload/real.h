/* The functions behind the hooks: what the program would have called without us.
 *
 * Found by dlsym(RTLD_NEXT), so that an allocator which the program brought along (jemalloc,
 * mimalloc) is served as well as libc's. Finding them may itself allocate: until they are known,
 * allocations come from a small static arena (bootstrap_*).
 */
#ifndef HOLDFAST_PRELOAD_REAL_H
#define HOLDFAST_PRELOAD_REAL_H

#include <spawn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/times.h>
#include <sys/types.h>
#include <sys/wait.h>

#define EXPORT __attribute__((visibility("default")))

struct real {
    void *(*malloc)(size_t);
    void *(*calloc)(size_t, size_t);
    void *(*realloc)(void *, size_t);
    void (*free)(void *);
    int (*posix_memalign)(void **, size_t, size_t);
    void *(*aligned_alloc)(size_t, size_t);
    void *(*memalign)(size_t, size_t);
    void *(*valloc)(size_t);
    void *(*pvalloc)(size_t);

    void *(*mmap)(void *, size_t, int, int, int, off_t);
    int (*munmap)(void *, size_t);
    void *(*mremap)(void *, size_t, size_t, int, ...);
    int (*mprotect)(void *, size_t, int);
    int (*madvise)(void *, size_t, int);
    void *(*sbrk)(intptr_t);
    int (*brk)(void *);
    void *(*shmat)(int, const void *, int);
    int (*shmdt)(const void *);

    int (*execve)(const char *, char *const[], char *const[]);
    int (*execvpe)(const char *, char *const[], char *const[]);
    int (*fexecve)(int, char *const[], char *const[]);
    int (*execveat)(int, const char *, char *const[], char *const[], int);
    int (*posix_spawn)(pid_t *, const char *, const posix_spawn_file_actions_t *,
                       const posix_spawnattr_t *, char *const[], char *const[]);
    int (*posix_spawnp)(pid_t *, const char *, const posix_spawn_file_actions_t *,
                        const posix_spawnattr_t *, char *const[], char *const[]);
    int (*system)(const char *);
    FILE *(*popen)(const char *, const char *);

    void (*_exit)(int);
    pid_t (*wait4)(pid_t, int *, int, struct rusage *);
    int (*waitid)(idtype_t, id_t, siginfo_t *, int);
    int (*getrusage)(__rusage_who_t, struct rusage *);
    clock_t (*times)(struct tms *);

    int (*pthread_setname_np)(pthread_t, const char *);
    int (*prctl)(int, unsigned long, unsigned long, unsigned long, unsigned long);
    long (*syscall)(long, ...);
    void *(*dlopen)(const char *, int);
    void *(*dlmopen)(long, const char *, int);
    int (*dlclose)(void *);
};

extern struct real real;

/* Fills `real`. Safe to call again and from any hook; false while a call is under way on this
 * thread's behalf (an allocation that dlsym makes). */
bool real_find(void);

void *bootstrap_alloc(size_t size, size_t alignment);
bool bootstrap_owns(const void *address);
/* The most that may be read at a bootstrap address. */
size_t bootstrap_rest(const void *address);

#endif
