/* Use that is made of a frame's locals by other ways than its own instructions: functions that read
 * the locals of other frames, and those that tell native code where something lies.
 *
 * Whoever reads another frame's locals mentions f_locals, or calls something of the standard
 * library that does. _getframe alone gives file names, line numbers and globals, which is what
 * logging, warnings, namedtuple and the like want of it; and a frame that is passed on is read
 * where f_locals is mentioned. So the search begins with all code of the heap that does, made into
 * functions or not. Then it goes on with whoever mentions one of these functions by its own name or
 * by one that it is bound to, and so on. What of this is running may read the locals of its callers
 * and its own; if it also has to do with tracebacks, those of what it called.
 *
 * Of installed packages only what they call among themselves is followed, and no further than to
 * PACKAGE_NAMES_MAX names: beyond that everybody mentions everybody. Of the program everything is.
 * A function of the program that something else than a module's variable or a frame refers to (a
 * class, a list, native code that knows it as a signal handler) may be called by anyone: then no
 * local of any frame is dead. Likewise when locals() or the like has another name.
 *
 * Not seen are names that are put together at run time, modules that are not yet imported, and what
 * native code reads without a name. What error reporters of packages show of a frame in case of an
 * exception is no use.
 */
#include "routines.h"

#include "wire/array.h"

#include <stdlib.h>
#include <string.h>

#define PACKAGE_NAMES_MAX 64u
#define STEPS_MAX (1ull << 28) /* routines and names looked at; a real heap needs a thousandth */

enum reading {
    READS_LOCALS = 1,     /* of any frame that it gets */
    READS_TRACEBACKS = 2, /* gets the frames of one */
    READS_THREADS = 4,    /* gets those of all threads */
    IN_PACKAGE = 8,       /* words: found in the package that is being looked at */
    BY_PACKAGE = 16,      /* words: name a function of a package that reads locals */
    /* and WORD_AS_NAME: looks functions up by names that are only known at run time */
};

/* A variable's or attribute's name for a function. */
struct binding {
    uint32_t function, word;
    bool of_program; /* a variable of one of the program's modules */
};

struct search {
    const struct heap *heap;
    struct routines routines;
    uint8_t *words;  /* enum reading, by text */
    uint32_t *named; /* texts that are names of the package that is being looked at */
    uint32_t named_count;
    struct binding *bindings;
    uint32_t binding_count, binding_capacity;
    uint64_t steps;
    bool *program_modules; /* by object: a dict of variables of a module of the program */
};

static bool is_listed(const char *text, const char *const *list) {
    for (; *list; list++)
        if (strcmp(text, *list) == 0)
            return true;
    return false;
}

/* -- Where the search begins -- */

static uint8_t readings_of(const char *text) {
    static const char *const locals[] = {"capture_locals", "f_locals",  "getargvalues",
                                         "post_mortem",    "set_trace", "show_locals",
                                         "showlocals",     "tb_locals", NULL};
    static const char *const tracebacks[] = {
        "capture_locals", "getinnerframes", "pm",    "post_mortem", "show_locals", "showlocals",
        "tb_frame",       "tb_locals",      "trace", "walk_tb",     NULL};
    return (uint8_t)((is_listed(text, locals) ? READS_LOCALS : 0) |
                     (is_listed(text, tracebacks) ? READS_TRACEBACKS : 0) |
                     (strcmp(text, "_current_frames") == 0 ? READS_THREADS : 0));
}

static void mark_words(struct search *search) {
    const struct graph *graph = search->heap->graph;
    for (uint32_t i = 1; i < graph->text_count; i++)
        search->words[i] = readings_of(graph->texts[i]);
    search->words[0] = READS_LOCALS | READS_TRACEBACKS | READS_THREADS;
}

/* -- Names -- */

static bool add_binding(struct search *search, struct binding binding) {
    if (!array_reserve(&search->bindings, &search->binding_capacity,
                       (uint64_t)search->binding_count + 1, sizeof *search->bindings))
        return false;
    search->bindings[search->binding_count++] = binding;
    return true;
}

static struct routine *routine_of(const struct search *search, uint32_t function) {
    return routines_find(&search->routines, field_of(search->heap, function, "__code__"));
}

static void find_modules(struct search *search) {
    for (uint32_t node = 1; node < search->heap->frame_base; node++) {
        if (heap_kind(search->heap, node) != GRAPH_FUNCTION)
            continue;
        const struct routine *routine = routine_of(search, node);
        if (routine && routine->from.origin == ORIGIN_PROGRAM)
            search->program_modules[field_of(search->heap, node, "__globals__")] = true;
    }
}

