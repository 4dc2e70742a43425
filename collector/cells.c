/* See cells.h. */
#include "cells.h"

#include "memory.h"
#include "pages.h"

#include <assert.h>
#include <sys/mman.h>

#define SEGMENT_BYTES (CELLS_SEGMENT * sizeof(uint64_t))
#define MAPPED (SEGMENT_BYTES + 4096) /* room for one more array, in whole pages */
#define MOST_SEGMENTS ((1u << (32 - CELLS_SEGMENT_BITS)) - 1) /* so that `next` cannot wrap */

static_assert(CELLS_MOST * sizeof(uint64_t) <= 4096, "or reading ahead could leave the mapping");

/* Few, so that what is given back finds a taker; and near to each other, so that little is unused.
 */
static const uint8_t rooms[CELLS_CLASSES] = {1, 2, 4, 6, 8, 12, 16, 24, 32};

static uint32_t class_of(uint32_t room) {
    uint32_t class = 0;
    while (rooms[class] < room)
        class ++;
    return class;
}

uint32_t cells_room(uint32_t count) {
    return rooms[class_of(count)];
}

static bool add_segment(struct cells *cells) {
    if (cells->count == MOST_SEGMENTS ||
        !array_reserve(&cells->segments, &cells->capacity, cells->count + 1ull,
                       sizeof *cells->segments))
        return false;
    /* All but the first are in huge pages. */
    uint64_t *segment = pages_map(MAPPED, cells->count > 0, SEGMENT_BYTES);
    if (!segment)
        return false;
    cells->next = cells->count ? cells->count << CELLS_SEGMENT_BITS : CELLS_MOST;
    cells->segments[cells->count++] = segment;
    return true;
}

uint32_t cells_take(struct cells *cells, uint32_t room) {
    uint32_t *first = &cells->free[class_of(room)], array = *first;
    if (array) {
        *first = (uint32_t)*cells_at(cells, array);
        return array;
    }
    uint64_t end = (uint64_t)cells->count << CELLS_SEGMENT_BITS;
    if (cells->next + (uint64_t)room > end && !add_segment(cells))
        return 0;
    array = cells->next;
    cells->next += room;
    return array;
}

void cells_give_back(struct cells *cells, uint32_t array, uint32_t room) {
    uint32_t *first = &cells->free[class_of(room)];
    *cells_at(cells, array) = *first;
    *first = array;
}

uint64_t cells_bytes(const struct cells *cells) {
    return cells->next * sizeof(uint64_t);
}

uint64_t cells_waiting(const struct cells *cells) {
    uint64_t waiting = 0;
    for (uint32_t class = 0; class < CELLS_CLASSES; class ++)
        for (uint32_t at = cells->free[class]; at; at = (uint32_t)*cells_at(cells, at))
            waiting += rooms[class];
    return waiting;
}

void cells_release(struct cells *cells) {
    for (uint32_t i = 0; i < cells->count; i++)
        munmap(cells->segments[i], MAPPED);
    free(cells->segments);
    *cells = (struct cells){0};
}
