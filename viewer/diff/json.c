/* Two profiles side by side, for programs: docs/diff-json.md is its contract. */
#include "json.h"

#include "viewer/json.h"
#include "viewer/page_out.h"

#include <stdlib.h>

/* "before" and "after" of something that has a number on both sides, and their difference. */
static json_t *new_figure(uint64_t before, uint64_t after) {
    return json_pack("{s:o, s:o, s:I}", "before", json_count(before), "after", json_count(after),
                     "difference", (json_int_t)((int64_t)after - (int64_t)before));
}

/* The same of one that may not be known. Takes both over. */
static json_t *new_pair(json_t *before, json_t *after) {
    return json_pack("{s:o, s:o}", "before", before, "after", after);
}

/* -- What each run was -- */

static json_t *new_run(const struct side *side, const char *file) {
    const struct profile *profile = side->profile;
    return json_pack("{s:o, s:o, s:o, s:o, s:s, s:b}", "profile", json_text(file), "command",
                     json_command(profile, profile->command, profile->command_count),
                     "started_unix_s", json_seconds(profile->started_unix_ns), "duration_s",
                     json_seconds(profile->duration_ns), "writer",
                     profile->strings[profile->writer], "complete", profile->complete);
}

static json_t *new_rss(const struct model *model) {
    return model->rss ? json_count(model->rss) : json_null();
}

static json_t *new_peak(const struct diff *diff) {
    const struct model *before = diff->sides[BEFORE].model, *after = diff->sides[AFTER].model;
    json_t *json = new_figure(before->bytes, after->bytes);
    json_object_set_new(json, "time_s",
                        new_pair(json_seconds(before->time_ns), json_seconds(after->time_ns)));
    json_object_set_new(json, "rss_bytes", new_pair(new_rss(before), new_rss(after)));
    return json;
}

static json_t *new_kinds(const struct diff *diff) {
    json_t *json = json_object();
    for (uint32_t kind = 0; kind < MODEL_KINDS; kind++)
        json_object_set_new(json, json_kind_names[kind],
                            new_figure(diff->kinds[BEFORE][kind], diff->kinds[AFTER][kind]));
    return json;
}

/* -- Lists of changes -- */

struct list {
    json_t *changes;
    uint32_t limit;
    uint64_t left_out, same; /* how many */
    int64_t difference;      /* of those left out */
};

/* Whether the next change is to be added. */
static bool list_takes(struct list *list, int64_t difference) {
    bool taken = difference != 0 && json_array_size(list->changes) < list->limit;
    list->same += difference == 0;
    list->left_out += difference != 0 && !taken;
    list->difference += taken ? 0 : difference;
    return taken;
}

static json_t *list_end(struct list *list) {
    return json_pack("{s:o, s:{s:o, s:I}, s:o}", "changes", list->changes, "left_out", "count",
                     json_count(list->left_out), "difference", (json_int_t)list->difference,
                     "unchanged", json_count(list->same));
}

/* -- Stacks -- */

/* Frames are made once, and shared by all stacks that pass through them. */
struct stack_writer {
    const struct diff *diff;
    const struct stack_changes *changes;
    json_t **frames[2];
    json_t *table; /* of a page; see diff_json_new */
    uint32_t *path;
    struct json_limit limit;
};

static bool stack_writer_open(struct stack_writer *writer) {
    const struct stack_changes *changes = writer->changes;
    size_t most = 0;
    writer->limit = (struct json_limit){JSON_MAX_FRAMES};
    for (int side = BEFORE; side <= AFTER; side++) {
        size_t count = (size_t)changes->sides[side]->frame_count + 1;
        writer->frames[side] = calloc(count, sizeof(json_t *));
        most = count > most ? count : most;
    }
    writer->path = calloc(most, sizeof *writer->path);
    return writer->frames[BEFORE] && writer->frames[AFTER] && writer->path;
}

static void stack_writer_release(struct stack_writer *writer) {
    for (int side = BEFORE; side <= AFTER; side++) {
        for (uint32_t i = 0; writer->frames[side] && i < writer->changes->sides[side]->frame_count;
             i++)
            json_decref(writer->frames[side][i]);
        free(writer->frames[side]);
    }
    free(writer->path);
}

