/* See json_bytes.h. */
#include "json_bytes.h"

#include "json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_MAX 64u

/* Where to put `size` more bytes; NULL when memory ran out. */
static char *room(struct json_bytes *bytes, size_t size) {
    if (bytes->failed)
        return NULL;
    if (bytes->capacity - bytes->size < size) {
        size_t capacity = (bytes->size + size) * 2;
        char *data = realloc(bytes->data, capacity);
        if (!data) {
            bytes->failed = true;
            return NULL;
        }
        bytes->data = data;
        bytes->capacity = capacity;
    }
    bytes->size += size;
    return bytes->data + bytes->size - size;
}

void json_bytes_put(struct json_bytes *bytes, const char *text, size_t size) {
    char *to = room(bytes, size);
    if (to)
        memcpy(to, text, size);
}

static void put_character(struct json_bytes *bytes, char character) {
    if (!bytes->failed && bytes->size < bytes->capacity)
        bytes->data[bytes->size++] = character;
    else
        json_bytes_put(bytes, &character, 1);
}

static bool is_plain(char character) {
    return (unsigned char)character >= 0x20 && character != '"' && character != '\\';
}

static void put_escape(struct json_bytes *bytes, char character) {
    static const char short_of[] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f',
                                    ['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\'};
    char text[8];
    unsigned char code = (unsigned char)character;
    int size = code < sizeof short_of && short_of[code]
                   ? snprintf(text, sizeof text, "\\%c", short_of[code])
                   : snprintf(text, sizeof text, "\\u%04X", code);
    json_bytes_put(bytes, text, (size_t)size);
}

static void put_string(struct json_bytes *bytes, const char *text, size_t size) {
    put_character(bytes, '"');
    for (size_t at = 0; at < size;) {
        size_t end = at;
        while (end < size && is_plain(text[end]))
            end++;
        json_bytes_put(bytes, text + at, end - at);
        if (end < size)
            put_escape(bytes, text[end++]);
        at = end;
    }
    put_character(bytes, '"');
}

static void put_integer(struct json_bytes *bytes, json_int_t value) {
    char digits[NUMBER_MAX], *at = digits + sizeof digits;
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do
        *--at = (char)('0' + left % 10);
    while (left /= 10);
    if (value < 0)
        *--at = '-';
    json_bytes_put(bytes, at, (size_t)(digits + sizeof digits - at));
}

/* jansson knows how, and there are few. */
static void put_real(struct json_bytes *bytes, const json_t *json) {
    char text[NUMBER_MAX];
    size_t size = json_dumpb(json, text, sizeof text, JSON_REPORT_FLAGS | JSON_ENCODE_ANY);
    bytes->failed |= size == 0 || size > sizeof text;
    if (!bytes->failed)
        json_bytes_put(bytes, text, size);
}

void json_bytes_members(struct json_bytes *bytes, const json_t *object) {
    bool first = true;
    json_t *members = (json_t *)(uintptr_t)object;
    for (void *at = json_object_iter(members); at; at = json_object_iter_next(members, at)) {
        const char *key = json_object_iter_key(at);
        if (!first)
            put_character(bytes, ',');
        first = false;
        put_string(bytes, key, strlen(key));
        put_character(bytes, ':');
        json_bytes_value(bytes, json_object_iter_value(at));
    }
    bytes->failed |= !object;
}

static void put_list(struct json_bytes *bytes, const json_t *list) {
    size_t count = json_array_size(list);
    put_character(bytes, '[');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            put_character(bytes, ',');
        json_bytes_value(bytes, json_array_get(list, i));
    }
    put_character(bytes, ']');
}

static void put_word(struct json_bytes *bytes, const char *word) {
    json_bytes_put(bytes, word, strlen(word));
}

/* As deep as what the report puts together, which does not come from a file. */
void json_bytes_value(struct json_bytes *bytes, const json_t *json) {
    if (!json) {
        bytes->failed = true;
        return;
    }
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        put_character(bytes, '{');
        json_bytes_members(bytes, json);
        put_character(bytes, '}');
        break;
    case JSON_ARRAY:
        put_list(bytes, json);
        break;
    case JSON_STRING:
        put_string(bytes, json_string_value(json), json_string_length(json));
        break;
    case JSON_INTEGER:
        put_integer(bytes, json_integer_value(json));
        break;
    case JSON_REAL:
        put_real(bytes, json);
        break;
    default:
        put_word(bytes, json_is_null(json) ? "null" : json_is_true(json) ? "true" : "false");
    }
}

bool json_bytes_flush(struct json_bytes *bytes, FILE *out) {
    bool good = !bytes->failed && fwrite(bytes->data, 1, bytes->size, out) == bytes->size;
    bytes->size = 0;
    return good;
}

void json_bytes_release(struct json_bytes *bytes) {
    free(bytes->data);
    *bytes = (struct json_bytes){0};
}
