/* References that were taken and not given back (run --refs), in the JSON report. */
#include "json.h"
#include "leaks.h"

#include "wire/graph.h"

static json_t *new_leak(struct json_stacks *stacks, const struct leak *leak) {
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:o}", "module",
                     *leak->module ? json_text(leak->module) : json_null(), "suspect",
                     *leak->suspect ? json_text(leak->suspect) : json_null(), "type",
                     json_text(leak->type), "references", json_count(leak->references), "objects",
                     json_count(leak->objects), "bytes", json_count(leak->bytes), "taken",
                     json_count(leak->taken), "given_back", json_count(leak->given), "advice",
                     leak_advice(leak), "taken_at", json_stack(stacks, leak->node));
}

static json_t *new_leaks(struct json_stacks *stacks, const struct findings *findings) {
    json_t *list = json_array();
    for (uint32_t i = 0; list && i < findings->leak_count; i++)
        json_array_append_new(list, new_leak(stacks, &findings->leaks[i]));
    return list;
}

static json_t *new_balances(const struct graph *graph) {
    json_t *list = json_array();
    for (uint32_t i = 1; list && i < graph->balance_count; i++) {
        const struct graph_balance *balance = &graph->balances[i];
        json_array_append_new(list, json_pack("{s:o, s:o, s:o, s:o, s:o}", "module",
                                              json_text(graph->texts[balance->module]), "type",
                                              json_text(graph->texts[balance->type]), "taken",
                                              json_count(balance->taken), "given_back",
                                              json_count(balance->given), "ended",
                                              json_count(balance->ended)));
    }
    return list;
}

static json_t *new_count(struct json_stacks *stacks, const struct profile_count *count) {
    char *const *strings = stacks->profile->strings;
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "module",
                     json_text(strings[count->module]), "type", json_text(strings[count->type]),
                     "taken", json_count(count->taken), "given_back", json_count(count->given),
                     "ended", json_count(count->ended), "not_given_back", json_count(count->kept),
                     "objects", json_count(count->objects), "taken_at",
                     json_stack(stacks, count->node));
}

static json_t *new_counts(struct json_stacks *stacks, uint32_t process) {
    const struct profile *profile = stacks->profile;
    json_t *list = json_array();
    for (uint32_t i = 0; list && i < profile->count_count; i++)
        if (profile->counts[i].process == process)
            json_array_append_new(list, new_count(stacks, &profile->counts[i]));
    return list;
}

static json_t *new_seen(const struct leaks_seen *seen) {
    char sentence[256];
    leaks_scope(seen, sentence, sizeof sentence);
    return json_pack("{s:o, s:o, s:s, s:s, s:s}", "extension_modules", json_count(seen->modules),
                     "extension_modules_with_calls", json_count(seen->calling), "interpreter_core",
                     "inlined", "births_and_deaths", leaks_core_seen(seen), "text", sentence);
}

/* `findings` of a look through memory; NULL: there was none, and the counts alone are known. */
static json_t *new_references(struct json_stacks *stacks, const struct findings *findings,
                              uint32_t process) {
    const struct profile *profile = stacks->profile;
    struct leaks_seen seen = leaks_seen(profile, process, findings);
    json_t *time =
        findings ? json_seconds(profile->snapshots[findings->snapshot].time_ns) : json_null();
    return json_pack("{s:o, s:o, s:o, s:o, s:b, s:o, s:o, s:o, s:o}", "time_s", time, "modules",
                     json_count(seen.modules), "modules_seen", json_count(seen.calling), "seen",
                     new_seen(&seen), "whole", findings && findings->graph->seen.whole, "left_out",
                     json_count(seen.left_out), "leaks",
                     findings ? new_leaks(stacks, findings) : json_array(), "balances",
                     findings ? new_balances(findings->graph) : json_array(), "counts",
                     new_counts(stacks, process));
}

json_t *json_references_problem(const struct profile *profile, uint32_t index) {
    const char *problem = leaks_problem(profile, index);
    return problem ? json_string(problem) : json_null();
}

json_t *json_references(struct json_stacks *stacks, const struct findings *known, uint32_t index) {
    const struct profile *profile = stacks->profile;
    uint32_t snapshot = leaks_snapshot(profile, index);
    bool counted = profile->processes[index].flags & PROCESS_COUNTED;
    struct findings *own = NULL;
    const struct findings *findings = known;
    if (snapshot == LEAKS_NONE && !counted)
        return json_null();
    if (snapshot == LEAKS_NONE)
        findings = NULL;
    else if (!known || known->snapshot != snapshot)
        findings = own = findings_of_snapshot(profile, snapshot);
    json_stacks_limit(stacks, JSON_MAX_FRAMES);
    bool looked = findings && findings->graph && findings->graph->seen.told;
    json_t *found =
        looked || counted ? new_references(stacks, looked ? findings : NULL, index) : NULL;
    findings_free(own);
    return found ? found : json_null();
}
