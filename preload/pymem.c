/* Wrappers around Python's allocators: each block that the interpreter asks for is one block here,
 * of the size it asked for, whichever pool or arena it comes from.
 *
 * A wrapper's real function may itself be a wrapper of ours, or call one (tracemalloc between two
 * of ours; large objects go on to the RAW domain): thread.in_python makes the outermost one count.
 *
 * The RAW domain's wrappers (raw_*) are called with and without the GIL; those of the other two
 * (object_*) with it, and these two go the short way of hot.h.
 */
#include <dlfcn.h>
#include <string.h>

#include "followed.h"
#include "hot.h"
#include "python.h"
#include "refs/refs.h"
#include "snapshot.h"
#include "thread.h"

enum { DOMAIN_RAW, DOMAIN_MEM, DOMAIN_OBJ, DOMAINS };

/* As PyObjectArenaAllocator. */
struct arena_allocator {
    void *context;
    void *(*alloc)(void *context, size_t size);
    void (*free)(void *context, void *arena, size_t size);
};

#define INSTALLS 16u

/* Allocations between two looks at whether our wrappers are still on top. */
#define CHECK_EVERY 64u

/* The interpreter's functions, and what was there before each installation of ours. Those stay for
 * good: others who save and restore tables (tracemalloc) may bring an old one back. Written while
 * the interpreter is single-threaded or with its GIL. */
static struct {
    void (*get)(int domain, struct allocator *allocator);
    void (*set)(int domain, const struct allocator *allocator);
    int (*initialized)(void);
    size_t arena_size;
    struct arena_allocator arena;
    uint32_t install_count[DOMAINS];
    struct allocator installs[DOMAINS][INSTALLS];
} pymem;

/* The allocator behind a wrapper. A thread without the GIL can read a table of the RAW domain while
 * it is being replaced, and call us with a context that is not ours: it then means the first one.
 */
static const struct allocator *behind(void *context) {
    uintptr_t offset = (uintptr_t)context - (uintptr_t)pymem.installs;
    return offset < sizeof pymem.installs ? context : &pymem.installs[DOMAIN_RAW][0];
}

void pymem_tick(bool gil_held) {
    if (self.checks-- != 0)
        return;
    self.checks = CHECK_EVERY - 1;
    pymem_check(gil_held);
}

static __attribute__((noinline)) void *malloc_counted(const struct allocator *real, size_t size) {
    snapshot_before(size);
    self.in_python = 1;
    void *block = real->malloc(real->context, size);
    self.in_python = 0;
    return note_made(BLOCK_PYTHON, block, size);
}

static void *raw_malloc(void *context, size_t size) {
    const struct allocator *real = behind(context);
    return self.in_python ? real->malloc(real->context, size) : malloc_counted(real, size);
}

static __attribute__((noinline)) void *calloc_counted(const struct allocator *real, size_t count,
                                                      size_t size) {
    snapshot_before(count * size);
    self.in_python = 1;
    void *block = real->calloc(real->context, count, size);
    self.in_python = 0;
    return note_made(BLOCK_PYTHON, block, count * size);
}

static void *raw_calloc(void *context, size_t count, size_t size) {
    const struct allocator *real = behind(context);
    return self.in_python ? real->calloc(real->context, count, size)
                          : calloc_counted(real, count, size);
}

static void *realloc_counted(const struct allocator *real, void *block, size_t size) {
    struct writer *writer = event_begin();
    if (writer)
        event_realloc_begin(writer, block);
    else
        event_realloc_untold(block);
    self.in_python++;
    void *moved = real->realloc(real->context, block, size);
    self.in_python--;
    if (writer) {
        event_realloc_end(writer, BLOCK_PYTHON, 0, moved, moved ? size : 0,
                          moved ? stack_node(&self, writer) : 0);
        event_end(writer);
    }
    return moved;
}

