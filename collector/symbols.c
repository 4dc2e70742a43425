/* See symbols.h. */
#include "symbols.h"

#include "symbol_table.h"

#include "memory.h"

#include <dwarf.h>
#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* libiberty's header takes names that others have, too; these two have long been what they are. */
char *cplus_demangle(const char *mangled, int options);
#define DEMANGLE_ANY (1 << 0 | 1 << 1 | 1 << 8) /* parameters, ANSI words; any known style */

/* Debug information is looked at for so long in all; after that, symbols alone. */
#define SECONDS_MAX 60

/* Name spaces, blocks and inlined functions inside each other. */
#define DEPTH_MAX 256u

/* Where a function's code is, or a part of it. */
struct range {
    Dwarf_Addr start, end;
    Dwarf_Off die;
};

struct unit {
    Dwarf_Off offset;
    Dwarf_Files *files;
    struct range *ranges; /* by rising start */
    uint32_t count, capacity;
};

struct file {
    Dwfl *session;
    Dwfl_Module *module; /* NULL: cannot be read, or is another build */
    uint64_t bias;
    struct unit *units;
    uint32_t unit_count;
    struct symbol_table table;
    bool opened;
};

struct symbols {
    struct file *files;
    uint32_t count;
    time_t deadline;
    uint32_t late;
};

/* -- What libdw asks servers with --
 *
 * It looks for libdebuginfod whether it has a server to ask or not, and a static program that loads
 * a library gets another libc with it. So there these stand for that part of libdw's archive, which
 * the linker then leaves out. */
#if HOLDFAST_PORTABLE
int __libdwfl_debuginfod_find_executable(Dwfl *, const unsigned char *, size_t);
int __libdwfl_debuginfod_find_debuginfo(Dwfl *, const unsigned char *, size_t);
void __libdwfl_debuginfod_end(debuginfod_client *);

int __libdwfl_debuginfod_find_executable(Dwfl *session, const unsigned char *id, size_t size) {
    (void)session, (void)id, (void)size;
    return -1;
}

int __libdwfl_debuginfod_find_debuginfo(Dwfl *session, const unsigned char *id, size_t size) {
    (void)session, (void)id, (void)size;
    return -1;
}

void __libdwfl_debuginfod_end(debuginfod_client *client) {
    (void)client;
}

debuginfod_client *dwfl_get_debuginfod_client(Dwfl *session) {
    (void)session;
    return NULL;
}
#endif

static char *debug_path; /* NULL: the usual places */

static const Dwfl_Callbacks callbacks = {
    .find_elf = dwfl_build_id_find_elf,
    .find_debuginfo = dwfl_standard_find_debuginfo,
    .section_address = dwfl_offline_section_address,
    .debuginfo_path = &debug_path,
};

static time_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec;
}

struct symbols *symbols_open(uint32_t count) {
    struct symbols *symbols = calloc(1, sizeof *symbols);
    struct file *files = calloc((size_t)count + 1, sizeof *files);
    if (!symbols || !files) {
        free(symbols);
        free(files);
        return NULL;
    }
    *symbols = (struct symbols){.files = files, .count = count, .deadline = now() + SECONDS_MAX};
    return symbols;
}

static void file_close(struct file *file) {
    for (uint32_t i = 0; i < file->unit_count; i++)
        free(file->units[i].ranges);
    free(file->units);
    symbol_table_release(&file->table);
    if (file->session)
        dwfl_end(file->session);
}

void symbols_close(struct symbols *symbols) {
    for (uint32_t i = 0; symbols && i < symbols->count; i++)
        file_close(&symbols->files[i]);
    if (symbols)
        free(symbols->files);
    free(symbols);
}

static bool has_id(Dwfl_Module *module, const char *id) {
    const unsigned char *bits;
    GElf_Addr unused;
    int size = dwfl_module_build_id(module, &bits, &unused);
    if (!*id)
        return size <= 0;
    for (int i = 0; i < size; i++) {
        char digits[3];
        snprintf(digits, sizeof digits, "%02x", bits[i]);
        if (strncmp(id + (size_t)i * 2, digits, 2) != 0)
            return (size_t)i * 2 == strlen(id); /* a long one is cut */
    }
    return size > 0;
}

/* -1 where it is no file. What a program has loaded from a descriptor of its own is called what
 * would be one of ours; and a pipe may never end. Of what is below /dev, /dev/shm alone has files.
 */
static int regular_open(const char *path) {
    struct stat status;
    bool is_device = strncmp(path, "/dev/", 5) == 0 && strncmp(path, "/dev/shm/", 9) != 0;
    if (strncmp(path, "/proc/", 6) == 0 || is_device)
        return -1;
    int file = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (file >= 0 && (fstat(file, &status) != 0 || !S_ISREG(status.st_mode))) {
        close(file);
        file = -1;
    }
    return file;
}

