/* The report for programs: docs/report-json.md is its contract. */
#include "json.h"

#include "format.h"
#include "report.h"

#include <stdlib.h>
#include <string.h>

/* A deep recursion that allocates at every level has stacks whose frames, written out, grow with
 * the square of its depth. Once MAX_FRAMES frames have been written, the biggest sites' first,
 * stacks longer than LONG_STACK lose their middle. */
#define MAX_FRAMES (4u << 20)
#define LONG_STACK 256u

static const char *const kind_names[MODEL_KINDS] = {"heap", "python", "mapped"};

/* One model's way into JSON: frames are made once and shared by all stacks that pass through them.
 */
struct stacks {
    const struct model *model;
    json_t **frames;
    uint32_t *path;
    uint64_t frames_left; /* of MAX_FRAMES */
};

json_t *json_command(const struct profile *profile, const string_id *words, uint32_t count) {
    json_t *list = json_array();
    for (uint32_t i = 0; i < count; i++)
        json_array_append_new(list, json_string(profile->strings[words[i]]));
    return list;
}

json_t *json_points(const struct profile *profile, uint32_t process) {
    json_t *list = json_array();
    for (uint32_t i = 0; i < profile->timeline_count; i++) {
        const struct profile_timeline *line = &profile->timelines[i];
        for (uint32_t point = 0; line->process == process && point < line->point_count; point++) {
            const struct profile_point *at = &line->points[point];
            json_array_append_new(list,
                                  json_pack("[o, o, o]", json_seconds(at->time_ns),
                                            json_count(at->bytes), json_count(at->rss_bytes)));
        }
    }
    return list;
}

static json_t *new_frame(const struct model_frame *frame) {
    char *name = NULL;
    if (frame->kind == FRAME_THREAD && asprintf(&name, "<thread %s>", frame->function) < 0)
        return NULL;
    const char *function = frame->kind == FRAME_NONE ? "<no stack>" : name ? name : frame->function;
    json_t *json = json_pack("{s:s, s:s, s:I}", "function", function, "file", frame->file, "line",
                             (json_int_t)frame->line);
    if (json && *frame->source)
        json_object_set_new(json, "source", json_string(frame->source));
    free(name);
    return json;
}

static json_t *shared_frame(struct stacks *stacks, uint32_t frame) {
    if (!stacks->frames[frame])
        stacks->frames[frame] = new_frame(&stacks->model->frames[frame]);
    return json_incref(stacks->frames[frame]);
}

static json_t *left_out(uint32_t count) {
    char text[64];
    snprintf(text, sizeof text, "<%u frames left out>", count);
    return json_pack("{s:s, s:s, s:i}", "function", text, "file", "", "line", 0);
}

static json_t *new_stack(struct stacks *stacks, uint32_t frame) {
    const struct model_frame *frames = stacks->model->frames;
    json_t *list = json_array();
    uint32_t depth = 0;
    for (; frame > 0 && frames[frame].kind != FRAME_PROCESS; frame = frames[frame].parent)
        stacks->path[depth++] = frame;
    bool cut = depth > LONG_STACK && depth > stacks->frames_left;
    if (!cut)
        stacks->frames_left -= depth < stacks->frames_left ? depth : stacks->frames_left;
    while (depth > 0) {
        json_array_append_new(list, shared_frame(stacks, stacks->path[--depth]));
        if (cut && json_array_size(list) == LONG_STACK / 2) {
            json_array_append_new(list, left_out(depth - LONG_STACK / 2));
            depth = LONG_STACK / 2;
        }
    }
    return list;
}

static json_t *new_site(struct stacks *stacks, const struct model_site *site, bool tree) {
    json_t *json = json_pack("{s:o, s:o, s:s}", "bytes", json_count(site->bytes), "blocks",
                             json_count(site->blocks), "kind", kind_names[site->kind]);
    if (tree) {
        const struct profile_process *process = &stacks->model->profile->processes[site->process];
        json_object_set_new(json, "process", json_integer(site->process));
        json_object_set_new(json, "pid", json_integer(process->pid));
    }
    json_object_set_new(json, "stack", new_stack(stacks, site->frame));
    return json;
}

