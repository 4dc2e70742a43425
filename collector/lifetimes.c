/* See lifetimes.h. */
#include "lifetimes.h"

#include <stdlib.h>
#include <string.h>

#include "drag.h"
#include "snapshots.h"

static bool follows(const struct trace *trace) {
    return trace->holders || trace->drag;
}

static void mark_snapshots(const struct image *image, struct moments *moments) {
    for (uint32_t i = 0; i < image->snapshots.count; i++) {
        const struct snapshot *snapshot = image->snapshots.list[i];
        moments_mark(moments, snapshot->moment);
        for (uint32_t k = 0; k < snapshot->block_count; k++) {
            moments_mark(moments, snapshot->blocks[k].birth);
            moments_mark(moments, snapshot->blocks[k].death);
        }
    }
}

/* A block that nobody lists, and that is no longer there to be listed, sets no moments apart. */
static void make_room(struct image *image) {
    struct moments *moments = &image->moments;
    for (uint32_t i = 0; i < image->large.capacity; i++)
        if (image->large.places[i].address)
            moments_mark(moments, image->large.places[i].birth);
    mark_snapshots(image, moments);
    moments_merge(moments);
    if (moments->count > MOMENTS_MAX / 2)
        moments_fold(moments, image->totals.peak);
}

void lifetimes_begin_moment(struct image *image) {
    if (moments_full(&image->moments))
        make_room(image);
    moments_next(&image->moments, &image->totals);
}

static void put(struct trace *trace, struct image *image, struct large block) {
    if (!large_put(&image->large, block))
        trace_warn(trace, "process %u has too many large blocks to list them all", image->pid);
}

/* The block is no longer in the table; what follows has the next moment's number. */
static void remove_block(struct image *image, uint64_t address, uint64_t birth) {
    large_remove(&image->large, address);
    snapshots_block_died(image, address, birth, moments_now(&image->moments));
}

uint64_t lifetimes_begin(struct trace *trace, struct image *image, uint64_t address, uint64_t size,
                         uint32_t site) {
    if (!follows(trace))
        return 0;
    lifetimes_begin_moment(image);
    uint64_t other = lifetimes_birth(image, address), birth = moments_now(&image->moments);
    if (other) {
        remove_block(image, address, other);
        drag_end(trace, image, address, other);
    }
    const struct large block = {address, size, birth, site};
    put(trace, image, block);
    drag_begin(trace, image, &block);
    return birth;
}

uint64_t lifetimes_birth(const struct image *image, uint64_t address) {
    const struct large *block = large_find(&image->large, address);
    return block ? block->birth : 0;
}

void lifetimes_end(struct trace *trace, struct image *image, uint64_t address, uint64_t birth) {
    if (!follows(trace) || birth == 0 || lifetimes_birth(image, address) != birth)
        return;
    lifetimes_begin_moment(image);
    remove_block(image, address, birth);
    drag_end(trace, image, address, birth);
}

void lifetimes_split(struct trace *trace, struct image *image, const struct piece *whole,
                     uint64_t at) {
    uint64_t birth = whole->birth;
    if (!follows(trace) || birth == 0 || lifetimes_birth(image, whole->start) != birth)
        return;
    lifetimes_begin_moment(image);
    remove_block(image, whole->start, birth);
    drag_split(trace, image, whole->start, at);
    if (at - whole->start >= GRAPH_LARGE_BLOCK)
        put(trace, image, (struct large){whole->start, at - whole->start, birth, whole->site});
    if (whole->end - at >= GRAPH_LARGE_BLOCK)
        put(trace, image, (struct large){at, whole->end - at, birth, whole->site});
}

bool lifetimes_moments(const struct image *image, struct moments *copy) {
    *copy = image->moments;
    copy->capacity = copy->count + 1;
    copy->list = calloc(copy->capacity, sizeof *copy->list);
    if (!copy->list)
        return false;
    if (copy->count)
        memcpy(copy->list, image->moments.list, copy->count * sizeof *copy->list);
    uint64_t highest = image->totals.moment_highest;
    if (image->totals.highest > highest)
        highest = image->totals.highest;
    copy->list[copy->count++] = (struct moment){.number = moments_now(copy), .bytes = highest};
    mark_snapshots(image, copy);
    moments_merge(copy);
    return true;
}
