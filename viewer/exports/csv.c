/* A table for spreadsheets and data frames: one row for what a stack holds of one kind, the biggest
 * first, in the manner of RFC 4180.
 *
 * Names are written as they are, in quotes where they need them; only the column that joins a whole
 * stack escapes what would separate frames. The line that a row is about is there twice: where the
 * memory was asked for, and the innermost line outside of installed packages, which is where a user
 * would look.
 */
#include "line.h"

#include "viewer/exports.h"
#include "viewer/places.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS                                                                                    \
    "pid,kind,bytes,blocks,function,file,line,source,own_function,own_file,own_line,stack\r\n"

static void put_field(FILE *out, const char *text) {
    if (!text[strcspn(text, ",\"\r\n")]) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (size_t length; *text; text += length) {
        length = strcspn(text, "\"");
        if (length == 0) {
            fputs("\"\"", out);
            length = 1;
        } else {
            fwrite(text, 1, length, out);
        }
    }
    fputc('"', out);
}

/* function,file,line */
static bool put_place(FILE *out, const struct model_frame *frame) {
    char *function = line_function(frame);
    if (!function)
        return false;
    put_field(out, function);
    fputc(',', out);
    put_field(out, frame->file);
    fputc(',', out);
    if (frame->line > 0)
        fprintf(out, "%" PRIu32, frame->line);
    fputc(',', out);
    free(function);
    return true;
}

/* The innermost frame of the user's, or the innermost. */
static const struct model_frame *own_frame(const struct model *model, uint32_t number) {
    for (uint32_t at = number; at > 0; at = model->frames[at].parent) {
        const struct model_frame *frame = &model->frames[at];
        if (frame->kind == FRAME_PYTHON && !frame_is_library(frame))
            return frame;
    }
    return &model->frames[number];
}

/* The text of a stack, to be freed; NULL when memory ran out. */
static char *stack_text(struct line_stacks *stacks, uint32_t frame) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    line_put_stack(stacks, frame, out);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

static bool put_row(struct line_stacks *stacks, const struct model_site *site, FILE *out) {
    const struct model *model = stacks->model;
    const struct model_frame *frame = &model->frames[site->frame];
    char *stack = stack_text(stacks, site->frame);
    if (!stack)
        return false;
    fprintf(out, "%" PRIu32 ",%s,%" PRIu64 ",%" PRIu64 ",",
            model->profile->processes[site->process].pid, json_kind_names[site->kind], site->bytes,
            site->blocks);
    bool good = put_place(out, frame);
    put_field(out, frame->source);
    fputc(',', out);
    good = good && put_place(out, own_frame(model, site->frame));
    put_field(out, stack);
    fputs("\r\n", out);
    free(stack);
    return good;
}

bool export_csv(const struct profile *profile, const struct report_options *options, FILE *out) {
    struct model *model = model_build(profile, options->process);
    struct line_stacks stacks = {0};
    bool good = model && line_stacks_open(&stacks, model) && fputs(COLUMNS, out) != EOF;
    for (uint32_t i = 0; good && i < model->site_count; i++)
        good = put_row(&stacks, &model->sites[i], out) && !ferror(out);
    line_stacks_release(&stacks);
    model_free(model);
    return good;
}
