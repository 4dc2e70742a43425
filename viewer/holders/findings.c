/* Findings (viewer/holders.h): picks the snapshot, reads its heap graph, has it analysed, and
 * has every unit judged (judge.c).
 */
#include "viewer/holders.h"

#include "viewer/holders/copies.h"
#include "viewer/holders/dot.h"
#include "viewer/holders/holding.h"
#include "viewer/holders/judge.h"
#include "viewer/holders/leaks.h"
#include "viewer/holders/whatif.h"

#include <stdlib.h>
#include <string.h>

#define TELLING_PART 20u /* of the peak */

const char *const holder_root_names[HOLDER_ROOTS] = {
    [HOLDER_LOCAL] = "local",         [HOLDER_ARGUMENT] = "argument",
    [HOLDER_GLOBAL] = "global",       [HOLDER_CLOSURE] = "closure",
    [HOLDER_CLASS] = "class",         [HOLDER_DEFAULT] = "default",
    [HOLDER_CACHE] = "cache",         [HOLDER_GENERATOR] = "generator",
    [HOLDER_TRACEBACK] = "traceback", [HOLDER_THREAD] = "thread",
    [HOLDER_CONTEXT] = "context",     [HOLDER_INTERPRETER] = "interpreter",
    [HOLDER_STATIC] = "static",       [HOLDER_NATIVE] = "native",
    [HOLDER_GARBAGE] = "garbage",     [HOLDER_NONE] = "none",
};

const char *const verdict_names[] = {
    [VERDICT_UNKNOWN] = "unknown", [VERDICT_DEAD] = "dead", [VERDICT_GARBAGE] = "garbage",
    [VERDICT_IN_USE] = "in use",   [VERDICT_IDLE] = "idle",
};

/* What findings->memory is. */
struct memory {
    struct texts *texts;
    const char **dots; /* by holder */
};

struct analysis {
    struct heap heap;
    struct units units;
    struct whatif whatif;
    struct findings *findings;
    struct memory *memory;
    uint32_t shares; /* of findings->holding; 0: without it */
};

static int compare_units(const void *a, const void *b) {
    const struct unit *const *one = a, *const *two = b;
    if ((*one)->bytes != (*two)->bytes)
        return (*one)->bytes > (*two)->bytes ? -1 : 1;
    return (*one)->node < (*two)->node ? -1 : (*one)->node > (*two)->node;
}

static bool add_holder(struct analysis *analysis, const struct unit *unit, uint64_t *left) {
    struct findings *findings = analysis->findings;
    const struct heap *heap = &analysis->heap;
    if (unit->bytes > *left)
        return true; /* objects that were there before anything was counted */
    *left -= unit->bytes;
    struct holder *holder = &findings->holders[findings->count];
    judge_unit(heap, unit, holder);
    uint32_t number = (uint32_t)(unit - analysis->units.all) + 1;
    analysis->units.all[number - 1].holder = findings->count + 1;
    if (holder->saves > 0 && !whatif_peak(heap, &analysis->whatif, number, &holder->if_released))
        return false;
    analysis->memory->dots[findings->count++] =
        dot_describe(heap, unit, *holder->path ? holder->path : "memory without a known owner");
    return true;
}

static bool add_holders(struct analysis *analysis) {
    struct findings *findings = analysis->findings;
    uint32_t count = analysis->units.count;
    uint64_t left = analysis->heap.snapshot->bytes;
    const struct unit **sorted = malloc((count + 1ul) * sizeof *sorted);
    findings->holders = calloc(UNITS_MAX, sizeof *findings->holders);
    analysis->memory->dots =
        texts_array(analysis->memory->texts, UNITS_MAX, sizeof *analysis->memory->dots);
    bool good = sorted && findings->holders && analysis->memory->dots;
    for (uint32_t i = 0; i < count && good; i++)
        sorted[i] = &analysis->units.all[i];
    if (good && count > 0)
        qsort(sorted, count, sizeof *sorted, compare_units);
    for (uint32_t i = 0; i < count && findings->count < UNITS_MAX && good; i++)
        good = add_holder(analysis, sorted[i], &left);
    free(sorted);
    return good;
}

