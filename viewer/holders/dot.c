/* See dot.h: the paths to what is held, from everything that refers to it, and the biggest of what
 * it keeps. */
#include "dot.h"

#include "viewer/format.h"
#include "viewer/holders/names.h"

#include <stdlib.h>
#include <string.h>

#define PATHS_MAX 8u
#define STEPS_MAX 40u
#define KEPT_MAX 24u
#define NODES_MAX (PATHS_MAX * (STEPS_MAX + 2) + KEPT_MAX + 2)

struct drawing {
    const struct heap *heap;
    FILE *out;
    uint32_t nodes[NODES_MAX];
    uint32_t count;
};

static void put_quoted(FILE *out, const char *text) {
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', out);
        fputc(*text, out);
    }
}

static const char *root_label(const struct heap *heap, uint32_t node) {
    if (node == heap->top)
        return "roots";
    if (heap_is_thread(heap, node)) {
        const struct graph_thread *thread = &heap->graph->threads[node - heap->thread_base];
        return thread->name ? heap->graph->texts[thread->name] : "thread";
    }
    if (heap_is_root(heap, node))
        return heap->graph->texts[heap->graph->roots[node - heap->root_base].name];
    return "memory";
}

static void put_label(struct drawing *drawing, uint32_t node) {
    const struct heap *heap = drawing->heap;
    struct line line = {.size = 0};
    if (heap_is_object(heap, node) || heap_is_frame(heap, node))
        names_add(heap, node, &line);
    else
        line_add(&line, "%s", root_label(heap, node));
    put_quoted(drawing->out, line.text);
    const char *detail = heap->graph->texts[heap_object(heap, node)->detail];
    if (*detail && !strstr(line.text, detail)) {
        fputc(' ', drawing->out);
        put_quoted(drawing->out, detail);
    }
    if (heap->below[node] && node != heap->top &&
        (heap_is_object(heap, node) || heap_is_block(heap, node)))
        fprintf(drawing->out, "\\n%s", format_bytes(heap->retained[node]).text);
}

/* False when it is there already. */
static bool put_node(struct drawing *drawing, uint32_t node, const char *style) {
    for (uint32_t i = 0; i < drawing->count; i++)
        if (drawing->nodes[i] == node)
            return false;
    if (drawing->count == NODES_MAX)
        return false;
    drawing->nodes[drawing->count++] = node;
    fprintf(drawing->out, "  n%u [label=\"", node);
    put_label(drawing, node);
    fprintf(drawing->out, "\"%s];\n", style);
    return true;
}

static void put_edge_label(struct drawing *drawing, const struct heap_edge *edge, uint32_t from) {
    const struct heap *heap = drawing->heap;
    const struct graph *graph = heap->graph;
    if (edge->kind == HEAP_LOCAL) {
        const struct graph_frame *frame = &graph->frames[from - heap->frame_base];
        const struct graph_code *code = &graph->codes[frame->code];
        if (edge->label < code->local_count)
            put_quoted(drawing->out, graph->texts[code->local_names[edge->label]]);
    } else if (edge->kind == EDGE_FIELD || edge->kind == EDGE_ATTRIBUTE) {
        put_quoted(drawing->out, graph->texts[edge->label]);
    } else if (edge->kind == EDGE_ITEM) {
        fprintf(drawing->out, "[%u]", edge->label);
    } else if (edge->kind == EDGE_VALUE) {
        put_quoted(drawing->out, graph->texts[heap_object(heap, edge->label)->detail]);
    } else if (edge->kind == HEAP_TOP_NATIVE) {
        fprintf(drawing->out, "native code: %u", edge->label);
    } else if (edge->kind == HEAP_TOP_GARBAGE) {
        fputs("garbage", drawing->out);
    } else if (edge->kind == HEAP_STACK) {
        fputs("value stack", drawing->out);
    } else if (edge->kind == EDGE_KEY) {
        fputs("key", drawing->out);
    }
}

static void put_edge(struct drawing *drawing, uint32_t number) {
    const struct heap *heap = drawing->heap;
    const struct heap_edge *edge = &heap->edges[number];
    uint32_t from = heap->source[number];
    fprintf(drawing->out, "  n%u -> n%u [label=\"", from, edge->target);
    put_edge_label(drawing, edge, from);
    fprintf(drawing->out, "\"%s];\n", edge->flags & HEAP_DEAD ? ", style=dashed" : "");
}

