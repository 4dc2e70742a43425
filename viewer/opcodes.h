/* What an instruction of CPython does to fast locals, to the flow of control and to the value
 * stack: the form of the tables in viewer/opcodes/, one for each minor version.
 *
 * scripts/gen-opcodes writes them by asking an interpreter of that version.
 */
#ifndef HOLDFAST_VIEWER_OPCODES_H
#define HOLDFAST_VIEWER_OPCODES_H

#include <stdbool.h>
#include <stdint.h>

enum opcode_flags {
    OPCODE_KNOWN = 1, /* not so: instrumented, an executor, or no opcode at all */
    OPCODE_ENDS = 2,  /* what follows is not reached from here */
    OPCODE_FORWARD = 4,
    OPCODE_BACKWARD = 8,
    OPCODE_ABSOLUTE = 16,
    OPCODE_PREFIX = 32,     /* gives the next instruction's argument 8 more bits */
    OPCODE_CELL = 64,       /* its argument is the fast local of a cell or free variable */
    OPCODE_SETUP = 128,     /* opens a block, whose handler it names as if it jumped there */
    OPCODE_POP_BLOCK = 256, /* closes it */
    OPCODE_WITH_NEXT = 512, /* a specialised form that also does the instruction that follows */
    /* How 3.8 enters and leaves handlers; see struct opcode_table. */
    OPCODE_ENTERS_FINALLY = 1024, /* otherwise than by an exception */
    OPCODE_LEAVES_HANDLER = 2048,
    OPCODE_CALLS_FINALLY = 4096,   /* jumps; what follows is reached when the handler returns */
    OPCODE_RETURNS_FINALLY = 8192, /* to after any instruction that calls it, or goes on */
    OPCODE_SUPPRESSES = 16384,     /* may turn an exception into an ordinary end of the handler */
};

enum opcode_local { LOCAL_NONE, LOCAL_READ, LOCAL_WRITE /* or delete */ };

enum effect_of {
    EFFECT_CONSTANT,
    EFFECT_ARGUMENT,
    EFFECT_LOWEST_BIT,
    EFFECT_THIRD_BIT,
    EFFECT_FOUR_BITS, /* how many of the lowest four are set */
    EFFECT_IS_THREE,
    EFFECT_TWO_BYTES, /* sum of the lowest byte and of the rest */
};

/* By how many places the stack grows: constant + factor * of(argument). */
struct stack_effect {
    int8_t constant, factor;
    uint8_t of; /* enum effect_of */
};

struct opcode {
    uint16_t flags;           /* enum opcode_flags */
    uint8_t base;             /* itself, or the opcode that it is a specialised form of: all but
                                 flags is to be read there */
    uint8_t caches;           /* units of inline cache that follow */
    uint8_t locals[2];        /* enum opcode_local, in the order in which they happen. With two, the
                                 argument holds two indices of four bits, the first one higher. */
    struct stack_effect next; /* when it goes on */
    struct stack_effect jump; /* when it jumps */
};

struct opcode_table {
    uint32_t minor;
    uint32_t jump_bytes;  /* that one in a jump's argument stands for */
    bool exception_table; /* otherwise handlers are opened by instructions */
    /* In 3.8 a finally block's handler is also entered otherwise than by an exception. The stack
     * then has one place more, not six, and only the handler's end knows. The effects in the table
     * always count six; depths inside such a handler are therefore not known. */
    bool shared_handlers;
    struct opcode opcodes[256];
};

#endif
