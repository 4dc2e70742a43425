/* The stacks at a peak, for the page's graph and tables: the profile's own tree of stacks, threads
 * and all, with what each allocated. The page merges, turns and filters it (web/src/tree.ts).
 *
 * A node is a depth and a frame, in preorder. Where there are too many for a page of bearable size,
 * the smallest go: each parent gets one node that stands for those below it, says how many they
 * were, and has their bytes. So the bytes always add up.
 */
#include "page_parts.h"

#include "model.h"

#include <stdlib.h>
#include <string.h>

#define NODES_MAX 160000u       /* of all trees at the tree's peak together */
#define NATIVE_NODES_MAX 80000u /* with native frames, which bring long names and many files */
#define OWN_NODES_MAX 4000u     /* of one process at its own peak, when there are several */
#define TREE_PROCESSES 100u     /* of more, the smallest are told as one number */

struct amount {
    uint64_t bytes, blocks;
};

/* One row a node, and one for those of its children that are not on the page. */
struct rows {
    uint32_t *depth, *frame;
    uint32_t *folded;       /* how many nodes it stands for; 0: a node */
    struct amount *amounts; /* by row and kind */
    uint32_t count;
};

struct tree {
    struct page_out *page;
    uint32_t process;       /* index */
    bool own;               /* at its own peak; else at the tree's */
    uint64_t threshold;     /* smaller nodes are not on the page */
    uint64_t *totals;       /* by node of the profile */
    uint32_t *child, *next; /* of nodes that have any bytes; 0: none */
    uint32_t *row;          /* of a node, or of what stands for it */
    struct rows rows;
};

static uint64_t site_bytes(const struct profile_site *site, bool own) {
    return own ? site->peak_bytes : site->tree_bytes;
}

static void sum_totals(const struct profile *profile, uint32_t process, bool own,
                       uint64_t *totals) {
    memset(totals, 0, profile->node_count * sizeof *totals);
    for (uint32_t i = 0; i < profile->site_count; i++)
        if (profile->sites[i].process == process)
            totals[profile->sites[i].node] += site_bytes(&profile->sites[i], own);
    for (uint32_t i = profile->node_count; i-- > 1;)
        totals[profile->nodes[i].parent] += totals[i];
}

static bool tree_start(struct tree *tree, struct page_out *page) {
    size_t count = (size_t)page->profile->node_count + 1;
    *tree = (struct tree){.page = page};
    tree->totals = calloc(count, sizeof *tree->totals);
    tree->child = calloc(count, sizeof *tree->child);
    tree->next = calloc(count, sizeof *tree->next);
    tree->row = calloc(count, sizeof *tree->row);
    return tree->totals && tree->child && tree->next && tree->row;
}

static void tree_release(struct tree *tree) {
    free(tree->totals);
    free(tree->child);
    free(tree->next);
    free(tree->row);
}

static bool rows_start(struct rows *rows, size_t capacity) {
    *rows = (struct rows){
        .depth = malloc(capacity * sizeof *rows->depth),
        .frame = malloc(capacity * sizeof *rows->frame),
        .folded = calloc(capacity, sizeof *rows->folded),
        .amounts = calloc(capacity * MODEL_KINDS, sizeof *rows->amounts),
    };
    return rows->depth && rows->frame && rows->folded && rows->amounts;
}

static void rows_release(struct rows *rows) {
    free(rows->depth);
    free(rows->frame);
    free(rows->folded);
    free(rows->amounts);
}

/* -- How small is too small -- */

struct totals {
    uint64_t *list;
    size_t count, capacity;
};

static bool totals_add(struct totals *totals, const struct tree *tree) {
    uint32_t nodes = tree->page->profile->node_count;
    if (totals->capacity - totals->count < nodes) {
        size_t capacity = totals->capacity * 2 + nodes;
        uint64_t *list = realloc(totals->list, capacity * sizeof *list);
        if (!list)
            return false;
        totals->list = list;
        totals->capacity = capacity;
    }
    for (uint32_t i = 1; i < nodes; i++)
        if (tree->totals[i] > 0)
            totals->list[totals->count++] = tree->totals[i];
    return true;
}

static int compare_totals(const void *left, const void *right) {
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a < b) - (a > b);
}

/* So that at most `limit` of the totals reach it. A caller has at least the bytes of what it calls,
 * so the nodes that do are one tree. */
