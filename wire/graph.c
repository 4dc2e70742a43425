/* A heap-graph stream (graph.h) -> a struct graph: its columns are found, those that are rows of
 * numbers are read here, and the objects and frames in graph_records.c.
 *
 * A row is taken over as a whole or, when its column ends inside it, not at all.
 */
#include "graph_reader.h"

#include "profile_format.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct chunk {
    struct chunk *before;
    alignas(16) uint8_t bytes[];
};

#define CHUNK_SIZE (256u << 10)

/* What graph_read makes: the graph, and where its small parts lie. */
struct graph_memory {
    struct graph graph; /* first: graph_free gets its address */
    struct chunk *chunks;
    size_t chunk_used, chunk_size;
};

void reader_fail(struct reader *reader, enum trouble trouble, const char *what) {
    if (!reader_good(reader))
        return;
    reader->trouble = trouble;
    reader->what = what;
}

/* -- Memory -- */

void *reader_take(struct reader *reader, size_t size) {
    struct graph_memory *memory = reader->memory;
    size = (size + 15) & ~(size_t)15;
    if (!memory->chunks || size > memory->chunk_size - memory->chunk_used) {
        size_t room = size > CHUNK_SIZE ? size : CHUNK_SIZE;
        struct chunk *chunk = malloc(sizeof *chunk + room);
        if (!chunk) {
            reader_fail(reader, TROUBLE_MEMORY, "");
            return NULL;
        }
        chunk->before = memory->chunks;
        memory->chunks = chunk;
        memory->chunk_used = 0;
        memory->chunk_size = room;
    }
    void *taken = memory->chunks->bytes + memory->chunk_used;
    memory->chunk_used += size;
    return taken;
}

bool table_room(struct reader *reader, enum table which, uint64_t more) {
    struct array *table = &reader->tables[which];
    uint64_t count = *table->count + more;
    if (!reader_good(reader) || count <= table->capacity)
        return reader_good(reader);
    uint64_t capacity = count < 64 ? 64 : count * 2;
    void *data = capacity > UINT32_MAX ? NULL : realloc(*table->data, capacity * table->size);
    if (!data) {
        reader_fail(reader, TROUBLE_MEMORY, "");
        return false;
    }
    *table->data = data;
    table->capacity = (uint32_t)capacity;
    return true;
}

void *table_add(struct reader *reader, enum table which) {
    struct array *table = &reader->tables[which];
    if (!table_room(reader, which, 1))
        return NULL;
    uint8_t *row = (uint8_t *)*table->data + *table->count * table->size;
    ++*table->count;
    return memset(row, 0, table->size);
}

static bool tables_open(struct reader *reader) {
    struct graph *graph = reader->graph;
#define TABLE(field, counter)                                                                      \
    { (void **)&graph->field, &graph->counter, 0, sizeof *graph->field }
    const struct array tables[TABLES] = {
        TABLE(texts, text_count),   TABLE(types, type_count),     TABLE(objects, object_count),
        TABLE(edges, edge_count),   TABLE(places, place_count),   TABLE(codes, code_count),
        TABLE(frames, frame_count), TABLE(threads, thread_count), TABLE(roots, root_count),
        TABLE(lost, lost_count),    TABLE(takes, take_count),     TABLE(balances, balance_count),
        TABLE(copies, copy_count),
    };
#undef TABLE
    memcpy(reader->tables, tables, sizeof tables);
    for (enum table which = 0; which < TABLES; which++)
        if (!table_add(reader, which))
            return false;
    static char none[1];
    graph->texts[0] = none;
    return true;
}

/* -- Numbers -- */

uint64_t get_long(struct reader *reader, struct column *column) {
    uint64_t value = 0;
    if (!reader_good(reader))
        return 0;
    for (unsigned shift = 0; shift < 63; shift += 7) {
        if (column->at == column->end) {
            reader_fail(reader, TROUBLE_SHORT, "");
            return 0;
        }
        uint8_t byte = *column->at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return value;
    }
    reader_fail(reader, TROUBLE_DAMAGE, "a number is too long");
    return 0;
}

int64_t get_signed(struct reader *reader, enum graph_column column) {
    return graph_unzigzag(get(reader, column));
}

uint32_t get_u32(struct reader *reader, enum graph_column column) {
    uint64_t value = get(reader, column);
    if (value <= UINT32_MAX)
        return (uint32_t)value;
    reader_fail(reader, TROUBLE_DAMAGE, "a number is too high");
    return 0;
}

