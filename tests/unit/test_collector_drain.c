/* The merge and the sums: totals, peaks, order between rings, damage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rig.h"
#include "wire/profile.h"

static struct rig rig;

static int close_rig(void **state) {
    (void)state;
    rig_close(&rig);
    return 0;
}

static void test_peak_by_site(void **state) {
    (void)state;
    rig_open(&rig, 1);
    rig_node(&rig, 0, 1, 0, 10);
    rig_node(&rig, 0, 2, 1, 20);
    rig_alloc(&rig, 0, 0, 0x1000, 100, 1);
    rig_alloc(&rig, 0, 0, 0x2000, 50, 2);
    rig_free(&rig, 0, 0, 0x1000);
    rig_alloc(&rig, 0, 0, 0x3000, 60, 2);
    rig_free(&rig, 0, 0, 0x3000);
    rig_free(&rig, 0, 0, 0x7777000); /* unknown */
    rig_drain(&rig);
    assert_int_equal(rig.image->totals.peak, 150);
    assert_int_equal(rig.image->totals.live, 50);
    assert_int_equal(rig_peak_bytes(rig.image, 1, BLOCK_HEAP), 100);
    assert_int_equal(rig_peak_bytes(rig.image, 2, BLOCK_HEAP), 50);
    assert_int_equal(rig.image->frees, 2);
    assert_int_equal(rig.trace.totals.peak, 150);
}

static void test_sizes_of_any_width(void **state) {
    (void)state;
    const uint64_t sizes[] = {0, 1, 0xfffffffe, 0xffffffff, 0x100000000, 0x123456789ab};
    uint64_t sum = 0;
    rig_open(&rig, 1);
    for (unsigned i = 0; i < 6; i++) {
        rig_alloc(&rig, 0, 0, 0x1000 + i * 16, sizes[i], 0);
        sum += sizes[i];
    }
    rig_drain(&rig);
    assert_int_equal(rig.image->totals.live, sum);
    for (unsigned i = 0; i < 6; i++)
        rig_free(&rig, 0, 0, 0x1000 + i * 16);
    rig_drain(&rig);
    assert_int_equal(rig.image->totals.live, 0);
    assert_int_equal(rig.image->totals.peak, sum);
}

static void test_reallocation(void **state) {
    (void)state;
    rig_open(&rig, 1);
    rig_alloc(&rig, 0, 0, 0x1000, 100, 0);
    rig_realloc(&rig, 0, 0x1000, 0, 0x1000, 150, 0); /* in place */
    rig_drain(&rig);
    assert_int_equal(rig.image->totals.peak, 150);
    rig_realloc(&rig, 0, 0x1000, 0, 0x2000, 200, 0); /* moved: both existed */
    rig_drain(&rig);
    assert_int_equal(rig.image->totals.peak, 350);
    assert_int_equal(rig.image->totals.live, 200);
    rig_realloc(&rig, 0, 0x2000, REALLOC_REMAPPED, 0x3000, 360, 0);
    rig_drain(&rig);
    assert_int_equal(rig.image->totals.peak, 360);
    rig_realloc(&rig, 0, 0x3000, 0, 0, 1 << 20, 0); /* failed */
    rig_free(&rig, 0, 0, 0x3000);
    rig_drain(&rig);
    assert_int_equal(rig.image->totals.live, 0);
    rig_alloc(&rig, 0, 0, 0x1000, 10, 0);
    rig_realloc(&rig, 0, 0x1000, REALLOC_FREED, 0, 0, 0);
    rig_realloc(&rig, 0, 0x9000, 0, 0x9000, 7, 0); /* of a block that was not known */
    rig_drain(&rig);
    assert_int_equal(rig.image->totals.live, 7);
    rig_put(&rig, 0, event_word(EVENT_REALLOC_BEGIN, 0, 0, 0x9000), NULL, 0); /* and death */
    rig_drain(&rig);
    assert_int_equal(rig.image->totals.live, 7);
}

static void test_address_taken_twice(void **state) {
    (void)state;
    rig_open(&rig, 1);
    rig_alloc(&rig, 0, 0, 0x1000, 100, 0);
    rig_alloc(&rig, 0, 0, 0x1000, 30, 0);
    rig_drain(&rig);
    assert_int_equal(rig.image->totals.live, 30);
    assert_int_equal(rig.image->totals.peak, 100);
    assert_int_equal(rig.image->lost_frees, 1);
}

/* A GIL ring's free without a ticket happened before a native thread's allocation of the address.
 */
