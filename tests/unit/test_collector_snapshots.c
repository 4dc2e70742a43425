/* Snapshots: the list of large blocks, lives and moments, which are kept, and the talk with copies.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/callers.h"
#include "collector/finish_snapshots.h"
#include "collector/join.h"
#include "collector/lifetimes.h"
#include "rig.h"

#define KIB 1024ull
#define LARGE 0x20000ull /* the least size that counts */

static struct rig rig;
static struct callers callers;

static int close_rig(void **state) {
    (void)state;
    for (uint32_t i = 0; i < callers.count; i++)
        close(callers.list[i].fd);
    callers.count = 0;
    rig_close(&rig);
    return 0;
}

static const struct snapshot *take(unsigned reason) {
    uint32_t number = rig.image->snapshots.last + 1;
    rig_snapshot(&rig, 0, number, reason, 4096, 0);
    rig_drain(&rig);
    return snapshots_find(rig.image, number);
}

static void expect_blocks(const struct snapshot *snapshot, const uint64_t *expected,
                          uint32_t count) {
    assert_non_null(snapshot);
    assert_int_equal(snapshot->block_count, count);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(snapshot->blocks[i].address, expected[2 * i]);
        assert_int_equal(snapshot->blocks[i].size, expected[2 * i + 1]);
    }
}

static void test_list_of_blocks(void **state) {
    (void)state;
    rig_open(&rig, 2);
    rig_node(&rig, 0, 1, 0, 10);
    rig_alloc(&rig, 0, rig_ticket(&rig), 0x900000, LARGE, 1);
    rig_alloc(&rig, 0, 0, 0x1000, LARGE - 1, 1);
    rig_alloc(&rig, 0, rig_ticket(&rig), 0x800000, LARGE, 1);
    rig_alloc(&rig, 1, rig_ticket(&rig), 0x100000, 5ull << 32, 0);
    rig_map(&rig, 0, MAPPING_COUNTED, 0x200000, LARGE, 1);
    rig_map(&rig, 0, MAPPING_COUNTED, 0x300000, LARGE / 2, 1);
    rig_map(&rig, 0, MAPPING_RESERVED, 0x400000, LARGE, 1);
    rig_map(&rig, 0, MAPPING_ARENA, 0x500000, LARGE, 1);
    const uint64_t first[] = {0x200000, LARGE, 0x800000, LARGE, 0x900000, LARGE};
    rig_free(&rig, 1, rig_ticket(&rig), 0x100000);
    const struct snapshot *snapshot = take(SNAPSHOT_PEAK);
    expect_blocks(snapshot, first, 3);
    assert_int_equal(snapshot->pending_bytes, 4096);
    assert_int_equal(snapshot->bytes, rig.image->totals.live);
    rig_free(&rig, 0, 0, 0x800000); /* in the batch */
    rig_free(&rig, 0, rig_ticket(&rig), 0x900000);
    rig_alloc(&rig, 0, rig_ticket(&rig), 0x900000, 2 * LARGE, 0);
    const uint64_t second[] = {0x200000, LARGE, 0x900000, 2 * LARGE};
    expect_blocks(take(SNAPSHOT_REQUEST), second, 2);
    snapshot = snapshots_find(rig.image, 1);
    assert_int_equal(snapshot->blocks[0].death, 0);
    assert_true(snapshot->blocks[1].death > snapshot->moment);
    assert_int_equal(snapshot->blocks[2].death, snapshot->blocks[1].death + 1);
}

static void test_overlaps_are_dropped(void **state) {
    (void)state;
    rig_open(&rig, 1);
    rig_alloc(&rig, 0, rig_ticket(&rig), 0x100000, 64 * LARGE, 0);
    rig_alloc(&rig, 0, rig_ticket(&rig), 0x200000, LARGE, 0);
    rig_alloc(&rig, 0, rig_ticket(&rig), 0x300000, LARGE, 0);
    const uint64_t expected[] = {0x200000, LARGE, 0x300000, LARGE};
    expect_blocks(take(SNAPSHOT_PEAK), expected, 2);
}

static void test_reallocations(void **state) {
    (void)state;
    rig_open(&rig, 1);
    rig_alloc(&rig, 0, 0, 0x100000, 1000, 0);
    rig_realloc(&rig, 0, 0x100000, 0, 0x200000, LARGE, 0); /* becomes large */
    const uint64_t one[] = {0x200000, LARGE};
    const struct snapshot *first = take(SNAPSHOT_PEAK);
    expect_blocks(first, one, 1);
    uint64_t birth = first->blocks[0].birth;
    rig_realloc(&rig, 0, 0x200000, 0, 0, 9 * LARGE, 0); /* fails */
    const struct snapshot *second = take(SNAPSHOT_REQUEST);
    expect_blocks(second, one, 1);
    assert_int_equal(second->blocks[0].birth, birth);
    rig_realloc(&rig, 0, 0x200000, 0, 0x200000, 2 * LARGE, 0); /* grows where it is */
    const uint64_t grown[] = {0x200000, 2 * LARGE};
    const struct snapshot *third = take(SNAPSHOT_REQUEST);
    expect_blocks(third, grown, 1);
    assert_int_equal(second->blocks[0].death + 1, third->blocks[0].birth);
    rig_realloc(&rig, 0, 0x200000, 0, 0x800000, 3 * LARGE, 0); /* moves: both exist */
    const uint64_t moved[] = {0x800000, 3 * LARGE};
    const struct snapshot *fourth = take(SNAPSHOT_REQUEST);
    expect_blocks(fourth, moved, 1);
    assert_int_equal(third->blocks[0].death, fourth->blocks[0].birth + 1);
    rig_put(&rig, 0, event_word(EVENT_REALLOC_BEGIN, 0, 0, 0x800000), NULL, 0);
    const struct snapshot *between = take(SNAPSHOT_REQUEST);
    expect_blocks(between, moved, 1); /* still there between the halves */
    uint64_t words[] = {event_size_node(0, 10)};
    rig_put(&rig, 0, event_word(EVENT_REALLOC_END, 0, 0, 0x800000), words, 1); /* becomes small */
    expect_blocks(take(SNAPSHOT_REQUEST), NULL, 0);
    assert_int_equal(fourth->blocks[0].death, between->blocks[0].death);
    assert_true(fourth->blocks[0].death > 0);
}

