/* A ceiling: how much memory something may hold, and what a profile says about it.
 *
 * All are judged on exact sums of requested bytes. Resident memory, which depends on timing and on
 * what else the machine does, is not judged.
 */
#ifndef HOLDFAST_VIEWER_CHECK_CEILINGS_H
#define HOLDFAST_VIEWER_CHECK_CEILINGS_H

#include "viewer/model.h"

enum ceiling_kind {
    CEILING_TREE,     /* the highest sum of all processes */
    CEILING_PROCESS,  /* the highest peak of a process; `subject`: its program's name, or "" */
    CEILING_REGION,   /* the highest peak of a region of the name in `subject` */
    CEILING_LEAKS,    /* what regions of the name in `subject` left behind, all times together */
    CEILING_TURNS,    /* what such regions allocated and gave back before their ends, likewise */
    CEILING_NATIVE,   /* their native blocks that nobody gave back until the process ended */
    CEILING_DRAG,     /* byte-seconds in which their big blocks lay untouched, likewise */
    CEILING_CODE,     /* what a function or module, and all it called, holds at the tree's peak */
    CEILING_GROWTH,   /* what was not given back when the processes ended */
    CEILING_CHURN,    /* what was allocated and given back again in the whole run */
    CEILING_DEAD,     /* what dead locals alone held */
    CEILING_BASELINE, /* the tree's peak, against that of a baseline */
    CEILING_KINDS
};

struct ceiling {
    enum ceiling_kind kind;
    const char *subject; /* "" where the kind needs none */
    uint64_t bytes;      /* CEILING_DRAG: times seconds */
    const char *origin;  /* "--max-peak", or the file that it was read from */
};

static inline bool ceiling_is_of_region(enum ceiling_kind kind) {
    return kind == CEILING_REGION || kind == CEILING_LEAKS || kind == CEILING_TURNS ||
           kind == CEILING_NATIVE || kind == CEILING_DRAG;
}

enum judged { JUDGED_WITHIN, JUDGED_BEYOND, JUDGED_UNKNOWN };
extern const char *const judged_names[]; /* "within", "beyond", "unknown" */

/* How a ceiling of each kind is called in JSON and other outputs: "peak", "process" ... */
extern const char *const ceiling_kind_names[CEILING_KINDS];

struct judgement {
    struct ceiling ceiling;
    enum judged judged;
    uint64_t bytes;
    const char *why; /* JUDGED_UNKNOWN: a clause that says the reason; else NULL */
};

/* "load()", "app.cache", "app.cache.load()": a function, a module, a function of a module. */
struct code_name {
    char module[128];   /* as a path, "app/cache"; or "" */
    char function[128]; /* or "" */
};

/* False when `text` is no such name. */
bool code_name_parse(const char *text, struct code_name *name);
bool code_name_matches(const struct code_name *name, const char *function, const char *file);

/* For each frame of the model whether it is below a frame of that name, or is one. To be freed;
 * NULL when memory ran out. */
bool *code_name_subtree(const struct code_name *name, const struct model *model);

/* What a profile has to say to ceilings. */
struct evidence {
    const struct model *model; /* of the tree */
    uint64_t dead_bytes;
    bool dead_known;
    bool dead_whole;     /* of every process that matters, near its peak */
    const char *missing; /* what evidence_missing says */
};

/* A region inside another of its name: its bytes are that one's, too. */
bool ceiling_counts_in_its_like(const struct profile *profile, const struct profile_region *region);

/* Why the figures of a profile may be too low, as a clause: allocations are missing, or are still
 * to come. NULL: it has all. What is beyond a ceiling then is so all the same, but for what was not
 * given back: the frees may be missing, too. Nothing is within. */
const char *evidence_missing(const struct profile *profile);

/* False when memory ran out. */
bool ceiling_judge(const struct ceiling *ceiling, const struct evidence *evidence,
                   struct judgement *judgement);

#endif
