/* See page_file.h. */
#include "page_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *page_file_name(const char *profile) {
    size_t length = strlen(profile), suffix = strlen(".holdfast");
    char *name;
    if (length > suffix && strcmp(profile + length - suffix, ".holdfast") == 0)
        length -= suffix;
    if (asprintf(&name, "%.*s.html", (int)length, profile) < 0)
        return NULL;
    return name;
}

bool page_file_is_free(const char *name) {
    char head[512];
    FILE *file = fopen(name, "re");
    if (!file)
        return errno == ENOENT;
    head[fread(head, 1, sizeof head - 1, file)] = '\0';
    fclose(file);
    return strstr(head, "<meta name=\"generator\" content=\"holdfast\">") != NULL;
}
