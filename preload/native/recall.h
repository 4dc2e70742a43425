/* Stacks that are known again without being read.
 *
 * A stack follows from the registers and the words of memory that were read to find it: return
 * addresses, saved frame pointers, the links and positions of Python's frames. Of some stacks these
 * words are kept. As long as all are as they were, it is the same stack, and has the same node. The
 * words stand in the order in which they were found: each lies in a frame that the words before it
 * lead to, so that it may be read once those are as they were. A mark (../follow.h) ends the list
 * early, as nothing further out has changed while that is there.
 *
 * Private to a thread's native stack, and no larger than it is here. */
#ifndef HOLDFAST_PRELOAD_RECALL_H
#define HOLDFAST_PRELOAD_RECALL_H

#include <stdbool.h>
#include <stdint.h>

#include "unwind.h"

/* Where a stack is asked for, and when. */
struct recall_call {
    struct unwind_registers registers;
    const char *state;     /* the thread's Python state; NULL */
    const char *frame;     /* the innermost of it, or a shim; NULL */
    uint64_t position;     /* of that frame, as a word */
    uint64_t codes_freed;  /* stack_codes_freed */
    uint32_t generation;   /* modules_generation */
    uintptr_t called_from; /* maybe where the hook was called from: it tells stacks apart */
};

struct recall_word {
    const uint64_t *place;
    uint64_t value;
};

/* A stack that was asked for. */
struct recalled {
    struct recall_call call;
    uint64_t begin; /* of its words, counted from the first that was ever kept */
    uint32_t count;
    uint32_t node; /* 0: its words are not kept */
    bool by_frame_pointer;
    bool was_found;       /* since its words were kept, ... */
    bool is_in_use;       /* ... and since one that begins like it was not */
    uint8_t rest, rested; /* so many times more they are not kept anew, as it was of no use */
};

#define RECALL_BITS 7u
#define RECALL_WAYS 4u
#define RECALL_WORDS 4096u
#define RECALL_WORDS_EACH 512u

/* Zeroed: empty. */
struct recall {
    struct recalled stacks[1u << RECALL_BITS][RECALL_WAYS]; /* in a row: alike by hash */
    uint64_t end;          /* of the words, counted as above; older ones are written over */
    uint64_t begin;        /* of those that are being put together */
    struct recalled *kept; /* which stack's these will be */
    struct recall_word words[RECALL_WORDS];
};

/* The stack has been asked for before, so that its words are worth keeping. They are then added,
 * each with the value that it has now: recall_add() returns false when there are too many. Then,
 * and where the stack follows from other things, too, node 0 is kept. */
bool recall_begin(struct recall *recall, const struct recall_call *call);
bool recall_add(struct recall *recall, const void *place);
void recall_keep(struct recall *recall, const struct recall_call *call, bool by_frame_pointer,
                 uint32_t node);

/* Empties it. */
void recall_forget(struct recall *recall);

/* -- Looking for one -- */

static hot_inline struct recalled *recall_row(struct recall *recall,
                                              const struct recall_call *call) {
    uint64_t key = call->registers.stack_pointer ^ call->position * 0xbf58476d1ce4e5b9ull ^
                   call->called_from * 0xd6e8feb86659fd93ull;
    key ^= key >> 32;
    return recall->stacks[key * 0x9e3779b97f4a7c15ull >> (64 - RECALL_BITS)];
}

static hot_inline bool recall_is_call(const struct recall_call *a, const struct recall_call *b) {
    return a->position == b->position && a->called_from == b->called_from && a->frame == b->frame &&
           a->state == b->state && a->registers.stack_pointer == b->registers.stack_pointer &&
           a->registers.address == b->registers.address;
}

/* The words are read in their order, since each may be read only if those before it are as they
 * were. */
static hot_inline bool recall_holds(const struct recall *recall, const struct recalled *stack) {
    const struct recall_word *word = &recall->words[stack->begin % RECALL_WORDS];
    const struct recall_word *end = word + stack->count;
#pragma GCC unroll 4
    for (; word < end; word++)
        if (*word->place != word->value)
            return false;
    return true;
}

static hot_inline bool recall_is_again(const struct recall *recall, const struct recalled *stack,
                                       const struct recall_call *call) {
    return recall_is_call(&stack->call, call) && stack->node &&
           stack->call.codes_freed == call->codes_freed &&
           stack->call.generation == call->generation &&
           recall->end - stack->begin <= RECALL_WORDS &&
           (!stack->by_frame_pointer ||
            stack->call.registers.frame_pointer == call->registers.frame_pointer) &&
           recall_holds(recall, stack);
}

/* The node of the stack, if it is known again; else 0. */
static hot_inline uint32_t recall_find(struct recall *recall, const struct recall_call *call) {
    struct recalled *stack = recall_row(recall, call), *end = stack + RECALL_WAYS;
    for (; stack < end; stack++)
        if (recall_is_again(recall, stack, call)) {
            stack->was_found = stack->is_in_use = true;
            return stack->node;
        }
    return 0;
}

#endif
