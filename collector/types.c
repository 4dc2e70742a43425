/* See types.h. */
#include "types.h"

#include "builder.h"
#include "finish.h"
#include "memory.h"
#include "trace.h"

/* -- Names -- */

struct name_key {
    const char *name;
    size_t size;
    uint32_t flags;
};

static bool name_equal(const void *owner, uint32_t number, const void *key) {
    const struct type_name *known = &((const struct type_names *)owner)->list[number];
    const struct name_key *wanted = key;
    return known->flags == wanted->flags && strlen(known->name) == wanted->size &&
           memcmp(known->name, wanted->name, wanted->size) == 0;
}

static uint64_t name_hash(const void *owner, uint32_t number) {
    const struct type_name *known = &((const struct type_names *)owner)->list[number];
    return hash_bytes(known->name, strlen(known->name), known->flags);
}

static const struct index_owner name_index = {name_equal, name_hash};

/* The type's place in the profile; PROFILE_TYPE_OTHERS when there are too many. */
static uint32_t intern(struct type_names *names, const struct name_key *key) {
    uint64_t hash = hash_bytes(key->name, key->size, key->flags);
    uint32_t number = index_find(&names->index, &name_index, names, hash, key);
    if (number != INDEX_NONE)
        return number + PROFILE_TYPES_KNOWN;
    char *copy = names->count < TYPES_NAMES_MAX ? strndup(key->name, key->size) : NULL;
    if (!copy ||
        !array_reserve(&names->list, &names->capacity, names->count + 1ull, sizeof *names->list) ||
        !index_add(&names->index, &name_index, names, hash, names->count)) {
        free(copy);
        return PROFILE_TYPE_OTHERS;
    }
    names->list[names->count] = (struct type_name){copy, key->flags};
    return names->count++ + PROFILE_TYPES_KNOWN;
}

void type_names_release(struct type_names *names) {
    for (uint32_t i = 0; i < names->count; i++)
        free(names->list[i].name);
    free(names->list);
    index_release(&names->index);
    *names = (struct type_names){0};
}

bool types_name(struct trace *trace, struct image *image, uint64_t value, const char *name,
                size_t size) {
    struct typed_lives *typed = &image->lives.typed;
    uint32_t number = value & FREE_TYPES_MAX,
             flags = (uint32_t)(value >> TYPE_NUMBER_BITS) & ((1u << TYPE_FLAG_BITS) - 1);
    size_t length = name ? strnlen(name, size < TYPE_NAME_MAX ? size : TYPE_NAME_MAX) : 0;
    struct name_key key = {length ? name : "?", length ? length : 1, flags};
    static_assert(FREE_TYPES_MAX == (1u << TYPE_NUMBER_BITS) - 1, "all numbers fit");
    if (number == 0 || flags & ~(uint32_t)(FREED_FINALIZER | FREED_DEL) ||
        !array_reserve(&typed->types, &typed->type_capacity, number + 1ull, sizeof *typed->types))
        return false;
    typed->types[number] = (struct numbered_type){
        intern(&trace->type_names, &key),
        (uint32_t)(value >> (TYPE_NUMBER_BITS + TYPE_FLAG_BITS) & TYPE_SIZE_MAX)};
    return true;
}

uint32_t types_find(const struct image *image, uint64_t told, uint64_t size) {
    uint32_t number = (uint32_t)told >> FREE_TYPE_SHIFT;
    const struct typed_lives *typed = &image->lives.typed;
    if (number == FREE_TYPE_REST)
        return PROFILE_TYPE_OTHERS;
    return number < typed->type_capacity && size >= typed->types[number].size
               ? typed->types[number].type
               : PROFILE_TYPE_UNKNOWN;
}

/* -- Ends -- */

/* Half of it is for the run's first processes alone. */
static bool has_room(const struct image *image, uint32_t used, uint32_t most) {
    return used < (image->number <= FULL_IMAGES ? most : most / 2);
}

