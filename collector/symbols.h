/* Names for native code: what an address in a file of machine code is called, by the file's symbols
 * and debug information (elfutils). Files are opened as they are asked for, and stay open.
 *
 * Debug information may be in a file of its own, found by the build's id or .gnu_debuglink below
 * /usr/lib/debug and beside the file, and from a debuginfod server only where the user's
 * environment names one (DEBUGINFOD_URLS). A file that has been replaced since, by another build,
 * is not used.
 */
#ifndef HOLDFAST_COLLECTOR_SYMBOLS_H
#define HOLDFAST_COLLECTOR_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct symbols;

/* Files of machine code are known by their number, from 1: struct stacks' codes. */
struct symbols *symbols_open(uint32_t count);
void symbols_close(struct symbols *symbols);

/* Since they were opened. */
unsigned symbols_seconds(const struct symbols *symbols);

/* A function that an instruction belongs to. */
struct symbol {
    char *name; /* demangled */
    char *file; /* of its source; NULL: not known */
    uint32_t line;
    bool is_inlined;
};

#define SYMBOLS_INLINED_MAX 32u

/* The functions that the instruction at `address` is in, as the compiler has put them into each
 * other: the outermost first; at least one. To be given back to symbols_free(). 0: no memory. */
uint32_t symbols_find(struct symbols *symbols, uint32_t number, const char *path, const char *id,
                      uint64_t address, struct symbol found[SYMBOLS_INLINED_MAX]);
/* Of how many addresses functions and lines were not looked for, since there was no time left. */
uint32_t symbols_late(const struct symbols *symbols);
void symbols_free(struct symbol *found, uint32_t count);

#endif
