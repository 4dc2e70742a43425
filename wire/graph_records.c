/* The objects and frames of a heap graph. See graph_reader.h; graph_guess.h has what their targets
 * and sizes are compared with.
 */
#include "graph_guess.h"
#include "graph_reader.h"

#include <stdlib.h>
#include <string.h>

#define OBJECT_HEAD 3u /* words of a shape before its edges, or its borrowed places */
#define FRAME_HEAD 6u

struct shape {
    uint32_t kind; /* enum graph_shape_word */
    uint32_t *words;
    uint32_t word_count;
    uint32_t *slots;
    struct graph_frame frame;   /* what frames have in common */
    struct graph_object object; /* objects */
};

struct records {
    struct reader *reader;
    struct graph_guess guess;
    struct shape *shapes;
    uint32_t shape_count, shape_room;
    uint64_t bytes; /* of all objects so far */
};

/* -- Shapes -- */

static void check_edge(struct reader *reader, uint32_t word) {
    if (word >> 4 >= reader->graph->text_count)
        reader_fail(reader, TROUBLE_DAMAGE, "a text is not there");
}

static void open_object_shape(struct reader *reader, struct shape *shape) {
    if (shape->word_count < OBJECT_HEAD || shape->words[1] >= reader->graph->type_count) {
        reader_fail(reader, TROUBLE_DAMAGE, "a type is not there");
        return;
    }
    shape->object.type = shape->words[1];
    shape->object.flags = shape->words[2];
    for (uint32_t i = OBJECT_HEAD; i < shape->word_count; i++)
        check_edge(reader, shape->words[i]);
}

static void open_frame_shape(struct reader *reader, struct shape *shape) {
    const uint32_t *words = shape->words;
    struct graph_frame *frame = &shape->frame;
    if (shape->word_count < FRAME_HEAD || words[1] == 0 || words[1] >= reader->graph->code_count) {
        reader_fail(reader, TROUBLE_DAMAGE, "a code is not there");
        return;
    }
    uint32_t slots = shape->word_count - FRAME_HEAD;
    frame->code = words[1];
    frame->position = (int32_t)graph_unzigzag(words[2]);
    frame->line = words[3];
    frame->saved_depth = (int32_t)words[4] - 1;
    frame->local_count = words[5];
    frame->stack_count = slots - frame->local_count;
    if (words[4] > GRAPH_SLOTS_MAX + 1 || frame->local_count > slots ||
        frame->local_count > GRAPH_SLOTS_MAX || frame->stack_count > GRAPH_SLOTS_MAX)
        reader_fail(reader, TROUBLE_DAMAGE, "a stack is too deep");
}

static struct shape *add_shape(struct records *records) {
    if (records->shape_count == records->shape_room) {
        uint64_t room = records->shape_room ? records->shape_room * 2ull : 256;
        struct shape *shapes =
            room > UINT32_MAX ? NULL : realloc(records->shapes, room * sizeof *shapes);
        if (!shapes) {
            reader_fail(records->reader, TROUBLE_MEMORY, "");
            return NULL;
        }
        records->shapes = shapes;
        records->shape_room = (uint32_t)room;
    }
    struct shape *shape = &records->shapes[records->shape_count];
    *shape = (struct shape){0};
    return shape;
}

/* An edge needs two slots at the most, and a frame three more than it has places. */
static void read_shape(struct records *records) {
    struct reader *reader = records->reader;
    uint32_t count = get_count(reader, GRAPH_SHAPES, GRAPH_SHAPES, UINT32_MAX / 16);
    struct shape *shape = reader_good(reader) ? add_shape(records) : NULL;
    if (!shape)
        return;
    shape->words = reader_take(reader, count * sizeof *shape->words);
    shape->slots = reader_take(reader, (2ul * count + 1) * sizeof *shape->slots);
    for (uint32_t i = 0; i < count && reader_good(reader); i++)
        shape->words[i] = get_u32(reader, GRAPH_SHAPES);
    if (!reader_good(reader))
        return;
    for (uint32_t i = 0; i < 2 * count + 1; i++)
        shape->slots[i] = 0;
    shape->word_count = count;
    shape->kind = count ? shape->words[0] : 0;
    if (shape->kind & GRAPH_IS_FRAME)
        open_frame_shape(reader, shape);
    else
        open_object_shape(reader, shape);
    if (reader_good(reader))
        records->shape_count++;
}

