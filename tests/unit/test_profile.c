/* The profile file: what is written comes back, and whatever else is read is refused in words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "graph_sample.h"
#include "profile_sample.h"
#include "wire/profile_format.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

static struct sample sample;

/* A file's bytes, in memory. */
struct image {
    uint8_t data[64 << 10];
    size_t size;
};

static void image_of(struct image *image, FILE *events) {
    struct profile_error error = {""};
    FILE *out = tmpfile();
    assert_non_null(out);
    if (!profile_write(&sample.profile, events, out, &error))
        fail_msg("%s", error.text);
    rewind(out);
    image->size = fread(image->data, 1, sizeof image->data, out);
    assert_true(image->size < sizeof image->data);
    fclose(out);
}

static struct profile *read_image(const struct image *image, size_t size,
                                  struct profile_error *error) {
    char path[64];
    int fd = memfd_create("profile", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, image->data, size), size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct profile *profile = profile_read(path, error);
    close(fd);
    return profile;
}

static void assert_refused(const struct image *image, size_t size, const char *words) {
    struct profile_error error = {""};
    struct profile *profile = read_image(image, size, &error);
    assert_null(profile);
    if (!strstr(error.text, words))
        fail_msg("'%s' does not say '%s'", error.text, words);
    assert_null(strchr(error.text, '\n'));
}

/* Content as profile_write makes it, in a file around it. */
static void wrap_content(struct image *image, const void *content, size_t size) {
    image_of(image, NULL);
    size_t frame = ZSTD_compress(image->data + PROFILE_HEADER_SIZE,
                                 sizeof image->data - PROFILE_HEADER_SIZE - PROFILE_TRAILER_SIZE,
                                 content, size, 19);
    assert_false(ZSTD_isError(frame));
    uint8_t *trailer = image->data + PROFILE_HEADER_SIZE + frame;
    memset(trailer, 0, PROFILE_TRAILER_SIZE);
    for (int i = 0; i < 8; i++)
        trailer[i] = (uint8_t)(frame >> (8 * i));
    uint32_t crc = profile_crc32(trailer, 20);
    memcpy(trailer + 20, &crc, 4);
    memcpy(trailer + 24, PROFILE_END_MAGIC, PROFILE_MAGIC_SIZE);
    image->size = PROFILE_HEADER_SIZE + frame + PROFILE_TRAILER_SIZE;
}

static void assert_same_strings(const struct profile *a, const struct profile *b) {
    assert_int_equal(a->string_count, b->string_count);
    for (uint32_t i = 0; i < a->string_count; i++)
        assert_string_equal(a->strings[i], b->strings[i]);
}

static void assert_same_tables(const struct profile *a, const struct profile *b) {
    assert_int_equal(a->function_count, b->function_count);
    assert_memory_equal(a->functions, b->functions, a->function_count * sizeof *a->functions);
    assert_int_equal(a->node_count, b->node_count);
    assert_memory_equal(a->nodes, b->nodes, a->node_count * sizeof *a->nodes);
    assert_int_equal(a->source_count, b->source_count);
    assert_memory_equal(a->sources, b->sources, a->source_count * sizeof *a->sources);
    assert_int_equal(a->site_count, b->site_count);
    for (uint32_t i = 0; i < a->site_count; i++) { /* padding may differ */
        const struct profile_site *x = &a->sites[i], *y = &b->sites[i];
        assert_int_equal(x->process, y->process);
        assert_int_equal(x->node, y->node);
        assert_int_equal(x->kind, y->kind);
        assert_memory_equal(&x->peak_bytes, &y->peak_bytes, 8 * sizeof(uint64_t));
    }
}

static void assert_same_processes(const struct profile *a, const struct profile *b) {
    assert_int_equal(a->process_count, b->process_count);
    for (uint32_t i = 0; i < a->process_count; i++) {
        struct profile_process x = a->processes[i], y = b->processes[i];
        assert_int_equal(x.command_count, y.command_count);
        assert_memory_equal(x.command, y.command, x.command_count * sizeof(string_id));
        assert_int_equal(x.exit_status, y.exit_status);
        assert_int_equal(x.exit_signal, y.exit_signal);
        assert_int_equal(x.pid, y.pid);
        assert_int_equal(x.flags, y.flags);
        assert_memory_equal(&x.start_ns, &y.start_ns, 22 * sizeof(uint64_t));
    }
    assert_int_equal(a->timeline_count, b->timeline_count);
    for (uint32_t i = 0; i < a->timeline_count; i++) {
        const struct profile_timeline *x = &a->timelines[i], *y = &b->timelines[i];
        assert_int_equal(x->process, y->process);
        assert_int_equal(x->point_count, y->point_count);
        assert_memory_equal(x->points, y->points, x->point_count * sizeof *x->points);
    }
}

