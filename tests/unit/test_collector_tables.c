/* The collector's tables, each against a plain model: blocks, mappings, the timeline. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "collector/collections.h"
#include "collector/index.h"
#include "collector/resident.h"
#include "collector/smaps.h"
#include "collector/table.h"
#include "rig.h"
#include "wire/profile.h"

enum { BLOCKS = 30000 };

/* Mostly aligned as malloc does it; the others may share 16 bytes with one of these. */
static uint64_t address_of(uint32_t slot) {
    return 0x7f0000000000 + slot * 16ull + (slot % 5 ? 0 : slot % 16);
}

struct visits {
    uint64_t count, sites;
    bool by_slot; /* what a site is the address of */
};

static void visit(void *owner, uint64_t address, uint32_t site) {
    struct visits *visits = owner;
    if (visits->by_slot)
        assert_int_equal(address, address_of(site));
    visits->count++;
    visits->sites += site;
}

/* Each block is visited once; `sites`: the sum of theirs. */
static void check_visits(const struct blocks *blocks, uint64_t sites, bool by_slot) {
    struct visits visits = {.by_slot = by_slot};
    blocks_each(blocks, visit, &visits);
    assert_int_equal(visits.count, blocks->count);
    assert_int_equal(visits.sites, sites);
}

static void test_blocks(void **state) {
    (void)state;
    static uint64_t size[BLOCKS];
    uint64_t sites = 0;
    struct blocks blocks = {0};
    for (int i = 0; i < 600000; i++) {
        uint32_t slot = (uint32_t)rand() % BLOCKS;
        uint64_t address = address_of(slot);
        struct block block;
        bool replaced;
        if (rand() % 2) {
            uint64_t now = (uint64_t)rand() << (rand() % 17);
            assert_true(blocks_put(&blocks, address, (struct block){now, slot}, &replaced, &block));
            assert_int_equal(replaced, size[slot] != 0);
            if (replaced)
                assert_int_equal(block.size + 1, size[slot]);
            size[slot] = now + 1;
        } else {
            bool taken = blocks_take(&blocks, address, &block);
            assert_int_equal(taken, size[slot] != 0);
            if (taken) {
                assert_int_equal(block.size + 1, size[slot]);
                assert_int_equal(block.site, slot);
            }
            size[slot] = 0;
        }
    }
    for (uint32_t slot = 0; slot < BLOCKS; slot++)
        sites += size[slot] ? slot : 0;
    check_visits(&blocks, sites, true);
    assert_true(blocks_is_valid(&blocks));
    blocks_release(&blocks);
}

/* Things are numbers themselves, of which some are left out; many have the same hash's half. */
static bool same_thing(const void *owner, uint32_t number, const void *key) {
    return ((const uint64_t *)owner)[number] == *(const uint64_t *)key;
}

static uint64_t hash_of_thing(uint64_t thing) {
    return (thing / 3 * 0x9e3779b97f4a7c15u & ~0xffffull) | thing % 7;
}

static uint64_t thing_hash(const void *owner, uint32_t number) {
    return hash_of_thing(((const uint64_t *)owner)[number]);
}

static void test_index(void **state) {
    (void)state;
    enum { THINGS = 5000 };
    static uint64_t things[THINGS];
    static const struct index_owner of = {same_thing, thing_hash};
    struct index index = {0};
    for (uint32_t i = 0; i < THINGS; i++)
        things[i] = i * 11ull + 5;
    /* The largest first: it takes the most bits from the start. Every fourth is never added. */
    for (uint32_t i = 0; i < THINGS; i++) {
        uint32_t number = i == 0 ? THINGS - 1 : i - 1;
        bool wanted = number % 4 != 0;
        uint64_t hash = hash_of_thing(things[number]);
        if (wanted) {
            assert_int_equal(index_find(&index, &of, things, hash, &things[number]), INDEX_NONE);
            assert_true(index_add(&index, &of, things, hash, number));
        }
    }
    assert_int_equal(index.count, THINGS / 4 * 3);
    assert_true(index.capacity <= index.count * 3);
    for (uint32_t i = 0; i < THINGS; i++)
        assert_int_equal(index_find(&index, &of, things, hash_of_thing(things[i]), &things[i]),
                         i % 4 != 0 ? i : INDEX_NONE);
    index_release(&index);
}

