/* The heap at a snapshot as one directed graph, and what the parts of the analysis share.
 *
 * Nodes: object n of the heap graph is node n; then follow the frames, threads, named roots, large
 * blocks, and `top`, from which everything is reached that is alive. Object 0, which is none, is
 * node 0 and has no edges.
 *
 * Glossary
 *   top      the node that refers to every root
 *   settled  every reference to an object was found: its count and what was told agree
 *   cut      an edge that is taken away by letting go of all dead locals at once
 *   freed    reached from top, but only by way of edges that are cut
 *   garbage  not reached from top at all, though settled
 *   unit     what becomes one line of the report: a node and bytes that no other unit has
 */
#ifndef HOLDFAST_VIEWER_HEAP_H
#define HOLDFAST_VIEWER_HEAP_H

#include "viewer/holders.h"
#include "viewer/holders/texts.h"
#include "wire/graph.h"

#define NODE_NONE 0u

/* Continues enum graph_edge. */
enum heap_edge_kind {
    HEAP_LOCAL = 8,     /* frame -> object; label: slot */
    HEAP_STACK,         /* frame -> object; label: place */
    HEAP_FRAME_FIELD,   /* frame -> its function, code, f_locals */
    HEAP_FRAME,         /* thread, or an object that has one -> frame */
    HEAP_BLOCK,         /* object -> large block */
    HEAP_ROOT,          /* named root -> object */
    HEAP_TOP_THREAD,    /* top -> thread */
    HEAP_TOP_ROOT,      /* top -> named root */
    HEAP_TOP_FRAME,     /* top -> a frame that nothing is known to own */
    HEAP_TOP_NATIVE,    /* top -> object; label: references that are not accounted for */
    HEAP_TOP_IMMORTAL,  /* top -> object that is never freed */
    HEAP_TOP_UNSETTLED, /* top -> object of which too little is known for a claim */
    HEAP_TOP_GARBAGE,   /* top -> object of a cycle that nothing else reaches */
};

enum heap_edge_flags {
    HEAP_COUNTED = 1,   /* a strong reference */
    HEAP_DEAD = 2,      /* a local that is shown not to be read again */
    HEAP_LIVE = 4,      /* a local that may be read again, as its frame's liveness says */
    HEAP_PENDING = 8,   /* an operand of the innermost frame's instruction */
    HEAP_UNCERTAIN = 16 /* a stack place that may mean nothing */
};

struct heap_edge {
    uint32_t target;
    uint32_t
        label; /* of objects: index (ITEM), the key's object (VALUE), text (FIELD, ATTRIBUTE) */
    uint8_t kind;
    uint8_t flags;
};

enum heap_node_flags {
    NODE_LEFT_OUT = 1,   /* no object at all, as far as is known */
    NODE_UNCERTAIN = 2,  /* may be no object: it holds, but is not believed */
    NODE_REACHED = 4,    /* from top */
    NODE_KEPT = 8,       /* from top, with every dead edge cut */
    NODE_NAMESPACE = 16, /* a dict that is the variables of a module, class or instance */
    NODE_STOP = 32,      /* of a module or class, or such a one: no line of the report */
    NODE_OWNED = 64,     /* a block that certainly dies with what refers to it */
    NODE_STATIC = 128,   /* static memory keeps it */
};

/* How a frame is suspended. */
struct heap_frame {
    int32_t depth; /* stack places in use; -1 unknown */
    bool known;    /* liveness is */
    bool may_die;  /* its dead locals may be called dead */
    bool ours;     /* runs code of Holdfast's: holds what it looks at, which is another's */
    bool watched;  /* not so, because other functions may read them */
    bool *live;    /* by local, NULL when not known */
};

struct heap {
    const struct profile *profile;
    const struct profile_snapshot *snapshot;
    const struct profile_block *blocks;
    const struct graph *graph;
    struct texts *texts;

    uint32_t frame_base, thread_base, root_base, block_base, top, node_count;
    uint32_t *first_edge; /* node_count + 1 of them */
    struct heap_edge *edges;
    uint32_t edge_count, edge_capacity;
    uint32_t top_live_end; /* of top's edges, those before this one are not to garbage */
    uint32_t *source;      /* of each edge */
    uint32_t *first_in;    /* which edges lead to a node */
    uint32_t *in;

    uint8_t *flags;  /* enum heap_node_flags */
    uint32_t *found; /* references to each object */
    uint64_t *own;   /* bytes of each node */
    struct heap_frame *frames;

