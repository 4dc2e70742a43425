/* See blocks.h. */
#include "blocks.h"

#include <string.h>

#define CHUNK_BYTES (CHUNK_PLACES * 16u)
#define FIRST_MOST 8u         /* cells that a new chunk gets before it is known to need them */
#define WIDE UINT32_MAX       /* as a cell's size: a cell of its own has it */
#define WIDE_KEY (1ull << 44) /* in a chunk's number, above those of all addresses */

/* Of the cell that has a wide size; no block's. */
static uint64_t wide_key(uint64_t address) {
    return blocks_key(address) + (WIDE_KEY * SCRAMBLE << 16);
}

/* Cells for the blocks that a chunk would have if they were all as large as this one. */
static uint32_t expected(uint32_t size) {
    if (size > CHUNK_BYTES / 2)
        return 1;
    return size > 16 ? CHUNK_BYTES / ((size + 15) & ~15u) : CHUNK_PLACES;
}

static enum blocks_inserted insert_chunk(struct blocks *blocks, struct chunk *at, uint64_t key,
                                         uint64_t cell) {
    uint32_t wanted = expected((uint32_t)cell);
    uint32_t room = cells_room(wanted < FIRST_MOST ? wanted : FIRST_MOST);
    uint32_t cells = cells_take(&blocks->cells, room);
    if (!cells)
        return BLOCKS_NO_MEMORY;
    struct chunk chunk = {(key & ~0xffffull) | room, 1u << blocks_place(key), cells};
    if (!chunks_insert(&blocks->chunks, at, chunk)) {
        cells_give_back(&blocks->cells, cells, room);
        return BLOCKS_NO_PLACE;
    }
    *cells_at(&blocks->cells, cells) = cell;
    return BLOCKS_INSERTED;
}

/* Forgets the places of a chunk that have no block now. */
static void drop_dead(const struct blocks *blocks, struct chunk *chunk) {
    uint64_t *cells = cells_at(&blocks->cells, chunk->cells);
    uint32_t from = 0, to = 0, live = 0;
    for (uint32_t known = chunk->known; known; known &= known - 1, from++) {
        if (cells[from] == 0)
            continue;
        live |= known & -known;
        cells[to++] = cells[from];
    }
    chunk->known = live;
}

/* More cells: for the blocks that would fit if they were all of that size, or some more. */
static bool grow_chunk(struct blocks *blocks, struct chunk *chunk, uint32_t size) {
    uint32_t before = chunk_room(chunk), wanted = expected(size);
    uint32_t room = cells_room(wanted > before ? wanted : before + 1);
    uint32_t grown = cells_take(&blocks->cells, room);
    if (!grown)
        return false;
    memcpy(cells_at(&blocks->cells, grown), cells_at(&blocks->cells, chunk->cells),
           before * sizeof(uint64_t));
    cells_give_back(&blocks->cells, chunk->cells, before);
    chunk->cells = grown;
    chunk->key = chunk_key(chunk) | room;
    return true;
}

/* A full chunk forgets the places without a block. If these were few, it gets more cells. */
static bool make_room(struct blocks *blocks, struct chunk *chunk, uint32_t size) {
    drop_dead(blocks, chunk);
    uint32_t room = chunk_room(chunk);
    return count_bits(chunk->known) + room / 4 < room || grow_chunk(blocks, chunk, size);
}

static enum blocks_inserted insert_cell(struct blocks *blocks, struct chunk *chunk, uint64_t key,
                                        uint64_t cell) {
    if (count_bits(chunk->known) == chunk_room(chunk) && !make_room(blocks, chunk, (uint32_t)cell))
        return BLOCKS_NO_MEMORY;
    uint32_t bit = 1u << blocks_place(key), behind = count_bits(chunk->known & ~(bit - 1));
    uint64_t *at = chunk_cell(&blocks->cells, chunk, key);
    memmove(at + 1, at, behind * sizeof *at);
    *at = cell;
    chunk->known |= bit;
    return BLOCKS_INSERTED;
}

