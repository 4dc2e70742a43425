/* What there is to know about a type, found out when its first instance is met: its kind, how its
 * references are read, and what they are called.
 */
#include "heap.h"

#include <dlfcn.h>

#define MEMBER_OBJECT 6     /* T_OBJECT */
#define MEMBER_OBJECT_EX 16 /* T_OBJECT_EX */
#define LABELS_MAX 128u
#define BASES_MAX 64u
#define ATTRIBUTES_MAX 64u

/* PyMemberDef */
struct member {
    const char *name;
    int type;
    int64_t offset;
    int flags;
    const char *doc;
};

/* Types of the interpreter's own that subclasses are told by. */
static struct builtin {
    const char *symbol;
    uint8_t kind, reading;
    int8_t fields; /* enum python_field_of, -1 none */
    bool pointer;  /* the symbol is a variable that points to the type */
    const char *type;
} builtins[] = {
    {"PyDict_Type", GRAPH_DICT, READ_TRAVERSE, -1, false, NULL},
    {"PyList_Type", GRAPH_LIST, READ_TRAVERSE, -1, false, NULL},
    {"PyTuple_Type", GRAPH_TUPLE, READ_TRAVERSE, -1, false, NULL},
    {"PySet_Type", GRAPH_SET, READ_TRAVERSE, -1, false, NULL},
    {"PyFrozenSet_Type", GRAPH_SET, READ_TRAVERSE, -1, false, NULL},
    {"PyUnicode_Type", GRAPH_STR, READ_NOTHING, -1, false, NULL},
    {"PyBytes_Type", GRAPH_BYTES, READ_NOTHING, -1, false, NULL},
    {"PyByteArray_Type", GRAPH_BYTEARRAY, READ_NOTHING, -1, false, NULL},
    {"PyLong_Type", GRAPH_NUMBER, READ_NOTHING, -1, false, NULL},
    {"PyFloat_Type", GRAPH_NUMBER, READ_NOTHING, -1, false, NULL},
    {"PyComplex_Type", GRAPH_NUMBER, READ_NOTHING, -1, false, NULL},
    {"PyFunction_Type", GRAPH_FUNCTION, READ_TRAVERSE, FIELD_OF_FUNCTION, false, NULL},
    {"PyMethod_Type", GRAPH_METHOD, READ_TRAVERSE, FIELD_OF_METHOD, false, NULL},
    {"PyCFunction_Type", GRAPH_BUILTIN, READ_TRAVERSE, FIELD_OF_BUILTIN, false, NULL},
    {"PyCell_Type", GRAPH_CELL, READ_TRAVERSE, FIELD_OF_CELL, false, NULL},
    {"PyModule_Type", GRAPH_MODULE, READ_TRAVERSE, FIELD_OF_MODULE, false, NULL},
    {"PyType_Type", GRAPH_TYPE_OBJECT, READ_TRAVERSE, FIELD_OF_TYPE, false, NULL},
    {"PyCode_Type", GRAPH_CODE_OBJECT, READ_LABELS, FIELD_OF_CODE, false, NULL},
    {"PyFrame_Type", GRAPH_FRAME_OBJECT, READ_LABELS, FIELD_OF_FRAME, false, NULL},
    {"PyTraceBack_Type", GRAPH_TRACEBACK, READ_TRAVERSE, FIELD_OF_TRACEBACK, false, NULL},
    {"PyExc_BaseException", GRAPH_EXCEPTION, READ_TRAVERSE, FIELD_OF_EXCEPTION, true, NULL},
    {"PyGen_Type", GRAPH_GENERATOR, READ_LABELS, FIELD_OF_GENERATOR, false, NULL},
    {"PyCoro_Type", GRAPH_GENERATOR, READ_LABELS, FIELD_OF_COROUTINE, false, NULL},
    {"PyAsyncGen_Type", GRAPH_GENERATOR, READ_LABELS, FIELD_OF_ASYNC_GENERATOR, false, NULL},
    {"PyMemoryView_Type", GRAPH_MEMORYVIEW, READ_TRAVERSE, FIELD_OF_MEMORYVIEW, false, NULL},
    {"_PyWeakref_RefType", GRAPH_WEAKREF, READ_TRAVERSE, -1, false, NULL},
    {"_PyWeakref_ProxyType", GRAPH_WEAKREF, READ_TRAVERSE, -1, false, NULL},
    {"_PyWeakref_CallableProxyType", GRAPH_WEAKREF, READ_TRAVERSE, -1, false, NULL},
};

#define BUILTINS (sizeof builtins / sizeof builtins[0])

