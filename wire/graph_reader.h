/* What the two halves of graph_read share: graph.c has the tables, and the columns that are rows of
 * numbers; graph_records.c has the objects and frames.
 *
 * A stream is hostile until its last check: counts are compared with the bytes that are left before
 * anything is allocated, so memory stays within a fixed multiple of the stream's size.
 */
#ifndef HOLDFAST_WIRE_GRAPH_READER_H
#define HOLDFAST_WIRE_GRAPH_READER_H

#include "graph_columns.h"

enum trouble {
    TROUBLE_NONE,
    TROUBLE_SHORT, /* a column ends here */
    TROUBLE_DAMAGE,
    TROUBLE_VERSION,
    TROUBLE_MEMORY,
};

enum table {
    TABLE_TEXTS,
    TABLE_TYPES,
    TABLE_OBJECTS,
    TABLE_EDGES,
    TABLE_PLACES,
    TABLE_CODES,
    TABLE_FRAMES,
    TABLE_THREADS,
    TABLE_ROOTS,
    TABLE_LOST,
    TABLE_TAKES,
    TABLE_BALANCES,
    TABLE_COPIES,
    TABLES
};

struct array {
    void **data;
    uint32_t *count;
    uint32_t capacity;
    size_t size;
};

/* The bytes of a column that are left. */
struct column {
    const uint8_t *at, *end;
};

struct reader {
    struct column columns[GRAPH_COLUMNS];
    uint32_t records;     /* objects that were told, and entry 0 */
    enum trouble trouble; /* once set, every read gives 0 */
    const char *what;     /* with TROUBLE_DAMAGE */
    struct array tables[TABLES];
    struct graph_memory *memory;
    struct graph *graph;
};

void reader_fail(struct reader *reader, enum trouble trouble, const char *what);

static inline bool reader_good(const struct reader *reader) {
    return reader->trouble == TROUBLE_NONE;
}

/* After a column's last row: that it ends inside one is no trouble in a stream that was cut short.
 */
void reader_end_column(struct reader *reader);

/* Memory that lives as long as the graph. */
void *reader_take(struct reader *reader, size_t size);

/* Room for more rows behind the table's last. */
bool table_room(struct reader *reader, enum table which, uint64_t more);

/* One more row, zeroed; NULL once there was trouble. */
void *table_add(struct reader *reader, enum table which);

static inline size_t column_left(const struct reader *reader, enum graph_column column) {
    return (size_t)(reader->columns[column].end - reader->columns[column].at);
}

uint64_t get_long(struct reader *reader, struct column *column);

static inline uint64_t get(struct reader *reader, enum graph_column which) {
    struct column *column = &reader->columns[which];
    if (reader_good(reader) && column->at < column->end && !(*column->at & 0x80))
        return *column->at++;
    return get_long(reader, column);
}

int64_t get_signed(struct reader *reader, enum graph_column column);
uint32_t get_u32(struct reader *reader, enum graph_column column);

/* A count of things that take at least a byte each of what is left of the column `of`. */
uint32_t get_count(struct reader *reader, enum graph_column column, enum graph_column of,
                   uint64_t most);

/* A number below `count`, or damage: `what`. */
uint32_t get_reference(struct reader *reader, enum graph_column column, uint32_t count,
                       const char *what);
uint32_t get_text(struct reader *reader, enum graph_column column);

/* Until all has been read, an object's number that is far too high is NOBODY. */
#define NOBODY UINT32_MAX

static inline uint32_t name_object(uint64_t number) {
    return number < NOBODY ? (uint32_t)number : NOBODY;
}

/* -- graph_refs.c -- */

/* Reads what a --refs walk has told, and copies. */
void read_refs(struct reader *reader);

void reader_rows(struct reader *reader, enum graph_column column,
                 void (*read_row)(struct reader *));

/* -- graph_records.c -- */

/* Reads shapes and records up to the first one that is not whole. */
void read_records(struct reader *reader);

#endif
