/* Every stack of a session, once: code objects known by their content, and one trie of frames that
 * all rings of all processes share.
 *
 * A node's parent always has a smaller number. A process's main thread has the same thread node in
 * every process, so that forked workers share their stacks.
 *
 * A ring tells of each of its stacks once. So what it says of a node that no other ring knows needs
 * no look whether there is such a node: there cannot be, unless the ring has two numbers for one
 * node or code. Most nodes are such; they are put into the index only once one is looked for that
 * is not.
 */
#ifndef HOLDFAST_COLLECTOR_STACKS_H
#define HOLDFAST_COLLECTOR_STACKS_H

#include "index.h"

struct stack_code {
    char *text; /* name, file and line table, one after the other */
    uint32_t name_size, file_size, table_size;
    uint32_t first_line;
    uint32_t format; /* enum line_table */
    uint64_t hash;
    bool met_again; /* several rings know it, or one by several numbers */
};

#define STACK_THREAD UINT32_MAX /* as a node's code: a thread */

struct stack_node {
    uint32_t parent;
    uint32_t code;    /* or STACK_THREAD */
    int64_t position; /* a thread: its process's number << 32 | its id; 0 for main threads */
};

/* Zeroed: empty, after stacks_init. Node 0 is the empty stack, code 0 is unknown code. */
struct stacks {
    struct stack_code *codes;
    struct stack_node *nodes;
    uint32_t code_count, code_capacity, node_count, node_capacity;
    struct index code_index;
    struct index node_index; /* of the first `indexed` */
    uint32_t indexed;
    uint64_t *met_again; /* a bit for each node: as of codes */
    uint32_t met_capacity;
    uint64_t text_size; /* bytes of all codes' texts */
    bool full;          /* a bound was met: what came later is cut to its caller */
};

bool stacks_init(struct stacks *stacks);

/* There will be no new nodes and codes: gives up what finding them takes. */
void stacks_close(struct stacks *stacks);
void stacks_release(struct stacks *stacks);

/* The number of the code with this content. Unknown code when there is no room for more. */
uint32_t stacks_code(struct stacks *stacks, const struct stack_code *code);

/* The number of a node; its parent when there is no room for more. To be called once for each node
 * of a ring. */
uint32_t stacks_node(struct stacks *stacks, struct stack_node node);

/* Several rings know the node, or one by several numbers. */
static inline bool stacks_met_again(const struct stacks *stacks, uint32_t node) {
    return stacks->met_again[node / 64] >> node % 64 & 1;
}

#endif
