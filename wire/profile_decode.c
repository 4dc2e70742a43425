/* Unpacked sections -> a profile in memory. Everything here is hostile until profile_check has seen
 * it: counts are compared with the bytes that are left before anything is allocated.
 */
#include "profile_format.h"

#include <stdlib.h>
#include <string.h>

/* A profile that was read, with the arrays that its parts point into. */
struct profile_memory {
    struct profile profile; /* first: profile_free gets its address */
    char *text;
    struct profile_point *points;
    uint32_t point_count;
    string_id *arguments;
    uint32_t argument_count;
    uint8_t *graph_bytes;
    uint32_t graph_count;
};

/* The bytes that are left of a section. Once `failed` is set every read gives 0. */
struct cursor {
    const uint8_t *at, *end;
    bool failed;
};

static size_t cursor_left(const struct cursor *cursor) {
    return (size_t)(cursor->end - cursor->at);
}

static uint64_t get_varint(struct cursor *cursor) {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 63 && cursor->at < cursor->end; shift += 7) {
        uint8_t byte = *cursor->at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return value;
    }
    cursor->failed = true;
    cursor->at = cursor->end;
    return 0;
}

/* A count of things that take at least one byte each of what is left. */
static uint32_t get_count(struct cursor *cursor) {
    uint64_t count = get_varint(cursor);
    if (count > cursor_left(cursor) || count >= UINT32_MAX) {
        cursor->failed = true;
        return 0;
    }
    return (uint32_t)count;
}

static void set_value(struct cursor *cursor, uint8_t *field, enum column_type type, uint32_t row,
                      uint64_t value) {
    uint32_t word = (uint32_t)value;
    bool flag = value == 1;
    if (type == COLUMN_U64) {
        memcpy(field, &value, sizeof value);
        return;
    }
    if (value > UINT32_MAX || (type == COLUMN_BOOL && value > 1) ||
        (type == COLUMN_PARENT && (value == 0 || value > row))) {
        cursor->failed = true;
        return;
    }
    if (type == COLUMN_BOOL) {
        memcpy(field, &flag, sizeof flag);
        return;
    }
    if (type == COLUMN_I32)
        word = (word >> 1) ^ (0u - (word & 1u));
    if (type == COLUMN_PARENT)
        word = row - word;
    memcpy(field, &word, sizeof word);
}

/* What a value is told from; columns that are told so are plain numbers. */
static uint64_t base_value(const uint8_t *row, const struct profile_column *how, uint64_t before) {
    uint64_t wide = 0;
    uint32_t word = 0;
    if (how->from == FROM_BEFORE)
        return before;
    if (how->type == COLUMN_U64)
        memcpy(&wide, row + how->other, sizeof wide);
    else
        memcpy(&word, row + how->other, sizeof word);
    return wide + word;
}

static void get_column(struct cursor *cursor, const struct profile_table *table,
                       const struct profile_column *how, uint8_t *rows, uint32_t end_row) {
    uint64_t before = 0;
    for (uint32_t row = table->first_row; row < end_row && !cursor->failed; row++) {
        uint8_t *at = rows + row * table->row_size;
        uint64_t value = get_varint(cursor);
        if (how->from != FROM_NOTHING) {
            value = base_value(at, how, before) + ((value >> 1) ^ (0ull - (value & 1)));
            cursor->failed |= value > PROFILE_MAX_VALUE;
            before = value;
        }
        set_value(cursor, at + how->offset, how->type, row, value);
    }
}

static void get_columns(struct cursor *cursor, const struct profile_table *table, uint64_t columns,
                        uint8_t *rows, uint32_t end_row) {
    for (uint64_t column = 0; column < columns && !cursor->failed; column++) {
        if (column < table->column_count) {
            get_column(cursor, table, &table->columns[column], rows, end_row);
            continue;
        }
        for (uint32_t row = table->first_row; row < end_row && !cursor->failed; row++)
            get_varint(cursor);
    }
}

