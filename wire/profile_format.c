/* What writer and reader of a profile have in common: the tables' columns, the checksum, and the
 * invariants that both enforce, so that a file which was written can always be read.
 */
#include "profile_format.h"

#include <stdarg.h>
#include <stdlib.h>

#define COLUMN(type, row, field)                                                                   \
    { offsetof(struct row, field), type, FROM_NOTHING, 0 }
#define RISING(type, row, field)                                                                   \
    { offsetof(struct row, field), type, FROM_BEFORE, 0 }
#define BESIDE(type, row, field, column)                                                           \
    { offsetof(struct row, field), type, FROM_COLUMN, offsetof(struct row, column) }
#define TABLE(row, first, columns)                                                                 \
    { sizeof(struct row), first, (uint32_t)(sizeof(columns) / sizeof((columns)[0])), columns }

static const struct profile_column run_columns[] = {
    COLUMN(COLUMN_U32, profile, command_count),   COLUMN(COLUMN_U32, profile, host),
    COLUMN(COLUMN_U32, profile, writer),          COLUMN(COLUMN_U64, profile, started_unix_ns),
    COLUMN(COLUMN_U64, profile, duration_ns),     COLUMN(COLUMN_I32, profile, exit_status),
    COLUMN(COLUMN_I32, profile, exit_signal),     COLUMN(COLUMN_BOOL, profile, complete),
    COLUMN(COLUMN_U64, profile, tree_peak_bytes), COLUMN(COLUMN_U64, profile, tree_peak_ns),
    COLUMN(COLUMN_BOOL, profile, has_events),
};

static const struct profile_column function_columns[] = {
    COLUMN(COLUMN_U32, profile_function, name),       COLUMN(COLUMN_U32, profile_function, file),
    COLUMN(COLUMN_U32, profile_function, first_line), COLUMN(COLUMN_U32, profile_function, module),
    COLUMN(COLUMN_U32, profile_function, id),         COLUMN(COLUMN_U32, profile_function, flags),
};

static const struct profile_column node_columns[] = {
    COLUMN(COLUMN_PARENT, profile_node, parent),
    COLUMN(COLUMN_U32, profile_node, function),
    COLUMN(COLUMN_U32, profile_node, line),
    COLUMN(COLUMN_U32, profile_node, thread),
};

static const struct profile_column process_columns[] = {
    COLUMN(COLUMN_U32, profile_process, pid),
    COLUMN(COLUMN_U32, profile_process, ppid),
    COLUMN(COLUMN_U32, profile_process, parent),
    COLUMN(COLUMN_U32, profile_process, flags),
    COLUMN(COLUMN_U32, profile_process, python),
    COLUMN(COLUMN_U32, profile_process, command_count),
    COLUMN(COLUMN_I32, profile_process, exit_status),
    COLUMN(COLUMN_I32, profile_process, exit_signal),
    COLUMN(COLUMN_U64, profile_process, start_ns),
    COLUMN(COLUMN_U64, profile_process, end_ns),
    COLUMN(COLUMN_U64, profile_process, peak_bytes),
    COLUMN(COLUMN_U64, profile_process, peak_ns),
    COLUMN(COLUMN_U64, profile_process, peak_rss_bytes),
    COLUMN(COLUMN_U64, profile_process, max_rss_bytes),
    COLUMN(COLUMN_U64, profile_process, tree_bytes),
    COLUMN(COLUMN_U64, profile_process, end_bytes),
    COLUMN(COLUMN_U64, profile_process, arena_bytes),
    COLUMN(COLUMN_U64, profile_process, reserved_bytes),
    COLUMN(COLUMN_U64, profile_process, file_bytes),
    COLUMN(COLUMN_U64, profile_process, shared_bytes),
    COLUMN(COLUMN_U64, profile_process, allocations),
    COLUMN(COLUMN_U64, profile_process, frees),
    COLUMN(COLUMN_U64, profile_process, events),
    COLUMN(COLUMN_U64, profile_process, wait_ns),
    COLUMN(COLUMN_U64, profile_process, waits),
    COLUMN(COLUMN_U64, profile_process, dropped),
    COLUMN(COLUMN_U64, profile_process, truncated),
    COLUMN(COLUMN_U64, profile_process, snapshots),
    COLUMN(COLUMN_U64, profile_process, snapshot_ns),
    COLUMN(COLUMN_U64, profile_process, rest_bytes),
    COLUMN(COLUMN_U64, profile_process, young_collections),
    COLUMN(COLUMN_U64, profile_process, middle_collections),
    COLUMN(COLUMN_U64, profile_process, old_collections),
    COLUMN(COLUMN_U64, profile_process, collection_ns),
    COLUMN(COLUMN_U64, profile_process, longest_collection_ns),
    COLUMN(COLUMN_U64, profile_process, resident_bytes),
    COLUMN(COLUMN_U64, profile_process, resident_live),
    COLUMN(COLUMN_U64, profile_process, resident_arenas),
    COLUMN(COLUMN_U64, profile_process, resident_files),
    COLUMN(COLUMN_U64, profile_process, resident_shared),
    COLUMN(COLUMN_U64, profile_process, resident_stacks),
    COLUMN(COLUMN_U64, profile_process, resident_data),
    COLUMN(COLUMN_U64, profile_process, looks),
    COLUMN(COLUMN_U64, profile_process, look_pace_ns),
    COLUMN(COLUMN_U64, profile_process, look_ns),
    COLUMN(COLUMN_U64, profile_process, drag_left_out),
    COLUMN(COLUMN_U64, profile_process, count_modules),
    COLUMN(COLUMN_U64, profile_process, count_calling),
    COLUMN(COLUMN_U64, profile_process, count_left_out),
};

