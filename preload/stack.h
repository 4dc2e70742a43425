/* Stacks of Python frames, as numbers: a trie per ring, and each thread's last stack as a shortcut.
 *
 * stack_node() reads the calling thread's own frame chain, compares it with the last one, and looks
 * up or defines what is new. It makes no system call but to grow its tables.
 */
#ifndef HOLDFAST_PRELOAD_STACK_H
#define HOLDFAST_PRELOAD_STACK_H

#include <stdbool.h>
#include <stddef.h>
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
    uint64_t code_epoch;               /* freed code objects up to this one have been forgotten */
    struct trie_shortcut *shortcuts;   /* made with the first node */
    const char **shortcut_codes;       /* behind them: of each, its code object */
    uint32_t shortcut_count;           /* a power of two */
    uint32_t shortcut_room;            /* they are mapped for */
    uint64_t shortcut_mask;            /* of places, two by two: trie.h */
    uint64_t shortcut_stamp;           /* of those that hold; in the upper 16 bits */
};

/* How a stack is known again, most often the last one: by the innermost frame, and words as they
 * were read from it and then from its caller: the caller's position, and the mark that tells that
 * it still waits for this frame (follow.h). Where no frame has called it, that none has, or its
 * code, and how many code objects had been freed. No frame is at `address` where this is not known.
 * Often two instructions allocate in turn: the `other` is that before the last one. The node of the
 * caller's stack, or the thread's, leads to those of all others. An event of the thread's in
 * another frame looks whether code objects have been freed, and forgets this if so: until then,
 * each address is that of the same code. */
struct stack_top {
    const char *address;
    uint64_t position;
    const char *previous;
    const uint64_t *outer_place, *mark_place;
    uint64_t outer, mark;
    uint32_t node, caller_node;
    uint64_t other_position;
    uint32_t other_node; /* 0: none */
    uint32_t depth;      /* of the frame in the cache */
};

/* The same for a stack whose innermost frame's caller has no mark, as it was C code that it called,
 * or makes one call after the other, but may have a caller that has one. Each word is read in a
 * frame that the words before it have found in the chain. Code objects that were freed since may be
 * others now. */
struct stack_far {
    const char *address;
    uint64_t position;
    const char *previous;
    const char *const *link; /* leads to the caller: from `address`, or from the shim before it */
    const char *caller, *outer;
    uint64_t caller_position, outer_position;
    const uint64_t *mark_place; /* in `outer` */
    uint64_t mark;
    uint64_t epoch; /* how many code objects had been freed, + 1; 0: no stack */
    uint32_t node, caller_node, outer_node;
    uint32_t depth; /* of the caller in the cache */
};

extern const char stack_no_frame;
#define NO_FRAME (&stack_no_frame)

/* How many code objects have been freed. */
extern _Atomic uint64_t stack_codes_freed;

/* Reads all stacks in place of what is here: `node` as stack_node(), with the state of the calling
 * thread, or NULL. A cache's frames are then its own business, and `entries` stays empty, so that
 * no stack is the last one again. */
struct native_stack;
struct stack_cache;
struct stack_reader {
    uint32_t (*node)(struct stack_cache *cache, struct writer *writer, const char *state);
    void (*forget)(struct native_stack *stack); /* it becomes another thread's */
    void (*release)(struct native_stack *stack);
};

extern const struct stack_reader *stack_reader; /* NULL: nobody */

/* The frames of the last stack that was followed, outermost first, each with the node of the stack
 * that ends there; and by what that or an earlier one is known again without. Zeroed: empty, but
 * for `top` and `far`. */
struct stack_cache {
    struct stack_top top;
    struct stack_far far;
    struct stack_entry *entries, *end;
    struct stack_entry *near; /* `end` when there are two entries */
    size_t near_size;         /* how much further on, in bytes, it is before it is far: stack.c */
    uint32_t capacity;
    uint32_t thread_node;        /* node of the thread itself in this trie */
    uint64_t epoch;              /* how many code objects had been freed when it was filled */
    uint32_t marks;              /* the number of the next mark */
    uint8_t marks_rest;          /* how often no frames are marked, where that was of no use, ... */
    uint8_t top_rest;            /* ... and is not asked how the stack is known again */
    struct native_stack *native; /* of stack_reader */
};

/* The node of the calling thread's current stack in `writer`'s ring; at least its thread node.
 * Defines in the ring what is new. 0 when memory for the tables ran out. */
uint32_t stack_node(struct thread *thread, struct writer *writer);

/* A code object is about to be freed: its address may be reused, so no stored address may match it
 * from now on. */
void stack_code_freed(const void *code);

/* Has a trie forget the code objects that were freed since it was last asked to. How many have been
 * freed. */
uint64_t stack_forget_freed(struct trie *trie);

/* Gives the frame at `outer` a mark, if it has called the one at `inner` directly. Where the mark
 * is; NULL: none was set. */
const uint64_t *stack_mark(struct stack_cache *cache, const char *inner, const char *outer);

/* No stack is the last one. */
void stack_cache_forget(struct stack_cache *cache);

/* It is another thread's from now on. */
void stack_cache_pass_on(struct stack_cache *cache);
void stack_cache_release(struct stack_cache *cache);
void trie_release(struct trie *trie);

#endif
