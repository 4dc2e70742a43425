/* A diagnosis as JSON (schema "holdfast.doctor/1"; holdfast-doctor(1) has its keys). */
#include "doctor.h"

#include <jansson.h>

static json_t *check_json(const struct check *check) {
    static const char *const names[] = {[HEALTH_GOOD] = "ok",
                                        [HEALTH_NOTE] = "note",
                                        [HEALTH_LIMITED] = "limited",
                                        [HEALTH_BROKEN] = "broken"};
    return json_pack("{s:s, s:s, s:s, s:s?}", "name", check->name, "status", names[check->health],
                     "text", check->text, "advice", check->advice[0] ? check->advice : NULL);
}

static json_t *interpreter_json(const struct interpreter *python) {
    return json_pack("{s:s, s:s, s:s, s:s, s:b, s:b}", "path", python->path, "version",
                     python->version, "implementation", python->implementation, "libpython",
                     python->shared ? "shared" : "static", "free_threaded", python->free_threaded,
                     "stacks", python->known);
}

bool doctor_json(const struct diagnosis *diagnosis, FILE *out) {
    json_t *checks = json_array(), *interpreters = json_array();
    for (size_t i = 0; i < diagnosis->check_count; i++)
        json_array_append_new(checks, check_json(&diagnosis->checks[i]));
    for (size_t i = 0; i < diagnosis->interpreter_count; i++)
        json_array_append_new(interpreters, interpreter_json(&diagnosis->interpreters[i]));
    json_t *root =
        json_pack("{s:s, s:s, s:b, s:o, s:o}", "schema", "holdfast.doctor/1", "version",
                  HOLDFAST_VERSION, "works", diagnosis_health(diagnosis) != HEALTH_BROKEN, "checks",
                  checks, "interpreters", interpreters);
    bool written = root && json_dumpf(root, out, JSON_INDENT(1)) == 0 && fputc('\n', out) != EOF;
    json_decref(root);
    return written;
}
