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

/* What could be seen of references: "5 extension modules, 4 of which ..." */
void leaks_scope(const struct findings *findings, char *text, size_t size);

/* By what births and deaths in the interpreter's core were seen: its "allocator", or "tracer" (a
 * PyRefTracer). */
const char *leaks_core_seen(const struct graph *graph);

/* What to do about it. */
const char *leak_advice(const struct leak *leak);

#endif
