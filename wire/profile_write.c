/* Writes a profile (docs/profile-format.md): each section is built in memory, then goes through one
 * zstd stream into the file.
 */
#include "graph_columns.h"
#include "profile_format.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <zstd.h>

#define COMPRESSION_LEVEL 3

/* Heap graphs of so many bytes make a profile that is neither small nor slow to write: for these, a
 * more thorough search in as much memory, which leaves out a twentieth and takes 8 ms for each MiB
 * more. Below, the level's own tables would be larger than much of what is packed, and clearing
 * them dearer than what they leave out: 1 % at the most. */
#define THOROUGH_FROM ((uint64_t)3 << 20)
#define THOROUGH_MOST ((uint64_t)16 << 20)

/* A growing buffer. Once `failed` is set (out of memory, or a value that the format cannot hold),
 * what is added is lost; the caller looks once at the end. */
struct bytes {
    uint8_t *data;
    size_t size, capacity;
    bool failed;
};

static bool bytes_room(struct bytes *bytes, size_t more) {
    if (bytes->failed)
        return false;
    if (bytes->capacity - bytes->size >= more)
        return true;
    size_t capacity = (bytes->size + more) * 2;
    uint8_t *data = realloc(bytes->data, capacity);
    if (!data) {
        bytes->failed = true;
        return false;
    }
    bytes->data = data;
    bytes->capacity = capacity;
    return true;
}

static void put_bytes(struct bytes *bytes, const void *data, size_t size) {
    if (size == 0 || !bytes_room(bytes, size))
        return;
    memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
}

#define VARINT_MOST 10u /* bytes */

/* What comes after it. There is room for it. */
static inline uint8_t *store_varint(uint8_t *to, uint64_t value) {
    for (; value >= 0x80; value >>= 7)
        *to++ = (uint8_t)(value | 0x80);
    *to++ = (uint8_t)value;
    return to;
}

static void put_varint(struct bytes *bytes, uint64_t value) {
    if (value > PROFILE_MAX_VALUE)
        bytes->failed = true;
    if (bytes_room(bytes, VARINT_MOST))
        bytes->size = (size_t)(store_varint(bytes->data + bytes->size, value) - bytes->data);
}

