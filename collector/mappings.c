/* See mappings.h. Priorities are random, so that no order of calls makes the tree deep. */
#include "mappings.h"

#include <stdlib.h>

#include "memory.h"

#define PIECES_MAX (4u << 20)

struct piece *mappings_new(struct mappings *mappings, struct piece values) {
    struct piece *piece = mappings->count < PIECES_MAX ? malloc(sizeof *piece) : NULL;
    if (!piece)
        return NULL;
    if (mappings->random == 0)
        mappings->random = hash_mix((uintptr_t)piece);
    mappings->random = hash_mix(mappings->random + 0x9e3779b97f4a7c15u);
    *piece = values;
    piece->left = piece->right = NULL;
    piece->priority = (uint32_t)mappings->random;
    mappings->count++;
    return piece;
}

void mappings_drop(struct mappings *mappings, struct piece *piece) {
    free(piece);
    mappings->count--;
}

/* Pieces that start below `at` go low, the others high. */
static void split(struct piece *root, uint64_t at, struct piece **low, struct piece **high) {
    if (!root) {
        *low = *high = NULL;
    } else if (root->start < at) {
        *low = root;
        split(root->right, at, &root->right, high);
    } else {
        *high = root;
        split(root->left, at, low, &root->left);
    }
}

static struct piece *join(struct piece *low, struct piece *high) {
    if (!low || !high)
        return low ? low : high;
    if (low->priority > high->priority) {
        low->right = join(low->right, high);
        return low;
    }
    high->left = join(low, high->left);
    return high;
}

static struct piece *last_of(struct piece *root) {
    while (root && root->right)
        root = root->right;
    return root;
}

/* As split, and a piece that lies across `at` is divided. */
static bool split_exactly(struct mappings *mappings, struct piece *root, uint64_t at,
                          struct piece **low, struct piece **high, struct cut *cut) {
    split(root, at, low, high);
    struct piece *across = last_of(*low);
    if (!across || across->end <= at)
        return true;
    struct piece *rest = mappings_new(mappings, *across);
    if (!rest)
        return false;
    cut->split[cut->split_count++] = *across;
    rest->start = at;
    across->end = at;
    *high = join(rest, *high);
    return true;
}

static struct piece *flatten(struct piece *root, struct piece *after) {
    while (root) {
        struct piece *left = root->left;
        root->left = NULL;
        root->right = flatten(root->right, after);
        after = root;
        root = left;
    }
    return after;
}

bool mappings_cut(struct mappings *mappings, uint64_t start, uint64_t end, struct cut *cut) {
    struct piece *low, *middle, *high;
    *cut = (struct cut){0};
    bool first = split_exactly(mappings, mappings->root, start, &low, &middle, cut);
    bool second = first && split_exactly(mappings, middle, end, &middle, &high, cut);
    if (second)
        cut->list = flatten(middle, NULL);
    else if (first)
        high = join(middle, high);
    else
        high = middle;
    mappings->root = join(low, high);
    return second;
}

const struct piece *mappings_at(const struct mappings *mappings, uint64_t start) {
    const struct piece *piece = mappings->root;
    while (piece && piece->start != start)
        piece = start < piece->start ? piece->left : piece->right;
    return piece;
}

void mappings_put(struct mappings *mappings, struct piece *piece) {
    struct piece *low, *high;
    split(mappings->root, piece->start, &low, &high);
    piece->left = piece->right = NULL;
    mappings->root = join(join(low, piece), high);
}

void mappings_release(struct mappings *mappings) {
    struct piece *next;
    for (struct piece *piece = flatten(mappings->root, NULL); piece; piece = next) {
        next = piece->right;
        free(piece);
    }
    *mappings = (struct mappings){0};
}

static bool is_valid(const struct piece *piece, uint64_t *end) {
    if (!piece)
        return true;
    const struct piece *left = piece->left, *right = piece->right;
    if ((left && left->priority > piece->priority) || (right && right->priority > piece->priority))
        return false;
    if (!is_valid(left, end) || piece->start < *end || piece->end <= piece->start)
        return false;
    *end = piece->end;
    return is_valid(right, end);
}

bool mappings_is_valid(const struct mappings *mappings) {
    uint64_t end = 0;
    return is_valid(mappings->root, &end);
}
