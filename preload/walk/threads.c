/* Threads, their frames, and the code that these run; also frames that generators and frame objects
 * keep.
 *
 * Locals are references and become objects like any other. What the value stack holds beyond its
 * depth is left over from before: it may point at memory that was given back, so an address found
 * there is believed only if it is a known object, or looks like one, and then nothing is read
 * through it.
 */
#include "heap.h"

#include "../code.h"
#include "../frames.h"

#define THREADS_MAX (1u << 20)
#define INTERPRETERS_MAX 1024u
#define FRAMES_MAX (1u << 22) /* of all threads */

#define OWNER_THREAD 0
#define OWNER_GENERATOR 1
#define OWNER_FRAME_OBJECT 2

#define CO_VARARGS 4
#define CO_VARKEYWORDS 8

/* One frame, as its version keeps it. */
struct live_frame {
    const char *address, *code;
    uint32_t thread, depth;
    bool running;
    int64_t position;
    uint64_t local_count, stack_count;
    const char *locals, *stack;
    int64_t saved_depth; /* -1 unknown */
};

struct slot {
    const char *object;
    bool borrowed;
};

static uint64_t tuple_size(const char *tuple) {
    return tuple ? word_at(tuple, python.at.size) : 0;
}

static uint64_t local_count_of(const char *code) {
    uint64_t count;
    if (python.at.minor >= 11)
        count = tuple_size(python_pointer(code, python.at.code_local_names));
    else
        count = tuple_size(python_pointer(code, python.at.code_variables)) +
                tuple_size(python_pointer(code, python.at.code_cell_variables)) +
                tuple_size(python_pointer(code, python.at.code_free_variables));
    return count < GRAPH_SLOTS_MAX ? count : GRAPH_SLOTS_MAX;
}

/* From 3.14 the low bits are tags: 3 is a number, 1 a reference that is not counted. */
static struct slot slot_at(const char *slots, uint64_t index) {
    uintptr_t word = (uintptr_t)python_pointer(slots + index * 8, 0);
    if (python.at.minor < 14)
        return (struct slot){(const char *)word, false};
    if ((word & 3) == 3)
        return (struct slot){NULL, false};
    return (struct slot){(const char *)(word & ~(uintptr_t)3), word & 3};
}

static const char *untagged(const char *object) {
    return python.at.minor >= 14 ? (const char *)((uintptr_t)object & ~(uintptr_t)3) : object;
}

/* -- Where the value stack ends -- */

static bool executing(const char *frame) {
    int8_t state = *(const int8_t *)(frame + python.at.frame_state);
    return python.at.minor == 10 ? state == 0 : state != 0;
}

static int64_t saved_depth(const struct live_frame *frame) {
    int64_t depth = -1;
    if (python.at.frame_stack_pointer) {
        const char *top = python_pointer(frame->address, python.at.frame_stack_pointer);
        /* In 3.14 the innermost frame's can be from before. */
        bool stale = python.at.minor >= 14 && frame->running && frame->depth == 0;
        if (top && !stale && top >= frame->stack)
            depth = (top - frame->stack) / 8;
    } else if (python.at.frame_stack_depth) {
        if (!executing(frame->address))
            depth = int_at(frame->address, python.at.frame_stack_depth);
    } else {
        int64_t top = int_at(frame->address, python.at.frame_stack_top);
        if (top >= (int64_t)frame->local_count)
            depth = top - (int64_t)frame->local_count;
    }
    return depth <= (int64_t)frame->stack_count ? depth : -1;
}

static bool incomplete(const struct live_frame *frame) {
    return !frames_objects() && frame->position == FRAME_NOT_BEGUN &&
           *(const uint8_t *)(frame->address + python.at.frame_owner) != OWNER_GENERATOR;
}