static void *realloc_as(const struct allocator *real, void *block, size_t size) {
    if (self.in_python)
        return real->realloc(real->context, block, size);
    if (block) {
        snapshot_before_again(size);
        return realloc_counted(real, block, size);
    }
    snapshot_before(size);
    self.in_python++;
    void *made = real->realloc(real->context, NULL, size);
    self.in_python--;
    if (made)
        note_alloc(BLOCK_PYTHON, made, size);
    return made;
}

/* Of the object domain: what fails leaves the block as it was. Nobody else has made an object there
 * in between, as that takes the GIL. */
static void *realloc_slowly(const struct allocator *real, void *block, size_t size) {
    void *moved = realloc_as(real, block, size);
    if (block && moved)
        followed_freed(block);
    return moved;
}

static void *raw_realloc(void *context, void *block, size_t size) {
    return realloc_as(behind(context), block, size);
}

static __attribute__((noinline)) void free_counted(const struct allocator *real, void *block) {
    if (block)
        note_free(block, false);
    self.in_python = 1;
    real->free(real->context, block);
    self.in_python = 0;
}

static void raw_free(void *context, void *block) {
    const struct allocator *real = behind(context);
    if (self.in_python)
        real->free(real->context, block);
    else
        free_counted(real, block);
}

static hot_inline void *object_malloc(const struct python_offsets *at, struct hot_rest rest,
                                      void *context, size_t size) {
    const struct allocator *real = context;
    if (unlikely(self.in_python))
        return real->malloc(real->context, size);
    if (unlikely(snapshot_is_near(size)))
        return malloc_counted(real, size);
    self.in_python = 1;
    void *block = real->malloc(real->context, size);
    self.in_python = 0;
    void *noted = block ? hot_alloc(at, rest, BLOCK_PYTHON, block, size) : NULL;
    return likely(noted) ? noted : note_made(BLOCK_PYTHON, block, size);
}

static hot_inline void *object_calloc(const struct python_offsets *at, struct hot_rest rest,
                                      void *context, size_t count, size_t size) {
    const struct allocator *real = context;
    if (unlikely(self.in_python))
        return real->calloc(real->context, count, size);
    if (unlikely(snapshot_is_near(count * size)))
        return calloc_counted(real, count, size);
    self.in_python = 1;
    void *block = real->calloc(real->context, count, size);
    self.in_python = 0;
    void *noted = block ? hot_alloc(at, rest, BLOCK_PYTHON, block, count * size) : NULL;
    return likely(noted) ? noted : note_made(BLOCK_PYTHON, block, count * size);
}

/* Lists grow by this, so that it is worth a short way. */
static hot_inline void *object_realloc(const struct python_offsets *at, struct hot_rest rest,
                                       void *context, void *block, size_t size) {
    const struct allocator *real = context;
    if (unlikely(self.in_python))
        return real->realloc(real->context, block, size);
    if (unlikely(snapshot_is_near(size) || (block && filter_flags(block))))
        return realloc_slowly(real, block, size);
    const char *state = block ? hot_realloc_begin(at, block) : NULL;
    if (unlikely(block && !state))
        return realloc_as(real, block, size);
    self.in_python = 1;
    void *moved = real->realloc(real->context, block, size);
    self.in_python = 0;
    if (block)
        return hot_realloc_end(at, state, BLOCK_PYTHON, moved, size);
    void *noted = moved ? hot_alloc(at, rest, BLOCK_PYTHON, moved, size) : NULL;
    return likely(noted) ? noted : note_made(BLOCK_PYTHON, moved, size);
}

/* Every object has its type where a code object has it; the filter lets few others through. */
static bool is_code(const void *object) {
    return (filter_flags(object) & FILTER_CODE) && python.present &&
           python_pointer(object, python.at.type) == python.code_type;
}

/* One behind a wrapper of the object domain. */
static bool is_of_objects(const struct allocator *real) {
    return (uintptr_t)real - (uintptr_t)pymem.installs[DOMAIN_OBJ] <
           sizeof pymem.installs[DOMAIN_OBJ];
}

