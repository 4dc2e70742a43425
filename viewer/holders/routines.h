/* The code objects of a heap: where each comes from, and which words it mentions.
 *
 * A word is the number of a text: a name that code uses, of a variable, an attribute or a function,
 * or a string constant that looks like one, as getattr() may be given it. A set of words is an
 * array by text, of flags.
 */
#ifndef HOLDFAST_VIEWER_ROUTINES_H
#define HOLDFAST_VIEWER_ROUTINES_H

#include "heap.h"

enum origin {
    ORIGIN_PROGRAM,  /* none of the others: what is being looked into */
    ORIGIN_STANDARD, /* the standard library */
    ORIGIN_KNOWN,    /* a package of which is known what reads frames (routines.c) */
    ORIGIN_PACKAGE,  /* another one that was installed */
    ORIGIN_OURS,     /* Holdfast's: what it reads is no use that the program makes of it */
};

struct place_of_origin {
    enum origin origin;
    const char *package; /* of ORIGIN_PACKAGE: its folder's name, not ended */
    size_t package_length;
};

/* Of the file that a code object names; an unknown one is the program's. */
struct place_of_origin origin_of(const char *file);

struct routine {
    uint32_t code;    /* object */
    uint32_t name;    /* its own, as a text */
    uint8_t readings; /* enum reading, of readers.c */
    bool fresh;       /* its names are yet to be looked for */
    struct place_of_origin from;
};

struct routines {
    const struct heap *heap;
    struct routine *all;
    uint32_t count;
    uint32_t *of_code; /* by object: its place + 1, 0 none */
};

/* False when memory ran out; to be released in any case. */
bool routines_list(const struct heap *heap, struct routines *routines);
void routines_release(struct routines *routines);
/* Of a code object; NULL when it is none. */
struct routine *routines_find(const struct routines *routines, uint32_t code);

/* It mentions a word with one of the flags. A name of which the text is not known is word 0.
 * WORD_AS_NAME counts of names of globals and attributes only, not of locals and constants. */
#define WORD_AS_NAME 0x80u
bool routine_mentions(const struct routines *routines, const struct routine *routine,
                      const uint8_t *words, uint8_t flags);
/* A function that it makes has one of the readings. */
bool routine_makes(const struct routines *routines, const struct routine *routine,
                   uint8_t readings);

/* What a field of an object refers to; NODE_NONE. */
uint32_t field_of(const struct heap *heap, uint32_t node, const char *name);

#endif
