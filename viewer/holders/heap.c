/* See heap.h: nodes and edges from the records of a heap graph and from the list of large blocks.
 */
#include "heap.h"

#include <stdlib.h>
#include <string.h>

/* How far from a block's start the memory begins that its owner was given: an allocator's header,
 * or what it takes to align. */
#define OWNER_OFFSET_MAX 64u

bool heap_text_is(const struct heap *heap, uint32_t text, const char *what) {
    return strcmp(heap->graph->texts[text], what) == 0;
}

bool heap_add_edge(struct heap *heap, struct heap_edge edge) {
    if (heap->edge_count == heap->edge_capacity) {
        uint64_t capacity = heap->edge_capacity ? (uint64_t)heap->edge_capacity * 2
                                                : (uint64_t)heap->graph->edge_count + 1024;
        struct heap_edge *edges =
            capacity < NO_EDGE ? realloc(heap->edges, capacity * sizeof *edges) : NULL;
        if (!edges)
            return false;
        heap->edges = edges;
        heap->edge_capacity = (uint32_t)capacity;
    }
    heap->edges[heap->edge_count++] = edge;
    return true;
}

/* -- Large blocks -- */

/* The block that an address is in, or block_count. */
static uint32_t block_at(const struct heap *heap, uint64_t address) {
    uint32_t low = 0, high = heap->snapshot->block_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (heap->blocks[middle].address <= address)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0 || address - heap->blocks[low - 1].address >= heap->blocks[low - 1].size)
        return heap->snapshot->block_count;
    return low - 1;
}

/* The block that certainly is the object's own memory, or block_count. An object that lies in the
 * block itself begins with it. */
static uint32_t owned_block(const struct heap *heap, const struct graph_object *object) {
    uint32_t none = heap->snapshot->block_count;
    if (!(object->flags & GRAPH_OBJECT_OWNS) || object->place_count == 0)
        return none;
    uint64_t address = heap->graph->places[object->first_place].address;
    uint32_t block = block_at(heap, address);
    return block < none && address - heap->blocks[block].address <= OWNER_OFFSET_MAX ? block : none;
}

/* Who has a claim on a block. */
struct claims {
    uint32_t owner; /* object; 0 none, UINT32_MAX: several, and so nobody */
    bool at_start;  /* somebody points to where it begins */
};

static void note_claims(const struct heap *heap, const struct graph_object *object,
                        struct claims *claims) {
    for (uint32_t i = 0; i < object->place_count; i++) {
        uint64_t address = heap->graph->places[object->first_place + i].address;
        uint32_t block = block_at(heap, address);
        if (block < heap->snapshot->block_count &&
            address - heap->blocks[block].address <= OWNER_OFFSET_MAX)
            claims[block].at_start = true;
    }
}

/* A block that two objects own is understood wrongly: it counts as shared by all who point there.
 */
static struct claims *find_claims(const struct heap *heap) {
    struct claims *claims = calloc((size_t)heap->snapshot->block_count + 1, sizeof *claims);
    if (!claims)
        return NULL;
    for (uint32_t object = 1; object < heap->graph->object_count; object++) {
        uint32_t block = owned_block(heap, &heap->graph->objects[object]);
        if (heap->flags[object] & (NODE_LEFT_OUT | NODE_UNCERTAIN))
            continue;
        claims[block].owner = claims[block].owner == 0 ? object : UINT32_MAX;
        note_claims(heap, &heap->graph->objects[object], claims);
    }
    return claims;
}

/* The owner's alone; without one, everybody's who points to its start; or everybody's who points
 * anywhere into it, which is a guess: any word can look like an address. */
static bool has_claim(const struct heap *heap, uint32_t node, uint32_t block, uint64_t address,
                      const struct claims *claims) {
    if (claims[block].owner != 0 && claims[block].owner != UINT32_MAX)
        return claims[block].owner == node;
    return !claims[block].at_start || address - heap->blocks[block].address <= OWNER_OFFSET_MAX;
}

static bool add_block_edges(struct heap *heap, uint32_t node, const struct claims *claims) {
    const struct graph_object *object = &heap->graph->objects[node];
    uint32_t before = NO_EDGE;
    for (uint32_t i = 0; i < object->place_count; i++) {
        uint64_t address = heap->graph->places[object->first_place + i].address;
        uint32_t block = block_at(heap, address);
        if (block == heap->snapshot->block_count || block == before ||
            !has_claim(heap, node, block, address, claims))
            continue;
        before = block;
        if (claims[block].owner == node)
            heap->flags[heap->block_base + block] |= NODE_OWNED;
        if (!heap_add_edge(heap, (struct heap_edge){heap->block_base + block, 0, HEAP_BLOCK, 0}))
            return false;
    }
    return true;
}

