/* See isolation.h. */
#include "isolation.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>

#include "sys.h"

#ifndef SYS_close_range /* Linux 5.9 */
#define SYS_close_range 436
#endif

#define DESCRIPTORS_MAX (1u << 20)
#define MAPS_LINE_MAX 512u
#define SHARED_MOST ((uintptr_t)16 << 20)
#define NO_FILE "/dev/zero (deleted)"

void isolation_close_descriptors(void) {
    if (!sys_failed(sys_call6(SYS_close_range, 0, ~0u, 0, 0, 0, 0)))
        return;
    struct rlimit limit = {.rlim_cur = DESCRIPTORS_MAX};
    sys_call6(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, (long)&limit, 0, 0);
    for (long fd = 0; fd < DESCRIPTORS_MAX && (rlim_t)fd < limit.rlim_cur; fd++)
        sys_call6(SYS_close, fd, 0, 0, 0, 0, 0);
}

static void die_first(void) {
    static const char worst[] = "1000";
    long fd = sys_call6(SYS_openat, AT_FDCWD, (long)"/proc/self/oom_score_adj", O_WRONLY, 0, 0, 0);
    if (sys_failed(fd))
        return;
    sys_call6(SYS_write, fd, (long)worst, sizeof worst - 1, 0, 0, 0);
    sys_call6(SYS_close, fd, 0, 0, 0, 0, 0);
}

/* As the kernel takes it; a handler of 0 is the default. */
static void alarm_set(unsigned seconds) {
    struct {
        void *handler;
        unsigned long flags;
        void *restorer;
        uint64_t mask;
    } action = {0};
    uint64_t alarm = 1ull << (SIGALRM - 1);
    struct itimerval timer = {.it_value.tv_sec = (time_t)seconds};
    sys_call6(SYS_rt_sigaction, SIGALRM, (long)&action, 0, sizeof alarm, 0, 0);
    sys_call6(SYS_setitimer, ITIMER_REAL, (long)&timer, 0, 0, 0, 0);
    sys_call6(SYS_rt_sigprocmask, SIG_UNBLOCK, (long)&alarm, 0, sizeof alarm, 0, 0);
}

void isolation_yield(unsigned seconds) {
    alarm_set(seconds);
    die_first(); /* before the next: it makes /proc/self another user's */
    sys_call6(SYS_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0, 0);
    sys_call6(SYS_setpriority, PRIO_PROCESS, 0, 5, 0, 0, 0);
    struct rlimit limit = {0};
    if (sys_failed(sys_call6(SYS_prlimit64, 0, RLIMIT_FSIZE, 0, (long)&limit, 0, 0)))
        return;
    limit.rlim_cur = limit.rlim_max;
    sys_call6(SYS_prlimit64, 0, RLIMIT_FSIZE, (long)&limit, 0, 0, 0);
}

/* One range of /proc/self/maps, as far as it matters here. */
struct range {
    uintptr_t start, end;
    bool readable, writable, shared;
    bool special; /* the kernel's own: [vvar] */
    bool file;
    bool pool; /* shared with forked children alone */
};

static const char *read_hex(const char *at, uintptr_t *number) {
    for (*number = 0;; at++) {
        if (*at >= '0' && *at <= '9')
            *number = *number << 4 | (uintptr_t)(*at - '0');
        else if (*at >= 'a' && *at <= 'f')
            *number = *number << 4 | (uintptr_t)(*at - 'a' + 10);
        else
            return at;
    }
}

/* "7f0000000000-7f0000001000 rw-s ..." */
static bool parse_range(const char *line, struct range *range) {
    line = read_hex(line, &range->start);
    if (*line++ != '-')
        return false;
    line = read_hex(line, &range->end);
    if (strnlen(line, 5) < 5 || *line++ != ' ')
        return false;
    range->readable = line[0] == 'r';
    range->writable = line[1] == 'w';
    range->shared = line[3] == 's';
    const char *path = strchr(line, '/');
    range->file = path != NULL;
    range->special = !path && strstr(line, "[v") != NULL;
    range->pool = range->shared && path && strncmp(path, NO_FILE, sizeof NO_FILE - 1) == 0;
    return range->end > range->start;
}

static bool protect(const struct range *range, const void *kept) {
    if (!range->shared || !range->writable || (const void *)range->start == kept)
        return true;
    long size = (long)(range->end - range->start);
    return !sys_failed(sys_call6(SYS_mprotect, (long)range->start, size, PROT_READ, 0, 0, 0)) ||
           !sys_failed(sys_call6(SYS_munmap, (long)range->start, size, 0, 0, 0, 0));
}

