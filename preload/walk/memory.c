/* Which addresses may be read, which are in large blocks, and native memory that leads to such. */
#include "heap.h"

#include "../../wire/event.h"
#include "../sys.h"

#define FOLLOW_DEPTH 7u       /* a table to a column's bytes; MARKS has room for no more */
#define FOLLOW_WORDS_NEAR 32u /* of a piece of memory; half as many for each step further ... */
#define FOLLOW_WORDS_FAR 8u   /* ... down to these */
#define FOLLOW_PIECES 1024u   /* for one object */
#define ARENA_OFFSET 64u      /* further in a large block, more than one thing may lie in it */
#define OBJECT_WORDS 64u

/* A page that could be read once stays: what maps and unmaps it does not exist in a copy, or waits
 * for the GIL. */
bool memory_readable(struct walk *walk, const void *address, size_t size) {
    uintptr_t from = (uintptr_t)address, to = from + size - 1;
    if (from < 4096 || to < from || to > EVENT_VALUE_MASK)
        return false;
    for (uintptr_t page = from >> 12; page <= to >> 12; page++) {
        uint64_t *known = &walk->readable_pages[page & 255];
        if (*known != page && !page_readable(page << 12))
            return false;
        *known = page;
    }
    return true;
}

static bool is_type(struct walk *walk, const char *type) {
    if ((uintptr_t)type & 7 || !memory_readable(walk, type, python.at.type_flags + 8))
        return false;
    const char *meta = type_of(type);
    if ((uintptr_t)meta & 7 || !memory_readable(walk, meta, python.at.type_flags + 8) ||
        !(type_flags(meta) & TYPE_IS_TYPE) || !(type_flags(type) & TYPE_IS_READY))
        return false;
    const char *name = python_pointer(type, python.at.type_name);
    return memory_readable(walk, name, 8);
}

/* What was freed has a link to another such object there. From 3.12 on a count has 32 bits, and
 * from 3.14 16 more of which few objects need one; flags are above. */
static bool count_plausible(const char *object) {
    bool link = python.at.minor >= 12 && word_at(object, 0) >> 32 & 0xffff;
    return int_at(object, 0) && !link && !(object_count(object) >> 30);
}

bool object_plausible(struct walk *walk, const char *object) {
    if (!object || (uintptr_t)object & 7 || !memory_readable(walk, object, 32))
        return false;
    if (!python.at.free_threaded && !count_plausible(object))
        return false;
    return is_type(walk, type_of(object));
}

/* A type that lives: the cycle collector knows those of Python's making, and the others are in some
 * module. A shallow walk knows but the builtin ones and those of locals. */
static bool lives(struct walk *walk, const char *type) {
    return type_known(walk, type) || (!walk->request->shallow && number_of(walk, type));
}

/* What the cycle collector tracks has a number by now, if it lives; tuples and dicts can be
 * untracked. */
bool object_plausible_now(struct walk *walk, const char *object) {
    if (!object_plausible(walk, object) || !lives(walk, type_of(object)))
        return false;
    unsigned long flags = type_flags(type_of(object));
    return !(flags & TYPE_HAS_GC) || flags & (TYPE_IS_TUPLE | TYPE_IS_DICT);
}

/* -- Large blocks -- */

