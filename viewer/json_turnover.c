/* What a process allocated in the whole run, what became of it, and how long it lived, as JSON. */
#include "json.h"
#include "typed.h"

#include <stdlib.h>

#define TYPES_TOLD 1000u
#define SITES_TOLD 1000u /* of each kind of most */

/* Without the empty ones at the end. */
static json_t *new_buckets(const uint64_t *buckets, unsigned count) {
    json_t *list = json_array();
    while (count > 0 && buckets[count - 1] == 0)
        count--;
    for (unsigned i = 0; i < count; i++)
        json_array_append_new(list, json_count(buckets[i]));
    return list;
}

static json_t *new_ends(const struct profile_lifetime *lifetime) {
    json_t *ends = json_object();
    for (unsigned i = 0; i < PROFILE_ENDS; i++)
        json_object_set_new(ends, life_end_keys[i],
                            json_pack("{s:o, s:o}", "blocks", json_count(lifetime->ended_blocks[i]),
                                      "bytes", json_count(lifetime->ended_bytes[i])));
    return ends;
}

static void add_ages(json_t *json, const struct profile_lifetime *lifetime) {
    json_object_set_new(json, "ages", new_buckets(lifetime->ages, PROFILE_AGES));
    json_object_set_new(json, "lived_ms", new_buckets(lifetime->times, PROFILE_TIMES));
    json_object_set_new(json, "lived_s", json_real((double)lifetime->ms / 1e3));
}

static void add_lifetime(json_t *json, const struct profile_lifetime *lifetime,
                         const struct turnover_row *row) {
    json_object_set_new(json, "exit_bytes", json_count(row->exit_bytes));
    json_object_set_new(json, "exit_blocks", json_count(row->exit_blocks));
    json_t *ends = new_ends(lifetime);
    json_object_set_new(ends, "never",
                        json_pack("{s:o, s:o}", "blocks", json_count(row->kept_blocks), "bytes",
                                  json_count(row->kept_bytes)));
    json_object_set_new(json, "ended", ends);
    add_ages(json, lifetime);
}

static json_t *new_frees(struct json_stacks *stacks, const struct profile_lifetime *lifetime) {
    json_t *list = json_array();
    for (unsigned i = 0; i < PROFILE_FREES; i++) {
        const struct profile_free *one = &lifetime->frees[i];
        if (one->node)
            json_array_append_new(
                list, json_pack("{s:o, s:o, s:o}", "blocks", json_count(one->blocks), "bytes",
                                json_count(one->bytes), "stack", json_stack(stacks, one->node)));
    }
    return list;
}

static json_t *new_figures(const struct turnover_row *row) {
    return json_pack("{s:o, s:o, s:o, s:o}", "allocated_bytes", json_count(row->made_bytes),
                     "allocated_blocks", json_count(row->made_blocks), "kept_bytes",
                     json_count(row->kept_bytes), "kept_blocks", json_count(row->kept_blocks));
}

static json_t *new_site(struct json_stacks *stacks, const struct turnover *turnover,
                        const struct turnover_row *row) {
    static const struct profile_lifetime none;
    json_t *json = new_figures(row);
    const struct profile_lifetime *lifetime = turnover_of(turnover, row);
    json_object_set_new(json, "peak_bytes", json_count(row->peak_bytes));
    json_object_set_new(json, "kind", json_string(json_kind_names[row->kind]));
    json_object_set_new(json, "stack", json_stack(stacks, row->node));
    if (turnover->followed) {
        add_lifetime(json, lifetime ? lifetime : &none, row);
        json_object_set_new(json, "freed_at", new_frees(stacks, lifetime ? lifetime : &none));
    }
    return json;
}

/* Each once, though it may have most of several. */
static void add_most(json_t *list, struct json_stacks *stacks, struct turnover *turnover,
                     turnover_measure *measure) {
    uint32_t count = turnover_most(turnover, measure, SITES_TOLD);
    for (uint32_t i = 0; i < count; i++) {
        struct turnover_row *row = &turnover->rows[turnover->order[i]];
        if (row->told)
            continue;
        row->told = true;
        json_array_append_new(list, new_site(stacks, turnover, row));
    }
}

/* "type" is null for what was not seen to be an object. */
static json_t *new_type(const struct profile *profile, uint32_t type) {
    const char *finalizer = typed_finalizer(profile, type);
    json_t *name =
        type == PROFILE_TYPE_UNKNOWN ? json_null() : json_text(typed_name(profile, type));
    return json_pack("{s:o, s:o}", "type", name, "finalizer",
                     finalizer ? json_string(finalizer) : json_null());
}

static json_t *new_types(struct json_stacks *stacks, const struct typed *typed) {
    json_t *list = json_array();
    for (uint32_t i = 0; i < typed->type_count && i < TYPES_TOLD; i++) {
        const struct profile_lifetime *one = &typed->types[i];
        json_t *json = new_type(typed->profile, one->type);
        json_object_set_new(json, "bytes", json_count(typed_bytes(one)));
        json_object_set_new(json, "blocks", json_count(profile_lifetime_ended(one)));
        json_t *ends = new_ends(one);
        json_object_set_new(ends, "never",
                            json_pack("{s:o, s:o}", "blocks", json_count(one->kept_blocks), "bytes",
                                      json_count(one->kept_bytes)));
        json_object_set_new(json, "ended", ends);
        add_ages(json, one);
        json_object_set_new(json, "freed_at", new_frees(stacks, one));
        json_array_append_new(list, json);
    }
    return list;
}

static json_t *new_collected(struct json_stacks *stacks, const struct typed *typed) {
    json_t *list = json_array();
    for (uint32_t i = 0; i < typed->collected_count && i < SITES_TOLD; i++) {
        const struct profile_collected *one = &typed->collected[i];
        json_t *json = new_type(typed->profile, one->type);
        json_object_set_new(json, "bytes", json_count(one->bytes));
        json_object_set_new(json, "blocks", json_count(one->blocks));
        json_object_set_new(json, "stack", json_stack(stacks, one->node));
        json_array_append_new(list, json);
    }
    return list;
}

static bool add_typed(json_t *json, struct json_stacks *stacks, const struct turnover_room *room,
                      uint32_t process) {
    struct typed typed;
    bool good = typed_open(&typed, room, process);
    if (good) {
        json_object_set_new(json, "type_count", json_count(typed.type_count));
        json_object_set_new(json, "types", new_types(stacks, &typed));
        json_object_set_new(json, "collected_count", json_count(typed.collected_count));
        json_object_set_new(json, "collected", new_collected(stacks, &typed));
    }
    typed_release(&typed);
    return good;
}

json_t *json_turnover(struct json_stacks *stacks, const struct turnover_room *room,
                      uint32_t process) {
    struct turnover turnover;
    json_t *json = NULL, *list = json_array();
    bool good = turnover_open_in(&turnover, room, process, TURNOVER_BY_STACK);
    if (good) {
        json_stacks_limit(stacks, 0); /* the peak's sites have the whole stacks */
        json = new_figures(&turnover.sums);
        json_object_set_new(json, "followed", json_boolean(turnover.followed));
        if (turnover.followed)
            add_lifetime(json, &turnover.ended, &turnover.sums);
        add_most(list, stacks, &turnover, turnover_made);
        add_most(list, stacks, &turnover, turnover_kept);
        json_object_set(json, "sites", list);
        good = !turnover.followed || add_typed(json, stacks, room, process);
    }
    if (!good) {
        json_decref(json);
        json = NULL;
    }
    json_decref(list);
    turnover_release(&turnover);
    return json;
}
