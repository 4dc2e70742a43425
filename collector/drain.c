/* See drain.h.
 *
 * `trace.next` is the ticket whose turn it is: all below have been processed. In a pass,
 *
 *   1. every tail is loaded (reader.seen);
 *   2. the tails of the GIL rings are loaded again (reader.limit);
 *   3. those of threads' rings are looked at again: where an event without a ticket is new, what
 * stands behind a later ticket than that may depend on it, and is left for the next pass
 * (image.bound), with all that comes behind it in other processes;
 *   4. all that is in the rings is processed in the order of the tickets that it stands behind:
 * those with tickets from below `seen` only, and each when its turn has come.
 *
 * So when ticket k is processed, all GIL rings have been read up to a tail that was loaded after k
 * was seen committed, and threads' rings have nothing behind an earlier ticket that was committed
 * by then: what happened before k without a ticket has been processed. So it has for an event
 * without a ticket, of either kind of ring.
 *
 * An honest process's bound stops the merge at one ticket for a pass or two. One that does so for
 * longer is not heeded any more.
 *
 * A ticket that was taken and not committed stops the merge (a gap). Nothing is lost by waiting,
 * until a writer has no room. It is given up when no living writer can have it, and after two
 * seconds in which someone waits for it; should it come after all, it is processed then.
 */
#include "drain.h"

#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../wire/profile.h"
#include "apply.h"
#include "batch.h"
#include "memory.h"

#define TICK_NS 1000000u
#define TICKS_WAITING_MAX 4096u
#define GAP_PATIENCE_NS 2000000000u
#define HELD_PASSES 64u
#define PUBLISH_BYTES (64u << 10)

static uint64_t word_at(const struct reader *reader, uint64_t position) {
    return __atomic_load_n(&reader->body[(position & (reader->size - 1)) / 8], __ATOMIC_RELAXED);
}

/* The queue: a heap by key. */

static bool queue_add(struct trace *trace, struct reader *reader, uint64_t key) {
    if (!array_reserve(&trace->queue, &trace->queue_capacity, (uint64_t)trace->queue_count + 1,
                       sizeof *trace->queue))
        return false;
    uint32_t at = trace->queue_count++;
    for (; at > 0 && trace->queue[(at - 1) / 2].key > key; at = (at - 1) / 2)
        trace->queue[at] = trace->queue[(at - 1) / 2];
    trace->queue[at] = (struct turn){key, reader};
    reader->queued = true;
    return true;
}

static void queue_sink(struct trace *trace, uint32_t at, struct turn turn) {
    for (uint32_t child; (child = 2 * at + 1) < trace->queue_count; at = child) {
        if (child + 1 < trace->queue_count && trace->queue[child + 1].key < trace->queue[child].key)
            child++;
        if (trace->queue[child].key >= turn.key)
            break;
        trace->queue[at] = trace->queue[child];
    }
    trace->queue[at] = turn;
}

static struct reader *queue_take(struct trace *trace) {
    struct reader *reader = trace->queue[0].reader;
    reader->queued = false;
    struct turn last = trace->queue[--trace->queue_count];
    if (trace->queue_count)
        queue_sink(trace, 0, last);
    return reader;
}

static void queue_forget(struct trace *trace, const struct image *image) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < trace->queue_count; i++) {
        if (trace->queue[i].reader->image != image)
            trace->queue[kept++] = trace->queue[i];
        else
            trace->queue[i].reader->queued = false;
    }
    trace->queue_count = kept;
    for (uint32_t i = kept / 2; i-- > 0;)
        queue_sink(trace, i, trace->queue[i]);
}

static uint64_t first_tick_key(const struct trace *trace) {
    if (trace->first_tick == trace->tick_count)
        return UINT64_MAX;
    return trace->ticks[trace->first_tick].ticket << 1 | 1;
}

static uint64_t first_key(const struct trace *trace) {
    uint64_t tick = first_tick_key(trace);
    return trace->queue_count && trace->queue[0].key < tick ? trace->queue[0].key : tick;
}

