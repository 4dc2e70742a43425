/* What valgrind's massif would have written, for ms_print and massif-visualizer: the time line as
 * plain snapshots, and the peak as a detailed one with its heap tree.
 *
 * A heap tree begins with who allocated and goes on to its callers. Massif leaves out what is below
 * a hundredth of the total and adds it up in a line of its own, and so does this; it also ends
 * after MAX_DEPTH callers, since readers indent each level. Sums are exact at every node.
 */
#include "line.h"

#include "viewer/exports.h"
#include "viewer/format.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MAX_DEPTH 100u
#define PERCENT 1u                 /* the threshold */
#define MAX_GROUPS (100 / PERCENT) /* so many can reach it */
#define SPECIAL "#\\"              /* readers take the first for a comment */

/* A site and how far up its stack the tree has been written. */
struct member {
    uint64_t bytes;
    uint32_t frame; /* 0: the stack has ended */
    uint32_t place; /* equal for frames that look the same */
};

/* Members that go on with the same frame. */
struct group {
    struct member *members;
    uint32_t count;
    uint64_t bytes;
};

struct writer {
    const struct model *model;
    uint32_t *places; /* see line_numbers */
    FILE *out;
};

static int compare_members(const void *left, const void *right) {
    const struct member *a = left, *b = right;
    if (a->place != b->place)
        return a->place < b->place ? -1 : 1;
    return (a->frame > b->frame) - (a->frame < b->frame);
}

static int compare_groups(const void *left, const void *right) {
    const struct group *a = left, *b = right;
    if (a->bytes != b->bytes)
        return a->bytes > b->bytes ? -1 : 1;
    return (a->members > b->members) - (a->members < b->members);
}

/* What is below a node: the groups that reach the threshold, the biggest first, and the others. */
struct level {
    struct group groups[MAX_GROUPS];
    uint32_t count;
    struct group rest; /* its count is that of groups */
};

static void add_group(struct level *level, const struct group *group, uint64_t least) {
    if (group->bytes >= least && level->count < MAX_GROUPS) {
        level->groups[level->count++] = *group;
        return;
    }
    level->rest.count++;
    level->rest.bytes += group->bytes;
}

static void find_groups(const struct writer *writer, struct member *members, uint32_t count,
                        struct level *level) {
    uint64_t least = (writer->model->bytes / 100 + 1) * PERCENT;
    *level = (struct level){.count = 0};
    for (uint32_t i = 0; i < count; i++)
        members[i].place = writer->places[members[i].frame];
    qsort(members, count, sizeof *members, compare_members);
    for (uint32_t i = 0; i < count;) {
        struct group group = {.members = &members[i]};
        for (uint32_t place = members[i].place; i < count && members[i].place == place; i++) {
            group.bytes += members[i].bytes;
            group.count++;
        }
        add_group(level, &group, least);
    }
    qsort(level->groups, level->count, sizeof *level->groups, compare_groups);
}

static void put_node(const struct writer *writer, uint32_t depth, uint32_t children,
                     uint64_t bytes) {
    fprintf(writer->out, "%*sn%" PRIu32 ": %" PRIu64 " ", (int)depth, "", children, bytes);
}

static void put_rest(const struct writer *writer, uint32_t depth, const struct group *rest) {
    if (rest->count == 0)
        return;
    put_node(writer, depth, 0, rest->bytes);
    fprintf(writer->out, "in %" PRIu32 " place%s below massif's threshold (%u.00%%)\n", rest->count,
            rest->count == 1 ? "," : "s, all", PERCENT);
}

static void put_group(const struct writer *writer, struct group *group, uint32_t depth);

/* Ends the line of a node and writes what is below it. `members` are those whose frames are next.
 */
