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
#include "native_stack.h"

/* See struct native_stack. */
#define REST 15u

/* How far from the innermost Python frame the one that stands may be. The further out it is, the
 * longer it stands, and the more has to be compared. So it is moved out when one has not stood, and
 * in, after some time, when one has; that time grows with each vain attempt. */
#define REACH 24u
#define DISTANCE_MAX 15u
#define PATIENCE_MIN 256u
#define PATIENCE_MAX 8192u

#define LOOPS_MAX 4u

static struct {
    bool prepared;
    uintptr_t stack_end;  /* of the main thread */
    uintptr_t main_block; /* its control block; 0: not known */
    /* Where the evaluation loop's code is: _PyEval_EvalFrameDefault, of which the compiler may have
     * put a part elsewhere. */
    struct range {
        _Atomic uintptr_t start, end;
    } loops[LOOPS_MAX];
    _Atomic uint32_t loop_count; /* some may not be filled in yet */
} native;

#define FRAMES_MAX (1u << 20)

/* -- The chain of Python frames -- */

struct chain {
    const char *frame; /* the next one; NULL: no more */
    const char *mark;  /* what is in the frame of the loop that runs it; NULL: see is_loop() */
    bool joined;       /* some have been */
};

static const char *next_shim(const char *frame) {
    while (frame && !native_is_shim(frame))
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

/* The part of the loop that the address is in; NULL: none that is known. */
static const struct range *loop_at(uintptr_t address) {
    for (uint32_t i = 0; i < LOOPS_MAX; i++)
        if (address > native.loops[i].start && address <= native.loops[i].end)
            return &native.loops[i];
    return NULL;
}

/* The function at the address is the loop, or a part of it. */
static __attribute__((noinline)) void learn_loop(uintptr_t address, uint32_t module) {
    struct cfi_row row;
    uint32_t number = native.loop_count;
    if (module == MODULES_MAX || number >= LOOPS_MAX ||
        !cfi_find(modules_at(module)->table, address, &row) ||
        !atomic_compare_exchange_strong(&native.loop_count, &number, number + 1))
        return;
    native.loops[number].start = row.start;
    native.loops[number].end = row.end;
}

/* The frame from `start` to `end` on the stack is that of the loop that runs the next Python
 * frames. */
static bool is_loop(const struct chain *chain, const struct unwind_frame *frame, uintptr_t end) {
    uintptr_t mark = (uintptr_t)chain->mark;
    if (python.at.minor <= 10)
        return chain->frame && loop_at(frame->address);
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
                            uint32_t loop) {
    if (unlikely(stack->fresh_count == stack->capacity && !grow(stack)))
        return false;
    struct joined *frame = &stack->fresh[stack->fresh_count++];
    frame->code = code;
    frame->position = position;
    frame->loop = loop;
    return true;
}

static bool push_python(struct native_stack *stack, const char *address, uint32_t loop) {
    struct frame frame = frames_at(&python.at, address);
    return push(stack, frame.code, frame.position, loop);
}

static bool is_entry(const char *frame) {
    const struct python_offsets *at = &python.at;
    return at->minor <= 10 ||
           (at->frame_is_entry && *(const uint8_t *)(frame + at->frame_is_entry));
}

/* The Python frames that one loop runs, without `end` and those further out; the chain then goes on
 * with the next loop's. */
static bool push_loop(struct native_stack *stack, struct chain *chain, uint32_t loop,
                      const char *end) {
    const char *frame = chain->frame;
    bool last = false;
    for (; frame && frame != end && !native_is_shim(frame) && !last;
         frame = python_pointer(frame, python.at.frame_previous)) {
        last = is_entry(frame);
        if (!push_python(stack, frame, loop))
            return false;
    }
    if (frame && native_is_shim(frame))
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
        if (!native_is_shim(frame) && !push_python(stack, frame, NO_LOOP))
            return false;
    return true;
}

/* A loop's own frame is at its function's beginning, wherever it calls from: the Python frames say
 * what it does. */
static bool push_native(struct native_stack *stack, const struct unwind_frame *frame, bool loop) {
    uint32_t module = unwind_module(frame->rule);
    if (module == MODULES_MAX)
        return true;
    const struct range *range = loop ? loop_at(frame->address) : NULL;
    return push(stack, (const char *)modules_at(module), range ? range->start + 1 : frame->address,
                IS_NATIVE);
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
    stack->fresh_count = 0;
    for (uint32_t i = end_of(unwind); i-- > 0;) {
        const struct unwind_frame *frame = &unwind->frames[i];
        bool loop = is_loop(&chain, frame, unwind_frame_end(unwind, i));
        if (loop && unlikely(!loop_at(frame->address)))
            learn_loop(frame->address, unwind_module(frame->rule));
        if (!loop && chain.joined && !chain.frame && loop_at(frame->address))
            break;
        if ((loop && !push_loop(stack, &chain, i, NULL)) || !push_native(stack, frame, loop))
            return false;
    }
    return push_rest(stack, &chain);
}

/* The same of those frames alone that the one which stands has called. False, too, where it turns
 * out that it does not. */
static bool join_inner(struct native_stack *stack, const char *state) {
    const struct unwind_stack *unwind = &stack->unwind;
    const struct standing *standing = &stack->standing;
    struct chain chain = chain_begin(state);
    uint32_t i = end_of(unwind);
    stack->fresh_count = 0;
    if (i <= standing->loop ||
        unwind->frames[standing->loop].stack_pointer != standing->loop_stack_pointer)
        return false;
    while (i-- > standing->loop) {
        const struct unwind_frame *frame = &unwind->frames[i];
        bool last = i == standing->loop, loop = is_loop(&chain, frame, unwind_frame_end(unwind, i));
        if ((loop && !push_loop(stack, &chain, i, last ? standing->frame : NULL)) ||
            (!last && !push_native(stack, frame, loop)))
            return false;
    }
    return chain.frame == standing->frame;
}

/* -- Nodes -- */

static uint32_t define(struct trie *trie, struct writer *writer, const struct joined *joined,
                       uint32_t parent) {
    int64_t position;
    uint32_t code;
    if (joined->loop == IS_NATIVE) {
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
    uint32_t node = trie_recall(trie, parent, joined->position, joined->code);
    if (likely(node))
        return node;
    node = define(trie, writer, joined, parent);
    if (node)
        trie_remember(trie, parent, joined->position, joined->code, node);
    return node;
}

static hot_inline bool is_again(const struct joined *frame, const char *code, uintptr_t position) {
    return frame->position == position && frame->code == code;
}

/* The fresh frames follow on the first `left` of the last stack, and are it with them from now on.
 */
static uint32_t number(struct native_stack *stack, struct writer *writer, uint32_t left) {
    uint32_t count = left + stack->fresh_count, same = left;
    while (count > stack->capacity)
        if (!grow(stack))
            return 0;
    uint32_t most = stack->count < count ? stack->count : count;
    const struct joined *fresh = stack->fresh + stack->fresh_count - 1;
    for (; same < most && is_again(&stack->frames[same], fresh->code, fresh->position); same++)
        fresh--;
    uint32_t node = same ? stack->frames[same - 1].node : stack->thread_node;
    for (; node && same < count; same++, fresh--) {
        struct joined *frame = &stack->frames[same];
        frame->code = fresh->code;
        frame->position = fresh->position;
        frame->loop = fresh->loop;
        frame->node = node = find(&writer->trie, writer, frame, node);
    }
    stack->count = node ? count : 0;
    return node;
}

/* -- What stands still -- */

static void stand_further_out(struct native_stack *stack) {
    stack->standing.frame = NULL;
    stack->distance = stack->distance < DISTANCE_MAX ? stack->distance * 2 + 1 : DISTANCE_MAX;
    stack->patience = stack->patience < PATIENCE_MAX ? stack->patience * 2 : PATIENCE_MAX;
    stack->known = stack->patience;
}

/* All that is known holds by marks of frames which may be too far out: it is found out anew. */
static void stand_further_in(struct native_stack *stack) {
    stack->known = stack->patience;
    if (stack->distance == 0)
        return;
    stack->distance /= 2;
    stack->standing.frame = NULL;
    recall_forget(&stack->recall);
}

/* What is read is there: the frame is in the chain. */
static bool stands(struct native_stack *stack, const char *state) {
    const struct standing *standing = &stack->standing;
    if (!standing->frame)
        return false;
    const char *frame = state ? frames_innermost(&python.at, state) : NULL;
    for (uint32_t i = 0; frame && frame != standing->frame; i++)
        frame = i < REACH ? python_pointer(frame, python.at.frame_previous) : NULL;
    bool good = frame && frames_word(frame, python.at.frame_position) == standing->position &&
                *standing->mark_place == standing->mark;
    if (!good)
        stand_further_out(stack);
    return good;
}

/* Python frames, from the innermost outwards, and where they are among the fresh ones. */
struct reach {
    const char *frames[REACH];
    uint32_t places[REACH];
    uint32_t count;
};

static void reach_out(const struct native_stack *stack, const char *state, struct reach *reach) {
    const char *frame = frames_innermost(&python.at, state);
    uint32_t place = 0;
    for (reach->count = 0; frame && reach->count < REACH;
         frame = python_pointer(frame, python.at.frame_previous)) {
        if (native_is_shim(frame))
            continue;
        while (place < stack->fresh_count && stack->fresh[place].loop == IS_NATIVE)
            place++;
        if (place == stack->fresh_count)
            return;
        reach->frames[reach->count] = frame;
        reach->places[reach->count++] = place++;
    }
}

/* The frame that has called the one at `number` stands from now on, if it can have a mark. */
static bool stand(struct native_stack *stack, struct stack_cache *cache, const struct reach *reach,
                  uint32_t number) {
    struct standing *standing = &stack->standing;
    const char *frame = reach->frames[number + 1], *inner = reach->frames[number];
    uint32_t place = reach->places[number + 1], loop = stack->fresh[place].loop;
    if (!inner || loop == NO_LOOP || python_pointer(inner, python.at.frame_previous) != frame)
        return false;
    standing->mark_place = stack_mark(cache, inner, frame);
    if (!standing->mark_place)
        return false;
    standing->frame = frame;
    standing->position = frames_word(frame, python.at.frame_position);
    standing->mark = *standing->mark_place;
    standing->place = stack->count - 1 - place;
    standing->loop = loop;
    standing->loop_stack_pointer = stack->unwind.frames[loop].stack_pointer;
    return true;
}

/* The frame that can have a mark, at the distance or as near to it as there is one: further out,
 * rather than further in. The fresh frames are all of the stack. */
static void keep_standing(struct native_stack *stack, struct stack_cache *cache,
                          const char *state) {
    struct reach reach = {0};
    stack->standing.frame = NULL;
    if (!state || !can_mark(&python.at))
        return;
    if (stack->rest > 0) {
        stack->rest--;
        return;
    }
    reach_out(stack, state, &reach);
    for (uint32_t i = stack->distance; i + 1 < reach.count; i++)
        if (stand(stack, cache, &reach, i))
            return;
    uint32_t most = reach.count > 0 ? reach.count - 1 : 0;
    for (uint32_t i = stack->distance < most ? stack->distance : most; i-- > 0;)
        if (stand(stack, cache, &reach, i))
            return;
    stack->rest = REST;
}

/* -- The node -- */

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

static __attribute__((noinline)) uint32_t read_stack(struct native_stack *stack,
                                                     struct stack_cache *cache,
                                                     struct writer *writer,
                                                     const struct recall_call *call) {
    const struct standing *standing = &stack->standing;
    bool inner = stands(stack, call->state);
    if (!unwind_read_from(&stack->unwind, &call->registers, stack_top(),
                          inner ? standing->loop_stack_pointer : 0))
        return 0;
    uint32_t node =
        inner && join_inner(stack, call->state) ? number(stack, writer, standing->place + 1) : 0;
    if (!node) {
        node = join(stack, call->state) ? number(stack, writer, 0) : 0;
        stack->standing.frame = NULL;
        if (node)
            keep_standing(stack, cache, call->state);
    }
    if (unlikely(stack->unwind.cut))
        atomic_fetch_add_explicit(&process.region->truncated, 1, memory_order_relaxed);
    if (node)
        native_remember(stack, call, node);
    return node || python_present() ? node : stack->thread_node;
}

static void native_forget(struct native_stack *stack) {
    stack->thread_node = stack->count = stack->unwind.count = 0;
    stack->unwind.top = 0;
    stack->standing.frame = NULL;
    stack->rest = 0;
    stack->distance = 0;
    stack->known = stack->patience = PATIENCE_MIN;
    recall_forget(&stack->recall);
}

static struct native_stack *new_stack(void) {
    struct native_stack *stack = pages_map(sizeof *stack);
    if (stack)
        native_forget(stack);
    return stack;
}

/* As stack_node(). It never ends with a jump: the stack is read from here. */
static uint32_t native_node(struct stack_cache *cache, struct writer *writer, const char *state) {
    if (unlikely(!cache->native))
        cache->native = new_stack();
    struct native_stack *stack = cache->native;
    if (!stack || !begin(stack, writer))
        return 0;
    struct recall_call call = {.state = state, .called_from = self.called_from};
    registers_now(&call.registers.address, &call.registers.stack_pointer,
                  &call.registers.frame_pointer);
    call.frame = state ? frames_innermost(&python.at, state) : NULL;
    call.position = call.frame ? frames_word(call.frame, python.at.frame_position) : 0;
    call.codes_freed = stack->epoch;
    call.generation = atomic_load_explicit(&modules_generation, memory_order_acquire);
    uint32_t node = recall_find(&stack->recall, &call);
    if (unlikely(!node))
        return read_stack(stack, cache, writer, &call);
    if (unlikely(--stack->known == 0))
        stand_further_in(stack);
    return node;
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
    if (loop)
        learn_loop((uintptr_t)loop + 1, modules_find((uintptr_t)loop));
}

void native_closed(void) {
    if (native.prepared)
        modules_unloaded();
}
