/* See judge.h. */
#include "judge.h"

#include "../format.h"
#include "advice.h"
#include "names.h"
#include "paths.h"

#include <stdio.h>
#include <string.h>

#define OTHERS_MAX 4u

/* -- Who holds a unit -- */

static bool starts_live(const struct heap *heap, const struct path *path) {
    if (path->root != HOLDER_LOCAL && path->root != HOLDER_ARGUMENT)
        return false;
    const struct heap_edge *start = &heap->edges[path->start];
    if (path->frame == NODE_NONE || path->through_frame)
        return false;
    bool pending = start->flags & HEAP_PENDING && !(start->flags & HEAP_UNCERTAIN);
    return start->flags & HEAP_LIVE || pending;
}

/* Where to begin for one that stands for many: what refers to them all. Variables of a module or
 * class have names of their own: the biggest one's is told. */
static void find_path(const struct heap *heap, const struct unit *unit, struct path *path) {
    const uint8_t variables = NODE_NAMESPACE | NODE_STOP;
    uint32_t container = unit->loose ? heap->source[unit->by] : NODE_NONE;
    bool within =
        container != NODE_NONE && heap_is_object(heap, container) && heap->by[container] != NO_EDGE;
    bool named = within && (heap->flags[container] & variables) == variables;
    if (within && !named)
        path_find(heap, container, path);
    else
        path_by_edge(heap, unit->by, path);
    if (named)
        line_add(&path->text, " and %u more", unit->count - 1);
}

static enum verdict judge(const struct heap *heap, const struct unit *unit,
                          const struct path *path) {
    if (unit->garbage)
        return VERDICT_GARBAGE;
    if (unit->freed == unit->bytes && path->start != NO_EDGE &&
        heap->edges[path->start].flags & HEAP_DEAD)
        return VERDICT_DEAD;
    return starts_live(heap, path) ? VERDICT_IN_USE : VERDICT_UNKNOWN;
}

/* Of a holder whose bytes are one big block for the most part: for how long nobody had touched it.
 * 0: that is not known, or not long. */
static uint64_t idle_of(const struct unit *unit) {
    bool whole = unit->site_bytes >= unit->bytes - unit->bytes / 10;
    return whole && unit->site_idle_ns >= IDLE_LEAST_NS ? unit->site_idle_ns : 0;
}

/* What would be unknown else is idle; of what is going to be read that is only told beside. */
static void judge_idle(const struct heap *heap, const struct unit *unit, struct holder *holder) {
    uint64_t idle = idle_of(unit);
    bool unknown = holder->verdict == VERDICT_UNKNOWN;
    if (idle == 0 || (!unknown && holder->verdict != VERDICT_IN_USE))
        return;
    char text[320];
    int used =
        snprintf(text, sizeof text, "not touched for %s before the %s, by %u looks or more",
                 format_time(idle).text,
                 heap->snapshot->reason == SNAPSHOT_REQUEST ? "snapshot" : "peak", DRAG_IDLE_LOOKS);
    if (*holder->reason)
        snprintf(text + used, sizeof text - (size_t)used, "; %s", holder->reason);
    holder->idle_ns = idle;
    holder->verdict = unknown ? VERDICT_IDLE : VERDICT_IN_USE;
    holder->reason = texts_keep(heap->texts, text);
}

/* -- Why -- */

static uint32_t garbage_start(const struct heap *heap, uint32_t node) {
    uint32_t edge = heap->by[node];
    while (edge != NO_EDGE && heap->source[edge] != heap->top)
        edge = heap->by[heap->source[edge]];
    return edge;
}

static const char *garbage_name(const struct heap *heap, const struct unit *unit) {
    uint32_t start = garbage_start(heap, unit->node);
    return start == NO_EDGE ? "" : names_own(heap, heap->edges[start].target);
}

static void add_cycle(const struct heap *heap, uint32_t node, struct holder *holder) {
    uint32_t start = garbage_start(heap, node), count;
    const char *names[CYCLE_NAMES];
    if (start == NO_EDGE)
        return;
    count = cycles_name(heap, heap->edges[start].target, names);
    holder->cycle = texts_array(heap->texts, count + 1ul, sizeof *holder->cycle);
    if (!holder->cycle)
        return;
    memcpy(holder->cycle, names, count * sizeof *names);
    holder->cycle_count = count;
}