static struct site_life *life_of(struct trace *trace, struct image *image, uint32_t type) {
    struct typed_lives *typed = &image->lives.typed;
    if (type < typed->capacity && typed->list[type])
        return typed->list[type];
    if (type >= PROFILE_TYPES_KNOWN && !has_room(image, trace->typed_rows, TYPES_ROWS_MAX))
        return life_of(trace, image, PROFILE_TYPE_OTHERS);
    if (!array_reserve(&typed->list, &typed->capacity, type + 1ull, sizeof *typed->list))
        return NULL;
    typed->list[type] = calloc(1, sizeof *typed->list[type]);
    trace->typed_rows += typed->list[type] && type >= PROFILE_TYPES_KNOWN;
    return typed->list[type];
}

static bool collected_equal(const void *owner, uint32_t number, const void *key) {
    const struct collected *known = &((const struct typed_lives *)owner)->collected[number];
    const struct collected *wanted = key;
    return known->site == wanted->site && known->type == wanted->type;
}

static uint64_t collected_hash_of(uint32_t site, uint32_t type) {
    return hash_mix((uint64_t)site << 32 | type);
}

static uint64_t collected_hash(const void *owner, uint32_t number) {
    const struct collected *known = &((const struct typed_lives *)owner)->collected[number];
    return collected_hash_of(known->site, known->type);
}

static const struct index_owner collected_index = {collected_equal, collected_hash};

/* NULL: there is no room. */
static struct collected *collected_of(struct trace *trace, struct image *image, uint32_t site,
                                      uint32_t type) {
    struct typed_lives *typed = &image->lives.typed;
    struct collected key = {.site = site, .type = type};
    uint64_t hash = collected_hash_of(site, type);
    uint32_t number = index_find(&typed->collected_index, &collected_index, typed, hash, &key);
    if (number != INDEX_NONE)
        return &typed->collected[number];
    if (!has_room(image, trace->typed_sites, TYPES_SITES_MAX) ||
        !array_reserve(&typed->collected, &typed->collected_capacity, typed->collected_count + 1ull,
                       sizeof *typed->collected) ||
        !index_add(&typed->collected_index, &collected_index, typed, hash, typed->collected_count))
        return NULL;
    trace->typed_sites++;
    typed->collected[typed->collected_count] = key;
    return &typed->collected[typed->collected_count++];
}

static void note_collected(struct trace *trace, struct image *image, uint32_t site, uint32_t type,
                           uint64_t size) {
    struct typed_lives *typed = &image->lives.typed;
    struct collected *row = collected_of(trace, image, site, type);
    *(row ? &row->blocks : &typed->rest_blocks) += 1;
    *(row ? &row->bytes : &typed->rest_bytes) += size;
}

void types_end(struct trace *trace, struct image *image, uint32_t site, uint32_t type,
               const struct ending *ending) {
    struct site_life *life = life_of(trace, image, type);
    if (life)
        life_end(life, ending);
    image->lives.no_memory |= !life;
    if (ending->death.end == END_COLLECTING)
        note_collected(trace, image, site, type, ending->size);
}

/* What is not known is what all together have more. */
void types_keep(struct trace *trace, struct image *image, uint32_t type, uint64_t size) {
    struct site_life *life = type == PROFILE_TYPE_UNKNOWN ? NULL : life_of(trace, image, type);
    if (!life)
        return;
    life->kept.blocks++;
    life->kept.bytes += size;
}

void typed_lives_release(struct typed_lives *typed) {
    for (uint32_t i = 0; i < typed->capacity; i++)
        free(typed->list[i]);
    index_release(&typed->collected_index);
    free(typed->types);
    free(typed->list);
    free(typed->collected);
    *typed = (struct typed_lives){0};
}

/* -- The profile -- */

/* What of Python's blocks was live when a process ended. */
struct living_sum {
    uint64_t blocks, bytes;
};

struct type_rows {
    struct builder *builder;
    uint32_t life_capacity, collected_capacity;
};

