/* A profile in memory, and the two functions that put it into a file and read it back.
 *
 * The collector fills a struct profile and writes it; the viewer reads it. docs/profile-format.md
 * describes the file so that someone else could write a reader. Everything in a profile that was
 * read has been checked: every index is in bounds, every parent precedes its child, every string is
 * NUL-terminated valid UTF-8, so that readers need no checks of their own.
 */
#ifndef HOLDFAST_WIRE_PROFILE_H
#define HOLDFAST_WIRE_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define PROFILE_VERSION 2u

/* Index into profile.strings; 0 is the empty string. */
typedef uint32_t string_id;

struct profile_function {
    string_id name; /* code object's co_name */
    string_id file; /* its co_filename, as the interpreter has it */
    uint32_t first_line;
    string_id module; /* native code: the path of the file that it is in; empty: Python */
    string_id id;     /* of that file's build, in hexadecimal, empty when it has none */
    uint32_t flags;   /* enum profile_function_flags */
};

enum profile_function_flags {
    FUNCTION_INLINED = 1, /* native code that the compiler has put into its caller's */
};

/* A stack is a path from a thread node (parent 0, function 0) down to a frame. Entry 0 of the array
 * is the empty stack. Nodes are distinct by (parent, function, line). */
struct profile_node {
    uint32_t parent;
    uint32_t function; /* 0: a thread node, named by `thread` */
    uint32_t line;     /* 0: unknown */
    string_id thread;  /* thread nodes: the thread's name */
};

enum profile_kind { PROFILE_HEAP = 0, PROFILE_PYTHON = 1, PROFILE_MAPPED = 2 };

/* What one stack allocated with one family of functions, in one process. Bytes are requested sizes
 * for heap and python, whole pages for mapped. */
struct profile_site {
    uint32_t process; /* index into profile.processes */
    uint32_t node;
    uint32_t kind;                      /* enum profile_kind */
    uint64_t peak_bytes, peak_blocks;   /* live at the process's own peak */
    uint64_t tree_bytes, tree_blocks;   /* live at the peak of the tree */
    uint64_t end_bytes, end_blocks;     /* live when the process ended */
    uint64_t total_bytes, total_blocks; /* ever allocated */
};

enum profile_process_flags {
    PROCESS_PYTHON = 1,    /* an interpreter was found */
    PROCESS_NO_STACKS = 2, /* ... of a version whose frames cannot be read */
    PROCESS_RUNNING = 4,   /* still running when the profile was written */
    PROCESS_DAMAGED =
        8, /* its ring held something that does not decode; later events are missing */
    PROCESS_HAS_STATUS = 16,  /* exit_status or exit_signal is known */
    PROCESS_COLLECTIONS = 32, /* the cycle collector's runs were counted */
    PROCESS_REFS = 64, /* calls that take and give back references were to be counted (--refs) */
    PROCESS_LIFETIMES = 128, /* how long blocks lived (--lifetimes) */
    PROCESS_DRAG = 256,      /* when big blocks were touched was looked at (--drag) */
    PROCESS_COUNTED = 512,   /* references were counted, to the end of what was recorded (--refs) */
};

/* How the version of a free-threaded interpreter ends. */
#define PROFILE_FREE_THREADING " free-threading"

/* In these words warnings say that allocations are missing in the figures. */
#define PROFILE_NOT_FOLLOWED "could not be followed"
#define PROFILE_NOT_IN_HERE "those that came later are not in here"
#define PROFILE_REGIONS_LEFT_OUT "was in regions that are left out"
#define PROFILE_NO_LOOKS "nobody knows when blocks were touched"
#define PROFILE_STACKS_CUT "too many different stacks"
#define PROFILE_MORE_THREADS "has more threads than can be followed"

