/* How a function's caller is found: the call frame information that compilers leave in .eh_frame
 * (System V ABI; DWARF 5, 6.4), read where it is mapped.
 *
 * Only what leads from one return address to the next is of interest: the stack pointer, the frame
 * pointer and the return address. No call into libc, no lock, no memory of its own, so that it may
 * run anywhere that an allocation is made.
 */
#ifndef HOLDFAST_PRELOAD_CFI_H
#define HOLDFAST_PRELOAD_CFI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where a value of the caller's is. */
enum cfi_how {
    CFI_SAME,          /* as it is in the callee */
    CFI_AT_OFFSET,     /* in memory, at the frame's address + offset */
    CFI_IS_OFFSET,     /* the frame's address + offset itself */
    CFI_AT_EXPRESSION, /* in memory, where the expression says */
    CFI_IS_EXPRESSION, /* what the expression says */
    CFI_UNDEFINED,     /* nowhere: of a return address, that there is no caller */
    CFI_UNKNOWN,       /* in a register that is not followed */
};

struct cfi_place {
    enum cfi_how how;
    int64_t offset;
    const uint8_t *expression;
    uint64_t size; /* of the expression */
};

/* What holds at one instruction. The frame's address (CFA) is the stack pointer's value in the
 * caller: a register's plus `offset`, or an expression's. */
struct cfi_row {
    unsigned frame_register; /* where it is not an expression */
    struct cfi_place frame;  /* CFI_IS_OFFSET (from the register) or CFI_IS_EXPRESSION */
    struct cfi_place frame_pointer, return_address;
    bool signal; /* the frame of a signal handler: its caller was interrupted, and called nothing */
    uintptr_t start, end; /* of the function, as far as it is in one piece */
};

/* The registers that are followed, by their numbers in DWARF (x86-64). */
#define CFI_FRAME_POINTER 6u
#define CFI_STACK_POINTER 7u
#define CFI_RETURN_ADDRESS 16u

/* What holds at the instruction before `address`, a return address (or behind the instruction that
 * was interrupted), by the sorted table at `table` (.eh_frame_hdr). False when nothing is said. */
bool cfi_find(const uint8_t *table, uintptr_t address, struct cfi_row *row);

struct cfi_registers {
    uintptr_t address, stack_pointer, frame_pointer;
};

/* Reads a word of the stack; false where there may be none. */
typedef bool cfi_reader(void *context, uintptr_t address, uintptr_t *value);

/* The caller's registers in the place of the callee's. False when there is no caller, or it cannot
 * be found. */
bool cfi_apply(const struct cfi_row *row, struct cfi_registers *registers, cfi_reader *read,
               void *context);

#endif
