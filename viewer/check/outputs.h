/* The forms in which a check tells its verdict. */
#ifndef HOLDFAST_VIEWER_CHECK_OUTPUTS_H
#define HOLDFAST_VIEWER_CHECK_OUTPUTS_H

#include "check.h"

#include <stdio.h>

/* Each writes one form. False when memory ran out or `out` cannot take it. */
bool check_text(const struct check *check, FILE *out);
bool check_json(const struct check *check, FILE *out);
/* Annotations of GitHub's for its runner to read, and a summary for its pages. */
bool check_github(const struct check *check, FILE *out);
bool check_markdown(const struct check *check, FILE *out);
bool check_junit(const struct check *check, FILE *out);
bool check_sarif(const struct check *check, FILE *out);

#endif