static void assert_same_snapshots(const struct profile *a, const struct profile *b) {
    assert_int_equal(a->snapshot_count, b->snapshot_count);
    for (uint32_t i = 0; i < a->snapshot_count; i++) {
        assert_memory_equal(&a->snapshots[i], &b->snapshots[i], sizeof *a->snapshots);
        assert_int_equal(a->graphs[i].size, b->graphs[i].size);
        if (a->graphs[i].size)
            assert_memory_equal(a->graphs[i].bytes, b->graphs[i].bytes, a->graphs[i].size);
    }
    assert_int_equal(a->block_count, b->block_count);
    if (a->block_count)
        assert_memory_equal(a->blocks, b->blocks, a->block_count * sizeof *a->blocks);
    assert_int_equal(a->moment_count, b->moment_count);
    for (uint32_t i = 0; i < a->moment_count; i++) {
        assert_int_equal(a->moments[i].process, b->moments[i].process);
        assert_int_equal(a->moments[i].number, b->moments[i].number);
        assert_int_equal(a->moments[i].bytes, b->moments[i].bytes);
    }
}

static void assert_same_regions(const struct profile *a, const struct profile *b) {
    assert_int_equal(a->region_count, b->region_count);
    if (a->region_count)
        assert_memory_equal(a->regions, b->regions, a->region_count * sizeof *a->regions);
    assert_int_equal(a->region_site_count, b->region_site_count);
    if (a->region_site_count)
        assert_memory_equal(a->region_sites, b->region_sites,
                            a->region_site_count * sizeof *a->region_sites);
}

static void assert_same(const struct profile *a, const struct profile *b) {
    assert_same_strings(a, b);
    assert_same_tables(a, b);
    assert_same_processes(a, b);
    assert_same_snapshots(a, b);
    assert_same_regions(a, b);
    assert_int_equal(a->host, b->host);
    assert_int_equal(a->writer, b->writer);
    assert_int_equal(a->started_unix_ns, b->started_unix_ns);
    assert_int_equal(a->duration_ns, b->duration_ns);
    assert_int_equal(a->exit_status, b->exit_status);
    assert_int_equal(a->exit_signal, b->exit_signal);
    assert_int_equal(a->complete, b->complete);
    assert_int_equal(a->tree_peak_bytes, b->tree_peak_bytes);
    assert_int_equal(a->tree_peak_ns, b->tree_peak_ns);
    assert_int_equal(a->command_count, b->command_count);
    assert_memory_equal(a->command, b->command, a->command_count * sizeof(string_id));
    assert_int_equal(a->warning_count, b->warning_count);
}

static struct profile_snapshot snapshots[3];
static struct profile_block blocks[4];
static struct profile_moment moments[4];
static struct profile_graph graphs[3];
static struct profile_region regions[3];
static struct profile_region_site region_sites[3];

/* Three regions of two processes, one inside another. */
static void sample_regions(void) {
    string_id load = sample_string(&sample, "load"), parse = sample_string(&sample, "parse");
    memcpy(regions,
           (struct profile_region[]){
               {0,    0,
                load, parse,
                0,    2,
                3,    1,
                900,  10,
                20,   700,
                15,   300,
                1000, 2000,
                1500, 1,
                650,  7,
                1200, 3000,
                40,   30,
                2,    {5, 60, 700, 8000, 90000},
                2,    PROFILE_MAPPED,
                8705},
               {.parent = 1,
                .name = parse,
                .flags = REGION_ALL_THREADS,
                .count = 1,
                .begin_ns = 11,
                .end_ns = 12,
                .peak_ns = 11,
                .process_begin_bytes = 1000,
                .process_peak_bytes = 1000,
                .process_end_bytes = 900},
               {.process = 2,
                .name = load,
                .site_count = 1,
                .count = 1,
                .all_kept_bytes = 5,
                .begin_ns = 1,
                .end_ns = 2,
                .peak_bytes = 5,
                .peak_ns = 1,
                .kept_bytes = 5,
                .process_peak_bytes = 5,
                .process_end_bytes = 5},
           },
           sizeof regions);
    memcpy(region_sites,
           (struct profile_region_site[]){{2, PROFILE_HEAP, 600, 2, 300, 1},
                                          {0, PROFILE_PYTHON, 100, 9, 0, 0},
                                          {3, PROFILE_MAPPED, 5, 1, 5, 1}},
           sizeof region_sites);
    sample.profile.regions = regions;
    sample.profile.region_count = 3;
    sample.profile.region_sites = region_sites;
    sample.profile.region_site_count = 3;
}

