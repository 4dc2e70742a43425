/* See types.h. */
#include "types.h"

#include <stdatomic.h>
#include <string.h>

#include "seccomp.h"
#include "sys.h"
#include "thread.h"
#include "walk/heap.h"

#define SLOTS (1u << 14)
#define LIVING_MAX (SLOTS / 2) /* more types than these have no number */
#define TRIES 1000u
#define PAGE 4096u
#define LOWEST (1u << 16) /* no object is below */
#define BASES_MAX 64u
#define METAS_MAX 16u
#define COUNT_MASK 0xffffffffu
#define HEAP_TYPE_NAME 16u /* ht_name, before ht_slots and the qualified name */
#define LOCAL_COUNT 12u    /* without a GIL: ob_ref_local */
#define SHARED_COUNT 16u   /* ob_ref_shared */

/* A type is kept by the complement of its address: who looks for references in the program's memory
 * shall find none here. */
struct known_type {
    uintptr_t hidden; /* 0: free */
    uint32_t number;
    uint8_t header; /* bytes before such objects in their blocks */
    bool is_meta;   /* its objects are types */
};

/* Whoever frees objects holds a GIL, of which there may be several, or none: `busy` is for them,
 * and for signal handlers. Whom it keeps out does not know its object's type, and when that is a
 * type itself, nobody forgets it: `missed`. */
static struct {
    struct known_type *list; /* open addressing; NULL: not wanted, or no memory */
    uint32_t living, numbers;
    _Atomic uintptr_t metas[METAS_MAX]; /* the types of those in the list, hidden, to be read by
                                           whoever is kept out */
    atomic_bool metas_full, missed;
    atomic_flag busy;
} known;

void types_begin(void) {
    if (known.list)
        memset(known.list, 0, SLOTS * sizeof *known.list);
    else
        known.list = pages_map(SLOTS * sizeof *known.list);
    known.living = known.numbers = 0;
    for (uint32_t i = 0; i < METAS_MAX; i++)
        known.metas[i] = 0;
    known.metas_full = known.missed = false;
    atomic_flag_clear(&known.busy);
}

/* Others keep it for as long as it takes to look something up, but for those that this has
 * interrupted. */
static bool enter(void) {
    for (unsigned i = 0; i < TRIES; i++) {
        if (!atomic_flag_test_and_set_explicit(&known.busy, memory_order_acquire))
            return true;
        cpu_relax();
    }
    return false;
}

static void leave(void) {
    atomic_flag_clear_explicit(&known.busy, memory_order_release);
}

/* -- What may be read -- */

/* Of memory that begins at an address that may be read. */
static bool may_read_on(const char *address, size_t size) {
    uintptr_t next = ((uintptr_t)address / PAGE + 1) * PAGE;
    for (; next < (uintptr_t)address + size; next += PAGE)
        if (!seccomp_lets(SECCOMP_STACK) || !page_readable(next))
            return false;
    return true;
}

static bool may_read(const char *address, size_t size) {
    uintptr_t from = (uintptr_t)address;
    return from >= LOWEST && from <= EVENT_VALUE_MASK && seccomp_lets(SECCOMP_STACK) &&
           page_readable(from & ~(uintptr_t)(PAGE - 1)) && may_read_on(address, size);
}

/* Of a name that can be read where it begins: TEXT_ROOM at the most. */
static size_t name_length(const char *name) {
    size_t here = PAGE - (uintptr_t)name % PAGE, room = here < TEXT_ROOM ? here : TEXT_ROOM;
    size_t length = strnlen(name, room);
    return length == room && room < TEXT_ROOM && may_read_on(name, TEXT_ROOM)
               ? strnlen(name, TEXT_ROOM)
               : length;
}

static bool is_text(const char *object) {
    return object && (uintptr_t)object % 8 == 0 && may_read(object, python.at.text_ascii_data) &&
           (uintptr_t)type_of(object) % 8 == 0 &&
           may_read(type_of(object), python.at.type_flags + 8) &&
           type_flags(type_of(object)) & TYPE_IS_TEXT;
}

/* It leads to `last`, from one object to the next. */
static bool leads_to(const char *object, uint32_t offset, const char *last) {
    for (unsigned i = 0; i < BASES_MAX && object != last; i++) {
        if ((uintptr_t)object % 8 || !may_read(object, python.at.type_finalize + 8))
            return false;
        object = python_pointer(object, offset);
    }
    return object == last;
}

