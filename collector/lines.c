/* See lines.h. */
#include "lines.h"

#include "../wire/event.h"

static uint32_t as_line(int64_t line) {
    return line > 0 && line < UINT32_MAX ? (uint32_t)line : 0;
}

/* Pairs of (bytes forward, signed lines forward). */
static uint32_t find_lnotab(const uint8_t *table, size_t size, int64_t line, int64_t position) {
    int64_t address = 0;
    for (size_t i = 0; i + 1 < size; i += 2) {
        address += table[i];
        if (address > position)
            break;
        line += (int8_t)table[i + 1];
    }
    return as_line(line);
}

/* Pairs of (length in bytes, signed lines forward); -128: this range has no line. */
static uint32_t find_310(const uint8_t *table, size_t size, int64_t line, int64_t position) {
    int64_t end = 0;
    for (size_t i = 0; i + 1 < size; i += 2) {
        int8_t forward = (int8_t)table[i + 1];
        end += table[i];
        if (forward != -128)
            line += forward;
        if (position < end)
            return forward == -128 ? 0 : as_line(line);
    }
    return 0;
}

static int64_t read_signed(const uint8_t *table, size_t size, size_t at) {
    uint64_t value = 0;
    for (unsigned shift = 0; at < size && shift < 36; at++, shift += 6) {
        value |= (uint64_t)(table[at] & 63u) << shift;
        if (!(table[at] & 64u))
            break;
    }
    return value & 1 ? -(int64_t)(value >> 1) : (int64_t)(value >> 1);
}

/* Entries that start with a byte whose top bit is set: 4 bits of kind, 3 of length in code units
 * less one. The bytes that follow have it clear. */
static uint32_t find_311(const uint8_t *table, size_t size, int64_t line, int64_t position) {
    int64_t end = 0;
    for (size_t i = 0; i < size;) {
        unsigned kind = table[i] >> 3 & 15u;
        end += (int64_t)((table[i] & 7) + 1) * 2;
        if (kind == 13 || kind == 14)
            line += read_signed(table, size, i + 1);
        else if (kind >= 10 && kind <= 12)
            line += kind - 10;
        if (position < end)
            return kind == 15 ? 0 : as_line(line);
        do
            i++;
        while (i < size && !(table[i] & 128u));
    }
    return 0;
}

uint32_t lines_find(uint32_t format, const uint8_t *table, size_t size, uint32_t first_line,
                    int64_t position) {
    if (position < 0)
        return first_line;
    switch (format) {
    case LINES_LNOTAB:
        return find_lnotab(table, size, first_line, position);
    case LINES_310:
        return find_310(table, size, first_line, position);
    case LINES_311:
        return find_311(table, size, first_line, position);
    default:
        return first_line;
    }
}
