/* Counts what modules take and give back. See refs.h.
 *
 * Everything here happens with the main interpreter's GIL, which orders it; calls of whoever does
 * not hold that are passed on without being counted. Immortal objects have no count to leak. No
 * function of the program's, and none that allocates, is called while the tables change.
 */
#include "refs.h"

#include <stdatomic.h>
#include <string.h>

#include "../../wire/event.h"
#include "../python.h"
#include "../sys.h"
#include "../thread.h"
#include "../types.h"

struct refs *refs;

static struct {
    void (*incref)(char *object);
    void (*decref)(char *object);
    void (*new_reference)(char *object);
    void (*dealloc)(char *object);
} interpreter;

/* -- Entering -- */

/* The collector's: also in a child that has not joined it, where it is NULL. */
static struct references *counts(void) {
    return process.references;
}

void refs_tell_module(uint32_t module) {
    struct references *told = counts();
    if (!told)
        return;
    if (module < refs->module_count)
        memcpy(told->modules[module].path, refs->modules[module].path, REFS_PATH);
    told->module_count = refs->module_count;
    told->looked_at = refs->looked_at;
    told->calling = 0;
    for (uint32_t i = 0; i < refs->module_count; i++)
        told->calling += refs->modules[i].takes;
}

/* A forked child begins anew: what it inherits is its parent's. The takes stay, as nobody's, for as
 * long as their objects: what the parent has lost of these is not lost here. */
static void begin_anew(void) {
    refs->epoch = process.epoch;
    refs->taker_count = refs->row_count = 0;
    refs->left_out = 0;
    refs->ended = false;
    memset(refs->takers, 0, sizeof refs->takers);
    memset(refs->rows, 0, sizeof refs->rows);
    refs->rows[0].module = REFS_MODULES;
    for (uint32_t i = 0; i < REFS_TAKES; i++)
        if (refs->takes[i].object)
            refs->takes[i].row = refs->takes[i].taker = 0;
    for (uint32_t i = 0; i < refs->module_count; i++)
        refs_tell_module(i);
}

static void own_counts(void) {
    if (refs->epoch != process.epoch)
        begin_anew();
}

/* For a copy: which does not have the collector's memory. */
static void keep_counts(void) {
    for (uint32_t i = 1; i < REFS_ROWS; i++) {
        struct refs_row *row = &refs->rows[i];
        const struct references_row *now = &counts()->rows[i];
        if (!row->type)
            continue;
        row->taken = now->taken;
        row->given = now->returned + now->others;
        row->ended = now->ended;
    }
}

void refs_settle(void) {
    if (!refs || !process.epoch)
        return;
    own_counts(); /* a child without memory for them has its parent's rows, too */
    if (counts())
        keep_counts();
}

void refs_joined(void) {
    if (refs)
        refs_tell_module(REFS_MODULES);
}

static bool enter(void) {
    if (refs->busy || process.off || !process.epoch || !counts() || !python_gil_held(&self))
        return false;
    refs->busy = true;
    atomic_signal_fence(memory_order_seq_cst);
    own_counts();
    return true;
}

static void leave(void) {
    atomic_signal_fence(memory_order_seq_cst);
    refs->busy = false;
}

/* From 3.12 on, such an object's low half is negative as a number. */
static bool is_immortal(const char *object) {
    int32_t low;
    memcpy(&low, object, sizeof low);
    return python.at.minor >= 12 && low < 0;
}

/* -- Takes -- */

static uint32_t spread(uint64_t value) {
    return (uint32_t)(value * 0x9e3779b97f4a7c15u >> 40);
}

static uint32_t place_of(const char *object) {
    return spread((uintptr_t)object >> 3) & (REFS_TAKES - 1);
}

static const uint8_t *near_place(const void *object) {
    return &refs->near[(uintptr_t)object >> 4 & (REFS_NEAR - 1)];
}

