/* What the test programs need done in C. Loaded with ctypes: through CDLL, without the GIL; through
 * PyDLL, with it. Nothing here knows Python. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MB ((size_t)1 << 20)

/* Blocks that nobody frees. Volatile, so that the compiler keeps every call. */
static void *volatile kept;

static uint32_t next_random(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* --- exact.py, lines.py --- */

/* realloc of a block that something stands behind, so that it has to be copied elsewhere in the
 * heap. */
void *realloc_moved(size_t before, size_t after) {
    mallopt(M_MMAP_THRESHOLD, 1 << 30);
    char *block = malloc(before);
    kept = malloc(MB); /* large enough to come from behind the block */
    char *moved = realloc(block, after);
    return moved;
}

void *realloc_in_place(size_t before, size_t after) {
    mallopt(M_MMAP_THRESHOLD, 1 << 30);
    char *block = malloc(before);
    return realloc(block, after);
}

/* A block with a mapping of its own: the kernel moves its pages, and never are there two. */
void *realloc_remapped(size_t before, size_t after) {
    char *block = malloc(before);
    return realloc(block, after);
}

long errno_kept(void) {
    errno = 77;
    char *block = malloc(3000);
    block = realloc(block, 6000);
    free(block);
    free(NULL);
    return errno;
}

/* Grows the break and takes part of it back, with nothing in between that could move it. */
void break_moved(intptr_t up, intptr_t down) {
    if (sbrk(up) == (void *)-1 || sbrk(-down) == (void *)-1)
        abort();
}

/* Uses up the map entries that the kernel allows a process, so that a hole in a mapping is refused.
 * 1 when it was; 0 when there were more than 2 million. */
int hole_refused(char *start, size_t length) {
    const size_t page = 4096, pages = (size_t)1 << 21;
    char *fragments =
        mmap(NULL, pages * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    int full = 0;
    for (size_t i = 1; i < pages && !full; i += 2)
        full = mprotect(fragments + i * page, page, PROT_READ) != 0;
    int refused = full && munmap(start, length) != 0 && errno == ENOMEM;
    mprotect(fragments, pages * page, PROT_NONE);
    munmap(fragments, pages * page);
    return refused;
}

void libc_callers(void) {
    kept = strdup("nine char");
    kept = strndup("0123456789", 5);
    char *text = NULL;
    if (asprintf(&text, "%0*d", 999, 1) < 0)
        abort();
    kept = text;
}

struct thread_job {
    char name[16];
    size_t size;
    int count;
    int aligned;
};

static void *hold_blocks(void *argument) {
    const struct thread_job *job = argument;
    pthread_setname_np(pthread_self(), job->name);
    for (int i = 0; i < job->count; i++) {
        void *block = NULL;
        if (!job->aligned)
            block = malloc(job->size);
        else if (posix_memalign(&block, 64, job->size) != 0)
            abort();
        kept = block;
    }
    return NULL;
}

/* `threads` C threads of one name, each of which takes `count` blocks and ends. */
void threads_hold(const char *name, int threads, int count, size_t size, int aligned) {
    struct thread_job job = {.size = size, .count = count, .aligned = aligned};
    pthread_t handles[128];
    strncpy(job.name, name, sizeof job.name - 1);
    for (int i = 0; i < threads; i++)
        if (pthread_create(&handles[i], NULL, hold_blocks, &job) != 0)
            abort();
    for (int i = 0; i < threads; i++)
        pthread_join(handles[i], NULL);
}

struct crowd {
    struct thread_job job;
    pthread_barrier_t there;
};

static void *hold_in_a_crowd(void *argument) {
    struct crowd *crowd = argument;
    hold_blocks(&crowd->job);
    pthread_barrier_wait(&crowd->there);
    hold_blocks(&crowd->job);
    pthread_barrier_wait(&crowd->there);
    return NULL;
}

/* As many threads at the same time, each of which takes `count` blocks twice: while there are ever
 * more of them, and when all are there. How many there were. */
int threads_at_once(const char *name, int threads, int count, size_t size) {
    struct crowd crowd = {.job = {.size = size, .count = count}};
    pthread_t *handles = calloc((size_t)threads, sizeof *handles);
    pthread_attr_t small;
    int started = 0;
    strncpy(crowd.job.name, name, sizeof crowd.job.name - 1);
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 64 << 10);
    pthread_barrier_init(&crowd.there, NULL, (unsigned)threads);
    while (started < threads &&
           pthread_create(&handles[started], &small, hold_in_a_crowd, &crowd) == 0)
        started++;
    for (int i = 0; started == threads && i < threads; i++)
        pthread_join(handles[i], NULL);
    return started;
}

struct naming {
    const char *name;
    size_t size;
    int again;
    pthread_barrier_t steps;
};

static void *take_names(void *argument) {
    struct naming *naming = argument;
    pthread_setname_np(pthread_self(), "its-first-name");
    kept = malloc(naming->size);
    pthread_barrier_wait(&naming->steps);
    pthread_barrier_wait(&naming->steps);
    if (naming->again) {
        pthread_setname_np(pthread_self(), naming->name);
        kept = malloc(naming->size);
    }
    return NULL;
}

/* A thread that names itself, and is then named by this one; `again`: and by itself once more.
 * `name` is the last. */
void thread_renamed(const char *name, size_t size, int again) {
    struct naming naming = {.name = name, .size = size, .again = again};
    pthread_t handle;
    pthread_barrier_init(&naming.steps, NULL, 2);
    if (pthread_create(&handle, NULL, take_names, &naming) != 0)
        abort();
    pthread_barrier_wait(&naming.steps);
    if (pthread_setname_np(handle, again ? "its-second-name" : name) != 0 ||
        pthread_setname_np(handle, "a name of sixteen") == 0)
        abort();
    pthread_barrier_wait(&naming.steps);
    pthread_join(handle, NULL);
}

static void *call_back(void *callback) {
    ((void (*)(void))callback)();
    return NULL;
}

/* Calls a Python function on a thread that Python did not make. */
void call_from_thread(void (*callback)(void)) {
    pthread_t handle;
    if (pthread_create(&handle, NULL, call_back, (void *)callback) != 0)
        abort();
    pthread_join(handle, NULL);
}

/* --- race.py --- */

#define RACE_SLOTS 4096
#define RACE_MAX 64

struct race_block {
    uint64_t size;
    uint32_t owner; /* the thread that allocated it last */
};

static struct race_block *_Atomic race_slots[RACE_SLOTS];

static struct race_block *race_allocate(struct race_block *old, uint32_t owner, uint32_t *random) {
    size_t size = sizeof *old + next_random(random) % (next_random(random) % 64 == 0 ? 40000 : 400);
    struct race_block *block = realloc(old, size);
    if (block == NULL)
        abort();
    block->size = size;
    block->owner = owner;
    return block;
}

/* One thread's share of a race: blocks go from hand to hand through the slots, so that most are
 * freed or resized by another thread than the one that made them. */
void race_steps(uint32_t owner, uint32_t seed, int steps) {
    uint32_t random = seed * 2654435761u + owner;
    for (int i = 0; i < steps; i++) {
        if (i % 16 == 0)
            sched_yield(); /* or a thread is done within its time slice */
        struct race_block *_Atomic *slot = &race_slots[next_random(&random) % RACE_SLOTS];
        struct race_block *mine = atomic_exchange(slot, NULL);
        switch (next_random(&random) % 4) {
        case 0:
            free(mine);
            break;
        case 1:
            mine = atomic_exchange(slot, race_allocate(mine, owner, &random));
            free(mine);
            break;
        default:
            free(mine);
            mine = atomic_exchange(slot, race_allocate(NULL, owner, &random));
            free(mine);
        }
    }
}

struct racer {
    uint32_t owner, seed;
    int steps;
    pthread_barrier_t *start; /* without it, each thread would be done before the next begins */
};

static void *race_thread(void *argument) {
    const struct racer *racer = argument;
    char name[16];
    snprintf(name, sizeof name, "racer-%u", racer->owner);
    pthread_setname_np(pthread_self(), name);
    pthread_barrier_wait(racer->start);
    race_steps(racer->owner, racer->seed, racer->steps);
    return NULL;
}

void race_native(int threads, uint32_t seed, int steps) {
    pthread_t handles[RACE_MAX];
    struct racer racers[RACE_MAX];
    pthread_barrier_t start;
    pthread_barrier_init(&start, NULL, (unsigned)threads);
    for (int i = 0; i < threads; i++) {
        racers[i] = (struct racer){(uint32_t)i, seed, steps, &start};
        if (pthread_create(&handles[i], NULL, race_thread, &racers[i]) != 0)
            abort();
    }
    for (int i = 0; i < threads; i++)
        pthread_join(handles[i], NULL);
}

/* Bytes and blocks that are live, by owner; `totals` has two numbers for each of RACE_MAX owners.
 */
void race_totals(uint64_t *totals) {
    for (int i = 0; i < RACE_SLOTS; i++) {
        const struct race_block *block = atomic_load(&race_slots[i]);
        if (block == NULL)
            continue;
        totals[2 * block->owner] += block->size;
        totals[2 * block->owner + 1] += 1;
    }
}

/* --- noted.py --- */

/* What a program says about itself on a page that outlives it. `pending` is the change that it is
 * about to make; `live` and `highest` are as of the last one that it has made. */
struct notes {
    _Atomic int64_t live, highest, pending;
    _Atomic uint64_t steps;
};

#define NOTED_BLOCKS 256

/* Allocates and frees for ever, or `steps` times, and notes each step. */
void noted_steps(struct notes *notes, uint32_t seed, uint64_t steps) {
    static struct {
        void *block;
        int64_t size;
    } blocks[NOTED_BLOCKS];
    uint32_t random = seed;
    for (uint64_t i = 0; steps == 0 || i < steps; i++) {
        uint32_t at = next_random(&random) % NOTED_BLOCKS;
        int64_t live = atomic_load(&notes->live);
        if (blocks[at].block != NULL) {
            atomic_store(&notes->pending, -blocks[at].size);
            free(blocks[at].block);
            blocks[at].block = NULL;
            live -= blocks[at].size;
        } else {
            blocks[at].size = 1000 + (int64_t)next_random(&random) % 50000;
            atomic_store(&notes->pending, blocks[at].size);
            blocks[at].block = malloc((size_t)blocks[at].size);
            live += blocks[at].size;
        }
        if (live > atomic_load(&notes->highest))
            atomic_store(&notes->highest, live);
        atomic_store(&notes->live, live);
        atomic_store(&notes->pending, 0);
        atomic_fetch_add(&notes->steps, 1);
    }
}

void die_by(int number) {
    signal(number, SIG_DFL);
    raise(number);
}

/* --- holders/far_snapshot.py --- */

/* A peak that is over when the GIL is taken again. */
void hold_briefly(size_t size) {
    kept = malloc(size);
    free(kept);
}

/* --- test_snapshot.py and test_seccomp.py --- */

static pid_t home_pid;

void home(void) {
    home_pid = getpid();
}

/* A type's tp_traverse. */
int traverse_only_here(void *object, void *visit, void *argument) {
    (void)object;
    (void)visit;
    (void)argument;
    if (getpid() != home_pid)
        *(volatile int *)0 = 1;
    return 0;
}

/* Another one. */
int traverse_for_ever_elsewhere(void *object, void *visit, void *argument) {
    (void)object;
    (void)visit;
    (void)argument;
    while (getpid() != home_pid)
        ;
    return 0;
}

/* Blocks come and go, a few MB of them live. */
void churn(uint32_t seed, uint32_t steps) {
    char *blocks[256] = {NULL};
    uint32_t random = seed;
    for (uint32_t i = 0; i < steps; i++) {
        uint32_t at = next_random(&random) % 256;
        free(blocks[at]);
        blocks[at] = malloc(1 + next_random(&random) % 30000);
    }
    for (int i = 0; i < 256; i++)
        free(blocks[i]);
}

/* --- holders/interpreter_state.py --- */

static void *volatile variable;

void keep(void *object) {
    variable = object;
}
