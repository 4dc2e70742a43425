/* Joins the native stack with the Python frames, and finds the node.
 *
 * A Python frame stands where the interpreter's evaluation loop is that runs it: inside of the
 * loop's own frame, and outside of what it has called. From 3.11 on a loop runs several Python
 * frames, where one has called the other directly. How a loop's frame is known:
 *
 *     to 3.10     by the function's range of addresses; each runs one Python frame
 *     3.11        the thread state's chain of _PyCFrame has an entry in each loop's frame
 *     from 3.12   so does the chain of Python frames: a shim for each loop
 *
 * Whatever cannot be joined stands outside of everything, so no Python frame is ever lost. */
#include "native.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <string.h>

#include "../follow.h"
#include "../python.h"
#include "../sys.h"
#include "../thread.h"
#include "../trie.h"
#include "cfi.h"
#include "modules.h"
#include "unwind.h"

/* A Python frame: code object and position, as the frame has them. A native one: its module, and
 * the return address. */
struct joined {
    const char *code;
    uintptr_t position;
    uint32_t node; /* of the stack that ends here */
    bool is_native;
};

/* How it is known that all but the innermost Python frame, and the loop that runs it, have not gone
 * on since the last stack: as by struct stack_top, without the frame's own instruction. */
struct standing {
    const char *frame; /* the innermost one; NULL: it is not known */
    const char *previous;
    const uint64_t *outer_place, *mark_place;
    uint64_t outer, mark;
    uint32_t place; /* of the innermost Python frame among the joined ones */
    uint32_t loop;  /* of its loop's frame in the native stack */
    uintptr_t loop_stack_pointer;
};

/* What a stack cache has in --native: the last stack, and the room to read one. */
struct native_stack {
    struct unwind_stack unwind;
    struct joined *frames; /* the outermost first */
    struct joined *fresh;  /* in the order in which they are found: the innermost first */
    uint32_t count, fresh_count, capacity;
    uint32_t thread_node;
    uint64_t epoch; /* stack_codes_freed when it was read */
    struct standing standing;
    uint8_t rest; /* so many stacks more it is not tried to know that one stands */
};

/* See struct native_stack. */
#define REST 15u

static struct {
    bool prepared;
    uintptr_t stack_end;            /* of the main thread */
    uintptr_t main_block;           /* its control block; 0: not known */
    uintptr_t loop_start, loop_end; /* _PyEval_EvalFrameDefault; 0: not known */
} native;

#define FRAMES_MAX (1u << 20)

/* -- The chain of Python frames -- */

struct chain {
    const char *frame; /* the next one; NULL: no more */
    const char *mark;  /* what is in the frame of the loop that runs it; NULL: see is_loop() */
    bool joined;       /* some have been */
};

static bool is_shim(const char *frame) {
    return python.at.minor >= 12 &&
           *(const uint8_t *)(frame + python.at.frame_owner) >= FRAME_OWNER_SHIM;
}

static const char *next_shim(const char *frame) {
    while (frame && !is_shim(frame))
        frame = python_pointer(frame, python.at.frame_previous);
    return frame;
}

static struct chain chain_begin(const char *state) {
    struct chain chain = {0};
    if (!state)
        return chain;
    chain.frame = frames_innermost(&python.at, state);
    if (python.at.minor >= 12)
        chain.mark = next_shim(chain.frame);
    else if (python.at.minor == 11)
        chain.mark = python_pointer(state, python.at.thread_frame);
    return chain;
}

static bool is_in_loop(uintptr_t address) {
    return address > native.loop_start && address <= native.loop_end;
}

/* The frame from `start` to `end` on the stack is that of the loop that runs the next Python
 * frames. */
static bool is_loop(const struct chain *chain, const struct unwind_frame *frame, uintptr_t end) {
    uintptr_t mark = (uintptr_t)chain->mark;
    if (python.at.minor <= 10)
        return chain->frame && is_in_loop(frame->address);
    return mark >= frame->stack_pointer && mark < end;
}

/* -- Joining -- */

static __attribute__((noinline)) bool grow(struct native_stack *stack) {
    return stack->capacity < FRAMES_MAX &&
           unwind_grow(&stack->frames, &stack->fresh, &stack->capacity, sizeof *stack->frames);
}

/* Member by member: a struct that is put together elsewhere and then copied is read before it is
 * written, as the processor has it, which costs more than all the rest. */