static void put_children(const struct writer *writer, struct member *members, uint32_t count,
                         uint64_t bytes, uint32_t depth, const struct model_frame *frame) {
    struct level level = {.count = 0};
    if (depth < MAX_DEPTH && count > 0)
        find_groups(writer, members, count, &level);
    put_node(writer, depth, level.count + (level.rest.count > 0), bytes);
    if (frame)
        line_put_frame(writer->out, frame, SPECIAL);
    else
        fputs("(heap allocation functions) of Python, malloc and mmap", writer->out);
    fputc('\n', writer->out);
    for (uint32_t i = 0; i < level.count; i++)
        put_group(writer, &level.groups[i], depth + 1);
    put_rest(writer, depth + 1, &level.rest);
}

static void put_group(const struct writer *writer, struct group *group, uint32_t depth) {
    const struct model_frame *frame = &writer->model->frames[group->members[0].frame];
    bool goes_on = false;
    if (frame->kind == FRAME_ROOT) {
        put_node(writer, depth, 0, group->bytes);
        fputs("(no caller)\n", writer->out);
        return;
    }
    for (uint32_t i = 0; i < group->count; i++) {
        group->members[i].frame = writer->model->frames[group->members[i].frame].parent;
        goes_on |= group->members[i].frame != 0;
    }
    put_children(writer, group->members, goes_on ? group->count : 0, group->bytes, depth, frame);
}

static void put_snapshot(const struct writer *writer, uint32_t number, uint64_t time_ns,
                         uint64_t bytes, const char *tree) {
    fprintf(writer->out,
            "#-----------\nsnapshot=%" PRIu32 "\n#-----------\ntime=%" PRIu64
            "\nmem_heap_B=%" PRIu64 "\nmem_heap_extra_B=0\nmem_stacks_B=0\nheap_tree=%s\n",
            number, time_ns / 1000000, bytes, tree);
}

static bool put_peak(const struct writer *writer, uint32_t number) {
    const struct model *model = writer->model;
    struct member *members = calloc((size_t)model->site_count + 1, sizeof *members);
    if (!members)
        return false;
    for (uint32_t i = 0; i < model->site_count; i++)
        members[i] =
            (struct member){.bytes = model->sites[i].bytes, .frame = model->sites[i].frame};
    put_snapshot(writer, number, model->time_ns, model->bytes, "peak");
    put_children(writer, members, model->site_count, model->bytes, 0, NULL);
    free(members);
    return true;
}

static const struct profile_timeline *find_timeline(const struct model *model) {
    static const struct profile_timeline none;
    for (uint32_t i = 0; i < model->profile->timeline_count; i++)
        if (model->profile->timelines[i].process == model->process)
            return &model->profile->timelines[i];
    return &none;
}

/* The peak stands for the stretch of time that it is in. */
static bool put_snapshots(const struct writer *writer) {
    const struct model *model = writer->model;
    const struct profile_timeline *line = find_timeline(model);
    bool peak = false;
    for (uint32_t i = 0; i < line->point_count; i++) {
        const struct profile_point *point = &line->points[i];
        bool is_peak = !peak && point->time_ns >= model->time_ns;
        if (is_peak && !put_peak(writer, i))
            return false;
        if (!is_peak)
            put_snapshot(writer, i, point->time_ns, point->bytes, "empty");
        peak |= is_peak;
    }
    return peak || put_peak(writer, line->point_count);
}

static bool put_head(const struct writer *writer) {
    char *command = line_command(writer->model->profile);
    if (!command)
        return false;
    fputs("desc: holdfast\ncmd: ", writer->out);
    format_escaped(writer->out, command, SPECIAL, 0);
    fputs("\ntime_unit: ms\n", writer->out);
    free(command);
    return true;
}

bool export_massif(const struct profile *profile, const struct report_options *options, FILE *out) {
    struct model *model = model_build(profile, options->process);
    struct intern distinct = {0};
    struct writer writer = {.model = model, .out = out};
    writer.places = model ? line_numbers(model, &distinct) : NULL;
    bool good = writer.places && put_head(&writer) && put_snapshots(&writer);
    free(writer.places);
    intern_release(&distinct);
    model_free(model);
    return good && !ferror(out);
}
