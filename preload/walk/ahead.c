/* Asks memory for what the walk looks at next. A heap is far larger than the caches, and objects
 * that are told one after the other may lie anywhere in it, as may their numbers: without this,
 * half of the walk's time goes by waiting.
 *
 * Nothing is changed here, and only objects that will be read anyway are read.
 */
#include "heap.h"

#define AHEAD_FIRST 16u /* objects: where they begin */
#define AHEAD_TABLE 8u  /* where their tables are */
#define AHEAD_ITEMS 4u  /* the numbers of what is in these */
#define ITEMS_FIRST 8u

void name_soon(const struct walk *walk, const char *object) {
    const void *number = number_place(walk, object);
    if (number)
        __builtin_prefetch(number);
}

static const char *object_ahead(const struct walk *walk, uint32_t number) {
    if (number > walk->named || (walk->sure && number > walk->sure))
        return NULL;
    return (const char *)(uintptr_t)(entry_of(walk, number) & ~(uint64_t)MARKS);
}

static void ask_for_table(const char *object) {
    unsigned long flags = type_flags(type_of(object));
    if (flags & TYPE_IS_LIST) {
        __builtin_prefetch(python_pointer(object, python.at.list_items));
    } else if (flags & TYPE_IS_DICT) {
        const char *keys = python_pointer(object, python.at.dict_keys);
        __builtin_prefetch(keys);
        __builtin_prefetch(keys + 64);
    } else if (flags & TYPE_HAS_GC) {
        __builtin_prefetch(object + 112);
    }
}

static void ask_for_items(const struct walk *walk, const char *object) {
    unsigned long flags = type_flags(type_of(object));
    struct dict_table table;
    const char *key, *value;
    if (flags & (TYPE_IS_LIST | TYPE_IS_TUPLE)) {
        const char *const *items = flags & TYPE_IS_LIST
                                       ? (const void *)python_pointer(object, python.at.list_items)
                                       : (const void *)(object + python.at.tuple_items);
        uint64_t count = word_at(object, python.at.size);
        for (uint64_t i = 0; i < count && i < ITEMS_FIRST; i++)
            name_soon(walk, items[i]);
    } else if (flags & TYPE_IS_DICT) {
        dict_open(object, &table);
        for (uint64_t i = 0; i < ITEMS_FIRST / 2 && dict_next(&table, &i, &key, &value);) {
            name_soon(walk, key);
            name_soon(walk, value);
        }
    }
}

void look_ahead(const struct walk *walk) {
    const char *object = object_ahead(walk, walk->told + AHEAD_FIRST);
    if (object) {
        __builtin_prefetch(object - 16); /* the cycle collector's words */
        __builtin_prefetch(object + 48);
    }
    if ((object = object_ahead(walk, walk->told + AHEAD_TABLE)))
        ask_for_table(object);
    if ((object = object_ahead(walk, walk->told + AHEAD_ITEMS)))
        ask_for_items(walk, object);
}
