/* See natives.h. */
#include "natives.h"

#include "builder.h"
#include "memory.h"
#include "symbols.h"

/* Nobody wonders before that what is going on. */
#define SECONDS_SILENT 2u

struct native_address {
    int64_t position;
    uint32_t code;
    uint32_t first, count; /* of the frames */
};

static bool is_address(const void *owner, uint32_t number, const void *key) {
    const struct native_address *a = &((const struct natives *)owner)->addresses[number], *b = key;
    return a->code == b->code && a->position == b->position;
}

static uint64_t hash_of(uint32_t code, int64_t position) {
    return hash_mix((uint64_t)code << 32 ^ (uint64_t)position);
}

static uint64_t address_hash(const void *owner, uint32_t number) {
    const struct native_address *address = &((const struct natives *)owner)->addresses[number];
    return hash_of(address->code, address->position);
}

static const struct index_owner address_index = {is_address, address_hash};

/* Without the parts of a path that lead back ("numpy/../numpy.libs"), by which the loader knows
 * what a library has brought along. */
static void shorten(char *path) {
    char *back;
    while ((back = strstr(path, "/../")) != NULL && back != path) {
        char *before = back;
        while (before > path && before[-1] != '/')
            before--;
        if (before == path || strncmp(before, "../", 3) == 0)
            break;
        memmove(before, back + 4, strlen(back + 4) + 1);
    }
}

static void add_frame(struct builder *builder, const char *path, const char *id,
                      const struct symbol *symbol) {
    struct natives *natives = &builder->natives;
    if (!array_reserve(&natives->frames, &natives->frame_capacity,
                       (uint64_t)natives->frame_count + 1, sizeof *natives->frames)) {
        builder->failed = true;
        return;
    }
    struct profile_function function = {
        .name = builder_string(builder, symbol->name),
        .module = builder_string(builder, path),
        .id = builder_string(builder, id),
        .flags = symbol->is_inlined ? FUNCTION_INLINED : 0,
    };
    function.file = symbol->file ? builder_string(builder, symbol->file) : function.module;
    natives->frames[natives->frame_count++] =
        (struct native_frame){builder_function(builder, function), symbol->line};
}

static void tell_slow(struct natives *natives) {
    if (!natives->slow || symbols_seconds(natives->symbols) < SECONDS_SILENT)
        return;
    natives->slow(natives->slow_context);
    natives->slow = NULL;
}

static void look_up(struct builder *builder, struct native_address *address) {
    struct symbol found[SYMBOLS_INLINED_MAX] = {0};
    struct natives *natives = &builder->natives;
    const struct stacks *stacks = &builder->trace->stacks;
    const struct stack_code *code = &stacks->codes[address->code];
    char *path = strndup(code->text, code->name_size);
    char *id = strndup(code->text + code->name_size, code->file_size);
    if (!natives->symbols)
        natives->symbols = symbols_open(stacks->code_count);
    if (path)
        shorten(path);
    if (path && id && natives->symbols) {
        tell_slow(natives);
        address->count = symbols_find(natives->symbols, address->code, path, id,
                                      (uint32_t)address->position, found);
    }
    for (uint32_t i = 0; i < address->count; i++)
        add_frame(builder, path, id, &found[i]);
    symbols_free(found, address->count);
    free(path);
    free(id);
}

uint32_t natives_find(struct builder *builder, const struct stack_node *node,
                      const struct native_frame **frames) {
    struct natives *natives = &builder->natives;
    struct native_address key = {node->position, node->code, natives->frame_count, 0};
    uint64_t hash = hash_of(node->code, node->position);
    uint32_t number = index_find(&natives->index, &address_index, natives, hash, &key);
    if (number == INDEX_NONE) {
        number = natives->address_count;
        look_up(builder, &key);
        if (!key.count ||
            !array_reserve(&natives->addresses, &natives->address_capacity, (uint64_t)number + 1,
                           sizeof *natives->addresses) ||
            !index_add(&natives->index, &address_index, natives, hash, number)) {
            builder->failed = true;
            return 0;
        }
        natives->addresses[natives->address_count++] = key;
    }
    *frames = natives->frames + natives->addresses[number].first;
    return natives->addresses[number].count;
}

void natives_release(struct natives *natives) {
    symbols_close(natives->symbols);
    free(natives->addresses);
    free(natives->frames);
    index_release(&natives->index);
    *natives = (struct natives){0};
}