    /* The path to a node that reads best (search.c): the edge by which it is reached. */
    uint32_t *by; /* NO_EDGE: none */

    /* Dominators */
    uint32_t *dominator; /* NODE_NONE of top, and of what is not reached */
    uint32_t *order;     /* dominator tree in preorder: a subtree is a run of it */
    uint32_t *place;     /* of a node in `order` */
    uint32_t *below;     /* nodes of its subtree, itself included */
    uint32_t order_count;
    uint64_t *retained;
};

#define NO_EDGE UINT32_MAX

static inline bool heap_is_object(const struct heap *heap, uint32_t node) {
    return node < heap->frame_base;
}

static inline bool heap_is_frame(const struct heap *heap, uint32_t node) {
    return node >= heap->frame_base && node < heap->thread_base;
}

static inline bool heap_is_our_frame(const struct heap *heap, uint32_t node) {
    return heap_is_frame(heap, node) && heap->frames[node - heap->frame_base].ours;
}

static inline bool heap_is_thread(const struct heap *heap, uint32_t node) {
    return node >= heap->thread_base && node < heap->root_base;
}

static inline bool heap_is_root(const struct heap *heap, uint32_t node) {
    return node >= heap->root_base && node < heap->block_base;
}

static inline bool heap_is_block(const struct heap *heap, uint32_t node) {
    return node >= heap->block_base && node < heap->top;
}

static inline const struct graph_object *heap_object(const struct heap *heap, uint32_t node) {
    return &heap->graph->objects[heap_is_object(heap, node) ? node : 0];
}

static inline enum graph_kind heap_kind(const struct heap *heap, uint32_t node) {
    return (enum graph_kind)heap->graph->types[heap_object(heap, node)->type].kind;
}

static inline bool heap_is_garbage(const struct heap *heap, uint32_t node) {
    return !(heap->flags[node] & (NODE_REACHED | NODE_LEFT_OUT));
}

static inline bool heap_is_freed(const struct heap *heap, uint32_t node) {
    return (heap->flags[node] & (NODE_REACHED | NODE_KEPT)) == NODE_REACHED;
}

/* a contains b in the dominator tree. */
static inline bool heap_dominates(const struct heap *heap, uint32_t a, uint32_t b) {
    return heap->below[a] > 0 && heap->below[b] > 0 &&
           heap->place[b] - heap->place[a] < heap->below[a];
}

/* Nodes and edges (heap.c), before accounting. False when memory ran out, here and below. */
bool heap_build(struct heap *heap);
void heap_release(struct heap *heap);
bool heap_add_edge(struct heap *heap, struct heap_edge edge);
bool heap_index_referrers(struct heap *heap);
bool heap_text_is(const struct heap *heap, uint32_t text, const char *what);

/* Liveness and stack depth of each frame (frames.c). */
bool frames_examine(struct heap *heap);

/* By frame: what the functions that its code mentions may do (readers.c). */
enum mention {
    MENTIONS_READER = 1,    /* read other frames' locals */
    MENTIONS_ADDRESS = 2,   /* tell the address of what a local holds */
    MENTIONS_TRACEBACK = 4, /* get at the frames that an exception came through */
    READ_BY_OTHERS = 8,     /* its locals may be read without any mention */
};
bool readers_find(const struct heap *heap, uint8_t *mentions);

/* References found against reference counts; gives top its edges (accounting.c). */
bool accounting_settle(struct heap *heap);

/* What top reaches, with and without the edges that are dead (reach.c). */
bool reach_mark(struct heap *heap);
bool reach_more(struct heap *heap, uint32_t node);

/* Garbage: an edge from top to one object of each cycle that nothing else refers to; its label is
 * enum cycle_flags (cycles.c). */
bool cycles_find(struct heap *heap);
enum cycle_flags { CYCLE_FINALIZER = 1, CYCLE_OLD = 2 };
/* What is in the shortest cycle of `node`, each referring to the next and the last one to the
 * first: "function fill", "closure cell"; "..." stands for more. Returns how many, 0 when there is
 * none. */
#define CYCLE_NAMES 10u
uint32_t cycles_name(const struct heap *heap, uint32_t node, const char *names[CYCLE_NAMES]);

/* Fills heap->by (search.c). */
bool search_paths(struct heap *heap);

/* Fills dominator, order, retained (dominators.c). */
bool dominators_find(struct heap *heap);

#endif
