/* Builds the model of a peak (model.h): adds each site's stack to a tree that is keyed by names,
 * then puts the tree into the order in which it is shown.
 */
#include "model.h"

#include "intern.h"
#include "sources.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A stack node's frame is remembered for the process at hand, because each process may have a
 * branch of its own. */
struct node_memo {
    uint32_t stamp, frame;
};

struct builder {
    const struct profile *profile;
    struct model_room *room;
    struct model *model;
    struct intern frames; /* words: parent, kind, function or process, file, line */
    struct model_frame *rows;
    uint32_t capacity;
};

bool model_room_open(struct model_room *room, const struct profile *profile,
                     const struct process_sites *sites) {
    uint32_t nodes = profile->node_count;
    *room = (struct model_room){.profile = profile, .sites = sites};
    room->texts = intern_texts(profile);
    room->memo = calloc(nodes, sizeof *room->memo);
    room->path = malloc(nodes * sizeof *room->path);
    return room->texts && room->memo && room->path &&
           sources_open(profile, room->texts, &room->sources);
}

void model_room_release(struct model_room *room) {
    sources_release(&room->sources);
    free(room->texts);
    free(room->memo);
    free(room->path);
}

static bool rows_room(struct builder *builder, uint32_t number) {
    if (number < builder->capacity)
        return true;
    uint32_t capacity = builder->capacity ? builder->capacity * 2 : 256;
    struct model_frame *rows = realloc(builder->rows, capacity * sizeof *rows);
    if (!rows)
        return false;
    builder->rows = rows;
    builder->capacity = capacity;
    return true;
}

/* The frame with these names below `parent`. INTERN_FAILED when memory ran out. */
static uint32_t frame_at(struct builder *builder, uint32_t parent, enum frame_kind kind,
                         string_id function, string_id file, uint32_t line) {
    const struct intern_key key = {{parent, kind, function, file, line}};
    uint32_t before = builder->frames.count;
    uint32_t number = intern_add(&builder->frames, &key);
    if (number == INTERN_FAILED || number < before)
        return number;
    if (!rows_room(builder, number))
        return INTERN_FAILED;
    char **strings = builder->profile->strings;
    bool named = kind != FRAME_PROCESS && kind != FRAME_NONE;
    builder->rows[number] = (struct model_frame){
        .parent = parent,
        .kind = kind,
        .process = kind == FRAME_PROCESS ? function : 0,
        .function = named ? strings[function] : "",
        .file = strings[file],
        .function_id = named ? function : 0,
        .file_id = file,
        .line = line,
        .source = "",
        .module = "",
    };
    return number;
}

static uint32_t python_frame(struct builder *builder, uint32_t parent,
                             const struct profile_node *node) {
    const struct profile_function *function = &builder->profile->functions[node->function];
    uint32_t frame = frame_at(builder, parent, FRAME_PYTHON, builder->room->texts[function->name],
                              builder->room->texts[function->file], node->line);
    if (frame != INTERN_FAILED) {
        builder->rows[frame].module_id = function->module;
        builder->rows[frame].module = builder->profile->strings[function->module];
    }
    return frame;
}

/* Where the stacks of a process begin. */
static uint32_t base_frame(struct builder *builder, uint32_t process, bool several) {
    return several ? frame_at(builder, 0, FRAME_PROCESS, process, 0, 0) : 0;
}

/* The frame of a stack node; thread nodes are at the base. */
static uint32_t node_frame(struct builder *builder, uint32_t node, uint32_t base) {
    const struct profile_node *nodes = builder->profile->nodes;
    uint32_t depth = 0, frame = base;
    struct model_room *room = builder->room;
    while (nodes[node].function != 0 && room->memo[node].stamp != room->stamp) {
        room->path[depth++] = node;
        node = nodes[node].parent;
    }
    if (nodes[node].function != 0)
        frame = room->memo[node].frame;
    while (depth > 0 && frame != INTERN_FAILED) {
        node = room->path[--depth];
        frame = python_frame(builder, frame, &nodes[node]);
        room->memo[node] = (struct node_memo){room->stamp, frame};
    }
    return frame;
}

