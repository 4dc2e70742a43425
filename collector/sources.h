/* The source text of the lines that a profile's peaks show, so that it opens on another machine. */
#ifndef HOLDFAST_COLLECTOR_SOURCES_H
#define HOLDFAST_COLLECTOR_SOURCES_H

#include "builder.h"

void sources_add(struct builder *builder);

#endif
