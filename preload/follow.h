/* Following the frames from one allocation to the next: which of the last stack's entries still
 * stand, which have changed, and the nodes of those. The common way, for hot.h; stack.c has the
 * rest.
 */
#ifndef HOLDFAST_PRELOAD_FOLLOW_H
#define HOLDFAST_PRELOAD_FOLLOW_H

#include "frames.h"
#include "trie.h"
#include "writer.h"

struct stack_entry {
    struct frame frame;
    uint32_t code;   /* its number in the trie; 0: not known yet */
    uint32_t node;   /* of the stack that ends here */
    uint64_t *place; /* where its mark is; NULL: none */
    uint64_t mark;
};

/* -- Marks --
 *
 * Deep stacks would be compared frame by frame at each allocation. So, from 3.11 on, some frames
 * that wait for a Python function which they called get a mark: a number that is used once, in the
 * free place of their value stack, which is the lowest of those that the call took from it. While
 * it is there, the frame has not gone on, and so have none of those further out, nor has what it
 * called been left. For whatever ends the call writes that place, or has it written before the
 * frame can make a call from the same instruction again: a result is put there, and what is called
 * is put there, or below and then there, before it can be called. Until then the interpreter takes
 * the place for empty, and does not read it. (Not so where the frame waits for C code or for a
 * generator: such a frame has no mark. Nor has one that has not begun: from 3.13 on, there is one
 * between a call of a class and __init__ that is made with what it waits for already on its stack,
 * and whose place stays as it is when an exception ends the call.) */

/* When more than so many waiting frames had to be compared, one in so many is marked. To mark some
 * costs about as much as to compare twenty, and where the stack changes all the time they do not
 * last. */
#define MARKS_FROM 6u
#define MARK_EVERY 3u

static hot_inline bool can_mark(const struct python_offsets *at) {
    return at->minor >= 11 && !at->free_threaded;
}

static hot_inline bool stands_still(const struct python_offsets *at,
                                    const struct stack_entry *entry) {
    return can_mark(at) && entry->place && *entry->place == entry->mark;
}

/* -- Comparing -- */

/* How the frames of this moment differ from the last stack's. */
struct changes {
    struct stack_entry *shared;  /* the innermost entry whose frame is still there */
    struct stack_entry *from;    /* the outermost that is not as it was; shared + 1: none */
    struct stack_entry *unknown; /* from here to `shared` no mark stood */
    bool stays; /* the innermost frame, and the caller's place, are those of the last one */
};

/* From 3.11 on an instruction's address tells its code object too. */
static hot_inline bool is_as_it_was(const struct python_offsets *at,
                                    const struct stack_entry *entry, const char *address) {
    if (at->minor <= 10)
        return entry->frame.code == python_pointer(address, at->frame_code) &&
               (int)entry->frame.position ==
                   *(const int *)(const void *)(address + at->frame_position);
    return (const char *)entry->frame.position == python_pointer(address, at->frame_position);
}

/* The address at which the next frame is expected, but not out of the chain: going on from it lets
 * the processor look at several frames at once, instead of waiting for one pointer after the other.
 * The compiler must not know that they are the same. */
static hot_inline const char *expected(const struct stack_entry *entry) {
    const char *address = entry->frame.address;
    __asm__("" : "+r"(address));
    return address;
}

/* The frame at `address` is not as it was. */
static hot_inline void entry_renew(const struct python_offsets *at, struct stack_entry *entry,
                                   const char *address) {
    struct frame frame = frames_at(at, address);
    entry->frame.position = frame.position;
    if (unlikely(entry->frame.code != frame.code)) {
        entry->frame.code = frame.code;
        entry->code = 0;
    }
    entry->place = NULL;
    entry->mark = 0;
}

/* Compares frames with the entries from `shared` on outwards; all up to a mark, or to `last`, where
 * there are many more: then none from `safe` on may have changed. Entries follow what has changed.
 * False when these are other frames: the entries from `from` on are of no use any more. */
