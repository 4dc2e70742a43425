/* The profile file's constants and primitive codes, shared by its writer and its reader.
 *
 * docs/profile-format.md is the specification. Tables are described once, as lists of columns
 * (profile_tables), and both directions follow that list.
 */
#ifndef HOLDFAST_WIRE_PROFILE_FORMAT_H
#define HOLDFAST_WIRE_PROFILE_FORMAT_H

#include "profile.h"

#define PROFILE_MAGIC "\x89HFP\r\n\x1a\n"
#define PROFILE_END_MAGIC "\x89HFE\r\n\x1a\n"
#define PROFILE_MAGIC_SIZE 8u
#define PROFILE_HEADER_SIZE 32u
#define PROFILE_TRAILER_SIZE 32u
#define PROFILE_MINOR_VERSION 9u

/* The oldest holdfast that reads files of version PROFILE_VERSION. */
#define PROFILE_NEEDS "0.1.0"
#define PROFILE_NEEDS_SIZE 16u

/* More unpacked sections than this are refused, the graphs' apart: a small file can unpack to any
 * size, and each byte of it to nine in memory. */
#define PROFILE_MAX_CONTENT (512ull << 20)
#define PROFILE_SMALL_CONTENT (32ull << 20)
#define PROFILE_MAX_RATIO 256ull

/* Of all heap graphs together. No ratio holds for them, since a list of a million numbers is the
 * same bytes a million times; but they stay as they are in memory. */
#define PROFILE_MAX_GRAPHS (256ull << 20)

static inline uint64_t profile_content_limit(uint64_t file_size) {
    uint64_t limit = PROFILE_MAX_CONTENT;
    if (file_size < (PROFILE_MAX_CONTENT - PROFILE_SMALL_CONTENT) / PROFILE_MAX_RATIO)
        limit = PROFILE_SMALL_CONTENT + file_size * PROFILE_MAX_RATIO;
    return limit;
}

/* Varints carry values below 2^63, so that sums and signed readers have room. */
#define PROFILE_MAX_VALUE 0x7fffffffffffffffull

enum profile_section {
    SECTION_END = 0,
    SECTION_RUN,
    SECTION_STRINGS,
    SECTION_FUNCTIONS,
    SECTION_NODES,
    SECTION_PROCESSES,
    SECTION_SITES,
    SECTION_TIMELINES,
    SECTION_POINTS,
    SECTION_SOURCES,
    SECTION_ARGUMENTS,
    SECTION_WARNINGS,
    SECTION_SNAPSHOTS,
    SECTION_BLOCKS,
    SECTION_MOMENTS,
    SECTION_GRAPHS,
    SECTION_REGIONS,
    SECTION_REGION_SITES,
    SECTION_COLLECTIONS,
    SECTION_SPANS,
    SECTION_SPAN_SITES,
    SECTION_TAKERS,
    SECTION_LIFETIMES,
    SECTION_TYPES,
    SECTION_TYPE_LIFETIMES,
    SECTION_COLLECTED,
    SECTION_DRAGS,
    SECTION_COUNTS,
    SECTION_COUNT
};

enum column_type {
    COLUMN_U32,
    COLUMN_U64,
    COLUMN_I32,    /* zigzag */
    COLUMN_BOOL,   /* 0 or 1 */
    COLUMN_PARENT, /* a uint32_t row number, stored as the distance from the row's own */
};

/* What a column's value is told as the difference to, as a signed number: of numbers that rise, and
 * of those that mostly are the same, little is left. */
enum column_base {
    FROM_NOTHING, /* the value itself */
    FROM_BEFORE,  /* the row before in this column; 0 in the first row */
    FROM_COLUMN,  /* another column of the same row, which comes first */
};

struct profile_column {
    size_t offset; /* in the row's struct */
    enum column_type type;
    enum column_base from;
    size_t other; /* offset of the other column, of the same type */
};

struct profile_table {
    size_t row_size;
    uint32_t first_row; /* 1 where row 0 means "none" and is not stored */
    uint32_t column_count;
    const struct profile_column *columns;
};

/* By section; a row_size of 0 where the section is not a table. */
extern const struct profile_table profile_tables[SECTION_COUNT];

uint32_t profile_crc32(const uint8_t *bytes, size_t size);

/* Length of the valid UTF-8 character at `text`, of which `size` bytes exist; 0 when it is not
 * valid. */
size_t profile_utf8(const uint8_t *text, size_t size);

/* The invariants that a profile's readers rely on. False with `error` set to the first one that is
 * broken. */
bool profile_check(const struct profile *profile, struct profile_error *error);

/* Of how long blocks lived: profile_lifetimes.c. */
#define PROFILE_LIFETIME_COLUMNS 92u
extern const struct profile_column profile_lifetime_columns[PROFILE_LIFETIME_COLUMNS];
bool profile_check_lifetimes(const struct profile *profile, struct profile_error *error);

bool profile_fail(struct profile_error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Unpacked sections -> profile, checked. `limit`: bytes that all sections but the graphs may have.
 * NULL with `error` set. */
struct profile *profile_decode(const uint8_t *content, size_t size, uint64_t limit,
                               struct profile_error *error);

#endif
