/* See modules.h. */
#include "modules.h"

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdatomic.h>
#include <string.h>

#include "../sys.h"
#include "../writer.h"

/* As glibc 2.35 has it; older headers do not. */
struct found_object {
    unsigned long long flags;
    void *start, *end;
    struct link_map *map;
    const void *table;
    unsigned long long reserved[7];
};

static struct {
    struct module *list;
    _Atomic uint32_t taken; /* places; some may not be filled in yet */
    uint32_t own;
    char program[MODULE_PATH_MAX], folder[MODULE_PATH_MAX / 2];    /* when it began; ends in '/' */
    int (*find_object)(void *address, struct found_object *found); /* _dl_find_object; NULL */
    bool forked;                                                   /* since it began */
} modules;

_Atomic uint32_t modules_generation = 1;

const struct module *modules_at(uint32_t number) {
    return &modules.list[number];
}

uint32_t modules_own(void) {
    return modules.own;
}

void modules_unloaded(void) {
    atomic_fetch_add(&modules_generation, 1);
}

/* -- What an object says of itself -- */

static void put_id(char *id, const uint8_t *bytes, size_t size) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size && i * 2 + 1 < MODULE_ID_MAX; i++) {
        *id++ = digits[bytes[i] >> 4];
        *id++ = digits[bytes[i] & 15];
    }
    *id = '\0';
}

#define PAGE 4096u

static size_t padded(uint32_t size) {
    return ((size_t)size + 3) & ~(size_t)3;
}

static void read_notes(const uint8_t *at, const uint8_t *end, char *id) {
    while (end - at >= (ptrdiff_t)sizeof(ElfW(Nhdr))) {
        ElfW(Nhdr) note;
        memcpy(&note, at, sizeof note);
        const uint8_t *name = at + sizeof note;
        size_t rest = (size_t)(end - name);
        if (padded(note.n_namesz) > rest || note.n_descsz > rest - padded(note.n_namesz))
            return;
        const uint8_t *content = name + padded(note.n_namesz);
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && memcmp(name, "GNU", 4) == 0)
            put_id(id, content, note.n_descsz);
        at = content + padded(note.n_descsz);
    }
}

static void read_headers(struct module *module, const ElfW(Phdr) * headers, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const uint8_t *at = (const uint8_t *)(module->base + headers[i].p_vaddr);
        bool mapped = (uintptr_t)at >= module->start && (uintptr_t)at < module->end &&
                      headers[i].p_memsz <= module->end - (uintptr_t)at;
        if (headers[i].p_type == PT_NOTE && mapped)
            read_notes(at, at + headers[i].p_memsz, module->id);
    }
}

/* The file's header is where the object begins, in nearly all, and what it describes is in the same
 * page; of an object where it is elsewhere, that part of the file may not be mapped. */
static void read_object(struct module *module) {
    ElfW(Ehdr) header;
    memcpy(&header, (const void *)module->start, sizeof header);
    size_t size = header.e_phnum * sizeof(ElfW(Phdr));
    if (memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 && header.e_phentsize == sizeof(ElfW(Phdr)) &&
        size <= PAGE && header.e_phoff <= PAGE - size)
        read_headers(module, (const void *)(module->start + header.e_phoff), header.e_phnum);
}

/* libc calls the program "", and others as they were asked for: maybe from the working directory.
 */
static void put_path(char *path, const char *name) {
    const char *before = "";
    if (!*name)
        name = modules.program;
    else if (*name != '/' && strchr(name, '/'))
        before = modules.folder;
    size_t first = strlen(before), rest = strnlen(name, MODULE_PATH_MAX - 1 - first);
    memcpy(path, before, first);
    memcpy(path + first, name, rest);
    path[first + rest] = '\0';
}

/* Now, since the program may forbid system calls. */
static void look_around(void) {
    long length = sys_call6(SYS_readlinkat, AT_FDCWD, (long)"/proc/self/exe", (long)modules.program,
                            sizeof modules.program - 1, 0, 0);
    modules.program[sys_failed(length) ? 0 : length] = '\0';
    length = sys_call6(SYS_getcwd, (long)modules.folder, sizeof modules.folder - 1, 0, 0, 0, 0);
    modules.folder[sys_failed(length) ? 0 : length] = '\0';
    if (!sys_failed(length) && length > 0)
        modules.folder[length - 1] = '/';
}

/* -- Looking for one -- */

static bool find_without_lock(uintptr_t address, struct module *module) {
    struct found_object found;
    if (modules.find_object((void *)address, &found) != 0 || !found.table)
        return false;
    module->start = (uintptr_t)found.start;
    module->end = (uintptr_t)found.end;
    module->base = found.map->l_addr;
    module->table = found.table;
    put_path(module->path, found.map->l_name);
    read_object(module);
    return true;
}

