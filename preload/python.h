/* The interpreter in this process: found, recognised, checked; whose frames can be read.
 *
 * Nothing here runs Python code or needs the GIL, except where stated.
 */
#ifndef HOLDFAST_PRELOAD_PYTHON_H
#define HOLDFAST_PRELOAD_PYTHON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "offsets.h"

struct thread;

/* Layouts that are known when the library is compiled: see layouts.h. */
enum python_layout {
    LAYOUT_OTHER,
    LAYOUT_3_10,
    LAYOUT_3_11,
    LAYOUT_3_12,
    LAYOUT_3_13,
    LAYOUT_3_14,
    LAYOUTS
};

/* What is known about the interpreter. Written when it is found, and once more when its self-check
 * fails; a forked child keeps it. Zeroed: none found. */
struct python {
    bool found;   /* there is one, known or not */
    bool present; /* known: its thread states and frames can be read */
    bool has_gil;
    bool greenlets;            /* greenlet's extension module was loaded */
    uint32_t state;            /* enum python_state */
    enum python_layout layout; /* of thread states and frames */
    struct python_offsets at;  /* valid when present, as are the fields */
    const struct python_field *fields;
    size_t field_count;
    const char *runtime;   /* _PyRuntime */
    const void *code_type; /* PyCode_Type */
    bool quick;            /* present, with a GIL, and once held here: see hot.h */
    /* The thread state that holds the GIL, from 3.12 only if it is ours, NULL if none. From 3.12 it
     * is in thread-local storage, and finding that may allocate: when libpython was loaded late,
     * and after any dlopen. What is allocated there is recorded without a stack. */
    void *(*current)(void);
    const char *const *current_place; /* the same to 3.11, by a look; else NULL */
    void *(*own_state)(void);         /* this thread's, with or without the GIL */
    char version[60];
};

extern struct python python;

static inline const char *python_pointer(const char *object, uint32_t offset) {
    return *(const char *const *)(const void *)(object + offset);
}

/* Looks for an interpreter, unless one was found: among the loaded objects, or in one that was just
 * opened (`handle`, from dlopen), which others may be unable to see. Called by the library's
 * constructor and after each dlopen. */
void python_find(void *handle);

/* Puts the address of one of the interpreter's symbols, or NULL, into the pointer at `place`, be it
 * one to data or to a function: dlsym itself only returns the first kind. */
void python_symbol(void *scope, const char *name, void *place);

/* Tells the process's region about the interpreter. Called after each join. */
void python_publish(void);

/* Something in the interpreter is not where it should be: no stacks from now on. */
void python_distrust(void);

/* True once an interpreter is there whose thread states can be read (so that python_gil_held means
 * something). One load. */
static inline bool python_present(void) {
    return python.present;
}

/* A word of a thread state: its thread, as pthread_self(), where the state that holds the GIL may
 * be another thread's (to 3.11); else its interpreter. Only with the GIL is it as it was when this
 * thread last held it. */
static inline uint64_t python_guard(const struct python_offsets *at, const char *state) {
    uint32_t guard = at->minor < 12 ? at->thread_id : at->thread_interpreter;
    return *(const uint64_t *)(const void *)(state + guard);
}

/* The calling thread holds the main interpreter's GIL, so that what it does is ordered with all
 * others who do. Always false on free-threaded builds and, from 3.12, in other interpreters, which
 * may have a GIL of their own. Keeps in thread->state what it found. */
bool python_gil_held(struct thread *thread);

/* The main interpreter is ready for use, is not being taken down, and its cycle collector is not at
 * work. The caller holds the GIL. */
bool python_at_rest(void);

/* It is being taken down; its cycle collector is at work. With the GIL, once it was found. */
bool python_is_ending(void);
bool python_collects(void);

/* Wraps PyMem_SetAllocator's three domains and the arena allocator of the interpreter in `scope`
 * (as dlsym takes it). Pages that the arena wrapper's real function maps are arenas: it raises
 * thread.in_python, by which the mmap hook knows. */
void pymem_install(void *scope);

/* As PyMemAllocatorEx. */
struct allocator {
    void *context;
    void *(*malloc)(void *context, size_t size);
    void *(*calloc)(void *context, size_t count, size_t size);
    void *(*realloc)(void *context, void *block, size_t size);
    void (*free)(void *context, void *block);
};

/* In a disposable copy: `allocator` is what the wrappers call from now on. */
void pymem_replace(const struct allocator *allocator);

/* The wrappers are (still) in place; puts them back where the interpreter has discarded them. Cheap
 * enough for one native allocation in 64; takes the GIL's protection for granted only when
 * `gil_held`. */
void pymem_check(bool gil_held);

/* pymem_check, at every 64th allocation of a thread. */
void pymem_tick(bool gil_held);

#endif