/* Ticks */

uint64_t drain_tick(struct trace *trace) {
    uint64_t now = trace_clock(trace);
    if (trace->tick_count - trace->first_tick > TICKS_WAITING_MAX)
        return now;
    if (trace->first_tick == trace->tick_count)
        trace->first_tick = trace->tick_count = 0;
    if (!array_reserve(&trace->ticks, &trace->tick_capacity, (uint64_t)trace->tick_count + 1,
                       sizeof *trace->ticks))
        return now;
    trace->last_tick_ns = now;
    uint64_t ticket = atomic_fetch_add(&trace->page->ticket, 1);
    trace->ticks[trace->tick_count++] = (struct tick){.ticket = ticket, .time_ns = now};
    return now;
}

static void take_tick(struct trace *trace) {
    if (trace_clock(trace) - trace->last_tick_ns >= TICK_NS)
        drain_tick(trace);
}

static void note_time(struct timeline *timeline, struct totals *totals, uint64_t time,
                      uint64_t rss) {
    totals_settle(totals);
    if (totals->tick_highest != timeline->last_bytes || rss != timeline->last_rss)
        timeline_add(timeline, time, totals->tick_highest, totals->live, rss);
    totals->tick_highest = totals->live;
}

static void process_tick(struct trace *trace) {
    struct tick tick = trace->ticks[trace->first_tick++];
    if (tick.ticket >= trace->next)
        trace->next = tick.ticket + 1;
    uint64_t rss = 0;
    for (uint32_t i = 0; i < trace->image_count; i++) {
        struct image *image = trace->images[i];
        if (image->state == IMAGE_ENDED)
            continue;
        note_time(&image->timeline, &image->totals, tick.time_ns, image->rss);
        spans_look(image, tick.time_ns, false);
        rss += image->rss;
    }
    note_time(&trace->timeline, &trace->totals, tick.time_ns, rss);
    if (tick.time_ns > trace->now_ns) {
        trace->now_ns = tick.time_ns;
        if (trace->events)
            events_time(trace->events, trace->now_ns);
    }
    if (tick.end) {
        queue_forget(trace, tick.end);
        image_end(trace, tick.end);
    }
}

/* Readers */

