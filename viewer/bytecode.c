/* See bytecode.h. Three passes: what the instructions are, where they jump and which handlers a
 * table gives them, and a walk from the start along all paths, which finds the depth of the stack
 * and (before 3.11) the blocks that are open. */
#include "viewer/bytecode.h"

#include <stdlib.h>

#include "viewer/opcodes/3.10.h"
#include "viewer/opcodes/3.11.h"
#include "viewer/opcodes/3.12.h"
#include "viewer/opcodes/3.13.h"
#include "viewer/opcodes/3.14.h"
#include "viewer/opcodes/3.8.h"
#include "viewer/opcodes/3.9.h"

static const struct opcode_table *const tables[] = {
    &opcodes_3_8,  &opcodes_3_9,  &opcodes_3_10, &opcodes_3_11,
    &opcodes_3_12, &opcodes_3_13, &opcodes_3_14,
};

#define PREFIXES_MAX 3
#define DEPTH_MAX (1 << 20)
#define HANDLERS_MAX 32u

static const struct opcode_table *table_of(uint32_t minor) {
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if (tables[i]->minor == minor)
            return tables[i];
    return NULL;
}

/* -- Instructions ------------------------------------------------------------------------------ */

/* Reads the one at `unit` with its prefixes and caches; the unit behind them, 0 when damaged. */
static uint32_t decode_one(struct bytecode *bytecode, const uint8_t *code, uint32_t unit) {
    struct instruction *one = &bytecode->instructions[bytecode->count];
    *one = (struct instruction){
        .unit = unit, .jump = NO_INSTRUCTION, .handler = NO_INSTRUCTION, .depth = -1};
    for (uint32_t prefixes = 0; unit < bytecode->units; unit++, prefixes++) {
        const struct opcode *found = &bytecode->table->opcodes[code[2 * (size_t)unit]];
        one->opcode = &bytecode->table->opcodes[found->base];
        one->argument = one->argument << 8 | code[2 * (size_t)unit + 1];
        one->with_next = found->flags & OPCODE_WITH_NEXT;
        bytecode->at[unit] = bytecode->count;
        if (!(found->flags & OPCODE_KNOWN) || prefixes > PREFIXES_MAX)
            return 0;
        if (!(one->opcode->flags & OPCODE_PREFIX))
            break;
    }
    uint32_t behind = unit + 1 + one->opcode->caches;
    if (behind > bytecode->units)
        return 0;
    while (++unit < behind)
        bytecode->at[unit] = bytecode->count;
    bytecode->count++;
    return behind;
}

static bool decode(struct bytecode *bytecode, const uint8_t *code) {
    for (uint32_t unit = 0; unit < bytecode->units;) {
        unit = decode_one(bytecode, code, unit);
        if (unit == 0)
            return false;
    }
    return bytecode->count > 0;
}

/* The instruction that begins at a unit. */
static uint32_t starting_at(const struct bytecode *bytecode, int64_t unit) {
    if (unit < 0 || unit >= bytecode->units)
        return NO_INSTRUCTION;
    uint32_t index = bytecode->at[unit];
    return bytecode->instructions[index].unit == unit ? index : NO_INSTRUCTION;
}

static uint32_t unit_behind(const struct bytecode *bytecode, uint32_t index) {
    return index + 1 < bytecode->count ? bytecode->instructions[index + 1].unit : bytecode->units;
}

#define JUMPS (OPCODE_FORWARD | OPCODE_BACKWARD | OPCODE_ABSOLUTE)

static bool find_jumps(struct bytecode *bytecode) {
    for (uint32_t i = 0; i < bytecode->count; i++) {
        struct instruction *one = &bytecode->instructions[i];
        if (!(one->opcode->flags & JUMPS))
            continue;
        int64_t distance = (int64_t)one->argument * bytecode->table->jump_bytes / 2;
        int64_t from = one->opcode->flags & OPCODE_ABSOLUTE ? 0 : unit_behind(bytecode, i);
        bool backward = one->opcode->flags & OPCODE_BACKWARD;
        one->jump = starting_at(bytecode, backward ? from - distance : from + distance);
        if (one->jump == NO_INSTRUCTION)
            return false;
    }
    return true;
}

/* -- Exception table (from 3.11) --------------------------------------------------------------- */

struct table_reader {
    const uint8_t *at, *end;
};

/* Six bits a byte, the highest first; bit 6 says that more follow, bit 7 begins an entry. */
static bool read_number(struct table_reader *reader, uint32_t *number) {
    *number = 0;
    for (int i = 0; i < 5 && reader->at < reader->end; i++) {
        uint8_t byte = *reader->at++;
        *number = *number << 6 | (byte & 63);
        if (!(byte & 64))
            return true;
    }
    return false;
}

