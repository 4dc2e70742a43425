/* See liveness.h. */
#include "viewer/liveness.h"

#include <stdlib.h>
#include <string.h>

#include "viewer/bytecode.h"

#define CODE_OPTIMIZED 1u /* of co_flags: its locals are fast ones */
#define STEPS_MAX (1u << 26)

/* -- What makes a frame's locals readable by name ---------------------------------------------- */

/* A function that mentions one of these may have its locals read otherwise than by its own
 * instructions. Some read them in the caller's frame: formulas and expressions that name local
 * variables in a text (numexpr, patsy, Cython). In the order of strcmp(). */
static const char *const own_readers[] = {
    "ag_frame", "breakpoint", "cr_frame",     "dir",      "dmatrices", "dmatrix", "eval",
    "evaluate", "exec",       "from_formula", "gi_frame", "inline",    "locals",  "vars"};

/* These read the frames further out as well, and so the locals of those who called the function
 * that mentions one: queries and matrices that name variables in a text (duckdb, numpy, pandas,
 * polars), and tools that stop in a frame. In the order of strcmp(). */
static const char *const outward_readers[] = {"_current_frames",
                                              "_getframe",
                                              "bmat",
                                              "c_",
                                              "capture_locals",
                                              "currentframe",
                                              "embed",
                                              "execute",
                                              "executemany",
                                              "f_back",
                                              "f_locals",
                                              "from_query",
                                              "getinnerframes",
                                              "getouterframes",
                                              "inspect",
                                              "interact",
                                              "pdb",
                                              "post_mortem",
                                              "query",
                                              "query_df",
                                              "r_",
                                              "set_trace",
                                              "setprofile",
                                              "settrace",
                                              "sql",
                                              "tb_frame"};

