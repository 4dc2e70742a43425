/* See stretches_drag.h. */
#include "stretches_drag.h"

#include <stdlib.h>

#include "trace.h"

/* The scope that the blocks of a site were allocated in; NULL: there was none. */
static const struct scope *scope_of(const struct image *image, uint32_t site) {
    const struct stretches *stretches = image->stretches;
    if (!stretches || site >= stretches->site_capacity || stretches->sites[site].scope == 0)
        return NULL;
    return &stretches->scopes[stretches->sites[site].scope];
}

/* What one site has is never more than all of them have. */
static void add_site(struct stretch_drag *to, const struct stretch_drag_site *more) {
    uint32_t at = 0;
    while (at < to->site_count &&
           (to->sites[at].node != more->node || to->sites[at].kind != more->kind))
        at++;
    if (at == STRETCH_DRAG_SITES)
        return;
    if (at == to->site_count)
        to->sites[to->site_count++] = (struct stretch_drag_site){more->node, more->kind, 0};
    to->sites[at].untouched = drag_sum(to->sites[at].untouched, more->untouched);
}

static void add_block(struct stretch_drag *to, const struct image *image,
                      const struct drag_block *block, uint64_t now_ns) {
    const struct site *site = &image->sites.list[block->site];
    struct drag_sums sums = {0};
    drag_add(&sums, block, now_ns);
    for (unsigned i = 0; i < PROFILE_PHASES; i++)
        to->byte_seconds[i] = drag_sum(to->byte_seconds[i], sums.byte_seconds[i]);
    uint64_t untouched = drag_sum(profile_untouched(sums.byte_seconds), 0);
    if (untouched)
        add_site(to, &(struct stretch_drag_site){site->node, site->kind, untouched});
}

bool stretches_drag_begin(struct image *image, uint32_t site) {
    const struct scope *scope = scope_of(image, site);
    for (uint32_t i = 0; scope && i < STRETCH_DEPTH; i++) {
        struct stretch *stretch =
            scope->stretches[i] ? &image->stretches->list[scope->stretches[i] - 1] : NULL;
        if (!stretch || stretch->drag)
            continue;
        stretch->drag = calloc(1, sizeof *stretch->drag);
        if (!stretch->drag)
            return false;
    }
    return true;
}

void stretches_drag_leave_out(struct image *image, uint32_t site) {
    const struct scope *scope = scope_of(image, site);
    for (uint32_t i = 0; scope && i < STRETCH_DEPTH; i++)
        if (scope->stretches[i])
            image->stretches->list[scope->stretches[i] - 1].drag_left_out = true;
}

void stretches_drag_end(struct image *image, const struct drag_block *block, uint64_t now_ns) {
    const struct scope *scope = scope_of(image, block->site);
    for (uint32_t i = 0; scope && i < STRETCH_DEPTH; i++) {
        const struct stretch *stretch =
            scope->stretches[i] ? &image->stretches->list[scope->stretches[i] - 1] : NULL;
        if (stretch && stretch->drag)
            add_block(stretch->drag, image, block, now_ns);
    }
}

static void merge(struct stretch_drag *to, const struct stretch_drag *more) {
    for (unsigned i = 0; i < PROFILE_PHASES; i++)
        to->byte_seconds[i] = drag_sum(to->byte_seconds[i], more->byte_seconds[i]);
    for (uint32_t i = 0; i < more->site_count; i++)
        add_site(to, &more->sites[i]);
}

void stretches_drag_take(const struct image *image, uint32_t place, uint64_t now_ns,
                         struct stretch_drag *to) {
    const struct stretch *stretch = &image->stretches->list[place];
    if (!stretch->drag)
        return;
    merge(to, stretch->drag);
    /* Its live bytes have all big blocks in them: mostly there is none to look for. */
    uint32_t count = stretch->live < DRAG_LEAST ? 0 : image->drag.count;
    for (uint32_t i = 0; i < count; i++) {
        const struct drag_block *block = &image->drag.list[i];
        const struct scope *scope = scope_of(image, block->site);
        if (scope && scope_find(scope, place) < STRETCH_DEPTH)
            add_block(to, image, block, now_ns);
    }
}

bool stretches_drag_merge(struct stretch_drag **to, const struct stretch_drag *more) {
    if (profile_untouched(more->byte_seconds) == 0 && more->byte_seconds[PHASE_USE] == 0 &&
        more->byte_seconds[PHASE_UNSEEN] == 0)
        return true;
    if (!*to)
        *to = calloc(1, sizeof **to);
    if (*to)
        merge(*to, more);
    return *to != NULL;
}