/* Code, and what else of a file is read alone, holds no address that the program has written. To
 * read shared memory that was never written takes memory: of that there must not be much. */
static void keep_own(const struct range *range, const void *kept, struct isolation_ranges *own) {
    bool written = range->writable || !range->file;
    bool small = range->end - range->start <= SHARED_MOST;
    bool foreign = range->shared && (!range->pool || !small || (void *)range->start == kept);
    if (!own || foreign || !range->readable || range->special || !written)
        return;
    if (own->count == own->room) {
        own->left_out = true;
        return;
    }
    own->list[own->count++] = (struct walk_range){range->start, range->end};
}

/* Lines are cut at MAPS_LINE_MAX: only how the names at their end begin matters. */
struct lines {
    char line[MAPS_LINE_MAX];
    size_t used;
    const void *kept;
    struct isolation_ranges *own;
};

static bool take_text(struct lines *lines, const char *text, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (text[i] != '\n') {
            if (lines->used < sizeof lines->line - 1)
                lines->line[lines->used++] = text[i];
            continue;
        }
        struct range range;
        lines->line[lines->used] = 0;
        lines->used = 0;
        if (!parse_range(lines->line, &range) || !protect(&range, lines->kept))
            return false;
        keep_own(&range, lines->kept, lines->own);
    }
    return true;
}

bool isolation_protect_shared(const void *kept, struct isolation_ranges *own) {
    long fd = sys_call6(SYS_openat, AT_FDCWD, (long)"/proc/self/maps", O_RDONLY, 0, 0, 0);
    if (sys_failed(fd))
        return false;
    struct lines lines = {.kept = kept, .own = own};
    char text[4096] = {0};
    long got;
    do
        got = sys_call6(SYS_read, fd, (long)text, sizeof text, 0, 0, 0);
    while (got > 0 && take_text(&lines, text, (size_t)got));
    sys_call6(SYS_close, fd, 0, 0, 0, 0, 0);
    return got == 0;
}

/* The filter: a list of small groups, each of which either decides or falls through to the next. */

#define LOAD(field)                                                                                \
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, field))
#define ARGUMENT(n) (uint32_t)(offsetof(struct seccomp_data, args) + (n) * sizeof(uint64_t))
#define LOAD_ARGUMENT(n) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ARGUMENT(n))
#define IS(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(value), yes, no)
#define DO(what) BPF_STMT(BPF_RET | BPF_K, what)
#define ALLOW DO(SECCOMP_RET_ALLOW)
#define REFUSE DO(SECCOMP_RET_ERRNO | 1 /* EPERM */)
#define LET(number) IS(number, 0, 1), ALLOW

/* The kernel compares the low half of each argument with what was built for it: descriptors,
 * protections and flags are ints. */
bool isolation_lock(int stream, int connection) {
    const uint32_t map_flags = MAP_SHARED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    struct sock_filter filter[] = {
        LOAD(arch),
        IS(SYS_AUDIT_ARCHITECTURE, 1, 0),
        DO(SECCOMP_RET_KILL_PROCESS),
        LOAD(nr),
        /* rt_sigprocmask of no known operation, which only tells whether an address can be read;
         * often
         */
        IS(SYS_rt_sigprocmask, 0, 4),
        LOAD_ARGUMENT(0),
        IS(-1, 0, 1),
        ALLOW,
        REFUSE,
        LET(SYS_munmap),
        LET(SYS_madvise),
        LET(SYS_futex),
        LET(SYS_clock_gettime),
        LET(SYS_exit),
        LET(SYS_exit_group),
        LET(SYS_rt_sigreturn),
        LET(SYS_getpid),
        LET(SYS_gettid),
        /* write(stream or connection) */
        IS(SYS_write, 0, 5),
        LOAD_ARGUMENT(0),
        IS(stream, 2, 0),
        IS(connection, 1, 0),
        REFUSE,
        ALLOW,
        /* shutdown(connection) */
        IS(SYS_shutdown, 0, 4),
        LOAD_ARGUMENT(0),
        IS(connection, 0, 1),
        ALLOW,
        REFUSE,
        /* mmap of private anonymous memory, not at a place of its own choice, not executable */
        IS(SYS_mmap, 1, 0),
        REFUSE,
        LOAD_ARGUMENT(3),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, map_flags),
        IS(MAP_PRIVATE | MAP_ANONYMOUS, 1, 0),
        REFUSE,
        LOAD_ARGUMENT(2),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1),
        REFUSE,
        ALLOW,
    };
    struct sock_fprog program = {sizeof filter / sizeof filter[0], filter};
    return !sys_failed(sys_call6(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0)) &&
           !sys_failed(
               sys_call6(SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, (long)&program, 0, 0, 0));
}
