/* The numbers of objects, by their addresses.
 *
 * A leaf has a place for each grain of 16 KiB. Most objects are at least 64 bytes apart, so that is
 * the grain to begin with; where two fall on one place, it is halved. With 16 bytes from the start
 * the leaves of a heap of large objects would be a quarter of its size, nearly all of it empty.
 */
#include "heap.h"

#include <assert.h>

#define LEAF_SHIFT 14
#define PAGE_MASK (((uint64_t)1 << 56) - 1)
#define GRAIN_FIRST 6u
#define GRAIN_LEAST 4u

/* A place: the object's number, and where in the grain it begins, in steps of 16 bytes. */
#define STEP_BITS (GRAIN_FIRST - GRAIN_LEAST)
#define STEP_MASK ((1u << STEP_BITS) - 1)

static_assert(GRAIN_FIRST - GRAIN_LEAST < GRAINS, "a list of spare places for each grain");
static_assert(OBJECTS_MAX <= UINT32_MAX >> STEP_BITS, "a place has room for a number and a step");

static uint32_t spread(uint64_t page) {
    return (uint32_t)(page * 0x9e3779b97f4a7c15u >> 32);
}

static struct address_leaf *leaf_place(const struct address_index *index, uint64_t page) {
    uint32_t i = spread(page) & index->mask;
    while (index->leaves[i].page && index->leaves[i].page != page)
        i = (i + 1) & index->mask;
    return &index->leaves[i];
}

static bool index_grow(struct walk *walk) {
    struct address_index *index = &walk->index;
    struct address_leaf *old = index->leaves;
    uint32_t old_mask = index->mask, size = old ? (old_mask + 1) * 2 : 4096;
    struct address_leaf *leaves = pool_take(walk, size * sizeof *leaves);
    if (!leaves)
        return false;
    index->leaves = leaves;
    index->mask = size - 1;
    for (uint32_t i = 0; old && i <= old_mask; i++)
        if (old[i].page)
            *leaf_place(index, old[i].page) = old[i];
    return true;
}

static uint64_t page_of(const char *object) {
    return (uintptr_t)object >> LEAF_SHIFT;
}

static uint32_t places_in(uint32_t grain) {
    return 1u << (LEAF_SHIFT - grain);
}

static uint32_t *place_in(const struct address_leaf *leaf, const char *object) {
    return &leaf->places[((uintptr_t)object & ((1u << LEAF_SHIFT) - 1)) >> leaf->grain];
}

static uint32_t step_of(const struct address_leaf *leaf, const char *object) {
    return ((uint32_t)(uintptr_t)object & ((1u << leaf->grain) - 1)) >> GRAIN_LEAST;
}

/* The last one that was asked for, if there is one for this page. */
static bool leaf_find(struct walk *walk, const char *object) {
    struct address_index *index = &walk->index;
    uint64_t page = page_of(object);
    if (page == index->last.page)
        return page != 0;
    const struct address_leaf *leaf = index->leaves ? leaf_place(index, page) : NULL;
    if (!leaf || !leaf->page)
        return false;
    index->last = *leaf;
    return true;
}

/* -- Leaves that are made, and made finer -- */

static uint32_t *places_take(struct walk *walk, uint32_t grain) {
    uint32_t **spare = &walk->index.spare[grain - GRAIN_LEAST], *places = *spare;
    size_t size = places_in(grain) * sizeof *places;
    if (!places)
        return pool_take(walk, size);
    memcpy(spare, places, sizeof *spare);
    memset(places, 0, size);
    return places;
}

static void places_give(struct walk *walk, uint32_t *places, uint32_t grain) {
    uint32_t **spare = &walk->index.spare[grain - GRAIN_LEAST];
    memcpy(places, spare, sizeof *spare);
    *spare = places;
}

static void leaf_keep(struct walk *walk, const struct address_leaf *leaf) {
    *leaf_place(&walk->index, leaf->page) = *leaf;
    walk->index.last = *leaf;
}

