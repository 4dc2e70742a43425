/* See graph_write.h. Nothing of libc's is called but memcpy and memset. */
#include "graph_write.h"

#include <string.h>

#define SHAPES_KEPT 65536u /* others are told again each time */
#define SHAPE_WORDS_KEPT 4096u
#define SHAPES_FIRST 1024u
#define WORDS_FIRST 1024u
#define TEXTS_FIRST 8192u

/* Two shapes are the same if their hashes are: of a million, one in thirty million heaps has two
 * that are not. */
struct kept_shape {
    uint64_t hash; /* 0: free */
    uint32_t number;
    uint32_t *slots;
};

/* -- Columns -- */

static void hand_over(struct graph_writer *writer, const uint8_t *bytes, size_t size) {
    if (writer->failed)
        return;
    if (writer->written + size > GRAPH_STREAM_MAX || !writer->write(writer, bytes, size))
        writer->failed = true;
    else
        writer->written += size;
}

/* In the order of columns: if nothing follows, what there is of later ones can be understood. */
void graph_flush(struct graph_writer *writer) {
    for (uint32_t i = 0; i < GRAPH_COLUMNS; i++) {
        uint8_t head[GRAPH_PIECE_HEAD];
        uint8_t *column = writer->buffer + (size_t)i * (GRAPH_PIECE_HEAD + GRAPH_PIECE_MAX);
        if (writer->used[i] == 0)
            continue;
        size_t size = graph_piece_head(head, i, writer->used[i]);
        uint8_t *start = column + GRAPH_PIECE_HEAD - size;
        memcpy(start, head, size);
        hand_over(writer, start, size + writer->used[i]);
        writer->used[i] = 0;
    }
}

void graph_put_bytes(struct graph_writer *writer, enum graph_column column, const void *bytes,
                     size_t size) {
    const uint8_t *from = bytes;
    while (size > 0) {
        if (writer->used[column] == GRAPH_PIECE_MAX)
            graph_flush(writer);
        size_t room = GRAPH_PIECE_MAX - writer->used[column], part = size < room ? size : room;
        memcpy(writer->buffer + (size_t)column * (GRAPH_PIECE_HEAD + GRAPH_PIECE_MAX) +
                   GRAPH_PIECE_HEAD + writer->used[column],
               from, part);
        writer->used[column] += (uint32_t)part;
        from += part;
        size -= part;
    }
}

static void put_byte(struct graph_writer *writer, enum graph_column column, uint8_t byte) {
    if (writer->used[column] == GRAPH_PIECE_MAX)
        graph_flush(writer);
    writer->buffer[(size_t)column * (GRAPH_PIECE_HEAD + GRAPH_PIECE_MAX) + GRAPH_PIECE_HEAD +
                   writer->used[column]++] = byte;
}

static void *take(struct graph_writer *writer, size_t size) {
    void *memory = writer->failed ? NULL : writer->take(writer, size);
    if (!memory)
        writer->failed = true;
    return memory;
}

/* -- Beginning and end: numbers outside of columns -- */

static size_t put_numbers(uint8_t *to, const uint64_t *numbers, size_t count) {
    uint8_t *at = to;
    for (size_t i = 0; i < count; i++) {
        uint64_t value = numbers[i];
        for (; value >= 0x80; value >>= 7)
            *at++ = (uint8_t)(value | 0x80);
        *at++ = (uint8_t)value;
    }
    return (size_t)(at - to);
}

void graph_begin(struct graph_writer *writer, uint32_t minor, uint32_t flags) {
    const uint64_t numbers[] = {GRAPH_BEGIN, GRAPH_VERSION, minor, flags};
    uint8_t bytes[sizeof numbers / sizeof *numbers * 10];
    writer->has_addresses = flags & GRAPH_HAS_ADDRESSES;
    writer->guess = take(writer, sizeof *writer->guess);
    writer->recent = take(writer, GRAPH_ROW * sizeof *writer->recent);
    writer->shapes = take(writer, SHAPES_FIRST * sizeof *writer->shapes);
    writer->shape_mask = SHAPES_FIRST - 1;
    writer->words = take(writer, WORDS_FIRST * sizeof *writer->words);
    writer->word_room = writer->words ? WORDS_FIRST : 0;
    hand_over(writer, bytes, put_numbers(bytes, numbers, sizeof numbers / sizeof *numbers));
}

