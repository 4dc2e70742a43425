/* What an object is by itself: its size and large blocks, reference count, and a short text. */
#include "heap.h"

#include "../text.h"

#define DETAILS_MAX 200000u
#define NAMES_MAX (1u << 20)
#define LENGTH_SHOWN 1000u /* of containers, when above */
#define SIZE_LIMIT (1ull << 46)
#define DEQUE_BLOCK 528u /* 64 items and two links */
#define DEQUE_MAXLEN 48u /* behind its size, in all known versions; -1: none */

static uint64_t absolute(int64_t count) {
    return (uint64_t)(count < 0 ? -count : count);
}

static bool has_gc_head(const struct walked_type *type, const char *object) {
    return type->type_flags & TYPE_HAS_GC && (!type->is_gc || type->is_gc(object));
}

bool object_tracked(const struct walked_type *type, const char *object) {
    return !python.at.free_threaded && has_gc_head(type, object) && word_at(object - 16, 0);
}

uint64_t object_count(const char *object) {
    if (python.at.free_threaded) {
        /* ob_tid; flags, mutex and gc bits; ob_ref_local; ob_ref_shared, whose low two bits are
         * flags */
        uint32_t local;
        memcpy(&local, object + 12, sizeof local);
        int64_t shared = (int64_t)word_at(object, 16) >> 2;
        return local == UINT32_MAX ? 0 : (uint64_t)(local + shared);
    }
    if (python.at.minor < 12)
        return word_at(object, 0);
    int32_t count = int_at(object, 0);
    return count < 0 ? 0 : (uint64_t)count;
}

/* -- Size -- */

/* A block that belongs to the object alone. */
static uint64_t own_block(struct walk *walk, const char *block, uint64_t bytes) {
    if (bytes >= SIZE_LIMIT)
        return 0;
    bool large = large_contains(walk, (uintptr_t)block);
    if (bytes >= GRAPH_LARGE_BLOCK || large) {
        if (!walk->place_count)
            walk->owns_first_place = true;
        place_add(walk, (uintptr_t)block);
    }
    return bytes >= GRAPH_LARGE_BLOCK ? 0 : bytes;
}

/* Memory that something else owns. */
static void shown_block(struct walk *walk, const char *block, uint64_t bytes) {
    if (bytes >= GRAPH_LARGE_BLOCK || large_contains(walk, (uintptr_t)block))
        place_add(walk, (uintptr_t)block);
}

static uint64_t text_size(struct walk *walk, const struct walked_type *type, const char *object) {
    uint32_t state;
    memcpy(&state, object + python.at.text_state, sizeof state);
    struct text text = text_of(object);
    uint64_t bytes = (text.length + 1) * text.width;
    if (!(state >> python.at.text_compact_shift & 1)) {
        return type->basic_size + own_block(walk, text.data, text.data ? bytes : 0);
    }
    if (state >> python.at.text_ascii_shift & 1)
        return python.at.text_ascii_data + bytes;
    const char *utf8 = python_pointer(object, python.at.text_utf8);
    uint64_t cached =
        utf8 && utf8 != text.data ? word_at(object, python.at.text_utf8_length) + 1 : 0;
    return python.at.text_compact_data + bytes + (cached ? own_block(walk, utf8, cached) : 0);
}

static uint64_t int_size(const struct walked_type *type, const char *object) {
    uint64_t digits = python.at.int_tag ? word_at(object, python.at.int_tag) >> 3
                                        : absolute((int64_t)word_at(object, python.at.size));
    return type->basic_size + (digits || !python.at.int_tag ? digits : 1) * 4;
}

static uint64_t dict_size(struct walk *walk, const struct walked_type *type, const char *object) {
    /* Without a GIL its tables may go while they are read. */
    if (walk->unsure || !python.has_gil)
        return type->basic_size;
    const char *keys = python_pointer(object, python.at.dict_keys);
    const char *values = python_pointer(object, python.at.dict_values);
    uint64_t size = type->basic_size;
    if (word_at(keys, 0) == 1) /* dk_refcnt */
        size += own_block(walk, keys, keys_size(keys));
    struct dict_table table;
    dict_open(object, &table);
    if (values && !table.embedded)
        size += own_block(walk, values, keys_capacity(keys) * 8);
    return size;
}

