/* Gives findings_of any heap graph, with large blocks and moments that are made up around it.
 *
 * Whatever comes out must keep within the bytes that there were.
 */
#include "viewer/holders.h"
#include "wire/graph.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCKS 4u
#define MOMENTS 3u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good) {
    if (!good)
        abort();
}

static void check_holder(const struct findings *findings, uint32_t number, FILE *nowhere) {
    const struct holder *holder = &findings->holders[number];
    size_t letters = strlen(holder->type) + strlen(holder->detail) + strlen(holder->name) +
                     strlen(holder->function) + strlen(holder->file) + strlen(holder->path) +
                     strlen(holder->reason) + strlen(holder->others);
    check(letters < 8000 && holder->root < HOLDER_ROOTS && holder->verdict <= VERDICT_IDLE);
    check(holder->saves <= holder->bytes && holder->object < findings->graph->object_count);
    for (uint32_t i = 0; i < holder->advice_count; i++)
        check(strlen(holder->advice[i]) > 0);
    check(findings_dot(findings, number, nowhere));
}

static void check_findings(const struct findings *findings, uint64_t peak) {
    FILE *nowhere = fopen("/dev/null", "w");
    uint64_t sum = 0;
    for (uint32_t i = 0; i < findings->count; i++) {
        check_holder(findings, i, nowhere);
        sum += findings->holders[i].bytes;
        check(i == 0 || findings->holders[i].bytes <= findings->holders[i - 1].bytes);
    }
    check(sum <= findings->bytes && findings->if_released.most <= peak &&
          findings->if_released.least <= findings->if_released.likely &&
          findings->if_released.likely <= findings->if_released.most);
    fclose(nowhere);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static char empty[1];
    static char *strings[] = {empty};
    struct profile_node nodes[2] = {{0}};
    struct profile_function functions[1] = {{0}};
    struct profile_process process = {.peak_bytes = 900 << 20, .rest_bytes = 1 << 20};
    struct profile_snapshot snapshot = {
        .bytes = 100 << 20, .pending_node = 1, .block_count = BLOCKS, .first_moment = 5};
    struct profile_block blocks[BLOCKS];
    struct profile_moment moments[MOMENTS];
    struct profile_graph graph = {(uint8_t *)(uintptr_t)data, size, false};
    for (uint32_t i = 0; i < BLOCKS; i++)
        blocks[i] = (struct profile_block){(i + 1) * 4096ull, 2048, 1, 0, i + 1, i % 2 ? 7 : 0,
                                           i * 1000000000ull};
    for (uint32_t i = 0; i < BLOCKS; i++)
        blocks[i].size = i == BLOCKS - 1 ? 80u << 20 : 4096;
    for (uint32_t i = 0; i < MOMENTS; i++)
        moments[i] = (struct profile_moment){0, i * 4 + 1, 300ull * (i + 1) << 20};
    const struct profile profile = {
        .strings = strings,
        .string_count = 1,
        .functions = functions,
        .function_count = 1,
        .nodes = nodes,
        .node_count = 2,
        .processes = &process,
        .process_count = 1,
        .snapshots = &snapshot,
        .snapshot_count = 1,
        .blocks = blocks,
        .block_count = BLOCKS,
        .moments = moments,
        .moment_count = MOMENTS,
        .graphs = &graph,
    };
    struct findings *findings = findings_whole(&profile, 0, 500);
    if (findings)
        check_findings(findings, process.peak_bytes);
    findings_free(findings);
    return 0;
}
