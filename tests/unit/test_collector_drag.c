/* The lives of big blocks, of looks that are made up: at which mappings, when, and what was
 * touched.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/looks.h"
#include "collector/smaps.h"
#include "rig.h"
#include "wire/profile.h"

#define MIB (1ull << 20)
#define SECOND 1000000000ull
#define BLOCK (0x10000000ull + 16) /* as malloc gives it, behind its header */

static struct rig rig;
static uint64_t looked; /* when the last look was */

static int open_rig(void **state) {
    (void)state;
    rig_open(&rig, 1);
    rig.trace.drag = true;
    rig_node(&rig, 0, 1, 0, 10);
    rig_alloc(&rig, 0, 0, 0x1000, 10, 1); /* makes a site */
    rig_drain(&rig);
    looked = 0;
    return 0;
}

static int close_rig(void **state) {
    (void)state;
    rig_close(&rig);
    return 0;
}

static void begin(uint64_t second, uint64_t address, uint64_t size, uint64_t birth) {
    rig.trace.now_ns = second * SECOND;
    drag_begin(&rig.trace, rig.image, &(const struct large){address, size, birth, 0});
}

static void end(uint64_t second, uint64_t address, uint64_t birth) {
    rig.trace.now_ns = second * SECOND;
    drag_end(&rig.trace, rig.image, address, birth);
}

/* One mapping, which is the block's own pages unless it is said. */
static void see(uint64_t start, uint64_t end_, uint64_t referenced) {
    const struct drag_mapping mapping = {start, end_, referenced, referenced};
    drag_see(&rig.image->drag, &mapping);
}

static void look(uint64_t second) {
    drag_looked(&rig.image->drag, looked, second * SECOND);
    looked = second * SECOND;
}

static void see_block(uint64_t second, uint64_t address, uint64_t size, uint64_t referenced) {
    see((address + 4096) & ~4095ull, (address + size) & ~4095ull, referenced);
    look(second);
}

static const struct drag_sums *sums(void) {
    static const struct drag_sums none;
    const struct drag *drag = &rig.image->drag;
    for (uint32_t i = 0; i < drag->site_capacity; i++)
        if (drag->sites[i].site == 1)
            return &drag->sites[i];
    return &none;
}

#define assert_phases(lag, use, drag, never, unseen)                                               \
    do {                                                                                           \
        const uint64_t *found = sums()->byte_seconds;                                              \
        assert_int_equal(found[PHASE_LAG], lag);                                                   \
        assert_int_equal(found[PHASE_USE], use);                                                   \
        assert_int_equal(found[PHASE_DRAG], drag);                                                 \
        assert_int_equal(found[PHASE_VOID], never);                                                \
        assert_int_equal(found[PHASE_UNSEEN], unseen);                                             \
    } while (0)

static void test_phases(void **state) {
    (void)state;
    begin(10, BLOCK, 2 * MIB, 1);
    see_block(12, BLOCK, 2 * MIB, 0);
    see_block(14, BLOCK, 2 * MIB, 4096); /* at 13 */
    see_block(16, BLOCK, 2 * MIB, 0);
    see_block(18, BLOCK, 2 * MIB, 2 * MIB - 8192); /* at 17 */
    see_block(20, BLOCK, 2 * MIB, 0);
    end(30, BLOCK, 1);
    assert_phases(6 * MIB, 28 * MIB, 6 * MIB, 0, 0); /* what follows the last look is use */
    assert_int_equal(sums()->longest_ns, 3 * SECOND);
    assert_int_equal(sums()->bytes, 2 * MIB);
}

static void test_void(void **state) {
    (void)state;
    begin(10, BLOCK, MIB, 1);
    see_block(12, BLOCK, MIB, 0);
    see_block(14, BLOCK, MIB, 0);
    end(20, BLOCK, 1);
    assert_phases(0, 0, 0, 4 * MIB, 6 * MIB); /* it may have been touched after that */
    assert_int_equal(sums()->blocks[PHASE_VOID], 1);
}

/* A look that could not tell may have missed the touches; so may one that came before the block was
 * known: neither void nor lag. */
