/* See events.h. Events gather in columns; a full block of them is packed and goes through zstd. */
#include "events.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <zstd.h>

#include "builder.h"
#include "memory.h"
#include "stubs.h"

#define BLOCK_EVENTS (64u << 10)
#define YOUNG 64u /* allocations ago */
#define VARINT_MAX 10u
#define COMPRESSION_LEVEL 3

enum column { COLUMN_SITES, COLUMN_SIZES, COLUMN_DISTANCES, COLUMN_NUMBERS, COLUMN_COUNT };

/* As the profile's format numbers them. */
enum operation {
    OPERATION_ALLOC = 1,
    OPERATION_FREE,
    OPERATION_REALLOC,
    OPERATION_REALLOC_MOVED,
    OPERATION_MAP,
    OPERATION_UNMAP,
    OPERATION_TIME,
    OPERATION_PROCESS,
    OPERATION_START,
    OPERATION_LEAVE,
    OPERATION_RETURN,
};

struct events {
    FILE *file;
    ZSTD_CCtx *zstd;
    int problem;
    off_t end; /* of the frames that hold events; the table of sites is beyond */

    uint64_t allocations; /* recorded so far */
    uint64_t last_ended;  /* the number of the allocation that ended last */
    uint64_t time_ns;     /* that the stream has come to */
    uint32_t image;       /* that the stream speaks of */
    struct stubs *stubs;

    uint32_t count; /* events in the block */
    uint8_t operations[BLOCK_EVENTS];
    uint64_t values[COLUMN_COUNT][BLOCK_EVENTS];
    uint32_t value_count[COLUMN_COUNT];
    uint8_t packed[VARINT_MAX * BLOCK_EVENTS];
};

struct events *events_open(int fd, struct stubs *stubs) {
    struct events *events = calloc(1, sizeof *events);
    if (!events)
        return NULL;
    events->stubs = stubs;
    events->zstd = ZSTD_createCCtx();
    events->file = fdopen(fd, "w+b");
    if (!events->zstd || !events->file) {
        ZSTD_freeCCtx(events->zstd);
        if (events->file)
            fclose(events->file);
        free(events);
        return NULL;
    }
    ZSTD_CCtx_setParameter(events->zstd, ZSTD_c_checksumFlag, 1);
    ZSTD_CCtx_setParameter(events->zstd, ZSTD_c_compressionLevel, COMPRESSION_LEVEL);
    return events;
}

void events_close(struct events *events) {
    if (!events)
        return;
    ZSTD_freeCCtx(events->zstd);
    fclose(events->file);
    free(events);
}

int events_problem(const struct events *events) {
    return events->problem;
}

/* The file */

static void drop(struct events *events, int problem) {
    events->problem = problem ? problem : EIO;
    if (ftruncate(fileno(events->file), 0) != 0)
        events->end = 0; /* nothing more can be done: its room comes back when it is closed */
}

static void put_bytes(struct events *events, const void *bytes, size_t size,
                      ZSTD_EndDirective directive) {
    uint8_t buffer[64 << 10];
    ZSTD_inBuffer in = {bytes, size, 0};
    size_t left = 1;
    while (!events->problem && (in.pos < in.size || (directive == ZSTD_e_end && left > 0))) {
        ZSTD_outBuffer out = {buffer, sizeof buffer, 0};
        left = ZSTD_compressStream2(events->zstd, &out, &in, directive);
        if (ZSTD_isError(left))
            drop(events, ENOMEM);
        else if (fwrite(buffer, 1, out.pos, events->file) != out.pos)
            drop(events, errno);
    }
}

static size_t pack(uint8_t *to, uint64_t value) {
    size_t size = 0;
    for (; value >= 0x80; value >>= 7)
        to[size++] = (uint8_t)(value | 0x80);
    to[size++] = (uint8_t)value;
    return size;
}

static void put_varint(struct events *events, uint64_t value) {
    uint8_t bytes[VARINT_MAX];
    put_bytes(events, bytes, pack(bytes, value), ZSTD_e_continue);
}

static void put_block(struct events *events) {
    if (events->count == 0)
        return;
    put_varint(events, events->count);
    put_bytes(events, events->operations, events->count, ZSTD_e_continue);
    for (int column = 0; column < COLUMN_COUNT; column++) {
        size_t size = 0;
        for (uint32_t i = 0; i < events->value_count[column]; i++)
            size += pack(events->packed + size, events->values[column][i]);
        put_bytes(events, events->packed, size, ZSTD_e_continue);
        events->value_count[column] = 0;
    }
    events->count = 0;
}

/* Recording */

static void put_value(struct events *events, enum column column, uint64_t value) {
    events->values[column][events->value_count[column]++] = value;
}