static const struct profile_column site_columns[] = {
    COLUMN(COLUMN_U32, profile_site, process),
    RISING(COLUMN_U32, profile_site, node),
    COLUMN(COLUMN_U32, profile_site, kind),
    COLUMN(COLUMN_U64, profile_site, peak_bytes),
    COLUMN(COLUMN_U64, profile_site, peak_blocks),
    BESIDE(COLUMN_U64, profile_site, tree_bytes, peak_bytes),
    BESIDE(COLUMN_U64, profile_site, tree_blocks, peak_blocks),
    COLUMN(COLUMN_U64, profile_site, end_bytes),
    COLUMN(COLUMN_U64, profile_site, end_blocks),
    BESIDE(COLUMN_U64, profile_site, total_bytes, peak_bytes),
    COLUMN(COLUMN_U64, profile_site, total_blocks),
};

static const struct profile_column timeline_columns[] = {
    COLUMN(COLUMN_U32, profile_timeline, process),
    COLUMN(COLUMN_U32, profile_timeline, point_count),
};

static const struct profile_column point_columns[] = {
    RISING(COLUMN_U64, profile_point, time_ns),
    COLUMN(COLUMN_U64, profile_point, bytes),
    COLUMN(COLUMN_U64, profile_point, rss_bytes),
};

static const struct profile_column source_columns[] = {
    RISING(COLUMN_U32, profile_source, file),
    RISING(COLUMN_U32, profile_source, line),
    RISING(COLUMN_U32, profile_source, text),
};

static const struct profile_column snapshot_columns[] = {
    COLUMN(COLUMN_U32, profile_snapshot, process),
    COLUMN(COLUMN_U32, profile_snapshot, reason),
    COLUMN(COLUMN_U32, profile_snapshot, flags),
    COLUMN(COLUMN_U32, profile_snapshot, name),
    COLUMN(COLUMN_U64, profile_snapshot, time_ns),
    COLUMN(COLUMN_U64, profile_snapshot, bytes),
    COLUMN(COLUMN_U64, profile_snapshot, pending_bytes),
    COLUMN(COLUMN_U32, profile_snapshot, pending_node),
    COLUMN(COLUMN_U32, profile_snapshot, block_count),
    COLUMN(COLUMN_U64, profile_snapshot, first_moment),
    COLUMN(COLUMN_U64, profile_snapshot, pause_ns),
    COLUMN(COLUMN_U64, profile_snapshot, walk_ns),
    COLUMN(COLUMN_U64, profile_snapshot, copy_bytes),
};

static const struct profile_column block_columns[] = {
    RISING(COLUMN_U64, profile_block, address), COLUMN(COLUMN_U64, profile_block, size),
    COLUMN(COLUMN_U32, profile_block, node),    COLUMN(COLUMN_U32, profile_block, kind),
    COLUMN(COLUMN_U64, profile_block, birth),   COLUMN(COLUMN_U64, profile_block, death),
    COLUMN(COLUMN_U64, profile_block, idle_ns),
};

static const struct profile_column moment_columns[] = {
    COLUMN(COLUMN_U32, profile_moment, process),
    RISING(COLUMN_U64, profile_moment, number),
    COLUMN(COLUMN_U64, profile_moment, bytes),
};

