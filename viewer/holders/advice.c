/* See advice.h. What fits is seen in the function's bytecode: how often the local is written and
 * read, whether a loop writes it, whether the statement that is being executed still reads it. */
#include "advice.h"

#include "viewer/bytecode.h"

#include <string.h>

#define CODE_GENERATOR (0x20u | 0x80u | 0x200u) /* of co_flags: or coroutine, or both */

struct usage {
    bool known;
    bool argument;
    uint32_t writes, reads;
    bool loop;         /* all writes are a loop's, which has ended */
    bool read_by_line; /* the statement that is being executed reads it, before the call */
};

struct accesses {
    uint32_t reads, writes;
};

/* What one instruction does to a local. */
static struct accesses accesses_of(const struct instruction *one, uint32_t slot) {
    struct accesses of = {0};
    uint32_t argument = one->argument, high = argument >> 4, low = argument & 15;
    bool two = one->opcode->locals[1] != LOCAL_NONE;
    for (unsigned i = 0; i < 2; i++) {
        uint32_t local = !two ? argument : i == 0 ? high : low;
        if (one->opcode->locals[i] == LOCAL_NONE || local != slot)
            continue;
        if (one->opcode->locals[i] == LOCAL_READ)
            of.reads++;
        else
            of.writes++;
    }
    return of;
}

/* It either goes on with one value more, or leaves the loop. */
static bool is_loop(const struct instruction *one) {
    return one->jump != NO_INSTRUCTION && !(one->opcode->flags & OPCODE_SETUP) &&
           one->opcode->flags & OPCODE_FORWARD && one->opcode->next.constant == 1 &&
           one->opcode->next.factor == 0;
}

static void count_accesses(const struct bytecode *bytecode, uint32_t slot, uint32_t at,
                           struct usage *usage) {
    uint32_t in_loops = 0;
    for (uint32_t i = 0; i < bytecode->count; i++) {
        struct accesses of = accesses_of(&bytecode->instructions[i], slot);
        usage->reads += of.reads;
        usage->writes += of.writes;
        const struct instruction *before = i ? &bytecode->instructions[i - 1] : NULL;
        if (of.writes && before && is_loop(before) && before->jump <= at)
            in_loops++;
    }
    usage->loop = usage->writes > 0 && in_loops == usage->writes;
}

/* Back from the call to where the stack was last empty. */
static bool reads_before(const struct bytecode *bytecode, uint32_t slot, uint32_t at) {
    for (uint32_t i = at; i-- > 0;) {
        const struct instruction *one = &bytecode->instructions[i];
        if (accesses_of(one, slot).reads > 0)
            return true;
        if (one->depth <= 0)
            return false;
    }
    return false;
}

static struct usage usage_of(const struct heap *heap, const struct graph_frame *frame,
                             uint32_t slot) {
    const struct graph_code *code = &heap->graph->codes[frame->code];
    struct usage usage = {.argument = slot < code->argument_count};
    struct bytecode bytecode = {0};
    if (bytecode_read(code, heap->graph->python_minor, &bytecode) == BYTECODE_WHOLE) {
        uint32_t at = bytecode_at(&bytecode, frame->position);
        usage.known = at != NO_INSTRUCTION;
        if (usage.known) {
            count_accesses(&bytecode, slot, at, &usage);
            usage.read_by_line = reads_before(&bytecode, slot, at);
        }
    }
    bytecode_release(&bytecode);
    return usage;
}

static const char *del_before_call(const struct heap *heap, const char *name, uint32_t line,
                                   bool read_by_line) {
    if (line == 0)
        return texts_format(heap->texts, "del %s before the call", name);
    if (read_by_line)
        return texts_format(heap->texts,
                            "split line %u: what still reads %s first, then del %s, then the call",
                            line, name, name);
    return texts_format(heap->texts, "del %s before the call in line %u", name, line);
}

static const char *call_mark(const struct path *path) {
    return path->function[0] == '<' ? "" : "()";
}

static uint32_t find_ways_out(const struct heap *heap, const struct path *path,
                              const char *advice[ADVICE_MAX]) {
    uint32_t count = 0;
    const struct graph_frame *frame = &heap->graph->frames[path->frame - heap->frame_base];
    const char *name = path->name;
    if (path->function[0] == '<') /* an expression: there is no statement to change */
        return 0;
    struct usage usage = usage_of(heap, frame, path->slot);
    if (usage.known && usage.loop) {
        advice[count++] = texts_format(
            heap->texts, "the loop variable %s outlives its loop: del %s after it", name, name);
        return count;
    }
    bool once = usage.known && !usage.argument && usage.writes == 1;
    if (once && usage.reads == 0)
        advice[count++] = texts_format(heap->texts, "no variable: %s is never read", name);
    if (once && usage.reads == 1)
        advice[count++] = texts_format(
            heap->texts, "no variable: write what makes %s where it is used, once", name);
    if (once && usage.reads > 0)
        advice[count++] = texts_format(
            heap->texts, "reuse the name: let the next step's result replace %s", name);
    advice[count++] = del_before_call(heap, name, path->line, usage.read_by_line);
    if (usage.argument)
        advice[count++] = texts_format(
            heap->texts, "hand over ownership: let %s() take %s out of an object of its caller's",
            path->function, name);
    else if (usage.known && usage.reads > 0)
        advice[count++] = texts_format(
            heap->texts,
            "hand over ownership: put %s into an object from which the callee takes it", name);
    return count;
}

