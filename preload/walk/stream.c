/* Writing the stream: numbers, texts, edges. A failed write is remembered by the writer, and what
 * follows is dropped. */
#include "heap.h"

#include "../text.h"

void stream_flush(struct walk *walk) {
    struct graph_writer *writer = walk->writer;
    if (writer->written + writer->used > GRAPH_STREAM_MAX)
        walk->cut = true;
    if (!writer->failed && writer->used && !writer->write(writer, writer->buffer, writer->used))
        writer->failed = true;
    if (!writer->failed)
        writer->written += writer->used;
    else
        walk->cut = true;
    writer->used = 0;
}

void put_number(struct walk *walk, uint64_t value) {
    put_end(walk, number_write(put_begin(walk, NUMBER_MOST), value));
}

void put_bytes(struct walk *walk, const void *bytes, size_t size) {
    struct graph_writer *writer = walk->writer;
    while (size > 0) {
        if (writer->used == writer->capacity)
            stream_flush(walk);
        size_t room = writer->capacity - writer->used, part = size < room ? size : room;
        memcpy(writer->buffer + writer->used, bytes, part);
        writer->used += part;
        bytes = (const char *)bytes + part;
        size -= part;
    }
}

uint32_t put_edge(struct walk *walk, uint32_t from, const char *target, uint32_t edge) {
    uint32_t kind = edge & 7, number = target ? name_object(walk, target) : 0;
    uint64_t to = 0; /* nothing; the next one that is new; another, by distance */
    if (number)
        to = number == walk->told_highest + 1 ? 1 : 2 + graph_zigzag((int64_t)number - from);
    uint8_t *at = number_write(put_begin(walk, 2 * NUMBER_MOST), to << 3 | kind);
    if (number && (kind == EDGE_FIELD || kind == EDGE_ATTRIBUTE))
        at = number_write(at, edge >> 3);
    put_end(walk, at);
    walk->edge_count++;
    if (number > walk->told_highest)
        walk->told_highest = number;
    return number;
}

/* -- Texts -- */

/* A length up to which the text fits, not in the middle of a character. */
static size_t cut_length(const char *bytes, size_t length) {
    if (length <= GRAPH_TEXT_MAX)
        return length;
    length = GRAPH_TEXT_MAX - 3;
    while (length > 0 && (bytes[length] & 0xc0) == 0x80)
        length--;
    return length;
}

static uint64_t hash_of(const char *bytes, size_t length) {
    uint64_t hash = 0xcbf29ce484222325u ^ length;
    for (; length >= 8; bytes += 8, length -= 8) {
        uint64_t word;
        memcpy(&word, bytes, 8);
        hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 29;
    }
    for (; length > 0; bytes++, length--)
        hash = (hash ^ (uint8_t)*bytes) * 0x100000001b3u;
    hash ^= hash >> 32;
    hash *= 0x9e3779b97f4a7c15u;
    hash ^= hash >> 29;
    return hash ? hash : 1;
}

static struct walked_text *text_place(struct walked_text *texts, uint32_t mask, uint64_t hash) {
    uint32_t i = (uint32_t)hash & mask;
    while (texts[i].hash && texts[i].hash != hash)
        i = (i + 1) & mask;
    return &texts[i];
}

static bool texts_grow(struct walk *walk) {
    uint32_t size = walk->texts ? (walk->text_mask + 1) * 2 : 8192;
    struct walked_text *texts = pool_take(walk, size * sizeof *texts);
    if (!texts)
        return false;
    for (uint32_t i = 0; walk->texts && i <= walk->text_mask; i++)
        if (walk->texts[i].hash)
            *text_place(texts, size - 1, walk->texts[i].hash) = walk->texts[i];
    walk->texts = texts;
    walk->text_mask = size - 1;
    return true;
}

uint32_t text_number(struct walk *walk, const char *bytes, size_t length) {
    if ((!walk->texts || walk->text_count * 2 >= walk->text_mask) && !texts_grow(walk))
        return 0;
    uint64_t hash = hash_of(bytes, length);
    struct walked_text *text = text_place(walk->texts, walk->text_mask, hash);
    if (text->hash)
        return text->number;
    size_t fits = cut_length(bytes, length);
    put_number(walk, GRAPH_TEXT);
    put_number(walk, fits < length ? fits + 3 : fits);
    put_bytes(walk, bytes, fits);
    if (fits < length)
        put_bytes(walk, "...", 3);
    *text = (struct walked_text){hash, ++walk->text_count};
    return text->number;
}

uint32_t text_of_string(struct walk *walk, const char *string) {
    return text_number(walk, string, strnlen(string, (size_t)GRAPH_TEXT_MAX * 4));
}

/* One character too many tells text_number to cut. */
size_t text_copy(char *to, const char *object) {
    struct text text = text_of(object);
    char *end = to;
    for (uint64_t i = 0; i < text.length && end - to <= (ptrdiff_t)GRAPH_TEXT_MAX; i++) {
        uint32_t c = text_character(&text, i);
        bool valid = c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
        end = utf8_put(end, valid ? c : 0xfffd);
    }
    return (size_t)(end - to);
}

uint32_t text_of_object(struct walk *walk, const char *object) {
    char bytes[TEXT_ROOM];
    if (!object || !(type_flags(type_of(object)) & TYPE_IS_TEXT))
        return 0;
    return text_number(walk, bytes, text_copy(bytes, object));
}
