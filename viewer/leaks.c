/* See leaks.h. */
#include "leaks.h"

#include "format.h"
#include "wire/graph.h"
#include "wire/references.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint32_t leaks_snapshot(const struct profile *profile, uint32_t process) {
    uint32_t last = LEAKS_NONE;
    if (!(profile->processes[process].flags & PROCESS_REFS))
        return LEAKS_NONE;
    for (uint32_t i = 0; i < profile->snapshot_count; i++) {
        const struct profile_snapshot *snapshot = &profile->snapshots[i];
        if (snapshot->process == process && snapshot_is_whole(snapshot) &&
            (last == LEAKS_NONE || snapshot->time_ns >= profile->snapshots[last].time_ns))
            last = i;
    }
    return last;
}

struct findings *leaks_open(const struct profile *profile, uint32_t process) {
    uint32_t last = leaks_snapshot(profile, process);
    return last == LEAKS_NONE ? NULL : findings_of_snapshot(profile, last);
}

const char *leaks_problem(const struct profile *profile, uint32_t process) {
    const struct profile_process *about = &profile->processes[process];
    if ((about->flags & (PROCESS_REFS | PROCESS_PYTHON)) != (PROCESS_REFS | PROCESS_PYTHON))
        return NULL;
    if (strstr(profile->strings[about->python], PROFILE_FREE_THREADING))
        return "references cannot be counted in a free-threaded Python: its threads change them at "
               "the same time, and its heap never stands still to be looked through";
    if (about->flags & PROCESS_NO_STACKS)
        return "references cannot be counted in a version of Python that holdfast does not know";
    if (leaks_snapshot(profile, process) != LEAKS_NONE)
        return NULL;
    if (!(about->flags & PROCESS_COUNTED))
        return "memory was not looked through for lost references, and no calls were counted";
    return "memory was not looked through for lost references: only the counts of calls are known";
}

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

const char *leak_module(const struct leak *leak) {
    return base_name(leak->module);
}

static void put_given(const struct leak *leak, char *text, size_t size) {
    if (leak->given == 0)
        snprintf(text, size, "gave back none");
    else
        snprintf(text, size, "gave back %s", format_count(leak->given, "").text);
}

void leak_sentence(const struct leak *leak, char *text, size_t size) {
    char given[64], one[64];
    snprintf(one, sizeof one, "%s", format_count(leak->references, "reference").text);
    if (*leak->suspect) {
        snprintf(text, size, "%s to %s lost, maybe by %s, which took %s; --ref-tracer may tell",
                 one, leak->type, base_name(leak->suspect), format_count(leak->taken, "").text);
        return;
    }
    if (!*leak->module) {
        snprintf(text, size, "%s to %s %s lost: nothing that is seen explains them", one,
                 leak->type, leak->references == 1 ? "is" : "are");
        return;
    }
    put_given(leak, given, sizeof given);
    snprintf(text, size, "%s took %s to %s by calls and %s; %s lost", leak_module(leak),
             format_count(leak->taken, "reference").text, leak->type, given, one);
}

/* -- What came after the last look -- */

#define LATE_LEAST 10u

static bool is_last(const struct profile *profile, const struct findings *findings) {
    return profile->snapshots[findings->snapshot].flags & SNAPSHOT_IS_LAST;
}

/* The counts have the begin of a long one, and without what is no whole character there. */
static bool is_same_type(const char *name, const char *counted) {
    size_t length = strlen(counted), cut = REFERENCES_NAME - 4;
    return length < cut ? strcmp(name, counted) == 0 : strncmp(name, counted, cut) == 0;
}

static uint64_t less(uint64_t count, uint64_t part) {
    return count > part ? count - part : 0;
}

/* Any module takes and hands over many of these, and others give them back. */
static bool lives_for_ever(const char *type) {
    static const char *const types[] = {"NoneType", "NotImplementedType", "ellipsis", "bool",
                                        "type"};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(type, types[i]) == 0)
            return true;
    return false;
}

/* What the module had taken of the type, and not given back, when memory was looked through: by the
 * balances, as objects are not kept once a graph has been analysed. */
static uint64_t kept_then(const struct profile *profile, const struct profile_count *count,
                          const struct graph *graph) {
    uint64_t kept = 0;
    for (uint32_t i = 1; i < graph->balance_count; i++) {
        const struct graph_balance *balance = &graph->balances[i];
        if (strcmp(graph->texts[balance->module], profile->strings[count->module]) == 0 &&
            is_same_type(graph->texts[balance->type], profile->strings[count->type]))
            kept += less(less(balance->taken, balance->given), balance->ended);
    }
    return kept;
}

