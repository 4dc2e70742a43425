/* See builder.h. */
#include "builder.h"

#include <stdio.h>

#include "../wire/event.h"
#include "lines.h"
#include "memory.h"

#define TEXT_MAX 4096u
#define LINES_KEPT 8192u

/* Most nodes are at a position where others are too, under other callers. */
struct found_line {
    int64_t position;
    uint32_t code; /* 0: free */
    uint32_t line;
};

/* Length of the valid UTF-8 sequence at `at`; 0 when there is none. */
static size_t utf8_length(const unsigned char *at, size_t left) {
    if (at[0] < 0x80)
        return at[0] != 0;
    size_t length = at[0] >= 0xc2 && at[0] < 0xe0 ? 2 : at[0] >= 0xe0 && at[0] < 0xf0 ? 3 : 4;
    if (at[0] < 0xc2 || at[0] > 0xf4 || left < length)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xf0 && at[1] < 0x90);
    bool surrogate = at[0] == 0xed && at[1] > 0x9f;
    return overlong || surrogate || (at[0] == 0xf4 && at[1] > 0x8f) ? 0 : length;
}

/* How much of the beginning is ASCII, without a NUL. */
static size_t ascii_length(const char *text, size_t size) {
    size_t length = 0;
    uint64_t word;
    for (; size - length >= sizeof word; length += sizeof word) {
        memcpy(&word, text + length, sizeof word);
        if ((word | (word - 0x0101010101010101u)) & 0x8080808080808080u)
            break;
    }
    return length;
}

static size_t sanitize(const char *text, size_t size, char *clean) {
    size_t most = TEXT_MAX - 4, length = ascii_length(text, size < most ? size : most);
    memcpy(clean, text, length);
    for (size_t i = length; i < size && length < most;) {
        size_t step = utf8_length((const unsigned char *)text + i, size - i);
        if (step == 0) {
            memcpy(clean + length, "\xef\xbf\xbd", 3);
            length += 3;
            i++;
            continue;
        }
        memcpy(clean + length, text + i, step);
        length += step;
        i += step;
    }
    clean[length] = '\0';
    return length;
}

static bool string_equal(const void *owner, uint32_t number, const void *key) {
    return strcmp(((const struct profile *)owner)->strings[number], key) == 0;
}

static uint64_t text_hash(const char *text, size_t size) {
    return hash_bytes(text, size, 1);
}

static uint64_t string_hash(const void *owner, uint32_t number) {
    const char *text = ((const struct profile *)owner)->strings[number];
    return text_hash(text, strlen(text));
}

static const struct index_owner string_index = {string_equal, string_hash};

string_id builder_text(struct builder *builder, const char *text, size_t size) {
    char clean[TEXT_MAX];
    struct profile *profile = builder->profile;
    size_t length = sanitize(text, size, clean);
    uint64_t hash = text_hash(clean, length);
    uint32_t number = index_find(&builder->string_index, &string_index, profile, hash, clean);
    if (number != INDEX_NONE)
        return number;
    char *copy = strdup(clean);
    if (!copy ||
        !array_reserve(&profile->strings, &builder->string_capacity,
                       (uint64_t)profile->string_count + 1, sizeof *profile->strings) ||
        !index_add(&builder->string_index, &string_index, profile, hash, profile->string_count)) {
        free(copy);
        builder->failed = true;
        return 0;
    }
    profile->strings[profile->string_count] = copy;
    return profile->string_count++;
}

string_id builder_string(struct builder *builder, const char *text) {
    return builder_text(builder, text, strlen(text));
}

bool builder_init(struct builder *builder, const struct trace *trace, struct profile *profile) {
    *builder = (struct builder){
        .trace = trace, .profile = profile, .code_count = trace->stacks.code_count};
    *profile = (struct profile){0};
    builder->node_map = calloc(trace->stacks.node_count, sizeof *builder->node_map);
    builder->function_map = calloc(trace->stacks.code_count, sizeof *builder->function_map);
    builder->lines = calloc(LINES_KEPT, sizeof *builder->lines);
    builder->places = calloc(trace->stacks.code_count, sizeof *builder->places);
    builder->node_capacity = trace->stacks.node_count + 1;
    profile->nodes = calloc(builder->node_capacity, sizeof *profile->nodes);
    builder->failed = !builder->node_map || !builder->function_map || !builder->lines ||
                      !builder->places ||
                      !index_reserve(&builder->node_index, trace->stacks.node_count) ||
                      !array_reserve(&profile->functions, &builder->function_capacity, 1,
                                     sizeof *profile->functions) ||
                      !array_reserve(&builder->function_cwd, &builder->cwd_capacity, 1,
                                     sizeof *builder->function_cwd) ||
                      !profile->nodes;
    profile->function_count = profile->node_count = 1;
    builder_string(builder, "");
    return !builder->failed;
}

