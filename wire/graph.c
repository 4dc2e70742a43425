/* A heap-graph stream (graph.h) -> a struct graph. The stream is hostile until its last check:
 * counts are compared with the bytes that are left before anything is allocated, so memory stays
 * within a fixed multiple of the stream's size.
 *
 * A record is taken over as a whole or, when the stream ends inside it, not at all.
 */
#include "graph.h"

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

struct array {
    void **data;
    uint32_t *count;
    uint32_t capacity;
    size_t size;
};

enum trouble {
    TROUBLE_NONE,
    TROUBLE_SHORT, /* the stream ends here */
    TROUBLE_DAMAGE,
    TROUBLE_VERSION,
    TROUBLE_MEMORY,
};

enum table {
    TABLE_TEXTS,
    TABLE_TYPES,
    TABLE_OBJECTS,
    TABLE_EDGES,
    TABLE_PLACES,
    TABLE_CODES,
    TABLE_FRAMES,
    TABLE_THREADS,
    TABLE_ROOTS,
    TABLES
};

struct reader {
    const uint8_t *at, *end;
    uint64_t size;
    uint32_t records;      /* objects that have one, and entry 0 */
    enum trouble trouble;  /* once set, every read gives 0 */
    const char *what;      /* with TROUBLE_DAMAGE */
    uint64_t last_address; /* of the last object, / 8 */
    uint64_t highest;      /* object number, as the comment of enum graph_edge has it */
    struct array tables[TABLES];
    struct graph_memory *memory;
    struct graph *graph;
};

static void fail(struct reader *reader, enum trouble trouble, const char *what) {
    if (reader->trouble != TROUBLE_NONE)
        return;
    reader->trouble = trouble;
    reader->what = what;
}

/* -- Memory -- */