/* References that were given back without having been taken so count as given in both, so that the
 * difference is never too large. */
static uint64_t kept_since(const struct profile *profile, const struct profile_count *count,
                           const struct graph *graph) {
    uint64_t now = less(less(count->taken, count->given), count->ended);
    uint64_t since = less(now, kept_then(profile, count, graph));
    return since < count->kept ? since : count->kept;
}

static int compare_late(const void *a, const void *b) {
    const struct leak_late *one = a, *two = b;
    if (one->references != two->references)
        return one->references > two->references ? -1 : 1;
    return one->count < two->count ? -1 : one->count > two->count;
}

/* The smallest makes room. */
static void add_late(struct leak_late *list, uint32_t *count, struct leak_late late) {
    if (*count == LEAKS_LATE && compare_late(&late, &list[LEAKS_LATE - 1]) > 0)
        return;
    *count -= *count == LEAKS_LATE;
    list[(*count)++] = late;
    qsort(list, *count, sizeof *list, compare_late);
}

uint32_t leaks_late(const struct profile *profile, uint32_t process,
                    const struct findings *findings, struct leak_late *list) {
    const struct graph *graph = findings ? findings->graph : NULL;
    uint32_t found = 0, listed = 0;
    if (findings && is_last(profile, findings))
        return 0;
    for (uint32_t i = 0; i < profile->count_count; i++) {
        const struct profile_count *count = &profile->counts[i];
        if (count->process != process || count->kept < LATE_LEAST ||
            lives_for_ever(profile->strings[count->type]))
            continue;
        uint64_t late = graph ? kept_since(profile, count, graph) : count->kept;
        if (late < LATE_LEAST)
            continue;
        add_late(list, &listed, (struct leak_late){count, late});
        found++;
    }
    return found;
}

void leak_late_sentence(const struct profile *profile, const struct leak_late *late,
                        const struct findings *findings, char *text, size_t size) {
    const struct profile_count *count = late->count;
    char many[64], since[96] = "";
    snprintf(many, sizeof many, "%s", format_count(late->references, "reference").text);
    if (findings)
        snprintf(since, sizeof since, " since the last look at its memory, at %s",
                 format_time(profile->snapshots[findings->snapshot].time_ns).text);
    snprintf(text, size,
             "%s took %s to %s by calls%s, and had not given %s back by calls at the end; nobody "
             "looked whether something holds %s",
             base_name(profile->strings[count->module]), many, profile->strings[count->type], since,
             late->references == 1 ? "it" : "them", late->references == 1 ? "it" : "them");
}

const char *leaks_core_seen(const struct leaks_seen *seen) {
    return seen->deaths ? "tracer" : "allocator";
}

struct leaks_seen leaks_seen(const struct profile *profile, uint32_t process,
                             const struct findings *findings) {
    const struct profile_process *about = &profile->processes[process];
    if (findings && findings->graph && findings->graph->seen.told)
        return (struct leaks_seen){true,
                                   findings->graph->seen.deaths,
                                   !findings->graph->seen.whole,
                                   findings->graph->seen.modules,
                                   findings->graph->seen.calling,
                                   findings->graph->seen.left_out};
    return (struct leaks_seen){
        about->flags & PROCESS_COUNTED, false, false, about->count_modules, about->count_calling,
        about->count_left_out};
}

void leaks_scope(const struct leaks_seen *seen, char *text, size_t size) {
    if (!seen->known)
        snprintf(text, size, "references were not counted");
    else
        snprintf(text, size,
                 "references: %s, %llu of them with calls that are seen; interpreter core: "
                 "inlined, seen through its %s%s",
                 format_count(seen->modules, "extension module").text,
                 (unsigned long long)seen->calling, leaks_core_seen(seen),
                 seen->cut ? "; there was too much memory to look through for lost references"
                           : "");
}

const char *leak_advice(const struct leak *leak) {
    if (*leak->module)
        return "give back each reference that is taken there (Py_DECREF), on every way out of the "
               "function, errors too";
    return "look in native code for references that it takes inline or is given (Py_INCREF, "
           "PyObject_Call, PyList_New ...) and does not give back (Py_DECREF)";
}