void builder_release(struct builder *builder) {
    index_release(&builder->string_index);
    index_release(&builder->function_index);
    index_release(&builder->node_index);
    free(builder->node_map);
    free(builder->function_map);
    free(builder->function_cwd);
    free(builder->path);
    free(builder->lines);
    for (uint32_t i = 0; builder->places && i < builder->code_count; i++)
        free(builder->places[i]);
    free(builder->places);
    natives_release(&builder->natives);
}

static bool function_equal(const void *owner, uint32_t number, const void *key) {
    const struct profile_function *a = &((const struct profile *)owner)->functions[number];
    const struct profile_function *b = key;
    return a->name == b->name && a->file == b->file && a->first_line == b->first_line &&
           a->module == b->module && a->id == b->id && a->flags == b->flags;
}

static uint64_t hash_function(const struct profile_function *function) {
    return hash_bytes(function, sizeof *function, 2);
}

static uint64_t function_hash(const void *owner, uint32_t number) {
    return hash_function(&((const struct profile *)owner)->functions[number]);
}

static const struct index_owner function_index = {function_equal, function_hash};

static uint32_t add_function(struct builder *builder, struct profile_function function,
                             const char *cwd) {
    struct profile *profile = builder->profile;
    uint64_t hash = hash_function(&function);
    uint32_t number =
        index_find(&builder->function_index, &function_index, profile, hash, &function);
    if (number != INDEX_NONE)
        return number;
    uint64_t count = (uint64_t)profile->function_count + 1;
    if (!array_reserve(&profile->functions, &builder->function_capacity, count,
                       sizeof *profile->functions) ||
        !array_reserve(&builder->function_cwd, &builder->cwd_capacity, count,
                       sizeof *builder->function_cwd) ||
        !index_add(&builder->function_index, &function_index, profile, hash,
                   profile->function_count)) {
        builder->failed = true;
        return 0;
    }
    builder->function_cwd[profile->function_count] = cwd;
    profile->functions[profile->function_count] = function;
    return profile->function_count++;
}

uint32_t builder_function(struct builder *builder, struct profile_function function) {
    return add_function(builder, function, NULL);
}

static uint32_t find_function(struct builder *builder, const struct image *image, uint32_t number) {
    const struct stack_code *code = &builder->trace->stacks.codes[number];
    if (builder->function_map[number])
        return builder->function_map[number] - 1;
    struct profile_function function = {.first_line = code->first_line};
    function.name = number ? builder_text(builder, code->text, code->name_size)
                           : builder_string(builder, "(unknown)");
    if (number)
        function.file = builder_text(builder, code->text + code->name_size, code->file_size);
    uint32_t found = add_function(builder, function, image->cwd);
    builder->function_map[number] = found + 1;
    return found;
}

string_id builder_thread(struct builder *builder, int64_t position) {
    char text[40];
    if (position == 0)
        return builder_string(builder, "main");
    const struct image *image = builder->trace->images[(position >> 32) - 1];
    uint32_t tid = (uint32_t)position;
    for (uint32_t i = image->thread_count; i-- > 0;)
        if (image->threads[i].tid == tid && image->threads[i].name[0])
            return builder_string(builder, image->threads[i].name);
    snprintf(text, sizeof text, "thread %u", tid);
    return builder_string(builder, text);
}

static bool node_equal(const void *owner, uint32_t number, const void *key) {
    const struct profile_node *a = &((const struct profile *)owner)->nodes[number], *b = key;
    return a->parent == b->parent && a->function == b->function && a->line == b->line &&
           a->thread == b->thread;
}

static uint64_t hash_node(const struct profile_node *node) {
    return hash_bytes(node, sizeof *node, 3);
}

static uint64_t node_hash(const void *owner, uint32_t number) {
    return hash_node(&((const struct profile *)owner)->nodes[number]);
}

static const struct index_owner node_index = {node_equal, node_hash};

