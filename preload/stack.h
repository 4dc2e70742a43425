/* Stacks of Python frames, as numbers: a trie per ring, and each thread's last stack as a shortcut.
 *
 * stack_node() reads the calling thread's own frame chain, compares it with the last one, and looks
 * up or defines what is new. It makes no system call but to grow its tables.
 */
#ifndef HOLDFAST_PRELOAD_STACK_H
#define HOLDFAST_PRELOAD_STACK_H

#include <stdbool.h>
#include <stdint.h>

struct thread;
struct writer;

/* (parent, code, position) -> node, and code object -> code number. Zeroed: empty. Private to
 * stack.c. */
struct trie {
    struct trie_node *nodes; /* open addressing, capacity a power of two */
    uint32_t node_capacity, node_count;
    struct trie_code *codes;
    uint32_t code_capacity, code_used; /* used: tombstones included */
    uint32_t code_count;               /* numbers handed out */
    uint32_t code_epoch;               /* freed code objects up to this one have been forgotten */
    struct trie_shortcut *shortcuts;   /* TRIE_SHORTCUTS; made with the first node */
};

/* The frames of the last stack, outermost first, each with the node of the stack that ends there.
 * Zeroed: empty. */
struct stack_cache {
    struct stack_entry *entries;
    uint32_t count, capacity;
    uint32_t thread_node; /* node of the thread itself in this trie */
    uint32_t epoch;       /* how many code objects had been freed when it was filled */
};

/* The node of the calling thread's current stack in `writer`'s ring; at least its thread node.
 * Defines in the ring what is new. 0 when memory for the tables ran out. */
uint32_t stack_node(struct thread *thread, struct writer *writer);

/* The same for a thread that holds the GIL, whose state thread->state is, and the GIL's writer. */
uint32_t stack_node_held(struct thread *thread, struct writer *writer);

/* A code object is about to be freed: its address may be reused, so no stored address may match it
 * from now on. */
void stack_code_freed(const void *code);

void stack_cache_release(struct stack_cache *cache);
void trie_release(struct trie *trie);

#endif
