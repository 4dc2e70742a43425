/* See copy.h. What runs in the copy is marked so: it must not wait for a lock, since the thread
 * that holds it may not exist here. */
#include "copy.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "budget.h"
#include "bump.h"
#include "isolation.h"
#include "refs/refs.h"
#include "seccomp.h"
#include "sys.h"
#include "thread.h"
#include "walk/walk.h"
#include "watch.h"

#define LIFETIME_S 10u
#define SHALLOW_TIMEOUT_S 5u
#define STACK_SIZE ((size_t)1 << 20)
#define BUFFER_SIZE ((GRAPH_WRITER_BUFFER + 4095) & ~(size_t)4095)
#define RANGES_MAX 65536u
#define POLL_NS 4000000u
#define SKIP_MOST 3u /* of snapshots without a copy after one that died: 1, 3, 7, then 15 */

/* A copy rests before it works: the next one often ends it before it has told anything, and all
 * that it has cost then is the clone. Not for longer: meanwhile the program's writes copy pages,
 * which cost arrays more than the walk does. */
#define REST_NS 15000000u

/* How copies tell the process that they are done. Shared memory, which the program's own children
 * do not inherit. */
struct copy_page {
    struct copy_word {
        _Atomic uint32_t end;      /* futex word: enum copy_end */
        _Atomic uint32_t rests;    /* futex word: it has not begun to work; 0 tells it to begin */
        _Atomic uint64_t began_ns; /* when it did */
        _Atomic uint64_t ns;       /* how long it has worked */
    } words[COPIES_MAX];
};

/* What both walks need: the list of large blocks, and where the stream goes. */
struct telling {
    struct graph_writer writer; /* first: write_stream() is handed a pointer to it */
    uint64_t sent;
    struct large_block *large;
    size_t large_size;
};

static bool write_stream(struct graph_writer *writer, const uint8_t *bytes, size_t size) {
    struct telling *telling = (struct telling *)writer;
    if (size > GRAPH_STREAM_MAX - telling->sent)
        return false;
    telling->sent += size;
    while (size > 0) {
        long written = sys_call6(SYS_write, writer->fd, (long)bytes, (long)size, 0, 0, 0);
        if (sys_failed(written) || written == 0)
            return false;
        bytes += written;
        size -= (size_t)written;
    }
    return true;
}

static void telling_end(struct telling *telling, const struct graph_offer *offer) {
    if (telling->writer.buffer)
        pages_unmap(telling->writer.buffer, BUFFER_SIZE);
    if (telling->large)
        pages_unmap(telling->large, telling->large_size);
    sys_call6(SYS_close, offer->large, 0, 0, 0, 0, 0);
    sys_call6(SYS_close, offer->stream, 0, 0, 0, 0, 0);
    sys_call6(SYS_close, offer->connection, 0, 0, 0, 0, 0);
}

static bool telling_begin(struct telling *telling, const struct graph_offer *offer) {
    *telling = (struct telling){.writer = {.write = write_stream, .fd = offer->stream}};
    telling->writer.buffer = pages_map(BUFFER_SIZE);
    long size = sys_call6(SYS_lseek, offer->large, 0, SEEK_END, 0, 0, 0);
    if (!sys_failed(size) && size > 0) {
        long list = sys_call6(SYS_mmap, 0, size, PROT_READ, MAP_PRIVATE, offer->large, 0);
        telling->large = sys_failed(list) ? NULL : (struct large_block *)list;
        telling->large_size = (size_t)size;
    }
    return telling->writer.buffer && (telling->large || size == 0);
}

static void tell(struct telling *telling, struct walk_request *request) {
    request->large = telling->large;
    request->large_count = telling->large ? telling->large_size / sizeof *telling->large : 0;
    request->watched = watch_table.least ? watch_holds : NULL;
    walk_heap(&telling->writer, request);
}

/* -- In the copy -- */

struct job {
    uint32_t snapshot;
    uint64_t memory_limit;
    struct copy_page *page;
    struct copy_word *word;
    const char *stack;
    uintptr_t caller; /* where this stood on the program's own stack */
};

