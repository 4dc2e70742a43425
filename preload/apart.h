/* With --drag, the pages of each big block are kept in a mapping of their own, so that the kernel
 * tells of each block alone whether it was touched (collector/looks.h).
 *
 * The kernel makes one mapping of neighbours that have the same flags. So the pages that lie wholly
 * inside a block, without the first one, are given a flag that means nothing for private memory:
 * that its pages are read in no order. The pages at its borders stay as they are, and keep it apart
 * from its neighbours. Before the block is freed or moved the flag is taken back: mremap moves one
 * mapping only. Pages that an earlier block has left there are also marked as not touched. It is
 * done to blocks of malloc's family and of Python's allocators; what a program maps and advises
 * itself is its own.
 */
#ifndef HOLDFAST_PRELOAD_APART_H
#define HOLDFAST_PRELOAD_APART_H

#include <stdbool.h>
#include <stdint.h>

/* A block has come into being, `fresh` unless it is what a reallocation has made of another; or is
 * about to be freed or moved. For blocks that are not big, or not known, they do nothing. Any
 * thread. */
void apart_set(const void *block, uint64_t size, bool fresh);
void apart_end(const void *block);

#endif
