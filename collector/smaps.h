/* Reads /proc/PID/smaps: each mapping of a process, and what of it is resident.
 *
 * The kernel walks the page tables for it, with the lock on the mappings taken: who reads it says
 * how often that may be (resident.h, looks.h).
 */
#ifndef HOLDFAST_COLLECTOR_SMAPS_H
#define HOLDFAST_COLLECTOR_SMAPS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct image;

struct smaps_mapping {
    uint64_t start, end, inode;
    uint64_t resident, referenced, anonymous; /* bytes */
    char access[8];                           /* "rw-p" */
    char name[64];                            /* as much as there is room for; "": none */
};

/* All but the file is zero at first. */
struct smaps {
    FILE *file;
    struct smaps_mapping next; /* its first line has been read, the others have not */
    bool has_next;
    char buffer[16 << 10];
};

/* Of a process that is followed. False, and errno: it cannot be read, or the process has ended. */
bool smaps_open(struct smaps *smaps, const struct image *image);

/* The next mapping, in the order of addresses; false at the end. */
bool smaps_read(struct smaps *smaps, struct smaps_mapping *mapping);

void smaps_close(struct smaps *smaps);

#endif
