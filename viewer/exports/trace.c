/* Memory over time as Chrome trace events (the JSON that chrome://tracing and Perfetto open): for
 * each process the traced and the resident bytes as counters, and its start, its peak, its
 * snapshots and its end as instants.
 *
 * A process id stands for one process here, though an exec starts a new image under it: the images'
 * lines follow each other, and the one with the highest peak gives the process its name. The
 * profile knows threads by name alone, so their ids are made up: 1, 2, ... in order of appearance.
 */
#include "line.h"

#include "viewer/exports.h"
#include "viewer/held.h"
#include "viewer/intern.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct writer {
    const struct profile *profile;
    FILE *out;
    string_id *texts;  /* see intern_texts */
    uint32_t *roots;   /* for each node the outermost one of its stack */
    uint32_t *threads; /* of the process at hand, by text: its id, 0 none yet */
    uint32_t events;
    bool failed;
};

/* Takes over `event`. */
static void put_event(struct writer *writer, json_t *event) {
    fputs(writer->events++ ? ",\n" : "\n", writer->out);
    if (!event || json_dumpf(event, writer->out, JSON_REPORT_FLAGS) != 0)
        writer->failed = true;
    json_decref(event);
}

/* The format counts in microseconds. */
static json_t *new_time(uint64_t ns) {
    return json_real((double)ns / 1000);
}

static void put_metadata(struct writer *writer, uint32_t pid, uint32_t tid, const char *what,
                         const char *key, json_t *value) {
    put_event(writer,
              json_pack("{s:s, s:I, s:I, s:i, s:s, s:{s:o}}", "ph", "M", "pid", (json_int_t)pid,
                        "tid", (json_int_t)tid, "ts", 0, "name", what, "args", key, value));
}

static void put_counter(struct writer *writer, uint32_t pid, const char *name, uint64_t time_ns,
                        uint64_t bytes) {
    put_event(writer, json_pack("{s:s, s:I, s:i, s:o, s:s, s:{s:o}}", "ph", "C", "pid",
                                (json_int_t)pid, "tid", 0, "ts", new_time(time_ns), "name", name,
                                "args", "bytes", json_count(bytes)));
}

/* `tid` 0: an instant of the whole process. Takes over `args`. */
static void put_instant(struct writer *writer, uint32_t pid, uint32_t tid, const char *name,
                        uint64_t time_ns, json_t *args) {
    put_event(writer,
              json_pack("{s:s, s:I, s:I, s:o, s:o, s:s, s:s, s:o}", "ph", "i", "pid",
                        (json_int_t)pid, "tid", (json_int_t)tid, "ts", new_time(time_ns), "name",
                        json_text(name), "cat", "holdfast", "s", tid ? "t" : "p", "args", args));
}

/* A point tells the highest total of the stretch that ends there, and a counter holds from its time
 * on: so it is set where the stretch begins. */
static void put_counters(struct writer *writer, uint32_t process, uint32_t pid, uint64_t start_ns) {
    const struct profile *profile = writer->profile;
    for (uint32_t i = 0; i < profile->timeline_count; i++) {
        const struct profile_timeline *line = &profile->timelines[i];
        for (uint32_t k = 0; line->process == process && k < line->point_count; k++) {
            const struct profile_point *point = &line->points[k];
            put_counter(writer, pid, "traced bytes", start_ns, point->bytes);
            if (point->rss_bytes > 0)
                put_counter(writer, pid, "resident bytes", start_ns, point->rss_bytes);
            start_ns = point->time_ns;
        }
    }
}

/* What has ended has no memory. */
static void put_end_of_counters(struct writer *writer, const struct profile_process *process) {
    if (process->flags & PROCESS_RUNNING)
        return;
    put_counter(writer, process->pid, "traced bytes", process->end_ns, 0);
    if (process->max_rss_bytes > 0)
        put_counter(writer, process->pid, "resident bytes", process->end_ns, 0);
}

/* The thread of a stack, which is told with the first event that mentions it. */
static uint32_t thread_of(struct writer *writer, uint32_t pid, uint32_t node, uint32_t *count) {
    const struct profile *profile = writer->profile;
    const struct profile_node *root = &profile->nodes[writer->roots[node]];
    if (node == 0 || root->function != 0)
        return 0;
    uint32_t *tid = &writer->threads[writer->texts[root->thread]];
    if (*tid == 0) {
        *tid = ++*count;
        put_metadata(writer, pid, *tid, "thread_name", "name",
                     json_text(profile->strings[root->thread]));
    }
    return *tid;
}

static void put_threads(struct writer *writer, uint32_t process, uint32_t *count) {
    const struct profile *profile = writer->profile;
    for (uint32_t i = 0; i < profile->site_count; i++)
        if (profile->sites[i].process == process && profile->sites[i].peak_bytes > 0)
            thread_of(writer, profile->processes[process].pid, profile->sites[i].node, count);
}