static uint64_t set_size(struct walk *walk, const struct walked_type *type, const char *object) {
    const char *table = python_pointer(object, python.at.set_table);
    if (table == object + python.at.set_small_table)
        return type->basic_size;
    return type->basic_size +
           own_block(walk, table, (word_at(object, python.at.set_mask) + 1) * 16);
}

/* -- ndarray -- */

/* What only a stack place refers to may be no array any more. */
static bool array_readable(struct walk *walk, const char *object) {
    if (!walk->unsure)
        return true;
    const char *dtype = python_pointer(object, ARRAY_DTYPE);
    uint32_t dimensions = (uint32_t)int_at(object, ARRAY_DIMENSION_COUNT);
    if (dimensions > 64 || !memory_readable(walk, dtype, 32))
        return false;
    const char *sizes = python_pointer(object, ARRAY_DIMENSIONS);
    const char *scalar = python_pointer(dtype, DTYPE_SCALAR_TYPE);
    return (!dimensions || memory_readable(walk, sizes, dimensions * 8ul)) &&
           memory_readable(walk, scalar, 64) &&
           memory_readable(walk, python_pointer(scalar, python.at.type_name), 64);
}

static uint64_t array_count(const char *object) {
    int32_t dimensions = int_at(object, ARRAY_DIMENSION_COUNT);
    const char *sizes = python_pointer(object, ARRAY_DIMENSIONS);
    uint64_t count = 1;
    for (int32_t i = 0; i < dimensions && i < 64; i++)
        if (__builtin_mul_overflow(count, word_at(sizes, (uint32_t)i * 8), &count))
            return 0;
    return count;
}

bool array_owns(const char *object) {
    return int_at(object, ARRAY_FLAGS) & ARRAY_OWNS_DATA;
}

/* The size of an item is at different offsets in numpy 1 and 2; the number of its type is not, and
 * of numpy's own numbers and references that tells. 0: not known, or texts and structs. */
static uint64_t array_item_size(const char *dtype) {
    enum { REAL = sizeof(long double), COMPLEX = 2 * sizeof(long double) };
    /* bool and integers; real, complex; object, bytes, str, void; datetime64, timedelta64; half */
    static const uint8_t sizes[] = {1, 1,    1, 2,  2,       4, 4, 8, 8, 8, 8, 4,
                                    8, REAL, 8, 16, COMPLEX, 8, 0, 0, 0, 8, 8, 2};
    int32_t type = int_at(dtype, DTYPE_NUMBER);
    return type >= 0 && (size_t)type < sizeof sizes ? sizes[type] : 0;
}

uint64_t array_object_count(const char *object) {
    const char *dtype = python_pointer(object, ARRAY_DTYPE);
    if (!array_owns(object) || dtype[DTYPE_KIND] != 'O')
        return 0;
    return array_count(object);
}

uint64_t array_bytes(const char *object) {
    const char *dtype = python_pointer(object, ARRAY_DTYPE);
    uint64_t bytes;
    if (!dtype || __builtin_mul_overflow(array_count(object), array_item_size(dtype), &bytes))
        return 0;
    return bytes;
}

static uint64_t array_size(struct walk *walk, const struct walked_type *type, const char *object) {
    const char *data = python_pointer(object, ARRAY_DATA);
    if (!array_readable(walk, object)) {
        shown_block(walk, data, 0);
        return type->basic_size;
    }
    uint64_t bytes = array_bytes(object);
    if (array_owns(object))
        return type->basic_size + own_block(walk, data, bytes);
    shown_block(walk, data, bytes);
    return type->basic_size;
}

/* -- Others -- */

static uint64_t code_slots(const char *code) {
    const char *names = python_pointer(code, python.at.code_local_names);
    return word_at(names, python.at.size) + (uint64_t)int_at(code, python.at.code_stack_size);
}

static uint64_t frame_size(const struct walked_type *type, const char *object) {
    uint32_t at = type->kind == GRAPH_GENERATOR ? python.at.generator_frame : 0;
    const char *frame = at ? object + at : python_pointer(object, python.at.frame_object_frame);
    const char *code =
        frame ? (const char *)((uintptr_t)python_pointer(frame, python.at.frame_code) & ~3ul)
              : NULL;
    if (!code || type_of(code) != python.code_type)
        return type->basic_size;
    return type->basic_size + code_slots(code) * 8;
}

