/* See budget.h. */
#include "budget.h"

#include <sys/resource.h>

#include "sys.h"
#include "thread.h"

#define STEP_PERMILLE 50u

/* The largest step in growth by small allocations, while they may still cost something. */
#define STEP_MOST 250u

/* Right after a snapshot the step is larger, in growth by small allocations: a copy would be ended
 * by the next one before it has told anything. It becomes the usual one within so long. */
#define STEP_SOON 500u
#define SOON_NS 500000000u

/* A total that has been there before, and was fallen from, is likely to come again: one snapshot is
 * due when it nearly does. For so long after the last one, there is none before that. */
#define NEARLY_PART 32u
#define FALLEN_PART 8u
#define AGAIN_NS 1000000000u

/* What they may cost: 3 % of the time since the process began, and more while it is young: a fifth
 * of it and a little, up to 200 ms. Half of it is for allocations that are a step by themselves. */
#define SHARE 33u
#define YOUNG_SHARE 5u
#define YOUNG_BEGIN_NS 40000000u
#define YOUNG_MOST_NS 200000000u
#define SMALL_PART 2u

/* What they should cost in growth by small allocations: the share alone, and a little to begin
 * with, as far as they may. Of a copy's own work, a quarter counts; of as much as it has waited
 * for a processor meanwhile, all. */
#define BEGIN_NS 20000000u
#define COPY_WORK_PART 4u

#define STEP_ALONE_PART 10u

/* From one snapshot to the next, so many times what the last one has cost. */
#define PACE 10u

/* Of what they may cost, for snapshots that are due for a region of the program's alone: its peak
 * may be far below the process's. */
#define REGIONS_PART 2u
#define REGION_STEP_PART 4u

/* Of what they may cost, for waiting without a snapshot in the end. */
#define WAITS_PART 3u

/* A write to a page that is shared with a copy takes what the machine's faults take, by the
 * program's time in the kernel. It has other work to do there, and that clock is a coarse one: so
 * not less and not more than these. */
#define SHARED_WRITE_LEAST_NS 1000u
#define SHARED_WRITE_MOST_NS 4000u

static uint64_t age(uint64_t now) {
    return now - process.snapshots.began_ns;
}

static uint64_t left_of(uint64_t all, uint64_t spent) {
    return spent < all ? all - spent : 0;
}

static uint64_t may_cost(uint64_t now) {
    uint64_t share = age(now) / SHARE;
    uint64_t young = smaller(YOUNG_BEGIN_NS + age(now) / YOUNG_SHARE, YOUNG_MOST_NS);
    return share > young ? share : young;
}

static uint64_t may_cost_by_small(uint64_t now) {
    return may_cost(now) / SMALL_PART;
}

static uint64_t should_cost(uint64_t now) {
    return smaller(BEGIN_NS + age(now) / SHARE, may_cost_by_small(now));
}

uint64_t budget_counted(uint64_t live) {
    uint64_t mapped = smaller(process.snapshots.mapped, live);
    return live - mapped + mapped / BUDGET_MAPPED_PART;
}

uint64_t budget_above(uint64_t last, uint64_t permille) {
    uint64_t goal = last + budget_counted(last) / 1000 * permille;
    return goal > BUDGET_FIRST_GOAL ? goal : BUDGET_FIRST_GOAL;
}

bool budget_is_step_alone(uint64_t size) {
    return size > 0 && size >= process.snapshots.highest / STEP_ALONE_PART;
}

bool budget_is_step_of_region(uint64_t size) {
    const struct snapshot_state *state = &process.snapshots;
    return state->last < state->highest && size >= state->last / REGION_STEP_PART;
}

/* As far as it counts. */
static uint64_t copies_work_ns(void) {
    const struct copies_usage *copies = &process.copies;
    uint64_t displaced = process.snapshots.displaced_ns;
    uint64_t all = usage_ns(&copies->user) + usage_ns(&copies->system);
    return left_of(all, displaced) / COPY_WORK_PART + displaced;
}

bool budget_is_too_soon(uint64_t now) {
    const struct snapshot_state *state = &process.snapshots;
    uint64_t work = left_of(copies_work_ns(), state->copies_ns);
    return now - state->taken_ns < (state->paused_ns + state->writes_ns + work) * PACE;
}

/* In thousandths: twice as large when half of all is used, and so on. 0 when nothing is left. */
static uint64_t step(uint64_t spent, uint64_t all) {
    uint64_t part = left_of(all, spent) * 1000 / all;
    return part ? (uint64_t)STEP_PERMILLE * 1000 / part : 0;
}

static uint64_t step_by_small(uint64_t now) {
    uint64_t spent = process.snapshots.spent_ns;
    if (spent >= may_cost_by_small(now))
        return 0;
    uint64_t found = step(spent + copies_work_ns(), should_cost(now));
    return found && found < STEP_MOST ? found : STEP_MOST;
}

/* Since the last one was taken. */
static uint64_t rested_ns(uint64_t now) {
    return process.snapshots.taken_ns ? now - process.snapshots.taken_ns : UINT64_MAX;
}

