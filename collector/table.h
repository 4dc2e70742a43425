/* Arrays that may become very large: of sites, of nodes. A small one is malloc's; a large one has
 * pages of its own, which move without being copied, and of which only what is used is ever
 * touched. Elements are zero until they are written, and start at a cache line's border if that is
 * a multiple of their size.
 */
#ifndef HOLDFAST_COLLECTOR_TABLE_H
#define HOLDFAST_COLLECTOR_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Makes room for `count` elements of `size` bytes in *table (a pointer to a pointer), which has
 * room for *capacity. False when there is no memory: everything is as it was. */
bool table_reserve(void *table, uint32_t *capacity, uint64_t count, size_t size);

/* Elements from `from` up to `to` will not be looked at again: gives back the pages that hold
 * nothing else. */
void table_forget(void *table, uint32_t capacity, size_t size, uint32_t from, uint32_t to);

void table_release(void *table, uint32_t capacity, size_t size);

#endif