/* -- Objects -- */

/* Their variables are read as names, not as the content of a dict. */
static void mark_namespace(struct heap *heap, uint32_t from, const struct graph_edge_record *edge) {
    enum graph_kind kind = heap_kind(heap, from);
    if (edge->kind != EDGE_FIELD || !(heap_text_is(heap, edge->text, "__dict__") ||
                                      heap_text_is(heap, edge->text, "__globals__")))
        return;
    heap->flags[edge->target] |= NODE_NAMESPACE;
    if (kind == GRAPH_MODULE || kind == GRAPH_TYPE_OBJECT || kind == GRAPH_FUNCTION)
        heap->flags[edge->target] |= NODE_STOP;
}

static bool add_object_edges(struct heap *heap, uint32_t node) {
    const struct graph_object *object = &heap->graph->objects[node];
    uint32_t item = 0, key = 0;
    for (uint32_t i = 0; i < object->edge_count; i++) {
        const struct graph_edge_record *record = &heap->graph->edges[object->first_edge + i];
        uint32_t label = record->kind == EDGE_ITEM    ? item++
                         : record->kind == EDGE_VALUE ? key
                                                      : record->text;
        if (record->kind == EDGE_KEY)
            key = record->target;
        if (record->target == 0 || record->kind == EDGE_WEAK ||
            heap->flags[record->target] & NODE_LEFT_OUT)
            continue;
        mark_namespace(heap, node, record);
        if (!heap_add_edge(heap,
                           (struct heap_edge){record->target, label, record->kind, HEAP_COUNTED}))
            return false;
    }
    return true;
}

/* Frames by what leads to them: the thread that runs them, which goes on without their frame
 * objects, or else the object that they belong to. */
struct frame_lists {
    uint32_t *of_object, *of_thread, *next; /* next: by frame; 0 ends */
};

static bool frame_lists_make(const struct graph *graph, struct frame_lists *lists) {
    lists->of_object = calloc(graph->object_count, sizeof *lists->of_object);
    lists->of_thread = calloc(graph->thread_count, sizeof *lists->of_thread);
    lists->next = calloc(graph->frame_count, sizeof *lists->next);
    if (!lists->of_object || !lists->of_thread || !lists->next)
        return false;
    for (uint32_t i = graph->frame_count; i-- > 1;) {
        const struct graph_frame *frame = &graph->frames[i];
        uint32_t *first =
            frame->thread ? &lists->of_thread[frame->thread] : &lists->of_object[frame->owner];
        lists->next[i] = *first;
        *first = i;
    }
    return true;
}

static void frame_lists_release(struct frame_lists *lists) {
    free(lists->of_object);
    free(lists->of_thread);
    free(lists->next);
}

static bool add_frame_list(struct heap *heap, uint32_t first, const struct frame_lists *lists) {
    for (uint32_t i = first; i != 0; i = lists->next[i])
        if (!heap_add_edge(heap, (struct heap_edge){heap->frame_base + i, 0, HEAP_FRAME, 0}))
            return false;
    return true;
}

static bool add_objects(struct heap *heap, const struct frame_lists *lists) {
    struct claims *claims = find_claims(heap);
    bool good = claims != NULL;
    for (uint32_t node = 0; node < heap->frame_base && good; node++) {
        heap->first_edge[node] = heap->edge_count;
        if (node == 0 || heap->flags[node] & NODE_LEFT_OUT)
            continue;
        heap->own[node] = heap->graph->objects[node].size;
        good = add_object_edges(heap, node) &&
               add_frame_list(heap, lists->of_object[node], lists) &&
               add_block_edges(heap, node, claims);
    }
    free(claims);
    return good;
}

/* -- Frames, threads, roots -- */

static bool add_slot(struct heap *heap, uint32_t target, struct heap_edge edge) {
    edge.target = target;
    return target == 0 || heap->flags[target] & NODE_LEFT_OUT || heap_add_edge(heap, edge);
}

/* The instruction that is being executed has the object as an operand. */
static bool is_operand(const struct heap *heap, uint32_t frame, uint32_t object) {
    const struct graph_frame *record = &heap->graph->frames[frame];
    uint32_t depth = heap->frames[frame].depth < 0 ? 0 : (uint32_t)heap->frames[frame].depth;
    if (record->thread == 0 || record->depth != 0)
        return false;
    for (uint32_t i = 0; i < record->stack_count && i < depth; i++)
        if (record->stack[i].object == object)
            return true;
    return false;
}

