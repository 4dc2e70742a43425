/* See leaks.h. */
#include "leaks.h"

#include "format.h"
#include "wire/graph.h"

#include <stdio.h>
#include <string.h>

static bool is_whole(const struct profile_snapshot *snapshot) {
    return (snapshot->flags & (SNAPSHOT_COMPLETE | SNAPSHOT_IS_SHALLOW)) == SNAPSHOT_COMPLETE;
}

uint32_t leaks_snapshot(const struct profile *profile, uint32_t process) {
    uint32_t last = LEAKS_NONE;
    if (!(profile->processes[process].flags & PROCESS_REFS))
        return LEAKS_NONE;
    for (uint32_t i = 0; i < profile->snapshot_count; i++) {
        const struct profile_snapshot *snapshot = &profile->snapshots[i];
        if (snapshot->process == process && is_whole(snapshot) &&
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
    if (leaks_snapshot(profile, process) == LEAKS_NONE)
        return "no look for lost references came to its end";
    return NULL;
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

const char *leaks_core_seen(const struct graph *graph) {
    return graph->seen.deaths ? "tracer" : "allocator";
}

void leaks_scope(const struct findings *findings, char *text, size_t size) {
    const struct graph *graph = findings->graph;
    if (!graph || !graph->seen.told)
        snprintf(text, size, "references were not counted");
    else if (!graph->seen.whole)
        snprintf(text, size, "there was too much memory to look through for lost references");
    else
        snprintf(text, size,
                 "references: %s, %llu of them with calls that are seen; interpreter core: "
                 "inlined, seen through its %s",
                 format_count(graph->seen.modules, "extension module").text,
                 (unsigned long long)graph->seen.calling, leaks_core_seen(graph));
}

const char *leak_advice(const struct leak *leak) {
    if (*leak->module)
        return "give back each reference that is taken there (Py_DECREF), on every way out of the "
               "function, errors too";
    return "look in native code for references that it takes inline or is given (Py_INCREF, "
           "PyObject_Call, PyList_New ...) and does not give back (Py_DECREF)";
}
