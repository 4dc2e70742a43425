/* Who held what on each side, and which holder of one is which of the other.
 *
 * What the viewer finds out about one process's references can be as big as its heap, so only what
 * is compared is kept of it. Holders that look the same (rows[1], rows[2] ...) are taken together.
 */
#include "diff.h"
#include "fingerprint.h"

#include "viewer/held.h"

#include <stdlib.h>
#include <string.h>

/* False when memory ran out. */
static bool copy_texts(struct held *held, const struct holder *holder) {
    held->name = strdup(holder->name);
    held->function = strdup(holder->function);
    held->file = strdup(holder->file);
    held->type = strdup(holder->type);
    held->detail = strdup(holder->detail);
    held->path = strdup(holder->path);
    held->others = strdup(holder->others);
    return held->name && held->function && held->file && held->type && held->detail && held->path &&
           held->others;
}

static void free_texts(struct held *held) {
    free(held->name);
    free(held->function);
    free(held->file);
    free(held->type);
    free(held->detail);
    free(held->path);
    free(held->others);
}

/* Memory without a known owner goes by where it was allocated. */
static bool copy_place(struct held *held, const struct profile *profile) {
    if (held->root != HOLDER_NONE)
        return true;
    struct model_frame frame = held_place(profile, held->node);
    free(held->function);
    free(held->file);
    held->function = strdup(frame.function);
    held->file = strdup(frame.file);
    held->line = frame.line;
    return held->function && held->file;
}

static bool add_held(struct side *side, const struct findings *findings) {
    struct held *list =
        realloc(side->held, ((size_t)side->held_count + findings->count + 1) * sizeof *list);
    if (!list)
        return false;
    side->held = list;
    for (uint32_t i = 0; i < findings->count; i++) {
        const struct holder *holder = &findings->holders[i];
        struct held *held = &list[side->held_count++];
        *held = (struct held){.process = findings->process,
                              .root = holder->root,
                              .verdict = holder->verdict,
                              .line = holder->line,
                              .node = holder->node,
                              .bytes = holder->bytes,
                              .biggest = holder->bytes,
                              .saves = holder->saves,
                              .objects = holder->count};
        if (!copy_texts(held, holder) || !copy_place(held, side->profile))
            return false;
    }
    return true;
}

static bool has_snapshot(const struct profile *profile, uint32_t process) {
    for (uint32_t i = 0; i < profile->snapshot_count; i++)
        if (profile->snapshots[i].process == process)
            return true;
    return false;
}

static bool read_process(struct side *side, uint32_t process) {
    if (!has_snapshot(side->profile, process))
        return true;
    struct findings *findings = findings_of(side->profile, process, 0);
    if (!findings)
        return false;
    side->figures[process] = (struct held_figures){
        .known = findings->graph != NULL,
        .far_from_peak = findings->far_from_peak,
        .snapshot_bytes = held_bytes(findings->bytes, findings->pending_bytes),
        .dead_bytes = findings->dead_bytes,
        .garbage_bytes = findings->garbage_bytes,
        .peak_if_released = held_if_released(side->profile, findings).likely};
    bool good = add_held(side, findings);
    findings_free(findings);
    return good;
}

bool holders_read(struct side *side) {
    uint32_t count = side->profile->process_count;
    side->figures = calloc((size_t)count + 1, sizeof *side->figures);
    bool good = side->figures != NULL;
    for (uint32_t i = 0; good && i < count; i++)
        good = read_process(side, i);
    return good;
}

void holders_release(struct side *side) {
    for (uint32_t i = 0; i < side->held_count; i++)
        free_texts(&side->held[i]);
    free(side->held);
    free(side->figures);
}

/* Equal in both sides for a process and its partner. */
static uint64_t process_key(const struct pairs *processes, int side, uint32_t process) {
    uint32_t partner = processes->partners[side][process];
    if (partner == PAIR_NONE)
        return words_mix(1 + (uint64_t)side, process);
    return words_mix(3, side == BEFORE ? process : partner);
}

static bool find_keys(struct side *side, int number, const struct pairs *processes) {
    for (uint32_t i = 0; i < side->held_count; i++) {
        struct held *held = &side->held[i];
        char *path = fingerprint_path(held->path);
        if (!path)
            return false;
        const struct fingerprint fingerprint = {.root = held->root,
                                                .name = held->name,
                                                .function = held->function,
                                                .type = held->type,
                                                .file = files_id(&side->files, held->file),
                                                .path = path};
        held->key = words_mix(fingerprint_hash(&fingerprint),
                              process_key(processes, number, held->process)) |
                    1;
        free(path);
    }
    return true;
}

