/* Frames and stacks on one line, as flame graph tools read them:
 *
 *     main (app.py:40);load (app.py:12)
 *
 * Nothing in a name can end the line or be taken for a separator: it is escaped.
 */
#ifndef HOLDFAST_VIEWER_EXPORTS_LINE_H
#define HOLDFAST_VIEWER_EXPORTS_LINE_H

#include "viewer/intern.h"
#include "viewer/json.h"
#include "viewer/model.h"

/* The function as it is called where there is only a text for it: "<thread NAME>" and "<no stack>"
 * for what is none. To be freed by the caller; NULL when memory ran out. */
char *line_function(const struct model_frame *frame);

/* The command that was run, its words joined by spaces as they are. To be freed, and NULL, as
 * above.
 */
char *line_command(const struct profile *profile);

/* With the characters in `also` escaped, too. */
void line_put_frame(FILE *out, const struct model_frame *frame, const char *also);

/* For each frame a number that frames have in common which look the same, from 0 in order of their
 * first appearance; that of the root is INTERN_FAILED. `distinct` may already know the frames of
 * other models of the profile. To be freed, and NULL, as above. */
uint32_t *line_numbers(const struct model *model, struct intern *distinct);

/* Writes stacks of one model. */
struct line_stacks {
    const struct model *model;
    uint32_t *numbers; /* see line_numbers */
    char *texts;       /* of all distinct frames */
    size_t size;
    size_t *starts; /* there, by number; and the end */
    uint32_t *path;
    struct json_limit limit;
};

/* False when memory ran out; to be released in any case. */
bool line_stacks_open(struct line_stacks *stacks, const struct model *model);
void line_stacks_release(struct line_stacks *stacks);

/* The stack that ends in a frame, the outermost frame first. */
void line_put_stack(struct line_stacks *stacks, uint32_t frame, FILE *out);

#endif
