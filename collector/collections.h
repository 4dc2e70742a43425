/* The cycle collector's runs in a process, seen from outside: how many of each generation, how long
 * the program stood still for them, and what they freed.
 *
 * The interpreter counts its collections, and sets a flag while one runs. Both are in its memory,
 * side by side, and the library says where (struct region). The collector reads them between its
 * passes over the rings, some hundred to thousand times a second: the program pays nothing. Counts
 * are exact, but for the last milliseconds of a process, and a forked child's first ones. When one
 * began and ended is known to within two looks; of those that began and ended between two, only how
 * many. The sum of pauses is the part of the looks that found one running.
 */
#ifndef HOLDFAST_COLLECTOR_COLLECTIONS_H
#define HOLDFAST_COLLECTOR_COLLECTIONS_H

#include <stdbool.h>
#include <stdint.h>

#define COLLECTION_GENERATIONS 3u

struct trace;
struct image;

/* One, or several that followed each other. */
struct collection {
    uint64_t begin_ns;
    uint64_t duration_ns;       /* 0: none of them was seen running */
    uint64_t objects;           /* that they found unreachable */
    uint64_t freed;             /* bytes less live at the end than at the beginning */
    uint32_t count, generation; /* the oldest of them */
};

struct collections {
    struct collection *list; /* neighbours become one when it is full */
    uint32_t count;
    bool known;      /* the counts below are the process's */
    bool refused;    /* the system does not let its memory be read */
    bool fallen;     /* the last look found less than before: one more says that it is true */
    bool inherited;  /* what was counted at first is another process's: of a forked child */
    uint64_t holder; /* address of the interpreter, as it was last */
    uint64_t counts[COLLECTION_GENERATIONS], objects[COLLECTION_GENERATIONS]; /* as last read */
    uint64_t totals[COLLECTION_GENERATIONS];
    uint64_t looked_ns;          /* 0: never */
    uint64_t open_ns, open_live; /* of the one that is running; open_ns 0: none */
    uint64_t paused_ns, longest_ns;
};

/* Looks at every process. True while a collection runs in one of them. */
bool collections_watch(struct trace *trace);

/* What one look found, for the watch and for tests: counts and objects by generation. */
struct collections_look {
    uint64_t counts[COLLECTION_GENERATIONS], objects[COLLECTION_GENERATIONS];
    bool running;
};
void collections_note(struct collections *collections, const struct collections_look *look,
                      uint64_t now_ns, uint64_t live);

#endif
