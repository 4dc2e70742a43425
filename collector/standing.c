/* See standing.h. */
#include "standing.h"

#include <stdlib.h>

#include "memory.h"
#include "table.h"
#include "trace.h"

struct standing_point standing_now(const struct image *image) {
    const struct totals *totals = &image->totals;
    uint64_t highest =
        totals->highest > totals->moment_highest ? totals->highest : totals->moment_highest;
    return (struct standing_point){moments_now(&image->moments), highest, image->standing.serial};
}

static struct standing_point next_point(struct image *image) {
    image->standing.serial++;
    return standing_now(image);
}

static uint32_t depth_of(const struct trace *trace, uint32_t node) {
    return node < trace->first_count ? trace->firsts[node].depth : 0;
}

static bool is_frame(const struct trace *trace, uint32_t node) {
    return node != 0 && trace->stacks.nodes[node].code != STACK_THREAD;
}

static bool is_there(const struct standing_thread *thread, uint32_t depth, uint32_t node) {
    return depth > 0 && depth <= thread->depth && thread->frames[depth - 1].node == node;
}

static struct standing_thread *find_thread(const struct standing *standing, uint32_t root) {
    for (uint32_t i = 0; i < standing->thread_count; i++)
        if (standing->threads[i]->root == root)
            return standing->threads[i];
    return NULL;
}

static struct standing_thread *make_thread(struct standing *standing, uint32_t root) {
    struct standing_thread *thread = find_thread(standing, root);
    if (thread || standing->thread_count == STANDING_THREADS)
        return thread;
    thread = calloc(1, sizeof *thread);
    if (!thread)
        return NULL;
    thread->root = root;
    return standing->threads[standing->thread_count++] = thread;
}

/* The thread that a stack is of: mostly the last one, with which it has frames in common. */
static struct standing_thread *thread_of(const struct trace *trace, struct standing *standing,
                                         uint32_t node) {
    for (uint32_t depth = depth_of(trace, node); is_frame(trace, node); depth--) {
        if (standing->latest && is_there(standing->latest, depth, node))
            return standing->latest;
        node = trace->stacks.nodes[node].parent;
    }
    return node ? make_thread(standing, node) : NULL;
}

/* The thread's frames below so many have gone on. */
static void end_spans(const struct image *image, const struct standing_thread *thread,
                      uint32_t depth, struct standing_point point) {
    for (uint32_t i = 0; i < image->snapshots.count; i++) {
        const struct snapshot *snapshot = image->snapshots.list[i];
        for (uint32_t k = snapshot->root == thread->root ? snapshot->standing_count : 0; k > 0;
             k--) {
            struct standing_span *span = &snapshot->standing[k - 1];
            if (span->depth <= depth)
                break;
            if (span->until.moment == 0)
                span->until = point;
        }
    }
}

/* What is known of where threads stand is out of date. */
static void forget(struct image *image, struct standing_point point) {
    for (uint32_t i = 0; i < image->standing.thread_count; i++) {
        struct standing_thread *thread = image->standing.threads[i];
        end_spans(image, thread, 0, point);
        thread->depth = 0;
        thread->last = point.serial;
    }
}

static void look(const struct trace *trace, struct image *image, uint32_t node,
                 struct standing_point point) {
    struct standing *standing = &image->standing;
    uint32_t depth = depth_of(trace, node);
    bool known = depth > 0 ? depth <= STANDING_DEPTH : !is_frame(trace, node);
    struct standing_thread *thread = known ? thread_of(trace, standing, node) : NULL;
    if (!thread ||
        !array_reserve(&thread->frames, &thread->capacity, depth + 1ull, sizeof *thread->frames)) {
        forget(image, point);
        return;
    }
    uint32_t above = depth;
    for (; above > 0 && !is_there(thread, above, node); above--) {
        thread->frames[above - 1] = (struct standing_frame){node, point, thread->last};
        node = trace->stacks.nodes[node].parent;
    }
    end_spans(image, thread, above, point);
    thread->depth = depth;
    thread->last = point.serial;
    standing->latest = thread;
}

