/* The references of one object, with their names, apart from a container's items.
 *
 * tp_traverse tells them all, each as often as it is held, but not what they are called; the
 * object's own words tell the names: a word that a label stands for, and that holds what was
 * visited, names the visit. What no label explains is EDGE_OTHER. So a wrong or missing label can
 * misname a reference, and never make one up.
 */
#include "heap.h"

#define LABEL_SEARCH 512u /* visits looked at for each label */

void references_add(struct walk *walk, const char *target, uint32_t edge) {
    if (!target || walk->reference_count == REFERENCES_MAX)
        return;
    walk->references[walk->reference_count++] = (struct reference){target, edge};
    name_soon(walk, target);
}

static int visit_collect(const char *object, void *context) {
    struct walk *walk = context;
    if (walk->visits++ < walk->visit_to)
        references_add(walk, object, EDGE_OTHER);
    return 0;
}

static int visit_count(const char *object, void *context) {
    (void)object;
    ((struct walk *)context)->visits++;
    return 0;
}

uint64_t count_visits(struct walk *walk, traverse_function traverse, const char *object) {
    walk->visits = 0;
    traverse(object, visit_count, walk);
    return walk->visits;
}

/* A subclass tells its own references first and its container's then. */
static void collect_visits(struct walk *walk, const struct walked_type *type, const char *object) {
    walk->visit_to = UINT64_MAX;
    if (type->base_traverse) {
        uint64_t all = count_visits(walk, type->traverse, object);
        uint64_t items = count_visits(walk, type->base_traverse, object);
        walk->visit_to = all > items ? all - items : 0;
    }
    walk->visits = 0;
    if (walk->visit_to)
        type->traverse(object, visit_collect, walk);
}

/* Names one visit of `target` that has no name yet. Visits mostly come in the order of the labels.
 */
static bool name_visit(struct walk *walk, const char *target, uint32_t edge) {
    if (!target)
        return true;
    uint32_t count = walk->reference_count, at = walk->reference_cursor;
    for (uint32_t i = 0; i < count && i < LABEL_SEARCH; i++, at++) {
        if (at >= count)
            at = 0;
        struct reference *reference = &walk->references[at];
        if (reference->target != target || reference->edge != EDGE_OTHER)
            continue;
        reference->edge = edge;
        walk->reference_cursor = at + 1;
        return true;
    }
    return false;
}

static uint32_t field(struct walk *walk, const char *name) {
    return text_of_string(walk, name) << 3 | EDGE_FIELD;
}

/* What every instance may have besides what its bases are. */
static void name_instance(struct walk *walk, const struct walked_type *type, const char *object) {
    uint64_t count;
    const char *const *values = inline_values(type, object, &count);
    for (uint64_t i = 0; values && i < count && i < type->attribute_count; i++)
        name_visit(walk, values[i], type->attributes[i] << 3 | EDGE_ATTRIBUTE);
    const char *dict = instance_dict(type, object);
    if (dict)
        name_visit(walk, dict, field(walk, "__dict__"));
}

static void name_labels(struct walk *walk, const struct walked_type *type, const char *object) {
    for (uint32_t i = 0; i < type->label_count; i++)
        name_visit(walk, python_pointer(object, type->labels[i].offset), type->labels[i].edge);
}

/* -- Types -- */

/* What type_traverse leaves out because it can be in no cycle. */
static void add_heap_type(struct walk *walk, const char *object) {
    uint32_t visited = walk->reference_count;
    for (size_t i = 0; i < python.field_count; i++) {
        if (python.fields[i].of != FIELD_OF_HEAP_TYPE)
            continue;
        const char *target = python_pointer(object, python.fields[i].offset);
        bool told = false;
        for (uint32_t j = 0; target && j < visited; j++)
            told |= walk->references[j].target == target;
        /* In tp_subclasses a static type has a number. */
        if (target && !told)
            references_add(walk, target, field(walk, python.fields[i].name));
    }
}

/* From 3.12 each interpreter has the dicts of the builtin types for itself. The function gives a
 * reference, which is taken back. */
