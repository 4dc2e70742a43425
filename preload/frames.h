/* Walking the calling thread's chain of Python frames, innermost first.
 *
 * A thread's own chain changes only on that thread, so no lock is needed, nor the GIL. There are
 * two kinds of chain: of frame objects (to 3.10), and of interpreter frames, among which shims
 * stand for the interpreter's own C frames (from 3.11). Never walk while an object is being freed:
 * greenlet frees memory when the chain is not whole.
 */
#ifndef HOLDFAST_PRELOAD_FRAMES_H
#define HOLDFAST_PRELOAD_FRAMES_H

#include "python.h"

struct thread;

/* Code and position as the frame holds them: see frames_position(). */
struct frame {
    const char *address;
    const char *code;
    uintptr_t position;
};

/* The frame that comes next, NULL after the last, and the offsets that the walk needs. */
struct frame_walk {
    const char *next;
    uint32_t previous, code, position, owner;
};

/* Who has a frame's memory: the thread's stack of frames, or from SHIM on, it is a shim. */
#define FRAME_OWNER_THREAD 0
#define FRAME_OWNER_SHIM 3

/* False when the thread has no frames that can be read. */
bool frames_begin(struct frame_walk *walk, const struct thread *thread);

/* The walk over a thread state's frames. */
static inline struct frame_walk frames_of(const char *state) {
    const char *frame = python_pointer(state, python.at.thread_frame);
    bool by_cframe = python.at.minor == 11 || python.at.minor == 12;
    if (by_cframe && frame)
        frame = python_pointer(frame, python.at.cframe_frame);
    return (struct frame_walk){.next = frame,
                               .previous = python.at.frame_previous,
                               .code = python.at.frame_code,
                               .position = python.at.frame_position,
                               .owner = python.at.frame_owner};
}

static inline bool frames_objects(void) {
    return python.at.minor <= 10;
}

/* Past the shims from `next` on, if it is one. */
static inline __attribute__((always_inline)) const char *
frames_skip(const struct frame_walk *walk, bool objects, const char *next) {
    while (!objects && next && *(const uint8_t *)(next + walk->owner) >= FRAME_OWNER_SHIM)
        next = python_pointer(next, walk->previous);
    return next;
}

/* The frame at `address`. */
static inline __attribute__((always_inline)) struct frame
frame_at(const struct frame_walk *walk, bool objects, const char *address) {
    const char *code = python_pointer(address, walk->code);
    if (objects)
        return (struct frame){address, code,
                              (uintptr_t) * (const int *)(const void *)(address + walk->position)};
    /* From 3.14 the low two bits are tags. */
    return (struct frame){address, (const char *)((uintptr_t)code & ~(uintptr_t)3),
                          (uintptr_t)python_pointer(address, walk->position)};
}

/* `objects`: frames_objects(), in a form that the compiler can specialise for. */
static inline __attribute__((always_inline)) bool frames_next(struct frame_walk *walk, bool objects,
                                                              struct frame *frame) {
    const char *next = frames_skip(walk, objects, walk->next);
    if (!next)
        return false;
    *frame = frame_at(walk, objects, next);
    walk->next = python_pointer(next, walk->previous);
    return true;
}

/* From 3.11: local variables, cells among them, that a frame of this code has. */
int64_t frames_local_count(const char *code);

/* The instruction, in bytes from the code's start; FRAME_NOT_BEGUN before the first that belongs to
 * the function's body; FRAME_NOWHERE when it is not inside the code. */
int64_t frames_position(const struct frame *frame);

#define FRAME_NOT_BEGUN (-2)
#define FRAME_NOWHERE INT64_MIN

#endif
