/* See sites.h. */
#include "sites.h"

#include "memory.h"
#include "table.h"

static bool site_equal(const void *owner, uint32_t number, const void *key) {
    const struct site *a = &((const struct sites *)owner)->list[number], *b = key;
    return a->node == b->node && a->kind == b->kind;
}

static uint64_t hash_of(uint32_t node, uint32_t kind) {
    return hash_mix((uint64_t)node << 2 | kind);
}

static uint64_t site_hash(const void *owner, uint32_t number) {
    const struct site *site = &((const struct sites *)owner)->list[number];
    return hash_of(site->node, site->kind);
}

static const struct index_owner site_index = {site_equal, site_hash};

uint32_t sites_find(struct sites *sites, uint32_t node, uint32_t kind) {
    struct site site = {.node = node & SITE_NODE_MAX, .kind = kind & 3};
    uint64_t hash = hash_of(site.node, site.kind);
    uint32_t number = index_find(&sites->index, &site_index, sites, hash, &site);
    if (number != INDEX_NONE)
        return number;
    if (!table_reserve(&sites->list, &sites->capacity, sites->count + 1ull, sizeof *sites->list) ||
        !index_add(&sites->index, &site_index, sites, hash, sites->count))
        return INDEX_NONE;
    sites->list[sites->count] = site;
    return sites->count++;
}

uint32_t sites_add_twin(struct sites *sites, uint32_t number) {
    if (!table_reserve(&sites->list, &sites->capacity, sites->count + 1ull, sizeof *sites->list))
        return INDEX_NONE;
    sites->list[sites->count] =
        (struct site){.node = sites->list[number].node, .kind = sites->list[number].kind};
    return sites->count++;
}

void sites_release(struct sites *sites) {
    table_release(sites->list, sites->capacity, sizeof *sites->list);
    index_release(&sites->index);
    *sites = (struct sites){0};
}
