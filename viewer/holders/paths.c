/* See paths.h.
 *
 * A path is a row of edges from top. The text is a Python expression as long as there is one for
 * each step, rows[3]["tags"]; from where there is none it goes on after an arrow. What a user would
 * not say is left out: an instance's __dict__, the tuple of a closure, the links of a cache. Where
 * something is known by a better name than the way to it (a closure's variable, a default argument,
 * a cache) the text begins anew with that.
 */
#include "paths.h"

#include "names.h"
#include "path_writer.h"

#include <stdlib.h>
#include <string.h>

#define HEAD 24u /* steps that are kept at each end of a long path */
#define TAIL 24u
#define KEY_SHOWN 40

/* -- What a path is about -- */

void path_set_root(struct path_writer *writer, enum holder_root root, const char *name) {
    writer->path->root = root;
    writer->path->name = name;
    writer->named = true;
}

void path_set_place(struct path_writer *writer, uint32_t code, uint32_t line) {
    const struct graph_code *record = &writer->heap->graph->codes[code];
    writer->path->function = text_of(writer->heap, record->name);
    writer->path->file = text_of(writer->heap, record->file);
    writer->path->line = line;
}

static void add_suffix(struct path_writer *writer) {
    struct path *path = writer->path;
    bool wanted = writer->suffix && !writer->bare;
    writer->suffix = false;
    if (!wanted)
        return;
    bool module = path->function[0] == '<';
    if (path->line)
        line_add(&path->text, " in %s%s (%s:%u)", path->function, module ? "" : "()",
                 names_base(path->file), path->line);
    else
        line_add(&path->text, " in %s%s (%s)", path->function, module ? "" : "()",
                 names_base(path->file));
}

/* The text goes on with something that is no part of an expression. */
static void arrow(struct path_writer *writer) {
    add_suffix(writer);
    if (writer->path->text.size > 0)
        line_add(&writer->path->text, " -> ");
}

void path_begin_anew(struct path_writer *writer) {
    writer->path->text = (struct line){.size = 0};
    writer->suffix = writer->apart = false;
    writer->path->function = writer->path->file = "";
    writer->path->line = 0;
}

static void add_name(struct path_writer *writer, const char *name) {
    bool first = writer->path->text.size == 0;
    line_add(&writer->path->text, "%s%s", first ? "" : ".", name);
}

/* -- Keys -- */

static void add_key(struct path_writer *writer, uint32_t key, unsigned depth) {
    const struct heap *heap = writer->heap;
    const char *detail = text_of(heap, heap_object(heap, key)->detail);
    enum graph_kind kind = heap_kind(heap, key);
    struct line *line = &writer->path->text;
    uint32_t first = heap->first_edge[key], end = heap->first_edge[key + 1];
    if (kind == GRAPH_STR && heap_object(heap, key)->detail) {
        line_add(line, strlen(detail) > KEY_SHOWN ? "\"%.*s...\"" : "\"%.*s\"", KEY_SHOWN, detail);
    } else if (kind == GRAPH_NUMBER && *detail) {
        line_add(line, "%s", detail);
    } else if (kind == GRAPH_TUPLE && end > first && end - first <= 4 && depth < 2) {
        line_add(line, "(");
        for (uint32_t i = first; i < end; i++) {
            line_add(line, i > first ? ", " : "");
            add_key(writer, heap->edges[i].target, depth + 1);
        }
        line_add(line, ")");
    } else {
        line_add(line, "...");
    }
}

/* -- Frames -- */

