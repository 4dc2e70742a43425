/* See region_view.h. */
#include "region_view.h"

#include "region_holders.h"

#include <stdlib.h>
#include <string.h>

#define FAR_TENTHS 9u

/* "outer > load"; to be freed, NULL when memory ran out. */
static char *path_of(const struct profile *profile, const struct profile_region *region) {
    const char *names[PROFILE_REGION_DEPTH];
    uint32_t depth = 0;
    char *text = NULL;
    size_t size = 0;
    for (;; region = &profile->regions[region->parent - 1]) {
        names[depth++] = profile->strings[region->name];
        if (!region->parent || depth == PROFILE_REGION_DEPTH)
            break;
    }
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    for (uint32_t i = depth; i-- > 0;)
        fprintf(out, "%s%s", names[i], i ? " > " : "");
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

static bool has_name(const struct profile *profile, const struct profile_region *region,
                     const char *name) {
    if (strcmp(profile->strings[region->name], name) == 0)
        return true;
    char *path = path_of(profile, region);
    bool same = path && strcmp(path, name) == 0;
    free(path);
    return same;
}

uint32_t region_find(const struct profile *profile, uint32_t process, const char *name) {
    uint32_t found = REGION_NONE;
    for (uint32_t i = 0; i < profile->region_count; i++) {
        const struct profile_region *region = &profile->regions[i];
        if ((process == PROFILE_TREE || region->process == process) &&
            has_name(profile, region, name) &&
            (found == REGION_NONE || region->peak_bytes > profile->regions[found].peak_bytes))
            found = i;
    }
    return found;
}

static bool copy_sites(struct region_view *view, const struct profile *profile, uint32_t number) {
    const struct profile_region *region = &profile->regions[number];
    size_t first = 0;
    for (uint32_t i = 0; i < number; i++)
        first += profile->regions[i].site_count;
    struct profile_site *sites = calloc(region->site_count + 1ul, sizeof *sites);
    view->profile.sites = view->sites = sites;
    view->profile.site_count = sites ? region->site_count : 0;
    for (uint32_t i = 0; sites && i < region->site_count; i++) {
        const struct profile_region_site *from = &profile->region_sites[first + i];
        sites[i] = (struct profile_site){.node = from->node,
                                         .kind = from->kind,
                                         .peak_bytes = from->peak_bytes,
                                         .peak_blocks = from->peak_blocks,
                                         .tree_bytes = from->peak_bytes,
                                         .tree_blocks = from->peak_blocks,
                                         .end_bytes = from->kept_bytes,
                                         .end_blocks = from->kept_blocks};
    }
    return sites != NULL;
}

/* The process, as far as the region is it. */
static void narrow_process(struct region_view *view, const struct profile_process *process,
                           const struct profile_region *region) {
    view->process = *process;
    view->process.parent = 0;
    view->process.peak_bytes = view->process.tree_bytes = region->peak_bytes;
    view->process.peak_ns = region->peak_ns;
    view->process.end_bytes = region->kept_bytes;
    view->process.peak_rss_bytes = view->process.max_rss_bytes = view->process.rest_bytes = 0;
    view->process.arena_bytes = view->process.reserved_bytes = 0;
    view->process.file_bytes = view->process.shared_bytes = 0;
    view->process.resident_bytes = view->process.resident_live = view->process.resident_arenas = 0;
    view->process.resident_files = view->process.resident_shared = 0;
    view->process.resident_stacks = view->process.resident_data = 0;
    view->process.flags &= ~(uint32_t)(PROCESS_COLLECTIONS | PROCESS_REFS | PROCESS_COUNTED);
    view->profile.takers = NULL;
    view->profile.taker_count = 0;
    view->profile.counts = NULL;
    view->profile.count_count = 0;
    view->process.young_collections = view->process.middle_collections = 0;
    view->process.old_collections = view->process.collection_ns = 0;
    view->process.longest_collection_ns = 0;
    view->profile.processes = &view->process;
    view->profile.process_count = 1;
    view->profile.tree_peak_bytes = region->peak_bytes;
    view->profile.tree_peak_ns = region->peak_ns;
    view->profile.timelines = NULL;
    view->profile.moments = NULL;
    view->profile.regions = NULL;
    view->profile.region_sites = NULL;
    view->profile.collections = NULL;
    view->profile.collection_count = 0;
    view->profile.spans = NULL;
    view->profile.span_sites = NULL;
    view->profile.lifetimes = NULL;
    view->profile.lifetime_count = 0;
    view->profile.types = NULL;
    view->profile.type_lifetimes = NULL;
    view->profile.collected = NULL;
    view->profile.type_count = view->profile.type_lifetime_count = 0;
    view->profile.collected_count = 0;
    view->process.flags &= ~(uint32_t)(PROCESS_LIFETIMES | PROCESS_DRAG);
    view->profile.drags = NULL;
    view->profile.drag_count = 0;
    view->profile.span_count = view->profile.span_site_count = 0;
    view->profile.libraries = NULL; /* of the whole */
    view->profile.library_count = 0;
    view->profile.timeline_count = view->profile.moment_count = 0;
    view->profile.region_count = view->profile.region_site_count = 0;
}

/* Bytes are the region's own from here on. */
static void narrow_snapshot(struct region_view *view, const struct profile *profile,
                            const struct profile_region *region) {
    uint32_t number = region->snapshot - 1;
    view->profile.snapshots = NULL;
    view->profile.snapshot_count = 0;
    if (!region->snapshot)
        return;
    view->snapshot = profile->snapshots[number];
    view->snapshot.process = 0;
    if (view->snapshot.pending_bytes > region->snapshot_bytes)
        view->snapshot.pending_bytes = 0;
    view->snapshot.bytes = region->snapshot_bytes - view->snapshot.pending_bytes;
    for (uint32_t i = 0; i < number; i++)
        view->profile.blocks += profile->snapshots[i].block_count;
    view->profile.block_count = view->snapshot.block_count;
    view->profile.graphs = &profile->graphs[number];
    view->profile.snapshots = &view->snapshot;
    view->profile.snapshot_count = 1;
}

/* What the peak would have been without one is not known of a region. */
static void narrow_findings(struct region_view *view, struct findings *findings,
                            const struct profile_region *region) {
    uint32_t numbers[REGION_HOLDERS_MAX];
    uint32_t count = region_holders(findings, region, numbers);
    findings_keep(findings, numbers, count);
    findings->process = findings->snapshot = 0;
    findings->bytes = view->snapshot.bytes;
    findings->pending_bytes = view->snapshot.pending_bytes;
    findings->garbage_bytes = findings->dead_bytes = 0;
    findings->if_released = peak_as_it_was(region->peak_bytes);
    findings->far_from_peak = region->snapshot_bytes < region->peak_bytes / 10 * FAR_TENTHS;
    for (uint32_t i = 0; i < count; i++) {
        struct holder *holder = &findings->holders[i];
        if (holder->verdict == VERDICT_GARBAGE)
            findings->garbage_bytes += holder->bytes;
        else if (holder->verdict == VERDICT_DEAD)
            findings->dead_bytes += holder->saves;
        holder->if_released = (struct peak_without){0};
    }
    view->findings[0] = findings;
}

struct region_view *region_view_open(const struct profile *profile, uint32_t number) {
    const struct profile_region *region = &profile->regions[number];
    struct region_view *view = calloc(1, sizeof *view);
    struct findings *findings = NULL;
    if (!view)
        return NULL;
    view->profile = *profile;
    view->name = path_of(profile, region);
    bool good = view->name && copy_sites(view, profile, number);
    if (good && region->snapshot) {
        findings = findings_of_snapshot(profile, region->snapshot - 1);
        good = findings != NULL;
    }
    if (!good) {
        region_view_close(view);
        return NULL;
    }
    if (profile->processes[region->process].flags & PROCESS_DRAG)
        view->drag = region;
    narrow_process(view, &profile->processes[region->process], region);
    narrow_snapshot(view, profile, region);
    if (findings)
        narrow_findings(view, findings, region);
    return view;
}

void region_view_close(struct region_view *view) {
    if (!view)
        return;
    findings_free(view->findings[0]);
    free(view->sites);
    free(view->name);
    free(view);
}
