/* Writes a heap graph (graph.h). It needs nothing but what its caller gives it, so that it works in
 * the copy of a process, where neither malloc nor stdio may be called.
 *
 * Texts, types, codes and threads are numbered by whoever tells them, in the order of the calls. A
 * text is told before the object whose detail it is.
 * An object or frame is told in three steps: its shape (graph_object_begin, graph_edge ...), what
 * is its own (graph_object_put), and then the target of each edge, in the order of the edges.
 */
#ifndef HOLDFAST_WIRE_GRAPH_WRITE_H
#define HOLDFAST_WIRE_GRAPH_WRITE_H

#include "graph_columns.h"
#include "graph_guess.h"

#define GRAPH_PIECE_MAX (32u << 10)
#define GRAPH_WRITER_BUFFER ((size_t)GRAPH_COLUMNS * (GRAPH_PIECE_HEAD + GRAPH_PIECE_MAX))
#define GRAPH_MANY_MAX 8u /* edges with GRAPH_MANY, of one object */

struct graph_writer {
    /* The caller's. Memory is zeroed and stays; NULL: there is none, and the caller gives up. */
    bool (*write)(struct graph_writer *writer, const uint8_t *bytes, size_t size);
    void *(*take)(struct graph_writer *writer, size_t size);
    void *owner;
    int fd;
    uint8_t *buffer; /* GRAPH_WRITER_BUFFER bytes */

    /* To look at */
    uint64_t written;
    bool failed; /* a write failed, or memory ran out: what follows is dropped */

    /* Its own */
    uint32_t used[GRAPH_COLUMNS];
    bool has_addresses;
    uint64_t last_address; /* / 8 */
    struct graph_guess *guess;
    uint8_t *text_sizes; /* by number */
    uint32_t text_count, text_room;
    uint32_t *recent;          /* by hash of a target: when it was last put into the row, from 1 */
    struct kept_shape *shapes; /* open addressing, by hash */
    uint32_t shape_mask, shape_kept, shape_count;
    uint32_t *words, word_count, word_room; /* of the shape at hand */
    uint32_t *scratch, scratch_room;        /* slots of a shape that is not kept */
    uint64_t many[GRAPH_MANY_MAX];
    uint32_t many_count, many_next;
    /* While targets are told */
    uint32_t *slot;
    const uint32_t *word, *words_end; /* the edge's; NULL in a frame */
    uint64_t left;                    /* of an edge with GRAPH_MANY, in targets */
};

struct graph_object_facts {
    uint64_t references, size, address;
    uint32_t detail;
    const uint64_t *places; /* addresses */
    uint32_t place_count;
};

struct graph_frame_facts {
    uint32_t code, line;
    int32_t position, saved_depth; /* the latter -1: not known */
    uint32_t local_count;
    bool runs;
};

/* After `write`, `take`, `owner`, `fd` and `buffer` were set, all else being zero. */
void graph_begin(struct graph_writer *writer, uint32_t minor, uint32_t flags);

/* STATS and END. */
void graph_end(struct graph_writer *writer, const struct graph_stats *stats);

/* Hands over what has gathered. */
void graph_flush(struct graph_writer *writer);

static inline void graph_put(struct graph_writer *writer, enum graph_column column,
                             uint64_t value) {
    if (writer->used[column] > GRAPH_PIECE_MAX - 10)
        graph_flush(writer);
    uint8_t *start =
        writer->buffer + (size_t)column * (GRAPH_PIECE_HEAD + GRAPH_PIECE_MAX) + GRAPH_PIECE_HEAD;
    uint8_t *to = start + writer->used[column];
    for (; value >= 0x80; value >>= 7)
        *to++ = (uint8_t)(value | 0x80);
    *to++ = (uint8_t)value;
    writer->used[column] = (uint32_t)(to - start);
}

static inline void graph_put_signed(struct graph_writer *writer, enum graph_column column,
                                    int64_t value) {
    graph_put(writer, column, graph_zigzag(value));
}

void graph_put_bytes(struct graph_writer *writer, enum graph_column column, const void *bytes,
                     size_t size);

/* Cut at GRAPH_TEXT_MAX bytes. */
void graph_put_text(struct graph_writer *writer, const char *text, size_t size);

void graph_put_type(struct graph_writer *writer, uint32_t name, uint32_t kind, uint32_t flags,
                    uint32_t object);

void graph_object_begin(struct graph_writer *writer, uint32_t type, uint32_t flags);
/* `edge`: text << 3 | enum graph_edge */
void graph_edge(struct graph_writer *writer, uint32_t edge);
/* As many of that kind; of keys, pairs with values. At most GRAPH_MANY_MAX times. */
void graph_edges(struct graph_writer *writer, uint32_t edge, uint64_t count);
void graph_object_put(struct graph_writer *writer, const struct graph_object_facts *facts);

void graph_frame_begin(struct graph_writer *writer, const struct graph_frame_facts *facts);
/* Each local, then each place on the stack. */
void graph_frame_slot(struct graph_writer *writer, bool borrowed);
/* Of one that runs, its thread and depth. */
void graph_frame_put(struct graph_writer *writer, uint32_t thread, uint32_t depth);

/* The target of the record's next edge, 0 none. */
void graph_put_target(struct graph_writer *writer, uint32_t target);

#endif