static void put_u32(uint8_t *at, uint32_t value) {
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

static void put_u64(uint8_t *at, uint64_t value) {
    put_u32(at, (uint32_t)value);
    put_u32(at + 4, (uint32_t)(value >> 32));
}

/* Appends `text` with what is not UTF-8 replaced; its length in bytes. */
static size_t put_text(struct bytes *bytes, const char *text) {
    size_t before = bytes->size, size = strlen(text);
    for (size_t i = 0; i < size;) {
        size_t length = profile_utf8((const uint8_t *)text + i, size - i);
        if (length == 0) {
            put_bytes(bytes, "\xef\xbf\xbd", 3);
            i++;
        } else {
            put_bytes(bytes, text + i, length);
            i += length;
        }
    }
    return bytes->size - before;
}

static void put_strings(struct bytes *bytes, const struct profile *profile) {
    struct bytes text = {0};
    put_varint(bytes, profile->string_count - 1);
    for (uint32_t i = 1; i < profile->string_count; i++)
        put_varint(bytes, put_text(&text, profile->strings[i]));
    put_bytes(bytes, text.data, text.size);
    bytes->failed |= text.failed;
    free(text.data);
}

static inline uint64_t column_value(const uint8_t *field, enum column_type type, uint32_t row) {
    uint32_t word;
    uint64_t wide;
    bool flag;
    switch (type) {
    case COLUMN_U64:
        memcpy(&wide, field, sizeof wide);
        return wide;
    case COLUMN_BOOL:
        memcpy(&flag, field, sizeof flag);
        return flag;
    case COLUMN_I32:
        memcpy(&word, field, sizeof word);
        return (word << 1) ^ (0u - (word >> 31));
    case COLUMN_PARENT:
        memcpy(&word, field, sizeof word);
        return row - word;
    case COLUMN_U32:
        break;
    }
    memcpy(&word, field, sizeof word);
    return word;
}

static uint64_t signed_code(int64_t value) {
    return (uint64_t)value << 1 ^ (uint64_t)(value >> 63);
}

#define ROWS_AT_ONCE 1024u

/* Up to ROWS_AT_ONCE of a column's rows, for which there is room. */
static uint64_t put_rows(struct bytes *bytes, const struct profile_table *table,
                         const struct profile_column *how, const void *rows, uint32_t row,
                         uint32_t end, uint64_t before) {
    uint8_t *to = bytes->data + bytes->size;
    uint64_t all = 0;
    for (; row < end; row++) {
        const uint8_t *at = (const uint8_t *)rows + row * table->row_size;
        uint64_t value = column_value(at + how->offset, how->type, row), told = value;
        if (how->from != FROM_NOTHING) {
            uint64_t from =
                how->from == FROM_BEFORE ? before : column_value(at + how->other, how->type, row);
            told = signed_code((int64_t)(value - from));
            before = value;
        }
        all |= told;
        to = store_varint(to, told);
    }
    bytes->failed |= all > PROFILE_MAX_VALUE;
    bytes->size = (size_t)(to - bytes->data);
    return before;
}

/* Rows and columns, without the counts, so that a table can be put together from several arrays.
 * `before`: the value in the row before the first, of a column that is told from it. */
static uint64_t put_column(struct bytes *bytes, const struct profile_table *table, uint32_t column,
                           const void *rows, uint32_t count, uint64_t before) {
    for (uint32_t row = table->first_row, end; row < count; row = end) {
        end = count - row < ROWS_AT_ONCE ? count : row + ROWS_AT_ONCE;
        if (!bytes_room(bytes, (end - row) * (size_t)VARINT_MOST))
            break;
        before = put_rows(bytes, table, &table->columns[column], rows, row, end, before);
    }
    return before;
}

static void put_table(struct bytes *bytes, enum profile_section id, const void *rows,
                      uint32_t count) {
    const struct profile_table *table = &profile_tables[id];
    put_varint(bytes, count - table->first_row);
    put_varint(bytes, table->column_count);
    bytes_room(bytes, (size_t)count * table->column_count); /* at least */
    for (uint32_t column = 0; column < table->column_count; column++)
        put_column(bytes, table, column, rows, count, 0);
}

static void put_points(struct bytes *bytes, const struct profile *profile) {
    const struct profile_table *table = &profile_tables[SECTION_POINTS];
    uint64_t rows = 0;
    for (uint32_t i = 0; i < profile->timeline_count; i++)
        rows += profile->timelines[i].point_count;
    put_varint(bytes, rows);
    put_varint(bytes, table->column_count);
    for (uint32_t column = 0; column < table->column_count; column++) {
        uint64_t before = 0;
        for (uint32_t i = 0; i < profile->timeline_count; i++)
            before = put_column(bytes, table, column, profile->timelines[i].points,
                                profile->timelines[i].point_count, before);
    }
}

static void put_arguments(struct bytes *bytes, const struct profile *profile) {
    const struct profile_table *table = &profile_tables[SECTION_ARGUMENTS];
    uint64_t rows = profile->command_count;
    for (uint32_t i = 0; i < profile->process_count; i++)
        rows += profile->processes[i].command_count;
    put_varint(bytes, rows);
    put_varint(bytes, 1);
    put_column(bytes, table, 0, profile->command, profile->command_count, 0);
    for (uint32_t i = 0; i < profile->process_count; i++)
        put_column(bytes, table, 0, profile->processes[i].command,
                   profile->processes[i].command_count, 0);
}

/* Once each of its columns is in one piece. */
static uint64_t graph_size(const struct profile_graph *graph) {
    struct graph_layout layout;
    if (!graph_layout_find(graph->bytes, graph->size, &layout) || layout.whole)
        return graph->size;
    uint64_t size = layout.head + graph->size - layout.tail;
    for (uint32_t i = 0; i < GRAPH_COLUMNS; i++) {
        uint8_t head[GRAPH_PIECE_HEAD];
        if (layout.columns[i])
            size += graph_piece_head(head, i, layout.columns[i]) + layout.columns[i];
    }
    return size;
}

/* Without the bytes of the graphs themselves, which follow: they may be many. */
static void put_graph_sizes(struct bytes *bytes, const struct profile *profile) {
    put_varint(bytes, profile->snapshot_count);
    for (uint32_t i = 0; i < profile->snapshot_count; i++)
        put_varint(bytes, graph_size(&profile->graphs[i]));
}

static uint64_t graphs_size(const struct profile *profile) {
    uint64_t size = 0;
    for (uint32_t i = 0; i < profile->snapshot_count; i++)
        size += graph_size(&profile->graphs[i]);
    return size;
}

static void put_body(struct bytes *bytes, enum profile_section id, const struct profile *profile) {
    switch (id) {
    case SECTION_RUN:
        put_table(bytes, id, profile, 1);
        break;
    case SECTION_STRINGS:
        put_strings(bytes, profile);
        break;
    case SECTION_FUNCTIONS:
        put_table(bytes, id, profile->functions, profile->function_count);
        break;
    case SECTION_NODES:
        put_table(bytes, id, profile->nodes, profile->node_count);
        break;
    case SECTION_PROCESSES:
        put_table(bytes, id, profile->processes, profile->process_count);
        break;
    case SECTION_SITES:
        put_table(bytes, id, profile->sites, profile->site_count);
        break;
    case SECTION_TIMELINES:
        put_table(bytes, id, profile->timelines, profile->timeline_count);
        break;
    case SECTION_POINTS:
        put_points(bytes, profile);
        break;
    case SECTION_SOURCES:
        put_table(bytes, id, profile->sources, profile->source_count);
        break;
    case SECTION_ARGUMENTS:
        put_arguments(bytes, profile);
        break;
    case SECTION_WARNINGS:
        put_table(bytes, id, profile->warnings, profile->warning_count);
        break;
    case SECTION_SNAPSHOTS:
        put_table(bytes, id, profile->snapshots, profile->snapshot_count);
        break;
    case SECTION_BLOCKS:
        put_table(bytes, id, profile->blocks, profile->block_count);
        break;
    case SECTION_MOMENTS:
        put_table(bytes, id, profile->moments, profile->moment_count);
        break;
    case SECTION_GRAPHS:
        put_graph_sizes(bytes, profile);
        break;
    case SECTION_REGIONS:
        put_table(bytes, id, profile->regions, profile->region_count);
        break;
    case SECTION_REGION_SITES:
        put_table(bytes, id, profile->region_sites, profile->region_site_count);
        break;
    case SECTION_COLLECTIONS:
        put_table(bytes, id, profile->collections, profile->collection_count);
        break;
    case SECTION_SPANS:
        put_table(bytes, id, profile->spans, profile->span_count);
        break;
    case SECTION_SPAN_SITES:
        put_table(bytes, id, profile->span_sites, profile->span_site_count);
        break;
    case SECTION_TAKERS:
        put_table(bytes, id, profile->takers, profile->taker_count);
        break;
    case SECTION_COUNTS:
        put_table(bytes, id, profile->counts, profile->count_count);
        break;
    case SECTION_LIFETIMES:
        put_table(bytes, id, profile->lifetimes, profile->lifetime_count);
        break;
    case SECTION_TYPES:
        put_table(bytes, id, profile->types, profile->type_count);
        break;
    case SECTION_TYPE_LIFETIMES:
        put_table(bytes, id, profile->type_lifetimes, profile->type_lifetime_count);
        break;
    case SECTION_COLLECTED:
        put_table(bytes, id, profile->collected, profile->collected_count);
        break;
    case SECTION_DRAGS:
        put_table(bytes, id, profile->drags, profile->drag_count);
        break;
    case SECTION_END:
    case SECTION_COUNT:
        break;
    }
}

/* The file that is being written. */
struct sink {
    FILE *out;
    ZSTD_CCtx *zstd;
    struct bytes body; /* each section's in turn */
    uint64_t written;
    struct profile_error *error;
};

static bool sink_bytes(struct sink *sink, const void *data, size_t size) {
    if (size > 0 && fwrite(data, 1, size, sink->out) != size)
        return profile_fail(sink->error, "cannot write the profile: %s", strerror(errno));
    sink->written += size;
    return true;
}

static bool sink_zstd(struct sink *sink, const uint8_t *data, size_t size,
                      ZSTD_EndDirective directive) {
    uint8_t buffer[64 << 10];
    ZSTD_inBuffer in = {data, size, 0};
    size_t left;
    do {
        ZSTD_outBuffer out = {buffer, sizeof buffer, 0};
        left = ZSTD_compressStream2(sink->zstd, &out, &in, directive);
        if (ZSTD_isError(left))
            return profile_fail(sink->error, "cannot compress the profile: %s",
                                ZSTD_getErrorName(left));
        if (!sink_bytes(sink, buffer, out.pos))
            return false;
    } while (in.pos < in.size || (directive != ZSTD_e_continue && left > 0));
    return true;
}

/* What is packed of a mapped graph leaves this process's memory again: it can be larger than all
 * else that the collector has. The file keeps it. */
static void release_graph(const struct profile_graph *graph) {
    if (graph->is_mapped)
        (void)madvise(graph->bytes, graph->size, MADV_DONTNEED);
}

#define PLAIN_PIECE (1u << 20)

static bool sink_plain_graph(struct sink *sink, const struct profile_graph *graph) {
    for (size_t at = 0; at < graph->size; at += PLAIN_PIECE) {
        size_t size = graph->size - at < PLAIN_PIECE ? graph->size - at : PLAIN_PIECE;
        if (!sink_zstd(sink, graph->bytes + at, size, ZSTD_e_continue))
            return false;
        release_graph(graph);
    }
    return true;
}

/* A column is packed by itself: its numbers are unlike those of the next one. */
static bool sink_column(struct sink *sink, const struct profile_graph *graph,
                        const struct graph_layout *layout, uint32_t column) {
    uint8_t head[GRAPH_PIECE_HEAD];
    size_t size = graph_piece_head(head, column, layout->columns[column]);
    bool good = sink_zstd(sink, head, size, ZSTD_e_continue);
    const uint8_t *at = graph->bytes + layout->head;
    struct graph_piece piece;
    while (good && graph_piece_next(&at, graph->bytes + layout->tail, &piece))
        if (piece.column == column)
            good = sink_zstd(sink, piece.bytes, piece.size, ZSTD_e_continue);
    release_graph(graph);
    return good && sink_zstd(sink, NULL, 0, ZSTD_e_flush);
}

/* What is not understood is packed as it is. */
static bool sink_graph(struct sink *sink, const struct profile_graph *graph) {
    struct graph_layout layout;
    if (!graph_layout_find(graph->bytes, graph->size, &layout) || layout.whole)
        return sink_plain_graph(sink, graph);
    bool good = sink_zstd(sink, graph->bytes, layout.head, ZSTD_e_continue);
    for (uint32_t i = 0; i < GRAPH_COLUMNS && good; i++)
        if (layout.columns[i])
            good = sink_column(sink, graph, &layout, i);
    return good &&
           sink_zstd(sink, graph->bytes + layout.tail, graph->size - layout.tail, ZSTD_e_continue);
}

static bool sink_graphs(struct sink *sink, const struct profile *profile) {
    for (uint32_t i = 0; i < profile->snapshot_count; i++)
        if (!sink_graph(sink, &profile->graphs[i]))
            return false;
    return true;
}

static bool sink_section(struct sink *sink, enum profile_section id,
                         const struct profile *profile) {
    uint8_t head[2 * VARINT_MOST];
    struct bytes *body = &sink->body;
    body->size = 0;
    put_body(body, id, profile);
    if (body->failed)
        return profile_fail(
            sink->error, "section %d of the profile: out of memory, or a value over 2^63", (int)id);
    uint64_t size = body->size + (id == SECTION_GRAPHS ? graphs_size(profile) : 0);
    uint8_t *end = store_varint(store_varint(head, id), size);
    return sink_zstd(sink, head, (size_t)(end - head), ZSTD_e_continue) &&
           sink_zstd(sink, body->data, body->size, ZSTD_e_continue) &&
           (id != SECTION_GRAPHS || sink_graphs(sink, profile));
}

struct effort {
    int strategy, window, hash, chain, search; /* logarithms, but for the first */
};

static void set_effort(ZSTD_CCtx *zstd, const struct effort *effort) {
    ZSTD_CCtx_setParameter(zstd, ZSTD_c_strategy, effort->strategy);
    ZSTD_CCtx_setParameter(zstd, ZSTD_c_windowLog, effort->window);
    ZSTD_CCtx_setParameter(zstd, ZSTD_c_hashLog, effort->hash);
    ZSTD_CCtx_setParameter(zstd, ZSTD_c_chainLog, effort->chain);
    ZSTD_CCtx_setParameter(zstd, ZSTD_c_searchLog, effort->search);
}

static void choose_effort(ZSTD_CCtx *zstd, uint64_t graphs) {
    static const struct effort quick = {ZSTD_dfast, 18, 15, 15, 1};
    static const struct effort thorough = {ZSTD_lazy2, 20, 18, 18, 3};
    bool wanted = graphs >= THOROUGH_FROM && graphs <= THOROUGH_MOST;
    ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, wanted ? 6 : COMPRESSION_LEVEL);
    if (graphs <= THOROUGH_MOST)
        set_effort(zstd, wanted ? &thorough : &quick);
}

