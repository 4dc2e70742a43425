/* aarch64's part of sys.h: see the contract there. */
#ifndef HOLDFAST_PRELOAD_ARCH_AARCH64_H
#define HOLDFAST_PRELOAD_ARCH_AARCH64_H

static inline long sys_call6(long number, long a, long b, long c, long d, long e, long f) {
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc #0"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                     : "memory", "cc");
    return x0;
}

/* The number and six more, all in registers. */
#define SYSCALL_PARAMETERS long number, long a, long b, long c, long d, long e, long f
#define SYSCALL_ARGUMENTS number, a, b, c, d, e, f

#define SYS_AUDIT_ARCHITECTURE AUDIT_ARCH_AARCH64

static inline __attribute__((noreturn)) void call_on_stack(void *top, void (*function)(void *),
                                                           void *argument) {
    register void *x0 __asm__("x0") = argument;
    __asm__ volatile("mov sp, %0\n\t"
                     "mov x29, xzr\n\t"
                     "mov x30, xzr\n\t"
                     "blr %1\n\t"
                     "brk #1"
                     :
                     : "r"(top), "r"(function), "r"(x0)
                     : "memory", "x30");
    __builtin_unreachable();
}

#define HAS_UNWINDING 0

static inline void registers_now(uintptr_t *address, uintptr_t *stack_pointer,
                                 uintptr_t *frame_pointer) {
    *address = *stack_pointer = *frame_pointer = 0;
}

static inline void cpu_relax(void) {
    __asm__ volatile("yield" ::: "memory");
}

#endif
