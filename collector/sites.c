/* See sites.h. */
#include "sites.h"

#include "memory.h"
#include "table.h"

#define FORGOTTEN 4096u /* sites that are given up at once */
#define NEAR_LEAST 1024u
#define NEAR_FACTOR 8u

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

static bool reserve(struct sites *sites, uint64_t count) {
    return table_reserve(&sites->list, &sites->capacity, count, sizeof *sites->list) &&
           (!sites->has_tree ||
            table_reserve(&sites->tree, &sites->tree_capacity, count, sizeof *sites->tree));
}

/* Most nodes of a session that is one process come to have a site soon after they are made: for
 * them a list by node takes less than an index, and is in the cache. One that shares its nodes with
 * many others has few sites for its nodes: its list is bounded by that. */
static bool is_near(const struct sites *sites, const struct site *site) {
    return site->kind < SITE_KINDS &&
           site->node < NEAR_LEAST + (uint64_t)NEAR_FACTOR * sites->count;
}

static uint32_t find(const struct sites *sites, const struct site *site, uint64_t hash) {
    if (site->kind < SITE_KINDS && site->node < sites->by_node_capacity[site->kind] &&
        sites->by_node[site->kind][site->node])
        return sites->by_node[site->kind][site->node] - 1;
    return index_find(&sites->index, &site_index, sites, hash, site);
}

static bool note(struct sites *sites, const struct site *site, uint64_t hash) {
    if (!is_near(sites, site))
        return index_add(&sites->index, &site_index, sites, hash, sites->count);
    if (!table_reserve(&sites->by_node[site->kind], &sites->by_node_capacity[site->kind],
                       site->node + 1ull, sizeof **sites->by_node))
        return false;
    sites->by_node[site->kind][site->node] = sites->count + 1;
    return true;
}

uint32_t sites_find(struct sites *sites, uint32_t node, uint32_t kind) {
    struct site site = {.node = node & SITE_NODE_MAX, .kind = kind & 3};
    uint64_t hash = hash_of(site.node, site.kind);
    uint32_t number = find(sites, &site, hash);
    if (number != INDEX_NONE)
        return number;
    if (!reserve(sites, sites->count + 1ull) || !note(sites, &site, hash))
        return INDEX_NONE;
    sites->list[sites->count] = site;
    return sites->count++;
}

void sites_close(struct sites *sites) {
    for (uint32_t kind = 0; kind < SITE_KINDS; kind++) {
        table_release(sites->by_node[kind], sites->by_node_capacity[kind], sizeof **sites->by_node);
        sites->by_node[kind] = NULL;
        sites->by_node_capacity[kind] = 0;
    }
    index_release(&sites->index);
}

uint32_t sites_add_twin(struct sites *sites, uint32_t number) {
    if (!reserve(sites, sites->count + 1ull))
        return INDEX_NONE;
    sites->list[sites->count] =
        (struct site){.node = sites->list[number].node, .kind = sites->list[number].kind};
    return sites->count++;
}

static struct site_value put_aside(const struct sites *sites, uint32_t number) {
    const struct site *site = &sites->list[number];
    uint64_t upper = site->wide ? sites->wide[number].peak_bytes : 0;
    return (struct site_value){upper << 32 | site->peak_bytes, site->peak_blocks};
}

bool sites_split_tree(struct sites *sites) {
    if (sites->has_tree)
        return true;
    if (sites->count &&
        !table_reserve(&sites->tree, &sites->tree_capacity, sites->capacity, sizeof *sites->tree))
        return false;
    for (uint32_t i = 0; i < sites->count; i++)
        sites->tree[i] = put_aside(sites, i);
    sites->has_tree = true;
    return true;
}

void sites_touch(struct sites *sites, uint32_t number, uint64_t peak_seq, uint64_t tree_seq) {
    struct site *site = &sites->list[number];
    uint64_t changed = site_changed(sites, site);
    if (changed <= peak_seq) {
        site->peak_bytes = site->bytes;
        site->peak_blocks = site->blocks;
        if (site->wide)
            sites->wide[number].peak_bytes = sites->wide[number].bytes;
    }
    if (sites->tree && changed <= tree_seq)
        sites->tree[number] = site_live(sites, number);
}

void sites_carry(struct sites *sites, uint32_t number, uint64_t bytes, uint64_t total_bytes,
                 uint64_t total_blocks) {
    struct site *site = &sites->list[number];
    /* One that has lost a carry gets no upper half any more: what it gave back later would be taken
     * from nothing. Nobody keeps which ones have, so none does. */
    if (!site->wide && (sites->no_memory || !table_reserve(&sites->wide, &sites->wide_capacity,
                                                           sites->capacity, sizeof *sites->wide))) {
        sites->no_memory = true;
        return;
    }
    site->wide = true;
    struct site_wide *wide = &sites->wide[number];
    wide->bytes += (uint32_t)bytes;
    wide->total_bytes += (uint32_t)total_bytes;
    wide->total_blocks += (uint32_t)total_blocks;
}

struct site_value site_live(const struct sites *sites, uint32_t number) {
    const struct site *site = &sites->list[number];
    uint64_t upper = site->wide ? sites->wide[number].bytes : 0;
    return (struct site_value){upper << 32 | site->bytes, site->blocks};
}

struct site_value site_at_peak(const struct sites *sites, uint32_t number, uint64_t peak_seq) {
    bool unchanged = site_changed(sites, &sites->list[number]) <= peak_seq;
    return unchanged ? site_live(sites, number) : put_aside(sites, number);
}

struct site_value site_at_tree_peak(const struct sites *sites, uint32_t number, uint64_t peak_seq,
                                    uint64_t tree_seq) {
    if (!sites->tree)
        return site_at_peak(sites, number, peak_seq);
    bool unchanged = site_changed(sites, &sites->list[number]) <= tree_seq;
    return unchanged ? site_live(sites, number) : sites->tree[number];
}

uint64_t site_total_bytes(const struct sites *sites, uint32_t number) {
    const struct site *site = &sites->list[number];
    return (site->wide ? (uint64_t)sites->wide[number].total_bytes << 32 : 0) | site->total_bytes;
}

uint64_t site_total_blocks(const struct sites *sites, uint32_t number) {
    const struct site *site = &sites->list[number];
    return (site->wide ? (uint64_t)sites->wide[number].total_blocks << 32 : 0) | site->total_blocks;
}

void sites_forget(struct sites *sites, uint32_t number) {
    uint32_t to = number + 1, from = to - FORGOTTEN;
    if (to % FORGOTTEN)
        return;
    table_forget(sites->list, sites->capacity, sizeof *sites->list, from, to);
    if (sites->tree)
        table_forget(sites->tree, sites->tree_capacity, sizeof *sites->tree, from, to);
}

void sites_release(struct sites *sites) {
    table_release(sites->list, sites->capacity, sizeof *sites->list);
    table_release(sites->tree, sites->tree_capacity, sizeof *sites->tree);
    table_release(sites->wide, sites->wide_capacity, sizeof *sites->wide);
    sites_close(sites);
    *sites = (struct sites){0};
}
