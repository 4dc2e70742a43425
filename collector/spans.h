/* What a process allocated over time, and what was live: by the biggest stacks of each of a bounded
 * number of spans of its run.
 *
 * At the end of a span every site is looked at once: what it has allocated since the last time, and
 * what it holds. So events cost nothing, and spans are so long that looking takes little of the
 * collector's time. When there are too many, neighbours become one.
 */
#ifndef HOLDFAST_COLLECTOR_SPANS_H
#define HOLDFAST_COLLECTOR_SPANS_H

#include <stdbool.h>
#include <stdint.h>

#define SPAN_SITES 10u

struct image;

struct span_site {
    uint32_t node; /* of struct stacks */
    uint64_t bytes;
};

struct span {
    uint64_t end_ns;
    uint64_t made, held; /* bytes: allocated in it, and live at held_ns, by all stacks */
    uint64_t held_ns;    /* of the looks in it, the one that found most */
    struct span_site made_by[SPAN_SITES], held_by[SPAN_SITES]; /* the biggest first, to one of 0 */
};

struct spans {
    struct span *list;
    uint32_t count;
    uint64_t interval_ns, next_ns;
    uint32_t
        *marked; /* by site: what it had allocated at the last look, the lower half (sites.h) */
    uint32_t marked_count;
};

/* A span ends if it has lasted; or in any case, with `last`. */
void spans_look(struct image *image, uint64_t now_ns, bool last);
void spans_release(struct spans *spans);

#endif
