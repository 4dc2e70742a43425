/* A thread's stack with native frames: what native.c knows of the last one that was read, and what
 * others are known again by.
 *
 * Private to native.c and remember.c. */
#ifndef HOLDFAST_PRELOAD_NATIVE_STACK_H
#define HOLDFAST_PRELOAD_NATIVE_STACK_H

#include "../frames.h"
#include "../python.h"
#include "recall.h"
#include "unwind.h"

/* A Python frame: code object and position, as the frame has them. A native one: its module, and
 * the return address. */
struct joined {
    const char *code;
    uintptr_t position;
    uint32_t node; /* of the stack that ends here */
    uint32_t loop; /* of a Python frame: its loop's frame in the native stack that was read then */
};

#define IS_NATIVE UINT32_MAX
#define NO_LOOP (UINT32_MAX - 1)

/* A Python frame that is known to wait still for what it had called when the last stack was read,
 * and so the loop that runs it, and all that is further out. */
struct standing {
    const char *frame; /* NULL: it is not known of any */
    uint64_t position, mark;
    const uint64_t *mark_place; /* follow.h */
    uint32_t place;             /* of the frame among the joined ones */
    uint32_t loop;              /* of its loop's frame in the native stack */
    uintptr_t loop_stack_pointer;
};

/* What a stack cache has in --native: the last stack that was read, the room to read one, and what
 * others are known again by. */
struct native_stack {
    struct unwind_stack unwind;
    struct joined *frames; /* the outermost first */
    struct joined *fresh;  /* in the order in which they are found: the innermost first */
    uint32_t count, fresh_count, capacity;
    uint32_t thread_node;
    uint64_t epoch; /* stack_codes_freed when it was read */
    struct standing standing;
    uint32_t
        distance; /* so many are between the innermost Python frame and the one that is to stand */
    uint32_t patience; /* so many stacks are known again before a frame further in is to stand */
    uint32_t known;    /* so many of these are left */
    uint8_t rest;      /* so many stacks more it is not tried to know that one stands */
    struct recall recall;
};

/* Keeps what the stack that has just been read for this call is known again by, if it was asked for
 * before. */
void native_remember(struct native_stack *stack, const struct recall_call *call, uint32_t node);

static inline bool native_is_shim(const char *frame) {
    return python.at.minor >= 12 &&
           *(const uint8_t *)(frame + python.at.frame_owner) >= FRAME_OWNER_SHIM;
}

#endif