/* What was shaped and then not told has no target. */
static void end_object(struct graph_writer *writer) {
    while (!writer->failed && writer->word && writer->word < writer->words_end)
        graph_put_target(writer, 0);
    writer->word = NULL;
}

void graph_end(struct graph_writer *writer, const struct graph_stats *stats) {
    const uint64_t numbers[] = {GRAPH_STATS,    stats->objects, stats->edges,
                                stats->walk_ns, stats->memory,  GRAPH_END};
    uint8_t bytes[sizeof numbers / sizeof *numbers * 10];
    end_object(writer);
    graph_flush(writer);
    hand_over(writer, bytes, put_numbers(bytes, numbers, sizeof numbers / sizeof *numbers));
}

/* A length up to which the text fits, not in the middle of a character. */
static size_t cut_length(const char *text, size_t size) {
    if (size <= GRAPH_TEXT_MAX)
        return size;
    size = GRAPH_TEXT_MAX - 3;
    while (size > 0 && (text[size] & 0xc0) == 0x80)
        size--;
    return size;
}

static void note_text_size(struct graph_writer *writer, size_t size) {
    if (++writer->text_count >= writer->text_room) {
        uint32_t room = writer->text_room ? writer->text_room * 2 : TEXTS_FIRST;
        uint8_t *sizes = take(writer, room);
        if (!sizes)
            return;
        if (writer->text_room)
            memcpy(sizes, writer->text_sizes, writer->text_room);
        writer->text_sizes = sizes;
        writer->text_room = room;
    }
    writer->text_sizes[writer->text_count] = (uint8_t)size;
}

void graph_put_text(struct graph_writer *writer, const char *text, size_t size) {
    size_t fits = cut_length(text, size), all = fits < size ? fits + 3 : fits;
    graph_put(writer, GRAPH_TEXT_SIZES, all);
    graph_put_bytes(writer, GRAPH_TEXTS, text, fits);
    if (fits < size)
        graph_put_bytes(writer, GRAPH_TEXTS, "...", 3);
    note_text_size(writer, all);
}

void graph_put_type(struct graph_writer *writer, uint32_t name, uint32_t kind, uint32_t flags,
                    uint32_t object) {
    graph_put(writer, GRAPH_TYPES, name);
    graph_put(writer, GRAPH_TYPES, kind);
    graph_put(writer, GRAPH_TYPES, flags);
    graph_put(writer, GRAPH_TYPES, object);
}

/* -- Shapes -- */

/* The old words stay in the caller's memory, which the doubling bounds. */
static bool words_grow(struct graph_writer *writer) {
    uint32_t *words = take(writer, 2ul * writer->word_room * sizeof *words);
    if (!words) {
        writer->word_count = 0;
        return false;
    }
    memcpy(words, writer->words, writer->word_count * sizeof *words);
    writer->words = words;
    writer->word_room *= 2;
    return true;
}

static inline void put_word(struct graph_writer *writer, uint32_t word) {
    if (writer->word_count == writer->word_room && !words_grow(writer))
        return;
    writer->words[writer->word_count++] = word;
}

static uint64_t hash_with(uint64_t hash, uint64_t words) {
    unsigned __int128 product = (unsigned __int128)(hash ^ words) * 0x9e3779b97f4a7c15u;
    return (uint64_t)(product >> 64) ^ (uint64_t)product;
}