static __attribute__((noinline)) void object_free_slowly(const struct allocator *real,
                                                         void *block) {
    uint32_t before = self.in_python;
    followed_freed(block);
    if (block && is_code(block))
        stack_code_freed(block);
    if (block && !before && (process.tells_frees || !hot_free_any(block)))
        note_free(block, is_of_objects(real));
    self.in_python = 1;
    real->free(real->context, block);
    self.in_python = before;
}

static hot_inline void object_free(const struct python_offsets *at, void *context, void *block) {
    const struct allocator *real = context;
    if (unlikely((self.in_python | filter_flags(block)) || !hot_free(at, block))) {
        object_free_slowly(real, block);
        return;
    }
    self.in_python = 1;
    real->free(real->context, block);
    self.in_python = 0;
}

/* The functions of the domains that are called with the GIL. */
#define OBJECT_FUNCTIONS(layout)                                                                   \
    static __attribute__((noinline, returns_nonnull)) void *object_entered_##layout(               \
        const char *state, void *block, uint64_t size) {                                           \
        return hot_alloc_entered(layout_offsets(layout), state, BLOCK_PYTHON, block, size);        \
    }                                                                                              \
    static __attribute__((noinline, returns_nonnull)) void *object_near_##layout(                  \
        const char *state, void *block, uint64_t size) {                                           \
        return hot_alloc_near(layout_offsets(layout), object_entered_##layout, state,              \
                              BLOCK_PYTHON, block, size);                                          \
    }                                                                                              \
    static const struct hot_rest object_rest_##layout = {object_near_##layout,                     \
                                                         object_entered_##layout};                 \
    static void *object_malloc_##layout(void *context, size_t size) {                              \
        return object_malloc(layout_offsets(layout), object_rest_##layout, context, size);         \
    }                                                                                              \
    static void *object_calloc_##layout(void *context, size_t count, size_t size) {                \
        return object_calloc(layout_offsets(layout), object_rest_##layout, context, count, size);  \
    }                                                                                              \
    static void *object_realloc_##layout(void *context, void *block, size_t size) {                \
        return object_realloc(layout_offsets(layout), object_rest_##layout, context, block, size); \
    }                                                                                              \
    static void object_free_##layout(void *context, void *block) {                                 \
        object_free(layout_offsets(layout), context, block);                                       \
    }

EACH_LAYOUT(OBJECT_FUNCTIONS)

