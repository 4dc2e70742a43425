/* The report as one HTML page that needs nothing else: web/page.html with its style, its script and
 * the profile's data put into the places that it names.
 *
 * Names from the program are data: they travel as JSON in which no "<" is left, and the script only
 * ever writes them as text.
 */
#include "page.h"

#include "format.h"
#include "page_files.h"
#include "places.h"
#include "report.h"

#include <stdlib.h>
#include <string.h>

#define TREE_FRAMES 20000u /* of the first view; a browser draws so many without delay */
#define PROCESS_FRAMES 4000u
#define MAX_VIEWS 12u
#define MAX_SITES 100u

/* As graph.js numbers them. */
enum page_kind {
    PAGE_ROOT,
    PAGE_PROCESS,
    PAGE_USER,
    PAGE_LIBRARY,
    PAGE_THREAD,
    PAGE_NONE,
    PAGE_REST
};

json_t *page_word(struct words *words, const char *text) {
    char *clean = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&clean, &size);
    if (!out)
        return NULL;
    format_escaped(out, text, "", 2000);
    if (fclose(out) != 0) {
        free(clean);
        return NULL;
    }
    json_t *one = json_text(clean);
    const char *key = json_string_value(one);
    json_t *known = key ? json_object_get(words->index, key) : NULL;
    if (key && !known) {
        known = json_integer((json_int_t)json_array_size(words->list));
        json_object_set_new(words->index, key, known);
        json_array_append(words->list, one);
    }
    free(clean);
    json_incref(known);
    json_decref(one);
    return known;
}

/* The frames of one view, as columns. */
struct view {
    const struct model *model;
    struct places places;
    struct words *words;
    json_t *parent, *kind, *name, *file, *brief, *line, *source, *total;
    uint32_t *number; /* model frame -> number in the view, or its nearest caller's */
    uint32_t *small;  /* model frame -> how many frames below it were left out with it */
    uint64_t *rest;   /* ... and their bytes */
    uint32_t count;
};

static enum page_kind page_kind(const struct model_frame *frame) {
    switch (frame->kind) {
    case FRAME_ROOT:
        return PAGE_ROOT;
    case FRAME_PROCESS:
        return PAGE_PROCESS;
    case FRAME_THREAD:
        return PAGE_THREAD;
    case FRAME_NONE:
        return PAGE_NONE;
    case FRAME_PYTHON:
        break;
    }
    return frame_is_library(frame) ? PAGE_LIBRARY : PAGE_USER;
}

static int compare_totals(const void *left, const void *right) {
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a < b) - (a > b);
}

/* Frames with fewer bytes are left out, so that about `limit` stay. A caller has at least the bytes
 * of what it calls, so what stays is one tree. */
static uint64_t find_threshold(const struct model *model, uint32_t limit) {
    if (model->frame_count <= limit)
        return 1;
    uint64_t *totals = malloc(model->frame_count * sizeof *totals);
    if (!totals)
        return UINT64_MAX;
    for (uint32_t i = 0; i < model->frame_count; i++)
        totals[i] = model->frames[i].total;
    qsort(totals, model->frame_count, sizeof *totals, compare_totals);
    uint64_t threshold = totals[limit] + 1;
    free(totals);
    return threshold;
}

static void add_row(struct view *view, uint32_t parent, enum page_kind kind, const char *name,
                    const struct model_frame *frame, uint64_t total) {
    const char *file = frame ? frame->file : "";
    json_array_append_new(view->parent, json_integer(parent));
    json_array_append_new(view->kind, json_integer(kind));
    json_array_append_new(view->name, page_word(view->words, name));
    json_array_append_new(view->file, page_word(view->words, file));
    json_array_append_new(view->brief,
                          page_word(view->words, frame ? frame_file(&view->places, frame) : ""));
    json_array_append_new(view->line, json_integer(frame ? frame->line : 0));
    json_array_append_new(view->source, page_word(view->words, frame ? frame->source : ""));
    json_array_append_new(view->total, json_count(total));
    view->count++;
}

static void add_rest(struct view *view, uint32_t frame) {
    if (view->rest[frame] > 0)
        add_row(view, view->number[frame], PAGE_REST,
                format_count(view->small[frame], "smaller frame").text, NULL, view->rest[frame]);
}

/* Frames in order; what stands for the small ones follows behind all others. */
static void add_frames(struct view *view, uint32_t limit) {
    const struct model *model = view->model;
    uint64_t threshold = find_threshold(model, limit);
    uint32_t count = model->frame_count;
    for (uint32_t i = 0; i < count; i++) {
        const struct model_frame *frame = &model->frames[i];
        if (i == 0 || frame->total >= threshold) {
            view->number[i] = view->count;
            add_row(view, i ? view->number[frame->parent] : 0, page_kind(frame), frame->function,
                    frame, frame->total);
            continue;
        }
        view->number[i] = view->number[frame->parent];
        view->rest[frame->parent] += frame->total;
        view->small[frame->parent] += frame->end - i;
        for (uint32_t below = i + 1; below < frame->end; below++)
            view->number[below] = view->number[i];
        i = frame->end - 1;
    }
    for (uint32_t i = 0; i < count; i++)
        add_rest(view, i);
}

