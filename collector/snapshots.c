/* See snapshots.h. */
#include "snapshots.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../wire/graph.h"
#include "../wire/profile_format.h"
#include "lifetimes.h"
#include "memory.h"
#include "trace.h"

#define PENDING_MAX 8u
#define STREAMS_MAX 256u
#define PAUSES_MAX_NS (1ull << 48)

static int compare_blocks(const void *left, const void *right) {
    const struct snapshot_block *a = left, *b = right;
    return (a->address > b->address) - (a->address < b->address);
}

/* Of two blocks at one place, the older one's end went by unseen. */
static uint32_t drop_overlaps(struct snapshot_block *blocks, uint32_t count) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct snapshot_block *before = kept ? &blocks[kept - 1] : NULL;
        if (!before || blocks[i].address - before->address >= before->size)
            blocks[kept++] = blocks[i];
        else if (blocks[i].birth >= before->birth)
            *before = blocks[i];
    }
    return kept;
}

static bool list_blocks(const struct image *image, struct snapshot *snapshot) {
    uint64_t now = snapshot->time_ns;
    const struct large_table *table = &image->large;
    snapshot->blocks = malloc((table->count + 1u) * sizeof *snapshot->blocks);
    if (!snapshot->blocks)
        return false;
    uint32_t count = 0;
    for (uint32_t i = 0; i < table->capacity; i++) {
        const struct large *block = &table->places[i];
        if (!block->address)
            continue;
        snapshot->blocks[count++] =
            (struct snapshot_block){.address = block->address,
                                    .size = block->size,
                                    .birth = block->birth,
                                    .idle_ns = drag_idle(&image->drag, block->address, now),
                                    .site = block->site};
    }
    qsort(snapshot->blocks, count, sizeof *snapshot->blocks, compare_blocks);
    snapshot->block_count = drop_overlaps(snapshot->blocks, count);
    return true;
}

static void close_stream(struct snapshot *snapshot) {
    if (snapshot->stream >= 0)
        close(snapshot->stream);
    snapshot->stream = -1;
    snapshot->stream_size = 0;
}

static void drop(struct snapshots *snapshots, uint32_t index) {
    close_stream(snapshots->list[index]);
    free(snapshots->list[index]->blocks);
    free(snapshots->list[index]);
    snapshots->count--;
    memmove(&snapshots->list[index], &snapshots->list[index + 1],
            (snapshots->count - index) * sizeof *snapshots->list);
}

bool snapshot_is_complete(const struct snapshot *snapshot) {
    return snapshot->state == SNAPSHOT_ARRIVED && snapshot->flags & SNAPSHOT_COMPLETE;
}

static bool is_shallow(const struct snapshot *snapshot) {
    return snapshot->flags & SNAPSHOT_IS_SHALLOW;
}

static bool explains_peak(const struct image *image, const struct snapshot *snapshot) {
    return snapshot->seq <= image->totals.peak_seq;
}

/* Of two, the one that tells of more: a whole heap rather than locals, unless it was far smaller
 * then; locals rather than a heap without its end. */
static bool tells_more(const struct image *image, const struct snapshot *one,
                       const struct snapshot *other) {
    if (!snapshot_is_complete(one) || !snapshot_is_complete(other))
        return snapshot_is_complete(one) && !snapshot_is_complete(other);
    bool deeper = !is_shallow(one) && is_shallow(other);
    return deeper && explains_peak(image, one) == explains_peak(image, other) &&
           one->bytes >= other->bytes / 4 * 3;
}

/* Only a whole heap tells what modules and other objects hold, most of which goes on growing: it is
 * kept beside locals that were seen nearer to the peak. */
static bool goes_beside(const struct snapshot *whole, const struct snapshot *locals) {
    return snapshot_is_complete(whole) && !is_shallow(whole) && is_shallow(locals) &&
           whole->bytes >= locals->bytes / SNAPSHOT_BESIDE_PART;
}

static uint64_t all_bytes(const struct snapshot *snapshot) {
    return snapshot->bytes + snapshot->pending_bytes;
}

