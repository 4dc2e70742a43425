/* A heap-graph stream as pieces of columns (graph.h), without a look at what is in them: to put
 * each column's pieces together, which reading needs and packing likes.
 */
#ifndef HOLDFAST_WIRE_GRAPH_COLUMNS_H
#define HOLDFAST_WIRE_GRAPH_COLUMNS_H

#include "graph.h"

struct graph_piece {
    uint32_t column; /* may be one of a later version */
    const uint8_t *bytes;
    size_t size;
};

/* The piece at `*at`, which moves behind it. False, and it does not move, when there is no whole
 * piece there. */
bool graph_piece_next(const uint8_t **at, const uint8_t *end, struct graph_piece *piece);

/* A number at `*at`, which moves behind it. False, and it does not move, when none ends before
 * `end`, or it is too long for one. */
bool graph_number_next(const uint8_t **at, const uint8_t *end, uint64_t *value);

/* Where a stream's parts are. */
struct graph_layout {
    size_t head;                     /* bytes up to the first piece */
    size_t tail;                     /* where the pieces end */
    uint64_t columns[GRAPH_COLUMNS]; /* bytes of each */
    bool whole;                      /* every column has one piece at most, and they rise */
};

/* False when it does not begin as a heap graph does, or has columns that are not known. */
bool graph_layout_find(const uint8_t *bytes, size_t size, struct graph_layout *layout);

/* The head of a piece, at most GRAPH_PIECE_HEAD bytes; how many. */
#define GRAPH_PIECE_HEAD 16u
size_t graph_piece_head(uint8_t *to, uint32_t column, uint64_t size);

#endif
