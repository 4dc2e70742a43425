/* Memory over time, and the snapshots on the way, for the page. */
#include "page_parts.h"

#include "held.h"

#include <stdlib.h>

#define POINTS_MAX 2000u   /* of one line */
#define SNAPSHOTS_MAX 200u /* marks on the line */
#define COLLECTIONS_MAX 8000u
#define LARGE_BLOCKS_MAX 20u /* stacks of a snapshot's large blocks */

/* Several points become one, which is about the time that they are about. */
static struct profile_point join_points(const struct profile_point *points, uint32_t count) {
    struct profile_point joined = points[count - 1];
    for (uint32_t i = 0; i < count; i++)
        if (points[i].bytes > joined.bytes)
            joined.bytes = points[i].bytes;
    return joined;
}

static void put_points(struct page_out *page, const struct profile_timeline *line) {
    uint32_t step = line->point_count / page_limit(page, POINTS_MAX) + 1;
    page_begin(page, '[');
    for (uint32_t i = 0; i < line->point_count; i += step) {
        uint32_t left = line->point_count - i;
        struct profile_point point = join_points(&line->points[i], left < step ? left : step);
        page_seconds(page, point.time_ns);
        page_number(page, point.bytes);
        page_number(page, point.rss_bytes);
    }
    page_end(page, ']');
}

static bool is_meant(const struct page_out *page, uint32_t process) {
    return page->options->process == PROFILE_TREE || page->options->process == process;
}

static bool is_own_peak(uint32_t process, const uint32_t *list, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        if (list[i] == process)
            return true;
    return false;
}

static void put_timelines(struct page_out *page) {
    const struct profile *profile = page->profile;
    uint32_t list[PAGE_OWN_PEAKS], count = page_own_peaks(page, list);
    uint32_t only = page->options->process;
    page_key(page, "timelines");
    page_begin(page, '[');
    for (uint32_t i = 0; i < profile->timeline_count; i++) {
        const struct profile_timeline *line = &profile->timelines[i];
        bool tree = line->process == PROFILE_TREE;
        bool wanted = only == PROFILE_TREE ? tree || is_own_peak(line->process, list, count)
                                           : line->process == only;
        if (!wanted)
            continue;
        page_begin(page, '{');
        page_key(page, "process");
        page_signed(page, tree ? -1 : (int64_t)line->process);
        page_key(page, "points");
        put_points(page, line);
        page_end(page, '}');
    }
    page_end(page, ']');
}

/* -- Snapshots -- */

/* Large blocks of one stack. */
struct group {
    uint32_t node, count;
    uint64_t bytes;
};

static int compare_nodes(const void *left, const void *right) {
    const struct group *a = left, *b = right;
    return (a->node > b->node) - (a->node < b->node);
}

static int compare_groups(const void *left, const void *right) {
    const struct group *a = left, *b = right;
    if (a->bytes != b->bytes)
        return a->bytes > b->bytes ? -1 : 1;
    return compare_nodes(left, right);
}

/* The blocks by stack, the biggest first. NULL when memory ran out. */
static struct group *group_blocks(const struct profile_block *blocks, uint32_t count,
                                  uint32_t *group_count) {
    struct group *groups = calloc((size_t)count + 1, sizeof *groups);
    uint32_t end = 0;
    if (!groups)
        return NULL;
    for (uint32_t i = 0; blocks && i < count; i++)
        groups[i] = (struct group){blocks[i].node, 1, blocks[i].size};
    qsort(groups, count, sizeof *groups, compare_nodes);
    for (uint32_t i = 0; i < count; i++) {
        if (end > 0 && groups[end - 1].node == groups[i].node) {
            groups[end - 1].count++;
            groups[end - 1].bytes += groups[i].bytes;
        } else {
            groups[end++] = groups[i];
        }
    }
    qsort(groups, end, sizeof *groups, compare_groups);
    *group_count = end;
    return groups;
}

