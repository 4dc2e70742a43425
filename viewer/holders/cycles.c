/* Garbage: objects that top does not reach although every reference to them was found. They can
 * only be held by cycles among themselves, which is how the cycle collector finds them too.
 *
 * Strongly connected components (Tarjan, with a stack of its own); those that no other component of
 * garbage refers to are where it begins. Top gets an edge to one object of each.
 */
#include "heap.h"

#include "viewer/holders/names.h"

#include <stdlib.h>

struct components {
    uint32_t *number; /* of a node's component, from 1 */
    uint32_t *seen;   /* when a node was first visited, from 1 */
    uint32_t *low;
    uint32_t *stack, *calls, *cursor;
    uint32_t depth, call_depth, visits, count;
};

static bool components_open(const struct heap *heap, struct components *of) {
    size_t count = heap->node_count;
    *of = (struct components){
        .number = calloc(count, sizeof(uint32_t)),
        .seen = calloc(count, sizeof(uint32_t)),
        .low = calloc(count, sizeof(uint32_t)),
        .stack = malloc(count * sizeof(uint32_t)),
        .calls = malloc(count * sizeof(uint32_t)),
        .cursor = malloc(count * sizeof(uint32_t)),
    };
    return of->number && of->seen && of->low && of->stack && of->calls && of->cursor;
}

static void components_close(struct components *of) {
    free(of->number);
    free(of->seen);
    free(of->low);
    free(of->stack);
    free(of->calls);
    free(of->cursor);
}

static void enter(const struct heap *heap, struct components *of, uint32_t node) {
    of->seen[node] = of->low[node] = ++of->visits;
    of->stack[of->depth++] = node;
    of->cursor[of->call_depth] = heap->first_edge[node];
    of->calls[of->call_depth++] = node;
}

static void leave(struct components *of, uint32_t node) {
    if (of->low[node] == of->seen[node]) {
        of->count++;
        uint32_t member;
        do {
            member = of->stack[--of->depth];
            of->number[member] = of->count;
        } while (member != node);
    }
    if (--of->call_depth == 0)
        return;
    uint32_t caller = of->calls[of->call_depth - 1];
    if (of->low[node] < of->low[caller])
        of->low[caller] = of->low[node];
}

static void components_from(const struct heap *heap, struct components *of, uint32_t start) {
    enter(heap, of, start);
    while (of->call_depth > 0) {
        uint32_t node = of->calls[of->call_depth - 1];
        uint32_t *cursor = &of->cursor[of->call_depth - 1];
        if (*cursor == heap->first_edge[node + 1]) {
            leave(of, node);
            continue;
        }
        uint32_t target = heap->edges[(*cursor)++].target;
        if (!heap_is_garbage(heap, target))
            continue;
        if (of->seen[target] == 0)
            enter(heap, of, target);
        else if (of->number[target] == 0 && of->seen[target] < of->low[node])
            of->low[node] = of->seen[target];
    }
}

/* -- What is known of a component -- */

struct component {
    uint32_t best; /* the object that it is best told by */
    uint8_t rank, flags;
    bool held;  /* by another one */
    bool cycle; /* has an edge within */
    bool known; /* to the cycle collector, every object of it */
};

static uint8_t rank_of(const struct heap *heap, uint32_t node) {
    if (!heap_is_object(heap, node))
        return 9;
    switch (heap_kind(heap, node)) {
    case GRAPH_FUNCTION:
        return 0;
    case GRAPH_OTHER:
        return 1;
    case GRAPH_GENERATOR:
    case GRAPH_EXCEPTION:
    case GRAPH_TYPE_OBJECT:
        return 2;
    case GRAPH_LIST:
        return 3;
    case GRAPH_DICT:
        return heap->flags[node] & NODE_NAMESPACE ? 7 : 4;
    default:
        return 6;
    }
}

static void note_member(const struct heap *heap, struct component *component, uint32_t node) {
    const struct graph_object *object = heap_object(heap, node);
    uint8_t rank = rank_of(heap, node);
    if (rank < component->rank) {
        component->rank = rank;
        component->best = node;
    }
    if (!heap_is_object(heap, node))
        return;
    if (!(object->flags & GRAPH_OBJECT_TRACKED))
        component->known = false;
    if (object->flags & GRAPH_OBJECT_OLD)
        component->flags |= CYCLE_OLD;
    if (heap->graph->types[object->type].flags & GRAPH_TYPE_FINALIZER)
        component->flags |= CYCLE_FINALIZER;
}

static void note_edges(const struct heap *heap, const struct components *of, struct component *all,
                       uint32_t node) {
    for (uint32_t i = heap->first_edge[node]; i < heap->first_edge[node + 1]; i++) {
        uint32_t target = heap->edges[i].target;
        if (!heap_is_garbage(heap, target))
            continue;
        if (of->number[target] == of->number[node])
            all[of->number[node]].cycle = true;
        else
            all[of->number[target]].held = true;
    }
}

