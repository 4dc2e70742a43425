/* When a snapshot is due. See snapshot.h.
 *
 * The library does not know what is live: it does not know how large a block is that it frees. The
 * collector publishes what was live at a position of the GIL's ring (session.h), and the library
 * adds what that ring's records have allocated since: an upper bound. While that is below the goal,
 * nothing is due. When the bound alone is above it, the library looks again a little later; before
 * a large allocation, it waits until the collector has processed the ring.
 *
 * A free-threaded build has no such ring, nor a moment at which its heap stands still: there, a
 * thread tells what its own frames hold, and decides on that before large allocations alone.
 *
 * The goal lies a step above the last snapshot. What snapshots may cost the program in all is
 * limited, and so is how soon one follows another (the pace); the step grows with what they have
 * cost already: see budget.h.
 */
#include "snapshot.h"

#include "../wire/profile.h"
#include "budget.h"
#include "copy.h"
#include "frames.h"
#include "python.h"
#include "refs/refs.h"
#include "seccomp.h"
#include "sys.h"

/* Where the budget has no room for a copy, what the frames hold is told all the same once what
 * counts has grown by this much. That is cheap beside a copy, but waits for what the collector has
 * not processed; there are three or four such moments while the peak grows to ten times as much. Of
 * regions, each of which begins anew, there may be any number: those are paid for from their part
 * of the budget. */
#define SHALLOW_STEP_PERMILLE 1000u

/* What is live has grown by a part of what a reallocation asks for: what grows bit by bit, as lists
 * and buffers do, takes an eighth more than it needs each time. */
#define REGROWN_PART 8u

/* An allocation is large from this part of the goal on. */
#define LARGE_PART 50u

#define CATCH_UP_NS 20000000u
/* Of one at the ceiling there is but one, which the user has asked for: in all, so much. */
#define CATCH_UP_CEILING_NS 1000000000u
#define CATCH_UP_SLEEP_NS 50000
#define COPY_WAIT_NS 5000000u
#define EXIT_WAIT_NS 200000000u
#define REFS_WAIT_NS 10000000000u /* a copy's whole life */
#define HOLD_NS 1000000000u       /* for a snapshot that another thread is taking */

/* No address space has room for more: that will fail. */
#define SIZE_POSSIBLE ((uint64_t)1 << 46)

/* Bytes between two decisions. */
#define INTERVAL_LEAST ((uint64_t)64 << 10)

/* An allocation that is about to be made. */
struct coming {
    uint64_t size;
    uint64_t counts; /* of it, towards the goal */
    uint64_t step;   /* by so much it lets grow what is live, as far as that can be told */
};

struct figures {
    uint64_t live;  /* when the collector had processed the GIL's ring up to `position` */
    uint64_t bound; /* now at most, but for what threads without the GIL allocated since */
    uint64_t position;
};

static uint64_t load(_Atomic uint64_t *field) {
    return atomic_load_explicit(field, memory_order_relaxed);
}

/* The collector changes the three in a few instructions; should it die there, old figures do. */
static struct figures figures_read(void) {
    struct region *region = process.region;
    struct figures figures = {0};
    uint64_t counted = 0;
    for (int tries = 0; tries < 1000; tries++) {
        uint32_t before = atomic_load_explicit(&region->sequence, memory_order_acquire);
        figures.live = load(&region->live);
        counted = load(&region->gil_allocated);
        figures.position = load(&region->gil_position);
        atomic_thread_fence(memory_order_acquire);
        uint32_t after = atomic_load_explicit(&region->sequence, memory_order_relaxed);
        if (before == after && before % 2 == 0)
            break;
        cpu_relax();
    }
    figures.bound = figures.live + (process.gil_allocated - counted);
    return figures;
}

/* The live bytes from which what the frames hold is told for the process's sake. */
static uint64_t shallow_goal(void) {
    return budget_above(process.snapshots.highest, SHALLOW_STEP_PERMILLE);
}

