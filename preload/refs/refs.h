/* References that modules take and give back by calling (`run --refs`): Py_IncRef, Py_DecRef and
 * their like, seen through the import slots of each module that calls them.
 *
 * Glossary
 *   module  a loaded object whose slots for these functions lead here; numbered in that order
 *   take    references to one object that one module has taken by such calls, and has not given
 *           back so, while the object lives
 *   taker   a stack at which one was taken, by a module; the collector is told it once, by number
 *   row     what a module has taken of one type, and what became of that
 *
 * What is known of each object is in private memory of a fixed size, which a disposable copy of the
 * process has, too: that tells it with the heap graph. The counts are in memory of the collector's
 * (wire/references.h), which reads them when the process has ended. A copy has what they were as it
 * was made. Without --refs there is none of all this, and no slot is changed.
 */
#ifndef HOLDFAST_PRELOAD_REFS_H
#define HOLDFAST_PRELOAD_REFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../wire/references.h"

/* The last one stands for all that came later, none of which is named. */
#define REFS_MODULES REFERENCES_MODULES
#define REFS_TAKES (1u << 17)
#define REFS_TAKERS REFERENCES_TAKERS
#define REFS_ROWS REFERENCES_ROWS
#define REFS_NEAR (1u << 16)
#define REFS_NEAR_MORE 4u
#define REFS_PATH REFERENCES_PATH
#define REFS_NAME REFERENCES_NAME
#define REFS_OWN_NAME 32u

struct refs_take {
    const char *object;  /* NULL: free */
    uint16_t row, taker; /* row 0: a forked child's parent took it */
    uint32_t count;
};

struct refs_taker {
    uint32_t node; /* of the GIL's ring; 0: free */
    uint16_t row, number;
};

struct refs_row {
    const char *type; /* NULL: free */
    char name[REFS_NAME];
    char own_name[REFS_OWN_NAME]; /* without its module; of a longer one, the begin */
    uint32_t module;
    /* As they were when the last copy was made: by calls; and not given back so when the object was
     * freed. */
    uint64_t taken, given, ended;
};

struct refs_module {
    char path[REFS_PATH]; /* of a longer one, the end */
    bool takes;           /* calls that take or give back are seen */
};

struct refs {
    uint32_t epoch; /* process.epoch for which the counts are */
    bool busy;      /* a call is being counted; what it is interrupted by is not */
    bool ended;     /* the snapshot has been taken that is due as the interpreter begins to end */
    uint32_t module_count;
    uint32_t looked_at;  /* loaded objects that import something of the interpreter's */
    uint32_t take_count; /* in use */
    uint32_t taker_count, row_count;
    uint64_t left_out; /* takes for which there was no room */
    struct refs_module modules[REFS_MODULES];
    struct refs_take takes[REFS_TAKES]; /* open addressing, by object */
    struct refs_taker takers[REFS_TAKERS];
    struct refs_row rows[REFS_ROWS];
    /* Takes of objects, by some bits of their address; 255: many. The first few are there once more
     * behind the end, for those who read several. */
    uint8_t near[REFS_NEAR + REFS_NEAR_MORE];
};

extern struct refs *refs; /* NULL: not wanted, or not possible */

/* A function that a module calls, as one of these; the first ones have a stub for each module. */
enum refs_function {
    REFS_INCREF,
    REFS_DECREF,
    REFS_NUMBERED,
    REFS_NEW = REFS_NUMBERED,
    REFS_DEALLOC
};

/* The interpreter was found in `scope`, as dlsym takes it. */
void refs_begin(void *scope);

/* Something may have been loaded: dlopen has returned. Something was unloaded. */
void refs_opened(void);
void refs_closed(void);

/* Before a copy is made: the counts are this process's, and where the copy finds them. With the
 * GIL.
 */
void refs_settle(void);

/* Deaths have been traced since the first take (--ref-tracer), also where no block is freed. In a
 * copy, too. */
bool refs_deaths_traced(void);

/* A forked child has joined: that it counts is known before its first call. */
void refs_joined(void);

/* A block of the object domain is about to be freed, or its content has moved. With the GIL. */
void refs_freed(const void *block);

/* -- stubs.c -- */

/* What a slot of a module for this function leads to. */
typedef void refs_stub(char *object);
extern refs_stub *const refs_stubs[REFS_NUMBERED][REFS_MODULES];

/* -- refs.c, for the stubs: counts the call, and makes it. -- */
void refs_incref(char *object, uint32_t module);
void refs_decref(char *object, uint32_t module);
/* Of births and deaths it does not matter who calls. */
refs_stub refs_new, refs_dealloc;

/* Modules were looked at: the collector's memory has that, too, and of this one its name; of
 * REFS_MODULES no name. */
void refs_tell_module(uint32_t module);

/* -- slots.c -- */

/* The interpreter was found in `scope`, as dlsym takes it. */
void slots_begin(void *scope);

/* Has the slots of all objects that were loaded since the last time lead to stubs. */
void slots_patch(void);
void slots_forget(void); /* which ones have been looked at */

#endif
