/* The import slots of what is loaded: where a module's calls of the interpreter's reference
 * functions find their target (relocations JUMP_SLOT and GLOB_DAT).
 *
 * A slot of the interpreter itself, for a function of its own, is left as it is. Slots in memory
 * that the loader has made read-only are writable for a moment; the loader has no use of them any
 * more then, and whoever calls through one meanwhile finds the old function or the new.
 *
 * Another thread's dlopen may be at work: what it loads is seen here before its slots have their
 * values. Such a slot is the loader's alone, and is looked at again the next time.
 */
#include "refs.h"

#include <elf.h>
#include <link.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "../python.h"
#include "../seccomp.h"
#include "../sys.h"

#define VISITED_MAX 4096u
#define PAGE ((uintptr_t)4096)

#if defined(__x86_64__)
#define SLOT_CALLED R_X86_64_JUMP_SLOT
#define SLOT_READ R_X86_64_GLOB_DAT
#else
#define SLOT_CALLED R_AARCH64_JUMP_SLOT
#define SLOT_READ R_AARCH64_GLOB_DAT
#endif

/* By hash of base and path. Changed under the loader's lock, which dl_iterate_phdr takes. */
static struct {
    uint64_t visited[VISITED_MAX];
    uint32_t count;
    _Atomic bool forget; /* all of them; by anybody */
} slots;

static struct {
    const char *name;
    enum refs_function function;
    uintptr_t address; /* the interpreter's own; 0: it has none */
} functions[] = {
    {"Py_IncRef", REFS_INCREF, 0},     {"Py_DecRef", REFS_DECREF, 0},
    {"_Py_IncRef", REFS_INCREF, 0},    {"_Py_DecRef", REFS_DECREF, 0},
    {"_Py_NewReference", REFS_NEW, 0}, {"_Py_Dealloc", REFS_DEALLOC, 0},
};

#define FUNCTIONS (sizeof functions / sizeof functions[0])

/* One loaded object. */
struct loaded {
    uintptr_t base, size;
    uintptr_t sealed_from, sealed_to; /* read-only since it was loaded; whole pages */
    const char *path;
    const ElfW(Sym) * symbols;
    const char *names;
    const ElfW(Rela) * tables[2];
    size_t counts[2];
    bool imports;    /* something of the interpreter's */
    bool unfinished; /* the loader is still at work on it */
    uint32_t module; /* REFS_MODULES: none yet */
};

static uint64_t hash_of(const struct loaded *loaded) {
    uint64_t hash = loaded->base * 0x9e3779b97f4a7c15u;
    for (const char *c = loaded->path; *c; c++)
        hash = (hash ^ (uint8_t)*c) * 0x100000001b3u;
    return hash ? hash : 1;
}

static bool visited(const struct loaded *loaded) {
    uint64_t hash = hash_of(loaded);
    for (uint32_t i = 0; i < slots.count; i++)
        if (slots.visited[i] == hash)
            return true;
    return false;
}

/* Of too many, the others are looked at each time: it is only slower. */
static void note_visit(const struct loaded *loaded) {
    if (slots.count < VISITED_MAX)
        slots.visited[slots.count++] = hash_of(loaded);
}

/* -- What a module is called -- */

static void put_path(struct refs_module *module, const char *path) {
    size_t length = strlen(path), skip = length >= REFS_PATH ? length - REFS_PATH + 1 : 0;
    memcpy(module->path, path + skip, length - skip + 1);
}

/* The same one may have been unloaded and be back. */
static uint32_t module_number(const char *path) {
    struct refs_module named = {.takes = false};
    put_path(&named, *path ? path : "program");
    for (uint32_t i = 0; i < refs->module_count; i++)
        if (strcmp(refs->modules[i].path, named.path) == 0)
            return i;
    if (refs->module_count == REFS_MODULES - 1)
        put_path(&named, "other modules");
    if (refs->module_count == REFS_MODULES)
        return REFS_MODULES - 1;
    refs->modules[refs->module_count] = named;
    return refs->module_count++;
}

