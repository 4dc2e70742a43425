/* See finish_spans.h. */
#include "finish_spans.h"

#include <stdlib.h>

#include "spans.h"

static uint32_t add_sites(struct builder *builder, const struct image *image,
                          const struct span_site sites[SPAN_SITES]) {
    struct profile *profile = builder->profile;
    uint32_t count = 0;
    for (; count < SPAN_SITES && sites[count].bytes > 0; count++)
        profile->span_sites[profile->span_site_count++] = (struct profile_span_site){
            builder_node(builder, image, sites[count].node), sites[count].bytes};
    return count;
}

static void add_span(struct builder *builder, const struct image *image, const struct span *span) {
    struct profile *profile = builder->profile;
    struct profile_span *to = &profile->spans[profile->span_count++];
    *to = (struct profile_span){.process = image->number - 1,
                                .end_ns = span->end_ns,
                                .made_bytes = span->made,
                                .held_bytes = span->held,
                                .held_ns = span->held_ns};
    to->made_count = add_sites(builder, image, span->made_by);
    to->held_count = add_sites(builder, image, span->held_by);
}

void finish_spans(struct builder *builder, struct trace *trace) {
    struct profile *profile = builder->profile;
    uint64_t count = 1;
    for (uint32_t i = 0; i < trace->image_count; i++) {
        struct image *image = trace->images[i];
        if (image->state != IMAGE_ENDED)
            spans_look(image, trace->now_ns, true);
        count += image->spans.count;
    }
    profile->spans = calloc(count, sizeof *profile->spans);
    profile->span_sites = calloc(count * 2 * SPAN_SITES, sizeof *profile->span_sites);
    builder->failed |= !profile->spans || !profile->span_sites;
    for (uint32_t i = 0; i < trace->image_count && !builder->failed; i++)
        for (uint32_t k = 0; k < trace->images[i]->spans.count && !builder->failed; k++)
            add_span(builder, trace->images[i], &trace->images[i]->spans.list[k]);
}