/* One taken for a region of the program's, which is far below the process's last one. */
static bool is_low(const struct snapshot *later, const struct snapshot *snapshot) {
    return all_bytes(later) < all_bytes(snapshot) / 10 * 9;
}

/* A later snapshot of the same reason that makes this one needless. */
static bool replaces(const struct image *image, const struct snapshot *later,
                     const struct snapshot *snapshot) {
    if (later->reason != snapshot->reason || later->state != SNAPSHOT_ARRIVED)
        return false;
    if (tells_more(image, snapshot, later) || tells_more(image, later, snapshot))
        return tells_more(image, later, snapshot);
    return snapshot->reason == SNAPSHOT_PEAK && !is_low(later, snapshot) &&
           !goes_beside(snapshot, later) &&
           explains_peak(image, later) == explains_peak(image, snapshot);
}

/* An earlier one that makes this one needless. */
static bool outdoes(const struct image *image, const struct snapshot *earlier,
                    const struct snapshot *snapshot) {
    if (earlier->reason != snapshot->reason || !snapshot_is_complete(earlier))
        return false;
    return snapshot->reason == SNAPSHOT_CEILING || tells_more(image, earlier, snapshot) ||
           (is_low(snapshot, earlier) && !goes_beside(snapshot, earlier) &&
            explains_peak(image, earlier) == explains_peak(image, snapshot) &&
            !tells_more(image, snapshot, earlier));
}

static bool is_needed(const struct image *image, uint32_t index) {
    const struct snapshots *snapshots = &image->snapshots;
    const struct snapshot *snapshot = snapshots->list[index];
    if (snapshot->state != SNAPSHOT_ARRIVED || snapshot->reason == SNAPSHOT_REQUEST ||
        stretches_need_snapshot(image, snapshot->number))
        return true;
    for (uint32_t i = 0; i < snapshots->count; i++) {
        const struct snapshot *other = snapshots->list[i];
        if (i > index ? replaces(image, other, snapshot)
                      : i < index && outdoes(image, other, snapshot))
            return false;
    }
    return true;
}

static void prune(struct image *image) {
    for (uint32_t i = image->snapshots.count; i-- > 0;)
        if (!is_needed(image, i))
            drop(&image->snapshots, i);
}

static bool is_pending(const struct trace *trace, const struct snapshot *snapshot) {
    uint64_t since = trace_clock(trace) - snapshot->since_ns;
    return (snapshot->state == SNAPSHOT_AWAITED && since < SNAPSHOT_AWAITED_NS) ||
           (snapshot->state == SNAPSHOT_WALKING && since < SNAPSHOT_WALKING_NS);
}

void snapshots_settle(const struct trace *trace, struct image *image) {
    for (uint32_t i = 0; i < image->snapshots.count; i++) {
        struct snapshot *snapshot = image->snapshots.list[i];
        if (snapshot->state == SNAPSHOT_AWAITED && !is_pending(trace, snapshot))
            snapshot->state = SNAPSHOT_ARRIVED;
    }
    prune(image);
}

/* One copy at a time: the program ends the one before it, if that is still at work. */
static void give_up_awaited(struct image *image) {
    for (uint32_t i = 0; i < image->snapshots.count; i++) {
        struct snapshot *snapshot = image->snapshots.list[i];
        if (snapshot->state == SNAPSHOT_AWAITED && snapshot->reason == SNAPSHOT_PEAK)
            snapshot->state = SNAPSHOT_ARRIVED;
    }
}

static uint64_t pause_of(const struct snapshots *snapshots, uint32_t number) {
    bool known = number <= snapshots->paused && snapshots->paused - number < SNAPSHOTS_PAUSES;
    return known ? snapshots->pauses[number % SNAPSHOTS_PAUSES] : 0;
}

static bool has_room(const struct image *image, uint32_t reason) {
    uint32_t pending = 0, requested = 0;
    for (uint32_t i = 0; i < image->snapshots.count; i++) {
        pending += image->snapshots.list[i]->state != SNAPSHOT_ARRIVED;
        requested += image->snapshots.list[i]->reason == SNAPSHOT_REQUEST;
    }
    return image->snapshots.count < SNAPSHOTS_MAX && pending < PENDING_MAX &&
           (reason != SNAPSHOT_REQUEST || requested < SNAPSHOTS_REQUESTED_MAX);
}