/* -- Several references that have to go together -- */

/* "rows in main() and rows in work()" */
static void name_cuts(const struct cuts *cuts, struct line *line) {
    for (uint32_t i = 0; i < cuts->told; i++) {
        const char *before = i == 0 ? "" : i + 1 == cuts->count ? " and " : ", ";
        line_add(line, "%s%s in %s%s", before, cuts->paths[i].name, cuts->paths[i].function,
                 call_mark(&cuts->paths[i]));
    }
    if (cuts->count > cuts->told)
        line_add(line, " and %u more", cuts->count - cuts->told);
}

/* What the statement still reads is passed on: there is no letting go of it before the call. */
static const char *way_to_cut(const struct heap *heap, const struct path *path, bool innermost) {
    const char *name = path->name;
    if (path->frame == NODE_NONE || path->function[0] == '<')
        return texts_format(heap->texts, "%s in %s%s goes when that has ended", name,
                            path->function, call_mark(path));
    const struct graph_frame *frame = &heap->graph->frames[path->frame - heap->frame_base];
    struct usage usage = usage_of(heap, frame, path->slot);
    if (usage.known && usage.loop)
        return texts_format(heap->texts, "in %s(), del %s after its loop", path->function, name);
    if (innermost || !usage.read_by_line)
        return texts_format(heap->texts, "in %s(), %s", path->function,
                            del_before_call(heap, name, path->line, usage.read_by_line));
    if (!usage.argument && usage.writes == 1 && usage.reads == 1)
        return texts_format(heap->texts, "in %s(), no variable: write what makes %s in the call",
                            path->function, name);
    return texts_format(heap->texts,
                        "in %s(), hand over ownership: put %s into an object from which the callee "
                        "takes it",
                        path->function, name);
}

static uint32_t find_ways_to_cut(const struct heap *heap, const struct cuts *cuts,
                                 const char *advice[ADVICE_MAX]) {
    struct line names = {.size = 0};
    uint32_t count = 0;
    name_cuts(cuts, &names);
    advice[count++] = texts_format(heap->texts, "let go of %s, one alone frees nothing: %s",
                                   cuts->count == 2 ? "both" : "all of these", names.text);
    for (uint32_t i = 0; i < cuts->told; i++)
        advice[count++] = way_to_cut(heap, &cuts->paths[i], i + 1 == cuts->count);
    return count;
}

/* -- What letting go sets off -- */

/* An exception that is thrown in at this instruction comes to a block that the function wrote. The
 * interpreter's own handlers, which raise on what they get, take less from the stack or more: those
 * of 3.11 on that a function wrote begin by putting the exception there. */
static bool is_in_block(const struct bytecode *bytecode, uint32_t at) {
    for (uint32_t depth = 0; depth < 32; depth++) {
        at = bytecode->instructions[at].handler;
        if (at >= bytecode->count)
            return false;
        int8_t effect = bytecode->instructions[at].opcode->next.constant;
        if (bytecode->table->exception_table ? effect == 1 : effect > -7)
            return true;
    }
    return false;
}

static bool has_to_clean_up(const struct heap *heap, const struct graph_frame *frame) {
    struct bytecode bytecode = {0};
    bool found = false;
    if (bytecode_read(&heap->graph->codes[frame->code], heap->graph->python_minor, &bytecode) ==
        BYTECODE_WHOLE) {
        uint32_t at = bytecode_at(&bytecode, frame->position);
        found = at != NO_INSTRUCTION && is_in_block(&bytecode, at);
    }
    bytecode_release(&bytecode);
    return found;
}

/* The first suspended generator or coroutine that goes with the local and is not done. */
static const struct graph_frame *find_unfinished(const struct heap *heap, uint32_t node) {
    for (uint32_t i = 0; i < heap->below[node]; i++) {
        uint32_t at = heap->order[heap->place[node] + i];
        if (!heap_is_frame(heap, at))
            continue;
        const struct graph_frame *frame = &heap->graph->frames[at - heap->frame_base];
        if (frame->thread == 0 && heap->graph->codes[frame->code].flags & CODE_GENERATOR &&
            has_to_clean_up(heap, frame))
            return frame;
    }
    return NULL;
}

uint32_t advice_find(const struct heap *heap, const struct path *path, const struct cuts *cuts,
                     const char *advice[ADVICE_MAX]) {
    uint32_t count =
        cuts->count > 1 ? find_ways_to_cut(heap, cuts, advice) : find_ways_out(heap, path, advice);
    const struct graph_frame *frame = find_unfinished(heap, heap->edges[path->start].target);
    if (count > 0 && frame)
        advice[count++] = texts_format(
            heap->texts,
            "mind that this ends %s(), which is suspended in a try or with block: what that does "
            "at its end is done then",
            heap->graph->texts[heap->graph->codes[frame->code].name]);
    return count;
}