enum blocks_inserted blocks_insert(struct blocks *blocks, struct chunk *at, uint64_t key,
                                   uint64_t cell) {
    if (chunk_key(at) == (key & ~0xffffull))
        return insert_cell(blocks, at, key, cell);
    return insert_chunk(blocks, at, key, cell);
}

bool blocks_reserve(struct blocks *blocks, uint64_t count) {
    /* The hot path reads cells before it knows whether there are any. */
    if (__builtin_expect(blocks->cells.count == 0, 0)) {
        uint32_t first = cells_take(&blocks->cells, 1);
        if (!first)
            return false;
        cells_give_back(&blocks->cells, first, 1);
    }
    return chunks_reserve(&blocks->chunks, &blocks->cells, count);
}

uint64_t *blocks_find(const struct blocks *blocks, uint64_t key) {
    struct chunk *chunk = chunks_search(blocks_start(blocks, key), key);
    return chunk_knows(chunk, key) ? chunk_cell(&blocks->cells, chunk, key) : NULL;
}

/* Does not fail where the place is known. */
static bool put(struct blocks *blocks, uint64_t key, uint64_t cell) {
    uint64_t *at = blocks_find(blocks, key);
    if (at) {
        *at = cell;
        return true;
    }
    struct chunk *chunk = chunks_search(blocks_start(blocks, key), key);
    enum blocks_inserted outcome = blocks_insert(blocks, chunk, key, cell);
    if (outcome == BLOCKS_NO_PLACE && chunks_grow_whole(&blocks->chunks)) {
        chunk = chunks_search(blocks_start(blocks, key), key);
        outcome = blocks_insert(blocks, chunk, key, cell);
    }
    return outcome == BLOCKS_INSERTED;
}

static struct block block_of(const struct blocks *blocks, uint64_t address, uint64_t cell) {
    uint64_t size = (uint32_t)cell;
    if (size == WIDE)
        size = *blocks_find(blocks, wide_key(address));
    return (struct block){size, (uint32_t)(cell >> 32) - 1};
}

bool blocks_put(struct blocks *blocks, uint64_t address, struct block block, bool *replaced,
                struct block *old) {
    if (!blocks_reserve(blocks, 2))
        return false;
    uint64_t key = blocks_key(address), wide = wide_key(address);
    const uint64_t *before = blocks_find(blocks, key);
    *replaced = before && *before;
    if (*replaced)
        *old = block_of(blocks, address, *before);
    bool was_wide = *replaced && old->size >= WIDE, is_wide = block.size >= WIDE;
    if (is_wide && !put(blocks, wide, block.size))
        return false;
    uint32_t size = is_wide ? WIDE : (uint32_t)block.size;
    bool done = put(blocks, key, block_cell(block.site, size));
    if (is_wide ? !done : was_wide)
        *blocks_find(blocks, wide) = 0;
    blocks->count += done && !*replaced;
    return done;
}

bool blocks_take(struct blocks *blocks, uint64_t address, struct block *taken) {
    if (blocks->count == 0 || address == 0)
        return false;
    uint64_t *cell = blocks_find(blocks, blocks_key(address));
    if (!cell || *cell == 0)
        return false;
    *taken = block_of(blocks, address, *cell);
    if ((uint32_t)*cell == WIDE)
        *blocks_find(blocks, wide_key(address)) = 0;
    *cell = 0;
    blocks->count--;
    return true;
}

uint64_t blocks_bytes(const struct blocks *blocks) {
    uint64_t chunks = blocks->chunks.capacity + blocks->chunks.old_capacity;
    return chunks * sizeof(struct chunk) + cells_bytes(&blocks->cells);
}

void blocks_release(struct blocks *blocks) {
    chunks_release(&blocks->chunks);
    cells_release(&blocks->cells);
    *blocks = (struct blocks){0};
}

bool blocks_look(const struct blocks *blocks, uint64_t address, struct block *block) {
    const uint64_t *cell =
        blocks->count && address ? blocks_find(blocks, blocks_key(address)) : NULL;
    if (!cell || *cell == 0)
        return false;
    *block = block_of(blocks, address, *cell);
    return true;
}

