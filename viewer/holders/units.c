/* See units.h. No byte is in two units.
 *
 * Bytes are carried up the dominator tree, from what is kept to what keeps it, until they are
 * enough for a line: so the line is about the lowest object that stands for that much. Frames,
 * modules and classes keep many things that have nothing to do with each other and end the way up;
 * what arrives there in small pieces is put together by type and by what refers to it. In a list or
 * tree of nodes that keep each other the lowest would be any of them; there it is the first. Where
 * a container has many of one type that would each have a line, the line is the container's.
 */
#include "units.h"

#include <stdlib.h>

#define LEAST_BYTES GRAPH_LARGE_BLOCK
#define LEAST_SHARE 100 /* of the snapshot's bytes */

#define CROWD 8u        /* items of a list that are told as one, ... */
#define NAMED_CROWD 16u /* and values of a dict, whose keys may say something */
#define CROWD_SHARE 4u  /* but what has such a part of the container is told by itself */

#define RECURSION_STEPS 64u
#define RECURSION_TIMES 8u

enum role { ROLE_PLAIN, ROLE_FIRST, ROLE_WITHIN }; /* of nodes that keep each other */

struct finder {
    const struct heap *heap;
    struct units *units;
    uint64_t *carried;
    uint32_t *heavy; /* the child that retains most */
    uint8_t *role;
    uint32_t *crowd; /* how many children are one of many */
    struct piece *pieces;
    uint32_t piece_count, piece_capacity;
};

/* -- Which nodes can be what -- */

bool units_ends_the_way(const struct heap *heap, uint32_t node) {
    if (heap_is_frame(heap, node))
        return heap->graph->frames[node - heap->frame_base].thread != 0;
    if (!heap_is_object(heap, node))
        return !heap_is_block(heap, node);
    if (heap_is_garbage(heap, node))
        return false;
    return heap->flags[node] & NODE_STOP || heap_kind(heap, node) == GRAPH_MODULE ||
           heap_kind(heap, node) == GRAPH_TYPE_OBJECT;
}

/* Not what only stands between a user's variable and its value. */
static bool deserves_a_line(const struct heap *heap, uint32_t node) {
    if (!heap_is_object(heap, node) || heap->flags[node] & (NODE_NAMESPACE | NODE_STOP))
        return false;
    switch (heap_kind(heap, node)) {
    case GRAPH_FUNCTION:
    case GRAPH_METHOD:
    case GRAPH_CELL:
    case GRAPH_MODULE:
    case GRAPH_TYPE_OBJECT:
    case GRAPH_CODE_OBJECT:
    case GRAPH_FRAME_OBJECT:
    case GRAPH_TRACEBACK:
    case GRAPH_EXCEPTION:
    case GRAPH_GENERATOR:
        return false;
    default:
        return true;
    }
}

static uint32_t type_of(const struct heap *heap, uint32_t node) {
    return heap_object(heap, node)->type;
}

/* The heaviest way down comes by the same type again and again. */
static bool repeats(const struct finder *finder, uint32_t node) {
    const struct heap *heap = finder->heap;
    uint32_t times = 0, type = type_of(heap, node);
    if (!deserves_a_line(heap, node))
        return false;
    for (uint32_t i = 0, at = finder->heavy[node]; i < RECURSION_STEPS && at != NODE_NONE;
         i++, at = finder->heavy[at])
        if (heap_is_object(heap, at) && type_of(heap, at) == type && ++times == RECURSION_TIMES)
            return true;
    return false;
}

static void find_heavy(struct finder *finder) {
    const struct heap *heap = finder->heap;
    for (uint32_t i = heap->order_count; i-- > 1;) {
        uint32_t node = heap->order[i];
        uint32_t *heavy = &finder->heavy[heap->dominator[node]];
        if (*heavy == NODE_NONE || heap->retained[node] >= heap->retained[*heavy])
            *heavy = node;
    }
}

/* Enough for a line, of the same type as the heaviest beside it, and no large part of them all. */
static bool is_one_of_many(const struct finder *finder, uint32_t node) {
    const struct heap *heap = finder->heap;
    uint32_t above = heap->dominator[node];
    return heap_is_object(heap, node) && heap->retained[node] >= finder->units->least &&
           heap->retained[node] < heap->retained[above] / CROWD_SHARE &&
           type_of(heap, node) == type_of(heap, finder->heavy[above]);
}

static void find_crowds(struct finder *finder) {
    const struct heap *heap = finder->heap;
    for (uint32_t i = 1; i < heap->order_count; i++)
        if (is_one_of_many(finder, heap->order[i]))
            finder->crowd[heap->dominator[heap->order[i]]]++;
}

