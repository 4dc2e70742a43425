/* The regions that programs marked, into the profile. */
#ifndef HOLDFAST_COLLECTOR_FINISH_STRETCHES_H
#define HOLDFAST_COLLECTOR_FINISH_STRETCHES_H

#include "builder.h"

void finish_stretches(struct builder *builder, struct trace *trace);

#endif
