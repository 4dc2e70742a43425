/* One object after the other: what an object is, its places, and its edges. */
#include "heap.h"

#define ITEMS_AHEAD 8u

/* -- A container's items, straight from its table -- */

static uint64_t list_count(const char *object) {
    return word_at(object, python.at.size);
}

static const char *const *items_at(const struct walked_type *type, const char *object) {
    if (type->container == CONTAINER_LIST)
        return (const void *)python_pointer(object, python.at.list_items);
    return (const void *)(object + python.at.tuple_items);
}

/* Values that stand in an instance are the instance's references in 3.13.0, and the dict's in later
 * releases: whoever has them visited. */
static bool tells_values(struct walk *walk, const struct walked_type *type, const char *object,
                         const struct dict_table *table) {
    return !table->embedded || count_visits(walk, type->base_traverse, object) > 0;
}

/* Interned strings do not count the references of their table, which keeps none but those that are
 * never freed. */
static bool keeps_entry(const struct walk *walk, const char *dict, const char *key) {
    return dict != walk->interned || object_count(key) == 0;
}

/* Of the container's own items; of a dict, in pairs. */
static uint64_t items_count(struct walk *walk, const struct walked_type *type, const char *object) {
    struct dict_table table;
    const char *key, *value;
    uint64_t count = 0;
    switch (type->container) {
    case CONTAINER_LIST:
    case CONTAINER_TUPLE:
        return list_count(object);
    case CONTAINER_SET:
        return word_at(object, python.at.set_used);
    case CONTAINER_DICT:
        dict_open(object, &table);
        if (!tells_values(walk, type, object, &table))
            return 0;
        for (uint64_t i = 0; dict_next(&table, &i, &key, &value);)
            count += keeps_entry(walk, object, key);
        return count;
    default:
        return 0;
    }
}

static void tell_dict(struct walk *walk, const struct walked_type *type, const char *object) {
    struct dict_table table;
    const char *key, *value;
    dict_open(object, &table);
    if (!tells_values(walk, type, object, &table))
        return;
    for (uint64_t i = 0, told = 0; dict_next(&table, &i, &key, &value); told++) {
        if (!keeps_entry(walk, object, key))
            continue;
        uint32_t named = put_target(walk, key);
        if (told < KEYS_WITH_TEXT)
            mark_object(walk, named, MARK_KEY);
        put_target(walk, value);
    }
}

/* An entry is a key and its hash; of a removed one the key is a dummy, whose hash is -1. */
static void tell_set(struct walk *walk, const char *object) {
    const char *table = python_pointer(object, python.at.set_table);
    uint64_t mask = word_at(object, python.at.set_mask), told = 0;
    uint64_t used = word_at(object, python.at.set_used);
    for (uint64_t i = 0; i <= mask && told < used; i++) {
        const char *key = python_pointer(table, 0);
        if (key && word_at(table, 8) != UINT64_MAX) {
            put_target(walk, key);
            told++;
        }
        table += 16;
    }
    for (; told < used; told++)
        put_target(walk, NULL);
}

static void tell_items(struct walk *walk, const struct walked_type *type, const char *object) {
    if (type->container == CONTAINER_DICT)
        tell_dict(walk, type, object);
    else if (type->container == CONTAINER_SET)
        tell_set(walk, object);
    else if (type->container) {
        const char *const *items = items_at(type, object);
        for (uint64_t i = 0, count = list_count(object); i < count; i++) {
            if (i + ITEMS_AHEAD < count)
                name_soon(walk, items[i + ITEMS_AHEAD]);
            put_target(walk, items[i]);
        }
    }
}

/* -- More references than were collected: told as they are visited, without names -- */

struct visitor {
    struct walk *walk;
    uint64_t from, to; /* of all visits, those to tell */
};

static int visit_tell(const char *object, void *context) {
    struct visitor *visitor = context;
    if (visitor->from++ < visitor->to)
        put_target(visitor->walk, object);
    return 0;
}

static bool too_many(const struct walk *walk, const struct walked_type *type) {
    return walk->reference_count == REFERENCES_MAX && type->reading == READ_TRAVERSE;
}

/* -- Object arrays of numpy -- */

static uint64_t array_items(const struct walked_type *type, const char *object) {
    return type->array ? array_object_count(object) : 0;
}

static void tell_array(struct walk *walk, const char *object, uint64_t count) {
    const char *const *items = (const void *)python_pointer(object, ARRAY_DATA);
    for (uint64_t i = 0; i < count; i++)
        put_target(walk, items[i]);
}

/* -- The edges -- */

#define RUN 4u /* references of one kind and name from the first on, that are worth a count */

/* What there is to tell of an object, counted before it is told. */
struct edges {
    uint64_t items, array, visits;
    bool too_many;
    uint32_t run; /* of the references that were collected */
};

static void count_edges(struct walk *walk, const struct walked_type *type, const char *object,
                        struct edges *edges) {
    edges->visits = walk->visits < walk->visit_to ? walk->visits : walk->visit_to;
    edges->items = items_count(walk, type, object);
    edges->array = array_items(type, object);
    edges->too_many = too_many(walk, type);
    uint32_t run = 0;
    while (run < walk->reference_count && walk->references[run].edge == walk->references[0].edge)
        run++;
    edges->run = run < RUN ? 0 : run;
}

