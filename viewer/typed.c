/* See typed.h. */
#include "typed.h"

#include "intern.h"

#include <stdlib.h>

const char *typed_name(const struct profile *profile, uint32_t type) {
    return type == PROFILE_TYPE_UNKNOWN  ? "no object, or none that was recognised"
           : type == PROFILE_TYPE_OTHERS ? "other types"
                                         : profile->strings[profile->types[type].name];
}

const char *typed_finalizer(const struct profile *profile, uint32_t type) {
    uint32_t flags = profile->types[type].flags;
    return flags & TYPE_DEL ? "python" : flags & TYPE_FINALIZER ? "native" : NULL;
}

uint64_t typed_bytes(const struct profile_lifetime *lifetime) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < PROFILE_ENDS; i++)
        sum += lifetime->ended_bytes[i];
    return sum;
}

uint64_t typed_all_bytes(const struct profile_lifetime *lifetime) {
    return typed_bytes(lifetime) + lifetime->kept_bytes;
}

static bool is_meant(uint32_t wanted, uint32_t process) {
    return wanted == PROFILE_TREE || wanted == process;
}

/* Where the rows of a process are; all rows where they are not ordered by it. */
static struct site_range range_of(const struct process_sites *rows, uint32_t count,
                                  uint32_t process) {
    if (process == PROFILE_TREE || !rows->starts)
        return (struct site_range){0, count};
    return (struct site_range){rows->starts[process], rows->starts[process + 1]};
}

static uint32_t row_at(const struct process_sites *rows, uint32_t at) {
    return rows->order ? rows->order[at] : at;
}

/* -- Types -- */

static int compare_types(const void *left, const void *right) {
    const struct profile_lifetime *a = left, *b = right;
    uint64_t first = typed_all_bytes(a), second = typed_all_bytes(b);
    if (first != second)
        return first > second ? -1 : 1;
    return (a->type > b->type) - (a->type < b->type);
}

static bool add_types(struct typed *typed, const struct turnover_room *room, uint32_t process) {
    const struct profile *profile = typed->profile;
    struct site_range range = range_of(&room->types, profile->type_lifetime_count, process);
    uint32_t *rows = calloc((size_t)profile->type_count + 1, sizeof *rows);
    typed->types = calloc((size_t)(range.end - range.first) + 1, sizeof *typed->types);
    bool good = rows && typed->types;
    for (uint32_t i = range.first; good && i < range.end; i++) {
        const struct profile_lifetime *one = &profile->type_lifetimes[row_at(&room->types, i)];
        if (!is_meant(process, one->process))
            continue;
        uint32_t *row = &rows[one->type];
        if (!*row) {
            *row = ++typed->type_count;
            typed->types[*row - 1] = (struct profile_lifetime){
                .process = one->process, .type = one->type, .kind = one->kind};
        }
        profile_lifetime_add(&typed->types[*row - 1], one);
        profile_lifetime_add(&typed->ended, one);
    }
    if (good)
        qsort(typed->types, typed->type_count, sizeof *typed->types, compare_types);
    free(rows);
    return good;
}

/* -- What a collection has freed -- */

static int compare_collected(const void *left, const void *right) {
    const struct profile_collected *a = left, *b = right;
    if (a->bytes != b->bytes)
        return a->bytes > b->bytes ? -1 : 1;
    if (a->type != b->type)
        return a->type < b->type ? -1 : 1;
    return (a->node > b->node) - (a->node < b->node);
}

/* Rows of one stack or place and type; `biggest`: of the nodes that a row has been put together
 * from. */
struct gathering {
    struct typed *typed;
    const uint32_t *stacks; /* by node; NULL: by place */
    struct intern rows;
    uint64_t *biggest;
};

static struct intern_key key_of(const struct gathering *gathering,
                                const struct profile_collected *one) {
    const struct profile *profile = gathering->typed->profile;
    if (gathering->stacks)
        return (struct intern_key){{one->type, gathering->stacks[one->node], 0, 0, 0}};
    const struct profile_node *lead = &profile->nodes[life_lead(profile, one->node)];
    return (struct intern_key){{one->type, lead->function, lead->line, lead->thread, 1}};
}

static bool gather(struct gathering *gathering, const struct profile_collected *one) {
    struct typed *typed = gathering->typed;
    const struct intern_key key = key_of(gathering, one);
    uint32_t number = intern_add(&gathering->rows, &key);
    if (number == INTERN_FAILED)
        return false;
    struct profile_collected *row = &typed->collected[number];
    if (number == typed->collected_count) {
        *row = (struct profile_collected){one->process, one->node, one->type, 0, 0};
        typed->collected_count++;
    }
    if (one->bytes > gathering->biggest[number]) {
        gathering->biggest[number] = one->bytes;
        row->node = one->node;
        row->process = one->process;
    }
    row->blocks += one->blocks;
    row->bytes += one->bytes;
    typed->collected_bytes += one->bytes;
    return true;
}

static bool add_collected(struct typed *typed, const struct turnover_room *room, uint32_t process) {
    const struct profile *profile = typed->profile;
    struct site_range range = range_of(&room->collected, profile->collected_count, process);
    const size_t most = range.end - range.first + 1ul;
    struct gathering gathering = {
        .typed = typed, .stacks = room->stacks, .biggest = calloc(most, sizeof *gathering.biggest)};
    typed->collected = calloc(most, sizeof *typed->collected);
    bool good = gathering.biggest && typed->collected;
    for (uint32_t i = range.first; good && i < range.end; i++) {
        const struct profile_collected *one = &profile->collected[row_at(&room->collected, i)];
        if (is_meant(process, one->process))
            good = gather(&gathering, one);
    }
    if (good)
        qsort(typed->collected, typed->collected_count, sizeof *typed->collected,
              compare_collected);
    intern_release(&gathering.rows);
    free(gathering.biggest);
    return good;
}

bool typed_open(struct typed *typed, const struct turnover_room *room, uint32_t process) {
    *typed = (struct typed){.profile = room->profile};
    return add_types(typed, room, process) && add_collected(typed, room, process);
}

void typed_release(struct typed *typed) {
    free(typed->types);
    free(typed->collected);
    *typed = (struct typed){0};
}
