/* Texts that live as long as the findings do. */
#ifndef HOLDFAST_VIEWER_TEXTS_H
#define HOLDFAST_VIEWER_TEXTS_H

#include <stdbool.h>
#include <stddef.h>

struct texts;

struct texts *texts_open(void);
void texts_close(struct texts *texts);

/* A copy. "" when memory ran out, and texts_failed() from then on. */
const char *texts_keep(struct texts *texts, const char *text);
const char *texts_format(struct texts *texts, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Zeroed memory for `count` elements, NULL when there is none. */
void *texts_array(struct texts *texts, size_t count, size_t size);
bool texts_failed(const struct texts *texts);

/* A text of bounded length that is put together piece by piece; what does not fit is left out, at
 * the border of a UTF-8 character. */
struct line {
    char text[1024];
    size_t size;
};

void line_add(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