/* Reads a table into a new array; `*count` includes the rows that are not stored. */
static void *get_table(struct cursor *cursor, enum profile_section id, uint32_t *count) {
    const struct profile_table *table = &profile_tables[id];
    uint32_t rows = get_count(cursor);
    uint64_t columns = get_varint(cursor);
    size_t left = cursor_left(cursor);
    if (cursor->failed || columns == 0 || columns > UINT32_MAX ||
        (rows > 0 && columns > left / rows)) {
        cursor->failed = true;
        return NULL;
    }
    *count = rows + table->first_row;
    uint8_t *array = calloc((size_t)*count + 1, table->row_size);
    if (!array) {
        cursor->failed = true;
        return NULL;
    }
    get_columns(cursor, table, rows ? columns : 0, array, *count);
    return array;
}

static bool text_is_good(const uint8_t *text, size_t size) {
    for (size_t i = 0; i < size;) {
        size_t length = text[i] == 0 ? 0 : profile_utf8(text + i, size - i);
        if (length == 0)
            return false;
        i += length;
    }
    return true;
}

/* Copies the strings behind `lengths` into one block, each with its NUL. */
static void copy_strings(struct profile_memory *memory, struct cursor *lengths, uint32_t count,
                         struct cursor *bytes) {
    char **strings = memory->profile.strings, *to = memory->text;
    for (uint32_t i = 1; i < count; i++) {
        uint64_t length = get_varint(lengths);
        if (length > cursor_left(bytes) || !text_is_good(bytes->at, length)) {
            bytes->failed = true;
            return;
        }
        memcpy(to, bytes->at, length);
        strings[i] = to;
        to += length;
        *to++ = 0;
        bytes->at += length;
    }
}

static void get_strings(struct cursor *cursor, struct profile_memory *memory) {
    uint32_t count = get_count(cursor) + 1;
    struct cursor lengths = *cursor;
    for (uint32_t i = 1; i < count && !cursor->failed; i++)
        get_varint(cursor);
    if (cursor->failed)
        return;
    memory->text = malloc(cursor_left(cursor) + count);
    memory->profile.strings = calloc(count, sizeof(char *));
    if (!memory->text || !memory->profile.strings) {
        cursor->failed = true;
        return;
    }
    static char empty[1];
    memory->profile.strings[0] = empty;
    memory->profile.string_count = count;
    copy_strings(memory, &lengths, count, cursor);
}

/* The graphs' bytes are copied in one piece. */
static void get_graphs(struct cursor *cursor, struct profile_memory *memory) {
    uint32_t count = get_count(cursor);
    struct cursor lengths = *cursor;
    for (uint32_t i = 0; i < count && !cursor->failed; i++)
        get_varint(cursor);
    size_t left = cursor_left(cursor);
    if (cursor->failed)
        return;
    memory->graph_bytes = malloc(left + 1);
    memory->profile.graphs = calloc((size_t)count + 1, sizeof *memory->profile.graphs);
    if (!memory->graph_bytes || !memory->profile.graphs) {
        cursor->failed = true;
        return;
    }
    memcpy(memory->graph_bytes, cursor->at, left);
    memory->graph_count = count;
    uint8_t *at = memory->graph_bytes;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t length = get_varint(&lengths);
        if (length > cursor_left(cursor)) {
            cursor->failed = true;
            return;
        }
        memory->profile.graphs[i] = (struct profile_graph){at, length, false};
        at += length;
        cursor->at += length;
    }
}

static void get_run(struct cursor *cursor, struct profile *profile) {
    const struct profile_table *table = &profile_tables[SECTION_RUN];
    uint32_t rows = get_count(cursor);
    uint64_t columns = get_varint(cursor);
    if (rows != 1 || columns == 0 || columns > UINT32_MAX)
        cursor->failed = true;
    else
        get_columns(cursor, table, columns, (uint8_t *)profile, 1);
}

