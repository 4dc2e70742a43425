/* Two profiles side by side as one HTML page: the JSON of the diff, each frame written once. */
#include "json.h"

#include "viewer/json.h"
#include "viewer/page_shell.h"

#define TITLE "What changed"

static int put_json(const char *text, size_t size, void *out) {
    for (size_t i = 0; i < size; i++)
        page_put_character(out, text[i]);
    return ferror((FILE *)out) ? -1 : 0;
}

bool diff_page(const struct diff *diff, const struct diff_options *options, FILE *out) {
    json_t *frames = json_array();
    json_t *json = frames ? diff_json_new(diff, options, frames) : NULL;
    bool good = json && json_object_set(json, "frames", frames) == 0 &&
                json_object_set_new(json, "schema", json_string("holdfast.diff-page/1")) == 0;
    if (good) {
        page_shell_open(out, TITLE);
        good = json_dump_callback(json, put_json, out, JSON_REPORT_FLAGS | JSON_ENSURE_ASCII) == 0;
        page_shell_close(out);
    }
    json_decref(json);
    json_decref(frames);
    return good && !ferror(out);
}
