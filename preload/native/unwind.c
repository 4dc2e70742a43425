/* See unwind.h. */
#include "unwind.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "../seccomp.h"
#include "../sys.h"
#include "cfi.h"
#include "modules.h"

#define DISTANCE_BITS 20u
#define DISTANCE_MAX ((1 << (DISTANCE_BITS - 1)) - 1)

/* -- Rules, by address --
 *
 * Any thread puts rules into the table, at any time, and others read them. A place holds two words,
 * and the first is the key combined with the second: of two that do not belong together, key and
 * rule do not fit. The key tells the generation, too, so that nothing has to be forgotten. */
struct rule_slot {
    _Atomic uint64_t check, rule;
};

#define SLOT_BITS 16u
#define ROWS_FIRST 256u

static struct rule_slot *slots;

static unwind_rule rule_word(enum unwind_kind kind, int64_t frame, int64_t pointer,
                             uint32_t module) {
    uint64_t mask = (1u << DISTANCE_BITS) - 1;
    return (uint64_t)kind | ((uint64_t)frame & mask) << 3 |
           ((uint64_t)pointer & mask) << (3 + DISTANCE_BITS) |
           (uint64_t)module << (3 + 2 * DISTANCE_BITS);
}

/* In bytes. */
static hot_inline int64_t distance(unwind_rule rule, unsigned number) {
    unsigned above = 64 - 3 - (number + 1) * DISTANCE_BITS;
    return (int64_t)(rule << above) >> (64 - DISTANCE_BITS) << 3;
}

static hot_inline int64_t frame_distance(unwind_rule rule) {
    return distance(rule, 0);
}

/* Of the place where the caller's frame pointer is; 0: it is the callee's. */
static hot_inline int64_t pointer_distance(unwind_rule rule) {
    return distance(rule, 1);
}

static bool fits(int64_t offset) {
    return offset % 8 == 0 && offset / 8 <= DISTANCE_MAX && offset / 8 >= -DISTANCE_MAX;
}

/* The expression is "the frame pointer and so much", and then `after`. */
static bool is_from_pointer(const struct cfi_place *place, unsigned after, int64_t *offset) {
    uint64_t size = after ? 3 : 2;
    if (place->size != size || place->expression[0] != 0x70 + CFI_FRAME_POINTER ||
        (place->expression[1] & 128) || (after && place->expression[2] != after))
        return false;
    *offset = (int8_t)(place->expression[1] << 1) >> 1;
    return true;
}

static unwind_rule aligned_rule(const struct cfi_row *row, uint32_t module) {
    int64_t frame, pointer;
    bool known = row->frame.how == CFI_IS_EXPRESSION &&
                 row->frame_pointer.how == CFI_AT_EXPRESSION &&
                 is_from_pointer(&row->frame, 0x06, &frame) &&
                 is_from_pointer(&row->frame_pointer, 0, &pointer) && pointer == 0 && fits(frame);
    return known ? rule_word(RULE_POINTER_READ, frame / 8, 0, module)
                 : rule_word(RULE_OTHER, 0, 0, module);
}

static unwind_rule rule_of_row(const struct cfi_row *row, uint32_t module) {
    const struct cfi_place *pointer = &row->frame_pointer, *back = &row->return_address;
    if (back->how == CFI_UNDEFINED)
        return rule_word(RULE_NONE, 0, 0, module);
    if (row->signal || back->how != CFI_AT_OFFSET || back->offset != -8)
        return rule_word(RULE_OTHER, 0, 0, module);
    bool by_stack = row->frame_register == CFI_STACK_POINTER;
    bool plain = row->frame.how == CFI_IS_OFFSET && fits(row->frame.offset) &&
                 (by_stack || row->frame_register == CFI_FRAME_POINTER);
    bool kept = pointer->how == CFI_SAME;
    bool saved = pointer->how == CFI_AT_OFFSET && pointer->offset != 0 && fits(pointer->offset);
    if (!plain || !(kept || saved))
        return aligned_rule(row, module);
    return rule_word(by_stack ? RULE_STACK : RULE_POINTER, row->frame.offset / 8,
                     saved ? pointer->offset / 8 : 0, module);
}

