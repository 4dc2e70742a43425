/* How long the big blocks of a process lay untouched, as JSON. */
#include "drags.h"
#include "json.h"

#define SITES_TOLD 1000u

static void add_sums(json_t *json, const struct profile_drag *sums) {
    json_object_set_new(json, "bytes", json_count(sums->bytes));
    for (unsigned i = 0; i < PROFILE_PHASES; i++)
        json_object_set_new(json, drags_phase_names[i],
                            json_pack("{s:o, s:o}", "blocks", json_count(sums->blocks[i]),
                                      "byte_seconds", json_count(sums->byte_seconds[i])));
    json_object_set_new(json, "wasted_byte_seconds", json_count(drags_waste(sums)));
    json_object_set_new(json, "longest_s", json_real((double)sums->longest_ns / 1e9));
}

static json_t *new_site(struct json_stacks *stacks, const struct drags_row *row) {
    json_t *json = json_object();
    add_sums(json, &row->sums);
    json_object_set_new(json, "kind", json_string(json_kind_names[row->sums.kind]));
    json_object_set_new(json, "stack", json_stack(stacks, row->sums.node));
    return json;
}

json_t *json_drag(struct json_stacks *stacks, uint32_t process) {
    const struct profile *profile = stacks->profile;
    struct drags list;
    json_t *json = NULL;
    if (!(profile->processes[process].flags & PROCESS_DRAG))
        return json_null();
    if (drags_open(&list, profile, process, DRAGS_BY_STACK)) {
        json_t *sites = json_array();
        json = json_pack("{s:o, s:f, s:f, s:o}", "looks", json_count(list.looks), "pace_s",
                         (double)list.pace_ns / 1e9, "look_s", (double)list.look_ns / 1e9,
                         "left_out_blocks", json_count(list.left_out));
        add_sums(json, &list.sums);
        json_stacks_limit(stacks, 0); /* the peak's sites have the whole stacks */
        for (uint32_t i = 0; i < list.count && i < SITES_TOLD; i++)
            json_array_append_new(sites, new_site(stacks, &list.rows[i]));
        json_object_set_new(json, "sites", sites);
    }
    drags_release(&list);
    return json;
}
