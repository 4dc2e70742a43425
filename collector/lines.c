/* See lines.h. */
#include "lines.h"

#include "../wire/event.h"

static uint32_t as_line(int64_t line) {
    return line > 0 && line < UINT32_MAX ? (uint32_t)line : 0;
}

/* The line at `position` if one of the entries that start before `limit` tells; `place` is where
 * they were read to. */
typedef uint32_t find_function(const struct lines_table *table, struct lines_place *place,
                               size_t limit, int64_t position);

/* Pairs of (bytes forward, signed lines forward). */
static uint32_t find_lnotab(const struct lines_table *table, struct lines_place *place,
                            size_t limit, int64_t position) {
    for (; place->at < limit && place->at + 1 < table->size; place->at += 2) {
        const uint8_t *entry = table->bytes + place->at;
        if (place->end + entry[0] > position)
            break;
        place->end += entry[0];
        place->line += (int8_t)entry[1];
    }
    return as_line(place->line);
}

/* Pairs of (length in bytes, signed lines forward); -128: this range has no line. */
static uint32_t find_310(const struct lines_table *table, struct lines_place *place, size_t limit,
                         int64_t position) {
    for (; place->at < limit && place->at + 1 < table->size; place->at += 2) {
        const uint8_t *entry = table->bytes + place->at;
        int8_t forward = (int8_t)entry[1];
        place->end += entry[0];
        if (forward != -128)
            place->line += forward;
        if (position < place->end)
            return forward == -128 ? 0 : as_line(place->line);
    }
    return 0;
}

static int64_t read_signed(const struct lines_table *table, size_t at) {
    uint64_t value = 0;
    for (unsigned shift = 0; at < table->size && shift < 36; at++, shift += 6) {
        value |= (uint64_t)(table->bytes[at] & 63u) << shift;
        if (!(table->bytes[at] & 64u))
            break;
    }
    return value & 1 ? -(int64_t)(value >> 1) : (int64_t)(value >> 1);
}

/* Entries that start with a byte whose top bit is set: 4 bits of kind, 3 of length in code units
 * less one. The bytes that follow have it clear. */
static uint32_t find_311(const struct lines_table *table, struct lines_place *place, size_t limit,
                         int64_t position) {
    while (place->at < limit) {
        uint8_t head = table->bytes[place->at];
        unsigned kind = head >> 3 & 15u;
        place->end += (int64_t)((head & 7) + 1) * 2;
        if (kind == 13 || kind == 14)
            place->line += read_signed(table, place->at + 1);
        else if (kind >= 10 && kind <= 12)
            place->line += kind - 10;
        if (position < place->end)
            return kind == 15 ? 0 : as_line(place->line);
        do
            place->at++;
        while (place->at < table->size && !(table->bytes[place->at] & 128u));
    }
    return 0;
}

static find_function *finder(uint32_t format) {
    switch (format) {
    case LINES_LNOTAB:
        return find_lnotab;
    case LINES_310:
        return find_310;
    case LINES_311:
        return find_311;
    default:
        return NULL;
    }
}

void lines_divide(const struct lines_table *table, struct lines_place *places) {
    find_function *find = finder(table->format);
    struct lines_place place = {.line = table->first_line};
    for (uint32_t i = 0; i < lines_places(table); i++) {
        if (find)
            find(table, &place, (i + 1ul) * LINES_PLACE_BYTES, INT64_MAX);
        places[i] = place;
    }
}

/* The last place that is not behind `position`. What entries cover grows with each. */
static struct lines_place nearest(const struct lines_table *table, const struct lines_place *places,
                                  int64_t position) {
    uint32_t below = 0, above = places ? lines_places(table) : 0;
    while (below < above) {
        uint32_t middle = below + (above - below) / 2;
        if (places[middle].end <= position)
            below = middle + 1;
        else
            above = middle;
    }
    return below ? places[below - 1] : (struct lines_place){.line = table->first_line};
}

uint32_t lines_find(const struct lines_table *table, const struct lines_place *places,
                    int64_t position) {
    find_function *find = finder(table->format);
    if (!find || position < 0)
        return table->first_line;
    struct lines_place place = nearest(table, places, position);
    return find(table, &place, table->size, position);
}