static void test_gil_ring_goes_first(void **state) {
    (void)state;
    rig_open(&rig, 2);
    rig_alloc(&rig, 0, 0, 0x1000, 100, 0);
    rig_free(&rig, 0, 0, 0x1000);
    rig_alloc(&rig, 1, rig_ticket(&rig), 0x1000, 60, 0);
    rig_drain(&rig);
    assert_int_equal(rig.image->totals.peak, 100);
    assert_int_equal(rig.image->totals.live, 60);
    assert_int_equal(rig.image->lost_frees, 0);
}

/* What follows a NOTE waits for the tickets below it, which may be committed later. */
static void test_note_waits(void **state) {
    (void)state;
    rig_open(&rig, 3);
    rig_alloc(&rig, 1, rig_ticket(&rig), 0x1000, 100, 0);
    uint64_t first = rig_ticket(&rig);
    rig_note(&rig, 0, first + 1);
    rig_alloc(&rig, 0, 0, 0x1000, 40, 0);
    for (int i = 0; i < 5; i++)
        drain_pass(&rig.trace);
    assert_int_equal(rig.image->totals.live, 100);
    rig_free(&rig, 2, first, 0x1000);
    rig_drain(&rig);
    assert_int_equal(rig.image->totals.live, 40);
    assert_int_equal(rig.image->totals.peak, 100);
    assert_int_equal(rig.image->lost_frees, 0);
}

/* A ticket whose taker died holds nobody up. */
static void test_gap_of_the_dead(void **state) {
    (void)state;
    rig_open(&rig, 2);
    rig_ticket(&rig);
    rig_alloc(&rig, 1, rig_ticket(&rig), 0x1000, 100, 0);
    drain_pass(&rig.trace);
    assert_int_equal(rig.image->totals.live, 0);
    image_die(&rig.trace, rig.image);
    rig_drain(&rig);
    assert_int_equal(rig.image->totals.live, 100);
    assert_int_equal(rig.image->state, IMAGE_ENDED);
    assert_int_equal(rig.trace.gaps, 1);
}

static void test_gap_nobody_can_fill(void **state) {
    (void)state;
    rig_open(&rig, 3);
    rig_ticket(&rig);
    atomic_store(&rig.rings[2].ring->owner, 0);
    uint64_t ticket = rig_ticket(&rig);
    rig_note(&rig, 0, ticket + 1);
    rig_alloc(&rig, 0, 0, 0x2000, 1, 0);
    rig_alloc(&rig, 1, ticket, 0x1000, 100, 0);
    drain_pass(&rig.trace); /* ring 1 might still have it: its own first ticket is later, though */
    rig_drain(&rig);
    assert_int_equal(rig.image->totals.live, 101);
}

static void test_processes(void **state) {
    (void)state;
    rig_open(&rig, 1);
    struct image *child = rig_image(&rig, 1001, 1);
    rig_alloc(&rig, 0, 0, 0x1000, 100, 0);
    rig_alloc(&rig, 1, 0, 0x1000, 70, 0);
    rig_drain(&rig);
    assert_int_equal(rig.trace.totals.peak, 170);
    rig_mark(&rig, 0, MARK_REAPED, 9ull << 32 | 1001);
    rig_alloc(&rig, 0, rig_ticket(&rig), 0x2000, 65, 0);
    rig_drain(&rig);
    assert_int_equal(rig.trace.totals.peak, 170);
    assert_int_equal(rig.trace.totals.live, 165);
    assert_int_equal(child->state, IMAGE_ENDED);
    assert_true(child->has_status);
    assert_int_equal(child->status, 9);
    rig_alloc(&rig, 0, 0, 0x3000, 10, 0);
    rig_drain(&rig);
    assert_int_equal(rig.trace.totals.peak, 175);
}

static void test_exec(void **state) {
    (void)state;
    rig_open(&rig, 1);
    struct image *other = rig_image(&rig, 1001, 1);
    rig_alloc(&rig, 1, 0, 0x1000, 70, 0);
    rig_alloc(&rig, 0, 0, 0x1000, 100, 0);
    rig_drain(&rig);
    rig_mark(&rig, 1, MARK_EXEC, 0);
    rig_drain(&rig);
    assert_int_equal(rig.trace.totals.live, 100);
    rig_alloc(&rig, 0, 0, 0x2000, 200, 0);
    rig_drain(&rig);
    assert_int_equal(rig.trace.totals.peak, 300);
    rig_mark(&rig, 1, MARK_EXEC_FAILED, 0);
    rig_drain(&rig);
    assert_int_equal(rig.trace.totals.live, 370);
    assert_int_equal(rig.trace.totals.peak, 370);
    rig_mark(&rig, 1, MARK_EXEC, 0);
    rig_drain(&rig);
    image_die(&rig.trace, other);
    rig_drain(&rig);
    assert_int_equal(rig.trace.totals.live, 300);
}

