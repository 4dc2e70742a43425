/* See batch.h. Each record needs three places in memory, one after the other: its node, its block,
 * its site. So a batch goes through three loops, and each one asks for what the next one needs. */
#include "batch.h"

#include "account.h"
#include "apply.h"
#include "lifetimes.h"

#define BATCH 64u

#define PLAIN_FREE ((uint64_t)EVENT_FREE << 1)
#define PLAIN_ALLOC ((uint64_t)EVENT_ALLOC << 1) /* with the ticket's bit, which is not set */

struct change {
    uint64_t size; /* negative, modulo 2^64, for a free */
    uint32_t site;
    bool begins;
};

struct batch {
    uint32_t count, change_count;
    uint64_t large;                       /* the address of a large block that has ended; 0: none */
    uint64_t words[BATCH], packed[BATCH]; /* packed: of allocations */
    struct change changes[2 * BATCH];
};

static inline bool is_alloc(uint64_t word) {
    return word >> 59 == PLAIN_ALLOC;
}

static inline uint64_t record_bytes(uint64_t word) {
    return is_alloc(word) ? 16 : 8;
}

/* Words that may be read from here on: committed, and before the body's end. */
static uint64_t words_ahead(const struct reader *reader) {
    uint64_t place = reader->position & (reader->size - 1),
             committed = reader->limit - reader->position;
    return (committed < reader->size - place ? committed : reader->size - place) / 8;
}

static void decode(const struct reader *reader, struct batch *batch) {
    const uint64_t *at = reader->body + (reader->position & (reader->size - 1)) / 8;
    const uint64_t *end = at + words_ahead(reader);
    const struct blocks *blocks = &reader->image->blocks;
    uint32_t count = 0;
    for (; count < BATCH && end - at >= 2; count++) {
        uint64_t word = __atomic_load_n(at, __ATOMIC_RELAXED);
        uint64_t next = __atomic_load_n(at + 1, __ATOMIC_RELAXED);
        bool alloc = is_alloc(word);
        bool wide = alloc & event_aux(word) & EVENT_WIDE;
        /* No branch by the kind of record: it would be guessed wrong half of the time. */
        if (!(alloc | (word >> 59 == PLAIN_FREE)) | wide)
            break;
        uint32_t node = (uint32_t)(next >> 32);
        batch->words[count] = word;
        batch->packed[count] = next;
        node &= 0u - (node < reader->node_count);
        __builtin_prefetch(&reader->nodes[node]);
        blocks_prefetch(blocks, event_value(word));
        at += 1 + alloc;
    }
    batch->count = count;
}

static inline void add_change(const struct sites *sites, struct batch *batch, uint32_t site,
                              uint64_t size, bool begins) {
    __builtin_prefetch(&sites->list[site], 1);
    batch->changes[batch->change_count++] = (struct change){begins ? size : 0 - size, site, begins};
}

/* `large` is set when a large block has ended. (One never begins here: it has a ticket.) */
static inline bool begin_block(struct reader *reader, struct batch *batch, uint64_t word,
                               uint64_t packed, bool *large) {
    struct image *image = reader->image;
    uint64_t address = event_value(word);
    uint32_t site = apply_site(reader, packed >> 32, event_kind(word));
    struct block old;
    struct block block = {packed & 0xffffffff, site};
    bool replaced;
    if (site == INDEX_NONE || address == 0 ||
        !blocks_put(&image->blocks, address, block, &replaced, &old))
        return false;
    if (replaced) {
        *large = old.size >= GRAPH_LARGE_BLOCK;
        image->lost_frees++;
        add_change(&image->sites, batch, old.site, old.size, false);
    }
    add_change(&image->sites, batch, site, block.size, true);
    image->allocations++;
    return true;
}

static inline bool end_block(struct image *image, struct batch *batch, uint64_t word) {
    struct block block;
    if (!blocks_take(&image->blocks, event_value(word), &block))
        return false;
    add_change(&image->sites, batch, block.site, block.size, false);
    image->frees++;
    return block.size >= GRAPH_LARGE_BLOCK;
}

/* Blocks come and go in the table; what that means for the sums is left in the batch. Up to the end
 * of a large block, which matters for more. The bytes of the records that were good. */
static uint64_t change_blocks(struct reader *reader, struct batch *batch) {
    uint64_t bytes = 0, allocated = 0;
    uint32_t done = 0, count = batch->count;
    batch->change_count = 0;
    batch->large = 0;
    for (; done < count; done++) {
        uint64_t word = batch->words[done], packed = batch->packed[done];
        bool large = false;
        if (!is_alloc(word))
            large = end_block(reader->image, batch, word);
        else if (begin_block(reader, batch, word, packed, &large))
            allocated += (uint32_t)packed;
        else
            break;
        bytes += record_bytes(word);
        if (__builtin_expect(large, 0)) {
            batch->large = event_value(word);
            count = done + 1;
        }
    }
    reader->image->events += done;
    reader->image->gil_allocated += reader->is_gil ? allocated : 0;
    return bytes;
}

uint64_t batch_apply(struct trace *trace, struct reader *reader) {
    struct batch batch;
    if (reader->image->blocks.capacity == 0 || reader->image->totals.live > LIVE_MAX / 2)
        return 0;
    decode(reader, &batch);
    uint64_t bytes = change_blocks(reader, &batch);
    for (uint32_t i = 0; i < batch.change_count; i++) {
        const struct change *change = &batch.changes[i];
        account_change(trace, reader->image, change->site, change->size, change->begins);
    }
    if (__builtin_expect(batch.large != 0, 0))
        lifetimes_end(trace, reader->image, batch.large,
                      lifetimes_birth(reader->image, batch.large));
    return bytes;
}