static const struct allocator object_functions[LAYOUTS] = {
#define OBJECT_TABLE(layout)                                                                       \
    [layout] = {NULL, object_malloc_##layout, object_calloc_##layout, object_realloc_##layout,     \
                object_free_##layout},
    EACH_LAYOUT(OBJECT_TABLE)};

/* In place of object_malloc_* and the others, where references are counted. */
static void *object_malloc_watched(void *context, size_t size) {
    bool ends = python_is_ending();
    if (unlikely(refs->ended != ends) && !self.in_python)
        refs->ended = ends && snapshot_at_end(); /* embedded, it may begin anew */
    return object_functions[python.layout].malloc(context, size);
}

static void *object_realloc_counted(void *context, void *block, size_t size) {
    void *moved = object_functions[python.layout].realloc(context, block, size);
    if (block && moved && moved != block)
        refs_freed(block);
    return moved;
}

static void object_free_counted(void *context, void *block) {
    refs_freed(block);
    object_functions[python.layout].free(context, block);
}

/* Arenas hold blocks that are counted one by one. What else comes through here (the frames' stack,
 * from 3.11) is memory like any other. */
static void *arena_alloc(void *context, size_t size) {
    (void)context;
    bool arena = size == pymem.arena_size;
    self.in_python += arena;
    void *start = pymem.arena.alloc(pymem.arena.context, size);
    self.in_python -= arena;
    return start;
}

static void arena_free(void *context, void *start, size_t size) {
    (void)context;
    pymem.arena.free(pymem.arena.context, start, size);
}

/* Those that were put in may be of the layout that was known then. */
static bool is_ours(const struct allocator *now) {
    bool ours = now->realloc == raw_realloc || now->realloc == object_realloc_counted;
    for (int layout = 0; layout < LAYOUTS; layout++)
        ours |= now->realloc == object_functions[layout].realloc;
    return ours;
}

static struct allocator *saved(int domain, const struct allocator *now) {
    struct allocator *installs = pymem.installs[domain];
    uint32_t *count = &pymem.install_count[domain];
    for (uint32_t i = 0; i < *count; i++)
        if (memcmp(&installs[i], now, sizeof *now) == 0)
            return &installs[i];
    if (*count == INSTALLS)
        return NULL;
    installs[*count] = *now;
    return &installs[(*count)++];
}

static void wrap(int domain) {
    struct allocator now;
    pymem.get(domain, &now);
    struct allocator *context = is_ours(&now) ? NULL : saved(domain, &now);
    if (!context)
        return;
    struct allocator raw = {context, raw_malloc, raw_calloc, raw_realloc, raw_free};
    struct allocator object = object_functions[python.layout];
    object.context = context;
    if (refs) {
        object.malloc = object_malloc_watched;
        object.realloc = object_realloc_counted;
        object.free = object_free_counted;
    }
    pymem.set(domain, domain == DOMAIN_RAW ? &raw : &object);
}

static void wrap_all(void) {
    for (int domain = 0; domain < DOMAINS; domain++)
        wrap(domain);
}

static void wrap_arenas(void *scope) {
    void (*get)(struct arena_allocator *);
    void (*set)(const struct arena_allocator *);
    python_symbol(scope, "PyObject_GetArenaAllocator", &get);
    python_symbol(scope, "PyObject_SetArenaAllocator", &set);
    if (!get || !set)
        return;
    /* 1 MiB from 3.10 on. */
    pymem.arena_size = python.present && python.at.minor < 10 ? 256u << 10 : 1u << 20;
    get(&pymem.arena);
    struct arena_allocator ours = {NULL, arena_alloc, arena_free};
    set(&ours);
}

void pymem_install(void *scope) {
    python_symbol(scope, "PyMem_GetAllocator", &pymem.get);
    python_symbol(scope, "Py_IsInitialized", &pymem.initialized);
    python_symbol(scope, "PyMem_SetAllocator", &pymem.set);
    if (!pymem.get || !pymem.set || !pymem.initialized) {
        pymem.set = NULL;
        return;
    }
    wrap_arenas(scope);
    wrap_all();
}

void pymem_replace(const struct allocator *allocator) {
    for (int domain = 0; domain < DOMAINS; domain++)
        for (uint32_t i = 0; i < INSTALLS; i++)
            pymem.installs[domain][i] = *allocator;
}

bool python_is_ending(void) {
    return python_pointer(python.runtime, python.at.runtime_finalizing);
}

/* The state of the main interpreter's cycle collector; NULL: there is none. */
static const char *find_collector(void) {
    if (python.at.runtime_gc)
        return python.runtime + python.at.runtime_gc;
    const char *main = python_pointer(python.runtime, python.at.runtime_main_interpreter);
    return main ? main + python.at.interpreter_gc : NULL;
}

bool python_collects(void) {
    const char *collector = find_collector();
    return collector && *(const int *)(const void *)(collector + python.at.gc_collecting) != 0;
}

bool python_at_rest(void) {
    return pymem.set && pymem.initialized() && !python_is_ending() && !python_collects();
}

/* PYTHONMALLOC and -X dev replace all three tables while the interpreter starts; later,
 * tracemalloc's stop() does, when it was there before us. Then ours goes on top again, also on top
 * of a tracemalloc that has just started: where one of ours is already below, it stays silent. */
void pymem_check(bool gil_held) {
    if (!pymem.set || (!gil_held && pymem.initialized()))
        return;
    struct allocator now;
    pymem.get(DOMAIN_OBJ, &now);
    if (is_ours(&now))
        return;
    followed_missed();
    wrap_all();
}