static json_t *new_sites(const struct view *view) {
    json_t *list = json_array();
    for (uint32_t i = 0; i < view->model->site_count && i < MAX_SITES; i++) {
        const struct model_site *site = &view->model->sites[i];
        json_array_append_new(
            list, json_pack("[i, i, o, o, I]", (int)view->number[site->frame], (int)site->kind,
                            json_count(site->bytes), json_count(site->blocks),
                            (json_int_t)view->model->profile->processes[site->process].pid));
    }
    return list;
}

static bool view_start(struct view *view) {
    size_t count = view->model->frame_count;
    view->parent = json_array();
    view->kind = json_array();
    view->name = json_array();
    view->file = json_array();
    view->brief = json_array();
    view->line = json_array();
    view->source = json_array();
    view->total = json_array();
    view->number = calloc(count, sizeof *view->number);
    view->small = calloc(count, sizeof *view->small);
    view->rest = calloc(count, sizeof *view->rest);
    return places_find(view->model, &view->places) && view->number && view->small && view->rest;
}

static void view_release(struct view *view) {
    places_release(&view->places);
    free(view->number);
    free(view->small);
    free(view->rest);
}

static json_t *view_json(struct view *view, const char *label) {
    const struct model *model = view->model;
    return json_pack(
        "{s:s, s:i, s:o, s:o, s:o, s:o, s:o, s:i, s:{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}}",
        "label", label, "process", model->process == PROFILE_TREE ? -1 : (int)model->process,
        "bytes", json_count(model->bytes), "time", json_seconds(model->time_ns), "rss",
        json_count(model->rss), "points", json_points(model->profile, model->process), "sites",
        new_sites(view), "siteCount", (int)model->site_count, "frames", "parent", view->parent,
        "kind", view->kind, "name", view->name, "file", view->file, "brief", view->brief, "line",
        view->line, "source", view->source, "total", view->total);
}

/* NULL when memory ran out. */
static json_t *new_view(const struct profile *profile, uint32_t process, const char *label,
                        struct words *words) {
    struct model *model = model_build(profile, process);
    struct view view = {.model = model, .words = words};
    json_t *json = NULL;
    if (model && view_start(&view)) {
        add_frames(&view, process == PROFILE_TREE ? TREE_FRAMES : PROCESS_FRAMES);
        json = view_json(&view, label);
    }
    view_release(&view);
    model_free(model);
    return json;
}