static bool frame_read(struct live_frame *frame, const struct frame *at) {
    frame->address = at->address;
    frame->code = at->code;
    if (!code_check(frame->code))
        return false;
    frame->position = frames_position(at);
    if (frame->position == FRAME_NOWHERE)
        frame->position = FRAME_NOT_BEGUN;
    frame->local_count = local_count_of(frame->code);
    frame->locals = frame->address + python.at.frame_locals;
    frame->stack = frames_objects() ? python_pointer(frame->address, python.at.frame_stack)
                                    : frame->locals + frame->local_count * 8;
    int32_t stack_size = int_at(frame->code, python.at.code_stack_size);
    frame->stack_count = stack_size < 0                      ? 0
                         : stack_size > (int)GRAPH_SLOTS_MAX ? GRAPH_SLOTS_MAX
                                                             : (uint64_t)stack_size;
    frame->saved_depth = saved_depth(frame);
    if (frame->saved_depth >= 0)
        frame->stack_count = (uint64_t)frame->saved_depth;
    else if (!frame->running && !(frames_objects() && executing(frame->address)))
        frame->stack_count = 0;
    if (incomplete(frame))
        frame->local_count = frame->stack_count = 0;
    return true;
}

static const char *function_of(const struct live_frame *frame) {
    return frames_objects() ? NULL
                            : untagged(python_pointer(frame->address, python.at.frame_function));
}

static const char *locals_object_of(const struct live_frame *frame) {
    return python_pointer(frame->address, python.at.frame_locals_object);
}

/* The object that a frame belongs to, or that stands for it. */
static const char *owner_of(const struct live_frame *frame) {
    if (frames_objects())
        return frame->address;
    if (*(const uint8_t *)(frame->address + python.at.frame_owner) == OWNER_GENERATOR)
        return frame->address - python.at.generator_frame;
    return python_pointer(frame->address, python.at.frame_object);
}

/* -- All threads -- */

static const char *own_thread(void) {
    return python.has_gil ? python.current() : python.own_state();
}

bool threads_alone(void) {
    const char *interpreter = python_pointer(python.runtime, python.at.runtime_interpreters);
    const char *own = own_thread();
    return own && interpreter && !python_pointer(interpreter, python.at.interpreter_next) &&
           python_pointer(interpreter, python.at.interpreter_threads) == own &&
           !python_pointer(own, python.at.thread_next);
}

typedef void (*thread_function)(struct walk *walk, const char *thread, uint32_t number);
typedef void (*frame_function)(struct walk *walk, struct live_frame *frame);

/* While the interpreter finalizes it frees the states of other threads, and without a GIL they are
 * running. */
static bool only_own(void) {
    return !python.has_gil || python_pointer(python.runtime, python.at.runtime_finalizing);
}

static void each_thread(struct walk *walk, thread_function function) {
    uint32_t number = 0;
    if (only_own()) {
        if (own_thread())
            function(walk, own_thread(), 1);
        return;
    }
    const char *interpreter = first_interpreter();
    for (uint32_t i = 0; interpreter && i < INTERPRETERS_MAX; i++) {
        const char *thread = python_pointer(interpreter, python.at.interpreter_threads);
        for (; thread && number < THREADS_MAX && !walk->cut;
             thread = python_pointer(thread, python.at.thread_next))
            function(walk, thread, ++number);
        interpreter = next_interpreter(interpreter);
    }
}

static void each_frame(struct walk *walk, const char *thread, uint32_t number,
                       frame_function function) {
    const char *address = frames_skip(&python.at, frames_innermost(&python.at, thread));
    for (uint32_t depth = 0; address && depth < FRAMES_MAX && !walk->cut; depth++) {
        struct frame at = frames_at(&python.at, address);
        address = frames_outer(&python.at, address);
        struct live_frame frame = {.thread = number, .depth = depth, .running = true};
        if (frame_read(&frame, &at))
            function(walk, &frame);
    }
}

/* -- Naming what frames and threads refer to -- */

static void name_slots(struct walk *walk, const char *slots, uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
        const char *object = slot_at(slots, i).object;
        if (object && (number_of(walk, object) || object_plausible(walk, object)))
            name_object(walk, object);
    }
}

