/* See lives.h. */
#include "lives.h"

#include "builder.h"
#include "finish.h"
#include "memory.h"
#include "stubs.h"
#include "trace.h"

#define NS_PER_MS 1000000u

/* 0 for 0, n for numbers of n bits; the last for all that are larger. */
static unsigned bucket_of(uint64_t value, unsigned count) {
    unsigned bits = value ? 64u - (unsigned)__builtin_clzll(value) : 0;
    return bits < count ? bits : count - 1;
}

static uint32_t milliseconds(const struct trace *trace) {
    return (uint32_t)(trace->now_ns / NS_PER_MS);
}

void lives_begin(const struct trace *trace, struct stub *stub, uint64_t count) {
    stub->birth = count;
    stub->born_ms = milliseconds(trace);
}

static bool is_full(const struct trace *trace, const struct image *image) {
    uint32_t most = image->number <= FULL_IMAGES ? LIVES_SITES_MAX : LIVES_SITES_MAX / 2;
    return trace->lives_used >= most;
}

/* NULL: memory ran out. */
static struct site_life *add(struct trace *trace, struct image *image, uint32_t site) {
    struct lives *lives = &image->lives;
    if (!array_reserve(&lives->list, &lives->capacity, image->sites.count, sizeof *lives->list))
        return NULL;
    lives->list[site] = calloc(1, sizeof *lives->list[site]);
    trace->lives_used += lives->list[site] != NULL;
    return lives->list[site];
}

/* A site's own, or that of all others of its kind. NULL: memory ran out. */
static struct site_life *find(struct trace *trace, struct image *image, uint32_t site) {
    struct lives *lives = &image->lives;
    if (site < lives->capacity && lives->list[site])
        return lives->list[site];
    bool full = is_full(trace, image);
    struct site_life *life = full ? NULL : add(trace, image, site);
    if (life)
        return life;
    struct site_life **others = &lives->others[image->sites.list[site].kind];
    if (!*others)
        *others = calloc(1, sizeof **others);
    lives->full |= full;
    lives->no_memory |= !full || !*others;
    return *others;
}

static void note_free(struct site_life *life, uint32_t node, uint64_t size) {
    for (unsigned i = 0; i < PROFILE_FREES; i++) {
        struct site_free *one = &life->frees[i];
        if (one->node && one->node != node)
            continue;
        one->node = node;
        one->blocks++;
        one->bytes += size;
        return;
    }
}

void life_end(struct site_life *life, const struct ending *ending) {
    const struct death *death = &ending->death;
    life->blocks[death->end]++;
    life->bytes[death->end] += ending->size;
    life->ages[bucket_of(ending->age, PROFILE_AGES)]++;
    life->times[bucket_of(ending->ms, PROFILE_TIMES)]++;
    life->ms += ending->ms;
    if (death->node && death->end != END_EXIT)
        note_free(life, death->node, ending->size);
}

void lives_end(struct trace *trace, struct image *image, const struct stub *stub, uint64_t size,
               struct death death, uint64_t count) {
    struct site_life *life = find(trace, image, stub->site);
    const struct ending ending = {death, size, count - stub->birth,
                                  milliseconds(trace) - stub->born_ms};
    if (life)
        life_end(life, &ending);
    if (image->sites.list[stub->site].kind == BLOCK_PYTHON)
        types_end(trace, image, stub->site, death.type, &ending);
}

void lives_release(struct lives *lives) {
    for (uint32_t i = 0; i < lives->capacity; i++)
        free(lives->list[i]);
    for (uint32_t i = 0; i < LIVES_KINDS; i++)
        free(lives->others[i]);
    free(lives->list);
    typed_lives_release(&lives->typed);
    *lives = (struct lives){0};
}

/* -- The profile -- */

/* Positions of one line share a profile node, and so do the sites of different regions. */
struct rows {
    struct builder *builder;
    uint32_t capacity;
    uint32_t *last; /* by profile node: the last row with it, + 1 */
    uint32_t *next; /* by row: the one before with the same node, + 1 */
    uint32_t last_capacity, next_capacity;
};

