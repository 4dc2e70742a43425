/* See check.h. */
#include "check.h"

#include "viewer/held.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SMALL_PART 10u /* of the tree's peak */

const char *const check_verdict_names[] = {[CHECK_WITHIN] = "within",
                                           [CHECK_BEYOND] = "beyond",
                                           [CHECK_FAILED] = "failed",
                                           [CHECK_UNKNOWN] = "unknown"};

/* -- Names -- */

/* Up to 3.8 the script's own name is as it was given: it says nothing elsewhere. */
static bool is_relative(const char *path) {
    return *path && *path != '/' && *path != '<';
}

bool check_is_in_project(const struct check *check, const char *path) {
    const struct model_frame frame = {.kind = FRAME_PYTHON, .file = path};
    size_t length = strlen(check->request->root);
    if (is_relative(path))
        return check->request->at_root && strncmp(path, "../", 3) != 0 && access(path, F_OK) == 0;
    return length > 0 && strncmp(path, check->request->root, length) == 0 && path[length] == '/' &&
           !frame_is_library(&frame);
}

const char *check_file(const struct check *check, const char *path) {
    if (is_relative(path))
        return strncmp(path, "./", 2) == 0 ? path + 2 : path;
    if (check_is_in_project(check, path))
        return path + strlen(check->request->root) + 1;
    return place_file(&check->places, path);
}

char *check_repository_file(const struct check *check, const char *path) {
    char *text;
    const char *below = check->request->below ? check->request->below : "";
    return asprintf(&text, "%s%s", below, check_file(check, path)) >= 0 ? text : NULL;
}

/* -- What is known -- */

static bool is_analysed(const struct findings *findings) {
    return findings && findings->graph && !findings->why[0];
}

/* Processes that are not Python's have no holders; small ones do not matter, unless they are many
 * at the tree's peak. */
static bool sees_holders(const struct check *check) {
    const struct profile *profile = check->profile;
    uint64_t small = check->model->bytes / SMALL_PART, unseen = 0;
    for (uint32_t i = 0; i < profile->process_count; i++) {
        const struct profile_process *process = &profile->processes[i];
        const struct findings *findings = check->findings[i];
        if (!(process->flags & PROCESS_PYTHON) ||
            (is_analysed(findings) && !findings->far_from_peak))
            continue;
        unseen += process->tree_bytes;
        if (process->peak_bytes > small || unseen > small)
            return false;
    }
    return true;
}

static bool read_findings(struct check *check) {
    const struct profile *profile = check->profile;
    check->findings = calloc((size_t)profile->process_count + 1, sizeof *check->findings);
    if (!check->findings)
        return false;
    for (uint32_t i = 0; i < profile->snapshot_count; i++) {
        uint32_t process = profile->snapshots[i].process;
        if (!check->findings[process])
            check->findings[process] = findings_nearest(profile, process);
    }
    check->holders_whole = sees_holders(check);
    for (uint32_t i = 0; i < profile->process_count; i++) {
        const struct findings *findings = check->findings[i];
        if (!is_analysed(findings))
            continue;
        check->dead_known = true;
        check->dead_bytes += findings->dead_bytes;
        check->garbage_bytes += findings->garbage_bytes;
    }
    return true;
}

bool check_program_failed(const struct check *check) {
    return check->request->stopped_bytes == 0 &&
           (check->profile->exit_status != 0 || check->profile->exit_signal != 0);
}

static bool judge(struct check *check) {
    const struct check_request *request = check->request;
    check->missing = evidence_missing(check->profile);
    const struct evidence evidence = {.model = check->model,
                                      .dead_bytes = check->dead_bytes,
                                      .dead_known = check->dead_known,
                                      .dead_whole = check->holders_whole,
                                      .missing = check->missing};
    check->judgements = calloc((size_t)request->ceiling_count + 1, sizeof *check->judgements);
    if (!check->judgements)
        return false;
    check->verdict = check_program_failed(check) ? CHECK_FAILED
                     : check->missing            ? CHECK_UNKNOWN
                                                 : CHECK_WITHIN;
    for (uint32_t i = 0; i < request->ceiling_count; i++) {
        if (!ceiling_judge(&request->ceilings[i], &evidence, &check->judgements[i]))
            return false;
        check->judgement_count++;
        if (check->judgements[i].judged == JUDGED_BEYOND)
            check->verdict = CHECK_BEYOND;
    }
    return true;
}

/* The node whose blocks lay untouched for longest in the regions of a name that are judged; 0: it
 * is not known. */
static uint32_t dragging_node(const struct profile *profile, const char *name) {
    const struct profile_region *most = NULL;
    for (uint32_t i = 0; i < profile->region_count; i++) {
        const struct profile_region *region = &profile->regions[i];
        if (strcmp(profile->strings[region->name], name) == 0 &&
            !ceiling_counts_in_its_like(profile, region) &&
            (!most || region->drag_node_byte_seconds > most->drag_node_byte_seconds))
            most = region;
    }
    return most ? most->drag_node : 0;
}

static bool read_drag_place(const struct check *check, const struct ceiling *about,
                            struct drag_place *place) {
    uint32_t node = dragging_node(check->profile, about->subject);
    struct model_frame frame = held_place(check->profile, node);
    if (frame.kind != FRAME_PYTHON)
        return true;
    place->frame = (struct stack_frame){.kind = frame.kind,
                                        .function = frame.function,
                                        .file = frame.file,
                                        .line = frame.line,
                                        .source = frame.source};
    place->item.frame = &place->frame;
    if (asprintf(&place->item.key, "%s:%s", check_file(check, frame.file), frame.function) >= 0)
        return true;
    place->item.key = NULL;
    return false;
}

