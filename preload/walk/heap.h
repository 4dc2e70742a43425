/* What the parts of the heap walk share.
 *
 * Glossary
 *   object      the address of a PyObject, as const char *; its number is its place in the stream
 *   named       has a number: something that was told refers to it, or the cycle collector knows it
 *   walked type what was found out about a type when its first instance was met
 *   reference   a strong reference of the object at hand, collected before its record is written
 *   large       one of the request's blocks of GRAPH_LARGE_BLOCK bytes and more
 *
 * All memory comes from the pool and is given back together.
 */
#ifndef HOLDFAST_PRELOAD_WALK_HEAP_H
#define HOLDFAST_PRELOAD_WALK_HEAP_H

#include <string.h>

#include "../python.h"
#include "walk.h"

/* tp_flags */
#define TYPE_INLINE_VALUES (1ul << 2)
#define TYPE_MANAGED_WEAKREF (1ul << 3)
#define TYPE_MANAGED_DICT (1ul << 4)
#define TYPE_IS_HEAP (1ul << 9)
#define TYPE_IS_READY (1ul << 12)
#define TYPE_HAS_GC (1ul << 14)
#define TYPE_IS_INT (1ul << 24)
#define TYPE_IS_LIST (1ul << 25)
#define TYPE_IS_TUPLE (1ul << 26)
#define TYPE_IS_BYTES (1ul << 27)
#define TYPE_IS_TEXT (1ul << 28)
#define TYPE_IS_DICT (1ul << 29)
#define TYPE_IS_EXCEPTION (1ul << 30)
#define TYPE_IS_TYPE (1ul << 31)

#define REFERENCES_MAX 65536u /* collected of one object; of more, none has a name */
#define PLACES_MAX 96u
#define KEYS_WITH_TEXT 1000u /* of one dict */

/* numpy's PyArrayObject_fields and PyArray_Descr: part of its ABI */
#define ARRAY_DATA 16u
#define ARRAY_DIMENSION_COUNT 24u
#define ARRAY_DIMENSIONS 32u
#define ARRAY_BASE 48u
#define ARRAY_DTYPE 56u
#define ARRAY_FLAGS 64u
#define ARRAY_OWNS_DATA 4
#define DTYPE_SCALAR_TYPE 16u
#define DTYPE_KIND 24u
#define DTYPE_NUMBER 28u
/* A tuple of str, or NULL. The struct of numpy 2 is larger than that of numpy 1. */
#define DTYPE_NAMES_1 56u
#define DTYPE_NAMES_2 104u
/* Behind ob_size, past the hash; and behind ob_bytes (PyBytesObject, PyByteArrayObject) */
#define BYTES_CONTENT 16u
#define BYTEARRAY_START 8u
#define CHUNK_OBJECTS 65536u
#define OBJECTS_MAX (4096u * CHUNK_OBJECTS)
#define BARREN_PIECES (1u << 16)
#define TEXT_ROOM (GRAPH_TEXT_MAX + 8) /* for text_copy */

struct pool_mapping {
    struct pool_mapping *next;
    size_t size;
};

struct pool {
    struct pool_mapping *mappings;
    char *free, *end;
    uint64_t taken, limit;
};

/* Address -> object number: numbers.c. A leaf is for 16 KiB in which there are objects. */
struct address_leaf {
    uint64_t page : 56; /* address >> 14; 0: free */
    uint64_t grain : 8; /* a place is for so many bytes: their logarithm */
    uint32_t *places;   /* 0: free */
};

#define REGION_SHIFT 26
#define REGION_BITS (1u << 16)
#define GRAINS 3u

struct address_index {
    struct address_leaf *leaves, last;  /* the last one that was found */
    uint64_t regions[REGION_BITS / 64]; /* 64 MiB each, by address: where leaves are */
    uint32_t mask, used;
    uint32_t *spare[GRAINS]; /* by grain: places that are used no more, each begins with the next */
};

/* Bits kept beside an object's address, which is a multiple of 8. */
enum object_mark {
    MARK_KEY = 1,     /* a dict's key: its text is wanted */
    MARK_RUNNING = 2, /* a frame object that is told with its thread */
    MARK_CODE = 4,    /* names or constants of code: a shallow walk, too, tells what is in it */
    MARKS = 7,
};

