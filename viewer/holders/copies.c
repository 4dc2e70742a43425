/* See copies.h. Of a set of buffers with the same content those count that are neither dead nor
 * garbage: of the others there are findings already, and letting go of them leaves no copy. That
 * the content is the same was seen at one moment; whether it stays so nobody knows, and the advice
 * says so.
 */
#include "copies.h"

#include "names.h"
#include "paths.h"

#include <stdlib.h>

#define LISTED_MAX 8u

struct sets {
    const struct heap *heap;
    const struct graph_copy **rows; /* sorted by what they are copies of */
    uint32_t count;
    bool *told; /* by object: it is a copy of something */
};

/* Alive, and not to go with what is dead. */
static bool is_wanted(const struct heap *heap, uint32_t object) {
    const uint8_t unknown = NODE_LEFT_OUT | NODE_UNCERTAIN;
    return object > 0 && heap->graph->objects[object].type != 0 &&
           !(heap->flags[object] & unknown) && !heap_is_garbage(heap, object) &&
           !heap_is_freed(heap, object) && heap->by[object] != NO_EDGE;
}

static int compare_rows(const void *a, const void *b) {
    const struct graph_copy *const *one = a, *const *two = b;
    if ((*one)->of != (*two)->of)
        return (*one)->of < (*two)->of ? -1 : 1;
    if ((*one)->part != (*two)->part)
        return (*one)->part ? 1 : -1;
    if ((*one)->offset != (*two)->offset)
        return (*one)->offset < (*two)->offset ? -1 : 1;
    return (*one)->object < (*two)->object ? -1 : (*one)->object > (*two)->object;
}

/* What the content is in; NULL when that is not known. */
static const struct profile_block *block_of(const struct heap *heap, uint32_t object) {
    for (uint32_t i = heap->first_edge[object]; i < heap->first_edge[object + 1]; i++) {
        uint32_t target = heap->edges[i].target;
        if (heap->edges[i].kind == HEAP_BLOCK && heap->flags[target] & NODE_OWNED)
            return &heap->blocks[target - heap->block_base];
    }
    return NULL;
}

/* Whether so much may be the content of a buffer, in a set whose others have `saves` bytes. */
static bool is_possible(const struct heap *heap, const struct graph_copy *row, uint64_t saves) {
    const struct profile_block *block = block_of(heap, row->object);
    return row->bytes <= (block ? block->size : heap->snapshot->bytes) &&
           saves <= heap->snapshot->bytes && row->bytes <= heap->snapshot->bytes - saves;
}

static void describe(const struct heap *heap, uint32_t object, struct copied_buffer *buffer) {
    const struct profile_block *block = block_of(heap, object);
    struct path path;
    path_find(heap, object, &path);
    buffer->object = object;
    buffer->type = texts_keep(heap->texts, names_type(heap, object));
    buffer->detail =
        texts_keep(heap->texts, heap->graph->texts[heap->graph->objects[object].detail]);
    buffer->root = path.root;
    buffer->path = texts_keep(heap->texts, path.text.text);
    buffer->node = block ? block->node : 0;
    if (buffer->bytes == 0 && block)
        buffer->bytes = block->size;
}

/* -- The way out -- */

static const char *advise_parts(uint32_t kinds) {
    if (kinds == 1u << GRAPH_NDARRAY)
        return "a slice of an array is a view: leave out .copy() and np.array(), unless one of "
               "them is changed later";
    return "memoryview(data)[begin:end] is a view; slices of bytes and of bytearrays are copies, "
           "and so are strip(), split() and removeprefix()";
}

/* `kinds`: a bit for each enum graph_kind that is among them. */
static const char *advise(uint32_t kinds, bool parts) {
    if (parts)
        return advise_parts(kinds);
    if (kinds == 1u << GRAPH_BYTES)
        return "keep one of them, and let the others be names of it: bytes never change";
    if (kinds == 1u << GRAPH_NDARRAY)
        return "use the array itself, or a view of it: leave out .copy(), np.array() and "
               ".astype() to its own type (np.asarray() does not copy), unless one of them is "
               "changed later";
    if (kinds & 1u << GRAPH_NDARRAY)
        return "np.frombuffer(data) and memoryview(array) are views; .copy(), .tobytes() and "
               "np.array() copy. Keep the one that is needed";
    return "memoryview(data) is a view; bytes(data) and bytearray(data) copy. Keep the one that is "
           "needed";
}