/* -- The analysis -- */

static bool analyse(struct analysis *analysis) {
    struct heap *heap = &analysis->heap;
    struct findings *findings = analysis->findings;
    if (!heap_build(heap) || !accounting_settle(heap) || !reach_mark(heap) || !cycles_find(heap) ||
        !heap_index_referrers(heap) || !search_paths(heap) || !dominators_find(heap) ||
        !units_find(heap, &analysis->units) || !leaks_find(heap, findings) ||
        !copies_find(heap, findings) || !whatif_find(heap, &analysis->units, &analysis->whatif))
        return false;
    findings->dead_bytes = analysis->whatif.dead_bytes;
    findings->garbage_bytes = analysis->whatif.garbage_bytes;
    return add_holders(analysis) &&
           whatif_peak(heap, &analysis->whatif, WHATIF_ALL, &findings->if_released) &&
           (analysis->shares == 0 ||
            (findings->holding = holding_find(heap, &analysis->units, analysis->shares)));
}

static void run_analysis(const struct profile *profile, struct findings *findings,
                         uint32_t shares) {
    struct memory *memory = findings->memory;
    const struct profile_snapshot *snapshot = &profile->snapshots[findings->snapshot];
    uint64_t first_block = 0;
    for (uint32_t i = 0; i < findings->snapshot; i++)
        first_block += profile->snapshots[i].block_count;
    struct analysis analysis = {
        .heap = {.profile = profile,
                 .snapshot = snapshot,
                 .blocks = profile->blocks ? &profile->blocks[first_block] : NULL,
                 .graph = findings->graph,
                 .texts = memory->texts},
        .findings = findings,
        .memory = memory,
        .shares = shares,
    };
    struct peak_without peak = findings->if_released;
    if (!analyse(&analysis) || texts_failed(memory->texts)) {
        snprintf(findings->why, sizeof findings->why, "memory ran out over the heap graph");
        findings->count = findings->leak_count = findings->copies_count = 0;
        findings->dead_bytes = findings->garbage_bytes = 0;
        findings->if_released = peak;
    }
    heap_release(&analysis.heap);
    units_release(&analysis.units);
    whatif_release(&analysis.whatif);
    graph_shed(findings->graph);
}

static struct memory *memory_open(void) {
    struct memory *memory = calloc(1, sizeof *memory);
    if (memory)
        memory->texts = texts_open();
    if (memory && memory->texts)
        return memory;
    free(memory);
    return NULL;
}

/* Less than nine tenths, without overflow. */
static bool is_far(uint64_t bytes, uint64_t peak) {
    return bytes < peak - peak / 10;
}

struct findings *findings_whole(const struct profile *profile, uint32_t snapshot, uint32_t shares) {
    if (snapshot >= profile->snapshot_count)
        return NULL;
    struct findings *findings = calloc(1, sizeof *findings);
    if (!findings)
        return NULL;
    findings->memory = memory_open();
    if (!findings->memory) {
        free(findings);
        return NULL;
    }
    const struct profile_snapshot *of = &profile->snapshots[snapshot];
    const struct profile_graph *graph = &profile->graphs[snapshot];
    uint64_t peak = profile->processes[of->process].peak_bytes;
    findings->process = of->process;
    findings->snapshot = snapshot;
    findings->bytes = of->bytes;
    findings->pending_bytes = of->pending_bytes;
    findings->if_released = peak_as_it_was(peak);
    findings->far_from_peak = is_far(of->bytes + of->pending_bytes, peak);
    findings->graph = graph_read(graph->bytes, graph->size, findings->why, sizeof findings->why);
    if (findings->graph)
        run_analysis(profile, findings, shares);
    return findings;
}

struct findings *findings_of_snapshot(const struct profile *profile, uint32_t snapshot) {
    return findings_whole(profile, snapshot, 0);
}

static uint32_t find_first(const struct profile *profile, uint32_t process) {
    uint32_t i = 0;
    while (i < profile->snapshot_count && profile->snapshots[i].process != process)
        i++;
    return i;
}

