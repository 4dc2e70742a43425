/* The report for a terminal: what a person with a memory problem wants to know first, on one
 * screen.
 */
#include "format.h"
#include "model.h"
#include "places.h"
#include "report.h"

#include <stdlib.h>
#include <string.h>

#define FRAME_COLUMN 46u /* where source text begins, in a site's stack */
#define SMALL_PERCENT 1u /* what is smaller is not worth a line */
#define MAX_PROCESSES 5u
#define MAX_WARNINGS 3u

struct text {
    const struct model *model;
    struct places places;
    FILE *out;
    unsigned width;
    unsigned left;        /* lines that may still be used */
    unsigned stack_lines; /* of one site, at most */
    bool airy; /* the whole report, with empty lines between its parts; not the short summary */
};

static void line_end(struct text *text) {
    fputc('\n', text->out);
    if (text->left > 0)
        text->left--;
}

static void gap(struct text *text) {
    if (text->airy)
        line_end(text);
}

static void put_command(FILE *out, const struct profile *profile, const string_id *words,
                        uint32_t count, size_t width) {
    char *line = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&line, &size);
    if (!stream)
        return;
    for (uint32_t i = 0; i < count && ftell(stream) < 4096; i++) {
        fputs(i ? " " : "", stream);
        format_word(stream, profile->strings[words[i]]);
    }
    if (fclose(stream) == 0)
        format_escaped(out, line, "", width);
    free(line);
}

static void put_exit(FILE *out, bool known, int32_t status, int32_t signal) {
    if (!known)
        fputs("exit status unknown", out);
    else if (signal != 0)
        fprintf(out, "killed by signal %d (%s)", signal, strsignal(signal));
    else
        fprintf(out, "exit status %d", status);
}

static void put_python(struct text *text) {
    const struct profile *profile = text->model->profile;
    const char *shown = NULL;
    bool several = false;
    for (uint32_t i = 0; i < profile->process_count; i++) {
        const char *version = profile->strings[profile->processes[i].python];
        bool meant = text->model->process == PROFILE_TREE || text->model->process == i;
        if (!meant || !*version)
            continue;
        several |= shown && strcmp(shown, version) != 0;
        shown = shown ? shown : version;
    }
    if (shown) {
        fputs(", Python ", text->out);
        format_escaped(text->out, shown, "", 20);
        fputs(several ? " and others" : "", text->out);
    }
}

static void put_headline(struct text *text) {
    const struct model *model = text->model;
    if (model->bytes == 0) {
        fputs("holdfast: no allocation was traced", text->out);
    } else {
        fprintf(text->out, "holdfast: peak %s at %s", format_bytes(model->bytes).text,
                format_time(model->time_ns).text);
        if (model->rss > 0)
            fprintf(text->out, " (RSS %s)", format_bytes(model->rss).text);
    }
    line_end(text);
}

static void put_tree_head(struct text *text) {
    const struct profile *profile = text->model->profile;
    fputs("  ", text->out);
    put_command(text->out, profile, profile->command, profile->command_count, text->width - 2);
    line_end(text);
    fputs("  ", text->out);
    put_exit(text->out, true, profile->exit_status, profile->exit_signal);
    fprintf(text->out, " after %s", format_time(profile->duration_ns).text);
}

static void put_process_head(struct text *text, const struct profile_process *process) {
    const struct profile *profile = text->model->profile;
    fputs("  ", text->out);
    put_command(text->out, profile, process->command, process->command_count, text->width - 2);
    line_end(text);
    fprintf(text->out, "  process %u, ", process->pid);
    if (process->flags & PROCESS_RUNNING)
        fputs("still running", text->out);
    else
        put_exit(text->out, process->flags & PROCESS_HAS_STATUS, process->exit_status,
                 process->exit_signal);
    fprintf(text->out, " after %s", format_time(process->end_ns - process->start_ns).text);
}

static void put_head(struct text *text) {
    const struct model *model = text->model;
    put_headline(text);
    if (model->process == PROFILE_TREE)
        put_tree_head(text);
    else
        put_process_head(text, &model->profile->processes[model->process]);
    put_python(text);
    line_end(text);
    gap(text);
}

