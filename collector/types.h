/* Object types of blocks, with --lifetimes: how long the objects of each lived and how they ended,
 * how many never did, and which wait for a collection, by type and site.
 *
 * The library tells the type of an object when its block is freed (MARK_TYPE, free_word()), and of
 * what lives when the process begins to end (living.h). Of others nothing is known: what is no
 * object, and what ended in another way. Types are known by name and kind of finalizer, so that
 * classes of which both are the same, in whatever process, are one. Only Python's blocks are
 * counted.
 */
#ifndef HOLDFAST_COLLECTOR_TYPES_H
#define HOLDFAST_COLLECTOR_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "index.h"

/* Of the run. What is beyond is put together. */
#define TYPES_NAMES_MAX 4096u
#define TYPES_ROWS_MAX 8192u   /* types of a process that have figures of their own */
#define TYPES_SITES_MAX 16384u /* types of a site whose objects a collection has freed */

struct trace;
struct image;
struct builder;
struct ending;

struct type_name {
    char *name;
    uint32_t flags; /* enum freed_type_flags */
};

struct numbered_type {
    uint32_t type;
    uint32_t size; /* no smaller block has such an object */
};

/* Those of the run; their places are as in a profile, which has two before them. */
struct type_names {
    struct type_name *list; /* from PROFILE_TYPES_KNOWN on */
    uint32_t count, capacity;
    struct index index;
};

struct collected {
    uint32_t site, type;
    uint64_t blocks, bytes;
};

/* Of a process. Zeroed: empty. */
struct typed_lives {
    struct numbered_type *types; /* by the library's number of one; of type 0: unknown */
    uint32_t type_capacity;
    struct site_life **list; /* by type; NULL: none has ended, or it is among the others */
    uint32_t capacity;
    struct collected *collected;
    uint32_t collected_count, collected_capacity;
    struct index collected_index;
    uint64_t rest_blocks, rest_bytes; /* of those for which there was no room in `collected` */
};

/* MARK_TYPE. False: no such number can be, or memory ran out. */
bool types_name(struct trace *trace, struct image *image, uint64_t value, const char *name,
                size_t size);

/* Which type a FREE's word means, of a block of that size. */
uint32_t types_find(const struct image *image, uint64_t told, uint64_t size);

/* A block of Python's ends, which an object of this type had. */
void types_end(struct trace *trace, struct image *image, uint32_t site, uint32_t type,
               const struct ending *ending);

/* A block of Python's is live as its process ends, and its object is of this type. */
void types_keep(struct trace *trace, struct image *image, uint32_t type, uint64_t size);

/* All of them go into the profile. */
void finish_types(struct builder *builder, struct trace *trace);

void typed_lives_release(struct typed_lives *typed);
void type_names_release(struct type_names *names);

#endif