static void test_mappings(void **state) {
    (void)state;
    rig_open(&rig, 1);
    rig_map(&rig, 0, MAPPING_COUNTED, 0x1000000, 8 * LARGE, 0);
    const struct snapshot *first = take(SNAPSHOT_PEAK);
    uint64_t birth = first->blocks[0].birth;
    rig_unmap(&rig, 0, 0, 0x1000000 + 2 * LARGE, LARGE); /* a hole: two parts, as old as it was */
    const uint64_t parts[] = {0x1000000, 2 * LARGE, 0x1000000 + 3 * LARGE, 5 * LARGE};
    const struct snapshot *second = take(SNAPSHOT_REQUEST);
    expect_blocks(second, parts, 2);
    assert_int_equal(second->blocks[0].birth, birth);
    assert_int_equal(second->blocks[1].birth, birth);
    assert_true(first->blocks[0].death > first->moment);
    rig_protect(&rig, 0, PROTECT_DISCARD, 0x1000000, LARGE + 4096, 0);
    rig_drain(&rig);
    const uint64_t less[] = {0x1000000 + 3 * LARGE, 5 * LARGE};
    expect_blocks(take(SNAPSHOT_REQUEST), less, 1); /* what is left of the other is small */
    rig_protect(&rig, 0, PROTECT_USABLE, 0x1000000, LARGE + 4096, 0);
    const uint64_t again[] = {0x1000000, LARGE + 4096, 0x1000000 + 3 * LARGE, 5 * LARGE};
    const struct snapshot *fourth = take(SNAPSHOT_REQUEST);
    expect_blocks(fourth, again, 2);
    assert_true(fourth->blocks[0].birth > birth);
    rig_unmap(&rig, 0, UNMAP_HELD, 0x1000000 + 3 * LARGE, 5 * LARGE);
    expect_blocks(take(SNAPSHOT_REQUEST), again, 2);
    rig_remap(&rig, 0, 0x9000000, 6 * LARGE, 0);
    const uint64_t there[] = {0x1000000, LARGE + 4096, 0x9000000, 6 * LARGE};
    expect_blocks(take(SNAPSHOT_REQUEST), there, 2);
    assert_true(fourth->blocks[1].death > fourth->moment);
    rig_map(&rig, 0, MAPPING_SHARED, 0x9000000, 6 * LARGE, 0); /* over it */
    const uint64_t last[] = {0x1000000, LARGE + 4096};
    expect_blocks(take(SNAPSHOT_REQUEST), last, 1);
}

/* What the large blocks are, said by the two tables that know all blocks. */
static uint64_t count_pieces(const struct piece *piece, uint64_t *bytes) {
    if (!piece)
        return 0;
    uint64_t size = piece->end - piece->start;
    bool large = piece->class == MAPPING_COUNTED && !piece->discarded && size >= LARGE;
    *bytes += large ? size : 0;
    return large + count_pieces(piece->left, bytes) + count_pieces(piece->right, bytes);
}

static uint64_t count_blocks(const struct blocks *blocks, uint64_t *bytes) {
    uint64_t count = 0;
    const struct chunk *chunk = blocks->chunks.entries;
    for (; chunk < chunks_end(blocks->chunks.entries, blocks->chunks.capacity); chunk++) {
        const uint64_t *cells = cells_at(&blocks->cells, chunk->cells);
        for (uint32_t i = 0; i < count_bits(chunk->known); i++) {
            uint64_t size = (uint32_t)cells[i];
            count += size >= LARGE;
            *bytes += size >= LARGE ? size : 0;
        }
    }
    return count;
}

#define PLACES 64u
#define AREA 0x40000000ull

static uint64_t taken[PLACES];

static uint64_t random_below(uint64_t bound) {
    return (uint64_t)rand() % bound;
}

static void random_block_event(void) {
    uint32_t place = (uint32_t)random_below(PLACES);
    uint64_t address = 0x10000000 + place * 0x100000ull;
    uint64_t size = random_below(4) ? LARGE + random_below(4 * LARGE) : random_below(LARGE) + 1;
    uint64_t ticket = random_below(3) ? rig_ticket(&rig) : 0;
    if (!taken[place])
        rig_alloc(&rig, 0, size < LARGE ? ticket : rig_ticket(&rig), address, size, 0);
    else if (random_below(2))
        rig_free(&rig, 0, ticket, address), size = 0;
    else
        rig_realloc(&rig, 0, address, 0, address, size, 0);
    taken[place] = size;
}