/* What is none may look like one by its flags: `object` is the base of all types, and `type` the
 * type of all their types. What was one, and is freed, has a count of 0, and what its names are
 * read from may be gone: each of its objects counts. */
static bool is_type(const char *type) {
    const char *object = interpreter_symbols.base_object;
    return object && leads_to(type, python.at.type_base, object) &&
           (python.at.free_threaded || word_at(type, 0) & COUNT_MASK) &&
           leads_to(type_of(type), python.at.type, type_of(object)) &&
           type_flags(type_of(type)) & TYPE_IS_TYPE && type_flags(type) & TYPE_IS_READY &&
           may_read(python_pointer(type, python.at.type_name), 1);
}

/* -- What is known of a type -- */

static uint8_t header_of(const char *type) {
    unsigned long before = python.at.minor >= 12   ? TYPE_MANAGED_DICT | TYPE_MANAGED_WEAKREF
                           : python.at.minor == 11 ? TYPE_MANAGED_DICT
                                                   : 0;
    unsigned long flags = type_flags(type);
    bool collected = flags & TYPE_HAS_GC && !python.at.free_threaded;
    return (uint8_t)((collected ? 16 : 0) + (flags & before ? 16 : 0));
}

/* Of a block with such an object. A compact str has less than its type says. */
static uint64_t least_size(const char *type) {
    bool text = type_flags(type) & TYPE_IS_TEXT;
    return header_of(type) +
           (text ? python.at.text_ascii_data : word_at(type, python.at.type_basic_size));
}

/* Of a class that the program has named so itself: what native code makes has none in that name,
 * only in the one with its module. */
static bool has_dot_in_own_name(const char *type) {
    const char *own = python_pointer(type, python.at.heap_type_qualified_name - HEAP_TYPE_NAME);
    char name[TEXT_ROOM];
    return python.has_gil && is_text(own) && memchr(name, '.', text_copy(name, own));
}

/* Made by native code: a name that says of which module it is, but for the interpreter's own. */
static bool is_native(const char *type) {
    const char *name = python_pointer(type, python.at.type_name);
    return !(type_flags(type) & TYPE_IS_HEAP) ||
           (memchr(name, '.', name_length(name)) && !has_dot_in_own_name(type));
}

static bool is_routine(const char *type) {
    static const char *const routines[] = {"generator", "coroutine", "async_generator"};
    bool found = false;
    for (size_t i = 0; i < sizeof routines / sizeof routines[0]; i++)
        found |= strcmp(python_pointer(type, python.at.type_name), routines[i]) == 0;
    return found && !(type_flags(type) & TYPE_IS_HEAP);
}

/* A class whose finalizer is not that of the native type it is made from has a __del__ of its own,
 * or of another such class. Generators are told to end by theirs, which says nothing. */
static unsigned finalizer_flags(const char *type) {
    const char *finalizer = python_pointer(type, python.at.type_finalize), *base = type;
    if (python_pointer(type, python.at.type_del))
        return FREED_FINALIZER;
    if (is_routine(type))
        return 0;
    for (unsigned i = 0; i < BASES_MAX && base && !is_native(base); i++)
        base = python_pointer(base, python.at.type_base);
    bool own = !base || python_pointer(base, python.at.type_finalize) != finalizer;
    return !finalizer ? 0 : own ? FREED_FINALIZER | FREED_DEL : FREED_FINALIZER;
}

/* Without a GIL, a dict's tables may go while they are read. */
static size_t module_name(const char *type, char *to) {
    const char *dict = python_pointer(type, python.at.type_dict);
    const char *module = python.has_gil && dict ? dict_get(dict, "__module__") : NULL;
    if (!is_text(module))
        return 0;
    size_t length = text_copy(to, module);
    if (length == strlen("builtins") && memcmp(to, "builtins", length) == 0)
        return 0;
    to[length++] = '.';
    return length;
}

/* "module.Class", as heap graphs have it; NUL-terminated, and never empty. Static types end before
 * what heap types have. */