static const struct profile_column region_columns[] = {
    COLUMN(COLUMN_U32, profile_region, process),
    COLUMN(COLUMN_U32, profile_region, parent),
    COLUMN(COLUMN_U32, profile_region, name),
    COLUMN(COLUMN_U32, profile_region, thread),
    COLUMN(COLUMN_U32, profile_region, flags),
    COLUMN(COLUMN_U32, profile_region, site_count),
    COLUMN(COLUMN_U64, profile_region, count),
    COLUMN(COLUMN_U64, profile_region, unclosed),
    COLUMN(COLUMN_U64, profile_region, all_kept_bytes),
    COLUMN(COLUMN_U64, profile_region, begin_ns),
    COLUMN(COLUMN_U64, profile_region, end_ns),
    COLUMN(COLUMN_U64, profile_region, peak_bytes),
    COLUMN(COLUMN_U64, profile_region, peak_ns),
    COLUMN(COLUMN_U64, profile_region, kept_bytes),
    COLUMN(COLUMN_U64, profile_region, process_begin_bytes),
    COLUMN(COLUMN_U64, profile_region, process_peak_bytes),
    COLUMN(COLUMN_U64, profile_region, process_end_bytes),
    COLUMN(COLUMN_U32, profile_region, snapshot),
    COLUMN(COLUMN_U64, profile_region, snapshot_bytes),
    COLUMN(COLUMN_U64, profile_region, begin_moment),
    COLUMN(COLUMN_U64, profile_region, made_bytes),
    COLUMN(COLUMN_U64, profile_region, all_made_bytes),
    COLUMN(COLUMN_U64, profile_region, all_native_bytes),
    COLUMN(COLUMN_U64, profile_region, exit_native_bytes),
    COLUMN(COLUMN_U64, profile_region, exit_native_blocks),
    COLUMN(COLUMN_U64, profile_region, byte_seconds[PHASE_LAG]),
    COLUMN(COLUMN_U64, profile_region, byte_seconds[PHASE_USE]),
    COLUMN(COLUMN_U64, profile_region, byte_seconds[PHASE_DRAG]),
    COLUMN(COLUMN_U64, profile_region, byte_seconds[PHASE_VOID]),
    COLUMN(COLUMN_U64, profile_region, byte_seconds[PHASE_UNSEEN]),
    COLUMN(COLUMN_U32, profile_region, drag_node),
    COLUMN(COLUMN_U32, profile_region, drag_kind),
    COLUMN(COLUMN_U64, profile_region, drag_node_byte_seconds),
};

static const struct profile_column region_site_columns[] = {
    COLUMN(COLUMN_U32, profile_region_site, node),
    COLUMN(COLUMN_U32, profile_region_site, kind),
    COLUMN(COLUMN_U64, profile_region_site, peak_bytes),
    COLUMN(COLUMN_U64, profile_region_site, peak_blocks),
    COLUMN(COLUMN_U64, profile_region_site, kept_bytes),
    COLUMN(COLUMN_U64, profile_region_site, kept_blocks),
};

static const struct profile_column collection_columns[] = {
    COLUMN(COLUMN_U32, profile_collection, process),
    COLUMN(COLUMN_U32, profile_collection, generation),
    COLUMN(COLUMN_U64, profile_collection, count),
    RISING(COLUMN_U64, profile_collection, time_ns),
    COLUMN(COLUMN_U64, profile_collection, duration_ns),
    COLUMN(COLUMN_U64, profile_collection, objects),
    COLUMN(COLUMN_U64, profile_collection, freed_bytes),
};

static const struct profile_column span_columns[] = {
    COLUMN(COLUMN_U32, profile_span, process),    COLUMN(COLUMN_U32, profile_span, made_count),
    COLUMN(COLUMN_U32, profile_span, held_count), RISING(COLUMN_U64, profile_span, end_ns),
    COLUMN(COLUMN_U64, profile_span, made_bytes), COLUMN(COLUMN_U64, profile_span, held_bytes),
    RISING(COLUMN_U64, profile_span, held_ns),
};

static const struct profile_column span_site_columns[] = {
    COLUMN(COLUMN_U32, profile_span_site, node),
    COLUMN(COLUMN_U64, profile_span_site, bytes),
};

static const struct profile_column taker_columns[] = {
    COLUMN(COLUMN_U32, profile_taker, process),
    COLUMN(COLUMN_U32, profile_taker, number),
    COLUMN(COLUMN_U32, profile_taker, node),
};

