/* Dominators of every node that top reaches (garbage by the edges that top has to it): Lengauer and
 * Tarjan's algorithm with path compression, without recursion; then the tree in preorder, and what
 * each node retains.
 *
 * All arrays below are by the number that a node gets in depth-first order, from 1.
 */
#include "heap.h"

#include <stdlib.h>

struct tree {
    const struct heap *heap;
    uint32_t count;
    uint32_t *number; /* by node: its number, 0 when it is not reached */
    uint32_t *node, *parent, *semi, *label, *ancestor, *dominator, *bucket, *next, *path;
};

static uint32_t *numbers(uint32_t count) {
    return calloc(count + 1ul, sizeof(uint32_t));
}

static bool tree_open(struct tree *tree, const struct heap *heap) {
    uint32_t count = heap->node_count;
    *tree = (struct tree){
        .heap = heap,
        .number = numbers(count),
        .node = numbers(count),
        .parent = numbers(count),
        .semi = numbers(count),
        .label = numbers(count),
        .ancestor = numbers(count),
        .dominator = numbers(count),
        .bucket = numbers(count),
        .next = numbers(count),
        .path = numbers(count),
    };
    return tree->number && tree->node && tree->parent && tree->semi && tree->label &&
           tree->ancestor && tree->dominator && tree->bucket && tree->next && tree->path;
}

static void tree_close(struct tree *tree) {
    free(tree->number);
    free(tree->node);
    free(tree->parent);
    free(tree->semi);
    free(tree->label);
    free(tree->ancestor);
    free(tree->dominator);
    free(tree->bucket);
    free(tree->next);
    free(tree->path);
}

static void discover(struct tree *tree, uint32_t node, uint32_t parent) {
    uint32_t number = ++tree->count;
    tree->number[node] = number;
    tree->node[number] = node;
    tree->parent[number] = parent;
    tree->semi[number] = tree->label[number] = number;
    tree->next[number] = tree->heap->first_edge[node]; /* until numbered: the edge to follow */
}

static void number_nodes(struct tree *tree) {
    const struct heap *heap = tree->heap;
    discover(tree, heap->top, 0);
    for (uint32_t at = 1; at != 0;) {
        if (tree->next[at] == heap->first_edge[tree->node[at] + 1]) {
            tree->next[at] = 0;
            at = tree->parent[at];
            continue;
        }
        uint32_t target = heap->edges[tree->next[at]++].target;
        if (tree->number[target] != 0 || heap->flags[target] & NODE_LEFT_OUT)
            continue;
        discover(tree, target, at);
        at = tree->count;
    }
}

/* The number with the lowest semidominator on the way up the forest, whose ways become short. */
static uint32_t evaluate(struct tree *tree, uint32_t at) {
    uint32_t depth = 0;
    if (tree->ancestor[at] == 0)
        return at;
    for (uint32_t up = at; tree->ancestor[tree->ancestor[up]] != 0; up = tree->ancestor[up])
        tree->path[depth++] = up;
    while (depth > 0) {
        uint32_t low = tree->path[--depth], high = tree->ancestor[low];
        if (tree->semi[tree->label[high]] < tree->semi[tree->label[low]])
            tree->label[low] = tree->label[high];
        tree->ancestor[low] = tree->ancestor[high];
    }
    return tree->label[at];
}

static void find_semidominator(struct tree *tree, uint32_t at) {
    const struct heap *heap = tree->heap;
    uint32_t node = tree->node[at];
    for (uint32_t i = heap->first_in[node]; i < heap->first_in[node + 1]; i++) {
        uint32_t from = tree->number[heap->source[heap->in[i]]];
        if (from == 0)
            continue;
        uint32_t best = evaluate(tree, from);
        if (tree->semi[best] < tree->semi[at])
            tree->semi[at] = tree->semi[best];
    }
}

static void empty_bucket(struct tree *tree, uint32_t of) {
    for (uint32_t at = tree->bucket[of]; at != 0;) {
        uint32_t next = tree->next[at], best = evaluate(tree, at);
        tree->dominator[at] = tree->semi[best] < tree->semi[at] ? best : of;
        at = next;
    }
    tree->bucket[of] = 0;
}

static void find_dominators(struct tree *tree) {
    for (uint32_t at = tree->count; at > 1; at--) {
        find_semidominator(tree, at);
        tree->next[at] = tree->bucket[tree->semi[at]];
        tree->bucket[tree->semi[at]] = at;
        tree->ancestor[at] = tree->parent[at];
        empty_bucket(tree, tree->parent[at]);
    }
    for (uint32_t at = 2; at <= tree->count; at++)
        if (tree->dominator[at] != tree->semi[at])
            tree->dominator[at] = tree->dominator[tree->dominator[at]];
}

/* A dominator has a lower number than what it dominates. */
static void fill_heap(const struct tree *tree, struct heap *heap) {
    uint32_t *room = tree->path; /* where in the order the next subtree below a number begins */
    heap->order_count = tree->count;
    for (uint32_t at = tree->count; at > 0; at--) {
        uint32_t node = tree->node[at], above = tree->node[tree->dominator[at]];
        heap->below[node]++;
        heap->retained[node] += heap->own[node];
        if (at == 1)
            break;
        heap->dominator[node] = above;
        heap->below[above] += heap->below[node];
        heap->retained[above] += heap->retained[node];
    }
    for (uint32_t at = 1; at <= tree->count; at++) {
        uint32_t node = tree->node[at], above = tree->dominator[at];
        uint32_t place = at == 1 ? 0 : room[above];
        heap->place[node] = place;
        heap->order[place] = node;
        room[at] = place + 1;
        if (at > 1)
            room[above] += heap->below[node];
    }
}

bool dominators_find(struct heap *heap) {
    struct tree tree;
    uint32_t count = heap->node_count;
    heap->dominator = numbers(count);
    heap->order = numbers(count);
    heap->place = numbers(count);
    heap->below = numbers(count);
    heap->retained = calloc(count + 1ul, sizeof *heap->retained);
    bool good = heap->dominator && heap->order && heap->place && heap->below && heap->retained;
    good = tree_open(&tree, heap) && good;
    if (good) {
        number_nodes(&tree);
        find_dominators(&tree);
        fill_heap(&tree, heap);
    }
    tree_close(&tree);
    return good;
}