static void get_section(struct cursor *cursor, uint64_t id, struct profile_memory *memory) {
    struct profile *profile = &memory->profile;
    switch (id) {
    case SECTION_RUN:
        get_run(cursor, profile);
        break;
    case SECTION_STRINGS:
        get_strings(cursor, memory);
        break;
    case SECTION_FUNCTIONS:
        profile->functions = get_table(cursor, SECTION_FUNCTIONS, &profile->function_count);
        break;
    case SECTION_NODES:
        profile->nodes = get_table(cursor, SECTION_NODES, &profile->node_count);
        break;
    case SECTION_PROCESSES:
        profile->processes = get_table(cursor, SECTION_PROCESSES, &profile->process_count);
        break;
    case SECTION_SITES:
        profile->sites = get_table(cursor, SECTION_SITES, &profile->site_count);
        break;
    case SECTION_TIMELINES:
        profile->timelines = get_table(cursor, SECTION_TIMELINES, &profile->timeline_count);
        break;
    case SECTION_POINTS:
        memory->points = get_table(cursor, SECTION_POINTS, &memory->point_count);
        break;
    case SECTION_SOURCES:
        profile->sources = get_table(cursor, SECTION_SOURCES, &profile->source_count);
        break;
    case SECTION_ARGUMENTS:
        memory->arguments = get_table(cursor, SECTION_ARGUMENTS, &memory->argument_count);
        break;
    case SECTION_WARNINGS:
        profile->warnings = get_table(cursor, SECTION_WARNINGS, &profile->warning_count);
        break;
    case SECTION_SNAPSHOTS:
        profile->snapshots = get_table(cursor, SECTION_SNAPSHOTS, &profile->snapshot_count);
        break;
    case SECTION_BLOCKS:
        profile->blocks = get_table(cursor, SECTION_BLOCKS, &profile->block_count);
        break;
    case SECTION_MOMENTS:
        profile->moments = get_table(cursor, SECTION_MOMENTS, &profile->moment_count);
        break;
    case SECTION_GRAPHS:
        get_graphs(cursor, memory);
        break;
    case SECTION_REGIONS:
        profile->regions = get_table(cursor, SECTION_REGIONS, &profile->region_count);
        break;
    case SECTION_REGION_SITES:
        profile->region_sites =
            get_table(cursor, SECTION_REGION_SITES, &profile->region_site_count);
        break;
    case SECTION_COLLECTIONS:
        profile->collections = get_table(cursor, SECTION_COLLECTIONS, &profile->collection_count);
        break;
    case SECTION_SPANS:
        profile->spans = get_table(cursor, SECTION_SPANS, &profile->span_count);
        break;
    case SECTION_SPAN_SITES:
        profile->span_sites = get_table(cursor, SECTION_SPAN_SITES, &profile->span_site_count);
        break;
    case SECTION_TAKERS:
        profile->takers = get_table(cursor, SECTION_TAKERS, &profile->taker_count);
        break;
    case SECTION_COUNTS:
        profile->counts = get_table(cursor, SECTION_COUNTS, &profile->count_count);
        break;
    case SECTION_LIFETIMES:
        profile->lifetimes = get_table(cursor, SECTION_LIFETIMES, &profile->lifetime_count);
        break;
    case SECTION_TYPES:
        profile->types = get_table(cursor, SECTION_TYPES, &profile->type_count);
        break;
    case SECTION_TYPE_LIFETIMES:
        profile->type_lifetimes =
            get_table(cursor, SECTION_TYPE_LIFETIMES, &profile->type_lifetime_count);
        break;
    case SECTION_COLLECTED:
        profile->collected = get_table(cursor, SECTION_COLLECTED, &profile->collected_count);
        break;
    case SECTION_DRAGS:
        profile->drags = get_table(cursor, SECTION_DRAGS, &profile->drag_count);
        break;
    default:
        cursor->at = cursor->end; /* a later version's */
        break;
    }
    if (cursor->at != cursor->end)
        cursor->failed = true;
}

static bool get_sections(struct cursor *cursor, struct profile_memory *memory,
                         struct profile_error *error) {
    bool seen[SECTION_COUNT] = {false};
    for (;;) {
        uint64_t id = get_varint(cursor), length = get_varint(cursor);
        if (cursor->failed)
            return profile_fail(error, "its sections end too early");
        if (id == SECTION_END)
            break;
        if (length > cursor_left(cursor) || (id < SECTION_COUNT && seen[id]))
            return profile_fail(error, "section %llu is too long or there twice",
                                (unsigned long long)id);
        if (id < SECTION_COUNT)
            seen[id] = true;
        struct cursor body = {cursor->at, cursor->at + length, false};
        cursor->at = body.end;
        get_section(&body, id, memory);
        if (body.failed)
            return profile_fail(error, "section %llu does not decode", (unsigned long long)id);
    }
    if (cursor->at != cursor->end || !seen[SECTION_RUN] || !seen[SECTION_STRINGS])
        return profile_fail(error, "a section is missing or follows the end");
    return true;
}

