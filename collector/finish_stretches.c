/* See finish_stretches.h. */
#include "finish_stretches.h"

#include <string.h>

#include "memory.h"
#include "stretches_rows.h"

struct capacities {
    uint32_t regions, sites;
};

/* Positions of one line share a profile node, so several sites can become one. */
static bool add_site(struct builder *builder, uint32_t *capacity, const struct image *image,
                     uint32_t first, const struct stretch_site *from) {
    struct profile *profile = builder->profile;
    uint32_t node = from->node ? builder_node(builder, image, from->node) : 0;
    uint32_t at = first;
    while (at < profile->region_site_count &&
           (profile->region_sites[at].node != node || profile->region_sites[at].kind != from->kind))
        at++;
    if (at == profile->region_site_count) {
        if (!array_reserve(&profile->region_sites, capacity, at + 1ull,
                           sizeof *profile->region_sites))
            return false;
        profile->region_sites[profile->region_site_count++] =
            (struct profile_region_site){.node = node, .kind = from->kind};
    }
    struct profile_region_site *to = &profile->region_sites[at];
    to->peak_bytes += from->peak.bytes;
    to->peak_blocks += from->peak.blocks;
    to->kept_bytes += from->kept.bytes;
    to->kept_blocks += from->kept.blocks;
    return true;
}

/* The allocation that was about to be made may have failed. */
static uint64_t own_bytes(const struct stretch *stretch, struct stretch_snapshot snapshot) {
    return snapshot.bytes < stretch->peak ? snapshot.bytes : stretch->peak;
}

static struct profile_region new_region(struct builder *builder, const struct image *image,
                                        const struct stretch_row *row, uint32_t first) {
    const struct stretch *highest = &row->highest;
    bool all = highest->thread == STRETCH_EVERYBODY;
    struct stretch_snapshot snapshot = stretches_snapshot(image, row);
    const struct snapshot *told = snapshots_find(image, snapshot.number);
    return (struct profile_region){
        .process = image->number - 1,
        .parent = row->parent ? first + row->parent : 0,
        .name = builder_string(builder, row->name),
        .thread = all ? builder_string(builder, "") : builder_thread(builder, highest->thread),
        .flags = all ? REGION_ALL_THREADS : 0u,
        .count = row->count,
        .unclosed = row->unclosed,
        .all_kept_bytes = row->kept_in_all,
        .made_bytes = highest->made,
        .all_made_bytes = row->made_in_all,
        .all_native_bytes = row->native_in_all,
        .exit_native_bytes = row->left.bytes,
        .exit_native_blocks = row->left.blocks,
        .begin_ns = highest->begin_ns,
        .end_ns = row->end_ns,
        .peak_bytes = highest->peak,
        .peak_ns = highest->peak_ns,
        .kept_bytes = highest->live,
        .process_begin_bytes = highest->process_begin,
        .process_peak_bytes = highest->process_peak,
        .process_end_bytes = row->process_end,
        .snapshot = told ? told->index : 0,
        .snapshot_bytes = told && told->index ? own_bytes(highest, snapshot) : 0,
        .begin_moment = told ? snapshot.begin_moment : highest->begin_moment};
}

/* As add_site() has them: those of one profile node are one. */
static uint32_t take_drag_sites(struct builder *builder, const struct image *image,
                                const struct stretch_drag *drag, struct stretch_drag_site *sites) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < drag->site_count; i++) {
        const struct stretch_drag_site *from = &drag->sites[i];
        uint32_t node = from->node ? builder_node(builder, image, from->node) : 0, at = 0;
        while (at < count && (sites[at].node != node || sites[at].kind != from->kind))
            at++;
        if (at == count)
            sites[count++] = (struct stretch_drag_site){node, from->kind, 0};
        sites[at].untouched = drag_sum(sites[at].untouched, from->untouched);
    }
    return count;
}

/* The stack that had most: not known if those that have no sums of their own may have had more. */
static void add_drag(struct builder *builder, const struct image *image,
                     const struct stretch_drag *drag, struct profile_region *region) {
    struct stretch_drag_site sites[STRETCH_DRAG_SITES];
    const struct stretch_drag_site *most = NULL;
    uint32_t count = take_drag_sites(builder, image, drag, sites);
    uint64_t rest = profile_untouched(drag->byte_seconds);
    memcpy(region->byte_seconds, drag->byte_seconds, sizeof region->byte_seconds);
    for (uint32_t i = 0; i < count; i++) {
        rest -= sites[i].untouched < rest ? sites[i].untouched : rest;
        if (!most || sites[i].untouched > most->untouched)
            most = &sites[i];
    }
    if (!most || most->node == 0 || most->untouched < rest)
        return;
    region->drag_node = most->node;
    region->drag_kind = most->kind;
    region->drag_node_byte_seconds = most->untouched;
}

/* `first`: the profile's number of the image's first row. */
static bool add_row(struct builder *builder, struct capacities *capacities,
                    const struct image *image, const struct stretch_row *row, uint32_t first) {
    struct profile *profile = builder->profile;
    if (!array_reserve(&profile->regions, &capacities->regions, profile->region_count + 1ull,
                       sizeof *profile->regions))
        return false;
    struct profile_region region = new_region(builder, image, row, first);
    uint32_t first_site = profile->region_site_count;
    if (row->drag)
        add_drag(builder, image, row->drag, &region);
    for (uint32_t i = 0; i < row->site_count; i++)
        if (!add_site(builder, &capacities->sites, image, first_site, &row->sites[i]))
            return false;
    region.site_count = profile->region_site_count - first_site;
    profile->regions[profile->region_count++] = region;
    return true;
}

/* Processes may go on, so nothing is ended here. */
static bool add_rows(struct builder *builder, struct capacities *capacities, struct trace *trace,
                     struct image *image) {
    const struct stretches *stretches = image->stretches;
    struct stretch_row *rows = stretches_rows_now(trace, image);
    uint32_t first = builder->profile->region_count;
    bool whole = rows != NULL;
    for (uint32_t r = 0; whole && r < stretches->row_count; r++)
        whole = add_row(builder, capacities, image, &rows[r], first);
    stretches_rows_free(stretches, rows);
    return whole;
}

void finish_stretches(struct builder *builder, struct trace *trace) {
    struct capacities capacities = {0};
    for (uint32_t i = 0; i < trace->image_count; i++) {
        struct image *image = trace->images[i];
        if (image->stretches && !builder->failed)
            builder->failed = !add_rows(builder, &capacities, trace, image);
        if (image->stretches_left_out)
            trace_warn(trace,
                       "process %u was in regions that are left out: more than %u inside each "
                       "other, %u at once, or %u different ones",
                       image->pid, STRETCH_DEPTH, STRETCHES_MAX, STRETCH_ROWS_MAX);
    }
}
