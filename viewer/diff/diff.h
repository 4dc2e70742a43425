/* Two profiles side by side: what grew, what shrank, what is new and what is gone, at the peaks of
 * their trees of processes.
 */
#ifndef HOLDFAST_VIEWER_DIFF_DIFF_H
#define HOLDFAST_VIEWER_DIFF_DIFF_H

#include "match.h"
#include "viewer/holders.h"
#include "viewer/places.h"

/* What holders of one fingerprint hold in one process. */
struct held {
    uint32_t process;
    enum holder_root root;
    enum verdict verdict; /* of the biggest, as all that follows but the sums */
    char *name, *function, *file, *type, *detail, *path, *others;
    uint32_t line, node;
    uint64_t bytes, saves; /* of all together */
    uint64_t biggest;      /* bytes of the biggest */
    uint64_t objects;
    uint64_t key; /* equal for those of one fingerprint in one process; see holders_match */
};

/* What the references of one process tell, as they were at its best snapshot. */
struct held_figures {
    bool known;
    bool far_from_peak;      /* the snapshot holds less than nine tenths of the process's peak, */
    uint64_t snapshot_bytes; /* namely so many */
    uint64_t dead_bytes, garbage_bytes, peak_if_released;
};

struct side {
    const struct profile *profile;
    struct model *model;  /* the peak of the tree */
    struct places places; /* how its files are called */
    struct files files;
    struct stacks stacks[2]; /* whole, and places */
    struct held *held;
    uint32_t held_count;
    struct held_figures *figures; /* by process */
};

enum { STACKS_WHOLE, STACKS_PLACES };

struct process_change {
    uint32_t processes[2]; /* indices, or PAIR_NONE */
    int64_t difference;    /* of what they held at the peaks of the trees */
};

struct holder_change {
    uint32_t held[2]; /* indices, or PAIR_NONE */
    int64_t difference;
};

struct diff {
    struct side sides[2]; /* enum diff_side */
    int64_t difference;   /* of the peaks of the trees */
    uint64_t kinds[2][MODEL_KINDS];
    struct stack_changes stacks[2]; /* whole, and places */
    struct process_change *processes;
    uint32_t process_count;
    struct holder_change *holders; /* what changed most comes first */
    uint32_t holder_count;
};

/* NULL when memory ran out. The profiles must outlive it. */
struct diff *diff_build(const struct profile *before, const struct profile *after);
void diff_free(struct diff *diff);

/* The sums: of stacks, kinds and processes, each to the difference of the peaks. */
bool diff_is_valid(const struct diff *diff);

/* Reads who holds what in a side's processes. False when memory ran out. */
bool holders_read(struct side *side);
void holders_release(struct side *side);
/* Once files and processes have been matched. False when memory ran out. */
bool holders_match(struct diff *diff, const struct pairs *processes);

struct diff_options {
    const char *files[2]; /* what the profiles are called */
    uint32_t limit;       /* so many of each list at most */
    unsigned width;       /* text: columns */
};

#define DIFF_NO_LIMIT 0xffffffffu

/* Each writes one form. False when memory ran out or `out` cannot take it. */
bool diff_text(const struct diff *diff, const struct diff_options *options, FILE *out);
bool diff_json(const struct diff *diff, const struct diff_options *options, FILE *out);
bool diff_page(const struct diff *diff, const struct diff_options *options, FILE *out);

/* "new", "gone", "grown", "shrunk" or "same". */
const char *diff_state(const uint32_t sides[2], int64_t difference);

#endif
