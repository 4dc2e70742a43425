/* The interpreter in this process: found, recognised, checked; whose frames can be read.
 *
 * Nothing here runs Python code or needs the GIL, except where stated.
 */
#ifndef HOLDFAST_PRELOAD_PYTHON_H
#define HOLDFAST_PRELOAD_PYTHON_H

#include <stdbool.h>
#include <stdint.h>

struct thread;
struct frame_walk; /* frames.h */

/* Looks for an interpreter among the loaded objects, unless one was found. Called by the library's
 * constructor and after each dlopen. */
void python_find(void);

/* True once an interpreter is there whose thread states can be read (so that python_gil_held means
 * something). One load. */
bool python_present(void);

/* The calling thread holds the main interpreter's GIL, so that what it does is ordered with all others
 * who do. Always false on free-threaded builds and in interpreters with a GIL of their own. */
bool python_gil_held(struct thread *thread);

/* The wrappers in PyMem_SetAllocator's three domains and around the arena allocator are (still) ours;
 * puts them back where the interpreter has discarded them. Cheap enough for one native allocation in
 * 64; takes the GIL's protection for granted only when `gil_held`. */
void pymem_check(bool gil_held);

#endif