/* A site's stack, innermost frame first, ready to be shown: a frame, or several as one. */
struct item {
    uint32_t frame; /* the innermost one */
    uint32_t count; /* 1: shown by itself */
    bool library;
};

struct stack {
    struct item *items;
    uint32_t count;
};

static bool stack_read(const struct model *model, uint32_t frame, struct stack *stack) {
    bool all_library = true;
    stack->items = calloc((size_t)model_depth(model, frame) + 1, sizeof *stack->items);
    stack->count = 0;
    for (uint32_t at = frame; at > 0 && all_library; at = model->frames[at].parent)
        all_library =
            frame_is_library(&model->frames[at]) || model->frames[at].kind == FRAME_PROCESS;
    for (; stack->items && frame > 0; frame = model->frames[frame].parent) {
        bool library = !all_library && frame_is_library(&model->frames[frame]);
        struct item *last = stack->count ? &stack->items[stack->count - 1] : NULL;
        if (model->frames[frame].kind == FRAME_PROCESS)
            break;
        if (last && last->library && library)
            last->count++;
        else
            stack->items[stack->count++] = (struct item){frame, 1, library};
    }
    return stack->items != NULL;
}

/* Leaves `limit` items: the innermost ones, one for all that is left out, and the outermost. */
static void stack_shorten(struct stack *stack, uint32_t limit) {
    if (stack->count <= limit || limit < 3)
        return;
    struct item *middle = &stack->items[limit - 2];
    for (uint32_t i = limit - 1; i + 1 < stack->count; i++)
        middle->count += stack->items[i].count;
    middle->library = false;
    stack->items[limit - 1] = stack->items[stack->count - 1];
    stack->count = limit;
}

static const char *call_mark(const char *function) {
    return *function == '<' ? "" : "()";
}

static size_t put_name(FILE *out, const struct model_frame *frame, size_t width) {
    if (frame->kind == FRAME_NONE)
        return (size_t)fprintf(out, "no stack known");
    if (frame->kind == FRAME_THREAD) {
        size_t used = (size_t)fprintf(out, "thread \"");
        used += format_escaped(out, frame->function, "\"", width);
        fputc('"', out);
        return used + 1;
    }
    size_t used = format_escaped(out, frame->function, "", width);
    fputs(call_mark(frame->function), out);
    return used + strlen(call_mark(frame->function));
}

/* The end of a long file name says more than its beginning. */
static const char *short_file(const char *file, size_t width) {
    size_t length = strlen(file);
    const char *cut = file;
    while (length > width && (cut = strchr(cut, '/')) != NULL) {
        cut++;
        length = strlen(cut);
        file = cut;
    }
    return file;
}

static void put_frame(struct text *text, uint32_t number) {
    const struct model_frame *frame = &text->model->frames[number];
    fputs("      ", text->out);
    size_t used = 6 + put_name(text->out, frame, 40);
    if (frame->kind == FRAME_PYTHON) {
        fputc(' ', text->out);
        used +=
            1 + format_escaped(text->out, short_file(frame_file(&text->places, frame), 36), "", 40);
        used += (size_t)(frame->line ? fprintf(text->out, ":%u", frame->line) : 0);
    }
    const char *source = frame->source + strspn(frame->source, " \t");
    size_t column = used < FRAME_COLUMN ? FRAME_COLUMN : used + 2;
    if (*source && column + 12 < text->width) {
        fprintf(text->out, "%*s", (int)(column - used), "");
        format_escaped(text->out, source, "", text->width - column);
    }
    line_end(text);
}

/* The frame whose package names a fold: the outermost one, which the reader's own line called; but
 * not the import system's, through which every package is entered. */
static uint32_t fold_namesake(const struct model *model, const struct item *item) {
    uint32_t frame = item->frame, best = item->frame;
    for (uint32_t i = 0; i < item->count; i++, frame = model->frames[frame].parent)
        if (strncmp(model->frames[frame].file, "<frozen importlib", 17) != 0)
            best = frame;
    return best;
}

