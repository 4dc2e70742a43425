/* Which frames a report shows, of a profile that has native ones (`run --native`): those of Python,
 * native ones, or both. The profile is changed to that: stacks that differ only in frames which are
 * left out become one, and their bytes are added up, so that each view's sites sum to the peak.
 *
 * Programs without Python have native frames alone, and keep them in every view.
 */
#ifndef HOLDFAST_VIEWER_VIEWS_H
#define HOLDFAST_VIEWER_VIEWS_H

#include "wire/profile.h"

enum view {
    VIEW_PYTHON,
    VIEW_NATIVE, /* of the interpreter's own frames in a row, the innermost only */
    VIEW_BOTH,   /* without the interpreter's own */
    VIEW_ALL,    /* every frame */
};

/* VIEW_... by its name: python, native, both, all. False when there is none of that name. */
bool view_find(const char *name, enum view *view);

/* The profile has native frames. */
bool view_has_native(const struct profile *profile);

/* False when memory ran out; the profile may then only be freed. It was read by profile_read(). */
bool view_take(struct profile *profile, enum view view);

/* profile_read(), as VIEW_PYTHON. */
struct profile *view_read(const char *path, struct profile_error *error);

#endif