static bool sink_frame(struct sink *sink, const struct profile *profile) {
    static const uint8_t end[2] = {SECTION_END, 0};
    sink->zstd = ZSTD_createCCtx();
    if (!sink->zstd)
        return profile_fail(sink->error, "cannot compress the profile: out of memory");
    ZSTD_CCtx_setParameter(sink->zstd, ZSTD_c_checksumFlag, 1);
    choose_effort(sink->zstd, graphs_size(profile));
    bool good = true;
    for (int id = SECTION_RUN; good && id < SECTION_COUNT; id++)
        good = sink_section(sink, (enum profile_section)id, profile);
    good = good && sink_zstd(sink, end, sizeof end, ZSTD_e_end);
    ZSTD_freeCCtx(sink->zstd);
    free(sink->body.data);
    return good;
}

static bool sink_header(struct sink *sink) {
    uint8_t header[PROFILE_HEADER_SIZE] = {0};
    memcpy(header, PROFILE_MAGIC, PROFILE_MAGIC_SIZE);
    header[8] = PROFILE_VERSION;
    header[10] = PROFILE_MINOR_VERSION;
    memcpy(header + 12, PROFILE_NEEDS, sizeof PROFILE_NEEDS);
    put_u32(header + 28, profile_crc32(header, 28));
    return sink_bytes(sink, header, sizeof header);
}