static void name_type(const char *type, char to[2 * TEXT_ROOM]) {
    bool heap = type_flags(type) & TYPE_IS_HEAP && python.has_gil;
    const char *own = heap ? python_pointer(type, python.at.heap_type_qualified_name) : NULL;
    size_t length = 0;
    if (is_text(own)) {
        length = module_name(type, to);
        length += text_copy(to + length, own);
    } else {
        const char *name = python_pointer(type, python.at.type_name);
        length = name_length(name);
        memcpy(to, name, length);
    }
    to[length] = '\0';
    if (!to[0])
        memcpy(to, "?", 2);
}

void types_name(const char *type, char *to, size_t size) {
    char name[2 * TEXT_ROOM];
    name_type(type, name);
    size_t length = strnlen(name, size - 1);
    memcpy(to, name, length);
    to[length] = '\0';
}

/* -- The table -- */

static uint32_t home_of(uintptr_t hidden) {
    return (uint32_t)(hidden * 0x9e3779b97f4a7c15u >> 40) & (SLOTS - 1);
}

/* Where it is, or would be. */
static inline struct known_type *find(const char *type) {
    uint32_t i = home_of(~(uintptr_t)type);
    while (known.list[i].hidden && known.list[i].hidden != ~(uintptr_t)type)
        i = (i + 1) & (SLOTS - 1);
    return &known.list[i];
}

/* What comes after it moves up, so that no search ends too early. */
static void forget(const char *type) {
    struct known_type *entry = find(type);
    if (!entry->hidden)
        return;
    uint32_t hole = (uint32_t)(entry - known.list), mask = SLOTS - 1;
    for (uint32_t i = (hole + 1) & mask; known.list[i].hidden; i = (i + 1) & mask) {
        if (((i - home_of(known.list[i].hidden)) & mask) < ((i - hole) & mask))
            continue;
        known.list[hole] = known.list[i];
        hole = i;
    }
    known.list[hole] = (struct known_type){0};
    known.living--;
}

/* One was missed, and nobody knows which: another type may have its address by now. */
static void forget_all(void) {
    known.missed = false;
    memset(known.list, 0, SLOTS * sizeof *known.list);
    known.living = 0;
}

static void note_meta(const char *meta) {
    uint32_t i = 0;
    while (i < METAS_MAX && known.metas[i] && known.metas[i] != ~(uintptr_t)meta)
        i++;
    if (i < METAS_MAX)
        known.metas[i] = ~(uintptr_t)meta;
    else
        known.metas_full = true;
}

static bool is_meta(const char *type) {
    bool found = known.metas_full;
    for (uint32_t i = 0; i < METAS_MAX; i++)
        found |= known.metas[i] == ~(uintptr_t)type;
    return found;
}

/* What the collector is to be told of a new type. */
struct introduction {
    uint64_t value; /* 0: nothing */
    char name[2 * TEXT_ROOM];
};

static bool learn(struct introduction *introduction, const char *type) {
    if (known.living >= LIVING_MAX || !is_type(type))
        return false;
    uint32_t number = FREE_TYPE_REST;
    if (known.numbers < FREE_TYPES_MAX) {
        number = ++known.numbers;
        introduction->value = type_value(number, finalizer_flags(type), least_size(type));
        name_type(type, introduction->name);
    }
    note_meta(type_of(type));
    *find(type) = (struct known_type){.hidden = ~(uintptr_t)type,
                                      .number = number,
                                      .header = header_of(type),
                                      .is_meta = type_flags(type) & TYPE_IS_TYPE};
    known.living++;
    return true;
}

/* -- Objects -- */

/* The type of the object that may be behind such a header; NULL: there is none. Its count is 0, and
 * what is no address of a type is not looked for. */
static inline const char *type_behind(const char *block, uint32_t header) {
    const char *object = block + header;
    size_t size = header + python.at.type + 8;
    if (((uintptr_t)block & (PAGE - 1)) + size > PAGE && !may_read_on(block, size))
        return NULL;
    /* The collector's list has let go of it. */
    bool in_list =
        header && !python.at.free_threaded && *(const uint64_t *)(const void *)(object - 16);
    uint32_t count = python.at.free_threaded
                         ? *(const uint32_t *)(const void *)(object + LOCAL_COUNT)
                         : (uint32_t)(word_at(object, 0) & COUNT_MASK);
    return count || in_list ? NULL : type_of(object);
}

/* The shortest header first: no address of a type is inside of one, while behind a short object may
 * be what is left over from another one. */
