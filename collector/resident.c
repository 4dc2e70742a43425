/* See resident.h. */
#include "resident.h"

#include <stdbool.h>
#include <string.h>

#include "smaps.h"
#include "trace.h"

#define PATIENCE 50u            /* times as long as the last reading took */
#define LONGEST_NS 20000000u    /* a reading: meanwhile the rings fill up */
#define GROWTH_LEAST (1u << 20) /* bytes */
#define GUARD_MAX (64ull << 10) /* no larger inaccessible pages are a stack's guard */
#define HEAP_END (64ull << 20)  /* glibc's arenas end at multiples of this, inaccessible at last */

enum part { PART_OTHER, PART_FILE, PART_SHARED, PART_STACK };

/* A thread's stack has no name: it is what follows a few inaccessible pages. */
static enum part part_of(const struct smaps_mapping *mapping, const struct smaps_mapping *before) {
    bool guarded = strncmp(before->access, "---p", 4) == 0 && before->end == mapping->start &&
                   before->end - before->start <= GUARD_MAX && before->end % HEAP_END != 0;
    if (mapping->access[3] == 's' || strncmp(mapping->name, "/memfd:", 7) == 0 ||
        strncmp(mapping->name, "/dev/shm/", 9) == 0)
        return PART_SHARED;
    if (mapping->inode != 0)
        return PART_FILE;
    return strcmp(mapping->name, "[stack]") == 0 || (guarded && !*mapping->name) ? PART_STACK
                                                                                 : PART_OTHER;
}

static void add_resident(struct resident_parts *parts, enum part part,
                         const struct smaps_mapping *mapping) {
    uint64_t bytes = mapping->resident;
    uint64_t own = mapping->anonymous < bytes ? mapping->anonymous : bytes;
    parts->rss += bytes;
    if (part == PART_FILE) {
        parts->files += bytes - own;
        parts->data += own;
    } else if (part == PART_SHARED) {
        parts->shared += bytes;
    } else if (part == PART_STACK) {
        parts->stacks += bytes;
    }
}

void resident_read(struct smaps *smaps, struct resident_parts *parts) {
    struct smaps_mapping mapping, before = {0};
    *parts = (struct resident_parts){0};
    while (smaps_read(smaps, &mapping)) {
        add_resident(parts, part_of(&mapping, &before), &mapping);
        before = mapping;
    }
}

static bool is_due(const struct image *image, uint64_t now) {
    const struct resident *last = &image->resident;
    uint64_t live = image->totals.live;
    return now >= last->next_ns && live > 0 &&
           (live > last->live + last->live / 20 + GROWTH_LEAST ||
            image->rss > last->parts.rss + last->parts.rss / 20 + GROWTH_LEAST);
}

void resident_sample(const struct trace *trace, struct image *image) {
    uint64_t now = trace_clock(trace), begin = trace_used_ns();
    struct smaps smaps;
    struct resident_parts parts;
    if (!is_due(image, now))
        return;
    if (!smaps_open(&smaps, image)) {
        image->resident.next_ns = UINT64_MAX;
        return;
    }
    resident_read(&smaps, &parts);
    smaps_close(&smaps);
    uint64_t used = trace_used_ns() - begin;
    image->resident.next_ns = used > LONGEST_NS ? UINT64_MAX : trace_clock(trace) + used * PATIENCE;
    if (parts.rss == 0)
        return;
    image->resident.parts = parts;
    image->resident.live = image->totals.live;
    image->resident.arenas = image->class_bytes[MAPPING_ARENA];
}
