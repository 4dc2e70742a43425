/* Which words a stack with native frames follows from: see recall.h, and native.c for how it is
 * read. */
#include "native_stack.h"

/* The native frames that were read from the innermost one to that at `end`. */
static bool recall_native(struct native_stack *stack, uint32_t end, bool *by_frame_pointer) {
    const struct unwind_stack *unwind = &stack->unwind;
    const uintptr_t *pointer_place = NULL; /* of the frame's own frame pointer; NULL: now's */
    for (uint32_t i = unwind->count - 1; i > end; i--) {
        const struct unwind_frame *caller = &unwind->frames[i - 1];
        enum unwind_kind kind = unwind_kind(unwind->frames[i].rule);
        if (kind != RULE_STACK && kind != RULE_POINTER)
            return false;
        if (kind == RULE_POINTER && !pointer_place)
            *by_frame_pointer = true;
        if ((kind == RULE_POINTER && pointer_place && !recall_add(&stack->recall, pointer_place)) ||
            !recall_add(&stack->recall, (const void *)(caller->stack_pointer - 8)))
            return false;
        pointer_place = caller->pointer_place ? caller->pointer_place : pointer_place;
    }
    return true;
}

/* To 3.10, and where threads have copies of the instructions, a position does not tell the code. In
 * 3.11 the frame itself tells whether it is the last one of its loop. */
static bool recall_frame(struct recall *recall, const char *frame) {
    const struct python_offsets *at = &python.at;
    bool code = at->minor <= 10 || at->code_copies;
    return recall_add(recall, frame + at->frame_previous) &&
           (native_is_shim(frame) ||
            (recall_add(recall, frame + at->frame_position) &&
             (!code || recall_add(recall, frame + at->frame_code)) &&
             (!at->frame_is_entry || recall_add(recall, frame + (at->frame_is_entry & ~7u)))));
}

/* In 3.11 these tell which native frames are loops. */
static bool recall_loops(struct recall *recall, const char *cframe, uintptr_t end) {
    for (; python.at.minor == 11 && cframe && (uintptr_t)cframe < end;
         cframe = python_pointer(cframe, python.at.cframe_frame + 8))
        if (!recall_add(recall, cframe + python.at.cframe_frame + 8))
            return false;
    return true;
}

/* The innermost frame and its position are the call's. */
static bool recall_python(struct native_stack *stack, const struct recall_call *call) {
    const struct python_offsets *at = &python.at;
    const struct standing *standing = &stack->standing;
    struct recall *recall = &stack->recall;
    const char *current = python_pointer(call->state, at->thread_frame), *frame = call->frame;
    uintptr_t end = standing->frame ? standing->loop_stack_pointer : UINTPTR_MAX;
    if (at->minor == 11 && current &&
        (!recall_add(recall, call->state + at->thread_frame) ||
         !recall_loops(recall, current, end)))
        return false;
    for (; frame && frame != standing->frame; frame = python_pointer(frame, at->frame_previous))
        if (!recall_frame(recall, frame))
            return false;
    return frame == standing->frame && (!frame || (recall_add(recall, frame + at->frame_position) &&
                                                   recall_add(recall, standing->mark_place)));
}

/* All of the stack is known by what it was read from, up to where it ends or stands. */
static bool recall_all(struct native_stack *stack, const struct recall_call *call,
                       bool *by_frame_pointer) {
    const struct unwind_stack *unwind = &stack->unwind;
    bool stands = stack->standing.frame != NULL;
    return (stands || (!unwind->cut && unwind_kind(unwind->frames[0].rule) == RULE_NONE)) &&
           recall_native(stack, stands ? stack->standing.loop : 0, by_frame_pointer) &&
           (!call->state || recall_python(stack, call));
}

void native_remember(struct native_stack *stack, const struct recall_call *call, uint32_t node) {
    bool by_frame_pointer = false;
    if (!recall_begin(&stack->recall, call))
        return;
    bool known = recall_all(stack, call, &by_frame_pointer);
    recall_keep(&stack->recall, call, by_frame_pointer, known ? node : 0);
}
