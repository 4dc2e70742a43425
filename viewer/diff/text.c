/* Two profiles side by side, for a terminal: what changed most, on one screen. */
#include "diff.h"

#include "viewer/format.h"
#include "viewer/held.h"
#include "viewer/text.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define NOISE 1000u       /* this part of the higher peak: what changed less is not listed */
#define NAME_WIDTH 40u    /* of a function */
#define FILE_WIDTH 36u    /* as in the report */
#define CHANGE_INDENT 36u /* of what follows the figures of a change */
#define SOURCE_COLUMN 74u /* where a line's text begins */

struct writer {
    const struct diff *diff;
    const struct diff_options *options;
    FILE *out;
    uint64_t noise;
};

/* "+1.00 GiB", "-320 MiB" */
static struct number signed_bytes(int64_t difference) {
    struct number number, bytes = format_bytes((uint64_t)llabs(difference));
    const char *sign = difference > 0 ? "+" : difference < 0 ? "-" : "";
    snprintf(number.text, sizeof number.text, "%s%.30s", sign, bytes.text);
    return number;
}

static struct number signed_percent(int64_t difference, uint64_t whole) {
    struct number number;
    snprintf(number.text, sizeof number.text, "%+.1f %%",
             100.0 * (double)difference / (double)whole);
    return number;
}

/* -- Head -- */

static void put_side(const struct writer *writer, enum diff_side number) {
    const struct side *side = &writer->diff->sides[number];
    const struct profile *profile = side->profile;
    size_t used = (size_t)fprintf(
        writer->out, "  %s %s at %s of %s: ", number == BEFORE ? "before:" : "after: ",
        format_bytes(side->model->bytes).text, format_time(side->model->time_ns).text,
        format_time(profile->duration_ns).text);
    used +=
        format_escaped(writer->out, text_short_file(writer->options->files[number], 30), "", 40);
    fputs(", ", writer->out);
    size_t room = writer->options->width > used + 22 ? writer->options->width - used - 2 : 20;
    text_put_command(writer->out, profile, profile->command, profile->command_count, room);
    fputc('\n', writer->out);
}

static void put_head(const struct writer *writer) {
    const struct diff *diff = writer->diff;
    uint64_t before = diff->sides[BEFORE].model->bytes, after = diff->sides[AFTER].model->bytes;
    fprintf(writer->out, "holdfast: peak %s, ", format_bytes(after).text);
    if (diff->difference == 0)
        fputs("as before", writer->out);
    else
        fprintf(writer->out, "%s %s than before",
                format_bytes((uint64_t)llabs(diff->difference)).text,
                diff->difference > 0 ? "more" : "less");
    if ((uint64_t)llabs(diff->difference) >= writer->noise && before > 0)
        fprintf(writer->out, " (%s)", signed_percent(diff->difference, before).text);
    fputc('\n', writer->out);
    put_side(writer, BEFORE);
    put_side(writer, AFTER);
}

static void put_kinds(const struct writer *writer) {
    static const char *const names[MODEL_KINDS] = {"heap", "Python objects", "mapped pages"};
    const struct diff *diff = writer->diff;
    unsigned shown = 0;
    for (unsigned kind = 0; kind < MODEL_KINDS; kind++) {
        int64_t difference = (int64_t)diff->kinds[AFTER][kind] - (int64_t)diff->kinds[BEFORE][kind];
        if (difference != 0)
            fprintf(writer->out, "%s%s %s", shown++ ? ", " : "  by kind: ", names[kind],
                    signed_bytes(difference).text);
    }
    if (shown > 0)
        fputc('\n', writer->out);
}

/* -- Lists of changes -- */

/* The figures that each change begins with; CHANGE_INDENT columns. */
static void put_figures(const struct writer *writer, uint64_t before, uint64_t after,
                        const char *state) {
    char sizes[80];
    bool both = before > 0 && after > 0;
    snprintf(sizes, sizeof sizes, "%s -> %s", format_bytes(before).text, format_bytes(after).text);
    fprintf(writer->out, "  %10s  %-22s", signed_bytes((int64_t)after - (int64_t)before).text,
            both ? sizes : state);
}

/* What a list does not show. */
struct rest {
    uint32_t count;
    int64_t difference;
    uint32_t same;
};