static void tell_local(struct path_writer *writer, uint32_t node, const struct heap_edge *edge) {
    const struct heap *heap = writer->heap;
    const struct graph_frame *frame = &heap->graph->frames[node - heap->frame_base];
    const struct graph_code *code = &heap->graph->codes[frame->code];
    bool known = edge->label < code->local_count;
    const char *name = known ? text_of(heap, code->local_names[edge->label]) : "local";
    bool cell =
        known && (code->local_kinds[edge->label] & (GRAPH_CELL_VARIABLE | GRAPH_FREE_VARIABLE));
    path_set_place(writer, frame->code, frame->line);
    if (writer->path->through_frame) {
        writer->path->name = name;
        line_add(&writer->path->text, " -> %s", name);
        return;
    }
    path_set_root(writer, cell ? HOLDER_CLOSURE : HOLDER_LOCAL, name);
    writer->suffix = true;
    line_add(&writer->path->text, "%s", name);
}

static void tell_stack(struct path_writer *writer, uint32_t node) {
    const struct heap *heap = writer->heap;
    const struct graph_frame *frame = &heap->graph->frames[node - heap->frame_base];
    path_set_place(writer, frame->code, frame->line);
    if (writer->path->through_frame) {
        line_add(&writer->path->text, " -> its value stack");
        return;
    }
    path_set_root(writer, HOLDER_ARGUMENT, "");
    writer->suffix = writer->apart = true;
    line_add(&writer->path->text, "argument of the pending call");
}

/* Up to 3.10 a generator has its frame by way of a frame object. */
static bool is_generators(const struct heap *heap, uint32_t owner) {
    uint32_t by = heap->by[owner];
    return heap_kind(heap, owner) == GRAPH_GENERATOR ||
           (heap_kind(heap, owner) == GRAPH_FRAME_OBJECT && by != NO_EDGE &&
            heap->edges[by].kind == EDGE_FIELD &&
            heap_kind(heap, heap->source[by]) == GRAPH_GENERATOR);
}

static void enter_frame(struct path_writer *writer, uint32_t from, uint32_t node) {
    const struct heap *heap = writer->heap;
    if (heap_is_thread(heap, from))
        return;
    arrow(writer);
    line_add(&writer->path->text, "frame %s()", names_frame(heap, node));
    writer->path->through_frame = true;
    path_set_root(writer, is_generators(heap, from) ? HOLDER_GENERATOR : HOLDER_TRACEBACK, "");
}

/* The variables of a module or class that is being executed. */
static void tell_frame_field(struct path_writer *writer, uint32_t node,
                             const struct heap_edge *edge) {
    const struct heap *heap = writer->heap;
    const struct graph_frame *frame = &heap->graph->frames[node - heap->frame_base];
    if (edge->label == 2 && !writer->path->through_frame) {
        bool module = strcmp(names_frame(heap, node), "<module>") == 0;
        path_set_place(writer, frame->code, frame->line);
        writer->path->root = module ? HOLDER_GLOBAL : HOLDER_LOCAL;
        writer->suffix = !module;
        return;
    }
    arrow(writer);
    names_add(heap, edge->target, &writer->path->text);
}

/* -- Objects -- */

static bool is_root(const struct heap *heap, uint32_t node, enum graph_root kind) {
    uint32_t by = heap->by[node];
    return by != NO_EDGE && heap->edges[by].kind == HEAP_ROOT &&
           heap->graph->roots[heap->edges[by].label].kind == (uint32_t)kind;
}

/* A name in the variables of a module, class or instance. */
static void tell_variable(struct path_writer *writer, uint32_t dict, const struct heap_edge *edge) {
    const struct heap *heap = writer->heap;
    const char *name = text_of(heap, heap_object(heap, edge->label)->detail);
    uint32_t by = heap->by[dict];
    uint32_t owner = by == NO_EDGE ? NODE_NONE : heap->source[by];
    if (!*name)
        name = "...";
    if (is_root(heap, dict, GRAPH_ROOT_SYS)) {
        line_add(&writer->path->text, "sys");
        path_set_root(writer, strncmp(name, "last_", 5) == 0 ? HOLDER_TRACEBACK : HOLDER_GLOBAL,
                      name);
    } else if (is_root(heap, dict, GRAPH_ROOT_BUILTINS)) {
        line_add(&writer->path->text, "builtins");
        path_set_root(writer, HOLDER_GLOBAL, name);
    } else if (heap_kind(heap, owner) == GRAPH_TYPE_OBJECT) {
        path_begin_anew(writer);
        path_set_root(writer, HOLDER_CLASS, name);
        line_add(&writer->path->text, "%s", names_own(heap, owner));
    } else if (!writer->named) {
        path_set_root(writer, writer->path->root == HOLDER_LOCAL ? HOLDER_LOCAL : HOLDER_GLOBAL,
                      name);
        if (strncmp(name, "last_", 5) == 0 && strcmp(writer->path->text.text, "sys") == 0)
            writer->path->root = HOLDER_TRACEBACK;
    } else if (writer->path->root == HOLDER_LOCAL && strstr(names_type(heap, owner), "Thread") &&
               (strcmp(name, "_args") == 0 || strcmp(name, "_kwargs") == 0)) {
        writer->path->root = HOLDER_THREAD;
    }
    add_name(writer, name);
}

