/* The types of the objects that live as the process begins to end (`run --lifetimes`).
 *
 * What is freed tells its type then (types.h). What never is does not: so the collector, which
 * knows which of Python's blocks live, gives a list of them (JOIN_LIVING) when the interpreter
 * begins to be taken down, or the process ends or becomes another one without that, and the library
 * writes to each the number of its object's type. Who holds no GIL does not ask: nothing is known
 * then.
 */
#ifndef HOLDFAST_PRELOAD_LIVING_H
#define HOLDFAST_PRELOAD_LIVING_H

/* Once for each process; outside of events. Leaves errno as it is. */
void living_tell(void);

/* It goes on after all: an exec has failed. */
void living_goes_on(void);

#endif
