/* What a suspended frame may still read: liveness of its fast locals, and the depth of its value
 * stack, from its bytecode.
 *
 * Backward dataflow over the instructions as they lie in memory (specialised ones are restored by
 * generated tables, viewer/opcodes/), with exception handlers as successors. Whatever cannot be
 * decided is live: a local that is not live is never read again by that frame.
 */
#ifndef HOLDFAST_VIEWER_LIVENESS_H
#define HOLDFAST_VIEWER_LIVENESS_H

#include "wire/graph.h"

enum liveness_why {
    LIVENESS_KNOWN,
    LIVENESS_VERSION,  /* no tables for this version of Python */
    LIVENESS_CODE,     /* module or class code, or no instructions */
    LIVENESS_NAMES,    /* mentions locals, vars, eval, exec, dir, or the like */
    LIVENESS_DAMAGED,  /* instrumented, or does not decode */
    LIVENESS_POSITION, /* the position is not at an instruction */
    LIVENESS_MEMORY,
};

struct liveness {
    enum liveness_why why; /* not LIVENESS_KNOWN: everything is live */
    bool *live;            /* by fast local, local_count of them; cells and free variables always */
    int32_t stack_depth;   /* places in use when the instruction at the position began, its operands
                              included; -1 unknown */
    /* For each local that is not live: the line after which it is not read again would need line
     * tables; see holders.c, which has the frame's line. */
};

/* Of `code`, suspended in the instruction at `position` (as in struct graph_frame). Fills
 * *liveness, to be released; never fails: where nothing can be shown, all is live. */
void liveness_find(const struct graph_code *code, uint32_t python_minor, int32_t position,
                   struct liveness *liveness);
void liveness_release(struct liveness *liveness);

#endif