static void near_set(const char *object, int count) {
    size_t place = (size_t)(near_place(object) - refs->near);
    refs->near[place] = (uint8_t)count;
    if (place < REFS_NEAR_MORE)
        refs->near[REFS_NEAR + place] = (uint8_t)count;
}

static void near_add(const char *object) {
    int count = *near_place(object);
    near_set(object, count + (count < 255));
}

/* At 255 nobody knows how many there are, and it stays. */
static void near_remove(const char *object) {
    int count = *near_place(object);
    near_set(object, count - (count > 0 && count < 255));
}

static struct refs_row *row_of_take(const struct refs_take *take) {
    return &refs->rows[take->row];
}

static struct refs_take *take_find(const char *object, uint32_t module) {
    if (!*near_place(object))
        return NULL;
    uint32_t i = place_of(object);
    while (refs->takes[i].object &&
           (refs->takes[i].object != object || row_of_take(&refs->takes[i])->module != module))
        i = (i + 1) & (REFS_TAKES - 1);
    return refs->takes[i].object ? &refs->takes[i] : NULL;
}

static struct references_row *counts_of(const struct refs_take *take) {
    return &counts()->rows[take->row];
}

static struct references_taker *taker_of(const struct refs_take *take) {
    return &counts()->takers[take->taker];
}

/* NULL: there is no room. */
static struct refs_take *take_add(const char *object, const struct refs_row *row, uint16_t taker) {
    if (refs->take_count >= REFS_TAKES / 4 * 3)
        return NULL;
    uint32_t i = place_of(object);
    while (refs->takes[i].object)
        i = (i + 1) & (REFS_TAKES - 1);
    refs->take_count++;
    near_add(object);
    refs->takes[i] = (struct refs_take){object, (uint16_t)(row - refs->rows), taker, 0};
    taker_of(&refs->takes[i])->objects++;
    return &refs->takes[i];
}

/* What comes after it moves up, so that no search ends too early. */
static void take_remove(struct refs_take *take) {
    uint32_t hole = (uint32_t)(take - refs->takes), mask = REFS_TAKES - 1;
    near_remove(take->object);
    taker_of(take)->objects--;
    refs->take_count--;
    for (uint32_t i = (hole + 1) & mask; refs->takes[i].object; i = (i + 1) & mask) {
        uint32_t home = place_of(refs->takes[i].object);
        if (((i - home) & mask) < ((i - hole) & mask))
            continue;
        refs->takes[hole] = refs->takes[i];
        hole = i;
    }
    refs->takes[hole] = (struct refs_take){0};
}

/* -- Rows -- */

static void row_name(struct refs_row *row, const char *type) {
    types_name(type, row->name, sizeof row->name);
    struct references_row *told = &counts()->rows[row - refs->rows];
    told->module = row->module;
    memcpy(told->type, row->name, sizeof told->type);
}

static const char *own_name(const char *type) {
    return python_pointer(type, python.at.type_name);
}

static bool is_named_so(const struct refs_row *row, const char *type) {
    return strncmp(row->own_name, own_name(type), REFS_OWN_NAME - 1) == 0;
}

/* Or the one that is free for it. */
static struct refs_row *row_find(const char *type, uint32_t module) {
    uint32_t i = spread((uintptr_t)type + module) & (REFS_ROWS - 1);
    i += i == 0;
    while (refs->rows[i].type && (refs->rows[i].type != type || refs->rows[i].module != module))
        i = i == REFS_ROWS - 1 ? 1 : i + 1;
    return &refs->rows[i];
}

/* NULL: there is no room. A type that was freed may have left its address to another: its row stays
 * as it is, and is nobody's any more. */
