/* See views.h. */
#include "views.h"

#include "intern.h"
#include "libraries.h"

#include <stdlib.h>
#include <string.h>

const char *const view_names[] = {"python", "native", "both", "all"};

bool view_find(const char *name, enum view *view) {
    for (unsigned i = 0; i < sizeof view_names / sizeof *view_names; i++)
        if (strcmp(name, view_names[i]) == 0) {
            *view = (enum view)i;
            return true;
        }
    return false;
}

/* What libc does before main or a thread's function. */
static bool is_start(const char *name, const char *module) {
    return strncmp(name, "_start", 6) == 0 || module_is_libc(module);
}

/* `outer`: what the node's parent is. */
static enum content content_of(const struct profile *profile, uint32_t node, enum content outer) {
    const struct profile_function *function = &profile->functions[profile->nodes[node].function];
    const char *module = profile->strings[function->module];
    if (profile->nodes[node].function == 0)
        return CONTENT_OTHER;
    if (!*module)
        return CONTENT_PYTHON;
    if ((outer == CONTENT_OTHER || outer == CONTENT_START) &&
        is_start(profile->strings[function->name], module))
        return CONTENT_START;
    return module_is_interpreter(module) ? CONTENT_INTERPRETER : CONTENT_NATIVE;
}

enum content *view_contents(const struct profile *profile) {
    enum content *contents = calloc((size_t)profile->node_count + 1, sizeof *contents);
    for (uint32_t i = 0; contents && i < profile->node_count; i++)
        contents[i] = content_of(profile, i, contents[profile->nodes[i].parent]);
    return contents;
}

bool view_has_native(const struct profile *profile) {
    for (uint32_t i = 1; i < profile->function_count; i++)
        if (*profile->strings[profile->functions[i].module])
            return true;
    return false;
}

/* The nodes of a view. Several views have their nodes in one table. */
struct nodes {
    const struct profile *profile;
    enum content *contents; /* by node */
    struct intern list;     /* words: parent, function, line, thread, 0 */
};

static uint32_t node_add(struct nodes *nodes, uint32_t parent, const struct profile_node *node) {
    const struct intern_key key = {{parent, node->function, node->line, node->thread, 0}};
    return intern_add(&nodes->list, &key);
}

/* Where a stack is in a view: the node, and the one that an interpreter's frame would replace. */
struct shown {
    uint32_t node;
    uint32_t before; /* the parent of the interpreter's frame that the stack ends with, + 1; 0 */
};

static struct shown show(struct nodes *nodes, enum view view, struct shown parent,
                         uint32_t number) {
    const struct profile_node *node = &nodes->profile->nodes[number];
    enum content content = nodes->contents[number];
    bool hidden = (view == VIEW_PYTHON && content >= CONTENT_NATIVE) ||
                  (view == VIEW_NATIVE && content == CONTENT_PYTHON) ||
                  (view == VIEW_BOTH && content == CONTENT_INTERPRETER) ||
                  (view != VIEW_ALL && content == CONTENT_START);
    if (hidden)
        return parent;
    bool folds = view == VIEW_NATIVE && content == CONTENT_INTERPRETER;
    uint32_t above = folds && parent.before ? parent.before - 1 : parent.node;
    return (struct shown){node_add(nodes, above, node), folds ? above + 1 : 0};
}

/* For each node of the profile the view's. NULL when memory ran out. */
static uint32_t *map_nodes(struct nodes *nodes, enum view view) {
    uint32_t count = nodes->profile->node_count;
    struct shown *shown = calloc(count, sizeof *shown);
    uint32_t *map = calloc(count, sizeof *map);
    bool good = shown && map;
    for (uint32_t i = 1; good && i < count; i++) {
        shown[i] = show(nodes, view, shown[nodes->profile->nodes[i].parent], i);
        map[i] = shown[i].node;
        good = map[i] != INTERN_FAILED;
    }
    free(shown);
    if (good)
        return map;
    free(map);
    return NULL;
}

