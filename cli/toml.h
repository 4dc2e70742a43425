/* Reads TOML documents, as far as a tool's table in pyproject.toml needs it.
 *
 * Every key is told with its full path, those of inline tables, too; elements of arrays are passed
 * over, and so are the values of numbers and dates, which are told as they are written. Debian has
 * no C library for TOML to build on.
 */
#ifndef HOLDFAST_CLI_TOML_H
#define HOLDFAST_CLI_TOML_H

#include <stdbool.h>
#include <stddef.h>

#define TOML_PATH_MAX 16u

enum toml_kind { TOML_STRING, TOML_BARE /* a number, boolean or date */, TOML_ARRAY };

struct toml_entry {
    const char *path[TOML_PATH_MAX];
    unsigned depth;
    enum toml_kind kind;
    const char *text; /* of a string without its quotes and escapes; "" of an array */
    unsigned line;
};

/* False: reading stops. */
typedef bool toml_taker(void *context, const struct toml_entry *entry);

struct toml_error {
    unsigned line; /* 0: the taker stopped it */
    const char *text;
};

/* `text` ends in NUL. False with `error` set. */
bool toml_read(const char *text, toml_taker *take, void *context, struct toml_error *error);

#endif
