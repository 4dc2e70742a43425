/* Where a walk begins, and what a frame's position means. */
#include "frames.h"

#include <string.h>

#include "code.h"
#include "text.h"
#include "thread.h"

#define STANDARD_DEPTH 16u /* frames of the standard library, to find who has called it */

/* While the interpreter finalizes it frees the states of all threads but the main one. */
static bool may_be_freed(const struct thread *thread) {
    return python_pointer(python.runtime, python.at.runtime_finalizing) &&
           (uintptr_t)python_pointer(python.runtime, python.at.runtime_main_thread) !=
               thread->pthread;
}

const char *frames_state(const struct thread *thread) {
    if (!python.present || thread->asking || may_be_freed(thread))
        return NULL;
    return thread->state ? thread->state : python.own_state();
}

static int64_t size_of(const char *object) {
    return *(const int64_t *)(const void *)(object + python.at.size);
}

int64_t frames_local_count(const char *code) {
    return size_of(python_pointer(code, python.at.code_local_names));
}

/* To 3.10: bytes, in 3.10 units of two. */
static int64_t position_in_object(const struct frame *frame) {
    int64_t last = (int)frame->position;
    int64_t position = python.at.minor == 10 ? last * 2 : last;
    if (last < 0)
        return FRAME_NOT_BEGUN;
    return position < size_of(python_pointer(frame->code, python.at.code_bytes)) ? position
                                                                                 : FRAME_NOWHERE;
}

/* From 3.14 each thread of a free-threaded build may run a copy of its own. */
static int64_t position_in_copies(const struct frame *frame, int64_t size) {
    const char *array = python_pointer(frame->code, python.at.code_copies);
    int64_t count = *(const int64_t *)(const void *)array;
    for (int64_t i = 0; i < count; i++) {
        const char *copy = python_pointer(array, (uint32_t)(8 + i * 8));
        int64_t offset = (int64_t)(frame->position - (uintptr_t)copy);
        if (copy && offset >= -2 && offset < size)
            return offset;
    }
    return FRAME_NOWHERE;
}

int64_t frames_position(const struct frame *frame) {
    if (frames_objects())
        return position_in_object(frame);
    int64_t size = size_of(frame->code) * 2;
    int64_t position = (int64_t)(frame->position - (uintptr_t)(frame->code + python.at.code_start));
    if (python.at.code_copies)
        position = position_in_copies(frame, size);
    if (position < -2 || position >= size)
        return FRAME_NOWHERE;
    /* What precedes the body (making cells, copying closures) is on the function's first line. */
    int first = *(const int *)(const void *)(frame->code + python.at.code_first_traceable);
    return position < (int64_t)first * 2 ? FRAME_NOT_BEGUN : position;
}

static bool contains(const struct text *file, const char *part) {
    return file->width == 1 && memmem(file->data, file->length, part, strlen(part));
}

static bool is_our_file(const struct text *file) {
    static const char carried[] = "<holdfast>/";
    size_t size = sizeof carried - 1;
    return (file->width == 1 && file->length > size && memcmp(file->data, carried, size) == 0) ||
           contains(file, "-packages/holdfast/_");
}

static bool is_standard(const struct text *file) {
    return contains(file, "<frozen ") ||
           (contains(file, "/python3.") && !contains(file, "-packages/"));
}

bool frames_are_ours(const char *state) {
    const struct python_offsets *at = &python.at;
    const char *address = frames_skip(at, frames_innermost(at, state));
    for (uint32_t depth = 0; address && depth < STANDARD_DEPTH; depth++) {
        const char *code = frames_at(at, address).code;
        if (!code_check(code))
            return false;
        struct text file = text_of(python_pointer(code, at->code_file));
        if (is_our_file(&file))
            return true;
        if (!is_standard(&file))
            return false;
        address = frames_outer(at, address);
    }
    return false;
}
