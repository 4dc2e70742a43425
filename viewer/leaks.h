/* What the reports say of references that were taken and not given back (run --refs). */
#ifndef HOLDFAST_VIEWER_LEAKS_REPORT_H
#define HOLDFAST_VIEWER_LEAKS_REPORT_H

#include "holders.h"

#define LEAKS_NONE 0xffffffffu

/* The process's last whole snapshot; LEAKS_NONE when references were not counted, or there is no
 * such snapshot. */
uint32_t leaks_snapshot(const struct profile *profile, uint32_t process);

/* Why nothing is told of a process whose references were to be counted, as a sentence; NULL: there
 * is something, or nobody asked for it. */
const char *leaks_problem(const struct profile *profile, uint32_t process);

/* The findings of the process's last whole snapshot, whose `leaks` and `graph` tell; to be freed.
 * NULL when references were not counted, or there is no such snapshot, or memory ran out. */
struct findings *leaks_open(const struct profile *profile, uint32_t process);

/* "_speedups.so" of a path. */
const char *leak_module(const struct leak *leak);

/* "_speedups.so took 1,000 references to list, and gave back none"; in `size` bytes. */
void leak_sentence(const struct leak *leak, char *text, size_t size);

/* What could be seen of references, by the last look at memory, or else by the counts. */
struct leaks_seen {
    bool known, deaths;        /* deaths: a PyRefTracer told of them */
    bool cut;                  /* not all memory was looked through */
    uint64_t modules, calling; /* that import from the interpreter; whose calls are seen */
    uint64_t left_out;         /* references of which no mind was kept */
};
struct leaks_seen leaks_seen(const struct profile *profile, uint32_t process,
                             const struct findings *findings);

/* The same as a sentence: "5 extension modules, 4 of which ..." */
void leaks_scope(const struct leaks_seen *seen, char *text, size_t size);

/* By what births and deaths in the interpreter's core were seen: its "allocator", or "tracer". */
const char *leaks_core_seen(const struct leaks_seen *seen);

/* References of one module and type that were taken by calls, and not given back, since memory was
 * last looked through: nobody knows whether something holds them. */
struct leak_late {
    const struct profile_count *count;
    uint64_t references; /* of count->kept */
};

/* How many there are; the list has the most of them first, LEAKS_LATE at most. `findings`:
 * leaks_open's. None where the last look was as the interpreter began to end. */
#define LEAKS_LATE 32u
uint32_t leaks_late(const struct profile *profile, uint32_t process,
                    const struct findings *findings, struct leak_late *list);
void leak_late_sentence(const struct profile *profile, const struct leak_late *late,
                        const struct findings *findings, char *text, size_t size);

/* What to do about it. */
const char *leak_advice(const struct leak *leak);

#endif
