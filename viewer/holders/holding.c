/* See holding.h.
 *
 * The dominator tree falls apart at frames, modules and classes, which end the way (units.h): what
 * each of them keeps begins a piece of its own. Pieces that have the same holder and type, and are
 * small, are one item. Below an item, what an object keeps is told one by one where it is big, by
 * type where there is much of it, and as a number of smaller ones else. So the number of rows
 * follows from how fine a share is told, and the bytes of all of them add up to the graph's.
 */
#include "holding.h"

#include "judge.h"
#include "names.h"
#include "paths.h"

#include "wire/array.h"

#include <stdlib.h>
#include <string.h>

#define ITEM_SHARES 8u /* as many items as there are shares of so many */
#define SHARE_ROWS 3u
#define LEAST_BYTES 512u
#define DEPTH_MAX 14u /* below an item; what is deeper is only counted */
#define STEP_SHOWN 60

struct teller {
    const struct heap *heap;
    const struct units *units;
    struct holding *holding;
    bool *begins;   /* by node: what it keeps is a piece of its own */
    uint64_t *kept; /* bytes by node, without pieces that begin below it */
    uint64_t least; /* bytes: what has fewer is not told by itself */
    uint32_t items_max, rows_max, row_capacity;
    bool failed;
};

/* Pieces that become one item. */
struct bundle {
    struct piece *pieces;
    uint32_t count;
    uint64_t bytes;
};

/* Of blocks that no object refers to, by their stack; and of garbage. */
#define KEY_STRAY (3ull << 62)
#define KEY_GARBAGE (1ull << 62)

static bool is_stray(const struct heap *heap, uint32_t node) {
    return heap_is_block(heap, node) && heap->flags[node] & NODE_LEFT_OUT;
}

static enum verdict verdict_of(const struct heap *heap, uint32_t node, enum verdict otherwise) {
    bool sure = units_is_sure(heap, node);
    if (sure && heap_is_freed(heap, node))
        return VERDICT_DEAD;
    if (sure && heap_is_garbage(heap, node))
        return VERDICT_GARBAGE;
    return otherwise == VERDICT_IN_USE ? VERDICT_IN_USE : VERDICT_UNKNOWN;
}

/* -- Rows -- */

static struct holding_row *add_row(struct teller *teller, struct holding_row row) {
    struct holding *holding = teller->holding;
    if (holding->row_count == teller->row_capacity) {
        uint32_t capacity = teller->row_capacity ? teller->row_capacity * 2 : 1024;
        struct holding_row *rows = realloc(holding->rows, capacity * sizeof *rows);
        if (!rows) {
            teller->failed = true;
            return NULL;
        }
        holding->rows = rows;
        teller->row_capacity = capacity;
    }
    holding->rows[holding->row_count] = row;
    return &holding->rows[holding->row_count++];
}

/* What is told of one row while those below it are: rows move when there are more. */
struct place {
    uint32_t row, depth;
    enum verdict verdict; /* of what is neither dead nor garbage */
    uint64_t block;       /* bytes of its largest block */
    struct line path;     /* to it; "" when it stands for several */
};

static struct holding_row *row_at(const struct teller *teller, const struct place *place) {
    return &teller->holding->rows[place->row];
}

static void add_own(struct teller *teller, struct place *place, uint32_t node) {
    const struct heap *heap = teller->heap;
    struct holding_row *row = row_at(teller, place);
    row->bytes[verdict_of(heap, node, place->verdict)] += heap->own[node];
    if (heap_is_block(heap, node) && heap->own[node] > place->block) {
        place->block = heap->own[node];
        row->node = heap->blocks[node - heap->block_base].node;
    }
}

/* A node with all below it that does not begin anything; returns how many objects these are. */
static uint32_t add_all(struct teller *teller, struct place *place, uint32_t node) {
    const struct heap *heap = teller->heap;
    uint32_t end = heap->place[node] + heap->below[node], count = 0;
    for (uint32_t at = heap->place[node]; at < end;) {
        uint32_t below = heap->order[at];
        if (below != node && teller->begins[below]) {
            at += heap->below[below];
            continue;
        }
        add_own(teller, place, below);
        count += heap_is_object(heap, below);
        at++;
    }
    return count;
}

/* -- What is below a row -- */

struct list {
    struct piece *all;
    uint32_t count, capacity;
};

static bool list_add(struct list *list, struct piece piece) {
    if (!array_reserve(&list->all, &list->capacity, (uint64_t)list->count + 1, sizeof *list->all))
        return false;
    list->all[list->count++] = piece;
    return true;
}

/* Variables of an instance are its own, and so is the memory of a block. */
static bool is_part(const struct heap *heap, uint32_t node) {
    return heap_is_block(heap, node) ||
           (heap_is_object(heap, node) && heap->flags[node] & NODE_NAMESPACE);
}

