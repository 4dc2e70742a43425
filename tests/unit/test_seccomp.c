/* What the library takes a filter on system calls to leave to it, by filters whose meaning is
 * plain. */
#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "preload/seccomp.h"
#include "preload/sys.h"

#define LOAD(field)                                                                                \
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, field))
#define IS(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(value), yes, no)
#define DO(what) BPF_STMT(BPF_RET | BPF_K, what)
#define ALLOW DO(SECCOMP_RET_ALLOW)
#define KILL DO(SECCOMP_RET_KILL_PROCESS)

#define JUDGE(...)                                                                                 \
    judge((struct sock_filter[]){__VA_ARGS__},                                                     \
          sizeof(struct sock_filter[]){__VA_ARGS__} / sizeof(struct sock_filter))

static uint32_t judge(struct sock_filter *filter, size_t count) {
    return seccomp_judge(&(struct sock_fprog){(unsigned short)count, filter});
}

static void test_actions(void **state) {
    (void)state;
    assert_int_equal(JUDGE(ALLOW), 0);
    assert_int_equal(JUDGE(DO(SECCOMP_RET_LOG)), 0);
    assert_int_equal(JUDGE(DO(SECCOMP_RET_ERRNO | EPERM)), SECCOMP_COPY);
    assert_int_equal(JUDGE(KILL), SECCOMP_ALL);
    assert_int_equal(JUDGE(DO(SECCOMP_RET_KILL_THREAD)), SECCOMP_ALL);
    assert_int_equal(JUDGE(DO(SECCOMP_RET_TRAP)), SECCOMP_ALL);
    assert_int_equal(JUDGE(DO(SECCOMP_RET_TRACE)), SECCOMP_ALL);
    assert_int_equal(JUDGE(DO(SECCOMP_RET_USER_NOTIF)), SECCOMP_ALL);
}

static void test_single_calls(void **state) {
    (void)state;
    assert_int_equal(JUDGE(LOAD(nr), IS(SYS_clone, 0, 1), KILL, ALLOW), SECCOMP_COPY);
    assert_int_equal(JUDGE(LOAD(nr), IS(SYS_futex, 0, 1), KILL, ALLOW),
                     SECCOMP_COPY | SECCOMP_TELL | SECCOMP_WAIT);
    assert_int_equal(JUDGE(LOAD(nr), IS(SYS_socket, 0, 1), KILL, ALLOW),
                     SECCOMP_COPY | SECCOMP_TELL | SECCOMP_JOIN);
    assert_int_equal(JUDGE(LOAD(nr), IS(SYS_tgkill, 0, 1), KILL, ALLOW), SECCOMP_ATTACH);
    assert_int_equal(JUDGE(LOAD(nr), IS(SYS_execve, 0, 1), KILL, ALLOW), 0);
    assert_int_equal(JUDGE(LOAD(nr), IS(SYS_munmap, 0, 1), KILL, ALLOW) & SECCOMP_MEMORY,
                     SECCOMP_MEMORY);
}

/* Threads may be made, processes not; and the other way round. */
static void test_arguments(void **state) {
    (void)state;
    assert_int_equal(JUDGE(LOAD(nr), IS(SYS_clone, 0, 3), LOAD(args[0]),
                           BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 1, 0), KILL, ALLOW),
                     SECCOMP_COPY);
    assert_int_equal(JUDGE(LOAD(nr), IS(SYS_clone, 0, 3), LOAD(args[0]),
                           BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 0, 1), KILL, ALLOW),
                     0);
    assert_int_equal(JUDGE(LOAD(nr), IS(SYS_madvise, 0, 3), LOAD(args[2]),
                           IS(23 /* MADV_POPULATE_WRITE */, 0, 1), KILL, ALLOW),
                     SECCOMP_TABLES);
    assert_int_equal(
        JUDGE(LOAD(nr), IS(SYS_madvise, 0, 3), LOAD(args[2]), IS(MADV_REMOVE, 0, 1), KILL, ALLOW),
        SECCOMP_TABLES);
    assert_int_equal(JUDGE(LOAD(nr), IS(SYS_madvise, 0, 3), LOAD(args[2]),
                           IS(23 /* MADV_POPULATE_WRITE */, 0, 1), DO(SECCOMP_RET_ERRNO | EINVAL),
                           ALLOW),
                     0);
    assert_int_equal(JUDGE(LOAD(arch), IS(SYS_AUDIT_ARCHITECTURE, 1, 0), KILL, ALLOW), 0);
    assert_int_equal(JUDGE(LOAD(arch), IS(SYS_AUDIT_ARCHITECTURE, 0, 1), KILL, ALLOW), SECCOMP_ALL);
}

/* Arithmetic, both registers and the scratch memory: each filter forbids clone alone, by a detour.
 */
static void test_arithmetic(void **state) {
    (void)state;
    assert_int_equal(JUDGE(LOAD(nr), BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 7),
                           BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 1), IS((SYS_clone + 7) * 2, 0, 1),
                           KILL, ALLOW),
                     SECCOMP_COPY);
    assert_int_equal(JUDGE(LOAD(nr), BPF_STMT(BPF_ST, 3), BPF_STMT(BPF_LD | BPF_IMM, SYS_clone),
                           BPF_STMT(BPF_LDX | BPF_MEM, 3),
                           BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_X, 0, 0, 1), KILL, ALLOW),
                     SECCOMP_COPY);
    assert_int_equal(JUDGE(LOAD(nr), BPF_STMT(BPF_MISC | BPF_TAX, 0),
                           BPF_STMT(BPF_LD | BPF_IMM, SYS_clone),
                           BPF_STMT(BPF_ALU | BPF_XOR | BPF_X, 0), BPF_STMT(BPF_ALU | BPF_NEG, 0),
                           IS(0, 0, 1), KILL, ALLOW),
                     SECCOMP_COPY);
    assert_int_equal(
        JUDGE(BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0), IS(sizeof(struct seccomp_data), 1, 0), KILL,
              BPF_STMT(BPF_JMP | BPF_JA, 1), KILL, BPF_STMT(BPF_LD | BPF_IMM, SECCOMP_RET_ALLOW),
              BPF_STMT(BPF_RET | BPF_A, 0)),
        0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_actions),
        cmocka_unit_test(test_single_calls),
        cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_arithmetic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