static _Noreturn void finish(const struct job *job, enum copy_end end) {
    atomic_store(&job->word->ns, clock_ns() - atomic_load(&job->word->began_ns));
    atomic_store(&job->word->end, end);
    sys_call6(SYS_futex, (long)&job->word->end, FUTEX_WAKE, INT32_MAX, 0, 0, 0);
    for (;;)
        sys_call6(SYS_exit_group, 0, 0, 0, 0, 0, 0);
}

static struct walk_range range_of(const void *memory, size_t size) {
    return (struct walk_range){(uintptr_t)memory, (uintptr_t)memory + size};
}

/* Where lost references are looked for: not in what is ours, nor below the frames that have led
 * here, where words are left over. */
static void set_ranges(struct walk_request *request, const struct isolation_ranges *own,
                       const struct job *job) {
    if (!own->list || own->left_out)
        return;
    request->ranges = own->list;
    request->range_count = own->count;
    request->not_these[0] = range_of(refs, sizeof *refs);
    request->not_these[1] = range_of(job->stack, STACK_SIZE);
    for (uint32_t i = 0; i < own->count; i++)
        if (job->caller >= own->list[i].from && job->caller < own->list[i].to)
            request->not_these[2] = (struct walk_range){own->list[i].from, job->caller};
}

/* Until it is time to work, or the program says so. */
static void rest(struct copy_word *word) {
    const struct timespec most = {.tv_nsec = REST_NS};
    if (atomic_load(&word->rests))
        sys_call6(SYS_futex, (long)&word->rests, FUTEX_WAIT, 1, (long)&most, 0, 0);
    atomic_store(&word->began_ns, clock_ns());
}

/* What may fail comes before the filter; nothing of the program's runs before it. */
static void copy_main(void *argument) {
    struct job job = *(struct job *)argument;
    struct isolation_ranges own = {.room = RANGES_MAX};
    struct walk_request request = {.memory_limit = job.memory_limit};
    process_disown();
    self.in_python = 1; /* hooks and wrappers go straight to their real functions */
    isolation_close_descriptors();
    isolation_yield(LIFETIME_S);
    rest(job.word);
    struct graph_offer offer;
    struct telling telling;
    if (refs)
        own.list = pages_map(RANGES_MAX * sizeof *own.list);
    if (!isolation_protect_shared(job.page, own.list ? &own : NULL) ||
        !process_offer_graph(job.snapshot, LIFETIME_S, &offer))
        finish(&job, COPY_FAILED);
    atomic_store(&job.word->began_ns, clock_ns()); /* it has waited for the collector till now */
    bool ready = telling_begin(&telling, &offer);
    bump_install();
    if (!ready || !isolation_lock(offer.stream, offer.connection))
        finish(&job, COPY_FAILED);
    set_ranges(&request, &own, &job);
    tell(&telling, &request);
    sys_call6(SYS_shutdown, offer.connection, SHUT_RDWR, 0, 0, 0, 0);
    finish(&job, COPY_TOLD);
}

/* -- In the process -- */

/* After unshare(CLONE_NEWPID), the first child is the new namespace's init, and none can be made
 * once it has ended: that is not ours to be. */
static bool next_child_is_init(void) {
    char own[64] = {0}, children[64] = {0};
    sys_call6(SYS_readlinkat, AT_FDCWD, (long)"/proc/thread-self/ns/pid", (long)own, sizeof own - 1,
              0, 0);
    sys_call6(SYS_readlinkat, AT_FDCWD, (long)"/proc/thread-self/ns/pid_for_children",
              (long)children, sizeof children - 1, 0, 0);
    return strcmp(own, children) != 0;
}

