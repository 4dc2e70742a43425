/* x86-64's part of sys.h: see the contract there. */
#ifndef HOLDFAST_PRELOAD_ARCH_X86_64_H
#define HOLDFAST_PRELOAD_ARCH_X86_64_H

static inline long sys_call6(long number, long a, long b, long c, long d, long e, long f) {
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

/* The number and six more: the last is on the stack, where a jump leaves it alone. */
#define SYSCALL_PARAMETERS long number, long a, long b, long c, long d, long e
#define SYSCALL_ARGUMENTS number, a, b, c, d, e

#define SYS_AUDIT_ARCHITECTURE AUDIT_ARCH_X86_64

static inline __attribute__((noreturn)) void call_on_stack(void *top, void (*function)(void *),
                                                           void *argument) {
    __asm__ volatile("movq %0, %%rsp\n\t"
                     "xorl %%ebp, %%ebp\n\t"
                     "callq *%1\n\t"
                     "ud2"
                     :
                     : "r"(top), "r"(function), "D"(argument)
                     : "memory");
    __builtin_unreachable();
}

#define HAS_UNWINDING 1

static inline __attribute__((always_inline)) void
registers_now(uintptr_t *address, uintptr_t *stack_pointer, uintptr_t *frame_pointer) {
    __asm__ volatile("leaq 0(%%rip), %0\n\tmovq %%rsp, %1\n\tmovq %%rbp, %2"
                     : "=r"(*address), "=r"(*stack_pointer), "=r"(*frame_pointer));
}

static inline void cpu_relax(void) {
    __asm__ volatile("pause" ::: "memory");
}

#endif
