/* Who held the memory, in the text report: a line or two for each big object, and the ways out for
 * what is dead.
 *
 * Lines are put together from pieces that have been made harmless and cut each by itself, so that
 * no name, however long, pushes the verdict or the figures out of sight; then they are wrapped.
 */
#include "format.h"
#include "held.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

#define MAX_SHOWN 8u
#define MAX_ADVICE 3u
#define INDENT 12u      /* of what follows a holder's first line: behind the bytes */
#define NAME_WIDTH 40u  /* of a variable or function */
#define FILE_WIDTH 36u  /* as in the stacks of places */
#define TYPE_WIDTH 60u  /* of a type, and of what is told of the object */
#define WORDS_WIDTH 90u /* of a path, a reason, other holders */
#define FAR_PERCENT 10u

/* A line in the making. */
struct line {
    char *text;
    size_t size;
    FILE *out;
};

static bool line_begin(struct line *line) {
    *line = (struct line){0};
    line->out = open_memstream(&line->text, &line->size);
    return line->out != NULL;
}

static bool line_end(struct line *line) {
    return fclose(line->out) == 0;
}

static size_t count_columns(const char *text) {
    size_t columns = 0;
    for (bool unsafe; *text; columns++)
        text += format_character(text, &unsafe);
    return columns;
}

/* Ends the line and writes it, wrapped, behind `column` columns that are there already. */
static bool put_line(struct text *text, struct line *line, size_t column) {
    bool good = line_end(line);
    if (good)
        text_wrap(text, column, INDENT, line->text);
    free(line->text);
    return good;
}

/* process_data(), article.py:8 */
static void put_position(const struct text *text, FILE *out, const char *function, const char *file,
                         uint32_t line) {
    format_escaped(out, function, "", NAME_WIDTH);
    fputs(text_call_mark(function), out);
    if (!*file)
        return;
    fputs(", ", out);
    format_escaped(out, text_short_file(place_file(&text->places, file), FILE_WIDTH), "",
                   NAME_WIDTH);
    if (line > 0)
        fprintf(out, ":%u", line);
}

void text_put_node(const struct text *text, FILE *out, uint32_t node) {
    struct model_frame frame = held_place(text->model->profile, node);
    if (frame.kind == FRAME_PYTHON) {
        put_position(text, out, frame.function, frame.file, frame.line);
    } else if (frame.kind == FRAME_THREAD) {
        fputs("thread \"", out);
        format_escaped(out, frame.function, "\"", NAME_WIDTH);
        fputc('"', out);
    } else {
        fputs("a place that is not known", out);
    }
}

void text_put_object(FILE *out, const struct holder *holder) {
    if (holder->count > 1)
        fprintf(out, "%s ", format_count(holder->count, "").text);
    if (*holder->type)
        format_escaped(out, holder->type, "", TYPE_WIDTH);
    if (holder->count > 1 && strcmp(holder->type, "bytes") == 0)
        fputs(" objects", out); /* no size */
    if (!*holder->type)
        fputs("memory without a known owner", out);
    if (*holder->detail) {
        fputc(' ', out);
        format_escaped(out, holder->detail, "", TYPE_WIDTH);
    }
}

/* The variable itself holds the object, and not something that it leads to. */
static bool is_direct(const struct holder *holder) {
    size_t length = strlen(holder->name);
    return holder->root == HOLDER_LOCAL && length > 0 && *holder->function &&
           strncmp(holder->path, holder->name, length) == 0 &&
           (holder->path[length] == 0 || strncmp(holder->path + length, " in ", 4) == 0);
}

void text_put_root(const struct text *text, FILE *out, const struct holder *holder) {
    fputs(holder->count > 1 ? "under " : "held by ", out);
    if (is_direct(holder)) {
        fputs("local `", out);
        format_escaped(out, holder->name, "`", NAME_WIDTH);
        fputs("` in ", out);
        put_position(text, out, holder->function, holder->file, holder->line);
    } else if (*holder->path) {
        format_escaped(out, holder->path, "", WORDS_WIDTH);
    } else {
        fputs(holder_root_names[holder->root], out);
        fputs(*holder->name ? " " : "", out);
        format_escaped(out, holder->name, "", NAME_WIDTH);
    }
}

