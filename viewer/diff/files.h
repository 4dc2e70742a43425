/* Files by names that mean the same on another machine, and which file of one side is which of the
 * other.
 *
 * A file of a package goes by what is below the directory of packages, "numpy/core/numeric.py"; one
 * of the user's by what is below the directory that all of the user's files share. That directory
 * depends on what was live, so the names need not be equal: "job.py" and "src/job.py" may be the
 * same.
 */
#ifndef HOLDFAST_VIEWER_DIFF_FILES_H
#define HOLDFAST_VIEWER_DIFF_FILES_H

#include "viewer/words.h"

#include <stdbool.h>

struct file {
    const char *path; /* as the profile has it */
    const char *name; /* see above; the end of the path */
    bool library;     /* not the user's */
    uint32_t id;      /* that of the same file of the other side, once they have been matched */
};

/* Of one side. Zeroed: empty. */
struct files {
    struct words paths; /* by number, as `list` */
    struct file *list;
    uint32_t capacity;
};

#define FILE_UNKNOWN 0xffffffffu

/* Texts are not copied. False when memory ran out. */
bool files_add(struct files *files, const char *path, const char *name, bool library);
void files_release(struct files *files);

/* Gives every file of both sides its id. False when memory ran out. */
bool files_match(struct files *before, struct files *after);

/* FILE_UNKNOWN when it was not added. */
uint32_t files_id(const struct files *files, const char *path);

#endif
