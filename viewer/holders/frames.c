/* How each frame is suspended: what it may still read, how deep its value stack is, and whether
 * anybody could look at its locals from outside.
 *
 * Dead locals are only claimed of a frame that a thread runs, that belongs to no generator, and
 * whose frame object, if it has one, nobody holds but the frame itself, the frames that it called,
 * and the traceback of an exception that is being handled and has no name. A traceback that was
 * kept, a debugger or a profiler may read what the bytecode does not; so may a function further in
 * that mentions what reads its callers' frames, or another that does so (readers.c), and one
 * further out that reads the frames of an exception's traceback. The exception that is being
 * handled needs no rule of its own: who gets at its frames, by sys.exc_info() or another way, has
 * to mention what reads their locals as well.
 */
#include "routines.h"

#include "viewer/liveness.h"

#include <stdlib.h>
#include <string.h>

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

/* Room for the questions about one code object: each of its positions once. */
struct answers {
    int32_t *positions;
    struct liveness *found;
};

/* The first `count` are about one code object. */
static bool answer_code(struct heap *heap, const struct question *questions, uint32_t count,
                        struct answers *answers) {
    uint32_t distinct = 0, at = 0;
    bool good = true;
    for (uint32_t i = 0; i < count; i++)
        if (i == 0 || questions[i].position != questions[i - 1].position)
            answers->positions[distinct++] = questions[i].position;
    liveness_find(heap->graph, questions->code, answers->positions, distinct, answers->found);
    for (uint32_t i = 0; i < count && good; i++) {
        at += questions[i].position != answers->positions[at];
        good = take_answer(heap, questions[i].frame, &answers->found[at]);
    }
    for (uint32_t i = 0; i < distinct; i++)
        liveness_release(&answers->found[i]);
    return good;
}