static __attribute__((noinline)) unwind_rule rule_make(uintptr_t address) {
    struct cfi_row row;
    uint32_t module = modules_find(address - 1);
    if (module == MODULES_MAX || !cfi_find(modules_at(module)->table, address, &row))
        return rule_word(RULE_NONE, 0, 0, module);
    return rule_of_row(&row, module);
}

static hot_inline uint64_t rule_key(uintptr_t address, uint32_t generation) {
    return address ^ (uint64_t)generation * 0x9e3779b97f4a7c15ull;
}

static hot_inline unwind_rule rule_find(uintptr_t address, uint32_t generation) {
    uint64_t key = rule_key(address, generation);
    struct rule_slot *slot = &slots[key * 0x9e3779b97f4a7c15ull >> (64 - SLOT_BITS)];
    unwind_rule rule = atomic_load_explicit(&slot->rule, memory_order_relaxed);
    if (likely((atomic_load_explicit(&slot->check, memory_order_relaxed) ^ rule) == key))
        return rule;
    rule = rule_make(address);
    atomic_store_explicit(&slot->check, key ^ rule, memory_order_relaxed);
    atomic_store_explicit(&slot->rule, rule, memory_order_relaxed);
    return rule;
}

bool unwind_prepare(void) {
    slots = pages_map(sizeof *slots << SLOT_BITS);
    return slots != NULL;
}

/* -- What may be read -- */

/* The part of memory that is known to be the stack which is being read. */
struct bounds {
    uintptr_t low, end;
    bool is_own; /* the thread's: else it is known page by page */
};

/* A thread's stack is no larger, and has no page inside of it that may not be read. What is further
 * away from its end, or behind such a page, is another one, that the program has made for a
 * coroutine or for signal handlers. */
#define STACK_SIZE_MAX (64ull << 20)
#define OTHER_SIZE_MAX (1ull << 20)
#define PAGE 4096ull

/* Asks for each page of the thread's own stack once, and no more below one that cannot be read. */
static __attribute__((noinline)) bool own_grow(struct unwind_stack *stack,
                                               uintptr_t stack_pointer) {
    if (!seccomp_lets(SECCOMP_STACK))
        return false;
    while (stack->own_low > stack_pointer && stack->own_low > stack->barrier) {
        uintptr_t page = stack->own_low - PAGE;
        if (page_readable(page))
            stack->own_low = page;
        else
            stack->barrier = stack->own_low;
    }
    return stack->own_low <= stack_pointer;
}

static bool is_own(struct unwind_stack *stack, uintptr_t stack_pointer, uintptr_t top) {
    if (stack->top != top) {
        stack->top = top;
        stack->own_low = (top + PAGE - 1) & ~(PAGE - 1);
        stack->barrier = 0;
    }
    return stack_pointer < top && top - stack_pointer < STACK_SIZE_MAX &&
           (likely(stack_pointer >= stack->own_low) || own_grow(stack, stack_pointer));
}

static struct bounds bounds_at(struct unwind_stack *stack, uintptr_t stack_pointer, uintptr_t top) {
    bool own = is_own(stack, stack_pointer, top);
    return (struct bounds){stack_pointer, own ? top : (stack_pointer + PAGE) & ~(PAGE - 1), own};
}

static __attribute__((noinline)) bool bounds_grow(struct bounds *bounds, uintptr_t address) {
    if (bounds->is_own || address - bounds->low > OTHER_SIZE_MAX || !seccomp_lets(SECCOMP_STACK))
        return false;
    while (address >= bounds->end) {
        if (!page_readable(bounds->end))
            return false;
        bounds->end += PAGE;
    }
    return true;
}

static hot_inline bool is_word(struct bounds *bounds, uintptr_t address) {
    return likely(address >= bounds->low && address % 8 == 0) &&
           (likely(address < bounds->end) || bounds_grow(bounds, address));
}

static hot_inline uintptr_t word(uintptr_t address) {
    return *(const uintptr_t *)address;
}

static bool read_word(void *bounds, uintptr_t address, uintptr_t *value) {
    if (!is_word(bounds, address))
        return false;
    *value = word(address);
    return true;
}

/* -- From a frame to its caller's -- */

struct walk {
    struct unwind_stack *stack;
    struct bounds bounds;
    uintptr_t top, standing;
    uint32_t generation;
};

/* Member by member, where it will stay: a struct that is put together elsewhere and then copied is
 * read before it is written, as the processor has it, which costs more than all the rest. */
