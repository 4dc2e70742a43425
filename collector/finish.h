/* The end: what was found out becomes a profile, and the profile a file. */
#ifndef HOLDFAST_COLLECTOR_FINISH_H
#define HOLDFAST_COLLECTOR_FINISH_H

#include "../wire/profile.h"
#include "trace.h"

/* What only the launcher knows. */
struct finish_facts {
    char *const *command; /* NULL-terminated */
    uint32_t main_pid;    /* 0 unknown */
    bool has_status;
    int status;                  /* as wait(2) gives it */
    bool last;                   /* nothing of the trace is needed any more */
    void (*slow)(void *context); /* called once if naming native code takes long; may be NULL */
    void *slow_context;
};

/* Fills `profile` from the trace as it is now, and ends the event stream: *events is what to
 * append, NULL when there is none. The last time, the trace's sites and stacks are given up as they
 * are taken over, since there may be no room for both. False when memory ran out. */
bool finish_build(struct trace *trace, const struct finish_facts *facts, struct profile *profile,
                  FILE **events);
void finish_release(struct profile *profile);

struct builder;

/* The profile's node of a site. Those of images after FULL_IMAGES that hold nothing at a peak or
 * the end share the empty stack, so that sums over the whole run are exact. */
uint32_t finish_node(struct builder *builder, const struct image *image, uint32_t site);

#endif
