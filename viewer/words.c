/* See words.h. */
#include "words.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

uint64_t words_hash(const char *text) {
    uint64_t hash = 0xcbf29ce484222325ull;
    for (; *text; text++)
        hash = (hash ^ (uint8_t)*text) * 0x100000001b3ull;
    return words_mix(hash, hash >> 32);
}

/* The slot that holds `text`, or the empty one where it belongs. */
static uint32_t *find_slot(const struct words *words, const char *text) {
    uint32_t mask = words->capacity - 1, at = (uint32_t)words_hash(text) & mask;
    while (words->slots[at] != 0 && strcmp(words->texts[words->slots[at] - 1], text) != 0)
        at = (at + 1) & mask;
    return &words->slots[at];
}

static bool grow(struct words *words) {
    uint32_t capacity = words->capacity ? words->capacity * 2 : 64;
    uint32_t *slots = capacity ? calloc(capacity, sizeof *slots) : NULL;
    const char **texts = slots ? realloc(words->texts, capacity / 2 * sizeof *texts) : NULL;
    if (!texts) {
        free(slots);
        return false;
    }
    free(words->slots);
    words->texts = texts;
    words->slots = slots;
    words->capacity = capacity;
    for (uint32_t i = 0; i < words->count; i++)
        *find_slot(words, texts[i]) = i + 1;
    return true;
}

uint32_t words_add(struct words *words, const char *text) {
    if (words->count >= words->capacity / 2 && !grow(words))
        return WORDS_FAILED;
    uint32_t *slot = find_slot(words, text);
    if (*slot == 0) {
        words->texts[words->count] = text;
        *slot = ++words->count;
    }
    return *slot - 1;
}

uint32_t words_find(const struct words *words, const char *text) {
    uint32_t slot = words->capacity ? *find_slot(words, text) : 0;
    return slot ? slot - 1 : WORDS_FAILED;
}

void words_release(struct words *words) {
    free(words->texts);
    free(words->slots);
    *words = (struct words){0};
}
