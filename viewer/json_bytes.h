/* JSON as bytes that are gathered: what jansson's trees look like as text, made several times as
 * fast as jansson makes it, since a report has megabytes of it.
 */
#ifndef HOLDFAST_VIEWER_JSON_BYTES_H
#define HOLDFAST_VIEWER_JSON_BYTES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* Zeroed: empty. Once `failed` is set, since memory ran out, what is added is lost. */
struct json_bytes {
    char *data;
    size_t size, capacity;
    bool failed;
};

void json_bytes_put(struct json_bytes *bytes, const char *text, size_t size);

/* A value as json_dumps with JSON_REPORT_FLAGS would have it. NULL: memory had run out for it. */
void json_bytes_value(struct json_bytes *bytes, const json_t *json);

/* The members of an object, without the braces. */
void json_bytes_members(struct json_bytes *bytes, const json_t *object);

/* Writes what was gathered, and begins anew. False when something failed. */
bool json_bytes_flush(struct json_bytes *bytes, FILE *out);

void json_bytes_release(struct json_bytes *bytes);

#endif