static uint64_t plain_size(const struct walked_type *type, const char *object) {
    uint64_t items = 0;
    if (type->item_size)
        items = absolute((int64_t)word_at(object, python.at.size));
    if (items > SIZE_LIMIT || items * type->item_size > SIZE_LIMIT)
        items = 0;
    return type->basic_size + items * type->item_size;
}

static uint64_t other_size(struct walk *walk, const struct walked_type *type, const char *object) {
    if (walk->unsure)
        return plain_size(type, object);
    if (type->array_array)
        return type->basic_size +
               own_block(walk, python_pointer(object, 24),
                         word_at(object, 32) * (uint64_t)int_at(python_pointer(object, 40), 4));
    if (type->deque) {
        uint64_t items = word_at(object, python.at.size), before = word_at(object, 40);
        return type->basic_size + (before + items + 63) / 64 * DEQUE_BLOCK;
    }
    /* Where edges are told, the buffer is an object of its own. */
    if (type->bytes_io && walk->request->shallow)
        shown_block(walk, python_pointer(object, python.at.size), 0);
    return plain_size(type, object);
}

static uint64_t size_by_kind(struct walk *walk, const struct walked_type *type,
                             const char *object) {
    switch (type->kind) {
    case GRAPH_STR:
        return text_size(walk, type, object);
    case GRAPH_NUMBER:
        return type->type_flags & TYPE_IS_INT ? int_size(type, object) : type->basic_size;
    case GRAPH_LIST:
        return type->basic_size + own_block(walk, python_pointer(object, python.at.list_items),
                                            word_at(object, python.at.list_allocated) * 8);
    case GRAPH_DICT:
        return dict_size(walk, type, object);
    case GRAPH_SET:
        return set_size(walk, type, object);
    case GRAPH_BYTEARRAY:
        return type->basic_size + own_block(walk, python_pointer(object, python.at.bytearray_data),
                                            word_at(object, python.at.bytearray_allocated));
    case GRAPH_NDARRAY:
        return array_size(walk, type, object);
    case GRAPH_MEMORYVIEW:
        shown_block(walk, python_pointer(object, python.at.memoryview_data), 0);
        return plain_size(type, object);
    case GRAPH_GENERATOR:
    case GRAPH_FRAME_OBJECT:
        return python.at.minor >= 11           ? frame_size(type, object)
               : type->kind == GRAPH_GENERATOR ? type->basic_size
                                               : plain_size(type, object);
    case GRAPH_OTHER:
        return other_size(walk, type, object);
    default:
        return plain_size(type, object);
    }
}

/* Values that stand in an array of their own, or behind the instance. */
static uint64_t values_size(const struct walked_type *type, const char *object) {
    uint64_t count;
    if (python.at.minor < 11 || !inline_values(type, object, &count))
        return 0;
    const char *keys = python_pointer(type->type, python.at.heap_type_keys);
    uint64_t capacity = keys_capacity(keys);
    if (python.at.minor >= 13)
        capacity = ((const uint8_t *)object)[type->basic_size] + 1u;
    return capacity * 8 + ((capacity + 8) & ~7ull);
}

uint64_t object_measure(struct walk *walk, const struct walked_type *type, const char *object) {
    walk->place_count = 0;
    walk->owns_first_place = false;
    bool gc = has_gc_head(type, object);
    uint64_t head = gc ? 16 : 0;
    if (python.at.minor >= 11 && type->type_flags & (TYPE_MANAGED_DICT | TYPE_MANAGED_WEAKREF))
        head += 16;
    uint64_t size = size_by_kind(walk, type, object) + head;
    if (size >= GRAPH_LARGE_BLOCK && !type->deque) {
        /* The object's own block is the large one: all others count for themselves. */
        if (!walk->place_count)
            place_add(walk, (uintptr_t)object);
        walk->owns_first_place = true;
        return 0;
    }
    if (type->native_words && !walk->request->shallow && !walk->unsure)
        places_native(walk, type, object);
    return walk->unsure ? size : size + values_size(type, object);
}

/* -- Detail -- */