/* Locals that are cells hold what is in them for others too. */
static uint8_t local_flags(const struct heap *heap, uint32_t frame, uint32_t slot) {
    const struct heap_frame *how = &heap->frames[frame];
    const struct graph_frame *record = &heap->graph->frames[frame];
    const struct graph_code *code = &heap->graph->codes[record->code];
    uint8_t flags = record->locals[slot].borrowed ? 0 : HEAP_COUNTED;
    if (!how->known || slot >= code->local_count)
        return flags;
    if (how->live[slot] || is_operand(heap, frame, record->locals[slot].object))
        return flags | HEAP_LIVE;
    bool cell = code->local_kinds[slot] & (GRAPH_CELL_VARIABLE | GRAPH_FREE_VARIABLE);
    return how->may_die && !cell ? flags | HEAP_DEAD : flags;
}

static bool add_stack(struct heap *heap, uint32_t frame) {
    const struct graph_frame *record = &heap->graph->frames[frame];
    int32_t depth = heap->frames[frame].depth;
    uint32_t used = depth < 0 ? record->stack_count : (uint32_t)depth;
    uint8_t flags = depth < 0 ? HEAP_UNCERTAIN : 0;
    if (record->thread != 0 && record->depth == 0)
        flags |= HEAP_PENDING;
    bool good = true;
    for (uint32_t i = 0; i < record->stack_count && i < used && good; i++) {
        uint8_t counted = depth < 0 || record->stack[i].borrowed ? 0 : HEAP_COUNTED;
        good = add_slot(heap, record->stack[i].object,
                        (struct heap_edge){0, i, HEAP_STACK, flags | counted});
    }
    return good;
}

static bool add_frame(struct heap *heap, uint32_t frame) {
    const struct graph_frame *record = &heap->graph->frames[frame];
    const uint32_t fields[] = {record->function, heap->graph->codes[record->code].object,
                               record->locals_object};
    bool good = true;
    heap->first_edge[heap->frame_base + frame] = heap->edge_count;
    for (uint32_t i = 0; i < record->local_count && good; i++)
        good = add_slot(heap, record->locals[i].object,
                        (struct heap_edge){0, i, HEAP_LOCAL, local_flags(heap, frame, i)});
    if (good)
        good = add_stack(heap, frame);
    for (uint32_t i = 0; i < 3 && good; i++)
        good = add_slot(heap, fields[i], (struct heap_edge){0, i, HEAP_FRAME_FIELD, HEAP_COUNTED});
    if (record->locals_object)
        heap->flags[record->locals_object] |= NODE_NAMESPACE | NODE_STOP;
    return good;
}

static bool add_frames(struct heap *heap) {
    heap->first_edge[heap->frame_base] = heap->edge_count;
    for (uint32_t i = 1; i < heap->graph->frame_count; i++)
        if (!add_frame(heap, i))
            return false;
    return true;
}

static bool add_threads(struct heap *heap, const struct frame_lists *lists) {
    const struct graph *graph = heap->graph;
    heap->first_edge[heap->thread_base] = heap->edge_count;
    for (uint32_t i = 1; i < graph->thread_count; i++) {
        const struct graph_thread *thread = &graph->threads[i];
        heap->first_edge[heap->thread_base + i] = heap->edge_count;
        for (uint32_t k = thread->first_edge; k < thread->first_edge + thread->edge_count; k++)
            if (!add_slot(heap, graph->edges[k].target,
                          (struct heap_edge){0, graph->edges[k].text, graph->edges[k].kind,
                                             HEAP_COUNTED}))
                return false;
        if (!add_frame_list(heap, lists->of_thread[i], lists))
            return false;
    }
    return true;
}

static bool add_roots(struct heap *heap) {
    heap->first_edge[heap->root_base] = heap->edge_count;
    for (uint32_t i = 1; i < heap->graph->root_count; i++) {
        const struct graph_root_record *root = &heap->graph->roots[i];
        heap->first_edge[heap->root_base + i] = heap->edge_count;
        bool counted = root->kind != GRAPH_ROOT_STATIC; /* or else it may be: accounting.c */
        if (counted)
            heap->flags[root->object] |= NODE_STOP;
        if (!add_slot(heap, root->object,
                      (struct heap_edge){0, i, HEAP_ROOT, counted ? HEAP_COUNTED : 0}))
            return false;
    }
    return true;
}

/* A block that no object refers to is nobody's. */
static void leave_out_strays(struct heap *heap) {
    for (uint32_t i = 0; i < heap->snapshot->block_count; i++)
        heap->flags[heap->block_base + i] |= NODE_LEFT_OUT;
    for (uint32_t i = 0; i < heap->edge_count; i++)
        if (heap->edges[i].kind == HEAP_BLOCK)
            heap->flags[heap->edges[i].target] &= (uint8_t)~NODE_LEFT_OUT;
}

