/* The counts of references that a process keeps in the collector's memory (wire/references.h): what
 * modules have taken and given back by calls up to its end, whatever that was. */
#ifndef HOLDFAST_COLLECTOR_REFERENCES_H
#define HOLDFAST_COLLECTOR_REFERENCES_H

#include <stdbool.h>
#include <stdint.h>

struct builder;
struct image;
struct references;
struct trace;

/* Of one module and type. */
struct reference_count {
    char *module, *type;
    uint64_t taken, given, ended; /* as struct profile_count has them */
    uint64_t kept, objects;
    uint32_t taker; /* number of the stack that took most of what is kept; 0: not known */
};

struct reference_counts {
    int shared; /* descriptor of struct references; 0: the process has ended, or there are none */
    struct reference_count *list;
    uint32_t count;
    uint32_t looked_at, calling; /* modules */
    uint64_t left_out;
    bool known; /* some were kept */
};

/* Memory for the counts of an image that joins. A descriptor of it, for the process; -1 with errno:
 * there is none, and nothing will be known. */
int references_open(struct reference_counts *counts);

/* The process has ended: what it has counted is kept, and the memory given back. */
void references_end(struct reference_counts *counts);
void references_release(struct reference_counts *counts);

/* profile.counts of all processes, and what their rows have of that. */
void finish_references(struct builder *builder, struct trace *trace);

#endif
