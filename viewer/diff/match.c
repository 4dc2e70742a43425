/* See match.h. */
#include "match.h"

#include "viewer/intern.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH                                                                                      \
    64u /* so many innermost frames are looked at to tell stacks of the same functions apart */

/* What is known of a stack without walking it. */
struct route {
    uint32_t functions; /* equal where functions and files are */
    uint64_t texts;     /* a hash of its lines' texts */
};

/* A side's records, numbered anew: those of the same functions together, by their lines. */
struct members {
    const struct stacks *stacks;
    struct route *routes; /* by frame */
    uint32_t *order;      /* records, by number */
    uint64_t *keys;       /* by number, for the rule at hand */
};

struct matcher {
    struct members sides[2];
    struct words functions; /* names of both sides */
    struct intern routes;   /* words: that of the callers, kind, function, file */
    struct pairs pairs;
};

/* Of the text without what is before it; of a line whose text is not known, its offset. */
static uint64_t text_hash(const struct stack_frame *frame) {
    const char *text = frame->source + strspn(frame->source, " \t");
    return *text ? words_hash(text) : frame->offset;
}

static bool find_routes(struct matcher *matcher, int side, const struct files *files) {
    struct members *members = &matcher->sides[side];
    const struct stacks *stacks = members->stacks;
    members->routes = calloc((size_t)stacks->frame_count + 1, sizeof *members->routes);
    for (uint32_t i = 0; members->routes && i < stacks->frame_count; i++) {
        const struct stack_frame *frame = &stacks->frames[i];
        const struct route *above = &members->routes[frame->parent];
        uint32_t name = words_add(&matcher->functions, frame->function);
        const struct intern_key key = {
            {above->functions, frame->kind, name, files_id(files, frame->file), i > 0}};
        uint32_t functions =
            name == WORDS_FAILED ? INTERN_FAILED : intern_add(&matcher->routes, &key);
        if (functions == INTERN_FAILED)
            return false;
        members->routes[i] = (struct route){functions, words_mix(above->texts, text_hash(frame))};
    }
    return members->routes != NULL;
}

/* The offsets of the innermost frames, the innermost first. */
static uint32_t find_offsets(const struct stacks *stacks, uint32_t frame, uint32_t offsets[DEPTH]) {
    uint32_t depth = 0;
    for (; frame > 0 && depth < DEPTH; frame = stacks->frames[frame].parent)
        offsets[depth++] = stacks->frames[frame].offset;
    return depth;
}

static int compare_offsets(const struct stacks *stacks, uint32_t left, uint32_t right) {
    uint32_t a[DEPTH], b[DEPTH];
    uint32_t depth = find_offsets(stacks, left, a), other = find_offsets(stacks, right, b);
    while (depth-- > 0 && other-- > 0)
        if (a[depth] != b[other])
            return a[depth] < b[other] ? -1 : 1;
    return 0;
}

static int compare_members(const void *left, const void *right, void *context) {
    const struct members *members = context;
    uint32_t i = *(const uint32_t *)left, j = *(const uint32_t *)right;
    const struct stack_record *a = &members->stacks->records[i], *b = &members->stacks->records[j];
    uint32_t first = members->routes[a->frame].functions,
             second = members->routes[b->frame].functions;
    if (first != second)
        return first < second ? -1 : 1;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    int order = compare_offsets(members->stacks, a->frame, b->frame);
    return order ? order : (i > j) - (i < j);
}

static bool order_members(struct members *members) {
    uint32_t count = members->stacks->record_count;
    members->order = calloc((size_t)count + 1, sizeof *members->order);
    members->keys = calloc((size_t)count + 1, sizeof *members->keys);
    if (!members->order || !members->keys)
        return false;
    for (uint32_t i = 0; i < count; i++)
        members->order[i] = i;
    qsort_r(members->order, count, sizeof *members->order, compare_members, members);
    return true;
}

static const struct stack_record *member(const struct members *members, uint32_t number) {
    return &members->stacks->records[members->order[number]];
}

/* How far the lines of two stacks of the same functions are apart. */
static uint64_t line_distance(const void *context, uint32_t before, uint32_t after) {
    const struct matcher *matcher = context;
    uint32_t a[DEPTH], b[DEPTH];
    uint64_t distance = 0;
    uint32_t depth = find_offsets(matcher->sides[BEFORE].stacks,
                                  member(&matcher->sides[BEFORE], before)->frame, a);
    uint32_t other =
        find_offsets(matcher->sides[AFTER].stacks, member(&matcher->sides[AFTER], after)->frame, b);
    for (uint32_t i = 0; i < depth && i < other; i++)
        distance += a[i] < b[i] ? b[i] - a[i] : a[i] - b[i];
    return distance;
}

