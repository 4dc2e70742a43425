/* The objects that code was found in: programs and libraries, by where they are mapped.
 *
 * Objects are looked for when code is met that no known one has. To find one takes no lock where
 * libc can tell it without (glibc 2.35). What is written down stays for good, and is told to a ring
 * the first time a stack there goes through it; so a stack belongs to the object that was mapped
 * when it was taken, whatever is mapped there later.
 */
#ifndef HOLDFAST_PRELOAD_MODULES_H
#define HOLDFAST_PRELOAD_MODULES_H

#include <stdbool.h>
#include <stdint.h>

struct writer;

#define MODULES_MAX 4096u
#define MODULE_PATH_MAX 1000u
#define MODULE_ID_MAX 64u

struct module {
    uintptr_t start, end;        /* where it is mapped */
    uintptr_t base;              /* what its own addresses are relative to */
    const uint8_t *table;        /* .eh_frame_hdr */
    _Atomic uint32_t generation; /* of modules_generation, when it was last found mapped there */
    char path[MODULE_PATH_MAX];
    char id[MODULE_ID_MAX + 1]; /* the build's, in hexadecimal; "" */
};

/* Counts the times that an object has been unloaded: what was known of addresses may be wrong. */
extern _Atomic uint32_t modules_generation;

/* Once, before there is anything to look for. False when there is no memory. */
bool modules_prepare(void);

/* This is a child of the process in which it began. Where the loader can only be asked with its
 * lock, another thread may have had that when the process forked, and nobody gives it back: what is
 * not known then is never found. */
void modules_forked(void);

/* The number of the module that the address is in; MODULES_MAX: none, or there are too many. */
uint32_t modules_find(uintptr_t address);

const struct module *modules_at(uint32_t number);

/* The one that this very code is in. */
uint32_t modules_own(void);

/* Defines a module in a ring, as a code object of format LINES_MODULE. False when the ring takes no
 * more. */
bool module_define(struct writer *writer, const struct module *module, uint32_t number);

/* An object may have been unloaded: dlclose has returned. */
void modules_unloaded(void);

#endif
