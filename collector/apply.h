/* What a record means: the changes that one event makes to its image. */
#ifndef HOLDFAST_COLLECTOR_APPLY_H
#define HOLDFAST_COLLECTOR_APPLY_H

#include "trace.h"

/* `word` is the record's first word, `words` what follows it and its ticket, in shared memory that
 * the program may change at any time: each word is read once. False when the record makes no sense
 * (or memory ran out); then nothing has changed. */
bool apply_record(struct trace *trace, struct reader *reader, uint64_t word, const uint64_t *words);

/* The site of a node and kind that a record names; INDEX_NONE when there is no such node, or no
 * memory. */
uint32_t apply_find_site(struct reader *reader, uint64_t node, uint32_t kind);

static inline uint32_t apply_site(struct reader *reader, uint64_t node, uint32_t kind) {
    if (node < reader->node_count && kind <= BLOCK_MAPPED && reader->nodes[node].site[kind])
        return reader->nodes[node].site[kind] - 1;
    return apply_find_site(reader, node, kind);
}

/* How a block of so many bytes ends, of which a FREE says this (free_word(); 0: nothing). A node
 * that is not known is none. */
struct death apply_death(const struct reader *reader, uint64_t told, uint64_t size);

/* Makes a new reader able to take records. */
bool apply_prepare(struct reader *reader);

#endif