static bool sink_trailer(struct sink *sink, uint64_t frame, uint64_t events) {
    uint8_t trailer[PROFILE_TRAILER_SIZE] = {0};
    put_u64(trailer, frame);
    put_u64(trailer + 8, events);
    put_u32(trailer + 20, profile_crc32(trailer, 20));
    memcpy(trailer + 24, PROFILE_END_MAGIC, PROFILE_MAGIC_SIZE);
    return sink_bytes(sink, trailer, sizeof trailer);
}

static bool sink_events(struct sink *sink, FILE *events) {
    uint8_t buffer[64 << 10];
    size_t size;
    while ((size = fread(buffer, 1, sizeof buffer, events)) > 0)
        if (!sink_bytes(sink, buffer, size))
            return false;
    if (ferror(events))
        return profile_fail(sink->error, "cannot read the event stream back: %s", strerror(errno));
    return true;
}

bool profile_write(const struct profile *profile, FILE *events, FILE *out,
                   struct profile_error *error) {
    struct sink sink = {.out = out, .error = error};
    struct profile_error inner;
    if (!profile_check(profile, &inner))
        return profile_fail(error, "the profile contradicts itself, please report this: %.400s",
                            inner.text);
    struct profile run = *profile;
    run.has_events = events != NULL;
    if (!sink_header(&sink) || !sink_frame(&sink, &run))
        return false;
    uint64_t frame_end = sink.written;
    if (events && !sink_events(&sink, events))
        return false;
    if (!sink_trailer(&sink, frame_end - PROFILE_HEADER_SIZE, sink.written - frame_end))
        return false;
    if (fflush(out) != 0)
        return profile_fail(error, "cannot write the profile: %s", strerror(errno));
    return true;
}
