/* See toml.h. By recursive descent, with one buffer for the texts of the entry at hand. */
#include "toml.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define NESTING_MAX 32u

struct reader {
    const char *at;
    unsigned line;
    char *texts; /* paths and values, NUL-terminated; never more than the document */
    size_t used;
    struct toml_entry entry;
    unsigned nesting;
    toml_taker *take;
    void *context;
    struct toml_error *error;
};

static bool fail(struct reader *reader, const char *text) {
    if (!reader->error->text)
        *reader->error = (struct toml_error){reader->line, text};
    return false;
}

/* -- Space -- */

static void skip_blanks(struct reader *reader) {
    reader->at += strspn(reader->at, " \t");
}

static void skip_comment(struct reader *reader) {
    if (*reader->at == '#')
        reader->at += strcspn(reader->at, "\n");
}

/* Blanks, comments and ends of lines. */
static void skip_space(struct reader *reader) {
    for (;;) {
        reader->at += strspn(reader->at, " \t\r");
        skip_comment(reader);
        if (*reader->at != '\n')
            return;
        reader->at++;
        reader->line++;
    }
}

static bool end_line(struct reader *reader) {
    skip_blanks(reader);
    skip_comment(reader);
    reader->at += *reader->at == '\r';
    if (*reader->at && *reader->at != '\n')
        return fail(reader, "something follows that does not belong there");
    return true;
}

/* -- Strings -- */

static void put(struct reader *reader, char byte) {
    reader->texts[reader->used++] = byte;
}

static void put_utf8(struct reader *reader, uint32_t code) {
    if (code < 0x80) {
        put(reader, (char)code);
        return;
    }
    unsigned tail = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    put(reader, (char)((0xff00u >> (tail + 1)) | (code >> (6 * tail))));
    while (tail-- > 0)
        put(reader, (char)(0x80 | (code >> (6 * tail) & 0x3f)));
}