static const char *garbage_reason(const struct heap *heap, uint32_t node,
                                  const struct holder *holder) {
    uint32_t start = garbage_start(heap, node);
    struct line line = {.size = 0};
    if (start == NO_EDGE)
        return "";
    for (uint32_t i = 0; i < holder->cycle_count; i++)
        line_add(&line, "%s -> ", holder->cycle[i]);
    if (holder->cycle_count)
        line_add(&line, "%s", holder->cycle[0]);
    if (heap->edges[start].label & CYCLE_FINALIZER)
        line_add(&line, "; a finalizer (__del__) has to run first");
    if (heap->edges[start].label & CYCLE_OLD)
        line_add(&line, "; in an old generation, which is seldom collected");
    return texts_keep(heap->texts, line.text);
}

static const char *native_reason(const struct heap *heap, const struct path *path) {
    const struct heap_edge *start = &heap->edges[path->start];
    if (start->kind == HEAP_TOP_UNSETTLED)
        return "its references could not all be found";
    if (start->kind != HEAP_TOP_NATIVE)
        return "";
    return texts_format(heap->texts, "%u reference%s held by native code", start->label,
                        start->label == 1 ? "" : "s");
}

/* What holds all of a unit's objects is a collections.deque with a maxlen; its detail, or NULL. */
static const char *bound_of(const struct heap *heap, const struct unit *unit) {
    uint32_t container = unit->loose ? heap->source[unit->by] : unit->node;
    if (unit->count < 2 || container == NODE_NONE || !heap_is_object(heap, container) ||
        heap_kind(heap, container) != GRAPH_OTHER)
        return NULL;
    const char *detail = heap->graph->texts[heap_object(heap, container)->detail];
    return strncmp(detail, "maxlen ", 7) == 0 ? detail : NULL;
}

static const char *dead_reason(const struct heap *heap, const struct path *path) {
    return path->line ? texts_format(heap->texts, "never read again after line %u", path->line)
                      : "never read again";
}

/* References to the object itself that native code has, whatever else holds it. */
static const char *missing_reason(const struct heap *heap, uint32_t node) {
    for (uint32_t i = heap->first_in[node]; i < heap->first_in[node + 1]; i++) {
        const struct heap_edge *edge = &heap->edges[heap->in[i]];
        if (edge->kind == HEAP_TOP_NATIVE)
            return texts_format(heap->texts, "%u reference%s held by native code", edge->label,
                                edge->label == 1 ? "" : "s");
    }
    return "";
}

/* The frame itself would not read it. */
static const char *watched_reason(const struct heap *heap, const struct path *path) {
    bool local = path->start != NO_EDGE && path->frame != NODE_NONE && !path->through_frame &&
                 heap->edges[path->start].kind == HEAP_LOCAL;
    if (!local || heap->edges[path->start].flags & HEAP_LIVE)
        return "";
    const struct heap_frame *how = &heap->frames[path->frame - heap->frame_base];
    return how->known && how->watched ? "other functions may read the variables of this one" : "";
}

/* The local is dead, and what it refers to may be of use all the same (reach.c). */
static const char *useful_reason(const struct heap *heap, const struct path *path) {
    if (path->start == NO_EDGE || !(heap->edges[path->start].flags & HEAP_DEAD))
        return "";
    uint32_t type = heap_object(heap, heap->edges[path->start].target)->type;
    return heap->graph->types[type].flags & GRAPH_TYPE_FINALIZER
               ? "not read again, but its finalizer (__del__) may be what it is kept for"
               : "";
}

static const char *reason_of(const struct heap *heap, const struct unit *unit,
                             const struct path *path, enum verdict verdict) {
    if (verdict == VERDICT_DEAD)
        return dead_reason(heap, path);
    if (path->root == HOLDER_NATIVE && path->start != NO_EDGE)
        return native_reason(heap, path);
    const char *missing = heap_is_object(heap, unit->node) ? missing_reason(heap, unit->node) : "";
    const char *watched = *missing ? missing : watched_reason(heap, path);
    const char *useful = *watched ? watched : useful_reason(heap, path), *bound;
    if (!*useful && (bound = bound_of(heap, unit)) != NULL)
        return texts_format(heap->texts, "the deque has a bound: %s", bound);
    return useful;
}

/* -- Who else -- */

/* An edge that says something to a user, and does not come from what the object itself keeps. */
static bool is_another(const struct heap *heap, const struct unit *unit, uint32_t edge) {
    uint32_t source = heap->source[edge];
    if (edge == unit->by || heap_is_our_frame(heap, source) ||
        heap->edges[edge].kind == HEAP_TOP_GARBAGE || heap->edges[edge].kind >= HEAP_TOP_THREAD)
        return false;
    return source < heap->top && heap->by[source] != NO_EDGE &&
           !heap_dominates(heap, unit->node, source);
}