static bool bind_fields(struct search *search, uint32_t node) {
    const struct heap *heap = search->heap;
    const struct graph_object *object = &heap->graph->objects[node];
    uint32_t key = 0;
    bool good = true;
    for (uint32_t i = 0; i < object->edge_count && good; i++) {
        const struct graph_edge_record *edge = &heap->graph->edges[object->first_edge + i];
        if (edge->kind == EDGE_KEY)
            key = edge->target;
        if ((edge->kind != EDGE_VALUE && edge->kind != EDGE_ATTRIBUTE) || edge->target == 0 ||
            heap_kind(heap, edge->target) != GRAPH_FUNCTION)
            continue;
        uint32_t word = edge->kind == EDGE_ATTRIBUTE        ? edge->text
                        : heap_kind(heap, key) == GRAPH_STR ? heap_object(heap, key)->detail
                                                            : 0;
        good = add_binding(search, (struct binding){edge->target, word,
                                                    search->program_modules[node] && word != 0});
    }
    return good;
}

/* A frame's local names a function too. */
static bool bind_locals(struct search *search) {
    const struct graph *graph = search->heap->graph;
    for (uint32_t i = 1; i < graph->frame_count; i++) {
        const struct graph_frame *frame = &graph->frames[i];
        const struct graph_code *code = &graph->codes[frame->code];
        for (uint32_t k = 0; k < frame->local_count && k < code->local_count; k++)
            if (heap_kind(search->heap, frame->locals[k].object) == GRAPH_FUNCTION &&
                !add_binding(
                    search, (struct binding){frame->locals[k].object, code->local_names[k], false}))
                return false;
    }
    return true;
}

static bool bind_all(struct search *search) {
    find_modules(search);
    for (uint32_t node = 1; node < search->heap->frame_base; node++)
        if (!bind_fields(search, node))
            return false;
    return bind_locals(search);
}

static void add_word(struct search *search, uint32_t word, uint8_t flags) {
    if (word == 0 || search->heap->graph->texts[word][0] == '<')
        return;
    if (flags & IN_PACKAGE && !(search->words[word] & IN_PACKAGE))
        search->named[search->named_count++] = word;
    search->words[word] |= flags;
}

/* The class of a method that is called without being named, as __init__ is: "Rows.__init__". */
static void add_class(struct search *search, const char *qualified, uint8_t flags) {
    const struct graph *graph = search->heap->graph;
    const char *dot = strrchr(qualified, '.'), *start = qualified;
    if (!dot || strncmp(dot, ".__", 3) != 0)
        return;
    for (const char *at = qualified; at < dot; at++)
        start = *at == '.' ? at + 1 : start;
    size_t length = (size_t)(dot - start);
    search->steps += graph->text_count;
    for (uint32_t i = 1; i < graph->text_count; i++)
        if (strncmp(graph->texts[i], start, length) == 0 && graph->texts[i][length] == 0)
            add_word(search, i, flags);
}

/* -- Who calls whom -- */

/* Only routines of one place. */
static bool is_from(const struct routine *routine, const struct place_of_origin *place) {
    return routine->from.origin == place->origin &&
           routine->from.package_length == place->package_length &&
           memcmp(routine->from.package, place->package, place->package_length) == 0;
}

/* Those that mention a word, or make a function that has the reading. They are fresh until named.
 */
static uint32_t take_mentions(struct search *search, const struct place_of_origin *place,
                              uint8_t words, uint8_t reading) {
    uint32_t taken = 0;
    search->steps += search->routines.count + search->binding_count;
    for (uint32_t i = 0; i < search->routines.count && search->steps < STEPS_MAX; i++) {
        struct routine *routine = &search->routines.all[i];
        if (routine->readings & reading || !is_from(routine, place) ||
            !(routine_mentions(&search->routines, routine, search->words, words) ||
              routine_makes(&search->routines, routine, reading)))
            continue;
        routine->readings |= reading;
        routine->fresh = true;
        taken++;
    }
    return taken;
}

static void name_fresh(struct search *search, uint8_t words) {
    const struct heap *heap = search->heap;
    const char *const *texts = (const char *const *)heap->graph->texts;
    for (uint32_t i = 0; i < search->binding_count; i++) {
        const struct binding *binding = &search->bindings[i];
        const struct routine *routine = routine_of(search, binding->function);
        if (!routine || !routine->fresh)
            continue;
        add_word(search, binding->word, words);
        if (routine->from.origin == ORIGIN_PACKAGE)
            add_class(search, texts[heap_object(heap, binding->function)->detail], words);
    }
    for (uint32_t i = 0; i < search->routines.count; i++) {
        struct routine *routine = &search->routines.all[i];
        if (routine->fresh)
            add_word(search, routine->name, words);
        routine->fresh = false;
    }
}

