/* The sites of a peak in the JSON report, written as text.
 *
 * A big import has tens of thousands of stacks, a hundred frames deep: hundreds of megabytes of
 * JSON, in which the same few thousand frames come again and again. So each frame's text is made
 * once, and a stack is put together from copies of it.
 */
#ifndef HOLDFAST_VIEWER_JSON_SITES_H
#define HOLDFAST_VIEWER_JSON_SITES_H

#include "model.h"

#include <stdio.h>

/* Writes the list of the model's sites. False when memory ran out or `out` cannot take it. */
bool json_put_sites(const struct model *model, FILE *out);

#endif
