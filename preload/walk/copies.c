/* Buffers with the same content, and buffers whose content is a part of another's: of two copies
 * one would do, or a view of the other.
 *
 * Looked at are bytes, bytearrays and arrays of numbers that own their memory, of a MiB and more
 * each. Told is only what was compared byte by byte. To find what is worth comparing, some words
 * are read of each buffer that has another one of its size; and of a smaller one whether it is
 * where slices usually are in a bigger one: at its begin, at its end, or a multiple of its own
 * size in. What has the same word everywhere (zeros) says nothing.
 *
 * All that is bounded, since the program's writes copy pages as long as this works.
 */
#include "heap.h"

#include <time.h>

#define BUFFERS_MAX 4096u
#define BUFFER_LEAST ((uint64_t)1 << 20)
#define SAMPLES 64u
#define PROBES_MAX 65536u   /* places where a part was looked for */
#define PROBES_OF_ONE 1024u /* in one bigger buffer */
#define COMPARED_MAX ((uint64_t)1 << 30)
#define TIME_MAX_NS 400000000u /* of the processor: 1 GiB takes that */
#define STEP ((uint64_t)1 << 20)

struct buffer {
    const char *data;
    uint64_t size, hash;
    uint32_t number; /* the object's */
    bool told;       /* as a copy of another */
    bool sampled, constant;
};

struct search {
    struct walk *walk;
    uint64_t compared, until_ns;
    uint32_t probes;
    bool cut; /* a bound was reached */
};

/* -- Which buffers there are -- */

static bool is_numbers(const char *array) {
    return array_owns(array) && python_pointer(array, ARRAY_DTYPE)[DTYPE_KIND] != 'O';
}

static void find_content(const struct walked_type *type, const char *object,
                         struct buffer *buffer) {
    switch (type->kind) {
    case GRAPH_BYTES:
        buffer->data = object + python.at.size + BYTES_CONTENT;
        buffer->size = word_at(object, python.at.size);
        return;
    case GRAPH_BYTEARRAY:
        buffer->data = python_pointer(object, python.at.bytearray_data + BYTEARRAY_START);
        buffer->size = word_at(object, python.at.size);
        return;
    case GRAPH_NDARRAY:
        buffer->data = python_pointer(object, ARRAY_DATA);
        buffer->size = is_numbers(object) ? array_bytes(object) : 0;
        return;
    default:
        buffer->size = 0;
    }
}

void copies_note(struct walk *walk, const struct walked_type *type, const char *object,
                 uint32_t number) {
    struct buffer buffer = {.number = number};
    if (walk->request->shallow || walk->unsure || walk->buffer_count == BUFFERS_MAX)
        return;
    find_content(type, object, &buffer);
    if (buffer.size < BUFFER_LEAST || !large_holds(walk, (uintptr_t)buffer.data, buffer.size))
        return;
    if (!walk->buffers)
        walk->buffers = pool_try(walk, BUFFERS_MAX * sizeof *walk->buffers);
    if (walk->buffers)
        walk->buffers[walk->buffer_count++] = buffer;
    else
        walk->buffers_cut = true;
}

/* -- Comparing -- */

static uint64_t processor_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* Pages may be missing here that the program has, if it wanted that (MADV_DONTFORK), and others may
 * not be read by anyone. */
static bool same_content(struct search *search, const char *one, const char *two, uint64_t size) {
    for (uint64_t at = 0; at < size; at += STEP) {
        uint64_t step = size - at < STEP ? size - at : STEP;
        search->cut |= search->compared + step > COMPARED_MAX || processor_ns() > search->until_ns;
        if (search->cut)
            return false;
        if (!memory_readable(search->walk, one + at, step) ||
            !memory_readable(search->walk, two + at, step))
            return false;
        search->compared += step;
        if (memcmp(one + at, two + at, step) != 0)
            return false;
    }
    return true;
}

/* A multiple of 8, from the first word to the last whole one. */
static uint64_t sample_offset(uint64_t size, uint32_t sample) {
    return (size - 8) / (SAMPLES - 1) * sample & ~7ull;
}

