/* Room for short arrays of cells, 8 bytes each: what chunks.h keeps of the blocks of a chunk.
 *
 * Segments of 4 MiB, which never move; an array is named by its number among all cells. Arrays come
 * in a few sizes, and those that are given back wait in one list for each size, linked through
 * their first cells. Behind each segment lies room for one more array, so that reading as far as
 * any array could reach is safe from wherever one begins; the first array of all is never given
 * out, so that this holds for number 0 too.
 */
#ifndef HOLDFAST_COLLECTOR_CELLS_H
#define HOLDFAST_COLLECTOR_CELLS_H

#include <stdbool.h>
#include <stdint.h>

#define CELLS_MOST 32u /* in an array */
#define CELLS_SEGMENT_BITS 19u
#define CELLS_SEGMENT (1u << CELLS_SEGMENT_BITS)

enum { CELLS_CLASSES = 9 };

/* Zeroed: empty. */
struct cells {
    uint64_t **segments;
    uint32_t count, capacity;     /* of segments */
    uint32_t next;                /* the first cell that was never given out */
    uint32_t free[CELLS_CLASSES]; /* the first array of each list, or 0 */
};

/* The least size, of those that there are, that holds so many cells; at most CELLS_MOST. */
uint32_t cells_room(uint32_t count);

/* An array of so many cells, which cells_room must have said. Not zeroed. 0: no memory. */
uint32_t cells_take(struct cells *cells, uint32_t room);

void cells_give_back(struct cells *cells, uint32_t array, uint32_t room);

/* What is mapped for them and was in use once, in bytes. */
uint64_t cells_bytes(const struct cells *cells);

/* Cells that wait in the lists. For tests. */
uint64_t cells_waiting(const struct cells *cells);

void cells_release(struct cells *cells);

static inline uint64_t *cells_at(const struct cells *cells, uint32_t array) {
    return cells->segments[array >> CELLS_SEGMENT_BITS] + (array & (CELLS_SEGMENT - 1));
}

#endif
