/* See processes.h. */
#include "processes.h"

#include "viewer/holders/names.h"
#include "viewer/words.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define MOST_GENERATIONS 64u /* of processes that are looked at */

enum { BY_COMMAND, BY_SHAPE, BY_ORDER, WAYS };

struct matcher {
    const struct profile *const *profiles;
    struct pairs *pairs;
    uint64_t *keys[2];
};

static uint64_t command_hash(const struct profile *profile, const struct profile_process *process) {
    uint64_t hash = 1;
    for (uint32_t i = 0; i < process->command_count; i++)
        hash = words_mix(hash, words_hash(profile->strings[process->command[i]]));
    return hash;
}

/* Python 3.11 is Python 3.12, and pipe 5 is pipe 7. */
static uint64_t hash_without_numbers(const char *text) {
    uint64_t hash = 1;
    for (; *text; text++)
        if (!isdigit((unsigned char)*text) && *text != '.')
            hash = words_mix(hash, (unsigned char)*text);
    return hash;
}

uint64_t processes_command_shape(const struct profile *profile,
                                 const struct profile_process *process) {
    uint64_t hash = 1;
    for (uint32_t i = 0; i < process->command_count; i++) {
        const char *word = profile->strings[process->command[i]];
        bool is_option = *word == '-', is_code = strchr(word, ' ') != NULL;
        hash =
            words_mix(hash, hash_without_numbers(is_option || is_code ? word : names_base(word)));
        if (i > 0 && !is_option)
            break;
    }
    return hash;
}

static bool is_root(const struct profile *profile, uint32_t process) {
    return profile->processes[process].parent == process;
}

/* Equal for children of the same process; 0 where nobody's partner is known. */
static uint64_t family(const struct matcher *matcher, int side, uint32_t process) {
    const struct profile *profile = matcher->profiles[side];
    uint32_t parent = profile->processes[process].parent;
    if (is_root(profile, process))
        return 1;
    uint32_t partner = matcher->pairs->partners[side][parent];
    return partner == PAIR_NONE ? 0 : words_mix(2, side == BEFORE ? parent : partner);
}

static uint64_t process_key(const struct matcher *matcher, int side, uint32_t process, int way) {
    const struct profile *profile = matcher->profiles[side];
    const struct profile_process *image = &profile->processes[process];
    uint64_t key = family(matcher, side, process);
    if (key == 0 || (way == BY_ORDER && !is_root(profile, process)))
        return 0;
    if (way != BY_ORDER)
        key = words_mix(key, way == BY_COMMAND ? command_hash(profile, image)
                                               : processes_command_shape(profile, image));
    return words_mix(key, (uint64_t)way) | 1;
}

static bool apply(struct matcher *matcher, int way) {
    for (int side = BEFORE; side <= AFTER; side++)
        for (uint32_t i = 0; i < matcher->pairs->count[side]; i++)
            matcher->keys[side][i] = process_key(matcher, side, i, way);
    const struct pair_rule rule = {.keys = {matcher->keys[BEFORE], matcher->keys[AFTER]}};
    return pairs_apply(matcher->pairs, &rule);
}

static uint32_t count_pairs(const struct pairs *pairs) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < pairs->count[BEFORE]; i++)
        count += pairs->partners[BEFORE][i] != PAIR_NONE;
    return count;
}

/* A generation is matched once the one before it is. */
static bool match_generations(struct matcher *matcher) {
    bool good = true;
    uint32_t before = PAIR_NONE;
    for (uint32_t i = 0; i < MOST_GENERATIONS && good; i++) {
        uint32_t count = count_pairs(matcher->pairs);
        if (count == before)
            break;
        before = count;
        for (int way = BY_COMMAND; good && way < WAYS; way++)
            good = apply(matcher, way);
    }
    return good;
}

bool processes_match(const struct profile *const profiles[2], struct pairs *pairs) {
    struct matcher matcher = {.profiles = profiles, .pairs = pairs};
    bool good = pairs_open(pairs, profiles[BEFORE]->process_count, profiles[AFTER]->process_count);
    for (int side = BEFORE; side <= AFTER; side++) {
        matcher.keys[side] = calloc((size_t)profiles[side]->process_count + 1, sizeof(uint64_t));
        good = good && matcher.keys[side];
    }
    good = good && match_generations(&matcher);
    free(matcher.keys[BEFORE]);
    free(matcher.keys[AFTER]);
    return good;
}
