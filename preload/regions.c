/* What a traced program can call: it marks regions of itself. Python's package and
 * include/holdfast.h find these functions by their names. */
#include "../include/holdfast.h"

#include <errno.h>
#include <stdatomic.h>
#include <time.h>

#include "real.h"
#include "seccomp.h"
#include "snapshot.h"
#include "sys.h"
#include "thread.h"

/* How long a result is waited for. */
#define PATIENCE_NS 30000000000ull
#define NAP_NS 100000

/* A forked child goes on counting: its numbers are its own all the same. */
static _Atomic uint32_t last_number;

static uint32_t next_number(void) {
    uint32_t number;
    do
        number = (atomic_fetch_add(&last_number, 1) + 1) & MARK_REGION_NUMBERS;
    while (number == 0);
    return number;
}

unsigned holdfast_region_begin(const char *name, unsigned flags);
void holdfast_region_end(unsigned region);
void holdfast_region_pause(unsigned region);
void holdfast_region_resume(unsigned region);
int holdfast_is_traced(void);
int holdfast_region_measure(unsigned region, struct holdfast_figures *figures);
int holdfast_region_turnover(unsigned region, struct holdfast_turnover *turnover);
int holdfast_region_drag(unsigned region, struct holdfast_drag *drag);

EXPORT unsigned holdfast_region_begin(const char *name, unsigned flags) {
    struct writer *writer = name ? event_begin() : NULL;
    if (!writer)
        return 0;
    uint32_t number = next_number();
    unsigned mark = flags & HOLDFAST_ALL_THREADS ? MARK_REGION_BEGIN_ALL : MARK_REGION_BEGIN;
    uint64_t value = (uint64_t)self.tid << MARK_REGION_BITS | number;
    bool begun = event_region(writer, mark, value, name);
    if (begun)
        snapshot_region_begins(writer->is_gil);
    event_end(writer);
    return begun ? number : 0;
}

EXPORT int holdfast_is_traced(void) {
    struct writer *writer = event_begin();
    if (writer)
        event_end(writer);
    return writer != NULL;
}

EXPORT void holdfast_region_end(unsigned region) {
    struct writer *writer = region ? event_begin() : NULL;
    if (!writer)
        return;
    atomic_fetch_add(&process.regions_ended, 1);
    event_mark(writer, MARK_REGION_END, region & MARK_REGION_NUMBERS);
    snapshot_region_ends();
    event_end(writer);
}

EXPORT void holdfast_region_pause(unsigned region) {
    struct writer *writer = region ? event_begin() : NULL;
    if (!writer)
        return;
    event_mark(writer, MARK_REGION_PAUSE, region & MARK_REGION_NUMBERS);
    event_end(writer);
}

EXPORT void holdfast_region_resume(unsigned region) {
    struct writer *writer = region ? event_begin() : NULL;
    if (!writer)
        return;
    uint64_t number = region & MARK_REGION_NUMBERS;
    event_mark(writer, MARK_REGION_RESUME, (uint64_t)self.tid << MARK_REGION_BITS | number);
    event_end(writer);
}

struct measured {
    struct holdfast_figures *figures; /* each may be NULL */
    struct holdfast_turnover *turnover;
    struct holdfast_drag *drag;
};

static void read_turnover(struct stretch_result *result, struct holdfast_turnover *turnover) {
    uint64_t kept = atomic_load(&result->kept);
    turnover->allocated = atomic_load(&result->made);
    turnover->churn = turnover->allocated > kept ? turnover->allocated - kept : 0;
    turnover->kept_native = atomic_load(&result->kept_native);
}

static bool read_drag(struct stretch_result *result, struct holdfast_drag *drag) {
    drag->untouched = atomic_load(&result->untouched);
    drag->unseen = atomic_load(&result->unseen);
    return atomic_load(&result->drag_known) != 0;
}

static void read_figures(struct stretch_result *result, struct holdfast_figures *figures) {
    figures->peak = atomic_load(&result->peak);
    figures->kept = atomic_load(&result->kept);
    figures->kept_largest = atomic_load(&result->kept_largest);
    figures->process_begin = atomic_load(&result->process_begin);
    figures->process_peak = atomic_load(&result->process_peak);
    figures->process_end = atomic_load(&result->process_end);
}

/* Waits until the result is there. False when it will not come: all ends have been processed that
 * were sent before (it is another process's number, or later ones took its place), or it does not
 * come in time. */
static bool wait_for_result(const struct stretch_result *result, unsigned region) {
    const struct timespec nap = {.tv_nsec = NAP_NS};
    bool may_wait = seccomp_lets(SECCOMP_TELL) && seccomp_lets(SECCOMP_WAIT);
    uint64_t began = may_wait ? clock_ns() : 0, sent = atomic_load(&process.regions_ended);
    for (;;) {
        bool all = atomic_load(&process.region->stretches_ended) >= sent;
        if (atomic_load_explicit(&result->number, memory_order_acquire) == region)
            return true;
        if (all || !may_wait || !session_collector_alive(process.session) ||
            clock_ns() - began > PATIENCE_NS)
            return false;
        writer_call_collector();
        sys_call6(SYS_nanosleep, (long)&nap, 0, 0, 0, 0, 0);
    }
}

static int measure(unsigned region, const struct measured *to) {
    if (!region || !process.epoch || process.off || !process.region)
        return -1;
    struct stretch_result *result = &process.region->results[region % STRETCH_RESULTS];
    if (!wait_for_result(result, region))
        return -1;
    bool left_out = atomic_load(&result->left_out) != 0, known = true;
    if (!left_out && to->figures)
        read_figures(result, to->figures);
    if (!left_out && to->turnover)
        read_turnover(result, to->turnover);
    if (!left_out && to->drag)
        known = read_drag(result, to->drag);
    if (atomic_load_explicit(&result->number, memory_order_acquire) != region)
        return -1;
    return left_out ? HOLDFAST_LEFT_OUT : known ? 0 : HOLDFAST_NO_DRAG;
}

EXPORT int holdfast_region_measure(unsigned region, struct holdfast_figures *figures) {
    return measure(region, &(struct measured){.figures = figures});
}

EXPORT int holdfast_region_turnover(unsigned region, struct holdfast_turnover *turnover) {
    return measure(region, &(struct measured){.turnover = turnover});
}

EXPORT int holdfast_region_drag(unsigned region, struct holdfast_drag *drag) {
    return measure(region, &(struct measured){.drag = drag});
}