static void tell_value(struct path_writer *writer, uint32_t dict, const struct heap_edge *edge) {
    const struct heap *heap = writer->heap;
    const char *key = text_of(heap, heap_object(heap, edge->label)->detail);
    if (is_root(heap, dict, GRAPH_ROOT_MODULES)) {
        if (strcmp(key, "__main__") != 0)
            line_add(&writer->path->text, "%s", key);
        return;
    }
    bool namespace = heap->flags[dict] & NODE_NAMESPACE || is_root(heap, dict, GRAPH_ROOT_SYS) ||
                     is_root(heap, dict, GRAPH_ROOT_BUILTINS);
    if (namespace && heap_kind(heap, edge->label) == GRAPH_STR) {
        tell_variable(writer, dict, edge);
        return;
    }
    line_add(&writer->path->text, "[");
    add_key(writer, edge->label, 0);
    line_add(&writer->path->text, "]");
}

static bool is_silent_field(const char *field) {
    static const char *const silent[] = {
        "__dict__", "cell_contents", "__traceback__", "tb_next",  "tb_frame",
        "frame",    "gi_frame",      "cr_frame",      "ag_frame",
    };
    for (size_t i = 0; i < sizeof silent / sizeof *silent; i++)
        if (strcmp(field, silent[i]) == 0)
            return true;
    return false;
}

static void tell_object_step(struct path_writer *writer, uint32_t from,
                             const struct heap_edge *edge) {
    const struct heap *heap = writer->heap;
    if (writer->apart && edge->kind != HEAP_BLOCK) {
        arrow(writer);
        names_add(heap, from, &writer->path->text);
        writer->apart = false;
    }
    switch (edge->kind) {
    case EDGE_ITEM:
        line_add(&writer->path->text, "[%u]", edge->label);
        break;
    case EDGE_VALUE:
        tell_value(writer, from, edge);
        break;
    case EDGE_ATTRIBUTE:
        add_name(writer, text_of(heap, edge->label));
        break;
    case EDGE_FIELD:
        if (!is_silent_field(text_of(heap, edge->label)))
            add_name(writer, text_of(heap, edge->label));
        break;
    case EDGE_TYPE:
        add_name(writer, "__class__");
        break;
    case EDGE_KEY:
        arrow(writer);
        line_add(&writer->path->text, "a key");
        break;
    case HEAP_BLOCK:
        break;
    default:
        arrow(writer);
        names_add(heap, edge->target, &writer->path->text);
    }
}

/* -- From top -- */

static void leave_thread(struct path_writer *writer, uint32_t from, const struct heap_edge *edge) {
    const struct heap *heap = writer->heap;
    const struct graph_thread *thread = &heap->graph->threads[from - heap->thread_base];
    const char *field = text_of(heap, edge->label);
    const char *name = text_of(heap, thread->name);
    struct line *line = &writer->path->text;
    if (strcmp(field, "exc_info") == 0 || strcmp(field, "exception") == 0) {
        path_set_root(writer, HOLDER_TRACEBACK, field);
        line_add(line, "the exception that is being handled");
    } else if (strcmp(field, "context") == 0) {
        path_set_root(writer, HOLDER_CONTEXT, "");
        line_add(line, "context");
    } else {
        path_set_root(writer, HOLDER_THREAD, name);
        line_add(line, "thread %s -> %s", *name ? name : "without a name", field);
    }
}