static void random_mapping_event(void) {
    uint64_t start = AREA + random_below(64) * 0x10000, length = (1 + random_below(24)) * 0x10000;
    uint64_t to = AREA + random_below(64) * 0x10000;
    switch (random_below(6)) {
    case 0:
    case 1:
        rig_map(&rig, 0, random_below(4) ? MAPPING_COUNTED : MAPPING_FILE, start, length, 0);
        break;
    case 2:
        rig_unmap(&rig, 0, 0, start, length);
        break;
    case 3:
        rig_protect(&rig, 0, (unsigned)random_below(3), start, length, 0);
        break;
    default:
        rig_unmap(&rig, 0, UNMAP_HELD, start, length);
        rig_remap(&rig, 0, random_below(4) ? to : 0, (1 + random_below(24)) * 0x10000, 0);
    }
}

static void test_table_agrees(void **state) {
    (void)state;
    rig_open(&rig, 1);
    memset(taken, 0, sizeof taken);
    for (int i = 0; i < 20000; i++) {
        if (random_below(2))
            random_block_event();
        else
            random_mapping_event();
        if (i % 10)
            continue;
        rig_drain(&rig);
        uint64_t bytes = 0, listed = 0;
        uint64_t count = count_pieces(rig.image->mappings.root, &bytes) +
                         count_blocks(&rig.image->blocks, &bytes);
        for (uint32_t k = 0; k < rig.image->large.capacity; k++)
            listed += rig.image->large.places[k].size;
        assert_int_equal(rig.image->large.count, count);
        assert_int_equal(listed, bytes);
    }
    assert_false(rig.image->flags & PROCESS_DAMAGED);
}

/* The highest total without some blocks of a snapshot, by what goes into the profile. */
static uint64_t highest_without(const struct moments *moments, const struct snapshot *snapshot,
                                uint64_t chosen) {
    uint64_t highest = moments->rest;
    for (uint32_t i = 0; i < moments->count; i++) {
        uint64_t bytes = moments->list[i].bytes, number = moments->list[i].number;
        for (uint32_t k = 0; k < snapshot->block_count && k < 64; k++) {
            const struct snapshot_block *block = &snapshot->blocks[k];
            if (chosen >> k & 1 && block->birth <= number &&
                (!block->death || block->death > number))
                bytes -= block->size;
        }
        highest = bytes > highest ? bytes : highest;
    }
    return highest;
}

/* Many more moments than are kept, against a model that keeps the whole history: the totals after
 * each event, and each block's life in events. */
#define HISTORY 60000u

struct life {
    uint64_t address, size;
    uint32_t begin, end;
};

static uint64_t live_at[HISTORY];
static struct life lives[HISTORY];

static uint64_t model_without(const struct snapshot *snapshot, uint64_t chosen, uint32_t at,
                              uint32_t life_count) {
    static uint64_t less[HISTORY + 1];
    uint64_t highest = 0;
    memset(less, 0, sizeof less);
    for (uint32_t k = 0; k < snapshot->block_count && k < 64; k++)
        for (uint32_t i = 0; chosen >> k & 1 && i < life_count; i++)
            if (lives[i].address == snapshot->blocks[k].address && lives[i].begin < at &&
                lives[i].end > at)
                for (uint32_t e = lives[i].begin; e < lives[i].end; e++)
                    less[e] += lives[i].size;
    for (uint32_t e = 0; e < HISTORY; e++)
        highest = live_at[e] - less[e] > highest ? live_at[e] - less[e] : highest;
    return highest;
}

static void test_moments_against_history(void **state) {
    (void)state;
    static uint32_t current[PLACES];
    uint32_t life_count = 0, snapshot_at = HISTORY / 2;
    uint64_t live = 0;
    memset(current, 0xff, sizeof current);
    rig_open(&rig, 1);
    for (uint32_t e = 0; e < HISTORY; e++) {
        /* The first places change rarely, so that their blocks live long. */
        uint32_t place = (uint32_t)random_below(random_below(100) ? 16 : PLACES);
        bool small = random_below(5) == 0;
        uint64_t address = 0x10000000 + place * 0x1000000ull + (small ? 0x800000 : 0);
        if (e == snapshot_at)
            take(SNAPSHOT_REQUEST);
        if (small) { /* raises the totals within a moment */
            rig_alloc(&rig, 0, 0, address, 100000, 0);
            rig_free(&rig, 0, 0, address);
            live_at[e] = live + 100000;
            continue;
        }
        if (current[place] == UINT32_MAX) {
            uint64_t size = LARGE + random_below(40) * LARGE;
            rig_alloc(&rig, 0, rig_ticket(&rig), address, size, 0);
            lives[life_count] = (struct life){address, size, e, UINT32_MAX};
            current[place] = life_count++;
            live += size;
        } else {
            rig_free(&rig, 0, rig_ticket(&rig), address);
            lives[current[place]].end = e;
            live -= lives[current[place]].size;
            current[place] = UINT32_MAX;
        }
        live_at[e] = live;
    }
    for (uint32_t i = 0; i < life_count; i++)
        lives[i].end = lives[i].end == UINT32_MAX ? HISTORY : lives[i].end;
    rig_drain(&rig);
    const struct snapshot *snapshot = snapshots_find(rig.image, 1);
    struct moments moments;
    assert_true(lifetimes_moments(rig.image, &moments));
    assert_int_equal(rig.image->moments.rest, 0); /* merging was enough */
    assert_true(moments.count < 4 * PLACES);
    assert_true(snapshot->block_count > 10);
    for (int i = 0; i < 50; i++) {
        uint64_t chosen = random_below(1u << 30) << 32 ^ random_below(1u << 30);
        assert_int_equal(highest_without(&moments, snapshot, chosen),
                         model_without(snapshot, chosen, snapshot_at, life_count));
    }
    assert_int_equal(highest_without(&moments, snapshot, 0), rig.image->totals.peak);
    moments_release(&moments);
}

