/* What a process's resident memory is made of, near its peak, as /proc/PID/smaps tells.
 *
 * Reading that file takes the kernel a walk over the page tables, some milliseconds for a large
 * process. So it is read when the process is near its highest total so far and has grown by a
 * twentieth since the last time, never for more than a 50th of the run, and no more once that has
 * taken 20 ms.
 */
#ifndef HOLDFAST_COLLECTOR_RESIDENT_H
#define HOLDFAST_COLLECTOR_RESIDENT_H

#include <stdint.h>

/* Bytes. What is in none of the parts is anonymous memory: allocators' and what was mapped. */
struct resident_parts {
    uint64_t rss;
    uint64_t files;  /* of files, as they are there */
    uint64_t shared; /* with others, or made to be: memfd, /dev/shm, MAP_SHARED */
    uint64_t stacks;
    uint64_t data; /* private copies of files' pages: variables of libraries */
};

struct resident {
    struct resident_parts parts;
    uint64_t live, arenas; /* then: traced bytes, and Python's arenas; live 0: never read */
    uint64_t next_ns;      /* not before */
};

struct trace;
struct image;
struct smaps;

/* Of a process that is near its peak, whose resident size was sampled just now. */
void resident_sample(const struct trace *trace, struct image *image);

/* Reads an open smaps. */
void resident_read(struct smaps *smaps, struct resident_parts *parts);

#endif
