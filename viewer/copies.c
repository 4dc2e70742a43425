/* See copies.h. */
#include "copies.h"

#include "format.h"
#include "wire/graph.h"

void copies_title(const struct copies *copies, char *text, size_t size) {
    char bytes[64];
    uint32_t others = copies->count - 1, equal = others - copies->parts;
    snprintf(bytes, sizeof bytes, "%s", format_bytes(copies->buffers[0].bytes).text);
    if (copies->parts == 0)
        snprintf(text, size, "%u equal copies of %s", copies->count, bytes);
    else if (others == 1)
        snprintf(text, size, "a copy of a part of %s", bytes);
    else if (equal == 0)
        snprintf(text, size, "%u copies of parts of %s", others, bytes);
    else
        snprintf(text, size, "%u equal copies of %s, and %u of parts of it", equal + 1, bytes,
                 copies->parts);
}

bool copies_complete(const struct findings *findings) {
    const struct graph *graph = findings->graph;
    return graph && graph->complete && !(graph->flags & GRAPH_SHALLOW) && !findings->copies_cut;
}

uint32_t copies_told(const struct findings *findings, uint64_t peak) {
    uint32_t count = 0;
    while (count < findings->copies_count &&
           findings->copies[count].saves > peak / COPIES_TELLING_PART)
        count++;
    return count;
}