/* What was higher before a snapshot is another moment's. */
static void test_moment_begins_with_a_snapshot(void **state) {
    (void)state;
    rig_open(&rig, 1);
    rig_alloc(&rig, 0, rig_ticket(&rig), 0x1000000, LARGE, 0);
    rig_alloc(&rig, 0, 0, 0x1000, 500, 0);
    rig_free(&rig, 0, 0, 0x1000);
    const struct snapshot *snapshot = take(SNAPSHOT_REQUEST);
    rig_alloc(&rig, 0, 0, 0x1000, 100, 0);
    rig_drain(&rig);
    struct moments moments;
    assert_true(lifetimes_moments(rig.image, &moments));
    const struct moment *last = &moments.list[moments.count - 1];
    assert_int_equal(last->number, snapshot->moment);
    assert_int_equal(last->bytes, LARGE + 100);
    assert_int_equal(last[-1].bytes, LARGE + 500);
    assert_true(snapshot->blocks[0].birth < snapshot->moment);
    moments_release(&moments);
}

/* More blocks than moments are kept for: now low ones must go. */
static void test_moments_fold(void **state) {
    (void)state;
    const uint32_t count = 3 * MOMENTS_MAX;
    rig_open(&rig, 1);
    for (uint32_t i = 0; i < count; i++)
        rig_alloc(&rig, 0, rig_ticket(&rig), 0x10000000 + i * LARGE, LARGE, 0);
    rig_drain(&rig);
    assert_true(rig.image->moments.count <= MOMENTS_MAX);
    assert_true(rig.image->moments.rest < rig.image->totals.peak);
    assert_true(rig.image->moments.rest > rig.image->totals.peak / 4);
    const struct snapshot *snapshot = take(SNAPSHOT_PEAK);
    struct moments moments;
    assert_true(lifetimes_moments(rig.image, &moments));
    assert_int_equal(highest_without(&moments, snapshot, 0), rig.image->totals.peak);
    moments_release(&moments);
    rig_close(&rig);

    rig_open(&rig, 1); /* all as high as each other: the first ones go */
    struct moments *same = &rig.image->moments;
    struct totals totals = {.live = 1000, .highest = 1000, .moment_highest = 1000};
    for (uint32_t i = 0; i < 2 * MOMENTS_MAX; i++) {
        if (moments_full(same))
            moments_fold(same, 1000);
        moments_next(same, &totals);
    }
    assert_true(same->count > MOMENTS_MAX / 4 && same->count <= MOMENTS_MAX);
    assert_int_equal(same->rest, 1000);
}

/* The timeline shows the highest of each tick, however many moments end in it. */
static void test_timeline_with_moments(void **state) {
    (void)state;
    rig_open(&rig, 1);
    rig_alloc(&rig, 0, rig_ticket(&rig), 0x1000000, 10 * LARGE, 0);
    rig_free(&rig, 0, rig_ticket(&rig), 0x1000000);
    rig_alloc(&rig, 0, rig_ticket(&rig), 0x1000000, LARGE, 0);
    rig_free(&rig, 0, rig_ticket(&rig), 0x1000000);
    image_die(&rig.trace, rig.image);
    rig_drain(&rig);
    uint64_t highest = 0;
    for (uint32_t i = 0; i < rig.image->timeline.count; i++)
        if (rig.image->timeline.points[i].bytes > highest)
            highest = rig.image->timeline.points[i].bytes;
    assert_int_equal(highest, 10 * LARGE);
}

static void test_published_totals(void **state) {
    (void)state;
    rig_open(&rig, 2);
    const struct region *region = rig.image->regions[0].region;
    rig_alloc(&rig, 0, 0, 0x1000, 100, 0);
    rig_alloc(&rig, 0, rig_ticket(&rig), 0x100000, LARGE, 0);
    rig_alloc(&rig, 1, rig_ticket(&rig), 0x2000, 7, 0); /* not of the GIL's ring */
    rig_realloc(&rig, 0, 0x1000, 0, 0x3000, 50, 0);
    rig_realloc(&rig, 0, 0x3000, 0, 0, 5000, 0); /* fails */
    rig_map(&rig, 0, MAPPING_COUNTED, 0x1000000, 8192, 0);
    rig_map(&rig, 0, MAPPING_ARENA, 0x2000000, 8192, 0);
    for (uint32_t i = 0; i < 1000; i++)
        rig_alloc(&rig, 0, 0, 0x40000 + i * 16, 3, 0);
    rig_drain(&rig);
    assert_int_equal(region->sequence % 2, 0);
    assert_true(region->sequence > 0);
    assert_int_equal(region->live, LARGE + 7 + 50 + 8192 + 3000);
    assert_int_equal(region->live, rig.image->totals.live);
    assert_int_equal(region->gil_allocated, 100 + LARGE + 50 + 8192 + 3000);
    assert_int_equal(region->gil_position, rig.rings[0].tail);
    uint32_t sequence = region->sequence;
    rig_drain(&rig);
    assert_int_equal(region->sequence, sequence); /* nothing has moved */
    assert_int_equal(region->mapped, 8192);
    rig_map(&rig, 0, MAPPING_COUNTED, 0x3000000, 0x10000, 0);
    rig_unmap(&rig, 0, 0, 0x3004000, 0x2000); /* from its middle */
    rig_drain(&rig);
    assert_int_equal(region->mapped, 8192 + 0xe000);
    rig_unmap(&rig, 0, 0, 0x1000000, 0x3000000);
    rig_drain(&rig);
    assert_int_equal(region->mapped, 0);
    assert_int_equal(region->live, LARGE + 7 + 50 + 3000);
}

/* Copies */

