/* What the text report says last: memory that is not in the peak, what tracing cost, warnings. */
#include "format.h"
#include "resident.h"
#include "text.h"

#define MAX_WARNINGS 3u
/* A wait that is worth a word. */
#define WAITED_BYTES (1u << 20)
#define WAITED_NS 100000000u

/* Sums over the processes that the report is about. */
struct sums {
    uint64_t arena, reserved, file, shared, wait_ns, waits, dropped, truncated;
    uint64_t snapshots, snapshot_ns;
    uint64_t collections, collection_ns, longest_collection_ns;
    uint32_t running, damaged, no_stacks;
};

static struct sums sum_processes(const struct model *model) {
    struct sums sums = {0};
    for (uint32_t i = 0; i < model->profile->process_count; i++) {
        const struct profile_process *process = &model->profile->processes[i];
        if (model->process != PROFILE_TREE && model->process != i)
            continue;
        sums.arena += process->arena_bytes;
        sums.reserved += process->reserved_bytes;
        sums.file += process->file_bytes;
        sums.shared += process->shared_bytes;
        sums.wait_ns += process->wait_ns;
        sums.waits += process->waits;
        sums.dropped += process->dropped;
        sums.truncated += process->truncated;
        sums.snapshots += process->snapshots;
        sums.snapshot_ns += process->snapshot_ns;
        sums.collections +=
            process->young_collections + process->middle_collections + process->old_collections;
        sums.collection_ns += process->collection_ns;
        if (process->longest_collection_ns > sums.longest_collection_ns)
            sums.longest_collection_ns = process->longest_collection_ns;
        sums.running += (process->flags & PROCESS_RUNNING) != 0;
        sums.damaged += (process->flags & PROCESS_DAMAGED) != 0;
        sums.no_stacks += (process->flags & PROCESS_NO_STACKS) != 0;
    }
    return sums;
}

static void put_apart_part(FILE *out, bool *first, uint64_t bytes, const char *what) {
    if (bytes == 0)
        return;
    fprintf(out, "%s%s of %s", *first ? "  not in the peak: " : ", ", format_bytes(bytes).text,
            what);
    *first = false;
}

static void put_apart(struct text *text, const struct sums *sums) {
    bool first = true;
    put_apart_part(text->out, &first, sums->reserved, "reserved addresses");
    put_apart_part(text->out, &first, sums->file, "file mappings");
    put_apart_part(text->out, &first, sums->shared, "shared memory");
    if (!first)
        text_line_end(text);
    if (sums->arena > 0) {
        fprintf(text->out,
                "  Python's arenas took %s at most; the objects in them are counted, not they",
                format_bytes(sums->arena).text);
        text_line_end(text);
    }
}

/* Of the one process that the report is about, if it is about one. */
static void put_resident(struct text *text) {
    const struct model *model = text->model;
    uint32_t process = model->process == PROFILE_TREE ? 0 : model->process;
    struct resident_sum sum;
    if ((model->process == PROFILE_TREE && model->profile->process_count != 1) ||
        !resident_of(model->profile, process, &sum))
        return;
    fprintf(text->out, "  of %s resident ", format_bytes(sum.bytes).text);
    if (sum.near)
        fputs("then: ", text->out);
    else
        fprintf(text->out, "when %s of %s were traced: ",
                format_bytes((uint64_t)sum.parts[RESIDENT_TRACED]).text,
                format_bytes(sum.peak).text);
    for (unsigned i = 0, told = 0; i < RESIDENT_PARTS; i++) {
        bool below = sum.parts[i] < 0;
        if (sum.parts[i] != 0)
            fprintf(text->out, "%s%s%s %s", told++ ? ", " : "", below ? "-" : "",
                    format_bytes((uint64_t)(below ? -sum.parts[i] : sum.parts[i])).text,
                    below ? "asked for but not resident" : resident_names[i]);
    }
    text_line_end(text);
}

/* Waits of less than a twentieth of the run are no news at its end. */
static void put_waits(struct text *text, const struct sums *sums) {
    uint64_t worth = text->airy ? 1 : text->model->profile->duration_ns / 20;
    if (sums->wait_ns == 0 || sums->wait_ns < worth)
        return;
    fprintf(text->out, "  the program waited %s for the tracer, in %s",
            format_time(sums->wait_ns).text, format_count(sums->waits, "pause").text);
    text_line_end(text);
}

/* Of a row that stands for several, the last one may have begun at any time before the next row. */
static uint64_t last_end(const struct profile *profile, uint32_t row) {
    const struct profile_collection *one = &profile->collections[row];
    if (one->count <= 1)
        return one->time_ns;
    if (row + 1 < profile->collection_count && one[1].process == one->process)
        return one[1].time_ns;
    return profile->processes[one->process].end_ns;
}

/* Of the full collections that came long after the one before, the one that gave back most: what it
 * found had waited for it, if not from its birth on. Of several in one row it is not known which
 * gave back what, nor when a full one was among them. */
