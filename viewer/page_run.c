/* The run and its processes, for the head of the page. */
#include "page_parts.h"

#include "format.h"
#include "held.h"
#include "leaks.h"
#include "model.h"
#include "resident.h"

#include <stdlib.h>

#define WARNINGS_MAX 50u

char *page_command(const struct profile *profile, const string_id *words, uint32_t count) {
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

static void put_peak(struct page_out *page, uint32_t process) {
    const struct model_peak peak = model_peak_of(page->profile, process);
    page_begin(page, '{');
    page_put_number(page, "bytes", peak.bytes);
    page_put_seconds(page, "time", peak.time_ns);
    page_put_number(page, "rss", peak.rss);
    page_end(page, '}');
}

static void put_ending(struct page_out *page, bool known, int status, int signal_number) {
    page_key(page, "exit");
    if (!known) {
        page_null(page);
        return;
    }
    page_begin(page, '{');
    page_key(page, "status");
    page_signed(page, status);
    page_key(page, "signal");
    page_signed(page, signal_number);
    page_end(page, '}');
}

static void put_warnings(struct page_out *page) {
    const struct profile *profile = page->profile;
    page_key(page, "warnings");
    page_begin(page, '[');
    for (uint32_t i = 0; i < profile->warning_count && i < WARNINGS_MAX; i++)
        page_text(page, profile->strings[profile->warnings[i]]);
    page_end(page, ']');
    page_put_number(page, "warningCount", profile->warning_count);
}

/* What was resident, and its parts; null when that is not known. Then how far from the peak the
 * looks were: traced bytes then, processes looked at, processes, and 1 if they were near. */
static void put_resident(struct page_out *page, uint32_t process) {
    struct resident_sum sum;
    bool known = process == PROFILE_TREE ? resident_of_tree(page->profile, &sum)
                                         : resident_of(page->profile, process, &sum);
    page_key(page, "resident");
    if (!known) {
        page_null(page);
        return;
    }
    page_begin(page, '[');
    page_number(page, sum.bytes);
    for (unsigned i = 0; i < RESIDENT_PARTS; i++)
        page_signed(page, sum.parts[i]);
    page_number(page, sum.peak);
    page_number(page, sum.looked);
    page_number(page, sum.processes);
    page_number(page, sum.near);
    page_end(page, ']');
}

void page_put_run(struct page_out *page, const char *command) {
    const struct profile *profile = page->profile;
    const struct report_options *options = page->options;
    page_put_text(page, "command", command);
    put_ending(page, !held_is_running(profile), profile->exit_status, profile->exit_signal);
    page_put_seconds(page, "started", profile->started_unix_ns);
    page_put_seconds(page, "duration", profile->duration_ns);
    page_put_flag(page, "complete", profile->complete);
    page_put_text(page, "writer", profile->strings[profile->writer]);
    page_put_text(page, "host", profile->strings[profile->host]);
    page_key(page, "process");
    page_signed(page, options->process == PROFILE_TREE ? -1 : (int64_t)options->process);
    page_key(page, "peak");
    put_peak(page, options->process);
    put_resident(page, options->process);
    page_put_text(page, "named", options->snapshot ? options->snapshot : "");
    page_put_text(page, "region", options->region ? options->region : "");
    put_warnings(page);
}

static void put_counts(struct page_out *page, const struct profile_process *process) {
    page_put_number(page, "tree", process->tree_bytes);
    page_put_number(page, "maxRss", process->max_rss_bytes);
    page_put_number(page, "arena", process->arena_bytes);
    page_put_number(page, "reserved", process->reserved_bytes);
    page_put_number(page, "files", process->file_bytes);
    page_put_number(page, "shared", process->shared_bytes);
    page_put_seconds(page, "wait", process->wait_ns);
    page_put_number(page, "dropped", process->dropped);
    page_put_number(page, "truncated", process->truncated);
    page_put_number(page, "allocations", process->allocations);
    page_put_number(page, "snapshots", process->snapshots);
    page_put_seconds(page, "pause", process->snapshot_ns);
    page_put_number(page, "collections",
                    process->young_collections + process->middle_collections +
                        process->old_collections);
    page_put_seconds(page, "collecting", process->collection_ns);
    page_put_seconds(page, "longestCollection", process->longest_collection_ns);
}

static bool put_process(struct page_out *page, uint32_t index) {
    const struct profile_process *process = &page->profile->processes[index];
    char *command = page_command(page->profile, process->command, process->command_count);
    if (!command)
        return false;
    page_begin(page, '{');
    page_put_number(page, "pid", process->pid);
    page_put_number(page, "parent", process->parent);
    page_put_text(page, "command", command);
    page_put_text(page, "python", page->profile->strings[process->python]);
    page_key(page, "peak");
    put_peak(page, index);
    put_counts(page, process);
    put_resident(page, index);
    page_put_seconds(page, "start", process->start_ns);
    page_put_seconds(page, "end", process->end_ns);
    page_put_flag(page, "running", process->flags & PROCESS_RUNNING);
    page_put_flag(page, "damaged", process->flags & PROCESS_DAMAGED);
    page_put_flag(page, "noStacks", process->flags & PROCESS_NO_STACKS);
    const char *problem = leaks_problem(page->profile, index);
    page_put_text(page, "referencesProblem", problem ? problem : "");
    put_ending(page, process->flags & PROCESS_HAS_STATUS, process->exit_status,
               process->exit_signal);
    page_end(page, '}');
    free(command);
    return true;
}

void page_put_processes(struct page_out *page) {
    const struct profile *profile = page->profile;
    page_put_number(page, "processCount", profile->process_count);
    page_key(page, "processes");
    page_begin(page, '[');
    for (uint32_t i = 0; i < profile->process_count && i < PAGE_PROCESSES; i++)
        page->failed |= !put_process(page, i);
    page_end(page, ']');
}

uint32_t page_own_peaks(const struct page_out *page, uint32_t list[PAGE_OWN_PEAKS]) {
    const struct profile_process *processes = page->profile->processes;
    uint32_t count = 0;
    for (uint32_t i = 0; i < page->profile->process_count && i < PAGE_PROCESSES; i++) {
        uint32_t at = count < PAGE_OWN_PEAKS ? count++ : PAGE_OWN_PEAKS;
        for (; at > 0 && processes[list[at - 1]].peak_bytes < processes[i].peak_bytes; at--)
            if (at < PAGE_OWN_PEAKS)
                list[at] = list[at - 1];
        if (at < PAGE_OWN_PEAKS)
            list[at] = i;
    }
    return count;
}
