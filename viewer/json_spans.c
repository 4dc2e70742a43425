/* What a process allocated in the parts of its run, and what was live, as JSON. */
#include "json.h"

#include <stdlib.h>

/* Stacks that several spans mention are there once: each has a number from 1 on, by node. */
struct span_stacks {
    struct json_stacks *stacks;
    uint32_t *numbers;
    json_t *list;
};

static uint32_t number_of(struct span_stacks *all, uint32_t node) {
    if (all->numbers[node] == 0 &&
        json_array_append_new(all->list, json_stack(all->stacks, node)) == 0)
        all->numbers[node] = (uint32_t)json_array_size(all->list);
    return all->numbers[node];
}

static json_t *new_amounts(struct span_stacks *all, const struct profile_span_site *sites,
                           uint32_t count) {
    json_t *list = json_array();
    for (uint32_t i = 0; i < count; i++) {
        uint32_t number = number_of(all, sites[i].node);
        if (number > 0)
            json_array_append_new(
                list, json_pack("[I, o]", (json_int_t)number - 1, json_count(sites[i].bytes)));
    }
    return list;
}

static json_t *new_span(struct span_stacks *all, const struct profile_span *span, uint64_t begin_ns,
                        const struct profile_span_site *sites) {
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "begin_s", json_seconds(begin_ns),
                     "end_s", json_seconds(span->end_ns), "allocated_bytes",
                     json_count(span->made_bytes), "allocated_by",
                     new_amounts(all, sites, span->made_count), "live_bytes",
                     json_count(span->held_bytes), "live_time_s", json_seconds(span->held_ns),
                     "live_by", new_amounts(all, sites + span->made_count, span->held_count));
}

static json_t *new_spans(struct span_stacks *all, const struct profile *profile, uint32_t process) {
    const struct profile_span_site *sites = profile->span_sites;
    uint64_t begin = profile->processes[process].start_ns;
    json_t *list = json_array();
    for (uint32_t i = 0; i < profile->span_count; i++) {
        const struct profile_span *span = &profile->spans[i];
        if (span->process == process) {
            json_array_append_new(list, new_span(all, span, begin, sites));
            begin = span->end_ns;
        }
        sites += span->made_count + span->held_count;
    }
    return list;
}

bool json_add_spans(json_t *process, struct json_stacks *stacks, uint32_t index) {
    const struct profile *profile = stacks->profile;
    struct span_stacks all = {.stacks = stacks,
                              .numbers = calloc((size_t)profile->node_count + 1, sizeof(uint32_t)),
                              .list = json_array()};
    bool good = all.numbers && all.list;
    json_stacks_limit(stacks, 0); /* the peak's sites have the whole stacks */
    if (good)
        good = json_object_set_new(process, "spans", new_spans(&all, profile, index)) == 0 &&
               json_object_set(process, "span_stacks", all.list) == 0;
    json_decref(all.list);
    free(all.numbers);
    return good;
}