/* The same for the sake of regions alone. */
static uint64_t shallow_region_goal(uint64_t now) {
    const struct snapshot_state *state = &process.snapshots;
    return state->last < state->highest && budget_has_for_regions(now)
               ? budget_above(state->last, SHALLOW_STEP_PERMILLE)
               : UINT64_MAX;
}

/* From which any is. */
static uint64_t next_step(uint64_t step, uint64_t now) {
    process.snapshots.mapped = load(&process.region->mapped);
    return smaller(budget_copy_goal(step, now), smaller(shallow_goal(), shallow_region_goal(now)));
}

static uint64_t ceiling(void) {
    uint64_t bytes = process.session->ceiling;
    return bytes && !process.snapshots.ceiling_passed ? bytes : UINT64_MAX;
}

/* The next decision comes when `room` more bytes have been allocated with the GIL, within limits:
 * not at once, and not too late to find that there is a budget again. */
static void put_off(uint64_t room) {
    if (!python.has_gil) {
        process.snapshot_limit = GRAPH_LARGE_BLOCK - 1; /* nothing is counted: each large block */
        return;
    }
    uint64_t interval = budget_counted(process.snapshots.live) / 200;
    if (interval < INTERVAL_LEAST)
        interval = INTERVAL_LEAST;
    uint64_t most = interval * 16 > BUDGET_FIRST_GOAL ? interval * 16 : BUDGET_FIRST_GOAL;
    if (room < interval)
        room = interval;
    process.snapshot_limit = process.gil_allocated + smaller(room, most);
}

/* All that the ring holds in which this thread counts has been processed. */
static bool caught_up(const struct figures *figures) {
    if (python.has_gil)
        return figures->position >= process.gil.tail;
    return !self.own || load(&self.own->ring->head) >= self.own->tail;
}

static void nap(void) {
    const struct timespec pause = {.tv_nsec = CATCH_UP_SLEEP_NS};
    sys_call6(SYS_nanosleep, (long)&pause, 0, 0, 0, 0, 0);
}

/* Until that is so, or does not come in time. */
static struct figures catch_up(uint64_t began, uint64_t most) {
    struct figures figures = figures_read();
    while (!caught_up(&figures) && clock_ns() - began < most) {
        writer_call_collector();
        nap();
        figures = figures_read();
    }
    if (python.has_gil)
        return figures;
    nap(); /* a thread's ring is given free just before the figures come */
    return figures_read();
}

/* Room for the walk's tables: they grow with the number of objects, and so with what is live. */
static uint64_t memory_limit(uint64_t live) {
    return smaller(((uint64_t)64 << 20) + live, (uint64_t)4 << 30);
}

static bool record(unsigned reason, uint64_t size, uint32_t *number) {
    struct writer *writer = event_begin();
    if (!writer)
        return false;
    bool right = writer->is_gil || !python.has_gil;
    if (right) {
        *number = (uint32_t)atomic_fetch_add(&process.region->snapshots, 1) + 1;
        event_snapshot(writer, reason, *number, size, stack_node(&self, writer));
    }
    event_end(writer);
    return right && !process.off;
}

/* While a copy is at work, what the program writes to is copied page by page. So it waits for an
 * end that is near; longer, and waiting would cost it more than the pages do. */
static uint64_t patience(void) {
    uint64_t most = smaller(COPY_WAIT_NS, budget_left(clock_ns()) / 8);
    uint64_t expected = copy_expected_ns();
    return expected && expected <= most ? most : 0;
}

/* So much more that what an earlier copy is telling will not do. */
static bool is_leap(uint64_t bytes) {
    uint64_t last = process.snapshots.last;
    return bytes > last + last / 10 || bytes > ceiling();
}

static uint32_t requests(void) {
    return atomic_load_explicit(&process.region->request, memory_order_relaxed);
}

/* What the last one had. */
static void set_last(uint64_t bytes) {
    struct snapshot_state *state = &process.snapshots;
    state->last = bytes;
    state->highest = bytes > state->before ? bytes : state->before;
}

/* With every signal blocked from the record to the copy, so that no handler allocates in between,
 * and the copy begins with them blocked. */
