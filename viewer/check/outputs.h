/* The forms in which a check tells its verdict. */
#ifndef HOLDFAST_VIEWER_CHECK_OUTPUTS_H
#define HOLDFAST_VIEWER_CHECK_OUTPUTS_H

#include "check.h"

#include <stdio.h>

/* Each writes one form. False when memory ran out or `out` cannot take it. */
bool check_text(const struct check *check, FILE *out);
bool check_json(const struct check *check, FILE *out);

#endif