static const struct profile_column count_columns[] = {
    COLUMN(COLUMN_U32, profile_count, process), COLUMN(COLUMN_U32, profile_count, module),
    COLUMN(COLUMN_U32, profile_count, type),    COLUMN(COLUMN_U64, profile_count, taken),
    COLUMN(COLUMN_U64, profile_count, given),   COLUMN(COLUMN_U64, profile_count, ended),
    COLUMN(COLUMN_U64, profile_count, kept),    COLUMN(COLUMN_U64, profile_count, objects),
    COLUMN(COLUMN_U32, profile_count, node),
};

static const struct profile_column type_columns[] = {
    COLUMN(COLUMN_U32, profile_type, name),
    COLUMN(COLUMN_U32, profile_type, flags),
};

static const struct profile_column collected_columns[] = {
    COLUMN(COLUMN_U32, profile_collected, process), RISING(COLUMN_U32, profile_collected, node),
    COLUMN(COLUMN_U32, profile_collected, type),    COLUMN(COLUMN_U64, profile_collected, blocks),
    COLUMN(COLUMN_U64, profile_collected, bytes),
};

/* Arguments and warnings: bare string numbers. */
static const struct profile_column string_columns[] = {{0, COLUMN_U32, FROM_NOTHING, 0}};
#define STRING_TABLE                                                                               \
    { sizeof(string_id), 0, 1, string_columns }

#define PHASE(phase)                                                                               \
    COLUMN(COLUMN_U64, profile_drag, blocks[phase]),                                               \
        COLUMN(COLUMN_U64, profile_drag, byte_seconds[phase])
static const struct profile_column drag_columns[] = {COLUMN(COLUMN_U32, profile_drag, process),
                                                     RISING(COLUMN_U32, profile_drag, node),
                                                     COLUMN(COLUMN_U32, profile_drag, kind),
                                                     COLUMN(COLUMN_U64, profile_drag, bytes),
                                                     COLUMN(COLUMN_U64, profile_drag, longest_ns),
                                                     PHASE(PHASE_LAG),
                                                     PHASE(PHASE_USE),
                                                     PHASE(PHASE_DRAG),
                                                     PHASE(PHASE_VOID),
                                                     PHASE(PHASE_UNSEEN)};

const struct profile_table profile_tables[SECTION_COUNT] = {
    [SECTION_RUN] = TABLE(profile, 0, run_columns),
    [SECTION_FUNCTIONS] = TABLE(profile_function, 1, function_columns),
    [SECTION_NODES] = TABLE(profile_node, 1, node_columns),
    [SECTION_PROCESSES] = TABLE(profile_process, 0, process_columns),
    [SECTION_SITES] = TABLE(profile_site, 0, site_columns),
    [SECTION_TIMELINES] = TABLE(profile_timeline, 0, timeline_columns),
    [SECTION_POINTS] = TABLE(profile_point, 0, point_columns),
    [SECTION_SOURCES] = TABLE(profile_source, 0, source_columns),
    [SECTION_ARGUMENTS] = STRING_TABLE,
    [SECTION_WARNINGS] = STRING_TABLE,
    [SECTION_SNAPSHOTS] = TABLE(profile_snapshot, 0, snapshot_columns),
    [SECTION_BLOCKS] = TABLE(profile_block, 0, block_columns),
    [SECTION_MOMENTS] = TABLE(profile_moment, 0, moment_columns),
    [SECTION_REGIONS] = TABLE(profile_region, 0, region_columns),
    [SECTION_REGION_SITES] = TABLE(profile_region_site, 0, region_site_columns),
    [SECTION_COLLECTIONS] = TABLE(profile_collection, 0, collection_columns),
    [SECTION_SPANS] = TABLE(profile_span, 0, span_columns),
    [SECTION_SPAN_SITES] = TABLE(profile_span_site, 0, span_site_columns),
    [SECTION_TAKERS] = TABLE(profile_taker, 0, taker_columns),
    [SECTION_LIFETIMES] = TABLE(profile_lifetime, 0, profile_lifetime_columns),
    [SECTION_TYPES] = TABLE(profile_type, 0, type_columns),
    [SECTION_TYPE_LIFETIMES] = TABLE(profile_lifetime, 0, profile_lifetime_columns),
    [SECTION_COLLECTED] = TABLE(profile_collected, 0, collected_columns),
    [SECTION_DRAGS] = TABLE(profile_drag, 0, drag_columns),
    [SECTION_COUNTS] = TABLE(profile_count, 0, count_columns),
};

uint32_t profile_crc32(const uint8_t *bytes, size_t size) {
    uint32_t crc = 0xffffffffu;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (0xedb88320u & (0u - (crc & 1u)));
    }
    return ~crc;
}

