/* The heap graph of one snapshot: which object refers to which, as a stream of bytes.
 *
 * A snapshot's walker (preload/walk/) writes it with graph_write.h; the collector keeps the bytes,
 * and puts those of one column together (graph_columns.h); a viewer reads them with graph_read.
 * docs/heap-graph.md has the encoding, for other readers too.
 *
 * Glossary
 *   column   numbers of one meaning, or bytes, one after the other: what is alike packs well when
 *            it stands together. Numbers are varints (LEB128, below 2^63); "signed" ones are zigzag
 *            coded.
 *   record   an object or a frame. Its parts are in several columns.
 *   shape    what a record has in common with others: type, flags, kinds and names of its edges.
 *            Told once, then named by its number.
 *   slot     an edge of a shape; it remembers what it referred to the last time.
 *
 * Texts, types, objects, codes, threads and frames are each numbered from 1 in the order in which
 * they are told; 0 is none. Objects may be named before they are told. A number above those that
 * were told (in a stream that was cut short) is an object of which nothing is known.
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

#define GRAPH_VERSION 2u
#define GRAPH_TEXT_MAX 200u          /* bytes; longer ones are cut and end in "..." */
#define GRAPH_CODE_MAX (1u << 20)    /* bytes of instructions; a longer code is told without them */
#define GRAPH_SLOTS_MAX (1u << 16)   /* locals, or stack places, of a frame */
#define GRAPH_BYTES_MAX (1ull << 62) /* of all objects, and of a process's addresses */
#define GRAPH_STREAM_MAX (1ull << 30)

/* The stream: BEGIN, then pieces of columns, STATS, END. Each is a number, the kind, and its
 * fields. Without END the stream is incomplete, and what is there still holds. A column is all of
 * its pieces, in order. */
enum graph_part {
    GRAPH_BEGIN = 1, /* GRAPH_VERSION, Python's minor version, flags (enum graph_flags) */
    GRAPH_PIECE = 2, /* enum graph_column, number of bytes, the bytes */
    /* objects, edges, ns of the walk, bytes of memory that the copy took for itself */
    GRAPH_STATS = 9,
    GRAPH_END = 10,
};

/* In the order in which their pieces are written: what is referred to by number comes first. */
enum graph_column {
    GRAPH_TEXT_SIZES, /* of each text, in bytes */
    GRAPH_TEXTS,      /* their bytes */
    /* Each: name text (as "numpy.ndarray"; builtins without their module), kind (enum graph_kind),
     * flags (enum graph_type_flags), number of the type object (0: not walked). */
    GRAPH_TYPES,
    /* Each: object; name text; qualified name text (0: as name); file text; first line; co_flags;
     * arguments (all kinds, with *args and **kwargs); stack size; instructions: count of bytes,
     * bytes as in memory (may be specialised; 0: too long); exception table: count, bytes; fast
     * locals: count, each: name text, kind (enum graph_local); names used (co_names): count, each a
     * text. Lines of instructions are not told: see enum graph_shape_word. */
    GRAPH_CODES,
    /* Each: identifier (as threading.get_ident), native id (0 unknown), flags (1: the one that took
     * the snapshot), name text (0 unknown), edges: count, each text << 3 | enum graph_edge, object.
     * All are fields: "exc_info", "exception" (being raised), "context", "dict", "trace",
     * "profile", "async_exc"; and "frame", the reference by which a frame that runs keeps its own
     * frame object. */
    GRAPH_THREADS,
    /* Each: kind (enum graph_root), name text, object: what the interpreter itself holds. */
    GRAPH_ROOTS,
    /* Each: number of words, words (enum graph_shape_word). Numbered from 0. */
    GRAPH_SHAPES,

    GRAPH_RECORDS, /* of each object and frame, its shape */
    /* As its shape asks for them. An object's: of each edge with GRAPH_MANY how many there are; of
     * places how many there are. A running frame's: its thread, and its depth (0 is the innermost),
     * signed, from that of the frame before it + 1 if that was the same thread's, or from 0. */
    GRAPH_COUNTS,
    GRAPH_REFERENCES, /* of each object, its reference count; 0: immortal, never freed */
    /* Of each object, its own bytes + 1, or 0: as the last object of that shape, first count and
     * length of its detail (graph_size_context). The object and the small tables that belong to it
     * alone, but no block of GRAPH_LARGE_BLOCK bytes and more, which the places stand for. */
    GRAPH_SIZES,
    GRAPH_DETAILS, /* of objects that have one: text, signed, from the one after the last such */
    /* Addresses / 8, signed, from the last such: memory at or in a large block, or that may be:
     * what a word of the object points to, or a word of native memory that it leads to; the
     * object's own address when it lies in such a block itself. */
    GRAPH_PLACES,
    GRAPH_ITEMS,     /* targets of edges with GRAPH_MANY: bytes, enum graph_target */
    GRAPH_FIELDS,    /* all others' */
    GRAPH_BITS,      /* what targets need besides: see graph_guess.h */
    GRAPH_LOW_BITS,  /* the same */
    GRAPH_ADDRESSES, /* with GRAPH_HAS_ADDRESSES: of each object, / 8, signed, from the last one's
                      */
    /* With --refs (docs/references.md) */
    GRAPH_LOST,     /* of some objects, by rising number: it, and how many references to it are
                       more than there are words in memory with its address */
    GRAPH_TAKES,    /* object, text of a module's path, number of the stack, references that it has
                       taken there or later by calls, and has not given back so */
    GRAPH_BALANCES, /* text of a module's path, text of a type's name; references taken and given
                       back by calls, and not given back when the object ended */
    /* Once: 1 if all memory was looked through; loaded modules that import from the interpreter, of
     * these those whose takes are seen, takes that were not kept in mind; 1 if deaths of objects
     * were seen also where their memory is kept. */
    GRAPH_SEEN,
    /* Buffers with the content of others: object; object that has the same content; 0 if it is all
     * of that one's content, else 1 + the offset in it; bytes. Each object is told once at
     * most; those with the same content name the same one. Object 0: a bound ended the search. */
    GRAPH_COPIES,
    GRAPH_COLUMNS
};

