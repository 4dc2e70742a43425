/* See intern.h. Open addressing with linear probing; nothing is ever taken out. */
#include "intern.h"

#include "words.h"

#include <stdlib.h>
#include <string.h>

static uint64_t key_hash(const struct intern_key *key) {
    uint64_t hash = 0;
    for (uint32_t i = 0; i < INTERN_WORDS; i++)
        hash = words_mix(hash, key->words[i]);
    return hash;
}

/* The slot that holds `key`, or the empty one where it belongs. */
static uint32_t *find_slot(const struct intern *intern, const struct intern_key *key) {
    uint32_t mask = intern->capacity - 1;
    uint32_t at = (uint32_t)key_hash(key) & mask;
    while (intern->slots[at] != 0 &&
           memcmp(&intern->keys[intern->slots[at] - 1], key, sizeof *key) != 0)
        at = (at + 1) & mask;
    return &intern->slots[at];
}

static bool grow(struct intern *intern) {
    uint32_t capacity = intern->capacity ? intern->capacity * 2 : 64;
    if (capacity > 2 * INTERN_MAX)
        return false;
    uint32_t *slots = calloc(capacity, sizeof *slots);
    struct intern_key *keys = realloc(intern->keys, capacity / 2 * sizeof *keys);
    if (keys)
        intern->keys = keys;
    if (!slots || !keys) {
        free(slots);
        return false;
    }
    free(intern->slots);
    intern->slots = slots;
    intern->capacity = capacity;
    for (uint32_t i = 0; i < intern->count; i++)
        *find_slot(intern, &keys[i]) = i + 1;
    return true;
}

uint32_t intern_add(struct intern *intern, const struct intern_key *key) {
    if (intern->count >= intern->capacity / 2 && !grow(intern))
        return INTERN_FAILED;
    uint32_t *slot = find_slot(intern, key);
    if (*slot == 0) {
        intern->keys[intern->count] = *key;
        *slot = ++intern->count;
    }
    return *slot - 1;
}

void intern_release(struct intern *intern) {
    free(intern->keys);
    free(intern->slots);
    *intern = (struct intern){0};
}

string_id *intern_texts(const struct profile *profile) {
    struct words words = {0};
    string_id *firsts = calloc((size_t)profile->string_count + 1, sizeof *firsts); /* by number */
    string_id *texts = calloc((size_t)profile->string_count + 1, sizeof *texts);
    bool good = firsts && texts;
    for (uint32_t i = 0; good && i < profile->string_count; i++) {
        uint32_t before = words.count, number = words_add(&words, profile->strings[i]);
        good = number != WORDS_FAILED;
        if (good && number == before)
            firsts[number] = i;
        texts[i] = good ? firsts[number] : 0;
    }
    words_release(&words);
    free(firsts);
    if (good)
        return texts;
    free(texts);
    return NULL;
}