static void add_children(struct teller *teller, struct place *place, uint32_t node,
                         struct list *list) {
    const struct heap *heap = teller->heap;
    uint32_t end = heap->place[node] + heap->below[node];
    for (uint32_t at = heap->place[node] + 1; at < end;) {
        uint32_t child = heap->order[at];
        if (teller->begins[child]) {
            at += heap->below[child];
        } else if (is_part(heap, child)) {
            add_own(teller, place, child);
            at++;
        } else {
            struct piece piece = {child, heap_object(heap, child)->type, 0, teller->kept[child]};
            teller->failed |= !list_add(list, piece);
            at += heap->below[child];
        }
    }
}

/* The part of `path` that `above` does not say. */
static const char *step_of(const char *path, const char *above) {
    size_t size = strlen(above);
    if (size == 0 || strncmp(path, above, size) != 0 || !path[size])
        return *above ? path : "";
    return strncmp(path + size, " -> ", 4) == 0 ? path + size + 4 : path + size;
}

static const char *row_text(const struct heap *heap, uint32_t node, uint32_t count,
                            const char *step) {
    struct line line = {.size = 0}, shown = {.size = 0};
    const char *detail = heap->graph->texts[heap_object(heap, node)->detail];
    if (*step && strlen(step) <= STEP_SHOWN)
        line_add(&line, "%s  ", step);
    names_add(heap, node, &shown);
    line_add(&line, "%s", shown.text);
    if (count == 1 && *detail && !strstr(shown.text, " "))
        line_add(&line, " %.*s", STEP_SHOWN, detail);
    return texts_keep(heap->texts, line.text);
}

static uint32_t holder_of(const struct teller *teller, uint32_t node, uint32_t count) {
    uint32_t number = teller->units->of[node];
    const struct unit *unit = number ? &teller->units->all[number - 1] : NULL;
    if (!unit || (unit->node != node && !unit->loose))
        return 0;
    return unit->loose == (count > 1) ? unit->holder : 0;
}

static void tell_below(struct teller *teller, struct place *place, const struct piece *pieces,
                       uint32_t count);

static void tell_child(struct teller *teller, const struct place *above, const struct piece *pieces,
                       uint32_t count) {
    const struct heap *heap = teller->heap;
    struct place place = {.depth = above->depth + 1, .verdict = above->verdict};
    const char *step = "";
    struct path path;
    if (count == 1 && *above->path.text && heap->by[pieces[0].node] != NO_EDGE) {
        path_without_place(heap, heap->by[pieces[0].node], &path);
        step = step_of(path.text.text, above->path.text);
        place.path = path.text;
    }
    struct holding_row row = {.depth = place.depth,
                              .count = count,
                              .text = row_text(heap, pieces[0].node, count, step),
                              .holder = holder_of(teller, pieces[0].node, count)};
    place.row = teller->holding->row_count;
    if (add_row(teller, row))
        tell_below(teller, &place, pieces, count);
}

static void tell_rest(struct teller *teller, const struct place *above, const struct list *rest) {
    struct place place = {
        .row = teller->holding->row_count, .depth = above->depth + 1, .verdict = above->verdict};
    uint32_t count = 0;
    if (rest->count == 0 ||
        !add_row(teller, (struct holding_row){.depth = place.depth, .rest = true, .text = ""}))
        return;
    for (uint32_t i = 0; i < rest->count; i++)
        count += add_all(teller, &place, rest->all[i].node);
    row_at(teller, &place)->count = count;
}

static bool has_room(const struct teller *teller) {
    return teller->holding->row_count < teller->rows_max;
}

/* Of one type, the biggest first: those that are big by themselves, the others together. */
static void tell_type(struct teller *teller, const struct place *above, const struct piece *pieces,
                      uint32_t count, struct list *rest) {
    uint64_t bytes = 0;
    uint32_t first = 0;
    while (*above->path.text && first < count && pieces[first].bytes >= teller->least &&
           has_room(teller))
        tell_child(teller, above, &pieces[first++], 1);
    for (uint32_t i = first; i < count; i++)
        bytes += pieces[i].bytes;
    if (bytes >= teller->least && has_room(teller))
        tell_child(teller, above, &pieces[first], count - first);
    else
        for (uint32_t i = first; i < count; i++)
            teller->failed |= !list_add(rest, pieces[i]);
}

