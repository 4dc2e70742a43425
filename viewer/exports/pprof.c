/* For pprof: a gzip-compressed protocol buffer (profile.proto) with what was live at the peak, as
 * inuse_objects and inuse_space. Each sample has its kind, thread and process as labels, so unlike
 * the other forms this one is made of the profile's own stacks, in which threads are told apart.
 *
 * A message whose fields are written one after the other is as good as one that was written at
 * once. So the file is put together from many small messages, each with one string, function,
 * location or sample, and nothing has to be held in memory.
 */
#include "gzip.h"
#include "line.h"

#include "profile.pb-c.h"
#include "viewer/exports.h"
#include "viewer/intern.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MAPPING 1u /* the only one: a program without addresses, whose functions are all known */

struct writer {
    ProtobufCBuffer base; /* first, since it is what the library hands to append() */
    const struct profile *profile;
    struct gzip gzip;
    string_id *texts;        /* see intern_texts */
    uint32_t *roots;         /* for each node the outermost one of its stack */
    int64_t *numbers;        /* of the profile's strings, by their first of that text; 0: not yet */
    int64_t string_count;    /* that were written */
    struct intern functions; /* words: name, file, first line; ids are numbers + 1 */
    struct intern locations; /* words: function, line */
    uint64_t *places;        /* location ids by node; 0: not yet */
    uint64_t left_out;       /* that of frames that were left out; 0: not yet */
    uint64_t *path;          /* location ids of a stack */
    int64_t *processes;      /* their labels' strings; 0: not yet */
    int64_t kinds[MODEL_KINDS];
    struct {
        int64_t kind, thread, process;
    } keys; /* of labels */
    struct json_limit limit;
    bool failed; /* memory ran out */
};

static void append(ProtobufCBuffer *buffer, size_t size, const uint8_t *bytes) {
    struct writer *writer = (struct writer *)buffer;
    gzip_put(&writer->gzip, bytes, size);
}

static void put(struct writer *writer, const Pprof__Profile *part) {
    protobuf_c_message_pack_to_buffer(&part->base, &writer->base);
}

static int64_t put_string(struct writer *writer, const char *text) {
    Pprof__Profile part = PPROF__PROFILE__INIT;
    char *strings[] = {(char *)(uintptr_t)text};
    part.n_string_table = 1;
    part.string_table = strings;
    put(writer, &part);
    return writer->string_count++;
}

/* One of the profile's strings. */
static int64_t known_string(struct writer *writer, string_id id) {
    id = writer->texts[id];
    if (!*writer->profile->strings[id])
        return 0;
    if (writer->numbers[id] == 0)
        writer->numbers[id] = put_string(writer, writer->profile->strings[id]);
    return writer->numbers[id];
}

/* The number of what an interned key stands for, from 1; `is_new`: it has yet to be written. */
static uint64_t id_of(struct writer *writer, struct intern *intern, const struct intern_key *key,
                      bool *is_new) {
    uint32_t before = intern->count, number = intern_add(intern, key);
    writer->failed |= number == INTERN_FAILED;
    *is_new = number == before;
    return (uint64_t)number + 1;
}

static uint64_t function_id(struct writer *writer, int64_t name, int64_t file, uint32_t line) {
    const struct intern_key key = {{(uint32_t)name, (uint32_t)file, line}};
    Pprof__Profile part = PPROF__PROFILE__INIT;
    Pprof__Function function = PPROF__FUNCTION__INIT, *list[] = {&function};
    bool is_new;
    function.id = id_of(writer, &writer->functions, &key, &is_new);
    if (!is_new)
        return function.id;
    function.name = name; /* and no system_name: if it is the same, "<module>" is taken for C++ */
    function.filename = file;
    function.start_line = line;
    part.n_function = 1;
    part.function = list;
    put(writer, &part);
    return function.id;
}

static uint64_t location_id(struct writer *writer, uint64_t function, uint32_t number) {
    const struct intern_key key = {{(uint32_t)function, number}};
    Pprof__Profile part = PPROF__PROFILE__INIT;
    Pprof__Location location = PPROF__LOCATION__INIT, *list[] = {&location};
    Pprof__Line line = PPROF__LINE__INIT, *lines[] = {&line};
    bool is_new;
    location.id = id_of(writer, &writer->locations, &key, &is_new);
    if (!is_new)
        return location.id;
    line.function_id = function;
    line.line = number;
    location.mapping_id = MAPPING;
    location.n_line = 1;
    location.line = lines;
    part.n_location = 1;
    part.location = list;
    put(writer, &part);
    return location.id;
}

