/* What snapshots have cost the program, and how much more they may: how far what is live must have
 * grown for the next one.
 *
 * The cost is what the program stands still for, and its writes to pages that it shares with a
 * copy, each of which is a fault: of a heap that is written to everywhere (by the cycle collector,
 * say) that is many times more. A copy's own work is done beside the program; but it takes a
 * processor that the collector or the program's other threads may need.
 *
 * There are two measures. What snapshots *may* cost is a share of the time, and more in a process
 * that is young, so that one that reaches its peak within a second is not left without any. Before
 * an allocation that is a good step by itself, which is a moment that does not come again, only
 * that counts. In growth by small allocations one moment is as good as another, and what they
 * *should* cost is less: as that is used up the step grows, within bounds.
 */
#ifndef HOLDFAST_PRELOAD_BUDGET_H
#define HOLDFAST_PRELOAD_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

/* No snapshot is due below. */
#define BUDGET_FIRST_GOAL ((uint64_t)8 << 20)

/* Mappings of the program's own making (allocators' arenas) count for the step by a part only: they
 * are far larger than what is in them, and what grows beside them is to be seen. */
#define BUDGET_MAPPED_PART 20u

static inline uint64_t smaller(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

static inline uint64_t larger(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

/* Of so many live bytes, what counts for steps and intervals. */
uint64_t budget_counted(uint64_t live);

/* So many live bytes, and so many thousandths of what counts of them: not less than the first
 * snapshot needs. */
uint64_t budget_above(uint64_t last, uint64_t permille);

/* So much is live, or was a moment ago: the goals depend on whether there was more before. */
void budget_note_live(uint64_t live);

/* The live bytes from which a copy is due, before an allocation of `size` bytes; UINT64_MAX: there
 * is to be none. */
uint64_t budget_copy_goal(uint64_t size, uint64_t now);

/* There is something left for what is due for the program's regions alone. */
bool budget_has_for_regions(uint64_t now);

/* The allocation is a good step by itself: for the process, or for a region, whose snapshots begin
 * far below. */
bool budget_is_step_alone(uint64_t size);
bool budget_is_step_of_region(uint64_t size);

/* What is live rises on known ground, and the last snapshot is from far below its top: one near it
 * is worth as much as one before such an allocation. */
bool budget_is_top_missed(void);

/* For waits that no snapshot follows, in all. */
uint64_t budget_for_waits(uint64_t now);

/* What is left of all that they may cost. */
uint64_t budget_left(uint64_t now);

/* The program has stood still since then. */
void budget_charge(uint64_t since);

/* The same, for what the user has asked for: it is told, but leaves the budget as it is. */
void budget_leave_out(uint64_t since);

/* A copy has worked for so long, of the time that went by meanwhile. The rest it has waited for a
 * processor; so for as long, but no longer than it worked, others have waited for it. */
void budget_note_copy(uint64_t wall_ns, uint64_t work_ns);

/* What it has paid for the last copy since that was made: its faults, but for those of memory that
 * it has allocated meanwhile, and no more than pages were shared. */
void budget_charge_writes(void);

/* What that is, of so many faults and so much time in the kernel, while so many bytes were
 * allocated. */
uint64_t budget_writes_ns(uint64_t faults, uint64_t system_ns, uint64_t allocated);

/* A snapshot has just been taken, for which the program has stood still since `began`: what follows
 * is its cost. */
void budget_begin_anew(uint64_t began);

/* The last one's cost is yet too much for the time since it was taken. */
bool budget_is_too_soon(uint64_t now);

#endif