static bool same_number(const void *owner, uint32_t number, const void *key) {
    (void)owner;
    return number == *(const uint32_t *)key;
}

static uint64_t number_hash(const void *owner, uint32_t number) {
    (void)owner;
    (void)number;
    return 5;
}

/* All 32 bits may be taken by the number. */
static void test_index_of_large_numbers(void **state) {
    (void)state;
    static const struct index_owner of = {same_number, number_hash};
    static const uint32_t numbers[] = {0, 1, 62, 63, 64, 255, 1u << 30, INDEX_NONE - 1};
    struct index index = {0};
    for (uint32_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        assert_int_equal(index_find(&index, &of, NULL, 5, &numbers[i]), INDEX_NONE);
        assert_true(index_add(&index, &of, NULL, 5, numbers[i]));
        for (uint32_t j = 0; j <= i; j++)
            assert_int_equal(index_find(&index, &of, NULL, 5, &numbers[j]), numbers[j]);
    }
    index_release(&index);
}

/* Room of a large table for blocks of one size, side by side, on average over its growth: at most
 * so many bytes for each. */
static void check_room(uint64_t size, double most) {
    struct blocks blocks = {0};
    struct block old;
    bool replaced;
    double sum = 0;
    uint64_t samples = 0;
    for (uint64_t i = 1; i < 2000000; i++) {
        assert_true(blocks_put(&blocks, i * size, (struct block){size, 1}, &replaced, &old));
        if (i > 100000 && i % 1000 == 0) {
            sum += (double)blocks_bytes(&blocks) / (double)blocks.count;
            samples++;
        }
    }
    assert_true(sum / (double)samples < most);
    blocks_release(&blocks);
}

static void test_blocks_room(void **state) {
    (void)state;
    check_room(16, 9.0);
    check_room(48, 12.0);
    check_room(64, 12.0);
    check_room(112, 15.0);
    check_room(512, 33.0);
    check_room(4096, 33.0);
}

/* A table that grows in steps is whole in the middle of them. */
static void test_blocks_while_growing(void **state) {
    (void)state;
    struct blocks blocks = {0};
    struct block block;
    bool replaced;
    uint64_t seen_growing = 0;
    for (uint64_t i = 1; i < 1000000; i++) {
        assert_true(blocks_put(&blocks, i * 48, (struct block){i, 1}, &replaced, &block));
        if (i % 3 == 0) {
            assert_true(blocks_take(&blocks, i / 3 * 48, &block));
            assert_int_equal(block.size, i / 3);
        }
        if (blocks.chunks.old && i % 97 == 0) {
            seen_growing++;
            assert_true(blocks_is_valid(&blocks));
            check_visits(&blocks, blocks.count, false);
        }
    }
    assert_true(seen_growing > 10);
    blocks_release(&blocks);
}

/* Where an entry is at home does not depend on the place in its chunk: this address's key lies so
 * near to a border between two homes that a wide size would be looked for in one and moved to the
 * other. */
static void test_block_between_homes(void **state) {
    (void)state;
    struct blocks blocks = {0};
    struct block block, wide = {5ull << 32, 7};
    const uint64_t address = 0x421cb1e323f2;
    bool replaced;
    assert_true(blocks_put(&blocks, address, wide, &replaced, &block));
    for (uint64_t i = 1; i < 50000; i++) {
        assert_true(blocks_put(&blocks, 0x7f0000000000 + i * 512, (struct block){500, 1}, &replaced,
                               &block));
        assert_true(blocks_put(&blocks, address, wide, &replaced, &block) && replaced);
        assert_int_equal(block.size, wide.size);
    }
    assert_true(blocks_is_valid(&blocks));
    blocks_release(&blocks);
}

/* Entries of blocks that have ended make no table grow for ever: some blocks live, always at new
 * addresses. `most`: bytes for a live block. */
static void check_room_after_churn(uint64_t live, uint64_t most) {
    struct blocks blocks = {0};
    struct block block;
    bool replaced;
    for (uint64_t i = 1; i < 4 * live; i++) {
        assert_true(blocks_put(&blocks, i * 48, (struct block){i, 1}, &replaced, &block));
        if (i > live)
            assert_true(blocks_take(&blocks, (i - live) * 48, &block));
    }
    assert_int_equal(blocks.count, live);
    assert_true(blocks_bytes(&blocks) <= live * most);
    assert_true(blocks_is_valid(&blocks));
    blocks_release(&blocks);
}

