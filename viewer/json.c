/* The report for programs: docs/report-json.md is its contract.
 *
 * It is written piece by piece, because the sites of a peak can be hundreds of megabytes: members
 * of an object as jansson has them, then its sites (json_sites.h), then more members.
 */
#include "json.h"
#include "libraries.h"

#include "json_bytes.h"
#include "json_sites.h"
#include "report.h"
#include "resident.h"

#include <stdlib.h>
#include <string.h>

/* What all parts of one report share. */
struct json_report {
    const struct profile *profile;
    const struct report_options *options;
    FILE *out;
    struct process_sites sites;
    struct model_room models;
    struct turnover_room turnovers;
    struct json_stacks stacks;
    struct json_frames frames;
    uint32_t *roots; /* see model_find_roots */
};

const char *const json_kind_names[MODEL_KINDS] = {"heap", "python", "mapped"};

json_t *json_text(const char *text) {
    json_t *json = json_string(text);
    char *plain = json ? NULL : strdup(text);
    if (plain) {
        for (char *at = plain; *at; at++)
            *at = (unsigned char)*at < 0x80 ? *at : '?';
        json = json_string(plain);
    }
    free(plain);
    return json;
}

json_t *json_command(const struct profile *profile, const string_id *words, uint32_t count) {
    json_t *list = json_array();
    for (uint32_t i = 0; i < count; i++)
        json_array_append_new(list, json_string(profile->strings[words[i]]));
    return list;
}