/* A reference that stands in the object itself, `offset` bytes from its start. */
struct label {
    uint32_t offset;
    uint32_t edge; /* text << 3 | enum graph_edge */
};

typedef int (*visit_function)(const char *object, void *context);
typedef int (*traverse_function)(const char *object, visit_function visit, void *context);

/* How an object's references are found. */
enum reading {
    READ_NOTHING,
    READ_LABELS,   /* those that labels name, and no others */
    READ_TRAVERSE, /* what tp_traverse tells; labels give the names */
};

/* A container whose items are read from its own table, before what else it refers to. */
enum container { CONTAINER_NONE, CONTAINER_LIST, CONTAINER_TUPLE, CONTAINER_DICT, CONTAINER_SET };

struct walked_type {
    const char *type;
    uint32_t number, name;
    uint8_t kind, flags, reading, container;
    bool heap, exact;       /* exact: the builtin itself, not a subclass */
    bool generator_objects; /* coroutines too */
    bool array, array_array, deque, bytes_io, descriptor;
    bool native_words; /* from native_from on, there may be memory that is no Python object's */
    bool follow;       /* and it is worth following */
    uint32_t native_from;
    unsigned long type_flags;
    uint64_t basic_size, item_size;
    traverse_function traverse, base_traverse; /* the container's own */
    int (*is_gc)(const char *object);
    int64_t dict_offset, weak_list_offset;
    uint32_t label_count, attribute_count;
    struct label *labels;
    uint32_t *attributes; /* texts of the names of inline values */
};

struct reference {
    const char *target;
    uint32_t edge; /* text << 3 | enum graph_edge */
};

struct walked_text {
    uint64_t hash; /* 0: free */
    uint32_t number;
};

struct walked_code {
    const char *code;
    uint32_t number;
};

struct buffer;
struct native_follow;
struct image;
struct r_debug;

struct walk {
    struct graph_writer *writer;
    const struct walk_request *request;
    bool cut; /* out of memory or of what may be written: nothing more is told */
    struct pool pool;
    struct address_index index;

    uint64_t *
        chunks[OBJECTS_MAX / CHUNK_OBJECTS]; /* addresses of objects, by number, with their marks */
    uint32_t named;                          /* the highest number */
    uint32_t told;                           /* the last object with a record */
    uint32_t young;                          /* numbers up to here are of the youngest generation */
    uint32_t old;    /* from there to here, of the older ones; 0: not known */
    uint32_t living; /* up to here they live for certain: lost.c */
    uint32_t sure;   /* above: found only in stack places */

    struct walked_type **types; /* open addressing, by address */
    uint32_t type_mask, type_count;

    struct walked_text *texts;                      /* open addressing */
    uint32_t text_mask, text_count, details, names; /* of the latter: objects told with a text */

    struct walked_code *codes; /* open addressing, by address */
    uint32_t code_mask, code_count;

    uint64_t edge_count;

    struct buffer *buffers; /* with content that may be another's too: copies.c */
    uint32_t buffer_count;
    bool buffers_cut; /* there was no room for any */

    struct reference *references;
    uint32_t reference_count, reference_cursor;
    uint64_t visits, visit_to; /* while traversing */
    uint64_t places[PLACES_MAX];
    uint32_t place_count;
    bool owns_first_place;
    bool unsure; /* the object at hand was found only in a stack place */

    const char *interned; /* the first interpreter's dict of interned strings */
    struct image *images; /* what is loaded, by address: static.c */
    uint32_t image_count;
    uint64_t static_budget; /* words of static memory */
    uint64_t large_low, large_high;
    uint64_t readable_pages[256], native_budget;
    struct native_follow *follow;
    uint64_t *barren; /* native memory that led to nothing, with the depth at which it was seen */
};

