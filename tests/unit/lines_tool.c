/* For test_collector_lines.py. Reads "format first_line position hexadecimal-table" lines, prints
 * the line of each position, as it is found from the begin and from the nearest place. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/lines.h"

static uint8_t bytes[1 << 20];
static struct lines_place places[sizeof bytes / LINES_PLACE_BYTES];

static size_t parse_table(const char *text) {
    size_t size = 0;
    for (unsigned byte; size < sizeof bytes && sscanf(text + 2 * size, "%2x", &byte) == 1; size++)
        bytes[size] = (uint8_t)byte;
    return size;
}

int main(void) {
    char *line = NULL;
    size_t room = 0;
    struct lines_table table = {.bytes = bytes};
    while (getline(&line, &room, stdin) > 0) {
        int start = 0;
        long position;
        if (sscanf(line, "code %u %u %n", &table.format, &table.first_line, &start) == 2 && start) {
            table.size = parse_table(line + start);
            lines_divide(&table, places);
        } else if (sscanf(line, "%ld", &position) == 1) {
            printf("%u %u\n", lines_find(&table, NULL, position),
                   lines_find(&table, places, position));
        }
    }
    free(line);
    return 0;
}
