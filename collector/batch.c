/* See batch.h. Each record needs three places in memory, one after the other: its node, its block,
 * its site. So a batch goes through two loops, and the first one asks for the block that the second
 * one needs. No branch depends on whether a record is an ALLOC or a FREE, which nobody can guess.
 */
#include "batch.h"

#include "../wire/graph.h"
#include "account.h"
#include "apply.h"

#define BATCH 64u

/* A plain record, decoded. */
struct change {
    uint64_t key;              /* of its address, for the table of blocks; lowest bit: ALLOC */
    uint64_t data;             /* of an ALLOC: as the table will have it */
    struct block_entry *place; /* where to look for the key */
};

struct batch {
    uint32_t count;
    uint64_t begun, allocated; /* the ALLOCs among them, and their bytes */
    struct change changes[BATCH];
};

/* Words that may be read from here on: committed up to `limit`, and before the body's end. */
static uint64_t words_ahead(const struct reader *reader, uint64_t limit) {
    uint64_t place = reader->position & (reader->size - 1),
             committed = limit > reader->position ? limit - reader->position : 0;
    return (committed < reader->size - place ? committed : reader->size - place) / 8;
}

/* The upper 16 bits of a word, its operation counted from FREE. */
static inline unsigned upper_bits(uint64_t word) {
    return (unsigned)((word - ((uint64_t)EVENT_FREE << 60)) >> 48);
}

/* An ALLOC or a FREE, of a known kind (which two bits tell), without ticket, without a wide size.
 */
static inline bool is_plain(unsigned upper) {
    static_assert(EVENT_ALLOC == EVENT_FREE + 1 && BLOCK_MAPPED == 2, "as the bits below say");
    unsigned other = upper & (0xe000 | EVENT_TICKET_BIT >> 48 | EVENT_WIDE);
    return (other | (upper & upper >> 1 & 0x200)) == 0;
}

/* As the table has it now; what a batch adds is not. */
static inline bool is_large(const struct blocks *blocks, uint64_t key) {
    const struct block_entry *entry = blocks_search(blocks_place(blocks, key), key);
    return blocks_entry_key(entry) == key &&
           (entry->key != key || (uint32_t)entry->data >= GRAPH_LARGE_BLOCK);
}

/* A reallocation whose halves lie one behind the other becomes a beginning and an end. A block that
 * moves exists twice until its contents are copied; otherwise the end comes first. What could be
 * refused after one of both was made is left out here: an end only of what is large. False: it is
 * another record, or not all of it is there. */
static __attribute__((noinline)) bool decode_reallocation(struct reader *reader, const uint64_t *at,
                                                          const uint64_t *last,
                                                          struct change changes[2]) {
    const struct blocks *blocks = &reader->image->blocks;
    if (last - at < 2)
        return false;
    uint64_t begin = __atomic_load_n(at, __ATOMIC_RELAXED);
    uint64_t end = __atomic_load_n(at + 1, __ATOMIC_RELAXED);
    uint64_t packed = __atomic_load_n(at + 2, __ATOMIC_RELAXED), node = packed >> 32;
    unsigned kind = event_kind(end);
    uint64_t before = blocks_key(begin), after = blocks_key(end);
    if (begin != event_word(EVENT_REALLOC_BEGIN, 0, 0, begin) ||
        end != event_word(EVENT_REALLOC_END, kind, 0, end) || kind > BLOCK_MAPPED || before == 0 ||
        after == 0 || is_large(blocks, before))
        return false;
    uint32_t site = apply_site(reader, node, kind);
    if (site == INDEX_NONE)
        return false;
    bool moved = before != after;
    changes[moved] = (struct change){before, 0, blocks_place(blocks, before)};
    changes[!moved] = (struct change){after | 1, (site + 1ull) << 32 | (uint32_t)packed,
                                      blocks_place(blocks, after)};
    __builtin_prefetch(changes[0].place, 1);
    __builtin_prefetch(changes[1].place, 1);
    return true;
}

/* Records without tickets, or with those from `turns` on, one after the other; `pairs`: the former
 * may be reallocations. */
