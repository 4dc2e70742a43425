/* See batch.h. Each record needs four places in memory, one after the other: its node, its chunk,
 * its block's cell, its site. So a batch goes through three loops, and the first one asks for the
 * chunk that the second one needs, and the second one for the cell that the third one changes. No
 * branch depends on whether a record is an ALLOC or a FREE, which nobody can guess.
 */
#include "batch.h"

#include "../wire/graph.h"
#include "account.h"
#include "apply.h"

#define BATCH BATCH_MOST

#define CHANGE_BEGINS 1ull /* in a change's key, whose bits from 6 to 15 nobody looks at */
#define CHANGE_TOLD 64ull

/* A plain record, decoded. */
struct change {
    uint64_t key;  /* of its address, for the table of blocks; CHANGE_BEGINS: an ALLOC */
    uint64_t cell; /* of an ALLOC: as the table will have it; with CHANGE_TOLD: what a FREE tells */
    union {
        struct chunk *start; /* where to look for the key */
        uint64_t *at;        /* its cell then, or NULL */
    };
};

struct batch {
    uint32_t count;
    uint64_t begun, allocated; /* the ALLOCs among them, and their bytes */
    uint64_t told;             /* the FREEs that have a further word */
    struct change changes[BATCH];
};

/* Where a ring is read: up to `end`, the two words of a record and its ticket are there. */
struct cursor {
    struct reader *reader;
    const uint64_t *at, *end;
    uint64_t ticket; /* of the record at `at`; UINT64_MAX: it has none, or no turn */
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

/* Such a FREE, with a word that says how and where (--lifetimes). */
static inline bool is_told(unsigned upper) {
    return (upper & ~0x600u) == FREE_TOLD;
}

/* As the table has it now; what a batch adds is not. */
static inline bool is_large(const struct blocks *blocks, uint64_t key) {
    const struct chunk *chunk = chunks_search(blocks_start(blocks, key), key);
    return chunk_knows(chunk, key) &&
           (uint32_t)*chunk_cell(&blocks->cells, chunk, key) >= GRAPH_LARGE_BLOCK;
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
        end != event_word(EVENT_REALLOC_END, kind, 0, end) || kind > BLOCK_MAPPED ||
        event_value(begin) == 0 || event_value(end) == 0 || is_large(blocks, before))
        return false;
    uint32_t site = apply_site(reader, node, kind);
    if (site == INDEX_NONE)
        return false;
    bool moved = before != after;
    changes[moved] = (struct change){before, 0, {blocks_start(blocks, before)}};
    changes[!moved] = (struct change){
        after | 1, block_cell(site, (uint32_t)packed), {blocks_start(blocks, after)}};
    __builtin_prefetch(changes[0].start, 1);
    __builtin_prefetch(changes[1].start, 1);
    return true;
}

/* Adds records to a batch: without tickets, or with those from `turns` on, one after the other;
 * `pairs`: the former may be reallocations. */