static int call(const struct join_request *request, const char *name) {
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
    int error = callers_take(&callers, &rig.trace, ends[0], request, name, -1);
    if (error == 0)
        return ends[1];
    close(ends[0]);
    close(ends[1]);
    return -error;
}

static int call_as_copy(uint32_t snapshot) {
    struct join_request request = {.kind = JOIN_GRAPH, .process = 1, .snapshot = snapshot};
    return call(&request, "");
}

/* The reply's status, -1 when there is none yet; its descriptors. */
static int reply_of(int fd, int fds[2]) {
    struct join_reply reply;
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(2 * sizeof(int))];
    } control;
    struct iovec piece = {&reply, sizeof reply};
    struct msghdr message = {.msg_iov = &piece,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    callers_serve(&callers, &rig.trace);
    if (recvmsg(fd, &message, MSG_DONTWAIT) != (ssize_t)sizeof reply)
        return -1;
    if (message.msg_controllen >= CMSG_LEN(2 * sizeof(int)))
        memcpy(fds, CMSG_DATA(&control.header), 2 * sizeof(int));
    return (int)reply.status;
}

static const uint8_t whole[] = {GRAPH_BEGIN, GRAPH_VERSION, 12,   0,    GRAPH_STATS,
                                100,         0xac,          0x02, 0x80, 0x80,
                                0x80,        0x01,          0x80, 0x08, GRAPH_END};

static void bring(uint32_t snapshot, const uint8_t *stream, size_t size) {
    int fds[2] = {-1, -1}, fd = call_as_copy(snapshot);
    assert_true(fd >= 0);
    assert_int_equal(reply_of(fd, fds), 0);
    if (size)
        assert_int_equal(write(fds[1], stream, size), size);
    close(fds[0]);
    close(fds[1]);
    close(fd);
    callers_serve(&callers, &rig.trace);
}

static void test_copy_brings_graph(void **state) {
    (void)state;
    rig_open(&rig, 1);
    rig_alloc(&rig, 0, rig_ticket(&rig), 0x900000, LARGE, 0);
    rig_alloc(&rig, 0, rig_ticket(&rig), 0x100000, 3 * LARGE, 0);
    int fds[2] = {-1, -1}, fd = call_as_copy(1);
    assert_true(fd >= 0);
    assert_int_equal(reply_of(fd, fds), -1); /* the event has not been processed */
    const struct snapshot *snapshot = take(SNAPSHOT_PEAK);
    rig_free(&rig, 0, rig_ticket(&rig), 0x900000); /* later: the list is that moment's */
    rig_drain(&rig);
    assert_int_equal(reply_of(fd, fds), 0);
    struct large_block list[2];
    struct stat status;
    assert_int_equal(fstat(fds[0], &status), 0);
    assert_int_equal(status.st_size, sizeof list);
    assert_int_equal(pread(fds[0], list, sizeof list, 0), sizeof list);
    assert_int_equal(list[0].address, 0x100000);
    assert_int_equal(list[0].size, 3 * LARGE);
    assert_int_equal(list[1].address, 0x900000);
    assert_int_equal(list[1].size, LARGE);
    assert_int_equal(ftruncate(fds[0], sizeof list + 16), -1);
    int twice = call_as_copy(1), none[2];
    assert_int_equal(reply_of(twice, none), ESTALE);
    close(twice);
    assert_true(write(fds[1], whole, 5) == 5 && write(fds[1], whole + 5, sizeof whole - 5) > 0);
    callers_serve(&callers, &rig.trace);
    assert_int_equal(snapshot->state, SNAPSHOT_WALKING);
    shutdown(fd, SHUT_RDWR);
    callers_serve(&callers, &rig.trace);
    assert_int_equal(snapshot->state, SNAPSHOT_ARRIVED);
    assert_int_equal(snapshot->flags, SNAPSHOT_COMPLETE);
    assert_int_equal(snapshot->stream_size, sizeof whole);
    assert_int_equal(snapshot->walk_ns, 1 << 21);
    assert_int_equal(snapshot->copy_bytes, 1024);
    uint8_t back[sizeof whole];
    assert_int_equal(pread(snapshot->stream, back, sizeof back, 0), sizeof back);
    assert_memory_equal(back, whole, sizeof whole);
    close(fd);
    close(fds[0]);
    close(fds[1]);
}

/* The same graph, of frames' locals alone. */
static void make_shallow(uint8_t graph[sizeof whole]) {
    memcpy(graph, whole, sizeof whole);
    graph[3] = GRAPH_SHALLOW;
}

/* The process tells by itself what its copy did not come to. */
static void test_second_offer(void **state) {
    (void)state;
    uint8_t shallow[sizeof whole];
    make_shallow(shallow);
    rig_open(&rig, 1);
    rig_alloc(&rig, 0, rig_ticket(&rig), 0x900000, LARGE, 0);
    const struct snapshot *snapshot = take(SNAPSHOT_PEAK);
    int fds[2] = {-1, -1}, none[2], fd = call_as_copy(1);
    assert_int_equal(reply_of(fd, fds), 0);
    assert_int_equal(write(fds[1], whole, 5), 5);
    int twice = call_as_copy(1);
    assert_int_equal(reply_of(twice, none), ESTALE); /* while the copy works */
    close(twice);
    close(fds[0]);
    close(fds[1]);
    close(fd);
    int early = call_as_copy(1);
    assert_int_equal(reply_of(early, none), -1); /* before the copy's end is seen */
    close(early);
    callers_serve(&callers, &rig.trace);
    bring(1, shallow, sizeof shallow);
    assert_int_equal(snapshot->state, SNAPSHOT_ARRIVED);
    assert_int_equal(snapshot->flags, SNAPSHOT_COMPLETE | SNAPSHOT_IS_SHALLOW);
    assert_int_equal(snapshot->stream_size, sizeof shallow);
    int again = call_as_copy(1);
    assert_int_equal(reply_of(again, none), ESTALE);
    close(again);
}