uint32_t get_count(struct reader *reader, enum graph_column column, enum graph_column of,
                   uint64_t most) {
    uint64_t count = get(reader, column);
    if (count > most)
        reader_fail(reader, TROUBLE_DAMAGE, "a count is too high");
    else if (count > column_left(reader, of))
        reader_fail(reader, TROUBLE_SHORT, "");
    return reader_good(reader) ? (uint32_t)count : 0;
}

uint32_t get_reference(struct reader *reader, enum graph_column column, uint32_t count,
                       const char *what) {
    uint64_t number = get(reader, column);
    if (number < count)
        return (uint32_t)number;
    reader_fail(reader, TROUBLE_DAMAGE, what);
    return 0;
}

uint32_t get_text(struct reader *reader, enum graph_column column) {
    return get_reference(reader, column, reader->graph->text_count, "a text is not there");
}

static uint32_t get_object(struct reader *reader, enum graph_column column) {
    return name_object(get(reader, column));
}

static const uint8_t *get_bytes(struct reader *reader, enum graph_column column, uint32_t size) {
    const uint8_t *bytes = reader->columns[column].at;
    if (!reader_good(reader))
        return NULL;
    reader->columns[column].at += size;
    return bytes;
}

/* -- Rows -- */

/* What is not UTF-8, and what a terminal would act upon, becomes a question mark. */
static void clean_text(char *to, const uint8_t *from, size_t size) {
    for (size_t i = 0; i < size;) {
        size_t length = profile_utf8(from + i, size - i);
        bool control = from[i] < 0x20 || from[i] == 0x7f;
        if (length == 0 || control) {
            to[i++] = '?';
            continue;
        }
        memcpy(to + i, from + i, length);
        i += length;
    }
    to[size] = 0;
}

static void read_text(struct reader *reader) {
    uint32_t size = get_count(reader, GRAPH_TEXT_SIZES, GRAPH_TEXTS, GRAPH_TEXT_MAX);
    const uint8_t *bytes = get_bytes(reader, GRAPH_TEXTS, size);
    char *text = reader_good(reader) ? reader_take(reader, size + 1) : NULL;
    if (!text)
        return;
    clean_text(text, bytes, size);
    char **row = table_add(reader, TABLE_TEXTS);
    if (row)
        *row = text;
}

static void read_type(struct reader *reader) {
    struct graph_type type;
    type.name = get_text(reader, GRAPH_TYPES);
    type.kind = get_u32(reader, GRAPH_TYPES);
    type.flags = get_u32(reader, GRAPH_TYPES);
    type.object = get_object(reader, GRAPH_TYPES);
    if (type.kind >= GRAPH_KIND_COUNT)
        type.kind = GRAPH_OTHER;
    struct graph_type *row = reader_good(reader) ? table_add(reader, TABLE_TYPES) : NULL;
    if (row)
        *row = type;
}

static uint32_t get_code_count(struct reader *reader, uint64_t most) {
    return get_count(reader, GRAPH_CODES, GRAPH_CODES, most);
}

static void read_code_locals(struct reader *reader, struct graph_code *code) {
    code->local_count = get_code_count(reader, GRAPH_SLOTS_MAX);
    code->local_names = reader_take(reader, code->local_count * sizeof *code->local_names);
    code->local_kinds = reader_take(reader, code->local_count);
    for (uint32_t i = 0; i < code->local_count && reader_good(reader); i++) {
        code->local_names[i] = get_text(reader, GRAPH_CODES);
        code->local_kinds[i] = (uint8_t)get(reader, GRAPH_CODES);
    }
}