/* What the interpreter's libraries export, found once. */
struct interpreter_symbols {
    int (*line_of)(const char *code, int position); /* PyCode_Addr2Line */
    const char *(*type_dict)(const char *type);     /* PyType_GetDict, a new reference */
    const char *base_object;                        /* PyBaseObject_Type */
    const struct r_debug *loaded;                   /* the dynamic linker's list */
};
extern struct interpreter_symbols interpreter_symbols;

static inline uint64_t word_at(const char *object, uint32_t offset) {
    return *(const uint64_t *)(const void *)(object + offset);
}

static inline int32_t int_at(const char *object, uint32_t offset) {
    return *(const int32_t *)(const void *)(object + offset);
}

/* From 3.12 an interpreter may have a GIL of its own, and run on when the main one's is held: what
 * it is in the midst of cannot be read. */
static inline const char *first_interpreter(void) {
    return python_pointer(python.runtime, python.at.minor >= 12 ? python.at.runtime_main_interpreter
                                                                : python.at.runtime_interpreters);
}

static inline const char *next_interpreter(const char *interpreter) {
    return python.at.minor >= 12 ? NULL : python_pointer(interpreter, python.at.interpreter_next);
}

static inline const char *type_of(const char *object) {
    return python_pointer(object, python.at.type);
}

static inline unsigned long type_flags(const char *type) {
    return word_at(type, python.at.type_flags);
}

/* -- pool.c -- */

/* Zeroed; NULL, and the walk is cut, when there is no more. */
void *pool_take(struct walk *walk, size_t size);
/* For what the graph can do without: the walk goes on. */
void *pool_try(struct walk *walk, size_t size);
void pool_release(struct walk *walk);

/* -- numbers.c -- */

/* The object's number; a new one when it was not named before. 0: the walk is cut. */
uint32_t name_object(struct walk *walk, const char *object);
/* Where memory is asked for it, or NULL. */
const void *number_place(const struct walk *walk, const char *object);
/* 0 when it has none. */
uint32_t number_of(struct walk *walk, const char *object);
void mark_object(struct walk *walk, uint32_t number, enum object_mark mark);
/* An object's address can be near this one: a quick no for most that are none. */
static inline bool may_be_object(const struct walk *walk, const char *address) {
    uint32_t region = (uint32_t)((uintptr_t)address >> REGION_SHIFT) & (REGION_BITS - 1);
    return walk->index.regions[region / 64] >> region % 64 & 1;
}
/* There is an object in the same 16 KiB. */
bool near_object(struct walk *walk, const char *address);
static inline uint64_t entry_of(const struct walk *walk, uint32_t number) {
    return walk->chunks[number / CHUNK_OBJECTS][number % CHUNK_OBJECTS];
}

/* -- ahead.c -- */

/* Before the next object is told. */
void look_ahead(const struct walk *walk);
/* The object will be asked for its number. */
void name_soon(const struct walk *walk, const char *object);

/* -- stream.c -- */

/* The target of the next edge of the record at hand, which is named. Returns its number. */
uint32_t put_target(struct walk *walk, const char *target);

/* Number of a text, which is defined when it is new. Cut at GRAPH_TEXT_MAX bytes. 0: the walk is
 * cut. */
uint32_t text_number(struct walk *walk, const char *bytes, size_t length);
uint32_t text_of_string(struct walk *walk, const char *string);
/* Of a str object; 0 when it is none. */
uint32_t text_of_object(struct walk *walk, const char *object);
/* Its bytes, into TEXT_ROOM; of a longer text, some more than GRAPH_TEXT_MAX. */
size_t text_copy(char *to, const char *object);

/* -- types.c -- */

const struct walked_type *type_find(struct walk *walk, const char *type);
/* A builtin type, or one of which an instance was told. */
bool type_known(const struct walk *walk, const char *type);
/* The text of its name: "numpy.ndarray"; builtins without their module. */
uint32_t type_name(struct walk *walk, const char *type);

/* -- tables.c -- */

struct dict_table {
    const char *entries;
    const char *const *values; /* of a split table, else NULL */
    uint64_t count;            /* entries, empty ones too */
    uint32_t stride, key; /* bytes from one entry to the next, and to its key; then the value */
    bool embedded;        /* its values stand in an instance */
};

