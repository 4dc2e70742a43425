/* Why memory is still there: who holds each big object of a snapshot, and what letting go would
 * save.
 *
 * From a snapshot's heap graph and its large blocks: reachability from the roots, dominators and
 * retained sizes, liveness of locals, cycles that nothing reaches, and the what-if. A verdict other
 * than "unknown" is only given where it can be shown.
 *
 * Glossary
 *   root      where a path begins: a frame's local, a module's global, a thread, native code
 *   holder    a root and the path from it to a big object, or to many small ones of one type
 *   retained  bytes that would become unreachable together with an object: it and all it dominates
 *   saves     bytes that become unreachable when every dead reference is cut
 */
#ifndef HOLDFAST_VIEWER_HOLDERS_H
#define HOLDFAST_VIEWER_HOLDERS_H

#include "wire/profile.h"

enum holder_root {
    HOLDER_LOCAL,
    HOLDER_ARGUMENT, /* of a pending call: a place on a frame's value stack */
    HOLDER_GLOBAL,   /* a module's variable */
    HOLDER_CLOSURE,  /* a cell or free variable */
    HOLDER_CLASS,
    HOLDER_DEFAULT, /* a default argument */
    HOLDER_CACHE,   /* functools.lru_cache */
    HOLDER_GENERATOR,
    HOLDER_TRACEBACK, /* an exception that is kept or being handled, sys.last_* */
    HOLDER_THREAD,
    HOLDER_CONTEXT,
    HOLDER_INTERPRETER,
    HOLDER_STATIC,  /* a variable of the interpreter's or of a library's, or a static type */
    HOLDER_NATIVE,  /* references that no Python object accounts for */
    HOLDER_GARBAGE, /* nothing reaches it: it waits for the cycle collector */
    HOLDER_NONE,    /* no object was found that owns the block */
    HOLDER_ROOTS
};

/* "local", "argument", "global" ... as in the JSON report. */
extern const char *const holder_root_names[HOLDER_ROOTS];

/* Idle is told of what would be unknown else: nobody has touched its memory for a while (--drag).
 */
enum verdict {
    VERDICT_UNKNOWN,
    VERDICT_DEAD,
    VERDICT_GARBAGE,
    VERDICT_IN_USE,
    VERDICT_IDLE,
    VERDICTS
};
extern const char *const verdict_names[]; /* "unknown", "dead", "garbage", "in use", "idle" */

/* A second is a long time for a loop that comes back to its data: what was untouched for less is
 * not idle. */
#define IDLE_LEAST_NS 1000000000u

/* What a peak would have been without something: so much at least, and so much at most, which can
 * be shown; and in between, what is likely. */
struct peak_without {
    uint64_t least, likely, most;
};

/* Nothing of it is known to go. */
static inline struct peak_without peak_as_it_was(uint64_t peak) {
    return (struct peak_without){peak, peak, peak};
}

/* A local variable that is never read again. */
struct dead_reference {
    const char *name, *function, *file;
    uint32_t line; /* where its frame is suspended; 0 unknown */
};

struct holder {
    uint64_t bytes;     /* retained; of a large block, its own size is in it */
    uint32_t count;     /* objects: 1, or many small ones of one type that are told as one */
    const char *type;   /* "numpy.ndarray"; "" with HOLDER_NONE */
    const char *detail; /* "(1073741824,) uint8", or "" */
    enum holder_root root;
    const char *name;     /* of the variable, or what there is instead; never NULL */
    const char *function; /* of the frame, or "" */
    const char *file;     /* or "" */
    uint32_t line;        /* where that frame is suspended; 0 unknown */
    const char *path;     /* rows[3]["tags"] in build() (job.py:12) */
    enum verdict verdict;
    const char *reason; /* "never read again after line 8", "function fill -> closure cell ->
                           function fill", "1 reference held by native code", or "" */
    uint64_t idle_ns;   /* nobody had touched its memory for so long; 0: not known, or too short */
    bool bounded;       /* they are the items of a container that drops some when it is full */
    const char **cycle; /* of garbage: what refers to what, the last one to the first */
    uint32_t cycle_count;
    const char *others; /* other holders of the same object, as paths, joined by "; ", or "" */
    const struct dead_reference *references; /* of dead: all of these have to go */
    uint32_t reference_count;                /* that are listed */
    uint32_t reference_total;                /* of which that many are the first */
    uint64_t saves; /* bytes that become unreachable when this holder's dead reference is cut
                       together with all others that are dead */
    struct peak_without if_released; /* the process's peak without those; 0 when it saves nothing */
    const char **advice;             /* ways out that fit the code, best first */
    uint32_t advice_count;
    uint32_t node;   /* stack that allocated the large block, 0 unknown */
    uint64_t birth;  /* the moment in which that was (struct profile_block); 0: no large block */
    uint32_t object; /* in the graph; 0 none */
};