static void test_blocks_room_after_churn(void **state) {
    (void)state;
    check_room_after_churn(300, 120);
    check_room_after_churn(10000, 120);
    check_room_after_churn(200000, 60);
    check_room_after_churn(2000000, 26);
}

/* Mappings against an array of pages. */
enum { PAGES = 200, PAGE = 4096 };
static const uint64_t base = 0x100000000;

struct page {
    uint8_t class; /* + 1; 0: unmapped */
    bool discarded;
    uint32_t node;
};

static struct rig rig;

static void check_pages(const struct page *pages) {
    uint64_t counted[4] = {0}, classes[5] = {0}, live = 0;
    for (int i = 0; i < PAGES; i++) {
        if (pages[i].class == 0 || pages[i].discarded)
            continue;
        classes[pages[i].class - 1] += PAGE;
        if (pages[i].class - 1 == MAPPING_COUNTED)
            counted[pages[i].node] += PAGE;
    }
    for (uint32_t i = 0; i < rig.image->sites.count; i++) {
        struct site_value held = site_live(&rig.image->sites, i);
        assert_int_equal(held.bytes, counted[rig.image->sites.list[i].node]);
        assert_true((held.blocks == 0) == (held.bytes == 0));
        live += held.bytes;
    }
    assert_int_equal(live, classes[MAPPING_COUNTED]);
    for (int i = MAPPING_RESERVED; i <= MAPPING_ARENA; i++)
        assert_int_equal(rig.image->class_bytes[i], classes[i]);
}

static void protect_model(struct page *page, unsigned what, uint32_t node) {
    if (page->class == 0 || page->class - 1 > MAPPING_RESERVED)
        return;
    bool usable = page->class - 1 == MAPPING_COUNTED && !page->discarded;
    if (what == PROTECT_USABLE && !usable)
        *page = (struct page){MAPPING_COUNTED + 1, false, node};
    else if (what == PROTECT_NONE)
        *page = (struct page){MAPPING_RESERVED + 1, false, page->node};
    else if (what == PROTECT_DISCARD && usable)
        page->discarded = true;
}

/* mremap within the model: the pieces move and the last one grows; nothing when the source is
 * empty. */
static void remap_model(struct page *pages, int from, int count, int to, int now, uint32_t node) {
    struct page held[PAGES];
    int last = -1;
    memcpy(held, pages + from, sizeof *held * (size_t)count);
    memset(pages + from, 0, sizeof *held * (size_t)count);
    for (int i = 0; i < count; i++)
        if (held[i].class && i < now)
            last = i;
    bool any = false;
    for (int i = 0; i < count; i++)
        any |= held[i].class != 0;
    if (!any)
        return;
    memset(pages + to, 0, sizeof *held * (size_t)now);
    for (int i = 0; i < now && last >= 0; i++) {
        pages[to + i] = held[i <= last ? i : last];
        pages[to + i].node = node;
    }
}

static void test_mappings(void **state) {
    (void)state;
    static struct page pages[PAGES];
    rig_open(&rig, 1);
    for (uint32_t i = 1; i < 4; i++)
        rig_node(&rig, 0, i, 0, i);
    for (int i = 0; i < 20000; i++) {
        int first = rand() % PAGES, count = 1 + rand() % (PAGES - first);
        uint32_t node = 1 + (uint32_t)rand() % 3;
        uint64_t start = base + (uint64_t)first * PAGE, length = (uint64_t)count * PAGE;
        switch (rand() % 6) {
        case 0:
        case 1: {
            unsigned class = (unsigned)rand() % 5;
            count = count > 30 ? 30 : count;
            rig_map(&rig, 0, class, start, (uint64_t)count * PAGE, node);
            for (int k = first; k < first + count; k++)
                pages[k] = (struct page){(uint8_t)(class + 1), false, node};
            break;
        }
        case 2:
            rig_unmap(&rig, 0, 0, start, length);
            if (rand() % 4 == 0)
                rig_remap(&rig, 0, 0, 0, node);
            else
                memset(pages + first, 0, sizeof *pages * (size_t)count);
            break;
        case 3:
        case 4: {
            unsigned what = (unsigned)rand() % 3;
            rig_protect(&rig, 0, what, start, length, node);
            for (int k = first; k < first + count; k++)
                protect_model(&pages[k], what, node);
            break;
        }
        default: {
            int to = rand() % PAGES, now = 1 + rand() % (PAGES - to);
            rig_unmap(&rig, 0, UNMAP_HELD, start, length);
            if (rand() % 4 == 0) {
                rig_remap(&rig, 0, 0, 0, node);
                break;
            }
            rig_remap(&rig, 0, base + (uint64_t)to * PAGE, (uint64_t)now * PAGE, node);
            remap_model(pages, first, count, to, now, node);
        }
        }
        rig_drain(&rig);
        check_pages(pages);
    }
    assert_false(rig.image->flags & PROCESS_DAMAGED);
    rig_close(&rig);
}