/* The processes' sample with three snapshots of two of them, and regions. */
static void sample_snapshots(void) {
    static uint8_t first[] = {1, 1, 12, 0, 10}, second[300];
    sample_processes(&sample);
    sample_regions();
    memset(second, 0xff, sizeof second);
    memcpy(snapshots,
           (struct profile_snapshot[]){
               {0, SNAPSHOT_PEAK, SNAPSHOT_COMPLETE, 0, 1239000000, 1ull << 31, 1ull << 30, 3, 2, 5,
                2100000, 110000000, 1ull << 24},
               {0, SNAPSHOT_REQUEST, SNAPSHOT_IS_SHALLOW, sample_string(&sample, "after loading"),
                5, 77, 0, 0, 0, 2, 1, 1, 1},
               {2, SNAPSHOT_CEILING, 0, 0, 6, 78, 1, 1, 2, 9, 0, 0, 0},
           },
           sizeof snapshots);
    memcpy(blocks,
           (struct profile_block[]){
               {0x7f0000000000, 1ull << 30, 2, PROFILE_MAPPED, 1, 6, 4100000000},
               {0x7f0040000000, 1ull << 30, 4, PROFILE_HEAP, 5, 0, 0},
               {1, 0x20000, 1, PROFILE_PYTHON, 9, 10, 0},
               {0x30000, 0x20000, 1, PROFILE_HEAP, 1, 0, 0},
           },
           sizeof blocks);
    const struct profile_moment rows[] = {{0, 1, 100}, {0, 5, 3ull << 30}, {0, 6, 50}, {2, 3, 8}};
    memcpy(moments, rows, sizeof moments);
    graphs[0] = (struct profile_graph){first, sizeof first, false};
    graphs[1] = (struct profile_graph){0};
    graphs[2] = (struct profile_graph){second, sizeof second, false};
    struct profile *profile = &sample.profile;
    profile->snapshots = snapshots;
    profile->snapshot_count = 3;
    profile->blocks = blocks;
    profile->block_count = 4;
    profile->moments = moments;
    profile->moment_count = 4;
    profile->graphs = graphs;
    sample.processes[0].snapshots = 12;
    sample.processes[0].snapshot_ns = 30000000;
    sample.processes[0].rest_bytes = 99;
}

static void round_trip(void **state) {
    (void)state;
    static struct image image;
    struct profile_error error = {""};
    sample_snapshots();
    sample.profile.exit_status = -1;
    sample.profile.exit_signal = 11;
    sample_warning(&sample, "one that counts");
    image_of(&image, NULL);
    struct profile *profile = read_image(&image, image.size, &error);
    assert_non_null(profile);
    assert_same(&sample.profile, profile);
    assert_false(profile->has_events);
    profile_free(profile);
}

static void empty_profile(void **state) {
    (void)state;
    static struct image image;
    struct profile_error error = {""};
    sample_start(&sample);
    image_of(&image, NULL);
    struct profile *profile = read_image(&image, image.size, &error);
    assert_non_null(profile);
    assert_same(&sample.profile, profile);
    profile_free(profile);
}

/* More rows than are told at once, with values of every length. */
static void long_tables_round_trip(void **state) {
    (void)state;
    enum { ROWS = 5000 };
    static struct profile_node nodes[ROWS];
    struct profile_error error = {""};
    char path[64];
    sample_article(&sample);
    uint32_t count = sample.profile.node_count;
    memcpy(nodes, sample.profile.nodes, count * sizeof *nodes);
    for (uint32_t i = count; i < ROWS; i++)
        nodes[i] = (struct profile_node){
            .parent = i % 3 ? i - 1 : count - 1, .function = 1, .line = 1u << i % 32 | i};
    sample.profile.nodes = nodes;
    sample.profile.node_count = ROWS;
    sample_write(&sample, path);
    struct profile *profile = profile_read(path, &error);
    assert_non_null(profile);
    assert_int_equal(profile->node_count, ROWS);
    assert_memory_equal(profile->nodes, nodes, sizeof nodes);
    profile_free(profile);
    unlink(path);
}

static void events_are_kept_apart(void **state) {
    (void)state;
    static struct image image;
    struct profile_error error = {""};
    FILE *events = tmpfile();
    fputs("an event stream", events);
    rewind(events);
    sample_article(&sample);
    image_of(&image, events);
    fclose(events);
    struct profile *profile = read_image(&image, image.size, &error);
    assert_non_null(profile);
    assert_true(profile->has_events);
    assert_same(&sample.profile, profile);
    profile_free(profile);
}

