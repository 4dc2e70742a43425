/* See rig.h. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

void rig_open(struct rig *rig, uint32_t rings) {
    memset(rig, 0, sizeof *rig);
    rig->page.ticket = 1;
    rig->page.holders = 1;
    if (!trace_init(&rig->trace, &rig->page))
        abort();
    rig->image = rig_image(rig, 1000, rings);
}

void rig_close(struct rig *rig) {
    trace_release(&rig->trace);
}

struct image *rig_image(struct rig *rig, uint32_t pid, uint32_t rings) {
    struct image *image = image_new(&rig->trace, pid);
    for (uint32_t left = rings; left;) {
        uint32_t count = left < REGION_MAX_RINGS ? left : REGION_MAX_RINGS;
        bool has_gil_ring = left == rings;
        struct region *region = mmap(NULL, region_size(has_gil_ring, count), PROT_READ | PROT_WRITE,
                                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (!image || region == MAP_FAILED || !image_add_region(image, region, count, has_gil_ring))
            abort();
        for (uint32_t i = 0; i < count; i++) {
            char *body = (char *)region + region_body_offset(has_gil_ring, i);
            rig->rings[rig->ring_count++] =
                (struct rig_ring){.ring = &region->rings[i],
                                  .body = (uint64_t *)(void *)body,
                                  .size = region_ring_size(has_gil_ring, i)};
            atomic_store(&region->rings[i].owner, 1);
        }
        left -= count;
    }
    return image;
}

uint64_t rig_ticket(struct rig *rig) {
    return atomic_fetch_add(&rig->page.ticket, 1);
}

static void commit(struct rig_ring *ring, uint64_t bytes) {
    ring->tail += bytes;
    atomic_store_explicit(&ring->ring->tail, ring->tail, memory_order_release);
}

static void make_room(struct rig *rig, struct rig_ring *ring, uint64_t bytes) {
    while (ring->tail + bytes > atomic_load(&ring->ring->head) + ring->size)
        drain_pass(&rig->trace);
}

void rig_put(struct rig *rig, uint32_t number, uint64_t word, const uint64_t *words,
             uint32_t count) {
    struct rig_ring *ring = &rig->rings[number];
    uint64_t bytes = (1 + count) * 8ull, rest = ring->size - (ring->tail & (ring->size - 1));
    if (bytes > rest) {
        make_room(rig, ring, rest);
        ring->body[(ring->tail & (ring->size - 1)) / 8] = event_word(EVENT_PAD, 0, 0, rest);
        commit(ring, rest);
    }
    make_room(rig, ring, bytes);
    uint64_t *at = ring->body + (ring->tail & (ring->size - 1)) / 8;
    at[0] = word;
    for (uint32_t i = 0; i < count; i++)
        at[1 + i] = words[i];
    commit(ring, bytes);
}

/* A record with or without a ticket. */
static void put(struct rig *rig, uint32_t ring, uint64_t ticket, uint64_t word,
                const uint64_t *words, uint32_t count) {
    uint64_t all[8] = {ticket};
    if (ticket == 0) {
        rig_put(rig, ring, word, words, count);
        return;
    }
    for (uint32_t i = 0; i < count; i++)
        all[1 + i] = words[i];
    rig_put(rig, ring, word | EVENT_TICKET_BIT, all, count + 1);
}

void rig_note(struct rig *rig, uint32_t ring, uint64_t ticket) {
    rig_put(rig, ring, event_word(EVENT_NOTE, 0, 0, ticket), NULL, 0);
}

void rig_node(struct rig *rig, uint32_t ring, uint32_t number, uint32_t parent, int64_t position) {
    uint64_t words[] = {(uint64_t)parent << 32, (uint64_t)position};
    rig_put(rig, ring, event_word(EVENT_NODE, 0, NODE_FRAME, number), words, 2);
}

static uint32_t size_words(uint64_t *words, uint64_t *word, uint32_t node, uint64_t size) {
    words[0] = event_size_node(node, size);
    words[1] = size;
    if (size < EVENT_SIZE_WIDE)
        return 1;
    *word |= (uint64_t)EVENT_WIDE << 48;
    return 2;
}

void rig_alloc(struct rig *rig, uint32_t ring, uint64_t ticket, uint64_t address, uint64_t size,
               uint32_t node) {
    uint64_t words[2], word = event_word(EVENT_ALLOC, BLOCK_HEAP, 0, address);
    uint32_t count = size_words(words, &word, node, size);
    put(rig, ring, ticket, word, words, count);
}

void rig_free(struct rig *rig, uint32_t ring, uint64_t ticket, uint64_t address) {
    put(rig, ring, ticket, event_word(EVENT_FREE, 0, 0, address), NULL, 0);
}

void rig_realloc(struct rig *rig, uint32_t ring, uint64_t from, unsigned aux, uint64_t to,
                 uint64_t size, uint32_t node) {
    uint64_t words[2], word = event_word(EVENT_REALLOC_END, BLOCK_HEAP, aux, to);
    rig_put(rig, ring, event_word(EVENT_REALLOC_BEGIN, 0, 0, from), NULL, 0);
    uint32_t count = size_words(words, &word, node, size);
    rig_put(rig, ring, word, words, count);
}

void rig_map(struct rig *rig, uint32_t ring, unsigned class, uint64_t start, uint64_t length,
             uint32_t node) {
    uint64_t words[] = {length, node};
    rig_put(rig, ring, event_word(EVENT_MAP, BLOCK_MAPPED, class, start), words, 2);
}

