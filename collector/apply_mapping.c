/* See apply_mapping.h. A piece counts for its site while it is private memory that can be touched
 * and was not given back; pieces of the other classes only have sums. */
#include "apply_mapping.h"

#include "account.h"
#include "lifetimes.h"

static bool piece_counts(const struct piece *piece) {
    return piece->class == MAPPING_COUNTED && !piece->discarded;
}

static void piece_enter(struct trace *trace, struct image *image, struct piece *piece) {
    uint64_t size = piece->end - piece->start;
    piece->birth = 0;
    if (piece_counts(piece)) {
        if (size >= GRAPH_LARGE_BLOCK)
            piece->birth = lifetimes_begin(trace, image, piece->start, size, piece->site);
        image->class_bytes[MAPPING_COUNTED] += size;
        account_add(trace, image, piece->site, size);
        image->allocations++;
        if (trace->events)
            events_map(trace->events, image->number, piece->site, size);
    } else if (piece->class != MAPPING_COUNTED) {
        image->class_bytes[piece->class] += size;
        if (image->class_bytes[piece->class] > image->class_highest[piece->class])
            image->class_highest[piece->class] = image->class_bytes[piece->class];
    }
}

static void piece_leave(struct trace *trace, struct image *image, const struct piece *piece) {
    uint64_t size = piece->end - piece->start;
    if (piece_counts(piece)) {
        image->class_bytes[MAPPING_COUNTED] -= size;
        account_remove(trace, image, piece->site, size);
        lifetimes_end(trace, image, piece->start, piece->birth);
        image->frees++;
        if (trace->events)
            events_unmap(trace->events, image->number, piece->site, size);
    } else if (piece->class != MAPPING_COUNTED) {
        image->class_bytes[piece->class] -= size;
    }
}

/* As mappings_cut; a piece that was divided counts as one block more. */
static bool cut_out(struct trace *trace, struct image *image, uint64_t start, uint64_t end,
                    struct piece **list) {
    struct cut cut;
    bool whole = mappings_cut(&image->mappings, start, end, &cut);
    for (uint32_t i = 0; i < cut.split_count; i++) {
        const struct piece *divided = &cut.split[i];
        if (!piece_counts(divided))
            continue;
        account_touch(trace, image, divided->site, 0)->blocks++;
        lifetimes_split(trace, image, divided, divided->start < start ? start : end);
    }
    *list = cut.list;
    return whole;
}

static void leave_all(struct trace *trace, struct image *image, struct piece *list) {
    while (list) {
        struct piece *next = list->right;
        piece_leave(trace, image, list);
        mappings_drop(&image->mappings, list);
        list = next;
    }
}

static bool clear_range(struct trace *trace, struct image *image, uint64_t start, uint64_t end) {
    struct piece *list;
    if (!cut_out(trace, image, start, end, &list))
        return false;
    leave_all(trace, image, list);
    return true;
}

static bool range_is_sane(uint64_t start, uint64_t length) {
    return start != 0 && length != 0 && length < LIVE_MAX && start + length > start;
}

static bool has_room(const struct image *image, const struct piece *piece) {
    return image->totals.live + (piece->end - piece->start) <= LIVE_MAX &&
           image->class_bytes[piece->class] <= LIVE_MAX;
}

bool apply_map(struct trace *trace, struct image *image, struct piece values) {
    if (values.class > MAPPING_ARENA || !range_is_sane(values.start, values.end - values.start) ||
        !has_room(image, &values))
        return false;
    if (!clear_range(trace, image, values.start, values.end))
        return false;
    struct piece *piece = mappings_new(&image->mappings, values);
    if (!piece)
        return false;
    mappings_put(&image->mappings, piece);
    piece_enter(trace, image, piece);
    return true;
}

/* No REMAP has asked for what the ring's last UNMAP took out, and none can any more. */
static void drop_held(struct trace *trace, struct reader *reader) {
    struct image *image = reader->image;
    struct piece *list = reader->held_pieces;
    reader->held_pieces = NULL;
    if (reader->held_counts) {
        leave_all(trace, image, list);
        return;
    }
    while (list) {
        struct piece *next = list->right;
        mappings_drop(&image->mappings, list);
        list = next;
    }
}

/* Bytes of the shared segment that is attached there; 0 when none is known. */
static uint64_t segment_length(const struct image *image, uint64_t start) {
    const struct piece *piece = mappings_at(&image->mappings, start);
    return piece && piece->class == MAPPING_SHARED ? piece->end - piece->start : 0;
}

