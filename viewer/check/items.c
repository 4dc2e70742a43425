/* See items.h. */
#include "items.h"

#include "check.h"
#include "viewer/diff/fingerprint.h"

#include <stdlib.h>
#include <string.h>

bool items_add(struct items *items, const struct item *item) {
    if (item->key && items->count == items->capacity) {
        uint32_t capacity = items->capacity ? items->capacity * 2 : 64;
        struct item *list = realloc(items->list, capacity * sizeof *list);
        if (!list) {
            free(item->key);
            return false;
        }
        items->list = list;
        items->capacity = capacity;
    }
    if (item->key) {
        items->list[items->count] = *item;
        items->list[items->count++].count = 1;
    }
    return item->key != NULL;
}

void items_release(struct items *items) {
    for (uint32_t i = 0; i < items->count; i++)
        free(items->list[i].key);
    free(items->list);
    *items = (struct items){0};
}

static int compare_keys(const void *left, const void *right) {
    const struct item *a = left, *b = right;
    int order = strcmp(a->key, b->key);
    return order ? order : (a->bytes < b->bytes) - (a->bytes > b->bytes);
}

static int compare_growth(const void *left, const void *right) {
    const struct item *a = left, *b = right;
    int64_t first = item_growth(a), second = item_growth(b);
    if (first != second)
        return first > second ? -1 : 1;
    return strcmp(a->key, b->key);
}

static void merge(struct items *items) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < items->count; i++) {
        struct item *item = &items->list[i], *last = count > 0 ? &items->list[count - 1] : NULL;
        if (!last || strcmp(last->key, item->key) != 0) {
            items->list[count++] = *item;
            continue;
        }
        last->bytes += item->bytes;
        last->count++;
        free(item->key);
    }
    items->count = count;
}

void items_settle(struct items *items, const json_t *before) {
    if (items->count == 0)
        return;
    qsort(items->list, items->count, sizeof *items->list, compare_keys);
    merge(items);
    for (uint32_t i = 0; i < items->count; i++) {
        json_int_t bytes = json_integer_value(json_object_get(before, items->list[i].key));
        items->list[i].before = bytes > 0 ? (uint64_t)bytes : 0;
    }
    qsort(items->list, items->count, sizeof *items->list, compare_growth);
}

/* -- Places -- */

/* The outermost frame first; iterative, as a stack may be deep. */
static bool put_frames(const struct check *check, const struct stack_frame *frame, FILE *out) {
    const struct stack_frame *root = &check->stacks.frames[0];
    uint32_t depth = 0, capacity = check->stacks.frame_count;
    const struct stack_frame **path = calloc((size_t)capacity + 1, sizeof *path);
    for (; path && frame != root && depth < capacity; frame = &check->stacks.frames[frame->parent])
        path[depth++] = frame;
    for (uint32_t left = depth; left > 0; left--) {
        const struct stack_frame *at = path[left - 1];
        fputs(left < depth ? " > " : "", out);
        if (at->kind == FRAME_PYTHON)
            fprintf(out, "%s:%s", check_file(check, at->file), at->function);
        else
            fputs(at->kind == FRAME_THREAD ? "(no Python)" : "(no stack)", out);
    }
    free(path);
    return path != NULL;
}

static char *place_key(const struct check *check, const struct stack_frame *frame) {
    char *key = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&key, &size);
    bool good = out && put_frames(check, frame, out);
    if (out && fclose(out) == 0 && good)
        return key;
    free(key);
    return NULL;
}

bool items_read_places(const struct check *check, struct items *items) {
    const struct stacks *stacks = &check->stacks;
    bool good = true;
    for (uint32_t i = 0; good && i < stacks->record_count; i++) {
        const struct stack_record *record = &stacks->records[i];
        const struct stack_frame *frame = &stacks->frames[record->frame];
        const struct item item = {
            .key = place_key(check, frame), .frame = frame, .bytes = record->bytes};
        good = items_add(items, &item);
    }
    return good;
}

/* -- Holders -- */

static char *holder_key(const struct holder *holder) {
    char *path = fingerprint_path(*holder->path ? holder->path : holder->name), *key = NULL;
    if (path && asprintf(&key, "%s held by %s", holder->type,
                         *path ? path : holder_root_names[holder->root]) < 0)
        key = NULL;
    free(path);
    return key;
}

/* Memory of no known object has no holder; its place is told anyway. */
bool items_read_holders(const struct check *check, struct items *items) {
    bool good = true;
    for (uint32_t i = 0; i < check->profile->process_count; i++) {
        const struct findings *findings = check->findings[i];
        for (uint32_t k = 0; findings && good && k < findings->count; k++) {
            const struct holder *holder = &findings->holders[k];
            const struct item item = {.key =
                                          holder->root == HOLDER_NONE ? NULL : holder_key(holder),
                                      .holder = holder,
                                      .bytes = holder->bytes};
            good = holder->root == HOLDER_NONE || items_add(items, &item);
        }
    }
    return good;
}