static uint64_t step_by_time(uint64_t now) {
    uint64_t part = rested_ns(now) / (SOON_NS / 1000);
    uint64_t permille = part ? (uint64_t)STEP_PERMILLE * 1000 / part : STEP_SOON;
    return permille < STEP_PERMILLE ? STEP_PERMILLE : smaller(permille, STEP_SOON);
}

static uint64_t step_above(uint64_t last, uint64_t permille) {
    return permille ? budget_above(last, permille) : UINT64_MAX;
}

static uint64_t for_regions(uint64_t now) {
    return may_cost(now) / REGIONS_PART;
}

/* For the sake of regions alone. */
static uint64_t region_goal(uint64_t now) {
    const struct snapshot_state *state = &process.snapshots;
    if (state->last >= state->highest)
        return UINT64_MAX;
    uint64_t all = for_regions(now);
    uint64_t left = smaller(left_of(all, state->regions_ns), budget_left(now));
    return step_above(state->last, step(all - left, all));
}

static uint64_t goal_alone(uint64_t now) {
    return step_above(process.snapshots.highest, step(process.snapshots.spent_ns, may_cost(now)));
}

static uint64_t goal_by_small(uint64_t now) {
    uint64_t permille = step_by_small(now);
    return step_above(process.snapshots.highest,
                      permille ? larger(permille, step_by_time(now)) : 0);
}

bool budget_is_top_missed(void) {
    const struct snapshot_state *state = &process.snapshots;
    return state->live < state->fallen_from && state->highest < state->fallen_from / 10 * 9;
}

/* For the sake of the process. */
static uint64_t process_goal(uint64_t size, uint64_t now) {
    const struct snapshot_state *state = &process.snapshots;
    uint64_t goal = budget_is_step_alone(size) ? goal_alone(now) : goal_by_small(now);
    if (state->live >= state->fallen_from)
        return goal;
    uint64_t nearly = state->fallen_from - state->fallen_from / NEARLY_PART;
    nearly = larger(nearly, goal_alone(now));
    return rested_ns(now) < AGAIN_NS ? nearly : smaller(goal, nearly);
}

uint64_t budget_copy_goal(uint64_t size, uint64_t now) {
    return smaller(process_goal(size, now), region_goal(now));
}

void budget_note_live(uint64_t live) {
    struct snapshot_state *state = &process.snapshots;
    state->live = live;
    if (live > state->top)
        state->top = live;
    else if (live < state->top - state->top / FALLEN_PART)
        state->fallen_from = state->top;
}

bool budget_has_for_regions(uint64_t now) {
    return process.snapshots.regions_ns < for_regions(now);
}

uint64_t budget_for_waits(uint64_t now) {
    return may_cost(now) / WAITS_PART;
}

uint64_t budget_left(uint64_t now) {
    return left_of(may_cost(now), process.snapshots.spent_ns);
}

static void spend(uint64_t ns) {
    process.snapshots.spent_ns += ns;
    if (process.snapshots.for_region)
        process.snapshots.regions_ns += ns;
}

static uint64_t tell(uint64_t since) {
    uint64_t ns = clock_ns() - since;
    atomic_fetch_add_explicit(&process.region->snapshot_ns, ns, memory_order_relaxed);
    return ns;
}

void budget_charge(uint64_t since) {
    spend(tell(since));
}

void budget_leave_out(uint64_t since) {
    tell(since);
}

void budget_note_copy(uint64_t wall_ns, uint64_t work_ns) {
    process.snapshots.displaced_ns += smaller(left_of(wall_ns, work_ns), work_ns);
}

static void faults_now(uint64_t *count, uint64_t *system_ns) {
    struct rusage usage = {0};
    sys_call6(SYS_getrusage, RUSAGE_SELF, (long)&usage, 0, 0, 0, 0);
    *count = (uint64_t)usage.ru_minflt;
    *system_ns = usage_ns(&usage.ru_stime);
}

uint64_t budget_writes_ns(uint64_t faults, uint64_t system_ns, uint64_t allocated) {
    if (!faults)
        return 0;
    uint64_t shared =
        smaller(left_of(faults, allocated / WIRE_PAGE), process.snapshots.last / WIRE_PAGE);
    uint64_t each = larger(system_ns / faults, SHARED_WRITE_LEAST_NS);
    return shared * smaller(each, SHARED_WRITE_MOST_NS);
}

void budget_charge_writes(void) {
    struct snapshot_state *state = &process.snapshots;
    uint64_t faults, system_ns;
    faults_now(&faults, &system_ns);
    uint64_t ns = budget_writes_ns(faults - state->faults, system_ns - state->faults_ns,
                                   process.gil_allocated - state->faults_allocated);
    if (ns > state->writes_ns) {
        spend(ns - state->writes_ns);
        state->writes_ns = ns;
    }
}

void budget_begin_anew(uint64_t began) {
    process.snapshots.taken_ns = clock_ns();
    process.snapshots.paused_ns = process.snapshots.taken_ns - began;
    process.snapshots.copies_ns = copies_work_ns();
    process.snapshots.writes_ns = 0;
    faults_now(&process.snapshots.faults, &process.snapshots.faults_ns);
    process.snapshots.faults_allocated = process.gil_allocated;
}