/* NULL when memory ran out. */
static json_t *new_sites(const struct model *model) {
    struct stacks stacks = {.model = model, .frames_left = MAX_FRAMES};
    json_t *list = json_array();
    stacks.frames = calloc(model->frame_count, sizeof *stacks.frames);
    stacks.path = calloc(model->frame_count, sizeof *stacks.path);
    bool good = stacks.frames && stacks.path && list;
    for (uint32_t i = 0; good && i < model->site_count; i++)
        good = json_array_append_new(
                   list, new_site(&stacks, &model->sites[i], model->process == PROFILE_TREE)) == 0;
    for (uint32_t i = 0; stacks.frames && i < model->frame_count; i++)
        json_decref(stacks.frames[i]);
    free(stacks.frames);
    free(stacks.path);
    if (good)
        return list;
    json_decref(list);
    return NULL;
}

static json_t *new_kinds(const struct model *model) {
    uint64_t bytes[MODEL_KINDS] = {0};
    for (uint32_t i = 0; i < model->site_count; i++)
        bytes[model->sites[i].kind] += model->sites[i].bytes;
    json_t *json = json_object();
    for (uint32_t kind = 0; kind < MODEL_KINDS; kind++)
        json_object_set_new(json, kind_names[kind], json_count(bytes[kind]));
    return json;
}

static json_t *new_exit(bool known, int32_t status, int32_t signal) {
    return json_pack("{s:o, s:o}", "status",
                     known && signal == 0 ? json_integer(status) : json_null(), "signal",
                     known && signal != 0 ? json_integer(signal) : json_null());
}

static json_t *known_bytes(uint64_t bytes) {
    return bytes ? json_count(bytes) : json_null();
}

static json_t *new_peak(const struct model *model) {
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:n, s:[], s:n}", "bytes", json_count(model->bytes),
                     "time_s", json_seconds(model->time_ns), "rss_bytes", known_bytes(model->rss),
                     "kinds", new_kinds(model), "sites", new_sites(model), "snapshot", "holders",
                     "garbage_bytes");
}

static json_t *new_tree_peak(const struct profile *profile) {
    struct model *model = model_build(profile, PROFILE_TREE);
    if (!model)
        return NULL;
    json_t *json =
        json_pack("{s:o, s:o, s:o, s:o, s:o}", "bytes", json_count(model->bytes), "time_s",
                  json_seconds(model->time_ns), "rss_bytes", known_bytes(model->rss), "kinds",
                  new_kinds(model), "sites", new_sites(model));
    model_free(model);
    return json;
}

/* The names of a process's threads, with what their stacks held at its peak; each name once. */
static json_t *new_threads(const struct profile *profile, uint32_t process, const uint32_t *roots) {
    json_t *threads = json_object();
    for (uint32_t i = 0; i < profile->site_count; i++) {
        const struct profile_site *site = &profile->sites[i];
        const struct profile_node *root = &profile->nodes[roots[site->node]];
        if (site->process != process || roots[site->node] == 0 || root->function != 0)
            continue;
        const char *name = profile->strings[root->thread];
        json_int_t before = json_integer_value(json_object_get(threads, name));
        json_object_set_new(threads, name, json_integer(before + (json_int_t)site->peak_bytes));
    }
    return threads;
}

static void add_identity(json_t *json, const struct profile *profile, uint32_t index) {
    const struct profile_process *process = &profile->processes[index];
    const char *python = profile->strings[process->python];
    json_object_set_new(json, "index", json_integer(index));
    json_object_set_new(json, "pid", json_integer(process->pid));
    json_object_set_new(json, "ppid", json_integer(process->ppid));
    json_object_set_new(json, "parent",
                        process->parent == index ? json_null() : json_integer(process->parent));
    json_object_set_new(json, "command",
                        json_command(profile, process->command, process->command_count));
    json_object_set_new(json, "python", *python ? json_string(python) : json_null());
    json_object_set_new(
        json, "exit",
        new_exit(process->flags & PROCESS_HAS_STATUS, process->exit_status, process->exit_signal));
    json_object_set_new(json, "running", json_boolean(process->flags & PROCESS_RUNNING));
    json_object_set_new(json, "damaged", json_boolean(process->flags & PROCESS_DAMAGED));
    json_object_set_new(json, "stacks_known", json_boolean(!(process->flags & PROCESS_NO_STACKS)));
}