/* Into the session. */
static Dwfl_Module *module_report(Dwfl *session, const char *path) {
    int file = regular_open(path);
    if (file < 0)
        return NULL;
    Dwfl_Module *module = dwfl_report_offline(session, path, path, file);
    if (!module)
        close(file);
    return module;
}

static void file_open(struct file *file, const char *path, const char *id) {
    GElf_Addr bias;
    file->opened = true;
    file->session = dwfl_begin(&callbacks);
    if (!file->session)
        return;
    dwfl_report_begin(file->session);
    Dwfl_Module *module = module_report(file->session, path);
    dwfl_report_end(file->session, NULL, NULL);
    if (!module || !dwfl_module_getelf(module, &bias) || !has_id(module, id))
        return;
    file->module = module;
    file->bias = bias;
}

static char *demangled(const char *name) {
    char *plain = cplus_demangle(name, DEMANGLE_ANY);
    return plain ? plain : strdup(name);
}

/* -- By debug information -- */

static char *die_name(Dwarf_Die *die) {
    Dwarf_Attribute attribute;
    const char *name = NULL;
    if (dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute) ||
        dwarf_attr_integrate(die, DW_AT_MIPS_linkage_name, &attribute))
        name = dwarf_formstring(&attribute);
    if (!name)
        name = dwarf_diename(die);
    return name ? demangled(name) : NULL;
}

static uint32_t die_number(Dwarf_Die *die, unsigned attribute_name) {
    Dwarf_Attribute attribute;
    Dwarf_Word value;
    if (!dwarf_attr(die, attribute_name, &attribute) || dwarf_formudata(&attribute, &value) != 0)
        return 0;
    return value < UINT32_MAX ? (uint32_t)value : 0;
}

/* Where an inlined function was called. */
static void take_call(Dwarf_Die *die, Dwarf_Files *files, struct symbol *caller) {
    const char *name =
        files ? dwarf_filesrc(files, die_number(die, DW_AT_call_file), NULL, NULL) : NULL;
    caller->file = name ? strdup(name) : NULL;
    caller->line = die_number(die, DW_AT_call_line);
}

/* -- Units: what was compiled in one go. Of each that is asked for, the functions' ranges are
 * written down, since to go through it anew for each address would take seconds in all. -- */

static bool range_add(struct unit *unit, Dwarf_Addr start, Dwarf_Addr end, Dwarf_Die *die) {
    if (!array_reserve(&unit->ranges, &unit->capacity, (uint64_t)unit->count + 1,
                       sizeof *unit->ranges))
        return false;
    unit->ranges[unit->count++] = (struct range){start, end, dwarf_dieoffset(die)};
    return true;
}

static bool ranges_take(struct unit *unit, Dwarf_Die *die) {
    Dwarf_Addr base, start, end;
    bool good = true;
    for (ptrdiff_t at = 0; good && (at = dwarf_ranges(die, at, &base, &start, &end)) > 0;)
        good = range_add(unit, start, end, die);
    return good;
}

/* Functions may be inside of name spaces and classes, which are inside of each other. */
static bool functions_take(struct unit *unit, Dwarf_Die *parent, unsigned depth) {
    Dwarf_Die die;
    if (depth == DEPTH_MAX || dwarf_child(parent, &die) != 0)
        return true;
    do {
        int tag = dwarf_tag(&die);
        if (tag == DW_TAG_subprogram && !ranges_take(unit, &die))
            return false;
        bool holds = tag == DW_TAG_namespace || tag == DW_TAG_class_type ||
                     tag == DW_TAG_structure_type || tag == DW_TAG_module;
        if (holds && !functions_take(unit, &die, depth + 1))
            return false;
    } while (dwarf_siblingof(&die, &die) == 0);
    return true;
}

static int compare_ranges(const void *left, const void *right) {
    const struct range *a = left, *b = right;
    return (a->start > b->start) - (a->start < b->start);
}

/* NULL when there is no memory. */
static struct unit *unit_find(struct file *file, Dwarf_Die *die) {
    Dwarf_Off offset = dwarf_dieoffset(die);
    for (uint32_t i = 0; i < file->unit_count; i++)
        if (file->units[i].offset == offset)
            return &file->units[i];
    struct unit *units = realloc(file->units, (file->unit_count + 1ul) * sizeof *units);
    if (!units)
        return NULL;
    file->units = units;
    struct unit *unit = &units[file->unit_count++];
    *unit = (struct unit){.offset = offset};
    size_t count;
    if (dwarf_getsrcfiles(die, &unit->files, &count) != 0)
        unit->files = NULL;
    functions_take(unit, die, 0);
    if (unit->count)
        qsort(unit->ranges, unit->count, sizeof *unit->ranges, compare_ranges);
    return unit;
}