/* -- One slot -- */

/* Until it is relocated, a slot holds 0 or an offset in its object; the address of a function in a
 * program that is linked to low addresses looks like one. */
static bool is_relocated(const struct loaded *loaded, uintptr_t value, uintptr_t function) {
    bool offset = loaded->base != 0 && value < loaded->size;
    return value != 0 && (value == function || !offset);
}

/* Its loader has sealed the page, and so is done with it: a word there cannot be written, not even
 * by adding 0 to it. */
static bool is_sealed(char *slot) {
    uint32_t nobody = 0;
    const long add_nothing = FUTEX_OP(FUTEX_OP_ADD, 0, FUTEX_OP_CMP_LT, 0);
    return sys_failed(sys_call6(SYS_futex, (long)&nobody, FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG, 1, 0,
                                (long)slot, add_nothing));
}

static bool set_sealed(char *slot, void *target) {
    char *page = (char *)((uintptr_t)slot & ~(PAGE - 1));
    if (sys_failed(
            sys_call6(SYS_mprotect, (long)page, (long)PAGE, PROT_READ | PROT_WRITE, 0, 0, 0)))
        return false;
    __atomic_store_n((void **)(void *)slot, target, __ATOMIC_RELEASE);
    sys_call6(SYS_mprotect, (long)page, (long)PAGE, PROT_READ, 0, 0, 0);
    return true;
}

/* Only who takes or gives back needs a number. */
static refs_stub *stub_for(struct loaded *loaded, enum refs_function function) {
    if (function >= REFS_NUMBERED)
        return function == REFS_NEW ? refs_new : refs_dealloc;
    if (loaded->module == REFS_MODULES)
        loaded->module = module_number(loaded->path);
    return refs_stubs[function][loaded->module];
}

static void redirect(struct loaded *loaded, uintptr_t at, enum refs_function function) {
    refs_stub *stub = stub_for(loaded, function);
    char *slot = (char *)at;
    void *target;
    memcpy(&target, &stub, sizeof target);
    if (at >= loaded->sealed_from && at < loaded->sealed_to) {
        if (!set_sealed(slot, target))
            return;
    } else {
        __atomic_store_n((void **)(void *)slot, target, __ATOMIC_RELEASE);
    }
    if (function < REFS_NUMBERED)
        refs->modules[loaded->module].takes = true;
}

static void look_at_function(struct loaded *loaded, uintptr_t at, size_t function) {
    char *slot = (char *)at;
    uintptr_t value = __atomic_load_n((uintptr_t *)(void *)slot, __ATOMIC_ACQUIRE);
    bool sealed = at >= loaded->sealed_from && at < loaded->sealed_to;
    if (sealed && !seccomp_lets(SECCOMP_ALL))
        return;
    if (!is_relocated(loaded, value, functions[function].address) || (sealed && !is_sealed(slot)))
        loaded->unfinished = true;
    else
        redirect(loaded, at, functions[function].function);
}

static void look_at_slot(struct loaded *loaded, const ElfW(Rela) * slot) {
    uint32_t type = (uint32_t)ELF64_R_TYPE(slot->r_info);
    const ElfW(Sym) *symbol = &loaded->symbols[ELF64_R_SYM(slot->r_info)];
    if ((type != SLOT_CALLED && type != SLOT_READ) || symbol->st_shndx != SHN_UNDEF)
        return;
    const char *name = loaded->names + symbol->st_name;
    name += name[0] == '_';
    if (name[0] != 'P' || name[1] != 'y')
        return;
    loaded->imports = true;
    name = loaded->names + symbol->st_name;
    for (size_t i = 0; i < FUNCTIONS; i++)
        if (strcmp(name, functions[i].name) == 0)
            look_at_function(loaded, loaded->base + slot->r_offset, i);
}