size_t profile_utf8(const uint8_t *text, size_t size) {
    uint8_t first = text[0];
    if (first < 0x80)
        return 1;
    size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || length > size)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    /* overlong forms, surrogates, and what lies beyond U+10FFFF */
    if ((first == 0xe0 && text[1] < 0xa0) || (first == 0xed && text[1] > 0x9f) ||
        (first == 0xf0 && text[1] < 0x90) || (first == 0xf4 && text[1] > 0x8f))
        return 0;
    return length;
}

bool profile_fail(struct profile_error *error, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    return false;
}

static bool check_strings(const struct profile *profile, const string_id *ids, uint32_t count,
                          const char *what, struct profile_error *error) {
    for (uint32_t i = 0; i < count; i++)
        if (ids[i] >= profile->string_count)
            return profile_fail(error, "%s %u names string %u of %u", what, i, ids[i],
                                profile->string_count);
    return true;
}

static bool check_run(const struct profile *profile, struct profile_error *error) {
    const string_id names[] = {profile->host, profile->writer};
    if (profile->string_count == 0 || profile->function_count == 0 || profile->node_count == 0)
        return profile_fail(error, "entry 0 of strings, functions or nodes is missing");
    return check_strings(profile, names, 2, "run's text", error) &&
           check_strings(profile, profile->command, profile->command_count, "argument", error) &&
           check_strings(profile, profile->warnings, profile->warning_count, "warning", error);
}

static bool check_stacks(const struct profile *profile, struct profile_error *error) {
    for (uint32_t i = 1; i < profile->function_count; i++) {
        const string_id names[] = {profile->functions[i].name, profile->functions[i].file,
                                   profile->functions[i].module, profile->functions[i].id};
        if (!check_strings(profile, names, 4, "function's text", error))
            return false;
    }
    for (uint32_t i = 1; i < profile->node_count; i++) {
        const struct profile_node *node = &profile->nodes[i];
        if (node->parent >= i)
            return profile_fail(error, "node %u comes before its parent %u", i, node->parent);
        if (node->function >= profile->function_count)
            return profile_fail(error, "node %u names function %u of %u", i, node->function,
                                profile->function_count);
        if (node->thread >= profile->string_count)
            return profile_fail(error, "node %u names string %u of %u", i, node->thread,
                                profile->string_count);
        if (node->function == 0 && node->parent != 0)
            return profile_fail(error, "thread node %u has a parent", i);
    }
    return true;
}

static bool check_processes(const struct profile *profile, struct profile_error *error) {
    for (uint32_t i = 0; i < profile->process_count; i++) {
        const struct profile_process *process = &profile->processes[i];
        if (process->parent >= profile->process_count)
            return profile_fail(error, "process %u has parent %u of %u", i, process->parent,
                                profile->process_count);
        if (!check_strings(profile, &process->python, 1, "Python version", error) ||
            !check_strings(profile, process->command, process->command_count, "argument", error))
            return false;
    }
    return true;
}

static bool check_points(const struct profile *profile, struct profile_error *error) {
    for (uint32_t i = 0; i < profile->timeline_count; i++) {
        const struct profile_timeline *line = &profile->timelines[i];
        if (line->process != PROFILE_TREE && line->process >= profile->process_count)
            return profile_fail(error, "timeline %u is of process %u of %u", i, line->process,
                                profile->process_count);
        for (uint32_t point = 1; point < line->point_count; point++)
            if (line->points[point].time_ns < line->points[point - 1].time_ns)
                return profile_fail(error, "timeline %u runs backwards", i);
    }
    for (uint32_t i = 0; i < profile->source_count; i++) {
        const string_id names[] = {profile->sources[i].file, profile->sources[i].text};
        if (!check_strings(profile, names, 2, "source line's text", error))
            return false;
    }
    return true;
}

/* What the sites of one process add up to. */
struct site_sums {
    uint64_t peak, tree;
};

static bool add_sites(const struct profile *profile, struct site_sums *sums,
                      struct profile_error *error) {
    for (uint32_t i = 0; i < profile->site_count; i++) {
        const struct profile_site *site = &profile->sites[i];
        if (site->process >= profile->process_count || site->node >= profile->node_count ||
            site->kind > PROFILE_MAPPED)
            return profile_fail(error, "site %u names process %u, node %u, kind %u", i,
                                site->process, site->node, site->kind);
        struct site_sums *sum = &sums[site->process];
        if (__builtin_add_overflow(sum->peak, site->peak_bytes, &sum->peak) ||
            __builtin_add_overflow(sum->tree, site->tree_bytes, &sum->tree))
            return profile_fail(error, "the sites add up to more than 2^64 bytes");
    }
    return true;
}