static void leave_out(struct rest *rest, int64_t difference) {
    rest->count += difference != 0;
    rest->same += difference == 0;
    rest->difference += difference;
}

static void put_rest(const struct writer *writer, const struct rest *rest, const char *what,
                     uint32_t shown) {
    if (rest->count > 0)
        fprintf(writer->out, "  %s%s changed by less%s, together %s\n", shown ? "and " : "",
                format_count(rest->count, what).text, shown ? "" : " than 0.1 % of the peak each",
                signed_bytes(rest->difference).text);
    else if (shown == 0)
        fprintf(writer->out, "  no %s changed\n", what);
}

static bool is_listed(const struct writer *writer, int64_t difference, uint32_t shown) {
    return (uint64_t)llabs(difference) >= writer->noise && shown < writer->options->limit;
}

/* -- Places -- */

static size_t put_function(FILE *out, const struct stack_frame *frame) {
    if (frame->kind == FRAME_NONE)
        return (size_t)fprintf(out, "no stack known");
    if (frame->kind == FRAME_THREAD)
        fputs("thread ", out);
    size_t used = frame->kind == FRAME_THREAD ? strlen("thread ") : 0;
    used += format_escaped(out, frame->function, "", NAME_WIDTH);
    if (frame->kind == FRAME_THREAD)
        return used;
    fputs(text_call_mark(frame->function), out);
    return used + strlen(text_call_mark(frame->function));
}

/* load() io.py:7 */
static size_t put_place(FILE *out, const struct side *side, const struct stack_frame *frame) {
    size_t used = put_function(out, frame);
    if (frame->kind != FRAME_PYTHON)
        return used;
    fputc(' ', out);
    used +=
        1 + format_escaped(out, text_short_file(place_file(&side->places, frame->file), FILE_WIDTH),
                           "", FILE_WIDTH + 4);
    return used + (size_t)(frame->line ? fprintf(out, ":%u", frame->line) : 0);
}

/* The line before, where it was another. */
static size_t put_moved(FILE *out, const struct stack_changes *changes,
                        const struct stack_change *change, const struct stack_frame *frame) {
    const struct stacks *before = changes->sides[BEFORE];
    if (change->records[BEFORE] == PAIR_NONE || change->records[AFTER] == PAIR_NONE)
        return 0;
    uint32_t line = before->frames[before->records[change->records[BEFORE]].frame].line;
    return line == frame->line ? 0 : (size_t)fprintf(out, " (was :%u)", line);
}

static void put_source(const struct writer *writer, const char *source, size_t used) {
    source += strspn(source, " \t");
    size_t column = used < SOURCE_COLUMN ? SOURCE_COLUMN : used + 2;
    if (!*source || column + 12 > writer->options->width)
        return;
    fprintf(writer->out, "%*s", (int)(column - used), "");
    format_escaped(writer->out, source, "", writer->options->width - column);
}

static void put_stack_change(const struct writer *writer, const struct stack_change *change) {
    const struct stack_changes *changes = &writer->diff->stacks[STACKS_PLACES];
    enum diff_side number = change->records[AFTER] != PAIR_NONE ? AFTER : BEFORE;
    const struct side *side = &writer->diff->sides[number];
    const struct stacks *stacks = changes->sides[number];
    const struct stack_frame *frame = change_frame(changes, change);
    put_figures(writer, change_bytes(changes, change, BEFORE), change_bytes(changes, change, AFTER),
                diff_state(change->records, change->difference));
    size_t used = CHANGE_INDENT + put_place(writer->out, side, frame);
    used += put_moved(writer->out, changes, change, frame);
    const struct stack_frame *caller = &stacks->frames[frame->parent];
    if (frame->parent > 0 && used + 20 < writer->options->width) {
        fputs(", in ", writer->out);
        used += 5 + put_function(writer->out, caller);
        used += (size_t)(caller->line ? fprintf(writer->out, ":%u", caller->line) : 0);
    }
    put_source(writer, frame->source, used);
    fputc('\n', writer->out);
}

static void put_places(const struct writer *writer) {
    const struct stack_changes *changes = &writer->diff->stacks[STACKS_PLACES];
    struct rest rest = {0};
    uint32_t shown = 0;
    fputs("\n  by place:\n", writer->out);
    for (uint32_t i = 0; i < changes->count; i++) {
        const struct stack_change *change = &changes->list[i];
        if (is_listed(writer, change->difference, shown)) {
            put_stack_change(writer, change);
            shown++;
        } else {
            leave_out(&rest, change->difference);
        }
    }
    put_rest(writer, &rest, "place", shown);
}