static hot_inline bool push(struct native_stack *stack, const char *code, uintptr_t position,
                            bool is_native) {
    if (unlikely(stack->fresh_count == stack->capacity && !grow(stack)))
        return false;
    struct joined *frame = &stack->fresh[stack->fresh_count++];
    frame->code = code;
    frame->position = position;
    frame->is_native = is_native;
    return true;
}

static bool push_python(struct native_stack *stack, const char *address) {
    struct frame frame = frames_at(&python.at, address);
    return push(stack, frame.code, frame.position, false);
}

static bool is_entry(const char *frame) {
    const struct python_offsets *at = &python.at;
    return at->minor <= 10 ||
           (at->frame_is_entry && *(const uint8_t *)(frame + at->frame_is_entry));
}

/* The Python frames that one loop runs; the chain then goes on with the next loop's. */
static bool push_loop(struct native_stack *stack, struct chain *chain) {
    const char *frame = chain->frame;
    bool last = false;
    for (; frame && !is_shim(frame) && !last;
         frame = python_pointer(frame, python.at.frame_previous)) {
        last = is_entry(frame);
        if (!push_python(stack, frame))
            return false;
    }
    if (frame && is_shim(frame))
        frame = python_pointer(frame, python.at.frame_previous);
    chain->frame = frame;
    chain->joined = true;
    if (python.at.minor >= 12)
        chain->mark = next_shim(frame);
    else if (chain->mark)
        chain->mark = python_pointer(chain->mark, python.at.cframe_frame + 8);
    return true;
}

static bool push_rest(struct native_stack *stack, const struct chain *chain) {
    for (const char *frame = chain->frame; frame;
         frame = python_pointer(frame, python.at.frame_previous))
        if (!is_shim(frame) && !push_python(stack, frame))
            return false;
    return true;
}

/* A loop's own frame is at its function's beginning, wherever it calls from: the Python frames say
 * what it does. */
static bool push_native(struct native_stack *stack, const struct unwind_frame *frame, bool loop) {
    uint32_t module = unwind_module(frame->rule);
    if (module == MODULES_MAX)
        return true;
    bool begins = loop && is_in_loop(frame->address);
    return push(stack, (const char *)modules_at(module),
                begins ? native.loop_start + 1 : frame->address, true);
}

/* Behind the innermost frame that is not the library's own. */
static uint32_t end_of(const struct unwind_stack *unwind) {
    uint32_t end = unwind->count, own = modules_own();
    while (end > 0 && unwind_module(unwind->frames[end - 1].rule) == own)
        end--;
    return end;
}

/* The fresh frames are those of the stack that was read. A greenlet's stack ends where it was
 * begun: what is further out on the C stack is another's, of whom some may be missing. That is
 * where a loop follows for which there is no Python frame. */
static bool join(struct native_stack *stack, const char *state) {
    const struct unwind_stack *unwind = &stack->unwind;
    struct chain chain = chain_begin(state);
    struct standing *standing = &stack->standing;
    const char *innermost = chain.frame;
    stack->fresh_count = 0;
    standing->frame = NULL;
    for (uint32_t i = end_of(unwind); i-- > 0;) {
        const struct unwind_frame *frame = &unwind->frames[i];
        bool loop = is_loop(&chain, frame, unwind_frame_end(unwind, i));
        if (!loop && chain.joined && !chain.frame && is_in_loop(frame->address))
            break;
        if (loop && !chain.joined && innermost && !is_shim(innermost)) {
            standing->frame = innermost;
            standing->place = stack->fresh_count;
            standing->loop = i;
            standing->loop_stack_pointer = frame->stack_pointer;
        }
        if ((loop && !push_loop(stack, &chain)) || !push_native(stack, frame, loop))
            return false;
    }
    return push_rest(stack, &chain);
}

/* -- Nodes -- */

static uint32_t define(struct trie *trie, struct writer *writer, const struct joined *joined,
                       uint32_t parent) {
    int64_t position;
    uint32_t code;
    if (joined->is_native) {
        const struct module *module = (const struct module *)(const void *)joined->code;
        code = trie_module(trie, writer, module);
        position = (int32_t)(uint32_t)(joined->position - 1 - module->base);
    } else {
        struct frame frame = {NULL, joined->code, joined->position};
        code = trie_code(trie, writer, joined->code);
        position = code ? frames_position(&frame) : 0;
    }
    if (position == FRAME_NOWHERE)
        python_distrust();
    if (!code || position == FRAME_NOWHERE)
        return 0;
    return trie_node(trie, writer, NODE_FRAME, parent, code, (int32_t)position);
}