/* "Sites sum to the peak" is a promise to users, so it is kept where every profile passes. */
static bool compare_sums(const struct profile *profile, const struct site_sums *sums,
                         struct profile_error *error) {
    uint64_t tree = 0;
    for (uint32_t i = 0; i < profile->process_count; i++) {
        const struct profile_process *process = &profile->processes[i];
        if (sums[i].peak != process->peak_bytes)
            return profile_fail(error, "the sites of process %u sum to %llu, its peak is %llu", i,
                                (unsigned long long)sums[i].peak,
                                (unsigned long long)process->peak_bytes);
        if (sums[i].tree != process->tree_bytes)
            return profile_fail(
                error,
                "the sites of process %u sum to %llu at the tree's peak, which gives it %llu", i,
                (unsigned long long)sums[i].tree, (unsigned long long)process->tree_bytes);
        if (__builtin_add_overflow(tree, process->tree_bytes, &tree))
            return profile_fail(error, "the processes add up to more than 2^64 bytes");
    }
    if (tree != profile->tree_peak_bytes)
        return profile_fail(error, "the processes sum to %llu, the tree's peak is %llu",
                            (unsigned long long)tree, (unsigned long long)profile->tree_peak_bytes);
    return true;
}

static bool check_sites(const struct profile *profile, struct profile_error *error) {
    struct site_sums *sums = calloc((size_t)profile->process_count + 1, sizeof *sums);
    if (!sums)
        return profile_fail(error, "out of memory");
    bool good = add_sites(profile, sums, error) && compare_sums(profile, sums, error);
    free(sums);
    return good;
}

static bool check_snapshot(const struct profile *profile, uint32_t number,
                           struct profile_error *error) {
    const struct profile_snapshot *snapshot = &profile->snapshots[number];
    if (snapshot->process >= profile->process_count ||
        snapshot->pending_node >= profile->node_count || snapshot->reason < SNAPSHOT_PEAK ||
        snapshot->reason > SNAPSHOT_REQUEST)
        return profile_fail(error, "snapshot %u names process %u, node %u, reason %u", number,
                            snapshot->process, snapshot->pending_node, snapshot->reason);
    if (number > 0 && snapshot->process < snapshot[-1].process)
        return profile_fail(error, "snapshot %u is not in the order of processes", number);
    return check_strings(profile, &snapshot->name, 1, "snapshot's name", error);
}

/* The blocks of one snapshot. Their moments: born when it was taken or before, dead after it. */
static bool check_blocks(const struct profile *profile, const struct profile_snapshot *snapshot,
                         const struct profile_block *blocks, struct profile_error *error) {
    uint64_t end = 0;
    for (uint32_t i = 0; i < snapshot->block_count; i++) {
        const struct profile_block *block = &blocks[i];
        if (block->node >= profile->node_count || block->kind > PROFILE_MAPPED)
            return profile_fail(error, "block %u of a snapshot names node %u, kind %u", i,
                                block->node, block->kind);
        if (block->address < end || __builtin_add_overflow(block->address, block->size, &end))
            return profile_fail(error, "block %u of a snapshot overlaps another one", i);
        if (block->birth > snapshot->first_moment ||
            (block->death && block->death <= snapshot->first_moment))
            return profile_fail(error, "block %u of a snapshot did not live then", i);
    }
    return true;
}

static bool check_graphs(const struct profile *profile, struct profile_error *error) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < profile->snapshot_count; i++)
        if (profile->graphs[i].size > PROFILE_MAX_GRAPHS ||
            (sum += profile->graphs[i].size) > PROFILE_MAX_GRAPHS)
            return profile_fail(error, "the heap graphs are larger than %llu MiB",
                                PROFILE_MAX_GRAPHS >> 20);
    return true;
}

static bool check_snapshots(const struct profile *profile, struct profile_error *error) {
    uint64_t block = 0;
    for (uint32_t i = 0; i < profile->snapshot_count; i++) {
        const struct profile_snapshot *snapshot = &profile->snapshots[i];
        if (snapshot->block_count > profile->block_count - block)
            return profile_fail(error, "there are fewer blocks than the snapshots have");
        if (!check_snapshot(profile, i, error) ||
            !check_blocks(profile, snapshot, profile->blocks + block, error))
            return false;
        block += snapshot->block_count;
    }
    if (block != profile->block_count)
        return profile_fail(error, "there are more blocks than the snapshots have");
    return check_graphs(profile, error);
}