/* The program took it on what it knew; see struct region. */
static void tell_live(const struct image *image, uint64_t number) {
    if (image->region_count == 0)
        return;
    struct region *region = image->regions[0].region;
    atomic_store_explicit(&region->snapshot_live, image->totals.live, memory_order_relaxed);
    atomic_store_explicit(&region->snapshot_told, number, memory_order_release);
}

/* One at the interpreter's end goes by that name; any other is called as whoever asked for it did.
 */
static void take_name(struct snapshots *snapshots, struct snapshot *snapshot, bool at_end) {
    if (at_end) {
        memcpy(snapshot->name, "end", sizeof "end");
        return;
    }
    memcpy(snapshot->name, snapshots->wanted_name, sizeof snapshot->name);
    snapshots->wanted_name[0] = '\0';
}

bool snapshots_take(struct trace *trace, struct image *image, uint64_t number, uint32_t reason,
                    uint64_t pending_bytes, uint32_t node) {
    struct snapshots *snapshots = &image->snapshots;
    if (number <= snapshots->last || number > UINT32_MAX || reason < SNAPSHOT_PEAK ||
        reason > SNAPSHOT_AT_END || pending_bytes > BLOCK_SIZE_MAX)
        return false;
    snapshots->last = (uint32_t)number;
    tell_live(image, number);
    bool at_end = reason == SNAPSHOT_AT_END;
    if (reason == SNAPSHOT_REQUEST)
        snapshots->last_request = (uint32_t)number;
    reason = at_end ? SNAPSHOT_REQUEST : reason;
    give_up_awaited(image);
    snapshots_settle(trace, image);
    if (!trace->holders || !has_room(image, reason))
        return true;
    struct snapshot *snapshot = malloc(sizeof *snapshot);
    if (!snapshot)
        return true;
    lifetimes_begin_moment(image);
    *snapshot = (struct snapshot){.number = (uint32_t)number,
                                  .reason = reason,
                                  .flags = at_end ? SNAPSHOT_IS_LAST : 0,
                                  .since_ns = trace_clock(trace),
                                  .seq = trace->seq,
                                  .time_ns = trace->now_ns,
                                  .bytes = image->totals.live,
                                  .pending_bytes = pending_bytes,
                                  .pending_node = node,
                                  .moment = moments_now(&image->moments),
                                  .pause_ns = pause_of(snapshots, (uint32_t)number),
                                  .stream = -1};
    if (!list_blocks(image, snapshot)) {
        free(snapshot);
        return true;
    }
    if (reason == SNAPSHOT_REQUEST)
        take_name(snapshots, snapshot, at_end);
    snapshots->list[snapshots->count++] = snapshot;
    stretches_note_snapshot(image, snapshot->number, pending_bytes, node);
    return true;
}

struct snapshot *snapshots_find(const struct image *image, uint32_t number) {
    for (uint32_t i = 0; i < image->snapshots.count; i++)
        if (image->snapshots.list[i]->number == number)
            return image->snapshots.list[i];
    return NULL;
}

bool snapshots_may_walk(const struct snapshot *snapshot) {
    return snapshot->state == SNAPSHOT_AWAITED ||
           (snapshot->state == SNAPSHOT_ARRIVED && snapshot->stream >= 0 &&
            !snapshot_is_complete(snapshot));
}

/* What a copy told that died is given up: its frames would have come last. */
void snapshots_walk(struct trace *trace, struct snapshot *snapshot, int stream) {
    close_stream(snapshot);
    snapshot->stream = stream;
    snapshot->state = SNAPSHOT_WALKING;
    snapshot->since_ns = trace_clock(trace);
}

/* The start of the number whose last byte is at `end` - 1: the byte before it ends another one, or
 * is a record's kind. */
static const uint8_t *number_before(const uint8_t *start, const uint8_t *end) {
    const uint8_t *at = end;
    while (at > start && end - at < 10 && (at == end || at[-1] & 0x80))
        at--;
    return at;
}

