/* The heap graph of one snapshot: which object refers to which, as a stream of bytes.
 *
 * A snapshot's walker (preload/walk/) writes it; the collector keeps the bytes as they are; a
 * viewer reads them with graph_reader. docs/heap-graph.md says the same for other readers.
 *
 * The stream is a sequence of records: a byte (enum graph_record), then varints (LEB128, below
 * 2^63; "signed" ones are zigzag coded) and counted bytes. It begins with BEGIN and ends with END;
 * without END it is incomplete, and what is there still holds.
 *
 * Texts, types, objects, codes, threads and frames are each numbered from 1 in the order of their
 * records; 0 is none. Texts, types and codes are defined before they are used; objects may be named
 * before their record comes. A number above the count at the stream's end (an incomplete one) is an
 * object of which nothing is known.
 *
 * Edges. Every strong reference that an object holds is told exactly once, so that references found
 * can be compared with reference counts: what is missing is held by native code. Names of shared
 * (split) dict keys are the exception; only edges to str objects can be told too often.
 */
#ifndef HOLDFAST_WIRE_GRAPH_H
#define HOLDFAST_WIRE_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GRAPH_VERSION 1u
#define GRAPH_TEXT_MAX 200u        /* bytes; longer ones are cut and end in "..." */
#define GRAPH_CODE_MAX (1u << 20)  /* bytes of instructions; a longer code is told without them */
#define GRAPH_SLOTS_MAX (1u << 16) /* locals, or stack places, of a frame */
#define GRAPH_STREAM_MAX (1ull << 30)

enum graph_record {
    GRAPH_BEGIN = 1, /* GRAPH_VERSION, Python's minor version, flags (enum graph_flags) */
    GRAPH_TEXT = 2,  /* length, bytes */
    /* name text (as "numpy.ndarray"; builtins without their module), kind (enum graph_kind), flags
     * (enum graph_type_flags), number of the type object (0: not walked) */
    GRAPH_TYPE = 3,
    /* address / 8 as signed difference from the last object's; type; reference count (0: immortal,
     * never freed); own bytes: the object and the small tables that belong to it alone, but no
     * block of GRAPH_LARGE_BLOCK bytes and more, which the places stand for; object flags; detail
     * text; number of places, each: address / 8 as signed difference from the object's, of memory
     * at or in a large block, or that may be: what a word of the object points to, or a word of
     * native memory that it leads to; the object's own address when it lies in such a block
     * itself; number of edges, each an edge. */
    GRAPH_OBJECT = 4,
    /* object number; name text; qualified name text (0: as name); file text; first line; co_flags;
     * arguments (all kinds, with *args and **kwargs); stack size; instructions: count of bytes,
     * bytes as in memory (may be specialised; 0: too long); exception table: count, bytes; fast
     * locals: count, each: name text, kind (enum graph_local); names used (co_names): count,
     * each a text; line of each instruction is not told: see FRAME. */
    GRAPH_CODE = 5,
    /* thread (0: it belongs to an object), depth in its thread (0 is the innermost), owner: object
     * number of the generator, coroutine or frame object that it belongs to (0 none), code,
     * position (signed; bytes from the code's start of the instruction that is being executed, the
     * CALL itself in a suspended caller; GRAPH_NOT_BEGUN before the first one), line (0 unknown),
     * saved stack depth + 1 (0: not known), function object (0 none), f_locals object (0 none: only
     * module and class frames), locals: count, each: object number << 1 | borrowed; stack: the
     * same. Its code, function, f_locals and locals are strong references of the frame, unless
     * borrowed (from 3.14); its owner's record does not tell them again. Places on the stack beyond
     * its depth at the position hold what was there before, and mean nothing; so does every object
     * that only they refer to (GRAPH_OBJECT_UNSURE). A frame that was read while it was being set
     * up has no locals. */
    GRAPH_FRAME = 6,
    /* identifier (as threading.get_ident), native id (0 unknown), flags (1: the one that took the
     * snapshot), name text (0 unknown), edges: count, each an edge (fields: "exc_info", "exception"
     * (being raised), "context", "dict", "trace", "profile", "async_exc"; and "frame", the
     * reference by which a frame that runs keeps its own frame object). Frames of a thread follow
     * it, innermost first. */
    GRAPH_THREAD = 7,
    /* kind (enum graph_root), name text, object: what the interpreter itself holds. */
    GRAPH_ROOT = 8,
    /* objects, edges, ns of the walk, bytes of memory that the copy took for itself */
    GRAPH_STATS = 9,
    GRAPH_END = 10,
};