static bool read_entry(struct bytecode *bytecode, struct table_reader *reader, int32_t *depths,
                       uint32_t *covered) {
    uint32_t start, length, target, depth_and_lasti;
    if (!read_number(reader, &start) || !read_number(reader, &length) ||
        !read_number(reader, &target) || !read_number(reader, &depth_and_lasti))
        return false;
    uint32_t handler = starting_at(bytecode, target);
    if (handler == NO_INSTRUCTION || start < *covered || start > bytecode->units ||
        length > bytecode->units - start || depth_and_lasti / 2 > DEPTH_MAX)
        return false;
    *covered = start + length;
    for (uint32_t unit = start; unit < *covered; unit++) {
        bytecode->instructions[bytecode->at[unit]].handler = handler;
        depths[bytecode->at[unit]] = (int32_t)(depth_and_lasti / 2 + depth_and_lasti % 2 + 1);
    }
    return true;
}

/* Fills in the handlers, and in `depths` how deep the stack is when each instruction's begins. */
static bool read_exception_table(struct bytecode *bytecode, const struct graph_code *code,
                                 int32_t *depths) {
    if (code->exception_table_bytes == 0) /* there may be no table, either */
        return true;
    struct table_reader reader = {code->exception_table,
                                  code->exception_table + code->exception_table_bytes};
    uint32_t covered = 0;
    while (reader.at < reader.end)
        if (!read_entry(bytecode, &reader, depths, &covered))
            return false;
    return true;
}

/* -- All paths from the start ------------------------------------------------------------------ */

/* What holds when an instruction begins, whichever way it was reached. */
struct state {
    int32_t depth;
    uint32_t block;    /* the instruction that opened the innermost open block, or none */
    uint32_t handlers; /* with shared_handlers: how many have been entered and not left ... */
    uint32_t unsure;   /* ... and for each, from bit 0 on, if that may not have been an exception */
};

struct walk {
    struct bytecode *bytecode;
    struct state *states; /* by instruction */
    int32_t *handler_depths;
    uint32_t *waiting; /* instructions to go on from */
    bool *waits;
    uint32_t waiting_count;
    bool damaged;
    bool depths_differ; /* depending on the path: then none is believed */
};

static void wait_for(struct walk *walk, uint32_t index) {
    if (!walk->waits[index])
        walk->waiting[walk->waiting_count++] = index;
    walk->waits[index] = true;
}

static void reach(struct walk *walk, uint32_t index, struct state state) {
    if (index >= walk->bytecode->count) {
        walk->damaged = true;
        return;
    }
    struct instruction *one = &walk->bytecode->instructions[index];
    struct state *known = &walk->states[index];
    if (state.depth < 0 || state.depth > DEPTH_MAX || state.handlers > HANDLERS_MAX) {
        walk->depths_differ = true;
        state = (struct state){.block = state.block};
    }
    if (!one->reached) {
        one->reached = true;
        *known = state;
        wait_for(walk, index);
        return;
    }
    walk->damaged |= known->block != state.block;
    walk->depths_differ |= known->depth != state.depth || known->handlers != state.handlers;
    if (state.unsure & ~known->unsure) {
        known->unsure |= state.unsure;
        wait_for(walk, index);
    }
}

static int32_t effect(const struct stack_effect *effect, uint32_t argument) {
    uint32_t of = 0;
    switch ((enum effect_of)effect->of) {
    case EFFECT_CONSTANT:
        break;
    case EFFECT_ARGUMENT:
        of = argument;
        break;
    case EFFECT_LOWEST_BIT:
        of = argument & 1;
        break;
    case EFFECT_THIRD_BIT:
        of = argument >> 2 & 1;
        break;
    case EFFECT_FOUR_BITS:
        of = (uint32_t)__builtin_popcount(argument & 15);
        break;
    case EFFECT_IS_THREE:
        of = argument == 3;
        break;
    case EFFECT_TWO_BYTES:
        of = (argument & 255) + (argument >> 8);
        break;
    }
    /* Beyond the greatest depth either way, so that reach() refuses it. */
    if (of > DEPTH_MAX)
        of = 2 * DEPTH_MAX + 256;
    return effect->constant + effect->factor * (int32_t)of;
}

/* Enters a handler that its end has to leave. */
static void enter(struct state *state, bool unsure) {
    if (state->handlers < HANDLERS_MAX)
        state->unsure |= (uint32_t)unsure << state->handlers;
    state->handlers++;
}

static void doubt_innermost(struct state *state) {
    if (state->handlers > 0 && state->handlers <= HANDLERS_MAX)
        state->unsure |= 1u << (state->handlers - 1);
}

static void leave(struct walk *walk, struct state *state) {
    if (state->handlers == 0) {
        walk->depths_differ = true;
        return;
    }
    state->handlers--;
    if (state->handlers < HANDLERS_MAX)
        state->unsure &= ~(1u << state->handlers);
}

static void jump_from(struct walk *walk, const struct instruction *one, struct state state) {
    state.depth += effect(&one->opcode->jump, one->argument);
    if (one->opcode->flags & OPCODE_ENTERS_FINALLY)
        enter(&state, true);
    else if (one->opcode->flags & OPCODE_SETUP && walk->bytecode->table->shared_handlers)
        enter(&state, false);
    reach(walk, one->jump, state);
}