static bool check_moments(const struct profile *profile, struct profile_error *error) {
    for (uint32_t i = 0; i < profile->moment_count; i++) {
        const struct profile_moment *moment = &profile->moments[i];
        if (moment->process >= profile->process_count)
            return profile_fail(error, "moment %u is of process %u of %u", i, moment->process,
                                profile->process_count);
        if (i > 0 &&
            (moment->process < moment[-1].process ||
             (moment->process == moment[-1].process && moment->number <= moment[-1].number)))
            return profile_fail(error, "moment %u is not in order", i);
    }
    return true;
}

/* The parents come before, and have been checked. */
static bool is_deep(const struct profile *profile, uint32_t number) {
    uint32_t depth = 1;
    for (; profile->regions[number].parent; number = profile->regions[number].parent - 1)
        if (++depth > PROFILE_REGION_DEPTH)
            return true;
    return false;
}

static bool check_region(const struct profile *profile, uint32_t number,
                         struct profile_error *error) {
    const struct profile_region *region = &profile->regions[number];
    const string_id names[] = {region->name, region->thread};
    if (region->process >= profile->process_count || region->parent > number ||
        (region->parent && profile->regions[region->parent - 1].process != region->process))
        return profile_fail(error, "region %u names process %u, region %u", number, region->process,
                            region->parent);
    if (number > 0 && region->process < region[-1].process)
        return profile_fail(error, "region %u is not in the order of processes", number);
    if (region->snapshot > profile->snapshot_count ||
        (region->snapshot && profile->snapshots[region->snapshot - 1].process != region->process))
        return profile_fail(error, "region %u names snapshot %u", number, region->snapshot);
    if (is_deep(profile, number))
        return profile_fail(error, "region %u is more than %u deep inside of others", number,
                            PROFILE_REGION_DEPTH);
    return check_strings(profile, names, 2, "region's text", error);
}

/* One time of a region had no more than all of them, and what was kept of one kind no more than all
 * that was. What older writers did not tell is 0, and is not compared with what they did. */
static bool check_region_sums(const struct profile_region *region, uint32_t number,
                              struct profile_error *error) {
    if (region->unclosed > region->count || region->kept_bytes > region->all_kept_bytes ||
        region->made_bytes > region->all_made_bytes ||
        region->all_native_bytes > region->all_kept_bytes ||
        region->snapshot_bytes > region->peak_bytes ||
        (region->exit_native_bytes > 0 && region->exit_native_blocks == 0))
        return profile_fail(error, "region %u had more in a part than in the whole", number);
    return true;
}

/* No sum of what a region had has less room than it needs. */
static bool check_region_drag(const struct profile *profile, const struct profile_region *region,
                              struct profile_error *error) {
    uint64_t all = 0;
    for (unsigned i = 0; i < PROFILE_PHASES; i++)
        if (__builtin_add_overflow(all, region->byte_seconds[i], &all))
            return profile_fail(error, "the big blocks of a region lived for too long");
    if (region->drag_node >= profile->node_count || region->drag_kind > PROFILE_MAPPED ||
        region->drag_node_byte_seconds > profile_untouched(region->byte_seconds))
        return profile_fail(error, "a region's big blocks are of node %u, kind %u, or lay too long",
                            region->drag_node, region->drag_kind);
    return true;
}

/* The sites of one region add up to what it had. */
static bool check_region_sites(const struct profile *profile, const struct profile_region *region,
                               const struct profile_region_site *sites,
                               struct profile_error *error) {
    uint64_t peak = 0, kept = 0, peak_blocks = 0, kept_blocks = 0;
    for (uint32_t i = 0; i < region->site_count; i++)
        if (sites[i].node >= profile->node_count || sites[i].kind > PROFILE_MAPPED ||
            __builtin_add_overflow(peak, sites[i].peak_bytes, &peak) ||
            __builtin_add_overflow(kept, sites[i].kept_bytes, &kept) ||
            __builtin_add_overflow(peak_blocks, sites[i].peak_blocks, &peak_blocks) ||
            __builtin_add_overflow(kept_blocks, sites[i].kept_blocks, &kept_blocks))
            return profile_fail(error, "site %u of a region names node %u, kind %u, or too much", i,
                                sites[i].node, sites[i].kind);
    if (peak != region->peak_bytes || kept != region->kept_bytes)
        return profile_fail(error, "the sites of a region do not sum to what it had");
    return true;
}