static void read_code(struct reader *reader) {
    struct graph_code code;
    code.object = get_object(reader, GRAPH_CODES);
    code.name = get_text(reader, GRAPH_CODES);
    code.qualified_name = get_text(reader, GRAPH_CODES);
    code.file = get_text(reader, GRAPH_CODES);
    code.first_line = get_u32(reader, GRAPH_CODES);
    code.flags = get_u32(reader, GRAPH_CODES);
    code.argument_count = get_u32(reader, GRAPH_CODES);
    code.stack_size = get_u32(reader, GRAPH_CODES);
    code.instruction_bytes = get_code_count(reader, GRAPH_CODE_MAX);
    code.instructions = get_bytes(reader, GRAPH_CODES, code.instruction_bytes);
    code.exception_table_bytes = get_code_count(reader, GRAPH_CODE_MAX);
    code.exception_table = get_bytes(reader, GRAPH_CODES, code.exception_table_bytes);
    read_code_locals(reader, &code);
    code.name_count = get_code_count(reader, GRAPH_CODE_MAX);
    code.names = reader_take(reader, code.name_count * sizeof *code.names);
    for (uint32_t i = 0; i < code.name_count && reader_good(reader); i++)
        code.names[i] = get_text(reader, GRAPH_CODES);
    if (code.qualified_name == 0)
        code.qualified_name = code.name;
    struct graph_code *row = reader_good(reader) ? table_add(reader, TABLE_CODES) : NULL;
    if (row)
        *row = code;
}

static void read_thread_edge(struct reader *reader) {
    uint64_t word = get(reader, GRAPH_THREADS);
    struct graph_edge_record edge = {.kind = word & 7, .text = (uint32_t)(word >> 3)};
    edge.target = get_object(reader, GRAPH_THREADS);
    if (word >> 3 >= reader->graph->text_count)
        reader_fail(reader, TROUBLE_DAMAGE, "a text is not there");
    struct graph_edge_record *row = reader_good(reader) ? table_add(reader, TABLE_EDGES) : NULL;
    if (row)
        *row = edge;
}

static void read_thread(struct reader *reader) {
    struct graph_thread thread;
    thread.identifier = get(reader, GRAPH_THREADS);
    thread.native_id = get(reader, GRAPH_THREADS);
    thread.flags = get_u32(reader, GRAPH_THREADS);
    thread.name = get_text(reader, GRAPH_THREADS);
    thread.first_edge = reader->graph->edge_count;
    thread.edge_count = get_count(reader, GRAPH_THREADS, GRAPH_THREADS, UINT32_MAX - 1);
    for (uint32_t i = 0; i < thread.edge_count && reader_good(reader); i++)
        read_thread_edge(reader);
    struct graph_thread *row = reader_good(reader) ? table_add(reader, TABLE_THREADS) : NULL;
    if (row)
        *row = thread;
    else
        reader->graph->edge_count = thread.first_edge;
}

static void read_root(struct reader *reader) {
    struct graph_root_record root;
    root.kind = get_u32(reader, GRAPH_ROOTS);
    root.name = get_text(reader, GRAPH_ROOTS);
    root.object = get_object(reader, GRAPH_ROOTS);
    struct graph_root_record *row = reader_good(reader) ? table_add(reader, TABLE_ROOTS) : NULL;
    if (row)
        *row = root;
}

void reader_end_column(struct reader *reader) {
    if (reader->trouble == TROUBLE_SHORT && reader->graph->complete) {
        reader->trouble = TROUBLE_DAMAGE;
        reader->what = "a column is too short";
    } else if (reader->trouble == TROUBLE_SHORT) {
        reader->trouble = TROUBLE_NONE;
    }
}

void reader_rows(struct reader *reader, enum graph_column column,
                 void (*read_row)(struct reader *)) {
    while (reader_good(reader) && column_left(reader, column) > 0)
        read_row(reader);
    reader_end_column(reader);
}

/* -- The stream's parts -- */

static bool part_number(struct reader *reader, const uint8_t **at, const uint8_t *end,
                        uint64_t *value) {
    if (graph_number_next(at, end, value))
        return true;
    reader_fail(reader, TROUBLE_SHORT, "");
    return false;
}

static void read_begin(struct reader *reader, const uint8_t **at, const uint8_t *end) {
    uint64_t numbers[4] = {0};
    for (int i = 0; i < 4; i++) {
        if (!part_number(reader, at, end, &numbers[i]))
            return;
        if (i == 0 && numbers[0] != GRAPH_BEGIN)
            reader_fail(reader, TROUBLE_DAMAGE, "it does not begin as a heap graph");
        if (i == 1 && numbers[1] != GRAPH_VERSION)
            reader_fail(reader, TROUBLE_VERSION, "");
    }
    if (numbers[2] > UINT32_MAX || numbers[3] > UINT32_MAX)
        reader_fail(reader, TROUBLE_DAMAGE, "a number is too high");
    reader->graph->python_minor = (uint32_t)numbers[2];
    reader->graph->flags = (uint32_t)numbers[3];
}