static void take(unsigned reason, const struct coming *coming, uint64_t live) {
    bool wanted = reason != SNAPSHOT_PEAK;
    uint64_t size = coming->size, copy_goal = budget_copy_goal(coming->step, clock_ns());
    bool may_copy = python.has_gil && (wanted || live + coming->counts > copy_goal);
    struct signals signals = signals_block();
    uint32_t number;
    if (record(reason, size, &number)) {
        process.snapshots.served = requests();
        process.snapshots.ceiling_passed |= live + size > ceiling();
        process.snapshots.before = process.snapshots.highest;
        process.snapshots.for_region = live + size <= process.snapshots.highest;
        set_last(live + size);
        process.snapshots.number = number;
        process.snapshots.pending = size;
        process.snapshots.pending_end = python.has_gil ? process.gil_allocated + size : 0;
        enum copy_end end = COPY_FAILED;
        uint64_t most = patience();
        bool rests = !wanted && !most && atomic_load(&process.snapshots.regions) == 0;
        if (may_copy && copy_make(number, memory_limit(live), wanted, rests))
            end = copy_wait(most);
        if (end == COPY_FAILED)
            copy_do_without(number);
    }
    signals_restore(signals);
}

/* Without a GIL, a thread's own frames are what nobody else changes. */
static bool heap_stands_still(void) {
    if (python_gil_held(&self))
        return !writer_is_busy(&process.gil);
    return !python.has_gil && self.state && self.depth == 0 && !(self.own && self.own->busy) &&
           python_pointer(self.state, python.at.thread_interpreter) ==
               python_pointer(python.runtime, python.at.runtime_main_interpreter);
}

/* What this thread may be in the midst of does not go together with a snapshot: its own events, a
 * vfork, the interpreter's beginning or end, a collection. */
static bool at_safe_point(void) {
    if (self.epoch != process.epoch || !process.epoch || self.attaching || self.asking)
        return false;
    if (process.off) {
        process.snapshot_limit = UINT64_MAX;
        return false;
    }
    return heap_stands_still() && python_at_rest();
}

static bool image_is_ours(void) {
    return self.tid == (uint32_t)sys_call6(SYS_gettid, 0, 0, 0, 0, 0, 0);
}

/* The allocation that the last one was taken for may have failed; and what was live at it was not
 * known exactly. */
static void settle_last(void) {
    struct snapshot_state *state = &process.snapshots;
    struct region *region = process.region;
    if (process.gil_allocated < state->pending_end) {
        set_last(state->last - state->pending);
        state->pending = 0;
    }
    state->pending_end = 0;
    if (state->number != 0 &&
        atomic_load_explicit(&region->snapshot_told, memory_order_acquire) == state->number) {
        set_last(load(&region->snapshot_live) + state->pending);
        state->number = 0;
    }
}

/* A region counts its steps from what is live as it begins; when none is open, steps are those of
 * the process again. */
static void follow_regions(uint64_t live) {
    struct snapshot_state *state = &process.snapshots;
    if (atomic_exchange(&state->region_begun, false) && live < state->last) {
        state->last = live;
        state->number = 0;
        state->pending = state->pending_end = 0;
    }
    if (atomic_load(&state->regions) == 0 && state->last < state->highest)
        state->last = state->highest;
}

/* For how long to wait for the collector. The moment before a large allocation does not come again,
 * nor does the first one above the ceiling; among small ones, one is as good as another that comes
 * a little later, when the collector has got there by itself. */
static uint64_t worth_waiting(uint64_t bound, const struct coming *coming, uint64_t now) {
    uint64_t waited = process.snapshots.catch_up_ns;
    if (bound + coming->size > ceiling())
        return waited < CATCH_UP_CEILING_NS ? CATCH_UP_CEILING_NS - waited : 0;
    bool large = coming->step >= process.snapshots.goal / LARGE_PART;
    return large && waited < budget_for_waits(now) ? CATCH_UP_NS : 0;
}