static bool take_unicode(struct reader *reader, unsigned digits) {
    uint32_t code = 0;
    for (unsigned i = 0; i < digits; i++) {
        static const char hexadecimal[] = "0123456789abcdefABCDEF";
        const char *digit = *reader->at ? strchr(hexadecimal, *reader->at) : NULL;
        if (!digit)
            return fail(reader, "an escape is not finished");
        uint32_t value = (uint32_t)(digit - hexadecimal);
        code = code << 4 | (value > 15 ? value - 6 : value);
        reader->at++;
    }
    if (code == 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
        return fail(reader, "an escape is no character");
    put_utf8(reader, code);
    return true;
}

static bool take_escape(struct reader *reader) {
    static const char letters[] = "btnfr\"\\e", meanings[] = "\b\t\n\f\r\"\\\x1b";
    char letter = *reader->at++;
    if (letter == 'u' || letter == 'U')
        return take_unicode(reader, letter == 'u' ? 4 : 8);
    const char *found = letter ? strchr(letters, letter) : NULL;
    if (!found)
        return fail(reader, "an escape is not known");
    put(reader, meanings[found - letters]);
    return true;
}

/* A backslash at the end of a line of a multi-line string swallows the space that follows. */
static bool take_line_end_escape(struct reader *reader) {
    const char *rest = reader->at + strspn(reader->at, " \t\r");
    if (*rest != '\n')
        return false;
    for (; *rest && strchr(" \t\r\n", *rest); rest++)
        reader->line += *rest == '\n';
    reader->at = rest;
    return true;
}

/* From behind the opening quotes to behind the closing ones. */
static bool take_quoted(struct reader *reader, char quote, bool lines) {
    for (;;) {
        char byte = *reader->at;
        if (byte == 0 || (byte == '\n' && !lines))
            return fail(reader, "a string is not closed");
        reader->at++;
        reader->line += byte == '\n';
        if (byte == quote &&
            (!lines || strncmp(reader->at, quote == '"' ? "\"\"" : "''", 2) == 0)) {
            reader->at += lines ? 2 : 0;
            /* up to two quotes may stand before the closing three */
            while (lines && *reader->at == quote)
                put(reader, *reader->at++);
            put(reader, 0);
            return true;
        }
        if (byte == '\\' && quote == '"') {
            if (!(lines && take_line_end_escape(reader)) && !take_escape(reader))
                return false;
        } else {
            put(reader, byte);
        }
    }
}

static bool take_string(struct reader *reader, bool may_have_lines) {
    char quote = *reader->at++;
    bool lines = may_have_lines && reader->at[0] == quote && reader->at[1] == quote;
    if (lines) {
        reader->at += 2;
        reader->at += *reader->at == '\r';
        reader->line += *reader->at == '\n';
        reader->at += *reader->at == '\n';
    }
    return take_quoted(reader, quote, lines);
}

/* -- Keys -- */

static bool take_bare_key(struct reader *reader) {
    size_t length = strspn(reader->at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                       "0123456789_-");
    if (length == 0)
        return fail(reader, "a key is missing");
    memcpy(reader->texts + reader->used, reader->at, length);
    reader->used += length;
    put(reader, 0);
    reader->at += length;
    return true;
}

/* Adds a key, and those behind dots, to the path. */
static bool take_key(struct reader *reader) {
    for (;;) {
        skip_blanks(reader);
        if (reader->entry.depth == TOML_PATH_MAX)
            return fail(reader, "tables are nested too deeply");
        reader->entry.path[reader->entry.depth++] = reader->texts + reader->used;
        bool quoted = *reader->at == '"' || *reader->at == '\'';
        if (!(quoted ? take_string(reader, false) : take_bare_key(reader)))
            return false;
        skip_blanks(reader);
        if (*reader->at != '.')
            return true;
        reader->at++;
    }
}

/* -- Values -- */

static bool take_value(struct reader *reader, bool told);

static bool take_array(struct reader *reader) {
    for (reader->at++;;) {
        skip_space(reader);
        if (*reader->at == ']') {
            reader->at++;
            return true;
        }
        if (!take_value(reader, false))
            return false;
        skip_space(reader);
        if (*reader->at != ',' && *reader->at != ']')
            return fail(reader, "an array is not closed");
        reader->at += *reader->at == ',';
    }
}

static bool take_pair(struct reader *reader, bool told) {
    unsigned depth = reader->entry.depth;
    size_t used = reader->used;
    if (!take_key(reader))
        return false;
    if (*reader->at != '=')
        return fail(reader, "a '=' is missing");
    reader->at++;
    skip_blanks(reader);
    if (!take_value(reader, told))
        return false;
    reader->entry.depth = depth;
    reader->used = used;
    return true;
}

static bool take_inline_table(struct reader *reader, bool told) {
    for (reader->at++;;) {
        skip_space(reader);
        if (*reader->at == '}') {
            reader->at++;
            return true;
        }
        if (!take_pair(reader, told))
            return false;
        skip_space(reader);
        if (*reader->at != ',' && *reader->at != '}')
            return fail(reader, "an inline table is not closed");
        reader->at += *reader->at == ',';
    }
}

static bool take_bare_value(struct reader *reader) {
    static const char ends[] = " \t,]}#\r\n";
    size_t length = strcspn(reader->at, ends);
    /* a date and a time may have a blank between */
    if (reader->at[length] == ' ' && reader->at[length + 1] >= '0' && reader->at[length + 1] <= '9')
        length += 1 + strcspn(reader->at + length + 1, ends);
    if (length == 0)
        return fail(reader, "a value is missing");
    memcpy(reader->texts + reader->used, reader->at, length);
    reader->used += length;
    put(reader, 0);
    reader->at += length;
    return true;
}

static bool tell(struct reader *reader, enum toml_kind kind, const char *text, unsigned line) {
    reader->entry.kind = kind;
    reader->entry.text = text;
    reader->entry.line = line;
    return reader->take(reader->context, &reader->entry);
}

static bool take_any(struct reader *reader, bool told) {
    char first = *reader->at;
    unsigned line = reader->line;
    size_t used = reader->used;
    if (first == '{')
        return take_inline_table(reader, told);
    if (first == '[')
        return take_array(reader) && (!told || tell(reader, TOML_ARRAY, "", line));
    bool string = first == '"' || first == '\'';
    bool good =
        (string ? take_string(reader, true) : take_bare_value(reader)) &&
        (!told || tell(reader, string ? TOML_STRING : TOML_BARE, reader->texts + used, line));
    reader->used = used;
    return good;
}

static bool take_value(struct reader *reader, bool told) {
    if (reader->nesting == NESTING_MAX)
        return fail(reader, "values are nested too deeply");
    reader->nesting++;
    bool good = take_any(reader, told);
    reader->nesting--;
    return good;
}

/* -- Documents -- */

/* [table] or [[list of tables]] */
static bool take_header(struct reader *reader) {
    bool list = reader->at[1] == '[';
    reader->entry.depth = 0;
    reader->used = 0;
    reader->at += list ? 2 : 1;
    if (!take_key(reader))
        return false;
    if (strncmp(reader->at, list ? "]]" : "]", list ? 2 : 1) != 0)
        return fail(reader, "the name of a table is not closed");
    reader->at += list ? 2 : 1;
    return true;
}

bool toml_read(const char *text, toml_taker *take, void *context, struct toml_error *error) {
    struct reader reader = {
        .at = text, .line = 1, .take = take, .context = context, .error = error};
    *error = (struct toml_error){0};
    reader.texts = malloc(strlen(text) * 2 + 2);
    bool good = reader.texts || fail(&reader, "out of memory");
    while (good) {
        skip_space(&reader);
        if (!*reader.at)
            break;
        good = (*reader.at == '[' ? take_header(&reader) : take_pair(&reader, true)) &&
               end_line(&reader);
    }
    free(reader.texts);
    return good;
}
