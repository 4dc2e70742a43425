/* Which frames are the user's own, how files are named in a report, and sites grouped by the user's
 * lines that asked for them.
 */
#ifndef HOLDFAST_VIEWER_PLACES_H
#define HOLDFAST_VIEWER_PLACES_H

#include "model.h"

/* Everything that one line of the user's program allocated, itself or in the libraries that it
 * called, on one way through the user's program: what libraries do in between does not tell places
 * apart, nor how deep a function recurs, nor the process. Where no frame is the user's, the
 * innermost one stands for the line. */
struct place {
    uint32_t frame; /* the line, as the biggest site has it */
    uint32_t lead;  /* the biggest site */
    uint64_t bytes, blocks;
    uint32_t stacks;             /* distinct ones */
    uint32_t processes;          /* distinct ones */
    uint64_t kinds[MODEL_KINDS]; /* bytes of each */
};

struct places {
    struct place *list; /* the biggest first */
    uint32_t count;
    const char *example; /* a file of the user's, NULL when there is none */
    size_t directory;    /* length of the part that all the user's files begin with */
};

/* A frame of an installed package, of the standard library or of the import system, or native. */
bool frame_is_library(const struct model_frame *frame);

/* What a library of native code is called, by its path: the package that it is part of, or its name
 * without what follows on it ("numpy", "libarrow"); and how long that is. */
const char *module_name(const char *path, size_t *length);

/* Where a library frame's package name begins, and how long it is. */
const char *frame_package(const struct model_frame *frame, size_t *length);

/* The file without what says nothing: the common directory, or the way to the packages. */
const char *frame_file(const struct places *places, const struct model_frame *frame);
const char *place_file(const struct places *places, const char *file);

/* False when memory ran out. */
bool places_find(const struct model *model, struct places *places);
void places_release(struct places *places);

#endif
