/* See references.h. The process may have written anything: each field is bounded.
 *
 * The memory is read, not mapped: most of it no process ever writes, and whoever maps a file in
 * memory and looks at such a page makes it one.
 */
#include "references.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../wire/references.h"
#include "builder.h"
#include "memfd.h"
#include "memory.h"
#include "trace.h"

#define COUNT_MAX ((uint64_t)1 << 48) /* so that sums are bounded, too */

int references_open(struct reference_counts *counts) {
    int fd = memfd_sealed("holdfast-references", sizeof(struct references), NULL);
    int own = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 1);
    if (own >= 0) {
        counts->shared = own;
        return fd;
    }
    int error = errno;
    if (fd >= 0)
        close(fd);
    errno = error;
    return -1;
}

static uint64_t bounded(uint64_t count) {
    return count < COUNT_MAX ? count : COUNT_MAX;
}

static uint64_t less(uint64_t count, uint64_t part) {
    return count > part ? count - part : 0;
}

static uint64_t outstanding(const struct references_row *row) {
    return less(less(less(bounded(row->taken), bounded(row->returned)), bounded(row->ended)),
                bounded(row->left_out));
}

/* -- Reading -- */

static void read_row(struct reference_counts *counts, const struct references *shared,
                     const struct references_row *row) {
    struct reference_count *count = &counts->list[counts->count];
    if (row->module >= REFERENCES_MODULES)
        return;
    count->type = strndup(row->type, sizeof row->type);
    count->module = strndup(shared->modules[row->module].path, REFERENCES_PATH);
    count->taken = bounded(row->taken);
    count->given = bounded(row->returned) + bounded(row->others);
    count->ended = bounded(row->ended);
    count->kept = outstanding(row);
    counts->count++;
}

/* The stack that took most of what is outstanding. `numbers`: by row, of its count + 1. */
static void read_takers(struct reference_counts *counts, const struct references *shared,
                        const uint32_t *numbers) {
    uint64_t *most = calloc(counts->count + 1ul, sizeof *most);
    for (uint32_t i = 1; most && i < REFERENCES_TAKERS; i++) {
        struct references_taker taker = shared->takers[i];
        uint32_t number = taker.row < REFERENCES_ROWS ? numbers[taker.row] : 0;
        if (number == 0 || taker.kept == 0 || taker.kept >= COUNT_MAX)
            continue;
        struct reference_count *count = &counts->list[number - 1];
        count->objects += taker.objects;
        if (taker.kept > most[number]) {
            most[number] = taker.kept;
            count->taker = i;
        }
    }
    free(most);
}

static bool is_row(const struct references *shared, uint32_t row) {
    return shared->rows[row].type[0] != '\0';
}

static void read_rows(struct reference_counts *counts, const struct references *shared) {
    uint32_t rows = 0, *numbers = calloc(REFERENCES_ROWS, sizeof *numbers);
    for (uint32_t i = 1; i < REFERENCES_ROWS; i++)
        rows += is_row(shared, i);
    counts->list = calloc(rows + 1ul, sizeof *counts->list);
    for (uint32_t i = 1; numbers && counts->list && i < REFERENCES_ROWS; i++) {
        struct references_row row = shared->rows[i];
        uint32_t before = counts->count;
        if (row.type[0] == '\0' || before == rows)
            continue;
        read_row(counts, shared, &row);
        numbers[i] = counts->count > before ? counts->count : 0;
    }
    if (numbers && counts->list)
        read_takers(counts, shared, numbers);
    free(numbers);
}

static void forget_rows(struct reference_counts *counts) {
    for (uint32_t i = 0; i < counts->count; i++) {
        free(counts->list[i].module);
        free(counts->list[i].type);
    }
    free(counts->list);
    counts->list = NULL;
    counts->count = 0;
}

static bool read_shared(int fd, struct references *to) {
    size_t done = 0;
    ssize_t got = 1;
    while (got > 0 && done < sizeof *to) {
        got = pread(fd, (char *)to + done, sizeof *to - done, (off_t)done);
        done += got > 0 ? (size_t)got : 0;
    }
    return done == sizeof *to;
}

/* Again for each profile while the process runs. */
static void read_counts(struct reference_counts *counts) {
    struct references *shared = counts->shared ? malloc(sizeof *shared) : NULL;
    if (shared && read_shared(counts->shared, shared)) {
        forget_rows(counts);
        counts->looked_at = shared->looked_at;
        counts->calling = shared->calling;
        counts->left_out = bounded(shared->left_out);
        counts->known = counts->looked_at > 0;
        read_rows(counts, shared);
    }
    free(shared);
}

void references_end(struct reference_counts *counts) {
    if (!counts->shared)
        return;
    read_counts(counts);
    close(counts->shared);
    counts->shared = 0;
}

void references_release(struct reference_counts *counts) {
    references_end(counts);
    forget_rows(counts);
}

/* -- The profile -- */

static void add_count(struct builder *builder, const struct image *image,
                      const struct reference_count *count) {
    struct profile *profile = builder->profile;
    bool known = count->taker >= 1 && count->taker <= image->taker_count;
    if (!count->module || !count->type)
        return;
    profile->counts[profile->count_count++] = (struct profile_count){
        .process = image->number - 1,
        .module = builder_string(builder, count->module),
        .type = builder_string(builder, count->type),
        .taken = count->taken,
        .given = count->given,
        .ended = count->ended,
        .kept = count->kept,
        .objects = count->objects,
        .node = known ? builder_node(builder, image, image->takers[count->taker - 1]) : 0};
}

void finish_references(struct builder *builder, struct trace *trace) {
    struct profile *profile = builder->profile;
    uint64_t room = 1;
    for (uint32_t i = 0; i < trace->image_count; i++) {
        read_counts(&trace->images[i]->references);
        room += trace->images[i]->references.count;
    }
    profile->counts = room < UINT32_MAX ? calloc(room, sizeof *profile->counts) : NULL;
    builder->failed |= !profile->counts;
    for (uint32_t i = 0; i < trace->image_count && !builder->failed; i++) {
        const struct image *image = trace->images[i];
        for (uint32_t k = 0; k < image->references.count; k++)
            add_count(builder, image, &image->references.list[k]);
    }
}