/* -- Processes -- */

static void put_process(const struct writer *writer, const struct process_change *change) {
    enum diff_side number = change->processes[AFTER] != PAIR_NONE ? AFTER : BEFORE;
    const struct profile *profile = writer->diff->sides[number].profile;
    const struct profile_process *process = &profile->processes[change->processes[number]];
    uint64_t bytes[2] = {0, 0};
    for (int side = BEFORE; side <= AFTER; side++)
        if (change->processes[side] != PAIR_NONE)
            bytes[side] =
                writer->diff->sides[side].profile->processes[change->processes[side]].tree_bytes;
    put_figures(writer, bytes[BEFORE], bytes[AFTER],
                diff_state(change->processes, change->difference));
    text_put_command(writer->out, profile, process->command, process->command_count,
                     writer->options->width - CHANGE_INDENT);
    fputc('\n', writer->out);
}

static int compare_processes(const void *left, const void *right) {
    const struct process_change *a = *(const struct process_change *const *)left,
                                *b = *(const struct process_change *const *)right;
    int64_t first = llabs(a->difference), second = llabs(b->difference);
    if (first != second)
        return first > second ? -1 : 1;
    return (a > b) - (a < b);
}

static bool put_processes(const struct writer *writer) {
    const struct diff *diff = writer->diff;
    const struct process_change **order = calloc((size_t)diff->process_count + 1, sizeof *order);
    struct rest rest = {0};
    uint32_t shown = 0;
    if (!order || diff->process_count < 2) {
        free(order);
        return order != NULL;
    }
    for (uint32_t i = 0; i < diff->process_count; i++)
        order[i] = &diff->processes[i];
    qsort(order, diff->process_count, sizeof *order, compare_processes);
    fputs("\n  by process:\n", writer->out);
    for (uint32_t i = 0; i < diff->process_count; i++) {
        if (is_listed(writer, order[i]->difference, shown)) {
            put_process(writer, order[i]);
            shown++;
        } else {
            leave_out(&rest, order[i]->difference);
        }
    }
    put_rest(writer, &rest, "process", shown);
    free(order);
    return true;
}

/* -- Holders -- */

static const char *verdict_words(enum verdict verdict) {
    static const char *const words[] = {[VERDICT_UNKNOWN] = "may be in use",
                                        [VERDICT_DEAD] = "never read again",
                                        [VERDICT_GARBAGE] = "garbage",
                                        [VERDICT_IN_USE] = "in use",
                                        [VERDICT_IDLE] = "idle"};
    return words[verdict];
}

/* The holder that stands for those of one fingerprint, as the report tells it. */
static void put_holder(const struct writer *writer, const struct side *side,
                       const struct held *held) {
    const struct holder holder = {
        .bytes = held->bytes,
        .count = (uint32_t)(held->objects < UINT32_MAX ? held->objects : UINT32_MAX),
        .type = held->type,
        .detail = held->objects > 1 ? "" : held->detail,
        .root = held->root,
        .name = held->name,
        .function = held->function,
        .file = held->file,
        .line = held->line,
        .path = held->path,
        .verdict = held->verdict};
    const struct text text = {.places = side->places};
    text_put_object(writer->out, &holder);
    fputs(", ", writer->out);
    if (held->root == HOLDER_NONE) {
        const struct stack_frame frame = {.kind = *held->file       ? FRAME_PYTHON
                                                  : *held->function ? FRAME_THREAD
                                                                    : FRAME_NONE,
                                          .function = held->function,
                                          .file = held->file,
                                          .line = held->line};
        fputs("allocated at ", writer->out);
        put_place(writer->out, side, &frame);
        return;
    }
    text_put_root(&text, writer->out, &holder);
    fprintf(writer->out, ", %s", verdict_words(held->verdict));
}

