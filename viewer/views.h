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

/* What a frame is, to a view. */
enum content {
    CONTENT_OTHER, /* no frame: a thread, or nothing known */
    CONTENT_PYTHON,
    CONTENT_NATIVE,
    CONTENT_START, /* native, outside of all that was written for this program */
    CONTENT_INTERPRETER,
};

/* VIEW_... by its name: python, native, both, all. False when there is none of that name. */
bool view_find(const char *name, enum view *view);

/* The profile has native frames. */
bool view_has_native(const struct profile *profile);

extern const char *const view_names[]; /* "python", "native" ... */

/* Of each node. To be freed by the caller; NULL when memory ran out. */
enum content *view_contents(const struct profile *profile);

/* False when memory ran out; the profile may then only be freed. It was read by profile_read(), or
 * is as VIEW_ALL. */
bool view_take(struct profile *profile, enum view view);

/* The same, and tells where each node went: the number that a node of a process has now. `maps` are
 * for processes without Python, and with; to be freed by the caller. Both NULL where nothing has
 * changed. */
bool view_take_mapped(struct profile *profile, enum view view, uint32_t *maps[2]);

/* profile_read(), as VIEW_PYTHON. */
struct profile *view_read(const char *path, struct profile_error *error);

#endif
