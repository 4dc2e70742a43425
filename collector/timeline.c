/* See timeline.h. */
#include "timeline.h"

#include <stdlib.h>

#define FIRST_INTERVAL_NS 1000000u

bool timeline_init(struct timeline *timeline, uint32_t capacity, uint64_t start_ns) {
    *timeline = (struct timeline){.start_ns = start_ns, .interval_ns = FIRST_INTERVAL_NS};
    timeline->points = calloc(capacity, sizeof *timeline->points);
    timeline->capacity = timeline->points ? capacity : 0;
    return timeline->points != NULL;
}

static uint64_t larger(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

static void halve(struct timeline *timeline) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < timeline->count; i += 2) {
        struct timeline_point point = timeline->points[i];
        if (i + 1 < timeline->count) {
            point.bytes = larger(point.bytes, timeline->points[i + 1].bytes);
            point.rss = timeline->points[i + 1].rss;
        }
        timeline->points[kept++] = point;
    }
    timeline->count = kept;
    timeline->interval_ns *= 2;
}

void timeline_add(struct timeline *timeline, uint64_t time_ns, uint64_t highest, uint64_t now,
                  uint64_t rss) {
    if (timeline->capacity == 0)
        return;
    uint64_t since = time_ns > timeline->start_ns ? time_ns - timeline->start_ns : 0;
    while (since / timeline->interval_ns >= timeline->capacity)
        halve(timeline);
    uint32_t slot = (uint32_t)(since / timeline->interval_ns);
    while (timeline->count <= slot)
        timeline->points[timeline->count++] =
            (struct timeline_point){timeline->last_bytes, timeline->last_rss};
    struct timeline_point *point = &timeline->points[slot];
    point->bytes = larger(point->bytes, highest);
    point->rss = timeline->last_rss = rss;
    timeline->last_bytes = now;
}
