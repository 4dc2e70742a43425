/* What a process may still do once it is isolated as a disposable copy is. Each test does it in a
 * child, which ends with the number of the first thing that went otherwise than it should. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "preload/isolation.h"
#include "preload/sys.h"

static int run(void (*function)(void)) {
    pid_t pid = fork();
    if (pid == 0) {
        function();
        for (;;)
            sys_call6(SYS_exit_group, 0, 0, 0, 0, 0, 0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void check(bool held, int number) {
    if (!held)
        sys_call6(SYS_exit_group, number, 0, 0, 0, 0, 0);
}

static bool refused(long result) {
    return result == -EPERM;
}

static char path[] = "/tmp/holdfast-[v]-XXXXXX";
static int stream, pair[2], other;

static int prepare(void **state) {
    (void)state;
    stream = memfd_create("stream", 0);
    other = mkstemp(path);
    return stream >= 0 && other >= 0 && socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0 ? 0 : -1;
}

static int clean_up(void **state) {
    (void)state;
    return unlink(path);
}

static void lock_and_try(void) {
    check(isolation_lock(stream, pair[0]), 1);
    check(sys_call6(SYS_write, stream, (long)"text", 4, 0, 0, 0) == 4, 2);
    check(sys_call6(SYS_write, pair[0], (long)"text", 4, 0, 0, 0) == 4, 3);
    check(refused(sys_call6(SYS_write, other, (long)"text", 4, 0, 0, 0)), 4);
    check(refused(sys_call6(SYS_write, 1, (long)"text", 4, 0, 0, 0)), 5);
    check(refused(sys_call6(SYS_pwrite64, stream, (long)"text", 4, 0, 0, 0)), 6);
    check(refused(sys_call6(SYS_openat, AT_FDCWD, (long)path, O_RDONLY, 0, 0, 0)), 7);
    check(refused(sys_call6(SYS_unlinkat, AT_FDCWD, (long)path, 0, 0, 0, 0)), 8);
    check(refused(sys_call6(SYS_kill, 1, 0, 0, 0, 0, 0)), 9);
    check(refused(sys_call6(SYS_clone, SIGCHLD, 0, 0, 0, 0, 0)), 10);
    check(refused(sys_call6(SYS_execve, (long)"/bin/true", 0, 0, 0, 0, 0)), 11);
    check(refused(sys_call6(SYS_socket, AF_UNIX, SOCK_STREAM, 0, 0, 0, 0)), 12);
    check(refused(sys_call6(SYS_dup3, other, stream, 0, 0, 0, 0)), 13);
    check(refused(sys_call6(SYS_prctl, 38, 0, 0, 0, 0, 0)), 14);
    check(sys_call6(SYS_getpid, 0, 0, 0, 0, 0, 0) > 0, 15);
    check(refused(sys_call6(SYS_shutdown, pair[1], SHUT_RDWR, 0, 0, 0, 0)), 16);
    check(sys_call6(SYS_shutdown, pair[0], SHUT_RDWR, 0, 0, 0, 0) == 0, 17);
    uint64_t mask = 0;
    check(refused(sys_call6(SYS_rt_sigprocmask, SIG_SETMASK, (long)&mask, 0, 8, 0, 0)), 18);
    check(sys_call6(SYS_rt_sigprocmask, -1, (long)&mask, 0, 8, 0, 0) == -EINVAL, 19);
    check(sys_call6(SYS_rt_sigprocmask, -1, 4096, 0, 8, 0, 0) == -EFAULT, 20);
}

static void test_system_calls(void **state) {
    (void)state;
    assert_int_equal(run(lock_and_try), 0);
    struct stat found;
    assert_int_equal(fstat(other, &found), 0);
    assert_int_equal(found.st_size, 0);
    assert_int_equal(found.st_nlink, 1);
}

static long map(int protection, int flags, int fd) {
    return sys_call6(SYS_mmap, 0, 4096, protection, flags, fd, 0);
}

static void lock_and_map(void) {
    check(isolation_lock(stream, pair[0]), 1);
    char *pages = pages_map(8192);
    check(pages, 2);
    pages[8191] = 1;
    pages = pages_grow(pages, 8192, 1 << 20);
    check(pages && pages[8191] == 1, 3);
    pages_unmap(pages, 1 << 20);
    int writable = PROT_READ | PROT_WRITE, own = MAP_PRIVATE | MAP_ANONYMOUS;
    check(refused(map(writable, MAP_SHARED, other)), 4);
    check(refused(map(writable, MAP_PRIVATE, other)), 5);
    check(refused(map(writable, MAP_SHARED | MAP_ANONYMOUS, -1)), 6);
    check(refused(map(writable | PROT_EXEC, own, -1)), 7);
    check(refused(map(writable, own | MAP_FIXED, -1)), 8);
    check(clock_ns() > 0, 9);
}

static void test_memory(void **state) {
    (void)state;
    assert_int_equal(run(lock_and_map), 0);
}

static char *kept, *shared, *private_page;

static void protect_and_write(void) {
    check(isolation_protect_shared(kept, NULL), 1);
    *kept = 1;
    *private_page = 1;
    check(*shared == 7, 2);
    signal(SIGSEGV, SIG_DFL); /* the test framework has a handler */
    *(volatile char *)shared = 8;
}