/* -- One set -- */

/* The one to keep: what the others are copies of, or the first with all of its content. */
static uint32_t find_kept(const struct sets *sets, uint32_t first, uint32_t end) {
    const struct heap *heap = sets->heap;
    if (is_wanted(heap, sets->rows[first]->of))
        return sets->rows[first]->of;
    for (uint32_t i = first; i < end && !sets->rows[i]->part; i++)
        if (is_wanted(heap, sets->rows[i]->object))
            return sets->rows[i]->object;
    return 0;
}

static uint32_t kind_bit(const struct heap *heap, uint32_t object) {
    return 1u << heap_kind(heap, object);
}

/* False when memory ran out. */
static bool add_set(const struct sets *sets, uint32_t first, uint32_t end,
                    struct findings *findings) {
    const struct heap *heap = sets->heap;
    uint32_t kept = find_kept(sets, first, end), kinds = kept ? kind_bit(heap, kept) : 0;
    struct copies copies = {.count = 1, .listed = 1};
    copies.buffers = texts_array(heap->texts, LISTED_MAX, sizeof *copies.buffers);
    if (!copies.buffers)
        return false;
    for (uint32_t i = first; i < end; i++) {
        const struct graph_copy *row = sets->rows[i];
        if (!kept || row->object == kept || !is_wanted(heap, row->object) ||
            sets->told[row->object] || !is_possible(heap, row, copies.saves))
            continue;
        sets->told[row->object] = true;
        copies.count++;
        copies.parts += row->part;
        copies.saves += row->bytes;
        kinds |= kind_bit(heap, row->object);
        if (copies.listed == LISTED_MAX)
            continue;
        struct copied_buffer *buffer = &copies.buffers[copies.listed++];
        *buffer =
            (struct copied_buffer){.bytes = row->bytes, .part = row->part, .offset = row->offset};
        describe(heap, row->object, buffer);
    }
    if (copies.count == 1)
        return true;
    if (!sets->rows[first]->part)
        copies.buffers[0].bytes = sets->rows[first]->bytes;
    describe(heap, kept, &copies.buffers[0]);
    copies.advice = advise(kinds, copies.parts == copies.count - 1);
    findings->copies[findings->copies_count++] = copies;
    return true;
}

static int compare_copies(const void *a, const void *b) {
    const struct copies *one = a, *two = b;
    if (one->saves != two->saves)
        return one->saves > two->saves ? -1 : 1;
    return one->buffers->object < two->buffers->object ? -1 : 1;
}

static bool find_sets(const struct sets *sets, struct findings *findings) {
    findings->copies = calloc(sets->count + 1ul, sizeof *findings->copies);
    if (!findings->copies)
        return false;
    for (uint32_t i = 0, end; i < sets->count; i = end) {
        for (end = i; end < sets->count && sets->rows[end]->of == sets->rows[i]->of; end++)
            ;
        if (!add_set(sets, i, end, findings))
            return false;
    }
    if (findings->copies_count > 1)
        qsort(findings->copies, findings->copies_count, sizeof *findings->copies, compare_copies);
    return true;
}

bool copies_find(const struct heap *heap, struct findings *findings) {
    const struct graph *graph = heap->graph;
    findings->copies_cut = graph->copies_cut;
    if (graph->copy_count <= 1)
        return true;
    struct sets sets = {heap, malloc(graph->copy_count * sizeof *sets.rows), 0,
                        calloc(heap->frame_base + 1ul, sizeof *sets.told)};
    bool good = sets.rows && sets.told;
    for (uint32_t i = 1; good && i < graph->copy_count; i++)
        if (graph->copies[i].object < heap->frame_base && graph->copies[i].of < heap->frame_base)
            sets.rows[sets.count++] = &graph->copies[i];
    if (sets.count > 1)
        qsort(sets.rows, sets.count, sizeof *sets.rows, compare_rows);
    good = good && find_sets(&sets, findings);
    free(sets.rows);
    free(sets.told);
    return good;
}
