/* The processes of a tree, in the text report: what each held at the tree's peak. */
#include "format.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

/* Processes in the order in which they are shown. */
static int compare_processes(const void *left, const void *right, void *context) {
    const struct profile *profile = context;
    uint32_t i = *(const uint32_t *)left, j = *(const uint32_t *)right;
    const struct profile_process *a = &profile->processes[i], *b = &profile->processes[j];
    if (a->tree_bytes != b->tree_bytes)
        return a->tree_bytes > b->tree_bytes ? -1 : 1;
    if (a->peak_bytes != b->peak_bytes)
        return a->peak_bytes > b->peak_bytes ? -1 : 1;
    return (i > j) - (i < j);
}

static void put_process(struct text *text, const struct profile_process *process) {
    const struct profile *profile = text->model->profile;
    char peak[96];
    int tail = snprintf(peak, sizeof peak, "   own peak %s at %s",
                        format_bytes(process->peak_bytes).text, format_time(process->peak_ns).text);
    int used = fprintf(text->out, "  %10s %7s  %u ", format_bytes(process->tree_bytes).text,
                       format_percent(process->tree_bytes, text->model->bytes).text, process->pid);
    int room = (int)text->width - tail - used;
    text_put_command(text->out, profile, process->command, process->command_count,
                     room > 8 ? (size_t)room : 8);
    fputs(peak, text->out);
    text_line_end(text);
}

/* Worth a line of its own: a good part of the peak, or once nearly as big by itself. */
static bool process_is_big(const struct text *text, const struct profile_process *process) {
    uint64_t peak = text->model->bytes;
    return process->tree_bytes > peak / 100 * SMALL_PERCENT || process->peak_bytes > peak / 4;
}

static void put_other_processes(struct text *text, uint32_t others, uint64_t bytes) {
    if (others == 0)
        return;
    fprintf(text->out, "  and %s, ", format_count(others, "other").text);
    if (bytes > 0)
        fprintf(text->out, "together %s", format_bytes(bytes).text);
    else
        fputs("which held nothing then", text->out);
    text_line_end(text);
}

static void list_processes(struct text *text, const uint32_t *order, uint32_t limit) {
    const struct profile *profile = text->model->profile;
    uint32_t others = 0, shown = 0;
    uint64_t together = 0;
    fprintf(text->out, "  %s, as they were at that moment:",
            format_count(profile->process_count, "process image").text);
    text_line_end(text);
    for (uint32_t i = 0; i < profile->process_count; i++) {
        const struct profile_process *process = &profile->processes[order[i]];
        if (shown < limit && process_is_big(text, process)) {
            put_process(text, process);
            shown++;
        } else {
            others++;
            together += process->tree_bytes;
        }
    }
    put_other_processes(text, others, together);
}

bool text_put_processes(struct text *text) {
    const struct profile *profile = text->model->profile;
    if (profile->process_count < 2 || text->model->process != PROFILE_TREE)
        return true;
    uint32_t *order = malloc(profile->process_count * sizeof *order);
    if (!order)
        return false;
    for (uint32_t i = 0; i < profile->process_count; i++)
        order[i] = i;
    qsort_r(order, profile->process_count, sizeof *order, compare_processes,
            (void *)(uintptr_t)profile);
    list_processes(text, order, text->processes);
    text_gap(text);
    free(order);
    return true;
}
