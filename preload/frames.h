/* Walking the calling thread's chain of Python frames, innermost first.
 *
 * A thread's own chain changes only on that thread, so no lock is needed, nor the GIL. There are
 * two kinds of chain: of frame objects (to 3.10), and of interpreter frames, among which shims
 * stand for the interpreter's own C frames (from 3.11). Never walk while an object is being freed:
 * greenlet frees memory when the chain is not whole.
 */
#ifndef HOLDFAST_PRELOAD_FRAMES_H
#define HOLDFAST_PRELOAD_FRAMES_H

#include <stdatomic.h>

#include "layouts.h"
#include "stack.h"

struct thread;

/* Code and position as the frame holds them: see frames_position(). */
struct frame {
    const char *address;
    const char *code;
    uintptr_t position;
};

/* Who has a frame's memory: the thread's stack of frames, or from SHIM on, it is a shim. */
#define FRAME_OWNER_THREAD 0
#define FRAME_OWNER_SHIM 3

/* The calling thread's Python state; NULL when it has no frames that can be read. */
const char *frames_state(const struct thread *thread);

static inline bool frames_objects(void) {
    return python.at.minor <= 10;
}

/* The innermost frame of a thread state that is current, or a shim; NULL: none. */
static hot_inline const char *frames_current(const struct python_offsets *at, const char *state) {
    const char *frame = python_pointer(state, at->thread_frame);
    bool by_cframe = at->minor == 11 || at->minor == 12;
    return by_cframe ? python_pointer(frame, at->cframe_frame) : frame;
}

static hot_inline uint64_t frames_word(const char *frame, uint32_t offset) {
    return *(const uint64_t *)(const void *)(frame + offset);
}

/* The same of any thread state, which may have been made just now. */
static hot_inline const char *frames_innermost(const struct python_offsets *at, const char *state) {
    return python_pointer(state, at->thread_frame) ? frames_current(at, state) : NULL;
}

/* Past the shims from `next` on, if it is one. */
static hot_inline const char *frames_skip(const struct python_offsets *at, const char *next) {
    bool shims = at->minor >= 12;
    while (shims && next && *(const uint8_t *)(next + at->frame_owner) >= FRAME_OWNER_SHIM)
        next = python_pointer(next, at->frame_previous);
    return next;
}

/* The frame that called the one at `address`; NULL: none. */
static hot_inline const char *frames_outer(const struct python_offsets *at, const char *address) {
    return frames_skip(at, python_pointer(address, at->frame_previous));
}

/* The frame at `address`. */
static hot_inline struct frame frames_at(const struct python_offsets *at, const char *address) {
    const char *code = python_pointer(address, at->frame_code);
    if (at->minor <= 10)
        return (struct frame){
            address, code, (uintptr_t) * (const int *)(const void *)(address + at->frame_position)};
    /* From 3.14 the low two bits are tags. */
    return (struct frame){address, (const char *)((uintptr_t)code & ~(uintptr_t)3),
                          (uintptr_t)python_pointer(address, at->frame_position)};
}

/* The stack that ends with the frame at `address`, or with a shim, is the same again, but for where
 * that frame is. What the second and the third look read is there, as what was before it is as it
 * was. */
static hot_inline bool stack_stands(const struct python_offsets *at, const struct stack_top *top,
                                    const char *address) {
    return python_pointer(address, at->frame_previous) == top->previous &&
           *top->outer_place == top->outer && *top->mark_place == top->mark;
}

/* The stack's node where it is wholly the same, or at the other instruction; else 0. */
static hot_inline uint32_t stack_again(const struct python_offsets *at, const struct stack_top *top,
                                       const char *address) {
    if (address != top->address || !stack_stands(at, top, address))
        return 0;
    uint64_t position = frames_word(address, at->frame_position);
    if (likely(position == top->position))
        return top->node;
    return likely(position == top->other_position) ? top->other_node : 0;
}

/* The innermost frame is at far->address; its stack is the same again, but for where that frame is,
 * and its caller. */
static hot_inline bool stack_stands_far(const struct python_offsets *at,
                                        const struct stack_far *far) {
    uint64_t epoch = atomic_load_explicit(&stack_codes_freed, memory_order_acquire) + 1;
    return epoch == far->epoch &&
           python_pointer(far->address, at->frame_previous) == far->previous &&
           *far->link == far->caller &&
           python_pointer(far->caller, at->frame_previous) == far->outer &&
           frames_word(far->outer, at->frame_position) == far->outer_position &&
           *far->mark_place == far->mark;
}

/* The stack's node where it is wholly the same; else 0. */
static hot_inline uint32_t stack_again_far(const struct python_offsets *at,
                                           const struct stack_far *far, const char *address) {
    bool same = address == far->address &&
                frames_word(address, at->frame_position) == far->position &&
                stack_stands_far(at, far) &&
                frames_word(far->caller, at->frame_position) == far->caller_position;
    return same ? far->node : 0;
}

/* What the thread of that state runs is Python code of Holdfast's (`run --watch`, the package), or
 * the standard library for it: nothing that the program has called. */
bool frames_are_ours(const char *state);

/* From 3.11: local variables, cells among them, that a frame of this code has. */
int64_t frames_local_count(const char *code);

/* The instruction, in bytes from the code's start; FRAME_NOT_BEGUN before the first that belongs to
 * the function's body; FRAME_NOWHERE when it is not inside the code. */
int64_t frames_position(const struct frame *frame);

#define FRAME_NOT_BEGUN (-2)
#define FRAME_NOWHERE INT64_MIN

#endif