static void publish(struct reader *reader) {
    struct ring *ring = reader->ring;
    if (reader->published == reader->position)
        return;
    reader->published = reader->position;
    atomic_store_explicit(&ring->head, reader->position, memory_order_release);
    atomic_thread_fence(memory_order_seq_cst);
    if (!atomic_load_explicit(&ring->waiting, memory_order_relaxed))
        return;
    atomic_fetch_add(&ring->wake, 1);
    syscall(SYS_futex, &ring->wake, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

/* From now on the ring is only emptied, so that its writer never waits. */
static void abandon(struct trace *trace, struct reader *reader) {
    reader->abandoned = true;
    reader->image->flags |= PROCESS_DAMAGED;
    trace_warn(
        trace,
        "process %u wrote something that does not decode; some of its later events are missing",
        reader->image->pid);
}

static void empty_abandoned(struct reader *reader) {
    reader->position = reader->limit = reader->seen = atomic_load(&reader->ring->tail);
    publish(reader);
}

/* The ring's tail. False if it can't be: it never goes back, nor beyond what the body holds. */
static bool find_tail(const struct reader *reader, uint64_t *tail) {
    *tail = atomic_load_explicit(&reader->ring->tail, memory_order_acquire);
    return *tail >= reader->limit && *tail - reader->position <= reader->size && *tail % 8 == 0;
}

static bool load_tail(struct trace *trace, struct reader *reader, uint64_t *tail) {
    if (find_tail(reader, tail))
        return true;
    abandon(trace, reader);
    return false;
}

/* A ticket that nobody has taken yet would make everybody wait for it. */
static bool was_taken(struct trace *trace, uint64_t ticket) {
    if (ticket >= trace->taken)
        trace->taken = atomic_load(&trace->page->ticket);
    return ticket < trace->taken && ticket < EVENT_VALUE_MASK;
}

static void pass_over(struct trace *trace, struct reader *reader, uint64_t bytes) {
    reader->position += bytes;
    trace->consumed += bytes;
}

enum step { STEP_DONE, STEP_WAIT, STEP_DAMAGE };

/* One record. `turn`: tickets may be processed if it is their turn. */
static enum step read_record(struct trace *trace, struct reader *reader, bool turn) {
    uint64_t word = word_at(reader, reader->position);
    uint64_t index = (reader->position & (reader->size - 1)) / 8;
    uint32_t words = event_words(word);
    if (words == 0 || words * 8ull > reader->limit - reader->position ||
        index + words > reader->size / 8)
        return STEP_DAMAGE;
    const uint64_t *rest = reader->body + index + 1;
    if (word & EVENT_TICKET_BIT && event_op(word) != EVENT_PAD) {
        uint64_t ticket = word_at(reader, reader->position + 8), key = ticket << 1 | 1;
        if (ticket < reader->ticket || !was_taken(trace, ticket))
            return STEP_DAMAGE;
        bool now = turn && ticket <= trace->next && ticket <= reader->image->bound &&
                   reader->position < reader->seen && first_key(trace) >= key;
        if (!now)
            return queue_add(trace, reader, key) ? STEP_WAIT : STEP_DAMAGE;
        if (ticket < trace->next)
            trace->late++;
        else
            trace->next = ticket + 1;
        reader->ticket = ticket + 1;
        rest++;
    } else if (event_op(word) == EVENT_NOTE) {
        uint64_t ticket = event_value(word);
        if (ticket < reader->ticket || (ticket && !was_taken(trace, ticket - 1)))
            return STEP_DAMAGE;
        if (ticket > trace->next || ticket > reader->image->bound || first_key(trace) < ticket << 1)
            return queue_add(trace, reader, ticket << 1) ? STEP_WAIT : STEP_DAMAGE;
        reader->ticket = ticket;
    }
    if (!apply_record(trace, reader, word, rest))
        return STEP_DAMAGE;
    pass_over(trace, reader, words * 8ull);
    return STEP_DONE;
}

/* One step on: past what a batch has read, or if that is nothing, one record. */
static enum step go_on(struct trace *trace, struct reader *reader, uint64_t bytes, bool turn) {
    if (bytes == 0)
        return read_record(trace, reader, turn);
    pass_over(trace, reader, bytes);
    return STEP_DONE;
}

static void publish_when_due(struct trace *trace, struct reader *reader) {
    if (reader->position - reader->published < PUBLISH_BYTES)
        return;
    publish(reader);
    take_tick(trace);
}

static bool has_ticket(const struct reader *reader) {
    return word_at(reader, reader->position) & EVENT_TICKET_BIT;
}

/* The record, which has a ticket, has that whose turn it is. */
static bool has_turn(struct trace *trace, const struct reader *reader) {
    return reader->seen - reader->position >= 16 && reader->seen > reader->position &&
           word_at(reader, reader->position + 8) == trace->next &&
           trace->next <= reader->image->bound && was_taken(trace, trace->next);
}

/* The first in the queue may have a ticket that one batch with `reader` comes to. */
static bool is_soon(const struct trace *trace, const struct reader *reader) {
    const struct turn *first = &trace->queue[0];
    return first->key < first_tick_key(trace) && first->key & 1 && first->key >> 1 >= trace->next &&
           first->key >> 1 < trace->next + BATCH_MOST && first->reader->image == reader->image &&
           !first->reader->is_gil && !first->reader->abandoned &&
           first->reader->position < first->reader->seen;
}

/* Reads until the ring is empty or a record has to wait for its turn. */
static void wait_for_turn(struct trace *trace, struct reader *reader) {
    enum step step = STEP_DONE;
    while (step == STEP_DONE && reader->position < reader->limit) {
        uint64_t bytes = has_ticket(reader) ? 0 : batch_apply(trace, reader);
        step = go_on(trace, reader, bytes, false);
        publish_when_due(trace, reader);
    }
    if (step == STEP_DAMAGE)
        abandon(trace, reader);
}

/* Records whose turn it is, of this ring and of those of the same process that come in between. */
static uint64_t read_turns(struct trace *trace, struct reader *reader) {
    if (!has_turn(trace, reader))
        return 0;
    uint32_t most = trace->keeps_stubs ? 1 : LANES_MAX;
    struct turns turns = {.first = trace->next, .lane_count = 1, .lanes = {{.reader = reader}}};
    while (turns.lane_count < most && trace->queue_count && is_soon(trace, reader))
        turns.lanes[turns.lane_count++].reader = queue_take(trace);
    uint64_t key = first_key(trace), end = key >> 1 < trace->taken ? key >> 1 : trace->taken;
    if (reader->image->bound < end)
        end = reader->image->bound + 1;
    turns.count = end > turns.first ? end - turns.first : 0;
    batch_apply_turns(trace, &turns);
    for (uint32_t i = 1; i < turns.lane_count; i++) {
        pass_over(trace, turns.lanes[i].reader, turns.lanes[i].bytes);
        publish_when_due(trace, turns.lanes[i].reader);
        wait_for_turn(trace, turns.lanes[i].reader);
    }
    return turns.lanes[0].bytes;
}

/* A run of plain records: without tickets, or of those whose turn it is. */
static uint64_t read_plain(struct trace *trace, struct reader *reader) {
    if (reader->is_gil || !has_ticket(reader))
        return batch_apply(trace, reader);
    return read_turns(trace, reader);
}

/* Reads on until the ring is empty or a record has to wait for its turn. */
static void advance(struct trace *trace, struct reader *reader) {
    if (!apply_prepare(reader)) {
        abandon(trace, reader);
        return;
    }
    while (reader->position < reader->limit) {
        if (trace_rebase_is_due(trace))
            trace_rebase(trace);
        enum step step = go_on(trace, reader, read_plain(trace, reader), true);
        if (step == STEP_WAIT)
            return;
        if (step == STEP_DAMAGE) {
            abandon(trace, reader);
            return;
        }
        publish_when_due(trace, reader);
    }
}

/* Whether the first event behind the position has no ticket. */
static bool goes_without(const struct reader *reader, uint64_t position, uint64_t end) {
    while (position < end) {
        uint64_t word = word_at(reader, position);
        unsigned op = event_op(word);
        if (op != EVENT_PAD && word & EVENT_TICKET_BIT)
            return false;
        uint64_t words = event_words(word);
        if (words == 0 ||
            (op != EVENT_NODE && op != EVENT_TEXT && op != EVENT_CODE && op != EVENT_PAD))
            return true;
        position += words * 8;
    }
    return false;
}

/* Calls `visit` for every reader of images that have not ended. */
static void each_reader(struct trace *trace, void (*visit)(struct trace *, struct reader *)) {
    for (uint32_t i = 0; i < trace->image_count; i++) {
        struct image *image = trace->images[i];
        for (uint32_t r = 0; r < image->region_count; r++)
            for (uint32_t k = 0; k < image->regions[r].reader_count; k++)
                visit(trace, &image->regions[r].readers[k]);
    }
}

static void visit_seen(struct trace *trace, struct reader *reader) {
    uint64_t tail;
    reader->image->bound = UINT64_MAX;
    reader->alone_since = atomic_load(&reader->ring->alone_since);
    if (reader->abandoned)
        empty_abandoned(reader);
    else if (load_tail(trace, reader, &tail))
        reader->seen = reader->limit = tail;
}

static void visit_limit(struct trace *trace, struct reader *reader) {
    uint64_t tail;
    if (reader->is_gil && !reader->abandoned && load_tail(trace, reader, &tail))
        reader->limit = tail;
}

static void visit_bound(struct trace *trace, struct reader *reader) {
    uint64_t tail;
    (void)trace;
    if (reader->is_gil || reader->abandoned || reader->image->distrusted ||
        reader->alone_since >= reader->image->bound)
        return;
    if (find_tail(reader, &tail) && goes_without(reader, reader->seen, tail))
        reader->image->bound = reader->alone_since;
}

/* What has no ticket stands behind the last one that its ring has taken or noted. */
static void visit_news(struct trace *trace, struct reader *reader) {
    if (reader->abandoned || reader->queued || reader->position == reader->limit)
        return;
    uint64_t key =
        reader->is_gil || reader->ticket == 0 ? reader->ticket << 1 : (reader->ticket - 1) << 1 | 1;
    trace->out_of_turn |= !queue_add(trace, reader, key);
}

static void visit_publish(struct trace *trace, struct reader *reader) {
    (void)trace;
    publish(reader);
}

/* How much is live, and how far that is counted: see struct region. */
static void publish_live(struct image *image) {
    if (image->region_count == 0)
        return;
    struct region *region = image->regions[0].region;
    uint64_t position = image->regions[0].readers[0].position, live = image->totals.live;
    if (live == image->told_live && position == image->told_gil_position)
        return;
    image->told_live = live;
    image->told_gil_position = position;
    uint32_t sequence = atomic_load_explicit(&region->sequence, memory_order_relaxed) | 1;
    atomic_store_explicit(&region->sequence, sequence, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    atomic_store_explicit(&region->live, live, memory_order_relaxed);
    atomic_store_explicit(&region->mapped, image->class_bytes[MAPPING_COUNTED],
                          memory_order_relaxed);
    atomic_store_explicit(&region->gil_allocated, image->gil_allocated, memory_order_relaxed);
    atomic_store_explicit(&region->gil_position, position, memory_order_relaxed);
    atomic_store_explicit(&region->sequence, sequence + 1, memory_order_release);
}

/* Gaps */

struct gap {
    bool someone_may_have_it;
    bool someone_waits;
};

static bool may_have(const struct reader *reader, uint64_t ticket) {
    if (reader->abandoned || reader->image->dead || reader->ticket > ticket)
        return false;
    if (reader->queued || reader->position < reader->limit) {
        uint64_t word = word_at(reader, reader->position);
        uint64_t first = word & EVENT_TICKET_BIT        ? word_at(reader, reader->position + 8) + 1
                         : event_op(word) == EVENT_NOTE ? event_value(word)
                                                        : 0;
        return first <= ticket;
    }
    return reader->is_gil || atomic_load(&reader->ring->owner) != 0 ||
           atomic_load(&reader->ring->tail) != reader->seen;
}

static void look_at_gap(const struct trace *trace, struct gap *gap) {
    for (uint32_t i = 0; i < trace->image_count; i++) {
        const struct image *image = trace->images[i];
        if (image->dead && image->state != IMAGE_ENDED)
            gap->someone_waits = true; /* it can't be ended before */
        for (uint32_t r = 0; r < image->region_count; r++)
            for (uint32_t k = 0; k < image->regions[r].reader_count; k++) {
                const struct reader *reader = &image->regions[r].readers[k];
                gap->someone_may_have_it |= may_have(reader, trace->next);
                gap->someone_waits |= atomic_load(&reader->ring->waiting) != 0;
            }
    }
}

/* The merge waits for trace->next: true when it has been given up. */
static bool give_up(struct trace *trace) {
    if (trace->gap_ticket != trace->next || trace->gap_since_ns == 0) {
        trace->gap_ticket = trace->next;
        trace->gap_since_ns = trace_clock(trace);
    }
    struct gap gap = {0};
    if (trace->living) {
        look_at_gap(trace, &gap);
        bool patient = trace_clock(trace) - trace->gap_since_ns < GAP_PATIENCE_NS;
        if (gap.someone_may_have_it && (patient || !gap.someone_waits))
            return false;
    }
    uint64_t next = first_key(trace) >> 1;
    trace->gaps += next - trace->next;
    trace->next = next;
    trace->gap_since_ns = 0;
    return true;
}

/* The image has something that is not read; with `new`, something that does not wait for its turn.
 */
static bool has_more(const struct image *image, bool new) {
    for (uint32_t r = 0; r < image->region_count; r++)
        for (uint32_t k = 0; k < image->regions[r].reader_count; k++) {
            const struct reader *reader = &image->regions[r].readers[k];
            bool counts = !reader->abandoned && !(new && reader->queued);
            if (counts && reader->position != atomic_load(&reader->ring->tail))
                return true;
        }
    return false;
}

/* What is first in turn waits for what the image may have before it: for some passes at least,
 * however long they are apart. */
static void wait_for_image(struct trace *trace, struct image *image) {
    if (trace->held_ticket != trace->next || trace->held_passes == 0) {
        trace->held_ticket = trace->next;
        trace->held_since_ns = trace_clock(trace);
        trace->held_passes = 0;
    }
    if (++trace->held_passes < HELD_PASSES ||
        trace_clock(trace) - trace->held_since_ns < GAP_PATIENCE_NS)
        return;
    image->distrusted = true;
    trace->held_passes = 0;
    trace_warn(trace,
               "process %u kept the others waiting for what it never said; some of its "
               "later events may be in the wrong order",
               image->pid);
}

/* What has this key in the queue is left for the next pass. */
static bool is_beyond(struct trace *trace, const struct reader *reader, uint64_t key) {
    if (key >> 1 > reader->image->bound) {
        wait_for_image(trace, reader->image);
        return true;
    }
    return key & 1 && reader->position >= reader->seen;
}

/* The first tick, whose turn it is, ends an image that has more than was seen. What it has for a
 * later turn was never so. */
static bool ends_too_soon(struct trace *trace) {
    struct image *end = trace->ticks[trace->first_tick].end;
    if (!end || end->distrusted || !has_more(end, true))
        return false;
    wait_for_image(trace, end);
    return true;
}

/* Processes everything whose turn has come, as far as it was seen committed in this pass; waits
 * where a ticket is missing. */
static void merge(struct trace *trace) {
    for (;;) {
        uint64_t key = first_key(trace);
        if (key == UINT64_MAX || (key >> 1 > trace->next && !give_up(trace)))
            return;
        if (key == first_tick_key(trace)) {
            if (ends_too_soon(trace))
                return;
            process_tick(trace);
            continue;
        }
        struct reader *reader = trace->queue[0].reader;
        if (!reader->abandoned && is_beyond(trace, reader, key))
            return;
        queue_take(trace);
        if (!reader->abandoned)
            advance(trace, reader);
    }
}

uint64_t drain_pass(struct trace *trace) {
    uint64_t before = trace->consumed;
    take_tick(trace);
    trace->out_of_turn = false;
    each_reader(trace, visit_seen);
    each_reader(trace, visit_limit);
    each_reader(trace, visit_bound);
    each_reader(trace, visit_news);
    if (!trace->out_of_turn)
        merge(trace);
    each_reader(trace, visit_publish);
    for (uint32_t i = 0; i < trace->image_count; i++) {
        publish_live(trace->images[i]);
        snapshots_take_pauses(trace->images[i]);
    }
    return trace->consumed - before;
}

bool drain_is_done(const struct trace *trace) {
    if (trace->queue_count || trace->first_tick != trace->tick_count)
        return false;
    for (uint32_t i = 0; i < trace->image_count; i++)
        if (has_more(trace->images[i], false))
            return false;
    return true;
}

void drain_end_image(struct trace *trace, struct image *image) {
    if (has_more(image, false)) {
        image_die(trace, image);
        return;
    }
    if (!image->dead) {
        image->dead = true;
        trace->living--;
    }
    queue_forget(trace, image);
    image_end(trace, image);
}