static void add_names(struct builder *builder, const struct type_names *names) {
    struct profile *profile = builder->profile;
    profile->types = calloc(names->count + PROFILE_TYPES_KNOWN, sizeof *profile->types);
    builder->failed |= !profile->types;
    for (uint32_t i = 0; profile->types && i < names->count; i++)
        profile->types[i + PROFILE_TYPES_KNOWN] = (struct profile_type){
            builder_string(builder, names->list[i].name), names->list[i].flags};
    profile->type_count = profile->types ? names->count + PROFILE_TYPES_KNOWN : 0;
}

/* `untyped`: what lives and has no type that is known, which the row of those has. */
static void add_life(struct type_rows *rows, const struct image *image, uint32_t type,
                     const struct living_sum *untyped) {
    static const struct site_life none;
    const struct typed_lives *typed = &image->lives.typed;
    const struct site_life *life = type < typed->capacity ? typed->list[type] : NULL;
    if (!life && (type != PROFILE_TYPE_UNKNOWN || untyped->blocks == 0))
        return;
    struct profile *profile = rows->builder->profile;
    if (!array_reserve(&profile->type_lifetimes, &rows->life_capacity,
                       profile->type_lifetime_count + 1ull, sizeof *profile->type_lifetimes)) {
        rows->builder->failed = true;
        return;
    }
    struct profile_lifetime *row = &profile->type_lifetimes[profile->type_lifetime_count++];
    *row = (struct profile_lifetime){
        .process = image->number - 1, .type = type, .kind = PROFILE_PYTHON};
    life_add(rows->builder, image, life ? life : &none, row);
    if (type == PROFILE_TYPE_UNKNOWN) {
        row->kept_blocks = untyped->blocks;
        row->kept_bytes = untyped->bytes;
    }
}

static struct living_sum python_live(const struct image *image) {
    struct living_sum sum = {0};
    for (uint32_t i = 0; i < image->sites.count; i++) {
        struct site_value live = site_live(&image->sites, i);
        bool counts = image->sites.list[i].kind == BLOCK_PYTHON;
        sum.blocks += counts ? live.blocks : 0;
        sum.bytes += counts ? live.bytes : 0;
    }
    return sum;
}

/* What lives and has no type that is known. */
static struct living_sum untyped_live(const struct image *image) {
    const struct typed_lives *typed = &image->lives.typed;
    struct living_sum rest = python_live(image);
    for (uint32_t i = 0; i < typed->capacity; i++) {
        if (!typed->list[i])
            continue;
        rest.blocks -= typed->list[i]->kept.blocks;
        rest.bytes -= typed->list[i]->kept.bytes;
    }
    return rest;
}

static void add_collected(struct type_rows *rows, struct profile_collected row) {
    struct profile *profile = rows->builder->profile;
    if (array_reserve(&profile->collected, &rows->collected_capacity,
                      profile->collected_count + 1ull, sizeof *profile->collected))
        profile->collected[profile->collected_count++] = row;
    else
        rows->builder->failed = true;
}

static void add_typed(struct type_rows *rows, const struct image *image) {
    struct builder *builder = rows->builder;
    const struct typed_lives *typed = &image->lives.typed;
    uint32_t process = image->number - 1;
    struct living_sum untyped = untyped_live(image);
    for (uint32_t i = 0; (i == 0 || i < typed->capacity) && !builder->failed; i++)
        add_life(rows, image, i, &untyped);
    for (uint32_t i = 0; i < typed->collected_count && !builder->failed; i++) {
        const struct collected *one = &typed->collected[i];
        uint32_t node = finish_node(builder, image, one->site);
        add_collected(
            rows, (struct profile_collected){process, node, one->type, one->blocks, one->bytes});
    }
    if (typed->rest_blocks)
        add_collected(rows, (struct profile_collected){process, 0, PROFILE_TYPE_OTHERS,
                                                       typed->rest_blocks, typed->rest_bytes});
}

void finish_types(struct builder *builder, struct trace *trace) {
    struct type_rows rows = {.builder = builder};
    if (!trace->lives)
        return;
    add_names(builder, &trace->type_names);
    for (uint32_t i = 0; i < trace->image_count && !builder->failed; i++)
        add_typed(&rows, trace->images[i]);
}
