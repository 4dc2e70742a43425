/* See symbol_table.h. */
#include "symbol_table.h"

#include <stdlib.h>

struct symbol_place {
    uint64_t start, size;
    uint32_t number; /* in the module's table of symbols */
    uint32_t rank;   /* of those with the same start */
};

/* How many symbols that begin behind a function may lie inside of it. */
#define INSIDE_MAX 64u

static bool is_code(const GElf_Sym *symbol) {
    unsigned type = GELF_ST_TYPE(symbol->st_info);
    return type == STT_FUNC || type == STT_GNU_IFUNC || type == STT_NOTYPE;
}

static uint32_t rank_of(const GElf_Sym *symbol) {
    unsigned binding = GELF_ST_BIND(symbol->st_info);
    uint32_t rank = binding == STB_GLOBAL ? 2 : binding == STB_WEAK ? 1 : 0;
    return rank + (symbol->st_size ? 4 : 0);
}

static int compare_places(const void *left, const void *right) {
    const struct symbol_place *a = left, *b = right;
    if (a->start != b->start)
        return a->start < b->start ? -1 : 1;
    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    return (a->number < b->number) - (a->number > b->number);
}

static const char *name_of(Dwfl_Module *module, uint32_t number, GElf_Sym *symbol,
                           GElf_Addr *start) {
    GElf_Word section;
    const char *name =
        dwfl_module_getsym_info(module, (int)number, symbol, start, &section, NULL, NULL);
    return name && *name && section != SHN_UNDEF && section != SHN_ABS ? name : NULL;
}

/* Where there is no memory for it, there are no symbols. */
static void read_table(struct symbol_table *table, Dwfl_Module *module) {
    int count = dwfl_module_getsymtab(module);
    table->was_read = true;
    table->places = count > 0 ? calloc((size_t)count, sizeof *table->places) : NULL;
    for (int i = 1; table->places && i < count; i++) {
        GElf_Sym symbol;
        GElf_Addr start;
        if (name_of(module, (uint32_t)i, &symbol, &start) && is_code(&symbol))
            table->places[table->count++] =
                (struct symbol_place){start, symbol.st_size, (uint32_t)i, rank_of(&symbol)};
    }
    if (table->places)
        qsort(table->places, table->count, sizeof *table->places, compare_places);
}

/* How many begin at the address or before. */
static uint32_t count_before(const struct symbol_table *table, uint64_t address) {
    uint32_t low = 0, high = table->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (table->places[middle].start <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* By the file that the symbol comes from: each that was stripped has its own numbers of sections.
 */
static bool is_in_section(Dwfl_Module *module, uint32_t number, uint64_t address) {
    GElf_Sym symbol;
    GElf_Addr start;
    GElf_Word section;
    Elf *elf;
    Dwarf_Addr bias;
    GElf_Shdr header;
    if (!dwfl_module_getsym_info(module, (int)number, &symbol, &start, &section, &elf, &bias))
        return false;
    Elf_Scn *found = elf_getscn(elf, section);
    return found && gelf_getshdr(found, &header) &&
           address - bias - header.sh_addr < header.sh_size;
}

/* `_init`, which has no size, is often the only symbol before static functions of a stripped file,
 * and is in another section than they. */
static const struct symbol_place *find_place(const struct symbol_table *table, Dwfl_Module *module,
                                             uint64_t address) {
    if (!table->places)
        return NULL;
    uint32_t end = count_before(table, address);
    const struct symbol_place *last = end ? &table->places[end - 1] : NULL;
    for (uint32_t i = 0; i < INSIDE_MAX && i < end; i++) {
        const struct symbol_place *place = last - i;
        if (address - place->start < place->size)
            return place;
    }
    bool reaches = last && last->size == 0 && is_in_section(module, last->number, address);
    return reaches ? last : NULL;
}

const char *symbol_table_find(struct symbol_table *table, Dwfl_Module *module, uint64_t address,
                              uint64_t *offset) {
    GElf_Sym symbol;
    GElf_Addr start;
    if (!table->was_read)
        read_table(table, module);
    const struct symbol_place *place = find_place(table, module, address);
    if (!place)
        return NULL;
    *offset = address - place->start;
    return name_of(module, place->number, &symbol, &start);
}

void symbol_table_release(struct symbol_table *table) {
    free(table->places);
    *table = (struct symbol_table){0};
}
