/* See resident.h. Stacks, files and what is shared are known as resident; what is traced and free
 * in arenas only as asked for. What that makes the sum wrong by is in the rest, with what nobody
 * knows: memory that was freed and kept by its allocator, allocators' own, and what was not traced.
 */
#include "resident.h"

const char *const resident_keys[RESIDENT_PARTS] = {
    [RESIDENT_TRACED] = "traced_bytes",    [RESIDENT_ARENAS] = "arena_slack_bytes",
    [RESIDENT_STACKS] = "stack_bytes",     [RESIDENT_DATA] = "library_data_bytes",
    [RESIDENT_FILES] = "file_bytes",       [RESIDENT_SHARED] = "shared_bytes",
    [RESIDENT_REST] = "unexplained_bytes",
};

const char *const resident_names[RESIDENT_PARTS] = {
    [RESIDENT_TRACED] = "traced",    [RESIDENT_ARENAS] = "free in Python's arenas",
    [RESIDENT_STACKS] = "stacks",    [RESIDENT_DATA] = "variables of libraries",
    [RESIDENT_FILES] = "files",      [RESIDENT_SHARED] = "shared memory",
    [RESIDENT_REST] = "unexplained",
};

static uint64_t python_bytes(const struct profile *profile, uint32_t process) {
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < profile->site_count; i++)
        if (profile->sites[i].process == process && profile->sites[i].kind == PROFILE_PYTHON)
            bytes += profile->sites[i].peak_bytes;
    return bytes;
}

/* Nine tenths of its peak were live. */
static bool was_near(const struct profile_process *process) {
    return process->resident_bytes > 0 &&
           process->resident_live >= process->peak_bytes - process->peak_bytes / 10;
}

bool resident_of(const struct profile *profile, uint32_t process, struct resident_sum *sum) {
    const struct profile_process *of = &profile->processes[process];
    /* What was not looked at has no arenas: then all sites need not be, either. */
    uint64_t python = of->resident_arenas ? python_bytes(profile, process) : 0,
             parts[RESIDENT_REST] = {
                 [RESIDENT_TRACED] = of->resident_live,
                 [RESIDENT_ARENAS] =
                     of->resident_arenas > python ? of->resident_arenas - python : 0,
                 [RESIDENT_STACKS] = of->resident_stacks,
                 [RESIDENT_DATA] = of->resident_data,
                 [RESIDENT_FILES] = of->resident_files,
                 [RESIDENT_SHARED] = of->resident_shared,
             };
    *sum = (struct resident_sum){.bytes = of->resident_bytes,
                                 .peak = of->peak_bytes,
                                 .looked = of->resident_bytes > 0,
                                 .processes = 1,
                                 .near = was_near(of)};
    uint64_t rest = of->resident_bytes;
    for (unsigned i = 0; i < RESIDENT_REST; i++) {
        sum->parts[i] = (int64_t)parts[i];
        rest -= parts[i];
    }
    sum->parts[RESIDENT_REST] = (int64_t)rest;
    return of->resident_bytes > 0;
}

/* Less than a twentieth of its own peak is missing from what it had at the tree's. */
static bool was_high(const struct profile_process *process) {
    return process->tree_bytes >= process->peak_bytes - process->peak_bytes / 20;
}

static void add(struct resident_sum *sum, const struct resident_sum *one) {
    sum->bytes += one->bytes;
    sum->looked += one->looked;
    sum->near &= one->near;
    for (unsigned part = 0; part < RESIDENT_PARTS; part++)
        sum->parts[part] += one->parts[part];
}

bool resident_of_tree(const struct profile *profile, struct resident_sum *sum) {
    *sum = (struct resident_sum){.near = true, .peak = profile->tree_peak_bytes};
    for (uint32_t i = 0; i < profile->process_count; i++) {
        struct resident_sum one;
        if (profile->processes[i].tree_bytes == 0)
            continue;
        bool looked = resident_of(profile, i, &one);
        sum->processes++;
        sum->near &= looked && was_high(&profile->processes[i]);
        if (looked)
            add(sum, &one);
    }
    sum->near &= sum->looked > 0;
    return sum->looked > 0;
}