static void read_stats(struct reader *reader, const uint8_t **at, const uint8_t *end) {
    uint64_t numbers[4];
    for (int i = 0; i < 4; i++)
        if (!part_number(reader, at, end, &numbers[i]))
            return;
    reader->graph->stats = (struct graph_stats){numbers[0], numbers[1], numbers[2], numbers[3]};
}

/* What comes after the pieces. A piece that is not whole ends the stream. */
static void read_tail(struct reader *reader, const uint8_t *at, const uint8_t *end) {
    struct graph *graph = reader->graph;
    uint64_t kind;
    while (reader_good(reader) && !graph->complete && graph_number_next(&at, end, &kind)) {
        if (kind == GRAPH_STATS)
            read_stats(reader, &at, end);
        else if (kind == GRAPH_END)
            graph->complete = true;
        else if (kind == GRAPH_PIECE)
            return;
        else
            reader_fail(reader, TROUBLE_DAMAGE, "a part's kind is unknown");
    }
    if (reader->trouble == TROUBLE_SHORT)
        reader->trouble = TROUBLE_NONE;
    if (reader_good(reader) && graph->complete && at < end)
        reader_fail(reader, TROUBLE_DAMAGE, "something follows its end");
}

/* A column of one piece stays where it is; the pieces of others are copied together. */
static void gather(struct reader *reader, const uint8_t *first, const uint8_t *end,
                   const size_t *sizes) {
    struct graph_piece piece;
    uint8_t *to[GRAPH_COLUMNS] = {NULL};
    for (const uint8_t *at = first; reader_good(reader) && graph_piece_next(&at, end, &piece);) {
        if (piece.column >= GRAPH_COLUMNS)
            continue;
        struct column *column = &reader->columns[piece.column];
        if (piece.size == sizes[piece.column]) {
            *column = (struct column){piece.bytes, piece.bytes + piece.size};
            continue;
        }
        if (!to[piece.column]) {
            uint8_t *bytes = to[piece.column] = reader_take(reader, sizes[piece.column]);
            *column = (struct column){bytes, bytes + (bytes ? sizes[piece.column] : 0)};
        }
        if (!to[piece.column] || piece.size == 0)
            continue;
        memcpy(to[piece.column], piece.bytes, piece.size);
        to[piece.column] += piece.size;
    }
}

static void find_columns(struct reader *reader, const uint8_t *bytes, const uint8_t *end) {
    const uint8_t *at = bytes;
    for (uint32_t i = 0; i < GRAPH_COLUMNS; i++)
        reader->columns[i] = (struct column){end, end};
    read_begin(reader, &at, end);
    const uint8_t *first = at;
    size_t sizes[GRAPH_COLUMNS] = {0};
    struct graph_piece piece;
    while (reader_good(reader) && graph_piece_next(&at, end, &piece))
        if (piece.column < GRAPH_COLUMNS)
            sizes[piece.column] += piece.size;
    if (!reader_good(reader))
        return;
    read_tail(reader, at, end);
    gather(reader, first, at, sizes);
}

/* All objects that were not told become one. */
static void settle_number(const struct reader *reader, uint32_t *number, bool *any) {
    if (*number < reader->records)
        return;
    *number = reader->records;
    *any = true;
}

static void settle_slots(const struct reader *reader, struct graph_stack_place *slots,
                         uint32_t count, bool *any) {
    for (uint32_t i = 0; i < count; i++)
        settle_number(reader, &slots[i].object, any);
}

static void settle_frame(const struct reader *reader, struct graph_frame *frame, bool *any) {
    settle_number(reader, &frame->owner, any);
    settle_number(reader, &frame->function, any);
    settle_number(reader, &frame->locals_object, any);
    settle_slots(reader, frame->locals, frame->local_count, any);
    settle_slots(reader, frame->stack, frame->stack_count, any);
}

