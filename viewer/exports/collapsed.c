/* One line a stack, outermost frame first, as flame graph tools read it:
 *
 *     main (app.py:40);load (app.py:12) 536870912
 *
 * A line is one frame's own bytes, of every kind.
 */
#include "line.h"

#include "viewer/report.h"

#include <inttypes.h>

static void put_line(struct line_stacks *stacks, uint32_t frame, FILE *out) {
    uint64_t bytes = 0;
    for (uint32_t kind = 0; kind < MODEL_KINDS; kind++)
        bytes += stacks->model->frames[frame].bytes[kind];
    if (bytes == 0)
        return;
    line_put_stack(stacks, frame, out);
    fprintf(out, " %" PRIu64 "\n", bytes);
}

bool report_collapsed(const struct profile *profile, const struct report_options *options,
                      FILE *out) {
    struct model *model = model_build(profile, options->process);
    struct line_stacks stacks = {0};
    bool good = model && line_stacks_open(&stacks, model);
    for (uint32_t i = 1; good && i < model->frame_count && !ferror(out); i++)
        put_line(&stacks, i, out);
    line_stacks_release(&stacks);
    model_free(model);
    return good && !ferror(out);
}
