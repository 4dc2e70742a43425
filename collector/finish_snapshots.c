/* See finish_snapshots.h. The graphs stay in the files that the copies wrote, and are mapped. */
#include "finish_snapshots.h"

#include <sys/mman.h>

#include "lifetimes.h"
#include "memory.h"
#include "trace.h"

#define BLOCKS_MAX (4u << 20)

struct capacities {
    uint32_t snapshots, graphs, blocks, moments;
};

static bool add_blocks(struct builder *builder, struct capacities *capacities,
                       const struct image *image, const struct snapshot *snapshot) {
    struct profile *profile = builder->profile;
    uint64_t count = (uint64_t)profile->block_count + snapshot->block_count;
    if (!array_reserve(&profile->blocks, &capacities->blocks, count + 1, sizeof *profile->blocks))
        return false;
    for (uint32_t i = 0; i < snapshot->block_count; i++) {
        const struct snapshot_block *block = &snapshot->blocks[i];
        const struct site *site = &image->sites.list[block->site];
        profile->blocks[profile->block_count++] =
            (struct profile_block){.address = block->address,
                                   .size = block->size,
                                   .node = builder_node(builder, image, site->node),
                                   .kind = site->kind,
                                   .birth = block->birth,
                                   .death = block->death,
                                   .idle_ns = block->idle_ns};
    }
    return true;
}

static struct profile_graph map_graph(const struct snapshot *snapshot) {
    struct profile_graph graph = {0};
    if (snapshot->stream_size == 0)
        return graph;
    void *bytes = mmap(NULL, snapshot->stream_size, PROT_READ, MAP_SHARED, snapshot->stream, 0);
    if (bytes != MAP_FAILED)
        graph = (struct profile_graph){bytes, snapshot->stream_size, true};
    return graph;
}

/* A reallocation is about to take its new size, but grows by less; an allocation may have failed.
 * The peak knows how much came of it. */
static uint64_t pending_growth(const struct image *image, const struct snapshot *snapshot) {
    uint64_t most = image->totals.peak - snapshot->bytes;
    return snapshot->pending_bytes < most ? snapshot->pending_bytes : most;
}

static bool add_snapshot(struct builder *builder, struct capacities *capacities,
                         const struct image *image, struct snapshot *snapshot) {
    struct profile *profile = builder->profile;
    uint64_t count = (uint64_t)profile->snapshot_count + 1;
    if (!array_reserve(&profile->snapshots, &capacities->snapshots, count,
                       sizeof *profile->snapshots) ||
        !array_reserve(&profile->graphs, &capacities->graphs, count, sizeof *profile->graphs) ||
        !add_blocks(builder, capacities, image, snapshot))
        return false;
    profile->graphs[profile->snapshot_count] = map_graph(snapshot);
    profile->snapshots[profile->snapshot_count++] = (struct profile_snapshot){
        .process = image->number - 1,
        .reason = snapshot->reason,
        .flags = snapshot->flags,
        .name = builder_string(builder, snapshot->name),
        .time_ns = snapshot->time_ns,
        .bytes = snapshot->bytes,
        .pending_bytes = pending_growth(image, snapshot),
        .pending_node = builder_node(builder, image, snapshot->pending_node),
        .block_count = snapshot->block_count,
        .first_moment = snapshot->moment,
        .pause_ns = snapshot->pause_ns,
        .walk_ns = snapshot->walk_ns,
        .copy_bytes = snapshot->copy_bytes};
    snapshot->index = profile->snapshot_count;
    return true;
}

static bool add_moments(struct builder *builder, struct capacities *capacities,
                        const struct image *image) {
    struct profile *profile = builder->profile;
    struct moments moments;
    if (!lifetimes_moments(image, &moments))
        return false;
    uint64_t count = (uint64_t)profile->moment_count + moments.count;
    bool room =
        array_reserve(&profile->moments, &capacities->moments, count + 1, sizeof *profile->moments);
    for (uint32_t i = 0; room && i < moments.count; i++)
        profile->moments[profile->moment_count++] = (struct profile_moment){
            image->number - 1, moments.list[i].number, moments.list[i].bytes};
    moments_release(&moments);
    return room;
}

static bool is_told(struct builder *builder, struct trace *trace, const struct image *image,
                    const struct snapshot *snapshot) {
    if (snapshot->state != SNAPSHOT_ARRIVED)
        return false;
    if (snapshot->left_out)
        trace_warn(trace,
                   "a heap graph of process %u is left out: together they were more than a profile "
                   "can hold",
                   image->pid);
    if (snapshot->block_count <= BLOCKS_MAX - builder->profile->block_count)
        return true;
    trace_warn(trace, "a snapshot of process %u is left out: there were too many large blocks",
               image->pid);
    return false;
}

/* Why what came later has no snapshot, or no record at all. */
static void warn_of_filters(struct trace *trace, const struct image *image) {
    if (image->seccomp_lost & SECCOMP_LOST_MEMORY)
        trace_warn(trace,
                   "process %u let itself be shut in by a filter on system calls: nothing that it "
                   "allocated afterwards is in here",
                   image->pid);
    else if (trace->holders && image->seccomp_lost & SECCOMP_LOST_TELL)
        trace_warn(trace,
                   "process %u runs under a filter on system calls: who held its memory was not "
                   "looked at any more from then on",
                   image->pid);
    else if (trace->holders && image->seccomp_lost & SECCOMP_LOST_COPY)
        trace_warn(trace,
                   "process %u runs under a filter on system calls: from then on, only what "
                   "functions' locals held was looked at",
                   image->pid);
}

static void add_image(struct builder *builder, struct capacities *capacities, struct trace *trace,
                      struct image *image) {
    warn_of_filters(trace, image);
    snapshots_settle(trace, image);
    struct snapshot *best = snapshots_best(image);
    for (uint32_t i = 0; i < image->snapshots.count; i++)
        image->snapshots.list[i]->index = 0;
    uint32_t before = builder->profile->snapshot_count;
    bool good = true;
    if (best && is_told(builder, trace, image, best))
        good = add_snapshot(builder, capacities, image, best);
    for (uint32_t i = 0; good && i < image->snapshots.count; i++) {
        struct snapshot *snapshot = image->snapshots.list[i];
        /* What was lost by then is looked for in the last one of all. */
        bool left_out =
            best && best->index && !trace->page->refs && snapshots_is_past(image, snapshot);
        if (snapshot != best && !left_out && is_told(builder, trace, image, snapshot))
            good = add_snapshot(builder, capacities, image, snapshot);
    }
    if (good && builder->profile->snapshot_count > before)
        good = add_moments(builder, capacities, image);
    builder->failed |= !good;
}

void snapshots_add(struct builder *builder, struct trace *trace) {
    struct capacities capacities = {0};
    for (uint32_t i = 0; i < trace->image_count && !builder->failed; i++)
        add_image(builder, &capacities, trace, trace->images[i]);
}

void snapshots_free(struct profile *profile) {
    for (uint32_t i = 0; i < profile->snapshot_count; i++)
        if (profile->graphs[i].size)
            munmap(profile->graphs[i].bytes, profile->graphs[i].size);
    free(profile->snapshots);
    free(profile->graphs);
    free(profile->blocks);
    free(profile->moments);
}