/* Nodes come from a stack's outermost new frame on: the last one shows the whole of it. */
static void look_at_new(const struct trace *trace, struct image *image) {
    struct standing *standing = &image->standing;
    if (standing->new_node)
        look(trace, image, standing->new_node, standing->new_point);
    standing->new_node = 0;
}

static void note_first(struct trace *trace, const struct image *image, uint32_t node,
                       struct standing_point point) {
    if (!table_reserve(&trace->firsts, &trace->first_capacity, trace->stacks.node_count,
                       sizeof *trace->firsts))
        return;
    for (; trace->first_count < trace->stacks.node_count; trace->first_count++)
        trace->firsts[trace->first_count] = (struct standing_first){0};
    uint32_t parent = trace->stacks.nodes[node].parent, above = depth_of(trace, parent);
    if (trace->firsts[node].image == 0)
        trace->firsts[node] = (struct standing_first){.depth = !is_frame(trace, node) ? 0
                                                               : above                ? above + 1
                                                               : !is_frame(trace, parent) ? 1u
                                                                                          : 0,
                                                      .image = image->number,
                                                      .point = point};
}

void standing_node(struct trace *trace, struct image *image, uint32_t node) {
    struct standing *standing = &image->standing;
    if (!trace->holders || node == 0)
        return;
    struct standing_point point = next_point(image);
    note_first(trace, image, node, point);
    if (standing->new_node == 0 || trace->stacks.nodes[node].parent != standing->new_node) {
        look_at_new(trace, image);
        standing->new_point = point;
    }
    standing->new_node = node;
}

void standing_look(struct trace *trace, struct image *image, uint32_t node) {
    if (!trace->holders || node == 0)
        return;
    look_at_new(trace, image);
    look(trace, image, node, next_point(image));
}

static struct standing_point since_when(const struct trace *trace, const struct image *image,
                                        const struct standing_thread *thread, uint32_t depth,
                                        uint32_t node) {
    bool seen = is_there(thread, depth, node);
    uint64_t before = seen ? thread->frames[depth - 1].before : thread->last;
    const struct standing_first *first = &trace->firsts[node];
    if (first->image == image->number && first->point.serial > before)
        return first->point;
    return seen ? thread->frames[depth - 1].since : (struct standing_point){0};
}

static bool is_python(const struct stacks *stacks, uint32_t node) {
    return stacks->codes[stacks->nodes[node].code].format != LINES_MODULE;
}

struct standing_span *standing_find(struct trace *trace, struct image *image, uint32_t node,
                                    uint32_t *count) {
    const struct stacks *stacks = &trace->stacks;
    *count = 0;
    look_at_new(trace, image);
    struct standing_thread *thread = thread_of(trace, &image->standing, node);
    uint32_t depth = depth_of(trace, node), python = 0;
    if (!thread || depth == 0)
        return NULL;
    for (uint32_t at = node; is_frame(trace, at); at = stacks->nodes[at].parent)
        python += is_python(stacks, at);
    struct standing_span *spans = malloc((python + 1ul) * sizeof *spans);
    if (!spans)
        return NULL;
    *count = python;
    for (uint32_t at = node; is_frame(trace, at); at = stacks->nodes[at].parent, depth--)
        if (is_python(stacks, at))
            spans[--python] = (struct standing_span){
                .since = since_when(trace, image, thread, depth, at), .depth = depth};
    look(trace, image, node, next_point(image));
    return spans;
}

uint32_t standing_root(const struct trace *trace, uint32_t node) {
    while (is_frame(trace, node))
        node = trace->stacks.nodes[node].parent;
    return node;
}

void standing_mark(const struct trace *trace, const struct image *image, struct moments *moments) {
    for (uint32_t t = 0; t < image->standing.thread_count; t++) {
        const struct standing_thread *thread = image->standing.threads[t];
        for (uint32_t i = 0; i < thread->depth; i++) {
            uint32_t node = thread->frames[i].node;
            moments_mark(moments, thread->frames[i].since.moment);
            if (node < trace->first_count)
                moments_mark(moments, trace->firsts[node].point.moment);
        }
    }
}

void standing_release(struct standing *standing) {
    for (uint32_t i = 0; i < standing->thread_count; i++) {
        free(standing->threads[i]->frames);
        free(standing->threads[i]);
    }
    *standing = (struct standing){0};
}