json_t *json_python(const char *version) {
    return *version ? json_stringn(version, strcspn(version, " ")) : json_null();
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

static json_t *new_kinds(const struct model *model) {
    uint64_t bytes[MODEL_KINDS] = {0};
    for (uint32_t i = 0; i < model->site_count; i++)
        bytes[model->sites[i].kind] += model->sites[i].bytes;
    json_t *json = json_object();
    for (uint32_t kind = 0; kind < MODEL_KINDS; kind++)
        json_object_set_new(json, json_kind_names[kind], json_count(bytes[kind]));
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

/* What was taken in each library. */
static json_t *new_libraries(const struct model *model) {
    uint32_t count;
    const struct profile_library *rows = libraries_of(model->profile, model->process, &count);
    json_t *list = json_array();
    for (uint32_t i = 0; i < count; i++)
        json_array_append_new(list, json_pack("{s:s, s:o}", "library", rows[i].name, "bytes",
                                              json_count(rows[i].bytes)));
    return list;
}

/* A peak without what json_put_sites writes. */
static json_t *new_peak(const struct model *model) {
    json_t *peak = json_pack("{s:o, s:o, s:o, s:o}", "bytes", json_count(model->bytes), "time_s",
                             json_seconds(model->time_ns), "rss_bytes", known_bytes(model->rss),
                             "kinds", new_kinds(model));
    if (peak && model->profile->library_count > 0)
        json_object_set_new(peak, "libraries", new_libraries(model));
    return peak;
}

/* Writes the members of an object, which it takes over; NULL when memory ran out. Something has to
 * be put around them. */
static bool put_members(json_t *object, FILE *out) {
    struct json_bytes bytes = {0};
    json_bytes_members(&bytes, object);
    bool good = json_bytes_flush(&bytes, out);
    json_bytes_release(&bytes);
    json_decref(object);
    return good;
}

static bool put_text(const char *text, FILE *out) {
    return fputs(text, out) != EOF;
}

static json_t *new_parts(const struct resident_sum *sum) {
    json_t *json = json_object();
    json_object_set_new(json, "rss_bytes", json_count(sum->bytes));
    for (unsigned i = 0; i < RESIDENT_PARTS; i++)
        json_object_set_new(json, resident_keys[i], json_integer(sum->parts[i]));
    return json;
}

/* How far the looks were from the peak. */
static json_t *new_nearest(const struct resident_sum *sum) {
    json_t *json = new_parts(sum);
    json_object_set_new(json, "peak_bytes", json_count(sum->peak));
    json_object_set_new(json, "looked_at", json_integer(sum->looked));
    json_object_set_new(json, "processes", json_integer(sum->processes));
    return json;
}

/* Adds to the peak of a process, or of the tree (PROFILE_TREE). */
static int add_resident(json_t *peak, const struct profile *profile, uint32_t process) {
    struct resident_sum sum;
    bool known = process == PROFILE_TREE ? resident_of_tree(profile, &sum)
                                         : resident_of(profile, process, &sum);
    return json_object_set_new(peak, "resident",
                               known && sum.near ? new_parts(&sum) : json_null()) |
           json_object_set_new(peak, "nearest_resident", known ? new_nearest(&sum) : json_null());
}

static json_t *new_tree_peak(const struct model *model) {
    json_t *peak = new_peak(model);
    add_resident(peak, model->profile, PROFILE_TREE);
    return peak;
}

static bool put_tree_peak(struct json_report *report) {
    FILE *out = report->out;
    struct model *model = model_build_in(&report->models, PROFILE_TREE);
    bool good = model && put_text(",\"tree_peak\":{", out) &&
                put_members(new_tree_peak(model), out) && put_text(",\"sites\":", out) &&
                json_put_sites(model, &report->frames, out) && put_text("}", out);
    model_free(model);
    return good;
}

/* The names of a process's threads, with what their stacks held at its peak; each name once. */
static json_t *new_threads(const struct json_report *report, uint32_t process) {
    const struct profile *profile = report->profile;
    struct site_range range = process_sites_of(&report->sites, profile, process);
    json_t *threads = json_object();
    for (uint32_t i = range.first; i < range.end; i++) {
        const struct profile_site *site = &profile->sites[report->sites.order[i]];
        uint32_t outermost = report->roots[site->node];
        const struct profile_node *root = &profile->nodes[outermost];
        if (outermost == 0 || root->function != 0)
            continue;
        const char *name = profile->strings[root->thread];
        json_int_t before = json_integer_value(json_object_get(threads, name));
        json_object_set_new(threads, name, json_integer(before + (json_int_t)site->peak_bytes));
    }
    return threads;
}

static json_t *new_identity(const struct profile *profile, uint32_t index) {
    json_t *json = json_object();
    const struct profile_process *process = &profile->processes[index];
    const char *python = profile->strings[process->python];
    json_object_set_new(json, "index", json_integer(index));
    json_object_set_new(json, "pid", json_integer(process->pid));
    json_object_set_new(json, "ppid", json_integer(process->ppid));
    json_object_set_new(json, "parent",
                        process->parent == index ? json_null() : json_integer(process->parent));
    json_object_set_new(json, "command",
                        json_command(profile, process->command, process->command_count));
    json_object_set_new(json, "python", json_python(python));
    json_object_set_new(json, "free_threaded",
                        json_boolean(strstr(python, PROFILE_FREE_THREADING)));
    json_object_set_new(
        json, "exit",
        new_exit(process->flags & PROCESS_HAS_STATUS, process->exit_status, process->exit_signal));
    json_object_set_new(json, "running", json_boolean(process->flags & PROCESS_RUNNING));
    json_object_set_new(json, "damaged", json_boolean(process->flags & PROCESS_DAMAGED));
    json_object_set_new(json, "stacks_known", json_boolean(!(process->flags & PROCESS_NO_STACKS)));
    return json;
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

/* `peak` and `rest` are what follows the sites, in the peak and after it. Takes both over. */
static bool put_process_parts(struct json_report *report, const struct model *model, json_t *peak,
                              json_t *rest) {
    FILE *out = report->out;
    bool good = put_text("{", out) &&
                put_members(new_identity(model->profile, model->process), out) &&
                put_text(",\"peak\":{", out) && put_members(new_peak(model), out) &&
                put_text(",\"sites\":", out) && json_put_sites(model, &report->frames, out) &&
                put_text(",", out);
    if (!good) {
        json_decref(peak);
        json_decref(rest);
        return false;
    }
    good = put_members(peak, out);
    return put_text("},", out) && put_members(rest, out) && put_text("}", out) && good;
}

/* What takes looking through the profile, but for the sites. */
static bool add_parts(struct json_report *report, json_t *peak, json_t *rest, uint32_t index) {
    const struct profile *profile = report->profile;
    struct json_stacks *stacks = &report->stacks;
    struct findings *findings = held_open(profile, report->options, index);
    bool good =
        json_add_holders(rest, peak, stacks, findings, index) &&
        json_add_regions(rest, stacks, index) && json_add_spans(rest, stacks, index) &&
        json_object_set_new(rest, "collections", json_collections(profile, index)) == 0 &&
        json_object_set_new(rest, "references", json_references(stacks, findings, index)) == 0 &&
        json_object_set_new(rest, "references_problem", json_references_problem(profile, index)) ==
            0 &&
        json_object_set_new(rest, "lifetimes", json_turnover(stacks, &report->turnovers, index)) ==
            0 &&
        json_object_set_new(rest, "drag", json_drag(stacks, index)) == 0 &&
        add_resident(peak, profile, index) == 0;
    held_close(report->options, findings);
    return good;
}

static bool put_process(struct json_report *report, uint32_t index) {
    const struct profile *profile = report->profile;
    json_t *peak = json_object(), *rest = json_object();
    struct model *model = NULL;
    if (add_parts(report, peak, rest, index))
        model = model_build_in(&report->models, index);
    if (!model) {
        json_decref(peak);
        json_decref(rest);
        return false;
    }
    add_figures(rest, &profile->processes[index]);
    json_object_set_new(rest, "threads", new_threads(report, index));
    json_object_set_new(rest, "timeline", json_points(profile, index));
    bool good = put_process_parts(report, model, peak, rest);
    model_free(model);
    return good;
}

static bool put_processes(struct json_report *report) {
    FILE *out = report->out;
    uint32_t only = report->options->process;
    bool good = put_text(",\"processes\":[", out), first = true;
    for (uint32_t i = 0; good && i < report->profile->process_count; i++) {
        if (only != PROFILE_TREE && only != i)
            continue;
        good = (first || put_text(",", out)) && put_process(report, i);
        first = false;
    }
    return good && put_text("],", out);
}

static json_t *new_head(const struct profile *profile, const struct report_options *options) {
    const char *const *strings = (const char *const *)profile->strings;
    return json_pack(
        "{s:s, s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:b, s:b}", "schema", "holdfast.report/1",
        "region", options->region ? json_text(options->region) : json_null(), "writer",
        strings[profile->writer], "host", strings[profile->host], "command",
        json_command(profile, profile->command, profile->command_count), "exit",
        new_exit(!held_is_running(profile), profile->exit_status, profile->exit_signal),
        "started_unix_s", json_seconds(profile->started_unix_ns), "duration_s",
        json_seconds(profile->duration_ns), "complete", profile->complete, "has_events",
        profile->has_events);
}

static json_t *new_tail(const struct profile *profile) {
    return json_pack("{s:o, s:o}", "timeline", json_points(profile, PROFILE_TREE), "warnings",
                     json_command(profile, profile->warnings, profile->warning_count));
}

static bool open_shared(struct json_report *report) {
    const struct profile *profile = report->profile;
    report->roots = model_find_roots(profile);
    return report->roots && process_sites_open(&report->sites, profile) &&
           model_room_open(&report->models, profile, &report->sites) &&
           turnover_room_open(&report->turnovers, profile, &report->sites, TURNOVER_BY_STACK) &&
           json_stacks_open(&report->stacks, profile);
}

static void release_shared(struct json_report *report) {
    json_frames_release(&report->frames);
    if (report->stacks.profile)
        json_stacks_release(&report->stacks);
    turnover_room_release(&report->turnovers);
    model_room_release(&report->models);
    process_sites_release(&report->sites);
    free(report->roots);
}

bool report_json(const struct profile *profile, const struct report_options *options, FILE *out) {
    struct json_report report = {.profile = profile, .options = options, .out = out};
    bool good = open_shared(&report) && put_text("{", out) &&
                put_members(new_head(profile, options), out) && put_tree_peak(&report) &&
                put_processes(&report) && put_members(new_tail(profile), out) &&
                put_text("}\n", out);
    release_shared(&report);
    return good && !ferror(out);
}
