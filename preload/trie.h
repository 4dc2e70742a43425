/* The inside of a trie: finding and defining nodes and code numbers. For stack.c. */
#ifndef HOLDFAST_PRELOAD_TRIE_H
#define HOLDFAST_PRELOAD_TRIE_H

#include "../wire/event.h"
#include "stack.h"

/* The number of (parent, code, position), defined in the ring if it is new. 0: no memory, or no
 * ring. */
uint32_t trie_node(struct trie *trie, struct writer *writer, enum node_kind kind, uint32_t parent,
                   uint32_t code, int32_t position);

/* The number of a code object, defined in the ring if it is new. 0: as above, or it is not a code
 * object, in which case the interpreter is distrusted. */
uint32_t trie_code(struct trie *trie, struct writer *writer, const void *code);

void trie_forget_code(struct trie *trie, const void *code);
void trie_forget_codes(struct trie *trie);

#endif