static inline __attribute__((always_inline)) void decode(struct reader *reader, struct batch *batch,
                                                         const struct turns *turns, bool pairs) {
    const uint64_t *at = reader->body + (reader->position & (reader->size - 1)) / 8;
    const uint64_t ticket_words = turns != NULL;
    const uint64_t *end =
        at + words_ahead(reader, turns ? reader->seen : reader->limit) - 1 - ticket_words;
    const struct blocks blocks = reader->image->blocks;
    const struct local_node *nodes = reader->nodes;
    const uint64_t node_count = reader->node_count;
    uint64_t begun = 0, allocated = 0;
    uint32_t count = 0;
    /* `at` may lie behind `end` at once, by the two words that a record takes at the most. */
    for (; count < BATCH && (intptr_t)at < (intptr_t)end; count++) {
        uint64_t word = __atomic_load_n(at, __ATOMIC_RELAXED);
        uint64_t next = __atomic_load_n(at + 1 + ticket_words, __ATOMIC_RELAXED);
        if (turns) {
            uint64_t ticket = __atomic_load_n(at + 1, __ATOMIC_RELAXED);
            if ((word & EVENT_TICKET_BIT) == 0 || count >= turns->count ||
                ticket != turns->first + count)
                break;
            word ^= EVENT_TICKET_BIT;
        }
        unsigned upper = upper_bits(word), kind = upper >> 9 & 3;
        uint64_t key = blocks_key(word), alloc = upper >> 12;
        if (__builtin_expect(!is_plain(upper) || key == 0, 0)) {
            struct change *pair = &batch->changes[count];
            if (!pairs || count + 2 > BATCH || !decode_reallocation(reader, at, end, pair))
                break;
            begun++;
            allocated += (uint32_t)pair[pair[1].key & 1].data;
            at += 3;
            count++;
            continue;
        }
        next &= 0 - alloc;
        uint64_t node = next >> 32;
        if (__builtin_expect(node >= node_count, 0))
            break;
        uint32_t site = nodes[node].site[kind]; /* + 1 */
        if (__builtin_expect((site | (alloc ^ 1)) == 0, 0) &&
            (site = apply_find_site(reader, node, kind) + 1) == 0)
            break;
        struct block_entry *place = blocks_place(&blocks, key);
        __builtin_prefetch(place, 1);
        batch->changes[count] =
            (struct change){key | alloc, (uint64_t)site << 32 | (uint32_t)next, place};
        begun += alloc;
        allocated += (uint32_t)next;
        at += 1 + ticket_words + alloc;
    }
    batch->count = count;
    batch->begun = begun;
    batch->allocated = allocated;
}

/* What is summed up in a batch. */
struct sums {
    uint64_t live, highest;
    uint64_t seq;
    uint64_t next_peak; /* live bytes beyond which a peak is passed: the image's, or the tree's */
    uint64_t last_peak; /* the number of the later one of both */
    uint64_t unknown;   /* ends of blocks that nobody knows */
};

/* The tree's live bytes beside the image's. */
static inline uint64_t others_live(const struct trace *trace, const struct image *image) {
    return trace->totals.live - image->totals.live;
}

static inline void find_peaks(const struct trace *trace, const struct image *image,
                              struct sums *sums) {
    const struct totals *own = &image->totals, *tree = &trace->totals;
    uint64_t next = image->state == IMAGE_LIVE ? tree->peak - others_live(trace, image) : own->peak;
    sums->next_peak = next < own->peak ? next : own->peak;
    sums->last_peak = own->peak_seq > tree->peak_seq ? own->peak_seq : tree->peak_seq;
}

static inline void pass_peaks(struct trace *trace, struct image *image, struct sums *sums) {
    totals_pass(&image->totals, sums->live, sums->seq, trace->now_ns);
    if (image->state == IMAGE_LIVE)
        totals_pass(&trace->totals, sums->live + others_live(trace, image), sums->seq,
                    trace->now_ns);
    find_peaks(trace, image, sums);
}

/* A change at a site, and in the sums. */
static inline void account(struct trace *trace, struct image *image, struct sums *sums,
                           struct stretches *stretches, uint64_t number, uint64_t size,
                           uint64_t begins) {
    struct site *site = &image->sites.list[number];
    uint64_t sign = begins - 1, change = (size ^ sign) - sign;
    if (site->changed <= sums->last_peak)
        site_touch(site, image->totals.peak_seq, trace->totals.peak_seq);
    sums->seq++;
    if (stretches)
        stretches_change(stretches, site, (uint32_t)number, change, sums->seq, trace->now_ns);
    site->changed = sums->seq;
    site_change(site, change, begins);
    sums->live += change;
    if (sums->live > sums->highest)
        sums->highest = sums->live;
    if (__builtin_expect(sums->live > sums->next_peak, 0))
        pass_peaks(trace, image, sums);
}

enum outcome { BEGUN, NOTHING, OTHER };

/* Not what is common, a block that begins where one has been, or that ends. A new address is taken
 * in; a block that nobody knows may end; and all else is left to apply_record. */
static enum outcome change_rarely(struct blocks *blocks, struct block_entry *at, uint64_t key,
                                  bool begins, uint64_t data) {
    bool found = blocks_entry_key(at) == key;
    if (!begins)
        return found && at->data ? OTHER : NOTHING;
    if (found || (uint32_t)data >= GRAPH_LARGE_BLOCK)
        return OTHER;
    return blocks_insert(blocks, at, (struct block_entry){key, data}) ? BEGUN : OTHER;
}

/* The common case: a block begins where one has ended before, or ends. 0: it is something else, and
 * nothing has changed. Otherwise the data of the block, as it is or was. */