static uint32_t find(struct trie *trie, struct writer *writer, const struct joined *joined,
                     uint32_t parent) {
    struct trie_shortcut *shortcut = trie_shortcut(trie, parent, joined->position);
    if (likely(shortcut->position == joined->position && shortcut->parent == parent &&
               shortcut->code == joined->code && shortcut->stamp == trie->shortcut_stamp))
        return shortcut->node;
    uint32_t node = define(trie, writer, joined, parent);
    if (node)
        *trie_shortcut(trie, parent, joined->position) = (struct trie_shortcut){
            joined->code, joined->position, parent, node, trie->shortcut_stamp};
    return node;
}

/* The frame at `number` is this one; its node, where `parent` is that of those further out. */
static hot_inline uint32_t put(struct native_stack *stack, struct writer *writer, uint32_t number,
                               const char *code, uintptr_t position, bool is_native,
                               uint32_t parent) {
    struct joined *frame = &stack->frames[number];
    frame->code = code;
    frame->position = position;
    frame->is_native = is_native;
    return frame->node = find(&writer->trie, writer, frame, parent);
}

static hot_inline bool is_again(const struct joined *frame, const char *code, uintptr_t position) {
    return frame->position == position && frame->code == code;
}

/* The fresh frames are the last stack from now on. */
static uint32_t number(struct native_stack *stack, struct writer *writer) {
    uint32_t most = stack->count < stack->fresh_count ? stack->count : stack->fresh_count, same = 0;
    const struct joined *fresh = stack->fresh + stack->fresh_count - 1;
    for (; same < most && is_again(&stack->frames[same], fresh->code, fresh->position); same++)
        fresh--;
    uint32_t node = same ? stack->frames[same - 1].node : stack->thread_node;
    for (; node && same < stack->fresh_count; same++, fresh--)
        node = put(stack, writer, same, fresh->code, fresh->position, fresh->is_native, node);
    stack->count = node ? same : 0;
    return node;
}

/* -- What stands still -- */

static const uint64_t *word_at(const char *address, uint32_t offset) {
    return (const uint64_t *)(const void *)(address + offset);
}

/* The innermost Python frame's caller gets a mark, if it can have one. */
static void keep_standing(struct native_stack *stack, struct stack_cache *cache) {
    struct standing *standing = &stack->standing;
    const char *frame = standing->frame;
    if (!frame)
        return;
    standing->frame = NULL;
    if (stack->rest > 0 || !can_mark(&python.at)) {
        if (stack->rest > 0)
            stack->rest--;
        return;
    }
    standing->place = stack->count - 1 - standing->place;
    standing->previous = python_pointer(frame, python.at.frame_previous);
    standing->mark_place = stack_mark(cache, frame, standing->previous);
    if (!standing->mark_place) {
        stack->rest = REST;
        return;
    }
    standing->outer_place = word_at(standing->previous, python.at.frame_position);
    standing->outer = *standing->outer_place;
    standing->mark = *standing->mark_place;
    standing->frame = frame;
}

/* In this order: what is read is there, as what was before it is as it was. */
static bool stands(const struct standing *standing, const char *state) {
    const char *frame = state ? frames_current(&python.at, state) : NULL;
    return frame && frame == standing->frame &&
           python_pointer(frame, python.at.frame_previous) == standing->previous &&
           *standing->outer_place == standing->outer && *standing->mark_place == standing->mark;
}

/* Only the innermost Python frame's position, and what its loop has called, can be others. 0 where
 * it turns out that more is. */
