/* How long blocks lived: ages, ends and where they were freed, by site; and what a profile promises
 * of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/finish.h"
#include "rig.h"
#include "wire/join.h"
#include "wire/profile_format.h"

static struct rig rig;

static void open_rig(void) {
    rig_open(&rig, 2);
    rig.trace.lives = rig.trace.keeps_stubs = true;
    rig_node(&rig, 0, 1, 0, 10);
    rig_node(&rig, 0, 2, 1, 20);
}

static int close_rig(void **state) {
    (void)state;
    rig_close(&rig);
    return 0;
}

static void free_told(uint64_t address, uint32_t node, unsigned flags) {
    uint64_t word = free_word(node, flags, FREE_TYPE_NONE);
    rig_put(&rig, 0, event_word(EVENT_FREE, 0, FREE_TOLD, address), &word, 1);
}

/* Of the stack that ends in a node of ring 0. */
static const struct site_life *life_of(uint32_t node) {
    const struct image *image = rig.image;
    uint32_t inner = image->regions[0].readers[0].nodes[node].node;
    for (uint32_t i = 0; i < image->sites.count; i++)
        if (image->sites.list[i].node == inner && i < image->lives.capacity)
            return image->lives.list[i];
    return NULL;
}

static void test_ages_and_ends(void **state) {
    (void)state;
    open_rig();
    rig_alloc(&rig, 0, 0, 0x1000, 100, 1);
    rig_free(&rig, 0, 0, 0x1000); /* nothing in between */
    rig_alloc(&rig, 0, 0, 0x2000, 10, 1);
    for (unsigned i = 0; i < 5; i++)
        rig_alloc(&rig, 0, 0, 0x10000 + i * 16, 1, 2);
    free_told(0x2000, 2, FREE_COLLECTING); /* five others */
    free_told(0x10000, 1, FREE_NO_GIL);
    free_told(0x10010, 1, FREE_FINALIZING | FREE_COLLECTING);
    free_told(0x10020, 99, 0);            /* no such stack */
    rig_alloc(&rig, 0, 0, 0x10030, 7, 1); /* one was there */
    rig_drain(&rig);
    const struct site_life *first = life_of(1), *second = life_of(2);
    assert_int_equal(first->blocks[END_FREED], 1);
    assert_int_equal(first->bytes[END_FREED], 100);
    assert_int_equal(first->bytes[END_COLLECTING], 10);
    assert_int_equal(first->ages[0], 1);
    assert_int_equal(first->ages[3], 1);
    assert_int_equal(first->frees[0].blocks, 1);
    assert_int_equal(first->frees[1].node, 0);
    assert_int_equal(second->blocks[END_NO_GIL], 1);
    assert_int_equal(second->blocks[END_EXIT], 1);
    assert_int_equal(second->blocks[END_FREED], 1);
    assert_int_equal(second->blocks[END_UNSEEN], 1);
    assert_int_equal(second->frees[0].blocks, 1); /* not what went at the end */
    assert_false(rig.image->lives.full || rig.image->lives.no_memory);
}

static void test_reallocation(void **state) {
    (void)state;
    open_rig();
    rig_alloc(&rig, 0, 0, 0x1000, 100, 1);
    rig_realloc(&rig, 0, 0x1000, 0, 0x2000, 200, 2);
    rig_realloc(&rig, 0, 0x2000, 0, 0, 1 << 20, 2); /* failed */
    rig_realloc(&rig, 0, 0x2000, REALLOC_FREED, 0, 0, 2);
    rig_drain(&rig);
    assert_int_equal(life_of(1)->blocks[END_RESIZED], 1);
    assert_int_equal(life_of(2)->bytes[END_FREED], 200);
}

static void name_type(uint64_t value, const char *name) {
    uint64_t words[8] = {0}, size = strlen(name);
    assert_true(size < sizeof words);
    memcpy(words, name, size);
    rig_put(&rig, 0, event_word(EVENT_TEXT, 0, 0, size), words, (uint32_t)(size + 7) / 8);
    rig_mark(&rig, 0, MARK_TYPE, value);
}