static bool leaf_make(struct walk *walk, const char *object) {
    struct address_index *index = &walk->index;
    struct address_leaf leaf = {.page = page_of(object) & PAGE_MASK, .grain = GRAIN_FIRST};
    if ((!index->leaves || index->used * 2 >= index->mask) && !index_grow(walk))
        return false;
    if (!(leaf.places = places_take(walk, leaf.grain)))
        return false;
    uint32_t region = (uint32_t)((uintptr_t)object >> REGION_SHIFT) & (REGION_BITS - 1);
    index->regions[region / 64] |= 1ull << region % 64;
    leaf_keep(walk, &leaf);
    index->used++;
    return true;
}

static bool leaf_refine(struct walk *walk) {
    struct address_leaf leaf = walk->index.last, finer = leaf;
    finer.grain--;
    if (!(finer.places = places_take(walk, finer.grain)))
        return false;
    uint32_t half = 1u << (finer.grain - GRAIN_LEAST);
    for (uint32_t i = 0; i < places_in(leaf.grain); i++) {
        uint32_t step = leaf.places[i] & STEP_MASK;
        if (leaf.places[i])
            finer.places[2 * i + step / half] = leaf.places[i] - step + step % half;
    }
    places_give(walk, leaf.places, leaf.grain);
    leaf_keep(walk, &finer);
    return true;
}

/* -- Numbers -- */

static uint32_t number_new(struct walk *walk, const char *object) {
    uint32_t number = walk->named + 1, chunk = number / CHUNK_OBJECTS;
    if (number >= OBJECTS_MAX) {
        walk->cut = true;
        return 0;
    }
    if (!walk->chunks[chunk])
        walk->chunks[chunk] = pool_take(walk, CHUNK_OBJECTS * sizeof(uint64_t));
    if (!walk->chunks[chunk])
        return 0;
    walk->chunks[chunk][number % CHUNK_OBJECTS] = (uintptr_t)object;
    return walk->named = number;
}

static __attribute__((noinline)) uint32_t name_new(struct walk *walk, const char *object) {
    const struct address_leaf *leaf = &walk->index.last;
    if (!leaf_find(walk, object) && !leaf_make(walk, object))
        return 0;
    while (*place_in(leaf, object) && leaf->grain > GRAIN_LEAST)
        if (!leaf_refine(walk))
            return 0;
    uint32_t number = number_new(walk, object);
    if (number)
        *place_in(leaf, object) = number << STEP_BITS | step_of(leaf, object);
    return number;
}

/* 0 when no object in the same 16 bytes has one. */
static uint32_t number_at(struct walk *walk, const char *object) {
    if (!leaf_find(walk, object))
        return 0;
    const struct address_leaf *leaf = &walk->index.last;
    uint32_t place = *place_in(leaf, object);
    return (place & STEP_MASK) == step_of(leaf, object) ? place >> STEP_BITS : 0;
}

uint32_t name_object(struct walk *walk, const char *object) {
    uint32_t number = number_at(walk, object);
    return number ? number : name_new(walk, object);
}

const void *number_place(const struct walk *walk, const char *object) {
    const struct address_index *index = &walk->index;
    const struct address_leaf *leaf = index->leaves ? leaf_place(index, page_of(object)) : NULL;
    return leaf && leaf->page ? place_in(leaf, object) : NULL;
}

uint32_t number_of(struct walk *walk, const char *object) {
    uint32_t number = number_at(walk, object);
    return number && (entry_of(walk, number) & ~(uint64_t)MARKS) == (uintptr_t)object ? number : 0;
}

bool near_object(struct walk *walk, const char *address) {
    return leaf_find(walk, address);
}

void mark_object(struct walk *walk, uint32_t number, enum object_mark mark) {
    if (number)
        walk->chunks[number / CHUNK_OBJECTS][number % CHUNK_OBJECTS] |= (uint64_t)mark;
}
