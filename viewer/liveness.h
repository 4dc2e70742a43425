/* What a suspended frame may still read: liveness of its fast locals, and the depth of its value
 * stack, from its bytecode.
 *
 * Backward dataflow over the instructions (bytecode.h), with exception handlers as successors.
 * Whatever cannot be decided is live: a local that is not live is never read again by that frame.
 * What reads a frame from outside its bytecode is beyond this: a debugger, a trace function, an
 * object that reads the locals of a traceback's frames.
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
    LIVENESS_POSITION, /* not begun, or the position is at no instruction that can be reached */
    LIVENESS_MEMORY,   /* memory ran out, or it would take too long */
};

struct liveness {
    enum liveness_why why; /* not LIVENESS_KNOWN: everything is live */
    bool *live;            /* by fast local, local_count of them; cells and free variables always;
                              NULL: everything is live, and there was no memory to say so */
    int32_t stack_depth;   /* places in use when the instruction at the position began, its operands
                              included; -1 unknown (in 3.8, inside finally and with's exit). A
                              generator suspended at its YIELD_VALUE, or the RESUME behind it, has
                              one place fewer: the value is gone, and none was sent yet. */
};

/* Of code number `code`, suspended in the instruction at each of `positions` (as in struct
 * graph_frame; a position in an instruction's inline caches or prefixes counts as the
 * instruction's). Fills as many of `found`, each to be released; never fails: where nothing can be
 * shown, all is live. The code is gone through once, whatever their number. */
void liveness_find(const struct graph *graph, uint32_t code, const int32_t *positions,
                   uint32_t count, struct liveness *found);

/* The code mentions what reads the locals of its callers: they are all live. */
bool liveness_reads_callers(const struct graph *graph, uint32_t code);

void liveness_release(struct liveness *liveness);

#endif
