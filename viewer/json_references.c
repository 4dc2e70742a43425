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

static json_t *new_seen(const struct findings *findings) {
    char sentence[256];
    leaks_scope(findings, sentence, sizeof sentence);
    return json_pack("{s:o, s:o, s:s, s:s, s:s}", "extension_modules",
                     json_count(findings->graph->seen.modules), "extension_modules_with_calls",
                     json_count(findings->graph->seen.calling), "interpreter_core", "inlined",
                     "births_and_deaths", leaks_core_seen(findings->graph), "text", sentence);
}

static json_t *new_references(struct json_stacks *stacks, const struct findings *findings) {
    const struct graph *graph = findings->graph;
    uint64_t time_ns = stacks->profile->snapshots[findings->snapshot].time_ns;
    return json_pack("{s:o, s:o, s:o, s:o, s:b, s:o, s:o, s:o}", "time_s", json_seconds(time_ns),
                     "modules", json_count(graph->seen.modules), "modules_seen",
                     json_count(graph->seen.calling), "seen", new_seen(findings), "whole",
                     graph->seen.whole, "left_out",
                     json_count(graph->seen.left_out), "leaks", new_leaks(stacks, findings),
                     "balances", new_balances(graph));
}

json_t *json_references_problem(const struct profile *profile, uint32_t index) {
    const char *problem = leaks_problem(profile, index);
    return problem ? json_string(problem) : json_null();
}

json_t *json_references(struct json_stacks *stacks, const struct findings *known, uint32_t index) {
    const struct profile *profile = stacks->profile;
    uint32_t snapshot = leaks_snapshot(profile, index);
    if (snapshot == LEAKS_NONE)
        return json_null();
    struct findings *own = NULL;
    const struct findings *findings = known;
    if (!known || known->snapshot != snapshot)
        findings = own = findings_of_snapshot(profile, snapshot);
    json_t *found = NULL;
    json_stacks_limit(stacks, JSON_MAX_FRAMES);
    if (findings && findings->graph && findings->graph->seen.told)
        found = new_references(stacks, findings);
    findings_free(own);
    return found ? found : json_null();
}