static inline uint64_t flip(struct block_entry *at, uint64_t key, uint64_t begins, uint64_t data) {
    uint64_t mask = 0 - begins, before = at->data, block = before | (data & mask);
    uint64_t taken = before & mask, large = (uint32_t)block / GRAPH_LARGE_BLOCK;
    if (__builtin_expect(((at->key ^ key) | taken | large) != 0, 0))
        return 0;
    at->data = block & mask;
    return block;
}

/* With --keep-events the table holds a stub in the place of a block's site. The data of a block
 * that is to begin, with a stub; 0 when memory ran out. */
static inline uint64_t with_stub(struct events *events, uint64_t data) {
    uint32_t stub = events_stub(events, (uint32_t)(data >> 32) - 1);
    return stub == EVENTS_NO_STUB ? 0 : (stub + 1ull) << 32 | (uint32_t)data;
}

/* The site of the stub's block. */
static inline uint32_t record(struct events *events, const struct image *image, uint32_t stub,
                              uint32_t size, bool begins) {
    uint32_t site = events_site(events, stub);
    if (begins)
        events_alloc(events, image->number, stub, size);
    else
        events_free(events, stub);
    return site;
}

/* Makes the changes, and sums them up. The number of those that were made. Inline, so that there is
 * one for when there are no events to record, nor stretches. */
static inline __attribute__((always_inline)) uint32_t
change_blocks(struct trace *trace, struct image *image, const struct batch *batch,
              struct sums *total, struct events *events, struct stretches *stretches) {
    struct sums sums = *total;
    uint32_t done = 0;
    for (; done < batch->count; done++) {
        const struct change *change = &batch->changes[done];
        uint64_t begins = change->key & 1, key = change->key ^ begins, data = change->data;
        if (events && begins && (data = with_stub(events, data)) == 0)
            break;
        struct block_entry *at = blocks_search(change->place, key);
        uint64_t block = flip(at, key, begins, data);
        if (__builtin_expect(block == 0, 0)) {
            enum outcome outcome = change_rarely(&image->blocks, at, key, begins, data);
            if (outcome == OTHER && events && begins)
                events_forget(events, (uint32_t)(data >> 32) - 1);
            if (outcome == OTHER)
                break;
            sums.unknown += outcome == NOTHING;
            if (outcome == NOTHING)
                continue;
            block = data;
        }
        uint64_t site = (block >> 32) - 1;
        if (events)
            site = record(events, image, (uint32_t)site, (uint32_t)block, begins);
        account(trace, image, &sums, stretches, site, (uint32_t)block, begins);
    }
    *total = sums;
    return done;
}

/* Leaves out what was not done. */
static void cut(struct batch *batch, uint32_t done) {
    for (; batch->count > done; batch->count--) {
        const struct change *change = &batch->changes[batch->count - 1];
        batch->begun -= change->key & 1;
        batch->allocated -= (uint32_t)change->data & (0 - (change->key & 1));
    }
}

static void take_over(struct trace *trace, struct reader *reader, const struct batch *batch,
                      const struct sums *sums) {
    struct image *image = reader->image;
    uint64_t others = others_live(trace, image),
             ended = batch->count - batch->begun - sums->unknown;
    image->totals.live = sums->live;
    totals_rise(&image->totals, sums->highest);
    if (image->state == IMAGE_LIVE) {
        trace->totals.live = sums->live + others;
        totals_rise(&trace->totals, sums->highest + others);
    }
    trace->seq = sums->seq;
    image->blocks.count += batch->begun - ended;
    image->events += batch->count;
    image->allocations += batch->begun;
    image->frees += ended;
    image->gil_allocated += reader->is_gil ? batch->allocated : 0;
}

/* The records that were applied are left in *batch. False: none. */
static inline __attribute__((always_inline)) bool
apply(struct trace *trace, struct reader *reader, struct batch *batch, const struct turns *turns) {
    struct image *image = reader->image;
    if (image->totals.live > LIVE_MAX / 2 || !blocks_reserve(&image->blocks, BATCH))
        return false;
    struct sums sums = {
        .live = image->totals.live, .highest = image->totals.live, .seq = trace->seq};
    find_peaks(trace, image, &sums);
    decode(reader, batch, turns, !turns && !trace->events);
    uint32_t done = trace->events || image->stretches
                        ? change_blocks(trace, image, batch, &sums, trace->events, image->stretches)
                        : change_blocks(trace, image, batch, &sums, NULL, NULL);
    cut(batch, done);
    take_over(trace, reader, batch, &sums);
    return batch->count != 0;
}

uint64_t batch_apply(struct trace *trace, struct reader *reader) {
    struct batch batch;
    return apply(trace, reader, &batch, NULL) ? (batch.count + batch.begun) * 8 : 0;
}

uint64_t batch_apply_turns(struct trace *trace, struct reader *reader, const struct turns *turns) {
    struct batch batch;
    if (!apply(trace, reader, &batch, turns))
        return 0;
    trace->next = reader->ticket = turns->first + batch.count;
    return (batch.count * 2ull + batch.begun) * 8;
}