/* -- Targets -- */

static uint8_t get_byte(struct reader *reader, enum graph_column which) {
    struct column *column = &reader->columns[which];
    if (column->at == column->end)
        reader_fail(reader, TROUBLE_SHORT, "");
    return reader_good(reader) ? *column->at++ : 0;
}

static uint64_t read_distance(struct reader *reader, uint32_t bits) {
    uint64_t rest = 0;
    uint32_t read = 0;
    for (; read < bits; read += 8)
        rest = rest << 8 | get_byte(reader, read == 0 ? GRAPH_BITS : GRAPH_LOW_BITS);
    return 1ull << bits | rest >> (read - bits);
}

/* One that goes into the row. */
static uint64_t read_far(struct records *records, uint8_t byte) {
    struct graph_guess *guess = &records->guess;
    uint64_t target = 0;
    if (byte == TARGET_FOLLOW) {
        target = graph_row_at(guess, guess->back);
    } else if (byte >= TARGET_RECENT && byte < TARGET_END) {
        uint64_t distance = read_distance(records->reader, byte % GRAPH_DISTANCE_BITS);
        if (byte >= TARGET_BEHIND) {
            target = guess->own + distance;
        } else if (byte >= TARGET_BEFORE) {
            target = distance <= guess->own ? guess->own + 1 - distance : 0;
        } else {
            target = graph_row_at(guess, distance);
            guess->back = (uint32_t)distance;
        }
    }
    graph_row_add(guess, name_object(target));
    return target;
}

static uint64_t decode_target(struct records *records, uint8_t byte, uint32_t slot) {
    const struct graph_guess *guess = &records->guess;
    if (byte == TARGET_NEW)
        return guess->highest + 1;
    if (byte == TARGET_AGAIN)
        return slot;
    if (byte >= TARGET_NEAR && byte < TARGET_BESIDE)
        return guess->previous + byte - (TARGET_NEAR + GRAPH_NEAR);
    if (byte >= TARGET_BESIDE && byte <= TARGET_BESIDE + 2 * GRAPH_BESIDE)
        return (uint64_t)slot + byte - (TARGET_BESIDE + GRAPH_BESIDE);
    return read_far(records, byte);
}

static uint32_t read_target(struct records *records, enum graph_column column, uint32_t *slot) {
    struct reader *reader = records->reader;
    uint8_t byte = get_byte(reader, column);
    uint64_t target = byte == TARGET_NONE ? 0 : decode_target(records, byte, *slot);
    if (byte != TARGET_NONE && (target == 0 || target > INT64_MAX))
        reader_fail(reader, TROUBLE_DAMAGE, "an edge leads nowhere");
    graph_note_target(&records->guess, slot, name_object(target));
    return *slot;
}

/* -- Objects -- */

static bool has_name(uint32_t kind) {
    return kind == EDGE_FIELD || kind == EDGE_ATTRIBUTE;
}

static void add_edge(struct reader *reader, uint32_t word, uint32_t target) {
    struct graph *graph = reader->graph;
    uint8_t kind = word >> 1 & 7;
    graph->edges[graph->edge_count++] = (struct graph_edge_record){
        .target = target, .text = target && has_name(kind) ? word >> 4 : 0, .kind = kind};
}

