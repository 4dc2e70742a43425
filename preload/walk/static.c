/* What static memory points to: the variables of the interpreter, of extension modules and of the
 * libraries that they use, and the interpreter's state where that has no name for a field.
 *
 * Every word of the writable segments of what is loaded is looked at. One that holds the address of
 * a known object is told as a root; so is one with the address of what looks like an object that
 * the cycle collector need not know. Whether the word counts as a reference, is borrowed, or is
 * left over from before, nobody says: a reader takes it for one where the object's count has more
 * than what was found otherwise, and for nothing elsewhere.
 *
 * Up to 3.11 the table of interned strings is such a variable.
 *
 * The dynamic linker's list is read without its lock, which nobody may hold here any more, and each
 * object's program headers where they are mapped.
 */
#include "heap.h"

#include <elf.h>
#include <link.h>
#include <sys/auxv.h>

#include "../text.h"

#define WORDS_MAX ((uint64_t)16 << 20) /* looked at in all */
#define IMAGES_MAX 8192u
#define HEADERS_MAX 64u
#define TUPLE_MAX 4096u           /* items of one that nothing else refers to */
#define INTERPRETER "interpreter" /* the name of its static memory and of its state */
#define PAGE ((uintptr_t)4096)

/* One loaded object. */
struct image {
    const char *from, *to;
    const char *base; /* what its headers' addresses count from */
    const char *file;
    const ElfW(Phdr) * headers;
    uint32_t header_count;
};

/* -- What is loaded -- */

/* Its ELF header is where it begins, but for a program that is not relocated. */
static bool find_headers(struct walk *walk, const struct link_map *map, struct image *image) {
    const ElfW(Ehdr) *header = (const void *)map->l_addr;
    image->base = (const char *)map->l_addr;
    if (memory_readable(walk, header, sizeof *header) &&
        memcmp(header->e_ident, ELFMAG, SELFMAG) == 0) {
        image->headers = (const void *)(image->base + header->e_phoff);
        image->header_count = header->e_phnum;
    } else if (map->l_addr == 0) {
        image->headers = (const void *)getauxval(AT_PHDR);
        image->header_count = (uint32_t)getauxval(AT_PHNUM);
    }
    return image->headers && image->header_count <= HEADERS_MAX &&
           memory_readable(walk, image->headers, image->header_count * sizeof *image->headers);
}

static bool find_bounds(struct image *image) {
    for (uint32_t i = 0; i < image->header_count; i++) {
        const ElfW(Phdr) *header = &image->headers[i];
        if (header->p_type != PT_LOAD)
            continue;
        const char *from = image->base + header->p_vaddr, *to = from + header->p_memsz;
        image->from = !image->to || from < image->from ? from : image->from;
        image->to = to > image->to ? to : image->to;
    }
    return image->to;
}

static bool contains(const struct image *image, const char *address) {
    return address >= image->from && address < image->to;
}

/* By address. Nearly all come in the order of their loading, downwards: the new one is mostly the
 * lowest. */
static void insert(struct walk *walk, const struct image *image) {
    uint32_t at = 0;
    while (at < walk->image_count && walk->images[at].from < image->from)
        at++;
    memmove(&walk->images[at + 1], &walk->images[at], (walk->image_count - at) * sizeof *image);
    walk->images[at] = *image;
    walk->image_count++;
}

static void find_images(struct walk *walk) {
    const struct r_debug *debug = interpreter_symbols.loaded;
    walk->images = pool_take(walk, (IMAGES_MAX + 1) * sizeof *walk->images);
    if (!walk->images || !debug || debug->r_state != RT_CONSISTENT)
        return;
    for (const struct link_map *map = debug->r_map;
         map && walk->image_count < IMAGES_MAX && memory_readable(walk, map, sizeof *map);
         map = map->l_next) {
        struct image image = {.file = map->l_name};
        if (find_headers(walk, map, &image) && find_bounds(&image))
            insert(walk, &image);
    }
}

static bool is_static(const struct walk *walk, const char *address) {
    uint32_t low = 0, high = walk->image_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (walk->images[middle].to <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low < walk->image_count && contains(&walk->images[low], address);
}

/* -- Words -- */

static bool tuple_plausible(struct walk *walk, const char *tuple) {
    uint64_t count = word_at(tuple, python.at.size);
    if (count > TUPLE_MAX || !memory_readable(walk, tuple + python.at.tuple_items, count * 8 + 8))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!object_plausible(walk, python_pointer(tuple, python.at.tuple_items + i * 8)))
            return false;
    return true;
}

/* A text or bytes that were freed keep their type, while what tells their length is used anew. */
static bool extent_plausible(struct walk *walk, const char *object, unsigned long flags) {
    struct text text = flags & TYPE_IS_TEXT ? text_of(object) : (struct text){object, 1, 0};
    uint64_t length = flags & TYPE_IS_TEXT ? text.length : word_at(object, python.at.size);
    uint64_t bytes = length * text.width;
    if (length >> 40 || (bytes >= GRAPH_LARGE_BLOCK && !large_contains(walk, (uintptr_t)text.data)))
        return false;
    return bytes == 0 || memory_readable(walk, text.data, bytes);
}

/* Its type lives, and it is whole: it may have been freed long ago. Only where others are, or where
 * it is large: to ask the kernel of each word, what can be read, would take most of the walk. */
