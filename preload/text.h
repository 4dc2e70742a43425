/* The characters of a str object, read where they lie. */
#ifndef HOLDFAST_PRELOAD_TEXT_H
#define HOLDFAST_PRELOAD_TEXT_H

#include <string.h>

#include "python.h"

struct text {
    const void *data;
    uint32_t width; /* bytes each: 1, 2 or 4 */
    uint64_t length;
};

static inline struct text text_of(const char *object) {
    uint32_t state;
    memcpy(&state, object + python.at.text_state, sizeof state);
    bool compact = state >> python.at.text_compact_shift & 1;
    bool ascii = state >> python.at.text_ascii_shift & 1;
    const char *data = !compact ? python_pointer(object, python.at.text_data)
                       : ascii  ? object + python.at.text_ascii_data
                                : object + python.at.text_compact_data;
    uint32_t width = state >> python.at.text_kind_shift & 7;
    if (!data || (width != 1 && width != 2 && width != 4))
        return (struct text){0};
    return (struct text){data, width, (uint64_t)python_pointer(object, python.at.text_length)};
}

static inline uint32_t text_character(const struct text *text, uint64_t index) {
    if (text->width == 1)
        return ((const uint8_t *)text->data)[index];
    if (text->width == 2)
        return ((const uint16_t *)text->data)[index];
    return ((const uint32_t *)text->data)[index];
}

static inline uint32_t utf8_size(uint32_t c) {
    return c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
}

/* Lone surrogates are encoded like any other character. */
static inline char *utf8_put(char *to, uint32_t c) {
    uint32_t size = utf8_size(c);
    if (size == 1) {
        *to = (char)c;
        return to + 1;
    }
    for (uint32_t i = size - 1; i > 0; i--, c >>= 6)
        to[i] = (char)(0x80 | (c & 0x3f));
    to[0] = (char)((0xf00u >> size & 0xf0u) | c);
    return to + size;
}

#endif