/* Sums beyond what a site itself holds, and what spans tell of them. */
static void test_wide_sums(void **state) {
    (void)state;
    rig_open(&rig, 1);
    struct sites *sites = &rig.image->sites;
    assert_int_equal(sites_find(sites, 1, BLOCK_HEAP), 0);
    assert_int_equal(sites_find(sites, 2, BLOCK_HEAP), 1);
    for (uint64_t i = 1; i <= 3; i++) {
        site_change(sites, 0, 5ul << 30, true);
        site_change(sites, 1, 1000, true);
        spans_look(rig.image, i, true);
        const struct span *span = &rig.image->spans.list[i - 1];
        assert_int_equal(span->made, (5ul << 30) + 1000);
        assert_int_equal(span->held, i * ((5ul << 30) + 1000));
        assert_int_equal(span->held_by[0].bytes, i * (5ul << 30));
    }
    sites_touch(sites, 0, 0, 0);
    for (int i = 0; i < 3; i++)
        site_change(sites, 0, 0 - (5ul << 30), false);
    assert_int_equal(site_live(sites, 0).bytes, 0);
    assert_int_equal(site_total_bytes(sites, 0), 15ul << 30);
    assert_int_equal(sites->wide[0].peak_bytes, 3);
    sites->list[1].total_blocks = UINT32_MAX;
    site_change(sites, 1, 0, true);
    assert_int_equal(site_total_blocks(sites, 1), 1ul << 32);
    assert_int_equal(site_total_bytes(sites, 1), 3000);
    rig_close(&rig);
}

/* A site is found again though meanwhile there are so many that nodes like its own are listed. */
static void test_sites_of_nodes_near_and_far(void **state) {
    (void)state;
    struct sites sites = {0};
    const uint32_t far = 1000000, count = 200000;
    assert_int_equal(sites_find(&sites, far, BLOCK_PYTHON), 0);
    assert_int_equal(sites.by_node_capacity[BLOCK_PYTHON], 0);
    for (uint32_t node = 1; node <= count; node++)
        assert_int_equal(sites_find(&sites, node, BLOCK_PYTHON), node);
    assert_int_equal(sites_find(&sites, far + 1, BLOCK_PYTHON), count + 1);
    assert_true(sites.by_node_capacity[BLOCK_PYTHON] > far + 1);
    assert_int_equal(sites_find(&sites, far, BLOCK_PYTHON), 0);
    assert_int_equal(sites_find(&sites, far, BLOCK_HEAP), count + 2);
    for (uint32_t node = 1; node <= count; node++)
        assert_int_equal(sites_find(&sites, node, BLOCK_PYTHON), node);
    assert_int_equal(sites_add_twin(&sites, 7), count + 3);
    assert_int_equal(sites_find(&sites, 7, BLOCK_PYTHON), 7);
    sites_release(&sites);
}

