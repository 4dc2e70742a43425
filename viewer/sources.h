/* Source lines of a profile, found by file and line. */
#ifndef HOLDFAST_VIEWER_SOURCES_H
#define HOLDFAST_VIEWER_SOURCES_H

#include "wire/profile.h"

struct sources {
    const struct profile *profile;
    const string_id *texts; /* see intern_texts; not owned */
    struct profile_source *list;
};

/* False when memory ran out. */
bool sources_open(const struct profile *profile, const string_id *texts, struct sources *sources);
void sources_release(struct sources *sources);

/* The line's text, or "". `file` is the first string with the file's name. */
const char *sources_find(const struct sources *sources, string_id file, uint32_t line);

/* Which of `list` are of a file. */
void sources_of_file(const struct sources *sources, string_id file, uint32_t *first, uint32_t *end);

#endif
