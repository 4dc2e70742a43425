/* Native stacks against another unwinder's (libgcc's, which C++ exceptions use): of functions with
 * all kinds of frames, that call each other at random and ask at random moments, so that each stack
 * is read with the last one at hand, which has everything and nothing in common with it. */
#include <alloca.h>
#include <execinfo.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <cmocka.h>

#include "preload/native/modules.h"
#include "preload/native/unwind.h"
#include "preload/seccomp.h"

#define noinline __attribute__((noinline))
#define USE(room) __asm__ volatile("" : : "r"(room) : "memory")
#define DEPTH_MAX 200
#define STACKS 40000u

/* Of the rest of the library. */
_Atomic uint32_t seccomp_lost;
struct writer;
uint64_t *writer_reserve_slowly(struct writer *writer, uint32_t words);
uint64_t *writer_reserve_slowly(struct writer *writer, uint32_t words) {
    (void)writer;
    (void)words;
    return NULL;
}

static struct unwind_stack stack;
static uintptr_t top;
static uint32_t looks, wrong;
static uint64_t state = 1;

static uint32_t random_below(uint32_t limit) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32) % limit;
}

/* An interrupted instruction is told by what is behind its first byte. */
static bool is_address(uintptr_t ours, const void *theirs) {
    return ours == (uintptr_t)theirs || ours == (uintptr_t)theirs + 1;
}

/* Both begin with this function: theirs where it calls for that, ours further in. */
static noinline void look(void) {
    void *theirs[DEPTH_MAX * 2];
    int count = backtrace(theirs, DEPTH_MAX * 2);
    bool same = unwind_read(&stack, top, 0) && stack.count == (uint32_t)count + 1;
    for (int i = 1; same && i < count; i++)
        same = is_address(stack.frames[count - 1 - i].address, theirs[i]);
    looks++;
    wrong += !same;
    __asm__ volatile("");
}

static void go(uint32_t depth);

static noinline void small(uint32_t depth) {
    go(depth);
    __asm__ volatile("");
}

static noinline void large(uint32_t depth) {
    char room[3000];
    USE(room);
    go(depth);
    USE(room);
}

static noinline void changing(uint32_t depth) {
    char *room = alloca(random_below(500) + 1);
    USE(room);
    go(depth);
    USE(room);
}

/* The stack pointer is rounded down, by an amount that nobody else knows. */
static noinline void aligned(uint32_t depth) {
    _Alignas(256) char room[256];
    USE(room);
    go(depth);
    USE(room);
}

static noinline void aligned_and_changing(uint32_t depth) {
    _Alignas(64) char room[64];
    char *more = alloca(random_below(300) + 1);
    USE(room);
    USE(more);
    go(depth);
    USE(room);
    USE(more);
}

/* Keeps much in registers that a callee has to save. */
static noinline void busy(uint32_t depth) {
    uint64_t a = state, b = a * 3, c = b ^ a, d = c * 5, e = d ^ b;
    go(depth);
    __asm__ volatile("" : : "r"(a), "r"(b), "r"(c), "r"(d), "r"(e));
    go(depth < 3 ? depth : DEPTH_MAX);
    __asm__ volatile("" : : "r"(a), "r"(b), "r"(c), "r"(d), "r"(e));
}

static uint32_t sorted_depth;

static int compare(const void *left, const void *right) {
    (void)left;
    (void)right;
    if (sorted_depth)
        go(sorted_depth);
    sorted_depth = 0;
    return 0;
}

static noinline void through_libc(uint32_t depth) {
    int numbers[2] = {2, 1};
    sorted_depth = depth;
    qsort(numbers, 2, sizeof *numbers, compare);
}

static uint32_t interrupted_depth;

static void handle(int number) {
    (void)number;
    go(interrupted_depth);
}

static noinline void through_signal(uint32_t depth) {
    interrupted_depth = depth;
    raise(SIGUSR1);
}

static void (*const functions[])(uint32_t) = {
    small, large, changing, aligned, aligned_and_changing, busy, through_libc, through_signal};

/* What the last of them is not allowed to do too often: the others come from memory. */
static noinline void go(uint32_t depth) {
    for (uint32_t times = random_below(3); times-- > 0;)
        look();
    uint32_t calls = random_below(4);
    while (depth < 30 && calls-- > 0 && looks < STACKS)
        functions[random_below(sizeof functions / sizeof *functions)](depth + 1);
    look();
}

