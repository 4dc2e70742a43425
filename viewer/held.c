/* See held.h. */
#include "held.h"

#include "format.h"
#include "places.h"

#include <stdlib.h>
#include <string.h>

#define MAX_NAMES 10u
/* Of what holds all that was live: the process that is told first, and each of the others. */
#define SHARES_OF_FIRST 4000u
#define SHARES_OF_OTHERS 300u
#define TELLING_PART 20u /* of the peak: saving less does not put a holder before bigger ones */

const char *held_snapshot_name(const struct profile *profile,
                               const struct profile_snapshot *snapshot) {
    if (snapshot->reason == SNAPSHOT_REQUEST)
        return profile->strings[snapshot->name];
    return snapshot->reason == SNAPSHOT_CEILING ? "ceiling" : "";
}

static bool has_name(const struct profile *profile, const struct profile_snapshot *snapshot,
                     const char *name) {
    const char *own = held_snapshot_name(profile, snapshot);
    return name ? *own && strcmp(own, name) == 0 : true;
}

/* The last one of that name; without a name, any. */
static uint32_t find_snapshot(const struct profile *profile, uint32_t process, const char *name) {
    uint32_t found = HELD_NONE;
    for (uint32_t i = 0; i < profile->snapshot_count; i++) {
        const struct profile_snapshot *snapshot = &profile->snapshots[i];
        if (snapshot->process != process || !has_name(profile, snapshot, name))
            continue;
        if (found == HELD_NONE || (name && snapshot->time_ns > profile->snapshots[found].time_ns))
            found = i;
    }
    return found;
}

static bool has_findings(const struct profile *profile, const struct report_options *options,
                         uint32_t process) {
    if (options->findings)
        return options->findings[process] != NULL;
    return find_snapshot(profile, process, options->snapshot) != HELD_NONE;
}

uint32_t held_process(const struct profile *profile, const struct report_options *options) {
    uint32_t best = HELD_NONE;
    if (options->process != PROFILE_TREE)
        return has_findings(profile, options, options->process) ? options->process : HELD_NONE;
    for (uint32_t i = 0; i < profile->process_count; i++)
        if ((best == HELD_NONE ||
             profile->processes[i].tree_bytes > profile->processes[best].tree_bytes) &&
            has_findings(profile, options, i))
            best = i;
    return best;
}

static struct findings *find(const struct profile *profile, const struct report_options *options,
                             uint32_t process, uint32_t shares) {
    if (!options->snapshot)
        return findings_of(profile, process, shares);
    return findings_whole(profile, find_snapshot(profile, process, options->snapshot), shares);
}

struct findings *held_open(const struct profile *profile, const struct report_options *options,
                           uint32_t process) {
    if (process == HELD_NONE || !has_findings(profile, options, process))
        return NULL;
    if (options->findings)
        return options->findings[process];
    uint32_t shares = !options->holding                           ? 0
                      : process == held_process(profile, options) ? SHARES_OF_FIRST
                                                                  : SHARES_OF_OTHERS;
    if (!options->kept)
        return find(profile, options, process, shares);
    if (!options->kept[process])
        options->kept[process] = find(profile, options, process, shares);
    return options->kept[process];
}

void held_close(const struct report_options *options, struct findings *findings) {
    if (findings && !options->findings && !options->kept)
        findings_free(findings);
}

/* An exec ends an image and not the command, whose last image it is that counts. */
bool held_is_running(const struct profile *profile) {
    uint32_t last = 0;
    for (uint32_t i = 1; i < profile->process_count; i++)
        if (profile->processes[i].pid == profile->processes[0].pid)
            last = i;
    return profile->process_count > 0 && profile->processes[last].flags & PROCESS_RUNNING &&
           profile->exit_status == 0 && profile->exit_signal == 0;
}

uint64_t held_bytes(uint64_t live, uint64_t pending) {
    return live < INT64_MAX - pending ? live + pending : INT64_MAX;
}

uint64_t held_peak(const struct profile *profile, const struct findings *findings) {
    return profile->processes[findings->process].peak_bytes;
}

static struct peak_without lower_peak(struct peak_without released, uint64_t peak) {
    uint64_t most = released.most > 0 && released.most < peak ? released.most : peak;
    uint64_t likely = released.most > 0 && released.likely < most ? released.likely : most;
    uint64_t least = released.most > 0 && released.least < likely ? released.least : likely;
    return (struct peak_without){least, likely, most};
}

