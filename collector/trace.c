/* See trace.h: the life of a session's images. */
#include "trace.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "../wire/profile.h"
#include "account.h"
#include "memory.h"
#include "table.h"

#define CLAIM_MAX (1ull << 48)

static uint64_t clock_ns(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

uint64_t trace_clock(const struct trace *trace) {
    return clock_ns(CLOCK_MONOTONIC) - trace->zero_ns;
}

uint64_t trace_used_ns(void) {
    return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

bool trace_init(struct trace *trace, struct session_page *page) {
    *trace = (struct trace){.page = page,
                            .holders = page->holders,
                            .drag = page->drag,
                            .lives = page->lifetimes,
                            .keeps_stubs = page->lifetimes};
    trace->zero_ns = clock_ns(CLOCK_MONOTONIC);
    trace->started_unix_ns = clock_ns(CLOCK_REALTIME);
    trace->next = atomic_load(&page->ticket);
    return stacks_init(&trace->stacks) && timeline_init(&trace->timeline, TIMELINE_POINTS, 0);
}

static void image_free(struct image *image) {
    sites_release(&image->sites);
    stretches_release(image->stretches);
    snapshots_release(image);
    moments_release(&image->moments);
    free(image->timeline.points);
    free(image->collections.list);
    spans_release(&image->spans);
    lives_release(&image->lives);
    drag_release(&image->drag);
    living_release(&image->living);
    free(image->threads);
    references_release(&image->references);
    free(image->takers);
    free(image->regions);
    free(image->command);
    free(image->cwd);
    free(image);
}

void trace_release(struct trace *trace) {
    for (uint32_t i = 0; i < trace->image_count; i++) {
        image_end(trace, trace->images[i]);
        image_free(trace->images[i]);
    }
    type_names_release(&trace->type_names);
    for (uint32_t i = 0; i < trace->warning_count; i++)
        free(trace->warnings[i]);
    events_close(trace->events);
    stubs_release(&trace->stubs);
    free(trace->images);
    free(trace->queue);
    free(trace->ticks);
    free(trace->timeline.points);
    stacks_release(&trace->stacks);
}

void trace_warn(struct trace *trace, const char *format, ...) {
    char line[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    for (uint32_t i = 0; i < trace->warning_count; i++)
        if (strcmp(trace->warnings[i], line) == 0)
            return;
    if (trace->warning_count == WARNINGS_MAX)
        return;
    char *copy = strdup(line);
    if (copy)
        trace->warnings[trace->warning_count++] = copy;
}

/* With one image alone, its peak is the tree's. What one that has ended had there is settled. */
static bool split_tree(struct trace *trace) {
    if (trace->image_count != 1 || trace->images[0]->state == IMAGE_ENDED)
        return true;
    return sites_split_tree(&trace->images[0]->sites);
}

struct image *image_new(struct trace *trace, uint32_t pid) {
    if (trace->image_count >= IMAGES_MAX || !split_tree(trace) ||
        !array_reserve(&trace->images, &trace->image_capacity, (uint64_t)trace->image_count + 1,
                       sizeof(struct image *)))
        return NULL;
    struct image *image = calloc(1, sizeof *image);
    if (!image)
        return NULL;
    image->pid = image->self_pid = pid;
    image->pidfd = image->statm = -1;
    image->start_ns = trace_clock(trace);
    image->number = trace->image_count + 1;
    image->sites.base = trace->seq & ~(uint64_t)UINT32_MAX;
    image->sites.has_tree = trace->image_count > 0;
    uint32_t points = image->number <= FULL_IMAGES ? TIMELINE_POINTS : TIMELINE_POINTS_FEW;
    if (!timeline_init(&image->timeline, points, image->start_ns)) {
        free(image);
        return NULL;
    }
    trace->images[trace->image_count++] = image;
    trace->living++;
    if (trace->events)
        events_start(trace->events, image->number);
    return image;
}

static void reader_init(struct reader *reader, struct image *image, struct region *region,
                        uint32_t index, bool has_gil_ring) {
    const char *start = (const char *)region;
    *reader = (struct reader){.image = image, .ring = &region->rings[index], .node_count = 1};
    reader->body =
        (const uint64_t *)(const void *)(start + region_body_offset(has_gil_ring, index));
    reader->size = region_ring_size(has_gil_ring, index);
    reader->is_gil = has_gil_ring && index == 0;
    reader->code_count = 1;
}

bool image_add_region(struct image *image, struct region *region, uint32_t ring_count,
                      bool has_gil_ring) {
    if (image->region_count >= REGIONS_MAX ||
        !array_reserve(&image->regions, &image->region_capacity, (uint64_t)image->region_count + 1,
                       sizeof *image->regions))
        return false;
    struct reader *readers = calloc(ring_count, sizeof *readers);
    if (!readers)
        return false;
    for (uint32_t i = 0; i < ring_count; i++)
        reader_init(&readers[i], image, region, i, has_gil_ring);
    image->regions[image->region_count++] =
        (struct mapped_region){region, region_size(has_gil_ring, ring_count), readers, ring_count};
    return true;
}

bool image_die(struct trace *trace, struct image *image) {
    if (image->dead)
        return true;
    if (!array_reserve(&trace->ticks, &trace->tick_capacity, (uint64_t)trace->tick_count + 1,
                       sizeof *trace->ticks))
        return false;
    uint64_t ticket = atomic_fetch_add(&trace->page->ticket, 1);
    trace->ticks[trace->tick_count++] = (struct tick){ticket, trace_clock(trace), image};
    image->dead = true;
    trace->living--;
    return true;
}

void image_leave(struct trace *trace, struct image *image) {
    image->state = IMAGE_EXECING;
    image->left_seq = ++trace->seq;
    trace->totals.live -= image->totals.live;
    if (trace->events)
        events_leave(trace->events, image->number);
}

/* A site's values at all peaks are put aside, and it has changed since, as number `seq`. */
static void settle_site(struct trace *trace, struct image *image, uint32_t number, uint64_t seq) {
    sites_touch(&image->sites, number, image->totals.peak_seq, trace->totals.peak_seq);
    if (image->stretches)
        stretches_change(image->stretches, &image->sites, number, 0, seq, trace->now_ns);
    image->sites.list[number].changed = (uint32_t)seq;
}

void trace_rebase(struct trace *trace) {
    uint64_t base = (trace->seq | UINT32_MAX) + 1;
    trace->seq = base + 1;
    for (uint32_t i = 0; i < trace->image_count; i++) {
        struct image *image = trace->images[i];
        if (image->state == IMAGE_ENDED)
            continue;
        for (uint32_t k = 0; k < image->sites.count; k++)
            settle_site(trace, image, k, trace->seq);
        image->sites.base = base;
    }
}

void image_return(struct trace *trace, struct image *image) {
    uint64_t seq = ++trace->seq;
    /* A peak that the tree reached meanwhile does not contain this image. */
    for (uint32_t i = 0; trace->totals.peak_seq > image->left_seq && i < image->sites.count; i++) {
        settle_site(trace, image, i, seq);
        image->sites.tree[i] = (struct site_value){0};
    }
    image->state = IMAGE_LIVE;
    if (trace->events)
        events_return(trace->events, image->number);
    totals_change(&trace->totals, image->totals.live, seq, trace->now_ns);
}

static void take_python_version(struct image *image, struct region *region) {
    uint32_t state = atomic_load(&region->python_state);
    if (state != PYTHON_TRACED && state != PYTHON_UNKNOWN)
        return;
    image->flags |= PROCESS_PYTHON | (state == PYTHON_UNKNOWN ? PROCESS_NO_STACKS : 0u);
    size_t length = 0;
    for (; length + 1 < sizeof image->python; length++) {
        char c = region->python_version[length];
        if (c < ' ' || c > '~')
            break;
        image->python[length] = c;
    }
    image->python[length] = '\0';
}

/* What a program may claim of a counter is bounded, so that sums of them are, too. */
static uint64_t claimed(_Atomic uint64_t *counter) {
    uint64_t value = atomic_load(counter);
    return value < CLAIM_MAX ? value : CLAIM_MAX;
}

/* Counters that the program keeps in its regions. */
static void take_region_facts(struct image *image) {
    image->waits = image->wait_ns = image->dropped = image->truncated = 0;
    snapshots_take_pauses(image);
    for (uint32_t r = 0; r < image->region_count; r++) {
        struct region *region = image->regions[r].region;
        if (r == 0) {
            take_python_version(image, region);
            image->snapshots_taken = claimed(&region->snapshots);
            image->snapshot_ns = claimed(&region->snapshot_ns);
            image->seccomp_lost = atomic_load(&region->seccomp_lost);
        }
        image->dropped += claimed(&region->dropped);
        image->truncated += claimed(&region->truncated);
        for (uint32_t i = 0; i < image->regions[r].reader_count; i++) {
            image->waits += claimed(&region->rings[i].waits);
            image->wait_ns += claimed(&region->rings[i].wait_ns);
        }
    }
}

void image_refresh(struct image *image) {
    if (image->state != IMAGE_ENDED)
        take_region_facts(image);
}

static void reader_release(struct reader *reader) {
    table_release(reader->nodes, reader->node_capacity, sizeof *reader->nodes);
    free(reader->filled);
    free(reader->codes);
    free(reader->text);
    while (reader->held_pieces) {
        struct piece *next = reader->held_pieces->right;
        free(reader->held_pieces);
        reader->held_pieces = next;
    }
}

static void give_stub(void *owner, uint64_t address, uint32_t stub) {
    (void)address;
    stubs_give(owner, stub);
}

/* Of the blocks that are live as their process ends, with those whose reallocation it cut off. */
static void give_stubs(struct trace *trace, const struct image *image) {
    for (uint32_t r = 0; r < image->region_count; r++)
        for (uint32_t i = 0; i < image->regions[r].reader_count; i++)
            if (image->regions[r].readers[i].has_held)
                stubs_give(&trace->stubs, image->regions[r].readers[i].held.site);
    blocks_each(&image->blocks, give_stub, &trace->stubs);
}

static void close_fd(int *fd) {
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void image_end(struct trace *trace, struct image *image) {
    if (image->state == IMAGE_ENDED)
        return;
    if (image->state == IMAGE_LIVE)
        image_leave(trace, image);
    take_region_facts(image);
    references_end(&image->references);
    stretches_end_all(trace, image);
    totals_settle(&image->totals);
    timeline_add(&image->timeline, trace->now_ns, image->totals.tick_highest, 0, image->rss);
    spans_look(image, trace->now_ns, true);
    drag_end_all(trace, image);
    image->state = IMAGE_ENDED;
    image->end_ns = trace->now_ns;
    living_end(trace, image);
    if (trace->keeps_stubs)
        give_stubs(trace, image);
    for (uint32_t r = 0; r < image->region_count; r++) {
        struct mapped_region *mapped = &image->regions[r];
        for (uint32_t i = 0; i < mapped->reader_count; i++)
            reader_release(&mapped->readers[i]);
        free(mapped->readers);
        munmap(mapped->region, mapped->size);
    }
    image->region_count = 0;
    blocks_release(&image->blocks);
    mappings_release(&image->mappings);
    large_release(&image->large);
    sites_close(&image->sites);
    close_fd(&image->pidfd);
    close_fd(&image->statm);
}