static void python_object(uint64_t address, uint64_t size, uint32_t type, unsigned flags) {
    uint64_t block = event_size_node(1, size), told = free_word(2, flags, type);
    rig_put(&rig, 0, event_word(EVENT_ALLOC, BLOCK_PYTHON, 0, address), &block, 1);
    rig_put(&rig, 0, event_word(EVENT_FREE, 0, FREE_TOLD, address), &told, 1);
}

static const struct profile_lifetime *type_of(const struct profile *profile, const char *name) {
    for (uint32_t i = 0; i < profile->type_lifetime_count; i++) {
        const struct profile_lifetime *one = &profile->type_lifetimes[i];
        if (strcmp(profile->strings[profile->types[one->type].name], name) == 0)
            return one;
    }
    return NULL;
}

static void test_types(void **state) {
    (void)state;
    char *command[] = {NULL};
    const struct finish_facts facts = {.command = command};
    struct profile profile = {0};
    FILE *events;
    open_rig();
    name_type(type_value(1, 0, 48), "app.Node");
    name_type(type_value(2, FREED_FINALIZER | FREED_DEL, 32), "app.Closer");
    name_type(type_value(3, 0, 16), "app.Node"); /* another class of that name */
    python_object(0x1000, 48, 1, 0);
    python_object(0x1000, 40, 1, 0); /* too small for one */
    python_object(0x1000, 16, 3, FREE_COLLECTING);
    python_object(0x1000, 100, 2, FREE_COLLECTING);
    python_object(0x1000, 100, 2, FREE_COLLECTING);
    python_object(0x1000, 7, FREE_TYPE_REST, FREE_FINALIZING);
    python_object(0x1000, 8, 999, 0); /* no such number */
    rig_alloc(&rig, 0, 0, 0x1000, 1000, 1);
    free_told(0x1000, 2, 0); /* not Python's */
    rig_drain(&rig);
    assert_true(finish_build(&rig.trace, &facts, &profile, &events));
    assert_int_equal(type_of(&profile, "app.Node")->ended_bytes[END_FREED], 48);
    assert_int_equal(type_of(&profile, "app.Node")->ended_bytes[END_COLLECTING], 16);
    assert_int_equal(type_of(&profile, "app.Closer")->ended_blocks[END_COLLECTING], 2);
    assert_int_equal(profile.type_lifetime_count, 4);
    assert_int_equal(profile.type_lifetimes[0].type, PROFILE_TYPE_UNKNOWN);
    assert_int_equal(profile.type_lifetimes[0].ended_bytes[END_FREED], 40 + 8);
    assert_int_equal(profile.type_lifetimes[1].type, PROFILE_TYPE_OTHERS);
    assert_int_equal(profile.type_lifetimes[1].ended_bytes[END_EXIT], 7);
    assert_int_equal(profile.collected_count, 2);
    assert_int_equal(profile.collected[1].bytes, 200);
    assert_int_equal(profile.types[profile.collected[1].type].flags, TYPE_FINALIZER | TYPE_DEL);
    finish_release(&profile);
}

static void live_object(uint64_t address, uint64_t size) {
    uint64_t block = event_size_node(1, size);
    rig_put(&rig, 0, event_word(EVENT_ALLOC, BLOCK_PYTHON, 0, address), &block, 1);
}

/* The program writes the number of a type to a block of the list. */
static void tell_type(uint64_t address, uint64_t number) {
    const struct living *living = &rig.image->living;
    for (uint32_t i = 0; i < living->count; i++)
        if (living->told[i] == address)
            living->told[i] |= number << LIVING_TYPE_SHIFT;
}

/* Of what is there when the process asks and when it has ended: not what has taken a place of these
 * since, what came later, what the program did not tell, and what is too small for the type. */