static uint32_t number_inner(struct native_stack *stack, struct writer *writer) {
    const struct unwind_stack *unwind = &stack->unwind;
    const struct standing *standing = &stack->standing;
    uint32_t end = end_of(unwind), place = standing->place;
    if (standing->loop >= end ||
        unwind->frames[standing->loop].stack_pointer != standing->loop_stack_pointer ||
        place + (end - standing->loop) >= stack->capacity || place == 0)
        return 0;
    const struct frame innermost = frames_at(&python.at, standing->frame);
    struct joined *frame = &stack->frames[place];
    bool same = is_again(frame, innermost.code, innermost.position);
    uint32_t node =
        same ? frame->node
             : put(stack, writer, place, innermost.code, innermost.position, false, frame[-1].node);
    for (uint32_t i = standing->loop + 1; node && i < end; i++) {
        const struct unwind_frame *called = &unwind->frames[i];
        uint32_t module = unwind_module(called->rule);
        if (module == MODULES_MAX)
            continue;
        const char *code = (const char *)modules_at(module);
        frame = &stack->frames[++place];
        same = same && place < stack->count && is_again(frame, code, called->address);
        node = same ? frame->node : put(stack, writer, place, code, called->address, true, node);
    }
    stack->count = node ? place + 1 : 0;
    return node;
}

/* The last stack may have the address of a code object that has been freed, or this is the first.
 */
static bool begin(struct native_stack *stack, struct writer *writer) {
    uint64_t epoch = stack_forget_freed(&writer->trie);
    if (stack->epoch != epoch) {
        stack->count = 0;
        stack->standing.frame = NULL;
    }
    stack->epoch = epoch;
    if (!stack->thread_node)
        stack->thread_node = trie_node(&writer->trie, writer, NODE_THREAD, 0, 0, (int32_t)self.tid);
    return stack->thread_node != 0;
}

/* A thread's control block lies at the end of its stack, if libc has made it. That of the main
 * thread lies among mappings, of which one below it may be a coroutine's stack. */
static uintptr_t stack_top(void) {
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    uintptr_t block = (uintptr_t)self.pthread;
    bool is_main = native.main_block ? block == native.main_block : self.tid == process.pid;
    if (is_main)
        return native.stack_end;
    return here < block && block - here < native.stack_end - here ? block : native.stack_end;
}

/* As stack_node(). */
static uint32_t native_node(struct stack_cache *cache, struct writer *writer, const char *state) {
    if (!cache->native)
        cache->native = pages_map(sizeof *cache->native);
    struct native_stack *stack = cache->native;
    if (!stack || !begin(stack, writer))
        return 0;
    bool standing = stands(&stack->standing, state);
    if (!unwind_read(&stack->unwind, stack_top(),
                     standing ? stack->standing.loop_stack_pointer : 0))
        return 0;
    uint32_t node = standing ? number_inner(stack, writer) : 0;
    if (node)
        return node;
    node = join(stack, state) ? number(stack, writer) : 0;
    if (node)
        keep_standing(stack, cache);
    else
        stack->standing.frame = NULL; /* of which not all is known */
    return node || python_present() ? node : stack->thread_node;
}

static void native_forget(struct native_stack *stack) {
    stack->thread_node = stack->count = stack->unwind.count = 0;
    stack->unwind.top = 0;
    stack->standing.frame = NULL;
    stack->rest = 0;
}

static void native_release(struct native_stack *stack) {
    size_t size = stack->capacity * sizeof *stack->frames;
    unwind_release(&stack->unwind);
    if (stack->frames)
        pages_unmap(stack->frames, size);
    if (stack->fresh)
        pages_unmap(stack->fresh, size);
    pages_unmap(stack, sizeof *stack);
}

/* -- The beginning -- */

static const struct stack_reader reader = {native_node, native_forget, native_release};

void native_begin(void) {
    if (native.prepared)
        modules_forked();
    if (!HAS_UNWINDING || !process.session->native || native.prepared)
        return;
    const uintptr_t *end = dlsym(RTLD_DEFAULT, "__libc_stack_end");
    native.stack_end = end ? *end : 0;
    if ((uint32_t)sys_call6(SYS_gettid, 0, 0, 0, 0, 0, 0) == process.pid)
        native.main_block = (uintptr_t)pthread_self();
    native.prepared = modules_prepare() && unwind_prepare();
    if (native.prepared)
        stack_reader = &reader;
}

void native_find_loop(void *scope) {
    void *loop = native.prepared ? dlsym(scope, "_PyEval_EvalFrameDefault") : NULL;
    uint32_t module = loop ? modules_find((uintptr_t)loop) : MODULES_MAX;
    struct cfi_row row;
    if (module == MODULES_MAX || !cfi_find(modules_at(module)->table, (uintptr_t)loop + 1, &row))
        return;
    native.loop_start = row.start;
    native.loop_end = row.end;
}

void native_closed(void) {
    if (native.prepared)
        modules_unloaded();
}