static void test_copies_that_fail(void **state) {
    (void)state;
    int fds[2];
    rig_open(&rig, 1);
    assert_int_equal(call_as_copy(0), -ESRCH);
    struct join_request request = {.kind = JOIN_GRAPH, .process = 2, .snapshot = 1};
    assert_int_equal(call(&request, ""), -ESRCH);
    const struct snapshot *snapshot = take(SNAPSHOT_PEAK);
    assert_true(snapshots_pending(&rig.trace, rig.image));
    bring(1, whole, 0); /* it died at once */
    assert_int_equal(snapshot->flags, 0);
    assert_int_equal(snapshot->stream, -1);
    assert_false(snapshots_pending(&rig.trace, rig.image));
    snapshot = take(SNAPSHOT_REQUEST);
    bring(2, whole, sizeof whole - 1);
    assert_int_equal(snapshot->flags, 0);
    assert_int_equal(snapshot->stream_size, sizeof whole - 1);
    static const uint8_t shallow[] = {GRAPH_BEGIN, GRAPH_VERSION, 13, GRAPH_SHALLOW, GRAPH_END};
    snapshot = take(SNAPSHOT_REQUEST);
    bring(3, shallow, sizeof shallow);
    assert_int_equal(snapshot->flags, SNAPSHOT_COMPLETE | SNAPSHOT_IS_SHALLOW);
    take(SNAPSHOT_REQUEST);
    int late = call_as_copy(99); /* of a snapshot that never comes */
    image_die(&rig.trace, rig.image);
    rig_drain(&rig);
    assert_true(callers_pending(&callers, &rig.trace)); /* the last one may still come */
    bring(4, whole, sizeof whole);
    assert_int_equal(reply_of(late, fds), ESRCH);
    close(late);
    assert_false(callers_pending(&callers, &rig.trace));
    assert_int_equal(snapshots_find(rig.image, 4)->flags, SNAPSHOT_COMPLETE);
}

static uint64_t top = 0x10000000;

static void grow(uint64_t size) {
    rig_alloc(&rig, 0, rig_ticket(&rig), top, size, 0);
    top += size;
    rig_drain(&rig);
}

/* Those that are kept now, or of these, the ones that are past. */
static void expect_numbers(const char *numbers, bool past) {
    char found[64] = "";
    for (uint32_t i = 0; i < rig.image->snapshots.count; i++)
        if (!past || snapshots_is_past(rig.image, rig.image->snapshots.list[i]))
            snprintf(found + strlen(found), sizeof found - strlen(found), "%s%u", *found ? " " : "",
                     rig.image->snapshots.list[i]->number);
    assert_string_equal(found, numbers);
}

static void expect_kept(const char *numbers) {
    expect_numbers(numbers, false);
}

static void expect_past(const char *numbers) {
    expect_numbers(numbers, true);
}

enum depth { WHOLE, SHALLOW };

static void snap(enum depth depth) {
    uint8_t shallow[sizeof whole];
    make_shallow(shallow);
    const struct snapshot *snapshot = take(SNAPSHOT_PEAK);
    bring(snapshot->number, depth == WHOLE ? whole : shallow, sizeof whole);
}

/* Locals instead of a whole heap, when that was not much smaller; otherwise the later one. */
static void test_shallow_or_whole(void **state) {
    (void)state;
    rig_open(&rig, 1);
    const struct image *image = rig.trace.images[0];
    grow(100 * LARGE);
    snap(WHOLE);
    grow(10 * LARGE);
    snap(SHALLOW);
    assert_int_equal(snapshots_best(image)->number, 1);
    expect_kept("1");
    grow(100 * LARGE);
    snap(SHALLOW);
    assert_int_equal(snapshots_best(image)->number, 3);
    snap(WHOLE);
    assert_int_equal(snapshots_best(image)->number, 4);
    expect_kept("4");
}

/* A smaller whole heap stays beside later locals, one of each. */
static void test_whole_beside_shallow(void **state) {
    (void)state;
    rig_open(&rig, 1);
    grow(20 * LARGE);
    snap(WHOLE);
    grow(40 * LARGE);
    snap(WHOLE);
    grow(40 * LARGE);
    snap(SHALLOW);
    expect_kept("2 3");
    grow(10 * LARGE);
    snap(SHALLOW);
    grow(LARGE);
    expect_kept("2 4");
    expect_past("");
    assert_int_equal(snapshots_best(rig.image)->number, 4);
    rig_free(&rig, 0, rig_ticket(&rig), top - 51 * LARGE);
    rig_drain(&rig);
    snap(WHOLE);
    expect_kept("2 4 5");
    expect_past("5"); /* before the peak there was one of as much */
    grow(300 * LARGE);
    snap(SHALLOW);
    expect_kept("6"); /* of far more */
    rig_close(&rig);

    rig_open(&rig, 1); /* the whole one comes later, of less, below a peak to come */
    grow(20 * LARGE);
    snap(SHALLOW);
    rig_free(&rig, 0, rig_ticket(&rig), top - 20 * LARGE);
    grow(10 * LARGE);
    snap(WHOLE);
    grow(11 * LARGE);
    snap(SHALLOW);
    expect_kept("2 3");
}