/* Pairs stacks of the same functions, files and kind; with `texts` only if their lines read the
 * same. */
static bool apply_rule(struct matcher *matcher, bool texts) {
    for (int side = BEFORE; side <= AFTER; side++) {
        struct members *members = &matcher->sides[side];
        for (uint32_t i = 0; i < members->stacks->record_count; i++) {
            const struct stack_record *record = member(members, i);
            const struct route *route = &members->routes[record->frame];
            uint64_t key = words_mix(words_mix(1, route->functions), record->kind);
            members->keys[i] = (texts ? words_mix(key, route->texts) : key) | 1;
        }
    }
    const struct pair_rule rule = {
        .keys = {matcher->sides[BEFORE].keys, matcher->sides[AFTER].keys},
        .distance = line_distance,
        .context = matcher};
    return pairs_apply(&matcher->pairs, &rule);
}

uint64_t change_bytes(const struct stack_changes *changes, const struct stack_change *change,
                      enum diff_side side) {
    uint32_t record = change->records[side];
    return record == PAIR_NONE ? 0 : changes->sides[side]->records[record].bytes;
}

const struct stack_frame *change_frame(const struct stack_changes *changes,
                                       const struct stack_change *change) {
    enum diff_side side = change->records[AFTER] != PAIR_NONE ? AFTER : BEFORE;
    const struct stacks *stacks = changes->sides[side];
    return &stacks->frames[stacks->records[change->records[side]].frame];
}

static void add_change(struct stack_changes *changes, uint32_t before, uint32_t after) {
    struct stack_change *change = &changes->list[changes->count++];
    change->records[BEFORE] = before;
    change->records[AFTER] = after;
    change->difference = (int64_t)change_bytes(changes, change, AFTER) -
                         (int64_t)change_bytes(changes, change, BEFORE);
}

static int compare_changes(const void *left, const void *right, void *context) {
    const struct stack_change *a = left, *b = right;
    const struct stack_changes *changes = context;
    int64_t first = a->difference < 0 ? -a->difference : a->difference,
            second = b->difference < 0 ? -b->difference : b->difference;
    if (first != second)
        return first > second ? -1 : 1;
    uint64_t one = change_bytes(changes, a, AFTER), other = change_bytes(changes, b, AFTER);
    if (one != other)
        return one > other ? -1 : 1;
    for (int side = AFTER; side >= BEFORE; side--)
        if (a->records[side] != b->records[side])
            return a->records[side] < b->records[side] ? -1 : 1;
    return 0;
}

static bool find_changes(const struct matcher *matcher, struct stack_changes *changes) {
    const struct members *sides = matcher->sides;
    const struct pairs *pairs = &matcher->pairs;
    changes->list =
        calloc((size_t)pairs->count[BEFORE] + pairs->count[AFTER] + 1, sizeof *changes->list);
    if (!changes->list)
        return false;
    for (uint32_t i = 0; i < pairs->count[BEFORE]; i++) {
        uint32_t partner = pairs->partners[BEFORE][i];
        add_change(changes, sides[BEFORE].order[i],
                   partner == PAIR_NONE ? partner : sides[AFTER].order[partner]);
    }
    for (uint32_t i = 0; i < pairs->count[AFTER]; i++)
        if (pairs->partners[AFTER][i] == PAIR_NONE)
            add_change(changes, PAIR_NONE, sides[AFTER].order[i]);
    qsort_r(changes->list, changes->count, sizeof *changes->list, compare_changes, changes);
    return true;
}

bool match_stacks(const struct stacks *const sides[2], const struct files *const files[2],
                  struct stack_changes *changes) {
    struct matcher matcher = {.sides = {{.stacks = sides[BEFORE]}, {.stacks = sides[AFTER]}}};
    *changes = (struct stack_changes){.sides = {sides[BEFORE], sides[AFTER]}};
    bool good = pairs_open(&matcher.pairs, sides[BEFORE]->record_count, sides[AFTER]->record_count);
    for (int side = BEFORE; good && side <= AFTER; side++)
        good = find_routes(&matcher, side, files[side]) && order_members(&matcher.sides[side]);
    good = good && apply_rule(&matcher, true) && apply_rule(&matcher, false) &&
           find_changes(&matcher, changes);
    for (int side = BEFORE; side <= AFTER; side++) {
        free(matcher.sides[side].routes);
        free(matcher.sides[side].order);
        free(matcher.sides[side].keys);
    }
    words_release(&matcher.functions);
    intern_release(&matcher.routes);
    pairs_release(&matcher.pairs);
    return good;
}

void match_release(struct stack_changes *changes) {
    free(changes->list);
    *changes = (struct stack_changes){0};
}