static const struct large_block *large_at(const struct walk *walk, uint64_t address) {
    if (address < walk->large_low || address >= walk->large_high)
        return NULL;
    const struct large_block *large = walk->request->large;
    size_t low = 0, high = walk->request->large_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (large[middle].address + large[middle].size <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low < walk->request->large_count && large[low].address <= address ? &large[low] : NULL;
}

bool large_contains(const struct walk *walk, uint64_t address) {
    return large_at(walk, address);
}

bool large_holds(const struct walk *walk, uint64_t address, uint64_t size) {
    const struct large_block *large = large_at(walk, address);
    return large && size <= large->size - (address - large->address);
}

void place_add(struct walk *walk, uint64_t address) {
    for (uint32_t i = 0; i < walk->place_count; i++)
        if (walk->places[i] == address)
            return;
    if (walk->place_count < PLACES_MAX)
        walk->places[walk->place_count++] = address;
}

/* -- Native memory -- */

struct piece {
    const char *memory;
    uint32_t depth;
};

struct native_follow {
    struct piece pieces[FOLLOW_PIECES]; /* nearest first */
    uint32_t count;
    uint64_t seen[FOLLOW_PIECES]; /* direct-mapped; all 0 between two objects */
};

static uint64_t *seen_place(struct native_follow *follow, uint64_t address) {
    return &follow->seen[address >> 4 & (FOLLOW_PIECES - 1)];
}

/* Native memory, and not an object: what that refers to, its own record tells. */
static void follow_later(struct walk *walk, struct native_follow *follow, uint64_t address,
                         uint32_t depth) {
    const char *memory = (const char *)(uintptr_t)address;
    uint64_t *seen = seen_place(follow, address);
    if (address == 0 || address & 7 || *seen == address || follow->count == FOLLOW_PIECES ||
        number_of(walk, memory) || !memory_readable(walk, memory, 16) ||
        number_of(walk, type_of(memory)))
        return;
    uint64_t barren = walk->barren[address >> 4 & (BARREN_PIECES - 1)];
    if ((barren & ~(uint64_t)MARKS) == address && (barren & MARKS) <= depth)
        return;
    *seen = address;
    follow->pieces[follow->count++] = (struct piece){memory, depth};
}

/* Of the many addresses in an arena, one is enough. */
static void place_add_native(struct walk *walk, const struct large_block *large, uint64_t address) {
    for (uint32_t i = 0; i < walk->place_count; i++)
        if (walk->places[i] - large->address < large->size &&
            address - large->address >= ARENA_OFFSET)
            return;
    place_add(walk, address);
}

/* A place, if it is in a large block; and what may lead on: a large block can be an allocator's
 * arena, and pieces can be in it. */
static void follow_word(struct walk *walk, struct native_follow *follow, uint64_t value,
                        uint32_t depth) {
    const struct large_block *large = large_at(walk, value);
    if (large)
        place_add_native(walk, large, value);
    if (depth <= FOLLOW_DEPTH && (!large || value - large->address >= ARENA_OFFSET))
        follow_later(walk, follow, value, depth);
}

static uint32_t words_at(uint32_t depth) {
    uint32_t words = FOLLOW_WORDS_NEAR >> (depth - 1);
    return words < FOLLOW_WORDS_FAR ? FOLLOW_WORDS_FAR : words;
}

static void follow_piece(struct walk *walk, struct native_follow *follow,
                         const struct piece *piece) {
    for (uint32_t i = 0; i < words_at(piece->depth) && walk->native_budget; i++) {
        const char *word = piece->memory + (size_t)i * 8;
        if (!((uintptr_t)word & 4095) && !memory_readable(walk, word, 8))
            return;
        walk->native_budget--;
        follow_word(walk, follow, word_at(word, 0), piece->depth + 1);
    }
}

/* Those of an object without a place led to nothing. */
static void forget_pieces(struct walk *walk, struct native_follow *follow) {
    for (uint32_t i = 0; i < follow->count; i++) {
        uint64_t address = (uintptr_t)follow->pieces[i].memory;
        *seen_place(follow, address) = 0;
        if (!walk->place_count)
            walk->barren[address >> 4 & (BARREN_PIECES - 1)] = address | follow->pieces[i].depth;
    }
    follow->count = 0;
}

void places_native(struct walk *walk, const struct walked_type *type, const char *object) {
    if (walk->large_low >= walk->large_high)
        return;
    if (!walk->follow)
        walk->follow = pool_take(walk, sizeof *walk->follow);
    struct native_follow *follow = walk->follow;
    if (!follow)
        return;
    uint64_t words = (type->basic_size - type->native_from) / 8;
    for (uint64_t i = 0; i < words && i < OBJECT_WORDS; i++) {
        uint64_t value = word_at(object, type->native_from + (uint32_t)i * 8);
        bool known = !(value & 7) && value && number_of(walk, (const char *)(uintptr_t)value);
        if (known)
            continue;
        if (type->follow)
            follow_word(walk, follow, value, 1);
        else if (large_contains(walk, value))
            place_add(walk, value);
    }
    for (uint32_t i = 0; i < follow->count; i++)
        follow_piece(walk, follow, &follow->pieces[i]);
    forget_pieces(walk, follow);
}