static uint32_t site_frame(struct builder *builder, const struct profile_site *site, bool several) {
    uint32_t base = base_frame(builder, site->process, several);
    const struct profile_node *node = &builder->profile->nodes[site->node];
    if (base == INTERN_FAILED)
        return base;
    if (site->node == 0)
        return frame_at(builder, base, FRAME_NONE, 0, 0, 0);
    if (node->function == 0)
        return frame_at(builder, base, FRAME_THREAD, builder->room->texts[node->thread], 0, 0);
    return node_frame(builder, site->node, base);
}

static bool add_site(struct builder *builder, const struct profile_site *site, bool several) {
    bool tree = builder->model->process == PROFILE_TREE;
    uint64_t bytes = tree ? site->tree_bytes : site->peak_bytes;
    if (bytes == 0)
        return true;
    uint32_t frame = site_frame(builder, site, several);
    if (frame == INTERN_FAILED)
        return false;
    builder->rows[frame].bytes[site->kind] += bytes;
    builder->rows[frame].blocks[site->kind] += tree ? site->tree_blocks : site->peak_blocks;
    return true;
}

static bool several_processes(const struct builder *builder) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < builder->profile->process_count; i++)
        count += builder->profile->processes[i].tree_bytes > 0;
    return builder->model->process == PROFILE_TREE && count > 1;
}

/* A node's memo holds one process at a time: they come process by process. */
static bool add_sites(struct builder *builder) {
    const struct profile *profile = builder->profile;
    struct model_room *room = builder->room;
    bool several = several_processes(builder),
         good = frame_at(builder, 0, FRAME_ROOT, 0, 0, 0) == 0;
    struct site_range range = process_sites_of(room->sites, profile, builder->model->process);
    uint32_t process = PROFILE_TREE;
    for (uint32_t i = range.first; good && i < range.end; i++) {
        const struct profile_site *site = &profile->sites[room->sites->order[i]];
        room->stamp += site->process != process;
        process = site->process;
        good = add_site(builder, site, several);
    }
    return good;
}

static void sum_totals(struct model_frame *rows, uint32_t count) {
    for (uint32_t i = count; i-- > 0;) {
        for (uint32_t kind = 0; kind < MODEL_KINDS; kind++)
            rows[i].total += rows[i].bytes[kind];
        if (i > 0)
            rows[rows[i].parent].total += rows[i].total;
    }
}

static int compare_numbers(uint64_t a, uint64_t b) {
    return (a > b) - (a < b);
}

/* Brothers together, and in the order in which they are shown. */
static int compare_frames(const void *left, const void *right, void *rows) {
    const struct model_frame *a = (struct model_frame *)rows + *(const uint32_t *)left;
    const struct model_frame *b = (struct model_frame *)rows + *(const uint32_t *)right;
    int order = compare_numbers(a->parent, b->parent);
    order = order ? order : compare_numbers(b->total, a->total);
    order = order ? order : compare_numbers(a->kind, b->kind);
    order = order ? order : strcmp(a->function, b->function);
    order = order ? order : strcmp(a->file, b->file);
    order = order ? order : compare_numbers(a->line, b->line);
    return order ? order : compare_numbers(a->process, b->process);
}

/* Room to turn a tree whose brothers are sorted into one array, callers first. */
struct ordering {
    uint32_t *sorted; /* frames by parent; then that frame's children are sorted[first[p]...] */
    uint32_t *first;
    uint32_t *stack;  /* old numbers that wait */
    uint32_t *number; /* old number -> new */
};

static bool ordering_start(struct ordering *ordering, uint32_t count) {
    size_t size = ((size_t)count + 2) * sizeof(uint32_t);
    ordering->sorted = malloc(size);
    ordering->first = calloc(1, size);
    ordering->stack = malloc(size);
    ordering->number = malloc(size);
    return ordering->sorted && ordering->first && ordering->stack && ordering->number;
}

static void ordering_release(struct ordering *ordering) {
    free(ordering->sorted);
    free(ordering->first);
    free(ordering->stack);
    free(ordering->number);
}

