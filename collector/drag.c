/* See drag.h. */
#include "drag.h"

#include <stdlib.h>
#include <string.h>

#include "builder.h"
#include "finish.h"
#include "memory.h"
#include "trace.h"

#define PAGE 4096u
#define FIRST_SITES 64u

/* -- Blocks that live -- */

/* The first that ends behind this address. */
static uint32_t first_behind(const struct drag *drag, uint64_t address) {
    uint32_t low = 0, high = drag->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct drag_block *block = &drag->list[middle];
        if (block->address + block->size <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct drag_block *find(const struct drag *drag, uint64_t address) {
    uint32_t at = first_behind(drag, address);
    return at < drag->count && drag->list[at].address == address ? &drag->list[at] : NULL;
}

static void take_out(struct drag *drag, uint32_t at) {
    drag->count--;
    memmove(&drag->list[at], &drag->list[at + 1], (drag->count - at) * sizeof *drag->list);
}

static bool put(struct drag *drag, const struct drag_block *block) {
    if (drag->count >= DRAG_BLOCKS_MAX ||
        !array_reserve(&drag->list, &drag->capacity, drag->count + 1ull, sizeof *drag->list))
        return false;
    uint32_t at = first_behind(drag, block->address);
    memmove(&drag->list[at + 1], &drag->list[at], (drag->count - at) * sizeof *drag->list);
    drag->list[at] = *block;
    drag->count++;
    return true;
}

/* -- Sums -- */

static void add_phase(struct drag_sums *sums, enum profile_phase phase, uint64_t bytes,
                      uint64_t from, uint64_t to) {
    uint64_t ms = to > from ? (to - from) / 1000000 : 0;
    bool fits = bytes / 1000 < DRAG_MOST / (ms + 1);
    uint64_t more = fits ? bytes / 1000 * ms + bytes % 1000 * ms / 1000 : DRAG_MOST;
    sums->byte_seconds[phase] = drag_sum(sums->byte_seconds[phase], more);
}

static uint64_t at_most(uint64_t time, uint64_t most) {
    return time < most ? time : most;
}

void drag_add(struct drag_sums *sums, const struct drag_block *block, uint64_t now) {
    uint64_t born = block->born_ns, bytes = block->size;
    uint64_t end = now > born ? now : born;
    sums->bytes += bytes;
    uint64_t looked = at_most(block->looked_ns, end);
    if (looked == 0) {
        sums->blocks[PHASE_UNSEEN]++;
        add_phase(sums, PHASE_UNSEEN, bytes, born, end);
    } else if (block->touched_ns == 0) {
        sums->blocks[PHASE_VOID]++;
        add_phase(sums, PHASE_VOID, bytes, born, looked);
        add_phase(sums, PHASE_UNSEEN, bytes, looked, end);
    } else {
        bool quiet = block->looked_ns > block->touched_ns;
        uint64_t last = quiet ? at_most(block->last_ns, looked) : end;
        uint64_t first = at_most(block->first_ns, last);
        uint64_t dragged = quiet ? looked - last : 0;
        sums->blocks[PHASE_LAG] += first > born;
        sums->blocks[PHASE_USE]++;
        sums->blocks[PHASE_DRAG] += dragged > 0;
        add_phase(sums, PHASE_LAG, bytes, born, first);
        add_phase(sums, PHASE_USE, bytes, first, last);
        add_phase(sums, PHASE_DRAG, bytes, last, last + dragged);
        add_phase(sums, PHASE_USE, bytes, last + dragged, end);
        if (dragged > sums->longest_ns)
            sums->longest_ns = dragged;
    }
}

static struct drag_sums *place_of(const struct drag *drag, uint32_t site) {
    uint32_t mask = drag->site_capacity - 1, at = (uint32_t)hash_mix(site) & mask;
    while (drag->sites[at].site && drag->sites[at].site != site + 1)
        at = (at + 1) & mask;
    return &drag->sites[at];
}

static bool grow_sites(struct drag *drag) {
    struct drag larger = {.site_capacity =
                              drag->site_capacity ? drag->site_capacity * 2 : FIRST_SITES};
    larger.sites = calloc(larger.site_capacity, sizeof *larger.sites);
    if (!larger.sites)
        return false;
    for (uint32_t i = 0; i < drag->site_capacity; i++)
        if (drag->sites[i].site)
            *place_of(&larger, drag->sites[i].site - 1) = drag->sites[i];
    free(drag->sites);
    drag->sites = larger.sites;
    drag->site_capacity = larger.site_capacity;
    return true;
}

/* NULL: there are too many, or there is no memory. */
static struct drag_sums *sums_of(struct drag *drag, uint32_t site) {
    bool full = drag->site_count * 2 >= drag->site_capacity;
    struct drag_sums *sums = drag->site_capacity ? place_of(drag, site) : NULL;
    if (sums && sums->site)
        return sums;
    if (drag->site_count >= DRAG_SITES_MAX || (full && !grow_sites(drag)))
        return NULL;
    drag->site_count++;
    sums = place_of(drag, site);
    sums->site = site + 1;
    return sums;
}

static void end_block(const struct trace *trace, struct image *image,
                      const struct drag_block *block) {
    struct drag_sums *sums = sums_of(&image->drag, block->site);
    if (!sums)
        sums = &image->drag.others[image->sites.list[block->site].kind % DRAG_KINDS];
    drag_add(sums, block, trace->now_ns);
    stretches_drag_end(image, block, trace->now_ns);
}

/* -- Events -- */

static void leave_out(struct image *image, uint32_t site) {
    image->drag.left_out++;
    stretches_drag_leave_out(image, site);
}

void drag_begin(const struct trace *trace, struct image *image, const struct large *block) {
    if (!trace->drag || block->size < DRAG_LEAST)
        return;
    const struct drag_block begun = {.address = block->address,
                                     .size = block->size,
                                     .birth = block->birth,
                                     .born_ns = trace->now_ns,
                                     .site = block->site};
    /* Ends that nobody told. */
    for (uint32_t at = first_behind(&image->drag, block->address);
         at < image->drag.count && image->drag.list[at].address < block->address + block->size;) {
        end_block(trace, image, &image->drag.list[at]);
        take_out(&image->drag, at);
    }
    if (!stretches_drag_begin(image, block->site) || !put(&image->drag, &begun))
        leave_out(image, block->site);
}

void drag_end(const struct trace *trace, struct image *image, uint64_t address, uint64_t birth) {
    struct drag_block *block = find(&image->drag, address);
    if (!block || block->birth != birth)
        return;
    end_block(trace, image, block);
    take_out(&image->drag, (uint32_t)(block - image->drag.list));
}

void drag_split(const struct trace *trace, struct image *image, uint64_t address, uint64_t at) {
    struct drag *drag = &image->drag;
    struct drag_block *block = find(drag, address);
    if (!block)
        return;
    struct drag_block parts[2] = {*block, *block};
    parts[0].size = at - address;
    parts[1].address = at;
    parts[1].size = block->size - parts[0].size;
    take_out(drag, (uint32_t)(block - drag->list));
    for (unsigned i = 0; i < 2; i++) {
        if (parts[i].size < DRAG_LEAST)
            end_block(trace, image, &parts[i]);
        else if (!put(drag, &parts[i]))
            leave_out(image, parts[i].site);
    }
}

void drag_end_all(const struct trace *trace, struct image *image) {
    for (uint32_t i = 0; i < image->drag.count; i++)
        end_block(trace, image, &image->drag.list[i]);
    image->drag.count = 0;
}

void drag_release(struct drag *drag) {
    free(drag->list);
    free(drag->sites);
    *drag = (struct drag){0};
}

/* -- Looks -- */

/* What a mapping tells of a block that has pages in it. When the library has set the block apart,
 * the mapping lies within it, and all that was touched is the block's. Of one that reaches further
 * only the extremes tell. */
static unsigned tell(const struct drag_mapping *mapping, const struct drag_block *block) {
    uint64_t low = block->address & ~(uint64_t)(PAGE - 1);
    uint64_t high = (block->address + block->size + PAGE - 1) & ~(uint64_t)(PAGE - 1);
    if (mapping->referenced == 0)
        return DRAG_QUIET;
    bool within = mapping->start >= low && mapping->end <= high;
    return within || mapping->referenced >= mapping->end - mapping->start ? DRAG_TOUCHED
                                                                          : DRAG_UNCLEAR;
}

void drag_see(struct drag *drag, const struct drag_mapping *mapping) {
    for (uint32_t at = first_behind(drag, mapping->start); at < drag->count; at++) {
        struct drag_block *block = &drag->list[at];
        /* Pages that are the block's alone, and not the first: the allocator's header may be there.
         */
        uint64_t inner = (block->address + PAGE) & ~(uint64_t)(PAGE - 1);
        uint64_t outer = (block->address + block->size) & ~(uint64_t)(PAGE - 1);
        if (block->address >= mapping->end)
            break;
        if (mapping->end > inner && mapping->start < outer)
            block->seen |= (uint8_t)tell(mapping, block);
    }
}

static void touch(struct drag_block *block, uint64_t from, uint64_t to) {
    uint64_t since = from > block->born_ns ? from : block->born_ns;
    uint64_t middle = since < to ? since + (to - since) / 2 : since;
    if (block->touched_ns == 0)
        block->first_ns = block->looked_ns ? middle : block->born_ns;
    block->last_ns = middle;
    block->touched_ns = to;
    block->quiet = 0;
}

/* One that was born before the last look, which did not know of it yet, may have been touched then.
 */
static bool was_missed(const struct drag_block *block, uint64_t from) {
    return block->looked_ns == 0 && block->touched_ns == 0 && block->born_ns < from;
}

/* What cannot be told is taken for a touch; but a block of which nothing else has been told yet is
 * one that nobody has looked at. */
void drag_looked(struct drag *drag, uint64_t from, uint64_t to) {
    for (uint32_t i = 0; i < drag->count; i++) {
        struct drag_block *block = &drag->list[i];
        unsigned seen = block->seen;
        block->seen = 0;
        if (seen == 0)
            continue;
        if (seen != DRAG_QUIET)
            touch(block, from, to);
        else if (was_missed(block, from))
            touch(block, from, from);
        block->quiet += seen == DRAG_QUIET;
        if (seen & DRAG_TOUCHED || !(seen & DRAG_UNCLEAR) || block->looked_ns)
            block->looked_ns = to;
    }
}

uint64_t drag_idle(const struct drag *drag, uint64_t address, uint64_t now) {
    const struct drag_block *block = find(drag, address);
    if (!block || block->quiet < DRAG_IDLE_LOOKS)
        return 0;
    uint64_t since = block->touched_ns ? block->touched_ns : block->born_ns;
    uint64_t looked = at_most(block->looked_ns, now), idle = looked > since ? looked - since : 0;
    return now - looked <= idle / block->quiet * 2 ? idle : 0;
}

/* -- The profile -- */

static void add_row(struct builder *builder, uint32_t *capacity, uint32_t process, uint32_t node,
                    uint32_t kind, const struct drag_sums *sums) {
    struct profile *profile = builder->profile;
    if (sums->bytes == 0)
        return;
    if (!array_reserve(&profile->drags, capacity, profile->drag_count + 1ull,
                       sizeof *profile->drags)) {
        builder->failed = true;
        return;
    }
    struct profile_drag *row = &profile->drags[profile->drag_count++];
    *row = (struct profile_drag){.process = process,
                                 .node = node,
                                 .kind = kind,
                                 .bytes = sums->bytes,
                                 .longest_ns = sums->longest_ns};
    memcpy(row->blocks, sums->blocks, sizeof row->blocks);
    memcpy(row->byte_seconds, sums->byte_seconds, sizeof row->byte_seconds);
}

/* A run that goes on has blocks that have not ended: for them, this is the end. */
static struct drag_sums *sum_up(const struct trace *trace, const struct image *image,
                                uint32_t *count) {
    const struct drag *drag = &image->drag;
    struct drag_sums *list = calloc((size_t)drag->site_count + drag->count + 1, sizeof *list);
    *count = 0;
    for (uint32_t i = 0; list && i < drag->site_capacity; i++)
        if (drag->sites[i].site)
            list[(*count)++] = drag->sites[i];
    for (uint32_t i = 0; list && i < drag->count; i++) {
        list[*count].site = drag->list[i].site + 1;
        drag_add(&list[(*count)++], &drag->list[i], trace->now_ns);
    }
    return list;
}

static void add_image(struct builder *builder, uint32_t *capacity, const struct trace *trace,
                      const struct image *image) {
    uint32_t count, process = image->number - 1;
    struct drag_sums *list = sum_up(trace, image, &count);
    builder->failed |= !list;
    for (uint32_t i = 0; list && i < count && !builder->failed; i++) {
        uint32_t number = list[i].site - 1;
        add_row(builder, capacity, process, finish_node(builder, image, number),
                image->sites.list[number].kind, &list[i]);
    }
    for (uint32_t kind = 0; kind < DRAG_KINDS && !builder->failed; kind++)
        add_row(builder, capacity, process, 0, kind, &image->drag.others[kind]);
    free(list);
}

void finish_drag(struct builder *builder, const struct trace *trace) {
    uint32_t capacity = 0;
    for (uint32_t i = 0; trace->drag && i < trace->image_count && !builder->failed; i++)
        add_image(builder, &capacity, trace, trace->images[i]);
}