static void put_wait(struct text *text) {
    const struct model *model = text->model;
    uint64_t most = 0, wait = 0, before = 0;
    bool several = false;
    for (uint32_t i = 0; i < model->profile->collection_count; i++) {
        const struct profile_collection *one = &model->profile->collections[i];
        if (i == 0 || one[-1].process != one->process)
            before = model->profile->processes[one->process].start_ns;
        uint64_t end = last_end(model->profile, i);
        if (one->generation < 2 ||
            (model->process != PROFILE_TREE && model->process != one->process))
            continue;
        uint64_t since = end > before ? end - before : 0;
        if (one->freed_bytes > most && since >= WAITED_NS) {
            most = one->freed_bytes;
            wait = since;
            several = one->count > 1;
        }
        before = one->time_ns + (one->count > 1 ? 0 : one->duration_ns);
    }
    if (most >= WAITED_BYTES)
        fprintf(text->out, "; %s waited up to %s for a full one%s", format_bytes(most).text,
                format_time(wait).text, several ? ", in several" : "");
}

/* Pauses of less than a twentieth of the run are no news at its end. */
static void put_collections(struct text *text, const struct sums *sums) {
    uint64_t worth = text->airy ? 0 : text->model->profile->duration_ns / 20;
    if (sums->collections == 0 || sums->collection_ns < worth)
        return;
    fprintf(text->out, "  %s of garbage, %s paused in all",
            format_count(sums->collections, "collection").text,
            format_time(sums->collection_ns).text);
    if (sums->longest_collection_ns > 0)
        fprintf(text->out, ", longest %.*f ms", sums->longest_collection_ns < 10000000u,
                (double)sums->longest_collection_ns / 1e6);
    put_wait(text);
    text_line_end(text);
}

static uint64_t largest_copy(const struct model *model) {
    const struct profile *profile = model->profile;
    uint64_t largest = 0;
    for (uint32_t i = 0; i < profile->snapshot_count; i++) {
        const struct profile_snapshot *snapshot = &profile->snapshots[i];
        bool meant = model->process == PROFILE_TREE || model->process == snapshot->process;
        if (meant && snapshot->copy_bytes > largest)
            largest = snapshot->copy_bytes;
    }
    return largest;
}

static void put_snapshots(struct text *text, const struct sums *sums) {
    const struct profile *profile = text->model->profile;
    uint32_t process = text->model->process;
    uint64_t run = profile->duration_ns, copy = largest_copy(text->model);
    if (sums->snapshots == 0)
        return;
    if (process != PROFILE_TREE)
        run = profile->processes[process].end_ns - profile->processes[process].start_ns;
    fprintf(text->out, "  %s of references stopped the program for %.1f ms, %s of the run",
            format_count(sums->snapshots, "snapshot").text, (double)sums->snapshot_ns / 1e6,
            format_percent(sums->snapshot_ns, run).text);
    if (copy > 0 && text->width >= 100)
        fprintf(text->out, "; a copy took %s", format_bytes(copy).text);
    text_line_end(text);
}

static void put_warning(struct text *text, const char *subject, const char *rest) {
    fprintf(text->out, "  warning: %s %s", subject, rest);
    text_line_end(text);
}

static void put_run_warnings(struct text *text) {
    const struct profile *profile = text->model->profile;
    for (uint32_t i = 0; i < profile->warning_count && i < MAX_WARNINGS; i++) {
        fputs("  warning: ", text->out);
        format_escaped(text->out, profile->strings[profile->warnings[i]], "", text->width - 11);
        text_line_end(text);
    }
    if (profile->warning_count > MAX_WARNINGS)
        put_warning(text, format_count(profile->warning_count - MAX_WARNINGS, "more warning").text,
                    "in the page and the JSON");
}

static void put_warnings(struct text *text, const struct sums *sums) {
    if (sums->dropped > 0)
        put_warning(text, format_count(sums->dropped, "event").text,
                    "could not be recorded, so these figures are wrong");
    if (sums->damaged > 0)
        put_warning(text, format_count(sums->damaged, "process image").text,
                    "wrote over its records; what followed is missing");
    if (sums->no_stacks > 0)
        put_warning(text, format_count(sums->no_stacks, "process image").text,
                    "ran a Python whose stacks holdfast cannot read");
    if (sums->truncated > 0)
        put_warning(text, format_count(sums->truncated, "stack").text,
                    "too deep to be recorded whole");
    if (sums->running > 0)
        put_warning(text, format_count(sums->running, "process image").text,
                    "went on running after the profile was written");
    else if (!text->model->profile->complete)
        put_warning(text, "holdfast", "did not see the end of every process");
    put_run_warnings(text);
}

void text_put_notes(struct text *text) {
    struct sums sums = sum_processes(text->model);
    if (text->airy) {
        put_apart(text, &sums);
        put_resident(text);
    }
    put_waits(text, &sums);
    put_collections(text, &sums);
    if (text->airy)
        put_snapshots(text, &sums);
    put_warnings(text, &sums);
}