static void expect_damage(uint64_t word, const uint64_t *words, uint32_t count) {
    rig_open(&rig, 2);
    rig_alloc(&rig, 0, 0, 0x1000, 5, 0);
    rig_alloc(&rig, 1, rig_ticket(&rig), 0x2000, 6, 0);
    rig_put(&rig, 0, word, words, count);
    rig_alloc(&rig, 0, 0, 0x3000, 50, 0);
    rig_drain(&rig);
    assert_int_equal(rig.image->totals.live, 11);
    assert_true(rig.image->flags & PROCESS_DAMAGED);
    assert_int_equal(rig.trace.warning_count, 1);
    assert_int_equal(atomic_load(&rig.rings[0].ring->head), rig.rings[0].tail);
    rig_close(&rig);
}

static void test_damage(void **state) {
    (void)state;
    uint64_t node5 = event_size_node(5, 1), node0 = event_size_node(0, 1);
    uint64_t parent[] = {(uint64_t)7 << 32, 0}, code[] = {9, 0}, far[] = {1ull << 40, node0};
    uint64_t sizes[] = {0, 8ull << 32 | 8, 8}, range[] = {~0ull - 100, 0}, wide[] = {node0, ~0ull};
    expect_damage(0, NULL, 0);
    expect_damage(event_word(EVENT_ALLOC, 0, 0, 0x5000), &node5, 1);
    expect_damage(event_word(EVENT_ALLOC, 3, 0, 0x5000), &node0, 1);
    expect_damage(event_word(EVENT_ALLOC, 0, 0, 0), &node0, 1);
    expect_damage(event_word(EVENT_ALLOC, 0, EVENT_WIDE, 0x5000), wide, 2);
    expect_damage(event_word(EVENT_ALLOC, 0, 0, 0x5000) | EVENT_TICKET_BIT, far, 2);
    expect_damage(event_word(EVENT_NOTE, 0, 0, 1ull << 40), NULL, 0);
    expect_damage(event_word(EVENT_NODE, 0, 0, 1), parent, 2);
    expect_damage(event_word(EVENT_NODE, 0, 0, 1), code, 2);
    expect_damage(event_word(EVENT_NODE, 0, 0, 2), range, 2);
    expect_damage(event_word(EVENT_CODE, 0, 0, 1), sizes, 3);
    expect_damage(event_word(EVENT_MAP, 2, 0, 0x1000), range, 2);
    expect_damage(event_word(EVENT_MAP, 2, 77, 0x1000), sizes, 2);
    expect_damage(event_word(EVENT_PROTECT, 2, 9, 0x1000), sizes, 2);
    expect_damage(event_word(EVENT_TEXT, 0, 0, EVENT_TEXT_MAX + 1), NULL, 0);
    expect_damage(event_word(EVENT_PAD, 0, 0, 24u << 20), NULL, 0);
    expect_damage(event_word(EVENT_MARK, 0, 99, 0), NULL, 0);
    rig_open(&rig, 1);
}

static void test_tail_out_of_bounds(void **state) {
    (void)state;
    rig_open(&rig, 2);
    rig_alloc(&rig, 1, rig_ticket(&rig), 0x2000, 6, 0);
    atomic_store(&rig.rings[0].ring->tail, GIL_RING_SIZE + 8);
    rig_drain(&rig);
    assert_true(rig.image->flags & PROCESS_DAMAGED);
    assert_int_equal(rig.image->totals.live, 6);
    atomic_store(&rig.rings[1].ring->tail, 0);
    rig_drain(&rig);
    assert_int_equal(rig.image->totals.live, 6);
}