static void test_perhaps_touched(void **state) {
    (void)state;
    begin(10, BLOCK, MIB, 1);
    see(0x10000000, 0x10000000 + 4 * MIB, MIB);
    look(12); /* at 11, perhaps */
    see_block(14, BLOCK, MIB, 0);
    end(14, BLOCK, 1);
    assert_phases(0, MIB, 3 * MIB, 0, 0);
    begin(13, BLOCK, MIB, 2);
    see_block(16, BLOCK, MIB, 0);
    end(16, BLOCK, 2);
    assert_phases(0, 2 * MIB, 5 * MIB, 0, 0);
    begin(16, BLOCK, MIB, 3); /* from the end of the last look on, it is not missed */
    see_block(18, BLOCK, MIB, 0);
    end(18, BLOCK, 3);
    assert_phases(0, 2 * MIB, 5 * MIB, 2 * MIB, 0);
}

/* What nobody looked at counts for the block: it may have been in use. */
static void test_no_look_between(void **state) {
    (void)state;
    begin(10, BLOCK, MIB, 1);
    end(11, BLOCK, 1);
    assert_phases(0, 0, 0, 0, MIB);
    begin(20, BLOCK, MIB, 2);
    see_block(22, BLOCK, MIB, MIB / 2);
    see_block(24, BLOCK, MIB, MIB / 2);
    end(25, BLOCK, 2);
    assert_phases(0, 5 * MIB, 0, 0, MIB);
}

/* Each block is counted once, however short its life was. */
static void test_counts(void **state) {
    (void)state;
    for (uint64_t i = 1; i <= 3; i++) {
        begin(10, BLOCK, MIB, i);
        end(10, BLOCK, i);
    }
    assert_int_equal(sums()->blocks[PHASE_UNSEEN], 3);
    assert_phases(0, 0, 0, 0, 0);
    begin(11, BLOCK, MIB, 4);
    see_block(12, BLOCK, MIB, 0);
    see_block(14, BLOCK, MIB, 4096);
    see_block(16, BLOCK, MIB, 0);
    end(16, BLOCK, 4);
    assert_int_equal(sums()->blocks[PHASE_LAG], 1);
    assert_int_equal(sums()->blocks[PHASE_USE], 1); /* for no time */
    assert_int_equal(sums()->blocks[PHASE_DRAG], 1);
    assert_int_equal(sums()->blocks[PHASE_UNSEEN], 3);
    assert_int_equal(sums()->bytes, 4 * MIB);
}

/* A mapping that others have a part of tells only when all of it was touched, or nothing. */
static void test_shared_mappings(void **state) {
    (void)state;
    uint64_t start = 0x10000000, other = start + 2 * MIB + 16;
    begin(10, BLOCK, MIB, 1);
    begin(10, other, MIB, 2);
    see(start, start + 4 * MIB, MIB);
    look(12);
    assert_int_equal(rig.image->drag.list[0].looked_ns, 0);
    see(start, start + 4 * MIB, 0);
    look(14);
    assert_int_equal(rig.image->drag.list[0].looked_ns, 14 * SECOND);
    assert_int_equal(rig.image->drag.list[1].touched_ns, 12 * SECOND); /* perhaps */
    see(start, start + 4 * MIB, 4 * MIB);
    look(16);
    assert_int_equal(rig.image->drag.list[1].touched_ns, 16 * SECOND);
    see(start, start + 4 * MIB, MIB); /* some of it: perhaps this one */
    look(18);
    see(start, start + 4 * MIB, 0);
    look(20);
    assert_int_equal(rig.image->drag.list[0].touched_ns, 18 * SECOND);
    assert_int_equal(rig.image->drag.list[0].quiet, 1);
}

static uint64_t idle(uint64_t second) {
    return drag_idle(&rig.image->drag, BLOCK, second * SECOND) / SECOND;
}

/* Five looks must have found it untouched, and the last one be as fresh as they were close. */
static void test_idle(void **state) {
    (void)state;
    begin(10, BLOCK, MIB, 1);
    see_block(12, BLOCK, MIB, 4096);
    for (uint64_t second = 14; second <= 20; second += 2)
        see_block(second, BLOCK, MIB, 0);
    assert_int_equal(idle(20), 0);
    see_block(22, BLOCK, MIB, 0);
    assert_int_equal(idle(22), 10);
    assert_int_equal(idle(21), 9); /* a snapshot that comes to be known after the look */
    assert_int_equal(idle(26), 10);
    assert_int_equal(idle(27), 0);
    assert_int_equal(drag_idle(&rig.image->drag, 0x5000, 22 * SECOND), 0);
    see(0x10000000, 0x10000000 + 4 * MIB, MIB); /* perhaps */
    look(24);
    see_block(26, BLOCK, MIB, 0);
    assert_int_equal(idle(26), 0);
}