static hot_inline bool compare(const struct python_offsets *at, struct changes *changes,
                               const struct stack_entry *last, const struct stack_entry *safe) {
    struct stack_entry *entry = changes->shared;
    changes->from = entry + 1;
    for (;; entry--) {
        const char *address = expected(entry);
        changes->unknown = entry + 1;
        if (!is_as_it_was(at, entry, address)) {
            if (entry <= safe)
                break;
            changes->from = entry;
            entry_renew(at, entry, address);
        } else if (stands_still(at, entry)) {
            return true;
        }
        const char *next = python_pointer(address, at->frame_previous);
        if (entry == last) {
            changes->unknown = entry;
            if (safe || !frames_skip(at, next))
                return true;
            break;
        }
        if (next != entry[-1].frame.address && frames_skip(at, next) != entry[-1].frame.address)
            break;
    }
    changes->from = entry;
    return false;
}

/* -- The near ways --
 *
 * Of allocations that are not from the last one's stack, most are from another instruction of a
 * frame that has had one before, or of a function that the same frame calls again. By what `top`
 * and `far` know, such a stack is found by one or two steps from one that still stands. */

/* From 3.11 on, the position tells the code object, and there are marks. */
static hot_inline bool can_be_near(const struct python_offsets *at) {
    return can_mark(at) && !at->code_copies;
}

/* The last instruction becomes the other one. */
static hot_inline void top_move(struct stack_top *top, uint64_t position, uint32_t node) {
    top->other_position = top->position;
    top->other_node = top->node;
    top->position = position;
    top->node = node;
}

/* The innermost frame, at `address`, is that of `top`, and no code object has been freed since. 0:
 * it is another call, or not known. */
static hot_inline uint32_t find_by_top(const struct python_offsets *at, struct stack_top *top,
                                       const struct trie *trie, const char *address) {
    if (!stack_stands(at, top, address)) {
        top->address = NO_FRAME;
        return 0;
    }
    uint64_t position = frames_word(address, at->frame_position);
    uint32_t node = trie_recall(trie, top->caller_node, position, NULL);
    if (likely(node))
        top_move(top, position, node);
    return node;
}

/* The innermost frame is that of `far`. */
static hot_inline uint32_t find_by_far(const struct python_offsets *at, struct stack_far *far,
                                       const struct trie *trie) {
    if (!stack_stands_far(at, far))
        return 0;
    uint64_t position = frames_word(far->address, at->frame_position),
             caller_position = frames_word(far->caller, at->frame_position);
    uint32_t caller_node = far->caller_node;
    if (caller_position != far->caller_position) {
        caller_node = trie_recall(trie, far->outer_node, caller_position, NULL);
        if (unlikely(!caller_node))
            return 0;
    } else if (likely(position == far->position)) {
        return far->node;
    }
    uint32_t node = trie_recall(trie, caller_node, position, NULL);
    if (likely(node)) {
        far->caller_position = caller_position;
        far->caller_node = caller_node;
        far->position = position;
        far->node = node;
    }
    return node;
}

/* The node of the stack that ends with the frame at `address`, which is not where stack_again()
 * knows it; or 0. */
static hot_inline uint32_t find_near(const struct python_offsets *at, struct stack_cache *cache,
                                     const struct trie *trie, const char *address) {
    uint32_t node = 0;
    if (!can_be_near(at))
        return 0;
    if (address == cache->top.address &&
        cache->epoch == atomic_load_explicit(&stack_codes_freed, memory_order_acquire))
        node = find_by_top(at, &cache->top, trie, address);
    if (!node && address == cache->far.address)
        node = find_by_far(at, &cache->far, trie);
    return node;
}

/* The same, wherever that frame is. */
static hot_inline uint32_t find_known(const struct python_offsets *at, struct stack_cache *cache,
                                      const struct trie *trie, const char *address) {
    uint32_t node = stack_again(at, &cache->top, address);
    return node ? node : find_near(at, cache, trie, address);
}

/* -- The common way -- */

/* The node of an entry whose caller's is `parent`, if it was found lately; else 0. From 3.11 on an
 * instruction's address tells its code object too, unless threads have copies of the instructions,
 * which are given up by themselves. */
