/* See pairs.h. */
#include "pairs.h"

#include <stdlib.h>
#include <string.h>

#define MOST_DISTANCES (1u << 20) /* measured for one key */

struct item {
    uint64_t key;
    uint32_t number;
};

/* What is left of one side, by key and number. */
struct items {
    struct item *list;
    uint32_t count;
};

/* Those of one key. */
struct run {
    const struct item *items;
    uint32_t count;
};

bool pairs_open(struct pairs *pairs, uint32_t before, uint32_t after) {
    const uint32_t counts[] = {before, after};
    *pairs = (struct pairs){.count = {before, after}};
    for (int side = BEFORE; side <= AFTER; side++) {
        pairs->partners[side] = malloc(((size_t)counts[side] + 1) * sizeof(uint32_t));
        if (!pairs->partners[side])
            return false;
        memset(pairs->partners[side], 0xff, ((size_t)counts[side] + 1) * sizeof(uint32_t));
    }
    return true;
}

void pairs_release(struct pairs *pairs) {
    free(pairs->partners[BEFORE]);
    free(pairs->partners[AFTER]);
    *pairs = (struct pairs){0};
}

static int compare_items(const void *left, const void *right) {
    const struct item *a = left, *b = right;
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return (a->number > b->number) - (a->number < b->number);
}

static bool find_items(const struct pairs *pairs, const struct pair_rule *rule, int side,
                       struct items *items) {
    *items = (struct items){calloc((size_t)pairs->count[side] + 1, sizeof *items->list), 0};
    for (uint32_t i = 0; items->list && i < pairs->count[side]; i++)
        if (pairs->partners[side][i] == PAIR_NONE && rule->keys[side][i] != 0)
            items->list[items->count++] = (struct item){rule->keys[side][i], i};
    if (items->list)
        qsort(items->list, items->count, sizeof *items->list, compare_items);
    return items->list != NULL;
}

static struct run run_at(const struct items *items, uint32_t at) {
    struct run run = {&items->list[at], 0};
    while (at + run.count < items->count && run.items[run.count].key == run.items[0].key)
        run.count++;
    return run;
}

static uint64_t measure(const struct pair_rule *rule, int fewer, uint32_t one, uint32_t other) {
    return fewer == BEFORE ? rule->distance(rule->context, one, other)
                           : rule->distance(rule->context, other, one);
}

/* Each of the fewer takes the nearest of those that leave enough for the ones behind it. */
static void pair_run(struct pairs *pairs, const struct pair_rule *rule, const struct run runs[2]) {
    int fewer = runs[BEFORE].count <= runs[AFTER].count ? BEFORE : AFTER;
    const struct run *few = &runs[fewer], *many = &runs[!fewer];
    uint32_t spare = many->count - few->count, taken = 0;
    bool measured = rule->distance && spare > 0 && few->count < MOST_DISTANCES / (spare + 1);
    for (uint32_t i = 0; i < few->count; i++) {
        uint32_t best = taken;
        uint64_t least = UINT64_MAX;
        for (uint32_t at = taken; measured && at <= i + spare; at++) {
            uint64_t distance = measure(rule, fewer, few->items[i].number, many->items[at].number);
            if (distance >= least)
                continue;
            least = distance;
            best = at;
        }
        pairs->partners[fewer][few->items[i].number] = many->items[best].number;
        pairs->partners[!fewer][many->items[best].number] = few->items[i].number;
        taken = best + 1;
    }
}

static void pair_items(struct pairs *pairs, const struct pair_rule *rule,
                       const struct items items[2]) {
    uint32_t at[2] = {0, 0};
    while (at[BEFORE] < items[BEFORE].count && at[AFTER] < items[AFTER].count) {
        const struct run runs[2] = {run_at(&items[BEFORE], at[BEFORE]),
                                    run_at(&items[AFTER], at[AFTER])};
        uint64_t before = runs[BEFORE].items->key, after = runs[AFTER].items->key;
        if (before == after)
            pair_run(pairs, rule, runs);
        at[BEFORE] += before <= after ? runs[BEFORE].count : 0;
        at[AFTER] += after <= before ? runs[AFTER].count : 0;
    }
}

bool pairs_apply(struct pairs *pairs, const struct pair_rule *rule) {
    struct items items[2] = {{0}, {0}};
    bool good = find_items(pairs, rule, BEFORE, &items[BEFORE]) &&
                find_items(pairs, rule, AFTER, &items[AFTER]);
    if (good)
        pair_items(pairs, rule, items);
    free(items[BEFORE].list);
    free(items[AFTER].list);
    return good;
}
