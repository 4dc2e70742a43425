/* See sources.h. */
#include "sources.h"

#include <stdlib.h>
#include <string.h>

static int compare_numbers(uint32_t a, uint32_t b) {
    return (a > b) - (a < b);
}

static int compare_sources(const void *left, const void *right, void *context) {
    const string_id *texts = context;
    const struct profile_source *a = left, *b = right;
    int order = compare_numbers(texts[a->file], texts[b->file]);
    return order ? order : compare_numbers(a->line, b->line);
}

bool sources_open(const struct profile *profile, const string_id *texts, struct sources *sources) {
    uint32_t count = profile->source_count;
    struct profile_source *list = malloc(((size_t)count + 1) * sizeof *list);
    *sources = (struct sources){profile, texts, list};
    if (!list)
        return false;
    if (count > 0)
        memcpy(list, profile->sources, count * sizeof *list);
    qsort_r(list, count, sizeof *list, compare_sources, (void *)(uintptr_t)texts);
    return true;
}

void sources_release(struct sources *sources) {
    free(sources->list);
    sources->list = NULL;
}

/* The first entry that is not before this line of the file. */
static uint32_t find_entry(const struct sources *sources, string_id file, uint32_t line) {
    uint32_t low = 0, high = sources->profile->source_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        uint32_t at = sources->texts[sources->list[middle].file];
        if (at < file || (at == file && sources->list[middle].line < line))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const char *sources_find(const struct sources *sources, string_id file, uint32_t line) {
    uint32_t at = find_entry(sources, file, line);
    if (at == sources->profile->source_count || sources->texts[sources->list[at].file] != file ||
        sources->list[at].line != line)
        return "";
    return sources->profile->strings[sources->list[at].text];
}

void sources_of_file(const struct sources *sources, string_id file, uint32_t *first,
                     uint32_t *end) {
    *first = find_entry(sources, file, 0);
    *end = find_entry(sources, file + 1, 0);
}