/* One ring, against a plain model that copies all sites at each new peak. */
static void test_random_against_model(void **state) {
    (void)state;
    enum { SLOTS = 500, NODES = 20 };
    static uint64_t size[SLOTS], site[NODES], at_peak[NODES];
    static uint32_t node[SLOTS];
    uint64_t live = 0, peak = 0;
    memset(size, 0, sizeof size);
    memset(site, 0, sizeof site);
    rig_open(&rig, 1);
    for (uint32_t i = 1; i < NODES; i++)
        rig_node(&rig, 0, i, i - 1, i);
    for (int i = 0; i < 300000; i++) {
        uint32_t slot = (uint32_t)rand() % SLOTS;
        if (size[slot]) {
            rig_free(&rig, 0, 0, 0x10000 + slot * 16);
            site[node[slot]] -= size[slot];
            live -= size[slot];
            size[slot] = 0;
            continue;
        }
        size[slot] = 1 + (uint64_t)rand() % (rand() % 100 ? 1000 : 100000);
        node[slot] = (uint32_t)rand() % NODES;
        rig_alloc(&rig, 0, 0, 0x10000 + slot * 16, size[slot], node[slot]);
        site[node[slot]] += size[slot];
        live += size[slot];
        if (live > peak) {
            peak = live;
            memcpy(at_peak, site, sizeof site);
        }
    }
    rig_drain(&rig);
    assert_int_equal(rig.image->totals.live, live);
    assert_int_equal(rig.image->totals.peak, peak);
    for (uint32_t i = 0; i < NODES; i++)
        assert_int_equal(rig_peak_bytes(rig.image, i, BLOCK_HEAP), at_peak[i]);
}

/* Two processes, against a plain model that copies all sites at each new peak, of a process and of
 * the tree. Which comes first is known, because only one of them writes between two drains. */
enum { TREE_PROCESSES = 2, TREE_NODES = 12, TREE_SLOTS = 8000 };

struct model_sites {
    uint64_t bytes[TREE_NODES], blocks[TREE_NODES];
};

struct model_process {
    uint64_t size[TREE_SLOTS]; /* + 1; 0: free */
    uint32_t node[TREE_SLOTS];
    struct model_sites now, peak, tree, total;
    uint64_t live, highest, lost_frees, allocations, frees;
};

struct model {
    struct model_process processes[TREE_PROCESSES];
    uint64_t highest;
};

static void model_add(struct model_process *process, uint32_t slot, uint64_t size, uint32_t node) {
    process->size[slot] = size + 1;
    process->node[slot] = node;
    process->now.bytes[node] += size;
    process->now.blocks[node]++;
    process->total.bytes[node] += size;
    process->total.blocks[node]++;
    process->live += size;
}

static void model_remove(struct model_process *process, uint32_t slot) {
    uint64_t size = process->size[slot] - 1;
    process->size[slot] = 0;
    process->now.bytes[process->node[slot]] -= size;
    process->now.blocks[process->node[slot]]--;
    process->live -= size;
}

static void model_peaks(struct model *model, struct model_process *process) {
    uint64_t live = 0;
    if (process->live > process->highest) {
        process->highest = process->live;
        process->peak = process->now;
    }
    for (int i = 0; i < TREE_PROCESSES; i++)
        live += model->processes[i].live;
    if (live <= model->highest)
        return;
    model->highest = live;
    for (int i = 0; i < TREE_PROCESSES; i++)
        model->processes[i].tree = model->processes[i].now;
}

enum sizes { SIZES_TINY, SIZES_SMALL, SIZES_ALL };

/* All: also some that are followed as large blocks, and that need more than 32 bits. */
static uint64_t random_size(enum sizes sizes) {
    if (sizes == SIZES_ALL && rand() % 2000 == 0)
        return (1ul << 32) + (uint64_t)rand();
    if (sizes == SIZES_ALL && rand() % 50 == 0)
        return (uint64_t)rand() % 400000;
    return (uint64_t)rand() % (sizes == SIZES_TINY ? 3 : 1000);
}

/* In place, or to another address, which may be taken; one in twenty fails, or moves its pages. */
static void tree_reallocation(struct model *model, uint32_t number, enum sizes sizes) {
    struct model_process *process = &model->processes[number];
    uint32_t from = (uint32_t)rand() % TREE_SLOTS, node = (uint32_t)rand() % TREE_NODES;
    uint32_t to = rand() % 3 ? (uint32_t)rand() % TREE_SLOTS : from;
    uint64_t size = random_size(sizes), address = 0x10000 + from * 16ull;
    bool remapped = rand() % 20 == 0, known = process->size[from] != 0;
    if (rand() % 20 == 0) {
        rig_realloc(&rig, number, address, 0, 0, size, node);
        return;
    }
    bool twice = known && from != to && !remapped;
    if (known && !twice)
        model_remove(process, from);
    process->lost_frees += process->size[to] != 0;
    if (process->size[to])
        model_remove(process, to);
    model_add(process, to, size, node);
    model_peaks(model, process);
    if (twice)
        model_remove(process, from);
    process->allocations++;
    process->frees += known;
    rig_realloc(&rig, number, address, remapped ? REALLOC_REMAPPED : 0, 0x10000 + to * 16ull, size,
                node);
}

