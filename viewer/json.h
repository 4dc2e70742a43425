/* Helpers over jansson that the JSON report and the page share, and the parts of that report. */
#ifndef HOLDFAST_VIEWER_JSON_H
#define HOLDFAST_VIEWER_JSON_H

#include "held.h"
#include "intern.h"
#include "model.h"
#include "sources.h"
#include "turnover.h"

#include <jansson.h>

/* profile_check has seen to it that no number is above 2^63 - 1. */
static inline json_t *json_count(uint64_t value) {
    return json_integer((json_int_t)value);
}

static inline json_t *json_seconds(uint64_t ns) {
    return json_real((double)ns / 1e9);
}

extern const char *const json_kind_names[MODEL_KINDS]; /* by enum profile_kind */

/* A string also of a text that is not valid UTF-8: a text that was cut must not cost the report. */
json_t *json_text(const char *text);

json_t *json_command(const struct profile *profile, const string_id *words, uint32_t count);
/* An interpreter's version as a number alone; null for none. */
json_t *json_python(const char *version);
json_t *json_points(const struct profile *profile, uint32_t process);

/* A deep recursion that allocates at every level has stacks whose frames, written out, grow with
 * the square of its depth. Once JSON_MAX_FRAMES frames have been written, the biggest sites' first,
 * stacks longer than JSON_LONG_STACK lose their middle. */
#define JSON_MAX_FRAMES (4u << 20)
#define JSON_LONG_STACK 256u

/* Once so many frames have been written with the text of their line, the stacks of smaller sites
 * are written without: a third of a report of hundreds of megabytes. */
#define JSON_MAX_SOURCES (1u << 18)

struct json_limit {
    uint64_t frames_left; /* that may still be written with no stack being cut */
};

/* Whether the next stack, of so many frames, loses its middle; it counts if it does not. */
bool json_limit_cuts(struct json_limit *limit, uint32_t depth);

json_t *json_new_frame(const struct model_frame *frame);
/* What stands for so many frames. */
json_t *json_left_out(uint32_t count);

/* Stacks of nodes as lists of frames, the outermost first. A frame is made once and shared by all
 * stacks that pass through it, of all parts of a report. */
struct json_stacks {
    const struct profile *profile;
    string_id *texts;
    struct sources sources;
    struct intern distinct; /* functions with lines, and threads */
    json_t **frames;        /* by their number there */
    uint32_t frame_capacity;
    uint32_t *numbers; /* by node: the frame's, + 1 */
    uint32_t *path;
    struct json_limit limit;
};

/* False when memory ran out; to be released in any case. */
bool json_stacks_open(struct json_stacks *stacks, const struct profile *profile);
void json_stacks_release(struct json_stacks *stacks);

/* A part of the report begins, which may have so many frames before long stacks are cut. */
void json_stacks_limit(struct json_stacks *stacks, uint64_t frames);

/* The stack that ends in a node. */
json_t *json_stack(struct json_stacks *stacks, uint32_t innermost);

/* Where the path to an object begins. */
json_t *json_new_root(const struct holder *holder);

/* Buffers with the same content. NULL when memory ran out. */
json_t *json_copies(struct json_stacks *stacks, const struct findings *findings);

/* Adds to a process, and to its peak, who held what; and that nobody is known to where there is no
 * snapshot, and `findings` is NULL. False when memory ran out. */
bool json_add_holders(json_t *process, json_t *peak, struct json_stacks *stacks,
                      const struct findings *findings, uint32_t index);

/* How often the cycle collector ran, and when; null when that was not counted. */
json_t *json_collections(const struct profile *profile, uint32_t index);

/* Adds "spans" and "span_stacks" to a process. False when memory ran out. */
bool json_add_spans(json_t *process, struct json_stacks *stacks, uint32_t index);

/* What a process allocated in all, and how long it lived. NULL when memory ran out. */
json_t *json_turnover(struct json_stacks *stacks, const struct turnover_room *room,
                      uint32_t process);

/* How long a process's big blocks lay untouched; null where that was not looked at. */
json_t *json_drag(struct json_stacks *stacks, uint32_t process);

/* Adds "regions" to a process: those that its program marked. False when memory ran out. */
bool json_add_regions(json_t *process, struct json_stacks *stacks, uint32_t index);

/* Lost references, and what modules have taken and given back; null where that was not counted.
 * `known`: findings of the process, which are used if they are of the right snapshot; or NULL. */
json_t *json_references_problem(const struct profile *profile, uint32_t index);
json_t *json_references(struct json_stacks *stacks, const struct findings *known, uint32_t index);

#define JSON_REPORT_FLAGS (JSON_COMPACT | JSON_REAL_PRECISION(12))

#endif
