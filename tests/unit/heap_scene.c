/* See heap_scene.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "heap_scene.h"
#include "viewer/liveness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NO_TABLES 99u /* a minor version that nothing is known of but what is said here */

static void find_one(const struct graph_code *code, struct liveness *liveness) {
    bool known = code->instruction_bytes == code->local_count + 1;
    liveness->why = known ? LIVENESS_KNOWN : LIVENESS_CODE;
    liveness->stack_depth = code->instruction_bytes ? code->instructions[0] - 1 : -1;
    liveness->live = malloc(code->local_count + 1ul);
    for (uint32_t i = 0; liveness->live && i < code->local_count; i++)
        liveness->live[i] =
            !known || code->local_kinds[i] != GRAPH_LOCAL || code->instructions[i + 1] != 0;
}

/* In place of viewer/liveness.c. */
void liveness_find(const struct graph *graph, uint32_t number, const int32_t *positions,
                   uint32_t count, struct liveness *found) {
    (void)positions;
    for (uint32_t i = 0; i < count; i++)
        find_one(&graph->codes[number], &found[i]);
}

bool liveness_reads_callers(const struct graph *graph, uint32_t code) {
    return strcmp(graph->texts[graph->codes[code].name], "looks_outward") == 0;
}

void liveness_release(struct liveness *liveness) {
    free(liveness->live);
}

static void add_types(struct scene *scene) {
    struct graph_sample *graph = &scene->graph;
    scene->dict = graph_sample_type(graph, "dict", GRAPH_DICT, 0, 0);
    scene->list = graph_sample_type(graph, "list", GRAPH_LIST, 0, 0);
    scene->tuple = graph_sample_type(graph, "tuple", GRAPH_TUPLE, 0, 0);
    scene->text = graph_sample_type(graph, "str", GRAPH_STR, 0, 0);
    scene->number = graph_sample_type(graph, "int", GRAPH_NUMBER, 0, 0);
    scene->bytes = graph_sample_type(graph, "bytes", GRAPH_BYTES, 0, 0);
    scene->function = graph_sample_type(graph, "function", GRAPH_FUNCTION, 0, 0);
    scene->cell = graph_sample_type(graph, "cell", GRAPH_CELL, 0, 0);
    scene->code = graph_sample_type(graph, "code", GRAPH_CODE_OBJECT, 0, 0);
    scene->node = graph_sample_type(graph, "app.Node", GRAPH_OTHER, 0, 0);
    scene->finalized =
        graph_sample_type(graph, "app.Closing", GRAPH_OTHER, GRAPH_TYPE_FINALIZER, 0);
    scene->module = graph_sample_type(graph, "module", GRAPH_MODULE, 0, 0);
    scene->class = graph_sample_type(graph, "type", GRAPH_TYPE_OBJECT, 0, 0);
    scene->array = graph_sample_type(graph, "numpy.ndarray", GRAPH_NDARRAY, 0, 0);
    scene->generator = graph_sample_type(graph, "generator", GRAPH_GENERATOR, 0, 0);
    scene->frame_object = graph_sample_type(graph, "frame", GRAPH_FRAME_OBJECT, 0, 0);
    scene->traceback = graph_sample_type(graph, "traceback", GRAPH_TRACEBACK, 0, 0);
    scene->exception = graph_sample_type(graph, "ValueError", GRAPH_EXCEPTION, 0, 0);
    scene->other = graph_sample_type(graph, "pyarrow.Buffer", GRAPH_OTHER, 0, 0);
    scene->cache = graph_sample_type(graph, "functools._lru_cache_wrapper", GRAPH_OTHER, 0, 0);
    scene->context = graph_sample_type(graph, "_contextvars.Context", GRAPH_OTHER, 0, 0);
    scene->hamt = graph_sample_type(graph, "hamt_bitmap_node", GRAPH_OTHER, 0, 0);
    scene->context_variable =
        graph_sample_type(graph, "_contextvars.ContextVar", GRAPH_OTHER, 0, 0);
    scene->method = graph_sample_type(graph, "builtin_function_or_method", GRAPH_BUILTIN, 0, 0);
}

