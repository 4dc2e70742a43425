/* Since when the frames of a stack stand at their instructions, as far as allocations tell.
 *
 * What a frame calls at an instruction gets a node with its first allocation, so that the call had
 * begun by then. It may have ended since, and begun again, which makes no new nodes. But each new
 * node, and each large block, shows where its whole thread stands: a frame that is not there at the
 * same instruction has gone on. So a frame of a snapshot's stack stands where it does since its
 * node came, or since the first look at it after the last one that did not find it there.
 *
 * Between two looks a frame may go on and come back unseen. Who uses this must bound that (see
 * viewer/holders/whatif.c).
 */
#ifndef HOLDFAST_COLLECTOR_STANDING_H
#define HOLDFAST_COLLECTOR_STANDING_H

#include <stdbool.h>
#include <stdint.h>

#include "moments.h"

struct trace;
struct image;

#define STANDING_THREADS 64u  /* what others do is not known */
#define STANDING_DEPTH 65536u /* of deeper stacks nothing is known */

/* A point of an image's run. */
struct standing_point {
    uint64_t moment;
    uint64_t bytes;  /* the highest total that it had in that moment, up to there */
    uint64_t serial; /* of looks and nodes, in their order; 0: not known */
};

/* A Python frame of a snapshot's stack. */
struct standing_span {
    struct standing_point since; /* moment 0: not known */
    struct standing_point until; /* the first look that did not find it there; moment 0: none yet */
    uint32_t depth;
};

/* What is known of a node of struct stacks. */
struct standing_first {
    uint32_t depth;              /* frames up to it; 0: a thread, or not known */
    uint32_t image;              /* the number of the one that it came in; 0: not known */
    struct standing_point point; /* when it came */
};

struct standing_frame {
    uint32_t node;
    struct standing_point since; /* the first look in a row that found it there */
    uint64_t before;             /* serial of the last one that did not */
};

struct standing_thread {
    uint32_t root;                 /* its node */
    uint32_t depth;                /* frames below */
    uint64_t last;                 /* serial of the last look */
    struct standing_frame *frames; /* the outermost first */
    uint32_t capacity;
};

/* Of an image. Zeroed: empty. */
struct standing {
    struct standing_thread *threads[STANDING_THREADS];
    struct standing_thread *latest; /* that was looked at */
    uint32_t thread_count;
    uint64_t serial;
    uint32_t new_node; /* the last one of nodes that came one beneath the other; 0: none */
    struct standing_point new_point; /* when the first of these came */
};

/* Where the image's run is. */
struct standing_point standing_now(const struct image *image);

/* A node has come with a record of an image's ring. It may have been known. */
void standing_node(struct trace *trace, struct image *image, uint32_t node);

/* The node's stack is about to allocate a large block. */
void standing_look(struct trace *trace, struct image *image, uint32_t node);

/* The Python frames of a snapshot's stack, the outermost first. NULL: nothing is known of them. */
struct standing_span *standing_find(struct trace *trace, struct image *image, uint32_t node,
                                    uint32_t *count);

/* The node of a stack's thread. */
uint32_t standing_root(const struct trace *trace, uint32_t node);

/* Moments that a later snapshot may name. */
void standing_mark(const struct trace *trace, const struct image *image, struct moments *moments);

void standing_release(struct standing *standing);

#endif
