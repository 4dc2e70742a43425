/* See texts.h. */
#include "texts.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct kept {
    struct kept *before;
    max_align_t memory[];
};

struct texts {
    struct kept *last;
    bool failed;
};

struct texts *texts_open(void) {
    return calloc(1, sizeof(struct texts));
}

void texts_close(struct texts *texts) {
    while (texts && texts->last) {
        struct kept *before = texts->last->before;
        free(texts->last);
        texts->last = before;
    }
    free(texts);
}

void *texts_array(struct texts *texts, size_t count, size_t size) {
    struct kept *kept = calloc(1, sizeof *kept + count * size);
    if (!kept) {
        texts->failed = true;
        return NULL;
    }
    kept->before = texts->last;
    texts->last = kept;
    return kept->memory;
}

const char *texts_keep(struct texts *texts, const char *text) {
    size_t size = strlen(text) + 1;
    char *copy = size > 1 ? texts_array(texts, size, 1) : NULL;
    return copy ? memcpy(copy, text, size) : "";
}

/* Where the last whole character of a text that was cut ends. */
static size_t whole(const char *text, size_t size) {
    size_t start = size;
    while (start > 0 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
        start--;
    if (start == 0 || (unsigned char)text[start - 1] < 0xc0)
        return start == size ? size : 0;
    unsigned char first = (unsigned char)text[start - 1];
    size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    return size - (start - 1) >= length ? size : start - 1;
}

static void add(struct line *line, const char *format, va_list arguments) {
    size_t room = sizeof line->text - line->size;
    int size = vsnprintf(line->text + line->size, room, format, arguments);
    if (size < 0)
        return;
    if ((size_t)size < room) {
        line->size += (size_t)size;
        return;
    }
    line->size = whole(line->text, sizeof line->text - 1);
    line->text[line->size] = 0;
}

void line_add(struct line *line, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    add(line, format, arguments);
    va_end(arguments);
}

const char *texts_format(struct texts *texts, const char *format, ...) {
    struct line line = {.size = 0};
    va_list arguments;
    va_start(arguments, format);
    add(&line, format, arguments);
    va_end(arguments);
    return texts_keep(texts, line.text);
}

bool texts_failed(const struct texts *texts) {
    return texts->failed;
}