static void put_nodes(const struct nodes *nodes, struct profile_node *list) {
    for (uint32_t i = 0; i < nodes->list.count; i++) {
        const uint32_t *words = nodes->list.keys[i].words;
        list[i] = (struct profile_node){words[0], words[1], words[2], words[3]};
    }
}

/* By the process that took it: `maps` is without Python, and with. */
static uint32_t node_in(const struct profile *profile, uint32_t *const maps[2], uint32_t process,
                        uint32_t node) {
    return maps[(profile->processes[process].flags & PROCESS_PYTHON) != 0][node];
}

static void add_site(struct profile_site *to, const struct profile_site *site) {
    to->peak_bytes += site->peak_bytes;
    to->peak_blocks += site->peak_blocks;
    to->tree_bytes += site->tree_bytes;
    to->tree_blocks += site->tree_blocks;
    to->end_bytes += site->end_bytes;
    to->end_blocks += site->end_blocks;
    to->total_bytes += site->total_bytes;
    to->total_blocks += site->total_blocks;
}

static bool merge_sites(struct profile *profile, uint32_t *const maps[2]) {
    struct intern seen = {0};
    bool good = true;
    uint32_t count = 0;
    for (uint32_t i = 0; good && i < profile->site_count; i++) {
        struct profile_site site = profile->sites[i];
        site.node = node_in(profile, maps, site.process, site.node);
        const struct intern_key key = {{site.process, site.node, site.kind}};
        uint32_t number = intern_add(&seen, &key);
        good = number != INTERN_FAILED;
        if (!good)
            break;
        if (number == count)
            profile->sites[count++] = site;
        else
            add_site(&profile->sites[number], &site);
    }
    intern_release(&seen);
    profile->site_count = count;
    return good;
}

static void add_region_site(struct profile_region_site *to,
                            const struct profile_region_site *site) {
    to->peak_bytes += site->peak_bytes;
    to->peak_blocks += site->peak_blocks;
    to->kept_bytes += site->kept_bytes;
    to->kept_blocks += site->kept_blocks;
}

static bool merge_region_sites(struct profile *profile, uint32_t *const maps[2]) {
    struct intern seen = {0};
    bool good = true;
    uint32_t count = 0, from = 0;
    for (uint32_t i = 0; i < profile->region_count; i++) {
        struct profile_region *region = &profile->regions[i];
        uint32_t before = count, end = from + region->site_count;
        for (; good && from < end; from++) {
            struct profile_region_site site = profile->region_sites[from];
            site.node = node_in(profile, maps, region->process, site.node);
            const struct intern_key key = {{i, site.node, site.kind}};
            uint32_t number = intern_add(&seen, &key);
            good = number != INTERN_FAILED;
            if (good && number == count)
                profile->region_sites[count++] = site;
            else if (good)
                add_region_site(&profile->region_sites[number], &site);
        }
        region->site_count = count - before;
    }
    intern_release(&seen);
    profile->region_site_count = count;
    return good;
}

/* Stacks that freed blocks become one as all others do. */
static void merge_frees(const struct profile *profile, uint32_t *const maps[2],
                        struct profile_lifetime *one) {
    struct profile_free before[PROFILE_FREES];
    memcpy(before, one->frees, sizeof before);
    memset(one->frees, 0, sizeof one->frees);
    for (unsigned i = 0; i < PROFILE_FREES; i++) {
        before[i].node = node_in(profile, maps, one->process, before[i].node);
        profile_lifetime_add_free(one, before[i]);
    }
}

/* Lifetimes of one stack and kind can be several rows. */
static void change_lifetimes(struct profile *profile, uint32_t *const maps[2]) {
    for (uint32_t i = 0; i < profile->lifetime_count; i++) {
        struct profile_lifetime *one = &profile->lifetimes[i];
        one->node = node_in(profile, maps, one->process, one->node);
        merge_frees(profile, maps, one);
    }
    for (uint32_t i = 0; i < profile->type_lifetime_count; i++)
        merge_frees(profile, maps, &profile->type_lifetimes[i]);
    for (uint32_t i = 0; i < profile->collected_count; i++) {
        struct profile_collected *one = &profile->collected[i];
        one->node = node_in(profile, maps, one->process, one->node);
    }
}