/* As many as there are; keys come with their values. */
static void read_many(struct records *records, uint32_t word, uint32_t count, uint32_t *slots) {
    struct reader *reader = records->reader;
    bool pairs = (word >> 1 & 7) == EDGE_KEY;
    uint32_t value = EDGE_VALUE << 1;
    uint64_t targets = (uint64_t)count << pairs;
    if (targets > column_left(reader, GRAPH_ITEMS))
        reader_fail(reader, TROUBLE_SHORT, "");
    if (!table_room(reader, TABLE_EDGES, targets))
        return;
    for (uint64_t i = 0; i < targets && reader_good(reader); i++) {
        uint32_t second = pairs && i % 2 == 1;
        uint32_t target = read_target(records, GRAPH_ITEMS, &slots[second]);
        add_edge(reader, second ? value : word, target);
    }
}

/* Gives the first of its counts, 0 without any. */
static uint32_t read_edges(struct records *records, const struct shape *shape) {
    struct reader *reader = records->reader;
    uint32_t *slot = shape->slots, first = 0;
    bool any = false;
    for (uint32_t i = OBJECT_HEAD; i < shape->word_count && reader_good(reader); i++) {
        uint32_t word = shape->words[i];
        if (!(word & GRAPH_MANY)) {
            uint32_t target = read_target(records, GRAPH_FIELDS, slot++);
            if (table_room(reader, TABLE_EDGES, 1))
                add_edge(reader, word, target);
            continue;
        }
        uint32_t count = get_count(reader, GRAPH_COUNTS, GRAPH_ITEMS, UINT32_MAX - 1);
        read_many(records, word, count, slot);
        slot += 1 + ((word >> 1 & 7) == EDGE_KEY);
        first = any ? first : count;
        any = true;
    }
    return first;
}

static void read_places(struct records *records, struct graph_object *object) {
    struct reader *reader = records->reader;
    struct graph_guess *guess = &records->guess;
    object->place_count = get_count(reader, GRAPH_COUNTS, GRAPH_PLACES, UINT32_MAX - 1);
    for (uint32_t i = 0; i < object->place_count && reader_good(reader); i++) {
        guess->last_place += (uint64_t)get_signed(reader, GRAPH_PLACES);
        struct graph_place *row = table_add(reader, TABLE_PLACES);
        if (row)
            row->address = guess->last_place * 8;
    }
}

static void read_size(struct records *records, struct graph_object *object, uint32_t shape,
                      uint32_t count) {
    size_t text = strlen(records->reader->graph->texts[object->detail]);
    uint64_t *context = graph_size_context(&records->guess, shape, count, (uint32_t)text);
    uint64_t size = get(records->reader, GRAPH_SIZES);
    object->size = size ? size - 1 : *context;
    *context = object->size;
    if (object->size > GRAPH_BYTES_MAX - records->bytes)
        reader_fail(records->reader, TROUBLE_DAMAGE, "the objects are larger than memory can be");
    else
        records->bytes += object->size;
}

static void read_detail(struct records *records, struct graph_object *object) {
    struct graph_guess *guess = &records->guess;
    uint64_t detail = guess->last_detail + 1 + (uint64_t)get_signed(records->reader, GRAPH_DETAILS);
    if (detail >= records->reader->graph->text_count) {
        reader_fail(records->reader, TROUBLE_DAMAGE, "a text is not there");
        return;
    }
    guess->last_detail = detail;
    object->detail = (uint32_t)detail;
}

static void read_object(struct records *records, uint32_t number) {
    struct reader *reader = records->reader;
    struct graph *graph = reader->graph;
    const struct shape *shape = &records->shapes[number];
    struct graph_object object = shape->object;
    graph_note_object(&records->guess);
    records->guess.previous = records->guess.own;
    object.first_edge = graph->edge_count;
    object.first_place = graph->place_count;
    uint32_t count = read_edges(records, shape);
    object.edge_count = graph->edge_count - object.first_edge;
    if (shape->kind & GRAPH_HAS_PLACES)
        read_places(records, &object);
    object.references = get(reader, GRAPH_REFERENCES);
    if (shape->kind & GRAPH_HAS_DETAIL)
        read_detail(records, &object);
    read_size(records, &object, number, count);
    if (graph->flags & GRAPH_HAS_ADDRESSES)
        get(reader, GRAPH_ADDRESSES);
    struct graph_object *row = reader_good(reader) ? table_add(reader, TABLE_OBJECTS) : NULL;
    if (row) {
        *row = object;
        return;
    }
    graph->edge_count = object.first_edge;
    graph->place_count = object.first_place;
}