static size_t put_decimal(char *to, uint64_t value) {
    char digits[20];
    size_t count = 0;
    do
        digits[count++] = (char)('0' + value % 10);
    while (value /= 10);
    for (size_t i = 0; i < count; i++)
        to[i] = digits[count - 1 - i];
    return count;
}

static uint32_t length_text(struct walk *walk, uint64_t length) {
    char text[32] = "len ";
    return length > LENGTH_SHOWN ? text_number(walk, text, 4 + put_decimal(text + 4, length)) : 0;
}

/* Of a deque with a bound that one. */
static uint32_t deque_text(struct walk *walk, const char *object) {
    uint64_t bound = word_at(object, python.at.size + DEQUE_MAXLEN);
    char text[32] = "maxlen ";
    if ((int64_t)bound < 0)
        return length_text(walk, word_at(object, python.at.size));
    return text_number(walk, text, 7 + put_decimal(text + 7, bound));
}

/* Of at most 60 bits. */
static uint32_t int_text(struct walk *walk, const char *object) {
    uint64_t tag = python.at.int_tag ? word_at(object, python.at.int_tag) : 0;
    int64_t size = (int64_t)word_at(object, python.at.size);
    uint64_t digits = python.at.int_tag ? tag >> 3 : absolute(size), value = 0;
    bool negative = python.at.int_tag ? (tag & 3) == 2 : size < 0;
    if (digits > 2)
        return 0;
    for (uint64_t i = digits; i-- > 0;)
        value = value << 30 | (uint32_t)int_at(object, python.at.int_digits + (uint32_t)i * 4);
    char text[24] = "-";
    size_t length = negative ? 1 : 0;
    return text_number(walk, text, length + put_decimal(text + length, value));
}

bool text_is_interned(const char *object) {
    uint32_t state;
    memcpy(&state, object + python.at.text_state, sizeof state);
    return state & ((1u << python.at.text_kind_shift) - 1);
}

static bool ends_with(const struct text *text, const char *end) {
    uint64_t length = strlen(end);
    for (uint64_t i = 0; i < length && text->length >= length; i++)
        if (text_character(text, text->length - length + i) != (uint8_t)end[i])
            return false;
    return text->length >= length;
}

/* Of the files that code objects and modules name: "app.py", "<frozen os>". */
static bool names_file(const char *object) {
    struct text text = text_of(object);
    return text.length > 3 &&
           ((text_character(&text, 0) == '<' && text_character(&text, 1) == 'f') ||
            ends_with(&text, ".py") || ends_with(&text, ".pyc"));
}

/* The names of a structured array's fields, as far as there is room. */
static size_t fields_text(struct walk *walk, const char *dtype, char *text, size_t length) {
    const size_t room = 150;
    static const char start[] = " with fields ", more[] = ", ...";
    const struct walked_type *type = type_find(walk, type_of(dtype));
    uint32_t place = type && type->basic_size > DTYPE_NAMES_2 ? DTYPE_NAMES_2 : DTYPE_NAMES_1;
    const char *names = dtype[DTYPE_KIND] == 'V' ? python_pointer(dtype, place) : NULL;
    if (!names || !object_plausible(walk, names) || !(type_flags(type_of(names)) & TYPE_IS_TUPLE))
        return length;
    for (uint64_t i = 0, count = word_at(names, python.at.size); i < count; i++) {
        char name[TEXT_ROOM];
        const char *object = python_pointer(names, python.at.tuple_items + (uint32_t)i * 8);
        if (!object_plausible(walk, object) || !(type_flags(type_of(object)) & TYPE_IS_TEXT))
            return length;
        size_t size = text_copy(name, object);
        if (length + size > room) {
            memcpy(text + length, more, sizeof more - 1);
            return length + sizeof more - 1;
        }
        memcpy(text + length, i ? ", " : start, i ? 2 : sizeof start - 1);
        length += i ? 2 : sizeof start - 1;
        memcpy(text + length, name, size);
        length += size;
    }
    return length;
}

/* As numpy shows it: "(1073741824,) uint8"; of a structured array, "(1000,) void with fields x, y".
 */
