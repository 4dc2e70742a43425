/* Line tables of code objects: from a position in the bytecode to a line of the source.
 *
 * CPython has had three formats: co_lnotab up to 3.9, the line table of 3.10, and the location
 * table from 3.11 on. They are decoded here, outside the program.
 */
#ifndef HOLDFAST_COLLECTOR_LINES_H
#define HOLDFAST_COLLECTOR_LINES_H

#include <stddef.h>
#include <stdint.h>

/* The line of the instruction at `position` (bytes from the code's start; negative: not begun). 0
 * when the instruction has none. `format` is an enum line_table. */
uint32_t lines_find(uint32_t format, const uint8_t *table, size_t size, uint32_t first_line,
                    int64_t position);

#endif