static inline __attribute__((always_inline)) void decode(struct cursor *from, struct batch *batch,
                                                         const struct turns *turns, bool pairs,
                                                         bool tells) {
    struct reader *reader = from->reader;
    const uint64_t *at = from->at, *end = from->end;
    const uint64_t ticket_words = turns != NULL;
    const struct blocks blocks = reader->image->blocks;
    const struct local_node *nodes = reader->nodes;
    const uint64_t node_count = reader->node_count;
    uint64_t begun = batch->begun, allocated = batch->allocated, told = batch->told;
    struct change *change = batch->changes + batch->count, *last = batch->changes + BATCH;
    uint64_t turn = turns ? turns->first + batch->count : 0,
             turn_end = turns ? turns->first + turns->count : 0;
    /* `at` may lie behind `end` at once, by the two words that a record takes at the most. */
    for (; change < last && (intptr_t)at < (intptr_t)end; change++, turn++) {
        uint64_t word = __atomic_load_n(at, __ATOMIC_RELAXED);
        uint64_t next = __atomic_load_n(at + 1 + ticket_words, __ATOMIC_RELAXED);
        if (turns) {
            uint64_t ticket = __atomic_load_n(at + 1, __ATOMIC_RELAXED);
            if ((word & EVENT_TICKET_BIT) == 0 || turn >= turn_end || ticket != turn)
                break;
            word ^= EVENT_TICKET_BIT;
        }
        unsigned upper = upper_bits(word), kind = upper >> 9 & 3;
        uint64_t key = blocks_key(word), alloc = upper >> 12;
        if (__builtin_expect(!is_plain(upper) || event_value(word) == 0, 0)) {
            if (tells && is_told(upper) && event_value(word) != 0) {
                struct chunk *start = blocks_start(&blocks, key);
                __builtin_prefetch(start, 1);
                *change = (struct change){key | CHANGE_TOLD, next, {start}};
                told++;
                at += 2 + ticket_words;
                continue;
            }
            if (!pairs || last - change < 2 || !decode_reallocation(reader, at, end, change))
                break;
            begun++;
            allocated += (uint32_t)change[change[1].key & 1].cell;
            at += 3;
            change++;
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
        struct chunk *start = blocks_start(&blocks, key);
        __builtin_prefetch(start, 1);
        *change = (struct change){key | alloc, (uint64_t)site << 32 | (uint32_t)next, {start}};
        begun += alloc;
        allocated += (uint32_t)next;
        at += 1 + ticket_words + alloc;
    }
    from->at = at;
    batch->count = (uint32_t)(change - batch->changes);
    batch->begun = begun;
    batch->allocated = allocated;
    batch->told = told;
}

/* `limit`: of the ring; `ticket_words`: of each record. */
static struct cursor cursor_at(struct reader *reader, uint64_t limit, uint64_t ticket_words) {
    const uint64_t *at = reader->body + (reader->position & (reader->size - 1)) / 8;
    const uint64_t *end = at + words_ahead(reader, limit) - 1 - ticket_words;
    return (struct cursor){.reader = reader, .at = at, .end = end};
}

static uint64_t next_ticket(const struct cursor *cursor) {
    if ((intptr_t)cursor->at >= (intptr_t)cursor->end ||
        !(__atomic_load_n(cursor->at, __ATOMIC_RELAXED) & EVENT_TICKET_BIT))
        return UINT64_MAX;
    return __atomic_load_n(cursor->at + 1, __ATOMIC_RELAXED);
}

/* There is more in the ring, and that has no ticket: it comes before any later one. */
static bool goes_without(const struct cursor *cursor) {
    const struct reader *reader = cursor->reader;
    uint64_t place = (uint64_t)(cursor->at - reader->body) * 8;
    uint64_t used = (place - reader->position) & (reader->size - 1);
    return reader->position + used < reader->seen &&
           !(__atomic_load_n(reader->body + (place & (reader->size - 1)) / 8, __ATOMIC_RELAXED) &
             EVENT_TICKET_BIT);
}

static struct cursor *find_ticket(struct cursor *cursors, uint32_t count, uint64_t ticket) {
    for (uint32_t i = 0; i < count; i++)
        if (cursors[i].ticket == ticket)
            return &cursors[i];
    return NULL;
}

/* A batch's records that one ring has, up to one that another has. */
struct run {
    uint32_t lane, end;
};

struct runs {
    uint32_t count;
    struct run list[BATCH];
};

/* What several threads do at the same time has tickets in turn: one batch is read from all of
 * their rings. */
static void decode_turns(struct batch *batch, const struct turns *turns, struct runs *runs,
                         bool tells) {
    struct cursor cursors[LANES_MAX], *from;
    for (uint32_t i = 0; i < turns->lane_count; i++) {
        struct reader *reader = turns->lanes[i].reader;
        cursors[i] = cursor_at(reader, reader->seen, 1);
        cursors[i].ticket = next_ticket(&cursors[i]);
        if (cursors[i].ticket < reader->ticket)
            cursors[i].ticket = UINT64_MAX;
    }
    while (batch->count < BATCH && batch->count < turns->count &&
           (from = find_ticket(cursors, turns->lane_count, turns->first + batch->count))) {
        uint32_t before = batch->count;
        decode(from, batch, turns, false, tells);
        from->ticket = next_ticket(from);
        if (batch->count == before)
            break;
        runs->list[runs->count++] = (struct run){(uint32_t)(from - cursors), batch->count};
        if (goes_without(from))
            break;
    }
}

/* Finds the cells that the changes need, as the table is before any of them. */
static inline __attribute__((always_inline)) void
find_cells(const struct blocks *blocks, struct batch *batch, bool has_instruction) {
    for (uint32_t i = 0; i < batch->count; i++) {
        struct change *change = &batch->changes[i];
        const struct chunk *chunk = chunks_search(change->start, change->key);
        uint32_t before = chunk_before(chunk, change->key);
        uint32_t rank = has_instruction ? (uint32_t)__builtin_popcount(before) : count_bits(before);
        /* Of a chunk that is another's, or none, some cell that nobody looks at. */
        uint64_t *at = cells_at(&blocks->cells, chunk->cells) + rank;
        __builtin_prefetch(at, 1);
        change->at = chunk_knows(chunk, change->key) ? at : NULL;
    }
}

static __attribute__((noinline)) void locate(const struct blocks *blocks, struct batch *batch) {
    find_cells(blocks, batch, false);
}

#ifdef __x86_64__
static __attribute__((noinline, target("popcnt"))) void
locate_with_popcnt(const struct blocks *blocks, struct batch *batch) {
    find_cells(blocks, batch, true);
}

static void locate_all(const struct blocks *blocks, struct batch *batch) {
    if (__builtin_cpu_supports("popcnt"))
        locate_with_popcnt(blocks, batch);
    else
        locate(blocks, batch);
}
#else
#define locate_all locate
#endif

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
    struct sites *sites = &image->sites;
    struct site *site = &sites->list[number];
    uint64_t sign = begins - 1, change = (size ^ sign) - sign;
    if (site_changed(sites, site) <= sums->last_peak)
        sites_touch(sites, (uint32_t)number, image->totals.peak_seq, trace->totals.peak_seq);
    sums->seq++;
    if (stretches)
        stretches_change(stretches, sites, (uint32_t)number, change, sums->seq, trace->now_ns);
    site->changed = (uint32_t)sums->seq;
    site_change(sites, (uint32_t)number, change, begins);
    sums->live += change;
    if (sums->live > sums->highest)
        sums->highest = sums->live;
    if (__builtin_expect(sums->live > sums->next_peak, 0))
        pass_peaks(trace, image, sums);
}

