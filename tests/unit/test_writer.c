/* A writer's way through its ring, against a reader that lags: records lie in one piece, none is
 * written over before it has been read, where the writer goes back to the body's begin, and what
 * memory it gives back. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "preload/seccomp.h"
#include "preload/thread.h"

#define KIB 1024ull
#define RECORD EVENT_MARK /* aux: its words; the value and all further words: its number */

enum { WORDS_MAX = EVENT_MAX_WORDS };

struct process process;
_Atomic uint32_t seccomp_lost;
_Thread_local struct thread self;

/* What of the library is not looked at here. */
void stack_cache_pass_on(struct stack_cache *cache) {
    (void)cache;
}

bool process_more_rings(void) {
    return false;
}

bool process_may_ask_for_rings(void) {
    return false;
}

/* The ring as its reader knows it. `turns`: PAD records that are no end of a body. */
static struct {
    struct writer writer;
    struct region *region;
    struct session_page session; /* all zeroes: the collector is dead, so a wait ends at once */
    uint64_t *body;
    uint64_t size;
    uint64_t head, written, read; /* the last two: records */
    uint64_t lag;                 /* bytes of records that are unread */
    uint64_t turns, turned_from, turned_to, refused;
} fake;

static void setup(uint32_t index) {
    memset(&fake, 0, sizeof fake);
    memset(&process, 0, sizeof process);
    process.session = &fake.session;
    fake.region =
        mmap(NULL, region_size(1, 2), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(fake.region != MAP_FAILED);
    fake.region->has_gil_ring = 1;
    fake.region->ring_count = 2;
    fake.size = index == 0 ? GIL_RING_SIZE : THREAD_RING_SIZE;
    fake.body = (uint64_t *)((char *)fake.region + region_body_offset(1, index));
    fake.turned_from = UINT64_MAX;
    writer_open(&fake.writer, fake.region, index);
}

static void teardown(void) {
    munmap(fake.region, region_size(1, 2));
}

static struct ring *header(void) {
    return fake.writer.ring;
}

static uint64_t tail_now(void) {
    return atomic_load(&header()->tail);
}

static const uint64_t *place(uint64_t position) {
    return fake.body + position % fake.size / 8;
}

/* One that leaves out more than a record could have needed is a turn. */
static void check_pad(uint64_t bytes) {
    uint64_t begin = fake.head % fake.size;
    assert_int_equal(begin + bytes, fake.size);
    if (bytes < WORDS_MAX * 8)
        return;
    fake.turns++;
    fake.turned_from = begin < fake.turned_from ? begin : fake.turned_from;
    fake.turned_to = begin > fake.turned_to ? begin : fake.turned_to;
}

/* The record at head, and what is left out before it. */
static void read_one(void) {
    const uint64_t *record = place(fake.head);
    if (event_op(record[0]) == EVENT_PAD) {
        check_pad(event_value(record[0]));
        fake.head += event_value(record[0]);
        assert_true(fake.head <= tail_now());
        record = place(fake.head);
    }
    uint32_t words = event_aux(record[0]);
    assert_int_equal(event_op(record[0]), RECORD);
    assert_int_equal(event_value(record[0]), fake.read);
    assert_true(fake.head % fake.size + words * 8ull <= fake.size);
    for (uint32_t i = 1; i < words; i++)
        assert_int_equal(record[i], fake.read);
    fake.head += words * 8ull;
    fake.lag -= words * 8ull;
    fake.read++;
    assert_true(fake.head <= tail_now());
    atomic_store(&header()->head, fake.head);
}

static uint64_t unread(void) {
    return tail_now() - fake.head;
}

static void read_up_to(uint64_t lag) {
    while (fake.lag > lag)
        read_one();
}

/* False: there is no room. */
static bool write_one(uint32_t words) {
    process.off = false;
    uint64_t *record = writer_reserve(&fake.writer, words);
    uint64_t tail = tail_now(), room = fake.head + fake.size - tail;
    if (!record) {
        uint64_t rest = fake.size - tail % fake.size;
        assert_true(process.off && room < (rest < words * 8ull ? rest : words * 8ull));
        fake.refused++;
        return false;
    }
    assert_false(process.off);
    assert_ptr_equal(record, place(tail));
    assert_true(tail % fake.size + words * 8ull <= fake.size && words * 8ull <= room);
    record[0] = event_word(RECORD, 0, words, fake.written);
    for (uint32_t i = 1; i < words; i++)
        record[i] = fake.written;
    writer_commit(&fake.writer, words);
    fake.lag += words * 8ull;
    fake.written++;
    assert_true(tail_now() <= fake.head + fake.size);
    return true;
}

static uint32_t any_words(void) {
    return rand() % 50 ? 1 + (uint32_t)rand() % 4 : 1 + (uint32_t)rand() % WORDS_MAX;
}

/* So many bytes of records, each of `words` or, 0, of any number, with a reader that always lags by
 * `lag` bytes. */
static void write_much(uint64_t bytes, uint32_t words, uint64_t lag) {
    for (uint64_t done = 0; done < bytes;) {
        uint32_t now = words ? words : any_words();
        read_up_to(lag);
        assert_true(write_one(now));
        done += now * 8ull;
    }
    read_up_to(0);
    assert_int_equal(fake.read, fake.written);
}

/* How much of a ring is used, the GIL's and a thread's, when its reader keeps up, and how much that
 * may have unread then. */
static const uint64_t least[] = {512 * KIB, 128 * KIB}, most[] = {128 * KIB, 4 * KIB};

/* A reader that keeps up: nothing beyond that is ever used. */
static void test_turns(void **state) {
    (void)state;
    for (uint32_t index = 0; index < 2; index++) {
        const uint64_t lags[] = {0, 8, most[index] - 8, most[index]};
        for (size_t i = 0; i < sizeof lags / sizeof *lags; i++) {
            setup(index);
            write_much(5 * least[index] + 8, 1, lags[i]);
            assert_int_equal(fake.turns, 5);
            assert_int_equal(fake.turned_from, least[index]);
            assert_int_equal(fake.turned_to, least[index]);
            assert_int_equal(fake.refused, 0);
            teardown();
        }
    }
}

/* One that does not: the whole body is used. */
static void test_goes_on(void **state) {
    (void)state;
    for (uint32_t index = 0; index < 2; index++) {
        setup(index);
        const uint64_t lags[] = {most[index] + 8, fake.size / 2, fake.size - 8};
        teardown();
        for (size_t i = 0; i < sizeof lags / sizeof *lags; i++) {
            setup(index);
            write_much(3 * fake.size, 1, lags[i]);
            assert_int_equal(fake.turns, 0);
            assert_int_equal(fake.refused, 0);
            teardown();
        }
    }
}

/* Records of any length: it is looked whether to turn once in 128 KiB. */
static void test_turns_between_records(void **state) {
    (void)state;
    for (uint32_t index = 0; index < 2; index++) {
        setup(index);
        uint64_t more = least[index] + 128 * KIB;
        write_much(40 * least[index], 0, index ? 0 : most[index] - 2 * WORDS_MAX * 8);
        assert_in_range(fake.turns, 40 * least[index] / more - 1, 40);
        assert_in_range(fake.turned_from, least[index], more);
        assert_in_range(fake.turned_to, least[index], more);
        teardown();
    }
}

/* A reader that comes close late is turned for then: the next time that it is looked. */
static void test_turns_late(void **state) {
    (void)state;
    setup(0);
    while (tail_now() < 1000 * KIB)
        assert_true(write_one(1));
    read_up_to(0);
    assert_int_equal(fake.turns, 0);
    write_much(100 * KIB, 1, 128 * KIB);
    assert_int_equal(fake.turns, 1);
    assert_int_equal(fake.turned_from, 1024 * KIB);
    teardown();
}

/* A full ring is refused at its last byte, and goes on as soon as there is room. */
static void test_full(void **state) {
    (void)state;
    for (uint32_t index = 0; index < 2; index++) {
        setup(index);
        while (write_one(1))
            ;
        assert_int_equal(unread(), fake.size);
        for (uint32_t i = 0; i < 100000; i++) {
            uint32_t words = any_words();
            while (!write_one(words))
                read_one();
        }
        assert_in_range(fake.refused, 1000, UINT32_MAX);
        assert_int_equal(fake.turns, 0);
        read_up_to(0);
        assert_int_equal(fake.read, fake.written);
        teardown();
    }
}

/* A reader that comes and goes. There is always room while it keeps up, also just after a turn. */
static void any_reader(uint32_t index) {
    srand(1);
    setup(index);
    for (uint32_t round = 0; round < 3000; round++) {
        uint64_t bytes = (uint64_t)rand() % 256 * KIB / (round / 100 % 2 ? 1 : 8);
        for (uint64_t done = 0; done < bytes;) {
            uint32_t words = any_words();
            if (!write_one(words)) {
                assert_true(unread() > most[index]);
                break;
            }
            done += words * 8ull;
        }
        read_up_to(rand() % 3 ? (uint64_t)rand() % fake.size : 0);
    }
    read_up_to(0);
    assert_int_equal(fake.read, fake.written);
    assert_in_range(fake.turns, 10, UINT32_MAX);
    assert_in_range(fake.refused, 10, UINT32_MAX);
    teardown();
}

static void test_any_reader(void **state) {
    (void)state;
    any_reader(0);
    any_reader(1);
}

/* -- Memory -- */

static uint64_t resident(void) {
    static unsigned char pages[GIL_RING_SIZE / WIRE_PAGE];
    uint64_t count = 0;
    assert_int_equal(mincore(fake.body, fake.size, pages), 0);
    for (uint64_t i = 0; i < fake.size / WIRE_PAGE; i++)
        count += pages[i] & 1;
    return count * WIRE_PAGE;
}

/* All of the body is used, as its reader is slow. A lap is about to end. */
static void burst(void) {
    uint64_t least_end = tail_now() + 2 * fake.size;
    while (tail_now() < least_end || tail_now() % fake.size != fake.size - 8) {
        read_up_to(fake.size / 2);
        while (!write_one(1)) /* it has turned back, and waits for the reader to do so */
            read_one();
    }
    read_up_to(0);
    assert_int_equal(resident(), fake.size);
}

/* As if that had been so for long. */
static void let_time_pass(void) {
    assert_int_not_equal(fake.writer.calm_ns, 0);
    fake.writer.calm_ns = 1;
}

/* A lap and a half of a reader that keeps up. */
static void lap_and_half(uint32_t index) {
    write_much(3 * least[index] / 2, 1, most[index]);
}

static void test_gives_back(void **state) {
    (void)state;
    for (uint32_t index = 0; index < 2; index++) {
        setup(index);
        for (uint32_t time = 0; time < 4; time++) {
            burst();
            assert_int_equal(fake.writer.calm_ns, 0);
            lap_and_half(index);
            let_time_pass();
            lap_and_half(index);
            assert_int_equal(resident(), least[index] + 128 * KIB);
        }
        teardown();
    }
}

/* Not before the reader has read what lies there. */
static void test_keeps_what_is_unread(void **state) {
    (void)state;
    for (uint32_t index = 0; index < 2; index++) {
        setup(index);
        burst();
        while (unread() < fake.size / 2) {
            fake.writer.calm_ns = 1;
            assert_true(write_one(3));
        }
        assert_int_equal(resident(), fake.size);
        read_up_to(0);
        assert_int_equal(fake.read, fake.written);
        teardown();
    }
}

/* Not where a filter forbids it. */
static void test_keeps_under_filter(void **state) {
    (void)state;
    setup(0);
    seccomp_lost = SECCOMP_TABLES;
    burst();
    lap_and_half(0);
    let_time_pass();
    lap_and_half(0);
    assert_int_equal(resident(), fake.size);
    seccomp_lost = 0;
    teardown();
}

static bool is_called(void) {
    return atomic_load(&fake.session.rest) == REST_CALLED;
}

/* A collector that sleeps is called before much is written, and one that does not is let be. */
static void test_calls(void **state) {
    (void)state;
    for (uint32_t index = 0; index < 2; index++) {
        setup(index);
        write_much(8, 1, 0);
        assert_int_equal(atomic_load(&fake.session.rest), REST_AWAKE);
        atomic_store(&fake.session.rest, REST_ASLEEP);
        write_much(16 * KIB, 1, 0);
        assert_false(is_called());
        write_much(16 * KIB, 1, 0);
        assert_true(is_called());
        teardown();
    }
}

/* Nor where a filter forbids it. */
static void test_calls_not_under_filter(void **state) {
    (void)state;
    setup(0);
    seccomp_lost = SECCOMP_WAIT;
    atomic_store(&fake.session.rest, REST_ASLEEP);
    write_much(128 * KIB, 1, 0);
    assert_false(is_called());
    seccomp_lost = 0;
    teardown();
}

static void test_going_alone(void **state) {
    (void)state;
    setup(1);
    struct writer *writer = &fake.writer;
    atomic_store(&fake.session.ticket, 10);
    writer->tail = 77;
    assert_int_equal(writer_go_alone(writer), 10);
    assert_int_equal(writer->noted, 11);
    assert_int_equal(writer->claimed, 77);
    assert_int_equal(atomic_load(&header()->alone_since), 10);
    assert_int_equal(atomic_load(&process.alone), writer->index + 1u);
    teardown();
}

/* What the claim is by the time that the ticket is taken. */
static uint32_t claim;

static void claim_meanwhile(int signal) {
    (void)sigaction(signal, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
    if (mprotect(process.session, WIRE_PAGE, PROT_READ | PROT_WRITE) != 0)
        abort();
    atomic_store(&process.alone, claim);
}

static uint64_t noted_after(uint32_t claimed) {
    struct sigaction before, action = {.sa_handler = claim_meanwhile};
    claim = claimed;
    assert_int_equal(mprotect(process.session, WIRE_PAGE, PROT_NONE), 0);
    assert_int_equal(sigaction(SIGSEGV, &action, &before), 0);
    writer_go_alone(&fake.writer);
    assert_int_equal(sigaction(SIGSEGV, &before, NULL), 0);
    return fake.writer.noted;
}

/* The GIL's writer has cleared the claim before the ticket is taken, or another thread's has put
 * its own in its place. */
static void test_claims_of_others(void **state) {
    (void)state;
    setup(1);
    process.session =
        mmap(NULL, WIRE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(process.session != MAP_FAILED);
    assert_int_equal(noted_after(fake.writer.index + 1u), 1);
    assert_int_equal(noted_after(0), 0);
    assert_int_equal(noted_after(fake.writer.index + 2u), 0);
    munmap(process.session, WIRE_PAGE);
    teardown();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_turns),
        cmocka_unit_test(test_goes_on),
        cmocka_unit_test(test_turns_between_records),
        cmocka_unit_test(test_turns_late),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_any_reader),
        cmocka_unit_test(test_gives_back),
        cmocka_unit_test(test_keeps_what_is_unread),
        cmocka_unit_test(test_keeps_under_filter),
        cmocka_unit_test(test_calls),
        cmocka_unit_test(test_calls_not_under_filter),
        cmocka_unit_test(test_going_alone),
        cmocka_unit_test(test_claims_of_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