static void give_unknown_ones_a_number(struct reader *reader) {
    struct graph *graph = reader->graph;
    bool any = false;
    reader->records = graph->object_count;
    for (uint32_t i = 0; i < graph->edge_count; i++)
        settle_number(reader, &graph->edges[i].target, &any);
    for (uint32_t i = 0; i < graph->type_count; i++)
        settle_number(reader, &graph->types[i].object, &any);
    for (uint32_t i = 0; i < graph->code_count; i++)
        settle_number(reader, &graph->codes[i].object, &any);
    for (uint32_t i = 0; i < graph->frame_count; i++)
        settle_frame(reader, &graph->frames[i], &any);
    for (uint32_t i = 0; i < graph->root_count; i++)
        settle_number(reader, &graph->roots[i].object, &any);
    for (uint32_t i = 0; i < graph->lost_count; i++)
        settle_number(reader, &graph->lost[i].object, &any);
    for (uint32_t i = 0; i < graph->take_count; i++)
        settle_number(reader, &graph->takes[i].object, &any);
    for (uint32_t i = 0; i < graph->copy_count; i++) {
        settle_number(reader, &graph->copies[i].object, &any);
        settle_number(reader, &graph->copies[i].of, &any);
    }
    if (any)
        table_add(reader, TABLE_OBJECTS);
}

/* In a stream that is whole, columns end where the last row or record does. */
static void check_ends(struct reader *reader) {
    for (uint32_t i = 0; i < GRAPH_COLUMNS && reader->graph->complete; i++)
        if (column_left(reader, i) > 0)
            reader_fail(reader, TROUBLE_DAMAGE, "a column is too long");
}

static void read_columns(struct reader *reader) {
    reader_rows(reader, GRAPH_TEXT_SIZES, read_text);
    reader_rows(reader, GRAPH_TYPES, read_type);
    reader_rows(reader, GRAPH_CODES, read_code);
    reader_rows(reader, GRAPH_THREADS, read_thread);
    reader_rows(reader, GRAPH_ROOTS, read_root);
    read_records(reader);
    read_refs(reader);
    if (reader_good(reader))
        check_ends(reader);
    if (reader_good(reader))
        give_unknown_ones_a_number(reader);
}

static void read_stream(struct reader *reader, const uint8_t *bytes, size_t size) {
    if (!tables_open(reader))
        return;
    if (size > GRAPH_STREAM_MAX)
        reader_fail(reader, TROUBLE_DAMAGE, "it is too long");
    else
        find_columns(reader, bytes, size ? bytes + size : bytes);
    if (reader_good(reader))
        read_columns(reader);
}

static void explain(const struct reader *reader, char *why, size_t why_size) {
    switch (reader->trouble) {
    case TROUBLE_NONE:
        break;
    case TROUBLE_SHORT:
        snprintf(why, why_size, "the heap graph is cut short in its beginning");
        break;
    case TROUBLE_DAMAGE:
        snprintf(why, why_size, "the heap graph is damaged: %s", reader->what);
        break;
    case TROUBLE_VERSION:
        snprintf(why, why_size, "the heap graph was written by another version of holdfast");
        break;
    case TROUBLE_MEMORY:
        snprintf(why, why_size, "the heap graph does not fit into memory");
        break;
    }
}

struct graph *graph_read(const uint8_t *bytes, size_t size, char *why, size_t why_size) {
    struct graph_memory *memory = calloc(1, sizeof *memory);
    struct reader reader = {.memory = memory};
    if (why_size)
        *why = 0;
    if (!memory) {
        reader_fail(&reader, TROUBLE_MEMORY, "");
    } else {
        reader.graph = &memory->graph;
        read_stream(&reader, bytes, size);
    }
    explain(&reader, why, why_size);
    if (reader.trouble == TROUBLE_NONE)
        return &memory->graph;
    graph_free(memory ? &memory->graph : NULL);
    return NULL;
}

void graph_shed(struct graph *graph) {
    free(graph->objects);
    free(graph->edges);
    free(graph->places);
    free(graph->codes);
    free(graph->frames);
    free(graph->threads);
    free(graph->roots);
    free(graph->lost);
    free(graph->takes);
    free(graph->copies);
    graph->objects = NULL;
    graph->edges = NULL;
    graph->places = NULL;
    graph->codes = NULL;
    graph->frames = NULL;
    graph->threads = NULL;
    graph->roots = NULL;
    graph->lost = NULL;
    graph->takes = NULL;
    graph->copies = NULL;
}

void graph_free(struct graph *graph) {
    struct graph_memory *memory = (struct graph_memory *)graph;
    if (!graph)
        return;
    graph_shed(graph);
    while (memory->chunks) {
        struct chunk *before = memory->chunks->before;
        free(memory->chunks);
        memory->chunks = before;
    }
    free(graph->texts);
    free(graph->types);
    free(graph->balances);
    free(memory);
}