/* A carry that is lost leaves a sum too low; the carry back must not be taken from nothing. */
static void test_wide_sums_without_memory(void **state) {
    (void)state;
    struct sites sites = {0};
    for (uint32_t node = 1; node <= 20000; node++)
        assert_int_equal(sites_find(&sites, node, BLOCK_HEAP), node - 1);
    struct rlimit before, none;
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    none = (struct rlimit){PAGE, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_AS, &none), 0);
    site_change(&sites, 7, (5ul << 30) + 3, true);
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
    assert_true(sites.no_memory);
    site_change(&sites, 7, 0 - (5ul << 30), false);
    assert_int_equal(site_live(&sites, 7).bytes, 3);
    assert_in_range(site_total_bytes(&sites, 7), 3, (5ul << 30) + 3);
    sites_release(&sites);
}

static void test_mapping_sums(void **state) {
    (void)state;
    rig_open(&rig, 1);
    rig_map(&rig, 0, MAPPING_RESERVED, base, 1ull << 40, 0);
    rig_drain(&rig);
    assert_int_equal(rig.image->totals.peak, 0);
    assert_int_equal(rig.image->class_highest[MAPPING_RESERVED], 1ull << 40);
    rig_map(&rig, 0, MAPPING_COUNTED, base + (1 << 20), 100 * PAGE, 0);
    rig_map(&rig, 0, MAPPING_COUNTED, base + (1 << 20), 100 * PAGE, 0);
    rig_unmap(&rig, 0, 0, base + (1 << 20) + 10 * PAGE, 5 * PAGE);
    rig_drain(&rig);
    assert_int_equal(rig.image->totals.live, 95 * PAGE);
    assert_int_equal(rig.image->totals.peak, 100 * PAGE);
    assert_int_equal(rig.image->sites.list[0].blocks, 2);
    rig_close(&rig);
}

/* What was unmapped does not count until the refusal is known, and what others have mapped in the
 * gaps meanwhile stays. */
static void test_refused_unmap(void **state) {
    (void)state;
    rig_open(&rig, 2);
    rig_map(&rig, 0, MAPPING_COUNTED, base, 10 * PAGE, 0);
    rig_map(&rig, 0, MAPPING_SHARED, base + 20 * PAGE, 10 * PAGE, 0);
    rig_unmap(&rig, 0, 0, base, 30 * PAGE);
    rig_drain(&rig);
    assert_int_equal(rig.image->totals.live + rig.image->class_bytes[MAPPING_SHARED], 0);
    rig_map(&rig, 1, MAPPING_COUNTED, base + 10 * PAGE, 5 * PAGE, 0);
    rig_drain(&rig);
    rig_remap(&rig, 0, 0, 0, 0);
    rig_drain(&rig);
    assert_int_equal(rig.image->totals.live, 15 * PAGE);
    assert_int_equal(rig.image->class_bytes[MAPPING_SHARED], 10 * PAGE);
    rig_remap(&rig, 0, 0, 0, 0); /* once is enough */
    rig_drain(&rig);
    assert_int_equal(rig.image->totals.live, 15 * PAGE);
    rig_unmap(&rig, 1, 0, base, 30 * PAGE);
    rig_remap(&rig, 1, base, 30 * PAGE, 0); /* only what is held can move */
    rig_drain(&rig);
    assert_int_equal(rig.image->totals.live, 0);
    assert_int_equal(rig.image->totals.peak, 15 * PAGE);
    assert_false(rig.image->flags & PROCESS_DAMAGED);
    rig_close(&rig);
}

static void test_segments(void **state) {
    (void)state;
    rig_open(&rig, 1);
    rig_map(&rig, 0, MAPPING_SHARED, base, 10 * PAGE, 0);
    rig_map(&rig, 0, MAPPING_SHARED, base + 10 * PAGE, 7 * PAGE, 0);
    rig_map(&rig, 0, MAPPING_COUNTED, base + 17 * PAGE, 3 * PAGE, 0);
    rig_unmap(&rig, 0, 0, base + 10 * PAGE, 0);
    rig_drain(&rig);
    assert_int_equal(rig.image->class_bytes[MAPPING_SHARED], 10 * PAGE);
    rig_unmap(&rig, 0, 0, base, 0);
    rig_remap(&rig, 0, 0, 0, 0);
    rig_drain(&rig);
    assert_int_equal(rig.image->class_bytes[MAPPING_SHARED], 10 * PAGE);
    rig_unmap(&rig, 0, 0, base + PAGE, 0); /* starts nothing */
    rig_remap(&rig, 0, 0, 0, 0);
    rig_unmap(&rig, 0, 0, base + 17 * PAGE, 0); /* is not shared */
    rig_drain(&rig);
    assert_int_equal(rig.image->class_bytes[MAPPING_SHARED], 10 * PAGE);
    assert_int_equal(rig.image->totals.live, 3 * PAGE);
    assert_false(rig.image->flags & PROCESS_DAMAGED);
    rig_close(&rig);
}