static void add_profile(struct scene *scene) {
    static char empty[] = "", thread[] = "MainThread";
    struct profile *profile = &scene->profile;
    scene->strings[0] = empty;
    scene->strings[1] = thread;
    profile->strings = scene->strings;
    profile->string_count = 2;
    profile->nodes = scene->nodes;
    profile->nodes[1].thread = 1;
    profile->node_count = 2;
    profile->functions = scene->functions;
    profile->function_count = 1;
    profile->processes = &scene->process;
    profile->process_count = 1;
    profile->snapshots = &scene->snapshot;
    profile->snapshot_count = 1;
    profile->blocks = scene->blocks;
    profile->moments = scene->moments;
    profile->graphs = &scene->bytes_of_graph;
    scene->snapshot.first_moment = SCENE_SNAPSHOT;
    scene->snapshot.pending_node = 1;
    scene->snapshot.flags = SNAPSHOT_COMPLETE;
    scene->next_block = 0x7f0000000000;
}

void scene_open_as(struct scene *scene, uint32_t flags) {
    memset(scene, 0, sizeof *scene);
    graph_sample_start(&scene->graph, NO_TABLES, flags);
    add_types(scene);
    add_profile(scene);
    scene->main_thread = graph_sample_thread(&scene->graph, "MainThread", NULL, 0);
}

void scene_open(struct scene *scene) {
    scene_open_as(scene, 0);
}

/* Whatever the scene: every byte is in one row or in the rest, and of those that are dead or
 * garbage there are as many as the findings say. */
static void assert_holding_adds_up(const struct scene *scene) {
    const struct holding *holding = scene->findings->holding;
    uint64_t sums[VERDICTS] = {0}, all = 0;
    for (uint32_t i = 0; i < holding->row_count; i++) {
        const struct holding_row *row = &holding->rows[i];
        assert_true(row->depth <= (i ? holding->rows[i - 1].depth + 1 : 0));
        for (unsigned k = 0; k < VERDICTS; k++)
            sums[k] += row->bytes[k];
    }
    for (unsigned k = 0; k < VERDICTS; k++) {
        sums[k] += holding->rest[k];
        all += sums[k];
    }
    assert_int_equal(all, holding->bytes);
    assert_int_equal(sums[VERDICT_DEAD], scene->findings->dead_bytes);
    assert_int_equal(sums[VERDICT_GARBAGE], scene->findings->garbage_bytes);
    for (uint32_t i = 0; i < holding->item_count; i++)
        assert_int_equal(holding->rows[holding->items[i].row].depth, 0);
}

void scene_find(struct scene *scene) {
    graph_sample_end(&scene->graph);
    scene->bytes_of_graph = (struct profile_graph){scene->graph.bytes, scene->graph.size, false};
    if (scene->snapshot.bytes == 0)
        for (uint32_t i = 0; i < scene->snapshot.block_count; i++)
            scene->snapshot.bytes += scene->blocks[i].size;
    scene->snapshot.bytes += MIB / 2;
    uint64_t *peak = &scene->process.peak_bytes;
    *peak = scene->snapshot.bytes + scene->snapshot.pending_bytes;
    for (uint32_t i = 0; i < scene->profile.moment_count; i++)
        *peak = scene->moments[i].bytes > *peak ? scene->moments[i].bytes : *peak;
    scene->findings = findings_whole(&scene->profile, 0, SCENE_SHARES);
    assert_non_null(scene->findings);
    assert_string_equal(scene->findings->why, "");
    uint64_t sum = 0;
    for (uint32_t i = 0; i < scene->findings->count; i++)
        sum += scene->findings->holders[i].bytes;
    assert_true(sum <= scene->snapshot.bytes);
    assert_holding_adds_up(scene);
}

void scene_close(struct scene *scene) {
    findings_free(scene->findings);
    graph_sample_release(&scene->graph);
}

static uint32_t count_edges(const struct sample_edge *edges) {
    uint32_t count = 0;
    while (edges && (edges[count].target != 0 || edges[count].kind != EDGE_OTHER))
        count++;
    return count;
}

