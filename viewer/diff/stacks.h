/* The stacks of one side, in a form that does not depend on where they come from.
 *
 * A tree of frames, in which what has the same names and lines is one frame whatever process it is
 * of, and records: what a stack holds. There are two ways to look at a profile's stacks: whole, by
 * kind, as the JSON report lists sites; and by places, as the text report does: the user's frames
 * alone, of which a recursion is one however deep it goes. A stack in which no frame is the user's
 * is then its innermost frame.
 */
#ifndef HOLDFAST_VIEWER_DIFF_STACKS_H
#define HOLDFAST_VIEWER_DIFF_STACKS_H

#include "files.h"
#include "viewer/model.h"

#define STACKS_ANY_KIND MODEL_KINDS /* of places */

struct stack_frame {
    uint32_t parent; /* smaller than the own number, but for the root, 0, which is its own */
    enum frame_kind kind;
    const char *function, *file; /* as the profile has them; of threads as model_frame has them */
    uint32_t line;
    uint32_t offset;    /* lines below the function's first one */
    const char *source; /* the line's text, or "" */
};

struct stack_record {
    uint32_t frame;
    uint32_t kind; /* enum profile_kind, or STACKS_ANY_KIND */
    uint64_t bytes, blocks;
};

struct stacks {
    struct stack_frame *frames;
    uint32_t frame_count;
    struct stack_record *records;
    uint32_t record_count;
};

/* Of the peak that the model is about. False when memory ran out; to be released in any case. */
bool diff_stacks_read(const struct model *model, bool places, struct stacks *stacks);
void diff_stacks_release(struct stacks *stacks);

#endif