static uint64_t find_threshold(struct totals *totals, size_t limit) {
    if (totals->count <= limit)
        return 1;
    qsort(totals->list, totals->count, sizeof *totals->list, compare_totals);
    return totals->list[limit] + 1;
}

/* -- Rows -- */

static void link_children(struct tree *tree) {
    const struct profile *profile = tree->page->profile;
    memset(tree->child, 0, profile->node_count * sizeof *tree->child);
    for (uint32_t i = profile->node_count; i-- > 1;) {
        uint32_t parent = profile->nodes[i].parent;
        if (tree->totals[i] == 0)
            continue;
        tree->next[i] = tree->child[parent];
        tree->child[parent] = i;
    }
}

static bool is_small(const struct tree *tree, uint32_t node) {
    return tree->totals[node] < tree->threshold;
}

static size_t rows_needed(const struct tree *tree) {
    size_t shown = 1;
    for (uint32_t i = 1; i < tree->page->profile->node_count; i++)
        shown += !is_small(tree, i);
    return 2 * shown + 1;
}

static uint32_t put_row(struct tree *tree, uint32_t depth, uint32_t frame, uint32_t folded) {
    struct rows *rows = &tree->rows;
    rows->depth[rows->count] = depth;
    rows->frame[rows->count] = frame;
    rows->folded[rows->count] = folded;
    return rows->count++;
}

/* Has a small node, and all below it, stand at `row`; returns how many these are. */
static uint32_t fold(struct tree *tree, uint32_t small, uint32_t row) {
    const struct profile_node *nodes = tree->page->profile->nodes;
    uint32_t count = 0;
    for (uint32_t at = small;;) {
        tree->row[at] = row;
        count++;
        uint32_t next = tree->child[at];
        for (; !next; at = nodes[at].parent) {
            if (at == small)
                return count;
            next = tree->next[at];
        }
        at = next;
    }
}

static void put_rest(struct tree *tree, uint32_t parent, uint32_t depth) {
    uint32_t folded = 0;
    for (uint32_t at = tree->child[parent]; at; at = tree->next[at])
        if (is_small(tree, at))
            folded += fold(tree, at, tree->rows.count);
    if (folded > 0)
        put_row(tree, depth, 0, folded);
}

/* The first from here on, among its brothers, that is on the page; 0 when there is none. */
static uint32_t next_shown(const struct tree *tree, uint32_t node) {
    while (node && is_small(tree, node))
        node = tree->next[node];
    return node;
}

static void put_rows(struct tree *tree) {
    uint32_t at = 0, depth = 0; /* of what is below `at` */
    for (;;) {
        uint32_t next = next_shown(tree, tree->child[at]);
        while (!next) {
            put_rest(tree, at, depth);
            if (at == 0)
                return;
            next = next_shown(tree, tree->next[at]);
            at = tree->page->profile->nodes[at].parent;
            depth--;
        }
        at = next;
        tree->row[at] = put_row(tree, depth++, page_frame(tree->page, at), 0);
    }
}

/* Memory without a stack is a row beside the threads. */
static void add_sites(struct tree *tree) {
    const struct profile *profile = tree->page->profile;
    uint32_t no_stack = INTERN_FAILED;
    for (uint32_t i = 0; i < profile->site_count; i++) {
        const struct profile_site *site = &profile->sites[i];
        if (site->process != tree->process || site_bytes(site, tree->own) == 0)
            continue;
        if (site->node == 0 && no_stack == INTERN_FAILED)
            no_stack = put_row(tree, 0, page_frame(tree->page, 0), 0);
        uint32_t row = site->node ? tree->row[site->node] : no_stack;
        struct amount *amount = &tree->rows.amounts[row * MODEL_KINDS + site->kind];
        amount->bytes += site_bytes(site, tree->own);
        amount->blocks += tree->own ? site->peak_blocks : site->tree_blocks;
    }
}

/* -- Writing -- */

static void put_column(struct page_out *page, const char *key, const uint32_t *column,
                       uint32_t count) {
    page_key(page, key);
    page_begin(page, '[');
    for (uint32_t i = 0; i < count; i++)
        page_number(page, column[i]);
    page_end(page, ']');
}

/* [row, count] of what stands for others. */
static void put_folded(struct page_out *page, const struct rows *rows) {
    page_key(page, "folded");
    page_begin(page, '[');
    for (uint32_t i = 0; i < rows->count; i++) {
        if (rows->folded[i] == 0)
            continue;
        page_number(page, i);
        page_number(page, rows->folded[i]);
    }
    page_end(page, ']');
}