static void test_types_of_what_lives(void **state) {
    (void)state;
    char *command[] = {NULL};
    const struct finish_facts facts = {.command = command};
    struct profile profile = {0};
    FILE *events;
    open_rig();
    name_type(type_value(1, 0, 48), "app.Node");
    for (uint64_t i = 0; i < 6; i++)
        live_object(0x1000 + 0x100 * i, i == 5 ? 40 : 48);
    rig_alloc(&rig, 0, 0, 0x9000, 48, 2); /* none of Python's */
    rig_mark(&rig, 0, MARK_LIVING, 1);
    rig_drain(&rig);
    assert_int_equal(rig.image->living.count, 6);
    assert_int_equal(living_hand_on(rig.image, 2), -1);
    int list = living_hand_on(rig.image, 1);
    assert_true(list >= 0);
    assert_int_equal(living_hand_on(rig.image, 1), -1);
    close(list);
    for (uint64_t i = 0; i < 6; i++)
        tell_type(0x1000 + 0x100 * i, i == 4 ? 77 : 1); /* no such type */
    rig_free(&rig, 0, 0, 0x1000);
    rig_free(&rig, 0, 0, 0x1100);
    live_object(0x1100, 48);
    live_object(0x2000, 48);
    image_die(&rig.trace, rig.image);
    rig_drain(&rig);
    assert_true(finish_build(&rig.trace, &facts, &profile, &events));
    assert_int_equal(type_of(&profile, "app.Node")->kept_blocks, 2);
    assert_int_equal(type_of(&profile, "app.Node")->kept_bytes, 2 * 48);
    assert_int_equal(type_of(&profile, "")->kept_blocks, 4);
    assert_int_equal(type_of(&profile, "")->kept_bytes, 40 + 3 * 48);
    finish_release(&profile);
}

/* Who asks again and again, or for what was not asked, has its records taken for damaged. */
static void test_asked_too_often(void **state) {
    (void)state;
    open_rig();
    live_object(0x1000, 48);
    for (uint32_t i = 1; i <= LIVING_ASKS_MAX; i++)
        rig_mark(&rig, 0, MARK_LIVING, i);
    rig_drain(&rig);
    assert_int_equal(rig.image->living.asked, LIVING_ASKS_MAX);
    assert_false(rig.image->flags & PROCESS_DAMAGED);
    rig_mark(&rig, 0, MARK_LIVING, LIVING_ASKS_MAX + 1);
    rig_drain(&rig);
    assert_true(rig.image->flags & PROCESS_DAMAGED);
}

/* Of types, names and sites no more than so many are followed. */
static void test_types_beyond_the_bound(void **state) {
    (void)state;
    open_rig();
    rig.trace.typed_rows = TYPES_ROWS_MAX;
    rig.trace.typed_sites = TYPES_SITES_MAX;
    name_type(type_value(1, 0, 0), "app.Node");
    python_object(0x1000, 48, 1, FREE_COLLECTING);
    rig_drain(&rig);
    const struct typed_lives *typed = &rig.image->lives.typed;
    assert_int_equal(typed->list[PROFILE_TYPE_OTHERS]->bytes[END_COLLECTING], 48);
    assert_int_equal(typed->rest_bytes, 48);
    assert_int_equal(rig.trace.typed_rows, TYPES_ROWS_MAX);
}

/* The short way of a batch and the long one of large blocks come to the same. */
static void test_many(void **state) {
    (void)state;
    open_rig();
    for (unsigned i = 0; i < 10000; i++) {
        rig_alloc(&rig, 0, 0, 0x100000 + i % 8 * 0x100000, i % 5 ? 64 : 1 << 19, 1);
        if (i >= 4)
            rig_free(&rig, 0, 0, 0x100000 + (i - 4) % 8 * 0x100000);
    }
    rig_drain(&rig);
    assert_int_equal(life_of(1)->ages[3], 10000 - 4);
    assert_int_equal(life_of(1)->blocks[END_FREED], 10000 - 4);
    assert_int_equal(rig.trace.stubs.count, 1 + 5);
}

