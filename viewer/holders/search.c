/* The path to each node that reads best: shortest by a cost for each kind of step, low where a user
 * has a name for it (a local, a global, an attribute), high for what only the interpreter sees.
 *
 * A dead local is a root only where nothing better keeps an object than native code. Static memory
 * is one only of what no other root reaches but native code, however far the way, and what only
 * garbage holds comes last. A frame of our own code only looks at what others hold. Dial's
 * algorithm: a list of nodes for each cost.
 */
#include "heap.h"

#include <stdlib.h>
#include <string.h>

#define COST_MAX 63u
#define LISTS (COST_MAX + 1)
#define FAR UINT32_MAX

struct entry {
    uint32_t node, cost, next;
};

struct search {
    struct heap *heap;
    uint8_t *text_cost; /* of a field, by text */
    uint32_t *cost;
    struct entry *entries;
    uint32_t count, capacity;
    uint32_t lists[LISTS]; /* first entry + 1, by cost modulo LISTS */
    uint32_t ends[LISTS];  /* the last one, where there is a first */
    uint32_t at, waiting;
    enum turn { TURN_NAMED, TURN_STATIC, TURN_NATIVE, TURNS } turn; /* of the roots */
};

static const struct {
    const char *field;
    uint8_t cost;
} field_costs[] = {
    {"__dict__", 1},      {"cell_contents", 1},   {"base", 2},
    {"obj", 2},           {"tb_frame", 2},        {"__closure__", 3},
    {"__defaults__", 3},  {"__kwdefaults__", 3},  {"__wrapped__", 3},
    {"func", 3},          {"__self__", 3},        {"__func__", 4},
    {"__traceback__", 3}, {"tb_next", 2},         {"exc_info", 3},
    {"exception", 3},     {"context", 4},         {"__context__", 4},
    {"__cause__", 4},     {"__globals__", 20},    {"f_globals", 20},
    {"__builtins__", 24}, {"f_builtins", 24},     {"f_back", 20},
    {"__module__", 20},   {"__subclasses__", 24}, {"tp_subclasses", 24},
    {"__mro__", 20},
};

static bool price_fields(struct search *search) {
    const struct graph *graph = search->heap->graph;
    search->text_cost = malloc(graph->text_count);
    if (!search->text_cost)
        return false;
    memset(search->text_cost, 5, graph->text_count);
    for (uint32_t i = 1; i < graph->text_count; i++)
        for (size_t k = 0; k < sizeof field_costs / sizeof *field_costs; k++)
            if (strcmp(graph->texts[i], field_costs[k].field) == 0)
                search->text_cost[i] = field_costs[k].cost;
    return true;
}

static uint32_t root_cost(const struct graph *graph, uint32_t root) {
    switch (graph->roots[root].kind) {
    case GRAPH_ROOT_MODULES:
        return 2;
    case GRAPH_ROOT_SYS:
        return 3;
    case GRAPH_ROOT_BUILTINS:
        return 8;
    case GRAPH_ROOT_INTERPRETER:
        return 16;
    default:
        return 30;
    }
}

static uint32_t top_cost(const struct search *search, const struct heap_edge *edge) {
    switch (edge->kind) {
    case HEAP_TOP_ROOT:
        return root_cost(search->heap->graph, edge->target - search->heap->root_base);
    case HEAP_TOP_FRAME:
        return 12;
    case HEAP_TOP_IMMORTAL:
        return 36;
    case HEAP_TOP_UNSETTLED:
        return 10;
    default:
        return 0;
    }
}

static uint32_t edge_cost(const struct search *search, const struct heap_edge *edge) {
    switch (edge->kind) {
    case EDGE_ITEM:
    case EDGE_VALUE:
    case EDGE_ATTRIBUTE:
        return 2;
    case EDGE_FIELD:
        return search->text_cost[edge->label];
    case EDGE_KEY:
    case EDGE_OTHER:
        return 6;
    case EDGE_TYPE:
        return 24;
    case HEAP_LOCAL:
        return edge->flags & HEAP_DEAD ? 32 : edge->flags & HEAP_LIVE ? 2 : 3;
    case HEAP_STACK:
        return edge->flags & HEAP_UNCERTAIN ? 26 : 20;
    case HEAP_FRAME_FIELD: /* variables of a module or class */
        return edge->label == 2 ? 6 : 18;
    case HEAP_FRAME:
        return heap_is_our_frame(search->heap, edge->target) ? COST_MAX : 0;
    case HEAP_BLOCK:
    case HEAP_ROOT:
        return 0;
    default:
        return top_cost(search, edge);
    }
}

