/* See places.h. */
#include "places.h"

#include <stdlib.h>
#include <string.h>

/* Behind the directory in `file` that holds packages; NULL when it is not below one. */
static const char *below_packages(const char *file) {
    static const char *const marks[] = {"/site-packages/", "/dist-packages/"};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        const char *at = strstr(file, marks[i]);
        if (at)
            return at + strlen(marks[i]);
    }
    for (const char *at = file; (at = strstr(at, "/lib")) != NULL; at++) {
        const char *rest = strncmp(at, "/lib64/", 7) == 0 ? at + 7 : at + 5;
        if (strncmp(rest, "python", 6) == 0 && (at[4] == '/' || rest == at + 7)) {
            const char *slash = strchr(rest, '/');
            if (slash && rest[6] >= '2' && rest[6] <= '9')
                return slash + 1;
        }
    }
    return NULL;
}

static bool is_frozen(const char *file) {
    return strncmp(file, "<frozen ", 8) == 0 || strncmp(file, "<__array_function__", 19) == 0;
}

bool frame_is_library(const struct model_frame *frame) {
    return frame->kind == FRAME_PYTHON &&
           (is_frozen(frame->file) || below_packages(frame->file) != NULL);
}

const char *frame_package(const struct model_frame *frame, size_t *length) {
    const char *name = below_packages(frame->file);
    if (strncmp(frame->file, "<frozen importlib", 17) == 0)
        name = "importlib";
    else if (strncmp(frame->file, "<__array_function__", 19) == 0)
        name = "numpy";
    else if (!name)
        name = strncmp(frame->file, "<frozen ", 8) == 0 ? frame->file + 8 : frame->file;
    *length = strcspn(name, "/.> ");
    return name;
}

const char *frame_file(const struct places *places, const struct model_frame *frame) {
    const char *below = below_packages(frame->file);
    if (below)
        return below;
    return frame_is_library(frame) || frame->kind != FRAME_PYTHON ? frame->file
                                                                  : frame->file + places->directory;
}

static bool is_users(const struct model_frame *frame) {
    return frame->kind == FRAME_PYTHON && !frame_is_library(frame);
}

/* The directory that all the user's files share, "/" at its end. Made-up names ("<stdin>") do not
 * count and have no directory to lose. */
static size_t common_directory(const struct model *model, const bool *users) {
    const char *first = NULL;
    size_t common = 0;
    for (uint32_t i = 0; i < model->frame_count; i++) {
        const char *file = model->frames[i].file;
        if (!users[i] || file == first || *file == '<')
            continue;
        if (!first) {
            first = file;
            const char *slash = strrchr(file, '/');
            common = slash ? (size_t)(slash + 1 - file) : 0;
            continue;
        }
        size_t same = 0;
        while (same < common && file[same] == first[same])
            same++;
        while (same > 0 && first[same - 1] != '/')
            same--;
        common = same;
    }
    return common;
}

/* A site and the frame that it is grouped under. */
struct member {
    uint32_t frame, site;
};

/* Equal names are equal pointers, so any order of pointers brings them together. */
static int compare_names(const struct model_frame *a, const struct model_frame *b) {
    if (a->function != b->function)
        return (uintptr_t)a->function < (uintptr_t)b->function ? -1 : 1;
    if (a->file != b->file)
        return (uintptr_t)a->file < (uintptr_t)b->file ? -1 : 1;
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    return (a->kind > b->kind) - (a->kind < b->kind);
}

static int compare_members(const void *left, const void *right, void *context) {
    const struct model *model = context;
    const struct member *a = left, *b = right;
    int order = compare_names(&model->frames[a->frame], &model->frames[b->frame]);
    return order ? order : (a->site > b->site) - (a->site < b->site);
}

static int compare_places(const void *left, const void *right) {
    const struct place *a = left, *b = right;
    if (a->bytes != b->bytes)
        return a->bytes > b->bytes ? -1 : 1;
    return (a->lead > b->lead) - (a->lead < b->lead);
}

/* `seen_frame` and `seen_process` hold, for each frame and process, the last place that counted it.
 */
static void join_place(const struct model *model, struct place *place, uint32_t number,
                       uint32_t site_number, uint32_t *seen_frame, uint32_t *seen_process) {
    const struct model_site *site = &model->sites[site_number];
    place->bytes += site->bytes;
    place->blocks += site->blocks;
    place->kinds |= 1u << site->kind;
    place->stacks += seen_frame[site->frame] != number;
    place->processes += seen_process[site->process] != number;
    seen_frame[site->frame] = number;
    seen_process[site->process] = number;
}

static void group(const struct model *model, const struct member *members, struct places *places,
                  uint32_t *seen_frame, uint32_t *seen_process) {
    for (uint32_t i = 0; i < model->site_count; i++) {
        const struct member *member = &members[i];
        if (i == 0 ||
            compare_names(&model->frames[members[i - 1].frame], &model->frames[member->frame]) != 0)
            places->list[places->count++] =
                (struct place){.frame = member->frame, .lead = member->site};
        join_place(model, &places->list[places->count - 1], places->count, member->site, seen_frame,
                   seen_process);
    }
    qsort(places->list, places->count, sizeof *places->list, compare_places);
}

/* For each frame the innermost of the user's frames on its stack, or itself. */
static void find_members(const struct model *model, const bool *users, uint32_t *nearest,
                         struct member *members) {
    for (uint32_t i = 0; i < model->frame_count; i++) {
        uint32_t parent = model->frames[i].parent;
        nearest[i] = users[i] ? i : i == 0 ? 0 : nearest[parent];
    }
    for (uint32_t i = 0; i < model->site_count; i++) {
        uint32_t frame = model->sites[i].frame;
        members[i] = (struct member){nearest[frame] ? nearest[frame] : frame, i};
    }
    qsort_r(members, model->site_count, sizeof *members, compare_members, (void *)(uintptr_t)model);
}

bool places_find(const struct model *model, struct places *places) {
    size_t frames = model->frame_count, sites = (size_t)model->site_count + 1;
    bool *users = calloc(frames, sizeof *users);
    uint32_t *nearest = calloc(frames, sizeof *nearest);
    uint32_t *processes = calloc((size_t)model->profile->process_count + 1, sizeof *processes);
    struct member *members = calloc(sites, sizeof *members);
    *places = (struct places){.list = calloc(sites, sizeof *places->list)};
    bool good = users && nearest && processes && members && places->list;
    if (good) {
        for (uint32_t i = 0; i < frames; i++)
            users[i] = is_users(&model->frames[i]);
        places->directory = common_directory(model, users);
        find_members(model, users, nearest, members);
        memset(nearest, 0, frames * sizeof *nearest);
        group(model, members, places, nearest, processes);
    }
    free(users);
    free(nearest);
    free(processes);
    free(members);
    return good;
}

void places_release(struct places *places) {
    free(places->list);
    *places = (struct places){0};
}
