/* See fingerprint.h. */
#include "fingerprint.h"

#include "viewer/words.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static size_t count_digits(const char *text) {
    size_t count = 0;
    while (isdigit((unsigned char)text[count]))
        count++;
    return count;
}

/* Length of a line number with its colon, which stands before a closing bracket. */
static size_t line_number(const char *text) {
    size_t digits = *text == ':' ? count_digits(text + 1) : 0;
    return digits > 0 && text[1 + digits] == ')' ? 1 + digits : 0;
}

/* Within [] numbers are indices or parts of keys, and become a '#'; elsewhere they are parts of
 * names, but for line numbers, which are left out. */
char *fingerprint_path(const char *path) {
    char *result = malloc(strlen(path) + 1), *to = result;
    unsigned depth = 0;
    for (const char *at = path; result && *at;) {
        size_t digits = depth > 0 ? count_digits(at) : 0;
        size_t line = depth > 0 ? 0 : line_number(at);
        depth += *at == '[';
        depth -= *at == ']' && depth > 0;
        if (digits + line == 0)
            *to++ = *at;
        else if (digits > 0)
            *to++ = '#';
        at += digits + line > 0 ? digits + line : 1;
    }
    if (result)
        *to = 0;
    return result;
}

uint64_t fingerprint_hash(const struct fingerprint *fingerprint) {
    uint64_t hash = words_mix(1, (uint64_t)fingerprint->root);
    const char *const texts[] = {fingerprint->name, fingerprint->function, fingerprint->type,
                                 fingerprint->path};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        hash = words_mix(hash, words_hash(texts[i]));
    return words_mix(hash, fingerprint->file) | 1;
}