void dict_open(const char *dict, struct dict_table *table);
void keys_open(const char *keys, struct dict_table *table);
/* Next entry from *position on that has a value. */
bool dict_next(const struct dict_table *table, uint64_t *position, const char **key,
               const char **value);
/* What may have been a dict, and may have been freed, is one that shares its keys with no other. */
bool dict_plausible(struct walk *walk, const char *dict);
/* It is a dict of interned strings, each of which is its own value. */
bool dict_is_interned(struct walk *walk, const char *object);
/* The value under a key that is this text. NULL: none. */
const char *dict_get(const char *dict, const char *key);
uint64_t keys_size(const char *keys);
/* Values that a table of shared keys has room for. */
uint64_t keys_capacity(const char *keys);

/* Inline values of an instance: NULL when it has none. */
const char *const *inline_values(const struct walked_type *type, const char *object,
                                 uint64_t *count);
/* The dict of an instance, wherever its type keeps it. */
const char *instance_dict(const struct walked_type *type, const char *object);

/* -- references.c -- */

/* Collects the references that are not a container's items. */
void references_collect(struct walk *walk, const struct walked_type *type, const char *object);
/* How many references a traverse function tells. */
uint64_t count_visits(struct walk *walk, traverse_function traverse, const char *object);
void references_add(struct walk *walk, const char *target, uint32_t edge);

/* -- describe.c -- */

bool object_tracked(const struct walked_type *type, const char *object);
uint64_t object_count(const char *object); /* references; 0: immortal */
/* Own bytes; sets the walk's places. */
uint64_t object_measure(struct walk *walk, const struct walked_type *type, const char *object);
/* A text, or 0. */
uint32_t object_detail(struct walk *walk, const struct walked_type *type, const char *object,
                       uint64_t marks);

bool text_is_interned(const char *object);

/* References in an ndarray's own memory. */
uint64_t array_object_count(const char *object);

bool array_owns(const char *object);
uint64_t array_bytes(const char *object); /* 0: not known */

/* -- memory.c -- */

bool memory_readable(struct walk *walk, const void *address, size_t size);
/* It looks like an object whose type is a type, so that it can be told. */
bool object_plausible(struct walk *walk, const char *object);
/* The same of an address that may mean nothing, once all objects are known. */
bool object_plausible_now(struct walk *walk, const char *object);
bool large_contains(const struct walk *walk, uint64_t address);
/* All of it is in one large block. */
bool large_holds(const struct walk *walk, uint64_t address, uint64_t size);
void place_add(struct walk *walk, uint64_t address);
/* Large blocks that the object's native part leads to become places. */
void places_native(struct walk *walk, const struct walked_type *type, const char *object);

/* -- object.c -- */

/* Writes the records of all objects that are named and not told yet. */
void objects_tell(struct walk *walk);

/* -- threads.c -- */

/* Names what the frames of all threads refer to. */
void threads_name(struct walk *walk);
void threads_tell(struct walk *walk);
/* The interpreter has one thread, this one, and there is no other interpreter. */
bool threads_alone(void);
/* The frame that belongs to a generator or frame object, if it does not run. */
void frame_of_object_tell(struct walk *walk, const struct walked_type *type, const char *object);

/* -- roots.c -- */

/* What interpreters hold under names. */
void roots_tell(struct walk *walk);
/* `name`: a text. */
void root_tell(struct walk *walk, enum graph_root kind, uint32_t name, const char *object);

/* -- lost.c -- */

/* Names what modules have taken, once all that is known to live otherwise has been told. */
void lost_name(struct walk *walk);
/* What of references is lost, and what modules have taken; the last of all. */
void lost_tell(struct walk *walk);

/* -- copies.c -- */

/* Keeps in mind the content of the object at hand, if it is a buffer that is looked at. */
void copies_note(struct walk *walk, const struct walked_type *type, const char *object,
                 uint32_t number);
/* Which buffers are copies of others. */
void copies_tell(struct walk *walk);

/* -- static.c -- */

/* What static memory points to, once all that is reached otherwise has been told. */
void static_roots_tell(struct walk *walk);

#endif