/* Of something that stands where a function would. */
static uint64_t made_up_location(struct writer *writer, const char *name) {
    return location_id(writer, function_id(writer, put_string(writer, name), 0, 0), 0);
}

static uint64_t frame_location(struct writer *writer, const struct profile_node *node) {
    const struct profile_function *function = &writer->profile->functions[node->function];
    int64_t name = known_string(writer, function->name),
            file = known_string(writer, function->file);
    return location_id(writer, function_id(writer, name, file, function->first_line), node->line);
}

/* A stack without a Python frame. */
static uint64_t bare_location(struct writer *writer, uint32_t node) {
    const struct profile_node *thread = &writer->profile->nodes[node];
    char *name = NULL;
    if (node == 0)
        return made_up_location(writer, "<no stack>");
    if (asprintf(&name, "<thread %s>", writer->profile->strings[thread->thread]) < 0) {
        writer->failed = true;
        return 0;
    }
    uint64_t id = made_up_location(writer, name);
    free(name);
    return id;
}

static uint64_t node_location(struct writer *writer, uint32_t node) {
    const struct profile_node *at = &writer->profile->nodes[node];
    if (writer->places[node] == 0)
        writer->places[node] =
            at->function ? frame_location(writer, at) : bare_location(writer, node);
    return writer->places[node];
}

static uint64_t left_out_location(struct writer *writer) {
    if (writer->left_out == 0)
        writer->left_out = made_up_location(writer, "<frames left out>");
    return writer->left_out;
}

/* Puts the stack into writer.path, the innermost frame first. Returns its length. */
static uint32_t find_path(struct writer *writer, uint32_t node) {
    const struct profile_node *nodes = writer->profile->nodes;
    uint32_t depth = 0, length = 0;
    for (uint32_t at = node; nodes[at].function != 0; at = nodes[at].parent)
        depth++;
    bool cut = json_limit_cuts(&writer->limit, depth);
    for (uint32_t i = 0; i < depth; i++, node = nodes[node].parent) {
        if (!cut || i < JSON_LONG_STACK / 2 || i >= depth - JSON_LONG_STACK / 2)
            writer->path[length++] = node_location(writer, node);
        else if (i == JSON_LONG_STACK / 2)
            writer->path[length++] = left_out_location(writer);
    }
    if (depth == 0)
        writer->path[length++] = node_location(writer, node);
    return length;
}

static int64_t process_string(struct writer *writer, uint32_t process) {
    if (writer->processes[process] == 0) {
        char *label = model_process_label(writer->profile, process);
        if (label)
            writer->processes[process] = put_string(writer, label);
        writer->failed |= !label;
        free(label);
    }
    return writer->processes[process];
}

static void set_label(Pprof__Label *label, int64_t key, int64_t text) {
    *label = (Pprof__Label)PPROF__LABEL__INIT;
    label->key = key;
    label->str = text;
}

static void put_sample(struct writer *writer, const struct profile_site *site, uint64_t bytes,
                       uint64_t blocks) {
    const struct profile_node *root = &writer->profile->nodes[writer->roots[site->node]];
    int64_t values[] = {(int64_t)blocks, (int64_t)bytes};
    Pprof__Label labels[3], *list[] = {&labels[0], &labels[1], &labels[2]};
    Pprof__Sample sample = PPROF__SAMPLE__INIT, *samples[] = {&sample};
    Pprof__Profile part = PPROF__PROFILE__INIT;
    bool named = root->function == 0 && *writer->profile->strings[root->thread];
    sample.n_location_id = find_path(writer, site->node);
    sample.location_id = writer->path;
    sample.n_value = 2;
    sample.value = values;
    set_label(&labels[0], writer->keys.kind, writer->kinds[site->kind]);
    set_label(&labels[1], writer->keys.process, process_string(writer, site->process));
    if (named)
        set_label(&labels[2], writer->keys.thread, known_string(writer, root->thread));
    sample.n_label = named ? 3 : 2;
    sample.label = list;
    part.n_sample = 1;
    part.sample = samples;
    put(writer, &part);
}

