/* The forms that a report can take: by name, and by how a file's name ends. */
#ifndef HOLDFAST_CLI_FORMATS_H
#define HOLDFAST_CLI_FORMATS_H

#include "viewer/report.h"

#define FORMAT_ENDINGS 3u

struct format {
    const char *name;
    const char *endings[FORMAT_ENDINGS]; /* of files that can hold nothing else */
    /* NULL: dot, which may find nothing to write. */
    bool (*write)(const struct profile *profile, const struct report_options *options, FILE *out);
    bool binary; /* not for terminals */
};

const struct format *formats_default(void);

/* NULL when there is none of that name. */
const struct format *formats_find(const char *name);

/* The format that a file's name asks for; NULL when it says nothing. */
const struct format *formats_for_file(const char *file);

/* "text, html, json and dot" */
void formats_put_names(FILE *out);

#endif