static void *reader_take(struct reader *reader, size_t size) {
    struct graph_memory *memory = reader->memory;
    size = (size + 15) & ~(size_t)15;
    if (!memory->chunks || size > memory->chunk_size - memory->chunk_used) {
        size_t room = size > CHUNK_SIZE ? size : CHUNK_SIZE;
        struct chunk *chunk = malloc(sizeof *chunk + room);
        if (!chunk) {
            fail(reader, TROUBLE_MEMORY, "");
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

/* One more row, zeroed; none once there was trouble. */
static void *table_add(struct reader *reader, enum table which) {
    if (reader->trouble != TROUBLE_NONE)
        return NULL;
    struct array *table = &reader->tables[which];
    if (*table->count >= table->capacity) {
        uint64_t capacity = table->capacity ? (uint64_t)table->capacity * 2 : 64;
        void *data = capacity > UINT32_MAX ? NULL : realloc(*table->data, capacity * table->size);
        if (!data) {
            fail(reader, TROUBLE_MEMORY, "");
            return NULL;
        }
        *table->data = data;
        table->capacity = (uint32_t)capacity;
    }
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

static size_t left(const struct reader *reader) {
    return (size_t)(reader->end - reader->at);
}

static uint64_t get(struct reader *reader) {
    uint64_t value = 0;
    if (reader->trouble != TROUBLE_NONE)
        return 0;
    for (unsigned shift = 0; shift < 63; shift += 7) {
        if (reader->at == reader->end) {
            fail(reader, TROUBLE_SHORT, "");
            return 0;
        }
        uint8_t byte = *reader->at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return value;
    }
    fail(reader, TROUBLE_DAMAGE, "a number is too long");
    return 0;
}

static uint32_t get_u32(struct reader *reader) {
    uint64_t value = get(reader);
    if (value <= UINT32_MAX)
        return (uint32_t)value;
    fail(reader, TROUBLE_DAMAGE, "a number is too high");
    return 0;
}

/* A count of things that take at least one byte each. */
static uint32_t get_count(struct reader *reader, uint64_t limit) {
    uint64_t count = get(reader);
    if (count > limit)
        fail(reader, TROUBLE_DAMAGE, "a count is too high");
    else if (count > left(reader))
        fail(reader, TROUBLE_SHORT, "");
    return reader->trouble == TROUBLE_NONE ? (uint32_t)count : 0;
}

static uint32_t get_reference(struct reader *reader, uint32_t count, const char *what) {
    uint64_t number = get(reader);
    if (number < count)
        return (uint32_t)number;
    fail(reader, TROUBLE_DAMAGE, what);
    return 0;
}

static uint32_t get_text(struct reader *reader) {
    return get_reference(reader, reader->graph->text_count, "a text is not there");
}

/* Until give_unknown_ones_a_number(), a number that is far too high is NOBODY. */
#define NOBODY UINT32_MAX

static uint32_t name_object(uint64_t number) {
    return number < NOBODY ? (uint32_t)number : NOBODY;
}

static uint32_t get_object(struct reader *reader) {
    return name_object(get(reader));
}

static const uint8_t *get_bytes(struct reader *reader, uint32_t size) {
    const uint8_t *bytes = reader->at;
    if (reader->trouble != TROUBLE_NONE || size == 0)
        return NULL;
    reader->at += size;
    return bytes;
}

/* -- Records -- */

static void read_begin(struct reader *reader) {
    uint64_t version = get(reader);
    if (reader->trouble == TROUBLE_NONE && version != GRAPH_VERSION)
        fail(reader, TROUBLE_VERSION, "");
    reader->graph->python_minor = get_u32(reader);
    reader->graph->flags = get_u32(reader);
}

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
    uint32_t size = get_count(reader, GRAPH_TEXT_MAX);
    const uint8_t *bytes = get_bytes(reader, size);
    char *text = reader->trouble == TROUBLE_NONE ? reader_take(reader, size + 1) : NULL;
    if (!text)
        return;
    clean_text(text, bytes, size);
    char **row = table_add(reader, TABLE_TEXTS);
    if (row)
        *row = text;
}

static void read_type(struct reader *reader) {
    struct graph_type type;
    type.name = get_text(reader);
    type.kind = get_u32(reader);
    type.flags = get_u32(reader);
    type.object = get_object(reader);
    if (type.kind >= GRAPH_KIND_COUNT)
        type.kind = GRAPH_OTHER;
    struct graph_type *row = table_add(reader, TABLE_TYPES);
    if (row)
        *row = type;
}

/* As name_object, where it counts for the next new number. */
static uint32_t reach_object(struct reader *reader, uint64_t number) {
    if (number > reader->highest && reader->trouble == TROUBLE_NONE)
        reader->highest = number;
    return name_object(number);
}

static uint32_t edge_target(struct reader *reader, uint64_t code, uint64_t own) {
    if (code == 0)
        return 0;
    if (code == 1)
        return reach_object(reader, reader->highest + 1);
    int64_t number = (int64_t)own + graph_unzigzag(code - 2);
    if (number <= 0) {
        fail(reader, TROUBLE_DAMAGE, "an edge leads nowhere");
        return 0;
    }
    return reach_object(reader, (uint64_t)number);
}

static void read_edges(struct reader *reader, uint64_t own, uint32_t *first, uint32_t *count) {
    *first = reader->graph->edge_count;
    *count = get_count(reader, UINT32_MAX - 1);
    for (uint32_t i = 0; i < *count && reader->trouble == TROUBLE_NONE; i++) {
        uint64_t word = get(reader);
        struct graph_edge_record edge = {.kind = word & 7};
        edge.target = edge_target(reader, word >> 3, own);
        if (edge.target != 0 && (edge.kind == EDGE_FIELD || edge.kind == EDGE_ATTRIBUTE))
            edge.text = get_text(reader);
        struct graph_edge_record *row = table_add(reader, TABLE_EDGES);
        if (row)
            *row = edge;
    }
}

static void read_places(struct reader *reader, struct graph_object *object) {
    object->first_place = reader->graph->place_count;
    object->place_count = get_count(reader, UINT32_MAX - 1);
    for (uint32_t i = 0; i < object->place_count && reader->trouble == TROUBLE_NONE; i++) {
        uint64_t words = object->address / 8 + (uint64_t)graph_unzigzag(get(reader));
        struct graph_place *row = table_add(reader, TABLE_PLACES);
        if (row)
            row->address = words * 8;
    }
}

static void read_object(struct reader *reader) {
    struct graph_object object;
    uint32_t own = reach_object(reader, reader->graph->object_count);
    uint64_t address = reader->last_address + (uint64_t)graph_unzigzag(get(reader));
    object.address = address * 8;
    object.type = get_reference(reader, reader->graph->type_count, "a type is not there");
    object.references = get(reader);
    object.size = get(reader);
    object.flags = get_u32(reader);
    object.detail = get_text(reader);
    read_places(reader, &object);
    read_edges(reader, own, &object.first_edge, &object.edge_count);
    struct graph_object *row = table_add(reader, TABLE_OBJECTS);
    if (!row)
        return;
    *row = object;
    reader->last_address = address;
}

static void read_code_locals(struct reader *reader, struct graph_code *code) {
    code->local_count = get_count(reader, GRAPH_SLOTS_MAX);
    code->local_names = reader_take(reader, code->local_count * sizeof *code->local_names);
    code->local_kinds = reader_take(reader, code->local_count);
    for (uint32_t i = 0; i < code->local_count && reader->trouble == TROUBLE_NONE; i++) {
        code->local_names[i] = get_text(reader);
        code->local_kinds[i] = (uint8_t)get(reader);
    }
}

static void read_code(struct reader *reader) {
    struct graph_code code;
    code.object = get_object(reader);
    code.name = get_text(reader);
    code.qualified_name = get_text(reader);
    code.file = get_text(reader);
    code.first_line = get_u32(reader);
    code.flags = get_u32(reader);
    code.argument_count = get_u32(reader);
    code.stack_size = get_u32(reader);
    code.instruction_bytes = get_count(reader, GRAPH_CODE_MAX);
    code.instructions = get_bytes(reader, code.instruction_bytes);
    code.exception_table_bytes = get_count(reader, GRAPH_CODE_MAX);
    code.exception_table = get_bytes(reader, code.exception_table_bytes);
    read_code_locals(reader, &code);
    code.name_count = get_count(reader, GRAPH_CODE_MAX);
    code.names = reader_take(reader, code.name_count * sizeof *code.names);
    for (uint32_t i = 0; i < code.name_count && reader->trouble == TROUBLE_NONE; i++)
        code.names[i] = get_text(reader);
    if (code.qualified_name == 0)
        code.qualified_name = code.name;
    struct graph_code *row = table_add(reader, TABLE_CODES);
    if (row)
        *row = code;
}

static struct graph_stack_place *read_slots(struct reader *reader, uint32_t *count) {
    *count = get_count(reader, GRAPH_SLOTS_MAX);
    struct graph_stack_place *slots = reader_take(reader, *count * sizeof *slots);
    for (uint32_t i = 0; i < *count && reader->trouble == TROUBLE_NONE; i++) {
        uint64_t word = get(reader);
        slots[i].object = name_object(word >> 1);
        slots[i].borrowed = word & 1;
    }
    return slots;
}

static void read_frame(struct reader *reader) {
    struct graph_frame frame;
    frame.thread = get_reference(reader, reader->graph->thread_count, "a thread is not there");
    frame.depth = get_u32(reader);
    frame.owner = get_object(reader);
    frame.code = get_reference(reader, reader->graph->code_count, "a code is not there");
    int64_t position = graph_unzigzag(get(reader));
    if (position < INT32_MIN || position > INT32_MAX)
        fail(reader, TROUBLE_DAMAGE, "a position is too high");
    frame.position = (int32_t)position;
    frame.line = get_u32(reader);
    uint64_t depth = get(reader);
    if (depth > GRAPH_SLOTS_MAX + 1)
        fail(reader, TROUBLE_DAMAGE, "a stack is too deep");
    frame.saved_depth = (int32_t)depth - 1;
    frame.function = get_object(reader);
    frame.locals_object = get_object(reader);
    frame.locals = read_slots(reader, &frame.local_count);
    frame.stack = read_slots(reader, &frame.stack_count);
    if (reader->trouble == TROUBLE_NONE && frame.code == 0)
        fail(reader, TROUBLE_DAMAGE, "a frame has no code");
    struct graph_frame *row = table_add(reader, TABLE_FRAMES);
    if (row)
        *row = frame;
}

static void read_thread(struct reader *reader) {
    struct graph_thread thread;
    thread.identifier = get(reader);
    thread.native_id = get(reader);
    thread.flags = get_u32(reader);
    thread.name = get_text(reader);
    read_edges(reader, 0, &thread.first_edge, &thread.edge_count);
    struct graph_thread *row = table_add(reader, TABLE_THREADS);
    if (row)
        *row = thread;
}

static void read_root(struct reader *reader) {
    struct graph_root_record root;
    root.kind = get_u32(reader);
    root.name = get_text(reader);
    root.object = get_object(reader);
    struct graph_root_record *row = table_add(reader, TABLE_ROOTS);
    if (row)
        *row = root;
}

static void read_stats(struct reader *reader) {
    struct graph_stats stats;
    stats.objects = get(reader);
    stats.edges = get(reader);
    stats.walk_ns = get(reader);
    stats.memory = get(reader);
    if (reader->trouble == TROUBLE_NONE)
        reader->graph->stats = stats;
}

static void read_record(struct reader *reader) {
    switch (*reader->at++) {
    case GRAPH_TEXT:
        read_text(reader);
        break;
    case GRAPH_TYPE:
        read_type(reader);
        break;
    case GRAPH_OBJECT:
        read_object(reader);
        break;
    case GRAPH_CODE:
        read_code(reader);
        break;
    case GRAPH_FRAME:
        read_frame(reader);
        break;
    case GRAPH_THREAD:
        read_thread(reader);
        break;
    case GRAPH_ROOT:
        read_root(reader);
        break;
    case GRAPH_STATS:
        read_stats(reader);
        break;
    case GRAPH_END:
        reader->graph->complete = true;
        break;
    default:
        fail(reader, TROUBLE_DAMAGE, "a record's kind is unknown");
    }
}

/* Records up to the end. What a record that was cut short had already put down is taken back. */
static void read_records(struct reader *reader) {
    struct graph *graph = reader->graph;
    while (reader->trouble == TROUBLE_NONE && !graph->complete && reader->at < reader->end) {
        uint32_t edges = graph->edge_count, places = graph->place_count;
        read_record(reader);
        if (reader->trouble == TROUBLE_SHORT) {
            graph->edge_count = edges;
            graph->place_count = places;
        }
    }
    if (reader->trouble == TROUBLE_SHORT)
        reader->trouble = TROUBLE_NONE;
    if (reader->trouble == TROUBLE_NONE && graph->complete && reader->at < reader->end)
        fail(reader, TROUBLE_DAMAGE, "something follows its end");
}

/* All objects without a record become one. */
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
    if (any)
        table_add(reader, TABLE_OBJECTS);
}

static void read_stream(struct reader *reader) {
    if (!tables_open(reader))
        return;
    if (reader->size > GRAPH_STREAM_MAX) {
        fail(reader, TROUBLE_DAMAGE, "it is too long");
        return;
    }
    if (get(reader) != GRAPH_BEGIN)
        fail(reader, TROUBLE_DAMAGE, "it does not begin as a heap graph");
    read_begin(reader);
    if (reader->trouble == TROUBLE_NONE)
        read_records(reader);
    if (reader->trouble == TROUBLE_NONE)
        give_unknown_ones_a_number(reader);
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
    struct reader reader = {.at = bytes, .end = bytes + size, .size = size, .memory = memory};
    if (why_size)
        *why = 0;
    if (!memory) {
        fail(&reader, TROUBLE_MEMORY, "");
    } else {
        reader.graph = &memory->graph;
        read_stream(&reader);
    }
    explain(&reader, why, why_size);
    if (reader.trouble == TROUBLE_NONE)
        return &memory->graph;
    graph_free(memory ? &memory->graph : NULL);
    return NULL;
}

void graph_free(struct graph *graph) {
    struct graph_memory *memory = (struct graph_memory *)graph;
    if (!graph)
        return;
    while (memory->chunks) {
        struct chunk *before = memory->chunks->before;
        free(memory->chunks);
        memory->chunks = before;
    }
    free(graph->texts);
    free(graph->types);
    free(graph->objects);
    free(graph->edges);
    free(graph->places);
    free(graph->codes);
    free(graph->frames);
    free(graph->threads);
    free(graph->roots);
    free(memory);
}
