/* Small helpers over jansson that the JSON report and the page share. */
#ifndef HOLDFAST_VIEWER_JSON_H
#define HOLDFAST_VIEWER_JSON_H

#include "model.h"

#include <jansson.h>

/* profile_check has seen to it that no number is above 2^63 - 1. */
static inline json_t *json_count(uint64_t value) {
    return json_integer((json_int_t)value);
}

static inline json_t *json_seconds(uint64_t ns) {
    return json_real((double)ns / 1e9);
}

json_t *json_command(const struct profile *profile, const string_id *words, uint32_t count);
json_t *json_points(const struct profile *profile, uint32_t process);

#define JSON_REPORT_FLAGS (JSON_COMPACT | JSON_REAL_PRECISION(12))

#endif