static struct refs_row *row_of(const char *object, uint32_t module) {
    static const char freed[1];
    const char *type = python_pointer(object, python.at.type);
    struct refs_row *row = row_find(type, module);
    if (row->type && !is_named_so(row, type)) {
        row->type = freed;
        row = row_find(type, module);
    }
    if (row->type)
        return row;
    if (refs->row_count >= REFS_ROWS / 4 * 3)
        return NULL;
    refs->row_count++;
    row->type = type;
    row->module = module;
    strncpy(row->own_name, own_name(type), REFS_OWN_NAME - 1);
    row_name(row, type);
    return row;
}

/* So many references that were taken are not outstanding any more, and no call has given them back.
 */
static void take_ended(const struct refs_take *take, uint32_t count) {
    counts_of(take)->ended += count;
    taker_of(take)->kept -= count;
}

/* The object is no more, or is another one from now on. */
static void object_ended(const char *object) {
    uint32_t mask = REFS_TAKES - 1, i = place_of(object);
    while (refs->takes[i].object) {
        struct refs_take *take = &refs->takes[i];
        if (take->object != object) {
            i = (i + 1) & mask;
            continue;
        }
        take_ended(take, take->count);
        take_remove(take); /* and another may stand there now */
    }
}

/* -- Takers -- */

/* The number of a stack, which the collector is told; 0: there is no room. */
static uint16_t taker_number(struct writer *writer, uint32_t node, uint32_t row) {
    uint32_t i = spread((uint64_t)node << 16 | row) & (REFS_TAKERS - 1);
    while (refs->takers[i].node && (refs->takers[i].node != node || refs->takers[i].row != row))
        i = (i + 1) & (REFS_TAKERS - 1);
    struct refs_taker *taker = &refs->takers[i];
    if (taker->node)
        return taker->number;
    if (refs->taker_count >= REFS_TAKERS / 4 * 3)
        return 0;
    uint16_t number = (uint16_t)++refs->taker_count;
    *taker = (struct refs_taker){node, (uint16_t)row, number};
    counts()->takers[number].row = row;
    event_mark(writer, MARK_TAKER, (uint64_t)number << 32 | node);
    return number;
}

/* Cold: how the functions that it calls are inlined elsewhere must not depend on it. */
static __attribute__((cold, noinline)) uint16_t taker_now(const struct refs_row *row) {
    struct writer *writer = event_begin();
    if (!writer)
        return 0;
    uint32_t node = writer->is_gil ? stack_node(&self, writer) : 0;
    uint16_t number = node ? taker_number(writer, node, (uint32_t)(row - refs->rows)) : 0;
    event_end(writer);
    return number;
}

/* -- The calls -- */

/* Whoever calls has a reference itself, so there are fewer outstanding takes than references: the
 * others were given back inline, or were of an object that stood here before. */
static void correct(struct refs_take *take) {
    uint32_t references;
    memcpy(&references, take->object, sizeof references);
    uint32_t most = references > 0 ? references - 1 : 0;
    if (take->count <= most)
        return;
    take_ended(take, take->count - most);
    take->count = most;
}

static void leave_out(void) {
    counts()->left_out = ++refs->left_out;
}

/* The first reference that the module takes of the object; NULL: there is no room. */
static struct refs_take *take_first(const char *object, uint32_t module) {
    struct refs_row *row = row_of(object, module);
    struct refs_take *take = row ? take_add(object, row, taker_now(row)) : NULL;
    if (take)
        return take;
    leave_out();
    if (row) {
        counts()->rows[row - refs->rows].taken++;
        counts()->rows[row - refs->rows].left_out++;
    }
    return NULL;
}

static void count_taken(const char *object, uint32_t module) {
    struct refs_take *take = take_find(object, module);
    if (take)
        correct(take);
    else
        take = take_first(object, module);
    if (!take)
        return;
    counts_of(take)->taken++;
    taker_of(take)->kept++;
    take->count++;
}

