/* Findings (viewer/holders.h): picks the snapshot, reads its heap graph, and has it analysed. */
#include "viewer/holders.h"

#include "wire/graph.h"

#include <stdlib.h>

const char *const holder_root_names[HOLDER_ROOTS] = {
    [HOLDER_LOCAL] = "local",         [HOLDER_ARGUMENT] = "argument",
    [HOLDER_GLOBAL] = "global",       [HOLDER_CLOSURE] = "closure",
    [HOLDER_CLASS] = "class",         [HOLDER_DEFAULT] = "default",
    [HOLDER_CACHE] = "cache",         [HOLDER_GENERATOR] = "generator",
    [HOLDER_TRACEBACK] = "traceback", [HOLDER_THREAD] = "thread",
    [HOLDER_CONTEXT] = "context",     [HOLDER_INTERPRETER] = "interpreter",
    [HOLDER_NATIVE] = "native",       [HOLDER_GARBAGE] = "garbage",
    [HOLDER_NONE] = "none",
};

const char *const verdict_names[] = {
    [VERDICT_UNKNOWN] = "unknown",
    [VERDICT_DEAD] = "dead",
    [VERDICT_GARBAGE] = "garbage",
    [VERDICT_IN_USE] = "in use",
};

/* Less than nine tenths, without overflow. */
static bool is_far(uint64_t bytes, uint64_t peak) {
    return bytes < peak - peak / 10;
}

struct findings *findings_of_snapshot(const struct profile *profile, uint32_t snapshot) {
    if (snapshot >= profile->snapshot_count)
        return NULL;
    struct findings *findings = calloc(1, sizeof *findings);
    if (!findings)
        return NULL;
    const struct profile_snapshot *of = &profile->snapshots[snapshot];
    const struct profile_graph *graph = &profile->graphs[snapshot];
    uint64_t peak = profile->processes[of->process].peak_bytes;
    findings->process = of->process;
    findings->snapshot = snapshot;
    findings->bytes = of->bytes;
    findings->pending_bytes = of->pending_bytes;
    findings->peak_if_released = peak;
    findings->far_from_peak = is_far(of->bytes + of->pending_bytes, peak);
    findings->graph = graph_read(graph->bytes, graph->size, findings->why, sizeof findings->why);
    return findings;
}

struct findings *findings_of(const struct profile *profile, uint32_t process) {
    for (uint32_t i = 0; i < profile->snapshot_count; i++)
        if (profile->snapshots[i].process == process)
            return findings_of_snapshot(profile, i);
    return NULL;
}

void findings_free(struct findings *findings) {
    if (!findings)
        return;
    graph_free(findings->graph);
    free(findings->holders);
    free(findings);
}

bool findings_dot(const struct findings *findings, uint32_t holder, FILE *out) {
    if (holder >= findings->count)
        return false;
    fprintf(out, "digraph holder {\n}\n");
    return !ferror(out);
}