static void put_who(const struct text *text, FILE *out, const struct holder *holder) {
    if (holder->root == HOLDER_NONE) {
        fputs("allocated at ", out);
        text_put_node(text, out, holder->node);
        return;
    }
    if (holder->verdict == VERDICT_GARBAGE) {
        fputs("garbage: nothing refers to it but a cycle", out);
        return;
    }
    text_put_root(text, out, holder);
    if (holder->verdict == VERDICT_IN_USE)
        fputs(", in use", out);
    else if (holder->verdict == VERDICT_IDLE)
        fputs(", idle", out);
    else if (holder->verdict == VERDICT_UNKNOWN)
        fputs(", may be in use", out);
}

static void put_peak_without(FILE *out, struct peak_without peak) {
    fputs("the peak would be ", out);
    if (!held_is_near(peak.least, peak.most))
        fprintf(out, "%s to ", format_bytes(peak.least).text);
    fputs(format_bytes(peak.most).text, out);
}

/* What letting go would do. */
static void put_effect(const struct text *text, FILE *out, const struct holder *holder) {
    uint64_t peak = held_peak(text->model->profile, text->findings);
    struct peak_without without = holder_if_released(holder, peak);
    char all[60] = "released";
    const char *how = holder->verdict == VERDICT_GARBAGE ? "freed at once" : all;
    if (holder->reference_total == 2)
        snprintf(all, sizeof all, "released by both");
    else if (holder->reference_total > 2)
        snprintf(all, sizeof all, "released by all %u", holder->reference_total);
    if (holder->saves == 0)
        fprintf(out, "%s, it alone saves nothing", how);
    else if (text->options->region)
        fprintf(out, "%s, it saves %s at that moment", how, format_bytes(holder->saves).text);
    else if (without.most < peak) {
        fprintf(out, "%s, ", how);
        put_peak_without(out, without);
    } else if (held_is_near(without.least, peak))
        fprintf(out, "%s, it saves %s, but another moment is as high", how,
                format_bytes(holder->saves).text);
    else
        fprintf(out, "%s, it saves %s, and the peak would be between %s and what it was", how,
                format_bytes(holder->saves).text, format_bytes(without.least).text);
}

/* The line below: why that is the verdict, and what follows. Not all holders have one. */
static bool put_why(struct text *text, const struct holder *holder) {
    bool idle = holder->verdict == VERDICT_DEAD || holder->verdict == VERDICT_GARBAGE;
    bool others = *holder->others && holder->verdict != VERDICT_IN_USE &&
                  (text->airy || (idle && holder->saves == 0));
    const char *reason = holder->reason;
    struct line line;
    if (idle && !*reason)
        reason = holder->verdict == VERDICT_DEAD ? "never read again"
                                                 : "it waits for the cycle collector";
    if (!idle && !others && (!*reason || (holder->verdict == VERDICT_IN_USE && !holder->idle_ns)))
        return true;
    if (!line_begin(&line))
        return false;
    format_escaped(line.out, reason, "", WORDS_WIDTH);
    if (others) {
        fputs(*reason ? ", also held by " : "also held by ", line.out);
        format_escaped(line.out, holder->others, "", WORDS_WIDTH);
    }
    if (idle) {
        fputs(": ", line.out);
        put_effect(text, line.out, holder);
    }
    fprintf(text->out, "%*s", (int)INDENT, "");
    return put_line(text, &line, INDENT);
}

/* Behind the bytes: on one line if it fits, or else what holds the object begins a second one. */
static bool put_held_by(struct text *text, const char *object, struct line *who) {
    size_t columns = INDENT + count_columns(object) + 3;
    if (fflush(who->out) != 0)
        return false;
    if (columns + count_columns(who->text) <= text->width) {
        fprintf(text->out, "%s   ", object);
        return put_line(text, who, columns);
    }
    text_wrap(text, INDENT, INDENT, object);
    fprintf(text->out, "%*s", (int)INDENT, "");
    return put_line(text, who, INDENT);
}

static bool put_holder(struct text *text, uint32_t number) {
    const struct holder *holder = &text->findings->holders[number];
    struct line object, who;
    if (!line_begin(&object))
        return false;
    text_put_object(object.out, holder);
    bool good = line_end(&object) && line_begin(&who);
    if (good) {
        put_who(text, who.out, holder);
        if (text->airy)
            fprintf(who.out, " [%u]", number + 1);
        fprintf(text->out, "  %8s  ", format_bytes(holder->bytes).text);
        good = put_held_by(text, object.text, &who);
    }
    free(object.text);
    return good && put_why(text, holder);
}

