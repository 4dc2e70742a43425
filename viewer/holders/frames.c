/* How each frame is suspended: what it may still read, how deep its value stack is, and whether
 * anybody could look at its locals from outside.
 *
 * Dead locals are only claimed of a frame that a thread runs, that belongs to no generator, and
 * whose frame object, if it has one, is held by the frame itself and by the frames that it called:
 * a traceback, a debugger or a profiler that holds it may read what the bytecode does not.
 */
#include "heap.h"

#include "viewer/liveness.h"

#include <stdlib.h>

/* The innermost frame's own record of its stack's depth can be old. */
#define DEPTH_CAN_BE_OLD 14u

/* Which depth to believe. What a callee took over is gone from its caller's stack, which only the
 * saved depth knows; without one the callee is not Python's, and the arguments are still there. */
static int32_t choose_depth(const struct graph *graph, const struct graph_frame *frame,
                            int32_t computed) {
    bool innermost = frame->thread != 0 && frame->depth == 0;
    bool generator = frame->thread == 0 && computed > 0;
    if (generator && frame->saved_depth < 0)
        return computed - 1; /* the value that it yielded */
    if (!innermost)
        return frame->saved_depth >= 0 ? frame->saved_depth : computed;
    if (computed >= 0)
        return computed;
    return graph->python_minor < DEPTH_CAN_BE_OLD ? frame->saved_depth : -1;
}

/* Frames by code and position: each such pair is looked at once. */
struct question {
    uint32_t code;
    int32_t position;
    uint32_t frame;
};

static int compare_questions(const void *a, const void *b) {
    const struct question *one = a, *two = b;
    if (one->code != two->code)
        return one->code < two->code ? -1 : 1;
    return one->position < two->position ? -1 : one->position > two->position;
}

static bool take_answer(struct heap *heap, uint32_t frame, const struct liveness *answer) {
    struct heap_frame *how = &heap->frames[frame];
    const struct graph_frame *record = &heap->graph->frames[frame];
    uint32_t count = heap->graph->codes[record->code].local_count;
    how->known = answer->why == LIVENESS_KNOWN && answer->live;
    how->depth = choose_depth(heap->graph, record, answer->stack_depth);
    if (!how->known)
        return true;
    how->live = malloc(count + 1ul);
    for (uint32_t i = 0; how->live && i < count; i++)
        how->live[i] = answer->live[i];
    return how->live != NULL;
}

static bool answer_all(struct heap *heap, const struct question *questions, uint32_t count) {
    struct liveness answer = {0};
    bool good = true, have = false;
    for (uint32_t i = 0; i < count && good; i++) {
        if (!have || compare_questions(&questions[i], &questions[i - 1]) != 0) {
            if (have)
                liveness_release(&answer);
            liveness_find(heap->graph, questions[i].code, questions[i].position, &answer);
            have = true;
        }
        good = take_answer(heap, questions[i].frame, &answer);
    }
    if (have)
        liveness_release(&answer);
    return good;
}

static bool ask_liveness(struct heap *heap) {
    uint32_t count = heap->graph->frame_count - 1;
    struct question *questions = malloc((count + 1ul) * sizeof *questions);
    if (!questions)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        const struct graph_frame *frame = &heap->graph->frames[i + 1];
        questions[i] = (struct question){frame->code, frame->position, i + 1};
    }
    qsort(questions, count, sizeof *questions, compare_questions);
    bool good = answer_all(heap, questions, count);
    free(questions);
    return good;
}

/* -- Frame objects that only the interpreter holds -- */

static void allow_field(const struct heap *heap, uint32_t first, uint32_t count, const char *field,
                        uint32_t *allowed) {
    for (uint32_t i = first; i < first + count; i++) {
        const struct graph_edge_record *edge = &heap->graph->edges[i];
        if (edge->kind == EDGE_FIELD && heap_text_is(heap, edge->text, field))
            allowed[edge->target]++;
    }
}

static bool is_private(const struct heap *heap, uint32_t owner, const uint32_t *allowed) {
    const struct graph_object *object = &heap->graph->objects[owner];
    if (heap->graph->flags & GRAPH_FREE_THREADED || heap_kind(heap, owner) != GRAPH_FRAME_OBJECT)
        return false;
    return object->references != 0 && object->references == allowed[owner];
}

/* Innermost frames first, as they come: each one's frame object may refer to its caller's. */
static bool judge_privacy(struct heap *heap) {
    const struct graph *graph = heap->graph;
    uint32_t *allowed = calloc(graph->object_count, sizeof *allowed);
    if (!allowed)
        return false;
    for (uint32_t i = 1; i < graph->thread_count; i++)
        allow_field(heap, graph->threads[i].first_edge, graph->threads[i].edge_count, "frame",
                    allowed);
    for (uint32_t i = 1; i < graph->frame_count; i++) {
        const struct graph_frame *frame = &graph->frames[i];
        const struct graph_object *owner = &graph->objects[frame->owner];
        if (frame->thread == 0)
            continue;
        heap->frames[i].may_die = frame->owner == 0 || is_private(heap, frame->owner, allowed);
        if (frame->owner != 0 && heap->frames[i].may_die)
            allow_field(heap, owner->first_edge, owner->edge_count, "f_back", allowed);
    }
    free(allowed);
    return true;
}

bool frames_examine(struct heap *heap) {
    return ask_liveness(heap) && judge_privacy(heap);
}
