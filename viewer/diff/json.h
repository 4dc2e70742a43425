/* A diff as JSON: what docs/diff-json.md describes, and the form that the page has of it. */
#ifndef HOLDFAST_VIEWER_DIFF_JSON_H
#define HOLDFAST_VIEWER_DIFF_JSON_H

#include "diff.h"

#include <jansson.h>

/* With `frames`, an array, stacks are lists of numbers of frames, each of which is added there
 * once. NULL when memory ran out. */
json_t *diff_json_new(const struct diff *diff, const struct diff_options *options, json_t *frames);

#endif