static void put_advice(struct text *text, const struct holder *holder, unsigned limit) {
    uint32_t count = holder->advice_count < limit ? holder->advice_count : limit;
    const char *title = count > 1 ? "ways out: " : "way out: ";
    size_t indent = INDENT + strlen(title);
    for (uint32_t i = 0; i < count; i++) {
        fprintf(text->out, "%*s%s", (int)(i ? indent : INDENT), "", i ? "" : title);
        format_escaped(text->out, holder->advice[i], "", text->width - indent);
        text_line_end(text);
    }
}

/* Whether it must be told that the holders are those of one process among several, or not those of
 * the peak. */
static bool needs_intro(const struct text *text) {
    bool several = text->model->process == PROFILE_TREE && text->model->profile->process_count > 1;
    return several || text->options->snapshot;
}

static void put_intro(struct text *text) {
    const struct profile *profile = text->model->profile;
    const struct findings *findings = text->findings;
    const struct profile_process *process = &profile->processes[findings->process];
    const struct profile_snapshot *snapshot = &profile->snapshots[findings->snapshot];
    fputs("  held", text->out);
    if (text->model->process == PROFILE_TREE && profile->process_count > 1)
        fprintf(text->out, " in process %u", process->pid);
    if (text->options->snapshot) {
        fputs(" at snapshot '", text->out);
        format_escaped(text->out, held_snapshot_name(profile, snapshot), "'", 20);
        fprintf(text->out, "', %s at %s:",
                format_bytes(held_bytes(findings->bytes, findings->pending_bytes)).text,
                format_time(snapshot->time_ns).text);
    } else {
        fprintf(text->out, " at its own peak, %s at %s:", format_bytes(process->peak_bytes).text,
                format_time(process->peak_ns).text);
    }
    text_line_end(text);
}

static bool put_pending(struct text *text) {
    const struct profile *profile = text->model->profile;
    const struct findings *findings = text->findings;
    struct line line;
    if (findings->pending_bytes < held_peak(profile, findings) / 100 * SMALL_PERCENT + 1)
        return true;
    if (!line_begin(&line))
        return false;
    fputs("being allocated", line.out);
    uint32_t node = profile->snapshots[findings->snapshot].pending_node;
    if (node > 0) {
        fputs(" at ", line.out);
        text_put_node(text, line.out, node);
    }
    fprintf(text->out, "  %8s  ", format_bytes(findings->pending_bytes).text);
    return put_line(text, &line, INDENT);
}

/* What all dead references and all garbage come to, where that is more than one holder's line. */
static bool put_together(struct text *text) {
    const struct findings *findings = text->findings;
    uint64_t peak = held_peak(text->model->profile, findings);
    struct peak_without without = held_if_released(text->model->profile, findings);
    unsigned idle = 0;
    struct line line;
    for (uint32_t i = 0; i < findings->count; i++)
        idle += findings->holders[i].saves > 0;
    if (idle < 2 || without.most >= peak)
        return true;
    if (!line_begin(&line))
        return false;
    fputs("  together: released and freed at once, ", line.out);
    put_peak_without(line.out, without);
    return put_line(text, &line, 0);
}

static bool put_garbage(struct text *text) {
    const struct findings *findings = text->findings;
    for (uint32_t i = 0; i < findings->count; i++)
        if (findings->holders[i].verdict == VERDICT_GARBAGE)
            return true;
    if (findings->garbage_bytes <
        held_peak(text->model->profile, findings) / 100 * SMALL_PERCENT + 1)
        return true;
    fprintf(text->out, "  %8s  garbage, which waits for the cycle collector",
            format_bytes(findings->garbage_bytes).text);
    text_line_end(text);
    return true;
}