static int compare_texts(const void *left, const void *right) {
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static bool names_one_of(const struct graph *graph, const struct graph_code *code,
                         const char *const *list, size_t count) {
    for (uint32_t i = 0; i < code->name_count; i++) {
        const char *name = graph->texts[code->names[i]];
        if (bsearch(&name, list, count, sizeof *list, compare_texts))
            return true;
    }
    return false;
}

static bool names_an_outward_reader(const struct graph *graph, const struct graph_code *code) {
    return names_one_of(graph, code, outward_readers,
                        sizeof outward_readers / sizeof *outward_readers);
}

bool liveness_reads_callers(const struct graph *graph, uint32_t code) {
    return names_an_outward_reader(graph, &graph->codes[code]);
}

static bool names_a_reader(const struct graph *graph, const struct graph_code *code) {
    return names_an_outward_reader(graph, code) ||
           names_one_of(graph, code, own_readers, sizeof own_readers / sizeof *own_readers);
}

/* super() without arguments reads the frame's first local; whatever it is called by, it needs
 * __class__. */
static bool may_call_super(const struct graph *graph, const struct graph_code *code) {
    for (uint32_t i = 0; i < code->local_count; i++)
        if (code->local_kinds[i] & GRAPH_FREE_VARIABLE &&
            strcmp(graph->texts[code->local_names[i]], "__class__") == 0)
            return true;
    return false;
}

/* -- What an instruction does to locals -------------------------------------------------------- */

struct access {
    uint32_t local;
    bool writes;
};

/* In the order in which they happen. */
static uint32_t accesses_of(const struct instruction *one, struct access *accesses) {
    const uint8_t *kinds = one->opcode->locals;
    if (kinds[0] == LOCAL_NONE)
        return 0;
    bool two = kinds[1] != LOCAL_NONE;
    accesses[0] =
        (struct access){two ? one->argument >> 4 : one->argument, kinds[0] == LOCAL_WRITE};
    accesses[1] = (struct access){one->argument & 15, kinds[1] == LOCAL_WRITE};
    return two ? 2 : 1;
}

static bool locals_are_valid(const struct bytecode *bytecode, uint32_t local_count) {
    for (uint32_t i = 0; i < bytecode->count; i++) {
        const struct instruction *one = &bytecode->instructions[i];
        struct access accesses[2];
        uint32_t count = accesses_of(one, accesses);
        for (uint32_t j = 0; j < count; j++)
            if (accesses[j].local >= local_count)
                return false;
        if (one->opcode->flags & OPCODE_CELL && one->argument >= local_count)
            return false;
    }
    return true;
}

/* -- Dataflow, 64 locals at a time ------------------------------------------------------------- */

struct pass {
    const struct bytecode *bytecode;
    uint64_t *live;    /* by instruction: what may be read from its beginning on */
    uint32_t word;     /* locals 64 * word and on */
    uint64_t returned; /* live where a finally block that was called may return to */
    uint64_t steps;
};

static uint64_t bit_of(const struct pass *pass, uint32_t local) {
    return local / 64 == pass->word ? 1ull << local % 64 : 0;
}

static uint64_t live_at(const struct pass *pass, uint32_t index) {
    return index < pass->bytecode->count ? pass->live[index] : 0;
}

/* What may be read after an instruction, along any edge but an exception's. */
static uint64_t live_after(const struct pass *pass, uint32_t index) {
    const struct instruction *one = &pass->bytecode->instructions[index];
    uint16_t flags = one->opcode->flags;
    uint64_t live = live_at(pass, one->jump);
    if (!(flags & (OPCODE_ENDS | OPCODE_CALLS_FINALLY)))
        live |= live_at(pass, index + 1);
    if (flags & OPCODE_RETURNS_FINALLY)
        live |= pass->returned;
    return live;
}

/* An exception may come before an instruction has written anything, so what the handler reads is
 * live before it too. */
static uint64_t live_before(const struct pass *pass, uint32_t index) {
    const struct instruction *one = &pass->bytecode->instructions[index];
    struct access accesses[2];
    uint64_t live = live_after(pass, index);
    for (uint32_t i = accesses_of(one, accesses); i-- > 0;) {
        uint64_t bit = bit_of(pass, accesses[i].local);
        live = accesses[i].writes ? live & ~bit : live | bit;
    }
    return live | live_at(pass, one->handler);
}

/* While the instruction is being executed: its own locals too, since it may not have read them yet,
 * or be busy destroying what was there before. */
static uint64_t live_within(const struct pass *pass, uint32_t index) {
    const struct instruction *one = &pass->bytecode->instructions[index];
    struct access accesses[2];
    uint64_t live = live_after(pass, index) | live_at(pass, one->handler);
    for (uint32_t i = accesses_of(one, accesses); i-- > 0;)
        live |= bit_of(pass, accesses[i].local);
    return live;
}

/* Until nothing changes; false when that takes too long. */
static bool spread(struct pass *pass) {
    for (bool changed = true; changed;) {
        changed = false;
        pass->steps += pass->bytecode->count;
        if (pass->steps > STEPS_MAX)
            return false;
        for (uint32_t i = pass->bytecode->count; i-- > 0;) {
            uint64_t live = live_before(pass, i);
            changed |= live != pass->live[i];
            pass->live[i] = live;
            if (pass->bytecode->instructions[i].opcode->flags & OPCODE_CALLS_FINALLY)
                pass->returned |= live_at(pass, i + 1);
        }
    }
    return true;
}

/* What all of one code object's positions share. */
struct question {
    const struct graph *graph;
    const struct graph_code *code;
    const struct bytecode *bytecode;
    bool *shared; /* by local: live everywhere */
};

/* Adds to `live` what may be read from the instruction on, of the pass's locals. */
static void take_live(const struct pass *pass, uint32_t index, uint32_t local_count, bool *live) {
    const struct bytecode *bytecode = pass->bytecode;
    uint64_t found = live_within(pass, index);
    if (bytecode->instructions[index].with_next && index + 1 < bytecode->count)
        found |= live_within(pass, index + 1);
    for (uint32_t i = 0; i < 64 && pass->word * 64 + i < local_count; i++)
        live[pass->word * 64 + i] |= found >> i & 1;
}

/* The code is gone through once for 64 locals, whatever the number of positions. False: memory ran
 * out, or it takes too long. */
static bool find_live(const struct question *question, const int32_t *positions, uint32_t count,
                      struct liveness *found) {
    const struct bytecode *bytecode = question->bytecode;
    uint32_t local_count = question->code->local_count;
    struct pass pass = {.bytecode = bytecode, .live = malloc(bytecode->count * sizeof *pass.live)};
    bool good = pass.live != NULL;
    for (; good && pass.word * 64 < local_count; pass.word++) {
        memset(pass.live, 0, bytecode->count * sizeof *pass.live);
        pass.returned = 0;
        good = spread(&pass);
        for (uint32_t i = 0; good && i < count; i++)
            if (found[i].why == LIVENESS_KNOWN)
                take_live(&pass, bytecode_at(bytecode, positions[i]), local_count, found[i].live);
    }
    free(pass.live);
    return good;
}

/* ---------------------------------------------------------------------------------------------- */

/* Locals that others can see, or that an instruction reads without saying so. */
static void find_shared(const struct question *question) {
    const struct graph_code *code = question->code;
    const struct bytecode *bytecode = question->bytecode;
    for (uint32_t i = 0; i < code->local_count; i++) {
        uint8_t kind = code->local_kinds[i];
        if (kind & (GRAPH_CELL_VARIABLE | GRAPH_FREE_VARIABLE) || !(kind & GRAPH_LOCAL))
            question->shared[i] = true;
    }
    for (uint32_t i = 0; i < bytecode->count; i++)
        if (bytecode->instructions[i].opcode->flags & OPCODE_CELL)
            question->shared[bytecode->instructions[i].argument] = true;
    if (code->local_count > 0 && may_call_super(question->graph, code))
        question->shared[0] = true;
}

/* Without what is live there; LIVENESS_KNOWN: that can be found. */
static enum liveness_why look_at(const struct question *question, bool names_reader,
                                 int32_t position, struct liveness *found) {
    uint32_t index = bytecode_at(question->bytecode, position);
    if (index == NO_INSTRUCTION || !question->bytecode->instructions[index].reached)
        return LIVENESS_POSITION;
    found->stack_depth = question->bytecode->instructions[index].depth;
    if (!(question->code->flags & CODE_OPTIMIZED))
        return LIVENESS_CODE;
    if (names_reader)
        return LIVENESS_NAMES;
    memcpy(found->live, question->shared, question->code->local_count * sizeof *found->live);
    return LIVENESS_KNOWN;
}

static void all_are(enum liveness_why why, uint32_t count, struct liveness *found) {
    for (uint32_t i = 0; i < count; i++)
        found[i].why = why;
}

static void find(const struct question *question, const int32_t *positions, uint32_t count,
                 struct liveness *found) {
    bool names_reader = names_a_reader(question->graph, question->code), any = false;
    find_shared(question);
    for (uint32_t i = 0; i < count; i++) {
        if (found[i].live)
            found[i].why = look_at(question, names_reader, positions[i], &found[i]);
        any |= found[i].why == LIVENESS_KNOWN;
    }
    if (!any || find_live(question, positions, count, found))
        return;
    for (uint32_t i = 0; i < count; i++)
        if (found[i].why == LIVENESS_KNOWN)
            found[i].why = LIVENESS_MEMORY;
}

static void find_in_whole(struct question *question, const int32_t *positions, uint32_t count,
                          struct liveness *found) {
    const struct graph_code *code = question->code;
    if (!locals_are_valid(question->bytecode, code->local_count)) {
        all_are(LIVENESS_DAMAGED, count, found);
        return;
    }
    question->shared = calloc(code->local_count + 1ul, sizeof *question->shared);
    if (question->shared)
        find(question, positions, count, found);
    free(question->shared);
}

static void read_and_find(const struct graph *graph, const struct graph_code *code,
                          const int32_t *positions, uint32_t count, struct liveness *found) {
    static const enum liveness_why whys[] = {
        [BYTECODE_VERSION] = LIVENESS_VERSION,
        [BYTECODE_DAMAGED] = LIVENESS_DAMAGED,
        [BYTECODE_MEMORY] = LIVENESS_MEMORY,
    };
    if (code->instruction_bytes == 0) {
        all_are(LIVENESS_CODE, count, found);
        return;
    }
    struct bytecode bytecode;
    enum bytecode_state state = bytecode_read(code, graph->python_minor, &bytecode);
    struct question question = {.graph = graph, .code = code, .bytecode = &bytecode};
    if (state == BYTECODE_WHOLE)
        find_in_whole(&question, positions, count, found);
    else
        all_are(whys[state], count, found);
    bytecode_release(&bytecode);
}

void liveness_find(const struct graph *graph, uint32_t code_number, const int32_t *positions,
                   uint32_t count, struct liveness *found) {
    const struct graph_code *code = &graph->codes[code_number];
    size_t locals = code->local_count ? code->local_count : 1;
    for (uint32_t i = 0; i < count; i++)
        found[i] = (struct liveness){
            .why = LIVENESS_MEMORY, .live = malloc(locals * sizeof(bool)), .stack_depth = -1};
    read_and_find(graph, code, positions, count, found);
    for (uint32_t i = 0; i < count; i++)
        if (found[i].why != LIVENESS_KNOWN && found[i].live)
            memset(found[i].live, true, locals * sizeof(bool));
}

void liveness_release(struct liveness *liveness) {
    free(liveness->live);
    *liveness = (struct liveness){.why = LIVENESS_MEMORY, .stack_depth = -1};
}
