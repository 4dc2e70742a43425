/* See words.h. */
#include "words.h"

#include "baseline.h"

#include "viewer/text.h"

#include <stdlib.h>
#include <string.h>

#define TOLD_PART 100u /* of the peak */
#define WIDTH 60u
#define PATH_WIDTH 120u

static const char *const region_words[CEILING_KINDS] = {
    [CEILING_REGION] = "peak of region ",
    [CEILING_LEAKS] = "left behind by region ",
    [CEILING_TURNS] = "allocated and given back in region ",
    [CEILING_NATIVE] = "native, never given back, of region ",
    [CEILING_DRAG] = "untouched big blocks of region "};

void check_put_subject(FILE *out, const struct ceiling *ceiling) {
    switch (ceiling->kind) {
    case CEILING_PROCESS:
        fputs(*ceiling->subject ? "peak of process " : "highest peak of a process", out);
        format_escaped(out, ceiling->subject, "", WIDTH);
        break;
    case CEILING_REGION:
    case CEILING_LEAKS:
    case CEILING_TURNS:
    case CEILING_NATIVE:
    case CEILING_DRAG:
        fputs(region_words[ceiling->kind], out);
        format_escaped(out, ceiling->subject, "", WIDTH);
        break;
    case CEILING_CODE:
        format_escaped(out, ceiling->subject, "", WIDTH);
        fputs(" at the peak", out);
        break;
    case CEILING_GROWTH:
        fputs("growth from start to end", out);
        break;
    case CEILING_CHURN:
        fputs("allocated and given back again", out);
        break;
    case CEILING_DEAD:
        fputs("never read again, yet held", out);
        break;
    default:
        fputs("peak", out);
        break;
    }
}

/* "28.8 MiB", or of what is times seconds, "28.8 MiB s" */
static void put_size(FILE *out, const struct ceiling *ceiling, uint64_t bytes) {
    fprintf(out, "%s%s", format_bytes(bytes).text, ceiling->kind == CEILING_DRAG ? " s" : "");
}

/* The ceiling of a baseline is its peak and the tolerance. */
static void put_limit(FILE *out, const struct check *check, const struct judgement *judgement) {
    const struct ceiling *ceiling = &judgement->ceiling;
    put_size(out, ceiling, ceiling->bytes);
    if (ceiling->kind == CEILING_BASELINE)
        fprintf(out, ", the baseline's %s and the tolerance",
                format_bytes(baseline_peak(check->request->before)).text);
    fputs(" (", out);
    format_escaped(out, ceiling->origin, "", WIDTH);
    fputc(')', out);
}

void check_put_judgement(FILE *out, const struct check *check, const struct judgement *judgement) {
    const struct ceiling *ceiling = &judgement->ceiling;
    uint64_t excess = check_excess(judgement);
    check_put_subject(out, ceiling);
    if (judgement->judged == JUDGED_UNKNOWN) {
        fprintf(out, ": not judged, %s; the ceiling is ", judgement->why);
    } else if (judgement->judged == JUDGED_BEYOND) {
        fputc(' ', out);
        put_size(out, ceiling, judgement->bytes);
        fputs(", ", out);
        put_size(out, ceiling, excess);
        fprintf(out, " (%s) above the ceiling of ", format_percent(excess, ceiling->bytes).text);
    } else {
        fputc(' ', out);
        put_size(out, ceiling, judgement->bytes);
        fputs(", within the ceiling of ", out);
    }
    put_limit(out, check, judgement);
}

char *check_message(const struct check *check, const struct judgement *judgement) {
    char *words = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&words, &size);
    if (!out)
        return NULL;
    check_put_judgement(out, check, judgement);
    if (fclose(out) == 0)
        return words;
    free(words);
    return NULL;
}

void check_put_failure(FILE *out, const struct check *check) {
    const struct profile *profile = check->profile;
    if (profile->exit_signal)
        fprintf(out, "the program itself was ended by signal %d", profile->exit_signal);
    else
        fprintf(out, "the program itself exited with status %d", profile->exit_status);
}

