/* The report for a terminal: what a person with a memory problem wants to know first, on one
 * screen.
 */
#include "text.h"

#include "format.h"
#include "held.h"
#include "libraries.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#define LIBRARIES_SHOWN 6u

void text_line_end(struct text *text) {
    fputc('\n', text->out);
    if (text->left > 0)
        text->left--;
}

void text_gap(struct text *text) {
    if (text->airy)
        text_line_end(text);
}

bool text_part_begin(struct text *text, struct part *part) {
    *part = (struct part){.out = text->out, .left = text->left};
    text->out = open_memstream(&part->text, &part->size);
    text->left = UINT_MAX;
    if (text->out)
        return true;
    text->out = part->out;
    text->left = part->left;
    return false;
}

bool text_part_end(struct text *text, struct part *part) {
    bool good = fclose(text->out) == 0;
    part->lines = UINT_MAX - text->left;
    text->out = part->out;
    text->left = part->left;
    return good;
}

void text_put_part(struct text *text, struct part *part) {
    fputs(part->text, text->out);
    text->left -= part->lines < text->left ? part->lines : text->left;
    text_drop_part(part);
}

void text_drop_part(struct part *part) {
    free(part->text);
    *part = (struct part){0};
}

/* A figure stays with its unit, and what is in brackets with what it belongs to. */
static bool may_break(const char *line, size_t at) {
    bool figure = at > 0 && line[at - 1] >= '0' && line[at - 1] <= '9';
    bool unit = line[at] && line[at + 1] && strchr("KMGTPE%", line[at + 1]);
    return line[at] == ' ' && line[at + 1] != '[' && !(figure && unit);
}

/* The part of `line` that fits `room` columns: up to a space if there is one, up to all of it. */
static size_t fitting(const char *line, size_t room) {
    size_t length = 0, space = 0;
    for (size_t columns = 0; line[length] && columns < room; columns++) {
        bool unsafe;
        if (may_break(line, length))
            space = length;
        length += format_character(line + length, &unsafe);
    }
    if (!line[length] || may_break(line, length))
        return length;
    return space > 0 ? space : length;
}

void text_wrap(struct text *text, size_t column, size_t indent, const char *line) {
    while (*line) {
        size_t room = text->width > column + 8 ? text->width - column : 8;
        size_t length = fitting(line, room);
        fwrite(line, 1, length, text->out);
        line += length + strspn(line + length, " ");
        text_line_end(text);
        if (*line)
            fprintf(text->out, "%*s", (int)indent, "");
        column = indent;
    }
}

void text_put_command(FILE *out, const struct profile *profile, const string_id *words,
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

const char *text_short_file(const char *file, size_t width) {
    size_t length = strlen(file);
    const char *cut = file;
    while (length > width && (cut = strchr(cut, '/')) != NULL) {
        cut++;
        length = strlen(cut);
        file = cut;
    }
    return file;
}

const char *text_call_mark(const char *function) {
    return *function == '<' ? "" : "()";
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
        format_escaped(text->out, shown, "", 40);
        fputs(several ? " and others" : "", text->out);
    }
}

static void put_headline(struct text *text) {
    const struct model *model = text->model;
    if (model->bytes == 0) {
        fputs("holdfast: no allocation was traced", text->out);
    } else {
        fputs("holdfast: ", text->out);
        if (text->options->region) {
            fputs("region ", text->out);
            format_escaped(text->out, text->options->region, "", 80);
            fputs(": ", text->out);
        }
        fprintf(text->out, "peak %s at %s", format_bytes(model->bytes).text,
                format_time(model->time_ns).text);
        if (model->rss > 0)
            fprintf(text->out, " (RSS %s)", format_bytes(model->rss).text);
    }
    text_line_end(text);
}

static void put_tree_head(struct text *text) {
    const struct profile *profile = text->model->profile;
    fputs("  ", text->out);
    text_put_command(text->out, profile, profile->command, profile->command_count, text->width - 2);
    text_line_end(text);
    fputs("  ", text->out);
    if (held_is_running(profile))
        fputs("still running", text->out);
    else
        put_exit(text->out, true, profile->exit_status, profile->exit_signal);
    fprintf(text->out, " after %s", format_time(profile->duration_ns).text);
}