/* One process image: an exec ends one and starts the next. */
struct profile_process {
    uint32_t pid, ppid;
    uint32_t parent; /* index of the process that forked or spawned it, or of the image before exec;
                        its own index when unknown */
    uint32_t flags;
    string_id python;   /* "3.12.1", "3.13.5 free-threading"; empty when not Python */
    string_id *command; /* argv */
    uint32_t command_count;
    int32_t exit_status, exit_signal; /* signal 0: none */
    uint64_t start_ns, end_ns;        /* since the session's start */
    uint64_t peak_bytes, peak_ns;
    uint64_t peak_rss_bytes; /* resident memory sampled at the peak, 0 when it never was */
    uint64_t max_rss_bytes;
    uint64_t tree_bytes; /* live at the peak of the tree */
    uint64_t end_bytes;
    /* Not part of the peak; each is the highest value seen. */
    uint64_t arena_bytes, reserved_bytes, file_bytes, shared_bytes;
    uint64_t allocations, frees; /* events of blocks and mappings; a reallocation counts in both */
    uint64_t events;             /* all records */
    uint64_t wait_ns, waits;     /* the program waited for the collector */
    uint64_t dropped, truncated; /* see struct region */
    uint64_t snapshots, snapshot_ns; /* taken, and for how long the program stood still for them */
    uint64_t rest_bytes;             /* see struct profile_moment */
    /* Of the cycle collector, by its oldest generation, and for how long the program stood still.
     */
    uint64_t young_collections, middle_collections, old_collections;
    uint64_t collection_ns, longest_collection_ns;
    /* What was resident when that was looked at near the peak, and of what kind; then: bytes that
     * were live, and of Python's arenas. resident_bytes 0: it was not. */
    uint64_t resident_bytes, resident_live, resident_arenas;
    uint64_t resident_files, resident_shared, resident_stacks, resident_data;
    /* Looks at which memory was touched, their mean distance, and what they took; and big blocks
     * that were too many to be followed. */
    uint64_t looks, look_pace_ns, look_ns, drag_left_out;
    /* With PROCESS_COUNTED: modules that import from the interpreter; of these, those whose calls
     * were seen; and takes that were not kept in mind. */
    uint64_t count_modules, count_calling, count_left_out;
};

/* A stretch of time that ends at `time_ns`: the highest total in it, and the last resident size
 * seen in it. */
struct profile_point {
    uint64_t time_ns;
    uint64_t bytes;
    uint64_t rss_bytes;
};

struct profile_timeline {
    uint32_t process; /* index, or PROFILE_TREE */
    uint32_t point_count;
    struct profile_point *points;
};
#define PROFILE_TREE 0xffffffffu

enum profile_snapshot_reason {
    SNAPSHOT_PEAK = 1, /* the heap was about to grow by a step */
    SNAPSHOT_CEILING,  /* the first moment above --ceiling */
    SNAPSHOT_REQUEST,  /* holdfast snapshot PID; or named "end": see below */
    SNAPSHOT_AT_END,   /* in an event alone: with --refs, as the interpreter began to end */
};

enum profile_snapshot_flags {
    SNAPSHOT_COMPLETE = 1,   /* the walk came to its end */
    SNAPSHOT_IS_SHALLOW = 2, /* locals only: no copy could be made */
    SNAPSHOT_IS_LAST = 4,    /* with --refs, as the interpreter began to end */
};

/* A whole heap of less than this part of what was live as locals were seen says too little of that:
 * it is neither kept nor told beside them. */
#define SNAPSHOT_BESIDE_PART 4u

/* The heap's references at one moment of a process, just before an allocation. Snapshots are in the
 * order of their processes; of one process, the one that explains its peak best comes first. */
struct profile_snapshot {
    uint32_t process;
    uint32_t reason; /* enum profile_snapshot_reason */
    uint32_t flags;
    string_id name; /* SNAPSHOT_REQUEST: as the user called it; else empty */
    uint64_t time_ns;
    uint64_t bytes;         /* live then, without the allocation that was about to be made */
    uint64_t pending_bytes; /* of that allocation, at most what the peak has room for */
    uint32_t pending_node;  /* its stack */
    uint32_t block_count;   /* of profile.blocks, which follow those of the snapshot before */
    uint64_t first_moment;  /* the one that began with it; see struct profile_block */
    uint64_t pause_ns;      /* the program stood still */
    uint64_t walk_ns;       /* the copy worked */
    uint64_t copy_bytes;    /* memory that the copy took for itself */
};

/* A live block of GRAPH_LARGE_BLOCK bytes or more at a snapshot, counted mappings too; by rising
 * address, and disjoint. Moments number the intervals between the process's large allocations and
 * frees, and snapshots. A mapping that a part was taken from is a new block from then on, as old as
 * it was. */
struct profile_block {
    uint64_t address, size;
    uint32_t node, kind;
    uint64_t birth;   /* the first moment at which it was live */
    uint64_t death;   /* the first moment at which it was no longer; 0: it lived to the end */
    uint64_t idle_ns; /* of big ones, with --drag: not touched for so long; 0: not known */
};