/* Up from an edge to the root; of a long path the part that is nearest to the object, and a gap. */
static void put_path(struct drawing *drawing, uint32_t number) {
    const struct heap *heap = drawing->heap;
    for (uint32_t steps = 0; number != NO_EDGE && steps < STEPS_MAX; steps++) {
        uint32_t from = heap->source[number];
        bool fresh = put_node(drawing, from, from == heap->top ? ", shape=plaintext" : "");
        put_edge(drawing, number);
        if (!fresh)
            return;
        number = heap->by[from];
    }
    if (number != NO_EDGE)
        fprintf(drawing->out, "  gap%u [label=\"...\", shape=plaintext];\n  gap%u -> n%u;\n",
                number, number, heap->edges[number].target);
}

static void put_referrers(struct drawing *drawing, uint32_t node) {
    const struct heap *heap = drawing->heap;
    uint32_t paths = 1;
    if (heap->by[node] != NO_EDGE)
        put_path(drawing, heap->by[node]);
    for (uint32_t i = heap->first_in[node]; i < heap->first_in[node + 1] && paths < PATHS_MAX;
         i++) {
        uint32_t edge = heap->in[i];
        if (edge == heap->by[node] || heap_dominates(heap, node, heap->source[edge]))
            continue;
        put_path(drawing, edge);
        paths++;
    }
}

/* The edge by which a node refers to another, or NO_EDGE. */
static uint32_t edge_between(const struct heap *heap, uint32_t from, uint32_t to) {
    for (uint32_t i = heap->first_in[to]; i < heap->first_in[to + 1]; i++)
        if (heap->source[heap->in[i]] == from)
            return heap->in[i];
    return NO_EDGE;
}

static void put_child(struct drawing *drawing, uint32_t node, uint32_t child) {
    const struct heap *heap = drawing->heap;
    uint32_t edge = edge_between(heap, node, child);
    put_node(drawing, child, heap_is_block(heap, child) ? ", shape=box3d" : "");
    if (edge != NO_EDGE)
        put_edge(drawing, edge);
    else
        fprintf(drawing->out, "  n%u -> n%u [style=dotted];\n", node, child);
}

/* The biggest of what the node keeps, in the order of the tree. */
static void put_kept(struct drawing *drawing, uint32_t node) {
    const struct heap *heap = drawing->heap;
    uint32_t biggest[KEPT_MAX], count = 0, all = 0;
    uint32_t end = heap->place[node] + heap->below[node];
    for (uint32_t at = heap->place[node] + 1; at < end; at += heap->below[heap->order[at]]) {
        uint32_t child = heap->order[at], i = count < KEPT_MAX ? count++ : count;
        all++;
        for (; i > 0 && heap->retained[biggest[i - 1]] < heap->retained[child]; i--)
            if (i < KEPT_MAX)
                biggest[i] = biggest[i - 1];
        if (i < KEPT_MAX)
            biggest[i] = child;
    }
    for (uint32_t i = 0; i < count; i++)
        put_child(drawing, node, biggest[i]);
    if (all > count)
        fprintf(drawing->out,
                "  more [label=\"%u more\", shape=plaintext];\n  n%u -> more [style=dotted];\n",
                all - count, node);
}

const char *dot_describe(const struct heap *heap, const struct unit *unit, const char *title) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    struct drawing drawing = {.heap = heap, .out = out};
    if (!out)
        return "";
    fputs("digraph holder {\n  rankdir=LR;\n  node [shape=box];\n  label=\"", out);
    put_quoted(out, title);
    fputs("\";\n", out);
    put_node(&drawing, unit->node, ", style=bold");
    if (unit->by != NO_EDGE)
        put_referrers(&drawing, unit->node);
    if (heap->below[unit->node])
        put_kept(&drawing, unit->node);
    fputs("}\n", out);
    bool good = fclose(out) == 0;
    const char *kept = good ? texts_keep(heap->texts, text) : "";
    free(text);
    return kept;
}