static bool answer_all(struct heap *heap, const struct question *questions, uint32_t count) {
    struct answers answers = {malloc((count + 1ul) * sizeof *answers.positions),
                              malloc((count + 1ul) * sizeof *answers.found)};
    bool good = answers.positions && answers.found;
    for (uint32_t i = 0, end; i < count && good; i = end) {
        for (end = i + 1; end < count && questions[end].code == questions[i].code;)
            end++;
        good = answer_code(heap, &questions[i], end - i, &answers);
    }
    free(answers.positions);
    free(answers.found);
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

/* References to frame objects, tracebacks and exceptions that the interpreter itself has, or that
 * others of them have that only the interpreter holds. One whose every reference is such is
 * private.
 */
struct privacy {
    const struct heap *heap;
    uint32_t *allowed; /* by object */
    uint32_t *work, work_count;
};

static bool is_kind(const struct heap *heap, uint32_t object, enum graph_kind kind) {
    return heap_kind(heap, object) == kind;
}

static bool is_private(const struct privacy *privacy, uint32_t object) {
    uint64_t references = privacy->heap->graph->objects[object].references;
    return references != 0 && references == privacy->allowed[object];
}

/* An exception or traceback that has become private is to be looked into. */
static void allow(struct privacy *privacy, uint32_t object) {
    const struct heap *heap = privacy->heap;
    privacy->allowed[object]++;
    if (is_private(privacy, object) &&
        (is_kind(heap, object, GRAPH_EXCEPTION) || is_kind(heap, object, GRAPH_TRACEBACK)))
        privacy->work[privacy->work_count++] = object;
}

static bool is_one_of(const struct heap *heap, uint32_t text, const char *const *fields) {
    for (; *fields; fields++)
        if (heap_text_is(heap, text, *fields))
            return true;
    return false;
}

static void allow_fields(struct privacy *privacy, uint32_t first, uint32_t count,
                         const char *const *fields) {
    for (uint32_t i = first; i < first + count; i++) {
        const struct graph_edge_record *edge = &privacy->heap->graph->edges[i];
        if (edge->kind == EDGE_FIELD && edge->target != 0 &&
            is_one_of(privacy->heap, edge->text, fields))
            allow(privacy, edge->target);
    }
}

/* An exception that is being handled is also on the value stack. Not in an innermost frame, whose
 * instruction may be done with some of its operands. */
static void allow_stack(struct privacy *privacy, uint32_t frame) {
    const struct heap *heap = privacy->heap;
    const struct graph_frame *record = &heap->graph->frames[frame];
    int32_t depth = heap->frames[frame].depth;
    for (uint32_t i = 0; depth > 0 && i < (uint32_t)depth && i < record->stack_count; i++) {
        uint32_t object = record->stack[i].object;
        if (!record->stack[i].borrowed &&
            (is_kind(heap, object, GRAPH_EXCEPTION) || is_kind(heap, object, GRAPH_TRACEBACK)))
            allow(privacy, object);
    }
}

static void allow_handled(struct privacy *privacy) {
    static const char *const of_threads[] = {"frame", "exc_info", "exception", NULL};
    static const char *const of_handled[] = {"__traceback__", "__context__", "__cause__",
                                             "tb_next",       "tb_frame",    NULL};
    const struct graph *graph = privacy->heap->graph;
    for (uint32_t i = 1; i < graph->thread_count; i++)
        allow_fields(privacy, graph->threads[i].first_edge, graph->threads[i].edge_count,
                     of_threads);
    for (uint32_t i = 1; i < graph->frame_count; i++)
        if (graph->frames[i].thread != 0 && graph->frames[i].depth != 0)
            allow_stack(privacy, i);
    while (privacy->work_count > 0) {
        const struct graph_object *object = &graph->objects[privacy->work[--privacy->work_count]];
        allow_fields(privacy, object->first_edge, object->edge_count, of_handled);
    }
}

/* A trace or profile function is given each frame, and may read it. Ours, which only compares
 * (python/holdfast/_lines.py), has no object. */
static bool is_watched(const struct heap *heap, uint32_t number) {
    static const char *const watchers[] = {"trace", "profile", NULL};
    const struct graph_thread *thread = &heap->graph->threads[number];
    for (uint32_t i = thread->first_edge; i < thread->first_edge + thread->edge_count; i++) {
        const struct graph_edge_record *edge = &heap->graph->edges[i];
        if (edge->target != 0 && is_one_of(heap, edge->text, watchers))
            return true;
    }
    return false;
}

/* A thread that runs may look at the frames of all others. */
static bool looks_at_threads(const struct heap *heap) {
    const struct graph *graph = heap->graph;
    for (uint32_t i = 1; i < graph->frame_count; i++) {
        const struct graph_code *code = &graph->codes[graph->frames[i].code];
        for (uint32_t k = 0; k < code->name_count && !heap->frames[i].ours; k++)
            if (strcmp(graph->texts[code->names[k]], "_current_frames") == 0)
                return true;
    }
    return false;
}

/* Innermost frames first, as they come: each one's frame object may refer to its caller's.
 * `mentions`: as of readers_find(). */
static void judge_frames(struct heap *heap, struct privacy *privacy, const uint8_t *mentions) {
    static const char *const back[] = {"f_back", NULL};
    const struct graph *graph = heap->graph;
    uint32_t thread = 0;
    bool read_from_within = false, read_by_others = looks_at_threads(heap);
    for (uint32_t i = 1; i < graph->frame_count; i++) {
        const struct graph_frame *frame = &graph->frames[i];
        const struct graph_object *owner = &graph->objects[frame->owner];
        if (frame->thread == 0)
            continue;
        bool own = is_kind(heap, frame->owner, GRAPH_FRAME_OBJECT) &&
                   is_private(privacy, frame->owner) && !(graph->flags & GRAPH_FREE_THREADED);
        if (frame->thread != thread)
            read_from_within = is_watched(heap, frame->thread);
        thread = frame->thread;
        read_from_within |= (mentions[i] & MENTIONS_READER) != 0;
        heap->frames[i].may_die = (frame->owner == 0 || own) && !read_from_within &&
                                  !read_by_others &&
                                  !(mentions[i] & (MENTIONS_ADDRESS | READ_BY_OTHERS));
        heap->frames[i].watched =
            read_from_within || read_by_others || mentions[i] & READ_BY_OTHERS;
        read_from_within |= !heap->frames[i].ours && liveness_reads_callers(graph, frame->code);
        if (own)
            allow_fields(privacy, owner->first_edge, owner->edge_count, back);
    }
}

/* An exception that comes out of a function brings its frames. Outermost frames first. */
static void judge_by_tracebacks(struct heap *heap, const uint8_t *mentions) {
    const uint8_t both = MENTIONS_READER | MENTIONS_TRACEBACK;
    uint32_t thread = 0;
    bool read_from_without = false;
    for (uint32_t i = heap->graph->frame_count; i-- > 1;) {
        const struct graph_frame *frame = &heap->graph->frames[i];
        if (frame->thread == 0)
            continue;
        read_from_without &= frame->thread == thread;
        thread = frame->thread;
        heap->frames[i].may_die &= !read_from_without;
        heap->frames[i].watched |= read_from_without;
        read_from_without |= (mentions[i] & both) == both;
    }
}

static bool judge_privacy(struct heap *heap) {
    uint32_t count = heap->graph->object_count;
    struct privacy privacy = {heap, calloc(count, sizeof(uint32_t)),
                              malloc(count * sizeof(uint32_t)), 0};
    uint8_t *mentions = calloc(heap->graph->frame_count, sizeof *mentions);
    bool good = privacy.allowed && privacy.work && mentions && readers_find(heap, mentions);
    if (good) {
        allow_handled(&privacy);
        judge_frames(heap, &privacy, mentions);
        judge_by_tracebacks(heap, mentions);
    }
    free(mentions);
    free(privacy.allowed);
    free(privacy.work);
    return good;
}

static void mark_ours(struct heap *heap) {
    const struct graph *graph = heap->graph;
    for (uint32_t i = 1; i < graph->frame_count; i++)
        heap->frames[i].ours =
            origin_of(graph->texts[graph->codes[graph->frames[i].code].file]).origin == ORIGIN_OURS;
}

bool frames_examine(struct heap *heap) {
    mark_ours(heap);
    return ask_liveness(heap) && judge_privacy(heap);
}
