/* What stays the same of a holder from run to run, and from machine to machine: what kind of root
 * its path begins at, the variable, the function and file, the type of what is held, and the path
 * without line numbers and indices. No addresses, no sizes, no directories.
 */
#ifndef HOLDFAST_VIEWER_DIFF_FINGERPRINT_H
#define HOLDFAST_VIEWER_DIFF_FINGERPRINT_H

#include "viewer/holders.h"

struct fingerprint {
    enum holder_root root;
    const char *name, *function, *type;
    uint32_t file;    /* its id in a struct files, which two sides have in common */
    const char *path; /* as fingerprint_path has it */
};

/* rows[3]["tags"] in build() (job.py:12) -> rows[#]["tags"] in build() (job.py). To be freed by the
 * caller; NULL when memory ran out. */
char *fingerprint_path(const char *path);

/* Never 0. */
uint64_t fingerprint_hash(const struct fingerprint *fingerprint);

#endif