static void add_figures(json_t *json, const struct profile_process *process) {
    json_object_set_new(json, "start_s", json_seconds(process->start_ns));
    json_object_set_new(json, "end_s", json_seconds(process->end_ns));
    json_object_set_new(json, "max_rss_bytes", known_bytes(process->max_rss_bytes));
    json_object_set_new(json, "tree_peak_bytes", json_count(process->tree_bytes));
    json_object_set_new(json, "end_bytes", json_count(process->end_bytes));
    json_object_set_new(json, "apart",
                        json_pack("{s:o, s:o, s:o, s:o}", "arena_bytes",
                                  json_count(process->arena_bytes), "reserved_bytes",
                                  json_count(process->reserved_bytes), "file_bytes",
                                  json_count(process->file_bytes), "shared_bytes",
                                  json_count(process->shared_bytes)));
    json_object_set_new(json, "counts",
                        json_pack("{s:o, s:o, s:o, s:o, s:o}", "allocations",
                                  json_count(process->allocations), "frees",
                                  json_count(process->frees), "events", json_count(process->events),
                                  "dropped", json_count(process->dropped), "truncated_stacks",
                                  json_count(process->truncated)));
    json_object_set_new(json, "waits",
                        json_pack("{s:o, s:o}", "time_s", json_seconds(process->wait_ns), "count",
                                  json_count(process->waits)));
}

static json_t *new_process(const struct profile *profile, uint32_t index, const uint32_t *roots) {
    struct model *model = model_build(profile, index);
    json_t *json = json_object();
    if (model) {
        add_identity(json, profile, index);
        json_object_set_new(json, "peak", new_peak(model));
        json_object_set_new(json, "peak_if_released_bytes", json_null());
        add_figures(json, &profile->processes[index]);
        json_object_set_new(json, "threads", new_threads(profile, index, roots));
        json_object_set_new(json, "timeline", json_points(profile, index));
    }
    bool good = model && json_object_get(json, "peak");
    model_free(model);
    if (good)
        return json;
    json_decref(json);
    return NULL;
}

/* For each node the outermost one of its stack. */
static uint32_t *find_roots(const struct profile *profile) {
    uint32_t *roots = calloc(profile->node_count, sizeof *roots);
    for (uint32_t i = 1; roots && i < profile->node_count; i++)
        roots[i] = profile->nodes[i].parent ? roots[profile->nodes[i].parent] : i;
    return roots;
}

static json_t *new_processes(const struct profile *profile, uint32_t only) {
    uint32_t *roots = find_roots(profile);
    json_t *list = json_array();
    bool good = roots != NULL;
    for (uint32_t i = 0; good && i < profile->process_count; i++)
        if (only == PROFILE_TREE || only == i)
            good = json_array_append_new(list, new_process(profile, i, roots)) == 0;
    free(roots);
    if (good)
        return list;
    json_decref(list);
    return NULL;
}

static json_t *new_report(const struct profile *profile, uint32_t only) {
    const char *const *strings = (const char *const *)profile->strings;
    return json_pack(
        "{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:b, s:b, s:o, s:o, s:o, s:o}", "schema",
        "holdfast.report/1", "writer", strings[profile->writer], "host", strings[profile->host],
        "command", json_command(profile, profile->command, profile->command_count), "exit",
        new_exit(true, profile->exit_status, profile->exit_signal), "started_unix_s",
        json_seconds(profile->started_unix_ns), "duration_s", json_seconds(profile->duration_ns),
        "complete", profile->complete, "has_events", profile->has_events, "tree_peak",
        new_tree_peak(profile), "processes", new_processes(profile, only), "timeline",
        json_points(profile, PROFILE_TREE), "warnings",
        json_command(profile, profile->warnings, profile->warning_count));
}

bool report_json(const struct profile *profile, const struct report_options *options, FILE *out) {
    json_t *report = new_report(profile, options->process);
    bool good =
        report && json_dumpf(report, out, JSON_REPORT_FLAGS) == 0 && fputc('\n', out) != EOF;
    json_decref(report);
    return good && !ferror(out);
}