static bool is_too_soon(uint64_t bound, const struct coming *coming, uint64_t now) {
    return !budget_is_step_alone(coming->step) && !budget_is_step_of_region(coming->step) &&
           !budget_is_top_missed() && bound + coming->size <= ceiling() &&
           bound + coming->counts <= shallow_goal() && budget_is_too_soon(now);
}

/* With so much live, and this coming, there is to be one. */
static bool is_reached(uint64_t live, const struct coming *coming) {
    return live + coming->counts > process.snapshots.goal || live + coming->size > ceiling();
}

static uint64_t missing(uint64_t live, const struct coming *coming) {
    uint64_t goal = smaller(process.snapshots.goal, ceiling());
    return goal > live + coming->size ? goal - live - coming->size : 0;
}

/* The reason for a snapshot now, 0 for none; `live` is then what was found. */
static unsigned decide(const struct coming *coming, uint64_t began, uint64_t *live) {
    struct snapshot_state *state = &process.snapshots;
    struct figures figures = figures_read();
    settle_last();
    follow_regions(figures.bound);
    budget_note_live(figures.live); /* the bound counts what has long been freed */
    state->goal = next_step(coming->step, began);
    *live = figures.bound;
    if (requests() != state->served)
        return SNAPSHOT_REQUEST;
    if (python.has_gil && !is_reached(figures.bound, coming)) {
        put_off(missing(figures.bound, coming));
        return 0;
    }
    budget_charge_writes();
    if (is_too_soon(figures.bound, coming, began) || !copy_has_place() ||
        (copy_works() && !is_leap(figures.bound + coming->size))) {
        put_off(0);
        return 0;
    }
    uint64_t patience_ns = worth_waiting(figures.bound, coming, began);
    if (!caught_up(&figures) && patience_ns) {
        figures = catch_up(began, patience_ns);
        budget_note_live(figures.live);
        if (!is_reached(figures.live, coming)) {
            state->catch_up_ns += clock_ns() - began;
            budget_charge(began);
        }
    }
    *live = figures.live;
    if (!is_reached(*live, coming)) {
        put_off(missing(figures.bound, coming));
        return 0;
    }
    return *live + coming->size > ceiling() ? SNAPSHOT_CEILING : SNAPSHOT_PEAK;
}

static void consider(const struct coming *coming) {
    /* What our own code has at hand just now is no holder of the program's: that can wait for the
     * program's next allocation. */
    if (requests() == process.snapshots.served && frames_are_ours(self.state))
        return;
    uint64_t began = clock_ns();
    uint64_t live;
    copy_reap();
    unsigned reason = decide(coming, began, &live);
    if (!reason || !image_is_ours())
        return;
    take(reason, coming, live);
    budget_charge(began);
    budget_begin_anew(began);
    uint64_t goal = smaller(next_step(0, clock_ns()), ceiling());
    process.snapshots.goal = goal;
    put_off(goal > live ? goal - live : 0);
}

/* Waits, within the budget, for copies that are still at work. Who asked for lost references has
 * the last one look for them to the end, whatever the budget: nothing of the program comes after
 * it. */
static void settle(bool last) {
    copy_reap();
    uint64_t began = clock_ns();
    bool wholly = refs && (last || refs->ended);
    copy_wait_all(wholly ? REFS_WAIT_NS : smaller(budget_left(began), EXIT_WAIT_NS));
    copy_reap();
    if (wholly)
        budget_leave_out(began);
    else
        budget_charge(began);
}

/* Holding comes first, then the look at whether somebody takes one; taking the other way round. */
static void consider_coming(const struct coming *coming) {
    uint32_t nobody = 0;
    if (coming->size > SIZE_POSSIBLE || !at_safe_point() ||
        !atomic_compare_exchange_strong(&process.snapshots.taker, &nobody, self.tid))
        return;
    if (atomic_load(&process.snapshots.holds) == 0 && seccomp_lets(SECCOMP_TELL))
        consider(coming);
    else if (!seccomp_lets(SECCOMP_TELL))
        process.snapshot_limit = UINT64_MAX;
    atomic_store(&process.snapshots.taker, 0);
}