/* -- Frames -- */

static struct graph_stack_place *read_slots(struct records *records, const uint32_t *borrowed,
                                            uint32_t count, uint32_t **slot) {
    struct reader *reader = records->reader;
    if (count > column_left(reader, GRAPH_FIELDS))
        reader_fail(reader, TROUBLE_SHORT, "");
    struct graph_stack_place *places =
        reader_good(reader) ? reader_take(reader, count * sizeof *places) : NULL;
    for (uint32_t i = 0; i < count && reader_good(reader); i++) {
        places[i].object = read_target(records, GRAPH_FIELDS, (*slot)++);
        places[i].borrowed = places[i].object && borrowed[i];
    }
    return places;
}

static void read_thread_of(struct records *records, struct graph_frame *frame) {
    struct reader *reader = records->reader;
    frame->thread =
        get_reference(reader, GRAPH_COUNTS, reader->graph->thread_count, "a thread is not there");
    uint64_t depth = (uint64_t)graph_expected_depth(&records->guess, frame->thread) +
                     (uint64_t)get_signed(reader, GRAPH_COUNTS);
    if (reader_good(reader) && (frame->thread == 0 || depth >= UINT32_MAX))
        reader_fail(reader, TROUBLE_DAMAGE, "a thread is not there");
    frame->depth = (uint32_t)depth;
    graph_note_depth(&records->guess, frame->thread, frame->depth);
}

static void read_frame(struct records *records, const struct shape *shape) {
    struct reader *reader = records->reader;
    struct graph_frame frame = shape->frame;
    uint32_t *slot = shape->slots;
    records->guess.previous = records->guess.own;
    if (shape->kind & GRAPH_RUNS)
        read_thread_of(records, &frame);
    frame.owner = read_target(records, GRAPH_FIELDS, slot++);
    frame.function = read_target(records, GRAPH_FIELDS, slot++);
    frame.locals_object = read_target(records, GRAPH_FIELDS, slot++);
    const uint32_t *borrowed = shape->words + FRAME_HEAD;
    frame.locals = read_slots(records, borrowed, frame.local_count, &slot);
    frame.stack = read_slots(records, borrowed + frame.local_count, frame.stack_count, &slot);
    struct graph_frame *row = reader_good(reader) ? table_add(reader, TABLE_FRAMES) : NULL;
    if (row)
        *row = frame;
}

/* -- Together -- */

static void read_record(struct records *records) {
    uint32_t number =
        get_reference(records->reader, GRAPH_RECORDS, records->shape_count, "a shape is not there");
    if (!reader_good(records->reader) || !records->shapes)
        return;
    const struct shape *shape = &records->shapes[number];
    if (shape->kind & GRAPH_IS_FRAME)
        read_frame(records, shape);
    else
        read_object(records, number);
}

static void read_all(struct records *records) {
    struct reader *reader = records->reader;
    while (reader_good(reader) && column_left(reader, GRAPH_SHAPES) > 0)
        read_shape(records);
    reader_end_column(reader);
    while (reader_good(reader) && column_left(reader, GRAPH_RECORDS) > 0)
        read_record(records);
    reader_end_column(reader);
}

void read_records(struct reader *reader) {
    struct records *records = calloc(1, sizeof *records);
    if (!records) {
        reader_fail(reader, TROUBLE_MEMORY, "");
        return;
    }
    records->reader = reader;
    read_all(records);
    free(records->shapes);
    free(records);
}
