/* The sites of a peak in the JSON report, written as text.
 *
 * A big import has tens of thousands of stacks, a hundred frames deep: hundreds of megabytes of
 * JSON, in which the same few thousand frames come again and again. So each frame's text is made
 * once, and a stack is put together from copies of it.
 */
#ifndef HOLDFAST_VIEWER_JSON_SITES_H
#define HOLDFAST_VIEWER_JSON_SITES_H

#include "intern.h"
#include "json_bytes.h"
#include "model.h"

#include <stdio.h>

enum { JSON_WITH_SOURCE, JSON_WITHOUT_SOURCE, JSON_WAYS };

/* Distinct frames of a profile as text, which all models of it share. Zeroed: empty. */
struct json_frames {
    struct intern distinct;
    struct frame_texts {
        struct json_bytes bytes; /* each with a comma behind it */
        size_t *starts;          /* there, by number; and the end */
        uint32_t capacity;
    } texts[JSON_WAYS];
};

void json_frames_release(struct json_frames *frames);

/* Writes the list of the model's sites. False when memory ran out or `out` cannot take it. */
bool json_put_sites(const struct model *model, struct json_frames *frames, FILE *out);

#endif
