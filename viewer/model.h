/* What a report talks about: the stacks at one peak, merged the way a person reads them.
 *
 * A profile has a stack for each thread, and the same function may be there more than once (code
 * objects die and come back). A model merges what has the same names: one tree of frames, whose
 * bytes add up to the peak exactly. Threads are not frames, unless a stack has no Python frame at
 * all: then its thread is its only frame. With several processes at the tree's peak, each is a
 * frame below the root.
 *
 * Glossary
 *   frame  a place in the tree: a function and a line, below its callers
 *   site   what one frame allocated itself with one family of functions
 */
#ifndef HOLDFAST_VIEWER_MODEL_H
#define HOLDFAST_VIEWER_MODEL_H

#include "process_sites.h"
#include "sources.h"

#define MODEL_KINDS 3u /* enum profile_kind */

enum frame_kind {
    FRAME_ROOT,    /* frame 0 only */
    FRAME_PROCESS, /* function: its command, file: "" */
    FRAME_PYTHON,  /* a function: of Python, or where `module` is not "", of native code */
    FRAME_THREAD,  /* function: the thread's name, file: "" */
    FRAME_NONE,    /* a stack about which nothing is known */
};

struct model_frame {
    uint32_t parent; /* smaller than the own number, but for the root, which is its own */
    uint32_t end;    /* the frames below this one are those from the next one up to here */
    enum frame_kind kind;
    uint32_t process; /* FRAME_PROCESS: index into profile.processes */
    const char *function, *file;
    const char *module; /* see profile_function */
    string_id module_id;
    string_id function_id, file_id; /* equal text is the same number; nothing else is meant by it */
    uint32_t line;
    const char *source;                               /* the line's text, or "" */
    uint64_t total;                                   /* bytes of the frame and all below */
    uint64_t bytes[MODEL_KINDS], blocks[MODEL_KINDS]; /* its own */
};

static inline bool frame_is_native(const struct model_frame *frame) {
    return frame->module && *frame->module;
}

struct model_site {
    uint32_t frame;
    uint32_t process; /* index into profile.processes */
    enum profile_kind kind;
    uint64_t bytes, blocks;
};

struct model {
    const struct profile *profile;
    uint32_t process;             /* index, or PROFILE_TREE */
    uint64_t bytes, time_ns, rss; /* the peak; rss 0: unknown */
    struct model_frame *frames;   /* callers before callees, the biggest first among brothers */
    uint32_t frame_count;
    struct model_site *sites; /* the biggest first; their bytes add up to the peak */
    uint32_t site_count;
    char **labels; /* private: the text of process frames */
    uint32_t label_count;
};

struct model_peak {
    uint64_t bytes, time_ns, rss; /* rss 0: unknown */
};

/* How high, without what it was. */
struct model_peak model_peak_of(const struct profile *profile, uint32_t process);

/* The peak of `process` (an index), or of the tree (PROFILE_TREE). NULL when memory ran out. The
 * profile must outlive the model. */
struct model *model_build(const struct profile *profile, uint32_t process);

/* What models of one profile share, for who builds several, one after the other. */
struct model_room {
    const struct profile *profile;
    const struct process_sites *sites;
    string_id *texts; /* see intern_texts */
    struct sources sources;
    struct node_memo *memo;
    uint32_t *path; /* nodes on the way up from a site */
    uint32_t stamp; /* of what `memo` knows of the process at hand */
};

/* False when memory ran out; to be released in any case. */
bool model_room_open(struct model_room *room, const struct profile *profile,
                     const struct process_sites *sites);
void model_room_release(struct model_room *room);
struct model *model_build_in(struct model_room *room, uint32_t process);

void model_free(struct model *model);

/* What a process is called: "command [pid]", the command cut to what fits a line. To be freed by
 * the caller; NULL when memory ran out. */
char *model_process_label(const struct profile *profile, uint32_t process);

/* For each node of a profile the outermost one of its stack. To be freed by the caller; NULL when
 * memory ran out. */
uint32_t *model_find_roots(const struct profile *profile);

/* Invariants, for tests and debug builds: the sums, and the order of frames. */
bool model_is_valid(const struct model *model);

/* Number of callers of a frame, the root not counted. */
uint32_t model_depth(const struct model *model, uint32_t frame);

#endif