/* "... 12 frames in pandas ..." */
static void put_fold(struct text *text, const struct item *item) {
    fprintf(text->out, "      ... %s", format_count(item->count, "frame").text);
    if (item->library) {
        size_t length;
        char package[32];
        uint32_t frame = fold_namesake(text->model, item);
        const char *name = frame_package(&text->model->frames[frame], &length);
        snprintf(package, sizeof package, "%.*s", (int)(length < 31 ? length : 31), name);
        fputs(" in ", text->out);
        format_escaped(text->out, package, "", 0);
    }
    fputs(" ...", text->out);
    line_end(text);
}

/* The kinds that matter: a hundredth of the place at least. */
static void put_kinds(FILE *out, const struct place *place) {
    static const char *const names[MODEL_KINDS] = {"heap", "Python objects", "mapped pages"};
    const char *shown[MODEL_KINDS];
    unsigned count = 0;
    for (unsigned kind = 0; kind < MODEL_KINDS; kind++)
        if (place->kinds[kind] > place->bytes / 100)
            shown[count++] = names[kind];
    for (unsigned i = 0; i < count; i++)
        fprintf(out, "%s%s", i == 0 || i + 1 < count ? ", " : " and ", shown[i]);
}

static void put_place_head(struct text *text, const struct place *place) {
    const struct model *model = text->model;
    fprintf(text->out, "  %10s %7s  %s", format_bytes(place->bytes).text,
            format_percent(place->bytes, model->bytes).text,
            format_count(place->blocks, "block").text);
    put_kinds(text->out, place);
    if (place->processes > 1)
        fprintf(text->out, ", in %u processes", place->processes);
    else if (model->frames[model->frames[0].end > 1 ? 1 : 0].kind == FRAME_PROCESS)
        fprintf(text->out, ", in %u",
                model->profile->processes[model->sites[place->lead].process].pid);
    if (place->stacks > place->processes)
        fprintf(text->out, "; the biggest of %s", format_count(place->stacks, "stack").text);
    line_end(text);
}

static void put_place(struct text *text, const struct place *place, const struct stack *stack) {
    put_place_head(text, place);
    for (uint32_t i = 0; i < stack->count; i++) {
        if (stack->items[i].count == 1)
            put_frame(text, stack->items[i].frame);
        else
            put_fold(text, &stack->items[i]);
    }
}

static void put_other_places(struct text *text, uint32_t shown, uint64_t bytes) {
    uint32_t others = text->places.count - shown;
    if (others == 0)
        return;
    fprintf(text->out, "  and %s, together %s", format_count(others, "other place").text,
            format_bytes(bytes).text);
    line_end(text);
}

/* The biggest places, as many as there is room for; one at least. `reserve` lines stay free. */
static bool put_places(struct text *text, unsigned reserve) {
    const struct model *model = text->model;
    uint64_t rest = model->bytes;
    uint32_t shown = 0;
    for (; shown < text->places.count; shown++) {
        const struct place *place = &text->places.list[shown];
        struct stack stack;
        if (shown > 0 &&
            (place->bytes < model->bytes / 100 * SMALL_PERCENT || text->left <= reserve))
            break;
        if (!stack_read(model, model->sites[place->lead].frame, &stack))
            return false;
        stack_shorten(&stack, text->stack_lines);
        /* the place's own line, and the one about the others */
        bool fits = shown == 0 || text->left >= reserve + stack.count + 2;
        if (fits) {
            put_place(text, place, &stack);
            rest -= place->bytes;
        }
        free(stack.items);
        if (!fits)
            break;
    }
    put_other_places(text, shown, rest);
    return true;
}

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
    put_command(text->out, profile, process->command, process->command_count,
                room > 8 ? (size_t)room : 8);
    fputs(peak, text->out);
    line_end(text);
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
    line_end(text);
}