/* Two words at a time: each step waits for the one before it. */
static uint64_t hash_of_words(const struct graph_writer *writer) {
    uint64_t hash = writer->word_count, pair;
    uint32_t i = 0;
    for (; i + 2 <= writer->word_count; i += 2) {
        memcpy(&pair, writer->words + i, sizeof pair);
        hash = hash_with(hash, pair);
    }
    if (i < writer->word_count)
        hash = hash_with(hash, writer->words[i]);
    return hash ? hash : 1;
}

static struct kept_shape *shape_place(struct kept_shape *shapes, uint32_t mask, uint64_t hash) {
    uint32_t i = (uint32_t)hash & mask;
    while (shapes[i].hash && shapes[i].hash != hash)
        i = (i + 1) & mask;
    return &shapes[i];
}

static bool shapes_grow(struct graph_writer *writer) {
    uint32_t size = (writer->shape_mask + 1) * 2;
    struct kept_shape *shapes = take(writer, size * sizeof *shapes);
    if (!shapes)
        return false;
    for (uint32_t i = 0; i <= writer->shape_mask; i++)
        if (writer->shapes[i].hash)
            *shape_place(shapes, size - 1, writer->shapes[i].hash) = writer->shapes[i];
    writer->shapes = shapes;
    writer->shape_mask = size - 1;
    return true;
}

/* Pairs of a key and a value have two. */
static uint32_t slots_of(const struct graph_writer *writer) {
    return writer->word_count + writer->many_count;
}

static uint32_t *scratch_slots(struct graph_writer *writer) {
    uint32_t count = slots_of(writer);
    if (count > writer->scratch_room) {
        uint32_t room = writer->scratch_room ? writer->scratch_room : WORDS_FIRST;
        while (room < count)
            room *= 2;
        writer->scratch = take(writer, room * sizeof *writer->scratch);
        writer->scratch_room = writer->scratch ? room : 0;
    }
    if (writer->scratch)
        memset(writer->scratch, 0, count * sizeof *writer->scratch);
    return writer->scratch;
}

static uint32_t tell_shape(struct graph_writer *writer) {
    graph_put(writer, GRAPH_SHAPES, writer->word_count);
    for (uint32_t i = 0; i < writer->word_count; i++)
        graph_put(writer, GRAPH_SHAPES, writer->words[i]);
    return writer->shape_count++;
}

/* The number of the shape at hand, which is told when it is new; its slots are the next. */
static uint32_t find_shape(struct graph_writer *writer) {
    uint64_t hash = hash_of_words(writer);
    struct kept_shape *place = shape_place(writer->shapes, writer->shape_mask, hash);
    if (place->hash) {
        writer->slot = place->slots;
        return place->number;
    }
    uint32_t number = tell_shape(writer);
    bool full = writer->shape_kept * 2 > writer->shape_mask;
    bool keep = writer->shape_kept < SHAPES_KEPT && writer->word_count <= SHAPE_WORDS_KEPT &&
                (!full || shapes_grow(writer));
    writer->slot =
        keep ? take(writer, slots_of(writer) * sizeof *writer->slot) : scratch_slots(writer);
    if (keep && writer->slot) {
        place = shape_place(writer->shapes, writer->shape_mask, hash);
        *place = (struct kept_shape){hash, number, writer->slot};
        writer->shape_kept++;
    }
    return number;
}

/* -- Objects -- */

#define FIRST_EDGE 3u /* words before it */

void graph_object_begin(struct graph_writer *writer, uint32_t type, uint32_t flags) {
    end_object(writer);
    writer->word_count = writer->many_count = 0;
    put_word(writer, 0);
    put_word(writer, type);
    put_word(writer, flags);
}

void graph_edge(struct graph_writer *writer, uint32_t edge) {
    put_word(writer, edge << 1);
}

void graph_edges(struct graph_writer *writer, uint32_t edge, uint64_t count) {
    put_word(writer, edge << 1 | GRAPH_MANY);
    if (writer->many_count < GRAPH_MANY_MAX)
        writer->many[writer->many_count++] = count;
    else
        writer->failed = true;
}