struct interpreter_symbols interpreter_symbols;

void walk_find(void *scope) {
    for (size_t i = 0; i < BUILTINS; i++) {
        python_symbol(scope, builtins[i].symbol, &builtins[i].type);
    }
    python_symbol(scope, "PyCode_Addr2Line", &interpreter_symbols.line_of);
    python_symbol(scope, "PyType_GetDict", &interpreter_symbols.type_dict);
    python_symbol(scope, "PyBaseObject_Type", &interpreter_symbols.base_object);
    python_symbol(RTLD_DEFAULT, "_r_debug", &interpreter_symbols.loaded);
}

static const struct builtin *builtin_of(const char *type) {
    for (size_t i = 0; i < BUILTINS; i++) {
        const char *known = builtins[i].type;
        if (known && builtins[i].pointer)
            known = python_pointer(known, 0);
        if (known && known == type)
            return &builtins[i];
    }
    return NULL;
}

/* -- Names -- */

/* A heap type's own dict; that of a static one can be elsewhere from 3.12. */
static const char *module_of(const char *type) {
    const char *dict = python_pointer(type, python.at.type_dict);
    if (!(type_flags(type) & TYPE_IS_HEAP) || !dict)
        return NULL;
    const char *module = dict_get(dict, "__module__");
    return module && type_flags(type_of(module)) & TYPE_IS_TEXT ? module : NULL;
}

uint32_t type_name(struct walk *walk, const char *type) {
    /* A heap type's module is in its dict, whose tables may go, without a GIL, while they are read.
     */
    if (!(type_flags(type) & TYPE_IS_HEAP) || !python.has_gil)
        return text_of_string(walk, python_pointer(type, python.at.type_name));
    const char *module = module_of(type);
    const char *own = python_pointer(type, python.at.heap_type_qualified_name);
    char bytes[2 * TEXT_ROOM];
    size_t length = module ? text_copy(bytes, module) : 0;
    if (length == 8 && memcmp(bytes, "builtins", 8) == 0)
        length = 0;
    if (length)
        bytes[length++] = '.';
    if (own)
        length += text_copy(bytes + length, own);
    return text_number(walk, bytes, length);
}

static bool is_named(const char *type, const char *name) {
    const char *own = python_pointer(type, python.at.type_name);
    return own && strcmp(own, name) == 0;
}

/* A static type's name, or a heap type's made in C, says which module it is from. */
static bool of_extension(const char *type) {
    const char *name = python_pointer(type, python.at.type_name);
    return name && strchr(name, '.');
}

/* Of modules whose types keep what they hold in objects, as far as is known: the standard
 * library's, and numpy's, whose arrays are read by themselves. */
static bool tells_all(const char *type) {
    static const char *const modules[] = {"functools.", "itertools.", "collections.", "re.",
                                          "types.",     "weakref.",   "operator.",    "datetime.",
                                          "decimal.",   "array.",     "select.",      "numpy."};
    const char *name = python_pointer(type, python.at.type_name);
    bool told = *name == '_';
    for (size_t i = 0; i < sizeof modules / sizeof modules[0]; i++)
        told |= strncmp(name, modules[i], strlen(modules[i])) == 0;
    return told;
}

/* -- References and their names -- */

struct label_list {
    struct label labels[LABELS_MAX];
    uint32_t count;
};

static void label_add(struct walk *walk, struct label_list *list, uint64_t offset,
                      enum graph_edge kind, const char *name) {
    if (list->count < LABELS_MAX && offset < UINT32_MAX)
        list->labels[list->count++] =
            (struct label){(uint32_t)offset, text_of_string(walk, name) << 3 | (uint32_t)kind};
}

static void label_fields(struct walk *walk, struct label_list *list, enum python_field_of of) {
    for (size_t i = 0; i < python.field_count; i++)
        if (python.fields[i].of == (uint32_t)of)
            label_add(walk, list, python.fields[i].offset, EDGE_FIELD, python.fields[i].name);
}

static uint32_t label_members(struct walk *walk, struct label_list *list, const char *type) {
    const struct member *member = (const void *)python_pointer(type, python.at.type_members);
    bool slots = type_flags(type) & TYPE_IS_HEAP && !of_extension(type);
    uint32_t objects = 0;
    for (; member && member->name && objects < LABELS_MAX; member++) {
        if ((member->type != MEMBER_OBJECT && member->type != MEMBER_OBJECT_EX) ||
            member->offset <= 0)
            continue;
        objects++;
        if (!list)
            continue;
        bool known = false;
        for (uint32_t i = 0; i < list->count; i++)
            known |= list->labels[i].offset == (uint64_t)member->offset;
        if (!known)
            label_add(walk, list, (uint64_t)member->offset, slots ? EDGE_ATTRIBUTE : EDGE_FIELD,
                      member->name);
    }
    return objects;
}