static inline uint32_t look(const char *block) {
    uint32_t most = python.at.minor < 11 || python.at.free_threaded ? 16 : 32;
    for (uint32_t header = 0; header <= most; header += 16) {
        const char *type = type_behind(block, header);
        const struct known_type *entry = type ? find(type) : NULL;
        if (!entry || !entry->hidden || entry->header != header)
            continue;
        uint32_t number = entry->number;
        if (entry->is_meta)
            forget(block + header);
        return number;
    }
    return FREE_TYPE_NONE;
}

static bool look_around(struct introduction *introduction, const char *block) {
    bool learnt = false;
    for (uint32_t header = 0; header <= 32 && !learnt; header += 16) {
        const char *type = type_behind(block, header);
        learnt = type && !find(type)->hidden && learn(introduction, type);
    }
    return learnt;
}

/* A type that is met for the first time. It is told once the table is free for others again: the
 * ring may be full for long. */
static __attribute__((noinline)) uint32_t meet(struct writer *writer, const char *block) {
    struct introduction introduction;
    introduction.value = 0;
    uint32_t number = look_around(&introduction, block) ? look(block) : FREE_TYPE_NONE;
    leave();
    if (introduction.value)
        event_type(writer, introduction.value, introduction.name);
    return number;
}

/* Whether a word that stands where a living object has its count is one, and no address, as in an
 * array of objects. Addresses have something in their third 16 bits and nothing above, while counts
 * have flags there, from 3.14, or what says that they are not to be relied on; or they are low, as
 * the heap is of a program that is linked to a fixed place, and then they can be read. */
static bool is_count(uint64_t word) {
    bool high = word >> 32 & 0xffff && !(word >> 48), low = !(word >> 32) && word % 8 == 0;
    return word && !high && !(low && may_read((const char *)(uintptr_t)word, 1));
}

/* Without a GIL there are two, and the word of the first begins with some bits. */
static bool is_counted_twice(const char *object) {
    uint64_t local = word_at(object, LOCAL_COUNT - 4), shared = word_at(object, SHARED_COUNT);
    bool address = local & 0xffff && local % 8 == 0 && may_read((const char *)(uintptr_t)local, 1);
    return !address && (shared ? is_count(shared) : local >> 32);
}

static const char *living_type(const char *object) {
    bool counted = python.at.free_threaded
                       ? is_counted_twice(object)
                       : is_count(word_at(object, 0)) && word_at(object, 0) & COUNT_MASK;
    const char *type = counted ? type_of(object) : NULL;
    return (uintptr_t)type % 8 ? NULL : type;
}

static uint32_t look_at_living(const char *begin, struct introduction *introduction) {
    uint32_t most = python.at.minor < 11 || python.at.free_threaded ? 16 : 32;
    for (uint32_t header = 0;
         header <= most && header + python.at.type + sizeof(void *) <= TYPES_BEGIN; header += 16) {
        const char *type = living_type(begin + header);
        const struct known_type *entry = type ? find(type) : NULL;
        if (entry && !entry->hidden && !introduction->value && learn(introduction, type))
            entry = find(type);
        if (entry && entry->hidden && entry->header == header)
            return entry->number;
    }
    return FREE_TYPE_NONE;
}

uint32_t types_of_living(struct writer *writer, const char begin[TYPES_BEGIN]) {
    struct introduction introduction;
    introduction.value = 0;
    if (!known.list || !enter())
        return FREE_TYPE_NONE;
    uint32_t number = look_at_living(begin, &introduction);
    leave();
    if (introduction.value)
        event_type(writer, introduction.value, introduction.name);
    return number;
}

void types_missed(const void *block) {
    for (uint32_t header = 0; python.present && known.list && header <= 32; header += 16) {
        const char *type = type_behind(block, header);
        if (type && is_meta(type))
            known.missed = true;
    }
}

uint32_t types_number(struct writer *writer, const void *block) {
    if (!python.present || !known.list)
        return FREE_TYPE_NONE;
    if (!enter()) {
        types_missed(block);
        return FREE_TYPE_NONE;
    }
    if (__builtin_expect(atomic_load_explicit(&known.missed, memory_order_relaxed), 0))
        forget_all();
    uint32_t number = look(block);
    if (number == FREE_TYPE_NONE)
        return meet(writer, block);
    leave();
    return number;
}