static void wrong_utf8_is_repaired(void **state) {
    (void)state;
    static const struct {
        const char *bad, *good;
    } cases[] = {
        {"caf\xe9.py", "caf\xef\xbf\xbd.py"},
        {"\xff\xfe", "\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* a surrogate */
        {"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},                 /* overlong */
        {"end\xe2\x82", "end\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xf0\x9f\x90\x8d fine", "\xf0\x9f\x90\x8d fine"},
        {"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    };
    static struct image image;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct profile_error error = {""};
        sample_article(&sample);
        string_id text = sample_warning(&sample, cases[i].bad);
        image_of(&image, NULL);
        struct profile *profile = read_image(&image, image.size, &error);
        assert_non_null(profile);
        assert_string_equal(profile->strings[text], cases[i].good);
        profile_free(profile);
    }
}

static void every_truncation_is_told(void **state) {
    (void)state;
    static struct image image;
    sample_snapshots();
    image_of(&image, NULL);
    assert_refused(&image, 0, "is empty");
    for (size_t size = 1; size < image.size; size++)
        assert_refused(&image, size, "is cut short");
}

/* A few bits of a zstd frame are padding, or say only how much memory unpacking takes: what is read
 * in spite of a flip must be the same profile. */
static void flipped_bits_change_nothing(void **state) {
    (void)state;
    static struct image image;
    sample_snapshots();
    image_of(&image, NULL);
    for (size_t bit = 0; bit < image.size * 8; bit++) {
        struct profile_error error = {""};
        size_t byte = bit / 8;
        image.data[byte] ^= (uint8_t)(1u << bit % 8);
        struct profile *profile = read_image(&image, image.size, &error);
        image.data[byte] ^= (uint8_t)(1u << bit % 8);
        assert_true(profile || *error.text);
        if (!profile)
            continue;
        assert_in_range(byte, PROFILE_HEADER_SIZE, image.size - PROFILE_TRAILER_SIZE - 1);
        assert_same(&sample.profile, profile);
        profile_free(profile);
    }
}

static void other_files_are_refused(void **state) {
    (void)state;
    static struct image image;
    struct profile_error error = {""};
    strcpy((char *)image.data,
           "#!/bin/sh\nexit 0\n and then some more to be longer than a header\n");
    assert_refused(&image, 60, "is not a holdfast profile");
    assert_refused(&image, 3, "is not a holdfast profile");
    assert_null(profile_read("/", &error));
    assert_non_null(strstr(error.text, "is not a file"));
    assert_null(profile_read("/nonexistent", &error));
    assert_non_null(strstr(error.text, strerror(ENOENT)));
}

static void set_version(struct image *image, uint8_t version, const char *needs) {
    sample_article(&sample);
    image_of(image, NULL);
    image->data[8] = version;
    memcpy(image->data + 12, needs, strlen(needs) + 1);
    uint32_t crc = profile_crc32(image->data, 28);
    memcpy(image->data + 28, &crc, 4);
}

static void other_versions_are_told(void **state) {
    (void)state;
    static struct image image;
    set_version(&image, PROFILE_VERSION + 1, "2.5.0");
    assert_refused(&image, image.size, "version 2.5.0 or later reads it");
    set_version(&image, PROFILE_VERSION - 1, "0.1.0");
    assert_refused(&image, image.size, "by an older holdfast");
    set_version(&image, 0, "0.1.0");
    assert_refused(&image, image.size, "is damaged");
}

static void later_minor_versions_are_read(void **state) {
    (void)state;
    static struct image image;
    static const uint8_t content[] = {
        99,
        3,
        1,
        2,
        3, /* unknown section */
        SECTION_WARNINGS,
        5,
        1,
        3,
        1,
        7,
        7, /* two columns that nobody knows */
        SECTION_STRINGS,
        4,
        1,
        2,
        'h',
        'i', /* one string */
        SECTION_RUN,
        4,
        1,
        2,
        0,
        1, /* an older one: two columns only */
        SECTION_END,
        0,
    };
    struct profile_error error = {""};
    sample_article(&sample);
    wrap_content(&image, content, sizeof content);
    struct profile *profile = read_image(&image, image.size, &error);
    if (!profile)
        fail_msg("%s", error.text);
    assert_string_equal(profile->strings[profile->host], "hi");
    assert_string_equal(profile->strings[profile->warnings[0]], "hi");
    assert_int_equal(profile->node_count, 1);
    profile_free(profile);
}

static void broken_sections_are_refused(void **state) {
    (void)state;
    static const struct {
        uint8_t bytes[40];
        size_t size;
    } cases[] = {
        {{0}, 0},
        {{SECTION_END, 0}, 2},
        {{SECTION_STRINGS, 1, 0, SECTION_END, 0}, 5},
        {{SECTION_STRINGS, 1, 0, SECTION_RUN, 3, 1, 1, 0}, 8},           /* no end */
        {{SECTION_STRINGS, 1, 0, SECTION_RUN, 3, 1, 1, 0, 0, 0, 0}, 11}, /* more after it */
        {{SECTION_STRINGS, 1, 0, SECTION_RUN, 3, 1, 1, 9, 0, 0}, 10},    /* arguments missing */
        {{SECTION_STRINGS, 1, 0, SECTION_STRINGS, 1, 0, SECTION_RUN, 3, 1, 1, 0, 0, 0}, 13},
        {{SECTION_STRINGS, 2, 0, 0, SECTION_RUN, 3, 1, 1, 0, 0, 0}, 11},    /* bytes left over */
        {{SECTION_STRINGS, 3, 1, 1, 0, SECTION_RUN, 3, 1, 1, 0, 0, 0}, 12}, /* NUL */
        {{SECTION_STRINGS, 3, 1, 1, 0xff, SECTION_RUN, 3, 1, 1, 0, 0, 0}, 12},
        {{SECTION_STRINGS, 1, 0, SECTION_RUN, 4, 1, 2, 0, 5, 0, 0}, 11}, /* string 5 of 1 */
        /* a node whose parent is itself */
        {{SECTION_STRINGS, 1, 0, SECTION_RUN, 3, 1, 1, 0, SECTION_NODES, 3, 1, 1, 0, 0, 0}, 15},
        /* as many rows as 63 bits can count */
        {{SECTION_STRINGS,
          1,
          0,
          SECTION_RUN,
          3,
          1,
          1,
          0,
          SECTION_NODES,
          10,
          0xff,
          0xff,
          0xff,
          0xff,
          0xff,
          0xff,
          0xff,
          0xff,
          0x7f,
          1,
          0,
          0},
         22},
        /* a snapshot of a process that is not there; with a block too many; a moment likewise */
        {{SECTION_STRINGS, 1, 0, SECTION_RUN, 3, 1, 1, 0, SECTION_SNAPSHOTS, 3, 1, 1, 0, 0, 0}, 15},
        {{SECTION_STRINGS, 1, 0, SECTION_RUN, 3, 1, 1, 0, SECTION_BLOCKS, 3, 1, 1, 0, 0, 0}, 15},
        {{SECTION_STRINGS, 1, 0, SECTION_RUN, 3, 1, 1, 0, SECTION_MOMENTS, 3, 1, 1, 0, 0, 0}, 15},
        /* a graph of no snapshot; one that is longer than its section; one with bytes left over */
        {{SECTION_STRINGS, 1, 0, SECTION_RUN, 3, 1, 1, 0, SECTION_GRAPHS, 3, 1, 1, 7, 0, 0}, 15},
        {{SECTION_STRINGS, 1, 0, SECTION_RUN, 3, 1, 1, 0, SECTION_GRAPHS, 3, 1, 9, 7, 0, 0}, 15},
        {{SECTION_STRINGS, 1, 0, SECTION_RUN, 3, 1, 1, 0, SECTION_GRAPHS, 3, 0, 1, 7, 0, 0}, 15},
        {{SECTION_STRINGS, 1, 0, SECTION_RUN, 3, 1, 1, 0, SECTION_GRAPHS, 1, 9, 0, 0}, 13},
        /* a site that no process has room for */
        {{SECTION_STRINGS, 1, 0, SECTION_RUN, 3, 1, 1, 0, SECTION_SITES, 3, 1, 1, 0, 0, 0}, 15},
    };
    static struct image image;
    sample_article(&sample);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        wrap_content(&image, cases[i].bytes, cases[i].size);
        assert_refused(&image, image.size, "is damaged");
    }
}

static void bombs_are_refused(void **state) {
    (void)state;
    static struct image image;
    size_t size = 80u << 20;
    uint8_t *content = calloc(1, size);
    assert_non_null(content);
    content[0] = 99;
    sample_article(&sample);
    wrap_content(&image, content, size);
    free(content);
    assert_true(image.size < 16384);
    assert_refused(&image, image.size, "unpacks to more than");
}

/* A list of a million equal objects packs into next to nothing, and must come back. */
static void graphs_of_any_ratio_are_read(void **state) {
    (void)state;
    static struct image image;
    struct profile_error error = {""};
    size_t size = 200u << 20;
    uint8_t *bytes = calloc(1, size);
    assert_non_null(bytes);
    sample_snapshots();
    graphs[2] = (struct profile_graph){bytes, size, false};
    image_of(&image, NULL);
    struct profile *profile = read_image(&image, image.size, &error);
    if (!profile)
        fail_msg("%s", error.text);
    assert_int_equal(profile->graphs[2].size, size);
    assert_memory_equal(profile->graphs[2].bytes, bytes, size);
    profile_free(profile);
    free(bytes);
}

/* One that is neither small nor huge is searched for repetitions with more care. */
static void middling_graphs_are_packed_well(void **state) {
    (void)state;
    struct profile_error error = {""};
    size_t size = 4u << 20, bound = ZSTD_compressBound(size);
    uint8_t *bytes = malloc(size), *usual = malloc(bound);
    char path[64];
    assert_true(bytes && usual);
    /* Stretches of what was there before, most with a byte changed. */
    for (size_t at = 0; at < size; at++)
        bytes[at] =
            (uint8_t)(at < 4096 ? rand() : bytes[at - 1 - at / 37 * 7919 % 4000] + !(at % 29));
    sample_snapshots();
    graphs[2] = (struct profile_graph){bytes, size, false};
    sample_write(&sample, path);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    /* With the usual effort it would be larger, by the file's other sections; how much smaller it
     * gets is zstd's affair. */
    assert_true((size_t)status.st_size < ZSTD_compress(usual, bound, bytes, size, 3));
    struct profile *profile = profile_read(path, &error);
    assert_non_null(profile);
    assert_memory_equal(profile->graphs[2].bytes, bytes, size);
    profile_free(profile);
    unlink(path);
    free(bytes);
    free(usual);
}

static void fill_graph(struct graph_sample *graph) {
    graph_sample_start(graph, 12, 0);
    uint32_t list = graph_sample_type(graph, "list", GRAPH_LIST, 0, 0);
    uint32_t random = 1;
    for (uint32_t i = 0; i < 60000; i++) {
        random = random * 1664525u + 1013904223u;
        const struct sample_edge edges[] = {{EDGE_ITEM, NULL, i + 2},
                                            {EDGE_ATTRIBUTE, "back", random >> 8}};
        graph_sample_object(
            graph, &(struct sample_object){
                       .type = list, .references = random >> 28, .edges = edges, .edge_count = 2});
    }
    graph_sample_end(graph);
}

static void assert_same_graph(const struct profile_graph *a, const struct profile_graph *b) {
    char why[200];
    struct graph *left = graph_read(a->bytes, a->size, why, sizeof why);
    struct graph *right = graph_read(b->bytes, b->size, why, sizeof why);
    assert_true(left && right && left->complete && right->complete);
    assert_int_equal(left->object_count, right->object_count);
    assert_int_equal(left->edge_count, right->edge_count);
    for (uint32_t i = 1; i < left->object_count; i++) {
        assert_int_equal(left->objects[i].references, right->objects[i].references);
        assert_int_equal(left->objects[i].first_edge, right->objects[i].first_edge);
    }
    for (uint32_t i = 1; i < left->edge_count; i++) {
        assert_int_equal(left->edges[i].target, right->edges[i].target);
        assert_int_equal(left->edges[i].text, right->edges[i].text);
    }
    graph_free(left);
    graph_free(right);
}

/* A graph comes in pieces of columns, and is kept with one piece for each column. */
static void columns_of_graphs_are_put_together(void **state) {
    (void)state;
    struct graph_sample graph;
    struct graph_layout layout;
    struct profile_error error = {""};
    char path[64];
    fill_graph(&graph);
    assert_true(graph_layout_find(graph.bytes, graph.size, &layout) && !layout.whole);
    sample_snapshots();
    graphs[2] = (struct profile_graph){graph.bytes, graph.size, false};
    sample_write(&sample, path);
    struct profile *profile = profile_read(path, &error);
    assert_non_null(profile);
    const struct profile_graph *back = &profile->graphs[2];
    assert_true(graph_layout_find(back->bytes, back->size, &layout) && layout.whole);
    assert_true(back->size < graph.size);
    assert_same_graph(&graphs[2], back);
    profile_free(profile);
    unlink(path);
    graph_sample_release(&graph);
}

/* One that was cut short in a piece, or has something that nobody knows, is kept as it can be. */
static void broken_graphs_are_kept(void **state) {
    (void)state;
    struct graph_sample graph;
    struct profile_error error = {""};
    char path[64], why[200];
    fill_graph(&graph);
    sample_snapshots();
    graphs[2] = (struct profile_graph){graph.bytes, graph.size / 2, false};
    sample_write(&sample, path);
    struct profile *profile = profile_read(path, &error);
    assert_non_null(profile);
    struct graph *half = graph_read(profile->graphs[2].bytes, profile->graphs[2].size, why, 200);
    struct graph *same = graph_read(graph.bytes, graph.size / 2, why, 200);
    assert_true(half && same && !half->complete);
    assert_in_range(half->object_count, 10000, 59999);
    assert_int_equal(half->object_count, same->object_count);
    graph_free(half);
    graph_free(same);
    profile_free(profile);
    unlink(path);
    graph_sample_release(&graph);
}

static long shared_pages(void) {
    long size = 0, resident = 0, shared = 0;
    FILE *statm = fopen("/proc/self/statm", "re");
    assert_non_null(statm);
    assert_int_equal(fscanf(statm, "%ld %ld %ld", &size, &resident, &shared), 3);
    fclose(statm);
    return shared;
}

/* Nor are they lost: the next time they are written again. */
static void mapped_graphs_do_not_stay_resident(void **state) {
    (void)state;
    static struct image image, again;
    size_t size = 32u << 20;
    int fd = memfd_create("graph", MFD_CLOEXEC);
    assert_true(fd >= 0);
    for (size_t at = 0; at < size; at += sizeof image.data) {
        memset(image.data, (int)(at >> 16), sizeof image.data);
        assert_int_equal(write(fd, image.data, sizeof image.data), sizeof image.data);
    }
    void *bytes = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
    assert_true(bytes != MAP_FAILED);
    sample_snapshots();
    graphs[2] = (struct profile_graph){bytes, size, true};
    long before = shared_pages();
    image_of(&image, NULL);
    assert_true((shared_pages() - before) * sysconf(_SC_PAGESIZE) < (long)size / 4);
    image_of(&again, NULL);
    assert_int_equal(again.size, image.size);
    assert_memory_equal(again.data, image.data, image.size);
    munmap(bytes, size);
    close(fd);
}

static void expect_contradiction(const char *words) {
    struct profile_error error = {""};
    FILE *out = tmpfile();
    assert_false(profile_write(&sample.profile, NULL, out, &error));
    if (!strstr(error.text, words))
        fail_msg("'%s' does not say '%s'", error.text, words);
    fclose(out);
    sample_snapshots();
}

static void wrong_snapshots_are_not_written(void **state) {
    (void)state;
    sample_snapshots();
    snapshots[0].process = 99;
    expect_contradiction("snapshot 0 names");
    snapshots[1].pending_node = 9999;
    expect_contradiction("snapshot 1 names");
    snapshots[1].reason = 0;
    expect_contradiction("snapshot 1 names");
    snapshots[1].name = 9999;
    expect_contradiction("snapshot's name");
    snapshots[1].process = 3;
    expect_contradiction("not in the order");
    snapshots[2].block_count = 3;
    expect_contradiction("fewer blocks");
    snapshots[2].block_count = 1;
    expect_contradiction("more blocks");
    blocks[1].address--;
    expect_contradiction("overlaps");
    blocks[3].address = UINT64_MAX - 5;
    expect_contradiction("overlaps");
    blocks[3].node = 9999;
    expect_contradiction("names node");
    blocks[0].kind = 3;
    expect_contradiction("names node");
    blocks[1].birth = 6;
    expect_contradiction("did not live");
    blocks[0].death = 5;
    expect_contradiction("did not live");
    moments[1].number = 1;
    expect_contradiction("moment 1 is not in order");
    moments[0].process = 1;
    expect_contradiction("moment 1 is not in order");
    moments[3].process = 99;
    expect_contradiction("moment 3 is of process");
    graphs[2].size = (256u << 20) - 4;
    expect_contradiction("larger than 256 MiB");
}

/* A chain of regions as long as it may be, and one longer. */
static void deep_regions_are_not_written(void **state) {
    (void)state;
    static struct profile_region chain[PROFILE_REGION_DEPTH + 1];
    struct profile_error error = {""};
    sample_snapshots();
    for (uint32_t i = 0; i <= PROFILE_REGION_DEPTH; i++)
        chain[i] = (struct profile_region){.parent = i, .name = regions[0].name};
    sample.profile.regions = chain;
    sample.profile.region_count = PROFILE_REGION_DEPTH;
    sample.profile.region_site_count = 0;
    assert_true(profile_check(&sample.profile, &error));
    sample.profile.region_count++;
    expect_contradiction("region 64 is more than 64 deep");
}

/* A part of what all times of a region had, or of what was kept, is not more than that. */
static void parts_of_a_region_are_not_more_than_it(void **state) {
    (void)state;
    static const char words[] = "region 0 had more in a part than in the whole";
    sample_snapshots();
    regions[0].unclosed = regions[0].count + 1;
    expect_contradiction(words);
    regions[0].all_kept_bytes = regions[0].kept_bytes - 1;
    regions[0].all_native_bytes = 0;
    expect_contradiction(words);
    regions[0].all_made_bytes = regions[0].made_bytes - 1;
    expect_contradiction(words);
    regions[0].all_native_bytes = regions[0].all_kept_bytes + 1;
    expect_contradiction(words);
    regions[0].snapshot_bytes = regions[0].peak_bytes + 1;
    expect_contradiction(words);
    regions[0].exit_native_blocks = 0;
    expect_contradiction(words);
}

static void wrong_regions_are_not_written(void **state) {
    (void)state;
    sample_snapshots();
    regions[0].process = 99;
    expect_contradiction("region 0 names");
    regions[1].parent = 2;
    expect_contradiction("region 1 names");
    regions[2].parent = 1;
    expect_contradiction("region 2 names");
    regions[1].name = 9999;
    expect_contradiction("region's text");
    regions[0].snapshot = 99;
    expect_contradiction("names snapshot 99");
    regions[0].process = 1;
    regions[0].snapshot = 0;
    regions[1].process = 1;
    regions[2].process = 0;
    expect_contradiction("not in the order");
    regions[2].site_count = 2;
    expect_contradiction("fewer sites");
    regions[2].site_count = 0;
    regions[2].peak_bytes = regions[2].kept_bytes = 0;
    expect_contradiction("more sites");
    region_sites[1].node = 9999;
    expect_contradiction("names node");
    region_sites[0].peak_blocks = UINT64_MAX - 8;
    expect_contradiction("or too much");
    region_sites[1].kept_blocks = UINT64_MAX;
    expect_contradiction("or too much");
    regions[0].byte_seconds[PHASE_UNSEEN] = UINT64_MAX - 100;
    expect_contradiction("lived for too long");
    regions[0].drag_node_byte_seconds = 8706;
    expect_contradiction("lay too long");
    regions[1].drag_node = 9999;
    expect_contradiction("are of node 9999");
    regions[2].drag_kind = 3;
    expect_contradiction("kind 3");
    region_sites[2].kind = 3;
    expect_contradiction("names node");
    region_sites[0].peak_bytes--;
    expect_contradiction("do not sum");
    regions[2].kept_bytes++;
    regions[2].all_kept_bytes++;
    expect_contradiction("do not sum");
}

static void wrong_sums_are_not_written(void **state) {
    (void)state;
    struct profile_error error = {""};
    FILE *out = tmpfile();
    sample_article(&sample);
    sample.sites[0].peak_bytes++;
    assert_false(profile_write(&sample.profile, NULL, out, &error));
    assert_non_null(strstr(error.text, "the sites of process 0 sum to"));
    sample_article(&sample);
    sample.nodes[2].function = 1000;
    assert_false(profile_write(&sample.profile, NULL, out, &error));
    fclose(out);
}

static void full_disks_are_told(void **state) {
    (void)state;
    struct profile_error error = {""};
    FILE *out = fopen("/dev/full", "wb");
    sample_article(&sample);
    assert_non_null(out);
    assert_false(profile_write(&sample.profile, NULL, out, &error));
    assert_non_null(strstr(error.text, strerror(ENOSPC)));
    fclose(out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(empty_profile),
        cmocka_unit_test(long_tables_round_trip),
        cmocka_unit_test(events_are_kept_apart),
        cmocka_unit_test(wrong_utf8_is_repaired),
        cmocka_unit_test(every_truncation_is_told),
        cmocka_unit_test(flipped_bits_change_nothing),
        cmocka_unit_test(other_files_are_refused),
        cmocka_unit_test(other_versions_are_told),
        cmocka_unit_test(later_minor_versions_are_read),
        cmocka_unit_test(broken_sections_are_refused),
        cmocka_unit_test(bombs_are_refused),
        cmocka_unit_test(graphs_of_any_ratio_are_read),
        cmocka_unit_test(middling_graphs_are_packed_well),
        cmocka_unit_test(columns_of_graphs_are_put_together),
        cmocka_unit_test(broken_graphs_are_kept),
        cmocka_unit_test(mapped_graphs_do_not_stay_resident),
        cmocka_unit_test(wrong_snapshots_are_not_written),
        cmocka_unit_test(deep_regions_are_not_written),
        cmocka_unit_test(parts_of_a_region_are_not_more_than_it),
        cmocka_unit_test(wrong_regions_are_not_written),
        cmocka_unit_test(wrong_sums_are_not_written),
        cmocka_unit_test(full_disks_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