static void walk(void) {
    looks = wrong = 0;
    while (looks < STACKS)
        go(0);
}

static void find_top(void) {
    pthread_attr_t attributes;
    void *start;
    size_t size;
    assert_int_equal(pthread_getattr_np(pthread_self(), &attributes), 0);
    pthread_attr_getstack(&attributes, &start, &size);
    pthread_attr_destroy(&attributes);
    top = (uintptr_t)start + size;
}

static void test_main_thread(void **unused) {
    (void)unused;
    find_top();
    walk();
    assert_int_equal(wrong, 0);
}

static void *run_thread(void *unused) {
    find_top();
    walk();
    return unused;
}

static void test_another_thread(void **unused) {
    (void)unused;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, run_thread, NULL), 0);
    pthread_join(thread, NULL);
    assert_int_equal(wrong, 0);
}

/* A coroutine's stack is not the thread's, and ends just before memory that is not there. */
static ucontext_t outside, inside;

static void test_coroutine(void **unused) {
    (void)unused;
    size_t size = 256 << 10;
    char *room =
        mmap(NULL, size + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(room, MAP_FAILED);
    munmap(room + size, 4096);
    find_top();
    getcontext(&inside);
    inside.uc_stack = (stack_t){.ss_sp = room, .ss_size = size};
    inside.uc_link = &outside;
    makecontext(&inside, walk, 0);
    swapcontext(&outside, &inside);
    munmap(room, size);
    assert_int_equal(wrong, 0);
}

/* Says of its frame what is only true before it changes the stack. */
void on_stack(void *end, void (*then)(void));
__asm__(".text\n.type on_stack, @function\non_stack:\n.cfi_startproc\n"
        "push %rbp\n.cfi_def_cfa_offset 16\n.cfi_offset %rbp, -16\n"
        "mov %rsp, %rbp\nmov %rdi, %rsp\ncall *%rsi\nmov %rbp, %rsp\npop %rbp\nret\n"
        ".cfi_endproc\n.size on_stack, . - on_stack\n");

static void read_once(void) {
    assert_true(unwind_read(&stack, top, 0));
    __asm__ volatile("");
}

/* A stack that seems to go on behind a page that is there, but may not be read: of a coroutine, and
 * just below the thread's own. */
static void test_guard(void **unused) {
    (void)unused;
    size_t size = 64 << 10;
    char *room =
        mmap(NULL, size + 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(room, MAP_FAILED);
    assert_int_equal(mprotect(room + size, 4096, PROT_NONE), 0);
    for (int near = 0; near < 2; near++) {
        find_top();
        top = near ? (uintptr_t)room + size + 8192 : top;
        on_stack(room + size, read_once);
        assert_true(stack.count >= 2 && stack.count <= 3);
    }
    munmap(room, size + 8192);
}

/* With what is said to stand, too, the rest is read anew: two functions with frames of one size. */
static uintptr_t standing;

static noinline void one(void (*then)(void)) {
    then();
    __asm__ volatile("");
}

static noinline void other(void (*then)(void)) {
    then();
    __asm__ volatile("nop");
}

static uint32_t seen_count;
static uintptr_t seen[2];

static noinline void see(void) {
    assert_true(unwind_read(&stack, top, standing));
    seen[seen_count++ % 2] = stack.frames[stack.count - 3].address;
    __asm__ volatile("");
}

static void test_same_shape(void **unused) {
    (void)unused;
    find_top();
    assert_true(unwind_read(&stack, top, 0));
    standing = stack.frames[stack.count - 2].stack_pointer;
    one(see);
    other(see);
    assert_true(seen[0] != seen[1]);
}

static int prepare(void **unused) {
    (void)unused;
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_NODEFER};
    sigaction(SIGUSR1, &action, NULL);
    void *first[1];
    backtrace(first, 1); /* loads the other unwinder */
    return modules_prepare() && unwind_prepare() ? 0 : -1;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_main_thread), cmocka_unit_test(test_another_thread),
        cmocka_unit_test(test_coroutine),   cmocka_unit_test(test_guard),
        cmocka_unit_test(test_same_shape),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
