/* The inside of a trie: finding and defining nodes and code numbers. For stack.c. */
#ifndef HOLDFAST_PRELOAD_TRIE_H
#define HOLDFAST_PRELOAD_TRIE_H

#include "../wire/event.h"
#include "frames.h"
#include "stack.h"

/* The number of (parent, code, position), defined in the ring if it is new. 0: no memory, or no
 * ring. */
uint32_t trie_node(struct trie *trie, struct writer *writer, enum node_kind kind, uint32_t parent,
                   uint32_t code, int32_t position);

/* The number of a code object, defined in the ring if it is new. 0: as above, or it is not a code
 * object, in which case the interpreter is distrusted. */
uint32_t trie_code(struct trie *trie, struct writer *writer, const void *code);

/* The same of a module, which is told as code. */
struct module;
uint32_t trie_module(struct trie *trie, struct writer *writer, const struct module *module);

/* What trie_node() found for a frame, by the code object's and the instruction's addresses: no need
 * to look for the code's number, nor to work out the position. It holds while its stamp is the
 * trie's: all are forgotten when a code object has been freed. There are the more places the more
 * nodes, up to so many, because a program that goes through a tree by dozens of functions comes by
 * tens of thousands of stacks in turn. */
struct trie_shortcut {
    const char *code;
    uintptr_t position;
    uint32_t parent, node; /* 0: none */
    uint64_t stamp;
};

#define TRIE_SHORTCUTS_MOST (1u << 16)

/* The one place where the shortcut for a frame may be. The trie has a node. */
static inline struct trie_shortcut *trie_shortcut(const struct trie *trie, uint32_t parent,
                                                  uintptr_t position) {
    uint64_t key = position + ((uint64_t)parent << 20);
    return &trie->shortcuts[key * 0x9e3779b97f4a7c15ull >> trie->shortcut_shift];
}

void trie_forget_code(struct trie *trie, const void *code);
void trie_forget_codes(struct trie *trie);

#endif
