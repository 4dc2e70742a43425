/* Code objects are sent once per ring: their texts in pieces that fit a record, then the rest. The
 * objects are read where they lie, with no call into the interpreter. */
#include "code.h"

#include <string.h>

#include "text.h"
#include "writer.h"

#define NAME_MAX_BYTES 1024u
#define FILE_MAX_BYTES 4096u
#define LINES_MAX_BYTES (4u << 20)

/* Bits of tp_flags. */
#define TYPE_IS_BYTES (1ul << 27)
#define TYPE_IS_TEXT (1ul << 28)

static unsigned long flags_of(const char *object) {
    const char *type = python_pointer(object, python.at.type);
    return *(const unsigned long *)(const void *)(type + python.at.type_flags);
}

static bool object_is(const char *object, unsigned long flag) {
    return object && (flags_of(object) & flag);
}

bool code_check(const char *code) {
    return code && python_pointer(code, python.at.type) == python.code_type &&
           object_is(python_pointer(code, python.at.code_name), TYPE_IS_TEXT) &&
           object_is(python_pointer(code, python.at.code_file), TYPE_IS_TEXT) &&
           object_is(python_pointer(code, python.at.code_lines), TYPE_IS_BYTES);
}

/* Reserves a TEXT record of `bytes` bytes; its last word is zeroed, for the padding. */
static char *text_record(struct writer *writer, uint32_t bytes) {
    uint32_t words = (bytes + 7) / 8;
    uint64_t *record = writer_reserve(writer, 1 + words);
    if (!record)
        return NULL;
    record[0] = event_word(EVENT_TEXT, 0, 0, bytes);
    record[words] = words ? 0 : record[0];
    return (char *)(record + 1);
}

static void text_commit(struct writer *writer, uint32_t bytes) {
    writer_commit(writer, 1 + (bytes + 7) / 8);
}

/* Characters from `from` on that take at most `room` bytes; `bytes` is set to what they take. */
static uint64_t text_measure(const struct text *text, uint64_t from, uint32_t room,
                             uint32_t *bytes) {
    *bytes = 0;
    uint64_t to = from;
    for (; to < text->length; to++) {
        uint32_t size = utf8_size(text_character(text, to));
        if (*bytes + size > room)
            break;
        *bytes += size;
    }
    return to;
}

static bool send_text(struct writer *writer, const char *object, uint32_t limit, uint32_t *sent) {
    struct text text = text_of(object);
    uint64_t from = 0;
    *sent = 0;
    while (from < text.length) {
        uint32_t room = limit - *sent < EVENT_TEXT_MAX ? limit - *sent : EVENT_TEXT_MAX, bytes;
        uint64_t to = text_measure(&text, from, room, &bytes);
        if (to == from)
            break;
        char *place = text_record(writer, bytes);
        if (!place)
            return false;
        while (from < to)
            place = utf8_put(place, text_character(&text, from++));
        text_commit(writer, bytes);
        *sent += bytes;
    }
    return true;
}

static bool send_bytes(struct writer *writer, const char *object, uint32_t limit, uint32_t *sent) {
    uint64_t size = (uint64_t)python_pointer(object, python.at.size);
    const char *data = object + python.at.bytes_data;
    uint32_t total = size < limit ? (uint32_t)size : limit;
    for (*sent = 0; *sent < total;) {
        uint32_t bytes = total - *sent < EVENT_TEXT_MAX ? total - *sent : EVENT_TEXT_MAX;
        char *place = text_record(writer, bytes);
        if (!place)
            return false;
        memcpy(place, data + *sent, bytes);
        text_commit(writer, bytes);
        *sent += bytes;
    }
    return true;
}

static uint64_t line_table_kind(void) {
    return python.at.minor <= 9 ? LINES_LNOTAB : python.at.minor == 10 ? LINES_310 : LINES_311;
}

bool code_define(struct writer *writer, const char *code, uint32_t number) {
    uint32_t name, file, lines;
    if (!send_text(writer, python_pointer(code, python.at.code_name), NAME_MAX_BYTES, &name) ||
        !send_text(writer, python_pointer(code, python.at.code_file), FILE_MAX_BYTES, &file) ||
        !send_bytes(writer, python_pointer(code, python.at.code_lines), LINES_MAX_BYTES, &lines))
        return false;
    uint64_t *record = writer_reserve(writer, 4);
    if (!record)
        return false;
    uint32_t first_line;
    memcpy(&first_line, code + python.at.code_first_line, sizeof first_line);
    record[0] = event_word(EVENT_CODE, 0, 0, number);
    record[1] = (uint64_t)first_line << 32 | line_table_kind();
    record[2] = (uint64_t)name << 32 | file;
    record[3] = lines;
    writer_commit(writer, 4);
    return true;
}
