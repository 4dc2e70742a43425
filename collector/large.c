/* See large.h. */
#include "large.h"

#include <stdlib.h>

#include "memory.h"

#define FIRST_CAPACITY 64u

static uint32_t home_of(const struct large_table *table, uint64_t address) {
    return (uint32_t)hash_mix(address) & (table->capacity - 1);
}

/* Where the address is, or an empty place where it would be. */
static struct large *place_of(const struct large_table *table, uint64_t address) {
    uint32_t at = home_of(table, address);
    while (table->places[at].address && table->places[at].address != address)
        at = (at + 1) & (table->capacity - 1);
    return &table->places[at];
}

static bool grow(struct large_table *table) {
    struct large_table larger = {
        .count = table->count, .capacity = table->capacity ? table->capacity * 2 : FIRST_CAPACITY};
    larger.places = calloc(larger.capacity, sizeof *larger.places);
    if (!larger.places)
        return false;
    for (uint32_t i = 0; i < table->capacity; i++)
        if (table->places[i].address)
            *place_of(&larger, table->places[i].address) = table->places[i];
    free(table->places);
    *table = larger;
    return true;
}

bool large_put(struct large_table *table, struct large block) {
    if (table->count * 2 >= table->capacity && (table->count >= LARGE_MAX || !grow(table)))
        return false;
    struct large *place = place_of(table, block.address);
    table->count += place->address == 0;
    *place = block;
    return true;
}

const struct large *large_find(const struct large_table *table, uint64_t address) {
    if (table->count == 0 || address == 0)
        return NULL;
    const struct large *place = place_of(table, address);
    return place->address ? place : NULL;
}

/* What follows the gap moves into it, unless it would come before its home. */
void large_remove(struct large_table *table, uint64_t address) {
    if (!large_find(table, address))
        return;
    uint32_t mask = table->capacity - 1;
    uint32_t gap = (uint32_t)(place_of(table, address) - table->places);
    for (uint32_t at = (gap + 1) & mask; table->places[at].address; at = (at + 1) & mask) {
        uint32_t home = home_of(table, table->places[at].address);
        if (((at - home) & mask) < ((at - gap) & mask))
            continue;
        table->places[gap] = table->places[at];
        gap = at;
    }
    table->places[gap] = (struct large){0};
    table->count--;
}

void large_release(struct large_table *table) {
    free(table->places);
    *table = (struct large_table){0};
}