/* `growing`: percent of blocks that begin. Now and then an end got lost, or something unknown ends.
 */
static void tree_event(struct model *model, uint32_t number, int growing, enum sizes sizes) {
    struct model_process *process = &model->processes[number];
    uint32_t slot = (uint32_t)rand() % TREE_SLOTS, node = (uint32_t)rand() % TREE_NODES;
    uint64_t address = 0x10000 + slot * 16ull;
    if (rand() % 8 == 0) {
        tree_reallocation(model, number, sizes);
    } else if (rand() % 100 < growing && (!process->size[slot] || rand() % 40 == 0)) {
        uint64_t size = random_size(sizes);
        process->lost_frees += process->size[slot] != 0;
        if (process->size[slot])
            model_remove(process, slot);
        model_add(process, slot, size, node);
        model_peaks(model, process);
        process->allocations++;
        rig_alloc(&rig, number, 0, address, size, node);
    } else if (process->size[slot] || rand() % 20 == 0) {
        process->frees += process->size[slot] != 0;
        if (process->size[slot])
            model_remove(process, slot);
        rig_free(&rig, number, 0, address);
    }
}

static void check_site(const struct model_process *process, const struct image *image,
                       uint32_t number) {
    const struct sites *sites = &image->sites;
    struct site_value peak = site_at_peak(sites, number, image->totals.peak_seq);
    struct site_value tree =
        site_at_tree_peak(sites, number, image->totals.peak_seq, rig.trace.totals.peak_seq);
    struct site_value live = site_live(sites, number);
    uint32_t node = sites->list[number].node;
    assert_int_equal(live.bytes, process->now.bytes[node]);
    assert_int_equal(live.blocks, process->now.blocks[node]);
    assert_int_equal(peak.bytes, process->peak.bytes[node]);
    assert_int_equal(peak.blocks, process->peak.blocks[node]);
    assert_int_equal(tree.bytes, process->tree.bytes[node]);
    assert_int_equal(tree.blocks, process->tree.blocks[node]);
    assert_int_equal(site_total_bytes(sites, number), process->total.bytes[node]);
    assert_int_equal(site_total_blocks(sites, number), process->total.blocks[node]);
}

static void check_tree(const struct model *model) {
    rig_drain(&rig);
    assert_int_equal(rig.trace.totals.peak, model->highest);
    for (uint32_t i = 0; i < rig.trace.image_count; i++) {
        const struct model_process *process = &model->processes[i];
        const struct image *image = rig.trace.images[i];
        assert_int_equal(image->totals.live, process->live);
        assert_int_equal(image->totals.peak, process->highest);
        assert_int_equal(image->lost_frees, process->lost_frees);
        assert_int_equal(image->allocations, process->allocations);
        assert_int_equal(image->frees, process->frees);
        for (uint32_t s = 0; s < image->sites.count; s++)
            check_site(process, image, s);
    }
}

static void tree_nodes(uint32_t number) {
    for (uint32_t i = 1; i < TREE_NODES; i++)
        rig_node(&rig, number, i, i - 1, i);
}

/* The second process comes late: until then the tree's peak is the first one's. Numbers of changes
 * are left out now and then, so many that their lower halves begin anew some dozens of times. */
static void compare_tree(enum sizes sizes) {
    static struct model model;
    memset(&model, 0, sizeof model);
    rig_open(&rig, 1);
    tree_nodes(0);
    for (int round = 0; round < 6000; round++) {
        uint32_t number = (uint32_t)rand() % rig.trace.image_count;
        if (round == 700) {
            rig_image(&rig, 1001, 1);
            tree_nodes(1);
        }
        bool far = rand() % 40 == 0;
        if (far && !trace_rebase_is_due(&rig.trace)) /* a collector looks before each event */
            rig.trace.seq += 1ul << 30;
        int growing = round / 300 % 2 ? 35 + round / 300 : 75; /* it falls less deep each time */
        for (int left = rand() % 150; left > 0; left--)
            tree_event(&model, number, growing, sizes);
        check_tree(&model);
    }
    assert_true(model.processes[0].highest > model.processes[0].live);
    assert_true(rig.trace.seq >> 32 > 20);
    rig_close(&rig);
}