/* The names of the last round that is within the limit; the first one counts anyhow. */
static void search_package(struct search *search, const struct place_of_origin *place) {
    uint32_t kept = 0;
    search->named_count = 0;
    take_mentions(search, place, READS_LOCALS, READS_LOCALS);
    do {
        name_fresh(search, IN_PACKAGE);
        if (kept == 0 || search->named_count <= PACKAGE_NAMES_MAX)
            kept = search->named_count;
    } while (search->named_count <= PACKAGE_NAMES_MAX &&
             take_mentions(search, place, IN_PACKAGE, READS_LOCALS) > 0);
    for (uint32_t i = 0; i < search->named_count; i++) {
        search->words[search->named[i]] &= (uint8_t)~IN_PACKAGE;
        if (i < kept)
            search->words[search->named[i]] |= BY_PACKAGE;
    }
}

static void search_packages(struct search *search) {
    for (uint32_t i = 0; i < search->routines.count; i++) {
        const struct routine *routine = &search->routines.all[i];
        if (routine->from.origin == ORIGIN_PACKAGE && !(routine->readings & READS_LOCALS) &&
            routine_mentions(&search->routines, routine, search->words, READS_LOCALS))
            search_package(search, &routine->from);
    }
}

/* A function may also be found by a name that is only known at run time. */
static void distrust_lookups(struct search *search) {
    static const char *const lookups[] = {"__dict__", "__import__",    "attrgetter",   "getattr",
                                          "globals",  "import_module", "methodcaller", NULL};
    for (uint32_t i = 1; i < search->heap->graph->text_count; i++)
        if (is_listed(search->heap->graph->texts[i], lookups))
            search->words[i] |= WORD_AS_NAME;
}

static const struct place_of_origin of_program = {ORIGIN_PROGRAM, "", 0};

static bool search_program(struct search *search, uint8_t words, uint8_t reading) {
    bool found = false;
    while (take_mentions(search, &of_program, words, reading) > 0) {
        name_fresh(search, reading);
        found = true;
    }
    return found;
}

/* -- What anyone may call -- */

static uint64_t references_in_frames(const struct heap *heap, uint32_t function) {
    const struct graph *graph = heap->graph;
    uint64_t found = 0;
    for (uint32_t i = 1; i < graph->frame_count; i++) {
        const struct graph_frame *frame = &graph->frames[i];
        found += frame->function == function;
        for (uint32_t k = 0; k < frame->local_count; k++)
            found += frame->locals[k].object == function && !frame->locals[k].borrowed;
        for (uint32_t k = 0; k < frame->stack_count && (int32_t)k < heap->frames[i].depth; k++)
            found += frame->stack[k].object == function && !frame->stack[k].borrowed;
    }
    return found;
}

/* A module's code has a function too, which runs once and is held by native code meanwhile. */
static bool may_be_called_by_anyone(struct search *search, uint32_t function) {
    search->steps += search->binding_count + search->heap->graph->frame_count;
    if (search->steps >= STEPS_MAX)
        return true;
    if (heap_text_is(search->heap, heap_object(search->heap, function)->detail, "<module>"))
        return false;
    uint64_t known = references_in_frames(search->heap, function);
    for (uint32_t i = 0; i < search->binding_count; i++)
        known += search->bindings[i].function == function && search->bindings[i].of_program;
    return known != heap_object(search->heap, function)->references;
}

static bool reads_in_program(const struct routine *routine) {
    return routine && routine->from.origin == ORIGIN_PROGRAM && routine->readings & READS_LOCALS;
}

/* A function that is not bound to names alone, or a generator that goes on. */
static bool has_stray_reader(struct search *search) {
    const struct graph *graph = search->heap->graph;
    for (uint32_t node = 1; node < search->heap->frame_base; node++)
        if (heap_kind(search->heap, node) == GRAPH_FUNCTION &&
            reads_in_program(routine_of(search, node)) && may_be_called_by_anyone(search, node))
            return true;
    for (uint32_t i = 1; i < graph->frame_count; i++) {
        uint32_t code = graph->codes[graph->frames[i].code].object;
        if (graph->frames[i].thread == 0 &&
            reads_in_program(routines_find(&search->routines, code)))
            return true;
    }
    return false;
}

static bool program_reads_anything(struct search *search) {
    uint8_t readings = 0;
    for (uint32_t i = 0; i < search->routines.count; i++)
        if (search->routines.all[i].from.origin == ORIGIN_PROGRAM)
            readings |= search->routines.all[i].readings;
    if (search->steps >= STEPS_MAX)
        return true;
    return readings & READS_LOCALS && (readings & READS_THREADS || has_stray_reader(search));
}