static void test_which_are_kept(void **state) {
    (void)state;
    rig_open(&rig, 1);
    take(SNAPSHOT_PEAK);
    bring(1, whole, sizeof whole);
    grow(LARGE);
    take(SNAPSHOT_PEAK);
    expect_kept("1 2"); /* the second has no graph yet */
    bring(2, whole, sizeof whole);
    expect_kept("2");
    take(SNAPSHOT_PEAK); /* after the peak, for now */
    rig_free(&rig, 0, rig_ticket(&rig), top - LARGE);
    rig_drain(&rig);
    bring(3, whole, 3);
    expect_kept("2"); /* not complete */
    take(SNAPSHOT_PEAK);
    bring(4, whole, sizeof whole);
    expect_kept("2 4");
    assert_int_equal(snapshots_best(rig.image)->number, 2);
    expect_past("4"); /* were it to end now */
    take(SNAPSHOT_REQUEST);
    bring(5, whole, sizeof whole);
    take(SNAPSHOT_CEILING);
    bring(6, whole, sizeof whole);
    take(SNAPSHOT_CEILING);
    bring(7, whole, sizeof whole);
    expect_kept("2 4 5 6");
    expect_past("4");
    assert_int_equal(snapshots_best(rig.image)->number, 2);
    grow(3 * LARGE); /* the peak is passed again */
    take(SNAPSHOT_PEAK);
    bring(8, whole, sizeof whole);
    expect_kept("5 6 8");
    expect_past("");
    assert_int_equal(snapshots_best(rig.image)->number, 8);
}

/* One from after the peak is kept to the end where it tells of more. */
static void test_which_are_past(void **state) {
    (void)state;
    rig_open(&rig, 1);
    grow(4 * LARGE);
    snap(SHALLOW);
    grow(2 * LARGE);
    rig_free(&rig, 0, rig_ticket(&rig), top - 2 * LARGE);
    rig_drain(&rig);
    snap(WHOLE);
    expect_past("");
    rig_close(&rig);
    rig_open(&rig, 1);
    grow(LARGE);
    snap(WHOLE); /* far below */
    grow(LARGE);
    grow(LARGE);
    rig_free(&rig, 0, rig_ticket(&rig), top - LARGE);
    rig_drain(&rig);
    snap(WHOLE);
    expect_past("");
}

static void test_bounds(void **state) {
    (void)state;
    rig_open(&rig, 1);
    for (uint32_t i = 1; i <= 40; i++) {
        take(SNAPSHOT_REQUEST);
        if (i <= SNAPSHOTS_REQUESTED_MAX)
            bring(i, whole, sizeof whole);
    }
    assert_int_equal(rig.image->snapshots.count, SNAPSHOTS_REQUESTED_MAX);
    for (uint32_t i = 0; i < 40; i++)
        take(SNAPSHOT_PEAK); /* whose copies do not come */
    assert_true(rig.image->snapshots.count <= SNAPSHOTS_MAX);
    rig_snapshot(&rig, 0, 80, SNAPSHOT_PEAK, 0, 0); /* a number that was */
    rig_drain(&rig);
    assert_true(rig.image->flags & PROCESS_DAMAGED);
}

/* A large stream of no meaning, by a file that has holes. */
static void bring_much(uint32_t snapshot, uint64_t size) {
    int fds[2] = {-1, -1}, fd = call_as_copy(snapshot);
    assert_int_equal(reply_of(fd, fds), 0);
    assert_int_equal(lseek(fds[1], (off_t)size - 1, SEEK_SET), size - 1);
    assert_int_equal(write(fds[1], "\x0a", 1), 1);
    close(fds[0]);
    close(fds[1]);
    close(fd);
    callers_serve(&callers, &rig.trace);
}

static void test_budget_of_graphs(void **state) {
    (void)state;
    rig_open(&rig, 1);
    grow(LARGE);
    for (uint32_t i = 1; i <= 3; i++) {
        take(i == 1 ? SNAPSHOT_PEAK : SNAPSHOT_REQUEST);
        bring_much(i, 100u << 20);
    }
    assert_true(snapshots_find(rig.image, 1)->stream_size > 0);
    assert_int_not_equal(snapshots_find(rig.image, 2)->left_out,
                         snapshots_find(rig.image, 3)->left_out);
    /* The kernel holds a stream to its bound. */
    take(SNAPSHOT_REQUEST);
    int fds[2] = {-1, -1}, fd = call_as_copy(4);
    assert_int_equal(reply_of(fd, fds), 0);
    assert_int_equal(lseek(fds[1], (off_t)GRAPH_STREAM_MAX, SEEK_SET), GRAPH_STREAM_MAX);
    assert_int_equal(write(fds[1], whole, 1), -1);
    assert_int_equal(ftruncate(fds[1], 0), -1);
    close(fds[0]);
    close(fds[1]);
    close(fd);
}

/* At the door */

static unsigned open_descriptors(void) {
    unsigned count = 0;
    for (int fd = 0; fd < 1024; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

/* Without the token, which a stranger does not have, and with so many descriptors. */
static void knock(struct join_point *point, uint32_t descriptors) {
    struct join_request request = {.version = WIRE_VERSION, .kind = JOIN_PROFILE};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(point->name);
    memcpy(address.sun_path + 1, point->name, length);
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(3 * sizeof(int))];
    } control = {0};
    struct iovec piece = {&request, sizeof request};
    struct msghdr message = {.msg_iov = &piece,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = CMSG_SPACE(descriptors * sizeof(int))};
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = CMSG_LEN(descriptors * sizeof(int));
    memset(CMSG_DATA(&control.header), 0, descriptors * sizeof(int)); /* all are standard input */
    int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address,
                             (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length)),
                     0);
    assert_int_equal(sendmsg(fd, &message, 0), (ssize_t)sizeof request);
    join_serve(point, &rig.trace);
    close(fd);
}