static void name_frame(struct walk *walk, struct live_frame *frame) {
    const char *function = function_of(frame), *locals = locals_object_of(frame);
    name_object(walk, frame->code);
    if (function)
        name_object(walk, function);
    if (locals)
        name_object(walk, locals);
    if (owner_of(frame)) {
        uint32_t owner = name_object(walk, owner_of(frame));
        if (frames_objects() && frame->running)
            mark_object(walk, owner, MARK_RUNNING);
    }
    name_slots(walk, frame->locals, frame->local_count);
    if (frame->saved_depth >= 0)
        name_slots(walk, frame->stack, frame->stack_count);
}

/* A frame that runs keeps its frame object; a generator keeps its own. */
static void collect_frame_object(struct walk *walk, struct live_frame *frame) {
    const char *object = NULL;
    if (frames_objects()) {
        if (!python_pointer(frame->address, python.at.frame_generator))
            object = frame->address;
    } else if (*(const uint8_t *)(frame->address + python.at.frame_owner) == OWNER_THREAD)
        object = python_pointer(frame->address, python.at.frame_object);
    references_add(walk, object, text_of_string(walk, "frame") << 3 | EDGE_FIELD);
}

/* Who watches a thread may read its frames. */
static bool is_watcher(const char *field) {
    return strcmp(field, "trace") == 0 || strcmp(field, "profile") == 0;
}

static void collect_thread(struct walk *walk, const char *thread, uint32_t number) {
    walk->reference_count = 0;
    bool shallow = walk->request->shallow;
    for (size_t i = 0; i < python.field_count; i++)
        if (python.fields[i].of == FIELD_OF_THREAD &&
            (!shallow || is_watcher(python.fields[i].name)))
            references_add(walk, python_pointer(thread, python.fields[i].offset),
                           text_of_string(walk, python.fields[i].name) << 3 | EDGE_FIELD);
    if (!shallow)
        each_frame(walk, thread, number, collect_frame_object);
}

static void name_thread(struct walk *walk, const char *thread, uint32_t number) {
    collect_thread(walk, thread, number);
    for (uint32_t i = 0; i < walk->reference_count; i++)
        name_object(walk, walk->references[i].target);
    each_frame(walk, thread, number, name_frame);
}

void threads_name(struct walk *walk) {
    each_thread(walk, name_thread);
}

/* -- Code -- */

static struct walked_code *code_place(struct walked_code *codes, uint32_t mask, const char *code) {
    uint32_t i = (uint32_t)((uintptr_t)code * 0x9e3779b97f4a7c15u >> 40) & mask;
    while (codes[i].code && codes[i].code != code)
        i = (i + 1) & mask;
    return &codes[i];
}

static bool codes_grow(struct walk *walk) {
    uint32_t size = walk->codes ? (walk->code_mask + 1) * 2 : 1024;
    struct walked_code *codes = pool_take(walk, size * sizeof *codes);
    if (!codes)
        return false;
    for (uint32_t i = 0; walk->codes && i <= walk->code_mask; i++)
        if (walk->codes[i].code)
            *code_place(codes, size - 1, walk->codes[i].code) = walk->codes[i];
    walk->codes = codes;
    walk->code_mask = size - 1;
    return true;
}

static void put_of_code(struct walk *walk, uint64_t value) {
    graph_put(walk->writer, GRAPH_CODES, value);
}

/* Texts of a tuple of str; `kinds` or `kind`, if there are any, follow each. */
static void tell_names(struct walk *walk, const char *tuple, const char *kinds, int kind) {
    for (uint64_t i = 0, count = tuple_size(tuple); i < count && i < GRAPH_SLOTS_MAX; i++) {
        const char *name = python_pointer(tuple, python.at.tuple_items + (uint32_t)i * 8);
        put_of_code(walk, text_of_object(walk, name));
        if (kinds)
            kind = (uint8_t)kinds[i];
        if (kind)
            put_of_code(walk, (uint8_t)(kind & 0xe0));
    }
}