/* The highest live bytes of a process during one moment. A moment that is left out was no higher
 * than the next one before it that is not, and had the same of all snapshots' blocks alive; or it
 * was no higher than profile_process.rest_bytes. */
struct profile_moment {
    uint32_t process;
    uint64_t number; /* rising */
    uint64_t bytes;
};

/* A heap graph, as wire/graph.h describes it; one for each snapshot, in order, empty when none
 * arrived. */
struct profile_graph {
    uint8_t *bytes;
    size_t size;
    bool is_mapped; /* whole pages of a file, shared: they need not stay resident */
};

/* What the life of a big block is divided into; collector/drag.h says how. */
enum profile_phase {
    PHASE_LAG,    /* until it was touched for the first time */
    PHASE_USE,    /* until it was for the last time */
    PHASE_DRAG,   /* until its end */
    PHASE_VOID,   /* of one that no look found touched, until the last of them */
    PHASE_UNSEEN, /* the rest of its life, and all of the life of one that nobody knows of */
    PROFILE_PHASES
};

enum profile_region_flags {
    REGION_ALL_THREADS = 1, /* what every thread allocates counts, not only the one that began it */
};

#define PROFILE_REGION_DEPTH 64u /* regions inside each other */

/* What a program called a region (`with holdfast.region("load"):`): all times that it went through
 * it inside the same other regions, and of these the one that had the highest peak in detail. Its
 * own bytes are those allocated in it, by its thread. */
struct profile_region {
    uint32_t process;
    uint32_t
        parent; /* region + 1 of the same process that it was inside of, 0 none; comes before */
    string_id name;
    string_id thread;    /* empty with REGION_ALL_THREADS */
    uint32_t flags;      /* enum profile_region_flags */
    uint32_t site_count; /* of profile.region_sites, which follow those of the region before */
    uint64_t count;
    uint64_t unclosed;            /* of those, had no end when the process ended */
    uint64_t all_kept_bytes;      /* kept_bytes of all of them */
    uint64_t begin_ns, end_ns;    /* from here on, of the one with the highest peak */
    uint64_t peak_bytes, peak_ns; /* its own */
    uint64_t kept_bytes;          /* its own, still live at its end */
    uint64_t process_begin_bytes, process_peak_bytes, process_end_bytes; /* the process's, then */
    /* The snapshot that explains its own peak best, + 1; 0: there is none near it. It may be of
     * another time that the program went through it. */
    uint32_t snapshot;
    uint64_t snapshot_bytes; /* its own bytes in that, the pending ones included */
    uint64_t begin_moment;   /* its begin then: blocks born in it or later may be its own */
    uint64_t made_bytes;     /* allocated in the one with the highest peak; and in all of them */
    uint64_t all_made_bytes;
    /* Native blocks (PROFILE_HEAP) of all of them: still live at their ends, and when the process
     * ended. */
    uint64_t all_native_bytes, exit_native_bytes, exit_native_blocks;
    /* With --drag, of all of them: of the big blocks allocated in it, while it was open; and the
     * stack that had most of those in which they lay untouched, 0: that is not known. */
    uint64_t byte_seconds[PROFILE_PHASES];
    uint32_t drag_node, drag_kind;
    uint64_t drag_node_byte_seconds;
};

/* Byte-seconds in which nothing was touched: of a life's phases. */
static inline uint64_t profile_untouched(const uint64_t byte_seconds[PROFILE_PHASES]) {
    return byte_seconds[PHASE_LAG] + byte_seconds[PHASE_DRAG] + byte_seconds[PHASE_VOID];
}

/* All byte-seconds, also those of which nobody knows. */
static inline uint64_t profile_lived(const uint64_t byte_seconds[PROFILE_PHASES]) {
    return profile_untouched(byte_seconds) + byte_seconds[PHASE_USE] + byte_seconds[PHASE_UNSEEN];
}

/* Which stack had what of a region's bytes. Sums to peak_bytes and kept_bytes; node 0 is for those
 * that are too many to tell. */
struct profile_region_site {
    uint32_t node, kind;
    uint64_t peak_bytes, peak_blocks;
    uint64_t kept_bytes, kept_blocks;
};

