/* The merge: reads all rings in the order that wire/event.h promises. */
#ifndef HOLDFAST_COLLECTOR_DRAIN_H
#define HOLDFAST_COLLECTOR_DRAIN_H

#include "trace.h"

/* Reads what is in the rings, as far as order allows. Returns the bytes that it took. */
uint64_t drain_pass(struct trace *trace);

/* A tick, however soon after the last one: big blocks that are made from here on are born at the
 * time that it returns, or later. */
uint64_t drain_tick(struct trace *trace);

/* Nothing that is committed remains, nor waits for its turn. */
bool drain_is_done(const struct trace *trace);

/* The image's process is known to have ended before the record that is being processed: ends the
 * image now if all its records are processed, else when they are. */
void drain_end_image(struct trace *trace, struct image *image);

#endif
