/* Memory over time in a bounded number of points: the highest total of each interval, and the last
 * resident size seen in it. When the points are used up, neighbours are merged and the interval
 * doubles.
 */
#ifndef HOLDFAST_COLLECTOR_TIMELINE_H
#define HOLDFAST_COLLECTOR_TIMELINE_H

#include <stdbool.h>
#include <stdint.h>

#define TIMELINE_POINTS 1024u
#define TIMELINE_POINTS_FEW 256u

struct timeline_point {
    uint64_t bytes, rss;
};

struct timeline {
    struct timeline_point *points;
    uint32_t capacity, count;
    uint64_t start_ns, interval_ns;
    uint64_t last_bytes, last_rss; /* what holds until the next is added */
};

bool timeline_init(struct timeline *timeline, uint32_t capacity, uint64_t start_ns);

/* `highest`: the highest total since the last call; `now`: the total at `time_ns`. */
void timeline_add(struct timeline *timeline, uint64_t time_ns, uint64_t highest, uint64_t now,
                  uint64_t rss);

#endif
