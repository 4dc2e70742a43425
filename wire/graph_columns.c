/* See graph_columns.h. */
#include "graph_columns.h"

#define BEGIN_NUMBERS 4 /* GRAPH_BEGIN and its fields */

bool graph_number_next(const uint8_t **at, const uint8_t *end, uint64_t *value) {
    *value = 0;
    const uint8_t *byte = *at;
    for (unsigned shift = 0; shift < 63 && byte < end; shift += 7) {
        *value |= (uint64_t)(*byte & 0x7f) << shift;
        if (!(*byte++ & 0x80)) {
            *at = byte;
            return true;
        }
    }
    return false;
}

bool graph_piece_next(const uint8_t **at, const uint8_t *end, struct graph_piece *piece) {
    const uint8_t *next = *at;
    uint64_t kind, column, size;
    if (!graph_number_next(&next, end, &kind) || kind != GRAPH_PIECE ||
        !graph_number_next(&next, end, &column) || !graph_number_next(&next, end, &size) ||
        column > UINT32_MAX || size > (size_t)(end - next))
        return false;
    *piece = (struct graph_piece){(uint32_t)column, next, (size_t)size};
    *at = next + size;
    return true;
}

bool graph_layout_find(const uint8_t *bytes, size_t size, struct graph_layout *layout) {
    const uint8_t *at = bytes, *end = size ? bytes + size : bytes;
    *layout = (struct graph_layout){.whole = true};
    for (int i = 0; i < BEGIN_NUMBERS; i++) {
        uint64_t number;
        if (!graph_number_next(&at, end, &number) || (i == 0 && number != GRAPH_BEGIN) ||
            (i == 1 && number != GRAPH_VERSION))
            return false;
    }
    layout->head = (size_t)(at - bytes);
    uint32_t next = 0;
    for (struct graph_piece piece; graph_piece_next(&at, end, &piece);) {
        if (piece.column >= GRAPH_COLUMNS)
            return false;
        layout->whole &= piece.column >= next;
        layout->columns[piece.column] += piece.size;
        next = piece.column + 1;
    }
    layout->tail = (size_t)(at - bytes);
    return true;
}

size_t graph_piece_head(uint8_t *to, uint32_t column, uint64_t size) {
    uint8_t *at = to;
    *at++ = GRAPH_PIECE;
    *at++ = (uint8_t)column;
    for (; size >= 0x80; size >>= 7)
        *at++ = (uint8_t)(size | 0x80);
    *at++ = (uint8_t)size;
    return (size_t)(at - to);
}