static bool read_drag_places(struct check *check) {
    check->drag_places = calloc((size_t)check->judgement_count + 1, sizeof *check->drag_places);
    bool good = check->drag_places != NULL;
    for (uint32_t i = 0; good && i < check->judgement_count; i++)
        if (check->judgements[i].ceiling.kind == CEILING_DRAG)
            good = read_drag_place(check, &check->judgements[i].ceiling, &check->drag_places[i]);
    return good;
}

struct check *check_build(const struct profile *profile, const struct check_request *request) {
    struct check *check = calloc(1, sizeof *check);
    if (!check)
        return NULL;
    check->request = request;
    check->profile = profile;
    check->model = model_build(profile, PROFILE_TREE);
    if (check->model && places_find(check->model, &check->places) && read_findings(check) &&
        judge(check) && read_drag_places(check) &&
        diff_stacks_read(check->model, true, &check->stacks) &&
        items_read_places(check, &check->at_places) && items_read_holders(check, &check->holders)) {
        items_settle(&check->at_places, json_object_get(request->before, "places"));
        items_settle(&check->holders, json_object_get(request->before, "holders"));
        return check;
    }
    check_free(check);
    return NULL;
}

void check_free(struct check *check) {
    if (!check)
        return;
    items_release(&check->at_places);
    items_release(&check->holders);
    for (uint32_t i = 0; check->findings && i < check->profile->process_count; i++)
        findings_free(check->findings[i]);
    free(check->findings);
    for (uint32_t i = 0; check->drag_places && i < check->judgement_count; i++)
        free(check->drag_places[i].item.key);
    free(check->drag_places);
    free(check->judgements);
    diff_stacks_release(&check->stacks);
    places_release(&check->places);
    model_free(check->model);
    free(check);
}

uint64_t check_excess(const struct judgement *judgement) {
    return judgement->bytes > judgement->ceiling.bytes ? judgement->bytes - judgement->ceiling.bytes
                                                       : 0;
}

/* Whether a place is part of what a judgement is about. */
static bool is_about(const struct check *check, const struct code_name *name,
                     const struct stack_frame *frame) {
    const struct stack_frame *root = &check->stacks.frames[0];
    for (; frame != root; frame = &check->stacks.frames[frame->parent])
        if (frame->kind == FRAME_PYTHON && code_name_matches(name, frame->function, frame->file))
            return true;
    return false;
}

static uint64_t site_bytes(const struct profile_region_site *site, enum ceiling_kind kind) {
    if (kind == CEILING_NATIVE)
        return site->kind == PROFILE_HEAP ? site->kept_bytes : 0;
    return kind == CEILING_LEAKS ? site->kept_bytes : site->peak_bytes;
}

/* The node that held most at the peak of the highest region of a name; 0: it is not known. */
static uint32_t biggest_node(const struct profile *profile, const char *name,
                             enum ceiling_kind kind) {
    const struct profile_region_site *site = profile->region_sites;
    uint64_t highest = 0, most = 0;
    uint32_t node = 0;
    for (uint32_t i = 0; i < profile->region_count; i++) {
        const struct profile_region *region = &profile->regions[i];
        const struct profile_region_site *end = site + region->site_count;
        bool wanted =
            strcmp(profile->strings[region->name], name) == 0 && region->peak_bytes > highest;
        highest = wanted ? region->peak_bytes : highest;
        most = wanted ? 0 : most;
        for (; site < end; site++)
            if (wanted && site->node > 0 && site_bytes(site, kind) > most) {
                most = site_bytes(site, kind);
                node = site->node;
            }
    }
    return node;
}

static const struct item *find_place(const struct check *check, const struct stack_frame *frame) {
    for (uint32_t i = 0; i < check->at_places.count; i++) {
        const struct item *item = &check->at_places.list[i];
        if (item->frame->kind == FRAME_PYTHON && item->frame->line == frame->line &&
            strcmp(item->frame->function, frame->function) == 0 &&
            strcmp(item->frame->file, frame->file) == 0)
            return item;
    }
    return NULL;
}

/* A region has a peak of its own: its place need not be there at the tree's. */
static const struct item *place_of_region(const struct check *check, const struct ceiling *about) {
    uint32_t node = biggest_node(check->profile, about->subject, about->kind);
    struct model_frame found = held_place(check->profile, node);
    const struct stack_frame frame = {
        .function = found.function, .file = found.file, .line = found.line};
    return node > 0 ? find_place(check, &frame) : NULL;
}

static const struct item *place_of_drag(const struct check *check,
                                        const struct judgement *judgement) {
    const struct drag_place *own = &check->drag_places[judgement - check->judgements];
    const struct item *found = own->item.key ? find_place(check, &own->frame) : NULL;
    return found || !own->item.key ? found : &own->item;
}

const struct item *check_place_of(const struct check *check, const struct judgement *judgement) {
    struct code_name name;
    if (judgement->ceiling.kind == CEILING_DRAG)
        return place_of_drag(check, judgement);
    if (ceiling_is_of_region(judgement->ceiling.kind))
        return place_of_region(check, &judgement->ceiling);
    bool code = judgement->ceiling.kind == CEILING_CODE &&
                code_name_parse(judgement->ceiling.subject, &name);
    for (uint32_t i = 0; i < check->at_places.count; i++) {
        const struct item *item = &check->at_places.list[i];
        if (item->frame->kind == FRAME_PYTHON && (!code || is_about(check, &name, item->frame)))
            return item;
    }
    return NULL;
}
