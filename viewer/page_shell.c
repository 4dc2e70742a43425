/* See page_shell.h. */
#include "page_shell.h"

#include "page_files.h"

/* In the title, where all but "<" and "&" is text. */
static void put_html(FILE *out, const char *text) {
    for (; *text; text++) {
        switch (*text) {
        case '<':
            fputs("&lt;", out);
            break;
        case '&':
            fputs("&amp;", out);
            break;
        default:
            fputc(*text, out);
        }
    }
}

void page_shell_open(FILE *out, const char *title) {
    fputs(page_until_title, out);
    put_html(out, title);
    fputs(page_until_data, out);
}

void page_shell_close(FILE *out) {
    fputs(page_until_end, out);
}

void page_put_character(FILE *out, char character) {
    if (character == '<' || character == '>' || character == '&')
        fprintf(out, "\\u%04x", (unsigned)character);
    else
        fputc(character, out);
}