static void tell_locals(struct walk *walk, const char *code) {
    if (python.at.minor >= 11) {
        const char *kinds = python_pointer(code, python.at.code_local_kinds);
        tell_names(walk, python_pointer(code, python.at.code_local_names),
                   kinds + python.at.bytes_data, 0);
        return;
    }
    tell_names(walk, python_pointer(code, python.at.code_variables), NULL, GRAPH_LOCAL);
    tell_names(walk, python_pointer(code, python.at.code_cell_variables), NULL,
               GRAPH_CELL_VARIABLE);
    tell_names(walk, python_pointer(code, python.at.code_free_variables), NULL,
               GRAPH_FREE_VARIABLE);
}

static void tell_bytes(struct walk *walk, const char *bytes, uint64_t size) {
    if (size > GRAPH_CODE_MAX)
        size = 0;
    put_of_code(walk, size);
    graph_put_bytes(walk->writer, GRAPH_CODES, bytes, size);
}

static void tell_instructions(struct walk *walk, const char *code) {
    if (python.at.minor >= 11) {
        tell_bytes(walk, code + python.at.code_start, word_at(code, python.at.size) * 2);
        const char *table = python_pointer(code, python.at.code_exception_table);
        tell_bytes(walk, table + python.at.bytes_data, word_at(table, python.at.size));
        return;
    }
    const char *bytes = python_pointer(code, python.at.code_bytes);
    tell_bytes(walk, bytes + python.at.bytes_data, word_at(bytes, python.at.size));
    put_of_code(walk, 0);
}

static uint32_t argument_count(const char *code) {
    int32_t flags = int_at(code, python.at.code_flags);
    int32_t count = int_at(code, python.at.code_arguments) +
                    int_at(code, python.at.code_keyword_arguments) + !!(flags & CO_VARARGS) +
                    !!(flags & CO_VARKEYWORDS);
    return (uint32_t)count;
}

static void tell_code(struct walk *walk, const char *code) {
    const char *names = python_pointer(code, python.at.code_names);
    uint32_t qualified = 0;
    if (python.at.code_qualified_name)
        qualified = text_of_object(walk, python_pointer(code, python.at.code_qualified_name));
    put_of_code(walk, name_object(walk, code));
    put_of_code(walk, text_of_object(walk, python_pointer(code, python.at.code_name)));
    put_of_code(walk, qualified);
    put_of_code(walk, text_of_object(walk, python_pointer(code, python.at.code_file)));
    put_of_code(walk, (uint32_t)int_at(code, python.at.code_first_line));
    put_of_code(walk, (uint32_t)int_at(code, python.at.code_flags));
    put_of_code(walk, argument_count(code));
    put_of_code(walk, (uint32_t)int_at(code, python.at.code_stack_size));
    tell_instructions(walk, code);
    put_of_code(walk, local_count_of(code));
    tell_locals(walk, code);
    uint64_t count = tuple_size(names);
    put_of_code(walk, count < GRAPH_SLOTS_MAX ? count : GRAPH_SLOTS_MAX);
    tell_names(walk, names, NULL, 0);
}

static uint32_t code_number(struct walk *walk, const char *code) {
    if ((!walk->codes || walk->code_count * 2 >= walk->code_mask) && !codes_grow(walk))
        return 0;
    struct walked_code *place = code_place(walk->codes, walk->code_mask, code);
    if (!place->code) {
        tell_code(walk, code);
        *place = (struct walked_code){code, ++walk->code_count};
    }
    return place->number;
}

/* -- Frames -- */

static uint32_t line_of(const struct live_frame *frame) {
    int line = int_at(frame->code, python.at.code_first_line);
    if (frame->position >= 0)
        line = interpreter_symbols.line_of
                   ? interpreter_symbols.line_of(frame->code, (int)frame->position)
                   : 0;
    return line > 0 ? (uint32_t)line : 0;
}

/* An unknown object is named only by a frame that runs: see GRAPH_OBJECT_UNSURE. */
static uint32_t number_in_slot(struct walk *walk, struct slot slot, bool unsure) {
    uint32_t number = slot.object ? number_of(walk, slot.object) : 0;
    if (slot.object && !number && unsure && object_plausible_now(walk, slot.object))
        number = name_object(walk, slot.object);
    return number;
}