/* How far what is said above can be relied on. */
static void put_limits(struct text *text) {
    const struct findings *findings = text->findings;
    uint64_t peak = held_peak(text->model->profile, findings),
             seen = held_bytes(findings->bytes, findings->pending_bytes);
    uint32_t flags = text->model->profile->snapshots[findings->snapshot].flags;
    if (findings->far_from_peak && !text->options->snapshot && seen < peak) {
        fprintf(text->out, "  references were seen at %s, %.0f %% below the peak",
                format_bytes(seen).text, 100.0 * (double)(peak - seen) / (double)peak);
        text_line_end(text);
    }
    if (!findings->graph) {
        fputs("  the references could not be read: ", text->out);
        format_escaped(text->out, findings->why, "", text->width - 35);
        text_line_end(text);
    } else if (flags & SNAPSHOT_IS_SHALLOW) {
        fputs("  no copy could be made: only what local variables refer to was seen", text->out);
        text_line_end(text);
    } else if (!(flags & SNAPSHOT_COMPLETE)) {
        fputs("  the walk was cut short: some references were not seen", text->out);
        text_line_end(text);
    }
}

struct plan {
    struct part after;            /* what is said behind the holders */
    struct part parts[MAX_SHOWN]; /* their lines */
    uint32_t numbers[MAX_SHOWN];
    uint32_t count;
    unsigned spare; /* lines that nothing has taken yet */
};

static bool plan_after(struct text *text, struct plan *plan) {
    if (!text_part_begin(text, &plan->after))
        return false;
    bool good =
        put_pending(text) && put_garbage(text) && text_put_copies(text) && put_together(text);
    put_limits(text);
    good = text_part_end(text, &plan->after) && good;
    plan->spare -= plan->after.lines < plan->spare ? plan->after.lines : plan->spare;
    return good;
}

/* As many holders as there is room for; one at least. */
static bool plan_holders(struct text *text, const uint32_t *order, struct plan *plan) {
    const struct findings *findings = text->findings;
    uint64_t least = held_peak(text->model->profile, findings) / 100 * SMALL_PERCENT;
    unsigned limit = text->holders < MAX_SHOWN ? text->holders : MAX_SHOWN;
    for (uint32_t i = 0; i < findings->count && plan->count < limit; i++) {
        struct part *part = &plan->parts[plan->count];
        if (plan->count > 0 && findings->holders[order[i]].bytes < least)
            continue;
        if (!text_part_begin(text, part))
            return false;
        bool good = put_holder(text, order[i]);
        plan->count++;
        plan->numbers[plan->count - 1] = order[i];
        if (!text_part_end(text, part) || !good)
            return false;
        if (plan->count > 1 && part->lines > plan->spare) {
            text_drop_part(&plan->parts[--plan->count]);
            break;
        }
        plan->spare -= part->lines < plan->spare ? part->lines : plan->spare;
    }
    return true;
}

/* The ways out follow the first holder that has some: the one that saves most. */
static void put_plan(struct text *text, struct plan *plan) {
    unsigned advice = plan->spare < MAX_ADVICE ? plan->spare : MAX_ADVICE;
    for (uint32_t i = 0; i < plan->count; i++) {
        const struct holder *holder = &text->findings->holders[plan->numbers[i]];
        bool idle = holder->verdict == VERDICT_DEAD || holder->verdict == VERDICT_GARBAGE;
        text_put_part(text, &plan->parts[i]);
        if (idle && holder->advice_count > 0) {
            put_advice(text, holder, advice);
            advice = 0;
        }
    }
    uint32_t others = text->findings->count - plan->count;
    if (text->airy && others > 0) {
        fprintf(text->out, "  and %s, in the page and the JSON",
                format_count(others, "other holder").text);
        text_line_end(text);
    }
    text_put_part(text, &plan->after);
    text_gap(text);
    fputs("  by stack:", text->out);
    text_line_end(text);
}

bool text_put_held(struct text *text, unsigned reserve) {
    struct plan plan = {.spare = text->left > reserve ? text->left - reserve : 0};
    if (!text->findings)
        return true;
    if (needs_intro(text) && plan.spare > 0)
        plan.spare--;
    uint32_t *order = held_order(text->findings, held_peak(text->model->profile, text->findings));
    bool good = order && plan_after(text, &plan) && plan_holders(text, order, &plan);
    if (good) {
        if (needs_intro(text))
            put_intro(text);
        put_plan(text, &plan);
    }
    for (uint32_t i = 0; i < plan.count; i++)
        text_drop_part(&plan.parts[i]);
    text_drop_part(&plan.after);
    free(order);
    return good;
}