/* Small and large: what is there stays, what is new is zero, and what is forgotten is no more than
 * was said. */
static void test_growing_array(void **state) {
    (void)state;
    enum { COUNT = 40000, LINE = 64 };
    struct line {
        uint64_t number, rest[LINE / 8 - 1];
    } *lines = NULL;
    uint32_t capacity = 0;
    for (uint32_t i = 0; i < COUNT; i++) {
        uint32_t before = capacity;
        assert_true(table_reserve(&lines, &capacity, i + 1, sizeof *lines));
        assert_true(capacity > i && capacity >= before);
        assert_int_equal((uintptr_t)lines % LINE, 0);
        assert_int_equal(lines[i].number | lines[capacity - 1].rest[0], 0);
        if (capacity != before)
            for (uint32_t j = 0; j < i; j++)
                assert_int_equal(lines[j].number, j + 1);
        lines[i].number = i + 1;
    }
    table_forget(lines, capacity, sizeof *lines, 100, 30001);
    for (uint32_t i = 0; i < COUNT; i++)
        if (i < 100 || i > 30000)
            assert_int_equal(lines[i].number, i + 1);
    assert_int_equal(lines[15000].number, 0);
    struct line *kept = lines;
    assert_false(table_reserve(&lines, &capacity, UINT64_MAX / LINE, sizeof *lines));
    assert_ptr_equal(lines, kept);
    table_release(lines, capacity, sizeof *lines);
}

static void test_timeline(void **state) {
    (void)state;
    struct timeline timeline;
    uint64_t highest = 0;
    assert_true(timeline_init(&timeline, TIMELINE_POINTS, 0));
    for (uint64_t ms = 0; ms < 3600000; ms += 1 + (uint64_t)rand() % 200) {
        uint64_t now = (uint64_t)rand() % 1000000;
        timeline_add(&timeline, ms * 1000000, now, now, ms);
    }
    assert_true(timeline.count <= TIMELINE_POINTS && timeline.count > TIMELINE_POINTS / 2 - 1);
    timeline_add(&timeline, 3600000ull * 1000000, 5000000, 1, 1);
    for (uint32_t i = 0; i < timeline.count; i++)
        highest = timeline.points[i].bytes > highest ? timeline.points[i].bytes : highest;
    assert_int_equal(highest, 5000000);
    free(timeline.points);
}

/* -- Collections, as looks at an interpreter find them -- */

#define LOOK_MS 1000000ull

static void look(struct collections *collections, uint64_t ms, uint64_t young, uint64_t old,
                 bool running, uint64_t live) {
    struct collections_look found = {.counts = {young, 0, old}, .running = running};
    found.objects[2] = old * 10;
    collections_note(collections, &found, ms * LOOK_MS, live);
}

static void test_collections(void **state) {
    (void)state;
    struct collections collections = {0};
    look(&collections, 10, 0, 0, false, 900);
    look(&collections, 20, 0, 0, true, 1000); /* began between 10 and 20 */
    look(&collections, 40, 0, 0, true, 600);
    look(&collections, 60, 0, 1, false, 400); /* ended between 40 and 60 */
    look(&collections, 70, 3, 1, false, 500); /* three were too short to be seen */
    assert_int_equal(collections.count, 2);
    const struct collection *one = &collections.list[0];
    assert_int_equal(one->begin_ns, 15 * LOOK_MS);
    assert_int_equal(one->duration_ns, 35 * LOOK_MS);
    assert_int_equal(one->generation, 2);
    assert_int_equal(one->count, 1);
    assert_int_equal(one->objects, 10);
    assert_int_equal(one->freed, 600);
    assert_int_equal(collections.list[1].count, 3);
    assert_int_equal(collections.list[1].duration_ns, 0);
    assert_int_equal(collections.paused_ns, 35 * LOOK_MS);
    assert_int_equal(collections.longest_ns, 35 * LOOK_MS);
    assert_int_equal(collections.totals[0], 3);
    assert_int_equal(collections.totals[2], 1);
    free(collections.list);
}