static void add_blocks(struct heap *heap) {
    leave_out_strays(heap);
    for (uint32_t i = 0; i < heap->snapshot->block_count; i++) {
        heap->first_edge[heap->block_base + i] = heap->edge_count;
        heap->own[heap->block_base + i] = heap->blocks[i].size;
    }
    heap->first_edge[heap->top] = heap->edge_count;
    heap->first_edge[heap->node_count] = heap->edge_count;
}

/* -- The whole -- */

static bool lay_out(struct heap *heap) {
    const struct graph *graph = heap->graph;
    uint64_t count = (uint64_t)graph->object_count + graph->frame_count + graph->thread_count +
                     graph->root_count + heap->snapshot->block_count + 1;
    if (count >= NO_EDGE)
        return false;
    heap->frame_base = graph->object_count;
    heap->thread_base = heap->frame_base + graph->frame_count;
    heap->root_base = heap->thread_base + graph->thread_count;
    heap->block_base = heap->root_base + graph->root_count;
    heap->top = heap->block_base + heap->snapshot->block_count;
    heap->node_count = heap->top + 1;
    heap->first_edge = calloc(heap->node_count + 1ul, sizeof *heap->first_edge);
    heap->flags = calloc(heap->node_count, sizeof *heap->flags);
    heap->own = calloc(heap->node_count, sizeof *heap->own);
    heap->found = calloc(heap->frame_base, sizeof *heap->found);
    heap->frames = calloc(graph->frame_count, sizeof *heap->frames);
    return heap->first_edge && heap->flags && heap->own && heap->found && heap->frames;
}

/* Entries 0 of the records are nodes too, of which nothing is known because nothing is there. */
static void leave_out_nothings(struct heap *heap) {
    heap->flags[0] = heap->flags[heap->frame_base] = NODE_LEFT_OUT;
    heap->flags[heap->thread_base] = heap->flags[heap->root_base] = NODE_LEFT_OUT;
}

/* What was found only in stack places is believed when a place that is in use refers to it. */
static void judge_unsure(struct heap *heap) {
    const struct graph *graph = heap->graph;
    for (uint32_t i = 1; i < graph->object_count; i++)
        if (graph->objects[i].flags & GRAPH_OBJECT_UNSURE)
            heap->flags[i] |= NODE_LEFT_OUT;
    for (uint32_t i = 1; i < graph->frame_count; i++) {
        int32_t depth = heap->frames[i].depth;
        for (uint32_t k = 0; k < graph->frames[i].stack_count; k++) {
            uint8_t *flags = &heap->flags[graph->frames[i].stack[k].object];
            if (depth < 0 && *flags & NODE_LEFT_OUT)
                *flags = NODE_UNCERTAIN;
            else if (depth >= 0 && k < (uint32_t)depth)
                *flags &= (uint8_t) ~(NODE_LEFT_OUT | NODE_UNCERTAIN);
        }
    }
    leave_out_nothings(heap);
}

bool heap_build(struct heap *heap) {
    if (!lay_out(heap) || !frames_examine(heap))
        return false;
    judge_unsure(heap);
    struct frame_lists lists = {0};
    bool good = frame_lists_make(heap->graph, &lists) && add_objects(heap, &lists) &&
                add_frames(heap) && add_threads(heap, &lists) && add_roots(heap);
    frame_lists_release(&lists);
    if (good)
        add_blocks(heap);
    return good;
}

bool heap_index_referrers(struct heap *heap) {
    heap->first_in = calloc(heap->node_count + 2ul, sizeof *heap->first_in);
    heap->in = malloc((heap->edge_count + 1ul) * sizeof *heap->in);
    heap->source = malloc((heap->edge_count + 1ul) * sizeof *heap->source);
    if (!heap->first_in || !heap->in || !heap->source)
        return false;
    for (uint32_t node = 0; node < heap->node_count; node++)
        for (uint32_t i = heap->first_edge[node]; i < heap->first_edge[node + 1]; i++)
            heap->source[i] = node;
    for (uint32_t i = 0; i < heap->edge_count; i++)
        heap->first_in[heap->edges[i].target + 2]++;
    for (uint32_t i = 2; i < heap->node_count + 2; i++)
        heap->first_in[i] += heap->first_in[i - 1];
    for (uint32_t i = 0; i < heap->edge_count; i++)
        heap->in[heap->first_in[heap->edges[i].target + 1]++] = i;
    return true;
}

void heap_release(struct heap *heap) {
    for (uint32_t i = 0; heap->frames && i < heap->graph->frame_count; i++)
        free(heap->frames[i].live);
    free(heap->first_edge);
    free(heap->edges);
    free(heap->source);
    free(heap->first_in);
    free(heap->in);
    free(heap->flags);
    free(heap->found);
    free(heap->own);
    free(heap->frames);
    free(heap->by);
    free(heap->dominator);
    free(heap->order);
    free(heap->place);
    free(heap->below);
    free(heap->retained);
}
