/* How long the analysis of a big heap takes: objects in lists of a thousand, each referring to two
 * others anywhere and to its class, and a chain through all of them. */
#include "heap_scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
    static struct scene scene;
    uint32_t count = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1000000, seed = 1;
    uint32_t *targets = malloc((size_t)count * 2 * sizeof *targets);
    uint64_t *references = calloc(count + 2ul, sizeof *references);
    if (!targets || !references)
        return 1;
    scene_open(&scene);
    for (uint32_t i = 0; i < 2 * count; i++) {
        seed = seed * 1664525u + 1013904223u;
        targets[i] = i % 4 == 3 ? 0 : seed % count + 1;
        references[targets[i]]++;
    }
    for (uint32_t i = 1; i < count; i++)
        references[i + 1]++;
    for (uint32_t i = 1; i <= count; i++) {
        const struct sample_edge edges[] = {{EDGE_ATTRIBUTE, "next", i < count ? i + 1 : 0},
                                            {EDGE_ATTRIBUTE, "left", targets[2 * i - 2]},
                                            {EDGE_ATTRIBUTE, "right", targets[2 * i - 1]}};
        graph_sample_object(&scene.graph,
                            &(struct sample_object){.type = scene.node,
                                                    .references = references[i] + (i == 1),
                                                    .flags = GRAPH_OBJECT_TRACKED,
                                                    .edges = edges,
                                                    .edge_count = 3});
    }
    scene_frame(&scene, &(struct scene_frame){.function = "f", .locals = LOCALS(DEAD("head", 1))});
    scene.snapshot.bytes = (uint64_t)count * 64;
    double start = now();
    scene_find(&scene);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("%u objects, %u edges: %.2f s, %ld MiB at the most, %u holders, %s\n", count,
           scene.findings->graph->edge_count - 1, now() - start, usage.ru_maxrss >> 10,
           scene.findings->count, scene.findings->holders[0].path);
    free(targets);
    free(references);
    scene_close(&scene);
    return 0;
}
