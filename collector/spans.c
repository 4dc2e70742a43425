/* See spans.h. */
#include "spans.h"

#include <stdlib.h>
#include <string.h>

#include "trace.h"

#define SPANS_MAX 128u
#define FIRST_INTERVAL_NS 20000000u
#define SITE_NS 2000u /* a span lasts so long for each site, of which looking takes a 200th */

/* Keeps the biggest. */
static void rank(struct span_site list[SPAN_SITES], uint32_t node, uint64_t bytes) {
    uint32_t at = SPAN_SITES;
    for (; at > 0 && list[at - 1].bytes < bytes; at--)
        if (at < SPAN_SITES)
            list[at] = list[at - 1];
    if (at < SPAN_SITES)
        list[at] = (struct span_site){node, bytes};
}

/* Several sites can have one node: of each kind, and of each set of regions. Each counts once. */
static void add_sites(struct span_site to[SPAN_SITES], const struct span_site a[SPAN_SITES],
                      const struct span_site b[SPAN_SITES]) {
    bool added[SPAN_SITES] = {false};
    memset(to, 0, SPAN_SITES * sizeof *to);
    for (unsigned i = 0; i < SPAN_SITES; i++) {
        uint64_t bytes = a[i].bytes;
        for (unsigned k = 0; k < SPAN_SITES; k++) {
            if (added[k] || !a[i].bytes || b[k].node != a[i].node)
                continue;
            bytes += b[k].bytes;
            added[k] = true;
        }
        rank(to, a[i].node, bytes);
    }
    for (unsigned k = 0; k < SPAN_SITES; k++)
        if (!added[k])
            rank(to, b[k].node, b[k].bytes);
}

static struct span join(const struct span *a, const struct span *b) {
    struct span joined = a->held > b->held ? *a : *b;
    joined.end_ns = b->end_ns;
    joined.made = a->made + b->made;
    add_sites(joined.made_by, a->made_by, b->made_by);
    return joined;
}

static void halve(struct spans *spans) {
    for (uint32_t i = 0; i < spans->count / 2; i++)
        spans->list[i] = join(&spans->list[(size_t)2 * i], &spans->list[(size_t)2 * i + 1]);
    if (spans->count % 2)
        spans->list[spans->count / 2] = spans->list[spans->count - 1];
    spans->count = (spans->count + 1) / 2;
    spans->interval_ns *= 2;
}

static bool make_room(struct spans *spans, uint32_t sites) {
    if (!spans->list) {
        spans->list = calloc(SPANS_MAX, sizeof *spans->list);
        spans->interval_ns = FIRST_INTERVAL_NS;
    }
    if (sites > spans->marked_count) {
        uint32_t *marked = realloc(spans->marked, sites * sizeof *marked);
        if (!marked)
            return false;
        memset(marked + spans->marked_count, 0, (sites - spans->marked_count) * sizeof *marked);
        spans->marked = marked;
        spans->marked_count = sites;
    }
    if (spans->list && spans->count == SPANS_MAX)
        halve(spans);
    return spans->list != NULL;
}

/* What a site has allocated since the last look. */
static uint64_t made_since(struct sites *sites, struct spans *spans, uint32_t number) {
    uint64_t total = site_total_bytes(sites, number), before = spans->marked[number];
    spans->marked[number] = (uint32_t)total;
    if (sites->list[number].wide) {
        struct site_wide *wide = &sites->wide[number];
        before |= (uint64_t)wide->marked_bytes << 32;
        wide->marked_bytes = (uint32_t)(total >> 32);
    }
    return total > before ? total - before : 0; /* less only where memory ran out */
}

static void look_at_sites(struct sites *sites, struct spans *spans, struct span *span) {
    for (uint32_t i = 0; i < sites->count; i++) {
        uint64_t made = made_since(sites, spans, i), held = site_live(sites, i).bytes;
        span->made += made;
        span->held += held;
        if (made > span->made_by[SPAN_SITES - 1].bytes)
            rank(span->made_by, sites->list[i].node, made);
        if (held > span->held_by[SPAN_SITES - 1].bytes)
            rank(span->held_by, sites->list[i].node, held);
    }
}

void spans_look(struct image *image, uint64_t now_ns, bool last) {
    struct spans *spans = &image->spans;
    if (image->sites.count == 0 || (!last && now_ns < spans->next_ns) ||
        !make_room(spans, image->sites.count))
        return;
    struct span *span = &spans->list[spans->count++];
    *span = (struct span){.end_ns = now_ns, .held_ns = now_ns};
    look_at_sites(&image->sites, spans, span);
    uint64_t least = (uint64_t)image->sites.count * SITE_NS;
    spans->next_ns = now_ns + (spans->interval_ns > least ? spans->interval_ns : least);
}

void spans_release(struct spans *spans) {
    free(spans->list);
    free(spans->marked);
    *spans = (struct spans){0};
}