/* -- locals() under another name -- */

static bool reads_own_frame(const char *name) {
    static const char *const names[] = {"dir", "eval", "exec", "locals", "vars", NULL};
    return is_listed(name, names);
}

/* Functions of the builtins module that read the frame that calls them, by object. */
static bool *find_builtins(const struct heap *heap) {
    const struct graph *graph = heap->graph;
    bool *found = calloc(heap->frame_base, sizeof *found);
    for (uint32_t i = 1; i < graph->root_count && found; i++) {
        const struct graph_object *dict = heap_object(heap, graph->roots[i].object);
        for (uint32_t k = 0; k < dict->edge_count; k++) {
            const struct graph_edge_record *edge = &graph->edges[dict->first_edge + k];
            if (graph->roots[i].kind == GRAPH_ROOT_BUILTINS && edge->kind == EDGE_VALUE &&
                heap_kind(heap, edge->target) == GRAPH_BUILTIN &&
                reads_own_frame(graph->texts[heap_object(heap, edge->target)->detail]))
                found[edge->target] = true;
        }
    }
    return found;
}

/* Anything that refers to one of them but a dict under its own name. */
static bool has_other_name(const struct heap *heap, const bool *builtins) {
    const struct graph *graph = heap->graph;
    for (uint32_t node = 1; node < heap->frame_base; node++) {
        const struct graph_object *object = &graph->objects[node];
        uint32_t key = 0;
        for (uint32_t i = 0; i < object->edge_count; i++) {
            const struct graph_edge_record *edge = &graph->edges[object->first_edge + i];
            if (edge->kind == EDGE_KEY)
                key = edge->target;
            if (builtins[edge->target] &&
                (edge->kind != EDGE_VALUE ||
                 heap_object(heap, key)->detail != heap_object(heap, edge->target)->detail))
                return true;
        }
    }
    return false;
}

static bool has_local(const struct graph_frame *frame, const bool *builtins) {
    for (uint32_t i = 0; i < frame->local_count; i++)
        if (builtins[frame->locals[i].object])
            return true;
    return false;
}

/* -- Shallow graphs -- */

/* A module of this file is running: all its code is a part of that frame's. */
static bool runs_as_module(const struct graph *graph, const char *file) {
    for (uint32_t i = 1; i < graph->frame_count; i++) {
        const struct graph_code *code = &graph->codes[graph->frames[i].code];
        if (graph->frames[i].thread != 0 && strcmp(graph->texts[code->name], "<module>") == 0 &&
            strcmp(graph->texts[code->file], file) == 0)
            return true;
    }
    return false;
}

/* Nothing is told of functions, and of code only that of running frames, with what it makes. */
static bool hides_code_of(const struct graph *graph, const char *file) {
    enum origin origin = origin_of(file).origin;
    return origin == ORIGIN_PACKAGE || (origin == ORIGIN_PROGRAM && !runs_as_module(graph, file));
}

static bool ends_with(const char *text, const char *end) {
    size_t length = strlen(text), wanted = strlen(end);
    return length >= wanted && strcmp(text + length - wanted, end) == 0;
}

/* The files of all modules are told. */
static bool hides_code(const struct heap *heap) {
    const struct graph *graph = heap->graph;
    for (uint32_t i = 1; i < graph->frame_count; i++)
        if (hides_code_of(graph, graph->texts[graph->codes[graph->frames[i].code].file]))
            return true;
    for (uint32_t node = 1; node < heap->frame_base; node++) {
        const char *text = graph->texts[heap_object(heap, node)->detail];
        if (heap_kind(heap, node) == GRAPH_STR &&
            (ends_with(text, ".py") || ends_with(text, ".pyc") || ends_with(text, "...")) &&
            hides_code_of(graph, text))
            return true;
    }
    return false;
}

/* Who refers to a function, or to locals() by another name, is not told: whatever of the program
 * mentions them may be called by anyone. */
static bool shallow_reads_anything(struct search *search) {
    const struct graph *graph = search->heap->graph;
    if (hides_code(search->heap))
        return true;
    for (uint32_t i = 1; i < graph->text_count; i++)
        search->words[i] = readings_of(graph->texts[i]) & READS_LOCALS ? READS_LOCALS
                           : reads_own_frame(graph->texts[i])          ? WORD_AS_NAME
                                                                       : 0;
    for (uint32_t i = 0; i < search->routines.count; i++) {
        const struct routine *routine = &search->routines.all[i];
        if (routine->from.origin == ORIGIN_PROGRAM &&
            routine_mentions(&search->routines, routine, search->words,
                             READS_LOCALS | WORD_AS_NAME))
            return true;
    }
    return false;
}

