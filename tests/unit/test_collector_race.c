/* A real writer thread for each ring, beside the collector that drains them: what the thread
 * sanitizer must have nothing to say about. The writers keep to wire/session.h's rules: words
 * first, then the tail; the head before room is used again; and, in one test, a ticket for each
 * event of a thread ring, in the other only while somebody else takes some (wire/event.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>

#include "rig.h"

enum { WRITERS = 4, SLOTS = 64, ROUNDS = 60000 };

static struct rig rig;

struct writer {
    pthread_t thread;
    uint32_t ring; /* 0 is the GIL's */
    uint64_t live; /* at the end, by its own account */
};

static void wait_for_room(const struct rig_ring *ring, uint64_t bytes) {
    while (ring->tail + bytes >
           atomic_load_explicit(&ring->ring->head, memory_order_acquire) + ring->size)
        sched_yield();
}

static void put_words(struct rig_ring *ring, const uint64_t *words, uint64_t count) {
    uint64_t at = ring->tail & (ring->size - 1), rest = ring->size - at;
    if (rest < count * 8) {
        wait_for_room(ring, rest);
        __atomic_store_n(&ring->body[at / 8], event_word(EVENT_PAD, 0, 0, rest), __ATOMIC_RELAXED);
        ring->tail += rest;
        at = 0;
    }
    wait_for_room(ring, count * 8);
    for (uint64_t i = 0; i < count; i++)
        __atomic_store_n(&ring->body[at / 8 + i], words[i], __ATOMIC_RELAXED);
    ring->tail += count * 8;
    atomic_store_explicit(&ring->ring->tail, ring->tail, memory_order_release);
}

/* `ticket` 0: none. */
static void put_event(struct rig_ring *ring, uint64_t ticket, uint64_t word, uint64_t packed,
                      uint64_t words) {
    uint64_t record[3] = {word, packed};
    if (ticket) {
        record[0] |= EVENT_TICKET_BIT;
        record[1] = ticket;
        record[2] = packed;
    }
    put_words(ring, record, words + (ticket != 0));
}

static void *write_events(void *argument) {
    struct writer *writer = argument;
    struct rig_ring *ring = &rig.rings[writer->ring];
    uint64_t sizes[SLOTS] = {0}, random = writer->ring + 1;
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t ticket = writer->ring ? rig_ticket(&rig) : 0;
        random = random * 6364136223846793005u + 1442695040888963407u;
        uint64_t slot = random >> 58, address = (writer->ring + 1) * 0x100000ull + slot * 64;
        if (sizes[slot]) {
            put_event(ring, ticket, event_word(EVENT_FREE, 0, 0, address), 0, 1);
            writer->live -= sizes[slot];
            sizes[slot] = 0;
        } else {
            sizes[slot] = 1 + (random >> 40 & 1023);
            put_event(ring, ticket, event_word(EVENT_ALLOC, BLOCK_HEAP, 0, address),
                      event_size_node(0, sizes[slot]), 2);
            writer->live += sizes[slot];
        }
    }
    return NULL;
}

static void test_writers_beside_the_reader(void **state) {
    (void)state;
    static struct writer writers[WRITERS];
    uint64_t live = 0;
    rig_open(&rig, WRITERS);
    for (uint32_t i = 0; i < WRITERS; i++) {
        writers[i].ring = i;
        assert_int_equal(pthread_create(&writers[i].thread, NULL, write_events, &writers[i]), 0);
    }
    while (rig.image->events < (uint64_t)WRITERS * ROUNDS) {
        drain_pass(&rig.trace);
        sched_yield();
    }
    for (uint32_t i = 0; i < WRITERS; i++) {
        pthread_join(writers[i].thread, NULL);
        live += writers[i].live;
    }
    rig_drain(&rig);
    assert_int_equal(rig.image->totals.live, live);
    assert_int_equal(rig.trace.late + rig.trace.gaps + rig.image->lost_frees, 0);
    rig_close(&rig);
}

