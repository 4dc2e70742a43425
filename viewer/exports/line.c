/* See line.h. */
#include "line.h"

#include "viewer/format.h"

#include <stdlib.h>
#include <string.h>

char *line_function(const struct model_frame *frame) {
    char *name;
    if (frame->kind == FRAME_THREAD)
        return asprintf(&name, "<thread %s>", frame->function) < 0 ? NULL : name;
    return strdup(frame->kind == FRAME_NONE ? "<no stack>" : frame->function);
}

char *line_command(const struct profile *profile) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    for (uint32_t i = 0; i < profile->command_count; i++)
        fprintf(out, "%s%s", i ? " " : "", profile->strings[profile->command[i]]);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

void line_put_frame(FILE *out, const struct model_frame *frame, const char *also) {
    if (frame->kind == FRAME_NONE)
        fputs("<no stack>", out);
    if (frame->kind == FRAME_THREAD)
        fputs("<thread ", out);
    format_escaped(out, frame->function, also, 0);
    if (frame->kind == FRAME_THREAD)
        fputc('>', out);
    if (frame->kind != FRAME_PYTHON)
        return;
    fputs(" (", out);
    format_escaped(out, frame->file, also, 0);
    fprintf(out, ":%u)", frame->line);
}

uint32_t *line_numbers(const struct model *model, struct intern *distinct) {
    uint32_t *numbers = calloc(model->frame_count, sizeof *numbers);
    if (!numbers)
        return NULL;
    numbers[0] = INTERN_FAILED;
    for (uint32_t i = 1; i < model->frame_count; i++) {
        const struct model_frame *frame = &model->frames[i];
        const struct intern_key key = {
            {frame->kind, frame->process, frame->function_id, frame->file_id, frame->line}};
        numbers[i] = intern_add(distinct, &key);
        if (numbers[i] == INTERN_FAILED) {
            free(numbers);
            return NULL;
        }
    }
    return numbers;
}

/* Writes down what each distinct frame looks like, for a stack is written for each of its sites. */
static bool find_texts(struct line_stacks *stacks) {
    const struct model *model = stacks->model;
    uint32_t count = 0;
    FILE *out = open_memstream(&stacks->texts, &stacks->size);
    stacks->starts = calloc((size_t)model->frame_count + 1, sizeof *stacks->starts);
    if (!out || !stacks->starts) {
        if (out)
            fclose(out);
        return false;
    }
    for (uint32_t i = 1; i < model->frame_count; i++) {
        if (stacks->numbers[i] != count)
            continue;
        line_put_frame(out, &model->frames[i], ";\\");
        stacks->starts[++count] = (size_t)ftell(out);
    }
    return fclose(out) == 0;
}

bool line_stacks_open(struct line_stacks *stacks, const struct model *model) {
    struct intern distinct = {0};
    *stacks = (struct line_stacks){.model = model, .limit = {JSON_MAX_FRAMES}};
    stacks->path = malloc(model->frame_count * sizeof *stacks->path);
    stacks->numbers = line_numbers(model, &distinct);
    intern_release(&distinct);
    return stacks->path && stacks->numbers && find_texts(stacks);
}

void line_stacks_release(struct line_stacks *stacks) {
    free(stacks->path);
    free(stacks->numbers);
    free(stacks->texts);
    free(stacks->starts);
    *stacks = (struct line_stacks){0};
}

void line_put_stack(struct line_stacks *stacks, uint32_t frame, FILE *out) {
    uint32_t depth = 0, done = 0;
    for (; frame > 0; frame = stacks->model->frames[frame].parent)
        stacks->path[depth++] = stacks->numbers[frame];
    bool cut = json_limit_cuts(&stacks->limit, depth);
    while (depth > 0) {
        const size_t *start = &stacks->starts[stacks->path[--depth]];
        fwrite(stacks->texts + start[0], 1, start[1] - start[0], out);
        if (depth > 0)
            fputc(';', out);
        if (cut && ++done == JSON_LONG_STACK / 2) {
            fprintf(out, "<%u frames left out>;", depth - JSON_LONG_STACK / 2);
            depth = JSON_LONG_STACK / 2;
        }
    }
}