struct peak_without held_if_released(const struct profile *profile,
                                     const struct findings *findings) {
    return lower_peak(findings->if_released, held_peak(profile, findings));
}

struct peak_without holder_if_released(const struct holder *holder, uint64_t peak) {
    return lower_peak(holder->if_released, peak);
}

bool held_is_near(uint64_t bytes, uint64_t other) {
    return bytes >= other - other / 100;
}

struct ordering {
    const struct holder *holders;
    uint64_t telling;
};

static uint64_t telling_bytes(const struct ordering *ordering, const struct holder *holder) {
    bool idle = holder->verdict == VERDICT_DEAD || holder->verdict == VERDICT_GARBAGE;
    return idle && holder->saves >= ordering->telling ? holder->saves : 0;
}

static int compare_holders(const void *left, const void *right, void *context) {
    const struct ordering *ordering = context;
    uint32_t i = *(const uint32_t *)left, j = *(const uint32_t *)right;
    const struct holder *a = &ordering->holders[i], *b = &ordering->holders[j];
    uint64_t first = telling_bytes(ordering, a), second = telling_bytes(ordering, b);
    if (first != second)
        return first > second ? -1 : 1;
    if (a->bytes != b->bytes)
        return a->bytes > b->bytes ? -1 : 1;
    return (i > j) - (i < j);
}

uint32_t *held_order(const struct findings *findings, uint64_t peak) {
    struct ordering ordering = {findings->holders, peak / TELLING_PART + 1};
    uint32_t *order = malloc(((size_t)findings->count + 1) * sizeof *order);
    if (!order)
        return NULL;
    for (uint32_t i = 0; i < findings->count; i++)
        order[i] = i;
    qsort_r(order, findings->count, sizeof *order, compare_holders, &ordering);
    return order;
}

struct model_frame held_frame(const struct profile *profile, uint32_t node) {
    const struct profile_node *at = &profile->nodes[node];
    struct model_frame frame = {
        .function = "", .file = "", .source = "", .module = "", .kind = FRAME_NONE};
    if (node == 0)
        return frame;
    if (at->function == 0) {
        frame.kind = FRAME_THREAD;
        frame.function = profile->strings[at->thread];
        return frame;
    }
    frame.kind = FRAME_PYTHON;
    frame.function = profile->strings[profile->functions[at->function].name];
    frame.file = profile->strings[profile->functions[at->function].file];
    frame.module = profile->strings[profile->functions[at->function].module];
    frame.line = at->line;
    return frame;
}

struct model_frame held_place(const struct profile *profile, uint32_t node) {
    for (uint32_t at = node; at > 0; at = profile->nodes[at].parent) {
        struct model_frame frame = held_frame(profile, at);
        if (frame.kind == FRAME_PYTHON && !frame_is_library(&frame))
            return frame;
    }
    return held_frame(profile, node);
}

static bool is_meant(const struct profile *profile, uint32_t process, uint32_t snapshot) {
    return process == PROFILE_TREE || profile->snapshots[snapshot].process == process;
}

bool report_has_snapshot(const struct profile *profile, uint32_t process, const char *name) {
    for (uint32_t i = 0; i < profile->snapshot_count; i++)
        if (is_meant(profile, process, i) && has_name(profile, &profile->snapshots[i], name))
            return true;
    return false;
}

static bool name_is_new(const struct profile *profile, uint32_t process, uint32_t snapshot) {
    const char *name = held_snapshot_name(profile, &profile->snapshots[snapshot]);
    for (uint32_t i = 0; i < snapshot; i++)
        if (is_meant(profile, process, i) && has_name(profile, &profile->snapshots[i], name))
            return false;
    return is_meant(profile, process, snapshot) && *name;
}

void report_put_snapshot_names(const struct profile *profile, uint32_t process, FILE *out) {
    unsigned shown = 0;
    for (uint32_t i = 0; i < profile->snapshot_count && shown < MAX_NAMES; i++) {
        if (!name_is_new(profile, process, i))
            continue;
        fputs(shown++ ? ", '" : "'", out);
        format_escaped(out, held_snapshot_name(profile, &profile->snapshots[i]), "'", 60);
        fputc('\'', out);
    }
}
