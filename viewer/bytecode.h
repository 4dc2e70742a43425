/* The instructions of a code object as they lie in memory: decoded, with where each may go next and
 * how deep the value stack is before it.
 *
 * Specialised forms are restored, and inline caches skipped, by the tables in viewer/opcodes/.
 */
#ifndef HOLDFAST_VIEWER_BYTECODE_H
#define HOLDFAST_VIEWER_BYTECODE_H

#include "viewer/opcodes.h"
#include "wire/graph.h"

#define NO_INSTRUCTION UINT32_MAX

struct instruction {
    const struct opcode *opcode; /* never a specialised form */
    uint32_t argument;
    uint32_t unit;    /* where it begins, its prefixes included, in units of two bytes */
    uint32_t jump;    /* the instruction that it may jump to, or whose block it opens; or none */
    uint32_t handler; /* where an exception goes; or none: out of the function */
    int32_t depth;    /* of the stack when it begins; -1 unknown */
    bool reached;     /* from the code's start */
    bool with_next;   /* in memory it also does what the next one says */
};

enum bytecode_state { BYTECODE_WHOLE, BYTECODE_VERSION, BYTECODE_DAMAGED, BYTECODE_MEMORY };

struct bytecode {
    const struct opcode_table *table;
    struct instruction *instructions;
    uint32_t count;
    uint32_t *at; /* by unit: the instruction that it is a part of */
    uint32_t units;
};

/* Fills *bytecode, to be released whatever it returns. */
enum bytecode_state bytecode_read(const struct graph_code *code, uint32_t python_minor,
                                  struct bytecode *bytecode);
void bytecode_release(struct bytecode *bytecode);

/* The instruction that a position in bytes is in; NO_INSTRUCTION when it is in none. */
uint32_t bytecode_at(const struct bytecode *bytecode, int32_t position);

#endif