/* [rows since the last one, kind, bytes, blocks] and so on, in one list. */
static void put_amounts(struct page_out *page, const struct rows *rows) {
    uint32_t last = 0;
    page_key(page, "sites");
    page_begin(page, '[');
    for (uint32_t i = 0; i < rows->count * MODEL_KINDS; i++) {
        if (rows->amounts[i].bytes == 0)
            continue;
        page_number(page, i / MODEL_KINDS - last);
        page_number(page, i % MODEL_KINDS);
        page_number(page, rows->amounts[i].bytes);
        page_number(page, rows->amounts[i].blocks);
        last = i / MODEL_KINDS;
    }
    page_end(page, ']');
}

static void put_tree(struct tree *tree) {
    struct page_out *page = tree->page;
    page_begin(page, '{');
    page_put_number(page, "process", tree->process);
    page_put_flag(page, "own", tree->own);
    put_column(page, "depth", tree->rows.depth, tree->rows.count);
    put_column(page, "frame", tree->rows.frame, tree->rows.count);
    put_folded(page, &tree->rows);
    put_amounts(page, &tree->rows);
    page_end(page, '}');
}

/* totals and threshold are there. */
static bool add_tree(struct tree *tree) {
    link_children(tree);
    bool good = rows_start(&tree->rows, rows_needed(tree));
    if (good) {
        put_rows(tree);
        add_sites(tree);
        put_tree(tree);
    }
    rows_release(&tree->rows);
    return good;
}

/* -- Which trees -- */

static uint32_t tree_processes(const struct profile *profile, uint32_t list[TREE_PROCESSES]) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < profile->process_count; i++) {
        uint64_t bytes = profile->processes[i].tree_bytes;
        uint32_t at = count < TREE_PROCESSES ? count++ : TREE_PROCESSES;
        for (; at > 0 && profile->processes[list[at - 1]].tree_bytes < bytes; at--)
            if (at < TREE_PROCESSES)
                list[at] = list[at - 1];
        if (at < TREE_PROCESSES)
            list[at] = i;
    }
    while (count > 0 && profile->processes[list[count - 1]].tree_bytes == 0)
        count--;
    return count;
}

static size_t nodes_max(const struct page_out *page) {
    return page_limit(page, view_has_native(page->profile) ? NATIVE_NODES_MAX : NODES_MAX);
}

static bool add_tree_peak(struct tree *tree) {
    const struct profile *profile = tree->page->profile;
    uint32_t list[TREE_PROCESSES], count = tree_processes(profile, list);
    struct totals totals = {0};
    bool good = true;
    tree->own = false;
    for (uint32_t i = 0; good && i < count; i++) {
        sum_totals(profile, list[i], false, tree->totals);
        good = totals_add(&totals, tree);
    }
    if (good)
        tree->threshold = find_threshold(&totals, nodes_max(tree->page));
    for (uint32_t i = 0; good && i < count; i++) {
        tree->process = list[i];
        sum_totals(profile, list[i], false, tree->totals);
        good = add_tree(tree);
    }
    free(totals.list);
    return good;
}

static bool add_own_peak(struct tree *tree, uint32_t process, size_t limit) {
    struct totals totals = {0};
    tree->own = true;
    tree->process = process;
    sum_totals(tree->page->profile, process, true, tree->totals);
    bool good = totals_add(&totals, tree);
    if (good) {
        tree->threshold = find_threshold(&totals, limit);
        good = add_tree(tree);
    }
    free(totals.list);
    return good;
}

void page_put_trees(struct page_out *page) {
    uint32_t only = page->options->process, list[PAGE_OWN_PEAKS], count;
    bool several = page->profile->process_count > 1;
    struct tree tree;
    bool good = tree_start(&tree, page);
    page_key(page, "trees");
    page_begin(page, '[');
    if (only == PROFILE_TREE)
        good = good && add_tree_peak(&tree);
    else
        good = good && add_own_peak(&tree, only, nodes_max(page));
    count = only == PROFILE_TREE && several ? page_own_peaks(page, list) : 0;
    for (uint32_t i = 0; good && i < count; i++)
        good = add_own_peak(&tree, list[i], page_limit(page, OWN_NODES_MAX));
    page_end(page, ']');
    tree_release(&tree);
    page->failed |= !good;
}
