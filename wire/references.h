/* The counts of references that modules take and give back by calls (`run --refs`), in memory that
 * the collector makes and reads once the process has ended, however that was.
 *
 * A process gets it as it joins, and a forked child gets one of its own. Each field is written by
 * the process, by whoever holds the GIL, but where it is said; the collector believes none of it.
 */
#ifndef HOLDFAST_WIRE_REFERENCES_H
#define HOLDFAST_WIRE_REFERENCES_H

#include <stdint.h>

#define REFERENCES_MODULES 256u
#define REFERENCES_ROWS 4096u   /* the first one is none */
#define REFERENCES_TAKERS 8192u /* the first one stands for those that have no number */
#define REFERENCES_PATH 200u
#define REFERENCES_NAME 128u /* of a longer one, the begin */

struct references_module {
    char path[REFERENCES_PATH]; /* of a longer one, the end */
};

/* What a module has taken of one type. Of `taken`, those are outstanding that are in none of
 * `returned`, `ended` and `left_out`. */
struct references_row {
    char type[REFERENCES_NAME]; /* empty: no row */
    uint32_t module;
    uint64_t taken;
    uint64_t returned; /* given back by a call */
    uint64_t others;   /* given back by calls, too, but had not been taken so */
    uint64_t ended;    /* not given back by a call when the object was freed */
    uint64_t left_out; /* nobody has kept in mind what became of them */
};

/* A stack at which references of a row were taken: its number is MARK_TAKER's. */
struct references_taker {
    uint32_t row;
    uint32_t objects; /* that live, and of which it took the first reference that is outstanding */
    uint64_t kept;    /* references to these that are outstanding */
};

struct references {
    uint32_t module_count;
    uint32_t looked_at; /* loaded objects that import something of the interpreter's */
    uint32_t calling;   /* of these, those whose calls are seen */
    uint64_t left_out;  /* takes for which there was no room */
    struct references_module modules[REFERENCES_MODULES];
    struct references_row rows[REFERENCES_ROWS];
    struct references_taker takers[REFERENCES_TAKERS];
};

#endif