static void put_snapshots(struct writer *writer, uint32_t process, uint32_t *threads) {
    const struct profile *profile = writer->profile;
    uint32_t pid = profile->processes[process].pid;
    for (uint32_t i = 0; i < profile->snapshot_count; i++) {
        const struct profile_snapshot *snapshot = &profile->snapshots[i];
        if (snapshot->process != process)
            continue;
        uint32_t tid = thread_of(writer, pid, snapshot->pending_node, threads);
        const char *name = held_snapshot_name(profile, snapshot);
        json_t *args = json_pack("{s:o, s:o, s:b, s:o}", "bytes",
                                 json_count(held_bytes(snapshot->bytes, snapshot->pending_bytes)),
                                 "pause_s", json_seconds(snapshot->pause_ns), "complete",
                                 (snapshot->flags & SNAPSHOT_COMPLETE) != 0, "name",
                                 *name ? json_text(name) : json_null());
        put_instant(writer, pid, tid, "snapshot", snapshot->time_ns, args);
    }
}

static json_t *new_exit(const struct profile_process *process) {
    bool known = process->flags & PROCESS_HAS_STATUS, killed = process->exit_signal != 0;
    return json_pack("{s:o, s:o}", "status",
                     known && !killed ? json_integer(process->exit_status) : json_null(), "signal",
                     known && killed ? json_integer(process->exit_signal) : json_null());
}

/* Whether the process id is named after this image. */
static bool gives_name(const struct profile *profile, uint32_t process) {
    const struct profile_process *image = &profile->processes[process];
    for (uint32_t i = 0; i < profile->process_count; i++) {
        const struct profile_process *other = &profile->processes[i];
        if (other->pid == image->pid && i != process &&
            (other->peak_bytes > image->peak_bytes ||
             (other->peak_bytes == image->peak_bytes && i < process)))
            return false;
    }
    return true;
}

static void put_name(struct writer *writer, uint32_t process) {
    char *label = model_process_label(writer->profile, process);
    uint32_t pid = writer->profile->processes[process].pid;
    if (!label) {
        writer->failed = true;
        return;
    }
    put_metadata(writer, pid, 0, "process_name", "name", json_text(label));
    put_metadata(writer, pid, 0, "process_sort_index", "sort_index", json_integer(process));
    free(label);
}

static void put_process(struct writer *writer, uint32_t number) {
    const struct profile *profile = writer->profile;
    const struct profile_process *process = &profile->processes[number];
    uint32_t threads = 0;
    memset(writer->threads, 0, profile->string_count * sizeof *writer->threads);
    if (gives_name(profile, number))
        put_name(writer, number);
    put_threads(writer, number, &threads);
    put_instant(writer, process->pid, 0, "start", process->start_ns,
                json_pack("{s:o}", "command",
                          json_command(profile, process->command, process->command_count)));
    put_counters(writer, number, process->pid, process->start_ns);
    put_instant(
        writer, process->pid, 0, "peak", process->peak_ns,
        json_pack("{s:o, s:o}", "bytes", json_count(process->peak_bytes), "rss_bytes",
                  process->peak_rss_bytes ? json_count(process->peak_rss_bytes) : json_null()));
    put_snapshots(writer, number, &threads);
    put_end_of_counters(writer, process);
    if (!(process->flags & PROCESS_RUNNING))
        put_instant(writer, process->pid, 0, "end", process->end_ns, new_exit(process));
}

/* The tree is shown as a process of its own, whose id no process has that could be traced. */
static void put_tree(struct writer *writer) {
    const struct profile *profile = writer->profile;
    put_metadata(writer, 0, 0, "process_name", "name", json_string("all processes"));
    put_metadata(writer, 0, 0, "process_sort_index", "sort_index", json_integer(-1));
    put_counters(writer, PROFILE_TREE, 0, 0);
    put_instant(writer, 0, 0, "peak", profile->tree_peak_ns,
                json_pack("{s:o}", "bytes", json_count(profile->tree_peak_bytes)));
}

static bool put_head(struct writer *writer) {
    const struct profile *profile = writer->profile;
    char *command = line_command(profile);
    json_t *json = command ? json_pack("{s:s, s:{s:o, s:s, s:o}}", "displayTimeUnit", "ms",
                                       "otherData", "command", json_text(command), "writer",
                                       profile->strings[profile->writer], "started_unix_s",
                                       json_seconds(profile->started_unix_ns))
                           : NULL;
    bool good = json && fputc('{', writer->out) != EOF &&
                json_dumpf(json, writer->out, JSON_REPORT_FLAGS | JSON_EMBED) == 0 &&
                fputs(",\"traceEvents\":[", writer->out) != EOF;
    json_decref(json);
    free(command);
    return good;
}

static bool writer_open(struct writer *writer) {
    const struct profile *profile = writer->profile;
    writer->texts = intern_texts(profile);
    writer->roots = model_find_roots(profile);
    writer->threads = calloc((size_t)profile->string_count + 1, sizeof *writer->threads);
    return writer->texts && writer->roots && writer->threads;
}

bool export_trace(const struct profile *profile, const struct report_options *options, FILE *out) {
    struct writer writer = {.profile = profile, .out = out};
    bool good = writer_open(&writer) && put_head(&writer);
    if (good && options->process == PROFILE_TREE && profile->process_count > 1)
        put_tree(&writer);
    for (uint32_t i = 0; good && i < profile->process_count && !writer.failed; i++)
        if (options->process == PROFILE_TREE || options->process == i)
            put_process(&writer, i);
    good = good && fputs("\n]}\n", out) != EOF;
    free(writer.texts);
    free(writer.roots);
    free(writer.threads);
    return good && !writer.failed && !ferror(out);
}
