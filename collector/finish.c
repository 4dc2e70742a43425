/* See finish.h. */
#include "finish.h"

#include <stdio.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "builder.h"
#include "finish_snapshots.h"
#include "finish_spans.h"
#include "finish_stretches.h"
#include "lives.h"
#include "memory.h"
#include "sources.h"
#include "symbols.h"

#define ARGUMENTS_MAX 4096u

/* The bytes of a site that was in the tree at its peak. */
static struct site_value tree_value(const struct trace *trace, const struct image *image,
                                    uint32_t site) {
    if (image->state != IMAGE_LIVE && image->left_seq <= trace->totals.peak_seq)
        return (struct site_value){0};
    return site_at_tree_peak(&image->sites, site, image->totals.peak_seq, trace->totals.peak_seq);
}

/* Sites of the profile, by the node: positions of one line share a profile node, so that several
 * sites can become one. */
struct site_list {
    struct builder *builder;
    uint32_t *first; /* by profile node: the last site that was added with it, + 1 */
    uint32_t first_capacity;
    uint32_t *next; /* by site: the one added before it with the same node, + 1 */
};

static bool site_list_open(struct site_list *list, struct builder *builder) {
    const struct trace *trace = builder->trace;
    struct profile *profile = builder->profile;
    uint64_t count = 1;
    for (uint32_t i = 0; i < trace->image_count; i++)
        count += trace->images[i]->sites.count;
    *list = (struct site_list){.builder = builder, .next = calloc(count, sizeof *list->next)};
    profile->sites = count < UINT32_MAX ? calloc(count, sizeof *profile->sites) : NULL;
    builder->failed |= !list->next || !profile->sites;
    return !builder->failed;
}

static void site_list_release(struct site_list *list) {
    free(list->first);
    free(list->next);
}

/* Processes come one after the other: a site of another one is the first of older ones. */
static struct profile_site *find_site(struct site_list *list, uint32_t process, uint32_t node,
                                      uint32_t kind) {
    struct profile *profile = list->builder->profile;
    for (uint32_t at = list->first[node]; at; at = list->next[at - 1]) {
        struct profile_site *site = &profile->sites[at - 1];
        if (site->process != process)
            break;
        if (site->kind == kind)
            return site;
    }
    uint32_t number = profile->site_count++;
    list->next[number] = list->first[node];
    list->first[node] = number + 1;
    struct profile_site *site = &profile->sites[number];
    *site = (struct profile_site){.process = process, .node = node, .kind = kind};
    return site;
}

uint32_t finish_node(struct builder *builder, const struct image *image, uint32_t site) {
    const struct sites *sites = &image->sites;
    uint32_t held = site_at_peak(sites, site, image->totals.peak_seq).blocks |
                    tree_value(builder->trace, image, site).blocks | sites->list[site].blocks;
    return held || image->number <= FULL_IMAGES
               ? builder_node(builder, image, sites->list[site].node)
               : 0;
}

static void add_site(struct site_list *list, const struct image *image, uint32_t number,
                     struct profile_process *process) {
    const struct trace *trace = list->builder->trace;
    const struct sites *sites = &image->sites;
    struct site_value peak = site_at_peak(sites, number, image->totals.peak_seq),
                      tree = tree_value(trace, image, number), live = site_live(sites, number);
    uint64_t total_blocks = site_total_blocks(sites, number);
    if (total_blocks == 0)
        return;
    uint32_t node = finish_node(list->builder, image, number);
    if (!array_reserve(&list->first, &list->first_capacity, node + 1ul, sizeof *list->first)) {
        list->builder->failed = true;
        return;
    }
    struct profile_site *to = find_site(list, image->number - 1, node, sites->list[number].kind);
    to->peak_bytes += peak.bytes;
    to->peak_blocks += peak.blocks;
    to->tree_bytes += tree.bytes;
    to->tree_blocks += tree.blocks;
    to->end_bytes += live.bytes;
    to->end_blocks += live.blocks;
    to->total_bytes += site_total_bytes(sites, number);
    to->total_blocks += total_blocks;
    process->tree_bytes += tree.bytes;
}

static string_id *add_arguments(struct builder *builder, const char *text, size_t size,
                                uint32_t *count) {
    string_id *list = NULL;
    uint32_t capacity = 0;
    *count = 0;
    for (size_t at = 0; at < size && *count < ARGUMENTS_MAX;) {
        size_t length = strnlen(text + at, size - at);
        if (!array_reserve(&list, &capacity, (uint64_t)*count + 1, sizeof *list)) {
            builder->failed = true;
            break;
        }
        list[(*count)++] = builder_text(builder, text + at, length);
        at += length + 1;
    }
    return list;
}