static void test_tree_against_model(void **state) {
    (void)state;
    compare_tree(SIZES_TINY);
    compare_tree(SIZES_SMALL);
    compare_tree(SIZES_ALL);
    rig_open(&rig, 1);
}

/* Many chunks of few places, against plain sums: a window of addresses that moves on, and leaves
 * those behind it for good, so that the table grows by quarters and is swept while it is used. */
enum { FAR_SLOTS = 130000, FAR_WINDOW = 40000 };

struct far_model {
    uint64_t size[FAR_SLOTS + FAR_WINDOW]; /* 0: free */
    uint64_t live, peak, allocations, frees;
};

/* Four in 2 KiB: two of one chunk, and one that is not aligned. */
static uint64_t far_address(uint32_t slot) {
    static const uint64_t places[] = {0, 48, 1029, 1536};
    return 0x7f0000000000 + slot / 4 * 2048ull + places[slot % 4];
}

static void far_flip(struct far_model *model, uint32_t slot) {
    if (model->size[slot]) {
        model->live -= model->size[slot];
        model->size[slot] = 0;
        model->frees++;
        rig_free(&rig, 0, 0, far_address(slot));
        return;
    }
    model->size[slot] = 1 + (uint64_t)rand() % 1000;
    model->live += model->size[slot];
    model->peak = model->live > model->peak ? model->live : model->peak;
    model->allocations++;
    rig_alloc(&rig, 0, 0, far_address(slot), model->size[slot], 0);
}

static void far_check(const struct far_model *model) {
    rig_drain(&rig); /* the table is valid */
    assert_int_equal(rig.image->totals.live, model->live);
    assert_int_equal(rig.image->totals.peak, model->peak);
    assert_int_equal(rig.image->allocations, model->allocations);
    assert_int_equal(rig.image->frees, model->frees);
    assert_int_equal(rig.image->lost_frees, 0);
}

static void test_many_chunks(void **state) {
    (void)state;
    static struct far_model model;
    uint64_t most = 0, growing = 0, sweeping = 0;
    uint32_t last = 0;
    rig_open(&rig, 1);
    const struct chunks *chunks = &rig.image->blocks.chunks;
    for (uint32_t first = 0; first < FAR_SLOTS; first++) {
        for (int i = 0; i < 4; i++) {
            /* Some near the one before, in the same batch. */
            last =
                rand() % 3 ? first + (uint32_t)rand() % FAR_WINDOW : last ^ ((uint32_t)rand() & 1);
            last = last < first ? first : last;
            if (model.size[last] == 0 || rand() % 3 == 0)
                far_flip(&model, last);
        }
        if (model.size[first])
            far_flip(&model, first);
        if (first % 32 == 0)
            drain_pass(&rig.trace);
        if (first % 8000 == 0)
            far_check(&model);
        most = chunks->count > most ? chunks->count : most;
        growing += chunks->old_capacity >= 16384;
        sweeping += chunks->to_sweep != 0;
    }
    for (uint32_t slot = 0; slot < FAR_SLOTS + FAR_WINDOW; slot++)
        if (model.size[slot])
            far_flip(&model, slot);
    far_check(&model);
    assert_true(most > 20000 && growing > 0 && sweeping > 0);
}

/* 64 rings of two processes share few addresses and hand their blocks to each other. Every ring
 * holds back a random number of records, so that tickets are committed in any order. */
#define MANY 64u
#define HELD_MAX 8u

struct pending {
    uint64_t ticket, address, size;
};

static struct pending pending[MANY][HELD_MAX];
static uint32_t pending_count[MANY];

static void commit_one(uint32_t ring) {
    struct pending first = pending[ring][0];
    memmove(&pending[ring][0], &pending[ring][1], sizeof first * --pending_count[ring]);
    if (first.size)
        rig_alloc(&rig, ring, first.ticket, first.address, first.size, 0);
    else
        rig_free(&rig, ring, first.ticket, first.address);
}

