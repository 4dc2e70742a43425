/* What was allocated at the peak, in the text report: the biggest places, each with its stack. */
#include "format.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

#define FRAME_COLUMN 46u /* where source text begins, in a site's stack */

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
    fputs(text_call_mark(frame->function), out);
    return used + strlen(text_call_mark(frame->function));
}

static void put_frame(struct text *text, uint32_t number) {
    const struct model_frame *frame = &text->model->frames[number];
    fputs("      ", text->out);
    size_t used = 6 + put_name(text->out, frame, 40);
    if (frame->kind == FRAME_PYTHON) {
        fputc(' ', text->out);
        used += 1 + format_escaped(text->out, text_short_file(frame_file(&text->places, frame), 36),
                                   "", 40);
        used += (size_t)(frame->line ? fprintf(text->out, ":%u", frame->line) : 0);
    }
    const char *source = frame->source + strspn(frame->source, " \t");
    size_t column = used < FRAME_COLUMN ? FRAME_COLUMN : used + 2;
    if (*source && column + 12 < text->width) {
        fprintf(text->out, "%*s", (int)(column - used), "");
        format_escaped(text->out, source, "", text->width - column);
    }
    text_line_end(text);
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
    text_line_end(text);
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
    text_line_end(text);
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
    text_line_end(text);
}

/* The biggest places, as many as there is room for; one at least. `reserve` lines stay free. */
bool text_put_places(struct text *text, unsigned reserve) {
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
