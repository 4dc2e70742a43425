/* The cycle collector's runs in a process, as JSON. */
#include "json.h"

static json_t *new_runs(const struct profile *profile, uint32_t process) {
    json_t *list = json_array();
    for (uint32_t i = 0; i < profile->collection_count; i++) {
        const struct profile_collection *one = &profile->collections[i];
        if (one->process != process)
            continue;
        json_array_append_new(
            list,
            json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "time_s", json_seconds(one->time_ns),
                      "duration_s", one->duration_ns ? json_seconds(one->duration_ns) : json_null(),
                      "generation", json_integer(one->generation), "count", json_count(one->count),
                      "objects", json_count(one->objects), "freed_bytes",
                      json_count(one->freed_bytes)));
    }
    return list;
}

json_t *json_collections(const struct profile *profile, uint32_t index) {
    const struct profile_process *process = &profile->processes[index];
    if (!(process->flags & PROCESS_COLLECTIONS))
        return json_null();
    return json_pack("{s:o, s:[o,o,o], s:o, s:o, s:o}", "count",
                     json_count(process->young_collections + process->middle_collections +
                                process->old_collections),
                     "by_generation", json_count(process->young_collections),
                     json_count(process->middle_collections), json_count(process->old_collections),
                     "paused_s", json_seconds(process->collection_ns), "longest_s",
                     json_seconds(process->longest_collection_ns), "runs",
                     new_runs(profile, index));
}