/* A forked child goes on with its parent's counts, which are none of its own. */
static void test_collections_of_a_child(void **state) {
    (void)state;
    struct collections collections = {.inherited = true};
    look(&collections, 10, 500, 20, false, 0);
    look(&collections, 20, 502, 20, false, 0);
    assert_int_equal(collections.totals[0], 2);
    assert_int_equal(collections.totals[2], 0);
    free(collections.list);
}

/* What cannot be counts is not taken for some, and ends what was running. */
static void test_impossible_collections(void **state) {
    (void)state;
    struct collections collections = {0};
    look(&collections, 10, 5, 1, false, 0);
    look(&collections, 20, 5, 1, true, 0);
    assert_true(collections.open_ns != 0);
    look(&collections, 30, 2000000, 1, true, 0);
    assert_int_equal(collections.open_ns, 0);
    struct collections_look found = {.counts = {6, 0, 1}, .objects = {0, 0, UINT64_MAX / 2}};
    collections_note(&collections, &found, 40 * LOOK_MS, 0);
    assert_int_equal(collections.totals[0], 5);
    assert_int_equal(collections.count, 1);
    assert_int_equal(collections.list[0].objects, 10);
    look(&collections, 50, 7, 1, false, 0);
    assert_int_equal(collections.totals[0], 7);
    free(collections.list);
}

/* A new interpreter counts from 0 again, whatever the last one was about to do. */
static void test_collections_of_a_new_interpreter(void **state) {
    (void)state;
    struct collections collections = {0};
    look(&collections, 10, 50, 9, false, 0);
    look(&collections, 20, 50, 9, true, 0);
    look(&collections, 30, 1, 0, false, 0);
    assert_int_equal(collections.open_ns, 0);
    look(&collections, 35, 2, 0, false, 0);
    look(&collections, 40, 5, 1, false, 0);
    assert_int_equal(collections.totals[0], 53);
    assert_int_equal(collections.totals[2], 10);
    assert_int_equal(collections.list[collections.count - 1].objects, 10);
    free(collections.list);
}

/* One look that found less, among others, may have been at counts that were being written. */
static void test_collections_that_seem_to_fall(void **state) {
    (void)state;
    struct collections collections = {0};
    look(&collections, 10, 50, 9, false, 0);
    look(&collections, 20, 3, 0, false, 0);
    look(&collections, 30, 52, 9, false, 0);
    look(&collections, 40, 4, 0, false, 0);
    look(&collections, 50, 53, 9, false, 0);
    look(&collections, 60, 3, 0, false, 0);
    look(&collections, 70, 3000000, 9, false, 0); /* nothing is known after such a look */
    look(&collections, 80, 4, 0, false, 0);
    look(&collections, 90, 54, 9, false, 0);
    assert_int_equal(collections.totals[0], 54);
    assert_int_equal(collections.totals[2], 9);
    free(collections.list);
}

/* A sum that a profile cannot hold is the highest one that it can. */
static void test_too_many_objects(void **state) {
    (void)state;
    struct collections collections = {0};
    struct collections_look found = {0};
    for (uint64_t i = 1; i <= 512; i++) {
        found.counts[0] = i;
        collections_note(&collections, &found, (10 + i) * LOOK_MS, 0);
        collections.list[i - 1].objects = INT64_MAX - 1;
    }
    found.counts[0]++;
    collections_note(&collections, &found, 1000 * LOOK_MS, 0);
    for (uint32_t i = 0; i < collections.count; i++)
        assert_true(collections.list[i].objects <= INT64_MAX);
    assert_true(collections.list[0].objects == INT64_MAX);
    free(collections.list);
}

/* Half nanoseconds do not make the longest pause more than all. */
static void test_pauses_of_collections(void **state) {
    (void)state;
    struct collections collections = {0};
    struct collections_look found = {0};
    collections_note(&collections, &found, 1, 0);
    found.running = true;
    collections_note(&collections, &found, 2, 0);
    found = (struct collections_look){.counts = {1}};
    collections_note(&collections, &found, 3, 0);
    assert_int_equal(collections.longest_ns, 1);
    assert_true(collections.paused_ns >= collections.longest_ns);
    free(collections.list);
}

