/* Numbers and names as people read them. */
#ifndef HOLDFAST_VIEWER_FORMAT_H
#define HOLDFAST_VIEWER_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct number {
    char text[32];
};

struct number format_bytes(uint64_t bytes);                   /* "3.00 GiB", "640 bytes" */
struct number format_time(uint64_t ns);                       /* "1.24 s", "2 h 05 min" */
struct number format_percent(uint64_t part, uint64_t whole);  /* "62.1 %" */
struct number format_count(uint64_t count, const char *noun); /* "1 block", "12,345 blocks" */

/* Length of the character at `text` and whether it could change how the text around it is shown:
 * control characters, bidi marks, line separators and what has no width. */
size_t format_character(const char *text, bool *unsafe);

/* Writes `text` with unsafe characters, and those in `also`, as escapes (\n, \x1b, \u202e), cut to
 * `width` characters ("..." at its end; 0: not cut). Returns the characters written. */
size_t format_escaped(FILE *out, const char *text, const char *also, size_t width);

/* As a word for the shell, quoted where it must be. Unsafe characters are escaped, so that only
 * harmless names survive a round trip. */
void format_word(FILE *out, const char *text);

#endif