static char *plain_command(const struct profile *profile, const string_id *words, uint32_t count) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    for (uint32_t i = 0; out && i < count && ftell(out) < 1000; i++) {
        fputs(i ? " " : "", out);
        format_word(out, profile->strings[words[i]]);
    }
    if (out && fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

static json_t *process_view(const struct profile *profile, uint32_t index, struct words *words) {
    const struct profile_process *process = &profile->processes[index];
    char *command = plain_command(profile, process->command, process->command_count);
    char *label = NULL;
    json_t *json = NULL;
    if (command && asprintf(&label, "Process %u: %s", process->pid, command) >= 0) {
        json = new_view(profile, index, label, words);
        free(label);
    }
    free(command);
    return json;
}

/* The tree first; then, when there are several, the processes with the highest peaks. */
static json_t *new_views(const struct profile *profile, uint32_t only, struct words *words) {
    json_t *list = json_array();
    bool good = true;
    if (only == PROFILE_TREE)
        good = json_array_append_new(list,
                                     new_view(profile, only, "The whole process tree", words)) == 0;
    uint64_t below = UINT64_MAX;
    while (good && json_array_size(list) < MAX_VIEWS && profile->process_count > 1) {
        uint64_t next = 0;
        for (uint32_t i = 0; i < profile->process_count; i++)
            if (profile->processes[i].peak_bytes < below &&
                profile->processes[i].peak_bytes > next && (only == PROFILE_TREE || only == i))
                next = profile->processes[i].peak_bytes;
        for (uint32_t i = 0; good && next > 0 && i < profile->process_count; i++)
            if (profile->processes[i].peak_bytes == next && (only == PROFILE_TREE || only == i) &&
                json_array_size(list) < MAX_VIEWS)
                good = json_array_append_new(list, process_view(profile, i, words)) == 0;
        below = next;
        if (next == 0)
            break;
    }
    if (good && json_array_size(list) == 0)
        good = json_array_append_new(list, new_view(profile, only, "The process", words)) == 0;
    if (good)
        return list;
    json_decref(list);
    return NULL;
}

static json_t *clean_warnings(const struct profile *profile, struct words *words) {
    json_t *list = json_array();
    for (uint32_t i = 0; i < profile->warning_count && i < 50; i++)
        json_array_append_new(list, page_word(words, profile->strings[profile->warnings[i]]));
    return list;
}

static json_t *new_process_row(const struct profile *profile, uint32_t index, struct words *words) {
    const struct profile_process *process = &profile->processes[index];
    char *command = plain_command(profile, process->command, process->command_count);
    json_t *row = json_pack(
        "{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:i, s:i, s:o, s:o, s:o, s:o, s:o, s:o}", "pid",
        (json_int_t)process->pid, "command", page_word(words, command ? command : ""), "python",
        page_word(words, profile->strings[process->python]), "peak",
        json_count(process->peak_bytes), "time", json_seconds(process->peak_ns), "tree",
        json_count(process->tree_bytes), "rss", json_count(process->max_rss_bytes), "flags",
        (json_int_t)process->flags, "status", (int)process->exit_status, "signal",
        (int)process->exit_signal, "arena", json_count(process->arena_bytes), "reserved",
        json_count(process->reserved_bytes), "file", json_count(process->file_bytes), "shared",
        json_count(process->shared_bytes), "wait", json_seconds(process->wait_ns), "dropped",
        json_count(process->dropped));
    free(command);
    return row;
}

static json_t *new_data(const struct profile *profile, const struct report_options *options,
                        const char *command) {
    struct words words = {json_array(), json_object()};
    json_t *processes = json_array(), *views = new_views(profile, options->process, &words);
    int tree = -1;
    json_t *holders = views ? page_holders(profile, options, views, &words, &tree) : NULL;
    for (uint32_t i = 0; i < profile->process_count && i < 1000; i++)
        json_array_append_new(processes, new_process_row(profile, i, &words));
    json_t *data =
        json_pack("{s:s, s:i, s:i, s:o, s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:i, s:o, s:i, s:b}",
                  "command", command, "status", (int)profile->exit_status, "signal",
                  (int)profile->exit_signal, "started", json_seconds(profile->started_unix_ns),
                  "duration", json_seconds(profile->duration_ns), "complete", profile->complete,
                  "writer", page_word(&words, profile->strings[profile->writer]), "host",
                  page_word(&words, profile->strings[profile->host]), "warnings",
                  clean_warnings(profile, &words), "processes", processes, "views", views,
                  "processCount", (int)profile->process_count, "holders", holders, "treeHolders",
                  tree, "named", options->snapshot != NULL);
    if (data)
        json_object_set_new(data, "words", words.list);
    else
        json_decref(words.list);
    json_decref(words.index);
    return data;
}

/* JSON has "<" only inside strings, where the escape means the same. */
static int put_json(const char *buffer, size_t size, void *data) {
    FILE *out = data;
    for (size_t i = 0; i < size; i++) {
        if (buffer[i] == '<')
            fputs("\\u003c", out);
        else
            fputc(buffer[i], out);
    }
    return ferror(out) ? -1 : 0;
}

static void put_html(FILE *out, const char *text) {
    for (; *text; text++) {
        switch (*text) {
        case '<':
            fputs("&lt;", out);
            break;
        case '&':
            fputs("&amp;", out);
            break;
        default:
            fputc(*text, out);
        }
    }
}

static bool put_place(FILE *out, const char *name, size_t length, const char *command,
                      const json_t *data) {
    if (strncmp(name, "title", length) == 0)
        put_html(out, command);
    else if (strncmp(name, "style", length) == 0)
        fputs(page_css, out);
    else if (strncmp(name, "script", length) == 0)
        fputs(page_js, out);
    else
        return json_dump_callback(data, put_json, out, JSON_REPORT_FLAGS) == 0;
    return true;
}

/* page.html, with {{name}} replaced. */
static bool put_page(FILE *out, const char *command, const json_t *data) {
    const char *rest = page_html, *place;
    while ((place = strstr(rest, "{{")) != NULL) {
        const char *end = strstr(place, "}}");
        fwrite(rest, 1, (size_t)(place - rest), out);
        if (!end || !put_place(out, place + 2, (size_t)(end - place - 2), command, data))
            return false;
        rest = end + 2;
    }
    fputs(rest, out);
    return !ferror(out);
}

bool report_page(const struct profile *profile, const struct report_options *options, FILE *out) {
    char *command = plain_command(profile, profile->command, profile->command_count);
    json_t *data = command ? new_data(profile, options, command) : NULL;
    bool good = data && put_page(out, command, data);
    json_decref(data);
    free(command);
    return good;
}
