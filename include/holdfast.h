/* Holdfast: mark regions of a C or C++ program, each of which has a peak, growth and stacks of its
 * own in the reports.
 *
 *     unsigned region = holdfast_begin("load", 0);
 *     ...
 *     holdfast_end(region);
 *
 * Nothing has to be linked: what a program that `holdfast run` traces calls is in the library that
 * it was started with. Anywhere else these functions do nothing.
 *
 * To a region belongs what its thread allocates between begin and end, or with HOLDFAST_ALL_THREADS
 * what all threads of the process allocate. Regions of one thread may be inside each other, up to
 * eight deep; they need not end in the reverse order. A process that forks takes none of them
 * along.
 */
#ifndef HOLDFAST_H
#define HOLDFAST_H

#include <dlfcn.h>
#include <stdint.h>

#define HOLDFAST_ALL_THREADS 1u
#define HOLDFAST_LEFT_OUT (-2)
#define HOLDFAST_NO_DRAG (-3)

/* What a region has been, in bytes. `peak` and `kept` are of what it allocated itself: the most
 * that was live at one time, and what still was at its end; `kept_largest` is the most of that
 * which one call stack allocated. The others are of the whole process: live at the region's begin,
 * the most while it was open, and live at its end. */
struct holdfast_figures {
    uint64_t peak, kept, kept_largest;
    uint64_t process_begin, process_peak, process_end;
};

/* What became of what it allocated, in bytes: all of it, what of that was given back before the end
 * (`churn`), and of what was not, native blocks, which no interpreter gives back. */
struct holdfast_turnover {
    uint64_t allocated, churn, kept_native;
};

/* With `holdfast run --drag`, of the big blocks (1 MiB and up) that it allocated, up to its end:
 * bytes times seconds in which nothing touched them, and in which nobody looked whether something
 * did. */
struct holdfast_drag {
    uint64_t untouched, unseen;
};

/* As dlsym has it: looked up among all that the program is linked with. */
static inline void *holdfast_find(const char *name) {
    return dlsym((void *)0, name);
}

/* Begins a region. Names of more than 240 bytes are cut. 0: the process is not traced. */
static inline unsigned holdfast_begin(const char *name, unsigned flags) {
    void *found = holdfast_find("holdfast_region_begin");
    unsigned (*begin)(const char *, unsigned);
    __builtin_memcpy(&begin, &found, sizeof begin);
    return found ? begin(name, flags) : 0;
}

/* Ends it, from any thread. */
static inline void holdfast_end(unsigned region) {
    void *found = region ? holdfast_find("holdfast_region_end") : (void *)0;
    void (*end)(unsigned);
    __builtin_memcpy(&end, &found, sizeof end);
    if (found)
        end(region);
}

/* Leaves a region of this thread for a while, as where fibers take turns: what happens in between
 * is not in it. It goes on in the thread that resumes it. Nothing happens with
 * HOLDFAST_ALL_THREADS. */
static inline void holdfast_pause(unsigned region) {
    void *found = region ? holdfast_find("holdfast_region_pause") : (void *)0;
    void (*pause)(unsigned);
    __builtin_memcpy(&pause, &found, sizeof pause);
    if (found)
        pause(region);
}

static inline void holdfast_resume(unsigned region) {
    void *found = region ? holdfast_find("holdfast_region_resume") : (void *)0;
    void (*resume)(unsigned);
    __builtin_memcpy(&resume, &found, sizeof resume);
    if (found)
        resume(region);
}

/* The figures of a region that has ended; waits until they are known. Only the last few are kept.
 * 0, or -1: the process is not traced, or they are not there; or HOLDFAST_LEFT_OUT: the region was
 * not followed, since it was more than eight deep, or there were too many. */
static inline int holdfast_measure(unsigned region, struct holdfast_figures *figures) {
    void *found = region ? holdfast_find("holdfast_region_measure") : (void *)0;
    int (*measure)(unsigned, struct holdfast_figures *);
    __builtin_memcpy(&measure, &found, sizeof measure);
    return found ? measure(region, figures) : -1;
}

/* The same for these; also -1 where the library is older than this header. */
static inline int holdfast_measure_turnover(unsigned region, struct holdfast_turnover *turnover) {
    void *found = region ? holdfast_find("holdfast_region_turnover") : (void *)0;
    int (*measure)(unsigned, struct holdfast_turnover *);
    __builtin_memcpy(&measure, &found, sizeof measure);
    return found ? measure(region, turnover) : -1;
}

/* The same for these; HOLDFAST_NO_DRAG where that is not known: the run is one without --drag, say.
 */
static inline int holdfast_measure_drag(unsigned region, struct holdfast_drag *drag) {
    void *found = region ? holdfast_find("holdfast_region_drag") : (void *)0;
    int (*measure)(unsigned, struct holdfast_drag *);
    __builtin_memcpy(&measure, &found, sizeof measure);
    return found ? measure(region, drag) : -1;
}

#endif