/* -- One loaded object -- */

/* glibc has put addresses in place of most offsets. */
static uintptr_t address_in(const struct loaded *loaded, uintptr_t value) {
    return value < loaded->base ? value + loaded->base : value;
}

static void read_dynamic(struct loaded *loaded, const ElfW(Dyn) * entry) {
    for (; entry->d_tag != DT_NULL; entry++) {
        uintptr_t address = address_in(loaded, entry->d_un.d_ptr);
        if (entry->d_tag == DT_SYMTAB)
            loaded->symbols = (const void *)address;
        else if (entry->d_tag == DT_STRTAB)
            loaded->names = (const char *)address;
        else if (entry->d_tag == DT_JMPREL)
            loaded->tables[0] = (const void *)address;
        else if (entry->d_tag == DT_RELA)
            loaded->tables[1] = (const void *)address;
        else if (entry->d_tag == DT_PLTRELSZ)
            loaded->counts[0] = entry->d_un.d_val / sizeof(ElfW(Rela));
        else if (entry->d_tag == DT_RELASZ)
            loaded->counts[1] = entry->d_un.d_val / sizeof(ElfW(Rela));
    }
}

static void look_at_slots(struct loaded *loaded) {
    if (!loaded->symbols || !loaded->names)
        return;
    for (int table = 0; table < 2; table++)
        for (size_t i = 0; loaded->tables[table] && i < loaded->counts[table]; i++)
            look_at_slot(loaded, &loaded->tables[table][i]);
}

static bool is_own(const struct dl_phdr_info *info) {
    uintptr_t own = (uintptr_t)&slots;
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        uintptr_t start = info->dlpi_addr + header->p_vaddr;
        if (header->p_type == PT_LOAD && own >= start && own < start + header->p_memsz)
            return true;
    }
    return false;
}

/* Its dynamic section; NULL: it has none. */
static const ElfW(Dyn) * read_headers(struct loaded *loaded, const struct dl_phdr_info *info) {
    const ElfW(Dyn) *dynamic = NULL;
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        uintptr_t start = loaded->base + header->p_vaddr, end = header->p_vaddr + header->p_memsz;
        if (header->p_type == PT_DYNAMIC)
            dynamic = (const void *)start;
        if (header->p_type == PT_LOAD && end > loaded->size)
            loaded->size = end;
        if (header->p_type == PT_GNU_RELRO) {
            loaded->sealed_from = start & ~(PAGE - 1);
            loaded->sealed_to = (start + header->p_memsz) & ~(PAGE - 1);
        }
    }
    return dynamic;
}

/* `begun`: not the first one of this round, in which all are counted anew when something was
 * unloaded. */
static int look_at(struct dl_phdr_info *info, size_t size, void *begun) {
    struct loaded loaded = {
        .base = info->dlpi_addr, .path = info->dlpi_name, .module = REFS_MODULES};
    (void)size;
    if (!*(bool *)begun && atomic_exchange(&slots.forget, false))
        slots.count = refs->looked_at = 0;
    *(bool *)begun = true;
    if (visited(&loaded) || is_own(info))
        return 0;
    const ElfW(Dyn) *dynamic = read_headers(&loaded, info);
    if (dynamic) {
        read_dynamic(&loaded, dynamic);
        look_at_slots(&loaded);
    }
    if (!loaded.unfinished) {
        note_visit(&loaded);
        refs->looked_at += loaded.imports;
    }
    refs_tell_module(loaded.module);
    return 0;
}

void slots_begin(void *scope) {
    for (size_t i = 0; i < FUNCTIONS; i++)
        python_symbol(scope, functions[i].name, &functions[i].address);
}

void slots_patch(void) {
    bool begun = false;
    dl_iterate_phdr(look_at, &begun);
}

void slots_forget(void) {
    atomic_store(&slots.forget, true);
}
