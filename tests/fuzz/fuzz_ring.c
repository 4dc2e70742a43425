/* A ring full of anything: the collector must stay whole, whatever a program writes.
 *
 * The input is dealt out to a GIL ring and two thread rings of two processes, in pieces that each
 * start with a byte of instruction: which ring, and whether to drain. Some words are rewritten on
 * the way, since random ones hardly ever are good numbers: nodes and codes get the next in
 * sequence, tickets a real one. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../unit/rig.h"

struct input {
    const uint8_t *at, *end;
};

static uint64_t take(struct input *input, size_t size) {
    uint64_t value = 0;
    size_t left = (size_t)(input->end - input->at);
    memcpy(&value, input->at, size < left ? size : left);
    input->at += size < left ? size : left;
    return value;
}

/* Makes a random word a good one most of the time. */
static uint64_t improve(struct rig *rig, uint32_t ring, uint64_t word, const uint32_t *next) {
    unsigned aux = event_aux(word);
    unsigned op = event_op(word) % 15 + 1;
    uint64_t value = event_value(word);
    if (op == EVENT_NODE)
        value = next[ring];
    if (op == EVENT_TEXT)
        value %= 64;
    if (op == EVENT_PAD)
        value = 8;
    if (op == EVENT_NOTE)
        value = atomic_load(&rig->page.ticket);
    if (op == EVENT_SNAPSHOT) {
        value = rig->trace.images[ring / 3]->snapshots.last + 1;
        word |= EVENT_TICKET_BIT;
        aux = aux % 3 + SNAPSHOT_PEAK;
    }
    if (op == EVENT_MARK && aux % 11 >= MARK_REGION_BEGIN)
        value %= 16; /* few regions, which also end */
    if (op <= EVENT_PROTECT)
        value = (value % 256) * (op >= EVENT_MAP ? 4096 : 16);
    return event_word(op, event_kind(word) % 3, aux % 11, value) |
           (op == EVENT_PAD ? 0 : word & EVENT_TICKET_BIT);
}

static void put_record(struct rig *rig, struct input *input, uint32_t ring, bool help,
                       uint32_t *next) {
    uint64_t word = take(input, 8), words[EVENT_MAX_WORDS];
    if (help)
        word = improve(rig, ring, word, next);
    uint32_t count = event_words(word);
    if (count == 0 || count > EVENT_MAX_WORDS)
        count = 1;
    for (uint32_t i = 0; i + 1 < count; i++) {
        words[i] = take(input, 4);
        if (help && event_op(word) >= EVENT_MAP && event_op(word) <= EVENT_PROTECT && i % 2 == 0)
            words[i] = (words[i] % 64) * 4096;
        if (help && (event_op(word) == EVENT_ALLOC || event_op(word) == EVENT_REALLOC_END))
            words[i] = event_size_node((uint32_t)words[i] % (next[ring] + 1), words[i] >> 8);
        if (help && event_op(word) == EVENT_SNAPSHOT)
            words[i] %= next[ring];
    }
    if (help && word & EVENT_TICKET_BIT && count > 1)
        words[0] = rig_ticket(rig);
    if (help && event_op(word) == EVENT_NODE) {
        uint32_t first = (word & EVENT_TICKET_BIT) != 0;
        words[first] = (words[first] % next[ring]) << 32;
        next[ring]++;
    }
    rig_put(rig, ring, word, words, count - 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct rig rig;
    struct input input = {data, data + size};
    uint32_t next[RIG_RINGS];
    rig_open(&rig, 3);
    rig.trace.holders = size && data[0] & 2;
    if (size && data[0] & 1) /* with --keep-events */
        rig.trace.events = events_open(memfd_create("events", MFD_CLOEXEC), &rig.trace.stubs);
    rig.trace.lives = size && data[0] & 4;
    rig.trace.keeps_stubs = rig.trace.lives || rig.trace.events;
    rig_image(&rig, 1001, 3);
    for (uint32_t i = 0; i < RIG_RINGS; i++)
        next[i] = 1;
    while (input.at < input.end) {
        unsigned instruction = (unsigned)take(&input, 1);
        uint32_t ring = instruction % rig.ring_count;
        put_record(&rig, &input, ring, instruction & 64, next);
        if (instruction % 61 == 60)
            atomic_store(&rig.rings[ring].ring->tail, take(&input, instruction & 128 ? 8 : 3));
        if (instruction & 128)
            drain_pass(&rig.trace);
        if (rig.trace.images[ring / 3]->state == IMAGE_ENDED)
            break; /* its rings are gone */
    }
    for (uint32_t i = 0; i < 2; i++)
        image_die(&rig.trace, rig.trace.images[i]);
    for (int i = 0; i < 100 && !drain_is_done(&rig.trace); i++)
        drain_pass(&rig.trace);
    if (!drain_is_done(&rig.trace) || !rig_is_sound(&rig.trace))
        abort();
    rig_close(&rig);
    return 0;
}
