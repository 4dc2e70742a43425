/* Large arrays in huge pages: most of the cost of a random access to small ones is that of finding
 * the page.
 */
#ifndef HOLDFAST_COLLECTOR_PAGES_H
#define HOLDFAST_COLLECTOR_PAGES_H

#include <stdbool.h>
#include <stddef.h>

#define HUGE_PAGE (2ull << 20)

/* Zeroed memory. `huge`: it starts at a huge page's border, and asks for such pages for its first
 * `asked` bytes. To be unmapped with the same size. NULL: no memory. */
void *pages_map(size_t size, bool huge, size_t asked);

/* All of it will soon be in use, wherever hashes fall: one call for its pages costs less than a
 * fault for each, or two where it is read first. */
void pages_expect(void *start, size_t size);

#endif