#define GRAPH_LARGE_BLOCK (128u << 10)
#define GRAPH_NOT_BEGUN (-2)

enum graph_flags {
    GRAPH_SHALLOW = 1,       /* only this thread's frames (or all threads'), and what their locals
                                refer to directly: no edges but of a thread to its trace and profile
                                functions; an object with weak references counts one more */
    GRAPH_FREE_THREADED = 2, /* other threads went on meanwhile: reference counts are not
                                comparable, and what others do with frames is not known */
};

enum graph_kind {
    GRAPH_OTHER,
    GRAPH_DICT,
    GRAPH_LIST,
    GRAPH_TUPLE,
    GRAPH_SET, /* frozenset too */
    GRAPH_STR,
    GRAPH_BYTES,
    GRAPH_BYTEARRAY,
    GRAPH_NUMBER, /* int, float, complex, bool */
    GRAPH_FUNCTION,
    GRAPH_METHOD,
    GRAPH_BUILTIN,
    GRAPH_CELL,
    GRAPH_MODULE,
    GRAPH_TYPE_OBJECT,
    GRAPH_CODE_OBJECT,
    GRAPH_FRAME_OBJECT,
    GRAPH_TRACEBACK,
    GRAPH_EXCEPTION,
    GRAPH_GENERATOR, /* coroutine and asynchronous generator too: see the type's name */
    GRAPH_NDARRAY,
    GRAPH_MEMORYVIEW,
    GRAPH_WEAKREF,
    GRAPH_KIND_COUNT
};
/* Subclasses have the kind of their base where the layout is the same. */

enum graph_type_flags {
    GRAPH_TYPE_FINALIZER = 1, /* __del__, written in Python or C */
    GRAPH_TYPE_NATIVE = 2,    /* may hold references that tp_traverse does not tell (no traverse
                                 function, and not one of the builtin kinds) */
};

enum graph_object_flags {
    GRAPH_OBJECT_TRACKED = 1, /* the cycle collector knows it */
    GRAPH_OBJECT_UNSURE = 2,  /* found only in a stack place that may mean nothing */
    GRAPH_OBJECT_UNREAD = 4,  /* its edges were not read: the walk was cut short */
    GRAPH_OBJECT_OWNS = 8,    /* its first place is memory that dies with it (bytes, bytearray,
                                 ndarray with OWNDATA, list, dict, set, array.array, deque) */
    GRAPH_OBJECT_OLD = 16,    /* tracked, and not in the youngest generation */
};

/* An edge is a varint target << 3 | enum graph_edge, then for FIELD and ATTRIBUTE a text number.
 * Target: 0 none (an empty place in a tuple or list; nothing follows), 1 the object whose number is
 * one above the highest so far, otherwise 2 + the object's number as signed (zigzag) difference
 * from this record's own (from 0 in a THREAD). Highest so far: of the OBJECT records begun (this
 * one too) and of the edges' targets; other records' numbers do not count. */
enum graph_edge {
    EDGE_OTHER = 0,     /* something that the object refers to */
    EDGE_ITEM = 1,      /* list, tuple: items in order */
    EDGE_KEY = 2,       /* dict: a key; the next edge is its value */
    EDGE_VALUE = 3,     /* dict */
    EDGE_FIELD = 4,     /* a C field by its Python name: __closure__, tb_frame, base ... */
    EDGE_ATTRIBUTE = 5, /* an instance attribute or slot */
    EDGE_TYPE = 6,      /* the object's type, when the reference is counted */
    EDGE_WEAK = 7,      /* what a weak reference refers to: not counted */
};

