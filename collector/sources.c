/* See sources.h. */
#include "sources.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory.h"

#define FILE_SIZE_MAX (16 << 20)
#define READ_TOTAL_MAX (256 << 20)
#define LINES_MAX 100000u
#define LINE_BYTES_MAX 1000u
#define LATELY 4096u /* a power of two */

struct wanted {
    uint32_t function; /* of the first node found with this file: knows the working directory */
    string_id file;
    uint32_t line;
};

struct wanted_lines {
    struct wanted *list;
    uint32_t count, capacity;
    struct wanted *lately; /* by a hash of file and line: most nodes want what another one wants */
};

/* One for all files, so that each but the largest finds its pages there. */
struct text {
    char *bytes;
    size_t size;
    uint32_t capacity;
};

static int compare_wanted(const void *left, const void *right) {
    const struct wanted *a = left, *b = right;
    if (a->file != b->file)
        return a->file < b->file ? -1 : 1;
    return a->line < b->line ? -1 : a->line > b->line;
}

static bool want_node(struct builder *builder, struct wanted_lines *wanted, uint32_t number) {
    const struct profile *profile = builder->profile;
    const struct profile_node *node = &profile->nodes[number];
    if (node->function == 0 || node->line == 0 || wanted->count >= LINES_MAX)
        return true;
    string_id file = profile->functions[node->function].file;
    struct wanted *last = &wanted->lately[(file * 977u + node->line) % LATELY];
    if (last->file == file && last->line == node->line)
        return true;
    if (!array_reserve(&wanted->list, &wanted->capacity, (uint64_t)wanted->count + 1,
                       sizeof *wanted->list))
        return false;
    *last = (struct wanted){node->function, file, node->line};
    wanted->list[wanted->count++] = *last;
    return true;
}

static void collect_above(struct builder *builder, struct wanted_lines *wanted, bool *done,
                          uint32_t node) {
    for (uint32_t at = node; at && !done[at]; at = builder->profile->nodes[at].parent) {
        done[at] = true;
        if (!want_node(builder, wanted, at))
            break;
    }
}

/* The lines of all nodes above the sites that hold something at a peak, the regions' too. */
static void collect(struct builder *builder, struct wanted_lines *wanted) {
    const struct profile *profile = builder->profile;
    bool *done = calloc(profile->node_count, sizeof *done);
    wanted->lately = done ? calloc(LATELY, sizeof *wanted->lately) : NULL;
    for (uint32_t i = 0; wanted->lately && i < profile->site_count; i++) {
        const struct profile_site *site = &profile->sites[i];
        if (site->peak_bytes == 0 && site->tree_bytes == 0)
            continue;
        collect_above(builder, wanted, done, site->node);
    }
    for (uint32_t i = 0; wanted->lately && i < profile->region_site_count; i++)
        collect_above(builder, wanted, done, profile->region_sites[i].node);
    for (uint32_t i = 0; wanted->lately && i < profile->region_count; i++)
        collect_above(builder, wanted, done, profile->regions[i].drag_node);
    free(done);
    free(wanted->lately);
    if (wanted->count)
        qsort(wanted->list, wanted->count, sizeof *wanted->list, compare_wanted);
}

static bool read_all(int fd, struct text *text) {
    struct stat status;
    text->size = 0;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size > FILE_SIZE_MAX)
        return false;
    size_t size = (size_t)status.st_size;
    if (size > text->capacity) {
        free(text->bytes);
        text->bytes = malloc(size);
        text->capacity = text->bytes ? (uint32_t)size : 0;
    }
    ssize_t got;
    while (text->size < size && text->size < text->capacity &&
           (got = read(fd, text->bytes + text->size, size - text->size)) > 0)
        text->size += (size_t)got;
    return text->size > 0;
}

/* The file's text; false when it is not a readable regular file of sane size. */
static bool read_source(const struct builder *builder, const struct wanted *wanted,
                        struct text *text) {
    char path[8192];
    const char *name = builder->profile->strings[wanted->file];
    const char *cwd = builder->function_cwd[wanted->function];
    if (name[0] == '\0' || name[0] == '<' || (name[0] != '/' && !cwd))
        return false;
    snprintf(path, sizeof path, "%s%s%s", name[0] == '/' ? "" : cwd, name[0] == '/' ? "" : "/",
             name);
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool read = read_all(fd, text);
    close(fd);
    return read;
}

static void add_line(struct builder *builder, uint32_t *capacity, const struct wanted *wanted,
                     const char *line, size_t size) {
    struct profile *profile = builder->profile;
    if (size && line[size - 1] == '\r')
        size--;
    if (size > LINE_BYTES_MAX)
        size = LINE_BYTES_MAX;
    if (!array_reserve(&profile->sources, capacity, (uint64_t)profile->source_count + 1,
                       sizeof *profile->sources)) {
        builder->failed = true;
        return;
    }
    profile->sources[profile->source_count++] =
        (struct profile_source){wanted->file, wanted->line, builder_text(builder, line, size)};
}

/* Adds the wanted lines of one file, which are sorted. */
static void add_file(struct builder *builder, uint32_t *capacity, const struct wanted *wanted,
                     uint32_t count, const struct text *text) {
    uint32_t line = 1, next = 0;
    for (size_t at = 0; at < text->size && next < count; line++) {
        const char *begin = text->bytes + at, *end = memchr(begin, '\n', text->size - at);
        size_t length = end ? (size_t)(end - begin) : text->size - at;
        if (wanted[next].line == line)
            add_line(builder, capacity, &wanted[next], begin, length);
        while (next < count && wanted[next].line <= line)
            next++;
        at += length + 1;
    }
}

void sources_add(struct builder *builder) {
    struct wanted_lines wanted = {0};
    struct text text = {0};
    uint32_t capacity = 0;
    size_t total = 0;
    collect(builder, &wanted);
    for (uint32_t first = 0, end; first < wanted.count && total < READ_TOTAL_MAX; first = end) {
        end = first;
        while (end < wanted.count && wanted.list[end].file == wanted.list[first].file)
            end++;
        if (!read_source(builder, &wanted.list[first], &text))
            continue;
        total += text.size;
        add_file(builder, &capacity, &wanted.list[first], end - first, &text);
    }
    free(text.bytes);
    free(wanted.list);
}