static void shape_edges(struct walk *walk, const struct walked_type *type,
                        const struct edges *edges) {
    static const uint32_t kinds[] = {[CONTAINER_LIST] = EDGE_ITEM,
                                     [CONTAINER_TUPLE] = EDGE_ITEM,
                                     [CONTAINER_DICT] = EDGE_KEY,
                                     [CONTAINER_SET] = EDGE_OTHER};
    struct graph_writer *writer = walk->writer;
    if (type->container)
        graph_edges(writer, kinds[type->container], edges->items);
    if (edges->array)
        graph_edges(writer, EDGE_ITEM, edges->array);
    if (edges->too_many) {
        graph_edges(writer, EDGE_OTHER, edges->visits);
        return;
    }
    if (edges->run)
        graph_edges(writer, walk->references[0].edge, edges->run);
    for (uint32_t i = edges->run; i < walk->reference_count; i++)
        graph_edge(writer, walk->references[i].edge);
}

static void tell_edges(struct walk *walk, const struct walked_type *type, const char *object,
                       const struct edges *edges) {
    tell_items(walk, type, object);
    tell_array(walk, object, edges->array);
    if (edges->too_many) {
        struct visitor visitor = {walk, 0, edges->visits};
        type->traverse(object, visit_tell, &visitor);
        return;
    }
    for (uint32_t i = 0; i < walk->reference_count; i++) {
        uint32_t named = put_target(walk, walk->references[i].target);
        if (type->kind == GRAPH_CODE_OBJECT && named)
            mark_object(walk, named, MARK_CODE);
    }
}

/* -- The record -- */

static uint32_t flags_of(struct walk *walk, const struct walked_type *type, const char *object,
                         uint32_t number, bool unread) {
    uint32_t flags = unread ? GRAPH_OBJECT_UNREAD : 0;
    if (object_tracked(type, object))
        flags |= GRAPH_OBJECT_TRACKED;
    if (number > walk->young && number <= walk->old)
        flags |= GRAPH_OBJECT_OLD;
    if (walk->unsure)
        flags |= GRAPH_OBJECT_UNSURE;
    return flags | (walk->owns_first_place ? GRAPH_OBJECT_OWNS : 0);
}

/* Without the reference of who only watches. A shallow walk sees no weak references: what has some
 * is told as if one of them counted, so that it is not taken to be of no use. */
static uint64_t count_to_tell(const struct walk *walk, const struct walked_type *type,
                              const char *object) {
    uint64_t count = object_count(object);
    if (walk->request->watched && count > 1 && walk->request->watched(object))
        count--;
    if (walk->unsure || !walk->request->shallow || !count || !type->weak_list_offset)
        return count;
    return count + (*(const char *const *)(const void *)(object + type->weak_list_offset) != NULL);
}

/* Code, which never changes, is read at all times: what it mentions is part of a verdict. */
static bool leaves_unread(const struct walk *walk, const struct walked_type *type, uint64_t marks) {
    bool code = type->kind == GRAPH_CODE_OBJECT ||
                (marks & MARK_CODE && type->container == CONTAINER_TUPLE && type->exact);
    return walk->unsure || (walk->request->shallow && !code);
}

static void tell_object(struct walk *walk, uint32_t number) {
    uint64_t entry = entry_of(walk, number);
    const char *object = (const char *)(uintptr_t)(entry & ~(uint64_t)MARKS);
    const struct walked_type *type = type_find(walk, type_of(object));
    if (!type)
        return;
    walk->unsure = walk->sure && number > walk->sure;
    bool unread = leaves_unread(walk, type, entry & MARKS);
    if (unread)
        walk->reference_count = 0;
    else
        references_collect(walk, type, object);
    uint32_t detail = object_detail(walk, type, object, entry & MARKS);
    uint64_t size = object_measure(walk, type, object);
    if (walk->cut)
        return;
    if (walk->owns_first_place)
        copies_note(walk, type, object, number);

    struct graph_object_facts facts = {.references = count_to_tell(walk, type, object),
                                       .size = size,
                                       .address = (uintptr_t)object,
                                       .detail = detail,
                                       .places = walk->places,
                                       .place_count = walk->place_count};
    struct edges edges = {0};
    graph_object_begin(walk->writer, type->number, flags_of(walk, type, object, number, unread));
    if (!unread) {
        count_edges(walk, type, object, &edges);
        shape_edges(walk, type, &edges);
    }
    graph_object_put(walk->writer, &facts);
    if (!unread)
        tell_edges(walk, type, object, &edges);
    walk->cut |= walk->writer->failed;
    if (!unread && !(entry & MARK_RUNNING))
        frame_of_object_tell(walk, type, object);
    if (!unread && type->kind == GRAPH_TYPE_OBJECT && !(type_flags(object) & TYPE_IS_HEAP))
        root_tell(walk, GRAPH_ROOT_STATIC, type_name(walk, object), object);
}

void objects_tell(struct walk *walk) {
    while (walk->told < walk->named && !walk->cut) {
        if (!walk->request->shallow)
            look_ahead(walk);
        tell_object(walk, ++walk->told);
    }
}
