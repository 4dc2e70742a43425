/* The page without its data: what web/ was built into, in the pieces between which a report puts
 * its title and its data.
 */
#ifndef HOLDFAST_VIEWER_PAGE_SHELL_H
#define HOLDFAST_VIEWER_PAGE_SHELL_H

#include <stdio.h>

/* Up to where the data begins. */
void page_shell_open(FILE *out, const char *title);
void page_shell_close(FILE *out);

/* A character of JSON text: as it is, or escaped if HTML could take it for markup. */
void page_put_character(FILE *out, char character);

#endif