static void shape_slots(struct walk *walk, const char *slots, uint64_t count) {
    for (uint64_t i = 0; i < count; i++)
        graph_frame_slot(walk->writer, slot_at(slots, i).borrowed);
}

static void tell_slots(struct walk *walk, const char *slots, uint64_t count, bool unsure) {
    for (uint64_t i = 0; i < count; i++)
        graph_put_target(walk->writer, number_in_slot(walk, slot_at(slots, i), unsure));
}

static void tell_known(struct walk *walk, const char *object) {
    graph_put_target(walk->writer, object ? number_of(walk, object) : 0);
}

static void tell_frame(struct walk *walk, const struct live_frame *frame, const char *owner) {
    struct graph_writer *writer = walk->writer;
    struct graph_frame_facts facts = {.code = code_number(walk, frame->code),
                                      .line = line_of(frame),
                                      .position = (int32_t)frame->position,
                                      .saved_depth = (int32_t)frame->saved_depth,
                                      .local_count = (uint32_t)frame->local_count,
                                      .runs = frame->running};
    if (walk->cut)
        return;
    graph_frame_begin(writer, &facts);
    shape_slots(walk, frame->locals, frame->local_count);
    shape_slots(walk, frame->stack, frame->stack_count);
    graph_frame_put(writer, frame->thread, frame->depth);
    tell_known(walk, owner);
    tell_known(walk, function_of(frame));
    tell_known(walk, locals_object_of(frame));
    tell_slots(walk, frame->locals, frame->local_count, false);
    tell_slots(walk, frame->stack, frame->stack_count, frame->running);
    walk->cut |= writer->failed;
}

static void tell_running(struct walk *walk, struct live_frame *frame) {
    tell_frame(walk, frame, owner_of(frame));
}

static void put_of_thread(struct walk *walk, uint64_t value) {
    graph_put(walk->writer, GRAPH_THREADS, value);
}

static void tell_thread(struct walk *walk, const char *thread, uint32_t number) {
    collect_thread(walk, thread, number);
    put_of_thread(walk, word_at(thread, python.at.thread_id));
    put_of_thread(walk,
                  python.at.thread_native_id ? word_at(thread, python.at.thread_native_id) : 0);
    put_of_thread(walk, thread == own_thread());
    put_of_thread(walk, 0);
    put_of_thread(walk, walk->reference_count);
    for (uint32_t i = 0; i < walk->reference_count; i++) {
        put_of_thread(walk, walk->references[i].edge);
        put_of_thread(walk, name_object(walk, walk->references[i].target));
        walk->edge_count++;
    }
    each_frame(walk, thread, number, tell_running);
}

void threads_tell(struct walk *walk) {
    each_thread(walk, tell_thread);
}

/* -- Frames that belong to objects -- */

static const char *frame_of(const struct walked_type *type, const char *object) {
    if (type->kind == GRAPH_FRAME_OBJECT) {
        if (frames_objects())
            return object;
        const char *frame = python_pointer(object, python.at.frame_object_frame);
        bool owns =
            frame && *(const uint8_t *)(frame + python.at.frame_owner) == OWNER_FRAME_OBJECT;
        return owns ? frame : NULL;
    }
    if (type->kind != GRAPH_GENERATOR || frames_objects())
        return NULL;
    int8_t state = *(const int8_t *)(object + python.at.generator_state);
    return state < 0 ? object + python.at.generator_frame : NULL;
}

void frame_of_object_tell(struct walk *walk, const struct walked_type *type, const char *object) {
    const char *address = frame_of(type, object);
    struct live_frame frame = {.depth = 0};
    if (!address)
        return;
    struct frame at = frames_at(&python.at, address);
    if (!frame_read(&frame, &at))
        return;
    name_frame(walk, &frame);
    tell_frame(walk, &frame, object);
}