static void put_samples(struct writer *writer, uint32_t process) {
    const struct profile *profile = writer->profile;
    bool tree = process == PROFILE_TREE;
    for (uint32_t i = 0; i < profile->site_count && !writer->failed; i++) {
        const struct profile_site *site = &profile->sites[i];
        uint64_t bytes = tree ? site->tree_bytes : site->peak_bytes;
        if (bytes > 0 && (tree || site->process == process))
            put_sample(writer, site, bytes, tree ? site->tree_blocks : site->peak_blocks);
    }
}

static void set_type(Pprof__ValueType *type, int64_t name, int64_t unit) {
    *type = (Pprof__ValueType)PPROF__VALUE_TYPE__INIT;
    type->type = name;
    type->unit = unit;
}

/* What the values mean: heap profiles of other languages are called the same. */
static void put_types(struct writer *writer) {
    int64_t bytes = put_string(writer, "bytes"), space = put_string(writer, "inuse_space");
    Pprof__ValueType types[2], period, *list[] = {&types[0], &types[1]};
    Pprof__Profile part = PPROF__PROFILE__INIT;
    set_type(&types[0], put_string(writer, "inuse_objects"), put_string(writer, "count"));
    set_type(&types[1], space, bytes);
    set_type(&period, put_string(writer, "space"), bytes);
    part.n_sample_type = 2;
    part.sample_type = list;
    part.period_type = &period;
    part.period = 1;
    part.default_sample_type = space;
    put(writer, &part);
}

/* When it was, and of what. */
static void put_run(struct writer *writer, const char *command) {
    const struct profile *profile = writer->profile;
    Pprof__Profile part = PPROF__PROFILE__INIT;
    Pprof__Mapping mapping = PPROF__MAPPING__INIT, *list[] = {&mapping};
    int64_t comment = put_string(writer, command);
    mapping.id = MAPPING;
    mapping.filename = profile->command_count ? known_string(writer, profile->command[0]) : 0;
    mapping.has_functions = mapping.has_filenames = mapping.has_line_numbers = true;
    part.n_mapping = 1;
    part.mapping = list;
    part.time_nanos = (int64_t)profile->started_unix_ns;
    part.duration_nanos = (int64_t)profile->duration_ns;
    part.n_comment = 1;
    part.comment = &comment;
    put(writer, &part);
}

static void put_label_texts(struct writer *writer) {
    writer->keys.kind = put_string(writer, "kind");
    writer->keys.thread = put_string(writer, "thread");
    writer->keys.process = put_string(writer, "process");
    for (uint32_t kind = 0; kind < MODEL_KINDS; kind++)
        writer->kinds[kind] = put_string(writer, json_kind_names[kind]);
}

static bool writer_open(struct writer *writer, FILE *out) {
    const struct profile *profile = writer->profile;
    writer->base.append = append;
    writer->limit = (struct json_limit){JSON_MAX_FRAMES};
    writer->texts = intern_texts(profile);
    writer->roots = model_find_roots(profile);
    writer->numbers = calloc(profile->string_count, sizeof *writer->numbers);
    writer->places = calloc(profile->node_count, sizeof *writer->places);
    writer->path = calloc((size_t)profile->node_count + 1, sizeof *writer->path);
    writer->processes = calloc((size_t)profile->process_count + 1, sizeof *writer->processes);
    return gzip_open(&writer->gzip, out) && writer->texts && writer->roots && writer->numbers &&
           writer->places && writer->path && writer->processes;
}

static bool writer_close(struct writer *writer) {
    free(writer->texts);
    free(writer->roots);
    free(writer->numbers);
    free(writer->places);
    free(writer->path);
    free(writer->processes);
    intern_release(&writer->functions);
    intern_release(&writer->locations);
    return gzip_close(&writer->gzip) && !writer->failed;
}

bool export_pprof(const struct profile *profile, const struct report_options *options, FILE *out) {
    struct writer *writer = calloc(1, sizeof *writer);
    char *command = line_command(profile);
    bool good = writer && command;
    if (good) {
        writer->profile = profile;
        good = writer_open(writer, out);
        if (good) {
            put_string(writer, "");
            put_types(writer);
            put_label_texts(writer);
            put_run(writer, command);
            put_samples(writer, options->process);
        }
        good = writer_close(writer) && good;
    }
    free(command);
    free(writer);
    return good && !ferror(out);
}
