/* A filter on system calls is run here as the kernel runs it, on the calls that we might make. */
#include "seccomp.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/futex.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "sys.h"

#define FILTER_MAX 4096u /* BPF_MAXINSNS */

#define TELLS (SECCOMP_COPY | SECCOMP_TELL)
#define TALKS (TELLS | SECCOMP_JOIN)

/* With the arguments that a filter may look at, as far as they are known beforehand. */
static const struct use {
    uint32_t needs;
    int number;
    uint64_t arguments[6];
} uses[] = {
    {TALKS, SYS_rt_sigprocmask, {SIG_BLOCK, 0, 0, 8}},
    {TELLS | SECCOMP_STACK, SYS_rt_sigprocmask, {(uint64_t)-1, 0, 0, 8}},
    {TALKS, SYS_rt_sigprocmask, {SIG_SETMASK, 0, 0, 8}},
    {TALKS | SECCOMP_ATTACH, SYS_gettid, {0}},
    {TALKS | SECCOMP_ATTACH, SYS_getpid, {0}},
    {SECCOMP_JOIN, SYS_sched_yield, {0}},
    {SECCOMP_ATTACH, SYS_tgkill, {0}},
    {SECCOMP_ATTACH, SYS_prctl, {PR_GET_NAME}},
    {SECCOMP_LIVING, SYS_process_vm_readv, {0}},
    {TALKS, SYS_socket, {AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC}},
    {TALKS, SYS_setsockopt, {3, SOL_SOCKET, SO_RCVTIMEO, 0, sizeof(struct timeval)}},
    {TALKS, SYS_setsockopt, {3, SOL_SOCKET, SO_SNDTIMEO, 0, sizeof(struct timeval)}},
    {TALKS, SYS_connect, {3}},
    {TALKS, SYS_sendto, {3, 0, 0, MSG_NOSIGNAL}},
    {TALKS, SYS_recvmsg, {3, 0, MSG_CMSG_CLOEXEC}},
    {TALKS, SYS_close, {3}},
    {SECCOMP_JOIN, SYS_mmap, {0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, 3}},
    {SECCOMP_JOIN, SYS_madvise, {0, 4096, MADV_DONTFORK}},
    {SECCOMP_JOIN, SYS_madvise, {0, 4096, 18 /* MADV_WIPEONFORK */}},
    {SECCOMP_APART, SYS_madvise, {4096, 4096, MADV_RANDOM}},
    {SECCOMP_APART, SYS_madvise, {4096, 4096, MADV_NORMAL}},
    {SECCOMP_APART, SYS_madvise, {4096, 4096, 20 /* MADV_COLD */}},
    {SECCOMP_TABLES, SYS_madvise, {4096, 4096, MADV_DONTFORK}},
    {SECCOMP_TABLES, SYS_madvise, {4096, 4096, MADV_HUGEPAGE}},
    {SECCOMP_TABLES, SYS_madvise, {4096, 4096, 23 /* MADV_POPULATE_WRITE */}},
    {SECCOMP_TABLES, SYS_madvise, {4096, 4096, MADV_REMOVE}},
    {TALKS | SECCOMP_MEMORY,
     SYS_mmap,
     {0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, (uint64_t)-1}},
    {TALKS | SECCOMP_MEMORY, SYS_munmap, {0, 4096}},
    {TELLS, SYS_mmap, {0, 4096, PROT_READ, MAP_PRIVATE, 3}},
    {TELLS, SYS_lseek, {3, 0, SEEK_END}},
    {TELLS, SYS_write, {3, 0, 4096}},
    {TELLS, SYS_prlimit64, {0, RLIMIT_FSIZE}},
    {TELLS, SYS_nanosleep, {0}},
    {TELLS | SECCOMP_WAIT | SECCOMP_APART, SYS_clock_gettime, {CLOCK_MONOTONIC}},
    {TELLS | SECCOMP_WAIT, SYS_futex, {0, FUTEX_WAIT}},
    {SECCOMP_COPY | SECCOMP_WAIT, SYS_futex, {0, FUTEX_WAKE}},
    {SECCOMP_COPY, SYS_readlinkat, {(uint32_t)AT_FDCWD}},
    {SECCOMP_COPY,
     SYS_mmap,
     {0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, (uint64_t)-1}},
    {SECCOMP_COPY, SYS_madvise, {0, 4096, MADV_DOFORK}},
    {SECCOMP_COPY, SYS_madvise, {0, 4096, MADV_DONTFORK}},
    {SECCOMP_COPY, SYS_madvise, {0, 4096, MADV_HUGEPAGE}},
    {SECCOMP_COPY, SYS_madvise, {0, 4096, MADV_NORMAL}},
    {SECCOMP_COPY, SYS_clock_gettime, {CLOCK_THREAD_CPUTIME_ID}},
    {SECCOMP_COPY, SYS_clone, {0}},
    {SECCOMP_COPY, SYS_kill, {2, SIGKILL}},
    {SECCOMP_COPY, SYS_wait4, {2, 0, __WCLONE | WNOHANG}},
    {SECCOMP_COPY, SYS_getrusage, {(uint64_t)RUSAGE_CHILDREN}},
    {TELLS, SYS_getrusage, {RUSAGE_SELF}},
    {SECCOMP_COPY, SYS_rt_sigaction, {SIGALRM, 0, 0, 8}},
    {SECCOMP_COPY, SYS_setitimer, {ITIMER_REAL}},
    {SECCOMP_COPY, SYS_openat, {(uint32_t)AT_FDCWD, 0, O_RDONLY}},
    {SECCOMP_COPY, SYS_openat, {(uint32_t)AT_FDCWD, 0, O_WRONLY}},
    {SECCOMP_COPY, SYS_read, {3, 0, 4096}},
    {SECCOMP_COPY, SYS_setpriority, {PRIO_PROCESS, 0, 5}},
    {SECCOMP_COPY, SYS_mprotect, {0, 4096, PROT_READ}},
    {SECCOMP_COPY, SYS_prctl, {PR_SET_DUMPABLE}},
    {SECCOMP_COPY, SYS_prctl, {PR_SET_NO_NEW_PRIVS, 1}},
    {SECCOMP_COPY, SYS_prctl, {PR_SET_SECCOMP, SECCOMP_MODE_FILTER}},
    {SECCOMP_COPY, SYS_shutdown, {3, SHUT_RDWR}},
    {SECCOMP_COPY, SYS_exit_group, {0}},
};