static uint64_t number_at(const uint8_t *at, const uint8_t *end) {
    uint64_t value = 0;
    for (unsigned shift = 0; at < end && shift < 63; at++, shift += 7)
        value |= (uint64_t)(*at & 0x7f) << shift;
    return value;
}

/* STATS comes right before END, so its numbers can be read from behind. */
static void read_end(struct snapshot *snapshot, const uint8_t *bytes, size_t size) {
    const uint8_t *ends[5] = {bytes + size - 1};
    if (size == 0 || bytes[size - 1] != GRAPH_END)
        return;
    snapshot->flags |= SNAPSHOT_COMPLETE;
    for (int i = 0; i < 4; i++)
        ends[i + 1] = number_before(bytes, ends[i]);
    if (ends[4] == bytes || ends[4][-1] != GRAPH_STATS)
        return;
    snapshot->copy_bytes = number_at(ends[1], ends[0]);
    snapshot->walk_ns = number_at(ends[2], ends[1]);
}

/* BEGIN: its flags are the third number, and small like the others. */
static void read_begin(struct snapshot *snapshot, const uint8_t *bytes, size_t size) {
    if (size >= 4 && bytes[0] == GRAPH_BEGIN && bytes[3] & GRAPH_SHALLOW)
        snapshot->flags |= SNAPSHOT_IS_SHALLOW;
}

/* The stream is as long as its writer has come: the file itself has its full size from the start.
 */
static void take_stream(struct snapshot *snapshot) {
    uint8_t bytes[64];
    off_t end = lseek(snapshot->stream, 0, SEEK_CUR);
    uint64_t size = end > 0 && (uint64_t)end <= GRAPH_STREAM_MAX ? (uint64_t)end : 0;
    size_t part = size < sizeof bytes ? (size_t)size : sizeof bytes;
    if (size == 0 || pread(snapshot->stream, bytes, part, 0) != (ssize_t)part) {
        close_stream(snapshot);
        return;
    }
    snapshot->stream_size = size;
    read_begin(snapshot, bytes, part);
    if (pread(snapshot->stream, bytes, part, (off_t)(size - part)) == (ssize_t)part)
        read_end(snapshot, bytes, part);
}

/* The image's snapshot whose stream is given up first; NULL when none has one. */
static struct snapshot *least_of(const struct image *image) {
    const struct snapshot *best = snapshots_best(image);
    struct snapshot *least = NULL;
    for (uint32_t i = 0; i < image->snapshots.count; i++) {
        struct snapshot *snapshot = image->snapshots.list[i];
        if (snapshot->stream_size && (!least || snapshot != best))
            least = snapshot;
    }
    return least;
}

static struct snapshot *least_of_all(const struct trace *trace) {
    struct snapshot *least = NULL;
    uint64_t peak = UINT64_MAX;
    for (uint32_t i = 0; i < trace->image_count; i++) {
        const struct image *image = trace->images[i];
        struct snapshot *candidate = image->totals.peak <= peak ? least_of(image) : NULL;
        if (!candidate)
            continue;
        least = candidate;
        peak = image->totals.peak;
    }
    return least;
}

static bool streams_fit(const struct trace *trace) {
    uint64_t size = 0, count = 0;
    for (uint32_t i = 0; i < trace->image_count; i++)
        for (uint32_t k = 0; k < trace->images[i]->snapshots.count; k++) {
            const struct snapshot *snapshot = trace->images[i]->snapshots.list[k];
            size += snapshot->stream_size;
            count += snapshot->stream_size > 0;
        }
    return size <= PROFILE_MAX_GRAPHS && count <= STREAMS_MAX;
}

/* What a profile has no room for is given up at once, since it takes memory and descriptors. */
static void fit_streams(const struct trace *trace) {
    struct snapshot *least;
    while (!streams_fit(trace) && (least = least_of_all(trace))) {
        close_stream(least);
        least->left_out = true;
        least->flags = 0;
    }
}

void snapshots_arrive(struct trace *trace, struct image *image, struct snapshot *snapshot) {
    uint64_t took = trace_clock(trace) - snapshot->since_ns;
    snapshot->state = SNAPSHOT_ARRIVED;
    if (snapshot->stream >= 0)
        take_stream(snapshot);
    if (snapshot->walk_ns == 0)
        snapshot->walk_ns = took;
    snapshots_take_pauses(image);
    snapshots_settle(trace, image);
    fit_streams(trace);
}