static void test_many_rings(void **state) {
    (void)state;
    enum { SLOTS = 40 };
    static uint64_t size[2][SLOTS];
    uint64_t live = 0, peak = 0;
    memset(size, 0, sizeof size);
    rig_open(&rig, MANY / 2);
    rig_image(&rig, 1001, MANY / 2);
    for (int i = 0; i < 400000; i++) {
        uint32_t ring = (uint32_t)rand() % MANY, slot = (uint32_t)rand() % SLOTS;
        uint64_t *now = &size[ring >= MANY / 2][slot];
        if (pending_count[ring] == HELD_MAX)
            commit_one(ring);
        live -= *now;
        *now = *now ? 0 : 1 + (uint64_t)rand() % 5000;
        live += *now;
        peak = live > peak ? live : peak;
        pending[ring][pending_count[ring]++] =
            (struct pending){rig_ticket(&rig), 0x10000 + slot * 64ull, *now};
        ring = (uint32_t)rand() % MANY;
        if (pending_count[ring])
            commit_one(ring);
        if (rand() % 50 == 0)
            drain_pass(&rig.trace);
    }
    for (uint32_t ring = 0; ring < MANY; ring++)
        while (pending_count[ring])
            commit_one(ring);
    rig_drain(&rig);
    assert_int_equal(rig.trace.totals.live, live);
    assert_int_equal(rig.trace.totals.peak, peak);
    assert_int_equal(rig.trace.late, 0);
    assert_int_equal(rig.trace.gaps, 0);
    assert_int_equal(rig.image->lost_frees, 0);
    assert_int_equal(rig.trace.images[1]->lost_frees, 0);
}

/* As a writer with the GIL: a ticket for a large block alone, and a note of those that others have
 * taken. Returns the record's ticket, 0: none. */
static uint64_t gil_ticket(uint64_t *noted, bool large) {
    uint64_t taken = atomic_load(&rig.page.ticket);
    if (!large && *noted != taken)
        rig_note(&rig, 0, taken);
    uint64_t ticket = large ? rig_ticket(&rig) : 0;
    *noted = atomic_load(&rig.page.ticket);
    return ticket;
}

/* Few rings that come in turn by some events, so that one batch holds records of several of them,
 * each with nodes of its own ring; some records end a batch. */
static void test_rings_in_turn(void **state) {
    (void)state;
    enum { SLOTS = 400, RINGS = 5 };
    static struct {
        uint64_t size;
        uint32_t ring;
    } blocks[SLOTS];
    uint64_t live = 0, peak = 0, noted = 0, of_ring[RINGS] = {0};
    uint32_t ring = 1, nodes[RINGS] = {0};
    memset(blocks, 0, sizeof blocks);
    rig_open(&rig, RINGS);
    for (uint32_t i = 0; i < RINGS; i++) {
        rig_node(&rig, i, ++nodes[i], 0, i);
        rig_drain(&rig); /* the merge numbers nodes as it comes to them */
    }
    for (int i = 0; i < 300000; i++) {
        if (rand() % 4 == 0)
            ring = (uint32_t)rand() % RINGS;
        if (rand() % 300 == 0) {
            nodes[ring]++;
            rig_node(&rig, ring, nodes[ring], 1, 100 * nodes[ring]);
        }
        uint32_t slot = (uint32_t)rand() % SLOTS;
        uint64_t address = 0x10000 + slot * 64ull;
        bool large = rand() % 500 == 0;
        uint64_t ticket = ring == 0 ? gil_ticket(&noted, large) : rig_ticket(&rig);
        if (blocks[slot].size) {
            of_ring[blocks[slot].ring] -= blocks[slot].size;
            live -= blocks[slot].size;
            blocks[slot].size = 0;
            rig_free(&rig, ring, ticket, address);
        } else {
            uint64_t size = (1 + (uint64_t)rand() % 5000) << (large ? 20 : 0);
            rig_alloc(&rig, ring, ticket, address, size, 1);
            blocks[slot].size = size;
            blocks[slot].ring = ring;
            of_ring[ring] += size;
            live += size;
        }
        peak = live > peak ? live : peak;
        if (rand() % 3000 == 0)
            drain_pass(&rig.trace);
    }
    rig_drain(&rig);
    assert_int_equal(rig.image->totals.live, live);
    assert_int_equal(rig.image->totals.peak, peak);
    assert_int_equal(rig.trace.late + rig.trace.gaps + rig.image->lost_frees, 0);
    for (uint32_t i = 0; i < RINGS; i++) {
        uint32_t site = sites_find(&rig.image->sites, i + 1, BLOCK_HEAP);
        assert_int_equal(site_live(&rig.image->sites, site).bytes, of_ring[i]);
    }
}

static void put_code(uint32_t ring, uint32_t number, char name) {
    uint64_t text = (uint64_t)name, words[] = {1ull << 32, 1ull << 32, 0};
    rig_put(&rig, ring, event_word(EVENT_TEXT, 0, 0, 1), &text, 1);
    rig_put(&rig, ring, event_word(EVENT_CODE, 0, 0, number), words, 3);
}

