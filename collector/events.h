/* The event stream of --keep-events: every change of what is live, in the merged order, compressed
 * as it comes into a file without a name. docs/profile-format.md describes its bytes.
 *
 * Addresses stay out of it. An allocation is numbered when it is recorded, and a free tells that
 * number, as a distance. So each live block needs its number, which its stub has (stubs.h).
 *
 * When the file takes no more, the stream is dropped (its room is given back at once) and recording
 * does nothing from then on; events_problem says why.
 */
#ifndef HOLDFAST_COLLECTOR_EVENTS_H
#define HOLDFAST_COLLECTOR_EVENTS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct builder;
struct events;
struct stubs;

/* `fd` is read and written, and closed in the end. NULL when there is no memory. */
struct events *events_open(int fd, struct stubs *stubs);
void events_close(struct events *events);

/* `image` is the number of the image that it happens in. */
void events_alloc(struct events *events, uint32_t image, uint32_t stub, uint64_t size);

/* The block of `stub` takes the place of that of `old`; `moved`: for a moment both existed. */
void events_realloc(struct events *events, uint32_t image, uint32_t stub, uint64_t size,
                    uint32_t old, bool moved);

/* The block of `stub` ends. */
void events_free(struct events *events, uint32_t stub);

void events_map(struct events *events, uint32_t image, uint32_t site, uint64_t size);
void events_unmap(struct events *events, uint32_t image, uint32_t site, uint64_t size);

/* What follows happened at or after this time. */
void events_time(struct events *events, uint64_t time_ns);

void events_start(struct events *events, uint32_t image);
void events_leave(struct events *events, uint32_t image);  /* its bytes leave the tree */
void events_return(struct events *events, uint32_t image); /* and come back */

/* Ends the stream with the table of sites, whose nodes go into the profile. The file to append to
 * it, or NULL when the stream was dropped. */
FILE *events_finish(struct events *events, struct builder *builder);

/* Takes that end away again, so that recording can go on. */
void events_resume(struct events *events);

/* Why the stream was dropped, as an errno value; 0: it was not. */
int events_problem(const struct events *events);

#endif