static void order_rows(struct ordering *ordering, struct model_frame *rows, uint32_t count,
                       struct model_frame *to) {
    for (uint32_t i = 0; i + 1 < count; i++)
        ordering->sorted[i] = i + 1;
    qsort_r(ordering->sorted, count - 1, sizeof *ordering->sorted, compare_frames, rows);
    for (uint32_t i = 1; i < count; i++)
        ordering->first[rows[i].parent + 1]++;
    for (uint32_t i = 0; i < count; i++)
        ordering->first[i + 1] += ordering->first[i];
    uint32_t waiting = 0, next = 0;
    ordering->stack[waiting++] = 0;
    while (waiting > 0) {
        uint32_t old = ordering->stack[--waiting];
        ordering->number[old] = next;
        to[next] = rows[old];
        to[next].parent = ordering->number[rows[old].parent];
        next++;
        for (uint32_t i = ordering->first[old + 1]; i-- > ordering->first[old];)
            ordering->stack[waiting++] = ordering->sorted[i];
    }
    for (uint32_t i = count; i-- > 0;) {
        to[i].end = to[i].end > i ? to[i].end : i + 1;
        if (i > 0 && to[to[i].parent].end < to[i].end)
            to[to[i].parent].end = to[i].end;
    }
}

static bool order_frames(struct builder *builder) {
    struct model *model = builder->model;
    uint32_t count = builder->frames.count;
    struct ordering ordering = {0};
    model->frames = malloc(count * sizeof *model->frames);
    bool good = ordering_start(&ordering, count) && model->frames;
    if (good) {
        sum_totals(builder->rows, count);
        order_rows(&ordering, builder->rows, count, model->frames);
        model->frame_count = count;
    }
    ordering_release(&ordering);
    return good;
}

static void add_sources(struct builder *builder) {
    const struct sources *sources = &builder->room->sources;
    for (uint32_t i = 0; i < builder->frames.count; i++) {
        const struct intern_key *key = &builder->frames.keys[i];
        if (builder->rows[i].kind == FRAME_PYTHON && builder->rows[i].line > 0)
            builder->rows[i].source = sources_find(sources, key->words[3], key->words[4]);
    }
}

char *model_process_label(const struct profile *profile, uint32_t number) {
    const struct profile_process *process = &profile->processes[number];
    char *label = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&label, &size);
    if (!out)
        return NULL;
    for (uint32_t i = 0; i < process->command_count && ftell(out) < 200; i++)
        fprintf(out, "%s%s", i ? " " : "", profile->strings[process->command[i]]);
    fprintf(out, "%s[%u]", process->command_count ? " " : "", process->pid);
    if (fclose(out) == 0)
        return label;
    free(label);
    return NULL;
}

static bool add_labels(struct model *model) {
    model->labels = calloc((size_t)model->profile->process_count + 1, sizeof *model->labels);
    if (!model->labels)
        return false;
    model->label_count = model->profile->process_count;
    for (uint32_t i = 1; i < model->frame_count; i++) {
        struct model_frame *frame = &model->frames[i];
        if (frame->kind != FRAME_PROCESS)
            continue;
        char *label = model_process_label(model->profile, frame->process);
        if (!label)
            return false;
        model->labels[frame->process] = label;
        frame->function = label;
    }
    return true;
}

static int compare_sites(const void *left, const void *right) {
    const struct model_site *a = left, *b = right;
    int order = compare_numbers(b->bytes, a->bytes);
    order = order ? order : compare_numbers(a->frame, b->frame);
    return order ? order : compare_numbers(a->kind, b->kind);
}

/* The only process that can be meant where the tree has no process frames. */
static uint32_t only_process(const struct model *model) {
    if (model->process != PROFILE_TREE)
        return model->process;
    for (uint32_t i = 0; i < model->profile->process_count; i++)
        if (model->profile->processes[i].tree_bytes > 0)
            return i;
    return 0;
}

static bool add_model_sites(struct model *model) {
    uint32_t process = only_process(model);
    model->sites = malloc(((size_t)model->frame_count * MODEL_KINDS) * sizeof *model->sites);
    if (!model->sites)
        return false;
    for (uint32_t i = 0; i < model->frame_count; i++) {
        const struct model_frame *frame = &model->frames[i];
        if (frame->kind == FRAME_PROCESS)
            process = frame->process;
        for (uint32_t kind = 0; kind < MODEL_KINDS; kind++)
            if (frame->bytes[kind] > 0)
                model->sites[model->site_count++] = (struct model_site){
                    i, process, (enum profile_kind)kind, frame->bytes[kind], frame->blocks[kind]};
    }
    qsort(model->sites, model->site_count, sizeof *model->sites, compare_sites);
    return true;
}