static void add_other(const struct heap *heap, uint32_t edge, struct line *line) {
    struct path path;
    path_by_edge(heap, edge, &path);
    bool dead = path.start != NO_EDGE && heap->edges[path.start].flags & HEAP_DEAD;
    line_add(line, "%s%s%s", line->size ? "; " : "", path.text.text,
             dead ? ", never read again" : "");
}

static const char *others_of(const struct heap *heap, const struct unit *unit) {
    struct line line = {.size = 0};
    uint32_t node = unit->node, told = 0, more = 0;
    if (unit->loose || !heap_is_object(heap, node))
        return "";
    for (uint32_t i = heap->first_in[node]; i < heap->first_in[node + 1]; i++) {
        if (!is_another(heap, unit, heap->in[i]))
            continue;
        if (told < OTHERS_MAX) {
            add_other(heap, heap->in[i], &line);
            told++;
        } else {
            more++;
        }
    }
    if (more)
        line_add(&line, "; %u more", more);
    return texts_keep(heap->texts, line.text);
}

/* -- Holders -- */

static void add_references(const struct heap *heap, const struct cuts *cuts,
                           struct holder *holder) {
    struct dead_reference *list = texts_array(heap->texts, cuts->told + 1ul, sizeof *list);
    holder->references = list;
    if (!list)
        return;
    for (uint32_t i = 0; i < cuts->told; i++) {
        const struct path *path = &cuts->paths[i];
        list[i] = (struct dead_reference){texts_keep(heap->texts, path->name),
                                          texts_keep(heap->texts, path->function),
                                          texts_keep(heap->texts, path->file), path->line};
    }
    holder->reference_count = cuts->told;
    holder->reference_total = cuts->count;
}

static void add_advice(const struct heap *heap, const struct path *path, const struct cuts *cuts,
                       struct holder *holder) {
    const char *advice[ADVICE_MAX];
    uint32_t count = advice_find(heap, path, cuts, advice);
    holder->advice = texts_array(heap->texts, count + 1ul, sizeof *holder->advice);
    if (!holder->advice)
        return;
    memcpy(holder->advice, advice, count * sizeof *advice);
    holder->advice_count = count;
}

static void fill_stray(const struct unit *unit, struct holder *holder) {
    *holder = (struct holder){
        .bytes = unit->bytes,
        .count = 1,
        .type = "",
        .detail = "",
        .root = HOLDER_NONE,
        .name = "",
        .function = "",
        .file = "",
        .path = "memory that no object is known to own",
        .reason = "",
        .others = "",
        .node = unit->site,
        .birth = unit->birth,
    };
}

void judge_unit(const struct heap *heap, const struct unit *unit, struct holder *holder) {
    struct path path;
    if (unit->by == NO_EDGE) {
        fill_stray(unit, holder);
        judge_idle(heap, unit, holder);
        return;
    }
    find_path(heap, unit, &path);
    enum verdict verdict = judge(heap, unit, &path);
    if (verdict == VERDICT_DEAD && path.frame != NODE_NONE)
        path_stay_at_local(heap, &path);
    const char *detail = heap->graph->texts[heap_object(heap, unit->shown)->detail];
    *holder = (struct holder){
        .bytes = unit->bytes,
        .count = unit->count,
        .type = texts_keep(heap->texts, names_type(heap, unit->shown)),
        .detail = unit->count == 1 ? texts_keep(heap->texts, detail) : "",
        .root = unit->garbage ? HOLDER_GARBAGE : path.root,
        .name = texts_keep(heap->texts, unit->garbage ? garbage_name(heap, unit) : path.name),
        .function = texts_keep(heap->texts, path.function),
        .file = texts_keep(heap->texts, path.file),
        .line = path.line,
        .path = texts_keep(heap->texts, path.text.text),
        .verdict = verdict,
        .reason = verdict == VERDICT_GARBAGE ? "" : reason_of(heap, unit, &path, verdict),
        .others = others_of(heap, unit),
        .bounded = bound_of(heap, unit) != NULL,
        .saves = unit->freed,
        .node = unit->site,
        .birth = unit->birth,
        .object = heap_is_object(heap, unit->node) ? unit->node : 0,
    };
    judge_idle(heap, unit, holder);
    if (verdict == VERDICT_GARBAGE) {
        add_cycle(heap, unit->node, holder);
        holder->reason = garbage_reason(heap, unit->node, holder);
    }
    if (verdict != VERDICT_DEAD || path.frame == NODE_NONE)
        return;
    struct cuts cuts;
    cuts_find(heap, unit, &cuts);
    add_references(heap, &cuts, holder);
    add_advice(heap, &path, &cuts, holder);
}