struct search {
    uintptr_t address;
    struct module *module;
};

static int look_at(struct dl_phdr_info *info, size_t size, void *context) {
    struct search *search = context;
    struct module found = {.base = info->dlpi_addr, .start = UINTPTR_MAX};
    (void)size;
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        uintptr_t start = found.base + header->p_vaddr;
        if (header->p_type == PT_GNU_EH_FRAME)
            found.table = (const uint8_t *)start;
        if (header->p_type != PT_LOAD)
            continue;
        found.start = start < found.start ? start : found.start;
        found.end = start + header->p_memsz > found.end ? start + header->p_memsz : found.end;
    }
    if (!found.table || search->address < found.start || search->address >= found.end)
        return 0;
    *search->module = found;
    put_path(search->module->path, info->dlpi_name);
    read_headers(search->module, info->dlpi_phdr, info->dlpi_phnum);
    return 1;
}

/* Takes a lock of the loader's, as a C++ exception does there; none that dlopen holds while it runs
 * what it has loaded. */
static bool find_with_lock(uintptr_t address, struct module *module) {
    struct search search = {address, module};
    return dl_iterate_phdr(look_at, &search) == 1;
}

static bool has(const struct module *module, uintptr_t address, uint32_t generation) {
    return atomic_load_explicit(&module->generation, memory_order_acquire) == generation &&
           address >= module->start && address < module->end;
}

static bool is_same(const struct module *a, const struct module *b) {
    return atomic_load(&a->generation) != 0 && a->start == b->start && a->end == b->end &&
           a->base == b->base && a->table == b->table && strcmp(a->id, b->id) == 0 &&
           strcmp(a->path, b->path) == 0;
}

static uint32_t count_of(void) {
    uint32_t taken = atomic_load(&modules.taken);
    return taken < MODULES_MAX ? taken : MODULES_MAX;
}

/* Two threads may write the same one down twice, which only costs a place. */
static uint32_t keep(const struct module *found, uint32_t generation) {
    for (uint32_t i = 0; i < count_of(); i++)
        if (is_same(&modules.list[i], found)) {
            atomic_store(&modules.list[i].generation, generation);
            return i;
        }
    uint32_t number = count_of() < MODULES_MAX ? atomic_fetch_add(&modules.taken, 1) : MODULES_MAX;
    if (number >= MODULES_MAX)
        return MODULES_MAX;
    struct module *module = &modules.list[number];
    *module = *found; /* generation 0: nobody takes it for whole yet */
    atomic_store_explicit(&module->generation, generation, memory_order_release);
    return number;
}

uint32_t modules_find(uintptr_t address) {
    uint32_t generation = atomic_load(&modules_generation);
    for (uint32_t i = 0; i < count_of(); i++)
        if (has(&modules.list[i], address, generation))
            return i;
    if (!modules.find_object && modules.forked)
        return MODULES_MAX;
    struct module found = {0};
    bool known =
        modules.find_object ? find_without_lock(address, &found) : find_with_lock(address, &found);
    return known ? keep(&found, generation) : MODULES_MAX;
}

void modules_forked(void) {
    modules.forked = true;
}

bool modules_prepare(void) {
    void *symbol = dlsym(RTLD_DEFAULT, "_dl_find_object");
    memcpy(&modules.find_object, &symbol, sizeof symbol);
    modules.list = pages_map(MODULES_MAX * sizeof *modules.list);
    look_around();
    if (!modules.list)
        return false;
    modules.own = modules_find((uintptr_t)modules_prepare + 1);
    return true;
}

/* -- Telling one -- */

static bool put_text(struct writer *writer, const char *text, uint32_t size) {
    uint32_t words = (size + 7) / 8;
    if (size == 0)
        return true;
    uint64_t *record = writer_reserve(writer, 1 + words);
    if (!record)
        return false;
    record[0] = event_word(EVENT_TEXT, 0, 0, size);
    record[words] = 0;
    memcpy(record + 1, text, size);
    writer_commit(writer, 1 + words);
    return true;
}

bool module_define(struct writer *writer, const struct module *module, uint32_t number) {
    uint32_t path = (uint32_t)strlen(module->path), id = (uint32_t)strlen(module->id);
    if (!put_text(writer, module->path, path) || !put_text(writer, module->id, id))
        return false;
    uint64_t *record = writer_reserve(writer, 4);
    if (!record)
        return false;
    record[0] = event_word(EVENT_CODE, 0, 0, number);
    record[1] = LINES_MODULE;
    record[2] = (uint64_t)path << 32 | id;
    record[3] = 0;
    writer_commit(writer, 4);
    return true;
}
