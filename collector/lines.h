/* Line tables of code objects: from a position in the bytecode to a line of the source.
 *
 * CPython has had three formats: co_lnotab up to 3.9, the line table of 3.10, and the location
 * table from 3.11 on. They are decoded here, outside the program.
 */
#ifndef HOLDFAST_COLLECTOR_LINES_H
#define HOLDFAST_COLLECTOR_LINES_H

#include <stddef.h>
#include <stdint.h>

struct lines_table {
    const uint8_t *bytes;
    size_t size;
    uint32_t format; /* enum line_table */
    uint32_t first_line;
};

/* Between two entries of a table, which can only be read from its begin: the byte at which the next
 * one starts, where in the bytecode the last one ended, and the line that the next one counts from.
 */
struct lines_place {
    size_t at;
    int64_t end, line;
};

/* A large table has places from which it can be read on, one for each so many bytes. */
#define LINES_PLACE_BYTES 64u

static inline uint32_t lines_places(const struct lines_table *table) {
    return (uint32_t)(table->size / LINES_PLACE_BYTES);
}

/* Finds lines_places(table) places. */
void lines_divide(const struct lines_table *table, struct lines_place *places);

/* The line of the instruction at `position` (bytes from the code's start; negative: not begun). 0
 * when the instruction has none. `places`: as lines_divide() has found them; NULL: unknown. */
uint32_t lines_find(const struct lines_table *table, const struct lines_place *places,
                    int64_t position);

#endif