static void tell_below(struct teller *teller, struct place *place, const struct piece *pieces,
                       uint32_t count) {
    struct list children = {0}, rest = {0};
    bool deep = place->depth + 1 >= DEPTH_MAX;
    for (uint32_t i = 0; i < count && !teller->failed; i++) {
        add_own(teller, place, pieces[i].node);
        if (!is_stray(teller->heap, pieces[i].node))
            add_children(teller, place, pieces[i].node, deep ? &rest : &children);
    }
    if (children.count > 1)
        qsort(children.all, children.count, sizeof *children.all, units_compare_pieces);
    for (uint32_t i = 0, end; i < children.count && !teller->failed; i = end) {
        for (end = i; end < children.count && children.all[end].type == children.all[i].type;)
            end++;
        tell_type(teller, place, &children.all[i], end - i, &rest);
    }
    tell_rest(teller, place, &rest);
    free(children.all);
    free(rest.all);
}

/* -- Items -- */

/* Preorder: a node's dominator comes before it. */
static bool find_beginnings(struct teller *teller) {
    const struct heap *heap = teller->heap;
    bool *ends = calloc(heap->node_count, sizeof *ends);
    for (uint32_t i = 0; ends && i < heap->order_count; i++) {
        uint32_t node = heap->order[i];
        ends[node] = units_ends_the_way(heap, node);
        teller->begins[node] = ends[node] || ends[heap->dominator[node]];
    }
    bool good = ends != NULL;
    free(ends);
    return good;
}

static void add_up(struct teller *teller) {
    const struct heap *heap = teller->heap;
    for (uint32_t i = heap->order_count; i-- > 1;) {
        uint32_t node = heap->order[i];
        teller->kept[node] += heap->own[node];
        teller->holding->bytes += heap->own[node];
        teller->holding->rest[verdict_of(heap, node, VERDICT_UNKNOWN)] += heap->own[node];
        if (!teller->begins[node])
            teller->kept[heap->dominator[node]] += teller->kept[node];
    }
    for (uint32_t i = 0; i < heap->snapshot->block_count; i++) {
        uint32_t node = heap->block_base + i;
        if (!is_stray(heap, node))
            continue;
        teller->kept[node] = heap->own[node];
        teller->holding->bytes += heap->own[node];
        teller->holding->rest[VERDICT_UNKNOWN] += heap->own[node];
    }
}

static struct piece piece_of(const struct teller *teller, uint32_t node) {
    const struct heap *heap = teller->heap;
    struct piece piece = {node, 0, 0, teller->kept[node]};
    if (is_stray(heap, node) || heap->by[node] == NO_EDGE) {
        bool block = heap_is_block(heap, node);
        piece.key = KEY_STRAY | (block ? heap->blocks[node - heap->block_base].node : 0);
        return piece;
    }
    piece.type = heap_object(heap, units_stands_for(heap, node))->type;
    piece.key = heap->edges[heap->by[node]].kind == HEAP_TOP_GARBAGE ? KEY_GARBAGE
                                                                     : units_holder_key(heap, node);
    return piece;
}

static void list_pieces(struct teller *teller, struct list *list) {
    const struct heap *heap = teller->heap;
    for (uint32_t i = 1; i < heap->order_count; i++) {
        uint32_t node = heap->order[i];
        if (teller->kept[node] > 0 && teller->begins[node])
            teller->failed |= !list_add(list, piece_of(teller, node));
    }
    for (uint32_t i = 0; i < heap->snapshot->block_count; i++)
        if (is_stray(heap, heap->block_base + i))
            teller->failed |= !list_add(list, piece_of(teller, heap->block_base + i));
    if (list->count > 1)
        qsort(list->all, list->count, sizeof *list->all, units_compare_pieces);
}

static int compare_bundles(const void *a, const void *b) {
    const struct bundle *one = a, *two = b;
    if (one->bytes != two->bytes)
        return one->bytes > two->bytes ? -1 : 1;
    return one->pieces < two->pieces ? -1 : one->pieces > two->pieces;
}

static bool is_same_holder(const struct piece *a, const struct piece *b) {
    return a->key == b->key && a->type == b->type;
}

/* At most one a piece. */
static uint32_t bundle(const struct teller *teller, const struct list *list,
                       struct bundle *bundles) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        struct piece *piece = &list->all[i];
        bool alone = piece->bytes >= teller->least && piece->key < KEY_STRAY;
        bool first =
            i == 0 || !is_same_holder(piece, piece - 1) ||
            (!alone && bundles[count - 1].pieces->bytes >= teller->least && piece->key < KEY_STRAY);
        if (alone || first)
            bundles[count++] = (struct bundle){.pieces = piece};
        bundles[count - 1].count++;
        bundles[count - 1].bytes += piece->bytes;
    }
    qsort(bundles, count, sizeof *bundles, compare_bundles);
    return count;
}