static hot_inline uint32_t find_node(const struct python_offsets *at,
                                     const struct stack_entry *entry, const struct writer *writer,
                                     uint32_t parent) {
    bool told = at->minor >= 11 && !at->code_copies;
    return trie_recall(&writer->trie, parent, entry->frame.position,
                       told ? NULL : entry->frame.code);
}

/* Too many frames had to be compared. Where it turned out lately that they cannot be marked, they
 * have some time of rest. */
static hot_inline bool needs_marks(const struct python_offsets *at, struct stack_cache *cache,
                                   const struct changes *changes) {
    if (!can_mark(at) || likely(cache->end - changes->unknown <= (ptrdiff_t)MARKS_FROM))
        return false;
    if (cache->marks_rest == 0)
        return true;
    cache->marks_rest--;
    return false;
}

/* The same for the last stack, whatever is known of the caller. */
void stack_keep_top(struct stack_cache *cache);

/* Keeps by what stack_again() knows this stack again, where that is of use: in a frame that has
 * had an allocation before, be it at another instruction. */
static hot_inline void keep_top(const struct python_offsets *at, struct stack_cache *cache,
                                const struct changes *changes, uint32_t node) {
    const struct stack_entry *last = cache->end - 1;
    const char *address = last->frame.address;
    if (!changes->stays)
        return;
    if (changes->unknown == last && cache->top.address == address)
        top_move(&cache->top, frames_word(address, at->frame_position), node);
    else
        stack_keep_top(cache);
}

/* The nodes of the entries from `changes->from` on; that of the last. 0 where one is not found,
 * which `from` then is, or when marks are wanted. */
static hot_inline uint32_t find_nodes(const struct python_offsets *at, struct stack_cache *cache,
                                      const struct writer *writer, struct changes *changes) {
    struct stack_entry *end = cache->end;
    changes->stays = changes->stays && changes->from >= end - 1;
    uint32_t node = changes->from == cache->entries ? cache->thread_node : changes->from[-1].node;
    for (; changes->from < end; changes->from++) {
        changes->from->node = node = find_node(at, changes->from, writer, node);
        if (unlikely(!node))
            return 0;
    }
    if (unlikely(needs_marks(at, cache, changes)))
        return 0;
    keep_top(at, cache, changes, node);
    return node;
}

/* The node of this moment's stack, if it is neither very deep nor of one frame, and ends with the
 * frame that the last one ended with, or with its caller, or with one that either has called. Most
 * do. Else 0, and follow_rest() takes it from there. */
static hot_inline uint32_t follow(const struct python_offsets *at, struct stack_cache *cache,
                                  const struct writer *writer, const char *state,
                                  struct changes *changes) {
    uint64_t epoch = atomic_load_explicit(&stack_codes_freed, memory_order_acquire);
    size_t size = (uintptr_t)cache->end - (uintptr_t)cache->near;
    const char *innermost = frames_skip(at, frames_current(at, state)), *address = innermost;
    *changes = (struct changes){0};
    if (unlikely(cache->epoch != epoch || size >= cache->near_size))
        return 0;
    changes->shared = cache->end - 1;
    bool entered =
        address != changes->shared[0].frame.address && address != changes->shared[-1].frame.address;
    if (entered && address)
        address = frames_outer(at, address);
    if (address != changes->shared->frame.address)
        changes->shared--;
    else
        changes->stays = !entered;
    if (unlikely(!address || address != changes->shared->frame.address))
        return 0;
    if (unlikely(!compare(at, changes, cache->entries, NULL))) {
        cache->end = changes->from;
        changes->from = NULL;
        return 0;
    }
    cache->end = changes->shared + 1;
    if (entered)
        *cache->end++ = (struct stack_entry){.frame = frames_at(at, innermost)};
    return find_nodes(at, cache, writer, changes);
}

/* The same for what follow() leaves; 0 only as stack_node(). */
uint32_t follow_rest(struct stack_cache *cache, struct writer *writer, const char *state,
                     struct stack_entry *from, struct stack_entry *unknown);

#endif