static hot_inline void set_frame(struct unwind_frame *frame, uintptr_t address,
                                 uintptr_t stack_pointer, uintptr_t frame_pointer,
                                 const uintptr_t *pointer_place) {
    frame->address = address;
    frame->stack_pointer = stack_pointer;
    frame->frame_pointer = frame_pointer;
    frame->pointer_place = pointer_place;
    frame->is_told = false;
}

static __attribute__((noinline)) bool
step_otherwise(struct walk *walk, const struct unwind_frame *frame, struct unwind_frame *caller) {
    struct cfi_row row;
    struct cfi_registers registers = {frame->address, frame->stack_pointer, frame->frame_pointer};
    const struct module *module = modules_at(unwind_module(frame->rule));
    if (unwind_kind(frame->rule) != RULE_OTHER || !cfi_find(module->table, frame->address, &row) ||
        !cfi_apply(&row, &registers, read_word, &walk->bounds))
        return false;
    if (row.signal) {
        walk->bounds = bounds_at(walk->stack, registers.stack_pointer, walk->top);
        registers.address++;
    } else if (registers.stack_pointer <= frame->stack_pointer) {
        return false;
    }
    set_frame(caller, registers.address, registers.stack_pointer, registers.frame_pointer, NULL);
    caller->is_told = true;
    return true;
}

static bool step_aligned(struct walk *walk, const struct unwind_frame *frame,
                         struct unwind_frame *caller) {
    uintptr_t place = frame->frame_pointer + (uintptr_t)frame_distance(frame->rule);
    if (!is_word(&walk->bounds, place) || !is_word(&walk->bounds, frame->frame_pointer))
        return false;
    uintptr_t end = word(place);
    if (end <= frame->stack_pointer || !is_word(&walk->bounds, end - 8))
        return false;
    set_frame(caller, word(end - 8), end, word(frame->frame_pointer), NULL);
    caller->is_told = true;
    return caller->address != 0;
}

/* All of the caller's but its rule. */
static hot_inline bool step(struct walk *walk, const struct unwind_frame *frame,
                            struct unwind_frame *caller) {
    unwind_rule rule = frame->rule;
    enum unwind_kind kind = unwind_kind(rule);
    if (unlikely(kind == RULE_NONE))
        return false;
    if (unlikely(kind == RULE_POINTER_READ))
        return step_aligned(walk, frame, caller);
    if (unlikely(kind == RULE_OTHER))
        return step_otherwise(walk, frame, caller);
    uintptr_t from = kind == RULE_STACK ? frame->stack_pointer : frame->frame_pointer;
    uintptr_t end = from + (uintptr_t)frame_distance(rule);
    int64_t pointer = pointer_distance(rule);
    uintptr_t place = end + (uintptr_t)pointer;
    if (unlikely(end <= frame->stack_pointer || !is_word(&walk->bounds, end - 8) ||
                 (pointer && !is_word(&walk->bounds, place))))
        return false;
    set_frame(caller, word(end - 8), end, pointer ? word(place) : frame->frame_pointer,
              pointer ? (const uintptr_t *)place : NULL);
    return caller->address != 0;
}

/* -- The last stack -- */

/* A frame, whose callee is as it was, was read from words that are as they were. */
static hot_inline bool stands(const struct unwind_frame *frame) {
    return !frame->is_told && word(frame->stack_pointer - 8) == frame->address &&
           (!frame->pointer_place || *frame->pointer_place == frame->frame_pointer);
}

static hot_inline bool is_same(const struct unwind_frame *a, const struct unwind_frame *b) {
    return a->address == b->address && a->stack_pointer == b->stack_pointer &&
           a->frame_pointer == b->frame_pointer;
}

/* A pointer at `place`, to an array that is to be twice as large. */
static bool grow_one(void *place, size_t old, size_t size) {
    void *array;
    memcpy(&array, place, sizeof array);
    array = old ? pages_grow(array, old, size) : pages_map(size);
    if (array)
        memcpy(place, &array, sizeof array);
    return array != NULL;
}

bool unwind_grow(void *first, void *second, uint32_t *capacity, size_t row_size) {
    uint32_t rows = *capacity ? *capacity * 2 : ROWS_FIRST;
    size_t old = *capacity * row_size, size = rows * row_size;
    if (!grow_one(first, old, size) || !grow_one(second, old, size))
        return false;
    *capacity = rows;
    return true;
}