/* -- Frames -- */

/* By which native code is given memory that it may use later. */
static bool tells_address(const char *name) {
    static const char *const names[] = {
        "__array_interface__", "addressof", "buffer_info", "ctypes", "data_ptr", NULL};
    return is_listed(name, names);
}

/* What readings the words that a running function of this origin mentions stand for. */
static uint8_t flags_of(enum origin origin) {
    if (origin == ORIGIN_STANDARD || origin == ORIGIN_OURS)
        return 0;
    return origin == ORIGIN_PROGRAM ? READS_LOCALS | READS_TRACEBACKS | BY_PACKAGE : BY_PACKAGE;
}

static uint8_t mentions_of_code(const struct search *search, const struct graph_code *code) {
    const struct graph *graph = search->heap->graph;
    const struct routine *routine = routines_find(&search->routines, code->object);
    uint8_t seen = routine ? routine->readings : 0, address = 0;
    uint8_t counted = flags_of(origin_of(graph->texts[code->file]).origin);
    for (uint32_t k = 0; k < code->name_count; k++) {
        seen |= search->words[code->names[k]] & counted;
        address |= tells_address(graph->texts[code->names[k]]);
    }
    for (uint32_t k = 0; k < code->local_count; k++) {
        seen |= search->words[code->local_names[k]] & counted;
        address |= tells_address(graph->texts[code->local_names[k]]);
    }
    return (uint8_t)((seen & (READS_LOCALS | BY_PACKAGE) ? MENTIONS_READER : 0) |
                     (seen & READS_TRACEBACKS ? MENTIONS_TRACEBACK : 0) |
                     (address ? MENTIONS_ADDRESS : 0));
}

/* A function of the program that was given to someone else's. */
static bool was_given_reader(const struct search *search, const struct graph_frame *frame) {
    for (uint32_t i = 0; i < frame->local_count; i++) {
        uint32_t object = frame->locals[i].object;
        const struct routine *routine =
            heap_kind(search->heap, object) == GRAPH_FUNCTION ? routine_of(search, object) : NULL;
        if (routine && routine->readings & READS_LOCALS)
            return true;
    }
    return false;
}

static bool mark_frames(struct search *search, uint8_t *mentions) {
    const struct graph *graph = search->heap->graph;
    uint8_t *by_code = calloc(graph->code_count, sizeof *by_code);
    bool *builtins = find_builtins(search->heap);
    bool good = by_code && builtins;
    for (uint32_t i = 1; i < graph->code_count && good; i++)
        by_code[i] = mentions_of_code(search, &graph->codes[i]);
    bool anything =
        good && (graph->flags & GRAPH_SHALLOW
                     ? shallow_reads_anything(search)
                     : program_reads_anything(search) || has_other_name(search->heap, builtins));
    for (uint32_t i = 1; i < graph->frame_count && good; i++) {
        mentions[i] = by_code[graph->frames[i].code];
        if (was_given_reader(search, &graph->frames[i]))
            mentions[i] |= MENTIONS_READER;
        if (anything || has_local(&graph->frames[i], builtins))
            mentions[i] |= READ_BY_OTHERS;
    }
    free(by_code);
    free(builtins);
    return good;
}

static bool search_open(struct search *search, const struct heap *heap) {
    *search = (struct search){.heap = heap,
                              .words = calloc(heap->graph->text_count, sizeof *search->words),
                              .named = malloc(heap->graph->text_count * sizeof *search->named),
                              .program_modules = calloc(heap->frame_base, sizeof(bool))};
    return routines_list(heap, &search->routines) && search->words && search->named &&
           search->program_modules && bind_all(search);
}

static void search_close(struct search *search) {
    routines_release(&search->routines);
    free(search->words);
    free(search->named);
    free(search->bindings);
    free(search->program_modules);
}

bool readers_find(const struct heap *heap, uint8_t *mentions) {
    struct search search;
    bool good = search_open(&search, heap);
    if (good) {
        mark_words(&search);
        search_packages(&search);
        if (search_program(&search, READS_LOCALS | BY_PACKAGE, READS_LOCALS)) {
            distrust_lookups(&search);
            search_program(&search, READS_LOCALS | WORD_AS_NAME, READS_LOCALS);
        }
        search_program(&search, READS_TRACEBACKS, READS_TRACEBACKS);
        search_program(&search, READS_THREADS, READS_THREADS);
        good = mark_frames(&search, mentions);
    }
    search_close(&search);
    return good;
}
