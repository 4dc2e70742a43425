/* Which stack of one side is which of the other, and what it held on each.
 *
 * Stacks are the same whose functions and files are, from the outermost to the innermost, however
 * their lines have moved. Only where a side has several of these do lines tell them apart: those
 * that read the same first, then all that are left. As many on both sides are the same in their
 * order; else the fewer are those that are nearest, counted from the beginnings of their functions.
 */
#ifndef HOLDFAST_VIEWER_DIFF_MATCH_H
#define HOLDFAST_VIEWER_DIFF_MATCH_H

#include "pairs.h"
#include "stacks.h"

/* What one stack held; PAIR_NONE: it is only on the other side. */
struct stack_change {
    uint32_t records[2]; /* enum diff_side */
    int64_t difference;  /* in bytes */
};

struct stack_changes {
    const struct stacks *sides[2];
    struct stack_change *list; /* what changed most comes first */
    uint32_t count;
};

/* Every record of both sides is in one change, so the differences add up to that of the peaks. The
 * files have been matched. False when memory ran out; to be released in any case. */
bool match_stacks(const struct stacks *const sides[2], const struct files *const files[2],
                  struct stack_changes *changes);
void match_release(struct stack_changes *changes);

uint64_t change_bytes(const struct stack_changes *changes, const struct stack_change *change,
                      enum diff_side side);
/* The innermost frame, as it is after; as it was before where the stack is gone. */
const struct stack_frame *change_frame(const struct stack_changes *changes,
                                       const struct stack_change *change);

#endif