void snapshot_consider(size_t size) {
    consider_coming(&(struct coming){size, size, size});
}

void snapshot_consider_again(size_t size) {
    consider_coming(&(struct coming){size, size, size / REGROWN_PART});
}

void snapshot_consider_mapping(size_t size) {
    uint64_t counted = size / BUDGET_MAPPED_PART;
    consider_coming(&(struct coming){size, counted, counted});
}

bool snapshot_at_end(void) {
    uint32_t nobody = 0;
    if (self.epoch != process.epoch || !process.epoch || process.off || !process.session->holders ||
        !seccomp_lets(SECCOMP_COPY))
        return true;
    /* Each allocation asks until then: the system call comes last. */
    if (self.attaching || self.asking || !heap_stands_still() || python_collects() ||
        atomic_load(&process.snapshots.holds) != 0 || atomic_load(&process.snapshots.taker) != 0)
        return false;
    if (!image_is_ours())
        return true;
    if (!atomic_compare_exchange_strong(&process.snapshots.taker, &nobody, self.tid))
        return false;
    settle(true); /* taking another one would end it: that of the peak, maybe */
    uint64_t began = clock_ns();
    take(SNAPSHOT_AT_END, &(struct coming){0, 0, 0}, figures_read().bound);
    budget_charge(began);
    atomic_store(&process.snapshots.taker, 0);
    return true;
}

static bool taken_by_another(void) {
    uint32_t taker = atomic_load(&process.snapshots.taker);
    return taker != 0 && taker != self.tid;
}

void snapshot_hold(void) {
    atomic_fetch_add(&process.snapshots.holds, 1);
    if (!process.region || !seccomp_lets(SECCOMP_TELL))
        return;
    uint64_t began = clock_ns();
    while (taken_by_another() && clock_ns() - began < HOLD_NS)
        nap();
    settle(false);
    copy_end_all();
}

void snapshot_release(void) {
    atomic_fetch_sub(&process.snapshots.holds, 1);
}

void snapshot_look(uint64_t ticket) {
    struct snapshot_state *state = &process.snapshots;
    struct region *region = process.region;
    state->looked = ticket;
    if (process.snapshot_limit == UINT64_MAX)
        return;
    /* Read without care: a wrong figure costs one decision. */
    uint64_t live = load(&region->live);
    uint64_t bound = live + (process.gil_allocated - load(&region->gil_allocated));
    budget_note_live(live);
    bool other_step = load(&region->mapped) != state->mapped;
    if (bound > state->goal || other_step || requests() != state->served || copy_left())
        process.snapshot_limit = 0;
}

/* A region's snapshots may be far below the one that rests, and are none to end it for. */
static void hurry_for_regions(void) {
    if (image_is_ours() && seccomp_lets(SECCOMP_COPY))
        copy_hurry();
}

void snapshot_region_begins(bool gil) {
    hurry_for_regions();
    atomic_fetch_add(&process.snapshots.regions, 1);
    atomic_store(&process.snapshots.region_begun, true);
    if (gil && process.snapshot_limit != UINT64_MAX)
        process.snapshot_limit = 0;
}

/* More ends than begins are a program's slip. */
void snapshot_region_ends(void) {
    uint32_t regions = atomic_load(&process.snapshots.regions);
    while (regions > 0 &&
           !atomic_compare_exchange_weak(&process.snapshots.regions, &regions, regions - 1))
        ;
}

void snapshot_arm(void) {
    bool wanted = process.session && process.session->holders && python.present;
    if (!process.snapshots.began_ns)
        process.snapshots.began_ns = clock_ns();
    process.snapshot_limit = !wanted ? UINT64_MAX : python.has_gil ? 0 : GRAPH_LARGE_BLOCK - 1;
}

void snapshot_settle(bool exits) {
    if (process.region && seccomp_lets(SECCOMP_COPY) && image_is_ours())
        settle(exits);
}