static bool is_pairs(uint32_t word) {
    return (word >> 1 & 7) == EDGE_KEY;
}

/* Opens the edge at `word`, and those behind it that have no target. */
static void open_edge(struct graph_writer *writer) {
    for (; writer->word < writer->words_end; writer->word++) {
        if (!(*writer->word & GRAPH_MANY))
            return;
        writer->left = writer->many[writer->many_next++] << is_pairs(*writer->word);
        if (writer->left)
            return;
        writer->slot += 1 + is_pairs(*writer->word);
    }
}

static void put_places(struct graph_writer *writer, const struct graph_object_facts *facts) {
    struct graph_guess *guess = writer->guess;
    graph_put(writer, GRAPH_COUNTS, facts->place_count);
    for (uint32_t i = 0; i < facts->place_count; i++) {
        uint64_t place = facts->places[i] / 8;
        graph_put_signed(writer, GRAPH_PLACES, (int64_t)(place - guess->last_place));
        guess->last_place = place;
    }
}

static void put_size(struct graph_writer *writer, uint32_t shape,
                     const struct graph_object_facts *facts) {
    uint64_t count = writer->many_count ? writer->many[0] : 0;
    uint32_t text = facts->detail < writer->text_room ? writer->text_sizes[facts->detail] : 0;
    uint64_t *context = graph_size_context(writer->guess, shape, count, text);
    graph_put(writer, GRAPH_SIZES, *context == facts->size ? 0 : facts->size + 1);
    *context = facts->size;
}

void graph_object_put(struct graph_writer *writer, const struct graph_object_facts *facts) {
    if (writer->failed)
        return;
    struct graph_guess *guess = writer->guess;
    writer->words[0] = (facts->detail ? (uint32_t)GRAPH_HAS_DETAIL : 0u) |
                       (facts->place_count ? (uint32_t)GRAPH_HAS_PLACES : 0u);
    uint32_t shape = find_shape(writer);
    if (writer->failed)
        return;
    graph_note_object(guess);
    guess->previous = guess->own;
    graph_put(writer, GRAPH_RECORDS, shape);
    for (uint32_t i = 0; i < writer->many_count; i++)
        graph_put(writer, GRAPH_COUNTS, writer->many[i]);
    graph_put(writer, GRAPH_REFERENCES, facts->references);
    put_size(writer, shape, facts);
    if (facts->detail) {
        graph_put_signed(writer, GRAPH_DETAILS,
                         (int64_t)facts->detail - (int64_t)guess->last_detail - 1);
        guess->last_detail = facts->detail;
    }
    if (facts->place_count)
        put_places(writer, facts);
    if (writer->has_addresses) {
        graph_put_signed(writer, GRAPH_ADDRESSES,
                         (int64_t)(facts->address / 8 - writer->last_address));
        writer->last_address = facts->address / 8;
    }
    writer->word = writer->words + FIRST_EDGE;
    writer->words_end = writer->words + writer->word_count;
    writer->many_next = 0;
    open_edge(writer);
}

/* -- Frames -- */

void graph_frame_begin(struct graph_writer *writer, const struct graph_frame_facts *facts) {
    end_object(writer);
    writer->word_count = writer->many_count = 0;
    put_word(writer, GRAPH_IS_FRAME | (facts->runs ? (uint32_t)GRAPH_RUNS : 0u));
    put_word(writer, facts->code);
    put_word(writer, (uint32_t)graph_zigzag(facts->position));
    put_word(writer, facts->line);
    put_word(writer, (uint32_t)(facts->saved_depth + 1));
    put_word(writer, facts->local_count);
}

void graph_frame_slot(struct graph_writer *writer, bool borrowed) {
    put_word(writer, borrowed);
}

