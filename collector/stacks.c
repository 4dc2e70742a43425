/* See stacks.h. */
#include "stacks.h"

#include "memory.h"
#include "table.h"

/* What a program can make us hold, whatever it does: about 1 GiB of nodes and 512 MiB of text. */
#define NODES_MAX (24u << 20)
#define CODES_MAX (4u << 20)
#define TEXT_TOTAL_MAX (512ull << 20)

static uint32_t meet_again(struct stacks *stacks, uint32_t node) {
    stacks->met_again[node / 64] |= 1ull << node % 64;
    return node;
}

bool stacks_init(struct stacks *stacks) {
    *stacks = (struct stacks){0};
    if (!array_reserve(&stacks->codes, &stacks->code_capacity, 1, sizeof *stacks->codes) ||
        !table_reserve(&stacks->nodes, &stacks->node_capacity, 1, sizeof *stacks->nodes) ||
        !array_reserve(&stacks->met_again, &stacks->met_capacity, 1, sizeof *stacks->met_again))
        return false;
    stacks->code_count = stacks->node_count = stacks->indexed = 1;
    stacks->codes[0].met_again = true;
    meet_again(stacks, 0);
    return true;
}

void stacks_close(struct stacks *stacks) {
    index_release(&stacks->code_index);
    index_release(&stacks->node_index);
}

void stacks_release(struct stacks *stacks) {
    for (uint32_t i = 0; i < stacks->code_count; i++)
        free(stacks->codes[i].text);
    free(stacks->codes);
    free(stacks->met_again);
    table_release(stacks->nodes, stacks->node_capacity, sizeof *stacks->nodes);
    index_release(&stacks->code_index);
    index_release(&stacks->node_index);
    *stacks = (struct stacks){0};
}

static uint64_t text_size(const struct stack_code *code) {
    return (uint64_t)code->name_size + code->file_size + code->table_size;
}

static bool code_equal(const void *owner, uint32_t number, const void *key) {
    const struct stacks *stacks = owner;
    const struct stack_code *a = &stacks->codes[number], *b = key;
    return a->hash == b->hash && a->name_size == b->name_size && a->file_size == b->file_size &&
           a->table_size == b->table_size && a->first_line == b->first_line &&
           a->format == b->format && memcmp(a->text, b->text, text_size(a)) == 0;
}

static uint64_t code_hash(const void *owner, uint32_t number) {
    return ((const struct stacks *)owner)->codes[number].hash;
}

static const struct index_owner code_index = {code_equal, code_hash};

uint32_t stacks_code(struct stacks *stacks, const struct stack_code *code) {
    struct stack_code key = *code;
    uint64_t shape[] = {code->name_size, code->file_size, code->first_line, code->format};
    key.hash = hash_bytes(code->text, text_size(code), hash_bytes(shape, sizeof shape, 0));
    uint32_t number = index_find(&stacks->code_index, &code_index, stacks, key.hash, &key);
    if (number != INDEX_NONE) {
        stacks->codes[number].met_again = true;
        return number;
    }
    uint64_t size = text_size(code);
    if (stacks->code_count >= CODES_MAX || stacks->text_size + size > TEXT_TOTAL_MAX ||
        !array_reserve(&stacks->codes, &stacks->code_capacity, (uint64_t)stacks->code_count + 1,
                       sizeof *stacks->codes) ||
        !(key.text = malloc(size + 1))) {
        stacks->full = true;
        return 0;
    }
    memcpy(key.text, code->text, size);
    if (!index_add(&stacks->code_index, &code_index, stacks, key.hash, stacks->code_count)) {
        free(key.text);
        stacks->full = true;
        return 0;
    }
    stacks->text_size += size;
    stacks->codes[stacks->code_count] = key;
    return stacks->code_count++;
}

static bool node_equal(const void *owner, uint32_t number, const void *key) {
    const struct stacks *stacks = owner;
    const struct stack_node *a = &stacks->nodes[number], *b = key;
    return a->parent == b->parent && a->code == b->code && a->position == b->position;
}

static uint64_t hash_of(const struct stack_node *node) {
    return hash_mix(((uint64_t)node->parent << 32 | node->code) ^
                    hash_mix((uint64_t)node->position + 0x9e3779b97f4a7c15u));
}

static uint64_t node_hash(const void *owner, uint32_t number) {
    return hash_of(&((const struct stacks *)owner)->nodes[number]);
}

static const struct index_owner node_index = {node_equal, node_hash};

static bool index_all(struct stacks *stacks) {
    if (!index_add_range(&stacks->node_index, &node_index, stacks, stacks->indexed,
                         stacks->node_count))
        return false;
    stacks->indexed = stacks->node_count;
    return true;
}

static bool is_new(const struct stacks *stacks, const struct stack_node *node) {
    return node->code != STACK_THREAD && !stacks_met_again(stacks, node->parent) &&
           !stacks->codes[node->code].met_again;
}

static bool reserve_node(struct stacks *stacks) {
    uint64_t count = (uint64_t)stacks->node_count + 1;
    return count <= NODES_MAX &&
           table_reserve(&stacks->nodes, &stacks->node_capacity, count, sizeof *stacks->nodes) &&
           array_reserve(&stacks->met_again, &stacks->met_capacity, count / 64 + 1,
                         sizeof *stacks->met_again);
}

uint32_t stacks_node(struct stacks *stacks, struct stack_node node) {
    bool new = is_new(stacks, &node), found = new || index_all(stacks);
    if (found && !new) {
        uint32_t number =
            index_find(&stacks->node_index, &node_index, stacks, hash_of(&node), &node);
        if (number != INDEX_NONE)
            return meet_again(stacks, number);
    }
    if (!found || !reserve_node(stacks)) {
        stacks->full = true;
        return meet_again(stacks, node.parent);
    }
    stacks->nodes[stacks->node_count] = node;
    return stacks->node_count++;
}
