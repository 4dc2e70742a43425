/* Dicts and what instances keep instead of a dict, read from their own tables.
 *
 * A dict's entries are three words (hash, key, value), or two from 3.11 when all keys are str. A
 * split dict shares its keys with others of its class and has its values in an array; from 3.11 an
 * instance can have such values without a dict.
 */
#include "heap.h"

#include "../text.h"

#define KEYS_GENERAL 0 /* dk_kind */
#define SLOTS_MAX (1ull << 40)

/* Bytes of the index at the table's start. */
static uint64_t index_bytes(const char *keys) {
    if (python.at.minor >= 11)
        return 1ull << *(const uint8_t *)(keys + python.at.keys_log2_index_bytes);
    uint64_t size = word_at(keys, python.at.keys_size);
    return size <= 0xff         ? size
           : size <= 0xffff     ? size * 2
           : size <= 0xffffffff ? size * 4
                                : size * 8;
}

static uint64_t keys_slots(const char *keys) {
    return python.at.minor >= 11 ? 1ull << *(const uint8_t *)(keys + python.at.keys_log2_size)
                                 : word_at(keys, python.at.keys_size);
}

static bool three_words(const char *keys) {
    return python.at.minor < 11 || *(const uint8_t *)(keys + python.at.keys_kind) == KEYS_GENERAL;
}

void keys_open(const char *keys, struct dict_table *table) {
    bool three = three_words(keys);
    *table = (struct dict_table){.entries = keys + python.at.keys_indices + index_bytes(keys),
                                 .count = word_at(keys, python.at.keys_entry_count),
                                 .stride = three ? 24 : 16,
                                 .key = three ? 8 : 0};
}

void dict_open(const char *dict, struct dict_table *table) {
    keys_open(python_pointer(dict, python.at.dict_keys), table);
    const char *values = python_pointer(dict, python.at.dict_values);
    if (!values)
        return;
    table->values = (const void *)values;
    if (python.at.minor >= 11)
        table->values = (const void *)(values + python.at.values_items);
    if (python.at.minor >= 13) {
        /* capacity, size, embedded, valid */
        table->embedded = values[2];
        if (table->count > (uint8_t)values[0])
            table->count = (uint8_t)values[0];
    }
}

bool dict_next(const struct dict_table *table, uint64_t *position, const char **key,
               const char **value) {
    while (*position < table->count) {
        const char *entry = table->entries + *position * table->stride + table->key;
        *key = python_pointer(entry, 0);
        *value = table->values ? table->values[*position] : python_pointer(entry, 8);
        ++*position;
        if (*value && *key)
            return true;
    }
    return false;
}

/* Counts that fit each other, and keys that can be objects. */
bool dict_plausible(struct walk *walk, const char *dict) {
    const uint32_t enough = 16;
    const char *keys = python_pointer(dict, python.at.dict_keys), *key, *value;
    if (python_pointer(dict, python.at.dict_values) || (uintptr_t)keys & 7 ||
        !memory_readable(walk, keys, python.at.keys_indices + 8))
        return false;
    uint64_t slots = keys_slots(keys), used = word_at(dict, python.at.dict_used);
    uint64_t entries = word_at(keys, python.at.keys_entry_count);
    if (slots < 8 || slots > SLOTS_MAX || slots & (slots - 1) || index_bytes(keys) > slots * 8 ||
        entries > slots || used > entries || keys_capacity(keys) != (slots << 1) / 3 ||
        !memory_readable(walk, keys, keys_size(keys)))
        return false;
    struct dict_table table;
    dict_open(dict, &table);
    for (uint64_t i = 0, seen = 0; seen < enough && dict_next(&table, &i, &key, &value); seen++)
        if (!object_plausible(walk, key) || !object_plausible(walk, value))
            return false;
    return true;
}

/* So many of its entries tell; an interpreter begins with more than a thousand. */
bool dict_is_interned(struct walk *walk, const char *object) {
    const uint32_t enough = 64;
    struct dict_table table;
    const char *key, *value;
    uint32_t seen = 0;
    if (!object_plausible(walk, object) || !(type_flags(type_of(object)) & TYPE_IS_DICT) ||
        !dict_plausible(walk, object))
        return false;
    dict_open(object, &table);
    for (uint64_t i = 0; seen < enough && !table.values && dict_next(&table, &i, &key, &value);
         seen++)
        if (key != value || !(type_flags(type_of(key)) & TYPE_IS_TEXT) || !text_is_interned(key))
            return false;
    return seen == enough;
}

const char *dict_get(const char *dict, const char *wanted) {
    struct dict_table table;
    const char *key, *value;
    size_t length = strlen(wanted);
    dict_open(dict, &table);
    for (uint64_t i = 0; dict_next(&table, &i, &key, &value);) {
        if (!(type_flags(type_of(key)) & TYPE_IS_TEXT))
            continue;
        struct text text = text_of(key);
        if (text.width == 1 && text.length == length && memcmp(text.data, wanted, length) == 0)
            return value;
    }
    return NULL;
}

uint64_t keys_size(const char *keys) {
    uint64_t usable = (keys_slots(keys) << 1) / 3;
    return python.at.keys_indices + index_bytes(keys) + usable * (three_words(keys) ? 24 : 16);
}

uint64_t keys_capacity(const char *keys) {
    uint64_t used = word_at(keys, python.at.keys_entry_count);
    return python.at.minor >= 11 ? used + word_at(keys, python.at.keys_usable)
                                 : (keys_slots(keys) << 1) / 3;
}

/* -- Instances -- */

static const char *const *values_of(const struct walked_type *type, const char *object) {
    if (python.at.minor >= 13) {
        if (!(type->type_flags & TYPE_INLINE_VALUES))
            return NULL;
        const char *values = object + type->basic_size;
        return values[3] ? (const void *)(values + python.at.values_items) : NULL;
    }
    if (python.at.minor == 12) {
        uintptr_t either = (uintptr_t)python_pointer(object - 24, 0);
        return either & 1 ? (const void *)(either + 1) : NULL;
    }
    return (const void *)python_pointer(object - 32, 0);
}

const char *const *inline_values(const struct walked_type *type, const char *object,
                                 uint64_t *count) {
    if (python.at.minor < 11 || !(type->type_flags & TYPE_MANAGED_DICT) || !type->heap)
        return NULL;
    const char *keys = python_pointer(type->type, python.at.heap_type_keys);
    const char *const *values = keys ? values_of(type, object) : NULL;
    if (!values)
        return NULL;
    *count = word_at(keys, python.at.keys_entry_count);
    if (python.at.minor >= 13 && *count > ((const uint8_t *)object)[type->basic_size])
        *count = ((const uint8_t *)object)[type->basic_size];
    return values;
}

static uint64_t items_of(const char *object) {
    int64_t count = (int64_t)word_at(object, python.at.size);
    return (uint64_t)(count < 0 ? -count : count);
}

const char *instance_dict(const struct walked_type *type, const char *object) {
    if (python.at.minor >= 11 && type->type_flags & TYPE_MANAGED_DICT) {
        uintptr_t dict = (uintptr_t)python_pointer(object - 24, 0);
        return python.at.minor == 12 && dict & 1 ? NULL : (const char *)dict;
    }
    int64_t offset = type->dict_offset;
    if (offset < 0)
        offset += (int64_t)((type->basic_size + type->item_size * items_of(object) + 7) & ~7ull);
    return offset > 0 ? python_pointer(object, (uint32_t)offset) : NULL;
}