/* Stubs of what is live at a process's end are there for the next one's blocks: of any size, at
 * aligned addresses and others, and of a reallocation that the end cut off. */
static void test_stubs_at_the_end(void **state) {
    (void)state;
    open_rig();
    for (uint32_t i = 0; i < 4; i++) {
        struct image *image = i ? rig_image(&rig, 2000 + i, 1) : rig.image;
        uint32_t ring = i ? 1 + i : 0; /* the first image has two */
        for (uint64_t k = 0; k < 2000; k++)
            rig_alloc(&rig, ring, 0, 0x100000 + k * 1000,
                      k % 100 ? 64 : 1ull << (k % 200 ? 20 : 33), 0);
        rig_put(&rig, ring, event_word(EVENT_REALLOC_BEGIN, 0, 0, 0x100000), NULL, 0);
        rig_drain(&rig);
        assert_int_equal(rig.trace.stubs.count, 1 + 2000);
        image_die(&rig.trace, image);
        rig_drain(&rig);
        assert_int_equal(image->state, IMAGE_ENDED);
    }
}

/* One bound for all processes; half of it is for the first ones alone. */
static void test_stacks_beyond_the_bound(void **state) {
    (void)state;
    open_rig();
    struct image *late = rig_image(&rig, 2001, 1);
    late->number = FULL_IMAGES + 1;
    rig.trace.lives_used = LIVES_SITES_MAX / 2;
    rig_alloc(&rig, 2, 0, 0x1000, 10, 0);
    rig_free(&rig, 2, 0, 0x1000);
    rig_alloc(&rig, 0, 0, 0x1000, 20, 1);
    rig_free(&rig, 0, 0, 0x1000);
    rig_drain(&rig);
    assert_int_equal(late->lives.others[BLOCK_HEAP]->bytes[END_FREED], 10);
    assert_int_equal(life_of(1)->bytes[END_FREED], 20);
    assert_int_equal(rig.trace.lives_used, LIVES_SITES_MAX / 2 + 1);
    rig.trace.lives_used = LIVES_SITES_MAX;
    rig_alloc(&rig, 0, 0, 0x1000, 30, 2);
    rig_free(&rig, 0, 0, 0x1000);
    rig_drain(&rig);
    assert_null(life_of(2));
    assert_int_equal(rig.image->lives.others[BLOCK_HEAP]->bytes[END_FREED], 30);
    assert_int_equal(rig.trace.lives_used, LIVES_SITES_MAX);
    assert_true(rig.image->lives.full && !rig.image->lives.no_memory);
}

static const struct profile_site *site_of(const struct profile *profile, uint32_t process,
                                          uint64_t total) {
    for (uint32_t i = 0; i < profile->site_count; i++)
        if (profile->sites[i].process == process && profile->sites[i].total_bytes == total)
            return &profile->sites[i];
    return NULL;
}

/* Of many processes stacks that hold nothing at a peak are told together, and so are the lifetimes
 * of their blocks. */
static void test_sums_of_late_processes(void **state) {
    (void)state;
    char *command[] = {NULL};
    const struct finish_facts facts = {.command = command};
    struct profile profile = {0};
    FILE *events;
    open_rig();
    for (uint32_t i = 1; i < FULL_IMAGES; i++)
        assert_non_null(image_new(&rig.trace, 2000 + i));
    rig_image(&rig, 4000, 1);
    for (uint32_t i = 1; i <= 3; i++) {
        rig_node(&rig, 2, i, 0, i);
        rig_alloc(&rig, 2, 0, 0x1000, i * i * 100, i);
        rig_free(&rig, 2, 0, 0x1000);
    }
    rig_alloc(&rig, 0, 0, 0x1000, 50, 1);
    rig_free(&rig, 0, 0, 0x1000);
    rig_drain(&rig);
    assert_true(finish_build(&rig.trace, &facts, &profile, &events));
    assert_int_equal(profile.site_count, 3);
    assert_int_not_equal(site_of(&profile, 0, 50)->node, 0);
    assert_int_not_equal(site_of(&profile, FULL_IMAGES, 900)->node, 0);
    assert_int_equal(site_of(&profile, FULL_IMAGES, 100 + 400)->node, 0);
    assert_int_equal(profile.lifetime_count, 3);
    uint64_t together = 0;
    for (uint32_t i = 0; i < profile.lifetime_count; i++)
        if (profile.lifetimes[i].node == 0 && profile.lifetimes[i].process == FULL_IMAGES)
            together += profile.lifetimes[i].ended_bytes[END_FREED];
    assert_int_equal(together, 100 + 400);
    finish_release(&profile);
}