static uint64_t later_of(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

/* The largest whole heap beside locals; profile->snapshot_count: there is none. What came after the
 * peak may have other holders. Those that were asked for have a name to be told by. */
static uint32_t find_beside(const struct profile *profile, const struct profile_snapshot *locals) {
    uint64_t until = later_of(profile->processes[locals->process].peak_ns, locals->time_ns);
    uint32_t found = profile->snapshot_count;
    for (uint32_t i = 0; i < profile->snapshot_count; i++) {
        const struct profile_snapshot *one = &profile->snapshots[i];
        if (one->process == locals->process && one->reason != SNAPSHOT_REQUEST &&
            one->time_ns <= until && snapshot_is_whole(one) &&
            one->bytes >= locals->bytes / SNAPSHOT_BESIDE_PART &&
            (found == profile->snapshot_count || one->bytes > profile->snapshots[found].bytes))
            found = i;
    }
    return found;
}

/* Bytes of which it is told who holds them. */
static uint64_t held_by_some(const struct findings *findings) {
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < findings->count; i++)
        bytes += findings->holders[i].root != HOLDER_NONE ? findings->holders[i].bytes : 0;
    return bytes;
}

/* What could be let go of is told by who saw it nearest to the peak. */
static bool tells_more(const struct profile *profile, const struct findings *whole,
                       const struct findings *locals) {
    uint64_t peak = profile->processes[locals->process].peak_bytes;
    uint64_t idle = locals->dead_bytes + locals->garbage_bytes;
    bool idle_told = idle < peak / TELLING_PART || whole->dead_bytes + whole->garbage_bytes >= idle;
    return idle_told && held_by_some(whole) > held_by_some(locals);
}

struct findings *findings_nearest(const struct profile *profile, uint32_t process) {
    return findings_of_snapshot(profile, find_first(profile, process));
}

struct findings *findings_of(const struct profile *profile, uint32_t process, uint32_t shares) {
    uint32_t first = find_first(profile, process);
    struct findings *findings = findings_whole(profile, first, shares);
    if (!findings || !(profile->snapshots[first].flags & SNAPSHOT_IS_SHALLOW))
        return findings;
    struct findings *whole =
        findings_whole(profile, find_beside(profile, &profile->snapshots[first]), shares);
    if (!whole || !tells_more(profile, whole, findings)) {
        findings_free(whole);
        return findings;
    }
    findings_free(findings);
    return whole;
}

void findings_move(struct findings *findings, const uint32_t *numbers) {
    struct holding *holding = findings->holding;
    for (uint32_t i = 0; i < findings->count; i++)
        findings->holders[i].node = numbers[findings->holders[i].node];
    for (uint32_t i = 0; i < findings->copies_count; i++)
        for (uint32_t k = 0; k < findings->copies[i].listed; k++)
            findings->copies[i].buffers[k].node = numbers[findings->copies[i].buffers[k].node];
    for (uint32_t i = 0; holding && i < holding->item_count; i++)
        holding->items[i].holder.node = numbers[holding->items[i].holder.node];
    for (uint32_t i = 0; holding && i < holding->row_count; i++)
        holding->rows[i].node = numbers[holding->rows[i].node];
}

void findings_keep(struct findings *findings, const uint32_t *numbers, uint32_t count) {
    const char **dots = ((const struct memory *)findings->memory)->dots;
    for (uint32_t i = 0; i < count; i++) {
        findings->holders[i] = findings->holders[numbers[i]];
        dots[i] = dots[numbers[i]];
    }
    findings->count = count;
}

void findings_free(struct findings *findings) {
    if (!findings)
        return;
    struct memory *memory = findings->memory;
    texts_close(memory->texts);
    free(memory);
    graph_free(findings->graph);
    free(findings->holders);
    free(findings->leaks);
    free(findings->copies);
    holding_free(findings->holding);
    free(findings);
}

bool findings_dot(const struct findings *findings, uint32_t holder, FILE *out) {
    const struct memory *memory = findings->memory;
    if (holder >= findings->count)
        return false;
    fputs(memory->dots[holder], out);
    return !ferror(out);
}
