/* What the parts of the page's data share. */
#ifndef HOLDFAST_VIEWER_PAGE_H
#define HOLDFAST_VIEWER_PAGE_H

#include "json.h"

/* Texts that occur many times are sent once. */
struct words {
    json_t *list, *index;
};

/* `text` made harmless, as its number in the list. */
json_t *page_word(struct words *words, const char *text);

/* Who held the memory: for each process that the page has a view of, by its index as a string; and
 * in *tree the index of the one that the tree's view shows, or -1. */
json_t *page_holders(const struct profile *profile, const struct report_options *options,
                     const json_t *views, struct words *words, int *tree);

#endif