static void go_on_from(struct walk *walk, uint32_t index, struct state state) {
    const struct instruction *one = &walk->bytecode->instructions[index];
    uint16_t flags = one->opcode->flags;
    state.depth += effect(&one->opcode->next, one->argument);
    if (flags & OPCODE_SETUP)
        state.block = index;
    if (flags & OPCODE_POP_BLOCK) {
        walk->damaged |= state.block == NO_INSTRUCTION;
        if (!walk->damaged)
            state.block = walk->states[state.block].block;
    }
    if (flags & OPCODE_ENTERS_FINALLY && !(flags & OPCODE_CALLS_FINALLY))
        enter(&state, true);
    if (flags & OPCODE_SUPPRESSES)
        doubt_innermost(&state);
    if (flags & OPCODE_LEAVES_HANDLER)
        leave(walk, &state);
    reach(walk, index + 1, state);
}

static void follow(struct walk *walk, uint32_t index) {
    struct instruction *one = &walk->bytecode->instructions[index];
    const struct state *state = &walk->states[index];
    if (!walk->bytecode->table->exception_table && state->block != NO_INSTRUCTION)
        one->handler = walk->bytecode->instructions[state->block].jump;
    else if (one->handler != NO_INSTRUCTION)
        reach(walk, one->handler,
              (struct state){.depth = walk->handler_depths[index], .block = NO_INSTRUCTION});
    if (one->jump != NO_INSTRUCTION)
        jump_from(walk, one, *state);
    if (!(one->opcode->flags & OPCODE_ENDS))
        go_on_from(walk, index, *state);
}

/* Nothing; in 3.10 a generator's first instruction takes off what was sent to begin with. */
static int32_t depth_at_start(const struct bytecode *bytecode) {
    const struct instruction *first = &bytecode->instructions[0];
    int32_t grows = effect(&first->opcode->next, first->argument);
    return grows < 0 ? -grows : 0;
}

static bool follow_all(struct walk *walk) {
    reach(walk, 0,
          (struct state){.depth = depth_at_start(walk->bytecode), .block = NO_INSTRUCTION});
    while (walk->waiting_count > 0 && !walk->damaged) {
        uint32_t index = walk->waiting[--walk->waiting_count];
        walk->waits[index] = false;
        follow(walk, index);
    }
    for (uint32_t i = 0; i < walk->bytecode->count && !walk->depths_differ; i++)
        if (walk->bytecode->instructions[i].reached && walk->states[i].unsure == 0)
            walk->bytecode->instructions[i].depth = walk->states[i].depth;
    return !walk->damaged;
}

static enum bytecode_state walk_paths(struct bytecode *bytecode, const struct graph_code *code) {
    struct walk walk = {
        .bytecode = bytecode,
        .states = calloc(bytecode->count, sizeof *walk.states),
        .handler_depths = calloc(bytecode->count, sizeof *walk.handler_depths),
        .waiting = calloc(bytecode->count, sizeof *walk.waiting),
        .waits = calloc(bytecode->count, sizeof *walk.waits),
    };
    enum bytecode_state state = BYTECODE_MEMORY;
    if (walk.states && walk.handler_depths && walk.waiting && walk.waits) {
        bool whole = (!bytecode->table->exception_table ||
                      read_exception_table(bytecode, code, walk.handler_depths)) &&
                     follow_all(&walk);
        state = whole ? BYTECODE_WHOLE : BYTECODE_DAMAGED;
    }
    free(walk.states);
    free(walk.handler_depths);
    free(walk.waiting);
    free(walk.waits);
    return state;
}

/* ---------------------------------------------------------------------------------------------- */

enum bytecode_state bytecode_read(const struct graph_code *code, uint32_t python_minor,
                                  struct bytecode *bytecode) {
    *bytecode =
        (struct bytecode){.table = table_of(python_minor), .units = code->instruction_bytes / 2};
    if (!bytecode->table)
        return BYTECODE_VERSION;
    if (bytecode->units == 0 || code->instruction_bytes % 2 != 0 ||
        code->instruction_bytes > GRAPH_CODE_MAX)
        return BYTECODE_DAMAGED;
    bytecode->instructions = calloc(bytecode->units, sizeof *bytecode->instructions);
    bytecode->at = calloc(bytecode->units, sizeof *bytecode->at);
    if (!bytecode->instructions || !bytecode->at)
        return BYTECODE_MEMORY;
    if (!decode(bytecode, code->instructions) || !find_jumps(bytecode))
        return BYTECODE_DAMAGED;
    return walk_paths(bytecode, code);
}

void bytecode_release(struct bytecode *bytecode) {
    free(bytecode->instructions);
    free(bytecode->at);
    *bytecode = (struct bytecode){0};
}

uint32_t bytecode_at(const struct bytecode *bytecode, int32_t position) {
    if (position < 0 || position % 2 != 0 || (uint32_t)position / 2 >= bytecode->units)
        return NO_INSTRUCTION;
    return bytecode->at[position / 2];
}
