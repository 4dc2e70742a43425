/* A set of texts, which numbers them in order of their arrival. */
#ifndef HOLDFAST_VIEWER_WORDS_H
#define HOLDFAST_VIEWER_WORDS_H

#include <stdint.h>

/* Zeroed: empty. */
struct words {
    const char **texts; /* by number; not owned */
    uint32_t *slots;    /* number + 1; open addressing, capacity a power of two */
    uint32_t count, capacity;
};

#define WORDS_FAILED 0xffffffffu

/* The number of a text, new or not; WORDS_FAILED when memory ran out. The text must outlive the
 * set. */
uint32_t words_add(struct words *words, const char *text);
/* The number of a text that is there; else WORDS_FAILED. */
uint32_t words_find(const struct words *words, const char *text);
void words_release(struct words *words);

uint64_t words_hash(const char *text);

/* A hash that `word` is part of, too. The two are not treated alike, so that hashes of hashes do
 * not cancel each other. */
static inline uint64_t words_mix(uint64_t hash, uint64_t word) {
    word = (word + 0x632be59bd9b4e019ull) * 0xff51afd7ed558ccdull;
    hash = (hash ^ word ^ (word >> 32)) * 0x9e3779b97f4a7c15ull;
    return hash ^ (hash >> 29);
}

#endif