static struct unit unit_of(const struct teller *teller, const struct bundle *bundle) {
    const struct heap *heap = teller->heap;
    uint32_t node = bundle->pieces[0].node, by = heap->by[node];
    struct unit unit = {.node = node, .shown = node, .count = bundle->count, .by = NO_EDGE};
    if (is_stray(heap, node) || by == NO_EDGE) {
        unit.bytes = bundle->bytes;
        return unit;
    }
    uint32_t object = units_stands_for(heap, node);
    unit.node = unit.shown = object;
    unit.by = heap->edges[by].kind == HEAP_BLOCK ? heap->by[object] : by;
    unit.loose = bundle->count > 1;
    unit.garbage = heap_is_garbage(heap, node);
    return unit;
}

static void sum_unit(const struct teller *teller, const struct bundle *bundle, struct unit *unit) {
    const struct heap *heap = teller->heap;
    for (uint32_t i = 0; i < bundle->count; i++) {
        uint32_t first = bundle->pieces[i].node;
        if (is_stray(heap, first)) {
            units_note_block(heap, unit, first);
            continue;
        }
        for (uint32_t at = heap->place[first]; at < heap->place[first] + heap->below[first];) {
            uint32_t node = heap->order[at];
            if (node != first && teller->begins[node]) {
                at += heap->below[node];
                continue;
            }
            unit->bytes += heap->own[node];
            bool freed = verdict_of(heap, node, VERDICT_UNKNOWN) != VERDICT_UNKNOWN;
            unit->freed += freed ? heap->own[node] : 0;
            if (heap_is_block(heap, node))
                units_note_block(heap, unit, node);
            at++;
        }
    }
}

static void tell_item(struct teller *teller, const struct bundle *bundle) {
    const struct heap *heap = teller->heap;
    struct holding *holding = teller->holding;
    struct unit unit = unit_of(teller, bundle);
    struct holding_item *item = &holding->items[holding->item_count++];
    sum_unit(teller, bundle, &unit);
    judge_unit(heap, &unit, &item->holder);
    item->holder.count = bundle->count;
    item->row = holding->row_count;
    bool stray = unit.by == NO_EDGE;
    struct place place = {.row = item->row, .verdict = item->holder.verdict};
    struct path path;
    if (!stray && bundle->count == 1) {
        path_without_place(heap, unit.by, &path);
        place.path = path.text;
    }
    struct holding_row row = {.count = bundle->count,
                              .text = stray ? "" : row_text(heap, unit.node, bundle->count, ""),
                              .holder = stray ? 0 : holder_of(teller, unit.node, bundle->count)};
    uint32_t first = holding->row_count;
    if (add_row(teller, row))
        tell_below(teller, &place, bundle->pieces, bundle->count);
    for (uint32_t i = first; i < holding->row_count; i++)
        for (unsigned k = 0; k < VERDICTS; k++)
            holding->rest[k == VERDICT_IN_USE ? VERDICT_UNKNOWN : k] -= holding->rows[i].bytes[k];
}

static void tell(struct teller *teller) {
    struct holding *holding = teller->holding;
    struct list list = {0};
    list_pieces(teller, &list);
    struct bundle *bundles = malloc((list.count + 1ul) * sizeof *bundles);
    holding->items = calloc(teller->items_max, sizeof *holding->items);
    teller->failed |= !bundles || !holding->items;
    uint32_t count = teller->failed ? 0 : bundle(teller, &list, bundles);
    for (uint32_t i = 0; i < count && !teller->failed; i++) {
        if (i < teller->items_max && has_room(teller))
            tell_item(teller, &bundles[i]);
        else
            holding->rest_count += bundles[i].count;
    }
    free(bundles);
    free(list.all);
}

struct holding *holding_find(const struct heap *heap, const struct units *units, uint32_t shares) {
    struct teller teller = {.heap = heap,
                            .units = units,
                            .items_max = shares / ITEM_SHARES + 1,
                            .rows_max = shares * SHARE_ROWS};
    teller.holding = calloc(1, sizeof *teller.holding);
    teller.kept = calloc(heap->node_count, sizeof *teller.kept);
    teller.begins = calloc(heap->node_count, sizeof *teller.begins);
    teller.failed = !teller.holding || !teller.kept || !teller.begins || !find_beginnings(&teller);
    if (!teller.failed) {
        add_up(&teller);
        teller.least = teller.holding->bytes / shares;
        teller.least = teller.least > LEAST_BYTES ? teller.least : LEAST_BYTES;
        tell(&teller);
    }
    free(teller.kept);
    free(teller.begins);
    if (!teller.failed)
        return teller.holding;
    holding_free(teller.holding);
    return NULL;
}

void holding_free(struct holding *holding) {
    if (!holding)
        return;
    free(holding->items);
    free(holding->rows);
    free(holding);
}