enum outcome { BEGUN, NOTHING, OTHER };

/* Not what is common, a block that begins where one has been, or that ends. A new address is taken
 * in; a block that nobody knows may end; and all else is left to apply_record. */
static enum outcome change_rarely(struct blocks *blocks, uint64_t key, const uint64_t *at,
                                  bool begins, uint64_t cell) {
    if (!begins)
        return at && *at ? OTHER : NOTHING;
    if (at || (uint32_t)cell >= GRAPH_LARGE_BLOCK)
        return OTHER;
    struct chunk *chunk = chunks_search(blocks_start(blocks, key), key);
    return blocks_insert(blocks, chunk, key, cell) == BLOCKS_INSERTED ? BEGUN : OTHER;
}

/* The common case: a block begins where one has ended before, or ends. 0: it is something else, and
 * nothing has changed. Otherwise the cell of the block, as it is or was. */
static inline uint64_t flip(uint64_t *at, uint64_t begins, uint64_t cell) {
    if (__builtin_expect(!at, 0))
        return 0;
    uint64_t mask = 0 - begins, before = *at, block = before | (cell & mask);
    uint64_t taken = before & mask, large = (uint32_t)block / GRAPH_LARGE_BLOCK;
    if (__builtin_expect((taken | large) != 0, 0))
        return 0;
    *at = block & mask;
    return block;
}

/* Of the chunks whose cells a batch has moved: what their keys begin with, a bit each. */
static inline uint64_t moved_bit(uint64_t key) {
    return 1ull << (key >> 58);
}

/* With --keep-events or --lifetimes the table holds a stub in the place of a block's site. The cell
 * of a block that is to begin, with a stub; 0 when memory ran out. */
static inline uint64_t with_stub(struct stubs *stubs, uint64_t cell) {
    uint32_t stub = stubs_take(stubs, (uint32_t)(cell >> 32) - 1);
    return stub == STUBS_NONE ? 0 : block_cell(stub, (uint32_t)cell);
}

/* The site of the stub's block, which begins or ends as the process has made `made` in all. */
static inline uint32_t record(struct trace *trace, const struct reader *reader,
                              const struct change *change, uint32_t number, uint32_t size,
                              uint64_t made) {
    struct image *image = reader->image;
    struct stub *stub = &trace->stubs.list[number];
    uint32_t site = stub->site;
    bool begins = change->key & CHANGE_BEGINS;
    if (trace->lives && begins)
        lives_begin(trace, stub, made);
    else if (trace->lives)
        lives_end(trace, image, stub, size,
                  apply_death(reader, change->key & CHANGE_TOLD ? change->cell : 0, size), made);
    if (trace->events && begins)
        events_alloc(trace->events, image->number, number, size);
    else if (trace->events)
        events_free(trace->events, number);
    if (!begins)
        stubs_give(&trace->stubs, number);
    return site;
}

/* Makes the changes, and sums them up. The number of those that were made. Inline, so that there is
 * one for when there are no stubs, nor stretches. */
