/* See sites.h. */
#include "sites.h"

#include "memory.h"

static bool site_equal(const void *owner, uint32_t number, const void *key) {
    const struct site *a = &((const struct sites *)owner)->list[number], *b = key;
    return a->node == b->node && a->kind == b->kind;
}

/* realloc knows nothing of cache lines. */
static bool make_room(struct sites *sites) {
    if (sites->count < sites->capacity)
        return true;
    uint32_t capacity = sites->capacity ? sites->capacity + sites->capacity / 2 : 64;
    struct site *list = aligned_alloc(sizeof *list, capacity * sizeof *list);
    if (!list)
        return false;
    if (sites->count)
        memcpy(list, sites->list, sites->count * sizeof *list);
    free(sites->list);
    sites->list = list;
    sites->capacity = capacity;
    return true;
}

uint32_t sites_find(struct sites *sites, uint32_t node, uint32_t kind) {
    struct site site = {.node = node & SITE_NODE_MAX, .kind = kind & 3};
    uint64_t hash = hash_mix((uint64_t)node << 2 | kind);
    uint32_t number = index_find(&sites->index, hash, site_equal, sites, &site);
    if (number != INDEX_NONE)
        return number;
    if (!make_room(sites) || !index_add(&sites->index, hash, sites->count))
        return INDEX_NONE;
    sites->list[sites->count] = site;
    return sites->count++;
}

void sites_release(struct sites *sites) {
    free(sites->list);
    index_release(&sites->index);
    *sites = (struct sites){0};
}