void graph_frame_put(struct graph_writer *writer, uint32_t thread, uint32_t depth) {
    if (writer->failed)
        return;
    uint32_t shape = find_shape(writer);
    if (writer->failed)
        return;
    graph_put(writer, GRAPH_RECORDS, shape);
    if (writer->words[0] & GRAPH_RUNS) {
        graph_put(writer, GRAPH_COUNTS, thread);
        graph_put_signed(writer, GRAPH_COUNTS, depth - graph_expected_depth(writer->guess, thread));
        graph_note_depth(writer->guess, thread, depth);
    }
    writer->guess->previous = writer->guess->own;
    writer->word = NULL;
}

/* -- Targets -- */

static uint32_t highest_bit(uint32_t value) {
    return 31u - (uint32_t)__builtin_clz(value);
}

static void put_distance(struct graph_writer *writer, enum graph_column column, uint8_t kind,
                         uint32_t distance) {
    uint32_t bits = highest_bit(distance);
    put_byte(writer, column, (uint8_t)(kind + bits));
    if (bits == 0)
        return;
    uint32_t rest = distance << (32 - bits); /* from the top */
    put_byte(writer, GRAPH_BITS, (uint8_t)(rest >> 24));
    for (; bits > 8; bits -= 8) {
        rest <<= 8;
        put_byte(writer, GRAPH_LOW_BITS, (uint8_t)(rest >> 24));
    }
}

static void put_far(struct graph_writer *writer, enum graph_column column, uint32_t target) {
    struct graph_guess *guess = writer->guess;
    uint32_t *recent = &writer->recent[target * 2654435761u >> (32 - GRAPH_ROW_BITS)];
    bool before = target <= guess->own;
    uint32_t far = before ? (uint32_t)guess->own + 1 - target : target - (uint32_t)guess->own;
    uint32_t back = guess->told + 1 - *recent;
    if (graph_row_at(guess, guess->back) == target) {
        put_byte(writer, column, TARGET_FOLLOW);
    } else if (*recent && back / 2 < far && graph_row_at(guess, back) == target) {
        put_distance(writer, column, TARGET_RECENT, back);
        guess->back = back;
    } else {
        put_distance(writer, column, before ? TARGET_BEFORE : TARGET_BEHIND, far);
    }
    graph_row_add(guess, target);
    *recent = guess->told;
}

/* Whether `to` is within `reach` of `from`, and the byte that says so. */
static bool near_by(uint64_t from, uint32_t to, uint8_t kind, uint8_t reach, uint8_t *byte) {
    uint64_t difference = to + (uint64_t)reach - from;
    *byte = (uint8_t)(kind + difference);
    return difference <= 2 * (uint64_t)reach;
}

static void code_target(struct graph_writer *writer, enum graph_column column, uint32_t slot,
                        uint32_t target) {
    const struct graph_guess *guess = writer->guess;
    uint8_t byte;
    if (target == 0)
        put_byte(writer, column, TARGET_NONE);
    else if (target == guess->highest + 1)
        put_byte(writer, column, TARGET_NEW);
    else if (target == slot)
        put_byte(writer, column, TARGET_AGAIN);
    else if (near_by(guess->previous, target, TARGET_NEAR, GRAPH_NEAR, &byte) ||
             (slot && near_by(slot, target, TARGET_BESIDE, GRAPH_BESIDE, &byte)))
        put_byte(writer, column, byte);
    else
        put_far(writer, column, target);
}

void graph_put_target(struct graph_writer *writer, uint32_t target) {
    if (writer->failed || (writer->word && writer->word == writer->words_end))
        return;
    bool many = writer->word && *writer->word & GRAPH_MANY;
    bool pairs = many && is_pairs(*writer->word);
    uint32_t *slot = writer->slot + (pairs && writer->left % 2 == 1);
    code_target(writer, many ? GRAPH_ITEMS : GRAPH_FIELDS, *slot, target);
    graph_note_target(writer->guess, slot, target);
    if (many && --writer->left)
        return;
    writer->slot += 1 + pairs;
    if (writer->word) {
        writer->word++;
        open_edge(writer);
    }
}