static struct component *components_describe(const struct heap *heap, const struct components *of) {
    struct component *all = calloc(of->count + 1ul, sizeof *all);
    for (uint32_t i = 0; all && i <= of->count; i++)
        all[i] = (struct component){.rank = UINT8_MAX, .known = true};
    for (uint32_t node = 0; all && node < heap->top; node++) {
        if (of->number[node] == 0)
            continue;
        note_member(heap, &all[of->number[node]], node);
        note_edges(heap, of, all, node);
    }
    return all;
}

static bool add_top(struct heap *heap, uint32_t node, enum heap_edge_kind kind, uint32_t label) {
    if (!heap_add_edge(heap, (struct heap_edge){node, label, (uint8_t)kind, 0}))
        return false;
    heap->first_edge[heap->node_count] = heap->edge_count;
    return true;
}

/* What no cycle that the collector knows can explain is held by something that was not understood.
 */
static bool settle_doubtful(struct heap *heap, const struct component *all, uint32_t count) {
    for (uint32_t i = 1; i <= count; i++) {
        if (all[i].held || (all[i].cycle && all[i].known && all[i].rank < 9))
            continue;
        if (!add_top(heap, all[i].best, HEAP_TOP_UNSETTLED, 0) || !reach_more(heap, all[i].best))
            return false;
    }
    heap->top_live_end = heap->edge_count;
    return true;
}

static bool add_beginnings(struct heap *heap, const struct component *all, uint32_t count) {
    for (uint32_t i = 1; i <= count; i++)
        if (!all[i].held && heap_is_garbage(heap, all[i].best) &&
            !add_top(heap, all[i].best, HEAP_TOP_GARBAGE, all[i].flags))
            return false;
    return true;
}

bool cycles_find(struct heap *heap) {
    struct components of;
    struct component *all = NULL;
    bool good = components_open(heap, &of);
    for (uint32_t node = 1; node < heap->top && good; node++)
        if (heap_is_garbage(heap, node) && of.seen[node] == 0)
            components_from(heap, &of, node);
    if (good && of.count > 0) {
        all = components_describe(heap, &of);
        good = all && settle_doubtful(heap, all, of.count) && add_beginnings(heap, all, of.count);
    }
    free(all);
    components_close(&of);
    return good;
}

/* -- In words -- */

#define LOOK_MAX (1u << 20) /* nodes that are looked at for the shortest cycle */

/* Breadth first from `start`; the node from which it is reached again, or NODE_NONE. */
static uint32_t find_way_back(const struct heap *heap, uint32_t start, uint32_t *before,
                              uint32_t *queue) {
    uint32_t head = 0, tail = 0;
    queue[tail++] = start;
    while (head < tail && head < LOOK_MAX) {
        uint32_t node = queue[head++];
        for (uint32_t i = heap->first_edge[node]; i < heap->first_edge[node + 1]; i++) {
            uint32_t target = heap->edges[i].target;
            if (target == start)
                return node;
            if (!heap_is_garbage(heap, target) || before[target] != NODE_NONE)
                continue;
            before[target] = node;
            queue[tail++] = target;
        }
    }
    return NODE_NONE;
}

/* The tuple of a closure and the dict of an instance say nothing that their owners do not. */
static bool is_silent(const struct heap *heap, uint32_t from, uint32_t node) {
    if (heap->flags[node] & NODE_NAMESPACE)
        return true;
    return heap_kind(heap, node) == GRAPH_TUPLE && heap_kind(heap, from) == GRAPH_FUNCTION;
}

static const char *name_of(const struct heap *heap, uint32_t node) {
    struct line line = {.size = 0};
    names_add(heap, node, &line);
    return texts_keep(heap->texts, line.text);
}

static uint32_t name_cycle(const struct heap *heap, uint32_t start, const uint32_t *way,
                           uint32_t count, const char *names[CYCLE_NAMES]) {
    uint32_t named = 0, from = start;
    names[named++] = name_of(heap, start);
    for (uint32_t i = count; i-- > 0; from = way[i]) {
        if (is_silent(heap, from, way[i]))
            continue;
        if (named == CYCLE_NAMES - 1) {
            names[named++] = "...";
            break;
        }
        names[named++] = name_of(heap, way[i]);
    }
    return named;
}

uint32_t cycles_name(const struct heap *heap, uint32_t node, const char *names[CYCLE_NAMES]) {
    uint32_t *before = calloc(heap->node_count, sizeof *before);
    uint32_t *queue = malloc(heap->node_count * sizeof *queue);
    uint32_t at = before && queue ? find_way_back(heap, node, before, queue) : NODE_NONE;
    uint32_t count = 0, named = 0;
    bool found = at != NODE_NONE;
    for (; found && at != node; at = before[at])
        queue[count++] = at;
    if (found)
        named = name_cycle(heap, node, queue, count, names);
    free(before);
    free(queue);
    return named;
}