static bool check_regions(const struct profile *profile, struct profile_error *error) {
    uint64_t site = 0;
    for (uint32_t i = 0; i < profile->region_count; i++) {
        const struct profile_region *region = &profile->regions[i];
        if (region->site_count > profile->region_site_count - site)
            return profile_fail(error, "there are fewer sites than the regions have");
        if (!check_region(profile, i, error) || !check_region_sums(region, i, error) ||
            !check_region_drag(profile, region, error) ||
            !check_region_sites(profile, region, profile->region_sites + site, error))
            return false;
        site += region->site_count;
    }
    if (site != profile->region_site_count)
        return profile_fail(error, "there are more sites than the regions have");
    return true;
}

static bool check_collections(const struct profile *profile, struct profile_error *error) {
    for (uint32_t i = 0; i < profile->collection_count; i++) {
        const struct profile_collection *one = &profile->collections[i];
        bool follows = i == 0 || one->process > one[-1].process ||
                       (one->process == one[-1].process && one->time_ns >= one[-1].time_ns);
        if (one->process >= profile->process_count || one->generation > 2 || !follows)
            return profile_fail(error, "collection %u is of process %u, generation %u", i,
                                one->process, one->generation);
    }
    return true;
}

static bool sum_span_sites(const struct profile *profile, uint64_t first, uint32_t count,
                           uint64_t whole) {
    uint64_t sum = 0;
    for (uint64_t i = first; i < first + count; i++) {
        const struct profile_span_site *site = &profile->span_sites[i];
        if (site->node >= profile->node_count || site->bytes > whole - sum)
            return false;
        sum += site->bytes;
    }
    return true;
}

static bool check_spans(const struct profile *profile, struct profile_error *error) {
    uint64_t first = 0;
    for (uint32_t i = 0; i < profile->span_count; i++) {
        const struct profile_span *span = &profile->spans[i];
        uint64_t count = (uint64_t)span->made_count + span->held_count;
        bool follows = i == 0 || span->process > span[-1].process ||
                       (span->process == span[-1].process && span->end_ns >= span[-1].end_ns);
        if (span->process >= profile->process_count || !follows ||
            count > profile->span_site_count - first ||
            !sum_span_sites(profile, first, span->made_count, span->made_bytes) ||
            !sum_span_sites(profile, first + span->made_count, span->held_count, span->held_bytes))
            return profile_fail(error, "span %u does not fit its process or its sites", i);
        first += count;
    }
    if (first != profile->span_site_count)
        return profile_fail(error, "there are more sites than the spans have");
    return true;
}

static bool check_takers(const struct profile *profile, struct profile_error *error) {
    for (uint32_t i = 0; i < profile->taker_count; i++) {
        const struct profile_taker *one = &profile->takers[i];
        bool follows = i == 0 || one->process > one[-1].process ||
                       (one->process == one[-1].process && one->number > one[-1].number);
        if (one->process >= profile->process_count || one->node >= profile->node_count || !follows)
            return profile_fail(error, "taker %u does not fit its process", i);
    }
    return true;
}

static bool check_counts(const struct profile *profile, struct profile_error *error) {
    for (uint32_t i = 0; i < profile->count_count; i++) {
        const struct profile_count *one = &profile->counts[i];
        if (one->process >= profile->process_count || one->node >= profile->node_count ||
            (i > 0 && one->process < one[-1].process))
            return profile_fail(error, "count %u names process %u, node %u", i, one->process,
                                one->node);
        if (!check_strings(profile, &one->module, 1, "module", error) ||
            !check_strings(profile, &one->type, 1, "type", error))
            return false;
    }
    return true;
}

static bool check_drags(const struct profile *profile, struct profile_error *error) {
    for (uint32_t i = 0; i < profile->drag_count; i++) {
        const struct profile_drag *one = &profile->drags[i];
        if (one->process >= profile->process_count || one->kind > PROFILE_MAPPED ||
            one->node >= profile->node_count || (i > 0 && one->process < one[-1].process))
            return profile_fail(error, "drag %u names process %u, node %u, kind %u", i,
                                one->process, one->node, one->kind);
    }
    return true;
}

bool profile_check(const struct profile *profile, struct profile_error *error) {
    return check_run(profile, error) && check_stacks(profile, error) &&
           check_processes(profile, error) && check_points(profile, error) &&
           check_sites(profile, error) && check_snapshots(profile, error) &&
           check_moments(profile, error) && check_regions(profile, error) &&
           check_collections(profile, error) && check_spans(profile, error) &&
           check_takers(profile, error) && check_counts(profile, error) &&
           check_drags(profile, error) && profile_check_lifetimes(profile, error);
}