static int compare_keys(const void *left, const void *right) {
    const struct held *a = left, *b = right;
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    if (a->bytes != b->bytes)
        return a->bytes > b->bytes ? -1 : 1;
    int order = strcmp(a->path, b->path);
    return order ? order : strcmp(a->detail, b->detail);
}

/* Takes those of one key together; the biggest stands for them. */
static void merge(struct side *side) {
    uint32_t count = 0;
    if (side->held_count > 0)
        qsort(side->held, side->held_count, sizeof *side->held, compare_keys);
    for (uint32_t i = 0; i < side->held_count; i++) {
        struct held *last = count > 0 ? &side->held[count - 1] : NULL;
        struct held *held = &side->held[i];
        if (!last || last->key != held->key) {
            side->held[count++] = *held;
            continue;
        }
        last->bytes += held->bytes;
        last->saves += held->saves;
        last->objects += held->objects;
        free_texts(held);
    }
    side->held_count = count;
}

static void add_change(struct diff *diff, uint32_t before, uint32_t after) {
    uint64_t had = before == PAIR_NONE ? 0 : diff->sides[BEFORE].held[before].bytes;
    uint64_t has = after == PAIR_NONE ? 0 : diff->sides[AFTER].held[after].bytes;
    diff->holders[diff->holder_count++] =
        (struct holder_change){{before, after}, (int64_t)has - (int64_t)had};
}

static const struct held *held_of(const struct diff *diff, const struct holder_change *change) {
    return change->held[AFTER] != PAIR_NONE ? &diff->sides[AFTER].held[change->held[AFTER]]
                                            : &diff->sides[BEFORE].held[change->held[BEFORE]];
}

static int compare_changes(const void *left, const void *right, void *context) {
    const struct holder_change *a = left, *b = right;
    int64_t first = llabs(a->difference), second = llabs(b->difference);
    if (first != second)
        return first > second ? -1 : 1;
    const struct held *one = held_of(context, a), *other = held_of(context, b);
    if (one->bytes != other->bytes)
        return one->bytes > other->bytes ? -1 : 1;
    int order = strcmp(one->path, other->path);
    return order ? order : (one->key > other->key) - (one->key < other->key);
}

static bool pair_held(struct diff *diff, struct pairs *pairs) {
    uint64_t *keys[2] = {NULL, NULL};
    bool good = pairs_open(pairs, diff->sides[BEFORE].held_count, diff->sides[AFTER].held_count);
    for (int side = BEFORE; side <= AFTER; side++) {
        keys[side] = calloc((size_t)diff->sides[side].held_count + 1, sizeof(uint64_t));
        for (uint32_t i = 0; keys[side] && i < diff->sides[side].held_count; i++)
            keys[side][i] = diff->sides[side].held[i].key;
        good = good && keys[side];
    }
    const struct pair_rule rule = {.keys = {keys[BEFORE], keys[AFTER]}};
    good = good && pairs_apply(pairs, &rule);
    free(keys[BEFORE]);
    free(keys[AFTER]);
    return good;
}

bool holders_match(struct diff *diff, const struct pairs *processes) {
    struct pairs pairs = {0};
    bool good = true;
    for (int side = BEFORE; good && side <= AFTER; side++) {
        good = find_keys(&diff->sides[side], side, processes);
        if (good)
            merge(&diff->sides[side]);
    }
    uint32_t before = diff->sides[BEFORE].held_count, after = diff->sides[AFTER].held_count;
    diff->holders = calloc((size_t)before + after + 1, sizeof *diff->holders);
    good = good && diff->holders && pair_held(diff, &pairs);
    for (uint32_t i = 0; good && i < before; i++)
        add_change(diff, i, pairs.partners[BEFORE][i]);
    for (uint32_t i = 0; good && i < after; i++)
        if (pairs.partners[AFTER][i] == PAIR_NONE)
            add_change(diff, PAIR_NONE, i);
    if (good)
        qsort_r(diff->holders, diff->holder_count, sizeof *diff->holders, compare_changes, diff);
    pairs_release(&pairs);
    return good;
}