static void count_given(const char *object, uint32_t module) {
    struct refs_take *take = take_find(object, module);
    if (!take) {
        struct refs_row *row = row_of(object, module);
        if (row)
            counts()->rows[row - refs->rows].others++;
        return;
    }
    counts_of(take)->returned++;
    taker_of(take)->kept--;
    if (take->count <= 1 || --take->count == 0)
        take_remove(take);
}

void refs_incref(char *object, uint32_t module) {
    if (object && !is_immortal(object) && enter()) {
        count_taken(object, module);
        leave();
    }
    interpreter.incref(object);
}

void refs_decref(char *object, uint32_t module) {
    if (object && !is_immortal(object) && enter()) {
        count_given(object, module);
        leave();
    }
    interpreter.decref(object);
}

static void end_if_taken(const char *object) {
    if (*near_place(object) && enter()) {
        object_ended(object);
        leave();
    }
}

void refs_new(char *object) {
    end_if_taken(object);
    interpreter.new_reference(object);
}

void refs_dealloc(char *object) {
    end_if_taken(object);
    interpreter.dealloc(object);
}

/* An object begins where its block does, or behind a header of 16 or 32 bytes. */
void refs_freed(const void *block) {
    uint32_t near;
    memcpy(&near, near_place(block), sizeof near);
    if (!(near & 0xffffff) || !enter())
        return;
    for (uintptr_t header = 0; header <= 32; header += 16)
        object_ended((const char *)block + header);
    leave();
}

/* -- Births and deaths (--ref-tracer) -- */

enum tracer_event { TRACER_CREATE, TRACER_DESTROY };
typedef int tracer_function(char *object, enum tracer_event event, void *data);

static struct {
    int (*set)(tracer_function *tracer, void *data);
    tracer_function *(*get)(void **data);
    bool installed, lost; /* lost: it was not there for a while */
} tracer;

/* An object that was taken is no more, or another one begins in its place: also where the
 * interpreter keeps the memory for itself, and no block is freed. */
static int trace(char *object, enum tracer_event event, void *data) {
    (void)event;
    (void)data;
    end_if_taken(object);
    return 0;
}

/* There is one slot, which tracemalloc takes for as long as it is at work: it is never taken from
 * anybody. Once the interpreter is ready, with its GIL. */
static void tracer_install(void) {
    void *data;
    if (!tracer.set || !python_gil_held(&self) || !python_at_rest() || tracer.get(&data) == trace)
        return;
    tracer.lost |= tracer.installed || refs->take_count > 0;
    if (!tracer.get(&data))
        tracer.installed = tracer.set(trace, NULL) == 0;
}

bool refs_deaths_traced(void) {
    void *data;
    return tracer.installed && !tracer.lost && tracer.get(&data) == trace;
}

/* -- The beginning -- */

static bool find_functions(void *scope) {
    python_symbol(scope, "Py_IncRef", &interpreter.incref);
    python_symbol(scope, "Py_DecRef", &interpreter.decref);
    python_symbol(scope, "_Py_NewReference", &interpreter.new_reference);
    python_symbol(scope, "_Py_Dealloc", &interpreter.dealloc);
    return interpreter.incref && interpreter.decref;
}

/* Without a GIL nothing orders the calls, and no copy of the heap can be made. */
void refs_begin(void *scope) {
    if (refs || !process.session || !process.session->refs || !counts() || !python.present ||
        !python.has_gil || !find_functions(scope))
        return;
    refs = pages_map(sizeof *refs);
    if (!refs)
        return;
    refs->epoch = process.epoch;
    if (process.session->refs == REFS_TRACED) {
        python_symbol(scope, "PyRefTracer_SetTracer", &tracer.set);
        python_symbol(scope, "PyRefTracer_GetTracer", &tracer.get);
    }
    if (!tracer.get)
        tracer.set = NULL;
    slots_begin(scope);
    slots_patch();
}

void refs_opened(void) {
    if (!refs)
        return;
    slots_patch();
    tracer_install();
}

void refs_closed(void) {
    if (refs)
        slots_forget();
}