/* Blocks that go from hand to hand: whoever takes one that is there frees it, else allocates it
 * anew. So each event depends on the last one of its address, mostly by another writer. */
enum { HANDED = 24, BURST = 40, CLAIM_EVERY = 8, HANDED_ROUNDS = 150000 };

static struct {
    _Atomic int taken;
    uint64_t size;
} handed[HANDED];

static _Atomic uint32_t alone; /* a writer's ring, or 0 */

/* As a writer of the library's (preload/hot.h, preload/event.c), but sooner alone. */
struct hand {
    pthread_t thread;
    struct rig_ring *ring;
    uint32_t number; /* of the ring; 0 is the GIL's */
    uint64_t noted, since_claim;
    uint64_t without; /* events of a thread's ring that had no ticket */
    uint64_t random;
};

static uint64_t draw(struct hand *hand, uint64_t below) {
    hand->random = hand->random * 6364136223846793005u + 1442695040888963407u;
    return (hand->random >> 33) % below;
}

static void put_gil(struct hand *hand, uint64_t word, uint64_t packed, uint64_t words) {
    uint64_t ticket = atomic_load_explicit(&rig.page.ticket, memory_order_acquire);
    if (ticket != hand->noted && atomic_load_explicit(&alone, memory_order_relaxed)) {
        atomic_store(&alone, 0);
        ticket = rig_ticket(&rig);
        put_event(hand->ring, ticket, event_word(EVENT_NOTE, 0, 0, 0), 0, 1);
        hand->noted = ticket + 1;
    } else if (ticket != hand->noted) {
        put_event(hand->ring, 0, event_word(EVENT_NOTE, 0, 0, ticket), 0, 1);
        hand->noted = ticket;
    }
    if (draw(hand, 300) == 0)
        sched_yield();
    put_event(hand->ring, 0, word, packed, words);
}

static uint64_t take_ticket(struct hand *hand) {
    hand->noted = 0;
    if (++hand->since_claim < CLAIM_EVERY)
        return rig_ticket(&rig);
    hand->since_claim = 0;
    atomic_store_explicit(&alone, hand->number, memory_order_relaxed);
    uint64_t ticket = rig_ticket(&rig);
    if (atomic_load_explicit(&alone, memory_order_relaxed) == hand->number) {
        atomic_store_explicit(&hand->ring->ring->alone_since, ticket, memory_order_release);
        hand->noted = ticket + 1;
    }
    return ticket;
}

static void put_own(struct hand *hand, uint64_t word, uint64_t packed, uint64_t words) {
    if (atomic_load_explicit(&rig.page.ticket, memory_order_relaxed) == hand->noted) {
        if (draw(hand, 300) == 0)
            sched_yield();
        put_event(hand->ring, 0, word, packed, words);
        hand->without++;
        return;
    }
    put_event(hand->ring, take_ticket(hand), word, packed, words);
}

static void hand_over(struct hand *hand, uint64_t slot) {
    void (*put)(struct hand *, uint64_t, uint64_t, uint64_t) =
        hand->number == 0 ? put_gil : put_own;
    uint64_t address = 0x10000 + slot * 64;
    if (handed[slot].size) {
        put(hand, event_word(EVENT_FREE, 0, 0, address), 0, 1);
        handed[slot].size = 0;
    } else {
        handed[slot].size = 1 + draw(hand, 1000);
        put(hand, event_word(EVENT_ALLOC, BLOCK_HEAP, 0, address),
            event_size_node(0, handed[slot].size), 2);
    }
}

static void hand_rounds(struct hand *hand, int rounds) {
    for (int i = 0; i < rounds;) {
        uint64_t slot = draw(hand, HANDED);
        if (atomic_exchange_explicit(&handed[slot].taken, 1, memory_order_acquire)) {
            sched_yield();
            continue;
        }
        hand_over(hand, slot);
        atomic_store_explicit(&handed[slot].taken, 0, memory_order_release);
        i++;
        if (draw(hand, BURST) == 0)
            sched_yield();
    }
}

