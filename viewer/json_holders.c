/* Who held the memory, in the JSON report. */
#include "json.h"

#include "copies.h"

static json_t *new_advice(const struct holder *holder) {
    json_t *list = json_array();
    for (uint32_t i = 0; i < holder->advice_count; i++)
        json_array_append_new(list, json_text(holder->advice[i]));
    return list;
}

static json_t *new_references(const struct holder *holder) {
    json_t *list = json_array();
    for (uint32_t i = 0; i < holder->reference_count; i++) {
        const struct dead_reference *one = &holder->references[i];
        json_array_append_new(list, json_pack("{s:o, s:o, s:o, s:I}", "name", json_text(one->name),
                                              "function", json_text(one->function), "file",
                                              json_text(one->file), "line", (json_int_t)one->line));
    }
    return list;
}

json_t *json_new_root(const struct holder *holder) {
    return json_pack("{s:s, s:o, s:o, s:o, s:I}", "kind", holder_root_names[holder->root], "name",
                     json_text(holder->name), "function", json_text(holder->function), "file",
                     json_text(holder->file), "line", (json_int_t)holder->line);
}

static void add_released(json_t *json, struct peak_without peak) {
    json_object_set_new(json, "peak_if_released_bytes", json_count(peak.likely));
    json_object_set_new(json, "peak_if_released_least_bytes", json_count(peak.least));
    json_object_set_new(json, "peak_if_released_most_bytes", json_count(peak.most));
}

static json_t *new_holder(struct json_stacks *stacks, const struct holder *holder, uint32_t number,
                          uint64_t peak) {
    json_t *json = json_pack(
        "{s:I, s:o, s:I, s:{s:o, s:o}, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:o}",
        "number", (json_int_t)number, "bytes", json_count(holder->bytes), "count",
        (json_int_t)holder->count, "object", "type", json_text(holder->type), "detail",
        json_text(holder->detail), "root", json_new_root(holder), "path", json_text(holder->path),
        "verdict", verdict_names[holder->verdict], "reason", json_text(holder->reason), "others",
        json_text(holder->others), "saves_bytes", json_count(holder->saves), "advice",
        new_advice(holder), "allocated_at", json_stack(stacks, holder->node), "dead_references",
        new_references(holder), "dead_reference_count", (json_int_t)holder->reference_total,
        "idle_s", holder->idle_ns ? json_real((double)holder->idle_ns / 1e9) : json_null());
    if (json)
        add_released(json, holder_if_released(holder, peak));
    return json;
}

/* NULL when memory ran out. */
static json_t *new_holders(struct json_stacks *stacks, const struct findings *findings,
                           uint64_t peak) {
    json_t *list = json_array();
    bool good = list != NULL;
    for (uint32_t i = 0; good && i < findings->count; i++)
        good = json_array_append_new(list,
                                     new_holder(stacks, &findings->holders[i], i + 1, peak)) == 0;
    if (good)
        return list;
    json_decref(list);
    return NULL;
}

/* What is known of each snapshot, and without reading its graph. */
static json_t *new_snapshot(struct json_stacks *stacks, const struct profile_snapshot *snapshot) {
    static const char *const reasons[] = {
        [SNAPSHOT_PEAK] = "peak", [SNAPSHOT_CEILING] = "ceiling", [SNAPSHOT_REQUEST] = "request"};
    bool known = snapshot->reason >= SNAPSHOT_PEAK && snapshot->reason <= SNAPSHOT_REQUEST;
    const char *name = held_snapshot_name(stacks->profile, snapshot);
    return json_pack(
        "{s:o, s:o, s:b, s:b, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "bytes",
        json_count(held_bytes(snapshot->bytes, snapshot->pending_bytes)), "time_s",
        json_seconds(snapshot->time_ns), "complete", (snapshot->flags & SNAPSHOT_COMPLETE) != 0,
        "shallow", (snapshot->flags & SNAPSHOT_IS_SHALLOW) != 0, "reason",
        known ? reasons[snapshot->reason] : "unknown", "name",
        *name ? json_text(name) : json_null(), "pending_bytes", json_count(snapshot->pending_bytes),
        "pending_at", json_stack(stacks, snapshot->pending_node), "pause_s",
        json_seconds(snapshot->pause_ns), "walk_s", json_seconds(snapshot->walk_ns), "copy_bytes",
        json_count(snapshot->copy_bytes));
}

static json_t *new_snapshots(struct json_stacks *stacks, uint32_t process) {
    const struct profile *profile = stacks->profile;
    json_t *list = json_array();
    for (uint32_t i = 0; i < profile->snapshot_count; i++)
        if (profile->snapshots[i].process == process)
            json_array_append_new(list, new_snapshot(stacks, &profile->snapshots[i]));
    return list;
}

static bool add_findings(json_t *process, json_t *peak, struct json_stacks *stacks,
                         const struct findings *findings) {
    const struct profile *profile = stacks->profile;
    json_t *snapshot = new_snapshot(stacks, &profile->snapshots[findings->snapshot]);
    json_t *holders = new_holders(stacks, findings, held_peak(profile, findings));
    json_object_set_new(snapshot, "far_from_peak", json_boolean(findings->far_from_peak));
    json_object_set_new(snapshot, "problem",
                        findings->graph ? json_null() : json_text(findings->why));
    json_object_set_new(peak, "garbage_bytes", json_count(findings->garbage_bytes));
    json_object_set_new(peak, "dead_bytes", json_count(findings->dead_bytes));
    add_released(process, held_if_released(profile, findings));
    return json_object_set_new(peak, "snapshot", snapshot) == 0 &&
           json_object_set_new(peak, "holders", holders) == 0 &&
           json_object_set_new(peak, "copies", json_copies(stacks, findings)) == 0 &&
           json_object_set_new(peak, "copies_complete", json_boolean(copies_complete(findings))) ==
               0;
}

static void add_nothing(json_t *process, json_t *peak, uint64_t bytes) {
    json_object_set_new(peak, "snapshot", json_null());
    json_object_set_new(peak, "holders", json_array());
    json_object_set_new(peak, "copies", json_array());
    json_object_set_new(peak, "copies_complete", json_false());
    json_object_set_new(peak, "garbage_bytes", json_count(0));
    json_object_set_new(peak, "dead_bytes", json_count(0));
    add_released(process, peak_as_it_was(bytes));
}

bool json_add_holders(json_t *process, json_t *peak, struct json_stacks *stacks,
                      const struct findings *findings, uint32_t index) {
    const struct profile *profile = stacks->profile;
    bool good = true;
    json_stacks_limit(stacks, JSON_MAX_FRAMES);
    if (findings)
        good = add_findings(process, peak, stacks, findings);
    else
        add_nothing(process, peak, profile->processes[index].peak_bytes);
    json_object_set_new(process, "snapshots", new_snapshots(stacks, index));
    json_object_set_new(process, "snapshot_cost",
                        json_pack("{s:o, s:o}", "count",
                                  json_count(profile->processes[index].snapshots), "time_s",
                                  json_seconds(profile->processes[index].snapshot_ns)));
    return good;
}