static void split_status(int status, int32_t *exit_status, int32_t *exit_signal) {
    *exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    *exit_signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void set_status(struct profile_process *process, const struct image *image,
                       const struct finish_facts *facts, bool is_main) {
    bool from_launcher = is_main && facts->has_status;
    if (!from_launcher && !image->has_status)
        return;
    process->flags |= PROCESS_HAS_STATUS;
    split_status(from_launcher ? facts->status : image->status, &process->exit_status,
                 &process->exit_signal);
}

/* The last look was at the highest total that there was a look at; `live` tells how far below the
 * peak that is. */
static void fill_resident(struct profile_process *process, const struct resident *resident) {
    if (resident->live == 0)
        return;
    process->resident_bytes = resident->parts.rss;
    process->resident_live = resident->live;
    process->resident_arenas = resident->arenas;
    process->resident_files = resident->parts.files;
    process->resident_shared = resident->parts.shared;
    process->resident_stacks = resident->parts.stacks;
    process->resident_data = resident->parts.data;
}

static void fill_looks(struct profile_process *process, const struct image *image,
                       const struct trace *trace) {
    const struct looks *looks = &image->looks;
    process->flags |= trace->drag && (looks->count || !looks->refused) ? PROCESS_DRAG : 0u;
    process->looks = looks->count;
    process->look_pace_ns = looks_pace(looks);
    process->look_ns = looks->spent_ns;
    process->drag_left_out = image->drag.left_out;
}

static void fill_counts(struct profile_process *process, const struct reference_counts *counts) {
    process->flags |= counts->known ? PROCESS_COUNTED : 0u;
    process->count_modules = counts->looked_at;
    process->count_calling = counts->calling;
    process->count_left_out = counts->left_out;
}

static void fill_numbers(struct profile_process *process, const struct image *image,
                         const struct trace *trace) {
    process->peak_bytes = image->totals.peak;
    process->peak_ns = image->totals.peak_ns;
    if (image->peak_rss_live >= image->totals.peak - image->totals.peak / 10)
        process->peak_rss_bytes = image->peak_rss;
    process->max_rss_bytes = image->max_rss;
    fill_resident(process, &image->resident);
    process->end_bytes = image->totals.live;
    process->arena_bytes = image->class_highest[MAPPING_ARENA];
    process->reserved_bytes = image->class_highest[MAPPING_RESERVED];
    process->file_bytes = image->class_highest[MAPPING_FILE];
    process->shared_bytes = image->class_highest[MAPPING_SHARED];
    process->allocations = image->allocations;
    process->frees = image->frees;
    process->events = image->events;
    process->waits = image->waits;
    process->wait_ns = image->wait_ns;
    process->dropped = image->dropped;
    process->truncated = image->truncated;
    process->snapshots = image->snapshots_taken;
    process->snapshot_ns = image->snapshot_ns;
    process->rest_bytes = image->moments.rest;
    process->young_collections = image->collections.totals[0];
    process->middle_collections = image->collections.totals[1];
    process->old_collections = image->collections.totals[2];
    process->collection_ns = image->collections.paused_ns;
    process->longest_collection_ns = image->collections.longest_ns;
    process->flags |= image->collections.known ? PROCESS_COLLECTIONS : 0u;
    process->flags |= trace->page->refs ? PROCESS_REFS : 0u;
    process->flags |= trace->lives ? PROCESS_LIFETIMES : 0u;
    fill_looks(process, image, trace);
    fill_counts(process, &image->references);
}

static void add_collections(struct builder *builder, const struct image *image, uint32_t process) {
    struct profile *profile = builder->profile;
    const struct collections *collections = &image->collections;
    for (uint32_t i = 0; i < collections->count; i++) {
        const struct collection *one = &collections->list[i];
        profile->collections[profile->collection_count++] =
            (struct profile_collection){.process = process,
                                        .generation = one->generation,
                                        .count = one->count,
                                        .time_ns = one->begin_ns,
                                        .duration_ns = one->duration_ns,
                                        .objects = one->objects,
                                        .freed_bytes = one->freed};
    }
}

static void add_all_collections(struct builder *builder) {
    const struct trace *trace = builder->trace;
    uint64_t count = 1;
    for (uint32_t i = 0; i < trace->image_count; i++)
        count += trace->images[i]->collections.count;
    builder->profile->collections = calloc(count, sizeof *builder->profile->collections);
    builder->failed |= !builder->profile->collections;
    for (uint32_t i = 0; i < trace->image_count && !builder->failed; i++)
        add_collections(builder, trace->images[i], i);
}

static void add_takers(struct builder *builder) {
    const struct trace *trace = builder->trace;
    struct profile *profile = builder->profile;
    uint64_t count = 1;
    for (uint32_t i = 0; i < trace->image_count; i++)
        count += trace->images[i]->taker_count;
    profile->takers = calloc(count, sizeof *profile->takers);
    builder->failed |= !profile->takers;
    for (uint32_t i = 0; i < trace->image_count && !builder->failed; i++) {
        const struct image *image = trace->images[i];
        for (uint32_t k = 0; k < image->taker_count; k++)
            profile->takers[profile->taker_count++] =
                (struct profile_taker){i, k + 1, builder_node(builder, image, image->takers[k])};
    }
}

static bool is_last_of_pid(const struct trace *trace, const struct image *image) {
    for (uint32_t i = image->number; i < trace->image_count; i++)
        if (trace->images[i]->pid == image->pid)
            return false;
    return true;
}

static void add_process(struct builder *builder, struct image *image,
                        const struct finish_facts *facts) {
    const struct trace *trace = builder->trace;
    struct profile_process *process = &builder->profile->processes[image->number - 1];
    image_refresh(image);
    process->pid = image->pid;
    process->ppid = image->ppid;
    process->parent = (image->parent ? image->parent : image->number) - 1;
    process->flags = image->flags | (image->state != IMAGE_ENDED ? PROCESS_RUNNING : 0u);
    process->python = builder_string(builder, image->python);
    process->command =
        add_arguments(builder, image->command, image->command_size, &process->command_count);
    process->start_ns = image->start_ns;
    process->end_ns = image->state == IMAGE_ENDED ? image->end_ns : trace->now_ns;
    fill_numbers(process, image, trace);
    set_status(process, image, facts,
               image->pid == facts->main_pid && is_last_of_pid(trace, image));
}

static void add_timeline(struct builder *builder, const struct timeline *timeline,
                         uint32_t process) {
    struct profile *profile = builder->profile;
    struct profile_timeline *to = &profile->timelines[profile->timeline_count];
    to->process = process;
    to->points = calloc(timeline->count ? timeline->count : 1, sizeof *to->points);
    if (!to->points) {
        builder->failed = true;
        return;
    }
    profile->timeline_count++;
    for (uint32_t i = 0; i < timeline->count; i++)
        to->points[to->point_count++] =
            (struct profile_point){timeline->start_ns + (i + 1ull) * timeline->interval_ns,
                                   timeline->points[i].bytes, timeline->points[i].rss};
}

static void add_warnings(struct builder *builder) {
    const struct trace *trace = builder->trace;
    struct profile *profile = builder->profile;
    profile->warnings = calloc(WARNINGS_MAX, sizeof *profile->warnings);
    for (uint32_t i = 0; profile->warnings && i < trace->warning_count; i++)
        profile->warnings[profile->warning_count++] = builder_string(builder, trace->warnings[i]);
}

static void fill_head(struct builder *builder, const struct finish_facts *facts) {
    const struct trace *trace = builder->trace;
    struct profile *profile = builder->profile;
    struct utsname name;
    char host[512] = "";
    if (uname(&name) == 0)
        snprintf(host, sizeof host, "%s %s %s", name.sysname, name.release, name.machine);
    profile->host = builder_string(builder, host);
    profile->writer = builder_string(builder, "holdfast " HOLDFAST_VERSION);
    uint32_t count = 0;
    while (facts->command[count])
        count++;
    profile->command = calloc(count + 1u, sizeof *profile->command);
    for (uint32_t i = 0; profile->command && i < count; i++)
        profile->command[profile->command_count++] = builder_string(builder, facts->command[i]);
    profile->started_unix_ns = trace->started_unix_ns;
    profile->duration_ns = trace_clock(trace);
    if (facts->has_status)
        split_status(facts->status, &profile->exit_status, &profile->exit_signal);
    profile->tree_peak_bytes = trace->totals.peak;
    profile->tree_peak_ns = trace->totals.peak_ns;
    profile->complete = true;
    for (uint32_t i = 0; i < trace->image_count; i++)
        profile->complete &= trace->images[i]->state == IMAGE_ENDED;
}

/* `last`: nobody looks at them again. */
static void add_sites(struct site_list *list, struct image *image, struct profile_process *process,
                      bool last) {
    struct sites *sites = &image->sites;
    for (uint32_t i = 0; i < sites->count; i++) {
        add_site(list, image, i, process);
        if (last)
            sites_forget(sites, i);
    }
}

static void add_images(struct builder *builder, const struct finish_facts *facts) {
    const struct trace *trace = builder->trace;
    struct profile *profile = builder->profile;
    struct site_list list = {0};
    profile->processes = calloc(trace->image_count + 1u, sizeof *profile->processes);
    profile->timelines = calloc(trace->image_count + 1u, sizeof *profile->timelines);
    if (!profile->processes || !profile->timelines || !site_list_open(&list, builder)) {
        builder->failed = true;
        site_list_release(&list);
        return;
    }
    profile->process_count = trace->image_count;
    add_timeline(builder, &trace->timeline, PROFILE_TREE);
    for (uint32_t i = 0; i < trace->image_count; i++) {
        struct image *image = trace->images[i];
        add_process(builder, image, facts);
        add_timeline(builder, &image->timeline, i);
        add_sites(&list, image, &profile->processes[i], facts->last);
    }
    site_list_release(&list);
}

static void warn_of_lost_events(struct trace *trace) {
    int problem = trace->events ? events_problem(trace->events) : 0;
    if (problem)
        trace_warn(trace, "the event stream was dropped: %s", strerror(problem));
}

static void warn_of_low_sums(struct trace *trace) {
    for (uint32_t i = 0; i < trace->image_count; i++)
        if (trace->images[i]->sites.no_memory)
            trace_warn(trace,
                       "memory ran out: what some stacks of process %u allocated is told without "
                       "multiples of 4 GiB",
                       trace->images[i]->pid);
}

static void warn_of_late_names(const struct builder *builder, struct trace *trace) {
    uint32_t late = symbols_late(builder->natives.symbols);
    if (late)
        trace_warn(
            trace,
            "looking up native code took over a minute; addresses left with symbols alone: %u",
            late);
}

bool finish_build(struct trace *trace, const struct finish_facts *facts, struct profile *profile,
                  FILE **events) {
    struct builder builder;
    if (facts->last)
        stacks_close(&trace->stacks);
    if (builder_init(&builder, trace, profile)) {
        builder.natives.slow = facts->slow;
        builder.natives.slow_context = facts->slow_context;
        fill_head(&builder, facts);
        snapshots_add(&builder, trace);
        finish_stretches(&builder, trace);
        add_all_collections(&builder);
        finish_spans(&builder, trace);
        add_takers(&builder);
        finish_references(&builder, trace);
        finish_lives(&builder, trace);
        finish_types(&builder, trace);
        finish_drag(&builder, trace);
        *events = trace->events ? events_finish(trace->events, &builder) : NULL;
        add_images(&builder, facts); /* last: it may give up the sites */
        warn_of_lost_events(trace);
        warn_of_low_sums(trace);
        warn_of_late_names(&builder, trace);
        add_warnings(&builder);
        if (facts->last)
            stacks_release(&trace->stacks);
        if (!builder.failed)
            sources_add(&builder);
    }
    bool whole = !builder.failed;
    builder_release(&builder);
    return whole;
}

void finish_release(struct profile *profile) {
    for (uint32_t i = 0; i < profile->string_count; i++)
        free(profile->strings[i]);
    for (uint32_t i = 0; i < profile->process_count; i++)
        free(profile->processes[i].command);
    for (uint32_t i = 0; i < profile->timeline_count; i++)
        free(profile->timelines[i].points);
    snapshots_free(profile);
    free(profile->strings);
    free(profile->command);
    free(profile->functions);
    free(profile->nodes);
    free(profile->sites);
    free(profile->processes);
    free(profile->timelines);
    free(profile->sources);
    free(profile->regions);
    free(profile->region_sites);
    free(profile->collections);
    free(profile->spans);
    free(profile->span_sites);
    free(profile->takers);
    free(profile->counts);
    free(profile->lifetimes);
    free(profile->types);
    free(profile->type_lifetimes);
    free(profile->collected);
    free(profile->drags);
    free(profile->warnings);
    *profile = (struct profile){0};
}