static bool grow(struct unwind_stack *stack) {
    return unwind_grow(&stack->frames, &stack->fresh, &stack->capacity, sizeof *stack->frames);
}

/* The stack is the `left` outermost frames that it had, and then the fresh ones, which are in the
 * order in which they were found. */
static void put_together(struct unwind_stack *stack, uint32_t left, uint32_t fresh) {
    stack->count = left;
    while (fresh-- > 0)
        stack->frames[stack->count++] = stack->fresh[fresh];
}

/* What is known of the last stack may be compared: it ends inside of what may be read. */
static void begin(struct unwind_stack *stack, struct walk *walk) {
    uint32_t generation = atomic_load_explicit(&modules_generation, memory_order_acquire);
    if (stack->generation != generation ||
        (stack->count > 0 && !is_word(&walk->bounds, stack->frames[0].stack_pointer - 8)))
        stack->count = 0;
    stack->generation = walk->generation = generation;
    stack->cut = false;
}

/* Copies to the fresh frames those of the last stack that follow outwards on one that is the same,
 * as far as they are as they were. How many of the last stack are left. */
static uint32_t copy_standing(struct unwind_stack *stack, uint32_t *fresh, uint32_t left) {
    while (left > 0 && *fresh + 2 < stack->capacity && stands(&stack->frames[left - 1]))
        stack->fresh[(*fresh)++] = stack->frames[--left];
    return left;
}

/* All further out than the last of `left` frames are as they were, if that is. */
static hot_inline bool all_stand(const struct unwind_stack *stack, uint32_t left) {
    for (uint32_t i = left - 1; i-- > 0;)
        if (!stands(&stack->frames[i]))
            return false;
    return true;
}

/* There is room for one more fresh frame, and for all in one array. */
static bool has_room(struct unwind_stack *stack, uint32_t left, uint32_t fresh) {
    while (left + fresh + 2 >= stack->capacity)
        if (stack->capacity >= UNWIND_MAX || !grow(stack))
            return false;
    return true;
}

/* From the fresh frame that there is on outwards. */
static void read_from(struct unwind_stack *stack, struct walk *walk) {
    uint32_t fresh = 0, left = stack->count;
    for (;;) {
        struct unwind_frame *frame = &stack->fresh[fresh];
        while (left > 0 && stack->frames[left - 1].stack_pointer < frame->stack_pointer)
            left--;
        bool same = left > 0 && is_same(&stack->frames[left - 1], frame);
        if (same && (frame->stack_pointer > walk->standing || likely(all_stand(stack, left))))
            break;
        if (unlikely(!has_room(stack, left, fresh))) {
            stack->cut = true;
            left = 0;
            break;
        }
        frame = &stack->fresh[fresh++];
        frame->rule = rule_find(frame->address, walk->generation);
        if (same)
            left = copy_standing(stack, &fresh, left - 1);
        if (!step(walk, &stack->fresh[fresh - 1], &stack->fresh[fresh])) {
            left = 0;
            break;
        }
    }
    put_together(stack, left, fresh);
}

bool unwind_read_from(struct unwind_stack *stack, const struct unwind_registers *registers,
                      uintptr_t top, uintptr_t standing) {
    struct walk walk = {.stack = stack,
                        .bounds = bounds_at(stack, registers->stack_pointer, top),
                        .top = top,
                        .standing = standing ? standing : UINTPTR_MAX};
    if (stack->capacity == 0 && !grow(stack))
        return false;
    begin(stack, &walk);
    set_frame(stack->fresh, registers->address, registers->stack_pointer, registers->frame_pointer,
              NULL);
    read_from(stack, &walk);
    return true;
}

__attribute__((noinline)) bool unwind_read(struct unwind_stack *stack, uintptr_t top,
                                           uintptr_t standing) {
    struct unwind_registers now;
    registers_now(&now.address, &now.stack_pointer, &now.frame_pointer);
    return unwind_read_from(stack, &now, top, standing);
}

void unwind_release(struct unwind_stack *stack) {
    size_t size = stack->capacity * sizeof *stack->frames;
    if (stack->frames)
        pages_unmap(stack->frames, size);
    if (stack->fresh)
        pages_unmap(stack->fresh, size);
    *stack = (struct unwind_stack){0};
}
