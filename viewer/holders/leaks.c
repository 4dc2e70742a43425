/* See leaks.h. A reference is lost when its object's count has more than there are words in memory
 * that hold the address. Where one module alone has taken references to such an object by calls
 * that were seen, and has not given them back so, they are its; where none has, or several, nobody
 * can be named.
 *
 * A few references can seem lost (their address was in a register), and the interpreter and its
 * modules do lose some of types and constants that live for ever, of which any module takes and
 * hands over many. So little is told: objects to which nothing at all refers, and counts that are
 * far too high; of these, a module is named only for most of what it has taken.
 */
#include "leaks.h"

#include <stdlib.h>
#include <string.h>

#define GROUPS_MAX 1024u
#define LEAST 10u          /* references of a group */
#define LEAST_OF_ONE 1000u /* of one object that others refer to as well */
#define TAKERS 65536u
#define SEVERAL UINT32_MAX

struct group {
    uint32_t module, type; /* texts; module 0: nobody's */
    bool sure;
    struct leak leak;
};

struct search {
    const struct heap *heap;
    uint32_t *take_of; /* by object: its take + 1; SEVERAL */
    struct group groups[GROUPS_MAX];
    uint32_t count;
};

static uint32_t type_text(const struct heap *heap, uint32_t object) {
    return heap->graph->types[heap->graph->objects[object].type].name;
}

static struct group *group_of(struct search *search, uint32_t module, uint32_t type, bool sure) {
    for (uint32_t i = 0; i < search->count; i++)
        if (search->groups[i].module == module && search->groups[i].type == type &&
            search->groups[i].sure == sure)
            return &search->groups[i];
    if (search->count == GROUPS_MAX)
        return NULL;
    struct group *group = &search->groups[search->count++];
    *group = (struct group){.module = module, .type = type, .sure = sure};
    return group;
}

/* What dies with an object, if nothing but lost references keeps that. */
static uint64_t kept_by(const struct heap *heap, const struct graph_lost *lost) {
    bool alone = lost->references >= heap->graph->objects[lost->object].references &&
                 heap->dominator[lost->object] == heap->top;
    return alone ? heap->retained[lost->object] : 0;
}

static void add(struct search *search, const struct graph_lost *lost, uint32_t module,
                uint64_t references, bool sure) {
    struct group *group = group_of(search, module, type_text(search->heap, lost->object), sure);
    if (!group)
        return;
    group->leak.references += references;
    group->leak.objects++;
    group->leak.bytes += kept_by(search->heap, lost);
}

/* The interpreter and modules keep the memory of some small objects that end, for the next one:
 * what was taken, however often, may be what stood there before, and was handed over. Where deaths
 * are not traced, a freed block alone tells of an end: that of an instance of a class, and of
 * these. */
static bool may_be_another(const struct heap *heap, const struct graph_take *take) {
    static const char *const freed[] = {"bytearray", "bytes", "code", "frozenset", "function",
                                        "module",    "set",   "str",  "type"};
    const struct graph *graph = heap->graph;
    const struct graph_type *type = &graph->types[graph->objects[take->object].type];
    if (graph->seen.deaths || type->flags & GRAPH_TYPE_HEAP)
        return false;
    for (size_t i = 0; i < sizeof freed / sizeof freed[0]; i++)
        if (strcmp(graph->texts[type->name], freed[i]) == 0)
            return false;
    return true;
}

/* That of the only module which has taken some; NULL: there is none, or it has no name. */
static const struct graph_take *only_take(const struct search *search, uint32_t object) {
    uint32_t number = search->take_of[object];
    if (number == 0 || number == SEVERAL)
        return NULL;
    const struct graph_take *take = &search->heap->graph->takes[number - 1];
    return take->module ? take : NULL;
}

static void look_at(struct search *search, const struct graph_lost *lost, bool of_modules) {
    const struct graph_object *object = &search->heap->graph->objects[lost->object];
    uint64_t references = lost->references;
    if (object->type == 0 || search->heap->flags[lost->object] & (NODE_LEFT_OUT | NODE_UNCERTAIN) ||
        references > object->references)
        return;
    bool alone = references == object->references;
    if (!alone && references < LEAST_OF_ONE)
        return;
    const struct graph_take *take = only_take(search, lost->object);
    if (take && !alone && references <= take->references / 2)
        take = NULL;
    if ((take != NULL) != of_modules)
        return;
    if (take && take->references < references)
        references = take->references;
    add(search, lost, take ? take->module : 0, references,
        !take || !may_be_another(search->heap, take));
}