static void test_shared_memory(void **state) {
    (void)state;
    int writable = PROT_READ | PROT_WRITE;
    kept = mmap(NULL, 4096, writable, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    shared = mmap(NULL, 4096, writable, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    private_page = mmap(NULL, 4096, writable, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *shared = 7;
    assert_int_equal(run(protect_and_write), SIGSEGV);
    assert_int_equal(*kept, 1);
    assert_int_equal(*shared, 7);
}

static char *big, *file_page;

static bool listed(const struct isolation_ranges *own, const void *page) {
    for (uint32_t i = 0; i < own->count; i++)
        if ((uintptr_t)page >= own->list[i].from && (uintptr_t)page < own->list[i].to)
            return true;
    return false;
}

static void protect_and_list(void) {
    static struct walk_range list[4096];
    struct isolation_ranges own = {.list = list, .room = 4096};
    check(isolation_protect_shared(kept, &own), 1);
    check(!own.left_out, 2);
    check(listed(&own, private_page), 3);
    check(listed(&own, file_page), 4);
    check(listed(&own, shared), 5);
    check(!listed(&own, kept), 6);
    check(!listed(&own, big), 7);
}

/* What the program may have written is listed, also where a file's name looks like the kernel's;
 * not what it shares with a file, nor much that it shares. */
static void test_own_memory(void **state) {
    (void)state;
    int writable = PROT_READ | PROT_WRITE;
    kept = mmap(NULL, 4096, writable, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    shared = mmap(NULL, 4096, writable, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    big = mmap(NULL, 17 << 20, writable, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    private_page = mmap(NULL, 4096, writable, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    file_page = mmap(NULL, 4096, writable, MAP_PRIVATE, other, 0);
    assert_ptr_not_equal(file_page, MAP_FAILED);
    assert_int_equal(run(protect_and_list), 0);
}

static void close_and_yield(void) {
    isolation_close_descriptors();
    check(sys_call6(SYS_fcntl, stream, F_GETFD, 0, 0, 0, 0) == -EBADF, 1);
    check(sys_call6(SYS_fcntl, 1, F_GETFD, 0, 0, 0, 0) == -EBADF, 2);
    signal(SIGALRM, SIG_IGN);
    isolation_yield(1);
    for (;;)
        pause();
}

static void test_descriptors_and_end(void **state) {
    (void)state;
    assert_int_equal(run(close_and_yield), SIGALRM);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_system_calls),        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_shared_memory),       cmocka_unit_test(test_own_memory),
        cmocka_unit_test(test_descriptors_and_end),
    };
    return cmocka_run_group_tests(tests, prepare, clean_up);
}