static uint64_t any_word(const char *at) {
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

static void take_samples(struct search *search, struct buffer *buffer) {
    uint64_t first = 0;
    buffer->sampled = buffer->constant = true;
    for (uint32_t i = 0; i < SAMPLES; i++) {
        const char *at = buffer->data + sample_offset(buffer->size, i);
        if (!memory_readable(search->walk, at, 8)) {
            buffer->constant = true;
            return;
        }
        uint64_t word = any_word(at);
        first = i == 0 ? word : first;
        buffer->constant &= word == first;
        buffer->hash = (buffer->hash ^ word) * 0x9e3779b97f4a7c15u;
        buffer->hash ^= buffer->hash >> 29;
    }
}

static bool says_something(struct search *search, struct buffer *buffer) {
    if (!buffer->sampled)
        take_samples(search, buffer);
    return !buffer->constant;
}

/* `place` in a bigger buffer has the same words as `buffer`. */
static bool same_samples(struct search *search, const struct buffer *buffer, const char *place) {
    for (uint32_t i = 0; i < SAMPLES; i++) {
        uint64_t offset = sample_offset(buffer->size, i);
        if (!memory_readable(search->walk, place + offset, 8) ||
            any_word(place + offset) != any_word(buffer->data + offset))
            return false;
    }
    return true;
}

/* -- Telling -- */

static void tell(struct walk *walk, uint32_t number, uint32_t of, uint64_t place, uint64_t size) {
    graph_put(walk->writer, GRAPH_COPIES, number);
    graph_put(walk->writer, GRAPH_COPIES, of);
    graph_put(walk->writer, GRAPH_COPIES, place);
    graph_put(walk->writer, GRAPH_COPIES, size);
}

/* Those after `first` that have its size, which stand together. */
static void tell_same(struct search *search, struct buffer *first, const struct buffer *end) {
    for (struct buffer *at = first + 1; at < end && at->size == first->size; at++) {
        if (first->told || at->told || !says_something(search, first) ||
            !says_something(search, at) || at->hash != first->hash ||
            !same_content(search, first->data, at->data, at->size))
            continue;
        at->told = true;
        tell(search->walk, at->number, first->number, 0, at->size);
    }
}

static bool tell_part_at(struct search *search, struct buffer *part, const struct buffer *whole,
                         uint64_t offset) {
    search->cut |= ++search->probes > PROBES_MAX;
    if (search->cut || !same_samples(search, part, whole->data + offset) ||
        !same_content(search, part->data, whole->data + offset, part->size))
        return false;
    part->told = true;
    tell(search->walk, part->number, whole->number, offset + 1, part->size);
    return true;
}

static bool tell_part_of(struct search *search, struct buffer *part, const struct buffer *whole) {
    uint64_t last = whole->size - part->size;
    bool found = tell_part_at(search, part, whole, last);
    for (uint64_t i = 0; i < PROBES_OF_ONE && !found && i * part->size < last; i++)
        found = tell_part_at(search, part, whole, i * part->size);
    return found;
}

static void tell_parts(struct search *search, struct buffer *all, uint32_t count) {
    for (uint32_t i = 1; i < count && !search->cut; i++) {
        if (all[i].told || all[0].size == all[i].size || !says_something(search, &all[i]))
            continue;
        for (uint32_t k = 0; k < i && all[k].size > all[i].size && !search->cut; k++)
            if (!all[k].told && tell_part_of(search, &all[i], &all[k]))
                break;
    }
}

/* The biggest first, and of the same size in the order in which they were told. */
static bool comes_before(const struct buffer *one, const struct buffer *two) {
    return one->size != two->size ? one->size > two->size : one->number < two->number;
}

static void sort(struct buffer *all, uint32_t count) {
    for (uint32_t gap = count / 2; gap > 0; gap /= 2) {
        for (uint32_t i = gap; i < count; i++) {
            struct buffer moved = all[i];
            uint32_t to = i;
            for (; to >= gap && comes_before(&moved, &all[to - gap]); to -= gap)
                all[to] = all[to - gap];
            all[to] = moved;
        }
    }
}

void copies_tell(struct walk *walk) {
    struct search search = {
        .walk = walk, .until_ns = processor_ns() + TIME_MAX_NS, .cut = walk->buffers_cut};
    if (walk->cut || (walk->buffer_count < 2 && !walk->buffers_cut))
        return;
    sort(walk->buffers, walk->buffer_count);
    for (uint32_t i = 0; i < walk->buffer_count && !search.cut; i++)
        tell_same(&search, &walk->buffers[i], walk->buffers + walk->buffer_count);
    tell_parts(&search, walk->buffers, walk->buffer_count);
    if (search.cut || walk->buffer_count == BUFFERS_MAX)
        tell(walk, 0, 0, 0, search.compared);
}