/* Resident bytes of the tree when it was at its peak, as the timeline has it. */
static uint64_t tree_rss(const struct profile *profile) {
    for (uint32_t i = 0; i < profile->timeline_count; i++) {
        const struct profile_timeline *line = &profile->timelines[i];
        for (uint32_t point = 0; line->process == PROFILE_TREE && point < line->point_count;
             point++)
            if (line->points[point].time_ns >= profile->tree_peak_ns)
                return line->points[point].rss_bytes;
    }
    return 0;
}

struct model_peak model_peak_of(const struct profile *profile, uint32_t process) {
    const struct model model = {.profile = profile, .process = process};
    struct model_peak peak = {profile->tree_peak_bytes, profile->tree_peak_ns, 0};
    if (process != PROFILE_TREE)
        peak = (struct model_peak){profile->processes[process].peak_bytes,
                                   profile->processes[process].peak_ns, 0};
    if (profile->process_count == 0)
        return peak;
    /* a process's figure was sampled at its very peak, which a timeline's point may not be */
    const struct profile_process *only = &profile->processes[only_process(&model)];
    bool same = only->peak_bytes == peak.bytes && only->peak_ns == peak.time_ns;
    peak.rss = same ? only->peak_rss_bytes : tree_rss(profile);
    return peak;
}

static void set_peak(struct model *model) {
    const struct model_peak peak = model_peak_of(model->profile, model->process);
    model->bytes = peak.bytes;
    model->time_ns = peak.time_ns;
    model->rss = peak.rss;
}

static bool build(struct builder *builder) {
    struct model *model = builder->model;
    if (!add_sites(builder))
        return false;
    add_sources(builder);
    return order_frames(builder) && add_labels(model) && add_model_sites(model);
}

struct model *model_build_in(struct model_room *room, uint32_t process) {
    struct model *model = calloc(1, sizeof *model);
    if (!model)
        return NULL;
    model->profile = room->profile;
    model->process = process;
    struct builder builder = {.profile = room->profile, .room = room, .model = model};
    bool good = build(&builder);
    intern_release(&builder.frames);
    free(builder.rows);
    if (!good) {
        model_free(model);
        return NULL;
    }
    set_peak(model);
    assert(model_is_valid(model));
    return model;
}

struct model *model_build(const struct profile *profile, uint32_t process) {
    struct process_sites sites;
    struct model_room room = {0};
    struct model *model = NULL;
    if (process_sites_open(&sites, profile) && model_room_open(&room, profile, &sites))
        model = model_build_in(&room, process);
    model_room_release(&room);
    process_sites_release(&sites);
    return model;
}

void model_free(struct model *model) {
    if (!model)
        return;
    for (uint32_t i = 0; i < model->label_count; i++)
        free(model->labels[i]);
    free(model->labels);
    free(model->frames);
    free(model->sites);
    free(model);
}

bool model_is_valid(const struct model *model) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < model->site_count; i++)
        sum += model->sites[i].bytes;
    for (uint32_t i = 1; i < model->frame_count; i++)
        if (model->frames[i].parent >= i || model->frames[i].end <= i ||
            model->frames[i].end > model->frames[model->frames[i].parent].end)
            return false;
    return sum == model->bytes && model->frames[0].total == model->bytes;
}

uint32_t model_depth(const struct model *model, uint32_t frame) {
    uint32_t depth = 0;
    for (; frame > 0; frame = model->frames[frame].parent)
        depth++;
    return depth;
}

uint32_t *model_find_roots(const struct profile *profile) {
    uint32_t *roots = calloc(profile->node_count, sizeof *roots);
    for (uint32_t i = 1; roots && i < profile->node_count; i++)
        roots[i] = profile->nodes[i].parent ? roots[profile->nodes[i].parent] : i;
    return roots;
}
