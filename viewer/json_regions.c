/* The regions that a program marked, in the JSON report. */
#include "drags.h"
#include "json.h"

#include "region_holders.h"
#include "regions.h"

#define HOLDERS_MAX 10u

static json_t *new_site(struct json_stacks *stacks, const struct profile_region_site *site) {
    json_t *stack = site->node ? json_stack(stacks, site->node) : json_null();
    return json_pack("{s:o, s:o, s:o, s:o, s:s, s:o}", "bytes", json_count(site->peak_bytes),
                     "blocks", json_count(site->peak_blocks), "kept_bytes",
                     json_count(site->kept_bytes), "kept_blocks", json_count(site->kept_blocks),
                     "kind", json_kind_names[site->kind], "stack", stack);
}

static json_t *new_path(const struct profile *profile, const struct profile_region *region) {
    json_t *path = json_array();
    for (;; region = &profile->regions[region->parent - 1]) {
        json_array_insert_new(path, 0, json_text(profile->strings[region->name]));
        if (!region->parent)
            return path;
    }
}

/* `since_begin`: true, or null where it is not known. */
static json_t *new_holder(struct json_stacks *stacks, const struct profile_region *region,
                          const struct holder *holder) {
    bool own = region_holder_is_own(region, holder);
    return json_pack(
        "{s:o, s:I, s:{s:o, s:o}, s:o, s:o, s:s, s:o, s:o, s:o, s:o}", "bytes",
        json_count(holder->bytes), "count", (json_int_t)holder->count, "object", "type",
        json_text(holder->type), "detail", json_text(holder->detail), "root", json_new_root(holder),
        "path", json_text(holder->path), "verdict", verdict_names[holder->verdict], "reason",
        json_text(holder->reason), "saves_bytes", json_count(holder->saves), "allocated_at",
        json_stack(stacks, holder->node), "since_begin", own ? json_true() : json_null());
}

/* The snapshot near the region's own peak, and who held its memory then. */
static void add_holders(json_t *peak, struct json_stacks *stacks, struct region_findings *all,
                        const struct profile_region *region) {
    const struct findings *findings = region_findings_of(all, region);
    json_t *list = json_array(), *snapshot = json_null();
    uint32_t numbers[REGION_HOLDERS_MAX], count = 0;
    if (findings) {
        const struct profile_snapshot *of = &stacks->profile->snapshots[region->snapshot - 1];
        snapshot = json_pack(
            "{s:o, s:o, s:o, s:b, s:b}", "bytes", json_count(region->snapshot_bytes),
            "process_bytes", json_count(held_bytes(of->bytes, of->pending_bytes)), "time_s",
            json_seconds(of->time_ns), "complete", (of->flags & SNAPSHOT_COMPLETE) != 0, "shallow",
            (of->flags & SNAPSHOT_IS_SHALLOW) != 0);
        count = region_holders(findings, region, numbers);
    }
    for (uint32_t i = 0; i < count && i < HOLDERS_MAX; i++)
        json_array_append_new(list, new_holder(stacks, region, &findings->holders[numbers[i]]));
    json_object_set_new(peak, "snapshot", snapshot);
    json_object_set_new(peak, "holders", list);
}

static json_t *new_exit_native(const struct profile_region *region) {
    return json_pack("{s:o, s:o}", "bytes", json_count(region->exit_native_bytes), "blocks",
                     json_count(region->exit_native_blocks));
}