static void put_process_head(struct text *text, const struct profile_process *process) {
    const struct profile *profile = text->model->profile;
    fputs("  ", text->out);
    text_put_command(text->out, profile, process->command, process->command_count, text->width - 2);
    text_line_end(text);
    fprintf(text->out, "  process %u, ", process->pid);
    if (process->flags & PROCESS_RUNNING)
        fputs("still running", text->out);
    else
        put_exit(text->out, process->flags & PROCESS_HAS_STATUS, process->exit_status,
                 process->exit_signal);
    fprintf(text->out, " after %s", format_time(process->end_ns - process->start_ns).text);
}

/* As many as fit into a line, the biggest first. */
static void put_libraries(struct text *text) {
    uint32_t count, shown = 0;
    const struct model *model = text->model;
    const struct profile_library *rows = libraries_of(model->profile, model->process, &count);
    size_t used = 0;
    for (; shown < count && shown < LIBRARIES_SHOWN; shown++) {
        const struct profile_library *row = &rows[shown];
        if (shown > 0 && used + strlen(row->name) + 40 > text->width)
            break;
        used += (size_t)fprintf(text->out, shown ? ", " : "  taken in ");
        used += strlen(row->name);
        format_escaped(text->out, row->name, "", 0);
        used += (size_t)fprintf(text->out, " %s", format_bytes(row->bytes).text);
    }
    if (shown < count)
        fprintf(text->out, " and %u more", count - shown);
    if (count > 0)
        text_line_end(text);
}

static void put_head(struct text *text) {
    const struct model *model = text->model;
    put_headline(text);
    if (model->process == PROFILE_TREE)
        put_tree_head(text);
    else
        put_process_head(text, &model->profile->processes[model->process]);
    put_python(text);
    text_line_end(text);
    put_libraries(text);
    text_gap(text);
}

static bool write_text(struct text *text) {
    struct part notes;
    put_head(text);
    if (!text_put_processes(text) || !text_part_begin(text, &notes))
        return false;
    text_put_notes(text);
    bool good = text_part_end(text, &notes) && text_put_regions(text) && text_put_leaks(text);
    unsigned reserve = notes.lines + (text->airy && notes.lines > 0);
    good = good && text_put_held(text, reserve + text->reserved_lines) &&
           text_put_places(text, reserve);
    if (good && notes.lines > 0) {
        text_gap(text);
        text_put_part(text, &notes);
    }
    text_drop_part(&notes);
    return good;
}

static bool text_report(const struct profile *profile, const struct report_options *options,
                        struct text *text, FILE *out) {
    struct model *model = model_build(profile, options->process);
    if (!model)
        return false;
    text->options = options;
    text->model = model;
    text->findings = held_open(profile, options, held_process(profile, options));
    text->out = out;
    text->width = options->width < 60 ? 60 : options->width;
    text->left = options->lines;
    bool good = places_find(model, &text->places) && write_text(text);
    places_release(&text->places);
    held_close(options, text->findings);
    model_free(model);
    return good && !ferror(out);
}

bool report_text(const struct profile *profile, const struct report_options *options, FILE *out) {
    if (options->about != REPORT_PEAK)
        return report_turnover(profile, options, out);
    struct text text = {
        .processes = 5, .holders = 8, .stack_lines = 6, .reserved_lines = 14, .airy = true};
    return text_report(profile, options, &text, out);
}

bool report_brief(const struct profile *profile, const struct report_options *options, FILE *out) {
    struct text text = {.processes = 3, .holders = 4, .stack_lines = 4, .reserved_lines = 7};
    return text_report(profile, options, &text, out);
}

unsigned report_width(FILE *out) {
    struct winsize size;
    int fd = fileno(out);
    if (fd < 0 || ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return REPORT_WIDTH;
    return size.ws_col < 160 ? size.ws_col : 160;
}