bool snapshots_pending(const struct trace *trace, const struct image *image) {
    for (uint32_t i = 0; i < image->snapshots.count; i++)
        if (is_pending(trace, image->snapshots.list[i]))
            return true;
    return false;
}

void snapshots_block_died(struct image *image, uint64_t address, uint64_t birth, uint64_t moment) {
    const struct snapshot_block key = {.address = address};
    for (uint32_t i = 0; i < image->snapshots.count; i++) {
        struct snapshot *snapshot = image->snapshots.list[i];
        struct snapshot_block *block = bsearch(&key, snapshot->blocks, snapshot->block_count,
                                               sizeof *snapshot->blocks, compare_blocks);
        if (block && block->birth == birth && block->death == 0)
            block->death = moment;
    }
}

/* The program counts a snapshot when it takes it, and the pause when it goes on, before or after
 * the collector has come to the snapshot's event. Several since the last look share the pause; one
 * without a new snapshot was a wait that did not end in one. */
static void note_pauses(struct snapshots *snapshots, uint64_t count, uint64_t ns) {
    if (count == snapshots->paused) {
        snapshots->paused_ns = ns;
        return;
    }
    uint64_t new = count - snapshots->paused, pause = (ns - snapshots->paused_ns) / new;
    for (uint64_t i = 0; i < new &&i < SNAPSHOTS_PAUSES; i++)
        snapshots->pauses[(count - i) % SNAPSHOTS_PAUSES] = pause;
    snapshots->paused = count;
    snapshots->paused_ns = ns;
    for (uint32_t i = 0; i < snapshots->count; i++)
        if (snapshots->list[i]->pause_ns == 0)
            snapshots->list[i]->pause_ns = pause_of(snapshots, snapshots->list[i]->number);
}

void snapshots_take_pauses(struct image *image) {
    struct snapshots *snapshots = &image->snapshots;
    if (image->region_count == 0)
        return;
    struct region *region = image->regions[0].region;
    uint64_t ns = atomic_load_explicit(&region->snapshot_ns, memory_order_relaxed);
    uint64_t count = atomic_load_explicit(&region->snapshots, memory_order_relaxed);
    if (ns > snapshots->paused_ns && ns <= PAUSES_MAX_NS && count >= snapshots->paused)
        note_pauses(snapshots, count, ns);
}

struct snapshot *snapshots_best(const struct image *image) {
    struct snapshot *best = NULL;
    for (uint32_t i = 0; i < image->snapshots.count; i++) {
        struct snapshot *snapshot = image->snapshots.list[i];
        if (snapshot->state != SNAPSHOT_ARRIVED)
            continue;
        if (!best) {
            best = snapshot;
            continue;
        }
        bool more = tells_more(image, snapshot, best), less = tells_more(image, best, snapshot);
        bool as_early = explains_peak(image, snapshot) == explains_peak(image, best);
        if (more || less ? more
            : !as_early  ? explains_peak(image, snapshot)
                         : all_bytes(snapshot) >= all_bytes(best))
            best = snapshot;
    }
    return best;
}

/* What was to be known of the peak is known of it, without the later one. */
static bool does_without(const struct image *image, const struct snapshot *one,
                         const struct snapshot *later) {
    return snapshot_is_complete(one) && explains_peak(image, one) &&
           (!is_shallow(one) || is_shallow(later)) && one->bytes >= later->bytes / 4 * 3;
}

bool snapshots_is_past(const struct image *image, const struct snapshot *snapshot) {
    const struct snapshots *snapshots = &image->snapshots;
    if (snapshot->reason != SNAPSHOT_PEAK || explains_peak(image, snapshot) ||
        stretches_need_snapshot(image, snapshot->number))
        return false;
    for (uint32_t i = 0; i < snapshots->count; i++)
        if (does_without(image, snapshots->list[i], snapshot))
            return true;
    return false;
}

void snapshots_release(struct image *image) {
    while (image->snapshots.count)
        drop(&image->snapshots, image->snapshots.count - 1);
}
