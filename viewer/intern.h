/* A set of small keys that numbers them in order of their arrival, and the set of a profile's texts
 * built on it.
 */
#ifndef HOLDFAST_VIEWER_INTERN_H
#define HOLDFAST_VIEWER_INTERN_H

#include "wire/profile.h"

#define INTERN_WORDS 5u

struct intern_key {
    uint32_t words[INTERN_WORDS];
};

/* Zeroed: empty. */
struct intern {
    struct intern_key *keys; /* by number */
    uint32_t *slots;         /* number + 1; open addressing, capacity a power of two */
    uint32_t count, capacity;
};

#define INTERN_FAILED 0xffffffffu

/* No more keys than this: a hostile profile can ask for a deep stack in each of many processes. */
#define INTERN_MAX (1u << 25)

/* The number of `key`, new or not; INTERN_FAILED when memory ran out. */
uint32_t intern_add(struct intern *intern, const struct intern_key *key);
void intern_release(struct intern *intern);

/* For each string of the profile the first one with the same text; NULL when memory ran out. */
string_id *intern_texts(const struct profile *profile);

#endif
