/* See process_sites.h. */
#include "process_sites.h"

#include <stdlib.h>
#include <string.h>

/* The process is what each row begins with. */
static uint32_t process_of(const void *rows, size_t size, uint32_t number) {
    uint32_t process;
    memcpy(&process, (const char *)rows + number * size, sizeof process);
    return process;
}

bool process_rows_open(struct process_sites *sites, const struct profile *profile, const void *rows,
                       uint32_t count, size_t size) {
    sites->order = calloc((size_t)count + 1, sizeof *sites->order);
    sites->starts = calloc((size_t)profile->process_count + 2, sizeof *sites->starts);
    if (!sites->order || !sites->starts)
        return false;
    uint32_t *next = sites->starts + 1; /* of each process, until all are placed its start */
    for (uint32_t i = 0; i < count; i++)
        next[process_of(rows, size, i) + 1]++;
    for (uint32_t i = 0; i < profile->process_count; i++)
        next[i + 1] += next[i];
    for (uint32_t i = 0; i < count; i++)
        sites->order[next[process_of(rows, size, i)]++] = i;
    return true;
}

bool process_sites_open(struct process_sites *sites, const struct profile *profile) {
    return process_rows_open(sites, profile, profile->sites, profile->site_count,
                             sizeof *profile->sites);
}

void process_sites_release(struct process_sites *sites) {
    free(sites->order);
    free(sites->starts);
    *sites = (struct process_sites){0};
}

struct site_range process_sites_of(const struct process_sites *sites, const struct profile *profile,
                                   uint32_t process) {
    if (process == PROFILE_TREE)
        return (struct site_range){0, profile->site_count};
    return (struct site_range){sites->starts[process], sites->starts[process + 1]};
}
