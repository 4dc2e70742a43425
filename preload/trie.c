/* Two hash tables with linear probing. Both double when they are two thirds full; neither ever
 * shrinks: a ring's numbers are for good. */
#include "trie.h"

#include <string.h>
#include <sys/mman.h>

#include "code.h"
#include "native/modules.h"
#include "python.h"
#include "seccomp.h"
#include "sys.h"
#include "thread.h"

struct trie_node {
    uint32_t parent, code;
    int32_t position;
    uint32_t number; /* 0: free */
};

struct trie_code {
    const void *code; /* NULL: free; TOMBSTONE: freed, and others may lie behind it */
    uint32_t number;
};

#define FIRST_CAPACITY 256u
#define SHORTCUTS_FEW 2048u
#define HUGE_PAGE ((size_t)2 << 20)

#ifndef MADV_POPULATE_WRITE /* Linux 5.14; refused before */
#define MADV_POPULATE_WRITE 23
#endif

static const char tombstone;
#define TOMBSTONE ((const void *)&tombstone)

static uint64_t mix(uint64_t x) {
    x *= 0x9e3779b97f4a7c15ull;
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93ull;
    return x ^ x >> 32;
}

static uint32_t node_hash(uint32_t parent, uint32_t code, int32_t position) {
    return (uint32_t)mix(((uint64_t)parent << 32 | code) ^
                         (uint32_t)position * 0xbf58476d1ce4e5b9ull);
}

static bool too_full(uint32_t used, uint32_t capacity) {
    return (uint64_t)(used + 1) * 3 > (uint64_t)capacity * 2;
}

static struct trie_node *node_slot(const struct trie *trie, uint32_t parent, uint32_t code,
                                   int32_t position) {
    uint32_t mask = trie->node_capacity - 1;
    uint32_t i = node_hash(parent, code, position) & mask;
    for (;; i = (i + 1) & mask) {
        struct trie_node *node = &trie->nodes[i];
        bool same = node->parent == parent && node->code == code && node->position == position;
        if (same || node->number == 0)
            return node;
    }
}

/* What will soon be in use, wherever hashes fall: one call costs less than a fault for each page.
 */
static void table_expect(void *start, size_t size) {
    if (seccomp_lets(SECCOMP_TABLES))
        sys_call6(SYS_madvise, (long)start, (long)size, MADV_POPULATE_WRITE, 0, 0, 0);
}

/* Memory that neither a forked child nor a disposable copy has any use for, so that it need not be
 * copied when it is written to. Its first `soon` bytes are expected to be used. What is large gets
 * huge pages, which need few entries of the processor's table of pages; where it is not aligned to
 * them, as before Linux 6.7, it has none, and takes no more faults for that. */
static void *table_map(size_t size, size_t soon) {
    void *table = pages_map(size);
    if (!table || !seccomp_lets(SECCOMP_TABLES))
        return table;
    sys_call6(SYS_madvise, (long)table, (long)size, MADV_DONTFORK, 0, 0, 0);
    if (soon >= HUGE_PAGE)
        sys_call6(SYS_madvise, (long)table, (long)soon, MADV_HUGEPAGE, 0, 0, 0);
    if (soon)
        table_expect(table, soon);
    return table;
}

/* With room for as many codes, whose pages come when they are touched. */
static size_t shortcuts_size(uint64_t count) {
    return count * (sizeof(struct trie_shortcut) + sizeof(const char *));
}

static void shortcuts_unmap(struct trie *trie) {
    if (trie->shortcuts)
        pages_unmap(trie->shortcuts, shortcuts_size(trie->shortcut_room));
}

/* Room for so many; none is known then. */
static bool shortcuts_map(struct trie *trie, uint32_t room) {
    struct trie_shortcut *shortcuts = table_map(shortcuts_size(room), 0);
    if (!shortcuts)
        return false;
    shortcuts_unmap(trie);
    trie->shortcuts = shortcuts;
    trie->shortcut_codes = (const char **)(void *)(shortcuts + room);
    trie->shortcut_room = room;
    trie->shortcut_count = 0;
    return true;
}

/* As many as there is room for nodes, within bounds. Once there are some, all have a place in the
 * same mapping, where memory comes as they grow: half of those that are known stay where they are
 * looked for, and the others are never taken for what they are not. */
static bool shortcuts_grow(struct trie *trie, uint32_t capacity) {
    uint32_t count = capacity < TRIE_SHORTCUTS_MOST ? capacity : TRIE_SHORTCUTS_MOST;
    if (count > trie->shortcut_room &&
        !(count > SHORTCUTS_FEW && shortcuts_map(trie, TRIE_SHORTCUTS_MOST)) &&
        !shortcuts_map(trie, count))
        return trie->shortcuts;
    uint32_t known = trie->shortcut_count;
    if (count == known)
        return true;
    table_expect(trie->shortcuts + known, (count - known) * sizeof *trie->shortcuts);
    trie->shortcut_count = count;
    trie->shortcut_mask = (count - 2) * sizeof *trie->shortcuts;
    return true;
}

static bool nodes_grow(struct trie *trie) {
    struct trie old = *trie;
    uint32_t capacity = old.node_capacity ? old.node_capacity * 2 : FIRST_CAPACITY;
    if (!capacity || !shortcuts_grow(trie, capacity))
        return false;
    size_t size = (size_t)capacity * sizeof(struct trie_node);
    struct trie_node *nodes = table_map(size, size);
    if (!nodes)
        return false;
    trie->nodes = nodes;
    trie->node_capacity = capacity;
    for (uint32_t i = 0; i < old.node_capacity; i++) {
        const struct trie_node *node = &old.nodes[i];
        if (node->number)
            *node_slot(trie, node->parent, node->code, node->position) = *node;
    }
    if (old.nodes)
        pages_unmap(old.nodes, (size_t)old.node_capacity * sizeof *nodes);
    return true;
}