/* A run of the cycle collector, or several that followed each other too fast to be told apart. */
struct profile_collection {
    uint32_t process;
    uint32_t generation; /* the oldest of them: 0, 1 or 2 */
    uint64_t count;
    uint64_t time_ns;     /* when the first began, rising within a process */
    uint64_t duration_ns; /* 0: none was seen running */
    uint64_t objects;     /* that were found unreachable */
    uint64_t freed_bytes; /* the process had so much less afterwards; 0 when not seen running */
};

/* A part of a process's run, from the end of its part before, or its start: what it allocated, and
 * what was live when most was, of the moments in it that were looked at. */
struct profile_span {
    uint32_t process;
    uint32_t made_count, held_count; /* of profile.span_sites, one after the other */
    uint64_t end_ns;                 /* rising within a process */
    uint64_t made_bytes, held_bytes; /* all; of the biggest stacks there are sites */
    uint64_t held_ns;
};

struct profile_span_site {
    uint32_t node;
    uint64_t bytes;
};

/* A stack at which a module has taken references (--refs); heap graphs of its process name it by
 * number. */
struct profile_taker {
    uint32_t process; /* rising */
    uint32_t number;  /* rising within a process */
    uint32_t node;
};

/* References of a process that a module has taken and given back by calls (--refs), by the type of
 * the objects, up to the end of what was recorded. */
struct profile_count {
    uint32_t process; /* rising */
    string_id module, type;
    uint64_t taken, given; /* given: also what it had not taken so */
    uint64_t ended;        /* taken, and not given back by a call when the object was freed */
    uint64_t kept,
        objects;   /* taken, and none of the two: of objects that lived, as far as is known */
    uint32_t node; /* the stack that took most of these; 0: not known */
};

enum profile_end {
    END_FREED,      /* as what is not of the kinds below: by its last reference, or by free() */
    END_COLLECTING, /* while the cycle collector was at work */
    END_NO_GIL,     /* by a thread that did not have the GIL, beside an interpreter */
    END_RESIZED,    /* by a reallocation: another block took its place */
    END_UNSEEN,     /* its address was used again, so it must have ended */
    END_EXIT,       /* while the interpreter was being taken down: the program had it to its end */
    PROFILE_ENDS
};

#define PROFILE_AGES 32u
#define PROFILE_TIMES 24u
#define PROFILE_FREES 6u

struct profile_free {
    uint32_t node; /* 0: there is none */
    uint64_t blocks, bytes;
};

/* Of what one stack allocated with one family of functions, the blocks that have ended. Those that
 * have not are in its site. An age is how many more blocks the process had allocated meanwhile. */
struct profile_lifetime {
    uint32_t process;
    union {
        uint32_t node;
        uint32_t type; /* in profile.type_lifetimes */
    };
    uint32_t kind;
    uint64_t ended_blocks[PROFILE_ENDS], ended_bytes[PROFILE_ENDS];
    uint64_t ages[PROFILE_AGES]; /* blocks by the number of bits of their age; the last: or more */
    uint64_t times[PROFILE_TIMES];            /* the same of the milliseconds that they lived */
    uint64_t ms;                              /* of all of them together */
    struct profile_free frees[PROFILE_FREES]; /* stacks that freed them, not all if all are used */
    /* Of a type: those that had not ended with the process. Of a stack its site has them. */
    uint64_t kept_blocks, kept_bytes;
};

/* A type of objects, by its name; those of PROFILE_TYPES_KNOWN are none. */
struct profile_type {
    string_id name; /* "module.Class"; builtins without their module */
    uint32_t flags; /* enum profile_type_flags */
};

enum profile_type_number {
    PROFILE_TYPE_UNKNOWN, /* no object, or not seen to be one */
    PROFILE_TYPE_OTHERS,  /* those that were too many to tell */
    PROFILE_TYPES_KNOWN
};

enum profile_type_flags {
    TYPE_FINALIZER = 1, /* its objects have a finalizer */
    TYPE_DEL = 2,       /* which is a __del__ of Python code */
};

/* Of what one stack allocated, the objects of one type that went while the cycle collector was at
 * work. Each pair of node and type may be there several times. */
struct profile_collected {
    uint32_t process, node, type;
    uint64_t blocks, bytes;
};

/* Blocks of so many bytes and more are big: it is known when they were touched (--drag). */
#define DRAG_LEAST (1u << 20)
/* ... and so many looks in a row must have found one untouched before it is said to lie idle. */
#define DRAG_IDLE_LOOKS 5u