/* Of all times together; null where nobody looked. */
static json_t *new_drag(struct json_stacks *stacks, const struct profile_region *region) {
    json_t *json, *most;
    if (!(stacks->profile->processes[region->process].flags & PROCESS_DRAG))
        return json_null();
    json = json_pack("{s:o}", "wasted_byte_seconds",
                     json_count(profile_untouched(region->byte_seconds)));
    for (unsigned i = 0; i < PROFILE_PHASES; i++)
        json_object_set_new(
            json, drags_phase_names[i],
            json_pack("{s:o}", "byte_seconds", json_count(region->byte_seconds[i])));
    most = region->drag_node == 0 ? json_null()
                                  : json_pack("{s:o, s:s, s:o}", "wasted_byte_seconds",
                                              json_count(region->drag_node_byte_seconds), "kind",
                                              json_kind_names[region->drag_kind], "stack",
                                              json_stack(stacks, region->drag_node));
    json_object_set_new(json, "most", most);
    return json;
}

static json_t *new_region(struct json_stacks *stacks, struct region_findings *all,
                          const struct profile_region *region,
                          const struct profile_region_site *sites, bool for_good) {
    const struct profile *profile = stacks->profile;
    json_t *json = json_object(), *list = json_array();
    json_object_set_new(json, "name", json_text(profile->strings[region->name]));
    json_object_set_new(json, "path", new_path(profile, region));
    json_object_set_new(json, "threads",
                        json_text(region->flags & REGION_ALL_THREADS ? "all" : "one"));
    json_object_set_new(json, "thread",
                        region->flags & REGION_ALL_THREADS
                            ? json_null()
                            : json_text(profile->strings[region->thread]));
    json_object_set_new(json, "count", json_count(region->count));
    json_object_set_new(json, "unclosed", json_count(region->unclosed));
    json_object_set_new(json, "begin_s", json_seconds(region->begin_ns));
    json_object_set_new(json, "end_s", json_seconds(region->end_ns));
    json_t *peak = json_pack("{s:o, s:o}", "bytes", json_count(region->peak_bytes), "time_s",
                             json_seconds(region->peak_ns));
    add_holders(peak, stacks, all, region);
    json_object_set_new(json, "peak", peak);
    json_object_set_new(json, "kept_bytes", json_count(region->kept_bytes));
    json_object_set_new(json, "all_kept_bytes", json_count(region->all_kept_bytes));
    json_object_set_new(json, "allocated_bytes", json_count(region->made_bytes));
    json_object_set_new(json, "all_allocated_bytes", json_count(region->all_made_bytes));
    json_object_set_new(json, "all_churn_bytes", json_count(regions_churn(region)));
    json_object_set_new(json, "all_native_bytes", json_count(region->all_native_bytes));
    json_object_set_new(json, "exit_native", for_good ? new_exit_native(region) : json_null());
    json_object_set_new(json, "all_drag", new_drag(stacks, region));
    json_object_set_new(json, "process",
                        json_pack("{s:o, s:o, s:o, s:I}", "begin_bytes",
                                  json_count(region->process_begin_bytes), "peak_bytes",
                                  json_count(region->process_peak_bytes), "end_bytes",
                                  json_count(region->process_end_bytes), "growth_bytes",
                                  (json_int_t)regions_growth(region)));
    for (uint32_t i = 0; i < region->site_count; i++)
        json_array_append_new(list, new_site(stacks, &sites[i]));
    json_object_set_new(json, "sites", list);
    return json;
}

bool json_add_regions(json_t *process, struct json_stacks *stacks, uint32_t index) {
    const struct profile *profile = stacks->profile;
    struct region_findings all;
    json_t *list = json_array();
    const struct profile_region_site *sites = profile->region_sites;
    bool good = region_findings_open(&all, profile);
    bool for_good = profile->region_count > 0 && regions_left_for_good(profile, index);
    json_stacks_limit(stacks, JSON_MAX_FRAMES);
    for (uint32_t i = 0; good && i < profile->region_count; i++) {
        const struct profile_region *region = &profile->regions[i];
        if (region->process == index) {
            json_array_append_new(list, new_region(stacks, &all, region, sites, for_good));
            region_findings_done(&all, region);
        }
        sites += region->site_count;
    }
    region_findings_close(&all);
    return json_object_set_new(process, "regions", list) == 0 && good;
}
