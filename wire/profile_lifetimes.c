/* How long blocks lived, in a profile: the columns of that table, and what its rows promise. */
#include "profile_format.h"

#include <assert.h>

#define FIELD(type, field)                                                                         \
    { offsetof(struct profile_lifetime, field), type, FROM_NOTHING, 0 }
#define NUMBER(field) FIELD(COLUMN_U64, field)
#define FOUR(field, first)                                                                         \
    NUMBER(field[first]), NUMBER(field[first + 1]), NUMBER(field[first + 2]),                      \
        NUMBER(field[first + 3])
#define EIGHT(field, first) FOUR(field, first), FOUR(field, first + 4)
#define FREE(number)                                                                               \
    FIELD(COLUMN_U32, frees[number].node), NUMBER(frees[number].blocks), NUMBER(frees[number].bytes)

const struct profile_column profile_lifetime_columns[PROFILE_LIFETIME_COLUMNS] = {
    FIELD(COLUMN_U32, process),
    {offsetof(struct profile_lifetime, node), COLUMN_U32, FROM_BEFORE, 0},
    FIELD(COLUMN_U32, kind),
    FOUR(ended_blocks, 0),
    NUMBER(ended_blocks[4]),
    NUMBER(ended_blocks[5]),
    FOUR(ended_bytes, 0),
    NUMBER(ended_bytes[4]),
    NUMBER(ended_bytes[5]),
    NUMBER(ms),
    FREE(0),
    FREE(1),
    FREE(2),
    FREE(3),
    FREE(4),
    FREE(5),
    EIGHT(ages, 0),
    EIGHT(ages, 8),
    EIGHT(ages, 16),
    EIGHT(ages, 24),
    EIGHT(times, 0),
    EIGHT(times, 8),
    EIGHT(times, 16),
    NUMBER(kept_blocks),
    NUMBER(kept_bytes),
};
static_assert(PROFILE_ENDS == 6 && PROFILE_FREES == 6, "each element has a column");
static_assert(PROFILE_AGES == 32 && PROFILE_TIMES == 24, "each element has a column");

static bool add_up(const uint64_t *list, unsigned count, uint64_t *sum) {
    *sum = 0;
    for (unsigned i = 0; i < count; i++)
        if (__builtin_add_overflow(*sum, list[i], sum))
            return false;
    return true;
}

uint64_t profile_lifetime_ended(const struct profile_lifetime *lifetime) {
    uint64_t sum;
    add_up(lifetime->ended_blocks, PROFILE_ENDS, &sum);
    return sum;
}

/* The ones that freed most stay. */
void profile_lifetime_add_free(struct profile_lifetime *to, struct profile_free more) {
    struct profile_free *least = &to->frees[0];
    for (unsigned i = 0; i < PROFILE_FREES; i++) {
        struct profile_free *one = &to->frees[i];
        if (one->node == more.node && one->node) {
            one->blocks += more.blocks;
            one->bytes += more.bytes;
            return;
        }
        if (one->blocks < least->blocks)
            least = one;
    }
    if (more.node && more.blocks > least->blocks)
        *least = more;
}

void profile_lifetime_add(struct profile_lifetime *to, const struct profile_lifetime *more) {
    for (unsigned i = 0; i < PROFILE_ENDS; i++) {
        to->ended_blocks[i] += more->ended_blocks[i];
        to->ended_bytes[i] += more->ended_bytes[i];
    }
    for (unsigned i = 0; i < PROFILE_AGES; i++)
        to->ages[i] += more->ages[i];
    for (unsigned i = 0; i < PROFILE_TIMES; i++)
        to->times[i] += more->times[i];
    to->ms += more->ms;
    to->kept_blocks += more->kept_blocks;
    to->kept_bytes += more->kept_bytes;
    for (unsigned i = 0; i < PROFILE_FREES; i++)
        profile_lifetime_add_free(to, more->frees[i]);
}

/* Each block that ended has one age, and one time. */
static bool adds_up(const struct profile_lifetime *one) {
    uint64_t ended, bytes, ages, times;
    return add_up(one->ended_blocks, PROFILE_ENDS, &ended) &&
           add_up(one->ended_bytes, PROFILE_ENDS, &bytes) &&
           add_up(one->ages, PROFILE_AGES, &ages) && add_up(one->times, PROFILE_TIMES, &times) &&
           ended == ages && ended == times && one->kept_blocks <= UINT64_MAX - ended &&
           one->kept_bytes <= UINT64_MAX - bytes;
}

static bool names_frees(const struct profile *profile, const struct profile_lifetime *one) {
    bool good = true;
    for (unsigned i = 0; i < PROFILE_FREES; i++)
        good &= one->frees[i].node < profile->node_count;
    return good;
}

static bool check_types(const struct profile *profile, struct profile_error *error) {
    for (uint32_t i = 0; i < profile->type_count; i++)
        if (profile->types[i].name >= profile->string_count)
            return profile_fail(error, "type %u names string %u of %u", i, profile->types[i].name,
                                profile->string_count);
    for (uint32_t i = 0; i < profile->type_lifetime_count; i++) {
        const struct profile_lifetime *one = &profile->type_lifetimes[i];
        if (one->process >= profile->process_count || one->type >= profile->type_count ||
            one->kind > PROFILE_MAPPED || !names_frees(profile, one) || !adds_up(one) ||
            (i > 0 && one->process < one[-1].process))
            return profile_fail(error, "lifetimes %u of a type are of process %u, type %u", i,
                                one->process, one->type);
    }
    for (uint32_t i = 0; i < profile->collected_count; i++) {
        const struct profile_collected *one = &profile->collected[i];
        if (one->process >= profile->process_count || one->node >= profile->node_count ||
            one->type >= profile->type_count || (i > 0 && one->process < one[-1].process))
            return profile_fail(error, "collected objects %u are of process %u, node %u, type %u",
                                i, one->process, one->node, one->type);
    }
    return true;
}

bool profile_check_lifetimes(const struct profile *profile, struct profile_error *error) {
    for (uint32_t i = 0; i < profile->lifetime_count; i++) {
        const struct profile_lifetime *one = &profile->lifetimes[i];
        if (one->process >= profile->process_count || one->kind > PROFILE_MAPPED ||
            one->node >= profile->node_count || !names_frees(profile, one) ||
            (i > 0 && one->process < one[-1].process))
            return profile_fail(error, "lifetimes %u name process %u, node %u, kind %u", i,
                                one->process, one->node, one->kind);
        if (!adds_up(one))
            return profile_fail(error, "lifetimes %u do not add up", i);
    }
    return check_types(profile, error);
}
