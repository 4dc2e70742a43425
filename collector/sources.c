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

struct wanted {
    uint32_t function; /* of the first node found with this file: knows the working directory */
    string_id file;
    uint32_t line;
};

struct wanted_lines {
    struct wanted *list;
    uint32_t count, capacity;
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
    if (!array_reserve(&wanted->list, &wanted->capacity, (uint64_t)wanted->count + 1,
                       sizeof *wanted->list))
        return false;
    string_id file = profile->functions[node->function].file;
    wanted->list[wanted->count++] = (struct wanted){node->function, file, node->line};
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
    for (uint32_t i = 0; done && i < profile->site_count; i++) {
        const struct profile_site *site = &profile->sites[i];
        if (site->peak_bytes == 0 && site->tree_bytes == 0)
            continue;
        collect_above(builder, wanted, done, site->node);
    }
    for (uint32_t i = 0; done && i < profile->region_site_count; i++)
        collect_above(builder, wanted, done, profile->region_sites[i].node);
    for (uint32_t i = 0; done && i < profile->region_count; i++)
        collect_above(builder, wanted, done, profile->regions[i].drag_node);
    free(done);
    if (wanted->count)
        qsort(wanted->list, wanted->count, sizeof *wanted->list, compare_wanted);
}

/* The file's text, NULL when it is not a readable regular file of sane size. */
static char *read_source(const struct builder *builder, const struct wanted *wanted, size_t *size) {
    char path[8192];
    const char *name = builder->profile->strings[wanted->file];
    const char *cwd = builder->function_cwd[wanted->function];
    struct stat status;
    if (name[0] == '\0' || name[0] == '<' || (name[0] != '/' && !cwd))
        return NULL;
    snprintf(path, sizeof path, "%s%s%s", name[0] == '/' ? "" : cwd, name[0] == '/' ? "" : "/",
             name);
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    char *text = NULL;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size <= FILE_SIZE_MAX)
        text = malloc((size_t)status.st_size + 1);
    *size = 0;
    ssize_t got;
    while (text && *size < (size_t)status.st_size &&
           (got = read(fd, text + *size, (size_t)status.st_size - *size)) > 0)
        *size += (size_t)got;
    close(fd);
    return text;
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
                     uint32_t count, const char *text, size_t size) {
    uint32_t line = 1, next = 0;
    for (size_t at = 0; at < size && next < count; line++) {
        const char *end = memchr(text + at, '\n', size - at);
        size_t length = end ? (size_t)(end - text) - at : size - at;
        if (wanted[next].line == line)
            add_line(builder, capacity, &wanted[next], text + at, length);
        while (next < count && wanted[next].line <= line)
            next++;
        at += length + 1;
    }
}

void sources_add(struct builder *builder) {
    struct wanted_lines wanted = {0};
    uint32_t capacity = 0;
    size_t total = 0;
    collect(builder, &wanted);
    for (uint32_t first = 0, end; first < wanted.count && total < READ_TOTAL_MAX; first = end) {
        end = first;
        while (end < wanted.count && wanted.list[end].file == wanted.list[first].file)
            end++;
        size_t size;
        char *text = read_source(builder, &wanted.list[first], &size);
        if (!text)
            continue;
        total += size;
        add_file(builder, &capacity, &wanted.list[first], end - first, text, size);
        free(text);
    }
    free(wanted.list);
}
