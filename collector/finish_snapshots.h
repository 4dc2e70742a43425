/* Snapshots, their blocks, moments and heap graphs, as parts of a profile. */
#ifndef HOLDFAST_COLLECTOR_FINISH_SNAPSHOTS_H
#define HOLDFAST_COLLECTOR_FINISH_SNAPSHOTS_H

#include "builder.h"

/* After the processes. */
void snapshots_add(struct builder *builder, struct trace *trace);
void snapshots_free(struct profile *profile);

#endif
