/* See format.h. */
#include "format.h"

#include <string.h>

struct number format_bytes(uint64_t bytes) {
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    struct number number;
    if (bytes < 1024) {
        snprintf(number.text, sizeof number.text, bytes == 1 ? "1 byte" : "%u bytes",
                 (unsigned)bytes);
        return number;
    }
    double value = (double)bytes / 1024;
    unsigned unit = 0;
    for (; value >= 1023.5 && unit < 5; unit++)
        value /= 1024;
    int digits = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
    snprintf(number.text, sizeof number.text, "%.*f %s", digits, value, units[unit]);
    return number;
}

struct number format_time(uint64_t ns) {
    struct number number;
    uint64_t seconds = ns / 1000000000u;
    if (seconds < 60)
        snprintf(number.text, sizeof number.text, "%.2f s", (double)ns / 1e9);
    else if (seconds < 3600)
        snprintf(number.text, sizeof number.text, "%u min %02u s", (unsigned)(seconds / 60),
                 (unsigned)(seconds % 60));
    else
        snprintf(number.text, sizeof number.text, "%llu h %02u min",
                 (unsigned long long)(seconds / 3600), (unsigned)(seconds / 60 % 60));
    return number;
}

struct number format_percent(uint64_t part, uint64_t whole) {
    struct number number;
    double percent = whole ? 100.0 * (double)part / (double)whole : 0;
    snprintf(number.text, sizeof number.text, "%.1f %%", percent);
    return number;
}

struct number format_count(uint64_t count, const char *noun) {
    struct number number;
    char digits[24];
    size_t length = (size_t)snprintf(digits, sizeof digits, "%llu", (unsigned long long)count);
    size_t at = 0;
    for (size_t i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0 && length > 4)
            number.text[at++] = ',';
        number.text[at++] = digits[i];
    }
    number.text[at] = 0;
    if (*noun)
        snprintf(number.text + at, sizeof number.text - at, " %s%s", noun, count == 1 ? "" : "s");
    return number;
}

static uint32_t decode(const char *text, size_t *length) {
    const uint8_t *byte = (const uint8_t *)text;
    uint32_t code = byte[0];
    *length = 1;
    if (code < 0xc2 || code > 0xf4)
        return code;
    size_t size = code >= 0xf0 ? 4 : code >= 0xe0 ? 3 : 2;
    code &= 0x7fu >> size;
    for (size_t i = 1; i < size; i++) {
        if ((byte[i] & 0xc0) != 0x80)
            return byte[0];
        code = code << 6 | (byte[i] & 0x3fu);
    }
    static const uint32_t lowest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (code < lowest[size] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
        return byte[0];
    *length = size;
    return code;
}

static bool code_is_unsafe(uint32_t code) {
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x061c ||
           (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
           (code >= 0x2060 && code <= 0x206f) || code == 0xfeff ||
           (code >= 0xfff9 && code <= 0xfffb) || (code >= 0xe0000 && code <= 0xe007f);
}

size_t format_character(const char *text, bool *unsafe) {
    size_t length;
    *unsafe = code_is_unsafe(decode(text, &length));
    return length;
}

/* One character as it is written, in `buffer`; its length in the text. Everything that is written
 * counts as one column a character: wide scripts are not measured. */
static size_t show_character(const char *text, const char *also, char buffer[16], size_t *columns) {
    size_t length;
    uint32_t code = decode(text, &length);
    bool stray = length == 1 && code >= 0x80; /* a byte that is no character by itself */
    bool wanted = stray || code_is_unsafe(code) || (length == 1 && strchr(also, *text) != NULL);
    static const char shorts[] = "\n\t\r", letters[] = "ntr";
    const char *at = length == 1 ? strchr(shorts, *text) : NULL;
    if (!wanted) {
        memcpy(buffer, text, length);
        buffer[length] = 0;
        *columns = 1;
    } else if (at) {
        *columns = (size_t)snprintf(buffer, 16, "\\%c", letters[at - shorts]);
    } else if (code < 0x100) {
        *columns = (size_t)snprintf(buffer, 16, "\\x%02x", code);
    } else {
        *columns = (size_t)snprintf(buffer, 16, code < 0x10000 ? "\\u%04x" : "\\U%08x", code);
    }
    return length;
}

static size_t measure(const char *text, const char *also) {
    size_t width = 0, columns;
    char buffer[16];
    while (*text) {
        text += show_character(text, also, buffer, &columns);
        width += columns;
    }
    return width;
}

size_t format_escaped(FILE *out, const char *text, const char *also, size_t width) {
    bool cut = width > 0 && measure(text, also) > width;
    size_t limit = cut ? (width > 3 ? width - 3 : 0) : SIZE_MAX, used = 0, columns;
    char buffer[16];
    while (*text) {
        text += show_character(text, also, buffer, &columns);
        if (used + columns > limit)
            break;
        fputs(buffer, out);
        used += columns;
    }
    if (cut) {
        fputs("...", out);
        used += 3;
    }
    return used;
}

void format_word(FILE *out, const char *text) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "@%+=:,./_-";
    if (*text && text[strspn(text, plain)] == 0) {
        fputs(text, out);
        return;
    }
    fputc('\'', out);
    for (size_t length; *text; text += length) {
        char one[8] = {0};
        bool unsafe;
        length = format_character(text, &unsafe);
        memcpy(one, text, length);
        if (*text == '\'')
            fputs("'\\''", out);
        else
            format_escaped(out, one, "", 0);
    }
    fputc('\'', out);
}