static const char *static_dict(const char *type) {
    const char *dict = python_pointer(type, python.at.type_dict);
    if (dict || !interpreter_symbols.type_dict)
        return dict;
    dict = interpreter_symbols.type_dict(type);
    if (dict && object_count(dict)) {
        uint32_t count;
        memcpy(&count, dict, sizeof count);
        count--;
        memcpy((char *)(uintptr_t)dict, &count, sizeof count);
    }
    return dict;
}

/* From 3.12 on the interpreter's state has those of builtin types, and a number stands here. */
static void add_subclasses(struct walk *walk, const char *object) {
    for (size_t i = 0; i < python.field_count; i++) {
        const struct python_field *at = &python.fields[i];
        if (at->of != FIELD_OF_HEAP_TYPE || strcmp(at->name, "tp_subclasses") != 0)
            continue;
        const char *dict = python_pointer(object, at->offset);
        if (object_plausible(walk, dict))
            references_add(walk, dict, field(walk, at->name));
    }
}

static void add_static_type(struct walk *walk, const struct walked_type *type, const char *object) {
    for (uint32_t i = 0; i < type->label_count; i++)
        if (type->labels[i].offset != python.at.type_dict)
            references_add(walk, python_pointer(object, type->labels[i].offset),
                           type->labels[i].edge);
    references_add(walk, static_dict(object), field(walk, "__dict__"));
    add_subclasses(walk, object);
}

/* -- Generators: their frame's references are the FRAME record's -- */

static void add_generator(struct walk *walk, const char *object) {
    if (python.at.minor < 11 || *(const int8_t *)(object + python.at.generator_state) > 0)
        return;
    const char *frame = object + python.at.generator_frame;
    references_add(walk, python_pointer(frame, python.at.frame_object), field(walk, "gi_frame"));
}

/* -- Weak references -- */

/* Its first field since long before 3.8. What is just being destroyed has no references. */
#define WEAKREF_OBJECT 16u

static void add_referent(struct walk *walk, const char *object) {
    const char *referent = python.at.free_threaded ? NULL : python_pointer(object, WEAKREF_OBJECT);
    if (referent && object_count(referent))
        references_add(walk, referent, EDGE_WEAK);
}

/* -- ndarray -- */

static void add_array(struct walk *walk, const char *object) {
    references_add(walk, python_pointer(object, ARRAY_BASE), field(walk, "base"));
    references_add(walk, python_pointer(object, ARRAY_DTYPE), field(walk, "dtype"));
}

/* -- BytesIO -- */

/* Its first field is the bytes object that it writes to; only some releases' traverse tells it. */
static void add_bytes_io(struct walk *walk, const char *object) {
    const char *buffer = python_pointer(object, python.at.size);
    if (!name_visit(walk, buffer, field(walk, "buffer")))
        references_add(walk, buffer, field(walk, "buffer"));
}

/* -- Together -- */

void references_collect(struct walk *walk, const struct walked_type *type, const char *object) {
    walk->reference_count = walk->reference_cursor = 0;
    bool static_type = type->kind == GRAPH_TYPE_OBJECT && !(type_flags(object) & TYPE_IS_HEAP);
    if (static_type) {
        add_static_type(walk, type, object);
        return;
    }
    if (type->reading == READ_LABELS) {
        for (uint32_t i = 0; i < type->label_count; i++)
            references_add(walk, python_pointer(object, type->labels[i].offset),
                           type->labels[i].edge);
    } else if (type->reading == READ_TRAVERSE && type->traverse &&
               !(type->exact && type->container)) {
        collect_visits(walk, type, object);
        if (walk->reference_count) {
            name_labels(walk, type, object);
            name_instance(walk, type, object);
        }
    }
    /* From 3.8 on an instance of a heap type keeps it, also where no traverse says so. */
    if (type->heap && !name_visit(walk, type->type, EDGE_TYPE))
        references_add(walk, type->type, EDGE_TYPE);
    if (type->kind == GRAPH_TYPE_OBJECT)
        add_heap_type(walk, object);
    if (type->kind == GRAPH_GENERATOR)
        add_generator(walk, object);
    if (type->kind == GRAPH_WEAKREF)
        add_referent(walk, object);
    if (type->array)
        add_array(walk, object);
    if (type->bytes_io)
        add_bytes_io(walk, object);
}
