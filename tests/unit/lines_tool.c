/* For test_collector_lines.py. Reads "format first_line position hexadecimal-table" lines, prints
 * the line of each position. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/lines.h"

static uint8_t table[1 << 20];

static size_t parse_table(const char *text) {
    size_t size = 0;
    for (unsigned byte; size < sizeof table && sscanf(text + 2 * size, "%2x", &byte) == 1; size++)
        table[size] = (uint8_t)byte;
    return size;
}

int main(void) {
    char *line = NULL;
    size_t room = 0, size = 0;
    uint32_t format = 0, first_line = 0;
    while (getline(&line, &room, stdin) > 0) {
        int start = 0;
        long position;
        if (sscanf(line, "code %u %u %n", &format, &first_line, &start) == 2 && start)
            size = parse_table(line + start);
        else if (sscanf(line, "%ld", &position) == 1)
            printf("%u\n", lines_find(format, table, size, first_line, position));
    }
    free(line);
    return 0;
}
