/* The functions of one file of machine code by their addresses, from its symbols.
 *
 * elfutils goes through all symbols for each address, of which some libraries have hundreds of
 * thousands; here that is done once. */
#ifndef HOLDFAST_COLLECTOR_SYMBOL_TABLE_H
#define HOLDFAST_COLLECTOR_SYMBOL_TABLE_H

#include <elfutils/libdwfl.h>
#include <stdbool.h>
#include <stdint.h>

/* Zeroed: nothing has been read. */
struct symbol_table {
    struct symbol_place *places; /* by rising start; where several begin, the best is the last */
    uint32_t count;
    bool was_read;
};

/* The name of the function that the address is in, or else of the symbol without a size that is the
 * last one before it, in the same section; and how far behind its beginning that is. NULL: neither
 * is known. */
const char *symbol_table_find(struct symbol_table *table, Dwfl_Module *module, uint64_t address,
                              uint64_t *offset);
void symbol_table_release(struct symbol_table *table);

#endif