/* Of the big blocks of one stack and kind; there may be several for the same one. */
struct profile_drag {
    uint32_t process, node, kind;
    uint64_t bytes; /* of all of them */
    /* Each block counts once, with use, void or unseen; some of those with use had lag or drag. */
    uint64_t blocks[PROFILE_PHASES];
    uint64_t byte_seconds[PROFILE_PHASES];
    uint64_t longest_ns; /* the longest that one of them dragged */
};

struct profile_source {
    string_id file;
    uint32_t line;
    string_id text; /* without the newline */
};

#define LIBRARY_NAME_SIZE 256u /* as long as a file's */

/* What a process (or PROFILE_TREE) had at its peak that was taken in one library. */
struct profile_library {
    uint32_t process;
    char name[LIBRARY_NAME_SIZE];
    uint64_t bytes;
};

struct profile {
    string_id *command;
    uint32_t command_count;
    string_id host;   /* kernel and machine, for the report's head */
    string_id writer; /* "holdfast 0.1.0" */
    uint64_t started_unix_ns;
    uint64_t duration_ns;
    int32_t exit_status, exit_signal; /* of the command itself; signal 0: none */
    bool complete;                    /* the collector saw every process to its end */
    uint64_t tree_peak_bytes, tree_peak_ns;

    char **strings;
    uint32_t string_count;
    struct profile_function *functions;
    uint32_t function_count; /* entry 0 is none */
    struct profile_node *nodes;
    uint32_t node_count;
    struct profile_site *sites;
    uint32_t site_count;
    struct profile_process *processes;
    uint32_t process_count;
    struct profile_timeline *timelines;
    uint32_t timeline_count;
    struct profile_source *sources;
    uint32_t source_count;
    struct profile_snapshot *snapshots;
    uint32_t snapshot_count;
    struct profile_block *blocks;
    uint32_t block_count;
    struct profile_moment *moments;
    uint32_t moment_count;
    struct profile_graph *graphs;   /* snapshot_count of them */
    struct profile_region *regions; /* in the order of processes */
    uint32_t region_count;
    struct profile_region_site *region_sites;
    uint32_t region_site_count;
    struct profile_collection *collections; /* in the order of processes */
    uint32_t collection_count;
    struct profile_span *spans; /* in the order of processes */
    uint32_t span_count;
    struct profile_span_site *span_sites;
    uint32_t span_site_count;
    struct profile_taker *takers; /* in the order of processes */
    uint32_t taker_count;
    struct profile_count *counts; /* in the order of processes */
    uint32_t count_count;
    struct profile_lifetime *lifetimes; /* in the order of processes */
    uint32_t lifetime_count;
    struct profile_type *types; /* none, or PROFILE_TYPES_KNOWN and more */
    uint32_t type_count;
    /* Of Python's blocks by the type of the object; in the order of processes. Together they are as
     * many as those of `lifetimes` of this kind. */
    struct profile_lifetime *type_lifetimes;
    uint32_t type_lifetime_count;
    struct profile_collected *collected; /* in the order of processes */
    uint32_t collected_count;
    struct profile_drag *drags; /* in the order of processes */
    uint32_t drag_count;
    string_id *warnings; /* lines a reader should be told */
    uint32_t warning_count;

    /* Not in the file: viewer/libraries.h. */
    struct profile_library *libraries;
    uint32_t library_count;

    bool has_events; /* the file also holds the event stream (--keep-events) */
};

/* All of `more` is added to what a stack's lifetimes are; blocks that ended, in all. */
void profile_lifetime_add(struct profile_lifetime *to, const struct profile_lifetime *more);
void profile_lifetime_add_free(struct profile_lifetime *to, struct profile_free more);
uint64_t profile_lifetime_ended(const struct profile_lifetime *lifetime);

/* A message for the user, without "holdfast: " and without a newline. */
struct profile_error {
    char text[512];
};

/* Writes a whole profile to an open file. `events` (may be NULL) is a finished event stream that is
 * appended as it is. False with `error` set when the file cannot take it. */
bool profile_write(const struct profile *profile, FILE *events, FILE *out,
                   struct profile_error *error);

/* Reads and checks. NULL with `error` set: not a profile, truncated, corrupt, newer, or too large.
 */
struct profile *profile_read(const char *path, struct profile_error *error);

/* Frees what profile_read returned; not for profiles put together otherwise. */
void profile_free(struct profile *profile);

#endif