/* So many in one container make a crowd; UINT32_MAX: they never do. */
static uint32_t crowd_of(const struct heap *heap, uint32_t container) {
    if (!heap_is_object(heap, container) || units_ends_the_way(heap, container) ||
        heap->flags[container] & NODE_NAMESPACE)
        return UINT32_MAX;
    switch (heap_kind(heap, container)) {
    case GRAPH_LIST:
    case GRAPH_TUPLE:
    case GRAPH_SET:
        return CROWD;
    case GRAPH_DICT:
        return NAMED_CROWD;
    default:
        return UINT32_MAX;
    }
}

static bool is_in_crowd(const struct finder *finder, uint32_t node) {
    uint32_t above = finder->heap->dominator[node];
    return finder->crowd[above] >= crowd_of(finder->heap, above) && is_one_of_many(finder, node);
}

static void find_roles(struct finder *finder) {
    const struct heap *heap = finder->heap;
    for (uint32_t i = 1; i < heap->order_count; i++) {
        uint32_t node = heap->order[i];
        if (finder->role[heap->dominator[node]] != ROLE_PLAIN)
            finder->role[node] = ROLE_WITHIN;
        else if (heap->retained[node] >= finder->units->least && repeats(finder, node))
            finder->role[node] = ROLE_FIRST;
    }
}

/* Bytes in blocks of the object's own. */
static uint64_t block_bytes(const struct heap *heap, uint32_t node) {
    uint64_t bytes = 0;
    for (uint32_t i = heap->first_edge[node]; i < heap->first_edge[node + 1]; i++) {
        uint32_t target = heap->edges[i].target;
        if (heap_is_block(heap, target) && heap->dominator[target] == node)
            bytes += heap->own[target];
    }
    return bytes;
}

static bool is_unit(const struct finder *finder, uint32_t node) {
    const struct heap *heap = finder->heap;
    if (finder->carried[node] < finder->units->least || !deserves_a_line(heap, node))
        return false;
    if (heap_is_garbage(heap, node) || is_in_crowd(finder, node))
        return false; /* one line for all that a cycle keeps, or that are many */
    return finder->role[node] != ROLE_WITHIN || block_bytes(heap, node) >= finder->units->least;
}

/* -- Units -- */

static struct unit *add_unit(struct finder *finder, uint32_t node, uint32_t by) {
    struct units *units = finder->units;
    if (units->count == units->capacity) {
        uint32_t capacity = units->capacity ? units->capacity * 2 : 64;
        struct unit *all = realloc(units->all, capacity * sizeof *all);
        if (!all)
            return NULL;
        units->all = all;
        units->capacity = capacity;
    }
    struct unit *unit = &units->all[units->count++];
    *unit = (struct unit){.node = node, .shown = node, .count = 1, .by = by};
    unit->garbage = heap_is_garbage(finder->heap, node);
    units->of[node] = units->count;
    return unit;
}

uint32_t units_stands_for(const struct heap *heap, uint32_t node) {
    return heap_is_block(heap, node) ? heap->source[heap->by[node]] : node;
}

/* Locals of one name in frames of one function are one thing, as recursion makes them. */
uint64_t units_holder_key(const struct heap *heap, uint32_t node) {
    uint32_t by = heap->by[node], from = heap->source[by];
    if (!heap_is_frame(heap, from))
        return from;
    uint32_t code = heap->graph->frames[from - heap->frame_base].code;
    return 1ull << 63 | (uint64_t)code << 24 | heap->edges[by].label << 1 |
           (heap->edges[by].kind == HEAP_LOCAL);
}

/* Of garbage, what most of it is. */
static uint32_t core_of(const struct finder *finder, uint32_t node) {
    const struct heap *heap = finder->heap;
    uint32_t core = node;
    for (uint32_t at = node; at != NODE_NONE; at = finder->heavy[at]) {
        if (heap->retained[at] < heap->retained[node] / 2 || !heap_is_object(heap, at))
            break;
        if (deserves_a_line(heap, at))
            core = at;
    }
    return core;
}

static bool add_piece(struct finder *finder, uint32_t node) {
    const struct heap *heap = finder->heap;
    uint32_t object = units_stands_for(heap, node);
    if (heap->by[node] == NO_EDGE)
        return true;
    if (finder->piece_count == finder->piece_capacity) {
        uint64_t capacity = finder->piece_capacity ? (uint64_t)finder->piece_capacity * 2 : 1024;
        struct piece *pieces = realloc(finder->pieces, capacity * sizeof *pieces);
        if (!pieces)
            return false;
        finder->pieces = pieces;
        finder->piece_capacity = (uint32_t)capacity;
    }
    bool garbage = heap->edges[heap->by[node]].kind == HEAP_TOP_GARBAGE;
    finder->pieces[finder->piece_count++] = (struct piece){
        .node = node,
        .key = garbage ? type_of(heap, node) : units_holder_key(heap, node),
        .type = type_of(heap, garbage ? core_of(finder, node) : object),
        .bytes = finder->carried[node],
    };
    return true;
}

