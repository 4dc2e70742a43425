/* For tests of reports: one as a string, and what can be said of its lines. */
#ifndef HOLDFAST_TESTS_REPORT_TOOLS_H
#define HOLDFAST_TESTS_REPORT_TOOLS_H

#include "viewer/report.h"

#include <jansson.h>

typedef bool report_function(const struct profile *profile, const struct report_options *options,
                             FILE *out);

/* To be freed by the caller. */
char *report_string(report_function *function, const struct profile *profile,
                    const struct report_options *options);

/* Of a JSON report, whose text it frees. */
json_t *parse_report(char *text);

void assert_says(const char *text, const char *words);
void assert_says_not(const char *text, const char *words);

unsigned count_lines(const char *text);
size_t longest_line(const char *text); /* in characters */

/* Nothing that a terminal would obey, or that reorders what is on screen. */
void assert_harmless(const char *text);

/* The page's data. */
json_t *page_data(const char *page);

#endif