static void labels_keep(struct walk *walk, struct walked_type *type,
                        const struct label_list *list) {
    type->labels = pool_take(walk, list->count * sizeof *list->labels);
    if (!type->labels)
        return;
    memcpy(type->labels, list->labels, list->count * sizeof *list->labels);
    type->label_count = list->count;
}

/* The names of inline values. */
static void attributes_keep(struct walk *walk, struct walked_type *type) {
    const char *keys = type->heap ? python_pointer(type->type, python.at.heap_type_keys) : NULL;
    if (python.at.minor < 11 || !keys || !(type->type_flags & TYPE_MANAGED_DICT) ||
        walk->request->shallow)
        return;
    struct dict_table table;
    keys_open(keys, &table);
    if (table.count > ATTRIBUTES_MAX)
        table.count = ATTRIBUTES_MAX;
    type->attributes = pool_take(walk, table.count * sizeof *type->attributes);
    for (uint64_t i = 0; type->attributes && i < table.count; i++)
        type->attributes[type->attribute_count++] =
            text_of_object(walk, python_pointer(table.entries + i * table.stride, table.key));
}

/* -- Native parts -- */

/* Bytes that a type adds to its base's and that are neither slots nor the pointers to a dict and to
 * weak references. */
static bool adds_native_words(struct walk *walk, const char *type, const char *base) {
    if (python_pointer(type, python.at.type_item_size) !=
        python_pointer(base, python.at.type_item_size))
        return true;
    uint64_t added =
        word_at(type, python.at.type_basic_size) - word_at(base, python.at.type_basic_size);
    uint64_t known = label_members(walk, NULL, type) * 8ull;
    if (word_at(type, python.at.type_dict_offset) != word_at(base, python.at.type_dict_offset))
        known += 8;
    if (word_at(type, python.at.type_weak_list_offset) !=
        word_at(base, python.at.type_weak_list_offset))
        known += 8;
    return added > known;
}

/* Without a traverse function nobody tells what such a part refers to. */
static bool hides_references(const char *type, const char *base) {
    return !(type_flags(type) & TYPE_HAS_GC) && of_extension(type) &&
           word_at(type, python.at.type_basic_size) > word_at(base, python.at.type_basic_size);
}