void rig_unmap(struct rig *rig, uint32_t ring, unsigned aux, uint64_t start, uint64_t length) {
    rig_put(rig, ring, event_word(EVENT_UNMAP, BLOCK_MAPPED, aux, start), &length, 1);
}

void rig_remap(struct rig *rig, uint32_t ring, uint64_t start, uint64_t length, uint32_t node) {
    uint64_t words[] = {length, node};
    rig_put(rig, ring, event_word(EVENT_REMAP, BLOCK_MAPPED, 0, start), words, 2);
}

void rig_protect(struct rig *rig, uint32_t ring, unsigned what, uint64_t start, uint64_t length,
                 uint32_t node) {
    uint64_t words[] = {length, node};
    rig_put(rig, ring, event_word(EVENT_PROTECT, BLOCK_MAPPED, what, start), words, 2);
}

void rig_snapshot(struct rig *rig, uint32_t ring, uint32_t number, unsigned reason, uint64_t bytes,
                  uint32_t node) {
    uint64_t words[] = {bytes, node};
    put(rig, ring, rig_ticket(rig), event_word(EVENT_SNAPSHOT, 0, reason, number), words, 2);
}

void rig_mark(struct rig *rig, uint32_t ring, unsigned mark, uint64_t value) {
    uint64_t ticket = rig_ticket(rig);
    rig_put(rig, ring, event_word(EVENT_MARK, 0, mark, value) | EVENT_TICKET_BIT, &ticket, 1);
}

static bool complain(const char *what, uint64_t sum, uint64_t total) {
    fprintf(stderr, "%s: the sites' sum is %lu, the total %lu\n", what, (unsigned long)sum,
            (unsigned long)total);
    return false;
}

/* Lists are in order and disjoint, moments rise, and nobody died before the snapshot. */
static bool snapshots_are_sound(const struct image *image) {
    for (uint32_t i = 0; i < image->snapshots.count; i++) {
        const struct snapshot *snapshot = image->snapshots.list[i];
        uint64_t end = 0;
        for (uint32_t k = 0; k < snapshot->block_count; k++) {
            const struct snapshot_block *block = &snapshot->blocks[k];
            if (block->address < end || block->birth > snapshot->moment ||
                (block->death && block->death <= snapshot->moment))
                return complain("a snapshot's block", block->address, end);
            end = block->address + block->size;
        }
    }
    for (uint32_t i = 1; i < image->moments.count; i++)
        if (image->moments.list[i].number <= image->moments.list[i - 1].number)
            return complain("moments", i, image->moments.count);
    return true;
}

/* The sites of each region that has ended sum to what it had. */
static bool stretches_are_sound(const struct stretches *stretches) {
    for (uint32_t r = 0; stretches && r < stretches->row_count; r++) {
        const struct stretch_row *row = &stretches->rows[r];
        uint64_t peak = 0, kept = 0;
        for (uint32_t i = 0; i < row->site_count; i++) {
            peak += row->sites[i].peak.bytes;
            kept += row->sites[i].kept.bytes;
        }
        if (peak != row->highest.peak)
            return complain("a region's peak", peak, row->highest.peak);
        if (kept != row->highest.live || kept > peak)
            return complain("what a region kept", kept, row->highest.live);
    }
    return true;
}

static bool image_is_sound(const struct trace *trace, const struct image *image, uint64_t *tree) {
    uint64_t live = 0, peak = 0;
    for (uint32_t i = 0; i < image->sites.count; i++) {
        live += site_live(&image->sites, i).bytes;
        peak += site_at_peak(&image->sites, i, image->totals.peak_seq).bytes;
        if (image->state == IMAGE_LIVE || image->left_seq > trace->totals.peak_seq)
            *tree +=
                site_at_tree_peak(&image->sites, i, image->totals.peak_seq, trace->totals.peak_seq)
                    .bytes;
    }
    if (live != image->totals.live)
        return complain("live", live, image->totals.live);
    if (peak != image->totals.peak)
        return complain("peak", peak, image->totals.peak);
    return snapshots_are_sound(image) && stretches_are_sound(image->stretches) &&
           (image->state == IMAGE_ENDED ||
            (blocks_is_valid(&image->blocks) && mappings_is_valid(&image->mappings)));
}

bool rig_is_sound(const struct trace *trace) {
    uint64_t tree = 0, live = 0;
    for (uint32_t i = 0; i < trace->image_count; i++) {
        if (!image_is_sound(trace, trace->images[i], &tree))
            return false;
        if (trace->images[i]->state == IMAGE_LIVE)
            live += trace->images[i]->totals.live;
    }
    if (live != trace->totals.live)
        return complain("tree live", live, trace->totals.live);
    return tree == trace->totals.peak || complain("tree peak", tree, trace->totals.peak);
}

void rig_drain(struct rig *rig) {
    for (int i = 0; i < 1000 && (drain_pass(&rig->trace) || !drain_is_done(&rig->trace)); i++)
        ;
    if (!rig_is_sound(&rig->trace))
        abort();
}

uint64_t rig_peak_bytes(const struct image *image, uint32_t node, uint32_t kind) {
    for (uint32_t i = 0; i < image->sites.count; i++) {
        const struct site *site = &image->sites.list[i];
        if (site->node == node && site->kind == kind)
            return site_at_peak(&image->sites, i, image->totals.peak_seq).bytes;
    }
    return 0;
}
