/* The spans of processes' runs in the profile. */
#ifndef HOLDFAST_COLLECTOR_FINISH_SPANS_H
#define HOLDFAST_COLLECTOR_FINISH_SPANS_H

#include "builder.h"

void finish_spans(struct builder *builder, struct trace *trace);

#endif