bool apply_unmap(struct trace *trace, struct reader *reader, uint64_t start, uint64_t length,
                 bool hold) {
    struct image *image = reader->image;
    drop_held(trace, reader);
    if (length == 0 && !hold) {
        length = segment_length(image, start);
        if (length == 0)
            return true;
    }
    if (!range_is_sane(start, length))
        return false;
    reader->held_start = start;
    reader->held_counts = hold;
    bool whole = cut_out(trace, image, start, start + length, &reader->held_pieces);
    for (struct piece *piece = reader->held_pieces; piece && !hold; piece = piece->right)
        piece_leave(trace, image, piece);
    return whole;
}

/* Moves the held pieces by `delta` and gives them `length` bytes in all: frees what lies behind the
 * new end, and makes the last one grow up to it. They have left their sums. */
static struct piece *fit_pieces(struct image *image, struct piece *list, uint64_t delta,
                                uint64_t end) {
    struct piece **link = &list;
    struct piece *last = NULL;
    while (*link) {
        struct piece *piece = *link;
        piece->start += delta;
        piece->end += delta;
        if (piece->start >= end) {
            *link = piece->right;
            mappings_drop(&image->mappings, piece);
            continue;
        }
        if (piece->end > end)
            piece->end = end;
        last = piece;
        link = &piece->right;
    }
    if (last)
        last->end = end;
    return list;
}

static void put_all(struct trace *trace, struct image *image, struct piece *list) {
    while (list) {
        struct piece *next = list->right;
        mappings_put(&image->mappings, list);
        piece_enter(trace, image, list);
        list = next;
    }
}

static void put_back(struct image *image, struct piece *list) {
    while (list) {
        struct piece *next = list->right;
        mappings_put(&image->mappings, list);
        list = next;
    }
}

/* The call was refused: the pieces go back to where they were. Others may have been mapped between
 * them meanwhile. */
static bool restore_held(struct trace *trace, struct reader *reader) {
    struct image *image = reader->image;
    while (reader->held_pieces) {
        struct piece *piece = reader->held_pieces;
        if ((!reader->held_counts && !has_room(image, piece)) ||
            !clear_range(trace, image, piece->start, piece->end))
            return false;
        reader->held_pieces = piece->right;
        mappings_put(&image->mappings, piece);
        if (!reader->held_counts)
            piece_enter(trace, image, piece);
    }
    return true;
}

bool apply_remap(struct trace *trace, struct reader *reader, uint64_t start, uint64_t length,
                 uint32_t site) {
    struct image *image = reader->image;
    if (start == 0)
        return restore_held(trace, reader);
    if (!range_is_sane(start, length))
        return false;
    if (!reader->held_counts)
        drop_held(trace, reader);
    struct piece *held = reader->held_pieces;
    if (!held)
        return true;
    uint64_t end = start + length;
    if (image->totals.live + length > LIVE_MAX || !clear_range(trace, image, start, end))
        return false;
    reader->held_pieces = NULL;
    for (struct piece *piece = held; piece; piece = piece->right) {
        piece_leave(trace, image, piece);
        piece->site = site;
    }
    put_all(trace, image, fit_pieces(image, held, start - reader->held_start, end));
    return true;
}

static void protect_piece(struct trace *trace, struct image *image, struct piece *piece,
                          unsigned what, uint32_t site) {
    bool is_private = piece->class == MAPPING_COUNTED || piece->class == MAPPING_RESERVED;
    bool changes = what == PROTECT_USABLE ? !piece_counts(piece)
                   : what == PROTECT_NONE ? piece->class == MAPPING_COUNTED
                                          : piece_counts(piece);
    if (!is_private || !changes)
        return;
    piece_leave(trace, image, piece);
    piece->class = what == PROTECT_NONE ? MAPPING_RESERVED : MAPPING_COUNTED;
    piece->discarded = what == PROTECT_DISCARD;
    if (what == PROTECT_USABLE)
        piece->site = site;
    piece_enter(trace, image, piece);
}

bool apply_protect(struct trace *trace, struct image *image, struct piece range, unsigned what) {
    struct piece *list;
    if (!range_is_sane(range.start, range.end - range.start) || what > PROTECT_DISCARD ||
        image->totals.live + (range.end - range.start) > LIVE_MAX)
        return false;
    bool whole = cut_out(trace, image, range.start, range.end, &list);
    for (struct piece *piece = list; piece; piece = piece->right)
        protect_piece(trace, image, piece, what, range.site);
    put_back(image, list);
    return whole;
}