static bool push(struct search *search, uint32_t node, uint32_t cost) {
    if (search->count == search->capacity) {
        uint64_t capacity = search->capacity ? (uint64_t)search->capacity * 2 : 1u << 16;
        struct entry *entries =
            capacity < UINT32_MAX ? realloc(search->entries, capacity * sizeof *entries) : NULL;
        if (!entries)
            return false;
        search->entries = entries;
        search->capacity = (uint32_t)capacity;
    }
    uint32_t list = cost % LISTS;
    search->entries[search->count++] = (struct entry){node, cost, 0};
    if (search->lists[list] == 0)
        search->lists[list] = search->count;
    else
        search->entries[search->ends[list] - 1].next = search->count;
    search->ends[list] = search->count;
    search->waiting++;
    return true;
}

/* `fixed`: nodes with this flag have their path already. */
static bool relax(struct search *search, uint32_t from, uint32_t edge, uint8_t fixed) {
    struct heap *heap = search->heap;
    const struct heap_edge *step = &heap->edges[edge];
    uint32_t cost = search->cost[from] + edge_cost(search, step);
    if (heap->flags[step->target] & (fixed | NODE_LEFT_OUT) || cost >= search->cost[step->target])
        return true;
    search->cost[step->target] = cost;
    heap->by[step->target] = edge;
    return push(search, step->target, cost);
}

static enum turn turn_of(const struct heap *heap, const struct heap_edge *edge) {
    if (edge->kind == HEAP_TOP_NATIVE || edge->kind == HEAP_TOP_UNSETTLED)
        return TURN_NATIVE;
    bool root = edge->kind == HEAP_TOP_ROOT;
    return root && heap->graph->roots[edge->target - heap->root_base].kind == GRAPH_ROOT_STATIC
               ? TURN_STATIC
               : TURN_NAMED;
}

static bool settle(struct search *search, uint32_t node, uint8_t fixed) {
    const struct heap *heap = search->heap;
    for (uint32_t i = heap->first_edge[node]; i < heap->first_edge[node + 1]; i++) {
        const struct heap_edge *edge = &heap->edges[i];
        bool later = node == heap->top && turn_of(heap, edge) != search->turn;
        if (edge->kind != HEAP_TOP_GARBAGE && !later && !relax(search, node, i, fixed))
            return false;
    }
    return true;
}

/* Takes nodes in the order of their costs until none is waiting. */
static bool run(struct search *search, uint8_t fixed) {
    for (; search->waiting > 0; search->at++) {
        uint32_t *list = &search->lists[search->at % LISTS];
        while (*list != 0) {
            struct entry entry = search->entries[*list - 1];
            *list = entry.next;
            search->waiting--;
            if (search->cost[entry.node] == entry.cost && !settle(search, entry.node, fixed))
                return false;
        }
    }
    search->count = 0;
    return true;
}

/* What comes in a later turn costs more than all that was found before. */
static bool search_reached(struct search *search) {
    uint32_t top = search->heap->top;
    for (search->turn = TURN_NAMED; search->turn < TURNS; search->turn++) {
        search->cost[top] = search->at;
        if (!push(search, top, search->at) || !run(search, 0))
            return false;
    }
    return true;
}

static bool search_garbage(struct search *search) {
    struct heap *heap = search->heap;
    search->at = 0;
    for (uint32_t i = heap->top_live_end; i < heap->edge_count; i++) {
        search->cost[heap->edges[i].target] = 0;
        heap->by[heap->edges[i].target] = i;
        if (!push(search, heap->edges[i].target, 0))
            return false;
    }
    return run(search, NODE_REACHED);
}

bool search_paths(struct heap *heap) {
    struct search search = {.heap = heap};
    search.cost = malloc(heap->node_count * sizeof *search.cost);
    heap->by = malloc(heap->node_count * sizeof *heap->by);
    bool good = search.cost && heap->by && price_fields(&search);
    for (uint32_t i = 0; i < heap->node_count && good; i++)
        search.cost[i] = heap->by[i] = FAR;
    good = good && search_reached(&search) && search_garbage(&search);
    free(search.cost);
    free(search.entries);
    free(search.text_cost);
    return good;
}
