/* See resident.h. */
#include "resident.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "trace.h"

#define PATIENCE 50u            /* times as long as the last reading took */
#define LONGEST_NS 20000000u    /* a reading: meanwhile the rings fill up */
#define GROWTH_LEAST (1u << 20) /* bytes */
#define GUARD_MAX (64ull << 10) /* no larger inaccessible pages are a stack's guard */
#define HEAP_END (64ull << 20)  /* glibc's arenas end at multiples of this, inaccessible at last */

enum part { PART_OTHER, PART_FILE, PART_SHARED, PART_STACK };

struct mapping_line {
    uint64_t start, end, inode;
    char access[8];
    char name[64];
};

static bool read_head(const char *line, struct mapping_line *mapping) {
    mapping->name[0] = '\0';
    return sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %*s %*s %" SCNu64 " %63[^\n]", &mapping->start,
                  &mapping->end, mapping->access, &mapping->inode, mapping->name) >= 4;
}

/* A thread's stack has no name: it is what follows a few inaccessible pages. */
static enum part part_of(const struct mapping_line *mapping, const struct mapping_line *before) {
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

static void add_resident(struct resident_parts *parts, enum part part, uint64_t bytes) {
    parts->rss += bytes;
    if (part == PART_FILE)
        parts->files += bytes;
    else if (part == PART_SHARED)
        parts->shared += bytes;
    else if (part == PART_STACK)
        parts->stacks += bytes;
}

void resident_read(FILE *smaps, struct resident_parts *parts) {
    struct mapping_line mapping = {0}, before = {0}, next;
    enum part part = PART_OTHER;
    char line[512];
    *parts = (struct resident_parts){0};
    while (fgets(line, sizeof line, smaps)) {
        uint64_t kilobytes;
        if (line[0] >= 'A' && line[0] <= 'Z') {
            if (sscanf(line, "Rss: %" SCNu64, &kilobytes) == 1) {
                add_resident(parts, part, kilobytes << 10);
            } else if (part == PART_FILE && sscanf(line, "Anonymous: %" SCNu64, &kilobytes) == 1) {
                parts->data += kilobytes << 10;
                parts->files -= kilobytes << 10 < parts->files ? kilobytes << 10 : parts->files;
            }
        } else if (read_head(line, &next)) {
            before = mapping;
            mapping = next;
            part = part_of(&mapping, &before);
        }
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
    char path[64];
    if (!is_due(image, now))
        return;
    snprintf(path, sizeof path, "/proc/%u/smaps", image->pid);
    FILE *smaps = fopen(path, "re");
    if (!smaps) {
        image->resident.next_ns = UINT64_MAX;
        return;
    }
    struct resident_parts parts;
    resident_read(smaps, &parts);
    fclose(smaps);
    uint64_t used = trace_used_ns() - begin;
    image->resident.next_ns = used > LONGEST_NS ? UINT64_MAX : trace_clock(trace) + used * PATIENCE;
    if (parts.rss == 0)
        return;
    image->resident.parts = parts;
    image->resident.live = image->totals.live;
    image->resident.arenas = image->class_bytes[MAPPING_ARENA];
}