static void list_processes(struct text *text, const uint32_t *order, uint32_t limit) {
    const struct profile *profile = text->model->profile;
    uint32_t others = 0, shown = 0;
    uint64_t together = 0;
    fprintf(text->out, "  %s, as they were at that moment:",
            format_count(profile->process_count, "process image").text);
    line_end(text);
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

static bool put_processes(struct text *text, uint32_t limit) {
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
    list_processes(text, order, limit);
    gap(text);
    free(order);
    return true;
}

/* Sums over the processes that the report is about. */
struct sums {
    uint64_t arena, reserved, file, shared, wait_ns, waits, dropped, truncated;
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
        line_end(text);
    if (sums->arena > 0) {
        fprintf(text->out,
                "  Python's arenas took %s at most; the objects in them are counted, not they",
                format_bytes(sums->arena).text);
        line_end(text);
    }
}

/* Waits of less than a twentieth of the run are no news at its end. */
static void put_waits(struct text *text, const struct sums *sums) {
    uint64_t worth = text->airy ? 1 : text->model->profile->duration_ns / 20;
    if (sums->wait_ns == 0 || sums->wait_ns < worth)
        return;
    fprintf(text->out, "  the program waited %s for the tracer, in %s",
            format_time(sums->wait_ns).text, format_count(sums->waits, "pause").text);
    line_end(text);
}

static void put_warning(struct text *text, const char *subject, const char *rest) {
    fprintf(text->out, "  warning: %s %s", subject, rest);
    line_end(text);
}

static void put_run_warnings(struct text *text) {
    const struct profile *profile = text->model->profile;
    for (uint32_t i = 0; i < profile->warning_count && i < MAX_WARNINGS; i++) {
        fputs("  warning: ", text->out);
        format_escaped(text->out, profile->strings[profile->warnings[i]], "", text->width - 11);
        line_end(text);
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

/* Parts behind the places are written first, to know how many lines they take. */
static bool write_tail(struct text *text, char **tail, unsigned *lines) {
    size_t size = 0;
    FILE *out = text->out;
    unsigned before = text->left;
    struct sums sums = sum_processes(text->model);
    text->out = open_memstream(tail, &size);
    if (!text->out) {
        text->out = out;
        return false;
    }
    if (text->airy)
        put_apart(text, &sums);
    put_waits(text, &sums);
    put_warnings(text, &sums);
    bool good = fclose(text->out) == 0;
    text->out = out;
    *lines = before - text->left;
    text->left = before;
    return good;
}

static bool write_text(struct text *text, unsigned processes) {
    char *tail = NULL;
    unsigned lines = 0;
    put_head(text);
    bool good = put_processes(text, processes) && write_tail(text, &tail, &lines) &&
                put_places(text, lines + (text->airy && lines > 0));
    if (good && lines > 0) {
        gap(text);
        fputs(tail, text->out);
    }
    free(tail);
    return good;
}

static bool text_report(const struct profile *profile, const struct report_options *options,
                        struct text *text, FILE *out) {
    struct model *model = model_build(profile, options->process);
    if (!model)
        return false;
    text->model = model;
    text->out = out;
    text->width = options->width < 60 ? 60 : options->width;
    text->left = options->lines;
    bool good =
        places_find(model, &text->places) && write_text(text, text->airy ? MAX_PROCESSES : 3);
    places_release(&text->places);
    model_free(model);
    return good && !ferror(out);
}

bool report_text(const struct profile *profile, const struct report_options *options, FILE *out) {
    struct text text = {.stack_lines = 6, .airy = true};
    return text_report(profile, options, &text, out);
}

int report_summary(const char *path, FILE *out) {
    struct profile_error error;
    struct profile *profile = profile_read(path, &error);
    if (!profile) {
        fprintf(out, "holdfast: %s\n", error.text);
        return 2;
    }
    const struct report_options options = {PROFILE_TREE, REPORT_WIDTH, 19};
    struct text text = {.stack_lines = 4};
    bool good = text_report(profile, &options, &text, out);
    if (!good)
        fputs("holdfast: out of memory for the summary\n", out);
    fputs("  profile: ", out);
    format_word(out, path);
    fputs("; see more with: holdfast report --format html ", out);
    format_word(out, path);
    fputc('\n', out);
    profile_free(profile);
    return good ? 0 : 2;
}