/* Gives the run and each process their part of the arguments, and each timeline its points. */
static bool share_out(struct profile_memory *memory, struct profile_error *error) {
    struct profile *profile = &memory->profile;
    uint64_t argument = profile->command_count, point = 0;
    profile->command = memory->arguments;
    for (uint32_t i = 0; i < profile->process_count; i++) {
        struct profile_process *process = &profile->processes[i];
        if (argument <= memory->argument_count && memory->arguments)
            process->command = memory->arguments + argument;
        argument += process->command_count;
    }
    for (uint32_t i = 0; i < profile->timeline_count; i++) {
        struct profile_timeline *line = &profile->timelines[i];
        if (point <= memory->point_count && memory->points)
            line->points = memory->points + point;
        point += line->point_count;
    }
    if (argument != memory->argument_count || point != memory->point_count)
        return profile_fail(error, "its arguments or points do not add up");
    return true;
}

/* Of the sections' bytes, only the graphs' go into memory as they are. */
static bool check_size(const uint8_t *content, size_t size, uint64_t limit,
                       struct profile_error *error) {
    struct cursor cursor = {content, content + size, false};
    uint64_t rest = size;
    while (!cursor.failed && cursor.at < cursor.end) {
        uint64_t id = get_varint(&cursor), length = get_varint(&cursor);
        if (length > cursor_left(&cursor))
            break;
        cursor.at += length;
        if (id == SECTION_GRAPHS)
            rest -= length;
    }
    return rest <= limit ||
           profile_fail(error, "it unpacks to more than %llu MiB, too much for its size",
                        (unsigned long long)(limit >> 20));
}

/* Tables that are missing from the file still have their entry 0. */
static bool add_missing(struct profile *profile, struct profile_error *error) {
    if (!profile->functions) {
        profile->functions = calloc(1, sizeof *profile->functions);
        profile->function_count = 1;
    }
    if (!profile->nodes) {
        profile->nodes = calloc(1, sizeof *profile->nodes);
        profile->node_count = 1;
    }
    return (profile->functions && profile->nodes) || profile_fail(error, "out of memory");
}

static bool add_graphs(struct profile_memory *memory, struct profile_error *error) {
    struct profile *profile = &memory->profile;
    if (profile->graphs)
        return memory->graph_count == profile->snapshot_count ||
               profile_fail(error, "there are %u graphs of %u snapshots", memory->graph_count,
                            profile->snapshot_count);
    profile->graphs = calloc((size_t)profile->snapshot_count + 1, sizeof *profile->graphs);
    return profile->graphs || profile_fail(error, "out of memory");
}

struct profile *profile_decode(const uint8_t *content, size_t size, uint64_t limit,
                               struct profile_error *error) {
    struct profile_memory *memory = calloc(1, sizeof *memory);
    if (!memory) {
        profile_fail(error, "out of memory");
        return NULL;
    }
    struct cursor cursor = {content, content + size, false};
    struct profile *profile = &memory->profile;
    if (check_size(content, size, limit, error) && get_sections(&cursor, memory, error) &&
        add_missing(profile, error) && add_graphs(memory, error) && share_out(memory, error) &&
        profile_check(profile, error))
        return profile;
    profile_free(profile);
    return NULL;
}

void profile_free(struct profile *profile) {
    struct profile_memory *memory = (struct profile_memory *)profile;
    if (!memory)
        return;
    free(profile->strings);
    free(profile->functions);
    free(profile->nodes);
    free(profile->sites);
    free(profile->processes);
    free(profile->timelines);
    free(profile->sources);
    free(profile->warnings);
    free(profile->snapshots);
    free(profile->blocks);
    free(profile->moments);
    free(profile->graphs);
    free(profile->regions);
    free(profile->region_sites);
    free(profile->collections);
    free(profile->takers);
    free(profile->counts);
    free(profile->spans);
    free(profile->span_sites);
    free(profile->lifetimes);
    free(profile->types);
    free(profile->type_lifetimes);
    free(profile->collected);
    free(profile->drags);
    free(profile->libraries);
    free(memory->graph_bytes);
    free(memory->text);
    free(memory->points);
    free(memory->arguments);
    free(memory);
}