static void put_operation(struct events *events, enum operation operation) {
    if (events->count == BLOCK_EVENTS)
        put_block(events);
    events->operations[events->count++] = (uint8_t)operation;
}

static void put_number(struct events *events, enum operation operation, uint64_t number) {
    if (events->problem)
        return;
    put_operation(events, operation);
    put_value(events, COLUMN_NUMBERS, number);
}

static void put_image(struct events *events, uint32_t image) {
    if (events->image == image)
        return;
    put_number(events, OPERATION_PROCESS, image - 1);
    events->image = image;
}

static void put_sized(struct events *events, enum operation operation, uint32_t image,
                      uint32_t site, uint64_t size) {
    put_image(events, image);
    put_operation(events, operation);
    put_value(events, COLUMN_SITES, site);
    put_value(events, COLUMN_SIZES, size);
}

/* Which allocation ends: a young one by its distance; an old one by how far it is from the one that
 * ended before it, since what was made in a row tends to go in a row. */
static void put_distance(struct events *events, uint32_t stub) {
    uint64_t number = events->stubs->list[stub].number, distance = events->allocations - number;
    uint64_t step = number - events->last_ended;
    uint64_t zigzag = step << 1 ^ (0 - (step >> 63));
    put_value(events, COLUMN_DISTANCES, distance < YOUNG ? distance << 1 : zigzag << 1 | 1);
    events->last_ended = number;
}

void events_alloc(struct events *events, uint32_t image, uint32_t stub, uint64_t size) {
    if (events->problem)
        return;
    put_sized(events, OPERATION_ALLOC, image, events->stubs->list[stub].site, size);
    events->stubs->list[stub].number = events->allocations++;
}

void events_realloc(struct events *events, uint32_t image, uint32_t stub, uint64_t size,
                    uint32_t old, bool moved) {
    if (!events->problem) {
        put_sized(events, moved ? OPERATION_REALLOC_MOVED : OPERATION_REALLOC, image,
                  events->stubs->list[stub].site, size);
        put_distance(events, old);
        events->stubs->list[stub].number = events->allocations++;
    }
}

void events_free(struct events *events, uint32_t stub) {
    if (!events->problem) {
        put_operation(events, OPERATION_FREE);
        put_distance(events, stub);
    }
}

void events_map(struct events *events, uint32_t image, uint32_t site, uint64_t size) {
    if (!events->problem)
        put_sized(events, OPERATION_MAP, image, site, size);
}

void events_unmap(struct events *events, uint32_t image, uint32_t site, uint64_t size) {
    if (!events->problem)
        put_sized(events, OPERATION_UNMAP, image, site, size);
}

/* Of several times without an event between them, only the last one matters. */
void events_time(struct events *events, uint64_t time_ns) {
    uint64_t passed = time_ns - events->time_ns;
    events->time_ns = time_ns;
    if (events->count && events->operations[events->count - 1] == OPERATION_TIME)
        events->values[COLUMN_NUMBERS][events->value_count[COLUMN_NUMBERS] - 1] += passed;
    else
        put_number(events, OPERATION_TIME, passed);
}

void events_start(struct events *events, uint32_t image) {
    put_number(events, OPERATION_START, image - 1);
}

void events_leave(struct events *events, uint32_t image) {
    put_number(events, OPERATION_LEAVE, image - 1);
}

void events_return(struct events *events, uint32_t image) {
    put_number(events, OPERATION_RETURN, image - 1);
}

/* The end */

static void put_sites(struct events *events, struct builder *builder) {
    const struct trace *trace = builder->trace;
    put_varint(events, 0); /* no more blocks */
    put_varint(events, trace->image_count);
    for (uint32_t i = 0; i < trace->image_count; i++) {
        const struct image *image = trace->images[i];
        put_varint(events, image->sites.count);
        for (uint32_t s = 0; s < image->sites.count; s++) {
            put_varint(events, builder_node(builder, image, image->sites.list[s].node));
            put_varint(events, image->sites.list[s].kind);
        }
    }
    put_bytes(events, NULL, 0, ZSTD_e_end);
}

FILE *events_finish(struct events *events, struct builder *builder) {
    put_block(events);
    put_bytes(events, NULL, 0, ZSTD_e_end);
    events->end = ftello(events->file);
    put_sites(events, builder);
    if (!events->problem && fflush(events->file) != 0)
        drop(events, errno);
    return events->problem ? NULL : events->file;
}

void events_resume(struct events *events) {
    if (!events->problem && (fseeko(events->file, events->end, SEEK_SET) != 0 ||
                             ftruncate(fileno(events->file), events->end) != 0))
        drop(events, errno);
}