static void leave_top(struct path_writer *writer, const struct heap_edge *edge) {
    const struct heap *heap = writer->heap;
    struct line *line = &writer->path->text;
    switch (edge->kind) {
    case HEAP_TOP_NATIVE:
    case HEAP_TOP_UNSETTLED:
        path_set_root(writer, HOLDER_NATIVE, "");
        line_add(line, "native code -> ");
        names_add(heap, edge->target, line);
        break;
    case HEAP_TOP_IMMORTAL:
        path_set_root(writer, HOLDER_INTERPRETER, "");
        line_add(line, "never freed -> ");
        names_add(heap, edge->target, line);
        break;
    case HEAP_TOP_GARBAGE:
        path_set_root(writer, HOLDER_GARBAGE, names_own(heap, edge->target));
        names_add(heap, edge->target, line);
        break;
    default:
        break;
    }
}

/* A static type under its own name, or whose variable it is. */
static void leave_static(struct path_writer *writer, const struct graph_root_record *root) {
    const char *name = text_of(writer->heap, root->name);
    bool type = heap_kind(writer->heap, root->object) == GRAPH_TYPE_OBJECT &&
                heap_object(writer->heap, root->object)->detail == root->name;
    bool interpreter = strcmp(name, "interpreter") == 0;
    path_set_root(writer, HOLDER_STATIC, name);
    line_add(&writer->path->text, "%s%s%s", type ? "" : "static memory of ",
             interpreter ? "the " : "", name);
    writer->apart = !type;
}

static void leave_root(struct path_writer *writer, const struct heap_edge *edge) {
    const struct heap *heap = writer->heap;
    const struct graph_root_record *root = &heap->graph->roots[edge->label];
    if (root->kind == GRAPH_ROOT_MODULES || root->kind == GRAPH_ROOT_SYS ||
        root->kind == GRAPH_ROOT_BUILTINS)
        return;
    if (root->kind == GRAPH_ROOT_STATIC) {
        leave_static(writer, root);
        return;
    }
    path_set_root(writer, HOLDER_INTERPRETER, text_of(heap, root->name));
    line_add(&writer->path->text, "interpreter -> %s", text_of(heap, root->name));
}

/* -- Step by step -- */

static void tell_from_object(struct path_writer *writer, uint32_t from, uint32_t step) {
    const struct heap_edge *edge = &writer->heap->edges[step];
    if (edge->kind == HEAP_FRAME)
        enter_frame(writer, from, edge->target);
    else if (path_inside_cache(writer, edge->target) ||
             (writer->inside != INSIDE_NOTHING && path_inside_function(writer, edge)))
        return;
    else if (!path_enter_function(writer, from, edge) && !path_enter_cache(writer, from, edge) &&
             !path_inside_context(writer, from, step))
        tell_object_step(writer, from, edge);
}

static void tell_from_frame(struct path_writer *writer, uint32_t from, uint32_t step) {
    const struct heap_edge *edge = &writer->heap->edges[step];
    if (!writer->path->through_frame && edge->kind != HEAP_FRAME_FIELD) {
        writer->path->start = step;
        writer->path->frame = from;
        writer->path->slot = edge->label;
    }
    if (edge->kind == HEAP_LOCAL)
        tell_local(writer, from, edge);
    else if (edge->kind == HEAP_STACK)
        tell_stack(writer, from);
    else
        tell_frame_field(writer, from, edge);
}

