/* Into the stream: targets by their objects, and texts. */
#include "heap.h"

#include "../text.h"

uint32_t put_target(struct walk *walk, const char *target) {
    uint32_t number = target ? name_object(walk, target) : 0;
    walk->edge_count++;
    graph_put_target(walk->writer, number);
    return number;
}

/* -- Texts -- */

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
    if ((!walk->texts || walk->text_count >= walk->text_mask / 4 * 3) && !texts_grow(walk))
        return 0;
    uint64_t hash = hash_of(bytes, length);
    struct walked_text *text = text_place(walk->texts, walk->text_mask, hash);
    if (text->hash)
        return text->number;
    graph_put_text(walk->writer, bytes, length);
    *text = (struct walked_text){hash, ++walk->text_count};
    return text->number;
}

uint32_t text_of_string(struct walk *walk, const char *string) {
    return text_number(walk, string, strnlen(string, (size_t)GRAPH_TEXT_MAX * 4));
}

#define BEYOND_ASCII 0x8080808080808080u

/* Eight characters at a time, as far as these are ASCII. Returns how many. */
static uint64_t copy_ascii(char *to, const struct text *text) {
    uint64_t i = 0, eight;
    for (; text->width == 1 && i + 8 <= text->length && i + 8 <= GRAPH_TEXT_MAX; i += 8) {
        memcpy(&eight, (const char *)text->data + i, sizeof eight);
        if (eight & BEYOND_ASCII)
            break;
        memcpy(to + i, &eight, sizeof eight);
    }
    return i;
}

/* One character too many tells text_number to cut. */
size_t text_copy(char *to, const char *object) {
    struct text text = text_of(object);
    uint64_t i = copy_ascii(to, &text);
    char *end = to + i;
    for (; i < text.length && end - to <= (ptrdiff_t)GRAPH_TEXT_MAX; i++) {
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