static void test_promises(void **state) {
    (void)state;
    struct profile_lifetime one = {.ended_blocks = {2, 1}, .ages = {3}, .times = {[5] = 3}};
    struct profile_process process = {0};
    struct profile profile = {.processes = &process,
                              .process_count = 1,
                              .node_count = 1,
                              .lifetimes = &one,
                              .lifetime_count = 1};
    struct profile_error error;
    assert_true(profile_check_lifetimes(&profile, &error));
    one.ages[7]++;
    assert_false(profile_check_lifetimes(&profile, &error));
    one.ages[7]--;
    one.ended_bytes[0] = one.ended_bytes[3] = UINT64_MAX;
    assert_false(profile_check_lifetimes(&profile, &error));
    one.ended_bytes[3] = 0;
    one.frees[2].node = 1;
    assert_false(profile_check_lifetimes(&profile, &error));
    one.frees[2].node = 0;
    assert_true(profile_check_lifetimes(&profile, &error));
    struct profile_type types[PROFILE_TYPES_KNOWN] = {{0}};
    struct profile_collected collected = {.type = PROFILE_TYPES_KNOWN - 1};
    profile.string_count = 1;
    profile.types = types;
    profile.type_count = PROFILE_TYPES_KNOWN;
    profile.type_lifetimes = &one;
    profile.type_lifetime_count = 1;
    profile.collected = &collected;
    profile.collected_count = 1;
    assert_true(profile_check_lifetimes(&profile, &error));
    collected.type++;
    assert_false(profile_check_lifetimes(&profile, &error));
    collected.type--;
    types[1].name = 1;
    assert_false(profile_check_lifetimes(&profile, &error));
}

static void test_most_frees_stay(void **state) {
    (void)state;
    struct profile_lifetime sum = {0};
    for (uint32_t i = 1; i <= 10; i++)
        profile_lifetime_add_free(&sum, (struct profile_free){i, i, i * 10});
    profile_lifetime_add_free(&sum, (struct profile_free){10, 5, 50});
    uint64_t blocks = 0;
    for (unsigned i = 0; i < PROFILE_FREES; i++)
        blocks += sum.frees[i].blocks;
    assert_int_equal(blocks, 5 + 6 + 7 + 8 + 9 + 10 + 5);
}

/* FREEs that tell, and such that do not, in runs of any length, with tickets and without, against
 * plain counts. Now and then an end got lost, something unknown ends, or another record comes. */
enum { TOLD_SLOTS = 200, TOLD_NODES = 3 };

struct told_model {
    uint32_t node[TOLD_SLOTS]; /* 0: free */
    uint64_t ends[TOLD_NODES][PROFILE_ENDS], frees[TOLD_NODES][TOLD_NODES];
};

static void told_alloc(struct told_model *model, uint32_t ring, uint32_t slot, uint32_t node) {
    uint32_t before = model->node[slot];
    model->ends[before][END_UNSEEN] += before != 0;
    model->node[slot] = node;
    rig_alloc(&rig, ring, ring ? rig_ticket(&rig) : 0, 0x10000 + slot * 16ull, 8, node);
}