static uint32_t add_node(struct builder *builder, struct profile_node node) {
    struct profile *profile = builder->profile;
    uint64_t hash = hash_node(&node);
    uint32_t number = index_find(&builder->node_index, &node_index, profile, hash, &node);
    if (number != INDEX_NONE)
        return number;
    /* native code that was inlined makes several of one */
    if (!array_reserve(&profile->nodes, &builder->node_capacity, profile->node_count + 1ul,
                       sizeof *profile->nodes) ||
        !index_add(&builder->node_index, &node_index, profile, hash, profile->node_count)) {
        builder->failed = true;
        return 0;
    }
    profile->nodes[profile->node_count] = node;
    return profile->node_count++;
}

static struct lines_table line_table(const struct stack_code *code) {
    return (struct lines_table){.bytes =
                                    (const uint8_t *)code->text + code->name_size + code->file_size,
                                .size = code->table_size,
                                .format = code->format,
                                .first_line = code->first_line};
}

/* NULL: the table is small, or there is no memory; then it is read from its begin. */
static const struct lines_place *find_places(struct builder *builder, uint32_t code,
                                             const struct lines_table *table) {
    struct lines_place **places = &builder->places[code];
    uint32_t count = lines_places(table);
    if (*places || count < 2)
        return *places;
    *places = malloc(count * sizeof **places);
    if (*places)
        lines_divide(table, *places);
    return *places;
}

static uint32_t find_line(struct builder *builder, const struct stack_node *node) {
    uint64_t hash = hash_mix((uint64_t)node->code << 32 ^ (uint64_t)node->position);
    struct found_line *found = &builder->lines[hash % LINES_KEPT];
    if (found->code == node->code && found->position == node->position)
        return found->line;
    struct lines_table table = line_table(&builder->trace->stacks.codes[node->code]);
    uint32_t line = lines_find(&table, find_places(builder, node->code, &table), node->position);
    *found = (struct found_line){node->position, node->code, line};
    return line;
}

static uint32_t make_native(struct builder *builder, const struct stack_node *from,
                            uint32_t parent) {
    const struct native_frame *frames;
    uint32_t count = natives_find(builder, from, &frames);
    for (uint32_t i = 0; i < count; i++)
        parent = add_node(builder, (struct profile_node){.parent = parent,
                                                         .function = frames[i].function,
                                                         .line = frames[i].line});
    return parent;
}

/* The interpreter's own, from 3.13 on, between a class that is called and its __init__: it is in no
 * source, and no traceback shows it. Its table of lines is one byte, for no line at all; that of
 * code which was compiled has more, whatever it and its file are called. */
static bool is_inserted(const struct stack_code *code) {
    static const char texts[] = "__init__" /* name */ "__init__" /* file */;
    return code->first_line == 0 && code->format == LINES_311 && code->table_size == 1 &&
           code->name_size == (sizeof texts - 1) / 2 && code->file_size == code->name_size &&
           memcmp(code->text, texts, sizeof texts - 1) == 0;
}

static uint32_t make_node(struct builder *builder, const struct image *image,
                          const struct stack_node *from, uint32_t parent) {
    struct profile_node node = {.parent = parent};
    if (from->code == STACK_THREAD) {
        node.thread = builder_thread(builder, from->position);
        return add_node(builder, node);
    }
    const struct stack_code *code = &builder->trace->stacks.codes[from->code];
    if (code->format == LINES_MODULE)
        return make_native(builder, from, parent);
    if (is_inserted(code))
        return parent;
    node.function = find_function(builder, image, from->code);
    if (from->code)
        node.line = find_line(builder, from);
    return add_node(builder, node);
}

/* Ancestors first, since stacks may be 100,000 deep: the path up is kept in an array. */
uint32_t builder_node(struct builder *builder, const struct image *image, uint32_t node) {
    const struct stack_node *nodes = builder->trace->stacks.nodes;
    uint32_t count = 0;
    uint32_t at = node;
    for (; at && !builder->node_map[at]; at = nodes[at].parent) {
        if (!array_reserve(&builder->path, &builder->path_capacity, (uint64_t)count + 1,
                           sizeof *builder->path)) {
            builder->failed = true;
            return 0;
        }
        builder->path[count++] = at;
    }
    uint32_t parent = at ? builder->node_map[at] - 1 : 0;
    while (count-- > 0) {
        at = builder->path[count];
        parent = make_node(builder, image, &nodes[at], parent);
        builder->node_map[at] = parent + 1;
    }
    return parent;
}
