/* See report_tools.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "report_tools.h"

#include <stdlib.h>
#include <string.h>

char *report_string(report_function *function, const struct profile *profile,
                    const struct report_options *options) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_true(function(profile, options, out));
    fclose(out);
    return text;
}

json_t *parse_report(char *text) {
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(json);
    free(text);
    return json;
}

void assert_says(const char *text, const char *words) {
    if (!strstr(text, words))
        fail_msg("no '%s' in:\n%s", words, text);
}

void assert_says_not(const char *text, const char *words) {
    if (strstr(text, words))
        fail_msg("'%s' in:\n%s", words, text);
}

unsigned count_lines(const char *text) {
    unsigned lines = 0;
    for (; *text; text++)
        lines += *text == '\n';
    return lines;
}

size_t longest_line(const char *text) {
    size_t longest = 0, length = 0;
    for (; *text; text++) {
        length = *text == '\n' ? 0 : length + ((*text & 0xc0) != 0x80);
        longest = length > longest ? length : longest;
    }
    return longest;
}

void assert_harmless(const char *text) {
    for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
        assert_true((*at >= 0x20 && *at != 0x7f) || *at == '\n');
        assert_false(at[0] == 0xe2 && at[1] == 0x80 && at[2] >= 0xa8 && at[2] <= 0xae);
        assert_false(at[0] == 0xc2 && at[1] < 0xa0);
    }
}

json_t *page_data(const char *page) {
    const char *data = strstr(page, "id=\"data\">"), *end = data ? strstr(data, "</script>") : NULL;
    assert_non_null(end);
    json_error_t error;
    json_t *json = json_loadb(data + 10, (size_t)(end - data - 10), 0, &error);
    if (!json)
        fail_msg("the page's data: %s", error.text);
    return json;
}