/* Types whose objects say what data is and hold none; many share what they point to. */
static bool describes(const char *type) {
    static const char *const names[] = {"pyarrow.lib.DataType", "pyarrow.lib.Field",
                                        "pyarrow.lib.Schema", "pyarrow._compute.Function"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (is_named(type, names[i]))
            return true;
    return false;
}

static void recognise_special(struct walked_type *type, const char *base) {
    type->array |= is_named(base, "numpy.ndarray");
    type->array_array |= is_named(base, "array.array");
    type->deque |= is_named(base, "collections.deque");
    type->bytes_io |= is_named(base, "_io.BytesIO");
    type->descriptor |= describes(base);
}

static void take_builtin(struct walk *walk, struct walked_type *type, struct label_list *labels,
                         const struct builtin *builtin) {
    type->kind = builtin->kind;
    type->reading = builtin->reading;
    type->exact = builtin->type == type->type;
    type->base_traverse = NULL;
    if (builtin->kind >= GRAPH_DICT && builtin->kind <= GRAPH_SET) {
        static const uint8_t containers[] = {[GRAPH_DICT] = CONTAINER_DICT,
                                             [GRAPH_LIST] = CONTAINER_LIST,
                                             [GRAPH_TUPLE] = CONTAINER_TUPLE,
                                             [GRAPH_SET] = CONTAINER_SET};
        type->container = containers[builtin->kind];
        const char *traverse = python_pointer(builtin->type, python.at.type_traverse);
        memcpy(&type->base_traverse, &traverse, sizeof traverse);
    }
    if (builtin->kind == GRAPH_GENERATOR)
        label_fields(walk, labels, FIELD_OF_GENERATOR);
    if (builtin->fields >= 0 && builtin->fields != FIELD_OF_GENERATOR)
        label_fields(walk, labels, (enum python_field_of)builtin->fields);
}

/* From the type towards object: the first builtin gives the kind. */
static void take_bases(struct walk *walk, struct walked_type *type, struct label_list *labels) {
    const char *at = type->type;
    for (uint32_t depth = 0; at && depth < BASES_MAX; depth++) {
        const char *base = python_pointer(at, python.at.type_base);
        const struct builtin *builtin = builtin_of(at);
        if (builtin) {
            take_builtin(walk, type, labels, builtin);
            if (builtin->kind != GRAPH_TYPE_OBJECT)
                label_members(walk, labels, at);
            return;
        }
        if (!base)
            return;
        label_members(walk, labels, at);
        recognise_special(type, at);
        if (adds_native_words(walk, at, base)) {
            type->native_words = true;
            type->follow |= of_extension(at) && !tells_all(at);
            type->native_from = (uint32_t)word_at(base, python.at.type_basic_size);
        }
        if (hides_references(at, base))
            type->flags |= GRAPH_TYPE_NATIVE;
        at = base;
    }
}

static void take_kind(struct walk *walk, struct walked_type *type) {
    struct label_list labels = {.count = 0};
    bool gc = type->type_flags & TYPE_HAS_GC;
    type->reading = gc && type->traverse ? READ_TRAVERSE : READ_LABELS;
    take_bases(walk, type, &labels);
    if (type->kind && gc && !type->exact && type->reading == READ_NOTHING)
        type->reading = READ_TRAVERSE; /* class Text(str) */
    if (type->array) {
        type->kind = GRAPH_NDARRAY;
        type->native_words = type->follow = false;
    }
    if (type->bytes_io || type->descriptor)
        type->native_words = false;
    if (type->kind == GRAPH_OTHER && is_named(type->type, "PyCapsule"))
        type->flags |= GRAPH_TYPE_NATIVE;
    const char *finalize = python_pointer(type->type, python.at.type_finalize);
    if ((finalize || python_pointer(type->type, python.at.type_del)) &&
        type->kind != GRAPH_GENERATOR)
        type->flags |= GRAPH_TYPE_FINALIZER;
    if (type->heap)
        type->flags |= GRAPH_TYPE_HEAP;
    labels_keep(walk, type, &labels);
    attributes_keep(walk, type);
}

static struct walked_type *type_new(struct walk *walk, const char *address) {
    struct walked_type *type = pool_take(walk, sizeof *type);
    if (!type)
        return NULL;
    type->type = address;
    type->type_flags = type_flags(address);
    type->heap = type->type_flags & TYPE_IS_HEAP;
    type->basic_size = word_at(address, python.at.type_basic_size);
    type->item_size = word_at(address, python.at.type_item_size);
    type->dict_offset = (int64_t)word_at(address, python.at.type_dict_offset);
    type->weak_list_offset = (int64_t)word_at(address, python.at.type_weak_list_offset);
    memcpy(&type->traverse, address + python.at.type_traverse, sizeof type->traverse);
    memcpy(&type->is_gc, address + python.at.type_is_gc, sizeof type->is_gc);
    take_kind(walk, type);
    type->name = type_name(walk, address);
    uint32_t object = name_object(walk, address);
    type->number = ++walk->type_count;
    graph_put_type(walk->writer, type->name, type->kind, type->flags, object);
    return type;
}

/* -- The table of types -- */

static uint32_t type_place(struct walked_type **types, uint32_t mask, const char *address) {
    uint32_t i = (uint32_t)((uintptr_t)address * 0x9e3779b97f4a7c15u >> 40) & mask;
    while (types[i] && types[i]->type != address)
        i = (i + 1) & mask;
    return i;
}

static bool types_grow(struct walk *walk) {
    uint32_t size = walk->types ? (walk->type_mask + 1) * 2 : 2048;
    struct walked_type **types = pool_take(walk, size * sizeof(struct walked_type *));
    if (!types)
        return false;
    for (uint32_t i = 0; walk->types && i <= walk->type_mask; i++)
        if (walk->types[i])
            types[type_place(types, size - 1, walk->types[i]->type)] = walk->types[i];
    walk->types = types;
    walk->type_mask = size - 1;
    return true;
}

bool type_known(const struct walk *walk, const char *address) {
    if (walk->types && walk->types[type_place(walk->types, walk->type_mask, address)])
        return true;
    return builtin_of(address);
}

const struct walked_type *type_find(struct walk *walk, const char *address) {
    if ((!walk->types || walk->type_count * 2 >= walk->type_mask) && !types_grow(walk))
        return NULL;
    uint32_t place = type_place(walk->types, walk->type_mask, address);
    if (!walk->types[place])
        walk->types[place] = type_new(walk, address);
    return walk->types[place];
}
