/* One line a stack, outermost frame first, as flame graph tools read it:
 *
 *     main (app.py:40);load (app.py:12) 536870912
 *
 * A line is one frame's own bytes, of every kind. Semicolons and what would break a line are
 * escaped.
 */
#include "format.h"
#include "model.h"
#include "report.h"

#include <stdlib.h>

static void put_frame(FILE *out, const struct model_frame *frame) {
    if (frame->kind == FRAME_NONE)
        fputs("<no stack>", out);
    if (frame->kind == FRAME_THREAD)
        fputs("<thread ", out);
    format_escaped(out, frame->function, ";\\", 0);
    if (frame->kind == FRAME_THREAD)
        fputc('>', out);
    if (frame->kind != FRAME_PYTHON)
        return;
    fputs(" (", out);
    format_escaped(out, frame->file, ";\\", 0);
    fprintf(out, ":%u)", frame->line);
}

static void put_stack(FILE *out, const struct model *model, uint32_t number, uint32_t *path) {
    uint32_t depth = 0;
    uint64_t bytes = 0;
    for (uint32_t kind = 0; kind < MODEL_KINDS; kind++)
        bytes += model->frames[number].bytes[kind];
    if (bytes == 0)
        return;
    for (uint32_t at = number; at > 0; at = model->frames[at].parent)
        path[depth++] = at;
    while (depth > 0) {
        put_frame(out, &model->frames[path[--depth]]);
        fputc(depth ? ';' : ' ', out);
    }
    fprintf(out, "%llu\n", (unsigned long long)bytes);
}

bool report_collapsed(const struct profile *profile, const struct report_options *options,
                      FILE *out) {
    struct model *model = model_build(profile, options->process);
    uint32_t *path = model ? malloc(model->frame_count * sizeof *path) : NULL;
    for (uint32_t i = 1; path && i < model->frame_count && !ferror(out); i++)
        put_stack(out, model, i, path);
    bool good = path && !ferror(out);
    free(path);
    model_free(model);
    return good;
}
