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

/* What trie_node() found for a frame, by the instruction's address: no need to look for the code's
 * number, nor to work out the position. It holds while the trie's stamp is in the key: all are
 * forgotten when a code object has been freed. There are the more places the more nodes, up to so
 * many, because a program that goes through a tree by dozens of functions comes by tens of
 * thousands of stacks in turn. */
struct trie_shortcut {
    uint64_t key;          /* the position, and a stamp in the bits that no address has */
    uint32_t parent, node; /* 0: none */
};

#define TRIE_SHORTCUTS_MOST (1u << 16)
#define TRIE_STAMP_ONE (1ull << 48)

/* Where a shortcut is, in bytes, or else in the place behind it, on the same cache line, where that
 * goes when another comes. Most of the time goes by waiting for memory, and nodes that were made
 * one after the other are needed one after the other again: what leads on from them lies within
 * 64 KiB. */
static inline uint64_t trie_place(const struct trie *trie, uint32_t parent, uintptr_t position) {
    uint64_t within = position * 0x9e3779b97f4a7c15ull >> 48;
    return (within + ((uint64_t)parent << 5)) & trie->shortcut_mask;
}

static inline uint64_t trie_behind(uint64_t place) {
    return place + sizeof(struct trie_shortcut);
}

static inline struct trie_shortcut *trie_shortcut(const struct trie *trie, uint64_t place) {
    return (struct trie_shortcut *)(void *)((char *)trie->shortcuts + place);
}

/* Of each shortcut: its code object. Touched only where a position does not tell that. */
static inline const char **trie_shortcut_code(const struct trie *trie, uint64_t place) {
    return trie->shortcut_codes + place / sizeof(struct trie_shortcut);
}

static hot_inline bool trie_leads(const struct trie *trie, uint64_t place, uint32_t parent,
                                  uintptr_t position, const char *code) {
    const struct trie_shortcut *shortcut = trie_shortcut(trie, place);
    return shortcut->key == (position ^ trie->shortcut_stamp) && shortcut->parent == parent &&
           (!code || *trie_shortcut_code(trie, place) == code);
}

/* The node if it is known. `code`: NULL where the position tells it. The trie has a node. */
static hot_inline uint32_t trie_recall(const struct trie *trie, uint32_t parent, uintptr_t position,
                                       const char *code) {
    uint64_t place = trie_place(trie, parent, position);
    if (unlikely(!trie_leads(trie, place, parent, position, code))) {
        place = trie_behind(place);
        if (!trie_leads(trie, place, parent, position, code))
            return 0;
    }
    return trie_shortcut(trie, place)->node;
}

static inline void trie_remember(struct trie *trie, uint32_t parent, uintptr_t position,
                                 const char *code, uint32_t node) {
    uint64_t place = trie_place(trie, parent, position), behind = trie_behind(place);
    *trie_shortcut(trie, behind) = *trie_shortcut(trie, place);
    *trie_shortcut(trie, place) =
        (struct trie_shortcut){position ^ trie->shortcut_stamp, parent, node};
    if (code) {
        *trie_shortcut_code(trie, behind) = *trie_shortcut_code(trie, place);
        *trie_shortcut_code(trie, place) = code;
    }
}

void trie_forget_code(struct trie *trie, const void *code);
void trie_forget_codes(struct trie *trie);

#endif