/* Whoever is refused leaves no descriptor behind. */
static void test_strangers(void **state) {
    (void)state;
    struct join_point point = {.follow = true};
    rig_open(&rig, 1);
    struct session_page *page = join_open(&point);
    assert_non_null(page);
    unsigned before = open_descriptors();
    for (uint32_t descriptors = 1; descriptors <= 3; descriptors++)
        knock(&point, descriptors);
    assert_int_equal(open_descriptors(), before);
    assert_int_equal(point.refused, 3);
    munmap(page, WIRE_PAGE);
    close(point.page_fd);
    close(point.listener);
}

static int ask(const char *name, uint32_t pid) {
    struct join_request request = {.kind = JOIN_SNAPSHOT, .pid = pid};
    return call(&request, name);
}

static void test_asking(void **state) {
    (void)state;
    int fds[2];
    rig_open(&rig, 1);
    const struct region *region = rig.image->regions[0].region;
    assert_int_equal(ask("x", 77), -ESRCH);
    int first = ask("after loading", 1000);
    assert_true(first >= 0);
    assert_int_equal(region->request, 1);
    assert_int_equal(ask("too soon", 1000), -EBUSY);
    assert_int_equal(region->request, 1);
    take(SNAPSHOT_PEAK); /* not the one */
    bring(1, whole, sizeof whole);
    assert_int_equal(reply_of(first, fds), -1);
    const struct snapshot *snapshot = take(SNAPSHOT_REQUEST);
    assert_string_equal(snapshot->name, "after loading");
    assert_int_equal(reply_of(first, fds), -1); /* its graph is not there */
    int copy = call_as_copy(2);
    assert_int_equal(reply_of(copy, fds), 0);
    assert_true(write(fds[1], whole, sizeof whole) > 0);
    close(fds[0]);
    close(fds[1]);
    close(copy);
    callers_serve(&callers, &rig.trace);
    assert_int_equal(reply_of(first, fds), 0);
    close(first);
    int left = ask("given up", 1000);
    close(left);
    int second = ask("", 1000);
    assert_int_equal(region->request, 3);
    snapshot = take(SNAPSHOT_REQUEST);
    assert_string_equal(snapshot->name, "");
    bring(3, whole, 4);
    assert_int_equal(reply_of(second, fds), EIO);
    close(second);
    int third = ask("never", 1000);
    image_die(&rig.trace, rig.image);
    rig_drain(&rig);
    assert_int_equal(reply_of(third, fds), ESRCH);
    close(third);
    assert_int_equal(ask("x", 1000), -ESRCH);
}

static void test_pauses(void **state) {
    (void)state;
    rig_open(&rig, 1);
    struct region *region = rig.image->regions[0].region;
    const struct snapshot *first = take(SNAPSHOT_PEAK);
    region->snapshot_ns = 3000000;
    region->snapshots = 1;
    bring(1, whole, sizeof whole);
    assert_int_equal(first->pause_ns, 3000000);
    region->snapshot_ns = 7000000;
    region->snapshots = 2; /* the program has gone on before its event is processed */
    drain_pass(&rig.trace);
    region->snapshot_ns += 999; /* a wait */
    drain_pass(&rig.trace);
    region->snapshots = 3; /* is being taken */
    drain_pass(&rig.trace);
    region->snapshot_ns += 5000000;
    drain_pass(&rig.trace);
    const struct snapshot *second = take(SNAPSHOT_REQUEST);
    bring(2, whole, sizeof whole);
    assert_int_equal(second->pause_ns, 4000000);
    assert_int_equal(first->pause_ns, 3000000);
    assert_int_equal(take(SNAPSHOT_REQUEST)->pause_ns, 5000000);
    image_refresh(rig.image);
    assert_int_equal(rig.image->snapshots_taken, 3);
    assert_int_equal(rig.image->snapshot_ns, 12000999);
}

static void test_without_holders(void **state) {
    (void)state;
    rig_open(&rig, 1);
    rig.trace.holders = false;
    grow(LARGE);
    assert_null(take(SNAPSHOT_PEAK));
    assert_int_equal(rig.image->large.count, 0);
    assert_int_equal(rig.image->moments.passed, 0);
    assert_int_equal(ask("x", 1000), -EOPNOTSUPP);
}

#define CLOSED(test) cmocka_unit_test_teardown(test, close_rig)

int main(void) {
    const struct CMUnitTest tests[] = {
        CLOSED(test_list_of_blocks),
        CLOSED(test_overlaps_are_dropped),
        CLOSED(test_reallocations),
        CLOSED(test_mappings),
        CLOSED(test_table_agrees),
        CLOSED(test_moments_against_history),
        CLOSED(test_moments_fold),
        CLOSED(test_moment_begins_with_a_snapshot),
        CLOSED(test_timeline_with_moments),
        CLOSED(test_published_totals),
        CLOSED(test_copy_brings_graph),
        CLOSED(test_second_offer),
        CLOSED(test_copies_that_fail),
        CLOSED(test_shallow_or_whole),
        CLOSED(test_whole_beside_shallow),
        CLOSED(test_which_are_kept),
        CLOSED(test_which_are_past),
        CLOSED(test_bounds),
        CLOSED(test_budget_of_graphs),
        CLOSED(test_asking),
        CLOSED(test_pauses),
        CLOSED(test_without_holders),
        CLOSED(test_strangers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