static bool carry_up(struct finder *finder) {
    const struct heap *heap = finder->heap;
    for (uint32_t i = heap->order_count; i-- > 1;) {
        uint32_t node = heap->order[i], above = heap->dominator[node];
        finder->carried[node] += heap->own[node];
        if (units_ends_the_way(heap, node))
            continue;
        if (is_unit(finder, node)) {
            if (!add_unit(finder, node, heap->by[node]))
                return false;
        } else if (!units_ends_the_way(heap, above)) {
            finder->carried[above] += finder->carried[node];
        } else if (finder->carried[node] > 0 && !add_piece(finder, node)) {
            return false;
        }
    }
    return true;
}

/* -- Pieces -- */

int units_compare_pieces(const void *a, const void *b) {
    const struct piece *one = a, *two = b;
    if (one->key != two->key)
        return one->key < two->key ? -1 : 1;
    if (one->type != two->type)
        return one->type < two->type ? -1 : 1;
    if (one->bytes != two->bytes)
        return one->bytes > two->bytes ? -1 : 1;
    return one->node < two->node ? -1 : one->node > two->node;
}

/* Many functions, or many things that are never freed, are no finding. */
static bool is_worth_telling(const struct heap *heap, const struct piece *piece, uint32_t count) {
    const struct heap_edge *by = &heap->edges[heap->by[piece->node]];
    if (by->kind == HEAP_TOP_GARBAGE || count == 1)
        return true;
    if (by->kind == HEAP_TOP_IMMORTAL || by->kind == HEAP_TOP_UNSETTLED)
        return false;
    return deserves_a_line(heap, units_stands_for(heap, piece->node));
}

static bool add_group(struct finder *finder, const struct piece *pieces, uint32_t count) {
    const struct heap *heap = finder->heap;
    struct units *units = finder->units;
    uint32_t node = pieces[0].node, by = heap->by[node], object = units_stands_for(heap, node);
    uint32_t number = units->of[object];
    if (heap_is_block(heap, node) && number != 0) {
        for (uint32_t i = 0; i < count; i++)
            units->of[pieces[i].node] = number;
        return true;
    }
    if (heap->edges[by].kind == HEAP_BLOCK)
        by = heap->by[object];
    struct unit *unit = add_unit(finder, node, by);
    if (!unit)
        return false;
    unit->node = object;
    unit->count = heap_is_block(heap, node) ? 1 : count;
    unit->loose = unit->count > 1;
    unit->shown = heap->edges[by].kind == HEAP_TOP_GARBAGE ? core_of(finder, object) : object;
    for (uint32_t i = 0; i < count; i++)
        units->of[pieces[i].node] = units->count;
    return true;
}

static bool group_pieces(struct finder *finder) {
    struct piece *pieces = finder->pieces;
    if (finder->piece_count > 0)
        qsort(pieces, finder->piece_count, sizeof *pieces, units_compare_pieces);
    for (uint32_t i = 0, end; i < finder->piece_count; i = end) {
        uint64_t bytes = 0;
        for (end = i; end < finder->piece_count && pieces[end].key == pieces[i].key &&
                      pieces[end].type == pieces[i].type;
             end++)
            bytes += pieces[end].bytes;
        if (bytes >= finder->units->least && is_worth_telling(finder->heap, &pieces[i], end - i) &&
            !add_group(finder, &pieces[i], end - i))
            return false;
    }
    return true;
}

/* -- Whose every byte is, and what it is told as -- */

void units_note_block(const struct heap *heap, struct unit *unit, uint32_t node) {
    const struct profile_block *block = &heap->blocks[node - heap->block_base];
    if (block->size <= unit->site_bytes)
        return;
    unit->site = block->node;
    unit->site_bytes = block->size;
    unit->birth = block->birth;
    unit->site_idle_ns = block->idle_ns;
}

bool units_is_sure(const struct heap *heap, uint32_t node) {
    return !heap_is_block(heap, node) || heap->flags[node] & NODE_OWNED;
}

static void share_out(const struct finder *finder) {
    const struct heap *heap = finder->heap;
    struct units *units = finder->units;
    for (uint32_t i = 1; i < heap->order_count; i++) {
        uint32_t node = heap->order[i], above = heap->dominator[node];
        if (units->of[node] == 0 && !units_ends_the_way(heap, node) &&
            !units_ends_the_way(heap, above))
            units->of[node] = units->of[above];
        if (units->of[node] == 0)
            continue;
        struct unit *unit = &units->all[units->of[node] - 1];
        unit->bytes += heap->own[node];
        if (units_is_sure(heap, node) && (heap_is_freed(heap, node) || heap_is_garbage(heap, node)))
            unit->freed += heap->own[node];
        if (heap_is_block(heap, node))
            units_note_block(heap, unit, node);
    }
}

