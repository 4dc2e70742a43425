/* For test_viewer_liveness.py. Reads lines of words:
 *
 *   code MINOR FLAGS INSTRUCTIONS EXCEPTION_TABLE KINDS LOCALS NAMES
 *   at POSITION
 *
 * Bytes are hexadecimal, names separated by commas, nothing is "-". Prints for each position
 * enum liveness_why, the depth of the stack, and a digit for each local: 1 is live. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "viewer/liveness.h"
#include "wire/array.h"

#define TEXTS_MAX 100000u

struct positions {
    int32_t *list;
    uint32_t count, capacity;
};

static bool positions_add(struct positions *positions, int32_t position) {
    if (!array_reserve(&positions->list, &positions->capacity, positions->count + 1ull,
                       sizeof *positions->list))
        return false;
    positions->list[positions->count++] = position;
    return true;
}

static uint8_t *parse_bytes(const char *word, uint32_t *count) {
    size_t size = strcmp(word, "-") == 0 ? 0 : strlen(word) / 2;
    uint8_t *bytes = malloc(size ? size : 1); /* of the exact size, for the address sanitizer */
    for (size_t i = 0; i < size; i++) {
        const char digits[] = {word[2 * i], word[2 * i + 1], 0};
        bytes[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
    *count = (uint32_t)size;
    return bytes;
}

/* Appends the names to the graph's texts; their numbers. */
static uint32_t *parse_names(struct graph *graph, char *word, uint32_t *count) {
    uint32_t *numbers = malloc((strlen(word) + 1) * sizeof *numbers);
    *count = 0;
    if (strcmp(word, "-") == 0)
        return numbers;
    for (char *name; (name = strsep(&word, ",")) != NULL && graph->text_count < TEXTS_MAX;) {
        numbers[(*count)++] = graph->text_count;
        graph->texts[graph->text_count++] = name;
    }
    return numbers;
}

static void release_code(struct graph_code *code) {
    free((void *)code->instructions);
    free((void *)code->exception_table);
    free(code->local_kinds);
    free(code->local_names);
    free(code->names);
    *code = (struct graph_code){0};
}

/* The line has to outlive the graph: names point into it. */
static bool parse_code(struct graph *graph, char *line) {
    char *words[8];
    for (int i = 0; i < 8; i++)
        if (!(words[i] = strsep(&line, " \n")))
            return false;
    struct graph_code *code = &graph->codes[1];
    uint32_t kinds;
    release_code(code);
    graph->text_count = 1;
    graph->python_minor = (uint32_t)strtoul(words[1], NULL, 10);
    code->flags = (uint32_t)strtoul(words[2], NULL, 10);
    code->instructions = parse_bytes(words[3], &code->instruction_bytes);
    code->exception_table = parse_bytes(words[4], &code->exception_table_bytes);
    code->local_kinds = parse_bytes(words[5], &kinds);
    code->local_names = parse_names(graph, words[6], &code->local_count);
    code->names = parse_names(graph, words[7], &code->name_count);
    return kinds == code->local_count;
}

static void print_answer(const struct graph *graph, const struct liveness *liveness) {
    printf("%d %" PRId32 " ", (int)liveness->why, liveness->stack_depth);
    for (uint32_t i = 0; i < graph->codes[1].local_count; i++)
        putchar(liveness->live[i] ? '1' : '0');
    putchar('\n');
}

/* Those that were asked for since the code came. */
static void answer(const struct graph *graph, struct positions *positions) {
    struct liveness *found = malloc((positions->count + 1ul) * sizeof *found);
    if (positions->count > 0)
        liveness_find(graph, 1, positions->list, positions->count, found);
    for (uint32_t i = 0; i < positions->count; i++) {
        print_answer(graph, &found[i]);
        liveness_release(&found[i]);
    }
    free(found);
    positions->count = 0;
}

int main(void) {
    static char *texts[TEXTS_MAX] = {""};
    static struct graph_code codes[2];
    struct graph graph = {.texts = texts, .text_count = 1, .codes = codes, .code_count = 2};
    char *line = NULL, *code_line = NULL;
    size_t room = 0;
    struct positions positions = {0};
    bool fine = true;
    while (fine && getline(&line, &room, stdin) > 0) {
        if (strncmp(line, "at ", 3) == 0) {
            fine = positions_add(&positions, (int32_t)strtol(line + 3, NULL, 10));
            continue;
        }
        answer(&graph, &positions);
        free(code_line);
        code_line = strdup(line);
        fine = parse_code(&graph, code_line);
    }
    answer(&graph, &positions);
    release_code(&codes[1]);
    free(positions.list);
    free(line);
    free(code_line);
    return fine ? 0 : 2;
}