/* Adds a frame to the table: a number. Frames of one function have one group, on both sides. */
static json_t *frame_number(const struct stack_writer *writer, enum diff_side side,
                            const struct model_frame *frame) {
    json_t *json = json_new_frame(frame);
    size_t length = 0;
    bool library = frame->kind == FRAME_PYTHON && frame_is_library(frame);
    const char *package = library ? frame_package(frame, &length) : "";
    uint32_t file = files_id(&writer->diff->sides[side].files, frame->file);
    json_object_set_new(json, "kind", json_integer(page_frame_kind(frame)));
    json_object_set_new(json, "package", json_stringn_nocheck(package, length));
    json_object_set_new(json, "group", json_count(file));
    json_array_append_new(writer->table, json);
    return json_count(json_array_size(writer->table) - 1);
}

static json_t *shared_frame(struct stack_writer *writer, enum diff_side side, uint32_t number) {
    const struct stack_frame *frame = &writer->changes->sides[side]->frames[number];
    json_t **shared = &writer->frames[side][number];
    if (!*shared) {
        const struct model_frame shown = {.kind = frame->kind,
                                          .function = frame->function,
                                          .file = frame->file,
                                          .line = frame->line,
                                          .source = frame->source};
        *shared = writer->table ? frame_number(writer, side, &shown) : json_new_frame(&shown);
    }
    return json_incref(*shared);
}

static json_t *new_stack(struct stack_writer *writer, enum diff_side side, uint32_t innermost) {
    json_t *list = json_array();
    uint32_t depth = 0;
    for (uint32_t at = innermost; at > 0; at = writer->changes->sides[side]->frames[at].parent)
        writer->path[depth++] = at;
    bool cut = json_limit_cuts(&writer->limit, depth);
    while (depth > 0) {
        json_array_append_new(list, shared_frame(writer, side, writer->path[--depth]));
        if (cut && json_array_size(list) == JSON_LONG_STACK / 2) {
            json_array_append_new(list, json_left_out(depth - JSON_LONG_STACK / 2));
            depth = JSON_LONG_STACK / 2;
        }
    }
    return list;
}

/* What the stack held on one side; null where it is not. */
static json_t *new_record(const struct stack_changes *changes, const struct stack_change *change,
                          enum diff_side side) {
    const struct stacks *stacks = changes->sides[side];
    if (change->records[side] == PAIR_NONE)
        return json_null();
    const struct stack_record *record = &stacks->records[change->records[side]];
    return json_pack("{s:o, s:o, s:I}", "bytes", json_count(record->bytes), "blocks",
                     json_count(record->blocks), "line",
                     (json_int_t)stacks->frames[record->frame].line);
}

static json_t *new_stack_change(struct stack_writer *writer, const struct stack_change *change) {
    const struct stack_changes *changes = writer->changes;
    enum diff_side side = change->records[AFTER] != PAIR_NONE ? AFTER : BEFORE;
    const struct stack_record *record = &changes->sides[side]->records[change->records[side]];
    json_t *json =
        json_pack("{s:s, s:I, s:o, s:o}", "state", diff_state(change->records, change->difference),
                  "difference", (json_int_t)change->difference, "before",
                  new_record(changes, change, BEFORE), "after", new_record(changes, change, AFTER));
    if (record->kind != STACKS_ANY_KIND)
        json_object_set_new(json, "kind", json_string(json_kind_names[record->kind]));
    json_object_set_new(json, "stack", new_stack(writer, side, record->frame));
    return json;
}

/* NULL when memory ran out. */
static json_t *new_stack_changes(const struct diff *diff, int which, uint32_t limit,
                                 json_t *frames) {
    const struct stack_changes *changes = &diff->stacks[which];
    struct list list = {.changes = json_array(), .limit = limit};
    struct stack_writer writer = {.diff = diff, .changes = changes, .table = frames};
    bool good = stack_writer_open(&writer) && list.changes;
    for (uint32_t i = 0; good && i < changes->count; i++)
        if (list_takes(&list, changes->list[i].difference))
            good = json_array_append_new(list.changes,
                                         new_stack_change(&writer, &changes->list[i])) == 0;
    stack_writer_release(&writer);
    if (good)
        return list_end(&list);
    json_decref(list.changes);
    return NULL;
}

/* -- Holders -- */

static json_t *new_held(const struct diff *diff, const struct holder_change *change,
                        enum diff_side side) {
    if (change->held[side] == PAIR_NONE)
        return json_null();
    const struct held *held = &diff->sides[side].held[change->held[side]];
    return json_pack("{s:o, s:o, s:s, s:o, s:I}", "bytes", json_count(held->bytes), "count",
                     json_count(held->objects), "verdict", verdict_names[held->verdict],
                     "saves_bytes", json_count(held->saves), "line", (json_int_t)held->line);
}