static void change_drags(struct profile *profile, uint32_t *const maps[2]) {
    for (uint32_t i = 0; i < profile->drag_count; i++) {
        struct profile_drag *one = &profile->drags[i];
        one->node = node_in(profile, maps, one->process, one->node);
    }
    for (uint32_t i = 0; i < profile->region_count; i++) {
        struct profile_region *region = &profile->regions[i];
        region->drag_node = node_in(profile, maps, region->process, region->drag_node);
    }
}

static void change_snapshots(struct profile *profile, uint32_t *const maps[2]) {
    struct profile_block *block = profile->blocks;
    for (uint32_t i = 0; i < profile->snapshot_count; i++) {
        struct profile_snapshot *snapshot = &profile->snapshots[i];
        snapshot->pending_node = node_in(profile, maps, snapshot->process, snapshot->pending_node);
        for (uint32_t left = snapshot->block_count; left-- > 0; block++)
            block->node = node_in(profile, maps, snapshot->process, block->node);
    }
}

static void change_spans(struct profile *profile, uint32_t *const maps[2]) {
    struct profile_span_site *site = profile->span_sites;
    for (uint32_t i = 0; i < profile->span_count; i++) {
        const struct profile_span *span = &profile->spans[i];
        for (uint32_t left = span->made_count + span->held_count; left-- > 0; site++)
            site->node = node_in(profile, maps, span->process, site->node);
    }
}

static void change_takers(struct profile *profile, uint32_t *const maps[2]) {
    for (uint32_t i = 0; i < profile->taker_count; i++) {
        struct profile_taker *taker = &profile->takers[i];
        taker->node = node_in(profile, maps, taker->process, taker->node);
    }
    for (uint32_t i = 0; i < profile->count_count; i++) {
        struct profile_count *count = &profile->counts[i];
        count->node = node_in(profile, maps, count->process, count->node);
    }
}

static bool change(struct profile *profile, const struct nodes *nodes, uint32_t *const maps[2]) {
    struct profile_node *list = calloc((size_t)nodes->list.count + 1, sizeof *list);
    if (!list)
        return false;
    put_nodes(nodes, list);
    free(profile->nodes);
    profile->nodes = list;
    profile->node_count = nodes->list.count;
    change_snapshots(profile, maps);
    change_spans(profile, maps);
    change_takers(profile, maps);
    change_lifetimes(profile, maps);
    change_drags(profile, maps);
    return merge_sites(profile, maps) && merge_region_sites(profile, maps);
}

bool view_take_mapped(struct profile *profile, enum view view, uint32_t *maps[2]) {
    static const struct profile_node empty;
    maps[0] = maps[1] = NULL;
    if (!view_has_native(profile))
        return true;
    if (!profile->libraries && !libraries_find(profile))
        return false;
    struct nodes nodes = {profile, view_contents(profile), {0}};
    bool good = nodes.contents && node_add(&nodes, 0, &empty) == 0;
    if (good)
        maps[1] = map_nodes(&nodes, view);
    if (good)
        maps[0] = map_nodes(&nodes, view == VIEW_PYTHON ? VIEW_BOTH : view);
    good = maps[0] && maps[1] && change(profile, &nodes, maps);
    free(nodes.contents);
    intern_release(&nodes.list);
    return good;
}

bool view_take(struct profile *profile, enum view view) {
    uint32_t *maps[2];
    bool good = view_take_mapped(profile, view, maps);
    free(maps[0]);
    free(maps[1]);
    return good;
}

struct profile *view_read(const char *path, struct profile_error *error) {
    struct profile *profile = profile_read(path, error);
    if (!profile || view_take(profile, VIEW_PYTHON))
        return profile;
    profile_free(profile);
    *error = (struct profile_error){"out of memory"};
    return NULL;
}