static bool page_ready(void) {
    if (!process.snapshots.page) {
        long page = sys_call6(SYS_mmap, 0, WIRE_PAGE, PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        process.snapshots.page = sys_failed(page) ? NULL : (struct copy_page *)page;
    }
    return process.snapshots.page;
}

static struct copy_word *word_of(uint32_t copy) {
    return &process.snapshots.page->words[copy];
}

static enum copy_end end_of(uint32_t copy) {
    return (enum copy_end)atomic_load(&word_of(copy)->end);
}

static bool gone(uint32_t copy) {
    return atomic_load(&process.snapshots.copies[copy]) == 0;
}

static bool at_work(uint32_t copy) {
    return !gone(copy) && end_of(copy) == COPY_WORKING;
}

bool copy_works(void) {
    uint32_t copy = process.snapshots.copy;
    return at_work(copy) && atomic_load(&word_of(copy)->began_ns) != 0;
}

static long clone_process(void) {
    struct copy_page *page = process.snapshots.page;
    sys_call6(SYS_madvise, (long)page, WIRE_PAGE, MADV_DOFORK, 0, 0, 0);
    long pid = sys_call6(SYS_clone, 0, 0, 0, 0, 0, 0);
    if (pid != 0)
        sys_call6(SYS_madvise, (long)page, WIRE_PAGE, MADV_DONTFORK, 0, 0, 0);
    return pid;
}

static void learn_walk_ns(uint64_t ns) {
    if (ns > process.snapshots.walk_ns)
        process.snapshots.walk_ns = ns;
}

/* It cannot be another process's id: those of ours stay taken until they are reaped. One that was
 * at work has not died by itself then. */
static void end_copy(uint32_t copy, int32_t pid) {
    uint32_t working = COPY_WORKING;
    uint64_t began = atomic_load(&word_of(copy)->began_ns);
    sys_call6(SYS_kill, pid, SIGKILL, 0, 0, 0, 0);
    if (end_of(copy) == COPY_WORKING)
        atomic_store(&word_of(copy)->ns, began ? clock_ns() - began : 0);
    atomic_compare_exchange_strong(&word_of(copy)->end, &working, COPY_FAILED);
}

/* By the clock; not known of one that nobody ended. */
static uint64_t worked_ns(uint32_t copy) {
    return end_of(copy) == COPY_WORKING ? 0 : atomic_load(&word_of(copy)->ns);
}

static void end_latest(void) {
    uint32_t copy = process.snapshots.copy;
    if (!page_ready() || !at_work(copy) || process.snapshots.copy_wanted)
        return;
    /* Taken out meanwhile: nobody else reaps it then, after which its id could be any process's. */
    int32_t pid = atomic_exchange(&process.snapshots.copies[copy], 0);
    if (pid == 0)
        return;
    end_copy(copy, pid);
    learn_walk_ns(worked_ns(copy));
    atomic_store(&process.snapshots.copies[copy], pid);
}

/* COPIES_MAX when all places are taken. */
static uint32_t free_place(void) {
    uint32_t place = 0;
    while (place < COPIES_MAX && atomic_load(&process.snapshots.copies[place]) != 0)
        place++;
    return place;
}

bool copy_has_place(void) {
    return free_place() != COPIES_MAX;
}

/* Nobody ended it: what it died of is likely to be there the next time. */
static void note_death(void) {
    uint8_t died = process.snapshots.copies_died;
    process.snapshots.copies_to_skip = (uint8_t)((2u << died) - 1);
    if (died < SKIP_MOST)
        process.snapshots.copies_died++;
}

/* It is not time yet for another one, after some that died. */
static bool skipped(bool wanted) {
    if (wanted || process.snapshots.copies_to_skip == 0)
        return false;
    process.snapshots.copies_to_skip--;
    return true;
}

static void word_begin(struct copy_word *word, bool rests) {
    atomic_store(&word->end, COPY_WORKING);
    atomic_store(&word->rests, rests);
    atomic_store(&word->began_ns, 0);
}

bool copy_make(uint32_t snapshot, uint64_t memory_limit, bool wanted, bool rests) {
    uint32_t place = free_place();
    refs_settle();
    if (place == COPIES_MAX || !seccomp_lets(SECCOMP_COPY) || skipped(wanted) ||
        next_child_is_init() || !page_ready())
        return false;
    end_latest();
    /* Its stack, made here: this thread's may be nearly used up. Only the copy touches it. */
    char *stack = pages_map(STACK_SIZE);
    if (!stack)
        return false;
    struct job job = {snapshot, memory_limit, process.snapshots.page, word_of(place), stack, 0};
    job.caller = (uintptr_t)__builtin_frame_address(0);
    word_begin(job.word, rests);
    long pid = clone_process();
    if (pid == 0)
        call_on_stack(stack + STACK_SIZE, copy_main, &job);
    pages_unmap(stack, STACK_SIZE);
    if (sys_failed(pid))
        return false;
    process.snapshots.copy = place;
    process.snapshots.copy_wanted = wanted;
    atomic_store(&process.snapshots.copies[place], (int32_t)pid);
    return true;
}

static long children_highest(void) {
    struct rusage usage = {0};
    sys_call6(SYS_getrusage, RUSAGE_CHILDREN, (long)&usage, 0, 0, 0, 0);
    return usage.ru_maxrss;
}

/* False when it has not ended yet, and the options say not to wait for that. */
static bool bury(uint32_t copy, int32_t pid, unsigned options) {
    long before = children_highest();
    struct rusage usage = {0};
    long reaped = sys_call6(SYS_wait4, pid, 0, __WCLONE | options, (long)&usage, 0, 0);
    if (reaped == 0)
        return false;
    if (!sys_failed(reaped)) {
        usage_add_copy(before, &usage, children_highest());
        budget_note_copy(worked_ns(copy), usage_ns(&usage.ru_utime) + usage_ns(&usage.ru_stime));
    }
    if (end_of(copy) == COPY_TOLD) {
        process.snapshots.walk_ns = atomic_load(&word_of(copy)->ns);
        process.snapshots.copies_died = 0;
    } else if (end_of(copy) == COPY_WORKING) {
        note_death();
    }
    return true;
}

static void reap(uint32_t copy) {
    int32_t pid = atomic_exchange(&process.snapshots.copies[copy], 0);
    if (pid != 0 && !bury(copy, pid, WNOHANG))
        atomic_store(&process.snapshots.copies[copy], pid);
}

void copy_reap(void) {
    for (uint32_t i = 0; i < COPIES_MAX; i++)
        reap(i);
}

static enum copy_end wait_for(uint32_t copy, uint64_t ns) {
    uint64_t began = clock_ns(), waited;
    while ((waited = clock_ns() - began) < ns && !gone(copy) && end_of(copy) == COPY_WORKING) {
        uint64_t rest = ns - waited < POLL_NS ? ns - waited : POLL_NS;
        struct timespec timeout = {.tv_nsec = (long)rest};
        sys_call6(SYS_futex, (long)&word_of(copy)->end, FUTEX_WAIT, COPY_WORKING, (long)&timeout, 0,
                  0);
        if (end_of(copy) == COPY_WORKING)
            reap(copy);
    }
    enum copy_end end = end_of(copy);
    return end == COPY_WORKING && gone(copy) ? COPY_FAILED : end;
}

enum copy_end copy_wait(uint64_t ns) {
    return wait_for(process.snapshots.copy, ns);
}

void copy_hurry(void) {
    for (uint32_t i = 0; i < COPIES_MAX; i++)
        if (!gone(i) && atomic_exchange(&word_of(i)->rests, 0))
            sys_call6(SYS_futex, (long)&word_of(i)->rests, FUTEX_WAKE, 1, 0, 0, 0);
}

void copy_wait_all(uint64_t ns) {
    uint64_t began = clock_ns(), waited;
    copy_hurry();
    for (uint32_t i = 0; i < COPIES_MAX && (waited = clock_ns() - began) < ns; i++)
        if (!gone(i))
            wait_for(i, ns - waited);
}

void copy_end_all(void) {
    for (uint32_t i = 0; i < COPIES_MAX; i++) {
        int32_t pid = atomic_exchange(&process.snapshots.copies[i], 0);
        if (pid == 0)
            continue;
        end_copy(i, pid);
        bury(i, pid, 0);
    }
}

uint64_t copy_expected_ns(void) {
    return process.snapshots.walk_ns;
}

bool copy_left(void) {
    for (uint32_t i = 0; i < COPIES_MAX; i++)
        if (!gone(i) && end_of(i) != COPY_WORKING)
            return true;
    return false;
}

/* A write beyond the program's own limit would send it a signal. */
static bool may_write_files(void) {
    struct rlimit limit = {0};
    return !sys_failed(sys_call6(SYS_prlimit64, 0, RLIMIT_FSIZE, 0, (long)&limit, 0, 0)) &&
           limit.rlim_cur == RLIM_INFINITY;
}

void copy_do_without(uint32_t snapshot) {
    struct graph_offer offer;
    if (!may_write_files() || !process_offer_graph(snapshot, SHALLOW_TIMEOUT_S, &offer))
        return;
    struct telling telling;
    struct walk_request request = {.shallow = true, .memory_limit = 64u << 20};
    if (telling_begin(&telling, &offer))
        tell(&telling, &request);
    telling_end(&telling, &offer);
}
