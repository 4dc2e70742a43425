/* Reads TOML documents from the standard input, each ended by a NUL, and writes a line for each:
 * its entries as JSON lists of path, kind and text, or the line of the error. */
#include "cli/toml.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static bool take(void *context, const struct toml_entry *entry) {
    json_t *path = json_array();
    for (unsigned i = 0; i < entry->depth; i++)
        json_array_append_new(path, json_string(entry->path[i]));
    json_array_append_new(context, json_pack("[o, i, s]", path, (int)entry->kind, entry->text));
    return true;
}

int main(void) {
    char *text = NULL;
    size_t size = 0;
    while (getdelim(&text, &size, 0, stdin) > 0) {
        struct toml_error error;
        json_t *entries = json_array();
        if (toml_read(text, take, entries, &error))
            json_dumpf(entries, stdout, JSON_COMPACT);
        else
            printf("%u", error.line);
        putchar('\n');
        json_decref(entries);
    }
    free(text);
    return 0;
}