static uint32_t calculate(uint16_t operation, uint32_t a, uint32_t b) {
    switch (operation) {
    case BPF_ADD:
        return a + b;
    case BPF_SUB:
        return a - b;
    case BPF_MUL:
        return a * b;
    case BPF_DIV:
        return b ? a / b : 0;
    case BPF_OR:
        return a | b;
    case BPF_AND:
        return a & b;
    case BPF_XOR:
        return a ^ b;
    case BPF_LSH:
        return b < 32 ? a << b : 0;
    case BPF_RSH:
        return b < 32 ? a >> b : 0;
    default:
        return -a; /* BPF_NEG */
    }
}

static uint32_t jump(const struct sock_filter *at, uint32_t a, uint32_t b) {
    bool taken = false;
    switch (BPF_OP(at->code)) {
    case BPF_JA:
        return at->k;
    case BPF_JEQ:
        taken = a == b;
        break;
    case BPF_JGT:
        taken = a > b;
        break;
    case BPF_JGE:
        taken = a >= b;
        break;
    default:
        taken = (a & b) != 0; /* BPF_JSET */
    }
    return taken ? at->jt : at->jf;
}

static uint32_t load(const struct sock_filter *at, const struct seccomp_data *data,
                     const uint32_t *memory) {
    uint32_t word = 0;
    switch (BPF_MODE(at->code)) {
    case BPF_IMM:
        return at->k;
    case BPF_MEM:
        return memory[at->k % BPF_MEMWORDS];
    case BPF_LEN:
        return sizeof *data;
    default: /* BPF_ABS */
        if (at->k <= sizeof *data - sizeof word)
            memcpy(&word, (const char *)data + at->k, sizeof word);
        return word;
    }
}

/* The kernel has accepted it, so it only jumps forwards. */
static uint32_t run(const struct sock_fprog *program, const struct seccomp_data *data) {
    uint32_t a = 0, x = 0, memory[BPF_MEMWORDS] = {0};
    uint32_t count = program->len < FILTER_MAX ? program->len : FILTER_MAX;
    for (uint32_t i = 0; i < count; i++) {
        const struct sock_filter *at = &program->filter[i];
        uint32_t operand = BPF_SRC(at->code) == BPF_X ? x : at->k;
        switch (BPF_CLASS(at->code)) {
        case BPF_LD:
            a = load(at, data, memory);
            break;
        case BPF_LDX:
            x = load(at, data, memory);
            break;
        case BPF_ST:
            memory[at->k % BPF_MEMWORDS] = a;
            break;
        case BPF_STX:
            memory[at->k % BPF_MEMWORDS] = x;
            break;
        case BPF_ALU:
            a = calculate(BPF_OP(at->code), a, operand);
            break;
        case BPF_JMP:
            i += jump(at, a, operand);
            break;
        case BPF_RET:
            return BPF_RVAL(at->code) == BPF_A ? a : at->k;
        default: /* BPF_MISC */
            if (BPF_MISCOP(at->code) == BPF_TAX)
                x = a;
            else
                a = x;
        }
    }
    return SECCOMP_RET_KILL_PROCESS;
}

static uint32_t lost_by(const struct use *use, uint32_t answer) {
    switch (answer & SECCOMP_RET_ACTION_FULL) {
    case SECCOMP_RET_ALLOW:
    case SECCOMP_RET_LOG:
        return 0;
    case SECCOMP_RET_ERRNO:
        return use->needs & SECCOMP_COPY;
    default:
        return use->needs;
    }
}

uint32_t seccomp_judge(const struct sock_fprog *program) {
    uint32_t lost = 0;
    for (size_t i = 0; i < sizeof uses / sizeof uses[0]; i++) {
        struct seccomp_data data = {.nr = uses[i].number,
                                    .arch = SYS_AUDIT_ARCHITECTURE,
                                    .instruction_pointer = (uintptr_t)seccomp_judge};
        memcpy(data.args, uses[i].arguments, sizeof uses[i].arguments);
        lost |= lost_by(&uses[i], run(program, &data));
    }
    return lost;
}