/* What blocks_key() has made the chunk's key of. */
static uint64_t unscrambled(const struct chunk *chunk) {
    uint64_t inverse = SCRAMBLE;
    for (int i = 0; i < 6; i++)
        inverse *= 2 - SCRAMBLE * inverse;
    return (chunk->key >> 16) * inverse & ((1ull << 48) - 1);
}

/* Its cells are sizes, not blocks. */
static bool holds_sizes(const struct chunk *chunk) {
    return unscrambled(chunk) & WIDE_KEY;
}

static void visit_chunk(const struct blocks *blocks, const struct chunk *chunk, blocks_visit *visit,
                        void *owner) {
    const uint64_t *cell = cells_at(&blocks->cells, chunk->cells);
    uint64_t number = unscrambled(chunk), rest = number >> 40;
    uint32_t bytes = CHUNK_BYTES;
    uint64_t start = (number - (rest << 40) - 1) * bytes | rest;
    for (uint32_t known = chunk->known; known; known &= known - 1, cell++) {
        uint64_t place = (uint32_t)__builtin_ctz(known);
        if (*cell)
            visit(owner, start + 16 * place, (uint32_t)(*cell >> 32) - 1);
    }
}

static void visit_chunks(const struct blocks *blocks, const struct chunk *from,
                         const struct chunk *end, blocks_visit *visit, void *owner) {
    for (; from && from < end; from++)
        if (from->key != 0 && !holds_sizes(from))
            visit_chunk(blocks, from, visit, owner);
}

void blocks_each(const struct blocks *blocks, blocks_visit *visit, void *owner) {
    const struct chunks *chunks = &blocks->chunks;
    visit_chunks(blocks, chunks->entries, chunks_end(chunks->entries, chunks->capacity), visit,
                 owner);
    visit_chunks(blocks, chunks->old ? chunks->old + chunks->moved : NULL,
                 chunks_end(chunks->old, chunks->old_capacity), visit, owner);
}

/* What the chunks of an array hold. */
struct tally {
    uint64_t live, wide, rooms;
};

static bool tally_chunk(const struct blocks *blocks, const struct chunk *chunk,
                        struct tally *tally) {
    bool is_wide = holds_sizes(chunk);
    uint32_t known = count_bits(chunk->known), room = chunk_room(chunk);
    const uint64_t *cells = cells_at(&blocks->cells, chunk->cells);
    tally->rooms += room;
    for (uint32_t i = 0; i < known; i++) {
        tally->live += !is_wide && cells[i];
        tally->wide += is_wide ? cells[i] != 0 : 0 - (uint64_t)((uint32_t)cells[i] == WIDE);
    }
    return known && known <= room && room == cells_room(room);
}

static bool tally_chunks(const struct blocks *blocks, const struct chunk *from,
                         const struct chunk *end, struct tally *tally) {
    for (; from && from < end; from++)
        if (from->key && !tally_chunk(blocks, from, tally))
            return false;
    return true;
}

bool blocks_is_valid(const struct blocks *blocks) {
    const struct chunks *chunks = &blocks->chunks;
    struct tally tally = {0};
    if (!chunks_is_valid(chunks) ||
        !tally_chunks(blocks, chunks->entries, chunks_end(chunks->entries, chunks->capacity),
                      &tally) ||
        !tally_chunks(blocks, chunks->old ? chunks->old + chunks->moved : NULL,
                      chunks_end(chunks->old, chunks->old_capacity), &tally))
        return false;
    /* At a segment's end less than an array may be left over. */
    uint64_t accounted = tally.rooms + cells_waiting(&blocks->cells) + CELLS_MOST;
    uint64_t given = blocks->cells.next, left = blocks->cells.count * (uint64_t)CELLS_MOST;
    return tally.live == blocks->count && tally.wide == 0 &&
           (given == 0 || (accounted <= given && given <= accounted + left));
}