/* One line of what was held: an object, many small ones of a type that are told as one, or what is
 * left of those below the line before. In preorder. */
struct holding_row {
    uint32_t depth; /* 0: of a holding_item */
    uint32_t count; /* objects */
    bool rest;      /* smaller ones, of any type */
    const char *text;
    uint64_t bytes[VERDICTS]; /* its own, those of the rows below it not included */
    uint32_t holder;          /* findings.holders' number + 1 that is about it; 0 none */
    uint32_t node;            /* stack that allocated its largest block, 0 unknown */
};

/* Where a path begins and ends, and the rows of what is kept there. */
struct holding_item {
    struct holder holder;
    uint32_t row;
};

/* All that the heap graph knows of, by what holds it; every byte is in one row or in the rest. */
struct holding {
    uint64_t bytes;
    struct holding_item *items; /* the biggest first */
    uint32_t item_count;
    struct holding_row *rows;
    uint32_t row_count;
    uint32_t rest_count; /* items that are too small to be told */
    uint64_t rest[VERDICTS];
};

/* References to objects of one type that nobody can give back any more (--refs). */
struct leak {
    const char *module;  /* the path of the one that has taken them by calls; "": none is known */
    const char *suspect; /* of nobody's: the path of one that may have; else "" */
    const char *type;
    uint64_t references, objects;
    uint64_t bytes;        /* that are kept by them alone */
    uint64_t taken, given; /* references to objects of that type, by calls of the module */
    uint32_t node;         /* the stack that took most of them; 0 unknown */
};

/* One of several buffers with the same content. */
struct copied_buffer {
    uint64_t bytes;
    const char *type, *detail;
    bool part;       /* of the first one's content */
    uint64_t offset; /* in that */
    enum holder_root root;
    const char *path; /* who holds it */
    uint32_t node;    /* stack that allocated its memory, 0 unknown */
    uint32_t object;  /* in the graph */
};

/* Buffers that are alive and in use, as far as is known, of which one would do. */
struct copies {
    struct copied_buffer *buffers; /* the first is the one to keep */
    uint32_t count, listed;        /* of which `buffers` has so many */
    uint32_t parts;                /* of the others, those that are a part of the first */
    uint64_t saves;                /* bytes of the others */
    const char *advice;            /* the way out */
};

struct findings {
    uint32_t process;       /* index */
    uint32_t snapshot;      /* index into profile.snapshots */
    struct holder *holders; /* the biggest first */
    uint32_t count;
    uint64_t bytes;         /* live at the snapshot, the pending allocation not included */
    uint64_t pending_bytes; /* being allocated, at profile.snapshots[snapshot].pending_node */
    uint64_t garbage_bytes; /* unreachable objects, waiting for the cycle collector */
    uint64_t dead_bytes;    /* what cutting every dead reference saves, garbage not included */
    struct peak_without if_released; /* with every dead reference cut, and garbage freed at once */
    bool far_from_peak;              /* the snapshot holds less than nine tenths of the peak */
    struct leak *leaks;              /* those of modules first, then the biggest */
    uint32_t leak_count;
    struct copies *copies; /* what saves most first */
    uint32_t copies_count;
    bool copies_cut;         /* not all was looked through */
    struct holding *holding; /* NULL when it was not asked for */
    struct graph *graph; /* what is left once it has been looked through (graph_shed), as findings
                            of several processes are kept at once; NULL when it cannot be read:
                            `why` says the reason */
    char why[200];
    void *memory; /* private: the texts */
};

/* Of the snapshot that explains the process's peak best, or of a whole heap further from the peak
 * where that tells more than locals do; NULL when the process has none, or memory ran out. */
struct findings *findings_of(const struct profile *profile, uint32_t process, uint32_t shares);
/* Of that snapshot, whatever it tells: for who asks what was dead, and not who held the rest. */
struct findings *findings_nearest(const struct profile *profile, uint32_t process);
/* Of one snapshot, by its index. */
struct findings *findings_of_snapshot(const struct profile *profile, uint32_t snapshot);
/* With `holding`, in which what has less than one of so many shares of all bytes is not told by
 * itself; 0: without it. */
struct findings *findings_whole(const struct profile *profile, uint32_t snapshot, uint32_t shares);
void findings_free(struct findings *findings);

static inline bool snapshot_is_whole(const struct profile_snapshot *snapshot) {
    return (snapshot->flags & (SNAPSHOT_COMPLETE | SNAPSHOT_IS_SHALLOW)) == SNAPSHOT_COMPLETE;
}

/* The profile's stacks have new numbers: by the old ones. */
void findings_move(struct findings *findings, const uint32_t *numbers);

/* Keeps only these holders, whose numbers rise. */
void findings_keep(struct findings *findings, const uint32_t *numbers, uint32_t count);

/* The graph around one holder, as a DOT digraph: the paths from roots to it, and what it retains.
 */
bool findings_dot(const struct findings *findings, uint32_t holder, FILE *out);

#endif
