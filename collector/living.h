/* The types of Python's blocks that live when a process ends, with --lifetimes.
 *
 * Of a block that is freed the library reads the type there. For those that never are, it asks as
 * the process begins to end (MARK_LIVING, JOIN_LIVING): it gets a list of all that live then, in
 * shared memory, and writes to each the number that its object's type has. Whatever of these blocks
 * lives when the process has ended had an object of that type; of all others nobody knows.
 */
#ifndef HOLDFAST_COLLECTOR_LIVING_H
#define HOLDFAST_COLLECTOR_LIVING_H

#include <stdbool.h>
#include <stdint.h>

#define LIVING_MAX (1u << 22) /* blocks of a list; of more, nobody knows the types */

struct trace;
struct image;

struct living_block {
    uint64_t address, birth; /* the stub's */
};

/* Zeroed: nobody has asked. */
struct living {
    uint32_t asked;            /* number of the last question, from 1 */
    uint32_t count;            /* of the list */
    struct living_block *list; /* what the program cannot change; NULL: there is none */
    uint64_t *told;            /* shared: address, and above it the type's number */
    int fd;                    /* of `told`, until it is handed on; 0: it has been */
};

/* MARK_LIVING: lists what lives now. False: no such number can be. */
bool living_ask(const struct trace *trace, struct image *image, uint64_t number);

/* The list of question `number`, to be closed by the caller; -1: there is none. */
int living_hand_on(struct image *image, uint32_t number);

/* The process has ended, and its blocks are still known. */
void living_end(struct trace *trace, struct image *image);

void living_release(struct living *living);

#endif
