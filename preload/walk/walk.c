/* The walk as a whole: name what the cycle collector knows, then all that is reached from there and
 * from the frames, in the order in which it was named.
 */
#include "heap.h"

#include <time.h>

#include "../sys.h"

#define NATIVE_WORDS_MAX (4u << 20) /* looked at in all, in native memory */
#define GENERATIONS 3u
#define GENERATION_HEAD_MASK (~(uintptr_t)3) /* flags of the collector, in either link */
#define GC_HEAD 16u

/* -- What the cycle collector knows -- */

static const char *next_head(const char *head) {
    return (const char *)((uintptr_t)python_pointer(head, 0) & GENERATION_HEAD_MASK);
}

static const char *previous_head(const char *head) {
    return (const char *)((uintptr_t)python_pointer(head, 8) & GENERATION_HEAD_MASK);
}

/* A ring: whoever comes after it has it before. */
static bool is_list(struct walk *walk, const char *head) {
    if (!memory_readable(walk, head, 16))
        return false;
    const char *next = next_head(head), *previous = previous_head(head);
    return next && previous && memory_readable(walk, next, 16) &&
           memory_readable(walk, previous, 16) && previous_head(next) == head &&
           next_head(previous) == head;
}

/* The generations have moved within a minor version (in 3.13, by 4 bytes): the table's place first,
 * then its neighbours. Early releases of 3.14 have other generations, of the same shape. */
static const char *generations(struct walk *walk, const char *collector) {
    static const int32_t moves[] = {0, -4, -16, -8, 8, 16};
    for (size_t i = 0; i < sizeof moves / sizeof moves[0]; i++) {
        int64_t offset = (int64_t)python.at.gc_generations + moves[i];
        bool found = offset >= 0;
        for (uint32_t g = 0; g < GENERATIONS && found; g++)
            found = is_list(walk, collector + offset + (size_t)g * python.at.gc_generation_size);
        if (found)
            return collector + offset;
    }
    return NULL;
}

static void name_list(struct walk *walk, const char *head) {
    for (const char *at = next_head(head);
         at && at != head && !walk->cut && walk->named < OBJECTS_MAX; at = next_head(at))
        name_object(walk, at + GC_HEAD);
}

/* The youngest generations of all interpreters first, so that a number tells which an object is in.
 */
static void name_generations(struct walk *walk, uint32_t from, uint32_t to) {
    const char *interpreter = first_interpreter();
    for (uint32_t i = 0; interpreter && i < 1024; i++) {
        const char *collector =
            (python.at.minor == 8 ? python.runtime : interpreter) + python.at.gc;
        const char *lists = generations(walk, collector);
        for (uint32_t g = from; lists && g < to; g++)
            name_list(walk, lists + (size_t)g * python.at.gc_generation_size);
        const char *frozen = collector + python.at.gc_permanent;
        if (lists && to == GENERATIONS && is_list(walk, frozen))
            name_list(walk, frozen);
        interpreter = next_interpreter(interpreter);
    }
}

/* -- Which code there is besides, for a shallow walk -- */

static bool is_dict(struct walk *walk, const char *object) {
    return object && object_plausible(walk, object) && type_flags(type_of(object)) & TYPE_IS_DICT;
}

/* A module's variables are its first field. */
static void name_file_of(struct walk *walk, const char *module) {
    const struct walked_type *type =
        object_plausible(walk, module) ? type_find(walk, type_of(module)) : NULL;
    const char *dict =
        type && type->kind == GRAPH_MODULE ? python_pointer(module, python.at.size) : NULL;
    const char *file = is_dict(walk, dict) ? dict_get(dict, "__file__") : NULL;
    if (file)
        name_object(walk, file);
}

/* The files of all modules that were imported: their functions may read frames. Other threads of a
 * build without a GIL may change the dict; nothing is concluded from such a walk. */
static void name_module_files(struct walk *walk) {
    struct dict_table table;
    const char *key, *value;
    const char *interpreter = first_interpreter();
    if (!interpreter || (python.at.free_threaded && !threads_alone()))
        return;
    const char *modules = python_pointer(interpreter, python.at.interpreter_modules);
    if (!is_dict(walk, modules))
        return;
    dict_open(modules, &table);
    for (uint64_t i = 0; dict_next(&table, &i, &key, &value);)
        name_file_of(walk, value);
}

/* -- Together -- */

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void *take_for_writer(struct graph_writer *writer, size_t size) {
    return pool_take(writer->owner, size);
}

static void begin(struct walk *walk, struct graph_writer *writer) {
    const struct walk_request *request = walk->request;
    writer->owner = walk;
    writer->take = take_for_writer;
    uint32_t flags = request->shallow ? GRAPH_SHALLOW : 0;
    if (python.at.free_threaded && !threads_alone())
        flags |= GRAPH_FREE_THREADED;
    if (request->with_addresses)
        flags |= GRAPH_HAS_ADDRESSES;
    graph_begin(writer, (uint32_t)python.at.minor, flags);
}

/* A stream that is cut short has no end. */
static void end(struct walk *walk, uint64_t started) {
    const struct graph_stats stats = {.objects = walk->told,
                                      .edges = walk->edge_count,
                                      .walk_ns = now() - started,
                                      .memory = walk->pool.taken};
    if (walk->cut)
        graph_flush(walk->writer);
    else
        graph_end(walk->writer, &stats);
}

static void walk_all(struct walk *walk) {
    if (!walk->request->shallow) {
        name_generations(walk, 0, 1);
        walk->young = walk->named;
        name_generations(walk, 1, GENERATIONS);
        walk->old = walk->named;
        roots_tell(walk);
    } else {
        name_module_files(walk);
    }
    threads_name(walk);
    objects_tell(walk);
    lost_name(walk);
    objects_tell(walk);
    if (!walk->request->shallow) {
        static_roots_tell(walk);
        objects_tell(walk);
    }
    walk->sure = walk->named;
    threads_tell(walk);
    objects_tell(walk);
    lost_tell(walk);
    copies_tell(walk);
}

static void take_large(struct walk *walk) {
    const struct walk_request *request = walk->request;
    if (!request->large || !request->large_count)
        return;
    const struct large_block *last = &request->large[request->large_count - 1];
    walk->large_low = request->large[0].address;
    walk->large_high = last->address + last->size;
}

bool walk_heap(struct graph_writer *writer, const struct walk_request *given) {
    struct walk_request request = *given;
    if (!python.present || (!request.shallow && !interpreter_symbols.base_object))
        return false;
    /* Without a GIL other threads change what is walked. */
    request.shallow |= !python.has_gil;
    struct walk *walk = pages_map(sizeof *walk);
    if (!walk)
        return false;
    walk->pool.limit = request.memory_limit;
    walk->writer = writer;
    walk->request = &request;
    walk->native_budget = NATIVE_WORDS_MAX;
    walk->barren = pool_take(walk, BARREN_PIECES * sizeof *walk->barren);
    walk->references = pool_take(walk, REFERENCES_MAX * sizeof *walk->references);
    uint64_t started = now();
    take_large(walk);
    if (walk->references && walk->barren) {
        begin(walk, writer);
        walk_all(walk);
    }
    end(walk, started);
    bool whole = !walk->cut && !writer->failed;
    pool_release(walk);
    pages_unmap(walk, sizeof *walk);
    return whole;
}