uint32_t scene_object_of(struct scene *scene, uint32_t type, uint64_t references, uint64_t size,
                         uint32_t flags, const char *detail, const struct sample_edge *edges) {
    return graph_sample_object(&scene->graph,
                               &(struct sample_object){.type = type,
                                                       .references = references,
                                                       .size = size,
                                                       .flags = flags,
                                                       .detail = detail,
                                                       .edges = edges,
                                                       .edge_count = count_edges(edges)});
}

uint32_t scene_object(struct scene *scene, uint32_t type, uint64_t references,
                      const struct sample_edge *edges) {
    return scene_object_of(scene, type, references, 0, GRAPH_OBJECT_TRACKED, NULL, edges);
}

uint32_t scene_text(struct scene *scene, const char *text, uint64_t references) {
    return scene_object_of(scene, scene->text, references, 0, 0, text, NULL);
}

uint64_t scene_block(struct scene *scene, uint64_t size) {
    uint64_t address = scene->next_block;
    scene->blocks[scene->snapshot.block_count++] =
        (struct profile_block){address, size, 1, PROFILE_HEAP, SCENE_SNAPSHOT - 1, 0};
    scene->profile.block_count = scene->snapshot.block_count;
    scene->next_block += size + (1u << 20);
    return address;
}

uint32_t scene_view(struct scene *scene, uint32_t type, uint64_t references, uint64_t address,
                    uint32_t flags, const struct sample_edge *edges) {
    return graph_sample_object(&scene->graph,
                               &(struct sample_object){.type = type,
                                                       .references = references,
                                                       .size = 100,
                                                       .flags = flags,
                                                       .edges = edges,
                                                       .edge_count = count_edges(edges),
                                                       .places = &address,
                                                       .place_count = 1});
}

uint32_t scene_big(struct scene *scene, uint32_t type, uint64_t references, uint64_t size) {
    return scene_view(scene, type, references, scene_block(scene, size), GRAPH_OBJECT_OWNS, NULL);
}

void scene_frame(struct scene *scene, const struct scene_frame *frame) {
    uint32_t slots[SCENE_EDGES], count = 0, used = 0;
    const char *names[SCENE_EDGES + 1];
    uint8_t facts[SCENE_EDGES + 1];
    for (; frame->locals && frame->locals[count].name; count++) {
        names[count] = frame->locals[count].name;
        slots[count] = frame->locals[count].object << 1 | frame->locals[count].borrowed;
        facts[count + 1] = frame->locals[count].live;
    }
    names[count] = NULL;
    while (frame->stack && frame->stack[used])
        used++;
    facts[0] = (uint8_t)(frame->unknown_depth ? 0 : used + 1);
    uint32_t code = graph_sample_code(
        &scene->graph, &(struct sample_code){.name = frame->inserted ? "__init__" : frame->function,
                                             .file = frame->inserted ? "__init__" : "/src/app.py",
                                             .first_line = !frame->inserted,
                                             .locals = names,
                                             .instructions = facts,
                                             .instruction_bytes = frame->unknown ? 0 : count + 1});
    graph_sample_frame(&scene->graph, &(struct sample_frame){
                                          .thread = frame->suspended ? 0 : scene->main_thread,
                                          .depth = frame->depth,
                                          .owner = frame->owner,
                                          .code = code,
                                          .line = frame->line,
                                          .saved_depth = frame->saved_depth_plus_one - 1,
                                          .function = frame->function_object,
                                          .locals_object = frame->locals_object,
                                          .locals = slots,
                                          .local_count = count,
                                          .stack = frame->stack,
                                          .stack_count = used,
                                      });
}

void scene_moment(struct scene *scene, uint64_t number, uint64_t bytes) {
    scene->moments[scene->profile.moment_count++] = (struct profile_moment){0, number, bytes};
}

const struct holder *scene_holder(const struct scene *scene, const char *path) {
    const struct findings *findings = scene->findings;
    for (uint32_t i = 0; i < findings->count; i++)
        if (strncmp(findings->holders[i].path, path, strlen(path)) == 0)
            return &findings->holders[i];
    for (uint32_t i = 0; i < findings->count; i++)
        fprintf(stderr, "there is: %s\n", findings->holders[i].path);
    fail_msg("no holder %s", path);
    return NULL;
}