static struct profile_lifetime *find_row(struct rows *rows, uint32_t process, uint32_t node,
                                         uint32_t kind) {
    struct profile *profile = rows->builder->profile;
    if (!array_reserve(&rows->last, &rows->last_capacity, node + 1ul, sizeof *rows->last))
        return NULL;
    for (uint32_t at = rows->next ? rows->last[node] : 0; at; at = rows->next[at - 1]) {
        struct profile_lifetime *row = &profile->lifetimes[at - 1];
        if (row->process != process)
            break;
        if (row->kind == kind)
            return row;
    }
    uint64_t count = profile->lifetime_count + 1ull;
    if (!array_reserve(&rows->next, &rows->next_capacity, count, sizeof *rows->next) ||
        !array_reserve(&profile->lifetimes, &rows->capacity, count, sizeof *profile->lifetimes))
        return NULL;
    struct profile_lifetime *row = &profile->lifetimes[profile->lifetime_count];
    *row = (struct profile_lifetime){.process = process, .node = node, .kind = kind};
    rows->next[profile->lifetime_count] = rows->last[node];
    rows->last[node] = ++profile->lifetime_count;
    return row;
}

static void add_frees(struct builder *builder, const struct image *image,
                      const struct site_life *life, struct profile_lifetime *row) {
    for (unsigned i = 0; i < PROFILE_FREES && life->frees[i].node; i++)
        profile_lifetime_add_free(
            row, (struct profile_free){builder_node(builder, image, life->frees[i].node - 1),
                                       life->frees[i].blocks, life->frees[i].bytes});
}

void life_add(struct builder *builder, const struct image *image, const struct site_life *life,
              struct profile_lifetime *row) {
    for (unsigned i = 0; i < PROFILE_ENDS; i++) {
        row->ended_blocks[i] += life->blocks[i];
        row->ended_bytes[i] += life->bytes[i];
    }
    for (unsigned i = 0; i < PROFILE_AGES; i++)
        row->ages[i] += life->ages[i];
    for (unsigned i = 0; i < PROFILE_TIMES; i++)
        row->times[i] += life->times[i];
    row->ms += life->ms;
    row->kept_blocks += life->kept.blocks;
    row->kept_bytes += life->kept.bytes;
    add_frees(builder, image, life, row);
}

static bool add_life(struct rows *rows, const struct image *image, uint32_t node, uint32_t kind,
                     const struct site_life *life) {
    struct profile_lifetime *row = find_row(rows, image->number - 1, node, kind);
    if (row)
        life_add(rows->builder, image, life, row);
    return row;
}

static void add_lives(struct rows *rows, const struct image *image) {
    struct builder *builder = rows->builder;
    const struct lives *lives = &image->lives;
    for (uint32_t i = 0; i < lives->capacity && i < image->sites.count && !builder->failed; i++)
        if (lives->list[i])
            builder->failed |= !add_life(rows, image, finish_node(builder, image, i),
                                         image->sites.list[i].kind, lives->list[i]);
    for (uint32_t i = 0; i < LIVES_KINDS && !builder->failed; i++)
        if (lives->others[i])
            builder->failed |= !add_life(rows, image, 0, i, lives->others[i]);
}

static void warn(struct trace *trace, const struct lives *lives) {
    if (lives->full)
        trace_warn(trace,
                   "more stacks had blocks that ended than are followed, %u: of the lifetimes "
                   "of others only sums are told",
                   LIVES_SITES_MAX);
    if (lives->no_memory)
        trace_warn(trace, "memory ran out: of some lifetimes only sums are told, or nothing");
}

void finish_lives(struct builder *builder, struct trace *trace) {
    struct rows rows = {.builder = builder};
    for (uint32_t i = 0; trace->lives && i < trace->image_count; i++) {
        add_lives(&rows, trace->images[i]);
        warn(trace, &trace->images[i]->lives);
    }
    free(rows.last);
    free(rows.next);
}