/* Kinds of fast locals, as CPython's co_localspluskinds. */
enum graph_local { GRAPH_LOCAL = 0x20, GRAPH_CELL_VARIABLE = 0x40, GRAPH_FREE_VARIABLE = 0x80 };

enum graph_root {
    GRAPH_ROOT_MODULES = 1, /* sys.modules */
    GRAPH_ROOT_SYS,         /* the sys module's dict */
    GRAPH_ROOT_BUILTINS,
    GRAPH_ROOT_INTERPRETER, /* other things that an interpreter state holds; named */
    GRAPH_ROOT_INTERNED,    /* the dict of interned strings, which has no edges */
    GRAPH_ROOT_STATIC,      /* a static type */
};

static inline uint64_t graph_zigzag(int64_t value) {
    return (uint64_t)value << 1 ^ (uint64_t)(value >> 63);
}

static inline int64_t graph_unzigzag(uint64_t value) {
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

/* -- Reading (graph.c) --------------------------------------------------------------------------
 */

struct graph_edge_record {
    uint32_t target; /* object number, 0 none */
    uint32_t text;   /* FIELD, ATTRIBUTE */
    uint8_t kind;    /* enum graph_edge */
};

struct graph_place {
    uint64_t address;
};

struct graph_object {
    uint64_t address;
    uint64_t size;   /* own bytes */
    uint32_t type;   /* 0: no record */
    uint32_t detail; /* text */
    uint64_t references;
    uint32_t flags;
    uint32_t first_edge, edge_count;
    uint32_t first_place, place_count;
};

struct graph_type {
    uint32_t name, kind, flags, object;
};

struct graph_code {
    uint32_t object, name, qualified_name, file;
    uint32_t first_line, flags, argument_count, stack_size;
    const uint8_t *instructions;
    uint32_t instruction_bytes;
    const uint8_t *exception_table;
    uint32_t exception_table_bytes;
    uint32_t *local_names; /* texts */
    uint8_t *local_kinds;
    uint32_t local_count;
    uint32_t *names;
    uint32_t name_count;
};

struct graph_stack_place {
    uint32_t object;
    bool borrowed;
};

struct graph_frame {
    uint32_t thread, depth, owner, code;
    int32_t position;
    uint32_t line;
    int32_t saved_depth; /* -1 unknown */
    uint32_t function, locals_object;
    struct graph_stack_place *locals;
    uint32_t local_count;
    struct graph_stack_place *stack;
    uint32_t stack_count;
};

struct graph_thread {
    uint64_t identifier, native_id;
    uint32_t flags, name;
    uint32_t first_edge, edge_count;
};

struct graph_root_record {
    uint32_t kind, name, object;
};

struct graph_stats {
    uint64_t objects, edges, walk_ns, memory;
};

/* A whole stream, checked: all texts, types and codes that are referred to exist, and every object
 * number is below object_count. All objects without a record are one, the last, which has type 0.
 * Entry 0 of each array is none. Texts are valid UTF-8. */
struct graph {
    uint32_t python_minor, flags;
    bool complete; /* END was there */
    char **texts;
    uint32_t text_count;
    struct graph_type *types;
    uint32_t type_count;
    struct graph_object *objects;
    uint32_t object_count;
    struct graph_edge_record *edges;
    uint32_t edge_count;
    struct graph_place *places;
    uint32_t place_count;
    struct graph_code *codes;
    uint32_t code_count;
    struct graph_frame *frames;
    uint32_t frame_count;
    struct graph_thread *threads;
    uint32_t thread_count;
    struct graph_root_record *roots;
    uint32_t root_count;
    struct graph_stats stats;
};

/* Counts include entry 0: valid numbers are below them. NULL with a reason in `why` (of `size`
 * bytes) when the stream is damaged or memory ran out; a stream that merely ends early is read up
 * to its last whole record. `bytes` must outlive the graph. */
struct graph *graph_read(const uint8_t *bytes, size_t size, char *why, size_t why_size);
void graph_free(struct graph *graph);

#endif