static bool is_object(struct walk *walk, const char *object) {
    if (!near_object(walk, object) && !large_contains(walk, (uintptr_t)object))
        return false;
    if (!memory_readable(walk, object, 32) || !number_of(walk, type_of(object)) ||
        !object_plausible_now(walk, object))
        return false;
    unsigned long flags = type_flags(type_of(object));
    return flags & TYPE_IS_TUPLE                    ? tuple_plausible(walk, object)
           : flags & TYPE_IS_DICT                   ? dict_plausible(walk, object)
           : flags & (TYPE_IS_TEXT | TYPE_IS_BYTES) ? extent_plausible(walk, object, flags)
                                                    : true;
}

/* What is static itself, is kept by nobody. */
static const char *object_at(struct walk *walk, const char *place) {
    const char *object = python_pointer(place, 0);
    bool near = may_be_object(walk, object) || large_contains(walk, (uintptr_t)object);
    if (!near || (uintptr_t)object & 7 || is_static(walk, object))
        return NULL;
    return number_of(walk, object) || is_object(walk, object) ? object : NULL;
}

/* The words of one loaded object, or of an interpreter's state. */
struct words {
    const char *from, *to;
    uint32_t name;
    bool interpreter;
};

static bool is_interned(struct walk *walk, const struct words *words, const char *object) {
    return words->interpreter && !walk->interned && type_flags(type_of(object)) & TYPE_IS_DICT &&
           dict_is_interned(walk, object);
}

static bool is_like(struct walk *walk, const struct words *words, const char *place,
                    const char *object) {
    if (place < words->from || place + 8 > words->to)
        return false;
    const char *other = python_pointer(place, 0);
    return other && !((uintptr_t)other & 7) && memory_readable(walk, other, 32) &&
           type_of(other) == type_of(object);
}

/* The interpreter keeps freed lists and dicts in arrays, where those that were taken out again to
 * be used anew still stand. */
static bool is_spare(struct walk *walk, const struct words *words, const char *place,
                     const char *object) {
    return words->interpreter && type_flags(type_of(object)) & (TYPE_IS_LIST | TYPE_IS_DICT) &&
           (is_like(walk, words, place - 8, object) || is_like(walk, words, place + 8, object));
}

static void tell_word(struct walk *walk, const struct words *words, const char *place) {
    const char *object = object_at(walk, place);
    if (!object)
        return;
    if (is_interned(walk, words, object)) {
        walk->interned = object;
        root_tell(walk, GRAPH_ROOT_INTERNED, text_of_string(walk, "interned strings"), object);
    } else if (!is_spare(walk, words, place, object)) {
        root_tell(walk, GRAPH_ROOT_STATIC, words->name, object);
    }
}

static void tell_words(struct walk *walk, const struct words *words) {
    const char *from = words->from, *to = words->to;
    const char *place = (const char *)(((uintptr_t)from + 7) & ~(uintptr_t)7);
    while (place + 8 <= to && !walk->cut && walk->static_budget > 0) {
        const char *page_end = (const char *)(((uintptr_t)place & ~(PAGE - 1)) + PAGE);
        const char *end = page_end < to ? page_end : to;
        bool readable = memory_readable(walk, place, 8);
        for (; place + 8 <= end && readable && walk->static_budget > 0; place += 8) {
            walk->static_budget--;
            if (word_at(place, 0))
                tell_word(walk, words, place);
        }
        place = end;
    }
}

/* -- Segments -- */

static const char *name_of(const struct image *image) {
    const char *slash = strrchr(image->file, '/');
    const char *file = slash ? slash + 1 : image->file;
    return contains(image, python.runtime) ? INTERPRETER : *file ? file : "program";
}

/* What is written only while it is loaded, and read-only then. */
static void without_relocated(const struct image *image, const char **from, const char *to) {
    for (uint32_t i = 0; i < image->header_count; i++) {
        const ElfW(Phdr) *header = &image->headers[i];
        const char *start = image->base + header->p_vaddr, *end = start + header->p_memsz;
        if (header->p_type == PT_GNU_RELRO && start <= *from && end > *from && end <= to)
            *from = end;
    }
}

static void tell_image(struct walk *walk, const struct image *image) {
    bool interpreter = contains(image, python.runtime);
    uint32_t name = text_of_string(walk, name_of(image));
    for (uint32_t i = 0; i < image->header_count; i++) {
        const ElfW(Phdr) *header = &image->headers[i];
        if (header->p_type != PT_LOAD || !(header->p_flags & PF_W))
            continue;
        const char *from = image->base + header->p_vaddr, *to = from + header->p_memsz;
        without_relocated(image, &from, to);
        tell_words(walk, &(struct words){from, to, name, interpreter});
    }
}

/* The first interpreter's state is static from 3.11 on. */
static void tell_states(struct walk *walk) {
    uint32_t name = text_of_string(walk, INTERPRETER);
    for (const char *state = first_interpreter(); state; state = next_interpreter(state))
        if (!is_static(walk, state))
            tell_words(walk,
                       &(struct words){state, state + python.at.interpreter_size, name, true});
}

/* The interpreter's comes last: in its caches and lists of freed objects are most of the words that
 * are no references. */
void static_roots_tell(struct walk *walk) {
    const char *own = (const char *)&interpreter_symbols;
    walk->static_budget = WORDS_MAX;
    find_images(walk);
    if (!walk->images)
        return;
    for (uint32_t i = 0; i < walk->image_count; i++)
        if (!contains(&walk->images[i], python.runtime) && !contains(&walk->images[i], own))
            tell_image(walk, &walk->images[i]);
    walk->static_budget = WORDS_MAX;
    tell_states(walk);
    for (uint32_t i = 0; i < walk->image_count; i++)
        if (contains(&walk->images[i], python.runtime))
            tell_image(walk, &walk->images[i]);
}