static void tell_step(struct path_writer *writer, uint32_t step) {
    const struct heap *heap = writer->heap;
    uint32_t from = heap->source[step];
    const struct heap_edge *edge = &heap->edges[step];
    if (from == heap->top)
        leave_top(writer, edge);
    else if (heap_is_frame(heap, from))
        tell_from_frame(writer, from, step);
    else if (heap_is_root(heap, from))
        leave_root(writer, edge);
    else if (!heap_is_thread(heap, from))
        tell_from_object(writer, from, step);
    else if (edge->kind != HEAP_FRAME)
        leave_thread(writer, from, edge);
}

/* Edges of the path that ends with `last`, from its end: the last TAIL and the first HEAD. */
struct steps {
    uint32_t tail[TAIL], head[HEAD];
    uint32_t count;
};

static void steps_find(const struct heap *heap, uint32_t last, struct steps *steps) {
    steps->count = 0;
    for (uint32_t edge = last; edge != NO_EDGE && steps->count < heap->node_count;
         edge = heap->by[heap->source[edge]]) {
        if (steps->count < TAIL)
            steps->tail[steps->count] = edge;
        steps->head[steps->count % HEAD] = edge;
        steps->count++;
    }
}

/* Nothing on the way has words of its own, as with what sys.modules itself refers to. */
static void tell_ends(struct path_writer *writer, uint32_t first, uint32_t last) {
    const struct heap *heap = writer->heap;
    struct line *line = &writer->path->text;
    uint32_t start = heap->edges[first].target, target = heap->edges[last].target;
    if (heap_is_root(heap, start))
        line_add(line, "%s", text_of(heap, heap->graph->roots[start - heap->root_base].name));
    else if (heap_is_thread(heap, start))
        line_add(line, "thread %s",
                 text_of(heap, heap->graph->threads[start - heap->thread_base].name));
    else
        names_add(heap, start, line);
    if (target != start) {
        line_add(line, " -> ");
        names_add(heap, target, line);
    }
}

static void write_path(const struct heap *heap, uint32_t edge, bool bare, struct path *path) {
    struct path_writer writer = {.heap = heap, .path = path, .bare = bare};
    struct steps steps;
    *path = (struct path){.root = HOLDER_INTERPRETER,
                          .name = "",
                          .function = "",
                          .file = "",
                          .start = NO_EDGE,
                          .frame = NODE_NONE};
    steps_find(heap, edge, &steps);
    uint32_t whole = steps.count <= TAIL ? 0 : steps.count - TAIL;
    for (uint32_t i = 0; i < whole && i < HEAD; i++)
        tell_step(&writer, steps.head[(steps.count - 1 - i) % HEAD]);
    if (whole > HEAD) {
        add_suffix(&writer);
        line_add(&path->text, " -> ...");
        writer.inside = INSIDE_NOTHING;
    }
    for (uint32_t i = steps.count < TAIL ? steps.count : TAIL; i-- > 0;)
        tell_step(&writer, steps.tail[i]);
    add_suffix(&writer);
    uint32_t first = steps.count > 0 ? steps.head[(steps.count - 1) % HEAD] : NO_EDGE;
    if (path->start == NO_EDGE)
        path->start = first;
    if (path->text.size == 0 && first != NO_EDGE)
        tell_ends(&writer, first, edge);
}

void path_by_edge(const struct heap *heap, uint32_t edge, struct path *path) {
    write_path(heap, edge, false, path);
}

void path_without_place(const struct heap *heap, uint32_t edge, struct path *path) {
    write_path(heap, edge, true, path);
}

void path_find(const struct heap *heap, uint32_t node, struct path *path) {
    path_by_edge(heap, heap->by[node], path);
}

void path_stay_at_local(const struct heap *heap, struct path *path) {
    const struct graph_frame *frame = &heap->graph->frames[path->frame - heap->frame_base];
    const struct graph_code *code = &heap->graph->codes[frame->code];
    path->root = HOLDER_LOCAL;
    path->name = text_of(heap, code->local_names[path->slot]);
    path->function = text_of(heap, code->name);
    path->file = text_of(heap, code->file);
    path->line = frame->line;
}