static void put_node(uint32_t ring, uint32_t number, enum node_kind kind, uint32_t parent,
                     uint32_t code, uint64_t position) {
    uint64_t words[] = {(uint64_t)parent << 32 | code, position};
    rig_put(&rig, ring, event_word(EVENT_NODE, 0, kind, number), words, 2);
}

static void put_block(uint32_t ring, uint32_t node) {
    static uint64_t address = 0x10000;
    rig_alloc(&rig, ring, ring ? rig_ticket(&rig) : 0, address += 64, 10, node);
    rig_drain(&rig);
}

/* A stack has one node and one site, whichever rings tell of it, and by how many numbers: here one
 * thread has two rings, and code that was made anew has the number of a new one. */
static void test_stacks_known_once(void **state) {
    (void)state;
    rig_open(&rig, 2);
    put_code(0, 1, 'f');
    put_node(0, 1, NODE_THREAD, 0, 0, 7);
    put_node(0, 2, NODE_FRAME, 1, 1, 10);
    put_node(0, 3, NODE_FRAME, 2, 1, 20);
    put_block(0, 2);
    put_block(0, 3);
    assert_int_equal(rig.trace.stacks.node_count, 1 + 3);
    put_code(1, 1, 'f');
    put_node(1, 1, NODE_THREAD, 0, 0, 7);
    put_node(1, 2, NODE_FRAME, 1, 1, 10);
    put_node(1, 3, NODE_FRAME, 2, 1, 20);
    put_node(1, 4, NODE_FRAME, 2, 1, 30);
    put_block(1, 3);
    put_block(1, 4);
    put_node(0, 4, NODE_FRAME, 2, 1, 30);
    put_block(0, 4);
    assert_int_equal(rig.trace.stacks.node_count, 1 + 4);
    assert_int_equal(rig.image->sites.count, 3);
    put_code(0, 2, 'g');
    put_node(0, 5, NODE_FRAME, 4, 2, 1);
    put_node(0, 6, NODE_FRAME, 5, 2, 2);
    put_block(0, 6);
    put_code(0, 3, 'g');
    put_node(0, 7, NODE_FRAME, 4, 3, 1);
    put_node(0, 8, NODE_FRAME, 7, 2, 2);
    put_block(0, 8);
    assert_int_equal(rig.trace.stacks.node_count, 1 + 6);
    assert_int_equal(rig.image->sites.count, 4);
    put_code(0, 4, 'h');
    put_node(0, 9, NODE_FRAME, 6, 4, 1);
    put_node(0, 10, NODE_FRAME, 9, 4, 2);
    put_code(0, 5, 'h');
    put_node(0, 11, NODE_FRAME, 9, 5, 2); /* as 10 */
    put_code(0, 6, 'i');
    put_node(0, 12, NODE_FRAME, 5, 6, 3);
    put_node(0, 13, NODE_FRAME, 7, 6, 3); /* as 12 */
    rig_drain(&rig);
    assert_int_equal(rig.trace.stacks.node_count, 1 + 9);
    uint32_t site = sites_find(&rig.image->sites, 6, BLOCK_HEAP);
    assert_int_equal(site_live(&rig.image->sites, site).bytes, 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_peak_by_site, close_rig),
        cmocka_unit_test_teardown(test_sizes_of_any_width, close_rig),
        cmocka_unit_test_teardown(test_reallocation, close_rig),
        cmocka_unit_test_teardown(test_address_taken_twice, close_rig),
        cmocka_unit_test_teardown(test_gil_ring_goes_first, close_rig),
        cmocka_unit_test_teardown(test_note_waits, close_rig),
        cmocka_unit_test_teardown(test_gap_of_the_dead, close_rig),
        cmocka_unit_test_teardown(test_gap_nobody_can_fill, close_rig),
        cmocka_unit_test_teardown(test_processes, close_rig),
        cmocka_unit_test_teardown(test_exec, close_rig),
        cmocka_unit_test_teardown(test_damage, close_rig),
        cmocka_unit_test_teardown(test_tail_out_of_bounds, close_rig),
        cmocka_unit_test_teardown(test_random_against_model, close_rig),
        cmocka_unit_test_teardown(test_tree_against_model, close_rig),
        cmocka_unit_test_teardown(test_many_chunks, close_rig),
        cmocka_unit_test_teardown(test_many_rings, close_rig),
        cmocka_unit_test_teardown(test_rings_in_turn, close_rig),
        cmocka_unit_test_teardown(test_stacks_known_once, close_rig),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