static bool index_takes(struct search *search) {
    const struct graph *graph = search->heap->graph;
    search->take_of = calloc(graph->object_count, sizeof *search->take_of);
    if (!search->take_of)
        return false;
    for (uint32_t i = 1; i < graph->take_count; i++) {
        uint32_t *number = &search->take_of[graph->takes[i].object];
        *number = *number ? SEVERAL : i + 1;
    }
    return true;
}

/* -- What is said of one -- */

static void find_balance(const struct graph *graph, struct group *group) {
    for (uint32_t i = 1; i < graph->balance_count; i++) {
        const struct graph_balance *balance = &graph->balances[i];
        if (balance->module != group->module || balance->type != group->type)
            continue;
        group->leak.taken += balance->taken;
        group->leak.given += balance->given;
    }
}

static uint32_t taker_node(const struct heap *heap, uint32_t number) {
    const struct profile *profile = heap->profile;
    for (uint32_t i = 0; i < profile->taker_count; i++)
        if (profile->takers[i].process == heap->snapshot->process &&
            profile->takers[i].number == number)
            return profile->takers[i].node;
    return 0;
}

/* The stack at which most of what is lost was taken. */
static void find_taker(const struct search *search, struct group *group, uint32_t *counts) {
    const struct graph *graph = search->heap->graph;
    uint32_t best = 0;
    memset(counts, 0, TAKERS * sizeof *counts);
    for (uint32_t i = 1; i < graph->lost_count; i++) {
        const struct graph_take *take = only_take(search, graph->lost[i].object);
        if (!take || take->module != group->module || take->taker >= TAKERS ||
            may_be_another(search->heap, take) == group->sure ||
            type_text(search->heap, take->object) != group->type)
            continue;
        if (++counts[take->taker] > counts[best] || best == 0)
            best = take->taker;
    }
    group->leak.node = best ? taker_node(search->heap, best) : 0;
}

static int compare(const void *a, const void *b) {
    const struct leak *one = a, *two = b;
    if (!*one->module != !*two->module)
        return *one->module ? -1 : 1;
    if (one->bytes != two->bytes)
        return one->bytes > two->bytes ? -1 : 1;
    return one->references > two->references ? -1 : one->references < two->references;
}

static bool put_leaks(struct search *search, struct findings *findings) {
    const struct graph *graph = search->heap->graph;
    uint32_t *counts = malloc(TAKERS * sizeof *counts);
    findings->leaks = calloc(search->count + 1ul, sizeof *findings->leaks);
    bool good = counts && findings->leaks;
    for (uint32_t i = 0; i < search->count && good; i++) {
        struct group *group = &search->groups[i];
        if (group->leak.references < LEAST)
            continue;
        group->leak.module = graph->texts[group->sure ? group->module : 0];
        group->leak.suspect = graph->texts[group->sure ? 0 : group->module];
        group->leak.type = graph->texts[group->type];
        if (group->module) {
            find_balance(graph, group);
            find_taker(search, group, counts);
        }
        findings->leaks[findings->leak_count++] = group->leak;
    }
    if (good && findings->leak_count > 1)
        qsort(findings->leaks, findings->leak_count, sizeof *findings->leaks, compare);
    free(counts);
    return good;
}

bool leaks_find(const struct heap *heap, struct findings *findings) {
    const struct graph *graph = heap->graph;
    if (!graph->complete || !graph->seen.told || !graph->seen.whole)
        return true;
    struct search *search = calloc(1, sizeof *search);
    if (!search)
        return false;
    search->heap = heap;
    bool good = index_takes(search);
    for (int nobody = 0; nobody < 2 && good; nobody++)
        for (uint32_t i = 1; i < graph->lost_count; i++)
            look_at(search, &graph->lost[i], !nobody);
    good = good && put_leaks(search, findings);
    free(search->take_of);
    free(search);
    return good;
}