static uint32_t array_text(struct walk *walk, const char *object) {
    char text[TEXT_ROOM];
    size_t length = 0;
    if (!array_readable(walk, object))
        return 0;
    int32_t dimensions = int_at(object, ARRAY_DIMENSION_COUNT);
    const char *sizes = python_pointer(object, ARRAY_DIMENSIONS);
    const char *dtype = python_pointer(object, ARRAY_DTYPE);
    text[length++] = '(';
    for (int32_t i = 0; i < dimensions && length < 120; i++) {
        length += put_decimal(text + length, word_at(sizes, (uint32_t)i * 8));
        if (i + 1 < dimensions || dimensions == 1)
            text[length++] = ',';
        if (i + 1 < dimensions)
            text[length++] = ' ';
    }
    text[length++] = ')';
    if (!dtype)
        return text_number(walk, text, length);
    text[length++] = ' ';
    const char *name =
        python_pointer(python_pointer(dtype, DTYPE_SCALAR_TYPE), python.at.type_name);
    const char *dot = name ? strrchr(name, '.') : NULL;
    name = dot ? dot + 1 : name ? name : "";
    size_t part = strnlen(name, 40);
    if (part && name[part - 1] == '_')
        part--; /* numpy.object_, numpy.bool_ */
    memcpy(text + length, name, part);
    length += part;
    return text_number(walk, text, walk->unsure ? length : fields_text(walk, dtype, text, length));
}

static uint32_t text_in_field(struct walk *walk, const char *object, enum python_field_of of,
                              const char *name) {
    for (size_t i = 0; i < python.field_count; i++)
        if (python.fields[i].of == (uint32_t)of && strcmp(python.fields[i].name, name) == 0)
            return text_of_object(walk, python_pointer(object, python.fields[i].offset));
    return 0;
}

static uint32_t detail(struct walk *walk, const struct walked_type *type, const char *object) {
    switch (type->kind) {
    case GRAPH_LIST:
    case GRAPH_TUPLE:
        return length_text(walk, word_at(object, python.at.size));
    case GRAPH_DICT:
        return length_text(walk, word_at(object, python.at.dict_used));
    case GRAPH_SET:
        return length_text(walk, word_at(object, python.at.set_used));
    case GRAPH_BYTES:
    case GRAPH_BYTEARRAY:
        return length_text(walk, word_at(object, python.at.size));
    case GRAPH_FUNCTION:
        return text_of_object(walk, python_pointer(object, python.at.function_qualified_name));
    case GRAPH_BUILTIN:
        return text_of_string(
            walk, python_pointer(python_pointer(object, python.at.builtin_definition), 0));
    case GRAPH_MODULE:
        return text_in_field(walk, object, FIELD_OF_MODULE, "__name__");
    case GRAPH_GENERATOR:
        return text_in_field(walk, object, FIELD_OF_GENERATOR, "__qualname__");
    case GRAPH_TYPE_OBJECT:
        return type_name(walk, object);
    case GRAPH_CODE_OBJECT:
        return walk->unsure
                   ? 0
                   : text_of_object(walk, python_pointer(object, python.at.code_qualified_name
                                                                     ? python.at.code_qualified_name
                                                                     : python.at.code_name));
    case GRAPH_NDARRAY:
        return array_text(walk, object);
    case GRAPH_OTHER:
        return type->deque && !walk->unsure ? deque_text(walk, object) : 0;
    default:
        return 0;
    }
}

uint32_t object_detail(struct walk *walk, const struct walked_type *type, const char *object,
                       uint64_t marks) {
    if (type->kind != GRAPH_STR && type->kind != GRAPH_NUMBER)
        return detail(walk, type, object);
    if (walk->unsure)
        return 0;
    /* What code mentions must not get lost among the keys of large dicts. */
    if (type->kind == GRAPH_STR && walk->names < NAMES_MAX &&
        (text_is_interned(object) || names_file(object))) {
        walk->names++;
        return text_of_object(walk, object);
    }
    if (walk->details >= DETAILS_MAX)
        return 0;
    if (type->kind == GRAPH_STR && marks & MARK_KEY) {
        walk->details++;
        return text_of_object(walk, object);
    }
    if (marks & MARK_KEY && type->type_flags & TYPE_IS_INT) {
        walk->details++;
        return int_text(walk, object);
    }
    return 0;
}