struct tally {
    uint64_t bytes;
    uint32_t count, first;
};

static void tally_child(const struct finder *finder, struct tally *tallies, uint32_t child) {
    struct tally *tally = &tallies[type_of(finder->heap, child)];
    tally->bytes += finder->carried[child];
    tally->first = tally->count++ == 0 ? child : tally->first;
}

/* Children in the dominator tree; those of an instance's dict count as the instance's. */
static void tally_children(const struct finder *finder, struct tally *tallies, uint32_t node) {
    const struct heap *heap = finder->heap;
    uint32_t number = finder->units->of[node], end = heap->place[node] + heap->below[node];
    for (uint32_t at = heap->place[node] + 1; at < end;) {
        uint32_t child = heap->order[at];
        if (heap->flags[child] & NODE_NAMESPACE && heap_is_object(heap, child)) {
            at++;
            continue;
        }
        if (finder->units->of[child] == number && heap_is_object(heap, child))
            tally_child(finder, tallies, child);
        at += heap->below[child];
    }
}

static void tally_same_type(const struct finder *finder, struct tally *tallies, uint32_t node) {
    const struct heap *heap = finder->heap;
    uint32_t type = type_of(heap, node), end = heap->place[node] + heap->below[node];
    for (uint32_t at = heap->place[node]; at < end; at++)
        if (heap_is_object(heap, heap->order[at]) && type_of(heap, heap->order[at]) == type &&
            finder->units->of[heap->order[at]] == finder->units->of[node])
            tally_child(finder, tallies, heap->order[at]);
}

/* Many objects of one type make out most of it: they are what is told. */
static void describe_unit(const struct finder *finder, struct unit *unit, struct tally *tallies) {
    const struct heap *heap = finder->heap;
    uint32_t best = 0;
    for (uint32_t i = 0; i < heap->graph->type_count; i++)
        tallies[i] = (struct tally){0};
    if (finder->role[unit->node] == ROLE_FIRST)
        tally_same_type(finder, tallies, unit->node);
    else
        tally_children(finder, tallies, unit->node);
    for (uint32_t i = 1; i < heap->graph->type_count; i++)
        if (tallies[i].count > 1 && tallies[i].bytes > tallies[best].bytes)
            best = i;
    if (best == 0 || tallies[best].bytes < unit->bytes / 2)
        return;
    unit->shown = tallies[best].first;
    unit->count = tallies[best].count;
}

static bool describe_units(const struct finder *finder) {
    struct tally *tallies = calloc(finder->heap->graph->type_count, sizeof *tallies);
    if (!tallies)
        return false;
    for (uint32_t i = 0; i < finder->units->count; i++) {
        struct unit *unit = &finder->units->all[i];
        if (unit->count == 1 && finder->units->of[unit->node] == i + 1 &&
            heap_is_object(finder->heap, unit->node))
            describe_unit(finder, unit, tallies);
    }
    free(tallies);
    return true;
}

/* A block that nobody refers to. */
static bool add_strays(struct finder *finder) {
    const struct heap *heap = finder->heap;
    for (uint32_t i = 0; i < heap->snapshot->block_count; i++) {
        uint32_t node = heap->block_base + i;
        if (!(heap->flags[node] & NODE_LEFT_OUT) || heap->own[node] < finder->units->least)
            continue;
        struct unit *unit = add_unit(finder, node, NO_EDGE);
        if (!unit)
            return false;
        unit->shown = NODE_NONE;
        unit->bytes = heap->own[node];
        unit->garbage = false;
        units_note_block(heap, unit, node);
    }
    return true;
}

static bool find(struct finder *finder) {
    find_heavy(finder);
    find_crowds(finder);
    find_roles(finder);
    if (!carry_up(finder) || !group_pieces(finder))
        return false;
    share_out(finder);
    return describe_units(finder) && add_strays(finder);
}

bool units_find(const struct heap *heap, struct units *units) {
    struct finder finder = {.heap = heap, .units = units};
    uint64_t share = heap->snapshot->bytes / LEAST_SHARE;
    units->least = share > LEAST_BYTES ? share : LEAST_BYTES;
    units->of = calloc(heap->node_count, sizeof *units->of);
    finder.carried = calloc(heap->node_count, sizeof *finder.carried);
    finder.heavy = calloc(heap->node_count, sizeof *finder.heavy);
    finder.role = calloc(heap->node_count, sizeof *finder.role);
    finder.crowd = calloc(heap->node_count, sizeof *finder.crowd);
    bool good =
        units->of && finder.carried && finder.heavy && finder.role && finder.crowd && find(&finder);
    free(finder.carried);
    free(finder.heavy);
    free(finder.role);
    free(finder.crowd);
    free(finder.pieces);
    return good;
}

void units_release(struct units *units) {
    free(units->all);
    free(units->of);
}