static void *hand_all_rounds(void *hand) {
    hand_rounds(hand, HANDED_ROUNDS);
    return NULL;
}

static void test_hand_to_hand(void **state) {
    (void)state;
    static struct hand hands[WRITERS];
    uint64_t live = 0;
    rig_open(&rig, WRITERS);
    for (uint32_t i = 0; i < WRITERS; i++) {
        hands[i] = (struct hand){.ring = &rig.rings[i], .number = i, .random = i};
        assert_int_equal(pthread_create(&hands[i].thread, NULL, hand_all_rounds, &hands[i]), 0);
    }
    while (rig.image->events < (uint64_t)WRITERS * HANDED_ROUNDS && !rig.image->lost_frees) {
        drain_pass(&rig.trace);
        if (rig.image->events % 3 == 0)
            sched_yield();
    }
    assert_int_equal(rig.image->lost_frees, 0);
    for (uint32_t i = 0; i < WRITERS; i++)
        pthread_join(hands[i].thread, NULL);
    uint64_t before = hands[1].without;
    hand_rounds(&hands[1], 1000); /* by itself */
    assert_in_range(hands[1].without, before + 1000 - (uint64_t)2 * CLAIM_EVERY, before + 1000);
    for (uint32_t i = 0; i < HANDED; i++)
        live += handed[i].size;
    rig_drain(&rig);
    assert_int_equal(rig.image->totals.live, live);
    assert_int_equal(rig.trace.late + rig.trace.gaps, 0);
    rig_close(&rig);
}

/* A program that reads what the collector publishes of it: three values that belong together. */
enum { PUBLISHED = 400000 };

struct watcher {
    uint64_t readings, wrong, last;
};

static bool read_published(struct region *region, uint64_t values[3]) {
    uint32_t before = atomic_load_explicit(&region->sequence, memory_order_acquire);
    values[0] = atomic_load_explicit(&region->live, memory_order_relaxed);
    values[1] = atomic_load_explicit(&region->gil_allocated, memory_order_relaxed);
    values[2] = atomic_load_explicit(&region->gil_position, memory_order_relaxed);
    atomic_thread_fence(memory_order_acquire);
    return before % 2 == 0 &&
           before == atomic_load_explicit(&region->sequence, memory_order_relaxed);
}

static void *watch(void *argument) {
    struct watcher *watcher = argument;
    uint64_t values[3];
    while (watcher->last < PUBLISHED) {
        if (!read_published(rig.image->regions[0].region, values))
            continue;
        watcher->readings++;
        watcher->wrong +=
            values[0] != values[1] || values[2] != values[0] * 16 || values[0] < watcher->last;
        watcher->last = values[0];
        sched_yield();
    }
    return NULL;
}

static void *write_allocations(void *argument) {
    struct rig_ring *ring = argument;
    for (uint64_t i = 1; i <= PUBLISHED; i++)
        put_event(ring, 0, event_word(EVENT_ALLOC, BLOCK_HEAP, 0, i * 16), event_size_node(0, 1),
                  2);
    return NULL;
}

static void test_published_together(void **state) {
    (void)state;
    struct watcher watcher = {0};
    pthread_t writing, watching;
    rig_open(&rig, 1);
    assert_int_equal(pthread_create(&watching, NULL, watch, &watcher), 0);
    assert_int_equal(pthread_create(&writing, NULL, write_allocations, &rig.rings[0]), 0);
    while (rig.image->totals.live < PUBLISHED)
        drain_pass(&rig.trace);
    pthread_join(writing, NULL);
    pthread_join(watching, NULL);
    assert_int_equal(watcher.wrong, 0);
    assert_true(watcher.readings > 0);
    rig_close(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_writers_beside_the_reader),
                                       cmocka_unit_test(test_hand_to_hand),
                                       cmocka_unit_test(test_published_together)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
