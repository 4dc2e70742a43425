/* A profile's sites by the process that they are of, whatever order they come in: so that a report
 * of hundreds of processes looks at each site a few times, and not once for each process.
 */
#ifndef HOLDFAST_VIEWER_PROCESS_SITES_H
#define HOLDFAST_VIEWER_PROCESS_SITES_H

#include "wire/profile.h"

struct process_sites {
    uint32_t *order;  /* numbers of sites, those of the first process first */
    uint32_t *starts; /* there, by process; and the end */
};

/* False when memory ran out; to be released in any case. */
bool process_sites_open(struct process_sites *sites, const struct profile *profile);
/* The same of another table, whose rows are so big and begin with their processes. */
bool process_rows_open(struct process_sites *sites, const struct profile *profile, const void *rows,
                       uint32_t count, size_t size);
void process_sites_release(struct process_sites *sites);

/* Where in `order` the sites of a process lie; PROFILE_TREE: those of all. */
struct site_range {
    uint32_t first, end;
};
struct site_range process_sites_of(const struct process_sites *sites, const struct profile *profile,
                                   uint32_t process);

#endif
