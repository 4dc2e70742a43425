/* Events of threads' rings that have no ticket, where they are committed late: while the merge
 * loads the tails, one after the other. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sys/mman.h>

#include "rig.h"

/* Of two regions: A and the GIL's ring are in the first one, B in the second. */
enum { GIL = 0, A = 1, B = REGION_MAX_RINGS, RINGS = REGION_MAX_RINGS + 1 };

static struct rig rig;

static int close_rig(void **state) {
    (void)state;
    rig_close(&rig);
    return 0;
}

/* What happens as the merge comes to the second region, after it has loaded the first one's tails.
 */
static void (*meanwhile)(void);

static void at_second_region(int signal, siginfo_t *info, void *context) {
    (void)context;
    char *region = (char *)rig.image->regions[1].region;
    char *address = info->si_addr;
    if (!meanwhile || address < region || address >= region + REGION_HEADER_SIZE) {
        (void)sigaction(signal, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
        return;
    }
    if (mprotect(region, REGION_HEADER_SIZE, PROT_READ | PROT_WRITE) != 0)
        abort();
    void (*act)(void) = meanwhile;
    meanwhile = NULL;
    act();
}

static void pass_with(void (*act)(void)) {
    struct sigaction before, action = {.sa_sigaction = at_second_region, .sa_flags = SA_SIGINFO};
    assert_int_equal(sigaction(SIGSEGV, &action, &before), 0);
    meanwhile = act;
    assert_int_equal(mprotect(rig.image->regions[1].region, REGION_HEADER_SIZE, PROT_NONE), 0);
    drain_pass(&rig.trace);
    assert_null(meanwhile);
    assert_int_equal(sigaction(SIGSEGV, &before, NULL), 0);
}

/* Its writer knows itself alone behind this event's ticket. */
static void alloc_alone(uint32_t ring, uint64_t address, uint64_t size) {
    uint64_t ticket = rig_ticket(&rig);
    atomic_store(&rig.rings[ring].ring->alone_since, ticket);
    rig_alloc(&rig, ring, ticket, address, size, 0);
}

/* A knows itself alone behind its ticket, with the block at 0x1000; then B takes one. */
static void open_with_one_alone(void) {
    rig_open(&rig, RINGS);
    alloc_alone(A, 0x1000, 100);
    rig_alloc(&rig, A, 0, 0x2000, 10, 0);
    rig_alloc(&rig, B, rig_ticket(&rig), 0x3000, 10, 0);
    rig_drain(&rig);
    assert_int_equal(rig.image->totals.live, 120);
}

/* What is made at these addresses from here on is done in batches. */
static void open_with_known_addresses(void) {
    rig_open(&rig, RINGS);
    for (uint64_t address = 0x1000; address <= 0x3000; address += 0x1000) {
        rig_alloc(&rig, GIL, 0, address, 1, 0);
        rig_free(&rig, GIL, 0, address);
    }
    rig_drain(&rig);
}

static void check_handed_over(uint64_t peak) {
    rig_drain(&rig);
    assert_int_equal(rig.image->lost_frees, 0);
    assert_int_equal(rig.image->totals.live, 60);
    assert_int_equal(rig.image->totals.peak, peak);
}

static void free_late(void) {
    rig_free(&rig, A, 0, 0x1000);
    rig_alloc(&rig, B, rig_ticket(&rig), 0x1000, 40, 0);
}

/* A had seen that it was alone before B took its ticket; B gets the address, and its record is
 * seen where A's was not yet. */
static void test_seen_before_its_cause(void **state) {
    (void)state;
    open_with_one_alone();
    pass_with(free_late);
    check_handed_over(120);
}

/* The same where all tickets come in turn, which one batch reads from both rings. */
static void test_seen_in_turn(void **state) {
    (void)state;
    open_with_known_addresses();
    rig_alloc(&rig, B, rig_ticket(&rig), 0x3000, 10, 0);
    alloc_alone(A, 0x1000, 100);
    rig_alloc(&rig, B, rig_ticket(&rig), 0x2000, 10, 0);
    rig.trace.last_tick_ns = trace_clock(&rig.trace); /* no tick comes in between */
    pass_with(free_late);
    check_handed_over(110); /* A's free stands before what B made first */
}

/* What has no ticket ends a batch of tickets in turn. */
static void test_between_turns(void **state) {
    (void)state;
    open_with_known_addresses();
    rig_alloc(&rig, B, rig_ticket(&rig), 0x3000, 10, 0);
    alloc_alone(A, 0x2000, 10);
    rig_alloc(&rig, A, 0, 0x1000, 100, 0);
    rig_free(&rig, B, rig_ticket(&rig), 0x1000);
    rig_free(&rig, B, rig_ticket(&rig), 0x3000); /* a ring's last words are in no batch */
    rig.trace.last_tick_ns = trace_clock(&rig.trace);
    rig_drain(&rig);
    assert_int_equal(rig.image->totals.live, 10);
    assert_int_equal(rig.image->totals.peak, 120);
}

static void free_late_for_gil(void) {
    rig_free(&rig, A, 0, 0x1000);
    rig_note(&rig, GIL, atomic_load(&rig.page.ticket));
    rig_alloc(&rig, GIL, 0, 0x1000, 40, 0);
}

static void test_gil_sees_it_before_its_cause(void **state) {
    (void)state;
    open_with_one_alone();
    pass_with(free_late_for_gil);
    check_handed_over(120);
}

static void free_with_gil(void) {
    rig_free(&rig, GIL, 0, 0x1000);
    rig_alloc(&rig, B, rig_ticket(&rig), 0x1000, 40, 0);
}

/* The GIL's writer had seen that no ticket was taken. */
static void test_gil_is_the_cause(void **state) {
    (void)state;
    open_with_one_alone();
    rig_note(&rig, GIL, atomic_load(&rig.page.ticket));
    rig_drain(&rig);
    pass_with(free_with_gil);
    check_handed_over(120);
}

/* Without tickets they are in the order of those that they stand behind, whichever ring is looked
 * at first. */
static void test_rings_without_tickets(void **state) {
    (void)state;
    open_with_one_alone();
    free_late_for_gil();
    rig_free(&rig, A, 0, 0x2000);
    rig_alloc(&rig, GIL, 0, 0x2000, 10, 0);
    check_handed_over(120);
    alloc_alone(B, 0x5000, 5);
    rig_drain(&rig);
    rig_free(&rig, GIL, 0, 0x2000);
    rig_alloc(&rig, B, 0, 0x2000, 20, 0);
    rig_free(&rig, B, 0, 0x1000);
    rig_note(&rig, GIL, atomic_load(&rig.page.ticket));
    rig_alloc(&rig, GIL, 0, 0x1000, 30, 0);
    rig_drain(&rig);
    assert_int_equal(rig.image->lost_frees, 0);
    assert_int_equal(rig.image->totals.live, 10 + 5 + 20 + 30);
}

/* A process is not over before what it committed last has been read: its parent's ring, here in
 * another process, tells of its death. */
static void die_late(void) {
    rig_alloc(&rig, A, 0, 0x4000, 7, 0);
    rig_mark(&rig, RINGS, MARK_REAPED, 1000);
}

static void test_end_is_seen_before_the_last(void **state) {
    (void)state;
    open_with_one_alone();
    rig_image(&rig, 999, 1);
    pass_with(die_late);
    for (int i = 0; i < 10; i++)
        drain_pass(&rig.trace);
    assert_int_equal(rig.image->state, IMAGE_ENDED);
    assert_int_equal(rig.image->totals.live, 127);
}

static void write_late(void) {
    static uint64_t address = 0x100000;
    rig_alloc(&rig, A, 0, address += 64, 1, 0);
}

/* Passes that are kept from going on, the first of them long ago: a few are not enough. */
static void let_time_pass(void) {
    rig.trace.held_since_ns -= 2000000000u;
    for (int i = 0; i < 100 && !rig.image->distrusted; i++) {
        pass_with(write_late);
        assert_false(rig.image->distrusted && i < 20);
    }
}

/* A process that says of itself what is not so makes others wait for a while, not for ever: its
 * ring has something new in each pass that may stand before what comes next. */
static void test_claims_that_are_wrong(void **state) {
    (void)state;
    open_with_one_alone();
    struct image *other = rig_image(&rig, 999, 2);
    atomic_store(&rig.rings[A].ring->alone_since, 0);
    rig_alloc(&rig, B, rig_ticket(&rig), 0x5000, 5, 0);
    rig_alloc(&rig, RINGS + 1, rig_ticket(&rig), 0x1000, 77, 0);
    pass_with(write_late);
    pass_with(write_late);
    assert_int_equal(other->totals.live, 0);
    assert_int_equal(rig.trace.held_ticket, rig.trace.next);
    let_time_pass();
    pass_with(write_late);
    assert_int_equal(other->totals.live, 77);
    assert_true(rig.image->distrusted);
    assert_int_equal(rig.trace.warning_count, 1);
}

/* The same for a dead one whose memory somebody goes on writing to. */
static void test_writes_of_the_dead(void **state) {
    (void)state;
    open_with_one_alone();
    struct image *other = rig_image(&rig, 999, 2);
    write_late();
    image_die(&rig.trace, rig.image);
    rig_alloc(&rig, RINGS + 1, rig_ticket(&rig), 0x1000, 77, 0);
    pass_with(write_late);
    pass_with(write_late);
    assert_int_equal(other->totals.live, 0);
    let_time_pass();
    pass_with(write_late);
    assert_int_equal(rig.image->state, IMAGE_ENDED);
    drain_pass(&rig.trace);
    assert_int_equal(other->totals.live, 77);
}

/* A dead one whose ring claims the ticket of its end, or a later one, is waited for no longer. */
static void test_claims_of_the_dead(void **state) {
    (void)state;
    open_with_one_alone();
    uint64_t end = atomic_load(&rig.page.ticket);
    rig_free(&rig, A, end, 0x1000);
    rig_free(&rig, B, end + 1, 0x2000);
    rig_image(&rig, 999, 1);
    image_die(&rig.trace, rig.image);
    rig_mark(&rig, RINGS, MARK_EXIT, 0);
    for (int i = 0; i < 10; i++)
        drain_pass(&rig.trace);
    assert_int_equal(rig.image->state, IMAGE_ENDED);
    assert_false(rig.image->distrusted);
}

/* A thread commits a ticket and ends, between the loads of its ring's tail and of the GIL's, whose
 * holder has joined it: the ticket is not given up. */
static void free_and_end(void) {
    rig_free(&rig, A, rig_ticket(&rig), 0x1000);
    atomic_store(&rig.rings[A].ring->owner, 0);
    rig_note(&rig, GIL, atomic_load(&rig.page.ticket));
    rig_alloc(&rig, GIL, 0, 0x1000, 40, 0);
}

static void test_ticket_of_a_thread_that_ends(void **state) {
    (void)state;
    open_with_one_alone();
    for (uint32_t i = 1; i < RINGS; i++)
        if (i != A)
            atomic_store(&rig.rings[i].ring->owner, 0);
    pass_with(free_and_end);
    check_handed_over(120);
    assert_int_equal(rig.trace.gaps + rig.trace.late, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_seen_before_its_cause, close_rig),
        cmocka_unit_test_teardown(test_seen_in_turn, close_rig),
        cmocka_unit_test_teardown(test_between_turns, close_rig),
        cmocka_unit_test_teardown(test_gil_sees_it_before_its_cause, close_rig),
        cmocka_unit_test_teardown(test_gil_is_the_cause, close_rig),
        cmocka_unit_test_teardown(test_rings_without_tickets, close_rig),
        cmocka_unit_test_teardown(test_end_is_seen_before_the_last, close_rig),
        cmocka_unit_test_teardown(test_claims_that_are_wrong, close_rig),
        cmocka_unit_test_teardown(test_writes_of_the_dead, close_rig),
        cmocka_unit_test_teardown(test_claims_of_the_dead, close_rig),
        cmocka_unit_test_teardown(test_ticket_of_a_thread_that_ends, close_rig),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