/* However many there are, they take so much room, and none is lost. */
static void test_many_collections(void **state) {
    (void)state;
    struct collections collections = {0};
    uint64_t sum = 0, last = 0;
    for (uint64_t i = 0; i < 100000; i++)
        look(&collections, 10 + i, i, i / 100, false, 0);
    assert_true(collections.count >= 200 && collections.count <= 512);
    for (uint32_t i = 0; i < collections.count; i++) {
        sum += collections.list[i].count;
        assert_true(collections.list[i].begin_ns >= last);
        last = collections.list[i].begin_ns;
    }
    assert_int_equal(sum, 99999 + 999);
    assert_int_equal(collections.totals[0] + collections.totals[2], sum);
    free(collections.list);
}

/* -- What is resident -- */

static const char text[] =
    "55d000000000-55d000001000 r-xp 00000000 08:01 131 /usr/bin/python (deleted)\n"
    "Size:                900 kB\nRss:                 800 kB\nPss: 3 kB\nAnonymous:           300 "
    "kB\n"
    "55d000002000-55d000003000 rw-p 00000000 00:00 0 [heap]\nRss: 5000 kB\nAnonymous: 5000 kB\n"
    "7f0000000000-7f0000001000 ---p 00000000 00:00 0 \nRss: 0 kB\nAnonymous: 0 kB\n"
    "7f0000001000-7f0000800000 rw-p 00000000 00:00 0 \nRss: 40 kB\nAnonymous: 40 kB\n"
    "7f0000800000-7f0000900000 rw-p 00000000 00:00 0 \nRss: 700 kB\nAnonymous: 700 kB\n"
    "7f0001000000-7f0001400000 rw-s 00000000 00:01 77 /memfd:rings (deleted)\nRss: 64 "
    "kB\nAnonymous: 0 kB\n"
    "7f0003fff000-7f0004000000 ---p 00000000 00:00 0 \nRss: 0 kB\n" /* an arena's end */
    "7f0004000000-7f0004100000 rw-p 00000000 00:00 0 \nRss: 900 kB\n"
    "7ffd00000000-7ffd00100000 rw-p 00000000 00:00 0 [stack]\nRss: 132 kB\nVmFlags: rd wr\n";

static void test_resident_parts(void **state) {
    (void)state;
    struct resident_parts parts;
    struct smaps smaps = {.file = fmemopen((void *)(uintptr_t)text, sizeof text - 1, "r")};
    assert_non_null(smaps.file);
    resident_read(&smaps, &parts);
    smaps_close(&smaps);
    assert_int_equal(parts.rss, (800 + 5000 + 40 + 700 + 64 + 900 + 132) << 10);
    assert_int_equal(parts.files, 500 << 10);
    assert_int_equal(parts.data, 300 << 10);
    assert_int_equal(parts.shared, 64 << 10);
    assert_int_equal(parts.stacks, (40 + 132) << 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_index),
        cmocka_unit_test(test_index_of_large_numbers),
        cmocka_unit_test(test_blocks_room),
        cmocka_unit_test(test_blocks_while_growing),
        cmocka_unit_test(test_block_between_homes),
        cmocka_unit_test(test_blocks_room_after_churn),
        cmocka_unit_test(test_mappings),
        cmocka_unit_test(test_mapping_sums),
        cmocka_unit_test(test_wide_sums),
        cmocka_unit_test(test_wide_sums_without_memory),
        cmocka_unit_test(test_sites_of_nodes_near_and_far),
        cmocka_unit_test(test_refused_unmap),
        cmocka_unit_test(test_segments),
        cmocka_unit_test(test_growing_array),
        cmocka_unit_test(test_timeline),
        cmocka_unit_test(test_collections),
        cmocka_unit_test(test_collections_of_a_child),
        cmocka_unit_test(test_impossible_collections),
        cmocka_unit_test(test_collections_of_a_new_interpreter),
        cmocka_unit_test(test_collections_that_seem_to_fall),
        cmocka_unit_test(test_too_many_objects),
        cmocka_unit_test(test_pauses_of_collections),
        cmocka_unit_test(test_many_collections),
        cmocka_unit_test(test_resident_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