static bool node_define(struct writer *writer, enum node_kind kind, const struct trie_node *node) {
    uint64_t *record = writer_reserve(writer, 3);
    if (!record)
        return false;
    record[0] = event_word(EVENT_NODE, 0, kind, node->number);
    record[1] = (uint64_t)node->parent << 32 | node->code;
    record[2] = (uint64_t)(int64_t)node->position;
    writer_commit(writer, 3);
    return true;
}

uint32_t trie_node(struct trie *trie, struct writer *writer, enum node_kind kind, uint32_t parent,
                   uint32_t code, int32_t position) {
    if (too_full(trie->node_count, trie->node_capacity) && !nodes_grow(trie))
        return 0;
    struct trie_node *slot = node_slot(trie, parent, code, position);
    if (slot->number)
        return slot->number;
    struct trie_node node = {parent, code, position, trie->node_count + 1};
    if (!node_define(writer, kind, &node))
        return 0;
    *slot = node;
    return trie->node_count = node.number;
}

/* Where `code` is, or the free place at the end of its run. */
static struct trie_code *code_slot(const struct trie *trie, const void *code) {
    uint32_t mask = trie->code_capacity - 1;
    uint32_t i = (uint32_t)mix((uintptr_t)code) & mask;
    while (trie->codes[i].code && trie->codes[i].code != code)
        i = (i + 1) & mask;
    return &trie->codes[i];
}

static uint32_t codes_live(const struct trie *trie) {
    uint32_t live = 0;
    for (uint32_t i = 0; i < trie->code_capacity; i++)
        live += trie->codes[i].code && trie->codes[i].code != TOMBSTONE;
    return live;
}

/* Makes room: drops the tombstones, and doubles the table unless they were what filled it. */
static bool codes_grow(struct trie *trie) {
    struct trie old = *trie;
    uint32_t capacity = FIRST_CAPACITY;
    while (too_full(codes_live(&old) * 2, capacity))
        capacity *= 2;
    size_t size = (size_t)capacity * sizeof(struct trie_code);
    struct trie_code *codes = table_map(size, size);
    if (!codes)
        return false;
    trie->codes = codes;
    trie->code_capacity = capacity;
    trie->code_used = 0;
    for (uint32_t i = 0; i < old.code_capacity; i++) {
        const struct trie_code *entry = &old.codes[i];
        if (!entry->code || entry->code == TOMBSTONE)
            continue;
        *code_slot(trie, entry->code) = *entry;
        trie->code_used++;
    }
    if (old.codes)
        pages_unmap(old.codes, (size_t)old.code_capacity * sizeof *codes);
    return true;
}

/* The place of a code object or module; NULL when there is no memory. */
static struct trie_code *code_place(struct trie *trie, const void *code) {
    if (too_full(trie->code_used, trie->code_capacity) && !codes_grow(trie))
        return NULL;
    return code_slot(trie, code);
}

static uint32_t code_keep(struct trie *trie, struct trie_code *slot, const void *code) {
    uint32_t number = trie->code_count + 1;
    *slot = (struct trie_code){code, number};
    trie->code_used++;
    return trie->code_count = number;
}

uint32_t trie_code(struct trie *trie, struct writer *writer, const void *code) {
    struct trie_code *slot = code_place(trie, code);
    if (!slot || slot->code)
        return slot ? slot->number : 0;
    if (!code_check(code)) {
        python_distrust();
        return 0;
    }
    if (!code_define(writer, code, trie->code_count + 1))
        return 0;
    filter_add(code, FILTER_CODE);
    return code_keep(trie, slot, code);
}

uint32_t trie_module(struct trie *trie, struct writer *writer, const struct module *module) {
    struct trie_code *slot = code_place(trie, module);
    if (!slot || slot->code)
        return slot ? slot->number : 0;
    return module_define(writer, module, trie->code_count + 1) ? code_keep(trie, slot, module) : 0;
}

/* A stamp that has been used before may still be in a key. */
static void forget_shortcuts(struct trie *trie) {
    trie->shortcut_stamp += TRIE_STAMP_ONE;
    if (trie->shortcut_stamp == 0 && trie->shortcuts)
        memset(trie->shortcuts, 0, trie->shortcut_count * sizeof *trie->shortcuts);
}

void trie_forget_code(struct trie *trie, const void *code) {
    if (!trie->codes)
        return;
    forget_shortcuts(trie);
    struct trie_code *slot = code_slot(trie, code);
    if (slot->code)
        *slot = (struct trie_code){TOMBSTONE, 0};
}

void trie_forget_codes(struct trie *trie) {
    if (trie->codes)
        memset(trie->codes, 0, (size_t)trie->code_capacity * sizeof *trie->codes);
    trie->code_used = 0;
    forget_shortcuts(trie);
}

void trie_release(struct trie *trie) {
    if (trie->nodes)
        pages_unmap(trie->nodes, (size_t)trie->node_capacity * sizeof *trie->nodes);
    if (trie->codes)
        pages_unmap(trie->codes, (size_t)trie->code_capacity * sizeof *trie->codes);
    shortcuts_unmap(trie);
    *trie = (struct trie){0};
}