static json_t *new_holder_change(const struct diff *diff, const struct holder_change *change) {
    enum diff_side side = change->held[AFTER] != PAIR_NONE ? AFTER : BEFORE;
    const struct held *held = &diff->sides[side].held[change->held[side]];
    const struct profile_process *process = &diff->sides[side].profile->processes[held->process];
    return json_pack(
        "{s:s, s:I, s:o, s:o, s:I, s:{s:o, s:o}, s:{s:s, s:o, s:o, s:o, s:I}, s:o, s:o}", "state",
        diff_state(change->held, change->difference), "difference", (json_int_t)change->difference,
        "before", new_held(diff, change, BEFORE), "after", new_held(diff, change, AFTER), "pid",
        (json_int_t)process->pid, "object", "type", json_text(held->type), "detail",
        json_text(held->detail), "root", "kind", holder_root_names[held->root], "name",
        json_text(held->name), "function", json_text(held->function), "file", json_text(held->file),
        "line", (json_int_t)held->line, "path", json_text(held->path), "others",
        json_text(held->others));
}

static json_t *new_holder_changes(const struct diff *diff, uint32_t limit) {
    struct list list = {.changes = json_array(), .limit = limit};
    for (uint32_t i = 0; i < diff->holder_count; i++)
        if (list_takes(&list, diff->holders[i].difference))
            json_array_append_new(list.changes, new_holder_change(diff, &diff->holders[i]));
    return list_end(&list);
}

/* -- Processes -- */

/* Members about the references; null where nothing is known of them. */
static void add_figures(json_t *json, const struct held_figures *figures) {
    const struct {
        const char *key;
        uint64_t bytes;
    } members[] = {{"snapshot_bytes", figures->snapshot_bytes},
                   {"dead_bytes", figures->dead_bytes},
                   {"garbage_bytes", figures->garbage_bytes},
                   {"peak_if_released_bytes", figures->peak_if_released}};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        json_object_set_new(json, members[i].key,
                            figures->known ? json_count(members[i].bytes) : json_null());
}

static json_t *new_process(const struct diff *diff, const struct process_change *change,
                           enum diff_side side) {
    const struct profile *profile = diff->sides[side].profile;
    uint32_t index = change->processes[side];
    if (index == PAIR_NONE)
        return json_null();
    const struct profile_process *process = &profile->processes[index];
    const char *python = profile->strings[process->python];
    json_t *json = json_pack(
        "{s:I, s:I, s:o, s:o, s:o, s:{s:o, s:o}}", "index", (json_int_t)index, "pid",
        (json_int_t)process->pid, "command",
        json_command(profile, process->command, process->command_count), "python",
        json_python(python), "tree_peak_bytes", json_count(process->tree_bytes), "peak", "bytes",
        json_count(process->peak_bytes), "time_s", json_seconds(process->peak_ns));
    add_figures(json, &diff->sides[side].figures[index]);
    return json;
}

static json_t *new_processes(const struct diff *diff) {
    json_t *list = json_array();
    for (uint32_t i = 0; i < diff->process_count; i++) {
        const struct process_change *change = &diff->processes[i];
        json_array_append_new(list, json_pack("{s:s, s:I, s:o, s:o}", "state",
                                              diff_state(change->processes, change->difference),
                                              "difference", (json_int_t)change->difference,
                                              "before", new_process(diff, change, BEFORE), "after",
                                              new_process(diff, change, AFTER)));
    }
    return list;
}

json_t *diff_json_new(const struct diff *diff, const struct diff_options *options, json_t *frames) {
    uint32_t limit = options->limit;
    json_t *json =
        json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "schema", "holdfast.diff/1", "before",
                  new_run(&diff->sides[BEFORE], options->files[BEFORE]), "after",
                  new_run(&diff->sides[AFTER], options->files[AFTER]), "peak", new_peak(diff),
                  "kinds", new_kinds(diff), "processes", new_processes(diff));
    bool good = json &&
                json_object_set_new(json, "places",
                                    new_stack_changes(diff, STACKS_PLACES, limit, frames)) == 0 &&
                json_object_set_new(json, "sites",
                                    new_stack_changes(diff, STACKS_WHOLE, limit, frames)) == 0 &&
                json_object_set_new(json, "holders", new_holder_changes(diff, limit)) == 0;
    if (good)
        return json;
    json_decref(json);
    return NULL;
}

bool diff_json(const struct diff *diff, const struct diff_options *options, FILE *out) {
    json_t *json = diff_json_new(diff, options, NULL);
    bool good = json && json_dumpf(json, out, JSON_REPORT_FLAGS) == 0 && fputc('\n', out) != EOF;
    json_decref(json);
    return good && !ferror(out);
}
