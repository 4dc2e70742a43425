/* The one door to the kernel and the processor: raw system calls and what else depends on the
 * architecture. Result of a system call: as the kernel gives it, -errno on failure; errno itself is
 * never touched, because the program owns it.
 *
 * The library cannot use libc's wrappers: they set errno, can be interposed by the program or by
 * us, and some allocate.
 */
#ifndef HOLDFAST_PRELOAD_SYS_H
#define HOLDFAST_PRELOAD_SYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#include "arch_x86_64.h"
#elif defined(__aarch64__)
#include "arch_aarch64.h"
#else
#error "no architecture header for this machine"
#endif
/* An architecture header defines
 *     static inline long sys_call6(long number, long a, long b, long c, long d, long e, long f);
 *     static inline void cpu_relax(void);   a hint inside a spinning loop
 *     HAS_UNWINDING       1 where native stacks can be read (native/cfi.h knows the registers)
 *     static inline void registers_now(uintptr_t *address, uintptr_t *stack_pointer,
 *                                      uintptr_t *frame_pointer);
 *         what these registers hold here, in the function that calls this
 *     static inline void call_on_stack(void *top, void (*function)(void *), void *argument);
 *         goes on in `function`, on another stack (16-byte aligned), and never comes back
 *     SYSCALL_PARAMETERS, SYSCALL_ARGUMENTS those of libc's syscall() that a hook declares and
 * hands on by a jump, so that all that were passed arrive SYS_AUDIT_ARCHITECTURE                its
 * name in linux/audit.h
 */

static inline bool sys_failed(long result) {
    return (unsigned long)result >= (unsigned long)-4095L;
}

/* Private zeroed pages, kept out of every hook. NULL when there are none. `size` in bytes, rounded
 * up to pages by the kernel. */
void *pages_map(size_t size);
/* Grows (or moves) pages that pages_map made; the new part is zeroed. NULL: the old ones are as
 * they were. */
void *pages_grow(void *pages, size_t old_size, size_t new_size);
void pages_unmap(void *pages, size_t size);

/* All of this page may be read: the kernel reads a mask there before it looks at the operation,
 * which does not exist. A call of SECCOMP_STACK's (seccomp.h). */
bool page_readable(uintptr_t page);

/* The monotonic clock. */
uint64_t clock_ns(void);

/* The calling thread's signals: all blocked, and then as they were. */
struct signals {
    uint64_t old;
};
struct signals signals_block(void);
void signals_restore(struct signals signals);

#endif