bool check_item_is_compared(const struct check *check, const struct item *item) {
    return json_object_get(check->request->before, item->holder ? "holders" : "places") != NULL;
}

struct number check_item_size(const struct check *check, const struct item *item) {
    struct number number, bytes;
    int64_t growth = item_growth(item);
    if (!check_item_is_compared(check, item))
        return format_bytes(item->bytes);
    bytes = format_bytes((uint64_t)llabs(growth));
    snprintf(number.text, sizeof number.text, "%s%.30s", growth < 0 ? "-" : "+", bytes.text);
    return number;
}

struct number check_item_before(const struct check *check, const struct item *item) {
    struct number number = {""};
    if (!check_item_is_compared(check, item))
        return number;
    if (item->before == 0)
        snprintf(number.text, sizeof number.text, "%s", item->holder ? "new holder" : "new");
    else
        snprintf(number.text, sizeof number.text, "from %.20s", format_bytes(item->before).text);
    return number;
}

bool check_item_is_told(const struct check *check, const struct item *item) {
    int64_t growth = item_growth(item);
    return growth > 0 && (uint64_t)growth >= check->model->bytes / TOLD_PART + 1;
}

static void put_function(FILE *out, const struct stack_frame *frame) {
    fputs(frame->kind == FRAME_THREAD ? "thread " : "", out);
    format_escaped(out, frame->function, "", WIDTH);
    fputs(frame->kind == FRAME_PYTHON ? text_call_mark(frame->function) : "", out);
}

static void put_line(FILE *out, const struct stack_frame *frame) {
    if (frame->line > 0)
        fprintf(out, ":%u", frame->line);
}

void check_put_place(FILE *out, const struct check *check, const struct item *item) {
    const struct stack_frame *frame = item->frame, *caller = &check->stacks.frames[frame->parent];
    if (frame->kind == FRAME_NONE) {
        fputs("no stack known", out);
        return;
    }
    put_function(out, frame);
    if (frame->kind != FRAME_PYTHON)
        return;
    fputc(' ', out);
    format_escaped(out, text_short_file(check_file(check, frame->file), WIDTH), "", WIDTH);
    put_line(out, frame);
    if (caller->kind == FRAME_ROOT)
        return;
    fputs(", in ", out);
    put_function(out, caller);
    put_line(out, caller);
}

void check_put_holder(FILE *out, const struct item *item) {
    static const char *const verdicts[] = {[VERDICT_UNKNOWN] = "may be in use",
                                           [VERDICT_DEAD] = "never read again",
                                           [VERDICT_GARBAGE] = "garbage",
                                           [VERDICT_IN_USE] = "in use",
                                           [VERDICT_IDLE] = "idle"};
    const struct holder *holder = item->holder;
    if (item->count > 1) {
        fprintf(out, "%u times: ", item->count);
        format_escaped(out, item->key, "", PATH_WIDTH);
    } else {
        text_put_object(out, holder);
        fputs(", held by ", out);
        format_escaped(out, *holder->path ? holder->path : holder_root_names[holder->root], "",
                       PATH_WIDTH);
    }
    fprintf(out, ", %s", verdicts[holder->verdict]);
}

void check_put_measure(FILE *out, const struct check *check, const struct item *item) {
    if (check_item_is_compared(check, item)) {
        fputs("grown since the baseline ", out);
        format_escaped(out, text_short_file(check->request->baseline_file, WIDTH), "", WIDTH);
    } else {
        fputs("at the peak", out);
    }
}

bool check_put_caveat(FILE *out, const struct check *check) {
    const char *before = baseline_python(check->request->before);
    struct number now = baseline_python_of(check->profile);
    if (!*before || strcmp(before, now.text) == 0)
        return false;
    fputs("the baseline is of Python ", out);
    format_escaped(out, before, "", WIDTH);
    fprintf(out, ", this run of %s; sizes differ between versions",
            now.text[0] ? now.text : "no Python");
    return true;
}
