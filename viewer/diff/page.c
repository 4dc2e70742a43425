/* Two profiles side by side as one HTML page: the JSON of the diff, each frame written once. */
#include "json.h"

#include "viewer/format.h"
#include "viewer/json.h"
#include "viewer/page_shell.h"

#include <stdlib.h>

#define TITLE "What changed"

static int put_json(const char *text, size_t size, void *out) {
    for (size_t i = 0; i < size; i++)
        page_put_character(out, text[i]);
    return ferror((FILE *)out) ? -1 : 0;
}

/* What could change how the text around it is shown becomes visible, as in the text report. */
static bool make_text_visible(json_t *text) {
    char *clean = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&clean, &size);
    bool good = out != NULL;
    if (out) {
        format_escaped(out, json_string_value(text), "", 0);
        good = fclose(out) == 0 && json_string_set(text, clean) == 0;
    }
    free(clean);
    return good;
}

/* All texts below. Some are in the tree several times: then the second time changes nothing. */
static bool make_visible(json_t *json) {
    const char *key;
    json_t *part;
    size_t i;
    bool good = true;
    if (json_is_string(json))
        return make_text_visible(json);
    json_array_foreach(json, i, part) good = good && make_visible(part);
    json_object_foreach(json, key, part) good = good && make_visible(part);
    return good;
}

bool diff_page(const struct diff *diff, const struct diff_options *options, FILE *out) {
    json_t *frames = json_array();
    json_t *json = frames ? diff_json_new(diff, options, frames) : NULL;
    bool good = json && json_object_set(json, "frames", frames) == 0 &&
                json_object_set_new(json, "schema", json_string("holdfast.diff-page/1")) == 0 &&
                make_visible(json);
    if (good) {
        page_shell_open(out, TITLE);
        good = json_dump_callback(json, put_json, out, JSON_REPORT_FLAGS | JSON_ENSURE_ASCII) == 0;
        page_shell_close(out);
    }
    json_decref(json);
    json_decref(frames);
    return good && !ferror(out);
}