/* [bytes, blocks, stack] of each. */
static void put_groups(struct page_out *page, const struct profile_block *blocks, uint32_t count) {
    uint32_t groups = 0;
    struct group *list = group_blocks(blocks, count, &groups);
    page->failed |= !list;
    page_put_number(page, "stacks", groups);
    page_key(page, "blocks");
    page_begin(page, '[');
    for (uint32_t i = 0; list && i < groups && i < page_limit(page, LARGE_BLOCKS_MAX); i++) {
        page_begin(page, '[');
        page_number(page, list[i].bytes);
        page_number(page, list[i].count);
        page_stack(page, list[i].node);
        page_end(page, ']');
    }
    page_end(page, ']');
    free(list);
}

static void put_snapshot(struct page_out *page, const struct profile_snapshot *snapshot,
                         const struct profile_block *blocks) {
    page_begin(page, '{');
    page_put_number(page, "process", snapshot->process);
    page_put_seconds(page, "time", snapshot->time_ns);
    page_put_number(page, "bytes", snapshot->bytes);
    page_put_number(page, "pending", snapshot->pending_bytes);
    page_put_number(page, "reason", snapshot->reason);
    page_put_text(page, "name", held_snapshot_name(page->profile, snapshot));
    put_groups(page, blocks, snapshot->block_count);
    page_end(page, '}');
}

/* Those of the most bytes. */
static void put_snapshots(struct page_out *page) {
    const struct profile *profile = page->profile;
    struct page_pick *list = malloc(((size_t)profile->snapshot_count + 1) * sizeof *list);
    uint32_t wanted = 0;
    for (uint32_t i = 0; list && i < profile->snapshot_count; i++) {
        const struct profile_snapshot *one = &profile->snapshots[i];
        if (is_meant(page, one->process))
            list[wanted++] = (struct page_pick){held_bytes(one->bytes, one->pending_bytes), i};
    }
    uint32_t count = list ? page_pick(list, wanted, page_limit(page, SNAPSHOTS_MAX)) : 0;
    uint64_t block = 0;
    page->failed |= !list;
    page_key(page, "snapshots");
    page_begin(page, '[');
    for (uint32_t i = 0, next = 0; next < count; i++) {
        if (list[next].number == i) {
            put_snapshot(page, &profile->snapshots[i],
                         profile->blocks ? &profile->blocks[block] : NULL);
            next++;
        }
        block += profile->snapshots[i].block_count;
    }
    page_end(page, ']');
    page_put_number(page, "snapshotCount", wanted);
    free(list);
}

/* [process, time, duration, generation, count, objects, freed] each, of those that took longest;
 * and how many there are. */
static void put_collections(struct page_out *page) {
    const struct profile *profile = page->profile;
    struct page_pick *list = malloc(((size_t)profile->collection_count + 1) * sizeof *list);
    uint32_t wanted = 0;
    for (uint32_t i = 0; list && i < profile->collection_count; i++)
        if (is_meant(page, profile->collections[i].process))
            list[wanted++] = (struct page_pick){profile->collections[i].duration_ns, i};
    uint32_t count = list ? page_pick(list, wanted, page_limit(page, COLLECTIONS_MAX)) : 0;
    page->failed |= !list;
    page_key(page, "collections");
    page_begin(page, '[');
    for (uint32_t i = 0; i < count; i++) {
        const struct profile_collection *one = &profile->collections[list[i].number];
        page_begin(page, '[');
        page_number(page, one->process);
        page_seconds(page, one->time_ns);
        page_seconds(page, one->duration_ns);
        page_number(page, one->generation);
        page_number(page, one->count);
        page_number(page, one->objects);
        page_number(page, one->freed_bytes);
        page_end(page, ']');
    }
    page_end(page, ']');
    page_put_number(page, "collectionCount", wanted);
    free(list);
}

void page_put_time(struct page_out *page) {
    put_timelines(page);
    put_collections(page);
    put_snapshots(page);
}