static void told_free(struct told_model *model, uint32_t ring, uint32_t slot, uint32_t by,
                      unsigned flags) {
    enum profile_end end = flags & FREE_COLLECTING ? END_COLLECTING : END_FREED;
    uint32_t node = model->node[slot];
    model->node[slot] = 0;
    model->ends[node][end] += node != 0;
    model->frees[node][by < TOLD_NODES ? by : 0] += node != 0;
    uint64_t words[2] = {ring ? rig_ticket(&rig) : 0, free_word(by, flags, FREE_TYPE_NONE)};
    uint64_t word = event_word(EVENT_FREE, 0, FREE_TOLD, 0x10000 + slot * 16ull);
    if (ring)
        rig_put(&rig, ring, word | EVENT_TICKET_BIT, words, 2);
    else
        rig_put(&rig, ring, word, words + 1, 1);
}

static void plain_free(struct told_model *model, uint32_t ring, uint32_t slot) {
    uint32_t node = model->node[slot];
    model->node[slot] = 0;
    model->ends[node][END_FREED] += node != 0;
    model->frees[node][0] += node != 0;
    rig_free(&rig, ring, ring ? rig_ticket(&rig) : 0, 0x10000 + slot * 16ull);
}

static void told_event(struct told_model *model, uint32_t ring) {
    uint32_t slot = (uint32_t)rand() % TOLD_SLOTS, what = (uint32_t)rand() % 100;
    if (what == 0)
        rig_note(&rig, 0, 0); /* ends a batch */
    else if (what < 10)
        plain_free(model, ring, slot);
    else if (model->node[slot] && what < 98)
        told_free(model, ring, slot, (uint32_t)rand() % (TOLD_NODES + 1),
                  rand() % 3 ? 0 : FREE_COLLECTING);
    else
        told_alloc(model, ring, slot, 1 + (uint32_t)rand() % (TOLD_NODES - 1));
}

static void check_told(const struct told_model *model, uint32_t node) {
    const struct site_life *life = life_of(node);
    uint64_t frees[TOLD_NODES] = {0};
    for (unsigned i = 0; i < PROFILE_ENDS; i++)
        assert_int_equal(life->blocks[i], model->ends[node][i]);
    for (unsigned i = 0; i < PROFILE_FREES; i++)
        for (uint32_t by = 1; by < TOLD_NODES; by++)
            if (life->frees[i].node == rig.image->regions[0].readers[0].nodes[by].node + 1)
                frees[by] += life->frees[i].blocks;
    for (uint32_t by = 1; by < TOLD_NODES; by++)
        assert_int_equal(frees[by], model->frees[node][by]);
}

static void test_told_against_model(void **state) {
    (void)state;
    static struct told_model model;
    open_rig();
    rig_node(&rig, 1, 1, 0, 10);
    rig_node(&rig, 1, 2, 1, 20);
    for (uint32_t round = 0; round < 2000; round++) {
        for (int left = rand() % 300; left > 0; left--)
            told_event(&model, round % 2);
        rig_drain(&rig);
        if (round > 10) {
            check_told(&model, 1);
            check_told(&model, 2);
        }
    }
    assert_false(rig.image->flags & PROCESS_DAMAGED);
    assert_int_equal(rig.trace.stubs.count - 1 > TOLD_SLOTS, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_ages_and_ends, close_rig),
        cmocka_unit_test_teardown(test_reallocation, close_rig),
        cmocka_unit_test_teardown(test_types, close_rig),
        cmocka_unit_test_teardown(test_types_of_what_lives, close_rig),
        cmocka_unit_test_teardown(test_asked_too_often, close_rig),
        cmocka_unit_test_teardown(test_types_beyond_the_bound, close_rig),
        cmocka_unit_test_teardown(test_many, close_rig),
        cmocka_unit_test_teardown(test_told_against_model, close_rig),
        cmocka_unit_test_teardown(test_stubs_at_the_end, close_rig),
        cmocka_unit_test_teardown(test_stacks_beyond_the_bound, close_rig),
        cmocka_unit_test_teardown(test_sums_of_late_processes, close_rig),
        cmocka_unit_test(test_promises),
        cmocka_unit_test(test_most_frees_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