/* Pages at a block's borders are its neighbours', too, and its allocator's. */
static void test_borders(void **state) {
    (void)state;
    uint64_t page = 0x10000000;
    begin(10, BLOCK, MIB, 1);
    see(page - 4096, page + 4096, 8192);
    see(page + 4096, page + MIB, 0);
    see(page + MIB, page + MIB + 4096, 4096);
    look(12);
    assert_int_equal(rig.image->drag.list[0].looked_ns, 12 * SECOND);
    assert_int_equal(rig.image->drag.list[0].touched_ns, 0);
    /* The program has advised a part of it itself: all parts count. */
    see(page + 4096, page + MIB / 2, 0);
    see(page + MIB / 2, page + MIB, 4096);
    look(14);
    assert_int_equal(rig.image->drag.list[0].touched_ns, 14 * SECOND);
}

/* Through the events: a reallocation ends a block, a part of a mapping is as old as the whole was,
 * and what is small is not followed. */
static void test_events(void **state) {
    (void)state;
    const struct drag *drag = &rig.image->drag;
    rig_alloc(&rig, 0, 0, BLOCK, MIB, 1);
    rig_alloc(&rig, 0, 0, 0x40000000, MIB - 1, 1);
    rig_drain(&rig);
    assert_int_equal(drag->count, 1);
    rig_realloc(&rig, 0, BLOCK, 0, 0x20000010, 3 * MIB, 1);
    rig_realloc(&rig, 0, 0x20000010, 0, 0, 1ull << 40, 1); /* failed */
    rig_map(&rig, 0, MAPPING_COUNTED, 0x70000000, 8 * MIB, 1);
    rig_drain(&rig);
    assert_int_equal(drag->count, 2);
    assert_int_equal(drag->list[0].size, 3 * MIB);
    assert_int_equal(sums()->bytes, MIB);
    uint64_t born = drag->list[1].born_ns;
    rig_unmap(&rig, 0, 0, 0x70000000 + 2 * MIB, MIB);
    rig_drain(&rig);
    assert_int_equal(drag->count, 3);
    assert_int_equal(drag->list[1].size, 2 * MIB);
    assert_int_equal(drag->list[2].size, 5 * MIB);
    assert_int_equal(drag->list[2].born_ns, born);
    rig_free(&rig, 0, 0, 0x20000010);
    image_die(&rig.trace, rig.image);
    rig_drain(&rig);
    assert_int_equal(drag->count, 0);
}

/* What is too small to be followed any further has ended. */
static void test_split(void **state) {
    (void)state;
    uint64_t page = 0x10000000;
    begin(10, page, 2 * MIB, 1);
    rig.trace.now_ns = 14 * SECOND;
    drag_split(&rig.trace, rig.image, page, page + MIB / 2);
    assert_int_equal(rig.image->drag.count, 1);
    assert_int_equal(rig.image->drag.list[0].address, page + MIB / 2);
    assert_phases(0, 0, 0, 0, 2 * MIB);
}

static void test_bound(void **state) {
    (void)state;
    struct drag *drag = &rig.image->drag;
    for (uint64_t i = 0; i < DRAG_BLOCKS_MAX + 3; i++)
        begin(1, (DRAG_BLOCKS_MAX + 3 - i) * 2 * MIB, MIB, i + 1);
    assert_int_equal(drag->count, DRAG_BLOCKS_MAX);
    assert_int_equal(drag->left_out, 3);
    for (uint32_t i = 1; i < drag->count; i++)
        assert_true(drag->list[i].address > drag->list[i - 1].address);
    begin(2, drag->list[0].address, MIB, 9999); /* nobody told of its end */
    assert_int_equal(drag->count, DRAG_BLOCKS_MAX);
    assert_int_equal(drag->left_out, 3);
}

/* -- Where looks come from -- */