/* The last range that begins before the address; there are none inside of each other. */
static const struct range *range_find(const struct unit *unit, Dwarf_Addr address) {
    uint32_t low = 0, high = unit->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (unit->ranges[middle].start <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 && address < unit->ranges[low - 1].end ? &unit->ranges[low - 1] : NULL;
}

/* The child that the address is in: a block, or a function that was inlined. */
static bool child_at(Dwarf_Die *parent, Dwarf_Addr address, Dwarf_Die *die) {
    if (dwarf_child(parent, die) != 0)
        return false;
    do {
        int tag = dwarf_tag(die);
        if ((tag == DW_TAG_inlined_subroutine || tag == DW_TAG_lexical_block) &&
            dwarf_haspc(die, address) > 0)
            return true;
    } while (dwarf_siblingof(die, die) == 0);
    return false;
}

static uint32_t take_inlined(const struct unit *unit, Dwarf_Die *function, Dwarf_Addr address,
                             struct symbol found[SYMBOLS_INLINED_MAX]) {
    Dwarf_Die die = *function, child;
    found[0] = (struct symbol){.name = die_name(&die)};
    uint32_t count = found[0].name != NULL;
    for (unsigned depth = 0; count > 0 && depth < DEPTH_MAX && child_at(&die, address, &child);
         depth++) {
        die = child;
        char *name = dwarf_tag(&die) == DW_TAG_inlined_subroutine ? die_name(&die) : NULL;
        if (!name)
            continue;
        if (count == SYMBOLS_INLINED_MAX) {
            free(name);
            break;
        }
        take_call(&die, unit->files, &found[count - 1]);
        found[count++] = (struct symbol){.name = name, .is_inlined = true};
    }
    return count;
}

static void take_line(struct file *file, uint64_t address, struct symbol *symbol) {
    int line = 0;
    Dwfl_Line *found = dwfl_module_getsrc(file->module, address);
    const char *name = found ? dwfl_lineinfo(found, NULL, &line, NULL, NULL, NULL) : NULL;
    symbol->file = name ? strdup(name) : NULL;
    symbol->line = name && line > 0 ? (uint32_t)line : 0;
}

static uint32_t find_in_debug(struct file *file, uint64_t address,
                              struct symbol found[SYMBOLS_INLINED_MAX]) {
    Dwarf_Addr bias = 0;
    Dwarf_Die *die = dwfl_module_addrdie(file->module, address, &bias), function;
    const struct unit *unit = die ? unit_find(file, die) : NULL;
    const struct range *range = unit ? range_find(unit, address - bias) : NULL;
    Dwarf *debug = range ? dwfl_module_getdwarf(file->module, &bias) : NULL;
    if (!debug || !dwarf_offdie(debug, range->die, &function))
        return 0;
    uint32_t count = take_inlined(unit, &function, address - bias, found);
    if (count > 0)
        take_line(file, address, &found[count - 1]);
    return count;
}

/* -- By symbols alone -- */

static const char *last_part(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static char *name_and_offset(const char *name, uint64_t offset) {
    char *text;
    return asprintf(&text, "%s+0x%llx", name, (unsigned long long)offset) < 0 ? NULL : text;
}

static char *symbol_name(struct file *file, uint64_t address) {
    uint64_t offset;
    const char *symbol = symbol_table_find(&file->table, file->module, address, &offset);
    char *plain = symbol ? demangled(symbol) : NULL;
    char *name = plain ? name_and_offset(plain, offset) : NULL;
    free(plain);
    return name;
}

uint32_t symbols_find(struct symbols *symbols, uint32_t number, const char *path, const char *id,
                      uint64_t address, struct symbol found[SYMBOLS_INLINED_MAX]) {
    struct file *file = &symbols->files[number];
    if (!file->opened)
        file_open(file, path, id);
    uint64_t at = address + file->bias;
    uint32_t count = 0;
    bool is_late = now() > symbols->deadline;
    symbols->late += file->module && is_late;
    if (file->module && !is_late)
        count = find_in_debug(file, at, found);
    if (count > 0)
        return count;
    found[0] = (struct symbol){0};
    found[0].name = file->module ? symbol_name(file, at) : NULL;
    if (!found[0].name)
        found[0].name = name_and_offset(last_part(path), address);
    return found[0].name != NULL;
}

unsigned symbols_seconds(const struct symbols *symbols) {
    return (unsigned)(now() + SECONDS_MAX - symbols->deadline);
}

uint32_t symbols_late(const struct symbols *symbols) {
    return symbols ? symbols->late : 0;
}

void symbols_free(struct symbol *found, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        free(found[i].name);
        free(found[i].file);
    }
}