static inline __attribute__((always_inline)) uint32_t
change_blocks(struct trace *trace, const struct reader *reader, const struct batch *batch,
              struct sums *total, struct stubs *stubs, struct stretches *stretches) {
    struct image *image = reader->image;
    struct sums sums = *total;
    uint64_t made = image->allocations;
    const struct change *change = batch->changes, *end = change + batch->count;
    uint64_t moved = 0;
    for (; change < end; change++) {
        uint64_t begins = change->key & CHANGE_BEGINS, cell = change->cell;
        uint64_t key = change->key & ~(CHANGE_BEGINS | CHANGE_TOLD);
        if (stubs && begins && (cell = with_stub(stubs, cell)) == 0)
            break;
        uint64_t *at = change->at;
        if (__builtin_expect(moved != 0, 0) && moved & moved_bit(key))
            at = blocks_find(&image->blocks, key);
        uint64_t block = flip(at, begins, cell);
        if (__builtin_expect(block == 0, 0)) {
            enum outcome outcome = change_rarely(&image->blocks, key, at, begins, cell);
            if (outcome == OTHER && stubs && begins)
                stubs_give(stubs, (uint32_t)(cell >> 32) - 1);
            if (outcome == OTHER)
                break;
            sums.unknown += outcome == NOTHING;
            if (outcome == NOTHING)
                continue;
            block = cell;
            moved |= moved_bit(key);
        }
        uint64_t site = (block >> 32) - 1;
        made += begins;
        if (stubs)
            site = record(trace, reader, change, (uint32_t)site, (uint32_t)block, made);
        account(trace, image, &sums, stretches, site, (uint32_t)block, begins);
    }
    *total = sums;
    return (uint32_t)(change - batch->changes);
}

/* Leaves out what was not done. */
static void cut(struct batch *batch, uint32_t done) {
    for (; batch->count > done; batch->count--) {
        const struct change *change = &batch->changes[batch->count - 1];
        batch->begun -= change->key & CHANGE_BEGINS;
        batch->told -= (change->key & CHANGE_TOLD) != 0;
        batch->allocated -= (uint32_t)change->cell & (0 - (change->key & 1));
    }
}

/* Of a record, beside its first word and its ticket. */
static uint64_t words_beside(const struct change *change) {
    return (change->key & CHANGE_BEGINS) | (change->key & CHANGE_TOLD) / CHANGE_TOLD;
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

/* The records that were applied are left in *batch. */
static inline __attribute__((always_inline)) void apply(struct trace *trace, struct reader *reader,
                                                        struct batch *batch,
                                                        const struct turns *turns,
                                                        struct runs *runs) {
    struct image *image = reader->image;
    batch->count = 0;
    batch->begun = batch->allocated = batch->told = 0;
    if (image->totals.live > LIVE_MAX / 2 || !blocks_reserve(&image->blocks, BATCH))
        return;
    struct sums sums = {
        .live = image->totals.live, .highest = image->totals.live, .seq = trace->seq};
    find_peaks(trace, image, &sums);
    if (turns) {
        decode_turns(batch, turns, runs, trace->lives);
    } else {
        struct cursor cursor = cursor_at(reader, reader->limit, 0);
        decode(&cursor, batch, NULL, !trace->keeps_stubs, trace->lives);
    }
    locate_all(&image->blocks, batch);
    struct stubs *stubs = trace->keeps_stubs ? &trace->stubs : NULL;
    uint32_t done = stubs || image->stretches
                        ? change_blocks(trace, reader, batch, &sums, stubs, image->stretches)
                        : change_blocks(trace, reader, batch, &sums, NULL, NULL);
    cut(batch, done);
    take_over(trace, reader, batch, &sums);
}

uint64_t batch_apply(struct trace *trace, struct reader *reader) {
    struct batch batch;
    apply(trace, reader, &batch, NULL, NULL);
    return (batch.count + batch.begun + batch.told) * 8;
}

void batch_apply_turns(struct trace *trace, struct turns *turns) {
    struct batch batch;
    struct runs runs = {.count = 0};
    apply(trace, turns->lanes[0].reader, &batch, turns, &runs);
    trace->next = turns->first + batch.count;
    uint32_t at = 0;
    for (uint32_t i = 0; i < turns->lane_count; i++)
        turns->lanes[i].bytes = 0;
    for (uint32_t i = 0; i < runs.count && at < batch.count; i++) {
        struct lane *lane = &turns->lanes[runs.list[i].lane];
        for (; at < runs.list[i].end && at < batch.count; at++)
            lane->bytes += 16 + 8 * words_beside(&batch.changes[at]);
        lane->reader->ticket = turns->first + at;
    }
}
