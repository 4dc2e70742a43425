/* See places.h. */
#include "places.h"

#include "intern.h"

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

const char *module_name(const char *path, size_t *length) {
    const char *package = below_packages(path);
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    /* what a wheel brings along is in a folder of its own ("numpy.libs"), and has its own name */
    bool brought = package && strncmp(package + strcspn(package, "/."), ".libs/", 6) == 0;
    bool builtin = package && strncmp(package, "lib-dynload/", 12) == 0;
    if (package && !brought && !builtin && strchr(package, '/')) {
        *length = strcspn(package, "/");
        return package;
    }
    const char *end = strstr(name, ".so");
    *length = end ? (size_t)(end - name) : strlen(name);
    size_t first = strcspn(name, builtin || (package && !brought) ? "." : "");
    *length = first < *length ? first : *length;
    return name;
}

bool frame_is_library(const struct model_frame *frame) {
    return frame->kind == FRAME_PYTHON && (frame_is_native(frame) || is_frozen(frame->file) ||
                                           below_packages(frame->file) != NULL);
}

const char *frame_package(const struct model_frame *frame, size_t *length) {
    if (frame_is_native(frame))
        return module_name(frame->module, length);
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

const char *place_file(const struct places *places, const char *file) {
    const char *below = below_packages(file);
    if (below || is_frozen(file) || !places->example)
        return below ? below : file;
    return strncmp(file, places->example, places->directory) == 0 ? file + places->directory : file;
}

const char *frame_file(const struct places *places, const struct model_frame *frame) {
    return frame->kind == FRAME_PYTHON ? place_file(places, frame->file) : frame->file;
}

static bool is_users(const struct model_frame *frame) {
    return frame->kind == FRAME_PYTHON && !frame_is_library(frame);
}

/* The directory that all the user's files share, "/" at its end. Made-up names ("<stdin>") do not
 * count and have no directory to lose. */
static void find_directory(const struct model *model, const bool *users, struct places *places) {
    const char *first = NULL;
    size_t common = 0;
    for (uint32_t i = 0; i < model->frame_count; i++) {
        const char *file = model->frames[i].file;
        const char *slash = strrchr(file, '/');
        if (!users[i] || file == first || !slash)
            continue;
        if (!first) {
            first = file;
            common = (size_t)(slash + 1 - file);
            continue;
        }
        size_t same = 0;
        while (same < common && file[same] == first[same])
            same++;
        while (same > 0 && first[same - 1] != '/')
            same--;
        common = same;
    }
    places->example = first;
    places->directory = common;
}

/* A site and the place that it belongs to. */
struct member {
    uint32_t place, frame, site;
};

static int compare_members(const void *left, const void *right) {
    const struct member *a = left, *b = right;
    if (a->place != b->place)
        return a->place < b->place ? -1 : 1;
    return (a->site > b->site) - (a->site < b->site);
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
    place->kinds[site->kind] += site->bytes;
    place->stacks += seen_frame[site->frame] != number;
    place->processes += seen_process[site->process] != number;
    seen_frame[site->frame] = number;
    seen_process[site->process] = number;
}

static void group(const struct model *model, const struct member *members, struct places *places,
                  uint32_t *seen_frame, uint32_t *seen_process) {
    for (uint32_t i = 0; i < model->site_count; i++) {
        const struct member *member = &members[i];
        if (i == 0 || members[i - 1].place != member->place)
            places->list[places->count++] =
                (struct place){.frame = member->frame, .lead = member->site};
        join_place(model, &places->list[places->count - 1], places->count, member->site, seen_frame,
                   seen_process);
    }
    qsort(places->list, places->count, sizeof *places->list, compare_places);
}

/* A frame's way from the outermost one, told by the user's frames alone. */
struct route {
    uint32_t frame; /* the innermost of the user's frames up to here; 0: none */
    uint32_t id;    /* of the route to it */
    uint32_t above; /* ... without it and the frames of the same function right above it, so that a
                       recursion is one place however deep it goes */
};

static uint32_t route_id(struct intern *ids, uint32_t above, const struct model_frame *frame) {
    const struct intern_key key = {
        {above, frame->kind, frame->function_id, frame->file_id, frame->line}};
    return intern_add(ids, &key);
}

static struct route next_route(struct intern *ids, const struct model *model, struct route route,
                               uint32_t number) {
    const struct model_frame *frame = &model->frames[number], *last = &model->frames[route.frame];
    bool again = route.frame != 0 && last->function_id == frame->function_id &&
                 last->file_id == frame->file_id;
    uint32_t above = again ? route.above : route.id;
    return (struct route){number, route_id(ids, above, frame), above};
}

/* False when memory ran out. Id 0 is the route of nothing, taken by the root. */
static bool find_members(const struct model *model, const bool *users, struct route *routes,
                         struct member *members) {
    struct intern ids = {0};
    bool good = route_id(&ids, 0, &model->frames[0]) == 0;
    for (uint32_t i = 1; good && i < model->frame_count; i++) {
        routes[i] = routes[model->frames[i].parent];
        if (users[i])
            routes[i] = next_route(&ids, model, routes[i], i);
        good = routes[i].id != INTERN_FAILED;
    }
    for (uint32_t i = 0; good && i < model->site_count; i++) {
        uint32_t frame = model->sites[i].frame;
        struct route route = routes[frame];
        if (route.frame == 0) /* no line of the user's: the innermost frame stands for it */
            route = (struct route){frame, route_id(&ids, INTERN_FAILED, &model->frames[frame]), 0};
        members[i] = (struct member){route.id, route.frame, i};
        good = route.id != INTERN_FAILED;
    }
    qsort(members, model->site_count, sizeof *members, compare_members);
    intern_release(&ids);
    return good;
}

bool places_find(const struct model *model, struct places *places) {
    size_t frames = model->frame_count, sites = (size_t)model->site_count + 1;
    bool *users = calloc(frames, sizeof *users);
    struct route *routes = calloc(frames, sizeof *routes);
    uint32_t *seen = calloc(frames + model->profile->process_count, sizeof *seen);
    struct member *members = calloc(sites, sizeof *members);
    *places = (struct places){.list = calloc(sites, sizeof *places->list)};
    bool good = users && routes && seen && members && places->list;
    for (uint32_t i = 0; good && i < frames; i++)
        users[i] = is_users(&model->frames[i]);
    good = good && find_members(model, users, routes, members);
    if (good) {
        find_directory(model, users, places);
        group(model, members, places, seen, seen + frames);
    }
    free(users);
    free(routes);
    free(seen);
    free(members);
    return good;
}

void places_release(struct places *places) {
    free(places->list);
    *places = (struct places){0};
}