static void test_smaps(void **state) {
    (void)state;
    char text[2000], path[800];
    memset(path, 'a', sizeof path);
    path[sizeof path - 1] = '\0';
    snprintf(
        text, sizeof text,
        "7f00a0000000-7f00a0200000 rw-p 00000000 00:00 0 \n"
        "Size:               2048 kB\nRss:                1024 kB\nPss:                 512 kB\n"
        "Referenced:           12 kB\nAnonymous:            8 kB\nVmFlags: rd wr mr\n"
        "7f00a0200000-7f00a0300000 r--s 00001000 08:01 77  /%s\nRss: 4 kB\n",
        path);
    struct smaps smaps = {.file = fmemopen(text, strlen(text), "r")};
    struct smaps_mapping found;
    assert_true(smaps_read(&smaps, &found));
    assert_int_equal(found.start, 0x7f00a0000000);
    assert_int_equal(found.end, 0x7f00a0200000);
    assert_int_equal(found.resident, MIB);
    assert_int_equal(found.referenced, 12 << 10);
    assert_int_equal(found.anonymous, 8 << 10);
    assert_string_equal(found.access, "rw-p");
    assert_string_equal(found.name, "");
    assert_true(smaps_read(&smaps, &found));
    assert_int_equal(found.inode, 77);
    assert_int_equal(found.resident, 4 << 10);
    assert_int_equal(found.referenced, 0);
    assert_string_equal(found.access, "r--s");
    assert_int_equal(strlen(found.name), sizeof found.name - 1);
    assert_false(smaps_read(&smaps, &found));
    smaps_close(&smaps);
}

static void take_look(struct image *image, uint32_t pid) {
    image->pid = pid;
    if (image->drag.count == 0)
        drag_begin(&rig.trace, image, &(const struct large){BLOCK, MIB, 1, 0});
    image->looks.next_ns = 1;
    looks_take(&rig.trace);
}

/* What has this process's number is not the one that was followed. */
static void test_ended(void **state) {
    (void)state;
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    rig.image->pidfd = (int)syscall(SYS_pidfd_open, child, 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    if (rig.image->pidfd < 0)
        skip(); /* before Linux 5.3 */
    take_look(rig.image, (uint32_t)getpid());
    assert_int_equal(rig.image->looks.count, 0);
    assert_false(rig.image->looks.refused);
    assert_int_equal(rig.trace.warning_count, 0);
}

/* In a process that may not look at its parent: one warning does for two such parents, and there is
 * no other try. */
static bool is_refused(pid_t parent) {
    struct image *other = rig_image(&rig, 2, 1);
    take_look(rig.image, (uint32_t)parent);
    take_look(other, (uint32_t)parent);
    take_look(rig.image, (uint32_t)parent);
    return rig.image->looks.refused && other->looks.refused && rig.trace.warning_count == 1 &&
           strstr(rig.trace.warnings[0], PROFILE_NO_LOOKS) && rig.image->looks.count == 0;
}

static void test_refused(void **state) {
    (void)state;
    int status;
    assert_int_equal(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0), 0);
    pid_t parent = getpid(), child = fork();
    if (child == 0) {
        bool root = geteuid() == 0 && setresuid(65534, 65534, 65534) != 0;
        _exit(root ? 77 : is_refused(parent) ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0), 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        skip(); /* root stays root where no other user is known */
    assert_int_equal(status, 0);
}

/* Too many open files do not last: the next look is tried. */
static void test_refused_for_now(void **state) {
    (void)state;
    struct rlimit limit, none = {0};
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none.rlim_max = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    take_look(rig.image, (uint32_t)getpid());
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_false(rig.image->looks.refused);
    assert_int_equal(rig.image->looks.count, 0);
    take_look(rig.image, (uint32_t)getpid());
    assert_int_equal(rig.image->looks.count, looks_refusal((uint32_t)getpid()) ? 0 : 1);
}

#define IN_RIG(test) cmocka_unit_test_setup_teardown(test, open_rig, close_rig)

int main(void) {
    const struct CMUnitTest tests[] = {IN_RIG(test_phases),          IN_RIG(test_void),
                                       IN_RIG(test_perhaps_touched), IN_RIG(test_no_look_between),
                                       IN_RIG(test_shared_mappings), IN_RIG(test_idle),
                                       IN_RIG(test_counts),          IN_RIG(test_split),
                                       IN_RIG(test_borders),         IN_RIG(test_events),
                                       IN_RIG(test_bound),           cmocka_unit_test(test_smaps),
                                       IN_RIG(test_ended),           IN_RIG(test_refused),
                                       IN_RIG(test_refused_for_now)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