/* In one piece, to be wrapped. */
static bool put_holder_change(const struct writer *writer, const struct holder_change *change) {
    enum diff_side number = change->held[AFTER] != PAIR_NONE ? AFTER : BEFORE;
    const struct side *side = &writer->diff->sides[number];
    const struct held *held = &side->held[change->held[number]];
    uint64_t bytes[2];
    char *line = NULL;
    size_t size = 0;
    for (int at = BEFORE; at <= AFTER; at++)
        bytes[at] = change->held[at] == PAIR_NONE
                        ? 0
                        : writer->diff->sides[at].held[change->held[at]].bytes;
    FILE *out = open_memstream(&line, &size);
    if (!out)
        return false;
    const struct writer inner = {writer->diff, writer->options, out, writer->noise};
    put_holder(&inner, side, held);
    if (side->profile->process_count > 1)
        fprintf(out, ", in process %u", side->profile->processes[held->process].pid);
    bool good = fclose(out) == 0;
    if (good) {
        struct text text = {.out = writer->out, .width = writer->options->width, .left = UINT_MAX};
        put_figures(writer, bytes[BEFORE], bytes[AFTER],
                    diff_state(change->held, change->difference));
        text_wrap(&text, CHANGE_INDENT, CHANGE_INDENT, line);
    }
    free(line);
    return good;
}

static bool put_holders(const struct writer *writer) {
    const struct diff *diff = writer->diff;
    struct rest rest = {0};
    uint32_t shown = 0;
    if (diff->holder_count == 0)
        return true;
    fputs("\n  by holder, at the peak of its process:\n", writer->out);
    for (uint32_t i = 0; i < diff->holder_count; i++) {
        const struct holder_change *change = &diff->holders[i];
        if (!is_listed(writer, change->difference, shown)) {
            leave_out(&rest, change->difference);
            continue;
        }
        if (!put_holder_change(writer, change))
            return false;
        shown++;
    }
    put_rest(writer, &rest, "holder", shown);
    return true;
}

/* What holds memory can only be compared where it was seen. */
static void put_far_snapshots(const struct writer *writer) {
    for (int number = BEFORE; number <= AFTER; number++) {
        const struct side *side = &writer->diff->sides[number];
        for (uint32_t i = 0; i < side->profile->process_count; i++) {
            const struct held_figures *figures = &side->figures[i];
            uint64_t peak = side->profile->processes[i].peak_bytes;
            if (figures->far_from_peak && peak >= side->model->bytes / 10 &&
                figures->snapshot_bytes < peak)
                fprintf(writer->out,
                        "  %s references of process %u were seen at %s, %s below its peak\n",
                        number == BEFORE ? "before:" : "after:", side->profile->processes[i].pid,
                        format_bytes(figures->snapshot_bytes).text,
                        format_percent(peak - figures->snapshot_bytes, peak).text);
        }
    }
}

/* Of all processes together, each at its own peak. */
static void put_idle(const struct writer *writer) {
    uint64_t dead[2] = {0}, garbage[2] = {0};
    for (int side = BEFORE; side <= AFTER; side++)
        for (uint32_t i = 0; i < writer->diff->sides[side].profile->process_count; i++) {
            const struct held_figures *figures = &writer->diff->sides[side].figures[i];
            dead[side] += figures->known ? figures->dead_bytes : 0;
            garbage[side] += figures->known ? figures->garbage_bytes : 0;
        }
    if (dead[BEFORE] + dead[AFTER] + garbage[BEFORE] + garbage[AFTER] < writer->noise)
        return;
    fprintf(writer->out, "  never read again: %s -> %s", format_bytes(dead[BEFORE]).text,
            format_bytes(dead[AFTER]).text);
    fprintf(writer->out, "; garbage: %s -> %s\n", format_bytes(garbage[BEFORE]).text,
            format_bytes(garbage[AFTER]).text);
}

bool diff_text(const struct diff *diff, const struct diff_options *options, FILE *out) {
    uint64_t before = diff->sides[BEFORE].model->bytes, after = diff->sides[AFTER].model->bytes;
    struct diff_options wide = *options;
    wide.width = options->width < 80 ? 80 : options->width;
    const struct writer writer = {.diff = diff,
                                  .options = &wide,
                                  .out = out,
                                  .noise = (before > after ? before : after) / NOISE + 1};
    put_head(&writer);
    put_kinds(&writer);
    put_places(&writer);
    bool good = put_processes(&writer) && put_holders(&writer);
    put_idle(&writer);
    put_far_snapshots(&writer);
    return good && !ferror(out);
}
