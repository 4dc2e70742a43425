/* The page that belongs to a profile. */
#ifndef HOLDFAST_CLI_PAGE_FILE_H
#define HOLDFAST_CLI_PAGE_FILE_H

#include <stdbool.h>

/* FILE.html, for FILE.holdfast; to be freed. NULL when memory ran out. */
char *page_file_name(const char *profile);

/* Whether nobody's work is lost when a page is written there without having been asked for: there
 * is no such file, or it is a page of ours. */
bool page_file_is_free(const char *name);

#endif
