/* A thread's own native stack, read at each allocation that is recorded.
 *
 * What leads from a frame to its caller's depends on the address alone. Nearly always it is one of
 * a few simple rules, which fit a word and are kept in a table that all threads share without a
 * lock (struct rule_slot); the rest is worked out each time (cfi.h).
 *
 * A stack is compared with the thread's last one. Unwinding is a function of three registers and of
 * the words of the stack that the rules read. So where a frame has the same three as one of the
 * last stack's, and all words that were read from there on are as they were, everything further
 * out is as it was: that is checked for each frame, which takes two loads, and nothing is assumed.
 */
#ifndef HOLDFAST_PRELOAD_UNWIND_H
#define HOLDFAST_PRELOAD_UNWIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../layouts.h"

/* A rule, as a word: its kind, two distances in words, the module. */
typedef uint64_t unwind_rule;

struct unwind_registers {
    uintptr_t address, stack_pointer, frame_pointer;
};

enum unwind_kind {
    RULE_NONE,         /* no caller, or nobody knows */
    RULE_STACK,        /* the frame's end is the stack pointer + a distance */
    RULE_POINTER,      /* the same from the frame pointer */
    RULE_POINTER_READ, /* ... is what the frame pointer + a distance points to, where the stack has
                          been aligned; and the second distance is from the frame pointer, too */
    RULE_OTHER,        /* see cfi_apply */
};

struct unwind_frame {
    uintptr_t address;       /* a return address, or behind the instruction that was interrupted */
    uintptr_t stack_pointer; /* there; the frame goes from here up to that of the caller */
    uintptr_t frame_pointer;
    /* Where the frame pointer was read; NULL: it is the callee's. */
    const uintptr_t *pointer_place;
    unwind_rule rule;
    bool is_told; /* by other words than the return address below the stack pointer and that one */
};

/* Zeroed: empty. */
struct unwind_stack {
    struct unwind_frame *frames; /* the outermost first */
    uint32_t count, capacity;
    uint32_t generation; /* of modules_generation when it was read */
    struct unwind_frame *fresh;
    bool cut; /* it is deeper than UNWIND_MAX */
    /* From here to the end of the thread's own stack all may be read; below `barrier`, unless it is
     * 0, is not that stack. */
    uintptr_t top, own_low, barrier;
};

#define UNWIND_MAX 16384u

/* Once; false when there is no memory. */
bool unwind_prepare(void);

/* Makes it the stack of the calling thread, from the frame with these registers on; what is below
 * `top` belongs to it. The frame with the stack pointer `standing`, if it is not 0, is known to
 * have been there all the time since the last stack was read, and so those further out to have
 * waited for it: they are not looked at. False when there is no memory. */
bool unwind_read_from(struct unwind_stack *stack, const struct unwind_registers *registers,
                      uintptr_t top, uintptr_t standing);

/* The same from this function's own frame on. */
bool unwind_read(struct unwind_stack *stack, uintptr_t top, uintptr_t standing);

/* Makes two arrays (pointers to the pointers) twice as large. False when there is no memory; they
 * are then as they were. */
bool unwind_grow(void *first, void *second, uint32_t *capacity, size_t row_size);

void unwind_release(struct unwind_stack *stack);

static hot_inline enum unwind_kind unwind_kind(unwind_rule rule) {
    return (enum unwind_kind)(rule & 7u);
}

/* The module that a frame's code is in. */
static hot_inline uint32_t unwind_module(unwind_rule rule) {
    return (uint32_t)(rule >> 43) & 0xffffu;
}

/* The frame of the caller begins here; 0: it has none. */
static inline uintptr_t unwind_frame_end(const struct unwind_stack *stack, uint32_t number) {
    return number > 0 ? stack->frames[number - 1].stack_pointer : 0;
}

#endif