/* Word 0 says what the others are. */
enum graph_shape_word {
    GRAPH_IS_FRAME = 1,
    /* Objects; then: type; flags (enum graph_object_flags); edges, each
     * (text << 3 | enum graph_edge) << 1 | GRAPH_MANY. */
    GRAPH_HAS_DETAIL = 2,
    GRAPH_HAS_PLACES = 4,
    /* Frames; then: code; position (signed; bytes from the code's start of the instruction that is
     * being executed, the CALL itself in a suspended caller; GRAPH_NOT_BEGUN before the first one);
     * line (0 unknown); saved stack depth + 1 (0: not known); number of locals; then for each local
     * and each place on the stack 1 if it is borrowed, else 0.
     *
     * Only a frame that runs (GRAPH_RUNS) has a thread. Targets: the owner, which is the generator,
     * coroutine or frame object that it belongs to (0 none); function object (0 none); f_locals
     * object (0 none: only module and class frames); locals; stack. Its code, function, f_locals
     * and locals are strong references of the frame, unless borrowed (from 3.14); its owner does
     * not tell them again. Places on the stack beyond its depth at the position hold what was there
     * before, and mean nothing; so does every object that only they refer to (GRAPH_OBJECT_UNSURE).
     * A frame that was read while it was being set up has no locals. */
    GRAPH_RUNS = 2,
};

#define GRAPH_MANY                                                                                 \
    1u /* how many there are stands in GRAPH_COUNTS; of a KEY: pairs with a VALUE                  \
        */

#define GRAPH_LARGE_BLOCK (128u << 10)
#define GRAPH_NOT_BEGUN (-2)

enum graph_flags {
    GRAPH_SHALLOW = 1,       /* only this thread's frames (or all threads'), and what their locals
                                refer to directly: no edges but of a thread to its trace and profile
                                functions; an object with weak references counts one more */
    GRAPH_FREE_THREADED = 2, /* other threads went on meanwhile: reference counts are not
                                comparable, and what others do with frames is not known */
    GRAPH_HAS_ADDRESSES = 4, /* for tests: nothing else needs to know where objects are */
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
    GRAPH_TYPE_HEAP = 4,      /* made while the program ran, by a class statement or the like */
};

enum graph_object_flags {
    GRAPH_OBJECT_TRACKED = 1, /* the cycle collector knows it */
    GRAPH_OBJECT_UNSURE = 2,  /* found only in a stack place that may mean nothing */
    GRAPH_OBJECT_UNREAD = 4,  /* its edges were not read: the walk was cut short */
    GRAPH_OBJECT_OWNS = 8,    /* its first place is memory that dies with it (bytes, bytearray,
                                 ndarray with OWNDATA, list, dict, set, array.array, deque) */
    GRAPH_OBJECT_OLD = 16,    /* tracked, and not in the youngest generation */
};

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
    GRAPH_ROOT_INTERNED,    /* the dict of interned strings: edges to those that are never freed */
    /* A static type, by its name; or what a word of the static memory of a file points to, by the
     * file's name ("interpreter": the interpreter's, and its state). Such a word may be a
     * reference, or borrowed, or left over: one for each. */
    GRAPH_ROOT_STATIC,
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

struct graph_lost {
    uint32_t object;
    uint64_t references;
};

struct graph_take {
    uint32_t object, module, taker; /* module: a text */
    uint64_t references;
};

struct graph_balance {
    uint32_t module, type; /* texts */
    uint64_t taken, given, ended;
};

struct graph_copy {
    uint32_t object, of;
    bool part;
    uint64_t offset, bytes;
};

struct graph_seen {
    bool told, whole; /* whole: all memory was looked through */
    bool deaths;      /* also of objects whose memory the interpreter keeps */
    uint64_t modules, calling, left_out;
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
    struct graph_lost *lost;
    uint32_t lost_count;
    struct graph_take *takes;
    uint32_t take_count;
    struct graph_balance *balances;
    uint32_t balance_count;
    struct graph_seen seen;
    struct graph_copy *copies;
    uint32_t copy_count;
    bool copies_cut; /* there may be more */
    struct graph_stats stats;
};

/* Counts include entry 0: valid numbers are below them. NULL with a reason in `why` (of `size`
 * bytes) when the stream is damaged or memory ran out; a stream that merely ends early is read up
 * to its last whole record. `bytes` must outlive the graph. */
struct graph *graph_read(const uint8_t *bytes, size_t size, char *why, size_t why_size);
void graph_free(struct graph *graph);

/* Gives back all that there is of each object, which is nearly all: texts, types, balances,
 * counts, what was seen and the flags stay. */
void graph_shed(struct graph *graph);

#endif
